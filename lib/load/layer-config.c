/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "load/layer-config.h"
#include "container/json.h"
#include "container/metadata-keys.h"
#include "load/pytorch/statedict.h"
#include "lstm/lstm.h"
#include <string.h>

#define VERSION "1"
#define LAYERS_DEPTH 4 /* levels of [ { key: [ … ] } ], plus one */

static gboolean
check_version (const LstmSafetensors *st, GError **error)
{
  const char *version = g_hash_table_lookup (st->metadata, KEY_VERSION);

  if (g_strcmp0 (version, VERSION) == 0)
    return TRUE;
  g_set_error (error, LSTM_ERROR, LSTM_ERROR_LAYER,
      "%s: __metadata__: \"" KEY_VERSION "\": expected \"" VERSION "\", found %s%s%s", st->file,
      version ? "\"" : "", version ? version : "none", version ? "\"" : "");
  return FALSE;
}

JsonArray *
lstm_layer_config_get (const LstmSafetensors *st, const char *module_chain, GError **error)
{
  const char *layers = g_hash_table_lookup (st->metadata, KEY_LAYERS);
  g_autofree char *source = g_strdup_printf ("%s: " KEY_LAYERS, st->file), *found = NULL;
  g_autoptr (JsonNode) root = NULL;

  if (!layers)
    return lstm_statedict_get_layers (st, NULL, module_chain, error);
  if (module_chain) {
    g_set_error (error, LSTM_ERROR, LSTM_ERROR_LAYER,
        "%s: module-chain is supported only for a PyTorch state dict; found \"" KEY_LAYERS
        "\" in __metadata__",
        st->file);
    return NULL;
  }
  if (!check_version (st, error)
      || !(root = lstm_json_parse (layers, strlen (layers), LAYERS_DEPTH, source, error)))
    return NULL;
  if (JSON_NODE_HOLDS_ARRAY (root))
    return json_node_dup_array (root);
  found = lstm_json_describe (root);
  g_set_error (error, LSTM_ERROR, LSTM_ERROR_LAYER, "%s: expected an array of layers, found %s",
      source, found);
  return NULL;
}

char *
lstm_layer_config_get_prefix (JsonObject *layer)
{
  const char *prefix = lstm_json_get_string (json_object_get_member (layer, "prefix"));
  const char *name = lstm_json_get_string (json_object_get_member (layer, "name"));

  return prefix          ? g_strdup (prefix)
         : name && *name ? g_strconcat (name, ".", NULL)
                         : g_strdup ("");
}

/* Returns whether @text has only characters of a decimal number. */
static gboolean
is_decimal (const char *text)
{
  return strspn (text, "0123456789.eE+-") == strlen (text);
}

gboolean
lstm_layer_config_read_rate (const LstmSafetensors *st, double *rate, GError **error)
{
  const char *text = g_hash_table_lookup (st->metadata, KEY_RATE);
  char *end = NULL;

  *rate = text ? g_ascii_strtod (text, &end) : 0;
  if (!text || (is_decimal (text) && !*end && *rate > 0 && *rate <= LSTM_MAX_RATE))
    return TRUE;
  g_set_error (error, LSTM_ERROR, LSTM_ERROR_LAYER,
      "%s: __metadata__: \"" KEY_RATE "\": expected a number above 0, at most %d, found \"%s\"",
      st->file, LSTM_MAX_RATE, text);
  return FALSE;
}
