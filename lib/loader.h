/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "builder.h"
#include "safetensors.h"
#include <json-glib/json-glib.h>

#define KEY_VERSION "lstm.version"
#define KEY_LAYERS "lstm.layers"

typedef struct {
  LstmSafetensors *st;
  LstmBuilder *builder;
} LstmLoader;

/* The layer that a JSON object of docs/formats.md describes, the @index-th of its array */
gboolean lstm_loader_add_layer (
    const LstmLoader *loader, JsonNode *node, guint index, GError **error);

/* nn.LSTM's layers PREFIXweight_ih_l0, _l1 … as far as there are any; at least one. */
gboolean lstm_loader_add_stack (const LstmLoader *loader, const char *prefix, GError **error);
