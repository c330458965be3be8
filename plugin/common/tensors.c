/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common/tensors.h"
#include "common/errors.h"

#define MAX_DIMS 4 /* size, rows, steps, streams */
#define MAX_ITEM_SIZE sizeof (guint64)

#define FORMAT GST_LSTM_STREAM (FORMAT)

/* "40:60:5" -> {40, 1, 60, 5}, and "40:4:60:5" -> {40, 4, 60, 5} for gates; what is beyond must
 * be 1, as trailing ones mean nothing. Nor do leading ones before vectors of @d values (0: of any),
 * but for gates, where a one may be m. */
static gboolean
parse_dimensions (
    const gchar *text, gboolean gates, gsize d, guint dims[MAX_DIMS], GError **error)
{
  g_auto (GStrv) parts = g_strsplit (text, ":", -1);
  gchar **sizes = parts;

  for (guint i = 0; i < MAX_DIMS; i++)
    dims[i] = 1;
  while (d > 1 && !gates && *sizes && g_str_equal (g_strstrip (*sizes), "1"))
    sizes++;
  for (guint i = 0; sizes[i]; i++) {
    const guint at = i > 0 && !gates ? i + 1 : i;
    guint64 n;

    if (!g_ascii_string_to_unsigned (g_strstrip (sizes[i]), 10, 1, G_MAXINT32, &n, NULL)
        || (at >= MAX_DIMS && n != 1))
      return gst_lstm_fail (error, FORMAT,
          "caps field dimensions: expected %s with sizes from 1 to %d, got '%s'",
          gates ? "m:4, m:4:T or m:4:T:bs for gates" : "d, d:T or d:T:bs", G_MAXINT32, text);
    if (at < MAX_DIMS)
      dims[at] = (guint) n;
  }
  if (parts[0] && dims[1] == (gates ? GST_LSTM_GATES_ROWS : 1))
    return TRUE;
  return gst_lstm_fail (error, FORMAT, "caps field dimensions: expected %s, got '%s'",
      gates ? "m:4, m:4:T or m:4:T:bs for gates" : "d, d:T or d:T:bs", text);
}

/* Splits a field that has one entry per tensor. NNStreamer joins dimensions with ',' or '.'. */
static GStrv
split_field (
    const GstStructure *s, const gchar *field, const gchar *separators, guint n, GError **error)
{
  const GValue *value = gst_structure_get_value (s, field);
  const gchar *text = gst_structure_get_string (s, field);
  g_auto (GStrv) parts = text ? g_strsplit_set (text, separators, -1) : NULL;

  if (!parts) { /* dimensions=9 of a command line is an int */
    gst_lstm_fail (error, FORMAT, "caps field %s: expected a string, as %s=(string)…, got %s",
        field, field, value ? G_VALUE_TYPE_NAME (value) : "nothing");
    return NULL;
  }
  if (g_strv_length (parts) != n) {
    gst_lstm_fail (error, FORMAT, "caps field %s: expected %u entries (num_tensors), got '%s'",
        field, n, text);
    return NULL;
  }
  return g_steal_pointer (&parts);
}

/* The fields of static caps, an entry for each tensor */
typedef struct {
  guint n;
  GStrv types, dimensions, names; /* names: NULL without the field */
} Fields;

static void
fields_clear (Fields *fields)
{
  g_strfreev (fields->types);
  g_strfreev (fields->dimensions);
  g_strfreev (fields->names);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Fields, fields_clear)

static gboolean
fields_read (Fields *fields, const GstStructure *s, GError **error)
{
  const gchar *format = gst_structure_get_string (s, "format");
  gint n = 0;

  *fields = (Fields){0};
  if (!gst_structure_has_name (s, "other/tensors"))
    return gst_lstm_fail (
        error, FORMAT, "caps: expected other/tensors, got %s", gst_structure_get_name (s));
  if (g_strcmp0 (format, "static") != 0)
    return gst_lstm_fail (
        error, FORMAT, "caps field format: expected static, got '%s'", GST_STR_NULL (format));
  if (!gst_structure_get_int (s, "num_tensors", &n) || n < 1 || n > GST_LSTM_MAX_TENSORS)
    return gst_lstm_fail (error, FORMAT, "caps field num_tensors: expected 1 to %d, got %d",
        GST_LSTM_MAX_TENSORS, n);
  fields->n = (guint) n;
  return (fields->types = split_field (s, "types", ",", fields->n, error))
         && (fields->dimensions = split_field (s, "dimensions", ",.", fields->n, error))
         && (!gst_structure_has_field (s, "names")
             || (fields->names = split_field (s, "names", ",", fields->n, error)));
}

