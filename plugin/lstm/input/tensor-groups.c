/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lstm/input/tensor-groups.h"

#if GST_CHECK_VERSION(1, 28, 0)
/* --- Reading --- */

/* Returns: (nullable): the groups of @s */
static const GstStructure *
find_groups (const GstStructure *s)
{
  const GValue *groups = gst_structure_get_value (s, "tensors");

  return groups && GST_VALUE_HOLDS_STRUCTURE (groups) ? gst_value_get_structure (groups) : NULL;
}

/* Reads the dimensions of @s into @tensor, if they are fixed numbers. */
static void
read_dims (GstLstmGroupTensor *tensor, const GstStructure *s)
{
  const GValue *dims = gst_structure_get_value (s, "dims");
  const guint n = dims && GST_VALUE_HOLDS_ARRAY (dims) ? gst_value_array_get_size (dims) : 0;

  if (n > GST_LSTM_GROUP_MAX_DIMS)
    return;
  for (guint i = 0; i < n; i++) {
    const GValue *dim = gst_value_array_get_value (dims, i);

    if (!G_VALUE_HOLDS_INT (dim) || g_value_get_int (dim) < 0)
      return;
    tensor->dims[i] = (gsize) g_value_get_int (dim);
  }
  tensor->n_dims = n;
}

static GQuark
read_id (const GstStructure *s)
{
  return g_quark_from_string (gst_structure_get_string (s, "tensor-id"));
}

typedef struct {
  GstLstmVisitGroupTensor visit;
  gpointer data;
} Visitor;

/* Visits the tensor @value. Several structures are alternatives, as in templates. */
static void
visit_tensor (const gchar *group, const GValue *value, const Visitor *visitor)
{
  const GstCaps *caps = G_VALUE_HOLDS (value, GST_TYPE_CAPS) ? gst_value_get_caps (value)
                                                             : NULL;
  const guint n = caps ? gst_caps_get_size (caps) : 0;

  for (guint i = 0; i < n; i++) {
    const GstStructure *s = gst_caps_get_structure (caps, i);
    GstLstmGroupTensor tensor = {.id = read_id (s)};

    if (n == 1)
      read_dims (&tensor, s);
    tensor.row_major = g_strcmp0 (gst_structure_get_string (s, "dims-order"), "row-major") == 0;
    visitor->visit (group, &tensor, visitor->data);
  }
}

static gboolean
visit_group (const GstIdStr *field, const GValue *value, gpointer data)
{
  const gchar *group = gst_id_str_as_str (field);

  if (G_VALUE_TYPE (value) != GST_TYPE_UNIQUE_LIST)
    visit_tensor (group, value, data);
  else
    for (guint i = 0; i < gst_value_unique_list_get_size (value); i++)
      visit_tensor (group, gst_value_unique_list_get_value (value, i), data);
  return TRUE;
}

void
gst_lstm_tensor_groups_visit (
    const GstStructure *s, GstLstmVisitGroupTensor visit, gpointer data)
{
  const GstStructure *groups = find_groups (s);
  Visitor visitor = {visit, data};

  if (groups)
    gst_structure_foreach_id_str (groups, visit_group, &visitor);
}

/* --- Writing --- */

/* Returns: (transfer full): the caps of a tensor */
static GstCaps *
make_tensor_caps (GQuark id, const gsize *dims, gsize n_dims)
{
  GstCaps *caps = gst_caps_new_simple ("tensor/strided", "tensor-id", G_TYPE_STRING,
      g_quark_to_string (id), "dims-order", G_TYPE_STRING, "row-major", "type", G_TYPE_STRING,
      "float32", NULL);
  GValue array = G_VALUE_INIT;

  g_value_init (&array, GST_TYPE_ARRAY);
  for (gsize i = 0; i < n_dims; i++) {
    GValue dim = G_VALUE_INIT;

    g_value_init (&dim, dims[i] ? G_TYPE_INT : GST_TYPE_INT_RANGE);
    if (dims[i])
      g_value_set_int (&dim, (gint) dims[i]);
    else
      gst_value_set_int_range (&dim, 1, G_MAXINT);
    gst_value_array_append_and_take_value (&array, &dim);
  }
  gst_structure_take_value (gst_caps_get_structure (caps, 0), "dims", &array);
  return caps;
}

