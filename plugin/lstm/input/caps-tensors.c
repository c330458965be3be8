/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * NNStreamer's other/tensors. Caps describe static tensors. Each memory of a flexible tensor
 * begins with a header that describes it. */
#include "common/errors.h"
#include "lstm/input/caps-kinds.h"
#include <string.h>

#define FORMAT GST_LSTM_STREAM (FORMAT)

#define MAX_DIMENSIONS 16

/* The 32-bit fields of a header, in the machine's byte order */
enum {
  FIELD_MAGIC,
  FIELD_VERSION,
  FIELD_TYPE,
  FIELD_DIMENSION,
  FIELD_FORMAT = FIELD_DIMENSION + MAX_DIMENSIONS,
  N_FIELDS
};
#define HEADER_BYTES 128
#define MAGIC 0xfeedccedu
#define VERSION_MASK 0xfffff000u /* excludes the minor version */
#define VERSION 0xde001000u
#define SPARSE 2
#define ONLY_TENSOR G_MAXUINT /* an index that means: the buffer has only one tensor */

static GstStaticCaps any_sink = GST_STATIC_CAPS (
    GST_LSTM_TENSORS_SINK_CAPS ";" GST_LSTM_FLEXIBLE_SINK_CAPS);
static GstStaticCaps any_source = GST_STATIC_CAPS (GST_LSTM_TENSORS_CAPS);

/* --- Caps --- */

static gboolean
tensors_matches (const GstStructure *s, const GstLstmCapsContext *context)
{
  return gst_structure_has_name (s, "other/tensors");
}

static GstCaps *
tensors_get_template_caps (GstPadDirection direction, const GstLstmCapsContext *context)
{
  return gst_static_caps_get (direction == GST_PAD_SINK ? &any_sink : &any_source);
}

static gboolean
parse_flexible (GstLstmInput *input, const GstStructure *s, gint index, gsize d)
{
  gst_lstm_tensors_init (&input->tensors, (guint) d, s);
  input->shape_per_buffer = TRUE;
  input->tensor_ref.index = index < 0 ? ONLY_TENSOR : (guint) index;
  return TRUE;
}

static gboolean
tensors_parse_caps (GstLstmInput *input, const GstStructure *s,
    const GstLstmCapsContext *context, GError **error)
{
  const gchar *format = gst_structure_get_string (s, "format");
  const gint index = context->input_tensor_index;
  const gsize d = lstm_model_get_input_size (context->model);
  GstLstmTensors *in = &input->tensors;

  if (g_strcmp0 (format, "flexible") == 0)
    return parse_flexible (input, s, index, d);
  if (g_strcmp0 (format, "static") != 0)
    return gst_lstm_fail (error, FORMAT,
        "caps field format: expected static or flexible, found '%s'", GST_STR_NULL (format));
  if (!gst_lstm_tensors_select (in, &input->tensor_ref, s, index, d, error))
    return FALSE;
  if (input->tensor_ref.n_tensors == 1)
    input->step_bytes = (gsize) in->size[0] * in->n_rows[0] * in->streams
                        * input->tensor_ref.type->size;
  return in->size[0] * in->n_rows[0] == d
         || gst_lstm_fail (error, FORMAT,
             "caps field dimensions: expected vectors of %" G_GSIZE_FORMAT
             " values, which the model needs, found %u",
             d, in->size[0] * in->n_rows[0]);
}

/* Sets the framerate of @caps (transfer full) unless @framerate (nullable) is NULL. No other field
 * is the same on both pads. Returns: (transfer full) */
static GstCaps *
set_framerate (GstCaps *caps, const GValue *framerate)
{
  caps = gst_caps_make_writable (caps);
  if (framerate)
    gst_caps_set_value (caps, "framerate", framerate);
  return caps;
}

static GstCaps *
tensors_get_src_caps (
    const GstCaps *sink, const GstLstmTensors *out, const GstLstmCapsContext *context)
{
  return set_framerate (
      out ? gst_lstm_tensors_to_caps (out) : gst_static_caps_get (&any_source),
      gst_structure_get_value (gst_caps_get_structure (sink, 0), "framerate"));
}

