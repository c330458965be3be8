/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "onnx/pool.h"
#include "onnx/args.h"
#include "onnx/signal.h"

#define FIRST_POOLED 2 /* after batch and channels */

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
    if (stage || !onnx_axis_is_time (reader, &in->axes[i]))
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

/* Reduces the axes in the bits of @mask. */
static OnnxValue *
pool_axes (OnnxReader *reader, OnnxNode *node, guint32 mask)
{
  OnnxValue *value = onnx_signal_pool (
      reader, node, node->inputs[0], mask, node->op->reduction);

  return value ? value : new_unsupported_pool (reader, node);
}

static gboolean
has_pooled_axes (const OnnxValue *in)
{
  return in->kind == ONNX_VALUE_SIGNAL && in->n_axes > FIRST_POOLED;
}

OnnxValue *
onnx_apply_global_pool (OnnxReader *reader, OnnxNode *node)
{
  const OnnxValue *in = node->inputs[0];

  if (!has_pooled_axes (in))
    return new_unsupported_pool (reader, node);
  return pool_axes (reader, node, (1u << in->n_axes) - (1u << FIRST_POOLED));
}

/* Returns whether all values of the attribute @name are @value, or the attribute is absent. */
static gboolean
are_all (const OnnxNode *node, const char *name, gint64 value)
{
  const Onnx__AttributeProto *attribute = onnx_find_attribute (node, name);

  for (gsize i = 0; attribute && i < attribute->n_ints; i++)
    if (attribute->ints[i] != value)
      return FALSE;
  return TRUE;
}

/* Returns the axes that the kernel of @node reduces. The kernel has their sizes, and the size and
 * the stride 1 for the other axes. Returns 0 for another kernel and with padding. */
static guint32
get_kernel_axes (OnnxReader *reader, OnnxNode *node, const OnnxValue *in)
{
  g_autofree char *padding = onnx_get_string (node, "auto_pad", "NOTSET");
  const Onnx__AttributeProto *kernel = onnx_find_attribute (node, "kernel_shape"),
                             *strides = onnx_find_attribute (node, "strides");
  guint32 mask = 0;

  if (!kernel || kernel->n_ints != in->n_axes - FIRST_POOLED || !are_all (node, "pads", 0)
      || !are_all (node, "dilations", 1)
      || !(g_str_equal (padding, "NOTSET") || g_str_equal (padding, "VALID")))
    return 0;
  for (guint i = 0; i < kernel->n_ints; i++) {
    const OnnxInt size = onnx_axis_size (reader, &in->axes[FIRST_POOLED + i]);

    if (onnx_int_equal (reader, onnx_int_constant (kernel->ints[i]), size))
      mask |= 1u << (FIRST_POOLED + i);
    else if (kernel->ints[i] != 1
             || (strides && (strides->n_ints <= i || strides->ints[i] != 1)))
      return 0;
  }
  return mask;
}

OnnxValue *
onnx_apply_pool (OnnxReader *reader, OnnxNode *node)
{
  const OnnxValue *in = node->inputs[0];
  guint32 mask;

  if (!has_pooled_axes (in))
    return new_unsupported_pool (reader, node);
  if ((mask = get_kernel_axes (reader, node, in)))
    return pool_axes (reader, node, mask);
  return onnx_unsupported (reader, node,
      "kernel_shape: expected all steps of time without padding, found %s for %s",
      onnx_describe_argument (reader, node, "kernel_shape", G_MAXUINT),
      onnx_describe_input (reader, node, 0));
}
