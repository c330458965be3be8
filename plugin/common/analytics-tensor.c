/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common/analytics-tensor.h"
#include "common/errors.h"
#include <string.h>

#define FORMAT GST_LSTM_STREAM (FORMAT)

static const gchar *const type_names[] = {
    [GST_TENSOR_DATA_TYPE_INT4] = "int4",
    [GST_TENSOR_DATA_TYPE_INT8] = "int8",
    [GST_TENSOR_DATA_TYPE_INT16] = "int16",
    [GST_TENSOR_DATA_TYPE_INT32] = "int32",
    [GST_TENSOR_DATA_TYPE_INT64] = "int64",
    [GST_TENSOR_DATA_TYPE_UINT4] = "uint4",
    [GST_TENSOR_DATA_TYPE_UINT8] = "uint8",
    [GST_TENSOR_DATA_TYPE_UINT16] = "uint16",
    [GST_TENSOR_DATA_TYPE_UINT32] = "uint32",
    [GST_TENSOR_DATA_TYPE_UINT64] = "uint64",
    [GST_TENSOR_DATA_TYPE_FLOAT16] = "float16",
    [GST_TENSOR_DATA_TYPE_FLOAT32] = "float32",
    [GST_TENSOR_DATA_TYPE_FLOAT64] = "float64",
    [GST_TENSOR_DATA_TYPE_BFLOAT16] = "bfloat16",
#if GST_CHECK_VERSION(1, 28, 0)
    [GST_TENSOR_DATA_TYPE_STRING] = "string",
    [GST_TENSOR_DATA_TYPE_BOOL] = "bool",
    [GST_TENSOR_DATA_TYPE_COMPLEX64] = "complex64",
    [GST_TENSOR_DATA_TYPE_COMPLEX128] = "complex128",
    [GST_TENSOR_DATA_TYPE_FLOAT8E4M3FN] = "float8e4m3fn",
    [GST_TENSOR_DATA_TYPE_FLOAT8E4M3FNUZ] = "float8e4m3fnuz",
    [GST_TENSOR_DATA_TYPE_FLOAT8E5M2] = "float8e5m2",
    [GST_TENSOR_DATA_TYPE_FLOAT8E5M2FNUZ] = "float8e5m2fnuz",
#endif
};

/* Returns: (nullable): the name of the type of @tensor */
static const gchar *
get_type_name (const GstTensor *tensor)
{
  const gsize type = (gsize) tensor->data_type;

  return type < G_N_ELEMENTS (type_names) ? type_names[type] : NULL;
}

gchar *
gst_lstm_analytics_tensor_describe (const GstTensor *tensor)
{
  const gchar *id = g_quark_to_string (tensor->id), *type = get_type_name (tensor);
  g_autoptr (GString) shape = g_string_new (NULL);

  /* lstm_text_shape() would print the largest gsize as an unknown size. */
  for (gsize i = 0; i < tensor->num_dims; i++)
    g_string_append_printf (
        shape, i ? ", %" G_GSIZE_FORMAT : "%" G_GSIZE_FORMAT, tensor->dims[i]);
  return g_strdup_printf (
      "%s [%s] %s", id ? id : "(no id)", shape->str, type ? type : "unknown");
}

gboolean
gst_lstm_analytics_tensor_has_steps (const GstTensor *tensor, GstLstmAxes axes, gsize d)
{
  GstLstmAxesShape shape;

  return gst_lstm_axes_read_dims (axes, tensor->dims, tensor->num_dims, d, &shape);
}

/* Returns the type that converts the values of @tensor. If there is none, returns NULL and sets
 * @error. */
static const GstLstmType *
find_type (const GstTensor *tensor, GError **error)
{
  const gchar *name = get_type_name (tensor);
  const GstLstmType *type = name ? gst_lstm_type_from_tensors (name) : NULL;
  g_autofree gchar *text = NULL;

  if (type)
    return type;
  text = gst_lstm_analytics_tensor_describe (tensor);
  gst_lstm_fail (error, FORMAT,
      "buffer: tensor: expected float16, float32, float64, or int or uint of 8 to 64 bits, "
      "found %s",
      text);
  return NULL;
}

