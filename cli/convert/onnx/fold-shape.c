/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Constants that only change shape: every function computes a node whose inputs are all
 * constant. */
#include "onnx/onnx.h"
#include <string.h>

/* The shape that @ints say; an unknown size is 1, as every value along it is the same. */
static gboolean
get_shape (const OnnxInt *ints, gsize n, gsize *shape, gboolean *repeated)
{
  for (gsize i = 0; i < n; i++) {
    shape[i] = ints[i].atom == ONNX_NUMBER ? (gsize) ints[i].offset : 1;
    if (ints[i].atom == ONNX_NUMBER && ints[i].offset < 0)
      return FALSE;
    *repeated |= ints[i].atom != ONNX_NUMBER;
  }
  return TRUE;
}

OnnxValue *
onnx_fold_constant_of_shape (OnnxReader *reader, OnnxNode *node)
{
  const Onnx__AttributeProto *attribute = onnx_attribute (node, "value");
  const OnnxTensor *value = NULL;
  const char *problem = NULL;
  gboolean repeated = FALSE;
  gsize n, shape[ONNX_MAX_DIMS];
  const OnnxInt *ints;
  OnnxTensor *tensor;

  if (attribute && attribute->t)
    value = onnx_tensor_decode (reader, attribute->t, &problem);
  if (problem || (value && value->n != 1))
    return onnx_bad (reader, node, "expected one value, found %s", problem ? problem : "more");
  if (!onnx_get_ints (reader, node, NULL, 0, &ints, &n) || n > ONNX_MAX_DIMS
      || !get_shape (ints, n, shape, &repeated))
    return onnx_bad (reader, node, "expected a shape of at most 8 sizes, found another");
  tensor = onnx_tensor_new (reader, value && value->is_int, (guint) n, shape);
  for (gsize k = 0; value && tensor && k < tensor->n; k++) {
    if (tensor->is_int)
      tensor->i[k] = value->i[0];
    else
      tensor->f[k] = value->f[0];
  }
  if (tensor)
    tensor->repeated = repeated;
  return onnx_value_tensor (reader, node, tensor);
}

OnnxValue *
onnx_fold_squeeze (OnnxReader *reader, OnnxNode *node)
{
  const OnnxTensor *tensor = onnx_in_tensor (node, 0);
  gsize shape[ONNX_MAX_DIMS];
  gboolean given;
  guint32 mask;
  guint n = 0;

  if (!onnx_get_axes (reader, node, tensor->n_dims, &mask, &given))
    return onnx_bad (reader, node, "expected constant axes of its input, found others");
  for (guint i = 0; i < tensor->n_dims; i++) {
    gboolean drop = given ? (mask >> i) & 1 : tensor->shape[i] == 1;

    if (drop && tensor->shape[i] != 1)
      return onnx_bad (reader, node, "expected size 1 along axis %u, found %" G_GSIZE_FORMAT, i,
          tensor->shape[i]);
    if (!drop)
      shape[n++] = tensor->shape[i];
  }
  return onnx_value_tensor (reader, node, onnx_tensor_alias (reader, tensor, n, shape));
}

OnnxValue *
onnx_fold_unsqueeze (OnnxReader *reader, OnnxNode *node)
{
  const OnnxTensor *tensor = onnx_in_tensor (node, 0);
  gsize shape[ONNX_MAX_DIMS], n;
  const OnnxInt *ints;
  gboolean given;
  guint32 mask;

  if (!onnx_get_ints (reader, node, "axes", 1, &ints, &n) || n > ONNX_MAX_DIMS - tensor->n_dims
      || !onnx_get_axes (reader, node, tensor->n_dims + (guint) n, &mask, &given))
    return onnx_bad (reader, node, "expected constant axes, found others");
  for (guint i = 0, from = 0; i < tensor->n_dims + n; i++)
    shape[i] = (mask >> i) & 1 ? 1 : tensor->shape[from++];
  return onnx_value_tensor (
      reader, node, onnx_tensor_alias (reader, tensor, tensor->n_dims + (guint) n, shape));
}

/* Sizes of Reshape and Flatten; 0 copies, -1 is what remains */
static gboolean
get_new_shape (
    const OnnxNode *node, const OnnxTensor *tensor, const OnnxInt *ints, gsize n, gsize *shape)
{
  gboolean copy = !onnx_get_int (node, "allowzero", 0);
  gsize known = 1, rest = ONNX_MAX_DIMS;

  for (gsize i = 0; i < n; i++) {
    gint64 size = ints[i].offset;

    if (ints[i].atom != ONNX_NUMBER) /* along which a constant repeats */
      size = tensor->repeated ? 1 : -1;
    if (size == 0 && copy)
      size = i < tensor->n_dims ? (gint64) tensor->shape[i] : -2;
    if (size < -1 || (size == -1 && rest < ONNX_MAX_DIMS))
      return FALSE;
    if (size == -1)
      rest = i;
    shape[i] = size == -1 ? 1 : (gsize) size;
    if (!g_size_checked_mul (&known, known, shape[i]))
      return FALSE;
  }
  if (rest == ONNX_MAX_DIMS)
    return known == tensor->n;
  if (!known || tensor->n % known)
    return FALSE;
  shape[rest] = tensor->n / known;
  return TRUE;
}

