/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "split/keras/model-calls.h"
#include "keras/graph.h"
#include "keras/json.h"
#include "util/text.h"

#define UNKNOWN G_MAXUINT

/* A call of a layer of a functional model */
typedef struct {
  KerasLayer *layer;
  JsonNode *node;    /* nullable */
  GArray *sources;   /* guint, indices of nodes; NULL: the node is not necessary */
  GArray *consumers; /* guint, of necessary nodes */
  guint n_missing;   /* sources whose calls do not exist yet */
  guint call;        /* in KerasCalls; UNKNOWN before the call exists */
} Node;

typedef struct {
  KerasCalls *calls;
  const KerasModel *model;
  const ModelCall *source;
  GHashTable *by_name; /* name → KerasLayer */
  GHashTable *first;   /* KerasLayer → index of its first node + 1 */
  GPtrArray *nodes;    /* Node */
} Walk;

static gboolean append_model (KerasCalls *calls, const KerasModel *model,
    const ModelCall *source, GArray *inputs, guint *index);

static void
node_free (void *data)
{
  Node *node = data;

  g_clear_pointer (&node->sources, g_array_unref);
  g_array_unref (node->consumers);
  g_free (node);
}

static gboolean
is_input (const KerasLayer *layer)
{
  return layer->class && layer->class->flags & KERAS_IS_INPUT;
}

static void
add_node (Walk *walk, KerasLayer *layer, JsonNode *json)
{
  Node *node = g_new0 (Node, 1);

  node->layer = layer;
  node->node = json;
  node->consumers = g_array_new (FALSE, FALSE, sizeof (guint));
  node->call = UNKNOWN;
  g_ptr_array_add (walk->nodes, node);
}

/* Adds a node for each call of each layer. An InputLayer has one node. */
static void
add_nodes (Walk *walk)
{
  for (guint i = 0; i < walk->model->layers->len; i++) {
    KerasLayer *layer = g_ptr_array_index (walk->model->layers, i);
    JsonArray *array = keras_get_array (layer->object, "inbound_nodes");
    guint n = array && !is_input (layer) ? json_array_get_length (array) : 0;

    g_hash_table_insert (walk->first, layer, GUINT_TO_POINTER (walk->nodes->len + 1));
    if (n == 0)
      add_node (walk, layer, NULL);
    for (guint k = 0; k < n; k++)
      add_node (walk, layer, json_array_get_element (array, k));
  }
}

/* Returns the index in inbound_nodes of the call that the file numbers @number. For a model, Keras
 * 2 counts an own call from its inputs to its outputs first, which inbound_nodes omit. Keras 3 does
 * so only for functional models, and only in input_layers and output_layers. @is_end: the number is
 * there */
static gint64
get_call (const KerasReader *reader, const KerasLayer *layer, gint64 number, gboolean is_end)
{
  JsonArray *calls = keras_get_array (layer->object, "inbound_nodes");

  if (!layer->model || number < 0)
    return number;
  if (calls && json_array_get_length (calls) == 1 && number <= 1)
    return 0;
  if (reader->version < 30000 || (is_end && layer->model->is_functional))
    return number - 1;
  return number;
}

/* Sets @index to the node that computes the tensor of @ref. @is_end: @ref is an item of
 * input_layers or output_layers */
static gboolean
find_node (Walk *walk, const KerasLayer *reader_layer, const KerasRef *ref, gboolean is_end,
    guint *index)
{
  const KerasLayer *layer = g_hash_table_lookup (walk->by_name, ref->layer);
  guint first = layer ? GPOINTER_TO_UINT (g_hash_table_lookup (walk->first, layer)) : 0;
  gint64 call = first ? get_call (walk->calls->reader, layer, ref->node, is_end) : 0;
  gint64 at = (gint64) first - 1 + call;

  if (first == 0 || call < 0 || at >= walk->nodes->len
      || ((const Node *) g_ptr_array_index (walk->nodes, (guint) at))->layer != layer)
    return keras_fail (walk->calls->reader, reader_layer, CONVERT_ERROR_FILE,
        "inbound_nodes: expected calls of layers of the model, found call %" G_GINT64_FORMAT
        " of \"%s\"",
        ref->node, ref->layer);
  if (ref->tensor != 0)
    return keras_fail (walk->calls->reader, reader_layer, CONVERT_ERROR_UNSUPPORTED,
        "input: expected the output of the previous layer, found output %" G_GINT64_FORMAT
        " of layer \"%s\"",
        ref->tensor, ref->layer);
  *index = (guint) at;
  return TRUE;
}

/* Returns whether @ref is a number: Keras 2 writes ["_CONSTANT_VALUE", -1, NUMBER, …]. */
static gboolean
is_constant (const KerasRef *ref)
{
  return g_str_equal (ref->layer, "_CONSTANT_VALUE") && ref->node == -1;
}

