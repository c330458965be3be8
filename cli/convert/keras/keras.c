/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "keras/keras.h"
#include "container/json.h"
#include <string.h>

#define CONFIG_DEPTH 100 /* nested models, each of a dozen levels */

gboolean
keras_fail (
    KerasReader *reader, const KerasLayer *layer, ConvertError code, const char *format, ...)
{
  g_autofree char *problem = NULL;
  va_list args;

  if (reader->error)
    return FALSE;
  va_start (args, format);
  problem = g_strdup_vprintf (format, args);
  va_end (args);
  if (layer)
    g_set_error (&reader->error, CONVERT_ERROR, code, "%s: layer \"%s\": %s",
        reader->input->path, layer->name, problem);
  else
    g_set_error (&reader->error, CONVERT_ERROR, code, "%s: %s", reader->input->path, problem);
  return FALSE;
}

static void
layer_free (void *data)
{
  KerasLayer *layer = data;

  g_free (layer->group);
  g_free (layer);
}

static void
datasets_free (void *data)
{
  KerasDatasets *datasets = data;

  g_ptr_array_unref (datasets->paths);
  g_free (datasets);
}

static void
model_free (void *data)
{
  KerasModel *model = data;

  g_ptr_array_unref (model->layers);
  g_free (model);
}

/* Files of Keras 3 without a version have a module beside the class; 2.3.0 is where the default
 * of recurrent_activation changed. */
static void
set_version (KerasReader *reader, const char *version, JsonNode *root)
{
  JsonObject *object = JSON_NODE_HOLDS_OBJECT (root) ? json_node_get_object (root) : NULL;
  gint64 parts[3] = {0};
  const char *at;

  if (!version)
    version = keras_peek_string (object, "keras_version");
  if (!version)
    version = object && json_object_has_member (object, "module") ? "3.0.0" : "2.3.0-tf";
  at = version;
  for (guint i = 0; i < G_N_ELEMENTS (parts) && g_ascii_isdigit (*at); i++) {
    char *end;

    parts[i] = MIN (g_ascii_strtoll (at, &end, 10), 99);
    at = *end == '.' ? end + 1 : end;
  }
  reader->version = (gint) (parts[0] * 10000 + parts[1] * 100 + parts[2]);
  reader->is_tf_keras = reader->version >= 20400 || strstr (version, "-tf") != NULL;
}

/* The first layer of a Sequential may say the input's shape, or nobody. */
static gboolean
convert_chain (KerasReader *reader)
{
  for (reader->index = 0; reader->index < reader->chain->len; reader->index++)
    if (!keras_convert_layer (reader, g_ptr_array_index (reader->chain, reader->index)))
      return FALSE;
  if (reader->chain->len == 0)
    return keras_fail (reader, NULL, CONVERT_ERROR_UNSUPPORTED, "the model has no layers");
  return keras_weights_check_all (reader);
}

ConvertModel *
keras_read (const ConvertInput *input, const char *config, gsize size, const char *version,
    H5 *h5, GError **error)
{
  g_autoptr (GPtrArray) layers = g_ptr_array_new_with_free_func (layer_free);
  g_autoptr (GPtrArray) shared = g_ptr_array_new_with_free_func (datasets_free);
  g_autoptr (GPtrArray) models = g_ptr_array_new_with_free_func (model_free);
  g_autoptr (GPtrArray) chain = g_ptr_array_new ();
  g_autofree char *what = g_strdup_printf ("%s: configuration", input->path);
  g_autoptr (JsonNode) root = lstm_json_parse (config, size, CONFIG_DEPTH, what, error);
  g_autoptr (ConvertModel) model = convert_model_new ();
  KerasReader reader = {.input = input,
      .h5 = h5,
      .layers = layers,
      .models = models,
      .chain = chain,
      .shared = shared,
      .model = model,
      .shape = {KERAS_SEQUENCE, KERAS_UNKNOWN, KERAS_UNKNOWN}};

  if (!root)
    return NULL;
  keras_mark_own (root);
  set_version (&reader, version, root);
  /* The chain comes first: a class that nobody runs is the reason, not how its weights lie. */
  if (keras_build_chain (&reader, root) && keras_weights_open (&reader)
      && convert_chain (&reader))
    return g_steal_pointer (&model);
  g_propagate_error (error, reader.error);
  return NULL;
}
