/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The description of one layer in a model file: its JSON object of docs/formats.md, and its
 * tensors. The functions that return gboolean return FALSE with @error set after a failure. */
#pragma once

#include "container/safetensors.h"
#include "layers/builder.h"
#include <json-glib/json-glib.h>

struct _LstmLayerSource {
  const LstmLayerKind *kind;
  const LstmSafetensors *st;
  LstmBuilder *builder;
  const char *name;   /* of the layer, in messages */
  const char *prefix; /* the beginning of the names of its tensors */
  JsonObject *object;
};

void lstm_array_clear (LstmArray *array);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (LstmArray, lstm_array_clear)

/* Returns whether the file has the tensor @name of the layer. */
gboolean lstm_layer_source_has_tensor (const LstmLayerSource *source, const char *name);

/* Opens the tensor @name of the layer with lstm_safetensors_open(). If the tensor is missing, sets @found to FALSE and keeps
 * @array unchanged; with @found NULL a missing tensor is an error. */
gboolean lstm_layer_source_open_tensor (const LstmLayerSource *source, const char *name,
    gboolean *found, LstmArray *array, GError **error);

/* Opens a tensor like lstm_layer_source_open_tensor() and reads its values. */
gboolean lstm_layer_source_read_tensor (const LstmLayerSource *source, const char *name,
    gboolean *found, LstmArray *array, GError **error);

/* Reads a value per feature, or a single value for all features: the number under @key, else the
 * tensor @key, else @fallback. */
gboolean lstm_layer_source_read_row (const LstmLayerSource *source, const char *key,
    double fallback, LstmArray *array, GError **error);

/* Read the value under @key. Without this key, the result is @fallback, or the index of the first of
 * @choices. NULL ends @choices. */
gboolean lstm_layer_source_read_number (const LstmLayerSource *source, const char *key,
    double fallback, float *value, GError **error);
gboolean lstm_layer_source_read_boolean (const LstmLayerSource *source, const char *key,
    gboolean fallback, gboolean *value, GError **error);
gboolean lstm_layer_source_read_choice (const LstmLayerSource *source, const char *key,
    const char *const *choices, guint *index, GError **error);

/* Reads an activation: @node is its name, an object of "name", "alpha" and "beta", or NULL for
 * the activation @fallback. */
gboolean lstm_layer_source_read_activation (const LstmLayerSource *source, JsonNode *node,
    const char *fallback, LstmActivation *activation, GError **error);

/* Sets @error to a message with @expected, and with the value that @object has under @key.
 * Returns: FALSE */
gboolean lstm_layer_source_refuse_value (const LstmLayerSource *source, JsonObject *object,
    const char *key, const char *expected, GError **error);
