/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A state dict of PyTorch has modules, but not the chain that they run in: the caller states it,
 * unless there is one LSTM and nothing else. */
#pragma once

#include "container/safetensors.h"
#include <json-glib/json-glib.h>

/* @module_chain: the chain, see lstm_chain_parse(), or NULL. Returns: (transfer full): layers in the words of
 * docs/formats.md; NULL with LSTM_ERROR_LAYER, which proposes a module chain, or LSTM_ERROR_TENSOR */
JsonArray *lstm_statedict_describe (
    const LstmSafetensors *st, const char *module_chain, GError **error);
