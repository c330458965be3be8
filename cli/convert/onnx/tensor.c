/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "onnx/tensor.h"
#include "util/text.h"
#include <string.h>

gboolean
onnx_count_values (guint n_dims, const gsize *shape, gsize *n)
{
  gsize strides = sizeof (OnnxInt);

  *n = 1;
  for (guint i = 0; i < n_dims; i++) {
    *n *= shape[i];
    /* An empty tensor has strides too. */
    if (!g_size_checked_mul (&strides, strides, MAX (shape[i], 1)) || strides > G_MAXSSIZE)
      return FALSE;
  }
  return TRUE;
}

OnnxTensor *
onnx_tensor_new (OnnxReader *reader, gboolean is_int, guint n_dims, const gsize *shape)
{
  OnnxTensor *tensor = onnx_alloc (reader, 1, sizeof *tensor);
  gpointer values;

  if (!tensor || n_dims > ONNX_MAX_DIMS
      || !onnx_count_values (n_dims, shape, &tensor->n_values))
    return NULL;
  tensor->is_int = is_int;
  tensor->n_dims = n_dims;
  for (guint i = 0; i < n_dims; i++)
    tensor->shape[i] = shape[i];
  values = onnx_alloc (reader, tensor->n_values, is_int ? sizeof (OnnxInt) : sizeof (float));
  if (!values)
    return NULL;
  if (is_int)
    tensor->ints = values;
  else
    tensor->reals = values;
  return tensor;
}

OnnxTensor *
onnx_tensor_from_ints (OnnxReader *reader, const gint64 *values, gsize n)
{
  OnnxTensor *tensor = onnx_tensor_new (reader, TRUE, 1, &n);

  for (gsize k = 0; tensor && k < n; k++)
    tensor->ints[k] = onnx_int_constant (values[k]);
  return tensor;
}

OnnxTensor *
onnx_tensor_from_reals (OnnxReader *reader, const float *values, gsize n)
{
  OnnxTensor *tensor = onnx_tensor_new (reader, FALSE, 1, &n);

  if (tensor && n)
    memcpy (tensor->reals, values, n * sizeof *values);
  return tensor;
}

OnnxTensor *
onnx_tensor_alias (
    OnnxReader *reader, const OnnxTensor *tensor, guint n_dims, const gsize *shape)
{
  OnnxTensor *alias = onnx_alloc (reader, 1, sizeof *alias);

  if (!alias)
    return NULL;
  *alias = *tensor;
  alias->n_dims = n_dims;
  for (guint i = 0; i < n_dims; i++)
    alias->shape[i] = shape[i];
  return alias;
}

OnnxTensor *
onnx_tensor_view (OnnxReader *reader, const OnnxTensor *tensor, guint n_dims,
    const gsize *shape, gsize start, const gssize *strides)
{
  OnnxTensor *view = onnx_tensor_new (reader, tensor->is_int, n_dims, shape);
  gsize index[ONNX_MAX_DIMS] = {0};
  gssize at = (gssize) start;

  if (!view)
    return NULL;
  view->is_repeated = tensor->is_repeated;
  for (gsize k = 0; k < view->n_values; k++) {
    if (view->is_int)
      view->ints[k] = tensor->ints[at];
    else
      view->reals[k] = tensor->reals[at];
    for (guint i = n_dims; i-- > 0;) {
      at += strides[i];
      if (++index[i] < shape[i])
        break;
      at -= strides[i] * (gssize) shape[i];
      index[i] = 0;
    }
  }
  return view;
}

void
onnx_tensor_copy_values (
    OnnxTensor *result, gsize to, const OnnxTensor *tensor, gsize from, gsize n)
{
  if (tensor->is_int)
    memcpy (result->ints + to, tensor->ints + from, n * sizeof *tensor->ints);
  else
    memcpy (result->reals + to, tensor->reals + from, n * sizeof *tensor->reals);
}

void
onnx_tensor_get_strides (const OnnxTensor *tensor, gssize *strides)
{
  gssize stride = 1;

  for (guint i = tensor->n_dims; i-- > 0;) {
    strides[i] = stride;
    stride *= (gssize) tensor->shape[i];
  }
}

const char *
onnx_tensor_describe_shape (OnnxReader *reader, const OnnxTensor *tensor)
{
  return onnx_own_text (reader, lstm_text_shape (tensor->n_dims, tensor->shape));
}

const char *
onnx_tensor_describe (OnnxReader *reader, const OnnxTensor *tensor)
{
  if (tensor->is_int && tensor->n_dims <= 1 && tensor->n_values > 0)
    return onnx_own_text (
        reader, g_strdup_printf ("constant integers %s",
                    onnx_ints_describe (reader, tensor->ints, tensor->n_values)));
  if (!tensor->is_int && tensor->n_values == 1)
    return onnx_own_text (
        reader, g_strdup_printf ("the constant %g", (double) tensor->reals[0]));
  return onnx_own_text (reader,
      g_strdup_printf ("constant %s of shape %s", tensor->is_int ? "integers" : "real numbers",
          onnx_tensor_describe_shape (reader, tensor)));
}
