/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common/properties.h"

/* Value types that own no memory. A table row has the fundamental type, the suffix of the GValue
 * functions and the C type of the member. */
#define SCALARS(X)                                                                             \
  X (BOOLEAN, boolean, gboolean)                                                               \
  X (INT, int, gint)                                                                           \
  X (UINT, uint, guint)                                                                        \
  X (UINT64, uint64, guint64)                                                                  \
  X (FLOAT, float, gfloat)                                                                     \
  X (DOUBLE, double, gdouble)                                                                  \
  X (ENUM, enum, gint)                                                                         \
  X (FLAGS, flags, guint)

static GQuark
get_offset_quark (void)
{
  return g_quark_from_static_string ("gst-lstm-property-offset");
}

/* Returns: (nullable): the member of @spec in @object; NULL for a property of another class */
static gpointer
find_member (gpointer object, GParamSpec *spec)
{
  const gsize offset = GPOINTER_TO_SIZE (g_param_spec_get_qdata (spec, get_offset_quark ()));

  return offset > 0 ? (guint8 *) object + offset : NULL;
}

/* Frees the value of @type in @member and sets the member to NULL. Does not change scalars. */
static void
free_value (gpointer member, GType type)
{
  gpointer *pointer = member;

  if (type == G_TYPE_STRING)
    g_clear_pointer (pointer, g_free);
  else if (G_TYPE_IS_BOXED (type) && *pointer)
    g_boxed_free (type, g_steal_pointer (pointer));
  else if (type == GST_TYPE_ARRAY && *pointer)
    g_array_unref (g_steal_pointer (pointer));
}

/* Returns: (nullable): the first item of the GstValueArray @value that is no number */
static const GValue *
find_no_number (const GValue *value)
{
  for (guint i = 0; i < gst_value_array_get_size (value); i++) {
    const GValue *item = gst_value_array_get_value (value, i);

    if (!g_value_type_transformable (G_VALUE_TYPE (item), G_TYPE_FLOAT))
      return item;
  }
  return NULL;
}

/* Returns: (transfer full): the numbers of the GstValueArray @value as gfloat */
static GArray *
make_numbers (const GValue *value)
{
  const guint n = gst_value_array_get_size (value);
  GArray *numbers = g_array_sized_new (FALSE, FALSE, sizeof (gfloat), n);

  for (guint i = 0; i < n; i++) {
    const GValue *item = gst_value_array_get_value (value, i);
    g_auto (GValue) number = G_VALUE_INIT;
    gfloat x;

    g_value_init (&number, G_TYPE_FLOAT);
    g_value_transform (item, &number);
    x = g_value_get_float (&number);
    g_array_append_val (numbers, x);
  }
  return numbers;
}

/* Sets @value, a GstValueArray, to @numbers of gfloat. */
static void
set_numbers (GValue *value, const GArray *numbers)
{
  for (guint i = 0; i < numbers->len; i++) {
    g_auto (GValue) number = G_VALUE_INIT;

    g_value_init (&number, G_TYPE_FLOAT);
    g_value_set_float (&number, g_array_index (numbers, gfloat, i));
    gst_value_array_append_value (value, &number);
  }
}

static void
store_value (gpointer member, const GValue *value)
{
  free_value (member, G_VALUE_TYPE (value));
  if (GST_VALUE_HOLDS_ARRAY (value)) {
    *(GArray **) member = make_numbers (value);
    return;
  }
  switch (G_TYPE_FUNDAMENTAL (G_VALUE_TYPE (value))) {
#define STORE(TYPE, name, ctype)                                                               \
  case G_TYPE_##TYPE:                                                                          \
    *(ctype *) member = g_value_get_##name (value);                                            \
    break;
    SCALARS (STORE)
#undef STORE
  case G_TYPE_STRING:
    *(gchar **) member = g_value_dup_string (value);
    break;
  case G_TYPE_BOXED:
    *(gpointer *) member = g_value_dup_boxed (value);
    break;
  default:
    g_assert (GST_VALUE_HOLDS_FRACTION (value));
    ((gint *) member)[0] = gst_value_get_fraction_numerator (value);
    ((gint *) member)[1] = gst_value_get_fraction_denominator (value);
  }
}

