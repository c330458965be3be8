/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common/media.h"
#include "common/errors.h"
#include "util/text.h"

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
};

/* Returns a text with the id, dimensions and type of @tensor. Returns: (transfer full) */
static gchar *
describe_tensor (const GstTensor *tensor)
{
  const gsize type = (gsize) tensor->data_type;
  g_autoptr (GString) shape = g_string_new (NULL);

  /* lstm_text_shape() would print the largest gsize as an unknown size. */
  for (gsize i = 0; i < tensor->num_dims; i++)
    g_string_append_printf (
        shape, i ? ", %" G_GSIZE_FORMAT : "%" G_GSIZE_FORMAT, tensor->dims[i]);
  return g_strdup_printf ("%s [%s] %s", g_quark_to_string (tensor->id), shape->str,
      type < G_N_ELEMENTS (type_names) ? type_names[type] : "unknown");
}

/* Returns the number of vectors of @d values (0: of any size) in @tensor, if @tensor is [d], or [T,
 * d] with further dimensions of 1 anywhere. Returns 0 for any other tensor. */
static gsize
count_steps (const GstTensor *tensor, gsize d)
{
  gsize n = tensor->num_dims, steps = 1;

  while (n > 1 && d > 1 && tensor->dims[n - 1] == 1)
    n--;
  if (n == 0 || tensor->dims[n - 1] == 0 || (d > 0 && tensor->dims[n - 1] != d))
    return 0;
  for (gsize i = 0; i + 1 < n; i++)
    if (tensor->dims[i] != 1 && steps != 1)
      return 0;
    else
      steps *= tensor->dims[i];
  return steps <= G_MAXINT32 ? steps : 0;
}

/* The tensors of a buffer, in all its metas, that have a requested id or vector size */
typedef struct {
  const GstTensor *tensor; /* nullable: the last match */
  guint n_matches;
} Matches;

/* Finds the tensors with @id, or, if @id is 0, the tensors of vectors of @d values. */
static Matches
find_matches (GstBuffer *buffer, GQuark id, gsize d)
{
  Matches matches = {0};
  gpointer state = NULL;
  GstMeta *meta;

  while ((meta = gst_buffer_iterate_meta_filtered (buffer, &state, GST_TENSOR_META_API_TYPE))) {
    const GstTensorMeta *tensors = (const GstTensorMeta *) meta;

    for (gsize i = 0; i < tensors->num_tensors; i++) {
      const GstTensor *tensor = tensors->tensors[i];

      if (id ? tensor->id == id : count_steps (tensor, d) > 0) {
        matches.tensor = tensor;
        matches.n_matches++;
      }
    }
  }
  return matches;
}

/* Returns the descriptions of all tensors of @buffer as a list. Returns: (transfer full) */
static gchar *
list_tensors (GstBuffer *buffer)
{
  GString *list = g_string_new (NULL);
  gpointer state = NULL;
  GstMeta *meta;

  while ((meta = gst_buffer_iterate_meta_filtered (buffer, &state, GST_TENSOR_META_API_TYPE))) {
    const GstTensorMeta *tensors = (const GstTensorMeta *) meta;

    for (gsize i = 0; i < tensors->num_tensors; i++) {
      g_autofree gchar *text = describe_tensor (tensors->tensors[i]);

      lstm_text_append_item (list, text);
    }
  }
  return g_string_free (list, FALSE);
}

/* Returns TRUE if @buffer has no tensors. Otherwise returns FALSE and sets @error, because
 * @n_matches of the tensors have the vector size, which is none or more than one. */
static gboolean
check_no_tensors (GstBuffer *buffer, gsize d, guint n_matches, GError **error)
{
  g_autofree gchar *list = list_tensors (buffer);

  return !*list
         || gst_lstm_fail (error, FORMAT,
             "buffer: expected one tensor of [%" G_GSIZE_FORMAT "] or [T, %" G_GSIZE_FORMAT
             "], or property input-tensor-id to %s, found %s",
             d, d, n_matches ? "select one" : "name another tensor", list);
}

