/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lstm/caps.h"
#include "common/errors.h"
#include "common/flexible.h"
#include "common/tensor-id.h"

#define GST_CAT_DEFAULT gst_lstm_debug

G_STATIC_ASSERT (GST_LSTM_MAX_ATTACHED == GST_LSTM_N_TENSORS);

/* Sets the ids of the tensors that the element attaches to media. Caps do not list the tensors of
 * objects. */
static void
set_tensor_ids (GstLstmCapsContext *context, const GstLstmSettings *settings)
{
  guint n = 0;

  if (settings->output_mode == GST_LSTM_OUTPUT_FINAL || settings->per_object)
    return;
  for (guint kind = 0; kind < GST_LSTM_N_TENSORS; kind++)
    if (settings->emit & 1 << kind)
      context->tensor_ids[n++] = gst_lstm_tensor_id_make (
          settings->output_tensor_id, gst_lstm_sequence_config_get_tensor_name (kind));
}

GstLstmCapsContext
gst_lstm_make_caps_context (const GstLstm *self, const LstmModel *model)
{
  const GstLstmSettings *settings = &self->settings;
  GstLstmCapsContext context = {
      .model = model,
      .input_tensor_id = settings->input_tensor_id,
      .input_tensor_index = settings->input_tensor_index,
      .axes = (GstLstmAxes) settings->axes,
      .n_parameters = settings->parameters->len,
      .per_object = settings->per_object,
      .has_boxes = settings->per_object
                   && settings->object_features == GST_LSTM_OBJECT_FEATURES_BOX,
      .only_output = settings->emit == GST_LSTM_EMIT_OUTPUT,
      .output_per_step = settings->output_mode == GST_LSTM_OUTPUT_SEQUENCE,
  };

  set_tensor_ids (&context, settings);
  return context;
}

gboolean
gst_lstm_keeps_shape (const GstLstm *self, const GstLstmInput *input)
{
  return input->shape_per_buffer && input->kind == self->input.kind
         && self->input.shape_per_buffer
         && input->caps_shape.steps == self->input.caps_shape.steps
         && input->caps_shape.streams == self->input.caps_shape.streams
         && gst_lstm_is_configured (self);
}

/* Returns whether buffers have a number of streams that the caps of @input do not state. */
static gboolean
has_streams_per_buffer (const GstLstmInput *input)
{
  if (!input->shape_per_buffer || input->n_channels || input->caps_shape.steps)
    return FALSE;
  return !input->kind->attach_output || input->axes >= GST_LSTM_AXES_STREAMS;
}

gboolean
gst_lstm_parse_sink_caps (
    const GstLstm *self, GstLstmInput *input, const GstStructure *s, GError **error)
{
  const GstLstmCapsContext context = gst_lstm_make_caps_context (
      self, self->sequence.config.model);

  if (!gst_lstm_input_parse (input, s, &context, error))
    return FALSE;
  if (gst_lstm_keeps_shape (self, input))
    input->tensors = gst_lstm_input_get_shape (input, self->sequence.in.steps,
        input->n_channels ? input->tensors.streams : self->sequence.in.streams);
  else if (self->sequence.restored && has_streams_per_buffer (input))
    input->tensors.streams = self->sequence.in.streams;
  return TRUE;
}

/* Returns the shape of the tensors that are attached to media of @input. It may be unknown until
 * the first buffer. @out: the output for @input */
static GstLstmTensorShape
find_attached_shape (const GstLstm *self, const GstLstmInput *input, const GstLstmTensors *out)
{
  if (self->attached_shape.steps && gst_lstm_keeps_shape (self, input))
    return self->attached_shape;
  return input->caps_shape.steps || !gst_lstm_sequence_config_is_direct (&self->sequence.config)
             ? (GstLstmTensorShape){out->steps, out->streams}
             : (GstLstmTensorShape){0};
}

/* Returns the source caps for sink caps @caps, one structure. Needs `lock`. */
static GstCaps *
make_src_caps (const GstLstm *self, const GstCaps *caps, GstLstmCapsContext *context)
{
  GstLstmTensors out;
  GstLstmInput input;

  if (!context->model
      || !gst_lstm_parse_sink_caps (self, &input, gst_caps_get_structure (caps, 0), NULL))
    return gst_lstm_caps_kinds_get_src_caps (caps, NULL, context);
  gst_lstm_sequence_config_describe_output (&self->sequence.config, &input.tensors, &out);
  context->attached_shape = find_attached_shape (self, &input, &out);
  return gst_lstm_caps_kinds_get_src_caps (caps, &out, context);
}

/* Returns the caps of the other pad for @caps, one structure. @any_size: the model's d does not
 * restrict them. Any thread may call this function, also while the element stops. */
static GstCaps *
transform_structure (
    GstLstm *self, GstPadDirection direction, const GstCaps *caps, gboolean any_size)
{
  GstLstmCapsContext context;
  GstCaps *other;

  gst_lstm_lock (self);
  context = gst_lstm_make_caps_context (self, any_size ? NULL : self->sequence.config.model);
  other = direction == GST_PAD_SRC ? gst_lstm_caps_kinds_get_sink_caps (caps, &context)
                                   : make_src_caps (self, caps, &context);
  gst_lstm_unlock (self);
  return other;
}

