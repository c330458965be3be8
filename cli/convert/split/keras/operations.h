/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The operations on tensors that Keras saves as layers: x * 2 or x + y. */
#pragma once

#include "keras/graph.h"
#include "split/keras/calls.h"

/* Checks that the operation is supported. */
gboolean keras_check_operation (KerasReader *reader, const KerasCall *call);

/* Sets @scale to the number by which the operation multiplies its only input. Returns FALSE without
 * an error if the operation does anything else. */
gboolean keras_get_operation_scale (const KerasCall *call, double *scale);

/* Adds the node of the operation, and sets @output. */
gboolean keras_emit_operation (FrameGraph *graph, const FrameCall *call, FrameValue *output);

/* --- operations-channels.c: the nodes of x[…] and of stack --- */

gboolean keras_emit_get_item (FrameGraph *graph, const FrameCall *call, FrameValue *output);
gboolean keras_emit_stack (FrameGraph *graph, const FrameCall *call, FrameValue *output);
