/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "formats.h"
#include "errors.h"

/* --- other/tensors, format=static --- */

static GstStaticCaps one = GST_STATIC_CAPS (GST_LSTM_TENSOR_CAPS);
static GstStaticCaps several = GST_STATIC_CAPS (GST_LSTM_TENSORS_CAPS);

static gboolean
tensors_parse (GstLstmInput *input, const GstStructure *s, gsize d, GError **error)
{
  GstLstmTensors *in = &input->tensors;

  if (!gst_lstm_tensors_from_structure (in, s, error))
    return FALSE;
  input->step_bytes = gst_lstm_tensors_bytes (in, 0) / in->steps;
  return in->size[0] * in->rows[0] == d
         || gst_lstm_fail (error, GST_LSTM_STREAM (FORMAT),
             "caps field dimensions: expected vectors of %" G_GSIZE_FORMAT
             " values, which the model takes, got %u",
             d, in->size[0] * in->rows[0]);
}

static gboolean
tensors_open (const GstLstmInput *input, GstBuffer *buffer, GstLstmSteps *steps, GError **error)
{
  if (!gst_lstm_tensors_check_buffer (&input->tensors, buffer, error))
    return FALSE;
  if (!gst_buffer_map (buffer, &steps->map, GST_MAP_READ))
    return gst_lstm_fail_to_map (error, "for reading", gst_buffer_get_size (buffer));
  steps->buffer = buffer;
  steps->x = (const gfloat *) steps->map.data;
  if ((guintptr) steps->x % sizeof (gfloat)) /* cut from the middle of somebody's bytes */
    steps->x = steps->copy = g_memdup2 (steps->map.data, steps->map.size);
  return TRUE;
}

/* Only the framerate passes both ways. */
static GstCaps *
with_framerate_of (const GstStructure *s, GstCaps *caps)
{
  const GValue *framerate = gst_structure_get_value (s, "framerate");

  caps = gst_caps_make_writable (caps);
  if (framerate)
    gst_caps_set_value (caps, "framerate", framerate);
  return caps;
}

static GstCaps *
tensors_give (const GstStructure *sink, const GstLstmTensors *out)
{
  return with_framerate_of (
      sink, out ? gst_lstm_tensors_to_caps (out) : gst_static_caps_get (&several));
}

static GstCaps *
tensors_take (const GstStructure *source)
{
  return with_framerate_of (source, gst_static_caps_get (&one));
}

/* --- All of them --- */

static const GstLstmFormat formats[] = {
    {"other/tensors", tensors_parse, tensors_open, tensors_give, tensors_take},
};

static const GstLstmFormat *
format_of (const GstStructure *s)
{
  for (guint i = 0; i < G_N_ELEMENTS (formats); i++)
    if (gst_structure_has_name (s, formats[i].media_type))
      return &formats[i];
  return NULL;
}

gboolean
gst_lstm_input_parse (GstLstmInput *input, const GstStructure *s, gsize d, GError **error)
{
  *input = (GstLstmInput){.format = format_of (s)};
  return input->format ? input->format->parse (input, s, d, error)
                       : gst_lstm_fail (error, GST_LSTM_STREAM (FORMAT),
                           "caps: expected other/tensors, got %s", gst_structure_get_name (s));
}

GstCaps *
gst_lstm_formats_give (const GstStructure *sink, const GstLstmTensors *out)
{
  const GstLstmFormat *format = format_of (sink);

  return format ? format->give (sink, out) : gst_caps_new_empty ();
}

GstCaps *
gst_lstm_formats_take (const GstStructure *source)
{
  GstCaps *caps = gst_caps_new_empty ();

  for (guint i = 0; i < G_N_ELEMENTS (formats); i++)
    caps = gst_caps_merge (caps, formats[i].take (source));
  return caps;
}

gboolean
gst_lstm_input_open (
    const GstLstmInput *input, GstBuffer *buffer, GstLstmSteps *steps, GError **error)
{
  steps->buffer = NULL;
  steps->copy = NULL;
  return input->format->open (input, buffer, steps, error);
}

void
gst_lstm_steps_close (GstLstmSteps *steps)
{
  if (steps->buffer)
    gst_buffer_unmap (steps->buffer, &steps->map);
  g_free (steps->copy);
}
