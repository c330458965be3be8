/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Time that is unrolled: a model that computes each frame in nodes of its own. */
#pragma once

#include "split/onnx/emit.h"

/* Sets the output of @node, a Concat along @axis whose input k depends on frame k alone, for all
 * steps. The inputs must be the same function of their frames.
 * Returns NULL, or an unsupported value. */
OnnxValue *onnx_split_join (Splitter *splitter, SplitNode *node, guint axis);

/* Sets the output of @node, a ScatterND that writes one frame into a constant, as "y[:, t] = frame"
 * does in PyTorch. When all frames are written, the output has time. The frames must be the same
 * function of their frames. Returns NULL, or an unsupported value. */
OnnxValue *onnx_split_scatter (Splitter *splitter, SplitNode *node);

/* The recurrent nodes of one step each that one node over all steps replaces */
typedef struct {
  GHashTable *made; /* names that the new nodes compute */
  GHashTable
      *gone; /* names of cell states of steps before the last one, which no node computes */
} SplitRolled;

/* Replaces the recurrent nodes of one step each by one node over all steps for each layer. Adds the
 * nodes and their constants to the model of @emitter. The first of them reads the cut of the
 * splitter. Adds names to the tables of @rolled.
 * Returns NULL, or an unsupported value. */
OnnxValue *onnx_split_roll (SplitEmitter *emitter, SplitRolled *rolled);