static GstCaps *
get_template_caps (GstLstm *self, GstPadDirection direction)
{
  GstLstmCapsContext context;
  GstCaps *caps;

  gst_lstm_lock (self);
  context = gst_lstm_make_caps_context (self, NULL);
  caps = gst_lstm_caps_kinds_get_template_caps (direction, &context);
  gst_lstm_unlock (self);
  return caps;
}

/* Implements gst_lstm_transform_caps(). @any_size: the model's d does not restrict the result. */
static GstCaps *
transform_caps (
    GstLstm *self, GstPadDirection direction, GstCaps *caps, GstCaps *filter, gboolean any_size)
{
  g_autoptr (GstCaps) known = gst_caps_is_any (caps) ? get_template_caps (self, direction)
                                                     : gst_caps_ref (caps);
  GstCaps *result = gst_caps_is_any (known) ? gst_caps_new_any () : gst_caps_new_empty ();

  for (guint i = 0; i < gst_caps_get_size (known); i++) {
    g_autoptr (GstCaps) structure = gst_caps_copy_nth (known, i);

    result = gst_caps_merge (
        result, transform_structure (self, direction, structure, any_size));
  }
  return gst_lstm_caps_filter (result, filter);
}

GstCaps *
gst_lstm_transform_caps (
    GstLstm *self, GstPadDirection direction, GstCaps *caps, GstCaps *filter)
{
  return transform_caps (self, direction, caps, filter, FALSE);
}

gboolean
gst_lstm_can_have_caps (GstLstm *self, GstPadDirection direction, const GstCaps *caps)
{
  g_autoptr (GstCaps) all = get_template_caps (self, direction);
  const gboolean accepts = gst_caps_is_subset (caps, all);

  if (!accepts)
    GST_DEBUG_OBJECT (self, "does not accept caps %" GST_PTR_FORMAT, caps);
  return accepts;
}

/* Returns @caps (transfer full) that @filter contains, in the order of @filter, but audio of the
 * model's rate first: audioresample offers the rate of its input before other rates.
 * Returns: (transfer full) */
static GstCaps *
prefer_rate (GstLstm *self, GstCaps *caps, GstCaps *filter)
{
  g_autoptr (GstCaps) rate = gst_caps_new_empty ();
  GstCaps *preferred;

  gst_lstm_lock (self);
  if (self->sequence.config.model)
    gst_caps_take (&rate, gst_lstm_input_get_rate_caps (self->sequence.config.model));
  gst_lstm_unlock (self);
  preferred = gst_lstm_caps_filter (gst_caps_intersect (caps, rate), filter);
  return gst_caps_merge (preferred, gst_lstm_caps_filter (caps, filter));
}

/* The base class would list downstream's own caps first, as if steps could be outputs. If
 * upstream has no caps of the model's d, the result has any d, so that set_caps() can report
 * the wrong d. A converter upstream has some caps of the model's d. */
GstCaps *
gst_lstm_get_sink_caps (GstLstm *self, GstCaps *filter)
{
  GstBaseTransform *trans = GST_BASE_TRANSFORM (self);
  g_autoptr (GstCaps) all = get_template_caps (self, GST_PAD_SRC);
  g_autoptr (GstCaps) peer = gst_pad_peer_query_caps (GST_BASE_TRANSFORM_SRC_PAD (trans), all);
  GstCaps *caps = prefer_rate (
      self, transform_caps (self, GST_PAD_SRC, peer, NULL, FALSE), filter);

  if (!gst_caps_is_empty (caps))
    return caps;
  GST_DEBUG_OBJECT (self, "caps query: no caps have the model's d; the answer has any d");
  gst_caps_unref (caps);
  return transform_caps (self, GST_PAD_SRC, peer, filter, TRUE);
}

/* Returns whether @s are tensors that are not @out. @out: (nullable): NULL if the output is
 * unknown */
static gboolean
is_misfit (const GstStructure *s, const GstLstmTensors *out)
{
  if (gst_lstm_flexible_matches (s))
    return gst_structure_has_field (s, "dimensions") || gst_structure_has_field (s, "types");
  return out && gst_lstm_tensors_matches (s) && !gst_lstm_tensors_fit (out, s);
}

GstCaps *
gst_lstm_remove_misfits (GstCaps *caps, const GstLstmTensors *out)
{
  caps = gst_caps_make_writable (caps);
  for (guint i = gst_caps_get_size (caps); i-- > 0;)
    if (is_misfit (gst_caps_get_structure (caps, i), out))
      gst_caps_remove_structure (caps, i);
  return caps;
}

gboolean
gst_lstm_attaches_outputs (const GstLstmCapsKind *kind, const GstCaps *src)
{
  return kind->attach_output && !gst_lstm_tensors_matches (gst_caps_get_structure (src, 0));
}

/* Returns the first structure of @caps (transfer full) that is media, or else all of @caps.
 * Returns: (transfer full) */
