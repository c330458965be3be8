/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "onnx/pool.h"
#include "onnx/args.h"
#include "onnx/signal.h"

#define FIRST_POOLED 2 /* after batch and channels */

static gboolean
is_time (const OnnxReader *reader, const OnnxAxis *axis)
{
  return axis->n == 1 && onnx_get_factor (reader, axis->factors[0])->role == ONNX_ROLE_TIME;
}

/* Returns whether a mask of the model applies to the steps of @stage. */
static gboolean
has_mask (const OnnxStage *stage)
{
  while (stage && stage->kind != ONNX_STAGE_RECURRENT)
    stage = stage->parent;
  return stage && (stage->is_masked || stage->mask);
}

OnnxValue *
onnx_signal_pool (OnnxReader *reader, const OnnxNode *node, const OnnxValue *in, guint32 mask,
    const char *function)
{
  OnnxValue *value = onnx_value_copy (reader, in);
  OnnxStage *stage = NULL;

  for (guint i = 0; i < in->n_axes; i++) {
    if (!(mask >> i & 1) || !in->axes[i].n)
      continue;
    if (stage || !is_time (reader, &in->axes[i]))
      return NULL;
    stage = onnx_node_new_stage (reader, node, ONNX_STAGE_POOL, in->stage);
    stage->pooling = function;
    stage->n_pooled = onnx_axis_size (reader, &in->axes[i]);
    stage->counts_masked = has_mask (in->stage);
    value->axes[i].n = 0;
  }
  return stage ? onnx_signal_new (reader, value, stage) : value;
}

/* Returns whether the value of @tensor, an integer or a real number, is @n. */
static gboolean
is_number (const OnnxReader *reader, const OnnxTensor *tensor, OnnxInt n)
{
  if (tensor->is_int)
    return onnx_int_equal (reader, tensor->ints[0], n);
  return n.factor == ONNX_NO_FACTOR && (double) tensor->reals[0] == (double) n.offset;
}

OnnxValue *
onnx_divide_sum (OnnxReader *reader, const OnnxNode *node)
{
  const OnnxValue *sum = onnx_get_input (node, 0);
  const OnnxTensor *n = onnx_get_tensor_input (node, 1);
  OnnxStage *stage;

  if (node->op->arithmetic != '/' || !onnx_value_is (sum, ONNX_VALUE_SIGNAL)
      || sum->stage->kind != ONNX_STAGE_POOL || !g_str_equal (sum->stage->pooling, "sum") || !n
      || n->n_values != 1 || n->n_dims > sum->n_axes
      || !is_number (reader, n, sum->stage->n_pooled))
    return NULL;
  stage = onnx_stage_copy (reader, sum->stage);
  stage->pooling = "mean";
  if (n->is_int && n->ints[0].factor == reader->length_factor)
    stage->counts_masked = FALSE;
  return onnx_signal_new (reader, sum, stage);
}

static OnnxValue *
new_unsupported_pool (OnnxReader *reader, const OnnxNode *node)
{
  return onnx_unsupported (reader, node,
      "%s is supported only over all steps of time, which follow batch and features; found %s",
      node->proto->op_type, onnx_describe_input (reader, node, 0));
}

/* Returns the axes that a pooling operator reduces. */
static guint32
get_pooled_axes (const OnnxValue *in)
{
  return (1u << in->n_axes) - (1u << FIRST_POOLED);
}

OnnxValue *
onnx_apply_global_pool (OnnxReader *reader, OnnxNode *node)
{
  const OnnxValue *in = node->inputs[0];
  OnnxValue *value = NULL;

  if (in->kind == ONNX_VALUE_SIGNAL && in->n_axes > FIRST_POOLED)
    value = onnx_signal_pool (reader, node, in, get_pooled_axes (in), node->op->reduction);
  return value ? value : new_unsupported_pool (reader, node);
}

/* Checks that the kernel of @node has the size of the axes that it reduces, and that the only
 * position of the kernel has no padding. Returns NULL, or an unsupported value. */
static OnnxValue *
check_kernel (OnnxReader *reader, OnnxNode *node, const OnnxValue *in)
{
  g_autofree char *padding = onnx_get_string (node, "auto_pad", "NOTSET");
  const Onnx__AttributeProto *kernel = onnx_find_attribute (node, "kernel_shape"),
                             *pads = onnx_find_attribute (node, "pads"),
                             *dilations = onnx_find_attribute (node, "dilations");
  gboolean is_complete = kernel && kernel->n_ints == in->n_axes - FIRST_POOLED
                         && (g_str_equal (padding, "NOTSET") || g_str_equal (padding, "VALID"));

  for (gsize i = 0; is_complete && i < kernel->n_ints; i++)
    is_complete = onnx_int_equal (reader, onnx_int_constant (kernel->ints[i]),
        onnx_axis_size (reader, &in->axes[FIRST_POOLED + i]));
  for (gsize i = 0; pads && i < pads->n_ints; i++)
    is_complete &= pads->ints[i] == 0;
  for (gsize i = 0; dilations && i < dilations->n_ints; i++)
    is_complete &= dilations->ints[i] == 1;
  if (is_complete)
    return NULL;
  return onnx_unsupported (reader, node,
      "kernel_shape: expected all steps of time without padding, found %s for %s",
      onnx_describe_argument (reader, node, "kernel_shape", G_MAXUINT),
      onnx_describe_input (reader, node, 0));
}

OnnxValue *
onnx_apply_pool (OnnxReader *reader, OnnxNode *node)
{
  const OnnxValue *in = node->inputs[0];
  OnnxValue *unsupported;

  if (in->kind != ONNX_VALUE_SIGNAL || in->n_axes <= FIRST_POOLED)
    return new_unsupported_pool (reader, node);
  if ((unsupported = check_kernel (reader, node, in)))
    return unsupported;
  return onnx_apply_global_pool (reader, node);
}
