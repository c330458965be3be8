/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Orders the layers of a model's configuration as the model computes them. */
#include "keras/graph.h"
#include "container/json.h"
#include "keras/json.h"
#include "util/text.h"

/* A reference to a tensor, which an input of a layer contains */
typedef struct {
  const char *layer;    /* that computes the tensor */
  gint64 tensor;        /* index of that layer's output */
  const char *argument; /* that receives the tensor; NULL: the input */
} Ref;

/* The layers of a functional model */
typedef struct {
  KerasReader *reader;
  GHashTable *by_name; /* name in the graph → KerasLayer, not owned */
} Graph;

/* A class of models */
typedef struct {
  const char *name;
  /* Appends the layers of a model to the chain. @output: (nullable): the layer of --output */
  gboolean (*order_layers) (
      KerasReader *reader, JsonObject *config, GPtrArray *layers, const char *output);
} ModelClass;

static const ModelClass *find_model_class (const char *name);
static gboolean read_model (KerasReader *reader, JsonObject *object, KerasLayer *owner);

/* Returns whether @array names a tensor: [layer, node, output, …] in every version of Keras. */
static gboolean
is_ref (JsonArray *array)
{
  JsonNode *name = json_array_get_length (array) >= 3 ? json_array_get_element (array, 0)
                                                      : NULL;

  return lstm_json_get_string (name) && lstm_json_is_integer (json_array_get_element (array, 1))
         && lstm_json_is_integer (json_array_get_element (array, 2));
}

/* Returns: (nullable): the argument that receives a tensor below @key; NULL for the input of the
 * layer */
static const char *
get_argument (const char *outer, const char *key)
{
  static const char *const input_keys[] = {"args", "kwargs", "config", "keras_history",
      "inputs", "input", "sequences", "sequence", "x", NULL};

  return outer || g_strv_contains (input_keys, key) ? outer : key;
}

/* Appends a reference for each tensor that @node names to @refs. Keras 3 writes a tensor as an
 * object of class __keras_tensor__. Keras 2 writes an object of further arguments as the fourth
 * element of a tensor. */
static void
collect_refs (JsonNode *node, const char *argument, GArray *refs)
{
  if (JSON_NODE_HOLDS_OBJECT (node)) {
    JsonObjectIter iter;
    const char *key;
    JsonNode *value;

    json_object_iter_init (&iter, json_node_get_object (node));
    while (json_object_iter_next (&iter, &key, &value))
      collect_refs (value, get_argument (argument, key), refs);
  } else if (JSON_NODE_HOLDS_ARRAY (node)) {
    JsonArray *array = json_node_get_array (node);
    gboolean is_tensor = is_ref (array);

    if (is_tensor) {
      const Ref ref = {json_array_get_string_element (array, 0),
          json_array_get_int_element (array, 2), argument};

      g_array_append_val (refs, ref);
    }
    for (guint i = is_tensor ? 3 : 0; i < json_array_get_length (array); i++)
      collect_refs (json_array_get_element (array, i), argument, refs);
  }
}

/* Returns: (transfer full): the tensors that @layer reads */
static GArray *
get_inputs (const KerasLayer *layer)
{
  GArray *refs = g_array_new (FALSE, FALSE, sizeof (Ref));
  JsonNode *nodes = keras_get_member (layer->object, "inbound_nodes");

  if (nodes)
    collect_refs (nodes, NULL, refs);
  return refs;
}

/* Returns: (nullable): the layer whose output @layer reads; NULL if @layer reads several tensors or
 * none */
static const char *
get_source (const KerasLayer *layer)
{
  g_autoptr (GArray) refs = get_inputs (layer);

  return refs->len == 1 ? g_array_index (refs, Ref, 0).layer : NULL;
}

/* Returns whether the layer @name computes the mask of a Masking layer, which Keras 3 saves as the
 * layers NotEqual and Any. */
static gboolean
is_mask_of_masking (const Graph *graph, const char *name)
{
  KerasLayer *layer = g_hash_table_lookup (graph->by_name, name);
  const char *source = layer ? get_source (layer) : NULL;
  GHashTableIter iter;
  gpointer value;

  if (layer && g_str_equal (layer->class_name, "Any") && source)
    layer = g_hash_table_lookup (graph->by_name, source);
  if (!layer || !g_str_equal (layer->class_name, "NotEqual"))
    return FALSE;
  source = get_source (layer);
  g_hash_table_iter_init (&iter, graph->by_name);
  while (source && g_hash_table_iter_next (&iter, NULL, &value)) {
    const KerasLayer *other = value;

    if (other->class && other->class->flags & KERAS_MAKES_MASK
        && g_strcmp0 (get_source (other), source) == 0)
      return TRUE;
  }
  return FALSE;
}

/* Returns whether @ref is the mask of a Masking layer, which the layer's own input implies. */
static gboolean
is_implied_mask (const Graph *graph, const Ref *ref)
{
  return g_strcmp0 (ref->argument, "mask") == 0 && is_mask_of_masking (graph, ref->layer);
}

