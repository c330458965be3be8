/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lstm/input/formats.h"
#include "common/errors.h"

/* Each is asked in this order. */
static const GstLstmFormat *const formats[] = {
    &gst_lstm_format_tensors,
    &gst_lstm_format_audio,
#if HAVE_ANALYTICS
    &gst_lstm_format_media,
#endif
};

static const GstLstmFormat *
format_of (const GstStructure *s, const GstLstmWanted *wanted)
{
  for (guint i = 0; i < G_N_ELEMENTS (formats); i++)
    if (formats[i]->is (s, wanted))
      return formats[i];
  return NULL;
}

gboolean
gst_lstm_input_parse (
    GstLstmInput *input, const GstStructure *s, const GstLstmWanted *wanted, GError **error)
{
  *input = (GstLstmInput){.format = format_of (s, wanted)};
  return input->format ? input->format->parse (input, s, wanted, error)
                       : gst_lstm_fail (error, GST_LSTM_STREAM (FORMAT),
                           "caps: expected other/tensors or audio/x-raw, got %s",
                           gst_structure_get_name (s));
}

GstLstmTensors
gst_lstm_input_shape (const GstLstmInput *input, guint steps, guint streams)
{
  GstLstmTensors in = input->tensors;

  in.steps = steps;
  in.streams = streams;
  if (input->format->attach && steps > 1)
    in.fps_n = 0; /* it is the media's: steps share a buffer's duration */
  return in;
}

GstCaps *
gst_lstm_formats_all (GstPadDirection direction, const GstLstmWanted *wanted)
{
  GstCaps *caps = gst_caps_new_empty ();

  for (guint i = 0; i < G_N_ELEMENTS (formats); i++)
    caps = gst_caps_merge (caps, formats[i]->all (direction, wanted));
  return caps;
}

GstCaps *
gst_lstm_formats_give (
    const GstCaps *sink, const GstLstmTensors *out, const GstLstmWanted *wanted)
{
  const GstLstmFormat *format = format_of (gst_caps_get_structure (sink, 0), wanted);

  return format ? format->give (sink, out, wanted) : gst_caps_new_empty ();
}

GstCaps *
gst_lstm_formats_take (const GstCaps *source, const GstLstmWanted *wanted)
{
  GstCaps *caps = gst_caps_new_empty ();

  for (guint i = 0; i < G_N_ELEMENTS (formats); i++)
    caps = gst_caps_merge (caps, formats[i]->take (source, wanted));
  return caps;
}

gboolean
gst_lstm_input_open (
    const GstLstmInput *input, GstBuffer *buffer, GstLstmSteps *steps, GError **error)
{
  steps->x = NULL;
  steps->buffer = NULL;
  return input->format->open (input, buffer, steps, error);
}

void
gst_lstm_steps_close (GstLstmSteps *steps)
{
  if (steps->buffer)
    gst_buffer_unmap (steps->buffer, &steps->map);
}

gboolean
gst_lstm_steps_read (
    GstLstmSteps *steps, const GstLstmType *type, gconstpointer values, gsize n, GError **error)
{
  if (type->number == GST_LSTM_TYPE_FLOAT32 && (guintptr) values % sizeof (gfloat) == 0) {
    steps->x = values;
    return TRUE;
  }
  if (n > steps->room) {
    g_free (steps->floats);
    steps->floats = g_try_new (gfloat, n);
    steps->room = steps->floats ? n : 0;
    if (!steps->floats)
      return gst_lstm_fail (error, GST_LSTM_RESOURCE (NO_SPACE_LEFT),
          "no memory for %" G_GSIZE_FORMAT " values of a buffer", n);
  }
  type->to_float (steps->floats, values, n);
  steps->x = steps->floats;
  return TRUE;
}

void
gst_lstm_steps_clear (GstLstmSteps *steps)
{
  g_clear_pointer (&steps->floats, g_free);
  steps->room = 0;
}
