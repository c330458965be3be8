/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Safetensors to builder: which tensors make which layer. The keys are in docs/formats.md. */
#include "builder.h"
#include "json.h"
#include "safetensors.h"
#include <glib/gstdio.h>
#include <string.h>

#define KEY_VERSION "lstm.version"
#define KEY_LAYERS "lstm.layers"
#define VERSION "1"
#define LAYERS_DEPTH 4 /* [ { key: [ … ] } ], and a level to spare */

typedef struct {
  LstmSafetensors *st;
  LstmBuilder *builder;
} Loader;

static void
array_clear (LstmArray *array)
{
  g_free (array->values);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (LstmArray, array_clear)

/* Reads the tensor whose name is @prefix and @name. A missing one is an error, or, where @found
 * is given, said there. */
static gboolean
read_tensor (const Loader *loader, const char *prefix, const char *name, gboolean *found,
    LstmArray *array, GError **error)
{
  g_autofree char *full = g_strconcat (prefix, name, NULL);
  LstmTensor *tensor = lstm_safetensors_find (loader->st, full);

  if (found)
    *found = tensor != NULL;
  if (tensor)
    return lstm_safetensors_read (loader->st, tensor, array, error);
  if (found)
    return TRUE;
  g_set_error (error, LSTM_ERROR, LSTM_ERROR_TENSOR,
      "%s: expected a tensor \"%s\", found none of that name", loader->st->file, full);
  return FALSE;
}

static gboolean
load_lstm_layer (const Loader *loader, const char *prefix, const char *suffix, GError **error)
{
  g_auto (LstmArray) w = {0}, u = {0}, b = {0}, c = {0};
  g_autofree char *w_name = g_strconcat ("weight_ih_", suffix, NULL);
  g_autofree char *u_name = g_strconcat ("weight_hh_", suffix, NULL);
  g_autofree char *b_name = g_strconcat ("bias_ih_", suffix, NULL);
  g_autofree char *c_name = g_strconcat ("bias_hh_", suffix, NULL);
  g_autofree char *name = g_strconcat (prefix, suffix, NULL);
  gboolean has_b, has_c;

  if (!read_tensor (loader, prefix, w_name, NULL, &w, error)
      || !read_tensor (loader, prefix, u_name, NULL, &u, error)
      || !read_tensor (loader, prefix, b_name, &has_b, &b, error)
      || !read_tensor (loader, prefix, c_name, &has_c, &c, error))
    return FALSE;
  return lstm_builder_add_lstm (
      loader->builder, name, &w, &u, has_b ? &b : NULL, has_c ? &c : NULL, "ifgo", error);
}

/* nn.LSTM's layers _l0, _l1 … as far as there are any; at least one. */
static gboolean
load_stack (const Loader *loader, const char *prefix, GError **error)
{
  for (guint k = 0;; k++) {
    g_autofree char *suffix = g_strdup_printf ("l%u", k);
    g_autofree char *next = g_strconcat (prefix, "weight_ih_", suffix, NULL);

    if (k > 0 && !lstm_safetensors_find (loader->st, next))
      return TRUE;
    if (!load_lstm_layer (loader, prefix, suffix, error))
      return FALSE;
  }
}

/* What a layer's JSON object says under @key, or NULL. */
static const char *
get_string (JsonObject *object, const char *key)
{
  JsonNode *node = json_object_get_member (object, key);

  return node && JSON_NODE_HOLDS_VALUE (node) ? json_node_get_string (node) : NULL;
}

static char *
get_prefix (JsonObject *object)
{
  const char *name = get_string (object, "name");

  return g_strconcat (name, name && *name ? "." : "", NULL);
}

static gboolean
load_lstm (const Loader *loader, JsonObject *object, const char *where, GError **error)
{
  g_autofree char *prefix = get_prefix (object);

  return load_stack (loader, prefix ? prefix : "", error);
}

static gboolean
load_dense (const Loader *loader, JsonObject *object, const char *where, GError **error)
{
  const char *activation = get_string (object, "activation");
  g_autofree char *prefix = get_prefix (object);
  g_auto (LstmArray) weight = {0}, bias = {0};
  gboolean has_bias;

  if (!prefix)
    prefix = g_strdup ("");
  if (!read_tensor (loader, prefix, "weight", NULL, &weight, error)
      || !read_tensor (loader, prefix, "bias", &has_bias, &bias, error))
    return FALSE;
  return lstm_builder_add_dense (loader->builder, where, &weight, has_bias ? &bias : NULL,
      activation ? activation : "linear", error);
}

/* A number of the description, or the tensor of that name: either way one array. */
static gboolean
read_number (const Loader *loader, JsonObject *object, const char *prefix, const char *key,
    double otherwise, const char *where, LstmArray *array, GError **error)
{
  JsonNode *node = json_object_get_member (object, key);
  double value = otherwise;
  gboolean found = FALSE;

  if (prefix && !node && !read_tensor (loader, prefix, key, &found, array, error))
    return FALSE;
  if (found)
    return TRUE;
  if (node) {
    GType type = JSON_NODE_HOLDS_VALUE (node) ? json_node_get_value_type (node) : G_TYPE_NONE;

    if (type != G_TYPE_INT64 && type != G_TYPE_DOUBLE) {
      g_set_error (error, LSTM_ERROR, LSTM_ERROR_LAYER, "%s: %s: expected a number for \"%s\"",
          loader->st->file, where, key);
      return FALSE;
    }
    value = json_node_get_double (node);
  }
  *array = (LstmArray){.name = key, .values = g_new (float, 1)};
  array->values[0] = (float) value;
  return TRUE;
}

static gboolean
load_normalization (const Loader *loader, JsonObject *object, const char *where, GError **error)
{
  g_autofree char *prefix = get_prefix (object);
  g_auto (LstmArray) mean = {0}, scale = {0};

  return read_number (loader, object, prefix, "mean", 0, where, &mean, error)
         && read_number (loader, object, prefix, "scale", 1, where, &scale, error)
         && lstm_builder_add_normalization (loader->builder, where, &mean, &scale, error);
}

/* One row per type of layer: the keys that it has beside "type". */
static const struct {
  const char *type;
  const char *keys[4];
  gboolean (*load) (
      const Loader *loader, JsonObject *object, const char *where, GError **error);
} layer_types[] = {
    {"lstm", {"name"}, load_lstm},
    {"dense", {"name", "activation"}, load_dense},
    {"normalization", {"name", "mean", "scale"}, load_normalization},
};

/* A key that nobody reads would be an option silently ignored. */
static gboolean
check_keys (const Loader *loader, JsonObject *object, const char *where,
    const char *const *keys, GError **error)
{
  g_autoptr (GList) members = json_object_get_members (object);

  for (GList *l = members; l; l = l->next) {
    const char *key = l->data;
    gboolean text = g_str_equal (key, "type") || g_str_equal (key, "name")
                    || g_str_equal (key, "activation");

    if (!g_str_equal (key, "type") && !g_strv_contains (keys, key)) {
      g_set_error (error, LSTM_ERROR, LSTM_ERROR_LAYER,
          "%s: %s: the key \"%s\" is not supported", loader->st->file, where, key);
      return FALSE;
    }
    if (text && !get_string (object, key)) {
      g_set_error (error, LSTM_ERROR, LSTM_ERROR_LAYER, "%s: %s: expected a string for \"%s\"",
          loader->st->file, where, key);
      return FALSE;
    }
  }
  return TRUE;
}

static gboolean
load_layer (const Loader *loader, JsonNode *node, guint index, GError **error)
{
  JsonObject *object = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
  const char *type = object ? get_string (object, "type") : NULL;
  const char *name = object ? get_string (object, "name") : NULL;
  g_autofree char *where = name ? g_strdup (name) : g_strdup_printf (KEY_LAYERS "[%u]", index);
  g_autoptr (GString) types = g_string_new (NULL);

  for (guint i = 0; i < G_N_ELEMENTS (layer_types); i++) {
    if (g_strcmp0 (type, layer_types[i].type) == 0)
      return check_keys (loader, object, where, layer_types[i].keys, error)
             && layer_types[i].load (loader, object, where, error);
    g_string_append_printf (types, i ? ", %s" : "%s", layer_types[i].type);
  }
  g_set_error (error, LSTM_ERROR, LSTM_ERROR_LAYER,
      "%s: %s: expected an object whose \"type\" is one of %s, found %s", loader->st->file,
      where, types->str, type ? type : "none");
  return FALSE;
}

static gboolean
load_described (const Loader *loader, const char *layers, GError **error)
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
    if (!load_layer (loader, json_array_get_element (array, i), i, error))
      return FALSE;
  return TRUE;
}

