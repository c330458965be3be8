/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Directions joined again, be it two LSTM nodes of which one reads reversed time. */
#include "onnx/onnx.h"

/* A single direction that reads flipped time is the other one; its own last step, or its flipped
 * outputs, are then those of that. */
static gboolean
is_flipped (const OnnxStep *step)
{
  return step->kind == ONNX_STEP_LSTM && !(step->cells[0] && step->cells[1])
         && step->parent->kind == ONNX_STEP_FLIP;
}

static OnnxStep *
turned (OnnxReader *reader, const OnnxStep *step)
{
  OnnxStep *turned = onnx_step_copy (reader, step);

  turned->cells[0] = step->cells[1];
  turned->cells[1] = step->cells[0];
  turned->parent = step->parent->parent;
  return turned;
}

OnnxValue *
onnx_stream_flip (OnnxReader *reader, const OnnxNode *node, const OnnxValue *in, guint axis)
{
  if (in->kind != ONNX_STREAM || in->axes[axis].n != 1
      || !onnx_bind (reader, &in->axes[axis], ONNX_ROLE_TIME))
    return onnx_bad (reader, node, "expected to reverse time, found something else");
  if (is_flipped (in->step) && in->step->take == ONNX_TAKE_ALL)
    return onnx_stream_new (reader, node, in, turned (reader, in->step));
  return onnx_stream_new (
      reader, node, in, onnx_step_new (reader, node, ONNX_STEP_FLIP, in->step));
}

/* What one direction's step at an end of time is to that direction */
static OnnxTake
own_take (const OnnxStep *step)
{
  OnnxTake own = step->cells[0] ? ONNX_TAKE_LAST : ONNX_TAKE_FIRST;

  return step->take == own ? ONNX_TAKE_OWN : step->take;
}

static const OnnxStep *
unflipped (OnnxReader *reader, const OnnxStep *step)
{
  return is_flipped (step) && own_take (step) == ONNX_TAKE_OWN ? turned (reader, step) : step;
}

static gboolean
are_directions (const OnnxStep *a, const OnnxStep *b)
{
  return a->kind == ONNX_STEP_LSTM && b->kind == ONNX_STEP_LSTM && a->parent == b->parent
         && a->cells[0] && !a->cells[1] && b->cells[1] && !b->cells[0]
         && own_take (a) == own_take (b) && a->cells[0]->m == b->cells[1]->m
         && a->masked == b->masked && a->cells[0]->clip == b->cells[1]->clip
         && a->cells[0]->input_forget == b->cells[1]->input_forget;
}

/* Two directions of one input become one LSTM, their units behind each other along @axis, or
 * combined by @merge, sum or mul.
 * Returns: NULL if they are not that */
OnnxValue *
onnx_stream_merge (OnnxReader *reader, const OnnxNode *node, OnnxValue *a, OnnxValue *b,
    const char *merge, guint axis)
{
  const OnnxStep *there = unflipped (reader, a->step), *back = unflipped (reader, b->step);
  gboolean swapped = back->cells[0] != NULL;
  OnnxValue *value;
  OnnxStep *step;

  if (swapped) {
    step = (OnnxStep *) there;
    there = back;
    back = step;
  }
  if (!are_directions (there, back) || a->n_axes != b->n_axes || (!merge && swapped))
    return NULL;
  step = onnx_step_copy (reader, there);
  step->cells[1] = back->cells[1];
  step->take = own_take (there);
  step->merge = merge;
  if (!merge)
    step->features = onnx_axis_of (reader, 2 * (gint64) there->cells[0]->m, ONNX_ROLE_FEATURE);
  value = onnx_stream_new (reader, node, a, step);
  value->final = MIN (a->final, b->final);
  for (guint i = 0; i < a->n_axes; i++) {
    gboolean units = onnx_axis_equal (&a->axes[i], &a->step->features)
                     && onnx_axis_equal (&b->axes[i], &b->step->features);

    if (units && (merge ? a->axes[i].n > 0 : i == axis))
      value->axes[i] = step->features;
    else if (!onnx_axis_equal (&a->axes[i], &b->axes[i]) || (!merge && i == axis))
      return NULL;
  }
  return value;
}

/* Streams behind each other, of which some may be picked again */
static OnnxValue *
pack (OnnxReader *reader, const OnnxNode *node, guint axis)
{
  OnnxValue *value = onnx_value_copy (reader, node->in[0]);

  value->kind = ONNX_PACK;
  value->axis = axis;
  value->axes[axis].n = 0;
  value->n_parts = node->n_in;
  value->parts = node->in;
  value->problem = onnx_text (reader,
      g_strdup_printf (
          "%s: expected the two directions of an LSTM to join, found others", node->label));
  return value;
}

OnnxValue *
onnx_stream_concat (OnnxReader *reader, OnnxNode *node)
{
  OnnxValue *first = node->in[0], *merged = NULL;
  guint axis;

  if (first->kind != ONNX_STREAM
      || !onnx_get_axis (onnx_get_int (node, "axis", 1), first->n_axes, &axis))
    return onnx_bad (
        reader, node, "expected the two directions of an LSTM to join, found others");
  if (node->n_in == 1)
    return first;
  for (guint i = 0; i < node->n_in; i++)
    if (!node->in[i] || node->in[i]->kind != ONNX_STREAM || node->in[i]->n_axes != first->n_axes
        || onnx_axis_size (reader, &node->in[i]->axes[axis]).atom != ONNX_NUMBER)
      return onnx_bad (
          reader, node, "expected the two directions of an LSTM to join, found others");
  if (node->n_in == 2 && onnx_axis_equal (&first->axes[axis], &first->step->features))
    merged = onnx_stream_merge (reader, node, first, node->in[1], NULL, axis);
  return merged ? merged : pack (reader, node, axis);
}

/* ReverseSequence over whole sequences */
OnnxValue *
onnx_stream_reverse (OnnxReader *reader, OnnxNode *node)
{
  const OnnxValue *in = node->in[0];
  const OnnxTensor *lens = node->n_in > 1 && node->in[1] && node->in[1]->kind == ONNX_TENSOR
                               ? node->in[1]->tensor
                               : NULL;
  guint axis;

  if (in->kind != ONNX_STREAM || !lens || !lens->is_int
      || !onnx_get_axis (onnx_get_int (node, "time_axis", 0), in->n_axes, &axis)
      || !onnx_bind (reader, &in->axes[axis], ONNX_ROLE_TIME))
    return onnx_bad (reader, node, "expected constant lengths of sequences, found others");
  for (gsize k = 0; k < lens->n; k++)
    if (!onnx_int_equal (reader, lens->i[k], onnx_axis_size (reader, &in->axes[axis])))
      return onnx_bad (reader, node, "expected to reverse all of time, found parts");
  return onnx_stream_flip (reader, node, in, axis);
}
