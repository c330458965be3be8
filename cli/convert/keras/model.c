/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The layers of a model's configuration. */
#include "container/json.h"
#include "keras/graph.h"
#include "keras/json.h"
#include "util/text.h"

/* The classes of models */
static const struct {
  const char *name;
  gboolean is_functional; /* otherwise each layer reads the output of the previous one */
} model_classes[] = {
    {"Sequential", FALSE}, {"Functional", TRUE}, {"Model", TRUE}, /* before TensorFlow 2.3 */
};

static gboolean
find_model_class (const char *name, gboolean *is_functional)
{
  for (guint i = 0; i < G_N_ELEMENTS (model_classes); i++) {
    *is_functional = model_classes[i].is_functional;
    if (g_strcmp0 (model_classes[i].name, name) == 0)
      return TRUE;
  }
  return FALSE;
}

gboolean
keras_is_model_class (const char *name)
{
  gboolean is_functional;

  return find_model_class (name, &is_functional);
}

/* The operations of Keras 3 have neither of the keys that each layer has. HDF5 files do not have
 * their modules. */
gboolean
keras_is_operation (const KerasLayer *layer)
{
  static const char *const keys[] = {"trainable", "dtype"};

  if (g_str_equal (layer->class_name, "TFOpLambda")
      || g_str_equal (layer->class_name, "SlicingOpLambda"))
    return TRUE;
  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    if (!layer->config || json_object_has_member (layer->config, keys[i]))
      return FALSE;
  return !keras_is_model_class (layer->class_name)
         && json_object_has_member (layer->object, "inbound_nodes");
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

KerasLayer *
keras_new_layer (
    KerasReader *reader, const KerasLayer *owner, JsonNode *node, const char *field)
{
  JsonObject *object = lstm_json_get_object (node);
  JsonObject *config = keras_get_object (object, "config");
  const char *class_name = keras_get_string (object, "class_name");
  g_autofree char *found = NULL;
  KerasLayer *layer;

  /* The configuration of a nested Sequential of Keras 2.0 is an array. */
  if (!class_name || !(config || keras_get_array (object, "config"))) {
    found = lstm_json_describe (node);
    keras_fail (reader, owner, CONVERT_ERROR_FILE,
        "%s: expected an object with class_name and config, found %s", field, found);
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

/* Returns: (transfer none) (nullable): the layers of the model @object; NULL with an error */
static JsonArray *
get_layers (KerasReader *reader, JsonObject *object, const KerasLayer *owner)
{
  JsonObject *config = keras_get_object (object, "config");
  JsonArray *array = config ? keras_get_array (config, "layers")
                            : keras_get_array (object, "config");
  g_autofree char *found = NULL;

  if (array)
    return array;
  found = config ? keras_describe_member (config, "layers")
                 : keras_describe_member (object, "config");
  keras_fail (reader, owner, CONVERT_ERROR_FILE, "layers: expected an array, found %s", found);
  return NULL;
}

KerasModel *
keras_read_layers (KerasReader *reader, JsonObject *object, KerasLayer *owner)
{
  const char *class_name = keras_get_string (object, "class_name");
  gboolean is_functional;
  JsonArray *array;
  KerasModel *model;

  if (!find_model_class (class_name, &is_functional)) {
    fail_model_class (reader, owner, class_name);
    return NULL;
  }
  array = get_layers (reader, object, owner);
  if (!array)
    return NULL;
  model = g_new0 (KerasModel, 1);
  model->owner = owner;
  model->config = keras_get_object (object, "config");
  model->is_functional = is_functional;
  model->layers = g_ptr_array_new ();
  g_ptr_array_add (reader->models, model);
  for (guint i = 0; i < json_array_get_length (array); i++) {
    g_autofree char *field = g_strdup_printf ("layers[%u]", i);
    KerasLayer *layer = keras_new_layer (
        reader, NULL, json_array_get_element (array, i), field);

    if (!layer)
      return NULL;
    g_ptr_array_add (model->layers, layer);
  }
  return model;
}

JsonObject *
keras_get_root (KerasReader *reader)
{
  JsonObject *object = lstm_json_get_object (reader->config);
  g_autofree char *found = NULL;

  if (object)
    return object;
  found = lstm_json_describe (reader->config);
  keras_fail (reader, NULL, CONVERT_ERROR_FILE,
      "configuration: expected an object with class_name and config, found %s", found);
  return NULL;
}
