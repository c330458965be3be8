/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Activation functions of Keras, as docs/formats.md describes activations: a name, or an object
 * with name, alpha and beta. */
#pragma once

#include "keras/reader.h"

/* Returns: (transfer full): the activation that @config has under @key, or @default_name if the
 * member is missing; NULL with an error. @default_name: (nullable): NULL: the member must exist */
JsonNode *keras_get_activation (KerasReader *reader, const KerasLayer *layer,
    JsonObject *config, const char *key, const char *default_name);

/* Returns whether @activation is @name with the default parameters. */
gboolean keras_activation_is (JsonNode *activation, const char *name);
