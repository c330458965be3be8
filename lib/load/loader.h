/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/builder.h"
#include "load/layer-config.h"

typedef struct {
  LstmSafetensors *st;
  LstmBuilder *builder;
} LstmLoader;

/* The layer that a JSON object of docs/formats.md describes, the @index-th of its array */
gboolean lstm_loader_add_layer (
    const LstmLoader *loader, JsonNode *node, guint index, GError **error);
