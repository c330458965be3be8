/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Writes the text whose digest is the fingerprint of a model: a line per layer, with the options
 * and weights of the layer. The text is the same on every machine: floats are written as their
 * bits, and enum values as names. The text contains no names of layers or tensors. */
#pragma once

#include "container/array.h"
#include "activations/activations.h"

/* Appends the line of a layer. @arrays may contain NULL. All values of an array without values in
 * memory must have been read. */
void lstm_fingerprint_add_layer (
    GString *text, const char *type, const LstmArray *const *arrays, guint n_arrays);

/* Append an option to the last line. */
void lstm_fingerprint_add_size (GString *text, gsize value);
void lstm_fingerprint_add_number (GString *text, float value);
void lstm_fingerprint_add_boolean (GString *text, gboolean value);
void lstm_fingerprint_add_activation (GString *text, const LstmActivation *activation);

/* Returns: (transfer full): the fingerprint of @text, SHA-256 in hexadecimal digits */
char *lstm_fingerprint_make (const GString *text);
