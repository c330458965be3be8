/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Safetensors to builder: which tensors make which layer. The keys are in docs/formats.md. */
#include "load/convert-process.h"
#include "kernels/float-mode.h"
#include "container/formats.h"
#include "util/input-file.h"
#include "load/loader.h"
#include "model/model.h"

static gboolean
add_layers (const LstmLoader *loader, const char *module_chain, GError **error)
{
  g_autoptr (JsonArray) layers = lstm_layer_config_get (loader->st, module_chain, error);

  if (!layers)
    return FALSE;
  for (guint i = 0; i < json_array_get_length (layers); i++)
    if (!lstm_loader_add_layer (loader, json_array_get_element (layers, i), i, error))
      return FALSE;
  return TRUE;
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

static LstmModel *
build_model (
    GBytes *bytes, const char *name, LstmPrecision precision, const char *module_chain, GError **error)
{
  g_autoptr (LstmSafetensors) st = lstm_safetensors_new (bytes, name, error);
  g_autoptr (LstmBuilder) builder = st ? lstm_builder_new (name, precision, error) : NULL;
  const LstmLoader loader = {st, builder};

  if (!builder)
    return NULL;
  if (!add_layers (&loader, module_chain, error) || !check_all_used (&loader, error))
    return NULL;
  return lstm_builder_finish (builder, error);
}

/* Weights and what is rounded of them are the same in every thread, whatever its mode. */
LstmModel *
lstm_model_load_bytes_full (
    GBytes *bytes, const char *name, LstmPrecision precision, const char *module_chain, GError **error)
{
  const LstmFloatMode caller = lstm_float_mode_enter (LSTM_FLOAT_EXACT);
  LstmModel *model = build_model (bytes, name, precision, module_chain, error);

  lstm_float_mode_leave (caller);
  lstm_error_make_valid (error);
  return model;
}

LstmModel *
lstm_model_load_bytes (GBytes *bytes, const char *name, GError **error)
{
  return lstm_model_load_bytes_full (bytes, name, LSTM_PRECISION_FLOAT32, NULL, error);
}

static LstmModel *
load_file (const char *path, LstmPrecision precision, const char *module_chain, GError **error)
{
  g_autofree char *found = lstm_format_describe_folder (path);
  g_autoptr (GError) cause = NULL;
  g_autoptr (GBytes) bytes = NULL;
  const LstmFormat *format;
  const guint8 *data;
  gsize size;

  if (found) {
    g_set_error (
        error, LSTM_ERROR, LSTM_ERROR_FILE, "%s: expected a file, found %s", path, found);
    return NULL;
  }
  if (!(bytes = lstm_input_file_read (path, &cause))) {
    g_set_error_literal (error, LSTM_ERROR, LSTM_ERROR_FILE, cause->message);
    return NULL;
  }
  data = g_bytes_get_data (bytes, &size);
  format = lstm_format_find (data, size);
  if (!format || (format->reader && !format->is_native)) {
    g_clear_pointer (&bytes, g_bytes_unref);
    if (module_chain && format && !format->has_module_chain) {
      g_set_error (error, LSTM_ERROR, LSTM_ERROR_LAYER,
          "%s: module-chain is supported only for a PyTorch state dict in safetensors; found %s", path,
          format->name);
      return NULL;
    }
    if (!(bytes = lstm_convert_file (path, size, error)))
      return NULL;
  }
  return lstm_model_load_bytes_full (bytes, path, precision, module_chain, error);
}

LstmModel *
lstm_model_load_full (
    const char *path, LstmPrecision precision, const char *module_chain, GError **error)
{
  LstmModel *model = load_file (path, precision, module_chain, error);

  lstm_error_make_valid (error);
  return model;
}

LstmModel *
lstm_model_load (const char *path, GError **error)
{
  return lstm_model_load_full (path, LSTM_PRECISION_FLOAT32, NULL, error);
}