static void
load_value (gconstpointer member, GValue *value)
{
  if (GST_VALUE_HOLDS_ARRAY (value)) {
    set_numbers (value, *(GArray *const *) member);
    return;
  }
  switch (G_TYPE_FUNDAMENTAL (G_VALUE_TYPE (value))) {
#define LOAD(TYPE, name, ctype)                                                                \
  case G_TYPE_##TYPE:                                                                          \
    g_value_set_##name (value, *(const ctype *) member);                                       \
    break;
    SCALARS (LOAD)
#undef LOAD
  case G_TYPE_STRING:
    g_value_set_string (value, *(gchar *const *) member);
    break;
  case G_TYPE_BOXED:
    g_value_set_boxed (value, *(gconstpointer const *) member);
    break;
  default:
    g_assert (GST_VALUE_HOLDS_FRACTION (value));
    gst_value_set_fraction (value, ((const gint *) member)[0], ((const gint *) member)[1]);
  }
}

void
gst_lstm_property_set (gpointer object, GParamSpec *spec, const GValue *value)
{
  gpointer member = find_member (object, spec);
  const GValue *refused = GST_VALUE_HOLDS_ARRAY (value) ? find_no_number (value) : NULL;

  if (refused)
    g_warning ("%s: property %s: expected an array of numbers, found a value of type %s",
        GST_OBJECT_NAME (object), spec->name, G_VALUE_TYPE_NAME (refused));
  else if (member)
    store_value (member, value);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, 0, spec);
}

void
gst_lstm_property_get (gpointer object, GParamSpec *spec, GValue *value)
{
  gconstpointer member = find_member (object, spec);

  if (member)
    load_value (member, value);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, 0, spec);
}

static void
set_property_locked (GObject *object, guint id, const GValue *value, GParamSpec *spec)
{
  GST_OBJECT_LOCK (object);
  gst_lstm_property_set (object, spec, value);
  GST_OBJECT_UNLOCK (object);
}

static void
get_property_locked (GObject *object, guint id, GValue *value, GParamSpec *spec)
{
  GST_OBJECT_LOCK (object);
  gst_lstm_property_get (object, spec, value);
  GST_OBJECT_UNLOCK (object);
}

static guint
count_own_properties (GObjectClass *klass)
{
  guint n, n_own = 0;
  g_autofree GParamSpec **specs = g_object_class_list_properties (klass, &n);

  for (guint i = 0; i < n; i++)
    n_own += specs[i]->owner_type == G_OBJECT_CLASS_TYPE (klass);
  return n_own;
}

guint
gst_lstm_properties_install (
    GObjectClass *klass, gsize settings, const GstLstmProperty *properties, guint n_properties)
{
  const guint first_id = count_own_properties (klass) + 1;

  klass->set_property = set_property_locked;
  klass->get_property = get_property_locked;
  for (guint i = 0; i < n_properties; i++) {
    GParamSpec *spec = properties[i].spec;

    g_param_spec_set_qdata (
        spec, get_offset_quark (), GSIZE_TO_POINTER (settings + properties[i].offset));
    g_object_class_install_property (klass, first_id + i, spec);
    if (G_IS_PARAM_SPEC_ENUM (spec) || G_IS_PARAM_SPEC_FLAGS (spec))
      gst_type_mark_as_plugin_api (spec->value_type, 0);
  }
  return first_id + n_properties;
}

/* Calls @visit for the member of each property in the tables of the class of @object. */
static void
for_each_member (gpointer object, void (*visit) (gpointer member, GParamSpec *spec))
{
  guint n;
  g_autofree GParamSpec **specs = g_object_class_list_properties (
      G_OBJECT_GET_CLASS (object), &n);

  for (guint i = 0; i < n; i++) {
    gpointer member = find_member (object, specs[i]);

    if (member)
      visit (member, specs[i]);
  }
}

static void
store_default (gpointer member, GParamSpec *spec)
{
  store_value (member, g_param_spec_get_default_value (spec));
}

static void
free_member (gpointer member, GParamSpec *spec)
{
  free_value (member, G_PARAM_SPEC_VALUE_TYPE (spec));
}

void
gst_lstm_properties_init (gpointer object)
{
  for_each_member (object, store_default);
}

void
gst_lstm_properties_clear (gpointer object)
{
  for_each_member (object, free_member);
}
