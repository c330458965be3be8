/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a state dict of PyTorch leaves unsaid: the order of its modules, by their sizes, or by what
 * lstm-convert's --head says. */
#pragma once

#include "safetensors.h"
#include <json-glib/json-glib.h>

/* Returns: (transfer full): layers in the words of docs/formats.md; NULL with LSTM_ERROR_LAYER or
 * LSTM_ERROR_TENSOR. @head: what --head says, or NULL */
JsonArray *lstm_statedict_describe (
    const LstmSafetensors *st, const char *head, GError **error);