/* If downstream accepts any framerate, sink caps have no field framerate, because a field would
 * require upstream to have it. */
static GstCaps *
tensors_get_sink_caps (const GstCaps *source, const GstLstmCapsContext *context)
{
  g_autoptr (GstCaps) any = gst_static_caps_get (&any_source);
  const GValue *all = gst_structure_get_value (gst_caps_get_structure (any, 0), "framerate");
  const GstStructure *s = gst_caps_get_structure (source, 0);
  const GValue *framerate = gst_structure_get_value (s, "framerate");

  if (!tensors_matches (s, context))
    return gst_caps_new_empty ();
  return set_framerate (gst_static_caps_get (&any_sink),
      framerate && gst_value_compare (framerate, all) != GST_VALUE_EQUAL ? framerate : NULL);
}

/* --- Buffers --- */

/* Maps memory @index of @buffer, or all memories if they are the steps of @one_tensor. */
static gboolean
map_tensor (
    GstLstmSteps *steps, GstBuffer *buffer, gboolean one_tensor, guint index, GError **error)
{
  if (!gst_buffer_map_range (
          buffer, one_tensor ? 0 : index, one_tensor ? -1 : 1, &steps->map, GST_MAP_READ))
    return gst_lstm_fail_to_map (
        error, GST_LSTM_RESOURCE (FAILED), "for reading", gst_buffer_get_size (buffer));
  steps->buffer = buffer;
  return TRUE;
}

/* Reads dimensions d:T:bs, which end at the first 0. Dimensions of 1 may follow, and, unless d
 * is 1, precede them. */
static gboolean
read_dimensions (
    const guint32 *fields, gsize d, guint index, GstLstmSteps *steps, GError **error)
{
  const guint32 *dims = fields + FIELD_DIMENSION;
  guint32 sizes[] = {1, 1, 1};
  guint first = 0;

  while (d > 1 && dims[first] == 1 && first + 1 < MAX_DIMENSIONS && dims[first + 1] > 0)
    first++;
  for (guint i = first; i < MAX_DIMENSIONS && dims[i] > 0; i++)
    if (i - first < G_N_ELEMENTS (sizes))
      sizes[i - first] = dims[i];
    else if (dims[i] != 1)
      return gst_lstm_fail (error, FORMAT,
          "buffer: tensor %u: header field dimension: expected 1 after d:T:bs, found %u as "
          "dimension %u",
          index, dims[i], i);
  if (dims[0] == 0 || sizes[0] != d || MAX (sizes[1], sizes[2]) > G_MAXINT32)
    return gst_lstm_fail (error, FORMAT,
        "buffer: tensor %u: header field dimension: expected vectors of %" G_GSIZE_FORMAT
        " values, which the model needs, found %u:%u:%u",
        index, d, dims[first], sizes[1], sizes[2]);
  steps->n_steps = sizes[1];
  steps->n_streams = sizes[2];
  return TRUE;
}