/* Tensor @from of @fields, of vectors of @d values (0: of any), becomes number @to; the first one says
 * what steps and streams are. */
static gboolean
parse_tensor (GstLstmTensors *tensors, guint to, const Fields *fields, guint from, gsize d,
    GError **error)
{
  const gchar *name = fields->names ? g_strstrip (fields->names[from]) : NULL;
  const gchar *dimensions = fields->dimensions[from];
  guint dims[MAX_DIMS];

  if (!parse_dimensions (dimensions, g_strcmp0 (name, GST_LSTM_GATES) == 0, d, dims, error))
    return FALSE;
  if (to == 0) {
    tensors->steps = dims[2];
    tensors->streams = dims[3];
  } else if (dims[2] != tensors->steps || dims[3] != tensors->streams) {
    return gst_lstm_fail (error, FORMAT,
        "caps field dimensions: expected steps %u and streams %u in every tensor, got '%s'",
        tensors->steps, tensors->streams, dimensions);
  }
  if ((guint64) dims[2] * dims[3] > G_MAXSSIZE / MAX_ITEM_SIZE / dims[0] / dims[1])
    return gst_lstm_fail (
        error, FORMAT, "caps field dimensions: '%s' is more than memory can hold", dimensions);
  tensors->size[to] = dims[0];
  tensors->rows[to] = dims[1];
  tensors->name[to] = name ? g_intern_string (name) : NULL;
  return TRUE;
}

void
gst_lstm_tensors_init (GstLstmTensors *tensors, guint size, const GstStructure *s)
{
  *tensors = (GstLstmTensors){
      .n_tensors = 1, .size = {size}, .rows = {1}, .steps = 1, .streams = 1, .fps_d = 1};
  gst_structure_get_fraction (s, "framerate", &tensors->fps_n, &tensors->fps_d);
}

gboolean
gst_lstm_tensors_from_caps (GstLstmTensors *tensors, const GstCaps *caps, GError **error)
{
  const GstStructure *s;
  g_auto (Fields) fields = {0};

  if (!caps || !gst_caps_is_fixed (caps))
    return gst_lstm_fail (
        error, FORMAT, "caps: expected fixed caps, got '%" GST_PTR_FORMAT "'", caps);
  s = gst_caps_get_structure (caps, 0);
  if (!fields_read (&fields, s, error))
    return FALSE;
  gst_lstm_tensors_init (tensors, 0, s);
  tensors->n_tensors = fields.n;
  for (guint i = 0; i < fields.n; i++) {
    if (!g_str_equal (g_strstrip (fields.types[i]), "float32"))
      return gst_lstm_fail (
          error, FORMAT, "caps field types: expected float32, got '%s'", fields.types[i]);
    if (!parse_tensor (tensors, i, &fields, i, 0, error))
      return FALSE;
  }
  return TRUE;
}

gboolean
gst_lstm_tensors_pick (GstLstmTensors *tensor, GstLstmPlace *place, const GstStructure *s,
    gint which, gsize d, GError **error)
{
  g_auto (Fields) fields = {0};

  if (!fields_read (&fields, s, error))
    return FALSE;
  if (which < 0 && fields.n > 1)
    return gst_lstm_fail (error, FORMAT,
        "caps field num_tensors: expected 1, or property input-tensor to pick one, got %u",
        fields.n);
  if (which >= (gint) fields.n)
    return gst_lstm_fail (error, FORMAT,
        "caps field num_tensors: expected %d at least, for property input-tensor is %d, got %u",
        which + 1, which, fields.n);
  place->n_tensors = fields.n;
  place->index = (guint) MAX (which, 0);
  place->type = gst_lstm_type_from_tensors (g_strstrip (fields.types[place->index]));
  if (!place->type)
    return gst_lstm_fail (error, FORMAT,
        "caps field types: expected float16, float32, float64, or int or uint of 8 to 64 bits, "
        "got '%s'",
        fields.types[place->index]);
  gst_lstm_tensors_init (tensor, 0, s);
  return parse_tensor (tensor, 0, &fields, place->index, d, error);
}

/* One entry per tensor with at least @min_dims dimensions spelled out. */
static gchar *
spell_dimensions (const GstLstmTensors *tensors, guint min_dims)
{
  const guint n = tensors->streams > 1 ? 3 : tensors->steps > 1 ? 2 : 1;
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < tensors->n_tensors; i++) {
    const guint dims[] = {tensors->steps, tensors->streams, 1};

    g_string_append_printf (text, i ? ",%u" : "%u", tensors->size[i]);
    if (tensors->rows[i] > 1)
      g_string_append_printf (text, ":%u", tensors->rows[i]);
    for (guint k = 1; k < MAX (n, min_dims) && k + (tensors->rows[i] > 1) < MAX_DIMS; k++)
      g_string_append_printf (text, ":%u", dims[k - 1]);
  }
  return g_string_free (text, FALSE);
}

