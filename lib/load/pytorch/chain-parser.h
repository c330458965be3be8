/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Parser of the module chain of a state dict. A module chain lists the modules, and the
 * operations without tensors between them, from input to output. docs/models.md defines its
 * keywords. */
#pragma once

#include "load/pytorch/modules.h"
#include <json-glib/json-glib.h>

/* Returns the keyword for a module in a module chain: its name, or "." if it has none. */
const char *lstm_chain_get_name (const LstmModule *module);

/* Returns: (transfer full): "NAME: KIND [in → out], …" of all @modules, for messages */
char *lstm_chain_list_modules (const GPtrArray *modules);

/* Parses @module_chain. @modules: (element-type LstmModule): at most LSTM_MAX_MODULES.
 * @module_chain: (nullable): NULL for a chain of the first module only.
 * Returns: (transfer full): layers as docs/formats.md describes them; NULL with LSTM_ERROR_LAYER if
 * @module_chain has a syntax error or omits a module */
JsonArray *lstm_chain_parse (const LstmSafetensors *st, const GPtrArray *modules,
    const char *module_chain, GError **error);
