/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Parser of the module chain of a state dict. A module chain lists the modules, and the
 * operations without tensors between them, from input to output. docs/models.md defines its
 * keywords. */
#pragma once

#include "load/pytorch/modules.h"
#include <json-glib/json-glib.h>

/* Modules whose tensors in a state dict are those of an nn.LayerNorm, for messages */
#define LSTM_CHAIN_NOT_LAYER_NORM                                                              \
  "an nn.GroupNorm, an nn.InstanceNorm1d, an nn.BatchNorm1d without running statistics, or a " \
  "class of the program"

/* Returns the keyword for a module in a module chain: its name, or "." if it has none. */
const char *lstm_chain_get_name (const LstmModule *module);

/* Returns: (transfer full): "NAME: KIND [in → out], …" of all @modules, for messages */
char *lstm_chain_list_modules (const GPtrArray *modules);

/* Returns whether a module of the kind SEQUENCE runs all modules in it, which are modules of the
 * same array, in their order as a module chain does: nn.Sequential cannot pass on the tuple that a
 * recurrent module returns, and does not keep the state of a cell from step to step. */
gboolean lstm_chain_is_sequence (const GPtrArray *modules, const LstmModule *module);

/* Returns whether @module is directly in @parent, or at any depth if @is_deep. */
gboolean lstm_chain_is_inside (
    const LstmModule *module, const LstmModule *parent, gboolean is_deep);

/* Parses @module_chain. @modules: (element-type LstmModule): at most LSTM_MAX_MODULES.
 * @module_chain: (nullable): NULL for a chain of the first module only.
 * Returns: (transfer full): layers as docs/formats.md describes them; NULL with LSTM_ERROR_LAYER if
 * @module_chain has a syntax error or omits a module */
JsonArray *lstm_chain_parse (const LstmSafetensors *st, const GPtrArray *modules,
    const char *module_chain, GError **error);
