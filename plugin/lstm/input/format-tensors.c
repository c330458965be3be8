/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * NNStreamer's other/tensors: caps describe static ones; each memory of flexible ones begins with a
 * header that does. */
#include "common/errors.h"
#include "lstm/input/formats.h"
#include <string.h>

#define FORMAT GST_LSTM_STREAM (FORMAT)

#define MAX_DIMENSIONS 16

/* Words of 32 bits of a header, in the machine's order */
enum {
  WORD_MAGIC,
  WORD_VERSION,
  WORD_TYPE,
  WORD_DIMENSION,
  WORD_FORMAT = WORD_DIMENSION + MAX_DIMENSIONS,
  N_WORDS
};
#define HEADER_BYTES 128
#define MAGIC 0xfeedccedu
#define VERSION_MASK 0xfffff000u /* without the minor one */
#define VERSION 0xde001000u
#define SPARSE 2
#define ONLY_ONE G_MAXUINT

static GstStaticCaps any_sink = GST_STATIC_CAPS (
    GST_LSTM_TENSORS_SINK_CAPS ";" GST_LSTM_FLEXIBLE_SINK_CAPS);
static GstStaticCaps any_source = GST_STATIC_CAPS (GST_LSTM_TENSORS_CAPS);

/* --- Caps --- */

static gboolean
tensors_is (const GstStructure *s, const GstLstmWanted *wanted)
{
  return gst_structure_has_name (s, "other/tensors");
}

static GstCaps *
tensors_all (GstPadDirection direction, const GstLstmWanted *wanted)
{
  return gst_static_caps_get (direction == GST_PAD_SINK ? &any_sink : &any_source);
}

static gboolean
parse_flexible (GstLstmInput *input, const GstStructure *s, gint which, gsize d)
{
  GstLstmTensors *in = &input->tensors;

  gst_lstm_tensors_init (in, (guint) d, s);
  input->varies = TRUE;
  input->place.index = which < 0 ? ONLY_ONE : (guint) which;
  return TRUE;
}

static gboolean
tensors_parse (
    GstLstmInput *input, const GstStructure *s, const GstLstmWanted *wanted, GError **error)
{
  const gchar *format = gst_structure_get_string (s, "format");
  const gint which = wanted->settings->input_tensor_index;
  const gsize d = lstm_model_get_input_size (wanted->model);
  GstLstmTensors *in = &input->tensors;

  if (g_strcmp0 (format, "flexible") == 0)
    return parse_flexible (input, s, which, d);
  if (g_strcmp0 (format, "static") != 0)
    return gst_lstm_fail (error, FORMAT,
        "caps field format: expected static or flexible, got '%s'", GST_STR_NULL (format));
  if (!gst_lstm_tensors_pick (in, &input->place, s, which, d, error))
    return FALSE;
  if (input->place.n_tensors == 1)
    input->step_bytes = (gsize) in->size[0] * in->rows[0] * in->streams
                        * input->place.type->size;
  return in->size[0] * in->rows[0] == d
         || gst_lstm_fail (error, FORMAT,
             "caps field dimensions: expected vectors of %" G_GSIZE_FORMAT
             " values, which the model takes, got %u",
             d, in->size[0] * in->rows[0]);
}

/* Only the framerate passes both ways. */
static GstCaps *
with_framerate (GstCaps *caps, const GValue *framerate)
{
  caps = gst_caps_make_writable (caps);
  if (framerate)
    gst_caps_set_value (caps, "framerate", framerate);
  return caps;
}

static GstCaps *
tensors_give (const GstCaps *sink, const GstLstmTensors *out, const GstLstmWanted *wanted)
{
  return with_framerate (
      out ? gst_lstm_tensors_to_caps (out) : gst_static_caps_get (&any_source),
      gst_structure_get_value (gst_caps_get_structure (sink, 0), "framerate"));
}

/* Where downstream takes any framerate none is needed: a field would have to be there. */
static GstCaps *
tensors_take (const GstCaps *source, const GstLstmWanted *wanted)
{
  g_autoptr (GstCaps) any = gst_static_caps_get (&any_source);
  const GValue *all = gst_structure_get_value (gst_caps_get_structure (any, 0), "framerate");
  const GstStructure *s = gst_caps_get_structure (source, 0);
  const GValue *framerate = gst_structure_get_value (s, "framerate");

  if (!tensors_is (s, wanted))
    return gst_caps_new_empty ();
  return with_framerate (gst_static_caps_get (&any_sink),
      framerate && gst_value_compare (framerate, all) != GST_VALUE_EQUAL ? framerate : NULL);
}

/* --- Buffers --- */

/* Maps memory @index alone, or all of them where there is but one tensor. */
static gboolean
map_tensor (GstLstmSteps *steps, GstBuffer *buffer, gboolean alone, guint index, GError **error)
{
  if (!gst_buffer_map_range (
          buffer, alone ? index : 0, alone ? 1 : -1, &steps->map, GST_MAP_READ))
    return gst_lstm_fail_to_map (error, "for reading", gst_buffer_get_size (buffer));
  steps->buffer = buffer;
  return TRUE;
}

