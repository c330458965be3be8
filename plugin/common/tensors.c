/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common/tensors.h"
#include "common/dimensions.h"
#include "common/errors.h"

#define MAX_ITEM_SIZE sizeof (guint64)
#define DIMENSIONS "d, d:T or d:T:bs"
#define GATES_DIMENSIONS "m:g, m:g:T or m:g:T:bs with g = 3 or 4 for gates"

#define FORMAT GST_LSTM_STREAM (FORMAT)

/* A media type of static tensors, and the names of its fields */
typedef struct {
  const gchar *media_type;
  const gchar *format; /* nullable: the field does not exist */
  const gchar *types, *dimensions;
} FieldNames;

/* NNStreamer has two types of static tensors. The second type is older and has one tensor. */
static const FieldNames media_types[] = {
    {"other/tensors", "format", "types", "dimensions"},
    {"other/tensor", NULL, "type", "dimension"},
};

static const FieldNames *
find_names (const GstStructure *s)
{
  for (guint i = 0; i < G_N_ELEMENTS (media_types); i++)
    if (gst_structure_has_name (s, media_types[i].media_type))
      return &media_types[i];
  return NULL;
}

gboolean
gst_lstm_tensors_matches (const GstStructure *s)
{
  return find_names (s) != NULL;
}

const gchar *
gst_lstm_tensors_get_dimensions_field (const GstStructure *s)
{
  return find_names (s)->dimensions;
}

/* Parses @text, which is the caps field @field. @d: see gst_lstm_dimensions_add(). */
static gboolean
parse_dimensions (GstLstmDimensions *dims, const gchar *text, const gchar *field,
    gboolean is_gates, gsize d, GError **error)
{
  g_auto (GStrv) parts = g_strsplit (text, ":", -1);

  *dims = GST_LSTM_DIMENSIONS_INIT;
  for (guint i = 0; parts[i]; i++) {
    guint64 n;

    if (i == GST_LSTM_MAX_RANK
        || !g_ascii_string_to_unsigned (g_strstrip (parts[i]), 10, 1, G_MAXINT32, &n, NULL)
        || !gst_lstm_dimensions_add (dims, (guint) n, is_gates, d))
      return gst_lstm_fail (error, FORMAT,
          "caps field %s: expected %s with sizes from 1 to %d, found '%s'", field,
          is_gates ? GATES_DIMENSIONS : DIMENSIONS, G_MAXINT32, text);
  }
  if (parts[0] && (!is_gates || dims->n_rows == 3 || dims->n_rows == 4))
    return TRUE;
  return gst_lstm_fail (error, FORMAT, "caps field %s: expected %s, found '%s'", field,
      is_gates ? GATES_DIMENSIONS : DIMENSIONS, text);
}

/* Splits a caps field that has one entry per tensor. NNStreamer joins dimensions with ',' or
 * '.'. */
static GStrv
split_field (
    const GstStructure *s, const gchar *field, const gchar *separators, guint n, GError **error)
{
  const GValue *value = gst_structure_get_value (s, field);
  const gchar *text = gst_structure_get_string (s, field);
  g_auto (GStrv) parts = text ? g_strsplit_set (text, separators, -1) : NULL;

  if (!parts) { /* dimensions=9 on a command line is an int */
    gst_lstm_fail (error, FORMAT, "caps field %s: expected a string, as %s=(string)…, found %s",
        field, field, value ? G_VALUE_TYPE_NAME (value) : "nothing");
    return NULL;
  }
  if (g_strv_length (parts) != n) {
    gst_lstm_fail (error, FORMAT,
        "caps field %s: expected %u entries (num_tensors), found '%s'", field, n, text);
    return NULL;
  }
  return g_steal_pointer (&parts);
}

/* The caps fields of static tensors, one entry per tensor */
typedef struct {
  const FieldNames *field_names;
  guint n_tensors;
  GStrv types, dimensions;
  GStrv names; /* nullable */
} Fields;

static void
clear_fields (Fields *fields)
{
  g_strfreev (fields->types);
  g_strfreev (fields->dimensions);
  g_strfreev (fields->names);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Fields, clear_fields)

