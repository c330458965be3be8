/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Media whose buffers carry GstTensorMeta. The element adds one such meta to each buffer in place,
 * or pushes other/tensors if downstream accepts no media. */
#include "common/errors.h"
#include "common/media.h"
#include "lstm/input/caps-kinds.h"
#include "lstm/input/output-tensor.h"
#include "lstm/input/tensor-groups.h"

#define FORMAT GST_LSTM_STREAM (FORMAT)

/* --- Sink caps --- */

static GstStaticCaps video = GST_STATIC_CAPS ("video/x-raw(ANY)");

static gboolean
is_video (const GstStructure *s)
{
  return gst_structure_has_name (s, "video/x-raw");
}

static gboolean
media_matches (const GstStructure *s, const GstLstmCapsContext *context)
{
  if (context->per_object && gst_lstm_tensors_matches (s))
    return FALSE; /* only media have objects */
  return is_video (s)
         || (context->input_tensor_id
             && !gst_structure_has_name (s, GST_LSTM_BATCH_MEDIA_TYPE));
}

static GstCaps *
media_get_template_caps (GstPadDirection direction, const GstLstmCapsContext *context)
{
  return !context || context->input_tensor_id ? gst_caps_new_any ()
                                              : gst_static_caps_get (&video);
}

/* A search in caps for the tensor that has the steps */
typedef struct {
  GQuark id; /* 0: any tensor of vectors of d values */
  GstLstmAxes axes;
  gsize d;

  guint n_matches;
  GstLstmTensorShape shape; /* of the last match */
} Search;

static void
compare_tensor (const gchar *group, const GstLstmGroupTensor *tensor, gpointer data)
{
  gsize dims[GST_LSTM_GROUP_MAX_DIMS];
  gboolean is_known = tensor->row_major, fits;
  Search *search = data;
  GstLstmAxesShape shape;

  for (gsize i = 0; i < tensor->n_dims; i++) {
    dims[i] = MAX (tensor->dims[i], 1);
    is_known = is_known && tensor->dims[i] > 0;
  }
  fits = gst_lstm_axes_read_dims (search->axes, dims, tensor->n_dims, search->d, &shape);
  if (search->id ? tensor->id != search->id : !fits)
    return;
  search->n_matches++;
  search->shape = fits && is_known ? (GstLstmTensorShape){shape.n_steps, shape.n_streams}
                                   : (GstLstmTensorShape){0};
}

/* Returns the shape of the input tensor in caps @s. */
static GstLstmTensorShape
find_caps_shape (const GstStructure *s, const GstLstmInput *input)
{
  Search search = {.id = input->tensor_id, .axes = input->axes, .d = input->tensors.size[0]};

  gst_lstm_tensor_groups_visit (s, compare_tensor, &search);
  return search.n_matches == 1 ? search.shape : (GstLstmTensorShape){0};
}

static gboolean
media_parse_caps (GstLstmInput *input, const GstStructure *s, const GstLstmCapsContext *context,
    GError **error)
{
  gst_lstm_tensors_init (
      &input->tensors, (guint) lstm_model_get_input_size (context->model), s);
  input->shape_per_buffer = TRUE;
  input->axes = context->axes;
  input->tensor_id = g_quark_from_string (context->input_tensor_id);
  if (!context->per_object) /* the tensor of a frame has a row for each object */
    input->caps_shape = find_caps_shape (s, input);
  if (input->caps_shape.steps)
    input->tensors = gst_lstm_input_get_shape (
        input, input->caps_shape.steps, input->caps_shape.streams);
  return TRUE;
}

/* A tensor in caps with the id of an output */
typedef struct {
  const GQuark *ids;
  GQuark id; /* 0: found none */
  const gchar *group;
} IdSearch;

static gboolean
has_id (const GQuark ids[GST_LSTM_MAX_ATTACHED], GQuark id)
{
  for (guint i = 0; i < GST_LSTM_MAX_ATTACHED; i++)
    if (id && ids[i] == id)
      return TRUE;
  return FALSE;
}

static void
compare_id (const gchar *group, const GstLstmGroupTensor *tensor, gpointer data)
{
  IdSearch *search = data;

  if (!has_id (search->ids, tensor->id))
    return;
  search->id = tensor->id;
  search->group = group;
}

static gboolean
media_check_ids (const GstStructure *s, const GQuark ids[GST_LSTM_MAX_ATTACHED], GError **error)
{
  IdSearch search = {.ids = ids};

  gst_lstm_tensor_groups_visit (s, compare_id, &search);
  return !search.id
         || gst_lstm_fail (error, FORMAT,
             "caps field tensors: expected no tensor %s, because property output-tensor-id "
             "gives "
             "this id to an output, found one in the group %s",
             g_quark_to_string (search.id), search.group);
}

/* --- Source caps --- */

/* Adds the tensors of @out to @caps. A decoder accepts a group only if it names all tensors of the
 * group, so each tensor is a group. */
static void
add_groups (GstCaps *caps, const GstLstmTensors *out, const GstLstmCapsContext *context)
{
  const GstLstmTensorShape shape = context->attached_shape;

  for (guint i = 0; i < out->n_tensors && context->tensor_ids[i]; i++) {
    gsize dims[GST_LSTM_AXES_MAX_DIMS];
    const gsize n = gst_lstm_axes_make_dims (
        context->axes, shape.steps, shape.streams, out->n_rows[i], out->size[i], dims);

    gst_lstm_tensor_groups_add (caps, context->tensor_ids[i], dims, n);
  }
}

