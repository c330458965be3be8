/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "onnx/fold-shape.h"
#include "onnx/args.h"
#include "onnx/batch-order.h"
#include "onnx/decode.h"
#include <string.h>

/* Returns FALSE with *unsupported if the shape of the constant is unknown. */
static gboolean
check_known_shape (OnnxReader *reader, OnnxNode *node, OnnxValue **unsupported)
{
  *unsupported = onnx_get_tensor_input (node, 0)->is_repeated ? onnx_unsupported (reader, node,
                     "data: expected a known shape, found constants that repeat along an "
                     "axis of unknown size")
                                                              : NULL;
  return !*unsupported;
}

OnnxValue *
onnx_fold_shape (OnnxReader *reader, OnnxNode *node)
{
  const OnnxTensor *tensor = onnx_get_tensor_input (node, 0), *batch;
  gint64 sizes[ONNX_MAX_DIMS];
  OnnxValue *unsupported;
  guint start, end;

  if ((batch = onnx_get_batch_shape (reader, tensor)))
    return onnx_value_from_tensor (reader, node, batch);
  if (!check_known_shape (reader, node, &unsupported))
    return unsupported;
  onnx_get_shape_range (node, tensor->n_dims, &start, &end);
  for (guint i = 0; i < tensor->n_dims; i++)
    sizes[i] = (gint64) tensor->shape[i];
  return onnx_value_from_tensor (
      reader, node, onnx_tensor_from_ints (reader, sizes + start, end - start));
}

OnnxValue *
onnx_fold_size (OnnxReader *reader, OnnxNode *node)
{
  const gint64 n = (gint64) onnx_get_tensor_input (node, 0)->n_values;
  OnnxValue *unsupported;
  OnnxTensor *size;

  if (!check_known_shape (reader, node, &unsupported))
    return unsupported;
  if ((size = onnx_tensor_from_ints (reader, &n, 1)))
    size->n_dims = 0;
  return onnx_value_from_tensor (reader, node, size);
}

/* Converts sizes to a shape. An unknown size becomes 1, because all values along its axis are
 * equal.
 * Returns FALSE if a size is negative. */
static gboolean
get_shape (const OnnxInt *ints, gsize n, gsize *shape, gboolean *is_repeated)
{
  for (gsize i = 0; i < n; i++) {
    shape[i] = ints[i].factor == ONNX_NO_FACTOR ? (gsize) ints[i].offset : 1;
    if (ints[i].factor == ONNX_NO_FACTOR && ints[i].offset < 0)
      return FALSE;
    *is_repeated |= ints[i].factor != ONNX_NO_FACTOR;
  }
  return TRUE;
}

OnnxValue *
onnx_fold_constant_of_shape (OnnxReader *reader, OnnxNode *node)
{
  const Onnx__AttributeProto *attribute = onnx_find_attribute (node, "value");
  const OnnxTensor *value = NULL;
  const char *problem = NULL;
  gboolean repeated = FALSE;
  gsize n, shape[ONNX_MAX_DIMS];
  const OnnxInt *ints;
  OnnxTensor *tensor;

  if (attribute && attribute->t)
    value = onnx_decode_tensor (reader, attribute->t, &problem);
  if (problem)
    return onnx_unsupported (reader, node, "value: %s", problem);
  if (value && value->n_values != 1)
    return onnx_unsupported (reader, node, "value: expected one value, found %s",
        onnx_tensor_describe (reader, value));
  if (!onnx_get_ints (reader, node, NULL, 0, &ints, &n) || n > ONNX_MAX_DIMS
      || !get_shape (ints, n, shape, &repeated))
    return onnx_unsupported_input (
        reader, node, "input", 0, "a shape of at most 8 constant sizes of 0 or more");
  tensor = onnx_tensor_new (reader, value && value->is_int, (guint) n, shape);
  for (gsize k = 0; value && tensor && k < tensor->n_values; k++) {
    if (tensor->is_int)
      tensor->ints[k] = value->ints[0];
    else
      tensor->reals[k] = value->reals[0];
  }
  if (tensor)
    tensor->is_repeated = repeated;
  return onnx_value_from_tensor (reader, node, tensor);
}

