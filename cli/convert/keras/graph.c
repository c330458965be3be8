/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Orders the layers of a model's configuration as the model computes them. */
#include "keras/graph.h"
#include "container/json.h"
#include "keras/json.h"
#include "util/text.h"

static gboolean order_model (KerasReader *reader, JsonObject *object, KerasLayer *owner);

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

/* Keras 3 writes a tensor as an object of class __keras_tensor__. Keras 2 writes an object of
 * further arguments as the fourth element of a tensor. */
void
keras_collect_refs (JsonNode *node, const char *argument, GArray *refs)
{
  if (JSON_NODE_HOLDS_OBJECT (node)) {
    JsonObjectIter iter;
    const char *key;
    JsonNode *value;

    json_object_iter_init (&iter, json_node_get_object (node));
    while (json_object_iter_next (&iter, &key, &value))
      keras_collect_refs (value, get_argument (argument, key), refs);
  } else if (JSON_NODE_HOLDS_ARRAY (node)) {
    JsonArray *array = json_node_get_array (node);
    gboolean is_tensor = is_ref (array);

    if (is_tensor) {
      const KerasRef ref = {json_array_get_string_element (array, 0),
          json_array_get_int_element (array, 1), json_array_get_int_element (array, 2),
          argument};

      g_array_append_val (refs, ref);
    }
    for (guint i = is_tensor ? 3 : 0; i < json_array_get_length (array); i++)
      keras_collect_refs (json_array_get_element (array, i), argument, refs);
  }
}

GArray *
keras_get_inputs (const KerasLayer *layer)
{
  GArray *refs = g_array_new (FALSE, FALSE, sizeof (KerasRef));
  JsonNode *nodes = keras_get_member (layer->object, "inbound_nodes");

  if (nodes)
    keras_collect_refs (nodes, NULL, refs);
  return refs;
}

/* Returns: (nullable): the layer whose output @layer reads; NULL if @layer reads several tensors or
 * none */
static const char *
get_source (const KerasLayer *layer)
{
  g_autoptr (GArray) refs = keras_get_inputs (layer);

  return refs->len == 1 ? g_array_index (refs, KerasRef, 0).layer : NULL;
}

/* Returns whether the layer @name computes the mask of a Masking layer, which Keras 3 saves as the
 * layers NotEqual and Any. */
static gboolean
is_mask_of_masking (const KerasGraph *graph, const char *name)
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

gboolean
keras_is_implied_mask (const KerasGraph *graph, const KerasRef *ref)
{
  return g_strcmp0 (ref->argument, "mask") == 0 && is_mask_of_masking (graph, ref->layer);
}

static gboolean
check_input (const KerasGraph *graph, const KerasLayer *layer, const KerasRef *ref)
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
get_previous_layer (const KerasGraph *graph, const KerasLayer *layer)
{
  g_autoptr (GArray) refs = keras_get_inputs (layer);
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
    const KerasRef *ref = &g_array_index (refs, KerasRef, i);

    if (keras_is_implied_mask (graph, ref))
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
      "inputs: expected one layer of the model, as in a chain of layers, found %s",
      n ? names->str : "none");
  return NULL;
}

KerasLayer *
keras_choose_output (const KerasGraph *graph, JsonObject *config, const char *wanted)
{
  g_autoptr (GArray) refs = g_array_new (FALSE, FALSE, sizeof (KerasRef));
  g_autoptr (GString) names = g_string_new (NULL);
  JsonNode *outputs = keras_get_member (config, "output_layers");
  gboolean is_single = TRUE; /* all outputs belong to one layer: its output and its states */

  if (outputs)
    keras_collect_refs (outputs, NULL, refs);
  for (guint i = 1; i < refs->len; i++)
    is_single &= g_str_equal (
        g_array_index (refs, KerasRef, i).layer, g_array_index (refs, KerasRef, 0).layer);
  for (guint i = 0; i < refs->len; i++) {
    const KerasRef *ref = &g_array_index (refs, KerasRef, i);
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

gboolean
keras_append_layer (KerasReader *reader, KerasLayer *layer)
{
  if (keras_is_model_class (layer->class_name))
    return order_model (reader, layer->object, layer);
  g_ptr_array_add (reader->chain, layer);
  if (!layer->class)
    return keras_fail_class (reader, layer, "class", 0, layer->class_name);
  return !layer->class->check || layer->class->check (reader, layer);
}

GHashTable *
keras_index_layers (const KerasModel *model)
{
  GHashTable *by_name = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < model->layers->len; i++) {
    KerasLayer *layer = g_ptr_array_index (model->layers, i);
    const char *name = keras_get_string (layer->object, "name");

    g_hash_table_insert (by_name, (char *) (name ? name : layer->name), layer);
  }
  return by_name;
}

/* Follows the inputs of the layers from the output back to the InputLayer. */
static gboolean
order_functional (KerasReader *reader, const KerasModel *model, const char *output)
{
  g_autoptr (GHashTable) by_name = keras_index_layers (model);
  g_autoptr (GPtrArray) path = g_ptr_array_new ();
  const KerasGraph graph = {reader, by_name};
  KerasLayer *layer = keras_choose_output (&graph, model->config, output);

  while (layer) {
    if (path->len > model->layers->len)
      return keras_fail (reader, layer, CONVERT_ERROR_FILE,
          "inputs: expected a chain of layers, found a cycle through this layer");
    g_ptr_array_add (path, layer);
    if (layer->class && layer->class->flags & KERAS_IS_INPUT)
      break;
    layer = get_previous_layer (&graph, layer);
  }
  for (guint i = path->len; layer && i-- > 0;)
    if (!keras_append_layer (reader, g_ptr_array_index (path, i)))
      return FALSE;
  return layer != NULL;
}

KerasLayer *
keras_get_last_layer (KerasReader *reader, const KerasModel *model, const char *output)
{
  GPtrArray *layers = model->layers;
  KerasLayer *last = layers->len ? g_ptr_array_index (layers, layers->len - 1) : NULL;

  if (!output || (last && g_str_equal (output, last->name)))
    return last;
  keras_fail (reader, NULL, CONVERT_ERROR_UNSUPPORTED, "output: expected \"%s\", found %s",
      output, last ? last->name : "no layers");
  return NULL;
}

static gboolean
order_sequential (KerasReader *reader, const KerasModel *model, const char *output)
{
  if (output && !keras_get_last_layer (reader, model, output))
    return FALSE;
  for (guint i = 0; i < model->layers->len; i++)
    if (!keras_append_layer (reader, g_ptr_array_index (model->layers, i)))
      return FALSE;
  return TRUE;
}

/* @owner: (nullable): the layer that is the model */
static gboolean
order_model (KerasReader *reader, JsonObject *object, KerasLayer *owner)
{
  const KerasModel *model = keras_read_layers (reader, object, owner);
  const char *output = owner ? NULL : reader->input->output;

  if (!model)
    return FALSE;
  return model->is_functional ? order_functional (reader, model, output)
                              : order_sequential (reader, model, output);
}

gboolean
keras_build_chain (KerasReader *reader)
{
  JsonObject *object = keras_get_root (reader);

  return object && order_model (reader, object, NULL);
}
