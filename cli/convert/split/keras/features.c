/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "split/keras/features.h"
#include "keras/classes.h"
#include "split/keras/clip.h"
#include "split/keras/operations.h"
#include "split/keras/refused.h"
#include "split/keras/weights.h"

/* Returns: (nullable): the row of @rows, whose last row has no name. @name: (nullable) */
static const FrameLayer *
find_row (const FrameLayer *rows, const char *name)
{
  for (const FrameLayer *row = rows; name && row->name; row++)
    if (g_str_equal (row->name, name))
      return row;
  return NULL;
}

/* Returns: (nullable): the row that emits @call; NULL: the class is not supported, or only in
 * TimeDistributed */
static const FrameLayer *
get_row (const KerasCall *call)
{
  const char *name = call->layer->class ? call->layer->class->name : NULL;
  const FrameLayer *clip = call->n_outer == 2 ? find_row (clip_layers, name) : NULL;
  const FrameLayer *row = clip ? clip : find_row (frame_layers, name);

  return clip || call->n_outer == 1 || (row && row->flags & FRAME_IN_CLIP) ? row : NULL;
}

static gboolean
refuse_in_memory (KerasReader *reader, KerasLayer *layer)
{
  return keras_fail (reader, layer, CONVERT_ERROR_UNSUPPORTED,
      "class: expected a supported class after the first recurrent layer, found %s, which is "
      "supported only before that layer",
      layer->class_name);
}

static void
add_class (GArray *classes, const FrameLayer *row)
{
  KerasClass class = {row->name, row->weights[0].name ? KERAS_HAS_WEIGHTS : 0, refuse_in_memory,
      .weights = row->weights};

  for (guint i = 0; i < KERAS_MAX_WEIGHTS; i++)
    class.n_constants += row->weights[i].name && row->weights[i].is_constant;
  g_array_append_val (classes, class);
}

GArray *
keras_list_video_classes (void)
{
  GArray *classes = g_array_new (TRUE, FALSE, sizeof (KerasClass));
  g_autoptr (GHashTable) known = g_hash_table_new (g_str_hash, g_str_equal);

  for (const KerasClass *class = keras_classes; class->name; class ++) {
    const FrameLayer *row = find_row (frame_layers, class->name);

    g_hash_table_add (known, (char *) class->name);
    g_array_append_val (classes, *class);
    if (row)
      g_array_index (classes, KerasClass, classes->len - 1).weights = row->weights;
  }
  for (const FrameLayer *row = frame_layers; row->name; row++)
    if (!g_hash_table_contains (known, row->name))
      add_class (classes, row);
  return classes;
}

static gboolean
check_call (const KerasCalls *calls, const KerasCall *call)
{
  const FrameLayer *row = get_row (call);
  gboolean is_known =
      call->layer->class && find_row (frame_layers, call->layer->class->name) != NULL;

  if (call->inputs->len == 0)
    return TRUE;
  if (keras_is_operation (call->layer))
    return keras_check_operation (calls->reader, call);
  if (!row)
    return keras_refuse_class (calls->reader, call->layer, call->n_outer, is_known);
  return row->flags & FRAME_MERGES || call->inputs->len == 1
         || keras_fail (calls->reader, call->layer, CONVERT_ERROR_FILE,
             "inputs: expected one, found %u", call->inputs->len);
}

gboolean
keras_check_features (const KerasCalls *calls)
{
  for (guint i = 0; i < calls->calls->len; i++) {
    const KerasCall *call = keras_calls_get (calls, i);

    if (call->is_used && !check_call (calls, call))
      return FALSE;
  }
  return TRUE;
}

/* Checks what the function of a row set. */
static gboolean
check_value (KerasReader *reader, const KerasCall *call)
{
  g_autofree char *found = NULL;

  if (frame_get_size (call->value.n_dims, call->value.shape) > 0)
    return TRUE;
  found = frame_describe_shape (&call->value);
  return keras_fail (reader, call->layer, CONVERT_ERROR_UNSUPPORTED,
      "output: expected 1 to %d values of a frame, found the shape %s", G_MAXINT32, found);
}

