/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The configuration of recurrent layers: LSTM, GRU, SimpleRNN, and RNN with one or more of their
 * cells. */
#pragma once

#include "keras/reader.h"

#define KERAS_MAX_GATES 4

/* A kind of recurrent layers: a row in recurrent-config.c */
typedef struct {
  const char *cell; /* class of the cell */
  const char *type; /* in docs/formats.md */
  guint n_gates;
  guint gates[KERAS_MAX_GATES]; /* index in Keras, for each gate in the order of PyTorch */

  /* The activations of docs/formats.md: 'g' is recurrent_activation, 'c' is activation */
  const char *activations;
  const char *default_activations[2]; /* of 'g' and 'c' in docs/formats.md */

  guint n_states;           /* variables that Keras 3 saves with a stateful layer */
  gboolean has_reset_after; /* the configuration has this key */
} KerasRecurrentKind;

/* A layer, or one cell of an RNN */
typedef struct {
  const KerasRecurrentKind *kind;
  gsize units;
  gboolean has_bias;
  gboolean is_reset_after; /* the reset gate scales the product with the recurrent kernel */
  gboolean is_reset_after_missing; /* in the configuration */
  JsonNode *gate, *candidate;      /* activations; gate is NULL if the kind has no gates */
} KerasCell;

/* One direction */
typedef struct {
  GPtrArray *cells;    /* KerasCell, from input to output */
  gboolean is_stacked; /* the cell is a StackedRNNCells */
  gboolean returns_sequences;
  gboolean is_backward;
  gboolean has_zero_masked; /* the output of a masked step is 0 */
} KerasRecurrent;

void keras_recurrent_clear (KerasRecurrent *recurrent);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (KerasRecurrent, keras_recurrent_clear)

/* Parses @config, the configuration of a layer of @class. The configuration of an RNN contains a
 * cell, which has the keys of the cell. @layer: for messages, and the caller's layer */
gboolean keras_parse_recurrent (KerasReader *reader, const KerasLayer *layer,
    const KerasClass *class, JsonObject *config, KerasRecurrent *recurrent);

/* Parses both directions of a Bidirectional layer. */
gboolean keras_parse_directions (KerasReader *reader, const KerasLayer *layer,
    KerasRecurrent *forward, KerasRecurrent *backward);

/* Returns the number of states of a layer of @class: two for an LSTM; 0 for another class. */
guint keras_count_states (const KerasClass *class, JsonObject *config);
