/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Layers of a PyTorch state dict. A state dict contains modules but not the order in which they
 * run, so the caller states a module chain unless the file contains a single LSTM and no other
 * module. */
#pragma once

#include "container/safetensors.h"
#include <json-glib/json-glib.h>

/* @records: (nullable) (element-type LstmModuleRecord): of the modules of a saved model, in the
 * order in which they are created; NULL for a state dict.
 * @module_chain: (nullable): see lstm_chain_parse().
 * Returns: (transfer full): layers as docs/formats.md describes them; NULL with LSTM_ERROR_TENSOR,
 * _SHAPE or _LAYER. If @module_chain is missing, the error proposes one. */
JsonArray *lstm_statedict_get_layers (const LstmSafetensors *st, const GPtrArray *records,
    const char *module_chain, GError **error);
