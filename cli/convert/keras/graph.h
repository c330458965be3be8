/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "keras/reader.h"

/* Reads the configuration @root, and fills reader->layers, reader->models and reader->chain.
 * Afterwards each layer of the chain has a supported class. */
gboolean keras_build_chain (KerasReader *reader, JsonNode *root);