static gboolean
check_shape (
    const GstTensor *tensor, GstLstmAxes axes, gsize d, GstLstmAxesShape *shape, GError **error)
{
  g_autofree gchar *text = NULL, *expected = NULL;

  if (gst_lstm_axes_read_dims (axes, tensor->dims, tensor->num_dims, d, shape))
    return TRUE;
  text = gst_lstm_analytics_tensor_describe (tensor);
  expected = gst_lstm_axes_describe (axes, d);
  return gst_lstm_fail (error, FORMAT, "buffer: tensor: expected %s%s, found %s", expected,
      axes == GST_LSTM_AXES_AUTO
              && gst_lstm_analytics_tensor_has_steps (tensor, GST_LSTM_AXES_STEPS_STREAMS, d)
          ? ", or property axes to name steps and streams"
          : "",
      text);
}

/* Checks the order and the bytes of @tensor, whose @shape has values of @type. */
static gboolean
check_memory (const GstTensor *tensor, const GstLstmAxesShape *shape, const GstLstmType *type,
    GError **error)
{
  const gsize n_vectors = (gsize) shape->n_steps * shape->n_streams;
  const gsize vector_bytes = shape->d * type->size;
  g_autofree gchar *text = NULL;
  gsize bytes;

  if (tensor->layout != GST_TENSOR_LAYOUT_CONTIGUOUS
      || (n_vectors > 1 && tensor->dims_order != GST_TENSOR_DIM_ORDER_ROW_MAJOR)) {
    text = gst_lstm_analytics_tensor_describe (tensor);
    return gst_lstm_fail (error, FORMAT,
        "buffer: tensor: expected layout %d (contiguous) and dims-order %d (row-major), found "
        "%s with layout %d and dims-order %d",
        GST_TENSOR_LAYOUT_CONTIGUOUS, GST_TENSOR_DIM_ORDER_ROW_MAJOR, text,
        (gint) tensor->layout, (gint) tensor->dims_order);
  }
  bytes = tensor->data ? gst_buffer_get_size (tensor->data) : 0;
  if (bytes % vector_bytes == 0 && bytes / vector_bytes == n_vectors)
    return TRUE;
  text = gst_lstm_analytics_tensor_describe (tensor);
  return gst_lstm_fail (error, FORMAT,
      "buffer: tensor: expected as many bytes as %s has, found %" G_GSIZE_FORMAT, text, bytes);
}

/* Changes the order of @steps from [T, bs, d] to [bs, T, d]. */
static gboolean
rearrange_steps (GstLstmSteps *steps, gsize d, GError **error)
{
  const gsize n_steps = steps->n_steps, n_streams = steps->n_streams;

  if (!gst_lstm_steps_reserve (steps, n_steps * n_streams * d, error))
    return FALSE;
  for (gsize s = 0; s < n_streams; s++)
    for (gsize t = 0; t < n_steps; t++)
      memcpy (steps->rearranged + (s * n_steps + t) * d, steps->x + (t * n_streams + s) * d,
          d * sizeof (gfloat));
  steps->x = steps->rearranged;
  return TRUE;
}

gboolean
gst_lstm_analytics_tensor_open (
    const GstTensor *tensor, GstLstmAxes axes, gsize *d, GstLstmSteps *steps, GError **error)
{
  const GstLstmType *type;
  GstLstmAxesShape shape;
  gsize n;

  if (!check_shape (tensor, axes, *d, &shape, error) || !(type = find_type (tensor, error))
      || !check_memory (tensor, &shape, type, error))
    return FALSE;
  if (!gst_lstm_steps_map (steps, tensor->data, GST_LSTM_ONLY_TENSOR, error))
    return FALSE;
  *d = shape.d;
  n = (gsize) shape.n_steps * shape.n_streams;
  steps->n_steps = shape.n_steps;
  steps->n_streams = shape.n_streams;
  if (shape.has_two_readings && !steps->ambiguous_tensor)
    steps->ambiguous_tensor = gst_lstm_analytics_tensor_describe (tensor);
  if (gst_lstm_steps_convert (steps, type, steps->map.data, n * shape.d, error)
      && (axes != GST_LSTM_AXES_STEPS_STREAMS || MIN (shape.n_steps, shape.n_streams) == 1
          || rearrange_steps (steps, shape.d, error)))
    return TRUE;
  gst_lstm_steps_close (steps);
  return FALSE;
}
