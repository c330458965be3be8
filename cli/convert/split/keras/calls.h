/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The calls of layers that compute the output of a video model, in the order of computation. Nested
 * models and TimeDistributed are replaced by the layers that they consist of. */
#pragma once

#include "split/keras/frames.h"

typedef struct {
  KerasLayer *layer;  /* the inner layer of a TimeDistributed */
  KerasLayer *outer;  /* the TimeDistributed, or @layer */
  JsonNode *node;     /* of the call in inbound_nodes; nullable */
  guint n_outer;      /* as in FrameCall */
  GArray *inputs;     /* guint, indices of calls; none: the input of the model */
  gboolean is_memory; /* depends on a recurrent layer */
  gboolean is_used;   /* the features depend on the call */
  FrameValue value;   /* the result, of a call that is used */
} KerasCall;

typedef struct {
  KerasReader *reader;
  GPtrArray *calls;     /* KerasCall, each after its inputs */
  GHashTable *weighted; /* KerasLayer, called, that have weights */
  guint output;         /* index of the call that computes the output of the model */
} KerasCalls;

/* Reads the layers of the model of the file, and of the models in it. Fills calls->calls and
 * calls->output. The caller clears @calls in any case. */
gboolean keras_calls_open (KerasCalls *calls, KerasReader *reader);
void keras_calls_clear (KerasCalls *calls);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (KerasCalls, keras_calls_clear)

/* Returns: (transfer none): call @index */
KerasCall *keras_calls_get (const KerasCalls *calls, guint index);
