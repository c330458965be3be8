/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The calls of calls.h while model-calls.c appends them. */
#pragma once

#include "split/keras/calls.h"

/* A call of a layer in a model */
typedef struct {
  KerasLayer *layer;
  KerasLayer *outer; /* the TimeDistributed that contains the call; nullable */
  JsonNode *node;    /* in inbound_nodes; nullable */
  guint n_outer;     /* as in FrameCall */
} ModelCall;

/* Reads the layers of the model of the file, and of the models in it, and fills @calls except for
 * its calls. The caller clears @calls in any case. */
gboolean keras_calls_read (KerasCalls *calls, KerasReader *reader);

/* Checks that a layer with weights, or a model, has one call. */
gboolean keras_calls_add_weighted (KerasCalls *calls, KerasLayer *layer);

/* Appends the call @source, which reads the calls @inputs. Returns its index */
guint keras_calls_add (KerasCalls *calls, const ModelCall *source, GArray *inputs);

/* Appends the call of @layer that is the input of the model. Returns its index */
guint keras_calls_append_input (KerasCalls *calls, KerasLayer *layer);
