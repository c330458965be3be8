/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * NNStreamer's other/tensors and other/tensor. Caps describe static tensors. Each memory of a
 * flexible tensor begins with a header that describes it. */
#include "common/errors.h"
#include "common/flexible.h"
#include "lstm/input/caps-kinds.h"

#define FORMAT GST_LSTM_STREAM (FORMAT)

static GstStaticCaps any_sink = GST_STATIC_CAPS (
    GST_LSTM_TENSORS_SINK_CAPS ";" GST_LSTM_FLEXIBLE_CAPS ";" GST_LSTM_ANY_OLD_TENSOR_CAPS);
static GstStaticCaps any_source = GST_STATIC_CAPS (
    GST_LSTM_TENSORS_CAPS ";" GST_LSTM_ANY_OLD_TENSOR_CAPS GST_LSTM_ANY_FRAMERATE
                          ";" GST_LSTM_FLEXIBLE_CAPS GST_LSTM_ANY_FRAMERATE);

/* --- Caps --- */

static gboolean
tensors_matches (const GstStructure *s, const GstLstmCapsContext *context)
{
  return gst_lstm_tensors_matches (s);
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
  input->tensor_ref.index = index < 0 ? GST_LSTM_ONLY_TENSOR : (guint) index;
  return TRUE;
}

static gboolean
tensors_parse_caps (GstLstmInput *input, const GstStructure *s,
    const GstLstmCapsContext *context, GError **error)
{
  const gint index = context->input_tensor_index;
  const gsize d = lstm_model_get_input_size (context->model);
  GstLstmTensors *in = &input->tensors;

  if (gst_lstm_flexible_matches (s))
    return parse_flexible (input, s, index, d);
  if (!gst_lstm_tensors_select (in, &input->tensor_ref, s, index, d, error))
    return FALSE;
  if (input->tensor_ref.n_tensors == 1)
    input->step_bytes = (gsize) in->size[0] * in->n_rows[0] * in->streams
                        * input->tensor_ref.type->size;
  return in->size[0] * in->n_rows[0] == d
         || gst_lstm_fail (error, FORMAT,
             "caps field %s: expected vectors of %" G_GSIZE_FORMAT
             " values, which the model needs, found %u",
             gst_lstm_tensors_get_dimensions_field (s), d, in->size[0] * in->n_rows[0]);
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

GstCaps *
gst_lstm_caps_make_tensors (const GstLstmTensors *out)
{
  GstCaps *caps;

  if (!out)
    return gst_static_caps_get (&any_source);
  caps = gst_lstm_tensors_to_caps (out);
  gst_caps_append (caps, gst_lstm_tensors_to_open_caps (out));
  gst_caps_append_structure (caps, gst_lstm_flexible_make_structure (out));
  return caps;
}

static GstCaps *
tensors_get_src_caps (
    const GstCaps *sink, const GstLstmTensors *out, const GstLstmCapsContext *context)
{
  return set_framerate (gst_lstm_caps_make_tensors (out),
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

static gboolean
open_flexible (
    const GstLstmInput *input, GstBuffer *buffer, GstLstmSteps *steps, GError **error)
{
  const gboolean index_is_set = input->tensor_ref.index != GST_LSTM_ONLY_TENSOR;
  const guint n = gst_buffer_n_memory (buffer);
  const guint index = index_is_set ? input->tensor_ref.index : 0;
  const gsize d = input->tensors.size[0];
  GstLstmTensors tensor = input->tensors;
  const GstLstmType *type;

  if (!index_is_set && n != 1)
    return gst_lstm_fail (error, FORMAT,
        "buffer: expected 1 tensor if property input-tensor-index is not set, found %u", n);
  if (index >= n)
    return gst_lstm_fail (error, FORMAT,
        "buffer: expected at least %u tensors for property input-tensor-index %u, found %u",
        index + 1, index, n);
  if (!gst_lstm_steps_map (steps, buffer, index, error))
    return FALSE;
  if (gst_lstm_flexible_read (
          steps->map.data, steps->map.size, index, d, &tensor, &type, error)) {
    steps->n_steps = tensor.steps;
    steps->n_streams = tensor.streams;
    if (gst_lstm_steps_convert (steps, type, steps->map.data + GST_LSTM_HEADER_BYTES,
            d * tensor.steps * tensor.streams, error))
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
      || !gst_lstm_steps_map (
          steps, buffer, ref->n_tensors == 1 ? GST_LSTM_ONLY_TENSOR : ref->index, error))
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