static gboolean
check_input (const Graph *graph, const KerasLayer *layer, const Ref *ref)
{
  if (ref->argument)
    return keras_fail (graph->reader, layer, CONVERT_ERROR_UNSUPPORTED,
        "input: expected the output of the previous layer alone, found an argument %s, an "
        "output of layer \"%s\"",
        ref->argument, ref->layer);
  return ref->tensor == 0
         || keras_fail (graph->reader, layer, CONVERT_ERROR_UNSUPPORTED,
             "input: expected the output of the previous layer, found a state of layer \"%s\"",
             ref->layer);
}

/* Returns: (nullable): the layer whose output is the only input of @layer; NULL with an error */
static KerasLayer *
get_previous_layer (const Graph *graph, const KerasLayer *layer)
{
  g_autoptr (GArray) refs = get_inputs (layer);
  JsonArray *nodes = keras_get_array (layer->object, "inbound_nodes");
  g_autoptr (GString) names = g_string_new (NULL);
  KerasLayer *previous = NULL;
  guint n = 0;

  if (nodes && json_array_get_length (nodes) > 1) {
    keras_fail (graph->reader, layer, CONVERT_ERROR_UNSUPPORTED,
        "inbound_nodes: expected one call of the layer, found %u",
        json_array_get_length (nodes));
    return NULL;
  }
  for (guint i = 0; i < refs->len; i++) {
    const Ref *ref = &g_array_index (refs, Ref, i);

    if (is_implied_mask (graph, ref))
      continue;
    if (!check_input (graph, layer, ref))
      return NULL;
    previous = g_hash_table_lookup (graph->by_name, ref->layer);
    lstm_text_append_item (names, ref->layer);
    n++;
  }
  if (n == 1 && previous)
    return previous;
  keras_fail (graph->reader, layer, CONVERT_ERROR_UNSUPPORTED,
      "inputs: expected one layer of the model, as in a chain of layers, found %s", n ? names->str : "none");
  return NULL;
}

/* Returns: (nullable): the layer of the output @wanted, or of the only output; NULL with an error.
 * @wanted: (nullable) */
static KerasLayer *
choose_output (const Graph *graph, JsonObject *config, const char *wanted)
{
  g_autoptr (GArray) refs = g_array_new (FALSE, FALSE, sizeof (Ref));
  g_autoptr (GString) names = g_string_new (NULL);
  JsonNode *outputs = keras_get_member (config, "output_layers");
  gboolean is_single = TRUE; /* all outputs belong to one layer: its output and its states */

  if (outputs)
    collect_refs (outputs, NULL, refs);
  for (guint i = 1; i < refs->len; i++)
    is_single &= g_str_equal (
        g_array_index (refs, Ref, i).layer, g_array_index (refs, Ref, 0).layer);
  for (guint i = 0; i < refs->len; i++) {
    const Ref *ref = &g_array_index (refs, Ref, i);
    KerasLayer *layer = g_hash_table_lookup (graph->by_name, ref->layer);
    g_autofree char *name = g_strconcat (ref->layer, ref->tensor ? " (a state)" : "", NULL);

    if (layer && ref->tensor == 0 && (wanted ? g_str_equal (wanted, ref->layer) : is_single))
      return layer;
    lstm_text_append_item (names, name);
  }
  if (wanted)
    keras_fail (graph->reader, NULL, CONVERT_ERROR_UNSUPPORTED,
        "output: expected \"%s\", found %s", wanted, names->len ? names->str : "none");
  else
    keras_fail (graph->reader, NULL, CONVERT_ERROR_UNSUPPORTED,
        "output: expected one output that is not a state, or its name in --output, found %s",
        names->len ? names->str : "none");
  return NULL;
}

static gboolean
append_layer (KerasReader *reader, KerasLayer *layer)
{
  if (find_model_class (layer->class_name))
    return read_model (reader, layer->object, layer);
  g_ptr_array_add (reader->chain, layer);
  if (!layer->class)
    return keras_fail_class (reader, layer, "class", 0, layer->class_name);
  return !layer->class->check || layer->class->check (reader, layer);
}

/* Follows the inputs of the layers from the output back to the InputLayer. */
static gboolean
order_functional (
    KerasReader *reader, JsonObject *config, GPtrArray *layers, const char *output)
{
  g_autoptr (GHashTable) by_name = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GPtrArray) path = g_ptr_array_new ();
  const Graph graph = {reader, by_name};
  KerasLayer *layer;

  for (guint i = 0; i < layers->len; i++) {
    KerasLayer *each = g_ptr_array_index (layers, i);
    const char *name = keras_get_string (each->object, "name");

    g_hash_table_insert (by_name, (char *) (name ? name : each->name), each);
  }
  layer = choose_output (&graph, config, output);
  while (layer) {
    if (path->len > layers->len)
      return keras_fail (reader, layer, CONVERT_ERROR_FILE,
          "inputs: expected a chain of layers, found a cycle through this layer");
    g_ptr_array_add (path, layer);
    if (layer->class && layer->class->flags & KERAS_IS_INPUT)
      break;
    layer = get_previous_layer (&graph, layer);
  }
  for (guint i = path->len; layer && i-- > 0;)
    if (!append_layer (reader, g_ptr_array_index (path, i)))
      return FALSE;
  return layer != NULL;
}

