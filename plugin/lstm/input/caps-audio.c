/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Raw audio: a frame is a step, and a channel is a value, or a stream if the model has one input
 * and one output. The values of the property parameters follow those of the channels. */
#include "common/errors.h"
#include "lstm/input/caps-kinds.h"
#include <gst/audio/audio.h>

#define FORMAT GST_LSTM_STREAM (FORMAT)

#define SAMPLE_FORMAT GST_AUDIO_NE (F32)
#define MAX_CHANNELS 64

static GstStaticCaps any_audio = GST_STATIC_CAPS (
    "audio/x-raw, format = (string) " SAMPLE_FORMAT ", layout = (string) interleaved, "
    "rate = (int) [ 1, max ], channels = (int) [ 1, " G_STRINGIFY (MAX_CHANNELS) " ]");

static gboolean
is_audio (const GstStructure *s)
{
  return gst_structure_has_name (s, "audio/x-raw");
}

/* Audio whose buffers carry tensors is of the kind media. */
static gboolean
audio_matches (const GstStructure *s, const GstLstmCapsContext *context)
{
  return is_audio (s) && !context->input_tensor_id;
}

/* Returns whether the outputs can be audio: each step has its output at once, the output is the
 * only tensor, and it has at most MAX_CHANNELS values. */
static gboolean
can_output_audio (const GstLstmCapsContext *context)
{
  return context->output_per_step && context->only_output
         && (!context->model
             || (lstm_model_is_causal (context->model)
                 && lstm_model_get_output_size (context->model) <= MAX_CHANNELS));
}

static GstCaps *
audio_get_template_caps (GstPadDirection direction, const GstLstmCapsContext *context)
{
  return context && context->input_tensor_id ? gst_caps_new_empty ()
                                             : gst_static_caps_get (&any_audio);
}

/* Returns the number of inputs of @model that are audio: those before the parameters. */
static gsize
count_audio_inputs (const GstLstmCapsContext *context)
{
  const gsize d = lstm_model_get_input_size (context->model);

  return d > context->n_parameters ? d - context->n_parameters : 0;
}

/* Returns whether the model, which has one input and one output, runs each channel as a stream. */
static gboolean
can_have_channel_streams (const GstLstmCapsContext *context)
{
  return context->model && count_audio_inputs (context) == 1
         && lstm_model_get_output_size (context->model) == 1;
}

/* Returns whether the model can run audio of @channels. A model with one output and parameters has
 * one audio input: a smaller number of parameters would make channels the values of knobs. */
static gboolean
can_run_channels (const GstLstmCapsContext *context, gint channels)
{
  const gsize n_inputs = count_audio_inputs (context);

  if (channels > 0 && can_have_channel_streams (context))
    return TRUE;
  return (gsize) channels == n_inputs
         && (n_inputs == 1 || context->n_parameters == 0
             || lstm_model_get_output_size (context->model) > 1);
}

/* Sets @error for audio of @channels that the model cannot run. Returns FALSE. */
static gboolean
fail_for_channels (const GstLstmCapsContext *context, gsize channels, GError **error)
{
  const gsize d = lstm_model_get_input_size (context->model);
  const gsize n_audio = lstm_model_get_output_size (context->model) == 1 ? 1 : channels;

  if (context->n_parameters > 0)
    return gst_lstm_fail (error, FORMAT,
        "property parameters: expected %" G_GSIZE_FORMAT " values, because the model has "
        "%" G_GSIZE_FORMAT " inputs and the audio %" G_GSIZE_FORMAT " channels, found %u",
        d > n_audio ? d - n_audio : 0, d, channels, context->n_parameters);
  if (d > n_audio)
    return gst_lstm_fail (error, FORMAT,
        "caps field channels: expected %" G_GSIZE_FORMAT
        ", the size of the model's input, found %" G_GSIZE_FORMAT
        "; or property parameters: expected %" G_GSIZE_FORMAT " values, found 0",
        d, channels, d - n_audio);
  return gst_lstm_fail (error, FORMAT,
      "caps field channels: expected %" G_GSIZE_FORMAT
      ", the size of the model's input, found %" G_GSIZE_FORMAT,
      d, channels);
}

static gboolean
audio_parse_caps (GstLstmInput *input, const GstStructure *s, const GstLstmCapsContext *context,
    GError **error)
{
  const gsize d = lstm_model_get_input_size (context->model);
  gint channels = 0, rate = 0;

  gst_structure_get_int (s, "channels", &channels);
  gst_structure_get_int (s, "rate", &rate);
  if (!can_run_channels (context, channels))
    return fail_for_channels (context, (gsize) channels, error);
  gst_lstm_tensors_init (&input->tensors, (guint) d, s);
  if ((gsize) channels != count_audio_inputs (context))
    input->tensors.streams = (guint) channels;
  input->tensors.fps_n = rate;
  input->shape_per_buffer = TRUE;
  input->n_channels = (guint) channels;
  input->n_parameters = context->n_parameters;
  input->step_bytes = (gsize) channels * sizeof (gfloat);
  return TRUE;
}

GstCaps *
gst_lstm_input_get_rate_caps (const LstmModel *model)
{
  const gint rate = (gint) lstm_model_get_rate (model);

  return rate > 0 ? gst_caps_new_simple ("audio/x-raw", "rate", G_TYPE_INT, rate, NULL)
                  : gst_caps_new_empty ();
}

gboolean
gst_lstm_input_check_rate (const GstLstmInput *input, const LstmModel *model, GError **error)
{
  const gdouble rate = lstm_model_get_rate (model);

  return !input->n_channels || rate == 0 || rate == (gdouble) input->tensors.fps_n
         || gst_lstm_fail (error, FORMAT,
             "caps field rate: expected %.10g, the rate of the model, found %d", rate,
             input->tensors.fps_n);
}