OnnxValue *
onnx_fold_squeeze (OnnxReader *reader, OnnxNode *node)
{
  const OnnxTensor *tensor = onnx_get_tensor_input (node, 0);
  gsize shape[ONNX_MAX_DIMS];
  OnnxValue *unsupported;
  gboolean has_axes;
  guint32 mask;
  guint n = 0;

  if ((unsupported = onnx_get_axes (reader, node, tensor->n_dims, &mask, &has_axes)))
    return unsupported;
  for (guint i = 0; i < tensor->n_dims; i++) {
    gboolean drops = has_axes ? (mask >> i) & 1 : tensor->shape[i] == 1;

    if (drops && tensor->shape[i] != 1)
      return onnx_unsupported (reader, node,
          "data: expected size 1 along axis %u, found %" G_GSIZE_FORMAT, i, tensor->shape[i]);
    if (!drops)
      shape[n++] = tensor->shape[i];
  }
  return onnx_value_from_tensor (reader, node, onnx_tensor_alias (reader, tensor, n, shape));
}

OnnxValue *
onnx_fold_unsqueeze (OnnxReader *reader, OnnxNode *node)
{
  const OnnxTensor *tensor = onnx_get_tensor_input (node, 0);
  gsize shape[ONNX_MAX_DIMS];
  OnnxValue *unsupported;
  guint32 mask;
  guint n;

  if ((unsupported = onnx_get_new_axes (reader, node, tensor->n_dims, &mask, &n)))
    return unsupported;
  for (guint i = 0, from = 0; i < n; i++)
    shape[i] = (mask >> i) & 1 ? 1 : tensor->shape[from++];
  return onnx_value_from_tensor (reader, node, onnx_tensor_alias (reader, tensor, n, shape));
}

/* Converts the sizes of Reshape to a shape of as many values as @tensor has. A size of 0 copies the
 * size of the same axis. A size of -1 is the number of remaining values.
 * Returns FALSE if there is no such shape. */
