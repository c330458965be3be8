/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Batches of streams: empty buffers with a GstAnalyticsBatchMeta, whose caps have an array
 * `streams` of the caps of the streams. Each stream is media. */
#include "lstm/input/caps-batch.h"

static GstStaticCaps any_batch = GST_STATIC_CAPS (GST_LSTM_BATCH_MEDIA_TYPE "(ANY)");

static gboolean
batch_matches (const GstStructure *s, const GstLstmCapsContext *context)
{
  return gst_structure_has_name (s, GST_LSTM_BATCH_MEDIA_TYPE);
}

static GstCaps *
batch_get_template_caps (GstPadDirection direction, const GstLstmCapsContext *context)
{
  return gst_static_caps_get (&any_batch);
}

static gboolean
batch_parse_caps (GstLstmInput *input, const GstStructure *s, const GstLstmCapsContext *context,
    GError **error)
{
  return gst_lstm_caps_media.parse_caps (input, s, context, error);
}

/* --- Streams --- */

/* Returns: (nullable): the caps of stream @i of batch caps @s. Not owned */
static const GstCaps *
get_stream (const GstStructure *s, guint i)
{
  const GValue *value = gst_value_array_get_value (gst_structure_get_value (s, "streams"), i);

  return GST_VALUE_HOLDS_CAPS (value) ? gst_value_get_caps (value) : NULL;
}

static guint
count_streams (const GstStructure *s)
{
  const GValue *streams = gst_structure_get_value (s, "streams");

  return streams && GST_VALUE_HOLDS_ARRAY (streams) ? gst_value_array_get_size (streams) : 0;
}

/* Returns the caps of a stream for one structure @caps of the other pad. Returns: (transfer
 * full) */
typedef GstCaps *(*ConvertCaps) (
    const GstCaps *caps, const GstLstmTensors *out, const GstLstmCapsContext *context);

/* Converts each structure of @caps that is media. The other structures stay.
 * Returns: (transfer full) */
static GstCaps *
convert_structures (const GstCaps *caps, ConvertCaps convert, const GstLstmTensors *out,
    const GstLstmCapsContext *context)
{
  GstCaps *result = gst_caps_is_any (caps) ? gst_caps_new_any () : gst_caps_new_empty ();

  for (guint i = 0; i < gst_caps_get_size (caps); i++) {
    g_autoptr (GstCaps) one = gst_caps_copy_nth (caps, i);

    result = gst_caps_merge (
        result, gst_lstm_caps_media.matches (gst_caps_get_structure (one, 0), context)
                    ? convert (one, out, context)
                    : gst_caps_ref (one));
  }
  return result;
}

/* Returns @caps, batch caps, with converted caps of the streams. Returns: (transfer full) */
static GstCaps *
convert_streams (const GstCaps *caps, ConvertCaps convert, const GstLstmTensors *out,
    const GstLstmCapsContext *context)
{
  GstCaps *result = gst_caps_copy (caps);
  GstStructure *s = gst_caps_get_structure (result, 0);
  const guint n = count_streams (s);
  GValue streams = G_VALUE_INIT;

  if (n == 0)
    return result;
  g_value_init (&streams, GST_TYPE_ARRAY);
  for (guint i = 0; i < n; i++) {
    const GstCaps *stream = get_stream (s, i);
    GValue value = G_VALUE_INIT;

    g_value_init (&value, GST_TYPE_CAPS);
    if (stream)
      g_value_take_boxed (&value, convert_structures (stream, convert, out, context));
    gst_value_array_append_and_take_value (&streams, &value);
  }
  gst_structure_take_value (s, "streams", &streams);
  return result;
}

/* --- Source caps --- */

GstLstmTensorShape
gst_lstm_batch_find_shape (const GstStructure *s, const GstLstmCapsContext *context)
{
  const GstLstmTensorShape one = {1, 1};
  GstLstmInput input = {.kind = &gst_lstm_caps_media};

  return context->output_per_step && gst_lstm_caps_media.parse_caps (&input, s, context, NULL)
                 && input.caps_shape.steps
             ? input.caps_shape
             : one;
}

/* Adds the attached tensors to @caps, one structure. Returns: (transfer full) */
static GstCaps *
add_tensors (const GstCaps *caps, const GstLstmTensors *out, const GstLstmCapsContext *context)
{
  GstLstmCapsContext stream = *context;

  if (stream.model && stream.attached_shape.steps == 0)
    stream.attached_shape = gst_lstm_batch_find_shape (
        gst_caps_get_structure (caps, 0), context);
  /* The other structures are other/tensors, which no stream can be. */
  return gst_caps_truncate (gst_lstm_caps_media.get_src_caps (caps, out, &stream));
}

GstCaps *
gst_lstm_batch_make_stream_caps (
    const GstCaps *caps, const GstLstmTensors *out, const GstLstmCapsContext *context)
{
  return convert_structures (caps, add_tensors, out, context);
}

static GstCaps *
batch_get_src_caps (
    const GstCaps *sink, const GstLstmTensors *out, const GstLstmCapsContext *context)
{
  GstLstmCapsContext streams = *context;

  streams.attached_shape = (GstLstmTensorShape){0}; /* each stream has its own */
  return convert_streams (sink, add_tensors, out, &streams);
}

static gboolean
batch_check_ids (const GstStructure *s, const GQuark ids[GST_LSTM_MAX_ATTACHED], GError **error)
{
  for (guint i = 0; i < count_streams (s); i++) {
    const GstCaps *stream = get_stream (s, i);

    if (!stream || gst_caps_get_size (stream) == 0
        || gst_lstm_caps_media.check_ids (gst_caps_get_structure (stream, 0), ids, error))
      continue;
    g_prefix_error (error, "stream %u: ", i);
    return FALSE;
  }
  return TRUE;
}

/* The streams have the dimensions of their own caps. */
static void
batch_copy_attached_dims (
    GstCaps *caps, const GstCaps *possible, const GstLstmCapsContext *context)
{
}

/* --- Sink caps --- */

static GstCaps *
remove_tensors (
    const GstCaps *caps, const GstLstmTensors *out, const GstLstmCapsContext *context)
{
  return gst_lstm_caps_media.get_sink_caps (caps, context);
}

static GstCaps *
batch_get_sink_caps (const GstCaps *source, const GstLstmCapsContext *context)
{
  if (!batch_matches (gst_caps_get_structure (source, 0), context))
    return gst_caps_new_empty ();
  return convert_streams (source, remove_tensors, NULL, context);
}

/* --- Buffers of streams --- */

static gboolean
batch_open_buffer (
    const GstLstmInput *input, GstBuffer *buffer, GstLstmSteps *steps, GError **error)
{
  return gst_lstm_caps_media.open_buffer (input, buffer, steps, error);
}

static GstBuffer *
batch_attach_output (GstBuffer *media, GstBuffer *output, const GstLstmTensors *out,
    const GstLstmCapsContext *context)
{
  return gst_lstm_caps_media.attach_output (media, output, out, context);
}

const GstLstmCapsKind gst_lstm_caps_batch = {
    .media_type = GST_LSTM_BATCH_MEDIA_TYPE,
    .matches = batch_matches,
    .get_template_caps = batch_get_template_caps,
    .parse_caps = batch_parse_caps,
    .open_buffer = batch_open_buffer,
    .get_src_caps = batch_get_src_caps,
    .get_sink_caps = batch_get_sink_caps,
    .attach_output = batch_attach_output,
    .check_ids = batch_check_ids,
    .copy_attached_dims = batch_copy_attached_dims,
};