/* Reads a header, which @bytes bytes of values follow, into *@type and the shape of @steps. */
static gboolean
read_header (const guint32 *fields, gsize d, guint index, gsize bytes, GstLstmSteps *steps,
    const GstLstmType **type, GError **error)
{
  guint64 n_vectors;

  if (fields[FIELD_MAGIC] != MAGIC || (fields[FIELD_VERSION] & VERSION_MASK) != VERSION)
    return gst_lstm_fail (error, FORMAT,
        "buffer: tensor %u: expected a header of flexible tensors that begins with %08x %08x, "
        "found %08x %08x",
        index, MAGIC, VERSION, fields[FIELD_MAGIC], fields[FIELD_VERSION]);
  if (fields[FIELD_FORMAT] >= SPARSE)
    return gst_lstm_fail (error, FORMAT,
        "buffer: tensor %u: header field format: expected 0 (static) or 1 (flexible), found "
        "%u%s",
        index, fields[FIELD_FORMAT], fields[FIELD_FORMAT] == SPARSE ? " (sparse)" : "");
  *type = gst_lstm_type_from_number (fields[FIELD_TYPE]);
  if (!*type)
    return gst_lstm_fail (error, FORMAT,
        "buffer: tensor %u: header field type: expected 0 to 10, found %u", index,
        fields[FIELD_TYPE]);
  if (!read_dimensions (fields, d, index, steps, error))
    return FALSE;
  n_vectors = (guint64) steps->n_steps * steps->n_streams;
  return (bytes % (d * (*type)->size) == 0 && bytes / (d * (*type)->size) == n_vectors)
         || gst_lstm_fail (error, FORMAT,
             "buffer: tensor %u: expected %s values of dimensions %" G_GSIZE_FORMAT
             ":%u:%u after the header, found %" G_GSIZE_FORMAT " bytes",
             index, (*type)->tensors, d, steps->n_steps, steps->n_streams, bytes);
}

static gboolean
open_flexible (
    const GstLstmInput *input, GstBuffer *buffer, GstLstmSteps *steps, GError **error)
{
  const gboolean index_is_set = input->tensor_ref.index != ONLY_TENSOR;
  const guint n = gst_buffer_n_memory (buffer);
  const guint index = index_is_set ? input->tensor_ref.index : 0;
  const gsize d = input->tensors.size[0];
  guint32 fields[N_FIELDS];
  const GstLstmType *type;

  if (!index_is_set && n != 1)
    return gst_lstm_fail (error, FORMAT,
        "buffer: expected 1 tensor if property input-tensor-index is not set, found %u", n);
  if (index >= n)
    return gst_lstm_fail (error, FORMAT,
        "buffer: expected at least %u tensors for property input-tensor-index %u, found %u",
        index + 1, index, n);
  if (!map_tensor (steps, buffer, FALSE, index, error))
    return FALSE;
  if (steps->map.size < HEADER_BYTES) {
    gst_lstm_fail (error, FORMAT,
        "buffer: tensor %u: expected a header of %d bytes, found %" G_GSIZE_FORMAT " bytes",
        index, HEADER_BYTES, steps->map.size);
  } else {
    memcpy (fields, steps->map.data, sizeof fields);
    if (read_header (fields, d, index, steps->map.size - HEADER_BYTES, steps, &type, error)
        && gst_lstm_steps_convert (steps, type, steps->map.data + HEADER_BYTES,
            d * steps->n_steps * steps->n_streams, error))
      return TRUE;
  }
  gst_lstm_steps_close (steps);
  return FALSE;
}

static gboolean
tensors_open_buffer (
    const GstLstmInput *input, GstBuffer *buffer, GstLstmSteps *steps, GError **error)
{
  const GstLstmTensors *in = &input->tensors;
  const GstLstmTensorRef *ref = &input->tensor_ref;

  if (!ref->type)
    return open_flexible (input, buffer, steps, error);
  if (!gst_lstm_tensors_check_memory (in, 0, ref, buffer, error)
      || !map_tensor (steps, buffer, ref->n_tensors == 1, ref->index, error))
    return FALSE;
  steps->n_steps = in->steps;
  steps->n_streams = in->streams;
  if (gst_lstm_steps_convert (steps, ref->type, steps->map.data,
          gst_lstm_tensors_get_bytes (in, 0) / sizeof (gfloat), error))
    return TRUE;
  gst_lstm_steps_close (steps);
  return FALSE;
}

const GstLstmCapsKind gst_lstm_caps_tensors = {
    .media_type = "other/tensors",
    .matches = tensors_matches,
    .get_template_caps = tensors_get_template_caps,
    .parse_caps = tensors_parse_caps,
    .open_buffer = tensors_open_buffer,
    .get_src_caps = tensors_get_src_caps,
    .get_sink_caps = tensors_get_sink_caps,
};