/* Sets the groups of @caps, or removes the field if @groups (transfer full) has none. */
static void
set_groups (GstCaps *caps, GstStructure *groups)
{
  if (gst_structure_n_fields (groups) > 0)
    gst_caps_set_simple (caps, "tensors", GST_TYPE_STRUCTURE, groups, NULL);
  else
    gst_structure_remove_field (gst_caps_get_structure (caps, 0), "tensors");
  gst_structure_free (groups);
}

void
gst_lstm_tensor_groups_add (GstCaps *caps, GQuark id, const gsize *dims, gsize n_dims)
{
  const gchar *group = g_quark_to_string (id);
  const GstStructure *present = find_groups (gst_caps_get_structure (caps, 0));
  GstStructure *groups = present ? gst_structure_copy (present)
                                 : gst_structure_new_empty ("tensorgroups");
  const GValue *others = gst_structure_get_value (groups, group);
  GValue tensor = G_VALUE_INIT, list = G_VALUE_INIT, all = G_VALUE_INIT;

  g_value_init (&tensor, GST_TYPE_CAPS);
  g_value_take_boxed (&tensor, make_tensor_caps (id, dims, n_dims));
  g_value_init (&list, GST_TYPE_UNIQUE_LIST);
  gst_value_unique_list_append_and_take_value (&list, &tensor);
  if (others) {
    gst_value_unique_list_concat (&all, others, &list);
    g_value_unset (&list);
  } else {
    all = list;
  }
  gst_structure_take_value (groups, group, &all);
  set_groups (caps, groups);
}

/* Returns whether @value is a tensor that can have @id. */
static gboolean
can_have_id (const GValue *value, GQuark id)
{
  g_autoptr (GstCaps) caps = gst_caps_new_simple (
      "tensor/strided", "tensor-id", G_TYPE_STRING, g_quark_to_string (id), NULL);

  return G_VALUE_HOLDS (value, GST_TYPE_CAPS)
         && gst_caps_can_intersect (gst_value_get_caps (value), caps);
}

/* Appends the tensors of @group without @id to @list. */
static void
copy_other_tensors (GValue *list, const GValue *group, GQuark id)
{
  const gboolean is_list = G_VALUE_TYPE (group) == GST_TYPE_UNIQUE_LIST;
  const guint n = is_list ? gst_value_unique_list_get_size (group) : 1;

  for (guint i = 0; i < n; i++) {
    const GValue *tensor = is_list ? gst_value_unique_list_get_value (group, i) : group;

    if (!can_have_id (tensor, id))
      gst_value_unique_list_append_value (list, tensor);
  }
}

void
gst_lstm_tensor_groups_remove (GstCaps *caps, GQuark id)
{
  const GstStructure *present = find_groups (gst_caps_get_structure (caps, 0));
  const gchar *name = g_quark_to_string (id);
  const GValue *group = present ? gst_structure_get_value (present, name) : NULL;
  GstStructure *groups;
  GValue others = G_VALUE_INIT;

  if (!group)
    return;
  g_value_init (&others, GST_TYPE_UNIQUE_LIST);
  copy_other_tensors (&others, group, id);
  groups = gst_structure_copy (present);
  if (gst_value_unique_list_get_size (&others) > 0) {
    gst_structure_take_value (groups, name, &others);
  } else {
    g_value_unset (&others);
    gst_structure_remove_field (groups, name);
  }
  set_groups (caps, groups);
}
#else
void
gst_lstm_tensor_groups_visit (
    const GstStructure *s, GstLstmVisitGroupTensor visit, gpointer data)
{
}

void
gst_lstm_tensor_groups_add (GstCaps *caps, GQuark id, const gsize *dims, gsize n_dims)
{
}

void
gst_lstm_tensor_groups_remove (GstCaps *caps, GQuark id)
{
}
#endif
