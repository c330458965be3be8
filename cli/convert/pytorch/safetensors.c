/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Reads safetensors: a PyTorch state dict, whose layers the library derives from its tensors, or a
 * file that states its layers. The weights become float32. */
#include "convert.h"
#include "container/json.h"
#include "container/metadata-keys.h"
#include "load/layer-config.h"
#include "load/pytorch/chain-parser.h"
#include "lstm/lstm.h"
#include "pytorch/model.h"
#include <string.h>

#define COUNTER "num_batches_tracked" /* a tensor of nn.BatchNorm1d that only training uses */

/* Returns: (transfer none) (nullable): the layer with the longest prefix that begins @name.
 * @length: set to the length of the prefix */
static JsonObject *
find_layer (JsonArray *layers, const char *name, gsize *length)
{
  JsonObject *found = NULL;

  for (guint i = 0; i < json_array_get_length (layers); i++) {
    JsonObject *layer = lstm_json_get_object (json_array_get_element (layers, i));
    g_autofree char *prefix = layer ? lstm_layer_config_get_prefix (layer) : NULL;

    if (!prefix || !g_str_has_prefix (name, prefix) || (found && strlen (prefix) <= *length))
      continue;
    found = layer;
    *length = strlen (prefix);
  }
  return found;
}

static gboolean
add_tensor (ConvertModel *model, const LstmSafetensors *st, LstmTensor *tensor,
    JsonArray *layers, GError **error)
{
  gsize length;
  JsonObject *layer = find_layer (layers, tensor->name, &length);
  LstmArray array;

  if (tensor->is_used) /* lstm_statedict_get_layers() has dropped the tensor. */
    return TRUE;
  if (!layer) {
    g_set_error (error, CONVERT_ERROR, CONVERT_ERROR_UNSUPPORTED,
        "%s: tensor \"%s\": expected a tensor of a layer, found a tensor that belongs to no "
        "layer",
        st->file, tensor->name);
    return FALSE;
  }
  if (g_str_equal (tensor->name + length, COUNTER))
    return TRUE;
  if (!lstm_safetensors_read (st, tensor, &array, error))
    return FALSE;
  convert_model_add_tensor (
      model, layer, tensor->name + length, array.n_dims, array.shape, array.values);
  return TRUE;
}

/* Checks that liblstm loads the model, because this reader does not check shapes. */
static gboolean
check_loadable (const ConvertModel *model, const char *path, GError **error)
{
  g_autoptr (GBytes) bytes = convert_model_to_bytes (model);
  g_autoptr (LstmModel) loaded = lstm_model_load_bytes (bytes, path, error);

  return loaded != NULL;
}

/* Adds a note about each nn.LayerNorm of a state dict, because other modules have the same tensors.
 */
static void
add_norm_notes (ConvertModel *model, JsonArray *layers)
{
  for (guint i = 0; i < json_array_get_length (layers); i++) {
    JsonObject *layer = json_array_get_object_element (layers, i);
    g_autofree char *note = NULL;

    if (!g_str_equal (json_object_get_string_member (layer, "type"), "layer_normalization"))
      continue;
    note = g_strdup_printf (
        "%s: read as an nn.LayerNorm; a state dict does not show whether it "
        "is " LSTM_CHAIN_NOT_LAYER_NORM,
        json_object_get_string_member_with_default (layer, "name", "."));
    convert_model_add_note (model, note);
  }
}

ConvertModel *
torch_make_model (
    const LstmSafetensors *st, JsonArray *layers, gboolean has_classes, GError **error)
{
  g_autoptr (ConvertModel) model = convert_model_new ();

  convert_model_set_layers (model, layers);
  for (guint i = 0; i < st->tensors->len; i++)
    if (!add_tensor (model, st, g_ptr_array_index (st->tensors, i), layers, error))
      return NULL;
  if (!check_loadable (model, st->file, error))
    return NULL;
  if (!has_classes)
    add_norm_notes (model, layers);
  return g_steal_pointer (&model);
}

ConvertModel *
convert_read_safetensors (const ConvertInput *input, GError **error)
{
  g_autoptr (GBytes) bytes = g_bytes_new_static (input->data, input->size);
  g_autoptr (LstmSafetensors) st = lstm_safetensors_new_from_bytes (bytes, input->path, error);
  g_autoptr (JsonArray) layers = st ? lstm_layer_config_get (st, input->module_chain, error)
                                    : NULL;

  ConvertModel *model = NULL;
  double rate;

  if (layers && lstm_layer_config_read_rate (st, &rate, error))
    model = torch_make_model (
        st, layers, g_hash_table_contains (st->metadata, KEY_LAYERS), error);
  if (model && rate > 0)
    convert_model_set_rate (model, rate);
  return model;
}
