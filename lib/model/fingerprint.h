/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A model in words, from which its fingerprint is made: a line for each layer, with its options
 * and its weights as the builder is given them. It is the same on every machine, for floats stand
 * there as their bits and names of layers and tensors do not. */
#pragma once

#include "model/builder.h"

/* Begins a layer, with arrays that may be NULL. */
void lstm_fingerprint_layer (
    GString *text, const char *type, const LstmArray *const *arrays, guint n_arrays);

/* What belongs to the layer that was begun last */
void lstm_fingerprint_size (GString *text, gsize value);
void lstm_fingerprint_number (GString *text, float value);
void lstm_fingerprint_activation (GString *text, const LstmActivation *activation);

/* An LSTM layer, or a direction of one: the merge follows the two as a layer of its own. */
void lstm_fingerprint_recurrent (GString *text, const LstmRecurrent *recurrent);

/* Returns: (transfer full): hexadecimal digits */
char *lstm_fingerprint_make (const GString *text);