static gboolean
order_sequential (
    KerasReader *reader, JsonObject *config, GPtrArray *layers, const char *output)
{
  const KerasLayer *last = layers->len ? g_ptr_array_index (layers, layers->len - 1) : NULL;

  if (output && (!last || !g_str_equal (output, last->name)))
    return keras_fail (reader, NULL, CONVERT_ERROR_UNSUPPORTED,
        "output: expected \"%s\", found %s", output, last ? last->name : "no layers");
  for (guint i = 0; i < layers->len; i++)
    if (!append_layer (reader, g_ptr_array_index (layers, i)))
      return FALSE;
  return TRUE;
}

static const ModelClass model_classes[] = {
    {"Sequential", order_sequential}, {"Functional", order_functional},
    {"Model", order_functional}, /* Functional before TensorFlow 2.3 */
};

static const ModelClass *
find_model_class (const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (model_classes); i++)
    if (g_strcmp0 (model_classes[i].name, name) == 0)
      return &model_classes[i];
  return NULL;
}

static gboolean
fail_model_class (KerasReader *reader, const KerasLayer *owner, const char *class_name)
{
  g_autoptr (GString) names = g_string_new (NULL);

  for (guint i = 0; i < G_N_ELEMENTS (model_classes); i++)
    lstm_text_append_item (names, model_classes[i].name);
  return keras_fail (reader, owner, CONVERT_ERROR_UNSUPPORTED,
      "class of the model: expected one of %s, found %s", names->str,
      class_name ? class_name : "none");
}

/* Returns: (transfer none) (nullable): the layer of @node, layers[@index] of a model; NULL with an
 * error */
static KerasLayer *
new_layer (KerasReader *reader, JsonNode *node, guint index)
{
  JsonObject *object = lstm_json_get_object (node);
  JsonObject *config = keras_get_object (object, "config");
  const char *class_name = keras_get_string (object, "class_name");
  g_autofree char *found = NULL;
  KerasLayer *layer;

  /* The configuration of a nested Sequential of Keras 2.0 is an array. */
  if (!class_name || !(config || keras_get_array (object, "config"))) {
    found = lstm_json_describe (node);
    keras_fail (reader, NULL, CONVERT_ERROR_FILE,
        "layers[%u]: expected an object with class_name and config, found %s", index, found);
    return NULL;
  }
  layer = g_new0 (KerasLayer, 1);
  g_ptr_array_add (reader->layers, layer);
  layer->object = object;
  layer->config = config;
  layer->class_name = class_name;
  layer->class = keras_find_class (reader, class_name);
  layer->name = keras_get_string (config, "name");
  if (!layer->name)
    layer->name = keras_get_string (object, "name");
  if (!layer->name)
    layer->name = class_name;
  return layer;
}

/* @owner: (nullable): the layer that is the model */
static gboolean
read_model (KerasReader *reader, JsonObject *object, KerasLayer *owner)
{
  const char *class_name = keras_get_string (object, "class_name");
  const ModelClass *class = find_model_class (class_name);
  JsonObject *config = keras_get_object (object, "config");
  JsonArray *array = config ? keras_get_array (config, "layers")
                            : keras_get_array (object, "config");
  g_autofree char *found = NULL;
  KerasModel *model;

  if (!class)
    return fail_model_class (reader, owner, class_name);
  if (!array) {
    found = config ? keras_describe_member (config, "layers")
                   : keras_describe_member (object, "config");
    return keras_fail (
        reader, owner, CONVERT_ERROR_FILE, "layers: expected an array, found %s", found);
  }
  model = g_new0 (KerasModel, 1);
  model->owner = owner;
  model->layers = g_ptr_array_new ();
  g_ptr_array_add (reader->models, model);
  for (guint i = 0; i < json_array_get_length (array); i++) {
    KerasLayer *layer = new_layer (reader, json_array_get_element (array, i), i);

    if (!layer)
      return FALSE;
    g_ptr_array_add (model->layers, layer);
  }
  return class->order_layers (
      reader, config, model->layers, owner ? NULL : reader->input->output);
}

gboolean
keras_build_chain (KerasReader *reader, JsonNode *root)
{
  JsonObject *object = lstm_json_get_object (root);
  g_autofree char *found = NULL;

  if (object)
    return read_model (reader, object, NULL);
  found = lstm_json_describe (root);
  return keras_fail (reader, NULL, CONVERT_ERROR_FILE,
      "configuration: expected an object with class_name and config, found %s", found);
}