static GstStructure *
structure_new (const GstLstmTensors *tensors, const gchar *dimensions)
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
  static const guint spellings[] = {2, 1, 3, 4}; /* least dimensions spelled out */
  GstCaps *caps = gst_caps_new_empty ();

  for (guint i = 0; i < G_N_ELEMENTS (spellings); i++) {
    g_autofree gchar *dimensions = spell_dimensions (tensors, spellings[i]);

    /* Merging drops a spelling that stands already. */
    caps = gst_caps_merge_structure (caps, structure_new (tensors, dimensions));
  }
  return caps;
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

gsize
gst_lstm_tensors_bytes (const GstLstmTensors *tensors, guint i)
{
  return (gsize) tensors->size[i] * tensors->rows[i] * tensors->steps * tensors->streams
         * sizeof (gfloat);
}

GstClockTime
gst_lstm_tensors_step_duration (const GstLstmTensors *tensors)
{
  return tensors->fps_n > 0 ? gst_lstm_tensors_step_offset (tensors, 1) : GST_CLOCK_TIME_NONE;
}

GstClockTime
gst_lstm_tensors_step_offset (const GstLstmTensors *tensors, guint64 i)
{
  return tensors->fps_n > 0
             ? gst_util_uint64_scale (i, (guint64) tensors->fps_d * GST_SECOND, tensors->fps_n)
             : 0;
}

GstLstmSpan
gst_lstm_tensors_part (const GstLstmTensors *tensors, const GstLstmSpan *span, guint64 steps,
    guint64 first, guint64 n)
{
  const gboolean known = tensors->fps_n > 0;
  const gboolean shared = !known && GST_CLOCK_TIME_IS_VALID (span->duration);
  GstLstmSpan part = GST_LSTM_SPAN_NONE;
  GstClockTime before = gst_lstm_tensors_step_offset (tensors, first);

  if (shared)
    before = gst_util_uint64_scale (span->duration, first, steps);
  if (known)
    part.duration = gst_lstm_tensors_step_offset (tensors, n);
  else if (shared)
    part.duration = gst_util_uint64_scale (span->duration, first + n, steps) - before;
  if (GST_CLOCK_TIME_IS_VALID (span->pts))
    part.pts = span->pts + before;
  if (span->offset != GST_BUFFER_OFFSET_NONE && span->offset_end - span->offset == steps) {
    part.offset = span->offset + first;
    part.offset_end = part.offset + n;
  }
  return part;
}

gboolean
gst_lstm_tensors_check_place (const GstLstmTensors *tensors, guint i, const GstLstmPlace *place,
    GstBuffer *buffer, GError **error)
{
  const guint n = gst_buffer_n_memory (buffer);
  gsize expected, got;

  if (place->n_tensors > 1 && n != place->n_tensors)
    return gst_lstm_fail (error, FORMAT, "buffer: expected %u memories, one per tensor, got %u",
        place->n_tensors, n);
  expected = gst_lstm_tensors_bytes (tensors, i) / sizeof (gfloat) * place->type->size;
  /* A single tensor may lie in several memories, as after a parser or a network. */
  got = place->n_tensors == 1
            ? gst_buffer_get_size (buffer)
            : gst_memory_get_sizes (gst_buffer_peek_memory (buffer, place->index), NULL, NULL);
  return got == expected
         || gst_lstm_fail (error, FORMAT,
             "buffer: tensor %u: expected %" G_GSIZE_FORMAT " bytes (%s, dimensions %u:%u:%u), "
             "got %" G_GSIZE_FORMAT,
             place->index, expected, place->type->tensors, tensors->size[i] * tensors->rows[i],
             tensors->steps, tensors->streams, got);
}

gboolean
gst_lstm_tensors_check_buffer (const GstLstmTensors *tensors, GstBuffer *buffer, GError **error)
{
  GstLstmPlace place = {
      gst_lstm_type_from_number (GST_LSTM_TYPE_FLOAT32), 0, tensors->n_tensors};

  for (; place.index < tensors->n_tensors; place.index++)
    if (!gst_lstm_tensors_check_place (tensors, place.index, &place, buffer, error))
      return FALSE;
  return TRUE;
}