static gboolean
check_tensor (
    const GstTensor *tensor, const GstLstmType *type, gsize d, gsize steps, GError **error)
{
  g_autofree gchar *text = NULL;
  gsize bytes;

  if (steps == 0) {
    text = describe_tensor (tensor);
    return gst_lstm_fail (error, FORMAT,
        "buffer: tensor: expected [%" G_GSIZE_FORMAT "] or [T, %" G_GSIZE_FORMAT "], found %s",
        d, d, text);
  }
  if (!type) {
    text = describe_tensor (tensor);
    return gst_lstm_fail (error, FORMAT,
        "buffer: tensor: expected float16, float32, float64, or int or uint of 8 to 64 bits, "
        "found %s",
        text);
  }
  if (tensor->layout != GST_TENSOR_LAYOUT_CONTIGUOUS
      || (steps > 1 && tensor->dims_order != GST_TENSOR_DIM_ORDER_ROW_MAJOR)) {
    text = describe_tensor (tensor);
    return gst_lstm_fail (error, FORMAT,
        "buffer: tensor: expected layout %d (contiguous) and dims-order %d (row-major), found "
        "%s "
        "with layout %d and dims-order %d",
        GST_TENSOR_LAYOUT_CONTIGUOUS, GST_TENSOR_DIM_ORDER_ROW_MAJOR, text,
        (gint) tensor->layout, (gint) tensor->dims_order);
  }
  bytes = tensor->data ? gst_buffer_get_size (tensor->data) : 0;
  if (bytes % (d * type->size) == 0 && bytes / (d * type->size) == steps)
    return TRUE;
  text = describe_tensor (tensor);
  return gst_lstm_fail (error, FORMAT,
      "buffer: tensor: expected as many bytes as %s has, found %" G_GSIZE_FORMAT, text, bytes);
}

gboolean
gst_lstm_media_open (
    GstBuffer *buffer, GQuark id, gsize *d, GstLstmSteps *steps, GError **error)
{
  const Matches matches = find_matches (buffer, id, *d);
  const GstTensor *tensor = matches.tensor;
  const GstLstmType *type;
  gsize n;

  if (!tensor && id)
    return TRUE;
  if (!tensor || (!id && matches.n_matches > 1))
    return check_no_tensors (buffer, *d, matches.n_matches, error);
  n = count_steps (tensor, *d);
  if (n > 0 && *d == 0)
    *d = tensor->dims[tensor->num_dims - 1];
  type = (gsize) tensor->data_type < G_N_ELEMENTS (type_names)
             ? gst_lstm_type_from_tensors (type_names[tensor->data_type])
             : NULL;
  if (!check_tensor (tensor, type, *d, n, error))
    return FALSE;
  if (!gst_buffer_map (tensor->data, &steps->map, GST_MAP_READ))
    return gst_lstm_fail_to_map (
        error, GST_LSTM_RESOURCE (FAILED), "for reading", gst_buffer_get_size (tensor->data));
  steps->buffer = tensor->data;
  steps->n_steps = (guint) n;
  steps->n_streams = 1;
  if (gst_lstm_steps_convert (steps, type, steps->map.data, n * *d, error))
    return TRUE;
  gst_lstm_steps_close (steps);
  return FALSE;
}

/* Does not call gst_buffer_add_tensor_meta(), which would return an existing meta. */
void
gst_lstm_media_add (GstBuffer *buffer, gsize n, GstTensor **tensors)
{
  gst_tensor_meta_set (
      (GstTensorMeta *) gst_buffer_add_meta (buffer, GST_TENSOR_META_INFO, NULL), (guint) n,
      tensors);
}

GstBuffer *
gst_lstm_media_make_writable (GstBuffer *media)
{
  gpointer state = NULL;
  GstBuffer *copy;
  GstMeta *meta;
  gboolean lacks_tensors;

  if (gst_buffer_is_writable (media))
    return media;
  copy = gst_buffer_copy (media);
  lacks_tensors = !gst_buffer_get_meta (copy, GST_TENSOR_META_API_TYPE);
  while (
      lacks_tensors
      && (meta = gst_buffer_iterate_meta_filtered (media, &state, GST_TENSOR_META_API_TYPE))) {
    const GstTensorMeta *from = (const GstTensorMeta *) meta;
    GstTensor **tensors = g_new (GstTensor *, from->num_tensors);

    for (gsize i = 0; i < from->num_tensors; i++)
      tensors[i] = gst_tensor_copy (from->tensors[i]);
    gst_lstm_media_add (copy, from->num_tensors, tensors);
  }
  gst_buffer_unref (media);
  return copy;
}
