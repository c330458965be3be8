/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "split/frame.h"
#include "split/builder.h"

#define FRAME "frame"
#define N_DIMS 4 /* of a frame */

/* A copy of the features whose input is float32. The nodes that the caller adds compute @frame,
 * which the copied nodes read instead of the input. */
typedef struct {
  Onnx__ModelProto *model; /* the features */
  OnnxBuilder *builder;    /* the copy */
  char *frame;
} Copy;

static void
copy_clear (Copy *copy)
{
  if (copy->model)
    onnx__model_proto__free_unpacked (copy->model, NULL);
  g_clear_pointer (&copy->builder, onnx_builder_free);
  g_free (copy->frame);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Copy, copy_clear)

static gboolean
is_default_domain (const Onnx__OperatorSetIdProto *opset)
{
  return !opset->domain || !*opset->domain || g_str_equal (opset->domain, "ai.onnx");
}

/* Adds the imported opsets. Returns: (transfer full): the builder */
static OnnxBuilder *
start_model (const Onnx__ModelProto *model)
{
  OnnxBuilder *builder;
  gint64 version = 1;

  for (gsize i = 0; i < model->n_opset_import; i++)
    if (is_default_domain (model->opset_import[i]))
      version = model->opset_import[i]->version;
  builder = onnx_builder_new (version, "features");
  for (gsize i = 0; i < model->n_opset_import; i++)
    if (!is_default_domain (model->opset_import[i]))
      onnx_builder_add_opset (
          builder, model->opset_import[i]->domain, model->opset_import[i]->version);
  return builder;
}

/* Returns whether a node has a graph as an attribute. Such a graph could read the input. */
static gboolean
has_subgraph (const Onnx__GraphProto *graph)
{
  for (gsize i = 0; i < graph->n_node; i++)
    for (gsize k = 0; k < graph->node[i]->n_attribute; k++)
      if (graph->node[i]->attribute[k]->g || graph->node[i]->attribute[k]->n_graphs)
        return TRUE;
  return FALSE;
}

/* Returns: (transfer full): a name that begins with @base and that no node of @graph uses */
static char *
make_unused_name (const Onnx__GraphProto *graph, const char *base)
{
  g_autoptr (GHashTable) names = g_hash_table_new (g_str_hash, g_str_equal);
  char *name = g_strdup (base);

  for (gsize i = 0; i < graph->n_initializer; i++)
    g_hash_table_add (names, graph->initializer[i]->name);
  for (gsize i = 0; i < graph->n_node; i++)
    for (gsize k = 0; k < graph->node[i]->n_output; k++)
      g_hash_table_add (names, graph->node[i]->output[k]);
  for (guint i = 1; g_hash_table_contains (names, name); i++) {
    g_free (name);
    name = g_strdup_printf ("%s_%u", base, i);
  }
  return name;
}

/* Starts a copy of the features of @split. @path: for the message */
static gboolean
start_copy (Copy *copy, const ConvertSplit *split, const char *path, GError **error)
{
  const gint64 c = (gint64) split->n_channels, h = (gint64) split->height,
               w = (gint64) split->width;
  const gint64 first[N_DIMS] = {1, c, h, w}, last[N_DIMS] = {1, h, w, c};
  gsize size;
  const guint8 *data = g_bytes_get_data (split->features, &size);

  copy->model = onnx__model_proto__unpack (NULL, size, data);
  if (!copy->model || !copy->model->graph || has_subgraph (copy->model->graph)) {
    g_set_error (error, CONVERT_ERROR, CONVERT_ERROR_UNSUPPORTED,
        "%s: the features: expected nodes without graphs as attributes, which read the input "
        "\"" FRAME "\", found such a graph",
        path);
    return FALSE;
  }
  copy->builder = start_model (copy->model);
  copy->frame = make_unused_name (copy->model->graph, "network_frame");
  onnx_builder_add_input (copy->builder, FRAME, ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, N_DIMS,
      split->is_channels_first ? first : last);
  return TRUE;
}

/* Copies the nodes, the initializers, the output and the metadata.
 * Returns: (transfer full): the copy, serialized */