/* Without a description: the first tensor by offset that is nn.LSTM's says the prefix. */
static gboolean
load_undescribed (const Loader *loader, GError **error)
{
  for (guint i = 0; i < loader->st->tensors->len; i++) {
    const LstmTensor *tensor = g_ptr_array_index (loader->st->tensors, i);

    if (g_str_has_suffix (tensor->name, "weight_ih_l0")) {
      g_autofree char *prefix = g_strndup (
          tensor->name, strlen (tensor->name) - strlen ("weight_ih_l0"));

      return load_stack (loader, prefix, error);
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
check_all_used (const Loader *loader, GError **error)
{
  for (guint i = 0; i < loader->st->tensors->len; i++) {
    const LstmTensor *tensor = g_ptr_array_index (loader->st->tensors, i);

    if (!tensor->used) {
      g_set_error (error, LSTM_ERROR, LSTM_ERROR_TENSOR,
          "%s: tensor \"%s\" belongs to no layer; layers are described by \"" KEY_LAYERS
          "\" in __metadata__",
          loader->st->file, tensor->name);
      return FALSE;
    }
  }
  return TRUE;
}

LstmModel *
lstm_model_load_bytes_full (
    GBytes *bytes, const char *name, LstmPrecision precision, GError **error)
{
  g_autoptr (LstmSafetensors) st = lstm_safetensors_new (bytes, name, error);
  g_autoptr (LstmBuilder) builder = st ? lstm_builder_new (name, precision, error) : NULL;
  const Loader loader = {st, builder};
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
  return lstm_model_load_bytes_full (bytes, path, precision, error);
}
