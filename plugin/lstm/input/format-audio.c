/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Raw audio, of which a frame is a step and a channel a value. */
#include "common/errors.h"
#include "lstm/input/formats.h"
#include <gst/audio/audio.h>

#define FORMAT GST_LSTM_STREAM (FORMAT)

static GstStaticCaps any_audio = GST_STATIC_CAPS (GST_LSTM_AUDIO_CAPS);
static GstStaticCaps any_tensors = GST_STATIC_CAPS (GST_LSTM_TENSORS_CAPS);

static gboolean
is_audio (const GstStructure *s)
{
  return gst_structure_has_name (s, "audio/x-raw");
}

/* Audio with tensors beside it is another row's. */
static gboolean
audio_is (const GstStructure *s, const GstLstmWanted *wanted)
{
  return is_audio (s) && !wanted->settings->input_tensor_id;
}

/* Whether an output, and nothing else, leaves for every step as it comes: n of @model if not NULL. */
static gboolean
gives_audio (const GstLstmWanted *wanted)
{
  const GstLstmSettings *settings = wanted->settings;

  return settings->output_mode == GST_LSTM_OUTPUT_SEQUENCE
         && settings->emit == GST_LSTM_EMIT_OUTPUT
         && (!wanted->model
             || (lstm_model_is_causal (wanted->model)
                 && lstm_model_get_output_size (wanted->model) <= GST_LSTM_MAX_CHANNELS));
}

static GstCaps *
audio_all (GstPadDirection direction, const GstLstmWanted *wanted)
{
  return wanted->settings->input_tensor_id ? gst_caps_new_empty ()
                                           : gst_static_caps_get (&any_audio);
}

static gboolean
audio_parse (
    GstLstmInput *input, const GstStructure *s, const GstLstmWanted *wanted, GError **error)
{
  const gsize d = lstm_model_get_input_size (wanted->model);
  gint channels = 0, rate = 0;

  gst_structure_get_int (s, "channels", &channels);
  gst_structure_get_int (s, "rate", &rate);
  if ((gsize) channels != d)
    return gst_lstm_fail (error, FORMAT,
        "caps field channels: expected %" G_GSIZE_FORMAT
        ", as many values as the model takes, got %d",
        d, channels);
  gst_lstm_tensors_init (&input->tensors, (guint) d, s);
  input->tensors.fps_n = rate;
  input->varies = TRUE;
  input->step_bytes = d * sizeof (gfloat);
  return TRUE;
}

static gboolean
audio_open (const GstLstmInput *input, GstBuffer *buffer, GstLstmSteps *steps, GError **error)
{
  const gsize bytes = gst_buffer_get_size (buffer), n = bytes / input->step_bytes;

  if (bytes % input->step_bytes || n > G_MAXINT32)
    return gst_lstm_fail (error, FORMAT,
        "buffer: expected audio frames of %" G_GSIZE_FORMAT " bytes, got %" G_GSIZE_FORMAT
        " bytes",
        input->step_bytes, bytes);
  if (!gst_buffer_map (buffer, &steps->map, GST_MAP_READ))
    return gst_lstm_fail_to_map (error, "for reading", bytes);
  steps->buffer = buffer;
  steps->n_steps = (guint) n;
  steps->n_streams = 1;
  if (gst_lstm_steps_read (steps, gst_lstm_type_from_number (GST_LSTM_TYPE_FLOAT32),
          steps->map.data, bytes / sizeof (gfloat), error))
    return TRUE;
  gst_lstm_steps_close (steps);
  return FALSE;
}

/* --- Other caps --- */

/* As many channels as there are values, at the same places where there are as many as come. */
static void
set_channels (GstCaps *caps, const GstStructure *sink, gint n)
{
  const GValue *mask = gst_structure_get_value (sink, "channel-mask");
  gint channels = 0;

  gst_structure_get_int (sink, "channels", &channels);
  gst_caps_set_simple (caps, "channels", G_TYPE_INT, n, NULL);
  if (mask && channels == n)
    gst_caps_set_value (caps, "channel-mask", mask);
  else if (n > 2)
    gst_caps_set_simple (
        caps, "channel-mask", GST_TYPE_BITMASK, gst_audio_channel_get_fallback_mask (n), NULL);
}

static GstCaps *
audio_give (const GstCaps *sink, const GstLstmTensors *out, const GstLstmWanted *wanted)
{
  const GstStructure *s = gst_caps_get_structure (sink, 0);
  const GValue *rate = gst_structure_get_value (s, "rate");
  GstCaps *tensors = out ? gst_lstm_tensors_to_caps (out) : gst_static_caps_get (&any_tensors);
  GstCaps *caps;

  if (!gives_audio (wanted))
    return tensors;
  caps = gst_caps_make_writable (gst_static_caps_get (&any_audio));
  if (out)
    set_channels (caps, s, (gint) out->size[0]);
  if (rate)
    gst_caps_set_value (caps, "rate", rate);
  return gst_caps_merge (caps, tensors);
}

/* Steps a second as frames a second */
static void
set_rate (GstCaps *caps, const GstStructure *source)
{
  const GValue *rate = gst_structure_get_value (source, "rate");
  gint n, d;

  if (rate)
    gst_caps_set_value (caps, "rate", rate);
  else if (gst_structure_get_fraction (source, "framerate", &n, &d) && n > 0 && d == 1)
    gst_caps_set_simple (caps, "rate", G_TYPE_INT, n, NULL);
}

static GstCaps *
audio_take (const GstCaps *source, const GstLstmWanted *wanted)
{
  const GstStructure *s = gst_caps_get_structure (source, 0);
  const gsize d = wanted->model ? lstm_model_get_input_size (wanted->model) : 0;
  GstCaps *caps;

  if (wanted->settings->input_tensor_id || d > GST_LSTM_MAX_CHANNELS
      || !(is_audio (s) ? gives_audio (wanted) : gst_structure_has_name (s, "other/tensors")))
    return gst_caps_new_empty ();
  caps = gst_caps_make_writable (gst_static_caps_get (&any_audio));
  set_rate (caps, s);
  if (d > 0)
    gst_caps_set_simple (caps, "channels", G_TYPE_INT, (gint) d, NULL);
  return caps;
}

const GstLstmFormat gst_lstm_format_audio = {
    .is = audio_is,
    .all = audio_all,
    .parse = audio_parse,
    .open = audio_open,
    .give = audio_give,
    .take = audio_take,
};
