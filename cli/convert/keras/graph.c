/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * From a model's configuration to its layers in the order of computation. */
#include "keras/keras.h"
#include <string.h>

/* Where a tensor comes from. */
typedef struct {
  const char *layer;
  gint64 tensor;        /* index of the layer's output */
  const char *argument; /* that it is given for; NULL: the input */
} Ref;

/* A functional model while its layers are put in order. */
typedef struct {
  KerasReader *reader;
  GHashTable *by_name; /* name in the graph → KerasLayer, not owned */
} Graph;

static gboolean read_model (KerasReader *reader, JsonObject *object, KerasLayer *owner);

static gboolean
is_model (const char *class_name)
{
  static const char *const names[] = {"Sequential", "Functional", "Model", NULL};

  return g_strv_contains (names, class_name);
}

static gboolean
is_integer (JsonNode *node)
{
  return JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == G_TYPE_INT64;
}

/* [layer, node, output, …], which is how every version names a tensor */
static gboolean
is_ref (JsonArray *array)
{
  JsonNode *name = json_array_get_length (array) >= 3 ? json_array_get_element (array, 0)
                                                      : NULL;

  return name && JSON_NODE_HOLDS_VALUE (name) && json_node_get_string (name)
         && is_integer (json_array_get_element (array, 1))
         && is_integer (json_array_get_element (array, 2));
}

static const char *
get_argument (const char *outer, const char *key)
{
  static const char *const plain[] = {"args", "kwargs", "config", "keras_history", "inputs",
      "input", "sequences", "sequence", "x", NULL};

  return outer || g_strv_contains (plain, key) ? outer : key;
}

/* Every tensor named in a node: Keras 3's are in objects of class __keras_tensor__, Keras 2's
 * have an object of further arguments as their fourth element. */
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
    gboolean named = is_ref (array);

    if (named) {
      const Ref ref = {json_array_get_string_element (array, 0),
          json_array_get_int_element (array, 2), argument};

      g_array_append_val (refs, ref);
    }
    for (guint i = named ? 3 : 0; i < json_array_get_length (array); i++)
      collect_refs (json_array_get_element (array, i), argument, refs);
  }
}

static GArray *
get_inbound (const KerasLayer *layer)
{
  GArray *refs = g_array_new (FALSE, FALSE, sizeof (Ref));
  JsonNode *nodes = keras_get (layer->object, "inbound_nodes");

  if (nodes)
    collect_refs (nodes, NULL, refs);
  return refs;
}

/* The one tensor that a layer reads, or NULL. */
static const char *
get_source (const KerasLayer *layer)
{
  g_autoptr (GArray) refs = get_inbound (layer);

  return refs->len == 1 ? g_array_index (refs, Ref, 0).layer : NULL;
}

/* Keras 3 writes what a mask is computed by as layers NotEqual and Any. */
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

    if (g_str_equal (other->class_name, "Masking")
        && g_strcmp0 (get_source (other), source) == 0)
      return TRUE;
  }
  return FALSE;
}

/* The layer before @layer; NULL with an error unless it is the only one. */
static KerasLayer *
get_previous (const Graph *graph, const KerasLayer *layer)
{
  g_autoptr (GArray) refs = get_inbound (layer);
  JsonArray *nodes = keras_peek_array (layer->object, "inbound_nodes");
  KerasLayer *previous = NULL;
  guint n = 0;

  if (nodes && json_array_get_length (nodes) > 1) {
    keras_fail (graph->reader, layer, CONVERT_ERROR_UNSUPPORTED,
        "class %s is applied %u times, where only a chain of layers is supported",
        layer->class_name, json_array_get_length (nodes));
    return NULL;
  }
  for (guint i = 0; i < refs->len; i++) {
    const Ref *ref = &g_array_index (refs, Ref, i);

    if (g_strcmp0 (ref->argument, "mask") == 0 && is_mask_of_masking (graph, ref->layer))
      continue;
    if (ref->argument || ref->tensor != 0) {
      keras_fail (graph->reader, layer, CONVERT_ERROR_UNSUPPORTED,
          "expected one input from the layer before, found %s%s of layer \"%s\"",
          ref->argument ? ref->argument : "the state", ref->argument ? ", an output" : "",
          ref->layer);
      return NULL;
    }
    previous = g_hash_table_lookup (graph->by_name, ref->layer);
    n++;
  }
  if (n == 1 && previous)
    return previous;
  keras_fail (graph->reader, layer, CONVERT_ERROR_UNSUPPORTED,
      "class %s with %u inputs is not supported (a chain of layers is)", layer->class_name, n);
  return NULL;
}