/* Reads the number of tensors. @s has the media type of @fields. */
static gboolean
read_n_tensors (Fields *fields, const GstStructure *s, GError **error)
{
  const gchar *format;
  gint n = 0;

  fields->n_tensors = 1;
  if (!fields->field_names->format)
    return TRUE;
  format = gst_structure_get_string (s, fields->field_names->format);
  if (g_strcmp0 (format, "static") != 0)
    return gst_lstm_fail (
        error, FORMAT, "caps field format: expected static, found '%s'", GST_STR_NULL (format));
  if (!gst_structure_get_int (s, "num_tensors", &n) || n < 1 || n > GST_LSTM_MAX_TENSORS)
    return gst_lstm_fail (error, FORMAT, "caps field num_tensors: expected 1 to %d, found %d",
        GST_LSTM_MAX_TENSORS, n);
  fields->n_tensors = (guint) n;
  return TRUE;
}

static gboolean
read_fields (Fields *fields, const GstStructure *s, GError **error)
{
  const FieldNames *names = find_names (s);

  *fields = (Fields){.field_names = names};
  if (!names)
    return gst_lstm_fail (error, FORMAT,
        "caps: expected other/tensors or other/tensor, found %s", gst_structure_get_name (s));
  return read_n_tensors (fields, s, error)
         && (fields->types = split_field (s, names->types, ",", fields->n_tensors, error))
         && (fields->dimensions = split_field (
                 s, names->dimensions, ",.", fields->n_tensors, error))
         && (!gst_structure_has_field (s, "names")
             || (fields->names = split_field (s, "names", ",", fields->n_tensors, error)));
}

/* Reads tensor @from of @fields, whose vectors have @d values (0: unknown), into tensor @to of
 * @tensors. Tensor 0 sets the numbers of steps and streams, which the other tensors must match. */
static gboolean
parse_tensor (GstLstmTensors *tensors, guint to, const Fields *fields, guint from, gsize d,
    GError **error)
{
  const gchar *name = fields->names ? g_strstrip (fields->names[from]) : NULL;
  const gchar *text = fields->dimensions[from], *field = fields->field_names->dimensions;
  GstLstmDimensions dims;

  if (!parse_dimensions (&dims, text, field, g_strcmp0 (name, GST_LSTM_GATES) == 0, d, error))
    return FALSE;
  if (to == 0) {
    tensors->steps = dims.steps;
    tensors->streams = dims.streams;
  } else if (dims.steps != tensors->steps || dims.streams != tensors->streams) {
    return gst_lstm_fail (error, FORMAT,
        "caps field %s: expected steps %u and streams %u in every tensor, found '%s'", field,
        tensors->steps, tensors->streams, text);
  }
  if ((guint64) dims.steps * dims.streams
      > G_MAXSSIZE / MAX_ITEM_SIZE / dims.size / dims.n_rows)
    return gst_lstm_fail (error, FORMAT,
        "caps field %s: expected a tensor that fits into memory, found '%s'", field, text);
  tensors->size[to] = dims.size;
  tensors->n_rows[to] = dims.n_rows;
  tensors->name[to] = name ? g_intern_string (name) : NULL;
  return TRUE;
}

void
gst_lstm_tensors_init (GstLstmTensors *tensors, guint size, const GstStructure *s)
{
  *tensors = (GstLstmTensors){
      .n_tensors = 1, .size = {size}, .n_rows = {1}, .steps = 1, .streams = 1, .fps_d = 1};
  gst_structure_get_fraction (s, "framerate", &tensors->fps_n, &tensors->fps_d);
}

gboolean
gst_lstm_tensors_from_caps (GstLstmTensors *tensors, const GstCaps *caps, GError **error)
{
  const GstStructure *s;
  g_auto (Fields) fields = {0};

  if (!caps || !gst_caps_is_fixed (caps))
    return gst_lstm_fail (
        error, FORMAT, "caps: expected fixed caps, found '%" GST_PTR_FORMAT "'", caps);
  s = gst_caps_get_structure (caps, 0);
  if (!read_fields (&fields, s, error))
    return FALSE;
  gst_lstm_tensors_init (tensors, 0, s);
  tensors->n_tensors = fields.n_tensors;
  for (guint i = 0; i < fields.n_tensors; i++) {
    if (!g_str_equal (g_strstrip (fields.types[i]), "float32"))
      return gst_lstm_fail (error, FORMAT, "caps field %s: expected float32, found '%s'",
          fields.field_names->types, fields.types[i]);
    if (!parse_tensor (tensors, i, &fields, i, 0, error))
      return FALSE;
  }
  return TRUE;
}

