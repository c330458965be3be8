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

static gchar *
describe (const GstTensor *tensor)
{
  GString *text = g_string_new (g_quark_to_string (tensor->id));

  g_string_append (text, " [");
  for (gsize i = 0; i < tensor->num_dims; i++)
    g_string_append_printf (
        text, i ? ", %" G_GSIZE_FORMAT : "%" G_GSIZE_FORMAT, tensor->dims[i]);
  g_string_append_printf (text, "] %s",
      (gsize) tensor->data_type < G_N_ELEMENTS (type_names) ? type_names[tensor->data_type]
                                                            : "unknown");
  return g_string_free (text, FALSE);
}

/* How many vectors of @d values (0: of any number) there are: [d], or [T, d] with ones anywhere; 0: it
 * is no such tensor */
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

/* What a buffer's metas have */
typedef struct {
  const GstTensor *tensor; /* the last one that is meant */
  guint n_meant;
  GString *all; /* descriptions */
} Found;

static Found
find_tensor (GstBuffer *buffer, GQuark id, gsize d, gboolean describes)
{
  Found found = {.all = describes ? g_string_new (NULL) : NULL};
  gpointer state = NULL;
  GstMeta *meta;

  while ((meta = gst_buffer_iterate_meta_filtered (buffer, &state, GST_TENSOR_META_API_TYPE))) {
    const GstTensorMeta *tensors = (const GstTensorMeta *) meta;

    for (gsize i = 0; i < tensors->num_tensors; i++) {
      const GstTensor *tensor = tensors->tensors[i];

      if (id ? tensor->id == id : count_steps (tensor, d) > 0) {
        found.tensor = tensor;
        found.n_meant++;
      }
      if (describes) {
        g_autofree gchar *text = describe (tensor);

        lstm_text_append_item (found.all, text);
      }
    }
  }
  return found;
}

/* None is meant, or several are without an id: a buffer without tensors has no step, else it is an
 * error. */
static gboolean
explain (GstBuffer *buffer, gsize d, guint n, GError **error)
{
  const Found found = find_tensor (buffer, 0, d, TRUE);
  g_autofree gchar *all = g_string_free (found.all, FALSE);

  return !*all
         || gst_lstm_fail (error, FORMAT,
             "buffer: expected one tensor of [%" G_GSIZE_FORMAT "] or [T, %" G_GSIZE_FORMAT
             "], or property input-tensor-id to %s, got %s",
             d, d, n ? "pick one" : "name another", all);
}

static gboolean
check_tensor (
    const GstTensor *tensor, const GstLstmType *type, gsize d, gsize steps, GError **error)
{
  g_autofree gchar *text = NULL;
  gsize bytes;

  if (steps == 0) {
    text = describe (tensor);
    return gst_lstm_fail (error, FORMAT,
        "buffer: tensor: expected [%" G_GSIZE_FORMAT "] or [T, %" G_GSIZE_FORMAT "], got %s", d,
        d, text);
  }
  if (!type || tensor->layout != GST_TENSOR_LAYOUT_CONTIGUOUS
      || (steps > 1 && tensor->dims_order != GST_TENSOR_DIM_ORDER_ROW_MAJOR)) {
    text = describe (tensor);
    return gst_lstm_fail (error, FORMAT, "buffer: tensor: expected %s, got %s",
        type ? "values that are contiguous, in row-major order"
             : "float16, float32, float64, or int or uint of 8 to 64 bits",
        text);
  }
  bytes = tensor->data ? gst_buffer_get_size (tensor->data) : 0;
  if (bytes % (d * type->size) == 0 && bytes / (d * type->size) == steps)
    return TRUE;
  text = describe (tensor);
  return gst_lstm_fail (error, FORMAT,
      "buffer: tensor: expected as many bytes as %s has, got %" G_GSIZE_FORMAT, text, bytes);
}

gboolean
gst_lstm_media_open (
    GstBuffer *buffer, GQuark id, gsize *d, GstLstmSteps *steps, GError **error)
{
  const Found found = find_tensor (buffer, id, *d, FALSE);
  const GstTensor *tensor = found.tensor;
  const GstLstmType *type;
  gsize n;

  if (!tensor && id)
    return TRUE;
  if (!tensor || (!id && found.n_meant > 1))
    return explain (buffer, *d, found.n_meant, error);
  n = count_steps (tensor, *d);
  if (n > 0 && *d == 0)
    *d = tensor->dims[tensor->num_dims - 1];
  type = (gsize) tensor->data_type < G_N_ELEMENTS (type_names)
             ? gst_lstm_type_from_tensors (type_names[tensor->data_type])
             : NULL;
  if (!check_tensor (tensor, type, *d, n, error))
    return FALSE;
  if (!gst_buffer_map (tensor->data, &steps->map, GST_MAP_READ))
    return gst_lstm_fail_to_map (error, "for reading", gst_buffer_get_size (tensor->data));
  steps->buffer = tensor->data;
  steps->n_steps = (guint) n;
  steps->n_streams = 1;
  if (gst_lstm_steps_read (steps, type, steps->map.data, n * *d, error))
    return TRUE;
  gst_lstm_steps_close (steps);
  return FALSE;
}

/* gst_buffer_add_tensor_meta() would give the meta that is there. */
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
  gboolean bare;

  if (gst_buffer_is_writable (media))
    return media;
  copy = gst_buffer_copy (media);
  bare = !gst_buffer_get_meta (copy, GST_TENSOR_META_API_TYPE);
  while (
      bare
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
