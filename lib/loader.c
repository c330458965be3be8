/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Safetensors to builder: which tensors make which layer. The keys are in docs/formats.md. */
#include "convert.h"
#include "loader.h"
#include "json.h"
#include <glib/gstdio.h>
#include <string.h>

#define KEY_VERSION "lstm.version"
#define KEY_LAYERS "lstm.layers"
#define VERSION "1"
#define LAYERS_DEPTH 4 /* [ { key: [ … ] } ], and a level to spare */

static gboolean
load_described (const LstmLoader *loader, const char *layers, GError **error)
{
  const char *version = g_hash_table_lookup (loader->st->metadata, KEY_VERSION);
  g_autofree char *what = g_strdup_printf ("%s: " KEY_LAYERS, loader->st->file);
  g_autoptr (JsonNode) root = NULL;
  JsonArray *array;

  if (g_strcmp0 (version, VERSION) != 0) {
    g_set_error (error, LSTM_ERROR, LSTM_ERROR_LAYER,
        "%s: __metadata__: expected \"" KEY_VERSION "\" " VERSION ", found %s",
        loader->st->file, version ? version : "none");
    return FALSE;
  }
  root = lstm_json_parse (layers, strlen (layers), LAYERS_DEPTH, what, error);
  if (!root)
    return FALSE;
  if (!JSON_NODE_HOLDS_ARRAY (root)) {
    g_set_error (error, LSTM_ERROR, LSTM_ERROR_LAYER, "%s: expected an array of layers", what);
    return FALSE;
  }
  array = json_node_get_array (root);
  for (guint i = 0; i < json_array_get_length (array); i++)
    if (!lstm_loader_add_layer (loader, json_array_get_element (array, i), i, error))
      return FALSE;
  return TRUE;
}

/* Without a description: the first tensor by offset that is nn.LSTM's says the prefix. */
static gboolean
load_undescribed (const LstmLoader *loader, GError **error)
{
  for (guint i = 0; i < loader->st->tensors->len; i++) {
    const LstmTensor *tensor = g_ptr_array_index (loader->st->tensors, i);

    if (g_str_has_suffix (tensor->name, "weight_ih_l0")) {
      g_autofree char *prefix = g_strndup (
          tensor->name, strlen (tensor->name) - strlen ("weight_ih_l0"));

      return lstm_loader_add_stack (loader, prefix, error);
    }
  }
  g_set_error (error, LSTM_ERROR, LSTM_ERROR_LAYER,
      "%s: expected \"" KEY_LAYERS
      "\" in __metadata__, or a tensor \"weight_ih_l0\" of an LSTM, "
      "found neither",
      loader->st->file);
  return FALSE;
}

static gboolean
check_all_used (const LstmLoader *loader, GError **error)
{
  const LstmTensor *tensor = lstm_safetensors_find_unused (loader->st);

  if (!tensor)
    return TRUE;
  g_set_error (error, LSTM_ERROR, LSTM_ERROR_TENSOR,
      "%s: tensor \"%s\" belongs to no layer; layers are described by \"" KEY_LAYERS
      "\" in __metadata__",
      loader->st->file, tensor->name);
  return FALSE;
}

LstmModel *
lstm_model_load_bytes_full (
    GBytes *bytes, const char *name, LstmPrecision precision, GError **error)
{
  g_autoptr (LstmSafetensors) st = lstm_safetensors_new (bytes, name, error);
  g_autoptr (LstmBuilder) builder = st ? lstm_builder_new (name, precision, error) : NULL;
  const LstmLoader loader = {st, builder};
  const char *layers;

  if (!builder)
    return NULL;
  layers = g_hash_table_lookup (st->metadata, KEY_LAYERS);
  if (!(layers ? load_described (&loader, layers, error) : load_undescribed (&loader, error))
      || !check_all_used (&loader, error))
    return NULL;
  return lstm_builder_finish (builder, error);
}

LstmModel *
lstm_model_load_bytes (GBytes *bytes, const char *name, GError **error)
{
  return lstm_model_load_bytes_full (bytes, name, LSTM_PRECISION_FLOAT32, error);
}

LstmModel *
lstm_model_load (const char *path, GError **error)
{
  return lstm_model_load_full (path, LSTM_PRECISION_FLOAT32, error);
}

LstmModel *
lstm_model_load_full (const char *path, LstmPrecision precision, GError **error)
{
  g_autoptr (GError) cause = NULL;
  g_autoptr (GBytes) bytes = NULL;
  GStatBuf info;
  char *content;
  gsize size;

  /* A pipe or a device would block or never end. */
  if (g_stat (path, &info) == 0 && !S_ISREG (info.st_mode)) {
    g_set_error (error, LSTM_ERROR, LSTM_ERROR_FILE, "%s: expected a file, found %s", path,
        S_ISDIR (info.st_mode) ? "a directory" : "something else");
    return NULL;
  }
  if (!g_file_get_contents (path, &content, &size, &cause)) {
    g_set_error (error, LSTM_ERROR, LSTM_ERROR_FILE, "%s: %s", path, cause->message);
    return NULL;
  }
  bytes = g_bytes_new_take (content, size);
  if (!lstm_convert_is_safetensors (bytes)) {
    g_clear_pointer (&bytes, g_bytes_unref);
    if (!(bytes = lstm_convert (path, size, error)))
      return NULL;
  }
  return lstm_model_load_bytes_full (bytes, path, precision, error);
}
