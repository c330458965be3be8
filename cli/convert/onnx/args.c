/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "onnx/onnx.h"

gboolean
onnx_get_ints (OnnxReader *reader, OnnxNode *node, const char *name, guint input,
    const OnnxInt **ints, gsize *n)
{
  const Onnx__AttributeProto *attribute = name ? onnx_attribute (node, name) : NULL;
  const OnnxTensor *tensor = NULL;

  *ints = NULL;
  *n = 0;
  if (attribute) {
    if (!(tensor = onnx_tensor_from_ints (reader, attribute->ints, attribute->n_ints)))
      return FALSE;
  } else if (input < node->n_in && node->in[input]) {
    if (node->in[input]->kind != ONNX_TENSOR)
      return FALSE;
    tensor = node->in[input]->tensor;
    if (!tensor->is_int || tensor->n_dims > 1)
      return FALSE;
  }
  if (tensor) {
    *ints = tensor->i;
    *n = tensor->n;
  }
  return TRUE;
}

gboolean
onnx_get_axis (gint64 axis, guint n_dims, guint *result)
{
  if (axis < -(gint64) n_dims || axis >= n_dims)
    return FALSE;
  *result = (guint) (axis < 0 ? axis + n_dims : axis);
  return TRUE;
}

/* @mask: a bit for each axis, by the attribute axes or input 1 */
gboolean
onnx_get_axes (OnnxReader *reader, OnnxNode *node, guint n_dims, guint32 *mask, gboolean *given)
{
  const OnnxInt *ints;
  gsize n;

  *mask = 0;
  if (!onnx_get_ints (reader, node, "axes", 1, &ints, &n))
    return FALSE;
  *given = ints != NULL;
  for (gsize i = 0; i < n; i++) {
    guint axis;

    if (ints[i].atom != ONNX_NUMBER || !onnx_get_axis (ints[i].offset, n_dims, &axis)
        || *mask & 1u << axis)
      return FALSE;
    *mask |= 1u << axis;
  }
  return TRUE;
}

/* Slice: by attributes before opset 10, by inputs since; all of an axis that it does not name */
gboolean
onnx_get_ranges (
    OnnxReader *reader, OnnxNode *node, guint n_dims, OnnxRange *ranges, const char **problem)
{
  static const char *const names[] = {"starts", "ends", "axes", "steps"};
  const OnnxInt *args[4];
  gsize n[4];

  *problem = "expected constant starts, ends, axes and steps, found others";
  for (guint i = 0; i < n_dims; i++)
    ranges[i] = (OnnxRange){onnx_number (0), onnx_number (G_MAXINT64), 1};
  for (guint k = 0; k < 4; k++)
    if (!onnx_get_ints (reader, node, names[k], k + 1, &args[k], &n[k]) || (k < 2 && !args[k])
        || (args[k] && n[k] != n[0]))
      return FALSE;
  for (gsize i = 0; i < n[0]; i++) {
    const OnnxInt index = args[2] ? args[2][i] : onnx_number ((gint64) i);
    const OnnxInt step = args[3] ? args[3][i] : onnx_number (1);
    guint axis;

    if (index.atom != ONNX_NUMBER || step.atom != ONNX_NUMBER || !step.offset
        || step.offset == G_MININT64 || !onnx_get_axis (index.offset, n_dims, &axis))
      return FALSE;
    ranges[axis] = (OnnxRange){args[0][i], args[1][i], step.offset};
  }
  return TRUE;
}

/* Split: the sizes of its outputs */
gboolean
onnx_get_splits (
    OnnxReader *reader, OnnxNode *node, gint64 size, gint64 *sizes, const char **problem)
{
  const OnnxInt *split;
  gsize n;
  gint64 sum = 0, each = size / node->n_out + (size % node->n_out != 0);

  *problem = "expected sizes that are constant and make up the whole, found others";
  if (size < 0 || !onnx_get_ints (reader, node, "split", 1, &split, &n)
      || (split && n != node->n_out))
    return FALSE;
  for (guint i = 0; i < node->n_out; i++) {
    gint64 rest = size - sum;

    if (split && split[i].atom != ONNX_NUMBER)
      return FALSE;
    sizes[i] = split ? split[i].offset : MIN (each, rest);
    if (sizes[i] < 0 || sizes[i] > rest)
      return FALSE;
    sum += sizes[i];
  }
  return sum == size;
}

gboolean
onnx_get_perm (OnnxNode *node, guint n_dims, guint *perm)
{
  const Onnx__AttributeProto *attribute = onnx_attribute (node, "perm");
  guint seen = 0;

  for (guint i = 0; i < n_dims; i++) {
    perm[i] = n_dims - 1 - i;
    if (!attribute)
      continue;
    if (attribute->n_ints != n_dims || !onnx_get_axis (attribute->ints[i], n_dims, &perm[i])
        || seen & 1u << perm[i])
      return FALSE;
    seen |= 1u << perm[i];
  }
  return TRUE;
}