/* Returns the caps of @out as buffers of other/tensors, which have the framerate of the media
 * @sink if a buffer has one step. Returns: (transfer full) */
static GstCaps *
make_tensors_caps (const GstStructure *sink, const GstLstmTensors *out)
{
  const GValue *framerate = gst_structure_get_value (sink, "framerate");
  GstCaps *caps = gst_caps_make_writable (gst_lstm_caps_make_tensors (out));

  if (framerate && !(out && out->steps > 1))
    gst_caps_set_value (caps, "framerate", framerate);
  return caps;
}

static GstCaps *
media_get_src_caps (
    const GstCaps *sink, const GstLstmTensors *out, const GstLstmCapsContext *context)
{
  GstCaps *tensors = make_tensors_caps (gst_caps_get_structure (sink, 0), out);
  GstCaps *caps;

  if (context->per_object) {
    gst_caps_unref (tensors);
    return gst_caps_copy (sink);
  }
  if (context->model && !lstm_model_is_causal (context->model) && context->output_per_step)
    return tensors; /* frames cannot wait for the end of the sequence */
  caps = gst_caps_copy (sink);
  if (out)
    add_groups (caps, out, context);
  return gst_caps_merge (caps, tensors);
}

/* Returns media that can become other/tensors @source. A framerate that is not 0/1 is that of the
 * video. Returns: (transfer full) */
static GstCaps *
make_media_caps (const GstStructure *source, const GstLstmCapsContext *context)
{
  GstCaps *caps = media_get_template_caps (GST_PAD_SINK, context);
  gint n, d;

  if (!context->input_tensor_id && gst_structure_get_fraction (source, "framerate", &n, &d)
      && n > 0) {
    caps = gst_caps_make_writable (caps);
    gst_caps_set_simple (caps, "framerate", GST_TYPE_FRACTION, n, d, NULL);
  }
  return caps;
}

static GstCaps *
media_get_sink_caps (const GstCaps *source, const GstLstmCapsContext *context)
{
  const GstStructure *s = gst_caps_get_structure (source, 0);
  GstCaps *caps;

  if (gst_lstm_tensors_matches (s) && !context->per_object)
    return make_media_caps (s, context);
  if (!media_matches (s, context))
    return gst_caps_new_empty ();
  caps = gst_caps_copy (source);
  for (guint i = 0; i < GST_LSTM_MAX_ATTACHED && context->tensor_ids[i]; i++)
    gst_lstm_tensor_groups_remove (caps, context->tensor_ids[i]);
  return caps;
}

/* A search in caps for a tensor that is attached */
typedef struct {
  GQuark id;
  GstLstmGroupTensor tensor; /* n_dims 0: found none */
} OutputSearch;

static void
compare_output (const gchar *group, const GstLstmGroupTensor *tensor, gpointer data)
{
  OutputSearch *search = data;

  if (tensor->id == search->id && g_str_equal (group, g_quark_to_string (tensor->id)))
    search->tensor = *tensor;
}

static void
media_copy_attached_dims (
    GstCaps *caps, const GstCaps *possible, const GstLstmCapsContext *context)
{
  for (guint i = 0; i < GST_LSTM_MAX_ATTACHED && context->tensor_ids[i]; i++) {
    OutputSearch search = {.id = context->tensor_ids[i]};

    gst_lstm_tensor_groups_visit (
        gst_caps_get_structure (possible, 0), compare_output, &search);
    if (!search.tensor.n_dims)
      continue;
    gst_lstm_tensor_groups_remove (caps, search.id);
    gst_lstm_tensor_groups_add (caps, search.id, search.tensor.dims, search.tensor.n_dims);
  }
}

/* --- Buffers --- */

static gboolean
media_open_buffer (
    const GstLstmInput *input, GstBuffer *buffer, GstLstmSteps *steps, GError **error)
{
  gsize d = input->tensors.size[0];

  for (guint i = 0; i < GST_LSTM_MAX_ATTACHED && input->attached_ids[i]; i++)
    if (!gst_lstm_media_check_no_tensor (buffer, input->attached_ids[i], error))
      return FALSE;
  return gst_lstm_media_open (buffer, input->tensor_id, input->axes, NULL, &d, steps, error);
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
        out, i, context->axes, context->tensor_ids[i], data);
  }
  media = gst_lstm_media_make_writable (media);
  gst_lstm_media_add (media, out->n_tensors, tensors);
  return media;
}

const GstLstmCapsKind gst_lstm_caps_media = {
    .media_type = "video/x-raw",
    .has_objects = TRUE,
    .matches = media_matches,
    .get_template_caps = media_get_template_caps,
    .parse_caps = media_parse_caps,
    .open_buffer = media_open_buffer,
    .get_src_caps = media_get_src_caps,
    .get_sink_caps = media_get_sink_caps,
    .attach_output = media_attach_output,
    .check_ids = media_check_ids,
    .copy_attached_dims = media_copy_attached_dims,
};