gboolean
gst_lstm_input_check_parameters (
    const GstLstmInput *input, const LstmModel *model, GError **error)
{
  return input->n_channels < 2 || gst_lstm_input_has_channel_streams (input)
         || input->n_parameters > 0 || lstm_model_get_output_size (model) > 1
         || gst_lstm_fail (error, FORMAT,
             "property parameters: expected %u values if the inputs of the model after the "
             "first are parameters, found 0; all inputs are channels",
             input->n_channels - 1);
}

/* Copies @n frames of interleaved @samples to @x (streams, n, d), and appends the parameters to
 * each step. */
static void
fill_steps (const GstLstmInput *input, const gfloat *samples, gsize n, gfloat *x)
{
  const gsize n_streams = input->tensors.streams, d = input->tensors.size[0];
  const gsize n_inputs = d - input->n_parameters;

  for (gsize s = 0; s < n_streams; s++)
    for (gsize t = 0; t < n; t++) {
      for (gsize i = 0; i < n_inputs; i++)
        *x++ = samples[t * input->n_channels + s + i];
      for (gsize i = 0; i < input->n_parameters; i++)
        *x++ = input->parameters[i];
    }
}

/* Sets the values of @steps to the @n frames that are mapped, which are copied unless a frame is a
 * step. */
static gboolean
convert_frames (const GstLstmInput *input, GstLstmSteps *steps, gsize n, GError **error)
{
  const GstLstmType *type = gst_lstm_type_from_number (GST_LSTM_TYPE_FLOAT32);

  if (!gst_lstm_steps_convert (steps, type, steps->map.data, n * input->n_channels, error))
    return FALSE;
  if (n == 0 || (!gst_lstm_input_has_channel_streams (input) && input->n_parameters == 0))
    return TRUE;
  if (!gst_lstm_steps_reserve (
          steps, n * input->tensors.streams * input->tensors.size[0], error))
    return FALSE;
  fill_steps (input, steps->x, n, steps->rearranged);
  steps->x = steps->rearranged;
  return TRUE;
}

static gboolean
audio_open_buffer (
    const GstLstmInput *input, GstBuffer *buffer, GstLstmSteps *steps, GError **error)
{
  const gsize bytes = gst_buffer_get_size (buffer), n = bytes / input->step_bytes;

  if (bytes % input->step_bytes || n > G_MAXINT32)
    return gst_lstm_fail (error, FORMAT,
        "buffer: expected a multiple of %" G_GSIZE_FORMAT
        " bytes, the size of an audio frame, found %" G_GSIZE_FORMAT " bytes",
        input->step_bytes, bytes);
  if (!gst_lstm_steps_map (steps, buffer, GST_LSTM_ONLY_TENSOR, error))
    return FALSE;
  steps->n_steps = (guint) n;
  steps->n_streams = input->tensors.streams;
  if (convert_frames (input, steps, n, error))
    return TRUE;
  gst_lstm_steps_close (steps);
  return FALSE;
}

/* --- Caps of the other pad --- */

/* Sets @n channels in @caps, with the channel mask of @sink if @sink has @n channels too. */
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
audio_get_src_caps (
    const GstCaps *sink, const GstLstmTensors *out, const GstLstmCapsContext *context)
{
  const GstStructure *s = gst_caps_get_structure (sink, 0);
  const GValue *rate = gst_structure_get_value (s, "rate");
  GstCaps *tensors = gst_lstm_caps_make_tensors (out);
  GstCaps *caps;

  if (!can_output_audio (context))
    return tensors;
  caps = gst_caps_make_writable (gst_static_caps_get (&any_audio));
  if (out) /* one stream, or streams of one value */
    set_channels (caps, s, (gint) (out->size[0] * out->streams));
  if (rate)
    gst_caps_set_value (caps, "rate", rate);
  return gst_caps_merge (caps, tensors);
}

/* Sets the rate of @caps to the steps per second of @source. */
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

/* Restricts the channels of @caps to those with which the model can have the output @source. */
static void
restrict_channels (GstCaps *caps, const GstStructure *source, const GstLstmCapsContext *context)
{
  const GValue *channels = gst_structure_get_value (source, "channels");

  if (!can_have_channel_streams (context))
    gst_caps_set_simple (
        caps, "channels", G_TYPE_INT, (gint) count_audio_inputs (context), NULL);
  else if (channels)
    gst_caps_set_value (caps, "channels", channels);
}

static GstCaps *
audio_get_sink_caps (const GstCaps *source, const GstLstmCapsContext *context)
{
  const GstStructure *s = gst_caps_get_structure (source, 0);
  const gsize d = context->model ? count_audio_inputs (context) : 0;
  GstCaps *caps;

  if (context->input_tensor_id || (context->model && (d == 0 || d > MAX_CHANNELS))
      || !(is_audio (s) ? can_output_audio (context)
                        : gst_lstm_tensors_matches (s)))
    return gst_caps_new_empty ();
  caps = gst_caps_make_writable (gst_static_caps_get (&any_audio));
  set_rate (caps, s);
  if (context->model)
    restrict_channels (caps, s, context);
  return caps;
}

const GstLstmCapsKind gst_lstm_caps_audio = {
    .media_type = "audio/x-raw",
    .matches = audio_matches,
    .get_template_caps = audio_get_template_caps,
    .parse_caps = audio_parse_caps,
    .open_buffer = audio_open_buffer,
    .get_src_caps = audio_get_src_caps,
    .get_sink_caps = audio_get_sink_caps,
};
