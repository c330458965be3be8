/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Media whose buffers carry GstTensorMeta. The element adds one such meta to each buffer in
 * place. */
#include "common/errors.h"
#include "common/media.h"
#include "lstm/input/caps-kinds.h"
#include "lstm/input/output-tensor.h"

#define FORMAT GST_LSTM_STREAM (FORMAT)

/* --- Caps --- */

static GstStaticCaps video = GST_STATIC_CAPS ("video/x-raw(ANY)");

static gboolean
media_matches (const GstStructure *s, const GstLstmCapsContext *context)
{
  return context->input_tensor_id || gst_structure_has_name (s, "video/x-raw");
}

static GstCaps *
media_get_template_caps (GstPadDirection direction, const GstLstmCapsContext *context)
{
  return !context || context->input_tensor_id ? gst_caps_new_any ()
                                              : gst_static_caps_get (&video);
}

static gboolean
media_parse_caps (GstLstmInput *input, const GstStructure *s, const GstLstmCapsContext *context,
    GError **error)
{
  if (!lstm_model_is_causal (context->model) && context->output_per_step)
    return gst_lstm_fail (error, FORMAT,
        "caps: expected other/tensors, because the model needs complete sequences, found %s",
        gst_structure_get_name (s));
  gst_lstm_tensors_init (
      &input->tensors, (guint) lstm_model_get_input_size (context->model), s);
  input->shape_per_buffer = TRUE;
  input->axes = context->axes;
  input->tensor_id = g_quark_from_string (context->input_tensor_id);
  return TRUE;
}

/* Returns the id of the output tensor, which is the prefix of the other tensors' ids. */
static const gchar *
get_output_id (const GstLstmCapsContext *context)
{
  return context->output_tensor_id ? context->output_tensor_id : GST_LSTM_TENSOR_ID;
}

static GQuark
make_tensor_id (const gchar *prefix, const gchar *name)
{
  g_autofree gchar *id = NULL;

  if (g_str_equal (name, "output"))
    return g_quark_from_string (prefix);
  id = g_strdup_printf ("%s-%s", prefix, name);
  return g_quark_from_string (id);
}

#if GST_CHECK_VERSION(1, 28, 0)
/* Returns the caps by which GStreamer 1.28 describes a tensor. Returns: (transfer full) */
static GstCaps *
make_tensor_caps (const GstLstmTensors *out, guint i, GstLstmAxes axes, GQuark id)
{
  gsize dims[GST_LSTM_AXES_MAX_DIMS];
  const gsize n = gst_lstm_axes_make_dims (
      axes, out->steps, out->streams, out->n_rows[i], out->size[i], dims);
  GstCaps *caps = gst_caps_new_simple ("tensor/strided", "tensor-id", G_TYPE_STRING,
      g_quark_to_string (id), "dims-order", G_TYPE_STRING, "row-major", "type", G_TYPE_STRING,
      "float32", NULL);
  GValue array = G_VALUE_INIT;

  g_value_init (&array, GST_TYPE_ARRAY);
  for (gsize k = 0; k < n; k++) {
    GValue dim = G_VALUE_INIT;

    g_value_init (&dim, G_TYPE_INT);
    g_value_set_int (&dim, (gint) dims[k]);
    gst_value_array_append_and_take_value (&array, &dim);
  }
  gst_structure_take_value (gst_caps_get_structure (caps, 0), "dims", &array);
  return caps;
}

/* Returns the tensor groups of @caps. This element's tensors are a group, named by the output
 * tensor's id. Returns: (transfer full) */
static GstStructure *
get_groups (const GstCaps *caps)
{
  const GValue *groups = gst_structure_get_value (gst_caps_get_structure (caps, 0), "tensors");

  return groups && GST_VALUE_HOLDS_STRUCTURE (groups)
             ? gst_structure_copy (gst_value_get_structure (groups))
             : gst_structure_new_empty ("tensorgroups");
}

