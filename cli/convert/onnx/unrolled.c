/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "onnx/unrolled.h"
#include "onnx/signal.h"
#include <string.h>

#define MAX_LAYERS 64 /* of a step */

/* Returns the stage that selects the step from which @stage computes its result, or NULL. */
static const OnnxStage *
find_selection (const OnnxStage *stage)
{
  for (guint i = 0; stage && i < MAX_LAYERS; i++, stage = stage->parent)
    if (stage->selection != ONNX_SELECT_ALL)
      return stage;
  return NULL;
}

/* Returns the stage of the sequence from which @selection selects a step. */
static const OnnxStage *
get_sequence (const OnnxStage *selection)
{
  return selection->kind == ONNX_STAGE_SELECT ? selection->parent : selection->all_steps;
}

/* Returns whether @selection selects step @i of @n steps. */
static gboolean
selects_step (const OnnxStage *selection, guint i, guint n)
{
  switch (selection->selection) {
  case ONNX_SELECT_FIRST:
    return i == 0;
  case ONNX_SELECT_LAST:
    return i == n - 1;
  case ONNX_SELECT_STEP:
    return selection->step == i;
  case ONNX_SELECT_ALL:
  case ONNX_SELECT_OWN_LAST:
  default:
    return FALSE;
  }
}

static gboolean
are_equal_tensors (const OnnxTensor *a, const OnnxTensor *b)
{
  return a == b
         || (a && b && a->n_values == b->n_values && !a->is_int && !b->is_int
             && memcmp (a->reals, b->reals, a->n_values * sizeof *a->reals) == 0);
}

static gboolean
are_equal_layers (const OnnxStage *a, const OnnxStage *b)
{
  static const OnnxStageKind kinds[] = {
      ONNX_STAGE_DENSE, ONNX_STAGE_AFFINE, ONNX_STAGE_ACTIVATION, ONNX_STAGE_LAYER_NORM};
  gboolean is_supported = FALSE;

  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    is_supported |= a->kind == kinds[i];
  return is_supported && a->kind == b->kind && are_equal_tensors (a->weight, b->weight)
         && are_equal_tensors (a->bias, b->bias) && are_equal_tensors (a->scale, b->scale)
         && are_equal_tensors (a->operand, b->operand) && a->arithmetic == b->arithmetic
         && g_strcmp0 (a->activation.name, b->activation.name) == 0
         && a->activation.alpha == b->activation.alpha
         && a->activation.beta == b->activation.beta && a->epsilon == b->epsilon;
}

/* Returns whether @a and @b are the same layers after the steps that they select. */
static gboolean
are_equal_chains (const OnnxStage *a, const OnnxStage *b)
{
  for (; a->selection == ONNX_SELECT_ALL && b->selection == ONNX_SELECT_ALL;
       a = a->parent, b = b->parent)
    if (!are_equal_layers (a, b))
      return FALSE;
  return a->selection != ONNX_SELECT_ALL && b->selection != ONNX_SELECT_ALL
         && get_sequence (a) == get_sequence (b);
}

static gboolean
have_equal_axes (const OnnxValue *a, const OnnxValue *b, guint axis)
{
  for (guint i = 0; i < a->n_axes; i++) {
    gboolean are_features = onnx_axis_equal (&a->axes[i], &a->stage->features)
                            && onnx_axis_equal (&b->axes[i], &b->stage->features);

    if (i != axis && !are_features && !onnx_axis_equal (&a->axes[i], &b->axes[i]))
      return FALSE;
  }
  return a->n_axes == b->n_axes;
}

/* Returns the layers of @stage after the selection, applied to all steps of the sequence. */
static OnnxStage *
apply_to_sequence (OnnxReader *reader, const OnnxStage *stage)
{
  OnnxStage *copy;

  if (stage->selection != ONNX_SELECT_ALL)
    return (OnnxStage *) get_sequence (stage);
  copy = onnx_stage_copy (reader, stage);
  copy->parent = apply_to_sequence (reader, stage->parent);
  return copy;
}

OnnxValue *
onnx_join_steps (OnnxReader *reader, const OnnxNode *node, guint axis)
{
  const OnnxValue *first = node->inputs[0];
  const OnnxStage *selection = find_selection (first->stage);
  OnnxValue *value;
  OnnxInt size;

  if (!selection || !selection->time.n || !get_sequence (selection) || first->axes[axis].n)
    return NULL;
  size = onnx_axis_size (reader, &selection->time);
  if (size.factor != ONNX_NO_FACTOR || size.offset != node->n_inputs)
    return NULL;
  for (guint i = 0; i < node->n_inputs; i++) {
    const OnnxValue *in = node->inputs[i];
    const OnnxStage *step = find_selection (in->stage);

    if (!step || in->axes[axis].n || !selects_step (step, i, node->n_inputs)
        || !are_equal_chains (in->stage, first->stage) || !have_equal_axes (in, first, axis))
      return NULL;
  }
  value = onnx_signal_new (reader, first, apply_to_sequence (reader, first->stage));
  value->axes[axis] = selection->time;
  return value;
}
