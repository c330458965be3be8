/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "media-rig.h"

GstTensor *
tensor_new (const gchar *id, GstTensorDataType type, gconstpointer bytes, gsize n, gsize n_dims,
    const gsize *dims)
{
  GstTensor *tensor = gst_tensor_alloc (n_dims); /* does not validate the dimensions */

  tensor->id = g_quark_from_string (id);
  tensor->layout = GST_TENSOR_LAYOUT_CONTIGUOUS;
  tensor->data_type = type;
  tensor->data = n ? gst_buffer_new_memdup (bytes, n) : gst_buffer_new ();
  tensor->dims_order = GST_TENSOR_DIM_ORDER_ROW_MAJOR;
  memcpy (tensor->dims, dims, n_dims * sizeof *dims);
  return tensor;
}

void
add_tensor (GstBuffer *buffer, GstTensor *tensor)
{
  GstTensor **tensors = g_new (GstTensor *, 1);

  tensors[0] = tensor;
  gst_tensor_meta_set (
      (GstTensorMeta *) gst_buffer_add_meta (buffer, GST_TENSOR_META_INFO, NULL), 1, tensors);
}

GstBuffer *
frame_new (gsize i)
{
  GstBuffer *buffer = gst_buffer_new_memdup ("abcd", 4);

  GST_BUFFER_PTS (buffer) = i * 1000;
  GST_BUFFER_DURATION (buffer) = 1000;
  return buffer;
}

GstBuffer *
step_frame_new (Rig *rig, const gchar *id, gsize first, gsize steps)
{
  GstBuffer *buffer = frame_new (first);
  const gsize dims[] = {steps, D};

  add_tensor (buffer, tensor_new (id, GST_TENSOR_DATA_TYPE_FLOAT32, rig->x.items + first * D,
                          steps * D * sizeof (gfloat), 2, dims));
  return buffer;
}

const GstTensor *
find_tensor (GstBuffer *buffer, const gchar *id)
{
  const GstTensor *found = NULL;
  gpointer state = NULL;
  GstMeta *meta;

  while ((meta = gst_buffer_iterate_meta_filtered (buffer, &state, GST_TENSOR_META_API_TYPE))) {
    GstTensorMeta *tensors = (GstTensorMeta *) meta;
    const gint i = gst_tensor_meta_get_index_from_id (tensors, g_quark_from_string (id));

    if (i >= 0) {
      g_assert_null (found);
      found = gst_tensor_meta_get (tensors, (gsize) i);
    }
  }
  return found;
}

GstBuffer *
media_rig_push (Rig *rig, GstBuffer *buffer)
{
  const guint n = rig->outputs->len;
  const GstTensor *tensor;
  GstBuffer *out;

  g_assert_cmpint (gst_harness_push (rig->harness, buffer), ==, GST_FLOW_OK);
  out = gst_harness_pull (rig->harness);
  g_array_set_size (rig->outputs, n); /* drops the pixels */
  tensor = find_tensor (out, "lstm-output");
  if (tensor) {
    const gsize bytes = gst_buffer_get_size (tensor->data);

    g_assert_cmpint (tensor->data_type, ==, GST_TENSOR_DATA_TYPE_FLOAT32);
    g_assert_cmpint (tensor->dims_order, ==, GST_TENSOR_DIM_ORDER_ROW_MAJOR);
    g_assert_cmpuint (tensor->num_dims, ==, 2);
    g_assert_cmpuint (tensor->dims[1], ==, N);
    g_assert_cmpuint (bytes, ==, tensor->dims[0] * N * sizeof (gfloat));
    g_array_set_size (rig->outputs, n + (guint) (bytes / sizeof (gfloat)));
    gst_buffer_extract (tensor->data, 0, &g_array_index (rig->outputs, gfloat, n), bytes);
  }
  return out;
}

void
media_rig_push_steps (Rig *rig, gsize first, gsize steps)
{
  gst_buffer_unref (media_rig_push (rig, step_frame_new (rig, "features", first, steps)));
}

void
media_rig_begin (Rig *rig, const gchar *properties)
{
  rig_init (rig, FOLDER, properties);
  rig_begin_stream_with_caps (rig, VIDEO);
}