static gboolean
emit_call (FrameGraph *graph, KerasCalls *calls, KerasCall *call, GHashTable *paths)
{
  FrameCall frame = {
      call->layer, .n_inputs = call->inputs->len, .n_outer = call->n_outer, .node = call->node};
  g_autofree FrameValue *inputs = g_new (FrameValue, frame.n_inputs);
  gboolean is_done;

  for (guint i = 0; i < frame.n_inputs; i++)
    inputs[i] = keras_calls_get (calls, g_array_index (call->inputs, guint, i))->value;
  frame.inputs = inputs;
  if (keras_is_operation (call->layer))
    return keras_emit_operation (graph, &frame, &call->value)
           && check_value (graph->reader, call);
  is_done = keras_read_frame_weights (graph->reader, call->layer,
                g_hash_table_lookup (paths, call->layer), frame.weights)
            && get_row (call)->emit (graph, &frame, &call->value)
            && check_value (graph->reader, call);
  for (guint i = 0; i < KERAS_MAX_WEIGHTS; i++)
    g_free (frame.weights[i].values);
  return is_done;
}

/* Adds the input of the model. @value: float32 values of the frame */
static void
add_input (
    FrameGraph *graph, const ConvertSplit *split, const FrameValue *frame, FrameValue *value)
{
  gint64 shape[FRAME_MAX_DIMS + 1] = {1};
  const char *const inputs[] = {"frame", NULL};
  Onnx__NodeProto *node;

  for (guint i = 0; i < frame->n_dims; i++)
    shape[i + 1] = frame->shape[i];
  g_hash_table_add (graph->names, g_strdup ("frame"));
  g_hash_table_add (graph->names, g_strdup ("features"));
  onnx_builder_add_input (graph->builder, "frame", split->type, frame->n_dims + 1, shape);
  *value = *frame;
  value->name = "frame";
  if (split->type == CONVERT_FRAME_FLOAT32)
    return;
  value->name = frame_add_node (graph, NULL, "Cast", inputs, &node);
  onnx_builder_set_int (graph->builder, node, "to", CONVERT_FRAME_FLOAT32);
}

static gboolean
add_output (
    FrameGraph *graph, const KerasCall *last, const KerasLayer *next, ConvertSplit *split)
{
  const FrameValue *value = &last->value;
  const char *const inputs[] = {value->name, NULL}, *const outputs[] = {"features", NULL};
  const gint64 shape[] = {1, value->shape[0]};
  g_autofree char *found = frame_describe_shape (value);

  if (value->n_dims != 1)
    return keras_fail (graph->reader, next, CONVERT_ERROR_UNSUPPORTED,
        "input: expected one vector for each frame, [steps, features], found values of shape "
        "%s for each frame",
        found);
  onnx_builder_add_node (graph->builder, "Identity", "features", inputs, outputs);
  onnx_builder_add_output (graph->builder, "features", CONVERT_FRAME_FLOAT32, 2, shape);
  split->n_features = (gsize) value->shape[0];
  split->features = onnx_builder_to_bytes (graph->builder);
  return TRUE;
}

static gboolean
emit_calls (FrameGraph *graph, KerasCalls *calls, const FrameValue *frame, guint index,
    GHashTable *paths, ConvertSplit *split)
{
  for (guint i = 0; i <= index; i++) {
    KerasCall *call = keras_calls_get (calls, i);

    if (!call->is_used)
      continue;
    if (call->inputs->len == 0)
      add_input (graph, split, frame, &call->value);
    else if (!emit_call (graph, calls, call, paths))
      return FALSE;
  }
  return add_output (graph, keras_calls_get (calls, index),
      g_ptr_array_index (calls->reader->chain, 0), split);
}

gboolean
keras_emit_features (
    KerasCalls *calls, const FrameValue *frame, guint index, ConvertSplit *split)
{
  g_autoptr (GHashTable) paths = keras_find_frame_weights (calls);
  g_autoptr (OnnxBuilder) builder = onnx_builder_new (FRAME_OPSET, "features");
  g_autoptr (GHashTable) names = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GHashTable) moved = g_hash_table_new (g_str_hash, g_str_equal);
  FrameGraph graph = {calls->reader, builder, (gint64) split->n_steps, names, moved};

  return paths && emit_calls (&graph, calls, frame, index, paths, split);
}