static void
set_groups (GstCaps *caps, GstStructure *groups)
{
  gst_caps_set_simple (caps, "tensors", GST_TYPE_STRUCTURE, groups, NULL);
  gst_structure_free (groups);
}

static void
add_group (GstCaps *caps, const GstLstmTensors *out, GstLstmAxes axes, const gchar *group)
{
  GstStructure *groups = get_groups (caps);
  GValue list = G_VALUE_INIT;

  g_value_init (&list, GST_TYPE_UNIQUE_LIST);
  for (guint i = 0; i < out->n_tensors; i++) {
    GValue tensor = G_VALUE_INIT;

    g_value_init (&tensor, GST_TYPE_CAPS);
    g_value_take_boxed (
        &tensor, make_tensor_caps (out, i, axes, make_tensor_id (group, out->name[i])));
    gst_value_unique_list_append_and_take_value (&list, &tensor);
  }
  gst_structure_take_value (groups, group, &list);
  set_groups (caps, groups);
}

static void
remove_group (GstCaps *caps, const gchar *group)
{
  GstStructure *groups = get_groups (caps);

  gst_structure_remove_field (groups, group);
  if (gst_structure_n_fields (groups) > 0) {
    set_groups (caps, groups);
    return;
  }
  gst_structure_free (groups);
  gst_structure_remove_field (gst_caps_get_structure (caps, 0), "tensors");
}
#else
static void
add_group (GstCaps *caps, const GstLstmTensors *out, GstLstmAxes axes, const gchar *group)
{
}

static void
remove_group (GstCaps *caps, const gchar *group)
{
}
#endif

static GstCaps *
media_get_src_caps (
    const GstCaps *sink, const GstLstmTensors *out, const GstLstmCapsContext *context)
{
  GstCaps *caps = gst_caps_copy (sink);

  if (out && !context->output_at_end)
    add_group (caps, out, context->axes, get_output_id (context));
  return caps;
}

static GstCaps *
media_get_sink_caps (const GstCaps *source, const GstLstmCapsContext *context)
{
  const GstStructure *s = gst_caps_get_structure (source, 0);
  GstCaps *caps;

  if (gst_lstm_tensors_matches (s) || !media_matches (s, context))
    return gst_caps_new_empty ();
  caps = gst_caps_copy (source);
  remove_group (caps, get_output_id (context));
  return caps;
}

/* --- Buffers --- */

static gboolean
media_open_buffer (
    const GstLstmInput *input, GstBuffer *buffer, GstLstmSteps *steps, GError **error)
{
  gsize d = input->tensors.size[0];

  return gst_lstm_media_open (buffer, input->tensor_id, input->axes, &d, steps, error);
}

static GstBuffer *
media_attach_output (GstBuffer *media, GstBuffer *output, const GstLstmTensors *out,
    const GstLstmCapsContext *context)
{
  GstTensor **tensors = g_new (GstTensor *, out->n_tensors);
  const gboolean one_memory_per_tensor = out->n_tensors > 1;

  for (guint i = 0; i < out->n_tensors; i++) {
    const guint end = one_memory_per_tensor ? i + 1 : gst_buffer_n_memory (output);
    GstBuffer *data = gst_buffer_new ();

    for (guint k = i; k < end; k++)
      gst_buffer_append_memory (data, gst_buffer_get_memory (output, k));
    tensors[i] = gst_lstm_output_tensor_new (
        out, i, context->axes, make_tensor_id (get_output_id (context), out->name[i]), data);
  }
  media = gst_lstm_media_make_writable (media);
  gst_lstm_media_add (media, out->n_tensors, tensors);
  return media;
}

const GstLstmCapsKind gst_lstm_caps_media = {
    .media_type = "video/x-raw",
    .matches = media_matches,
    .get_template_caps = media_get_template_caps,
    .parse_caps = media_parse_caps,
    .open_buffer = media_open_buffer,
    .get_src_caps = media_get_src_caps,
    .get_sink_caps = media_get_sink_caps,
    .attach_output = media_attach_output,
};