static KerasLayer *
choose_output (const Graph *graph, JsonObject *config, const char *wanted)
{
  g_autoptr (GArray) refs = g_array_new (FALSE, FALSE, sizeof (Ref));
  g_autoptr (GString) names = g_string_new (NULL);
  JsonNode *outputs = keras_get (config, "output_layers");
  gboolean one = TRUE; /* or a layer's output and its states */

  if (outputs)
    collect_refs (outputs, NULL, refs);
  for (guint i = 1; i < refs->len; i++)
    one &= g_str_equal (g_array_index (refs, Ref, i).layer, g_array_index (refs, Ref, 0).layer);
  for (guint i = 0; i < refs->len; i++) {
    const Ref *ref = &g_array_index (refs, Ref, i);
    KerasLayer *layer = g_hash_table_lookup (graph->by_name, ref->layer);

    if (layer && ref->tensor == 0 && (wanted ? g_str_equal (wanted, ref->layer) : one))
      return layer;
    g_string_append_printf (
        names, ref->tensor ? "%s%s (a state)" : "%s%s", i ? ", " : "", ref->layer);
  }
  if (wanted)
    keras_fail (graph->reader, NULL, CONVERT_ERROR_UNSUPPORTED,
        "expected an output \"%s\", found %s", wanted, names->len ? names->str : "none");
  else
    keras_fail (graph->reader, NULL, CONVERT_ERROR_UNSUPPORTED,
        "expected one output that is not a state, or --output to name one, found %s",
        names->len ? names->str : "none");
  return NULL;
}

static gboolean
append_layer (KerasReader *reader, KerasLayer *layer)
{
  if (is_model (layer->class_name))
    return read_model (reader, layer->object, layer);
  g_ptr_array_add (reader->chain, layer);
  return keras_check_class (reader, layer);
}

/* From the output back to the input. */
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
    const char *name = keras_peek_string (each->object, "name");

    g_hash_table_insert (by_name, (char *) (name ? name : each->name), each);
  }
  layer = choose_output (&graph, config, output);
  while (layer) {
    if (path->len > layers->len)
      return keras_fail (reader, layer, CONVERT_ERROR_FILE, "the layers form a circle");
    g_ptr_array_add (path, layer);
    if (g_str_equal (layer->class_name, "InputLayer"))
      break;
    layer = get_previous (&graph, layer);
  }
  for (guint i = path->len; layer && i-- > 0;)
    if (!append_layer (reader, g_ptr_array_index (path, i)))
      return FALSE;
  return layer != NULL;
}

static gboolean
order_sequential (KerasReader *reader, GPtrArray *layers, const char *output)
{
  const KerasLayer *last = layers->len ? g_ptr_array_index (layers, layers->len - 1) : NULL;

  if (output && (!last || !g_str_equal (output, last->name)))
    return keras_fail (reader, NULL, CONVERT_ERROR_UNSUPPORTED,
        "expected an output \"%s\", found %s", output, last ? last->name : "no layers");
  for (guint i = 0; i < layers->len; i++)
    if (!append_layer (reader, g_ptr_array_index (layers, i)))
      return FALSE;
  return TRUE;
}

static KerasLayer *
new_layer (KerasReader *reader, JsonNode *node, guint index)
{
  JsonObject *object = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
  KerasLayer *layer;

  if (!keras_peek_string (object, "class_name") || !keras_peek_object (object, "config")) {
    /* A nested Sequential of Keras 2.0 is a list. */
    if (!keras_peek_string (object, "class_name") || !keras_peek_array (object, "config")) {
      keras_fail (reader, NULL, CONVERT_ERROR_FILE,
          "layers[%u]: expected an object of class_name and config", index);
      return NULL;
    }
  }
  layer = g_new0 (KerasLayer, 1);
  g_ptr_array_add (reader->layers, layer);
  layer->object = object;
  layer->config = keras_peek_object (object, "config");
  layer->class_name = keras_peek_string (object, "class_name");
  layer->class = keras_find_class (layer->class_name);
  layer->name = keras_peek_string (layer->config, "name");
  if (!layer->name)
    layer->name = keras_peek_string (object, "name");
  if (!layer->name)
    layer->name = layer->class_name;
  return layer;
}

/* @owner: the layer that the model is, or NULL */
static gboolean
read_model (KerasReader *reader, JsonObject *object, KerasLayer *owner)
{
  const char *class_name = keras_peek_string (object, "class_name");
  JsonObject *config = keras_peek_object (object, "config");
  JsonArray *array = config ? keras_peek_array (config, "layers")
                            : keras_peek_array (object, "config");
  const char *output = owner ? NULL : reader->input->output;
  KerasModel *model;

  if (!class_name || !is_model (class_name))
    return keras_fail (reader, owner, CONVERT_ERROR_UNSUPPORTED,
        "model of class %s is not supported (Sequential and Functional are)",
        class_name ? class_name : "unknown");
  if (!array)
    return keras_fail (reader, owner, CONVERT_ERROR_FILE, "expected an array of layers");
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
  return g_str_equal (class_name, "Sequential")
             ? order_sequential (reader, model->layers, output)
             : order_functional (reader, config, model->layers, output);
}

gboolean
keras_build_chain (KerasReader *reader, JsonNode *root)
{
  JsonObject *object = JSON_NODE_HOLDS_OBJECT (root) ? json_node_get_object (root) : NULL;

  return object ? read_model (reader, object, NULL)
                : keras_fail (reader, NULL, CONVERT_ERROR_FILE,
                    "configuration: expected an object of class_name and config");
}
