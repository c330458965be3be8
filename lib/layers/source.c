/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "layers/source.h"
#include "container/json.h"
#include "util/text.h"

void
lstm_array_clear (LstmArray *array)
{
  g_free (array->values);
}

/* --- Tensors --- */

static LstmTensor *
find_tensor (const LstmLayerSource *source, const char *name)
{
  g_autofree char *full = g_strconcat (source->prefix, name, NULL);

  return lstm_safetensors_find (source->st, full);
}

gboolean
lstm_layer_source_has_tensor (const LstmLayerSource *source, const char *name)
{
  return find_tensor (source, name) != NULL;
}

typedef gboolean (*GetArray) (
    const LstmSafetensors *st, LstmTensor *tensor, LstmArray *array, GError **error);

/* Gets @tensor by @get_array, and adds its values to the parameters of the layer. */
static gboolean
add_array (const LstmLayerSource *source, LstmTensor *tensor, GetArray get_array,
    LstmArray *array, GError **error)
{
  gsize n = 1;

  if (!get_array (source->st, tensor, array, error))
    return FALSE;
  for (guint i = 0; i < array->n_dims; i++)
    n *= array->shape[i];
  source->builder->n_parameters += n;
  return TRUE;
}

static gboolean
get_tensor (const LstmLayerSource *source, const char *name, gboolean *found,
    GetArray get_array, LstmArray *array, GError **error)
{
  LstmTensor *tensor = find_tensor (source, name);

  if (found)
    *found = tensor != NULL;
  if (tensor)
    return add_array (source, tensor, get_array, array, error);
  if (found)
    return TRUE;
  g_set_error (error, LSTM_ERROR, LSTM_ERROR_TENSOR,
      "%s: expected a tensor \"%s%s\", found none of that name", source->st->file,
      source->prefix, name);
  return FALSE;
}

gboolean
lstm_layer_source_open_tensor (const LstmLayerSource *source, const char *name, gboolean *found,
    LstmArray *array, GError **error)
{
  return get_tensor (source, name, found, lstm_safetensors_open, array, error);
}

gboolean
lstm_layer_source_read_tensor (const LstmLayerSource *source, const char *name, gboolean *found,
    LstmArray *array, GError **error)
{
  return get_tensor (source, name, found, lstm_safetensors_read, array, error);
}

gboolean
lstm_layer_source_read_row (const LstmLayerSource *source, const char *key, double fallback,
    LstmArray *array, GError **error)
{
  gboolean found = FALSE;

  if (!json_object_has_member (source->object, key)
      && !lstm_layer_source_read_tensor (source, key, &found, array, error))
    return FALSE;
  if (found)
    return TRUE;
  *array = (LstmArray){.name = key, .values = g_new (float, 1)};
  return lstm_layer_source_read_number (source, key, fallback, array->values, error);
}

/* --- Values of the JSON object --- */

gboolean
lstm_layer_source_refuse_value (const LstmLayerSource *source, JsonObject *object,
    const char *key, const char *expected, GError **error)
{
  g_autofree char *found = lstm_json_describe (json_object_get_member (object, key));

  g_set_error (error, LSTM_ERROR, LSTM_ERROR_LAYER,
      "%s: layer \"%s\": key \"%s\": expected %s, found %s", source->st->file, source->name,
      key, expected, found);
  return FALSE;
}

static gboolean
read_member_number (const LstmLayerSource *source, JsonObject *object, const char *key,
    double fallback, float *value, GError **error)
{
  JsonNode *node = json_object_get_member (object, key);
  double number = fallback;

  if (node && !lstm_json_get_number (node, &number))
    return lstm_layer_source_refuse_value (source, object, key, "a number", error);
  *value = (float) number;
  return TRUE;
}

gboolean
lstm_layer_source_read_number (const LstmLayerSource *source, const char *key, double fallback,
    float *value, GError **error)
{
  return read_member_number (source, source->object, key, fallback, value, error);
}

gboolean
lstm_layer_source_read_boolean (const LstmLayerSource *source, const char *key,
    gboolean fallback, gboolean *value, GError **error)
{
  JsonNode *node = json_object_get_member (source->object, key);

  *value = fallback;
  return !node || lstm_json_get_boolean (node, value)
         || lstm_layer_source_refuse_value (
             source, source->object, key, "true or false", error);
}

gboolean
lstm_layer_source_read_choice (const LstmLayerSource *source, const char *key,
    const char *const *choices, guint *index, GError **error)
{
  JsonNode *node = json_object_get_member (source->object, key);
  const char *text = lstm_json_get_string (node);
  g_autofree char *list = g_strjoinv (", ", (char **) choices);
  g_autofree char *expected = g_strconcat ("one of ", list, NULL);

  for (*index = 0; choices[*index]; ++*index)
    if (!node || g_strcmp0 (text, choices[*index]) == 0)
      return TRUE;
  return lstm_layer_source_refuse_value (source, source->object, key, expected, error);
}

static gboolean
find_activation (
    const LstmLayerSource *source, const char *name, LstmActivation *activation, GError **error)
{
  g_autoptr (GString) names = g_string_new (NULL);

  if (lstm_activation_find (name, activation))
    return TRUE;
  for (guint i = 0; i < LSTM_N_ACTIVATIONS; i++)
    lstm_text_append_item (names, lstm_activation_get_name ((LstmActivationKind) i));
  g_set_error (error, LSTM_ERROR, LSTM_ERROR_LAYER,
      "%s: layer \"%s\": activation: expected one of %s, found \"%s\"", source->st->file,
      source->name, names->str, name);
  return FALSE;
}

static gboolean
check_activation_keys (const LstmLayerSource *source, JsonObject *object, GError **error)
{
  g_autoptr (GList) members = json_object_get_members (object);

  for (GList *l = members; l; l = l->next) {
    if (g_str_equal (l->data, "name") || g_str_equal (l->data, "alpha")
        || g_str_equal (l->data, "beta"))
      continue;
    g_set_error (error, LSTM_ERROR, LSTM_ERROR_LAYER,
        "%s: layer \"%s\": activation: expected the keys name, alpha and beta, found \"%s\"",
        source->st->file, source->name, (const char *) l->data);
    return FALSE;
  }
  return TRUE;
}

gboolean
lstm_layer_source_read_activation (const LstmLayerSource *source, JsonNode *node,
    const char *fallback, LstmActivation *activation, GError **error)
{
  JsonObject *object = lstm_json_get_object (node);
  const char *name = lstm_json_get_string (
      object ? json_object_get_member (object, "name") : node);
  g_autofree char *found = name ? NULL : lstm_json_describe (node);

  if (!node)
    return find_activation (source, fallback, activation, error);
  if (!name) {
    g_set_error (error, LSTM_ERROR, LSTM_ERROR_LAYER,
        "%s: layer \"%s\": activation: expected a string, or an object with a string \"name\", "
        "found %s",
        source->st->file, source->name, found);
    return FALSE;
  }
  if (object && !check_activation_keys (source, object, error))
    return FALSE;
  if (!find_activation (source, name, activation, error))
    return FALSE;
  return !object
         || (read_member_number (
                 source, object, "alpha", (double) activation->alpha, &activation->alpha, error)
             && read_member_number (
                 source, object, "beta", (double) activation->beta, &activation->beta, error));
}
