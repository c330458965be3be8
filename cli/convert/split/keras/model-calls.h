/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The calls of the layers of one model, for calls.c. */
#pragma once

#include "split/keras/calls.h"

/* A call of a layer in a model */
typedef struct {
  KerasLayer *layer;
  KerasLayer *outer; /* the TimeDistributed that contains the call; nullable */
  JsonNode *node;    /* in inbound_nodes; nullable */
  guint n_outer;     /* as in FrameCall */
} ModelCall;

/* Appends the calls of @source->layer, which is one call unless the layer is a model or wraps one.
 * @index: set to the call that computes the output */
gboolean keras_calls_append (
    KerasCalls *calls, const ModelCall *source, GArray *inputs, guint *index);

/* Appends the call of @layer that is the input of the model. Returns its index */
guint keras_calls_append_input (KerasCalls *calls, KerasLayer *layer);

/* Appends the calls of the layers of @model, which @source calls. @inputs: the indices of the inputs;
 * NULL: the model is the model of the file.
 * @index: set to the call that computes the output */
gboolean keras_calls_append_model (KerasCalls *calls, const KerasModel *model,
    const ModelCall *source, GArray *inputs, guint *index);