gboolean
gst_lstm_tensors_select (GstLstmTensors *tensor, GstLstmTensorRef *ref, const GstStructure *s,
    gint index, gsize d, GError **error)
{
  g_auto (Fields) fields = {0};

  if (!read_fields (&fields, s, error))
    return FALSE;
  if (index < 0 && fields.n_tensors > 1)
    return gst_lstm_fail (error, FORMAT,
        "caps field num_tensors: expected 1 if property input-tensor-index is not set, found "
        "%u",
        fields.n_tensors);
  if (index >= (gint) fields.n_tensors)
    return gst_lstm_fail (error, FORMAT,
        "caps field num_tensors: expected at least %d for property input-tensor-index %d, "
        "found %u",
        index + 1, index, fields.n_tensors);
  ref->n_tensors = fields.n_tensors;
  ref->index = (guint) MAX (index, 0);
  ref->type = gst_lstm_type_from_tensors (g_strstrip (fields.types[ref->index]));
  if (!ref->type)
    return gst_lstm_fail (error, FORMAT,
        "caps field %s: expected float16, float32, float64, or int or uint of 8 to 64 bits, "
        "found '%s'",
        fields.field_names->types, fields.types[ref->index]);
  gst_lstm_tensors_init (tensor, 0, s);
  return parse_tensor (tensor, 0, &fields, ref->index, d, error);
}

/* Returns the caps field dimensions. A tensor has at least @min_rank dimensions. Gates, which have
 * one dimension more, have one more than @min_rank if it is less than 4. */
static gchar *
spell_dimensions (const GstLstmTensors *tensors, guint min_rank)
{
  const guint natural_rank = tensors->streams > 1 ? 3 : tensors->steps > 1 ? 2 : 1;
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < tensors->n_tensors; i++) {
    const guint sizes[] = {tensors->size[i], tensors->steps, tensors->streams, 1};
    const guint has_rows = tensors->n_rows[i] > 1;
    guint rank = MAX (natural_rank, min_rank);

    if (has_rows && rank == G_N_ELEMENTS (sizes))
      rank--;
    g_string_append_printf (text, i ? ",%u" : "%u", sizes[0]);
    if (has_rows)
      g_string_append_printf (text, ":%u", tensors->n_rows[i]);
    for (guint k = 1; k < rank; k++)
      g_string_append_printf (text, ":%u", sizes[k]);
  }
  return g_string_free (text, FALSE);
}

static GstStructure *
make_structure (const GstLstmTensors *tensors, const gchar *dimensions)
{
  GString *types = g_string_new ("float32");
  GString *names = g_string_new (tensors->name[0]);
  GstStructure *s;

  for (guint i = 1; i < tensors->n_tensors; i++) {
    g_string_append (types, ",float32");
    if (tensors->name[i])
      g_string_append_printf (names, ",%s", tensors->name[i]);
  }
  s = gst_structure_new ("other/tensors", "format", G_TYPE_STRING, "static", "num_tensors",
      G_TYPE_INT, (gint) tensors->n_tensors, "types", G_TYPE_STRING, types->str, "dimensions",
      G_TYPE_STRING, dimensions, "framerate", GST_TYPE_FRACTION, tensors->fps_n, tensors->fps_d,
      NULL);
  if (tensors->name[0])
    gst_structure_set (s, "names", G_TYPE_STRING, names->str, NULL);
  g_string_free (types, TRUE);
  g_string_free (names, TRUE);
  return s;
}

GstCaps *
gst_lstm_tensors_to_caps (const GstLstmTensors *tensors)
{
  static const guint ranks[] = {2, 1, 3, 4};
  g_autofree gchar *previous = NULL;
  GstCaps *caps = gst_caps_new_empty ();

  for (guint i = 0; i < G_N_ELEMENTS (ranks); i++) {
    g_autofree gchar *dimensions = spell_dimensions (tensors, ranks[i]);

    if (g_strcmp0 (dimensions, previous) == 0)
      continue; /* lower ranks have the same spelling */
    gst_caps_append_structure (caps, make_structure (tensors, dimensions));
    g_free (previous);
    previous = g_steal_pointer (&dimensions);
  }
  return caps;
}

