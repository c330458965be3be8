/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lstm/objects/attach.h"

/* Below this number of tensors the relation meta grows in place faster than it is copied. */
#define MIN_TENSORS_OF_COPY 32

/* Bytes of a tensor with three dimensions in a relation meta, rounded up. The meta grows if this is
 * too little. */
#define MTD_BYTES 160

/* Returns whether the relation matrix of @meta has rows for @n more mtds. The search for the mtds
 * that are related to an id sets the handle only if the matrix has a row for the id. */
static gboolean
has_room (GstAnalyticsRelationMeta *meta, gsize n)
{
  const gsize last = gst_analytics_relation_get_length (meta) + n - 1;
  GstAnalyticsMtd mtd = {0};

  gst_analytics_relation_meta_get_direct_related (
      meta, (guint) last, GST_ANALYTICS_REL_TYPE_ANY, GST_ANALYTICS_MTD_TYPE_ANY, NULL, &mtd);
  return mtd.meta != NULL;
}

/* Returns @media (transfer full) with a relation meta to which @n mtds can be added. A relation
 * meta has a matrix of all mtds. If the meta was created with the default size, each five mtds copy
 * the matrix into a larger one. A copy of the buffer has a matrix of the final size at once, with
 * room for @n_labels more mtds, which `lstmlabel` adds. Returns: (transfer full) */
static GstBuffer *
make_room (GstBuffer *media, gsize n, gsize n_labels)
{
  GstAnalyticsRelationMeta *meta = gst_buffer_get_analytics_relation_meta (media);
  const gsize n_mtds = gst_analytics_relation_get_length (meta) + n + n_labels;
  GstAnalyticsRelationMetaInitParams sizes = {n_mtds, n_mtds * MTD_BYTES};
  GstBuffer *copy;

  if (gst_buffer_is_writable (media) && (n < MIN_TENSORS_OF_COPY || has_room (meta, n)))
    return media;
  copy = gst_buffer_new ();
  gst_buffer_add_analytics_relation_meta_full (copy, &sizes);
  gst_buffer_copy_into (
      copy, media, GST_BUFFER_COPY_ALL, 0, -1); /* extends the relation meta */
  gst_buffer_unref (media);
  return copy;
}

/* Adds the tensor of the object @i, and relates the object detection @mtd to the tensor. */
static void
add_tensor (
    GstAnalyticsRelationMeta *meta, guint mtd, const GstLstmObjectTensors *tensors, gsize i)
{
  GstBuffer *data = gst_buffer_new_memdup (
      tensors->values + i * tensors->n_values, tensors->n_values * sizeof (gfloat));
  GstAnalyticsTensorMtd tensor;
  gsize dims[GST_LSTM_OBJECT_MAX_DIMS];

  for (gsize k = 0; k < tensors->n_dims; k++)
    dims[k] = tensors->dims[k]; /* the parameter is not const */
  if (gst_analytics_relation_meta_add_tensor_mtd_simple (meta, tensors->id,
          GST_TENSOR_DATA_TYPE_FLOAT32, data, GST_TENSOR_DIM_ORDER_ROW_MAJOR, tensors->n_dims,
          dims, &tensor))
    gst_analytics_relation_meta_set_relation (
        meta, GST_ANALYTICS_REL_TYPE_RELATE_TO, mtd, tensor.id);
}

/* Returns the ids of the object detections of @meta in their order. Returns: (transfer full): an
 * array of guint */
static GArray *
list_detections (GstAnalyticsRelationMeta *meta)
{
  GArray *mtds = g_array_new (FALSE, FALSE, sizeof (guint));
  gpointer state = NULL;
  GstAnalyticsMtd mtd;

  while (gst_analytics_relation_meta_iterate (
      meta, &state, gst_analytics_od_mtd_get_mtd_type (), &mtd))
    g_array_append_val (mtds, mtd.id);
  return mtds;
}

/* The ids of mtds may be different in a copy of a buffer, but the order of the mtds is the same. */
GstBuffer *
gst_lstm_object_tensors_attach (GstBuffer *media, const guint *detections, gsize n,
    const guint8 *is_complete, const GstLstmObjectTensors *tensors, guint n_kinds)
{
  GstAnalyticsRelationMeta *meta;
  g_autoptr (GArray) mtds = NULL;
  gsize n_outputs = 0;

  for (gsize i = 0; i < n; i++)
    n_outputs += is_complete[i] != 0;
  if (n_outputs == 0)
    return media;
  media = make_room (media, n_outputs * n_kinds, n_outputs);
  meta = gst_buffer_get_analytics_relation_meta (media);
  mtds = list_detections (meta);
  for (gsize i = 0; i < n; i++)
    for (guint kind = 0; is_complete[i] && kind < n_kinds; kind++)
      add_tensor (meta, g_array_index (mtds, guint, detections[i]), &tensors[kind], i);
  return media;
}