static GBytes *
finish_copy (Copy *copy, const ConvertSplit *split)
{
  const Onnx__GraphProto *graph = copy->model->graph;
  const gint64 shape[] = {1, (gint64) split->n_features};

  for (gsize i = 0; i < graph->n_node; i++) {
    Onnx__NodeProto *node = onnx_builder_copy_node (copy->builder, graph->node[i]);

    for (gsize k = 0; k < node->n_input; k++)
      if (g_str_equal (node->input[k], FRAME))
        onnx_builder_set_string (copy->builder, &node->input[k], copy->frame);
  }
  for (gsize i = 0; i < graph->n_initializer; i++)
    onnx_builder_add_tensor (copy->builder, graph->initializer[i]->name, graph->initializer[i]);
  onnx_builder_add_output (
      copy->builder, "features", ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, 2, shape);
  for (gsize i = 0; i < copy->model->n_metadata_props; i++)
    onnx_builder_add_metadata (copy->builder, copy->model->metadata_props[i]->key,
        copy->model->metadata_props[i]->value);
  return onnx_builder_to_bytes (copy->builder);
}

/* Returns whether the frame has the bytes of a frame of RGB video, to which onnxinference sets
 * uint8 input. GStreamer pads each row of a frame to a multiple of four bytes. */
static gboolean
is_frame_of_video (const ConvertSplit *split)
{
  return split->type == CONVERT_FRAME_UINT8 && !split->is_channels_first
         && split->n_channels == 3 && split->width % 4 == 0;
}

gboolean
convert_frame_adapt (ConvertSplit *split, const char *path, GError **error)
{
  g_auto (Copy) copy = {NULL};
  Onnx__NodeProto *cast;
  GBytes *features;

  if (split->type == CONVERT_FRAME_FLOAT32 || is_frame_of_video (split))
    return TRUE;
  if (!start_copy (&copy, split, path, error))
    return FALSE;
  cast = onnx_builder_add_node (copy.builder, "Cast", "frame_cast",
      (const char *const[]){FRAME, NULL}, (const char *const[]){copy.frame, NULL});
  onnx_builder_set_int (copy.builder, cast, "to", split->type);
  features = finish_copy (&copy, split);
  g_bytes_unref (split->features);
  split->features = features;
  g_ptr_array_add (split->notes,
      g_strdup_printf ("the input of the features is float32, and a Cast computes %s from it",
          split->type == CONVERT_FRAME_UINT8 ? "uint8" : "float16"));
  split->type = CONVERT_FRAME_FLOAT32;
  return TRUE;
}

/* Adds an initializer with a number for each channel, which is broadcast over a frame. */
static void
add_numbers (Copy *copy, const ConvertSplit *split, const char *name, const float *numbers)
{
  const gint64 c = (gint64) split->n_channels;
  const gint64 first[N_DIMS] = {1, c, 1, 1}, last[N_DIMS] = {1, 1, 1, c};

  onnx_builder_add_floats (
      copy->builder, name, N_DIMS, split->is_channels_first ? first : last, numbers);
}

GBytes *
convert_frame_normalize (const ConvertSplit *split, const ConvertNormalize *normalize,
    const char *path, GError **error)
{
  g_autofree float *scales = g_new (float, split->n_channels);
  g_autofree float *offsets = g_new (float, split->n_channels);
  g_autofree char *scale = NULL, *offset = NULL, *product = NULL;
  g_auto (Copy) copy = {NULL};

  if (!start_copy (&copy, split, path, error))
    return NULL;
  for (gsize i = 0; i < split->n_channels; i++) {
    const ConvertRange range = convert_normalize_get_range (normalize, i);

    scales[i] = (float) ((range.high - range.low) / 255);
    offsets[i] = (float) range.low;
  }
  scale = make_unused_name (copy.model->graph, "frame_scale");
  offset = make_unused_name (copy.model->graph, "frame_offset");
  product = make_unused_name (copy.model->graph, "frame_product");
  add_numbers (&copy, split, scale, scales);
  add_numbers (&copy, split, offset, offsets);
  onnx_builder_add_node (copy.builder, "Mul", "frame_mul",
      (const char *const[]){FRAME, scale, NULL}, (const char *const[]){product, NULL});
  onnx_builder_add_node (copy.builder, "Add", "frame_add",
      (const char *const[]){product, offset, NULL}, (const char *const[]){copy.frame, NULL});
  return finish_copy (&copy, split);
}