GstCaps *
gst_lstm_tensors_to_open_caps (const GstLstmTensors *tensors)
{
  GstStructure *s = make_structure (tensors, "");
  GstCaps *caps = gst_caps_new_empty ();

  gst_structure_remove_field (s, "dimensions");
  gst_caps_append_structure (caps, s);
  if (tensors->n_tensors == 1) {
    g_autofree gchar *dimensions = spell_dimensions (tensors, 2);

    s = gst_structure_new ("other/tensor", "type", G_TYPE_STRING, "float32", "framerate",
        GST_TYPE_FRACTION, tensors->fps_n, tensors->fps_d, NULL);
    gst_structure_set (s, "dimension", G_TYPE_STRING, dimensions, NULL);
    gst_caps_append_structure (caps, gst_structure_copy (s));
    gst_structure_remove_field (s, "dimension");
    gst_caps_append_structure (caps, s);
  }
  return caps;
}

gboolean
gst_lstm_tensors_fit (const GstLstmTensors *tensors, const GstStructure *s)
{
  g_auto (Fields) fields = {0};
  GstLstmDimensions dims;

  if (!read_fields (&fields, s, NULL) || fields.n_tensors != tensors->n_tensors)
    return FALSE;
  for (guint i = 0; i < fields.n_tensors; i++)
    if (!g_str_equal (g_strstrip (fields.types[i]), "float32")
        || !parse_dimensions (
            &dims, fields.dimensions[i], "", tensors->n_rows[i] > 1, tensors->size[i], NULL)
        || dims.size != tensors->size[i] || dims.n_rows != tensors->n_rows[i]
        || dims.steps != tensors->steps || dims.streams != tensors->streams)
      return FALSE;
  return TRUE;
}

GstCaps *
gst_lstm_caps_filter (GstCaps *caps, GstCaps *filter)
{
  GstCaps *filtered;

  if (!filter)
    return caps;
  filtered = gst_caps_intersect_full (filter, caps, GST_CAPS_INTERSECT_FIRST);
  gst_caps_unref (caps);
  return filtered;
}

GstClockTime
gst_lstm_tensors_get_step_offset (const GstLstmTensors *tensors, guint64 i)
{
  return tensors->fps_n > 0
             ? gst_util_uint64_scale (i, (guint64) tensors->fps_d * GST_SECOND, tensors->fps_n)
             : 0;
}

gboolean
gst_lstm_tensors_check_memory (const GstLstmTensors *tensors, guint i,
    const GstLstmTensorRef *ref, GstBuffer *buffer, GError **error)
{
  const guint n = gst_buffer_n_memory (buffer);
  gsize expected, found;

  if (ref->n_tensors > 1 && n != ref->n_tensors)
    return gst_lstm_fail (error, FORMAT,
        "buffer: expected %u memories, one per tensor, found %u", ref->n_tensors, n);
  expected = gst_lstm_tensors_get_bytes (tensors, i) / sizeof (gfloat) * ref->type->size;
  /* Parsers and networks may output one tensor in several memories. */
  found = ref->n_tensors == 1
              ? gst_buffer_get_size (buffer)
              : gst_memory_get_sizes (gst_buffer_peek_memory (buffer, ref->index), NULL, NULL);
  return found == expected
         || gst_lstm_fail (error, FORMAT,
             "buffer: tensor %u: expected %" G_GSIZE_FORMAT " bytes (%s, dimensions %u:%u:%u), "
             "found %" G_GSIZE_FORMAT,
             ref->index, expected, ref->type->tensors, tensors->size[i] * tensors->n_rows[i],
             tensors->steps, tensors->streams, found);
}

gboolean
gst_lstm_tensors_check_buffer (const GstLstmTensors *tensors, GstBuffer *buffer, GError **error)
{
  GstLstmTensorRef ref = {
      gst_lstm_type_from_number (GST_LSTM_TYPE_FLOAT32), 0, tensors->n_tensors};

  for (; ref.index < tensors->n_tensors; ref.index++)
    if (!gst_lstm_tensors_check_memory (tensors, ref.index, &ref, buffer, error))
      return FALSE;
  return TRUE;
}
