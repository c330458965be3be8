/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The module chain of a state dict: the chain of its modules, and of what has no tensors between them, from
 * the input to the output. docs/models.md has the words. */
#pragma once

#include "load/pytorch/modules.h"
#include <json-glib/json-glib.h>

/* Returns the word for a module in a module chain: its name, or a dot where it has none. */
const char *lstm_chain_get_name (const LstmModule *module);

/* "NAME: KIND [in → out], …" of all @modules, for messages. Returns: (transfer full) */
char *lstm_chain_list_modules (const GPtrArray *modules);

/* @modules: LstmModule, at most LSTM_MAX_MODULES. @module_chain: NULL for the first module alone.
 * Returns: (transfer full): layers in the words of docs/formats.md; NULL with LSTM_ERROR_LAYER where
 * @module_chain is wrong or leaves a module out */
JsonArray *lstm_chain_parse (
    const LstmSafetensors *st, const GPtrArray *modules, const char *module_chain, GError **error);