static GstCaps *
prefer_media (GstCaps *caps)
{
  for (guint i = 0; i < gst_caps_get_size (caps); i++)
    if (!gst_lstm_tensors_matches (gst_caps_get_structure (caps, i))) {
      GstCaps *media = gst_caps_copy_nth (caps, i);

      gst_caps_unref (caps);
      return media;
    }
  return caps;
}

/* Returns the caps of media for @sink, with the dimensions that @possible, fixed source caps of
 * media, have. An intersection with the caps of downstream lacks the tensors of a group that
 * downstream does not name, although the buffers have them. Downstream then accepts or refuses the
 * exact caps. Returns: (transfer full) */
static GstCaps *
make_exact_caps (GstLstm *self, const GstCaps *sink, const GstCaps *possible,
    const GstLstmCapsKind *kind, GstLstmCapsContext *context)
{
  GstCaps *caps = gst_caps_truncate (make_src_caps (self, sink, context));

  kind->copy_attached_dims (caps, possible, context);
  return gst_caps_fixate (caps); /* tensors that downstream does not name have any steps */
}

/* Media precede tensors. */
GstCaps *
gst_lstm_fixate_caps (
    GstLstm *self, GstPadDirection direction, const GstCaps *caps, GstCaps *other)
{
  GstLstmCapsContext context;
  GstLstmTensors out;
  GstLstmInput input;
  gboolean is_known;

  gst_lstm_lock (self);
  context = gst_lstm_make_caps_context (self, self->sequence.config.model);
  is_known = direction == GST_PAD_SINK && context.model
             && gst_lstm_parse_sink_caps (self, &input, gst_caps_get_structure (caps, 0), NULL);
  if (is_known)
    gst_lstm_sequence_config_describe_output (&self->sequence.config, &input.tensors, &out);
  other = gst_lstm_remove_misfits (other, is_known ? &out : NULL);
  if (is_known && input.kind->attach_output)
    other = prefer_media (other);
  else
    input.kind = NULL;
  other = gst_caps_is_empty (other) ? other : gst_caps_fixate (other);
  if (input.kind && !gst_caps_is_empty (other) && gst_lstm_attaches_outputs (input.kind, other))
    gst_caps_take (&other, make_exact_caps (self, caps, other, input.kind, &context));
  gst_lstm_unlock (self);
  return other;
}

GstCaps *
gst_lstm_make_src_caps (GstLstm *self, const GstCaps *sink, const GstLstmTensors *out,
    GstLstmTensorShape attached_shape)
{
  GstLstmCapsContext context;
  GstCaps *caps;

  gst_lstm_lock (self);
  context = gst_lstm_make_caps_context (self, self->sequence.config.model);
  context.attached_shape = attached_shape;
  caps = gst_lstm_caps_kinds_get_src_caps (sink, out, &context);
  gst_lstm_unlock (self);
  return caps;
}

GstCaps *
gst_lstm_get_known_src_caps (GstLstm *self, GstCaps *filter)
{
  g_autoptr (GstCaps) current = gst_pad_get_current_caps (GST_BASE_TRANSFORM_SINK_PAD (self));
  const GstStructure *s = current ? gst_caps_get_structure (current, 0) : NULL;
  GstLstmCapsContext context;
  GstCaps *caps = NULL;
  GstLstmInput input;

  if (!s || !gst_lstm_tensors_matches (s))
    return NULL;
  gst_lstm_lock (self);
  context = gst_lstm_make_caps_context (self, self->sequence.config.model);
  if (context.model && gst_lstm_parse_sink_caps (self, &input, s, NULL))
    caps = make_src_caps (self, current, &context);
  gst_lstm_unlock (self);
  return caps ? gst_lstm_caps_filter (caps, filter) : NULL;
}

/* Returns: (nullable): the first structure of @caps that is tensors, or that is media */
static const GstStructure *
find_structure (const GstCaps *caps, gboolean are_tensors)
{
  for (guint i = 0; i < gst_caps_get_size (caps); i++) {
    const GstStructure *s = gst_caps_get_structure (caps, i);

    if (gst_lstm_tensors_matches (s) == are_tensors)
      return s;
  }
  return NULL;
}

void
gst_lstm_refuse_media (GstLstm *self, GstCaps *caps)
{
  g_autoptr (GstCaps) possible = gst_lstm_transform_caps (self, GST_PAD_SINK, caps, NULL);
  g_autoptr (GstCaps) peer = gst_pad_peer_query_caps (GST_BASE_TRANSFORM_SRC_PAD (self), NULL);
  const GstStructure *media = find_structure (peer, FALSE);
  GError *error = NULL;

  if (find_structure (possible, FALSE) || !media || find_structure (peer, TRUE))
    return;
  gst_lstm_fail (&error, GST_LSTM_STREAM (FORMAT),
      "caps: expected downstream to accept other/tensors, because the model needs complete "
      "sequences, found %s",
      gst_structure_get_name (media));
  gst_lstm_refusal_set (&self->refusal, caps, error);
}