OnnxValue *
onnx_fold_reshape (OnnxReader *reader, OnnxNode *node)
{
  const OnnxTensor *tensor = onnx_in_tensor (node, 0);
  gsize shape[ONNX_MAX_DIMS], n;
  const OnnxInt *ints;

  if (!onnx_get_ints (reader, node, "shape", 1, &ints, &n) || n > ONNX_MAX_DIMS || (n && !ints)
      || !get_new_shape (node, tensor, ints, n, shape))
    return onnx_bad (reader, node, "expected a shape of as many values, found another");
  return onnx_value_tensor (reader, node, onnx_tensor_alias (reader, tensor, (guint) n, shape));
}

OnnxValue *
onnx_fold_transpose (OnnxReader *reader, OnnxNode *node)
{
  const OnnxTensor *tensor = onnx_in_tensor (node, 0);
  gssize strides[ONNX_MAX_DIMS], moved[ONNX_MAX_DIMS];
  gsize shape[ONNX_MAX_DIMS];
  guint perm[ONNX_MAX_DIMS];

  if (!onnx_get_perm (node, tensor->n_dims, perm))
    return onnx_bad (reader, node, "expected perm to name each axis once, found another");
  onnx_tensor_strides (tensor, strides);
  for (guint i = 0; i < tensor->n_dims; i++) {
    shape[i] = tensor->shape[perm[i]];
    moved[i] = strides[perm[i]];
  }
  return onnx_value_tensor (
      reader, node, onnx_tensor_view (reader, tensor, tensor->n_dims, shape, 0, moved));
}

/* Repeats along axes of size 1; along one whose new size is unknown it stays 1. */
OnnxValue *
onnx_fold_expand (OnnxReader *reader, OnnxNode *node)
{
  const OnnxTensor *tensor = onnx_in_tensor (node, 0);
  gssize strides[ONNX_MAX_DIMS], moved[ONNX_MAX_DIMS];
  gsize shape[ONNX_MAX_DIMS], n;
  gboolean repeated = FALSE;
  OnnxTensor *result;
  const OnnxInt *ints;
  guint n_dims;

  if (!onnx_get_ints (reader, node, NULL, 1, &ints, &n) || n > ONNX_MAX_DIMS
      || !get_shape (ints, n, shape, &repeated))
    return onnx_bad (reader, node, "expected a shape of at most 8 sizes, found another");
  n_dims = MAX ((guint) n, tensor->n_dims);
  memmove (shape + n_dims - n, shape, n * sizeof *shape);
  for (guint i = 0; i < n_dims - n; i++)
    shape[i] = 1;
  onnx_tensor_strides (tensor, strides);
  for (guint i = 0; i < n_dims; i++) {
    guint before = n_dims - tensor->n_dims;
    gsize size = i < before ? 1 : tensor->shape[i - before];

    if (size != 1 && shape[i] != 1 && shape[i] != size)
      return onnx_bad (reader, node, "expected a shape to broadcast to, found another");
    moved[i] = size == 1 ? 0 : strides[i - before];
    shape[i] = shape[i] == 1 ? size : shape[i];
  }
  result = onnx_tensor_view (reader, tensor, n_dims, shape, 0, moved);
  if (result)
    result->repeated |= repeated;
  return onnx_value_tensor (reader, node, result);
}

/* Along an axis of size 1, or by 1: more than a state made of constants needs is not known. */
OnnxValue *
onnx_fold_tile (OnnxReader *reader, OnnxNode *node)
{
  const OnnxTensor *tensor = onnx_in_tensor (node, 0);
  gssize strides[ONNX_MAX_DIMS];
  gsize shape[ONNX_MAX_DIMS], n;
  gboolean repeated = FALSE;
  OnnxTensor *result;
  const OnnxInt *ints;

  if (!onnx_get_ints (reader, node, NULL, 1, &ints, &n) || n != tensor->n_dims
      || !get_shape (ints, n, shape, &repeated))
    return onnx_bad (reader, node, "expected a repeat for each axis, found others");
  onnx_tensor_strides (tensor, strides);
  for (guint i = 0; i < n; i++) {
    if (tensor->shape[i] != 1 && shape[i] != 1)
      return onnx_bad (reader, node, "expected repeats along axes of size 1, found others");
    strides[i] = tensor->shape[i] == 1 ? 0 : strides[i];
    shape[i] = shape[i] == 1 ? tensor->shape[i] : shape[i];
  }
  result = onnx_tensor_view (reader, tensor, tensor->n_dims, shape, 0, strides);
  if (result)
    result->repeated |= repeated;
  return onnx_value_tensor (reader, node, result);
}