/* Dimensions d:T:bs, after which there may be ones, and before which too unless d is 1; 0 ends them. */
static gboolean
read_dimensions (
    const guint32 *words, gsize d, guint index, GstLstmSteps *steps, GError **error)
{
  const guint32 *dims = words + WORD_DIMENSION;
  guint32 sizes[] = {1, 1, 1};
  guint first = 0;

  while (d > 1 && dims[first] == 1 && first + 1 < MAX_DIMENSIONS && dims[first + 1] > 0)
    first++;
  for (guint i = first; i < MAX_DIMENSIONS && dims[i] > 0; i++)
    if (i - first < G_N_ELEMENTS (sizes))
      sizes[i - first] = dims[i];
    else if (dims[i] != 1)
      return gst_lstm_fail (error, FORMAT,
          "buffer: tensor %u: header field dimension: expected d:T:bs, got %u as number %u",
          index, dims[i], i);
  if (dims[0] == 0 || sizes[0] != d || MAX (sizes[1], sizes[2]) > G_MAXINT32)
    return gst_lstm_fail (error, FORMAT,
        "buffer: tensor %u: header field dimension: expected vectors of %" G_GSIZE_FORMAT
        " values, which the model takes, got %u:%u:%u",
        index, d, dims[first], sizes[1], sizes[2]);
  steps->n_steps = sizes[1];
  steps->n_streams = sizes[2];
  return TRUE;
}

/* What a header says of the values behind it, of which there are @bytes. */
static gboolean
read_header (const guint32 *words, gsize d, guint index, gsize bytes, GstLstmSteps *steps,
    const GstLstmType **type, GError **error)
{
  guint64 rows;

  if (words[WORD_MAGIC] != MAGIC || (words[WORD_VERSION] & VERSION_MASK) != VERSION)
    return gst_lstm_fail (error, FORMAT,
        "buffer: tensor %u: expected a header of flexible tensors that begins with %08x %08x, "
        "got %08x %08x",
        index, MAGIC, VERSION, words[WORD_MAGIC], words[WORD_VERSION]);
  if (words[WORD_FORMAT] >= SPARSE)
    return gst_lstm_fail (error, FORMAT,
        "buffer: tensor %u: header field format: expected 0 (static) or 1 (flexible), got %u%s",
        index, words[WORD_FORMAT], words[WORD_FORMAT] == SPARSE ? " (sparse)" : "");
  *type = gst_lstm_type_from_number (words[WORD_TYPE]);
  if (!*type)
    return gst_lstm_fail (error, FORMAT,
        "buffer: tensor %u: header field type: expected 0 to 10, got %u", index,
        words[WORD_TYPE]);
  if (!read_dimensions (words, d, index, steps, error))
    return FALSE;
  rows = (guint64) steps->n_steps * steps->n_streams;
  return (bytes % (d * (*type)->size) == 0 && bytes / (d * (*type)->size) == rows)
         || gst_lstm_fail (error, FORMAT,
             "buffer: tensor %u: expected %s values of dimensions %" G_GSIZE_FORMAT
             ":%u:%u behind the header, got %" G_GSIZE_FORMAT " bytes",
             index, (*type)->tensors, d, steps->n_steps, steps->n_streams, bytes);
}

static gboolean
open_flexible (
    const GstLstmInput *input, GstBuffer *buffer, GstLstmSteps *steps, GError **error)
{
  const gboolean only_one = input->place.index == ONLY_ONE;
  const guint n = gst_buffer_n_memory (buffer), index = only_one ? 0 : input->place.index;
  const gsize d = input->tensors.size[0];
  guint32 words[N_WORDS];
  const GstLstmType *type;

  if (only_one && n != 1)
    return gst_lstm_fail (error, FORMAT,
        "buffer: expected one tensor, or property input-tensor to pick one, got %u", n);
  if (index >= n)
    return gst_lstm_fail (error, FORMAT,
        "buffer: expected %u tensors at least, for property input-tensor is %u, got %u",
        index + 1, index, n);
  if (!map_tensor (steps, buffer, TRUE, index, error))
    return FALSE;
  if (steps->map.size < HEADER_BYTES) {
    gst_lstm_fail (error, FORMAT,
        "buffer: tensor %u: expected a header of %d bytes, got %" G_GSIZE_FORMAT, index,
        HEADER_BYTES, steps->map.size);
  } else {
    memcpy (words, steps->map.data, sizeof words);
    if (read_header (words, d, index, steps->map.size - HEADER_BYTES, steps, &type, error)
        && gst_lstm_steps_read (steps, type, steps->map.data + HEADER_BYTES,
            d * steps->n_steps * steps->n_streams, error))
      return TRUE;
  }
  gst_lstm_steps_close (steps);
  return FALSE;
}

static gboolean
tensors_open (const GstLstmInput *input, GstBuffer *buffer, GstLstmSteps *steps, GError **error)
{
  const GstLstmTensors *in = &input->tensors;
  const GstLstmPlace *place = &input->place;

  if (!place->type)
    return open_flexible (input, buffer, steps, error);
  if (!gst_lstm_tensors_check_place (in, 0, place, buffer, error)
      || !map_tensor (steps, buffer, place->n_tensors > 1, place->index, error))
    return FALSE;
  steps->n_steps = in->steps;
  steps->n_streams = in->streams;
  if (gst_lstm_steps_read (steps, place->type, steps->map.data,
          gst_lstm_tensors_bytes (in, 0) / sizeof (gfloat), error))
    return TRUE;
  gst_lstm_steps_close (steps);
  return FALSE;
}

const GstLstmFormat gst_lstm_format_tensors = {
    .is = tensors_is,
    .all = tensors_all,
    .parse = tensors_parse,
    .open = tensors_open,
    .give = tensors_give,
    .take = tensors_take,
};
