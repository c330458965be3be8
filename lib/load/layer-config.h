/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "container/safetensors.h"
#include <json-glib/json-glib.h>

#define KEY_VERSION "lstm.version"
#define KEY_LAYERS "lstm.layers"

/* The layers of a file, as docs/formats.md describes them: from its metadata, or for a state dict
 * of PyTorch by lstm_statedict_describe(). @module_chain: the chain of a state dict's modules, or NULL.
 * Returns: (transfer full): or NULL with LSTM_ERROR_FORMAT, _LAYER or _TENSOR */
JsonArray *lstm_layer_config_get (const LstmSafetensors *st, const char *module_chain, GError **error);

/* Returns: (transfer full): what the names of a layer's tensors begin with */
char *lstm_layer_config_get_prefix (JsonObject *layer);