static gboolean
get_new_shape (
    const OnnxNode *node, const OnnxTensor *tensor, const OnnxInt *ints, gsize n, gsize *shape)
{
  gboolean copies = !onnx_get_int (node, "allowzero", 0);
  gsize known = 1, rest = ONNX_MAX_DIMS;

  for (gsize i = 0; i < n; i++) {
    gint64 size = ints[i].offset;

    if (ints[i].factor != ONNX_NO_FACTOR) /* an axis along which the constant repeats */
      size = tensor->is_repeated ? 1 : -1;
    if (size == 0 && copies)
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
    return known == tensor->n_values;
  if (!known || tensor->n_values % known)
    return FALSE;
  shape[rest] = tensor->n_values / known;
  return TRUE;
}

OnnxValue *
onnx_fold_reshape (OnnxReader *reader, OnnxNode *node)
{
  const OnnxTensor *tensor = onnx_get_tensor_input (node, 0);
  gsize shape[ONNX_MAX_DIMS], n;
  const OnnxInt *ints;

  if (!onnx_get_ints (reader, node, "shape", 1, &ints, &n) || n > ONNX_MAX_DIMS || (n && !ints)
      || !get_new_shape (node, tensor, ints, n, shape))
    return onnx_unsupported (reader, node, "shape: expected the sizes of %s, found %s",
        onnx_tensor_describe (reader, tensor),
        onnx_describe_argument (reader, node, "shape", 1));
  return onnx_value_from_tensor (
      reader, node, onnx_tensor_alias (reader, tensor, (guint) n, shape));
}

OnnxValue *
onnx_fold_transpose (OnnxReader *reader, OnnxNode *node)
{
  const OnnxTensor *tensor = onnx_get_tensor_input (node, 0);
  gssize strides[ONNX_MAX_DIMS], moved[ONNX_MAX_DIMS];
  gsize shape[ONNX_MAX_DIMS];
  guint permutation[ONNX_MAX_DIMS];
  OnnxValue *unsupported;

  if ((unsupported = onnx_get_permutation (reader, node, tensor->n_dims, permutation)))
    return unsupported;
  onnx_tensor_get_strides (tensor, strides);
  for (guint i = 0; i < tensor->n_dims; i++) {
    shape[i] = tensor->shape[permutation[i]];
    moved[i] = strides[permutation[i]];
  }
  return onnx_value_from_tensor (
      reader, node, onnx_tensor_view (reader, tensor, tensor->n_dims, shape, 0, moved));
}

/* Repeats values along axes of size 1. An axis whose new size is unknown keeps size 1. */
OnnxValue *
onnx_fold_expand (OnnxReader *reader, OnnxNode *node)
{
  const OnnxTensor *tensor = onnx_get_tensor_input (node, 0);
  gssize strides[ONNX_MAX_DIMS], moved[ONNX_MAX_DIMS];
  gsize shape[ONNX_MAX_DIMS], n;
  gboolean repeated = FALSE;
  OnnxTensor *result;
  const OnnxInt *ints;
  guint n_dims;

  if (!onnx_get_ints (reader, node, NULL, 1, &ints, &n) || n > ONNX_MAX_DIMS
      || !get_shape (ints, n, shape, &repeated))
    return onnx_unsupported_input (
        reader, node, "shape", 1, "a shape of at most 8 constant sizes of 0 or more");
  n_dims = MAX ((guint) n, tensor->n_dims);
  memmove (shape + n_dims - n, shape, n * sizeof *shape);
  for (guint i = 0; i < n_dims - n; i++)
    shape[i] = 1;
  onnx_tensor_get_strides (tensor, strides);
  for (guint i = 0; i < n_dims; i++) {
    guint before = n_dims - tensor->n_dims;
    gsize size = i < before ? 1 : tensor->shape[i - before];

    if (size != 1 && shape[i] != 1 && shape[i] != size)
      return onnx_unsupported (reader, node,
          "shape: expected a shape to which %s broadcasts, found %s",
          onnx_tensor_describe_shape (reader, tensor), onnx_describe_input (reader, node, 1));
    moved[i] = size == 1 ? 0 : strides[i - before];
    shape[i] = shape[i] == 1 ? size : shape[i];
  }
  result = onnx_tensor_view (reader, tensor, n_dims, shape, 0, moved);
  if (result)
    result->is_repeated |= repeated;
  return onnx_value_from_tensor (reader, node, result);
}

/* Repeats values along axes of size 1, which suffices for constant initial states. */
OnnxValue *
onnx_fold_tile (OnnxReader *reader, OnnxNode *node)
{
  const OnnxTensor *tensor = onnx_get_tensor_input (node, 0);
  gssize strides[ONNX_MAX_DIMS];
  gsize shape[ONNX_MAX_DIMS], n;
  gboolean repeated = FALSE;
  OnnxTensor *result;
  const OnnxInt *ints;

  if (!onnx_get_ints (reader, node, NULL, 1, &ints, &n) || n != tensor->n_dims
      || !get_shape (ints, n, shape, &repeated))
    return onnx_unsupported (reader, node,
        "repeats: expected a constant for each of %u axes, found %s", tensor->n_dims,
        onnx_describe_input (reader, node, 1));
  onnx_tensor_get_strides (tensor, strides);
  for (guint i = 0; i < n; i++) {
    if (tensor->shape[i] != 1 && shape[i] != 1)
      return onnx_unsupported (reader, node,
          "repeats: expected repeats along axes of size 1 only, found %" G_GSIZE_FORMAT
          " along axis %u of size %" G_GSIZE_FORMAT,
          shape[i], i, tensor->shape[i]);
    strides[i] = tensor->shape[i] == 1 ? 0 : strides[i];
    shape[i] = shape[i] == 1 ? tensor->shape[i] : shape[i];
  }
  result = onnx_tensor_view (reader, tensor, tensor->n_dims, shape, 0, strides);
  if (result)
    result->is_repeated |= repeated;
  return onnx_value_from_tensor (reader, node, result);
}
