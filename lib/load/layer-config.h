/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "container/safetensors.h"
#include <json-glib/json-glib.h>

/* Returns the layers of a model file as docs/formats.md describes them: from the metadata of the
 * file or, for a PyTorch state dict, from lstm_statedict_get_layers(). @module_chain: (nullable):
 * the module chain of the state dict.
 * Returns: (transfer full): an array of layers, or NULL with LSTM_ERROR_FORMAT, _LAYER, _SHAPE or
 * _TENSOR */
JsonArray *lstm_layer_config_get (
    const LstmSafetensors *st, const char *module_chain, GError **error);

/* Returns: (transfer full): the prefix of the names of a layer's tensors */
char *lstm_layer_config_get_prefix (JsonObject *layer);

/* Sets @rate to the number of steps per second; 0 if the file does not contain it.
 * Returns: FALSE with LSTM_ERROR_LAYER if the number is not in its range */
gboolean lstm_layer_config_read_rate (const LstmSafetensors *st, double *rate, GError **error);