/* Appends the nodes whose results @node reads to node->sources. */
static gboolean
find_sources (Walk *walk, Node *node)
{
  g_autoptr (GArray) refs = g_array_new (FALSE, FALSE, sizeof (KerasRef));
  const KerasGraph graph = {walk->calls->reader, walk->by_name};

  node->sources = g_array_new (FALSE, FALSE, sizeof (guint));
  if (node->node)
    keras_collect_refs (node->node, NULL, refs);
  for (guint i = 0; i < refs->len; i++) {
    const KerasRef *ref = &g_array_index (refs, KerasRef, i);
    guint source;

    if (is_constant (ref) || keras_is_implied_mask (&graph, ref))
      continue;
    if (ref->argument && !keras_is_operation (node->layer))
      return keras_fail (graph.reader, node->layer, CONVERT_ERROR_UNSUPPORTED,
          "input: expected the outputs of other layers as inputs, found an argument %s, an "
          "output of layer \"%s\"",
          ref->argument, ref->layer);
    if (!find_node (walk, node->layer, ref, FALSE, &source))
      return FALSE;
    g_array_append_val (node->sources, source);
  }
  return node->sources->len > 0 || is_input (node->layer)
         || keras_fail (graph.reader, node->layer, CONVERT_ERROR_FILE,
             "inbound_nodes: expected the output of a layer, found none");
}

/* Finds the nodes that node @output depends on. */
static gboolean
find_necessary (Walk *walk, guint output)
{
  g_autoptr (GArray) todo = g_array_new (FALSE, FALSE, sizeof (guint));

  g_array_append_val (todo, output);
  while (todo->len > 0) {
    guint index = g_array_index (todo, guint, todo->len - 1);
    Node *node = g_ptr_array_index (walk->nodes, index);

    g_array_set_size (todo, todo->len - 1);
    if (node->sources)
      continue;
    if (!find_sources (walk, node))
      return FALSE;
    node->n_missing = node->sources->len;
    for (guint i = 0; i < node->sources->len; i++) {
      guint source = g_array_index (node->sources, guint, i);
      const Node *other = g_ptr_array_index (walk->nodes, source);

      g_array_append_val (other->consumers, index);
      g_array_append_val (todo, source);
    }
  }
  return TRUE;
}

/* Appends the calls of @source->layer, which is one call unless the layer is a model or wraps one.
 * @index: set to the call that computes the output */
static gboolean
append_call (KerasCalls *calls, const ModelCall *source, GArray *inputs, guint *index)
{
  KerasLayer *layer = source->layer;

  if (!keras_calls_add_weighted (calls, layer))
    return FALSE;
  if (layer->model) {
    const ModelCall inner = {layer, source->outer, source->node, source->n_outer};

    return append_model (calls, layer->model, &inner, inputs, index);
  }
  if (layer->inner) {
    const ModelCall inner = {layer->inner, layer, source->node, 1};

    if (source->n_outer == 1)
      return keras_fail (calls->reader, layer, CONVERT_ERROR_UNSUPPORTED,
          "layer: expected a layer of one frame in TimeDistributed \"%s\", found another "
          "TimeDistributed",
          source->outer->name);
    return append_call (calls, &inner, inputs, index);
  }
  *index = keras_calls_add (calls, source, inputs);
  return TRUE;
}

/* Appends the call of @node, whose sources have calls. */
static gboolean
append_node (Walk *walk, Node *node)
{
  const ModelCall source = {
      node->layer, walk->source->outer, node->node, walk->source->n_outer};
  g_autoptr (GArray) inputs = g_array_new (FALSE, FALSE, sizeof (guint));

  for (guint i = 0; i < node->sources->len; i++) {
    const Node *other = g_ptr_array_index (
        walk->nodes, g_array_index (node->sources, guint, i));

    g_array_append_val (inputs, other->call);
  }
  return append_call (walk->calls, &source, inputs, &node->call);
}

/* Appends the calls of all necessary nodes, each after its sources. */
static gboolean
append_nodes (Walk *walk, guint output)
{
  g_autoptr (GArray) ready = g_array_new (FALSE, FALSE, sizeof (guint));
  const Node *last = g_ptr_array_index (walk->nodes, output);

  for (guint i = 0; i < walk->nodes->len; i++) {
    const Node *node = g_ptr_array_index (walk->nodes, i);

    if (node->sources && node->n_missing == 0)
      g_array_append_val (ready, i);
  }
  for (guint k = 0; k < ready->len; k++) {
    Node *node = g_ptr_array_index (walk->nodes, g_array_index (ready, guint, k));

    if (node->call == UNKNOWN && !append_node (walk, node))
      return FALSE;
    for (guint i = 0; i < node->consumers->len; i++) {
      guint consumer = g_array_index (node->consumers, guint, i);
      Node *other = g_ptr_array_index (walk->nodes, consumer);

      if (--other->n_missing == 0)
        g_array_append_val (ready, consumer);
    }
  }
  return last->call != UNKNOWN
         || keras_fail (walk->calls->reader, last->layer, CONVERT_ERROR_FILE,
             "inputs: expected layers without a cycle, found a cycle before this layer");
}

