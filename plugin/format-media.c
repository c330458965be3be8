/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Media whose buffers carry GstTensorMeta: they pass on in place, with one more such meta. */
#include "errors.h"
#include "formats.h"
#include <gst/analytics/analytics.h>

#define FORMAT GST_LSTM_STREAM (FORMAT)
#define MAX_DIMS 3 /* steps, rows, size */

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

/* --- Caps --- */

static GstStaticCaps video = GST_STATIC_CAPS ("video/x-raw(ANY)");

static gboolean
media_is (const GstStructure *s, const GstLstmWanted *wanted)
{
  return wanted->settings->input_tensor_id || gst_structure_has_name (s, "video/x-raw");
}

static GstCaps *
media_all (GstPadDirection direction, const GstLstmWanted *wanted)
{
  return wanted->settings->input_tensor_id ? gst_caps_new_any () : gst_static_caps_get (&video);
}

static gboolean
media_parse (
    GstLstmInput *input, const GstStructure *s, const GstLstmWanted *wanted, GError **error)
{
  if (!lstm_model_is_causal (wanted->model)
      && wanted->settings->output_mode == GST_LSTM_OUTPUT_SEQUENCE)
    return gst_lstm_fail (error, FORMAT,
        "caps: expected other/tensors, for the model needs whole sequences, which %s cannot "
        "wait for",
        gst_structure_get_name (s));
  gst_lstm_tensors_init (&input->tensors, (guint) lstm_model_get_input_size (wanted->model), s);
  input->varies = TRUE;
  input->id = g_quark_from_string (wanted->settings->input_tensor_id);
  return TRUE;
}

static GstCaps *
media_give (const GstCaps *sink, const GstLstmTensors *out, const GstLstmWanted *wanted)
{
  return gst_caps_copy (sink);
}

static GstCaps *
media_take (const GstCaps *source, const GstLstmWanted *wanted)
{
  const GstStructure *s = gst_caps_get_structure (source, 0);

  return !gst_structure_has_name (s, "other/tensors") && media_is (s, wanted)
             ? gst_caps_copy (source)
             : gst_caps_new_empty ();
}

/* --- What comes --- */

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

/* How many vectors of @d values there are: [d], or [T, d] with ones anywhere; 0: it is no such tensor */
static gsize
count_steps (const GstTensor *tensor, gsize d)
{
  gsize n = tensor->num_dims, steps = 1;

  while (n > 1 && d > 1 && tensor->dims[n - 1] == 1)
    n--;
  if (n == 0 || tensor->dims[n - 1] != d)
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

        g_string_append_printf (found.all, found.all->len ? ", %s" : "%s", text);
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

static gboolean
media_open (const GstLstmInput *input, GstBuffer *buffer, GstLstmSteps *steps, GError **error)
{
  const gsize d = input->tensors.size[0];
  const Found found = find_tensor (buffer, input->id, d, FALSE);
  const GstTensor *tensor = found.tensor;
  const GstLstmType *type;
  gsize n;

  if (!tensor && input->id)
    return TRUE;
  if (!tensor || (!input->id && found.n_meant > 1))
    return explain (buffer, d, found.n_meant, error);
  n = count_steps (tensor, d);
  type = (gsize) tensor->data_type < G_N_ELEMENTS (type_names)
             ? gst_lstm_type_from_tensors (type_names[tensor->data_type])
             : NULL;
  if (!check_tensor (tensor, type, d, n, error))
    return FALSE;
  if (!gst_buffer_map (tensor->data, &steps->map, GST_MAP_READ))
    return gst_lstm_fail_to_map (error, "for reading", gst_buffer_get_size (tensor->data));
  steps->buffer = tensor->data;
  steps->n_steps = (guint) n;
  steps->n_streams = 1;
  if (gst_lstm_steps_read (steps, type, steps->map.data, n * d, error))
    return TRUE;
  gst_lstm_steps_close (steps);
  return FALSE;
}

/* --- What leaves --- */

static GQuark
id_of (const gchar *prefix, const gchar *name)
{
  g_autofree gchar *id = NULL;

  if (g_str_equal (name, "output"))
    return g_quark_from_string (prefix);
  id = g_strdup_printf ("%s-%s", prefix, name);
  return g_quark_from_string (id);
}

/* [T, size], or [T, rows, size]; @data: (transfer full) */
static GstTensor *
tensor_new (const GstLstmTensors *out, guint i, GQuark id, GstBuffer *data)
{
  gsize dims[MAX_DIMS] = {gst_buffer_get_size (data) / sizeof (gfloat)};
  gsize n = 1;

  dims[0] /= (gsize) out->rows[i] * out->size[i];
  if (out->rows[i] > 1)
    dims[n++] = out->rows[i];
  dims[n++] = out->size[i];
  return gst_tensor_new_simple (
      id, GST_TENSOR_DATA_TYPE_FLOAT32, data, GST_TENSOR_DIM_ORDER_ROW_MAJOR, n, dims);
}

/* A meta of its own, where gst_buffer_add_tensor_meta() would give the one that is there;
 * @tensors: (transfer full) */
static void
add_tensors (GstBuffer *buffer, gsize n, GstTensor **tensors)
{
  gst_tensor_meta_set (
      (GstTensorMeta *) gst_buffer_add_meta (buffer, GST_TENSOR_META_INFO, NULL), (guint) n,
      tensors);
}

/* GStreamer 1.26 copies a buffer without the tensors beside it. */
static GstBuffer *
make_writable (GstBuffer *media)
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
    add_tensors (copy, from->num_tensors, tensors);
  }
  gst_buffer_unref (media);
  return copy;
}

static GstBuffer *
media_attach (GstBuffer *media, GstBuffer *output, const GstLstmTensors *out,
    const GstLstmSettings *settings)
{
  GstTensor **tensors = g_new (GstTensor *, out->n_tensors);
  const gboolean alone = out->n_tensors > 1;

  for (guint i = 0; i < out->n_tensors; i++) {
    const guint end = alone ? i + 1 : gst_buffer_n_memory (output);
    GstBuffer *data = gst_buffer_new ();

    for (guint k = i; k < end; k++)
      gst_buffer_append_memory (data, gst_buffer_get_memory (output, k));
    tensors[i] = tensor_new (out, i, id_of (settings->tensor_id, out->name[i]), data);
  }
  media = make_writable (media);
  add_tensors (media, out->n_tensors, tensors);
  return media;
}

const GstLstmFormat gst_lstm_format_media = {
    .is = media_is,
    .all = media_all,
    .parse = media_parse,
    .open = media_open,
    .give = media_give,
    .take = media_take,
    .attach = media_attach,
};