/* Sets the calls of the InputLayers of a nested model to @inputs, in the order of input_layers. */
static gboolean
bind_inputs (Walk *walk, const GArray *inputs)
{
  g_autoptr (GArray) refs = g_array_new (FALSE, FALSE, sizeof (KerasRef));
  JsonNode *json = keras_get_member (walk->model->config, "input_layers");

  if (json)
    keras_collect_refs (json, NULL, refs);
  if (refs->len != inputs->len)
    return keras_fail (walk->calls->reader, walk->source->layer, CONVERT_ERROR_FILE,
        "input_layers: expected %u, as the model has inputs, found %u", inputs->len, refs->len);
  for (guint i = 0; i < refs->len; i++) {
    Node *node;
    guint index;

    if (!find_node (
            walk, walk->source->layer, &g_array_index (refs, KerasRef, i), TRUE, &index))
      return FALSE;
    node = g_ptr_array_index (walk->nodes, index);
    node->call = g_array_index (inputs, guint, i);
    if (!node->sources)
      node->sources = g_array_new (FALSE, FALSE, sizeof (guint));
  }
  return TRUE;
}

/* Sets @index to the node that computes the output of the model. */
static gboolean
find_output (Walk *walk, gboolean is_nested, guint *index)
{
  KerasReader *reader = walk->calls->reader;
  const KerasGraph graph = {reader, walk->by_name};
  const KerasLayer *layer = keras_choose_output (
      &graph, walk->model->config, is_nested ? NULL : reader->input->output);
  g_autoptr (GArray) refs = g_array_new (FALSE, FALSE, sizeof (KerasRef));

  if (!layer)
    return FALSE;
  keras_collect_refs (keras_get_member (walk->model->config, "output_layers"), NULL, refs);
  for (guint i = 0; i < refs->len; i++) {
    const KerasRef *ref = &g_array_index (refs, KerasRef, i);

    if (ref->tensor == 0 && g_hash_table_lookup (walk->by_name, ref->layer) == layer)
      return find_node (walk, layer, ref, TRUE, index);
  }
  return FALSE;
}

static gboolean
append_functional (KerasCalls *calls, const KerasModel *model, const ModelCall *source,
    GArray *inputs, guint *index)
{
  g_autoptr (GHashTable) by_name = keras_index_layers (model);
  g_autoptr (GHashTable) first = g_hash_table_new (NULL, NULL);
  g_autoptr (GPtrArray) nodes = g_ptr_array_new_with_free_func (node_free);
  Walk walk = {calls, model, source, by_name, first, nodes};
  guint output;

  add_nodes (&walk);
  if ((inputs && !bind_inputs (&walk, inputs)) || !find_output (&walk, inputs != NULL, &output)
      || !find_necessary (&walk, output) || !append_nodes (&walk, output))
    return FALSE;
  *index = ((const Node *) g_ptr_array_index (nodes, output))->call;
  return TRUE;
}

/* Without an InputLayer, the first layer of the model of the file has the shape of the input. */
static gboolean
append_sequential (KerasCalls *calls, const KerasModel *model, const ModelCall *source,
    GArray *inputs, guint *index)
{
  guint n_layers = model->layers->len;
  KerasLayer *layer = n_layers > 0 ? g_ptr_array_index (model->layers, 0) : NULL;

  if (!layer)
    return keras_fail (calls->reader, source->layer, CONVERT_ERROR_UNSUPPORTED,
        "layers: expected at least one, found none");
  if (!inputs && !keras_get_last_layer (calls->reader, model, calls->reader->input->output))
    return FALSE;
  if (!inputs)
    *index = keras_calls_append_input (calls, layer);
  else if (inputs->len != 1)
    return keras_fail (calls->reader, source->layer, CONVERT_ERROR_FILE,
        "inputs: expected one, as the model is Sequential, found %u", inputs->len);
  else
    *index = g_array_index (inputs, guint, 0);
  for (guint i = is_input (layer); i < n_layers; i++) {
    const ModelCall call = {
        g_ptr_array_index (model->layers, i), source->outer, NULL, source->n_outer};
    g_autoptr (GArray) previous = g_array_new (FALSE, FALSE, sizeof (guint));

    g_array_append_val (previous, *index);
    if (!append_call (calls, &call, previous, index))
      return FALSE;
  }
  return TRUE;
}

/* Appends the calls of the layers of @model, which @source calls. @inputs: the indices of the
 * inputs; NULL: the model is the model of the file.
 * @index: set to the call that computes the output */
static gboolean
append_model (KerasCalls *calls, const KerasModel *model, const ModelCall *source,
    GArray *inputs, guint *index)
{
  return model->is_functional ? append_functional (calls, model, source, inputs, index)
                              : append_sequential (calls, model, source, inputs, index);
}

gboolean
keras_calls_open (KerasCalls *calls, KerasReader *reader)
{
  const ModelCall source = {.n_outer = 2};

  return keras_calls_read (calls, reader)
         && append_model (
             calls, g_ptr_array_index (reader->models, 0), &source, NULL, &calls->output);
}
