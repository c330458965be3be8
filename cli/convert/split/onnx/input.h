/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The input of a video model: its frames, and which of its axes are batch and time. */
#pragma once

#include "split/onnx/graph.h"

/* Axes of the input of frames */
typedef struct {
  gint batch, time;  /* batch is -1 if the input has no such axis */
  gboolean is_inner; /* the time axis also has the channels: [B, T·C, H, W] */
} SplitAxes;

#define SPLIT_N_GUESSES 6

/* The axes that exporters use, in the order in which they are tried */
extern const SplitAxes onnx_split_guesses[SPLIT_N_GUESSES];

/* Parses --axes: "B,T", "-,T", and "B,T,channels" if the axis T has the channels too.
 * Returns FALSE with @error. */
gboolean onnx_split_parse_axes (const ConvertInput *input, SplitAxes *axes, GError **error);

/* Adds the inputs and the initializers of the graph. Finds the input of frames.
 * Returns FALSE with @error. */
gboolean onnx_split_add_inputs (Splitter *splitter, GError **error);

/* Adds the initializers of @graph to the current scope. Returns FALSE with @error. */
gboolean onnx_split_add_initializers (
    Splitter *splitter, const Onnx__GraphProto *graph, GError **error);

/* Sets the dimensions of the input of frames.
 * Returns: (nullable): the problem, "FIELD: expected X, found Y" */
const char *onnx_split_set_axes (Splitter *splitter, SplitAxes axes);

/* Returns the shape of the input as text, with "?" for a free size. */
const char *onnx_split_describe_input (Splitter *splitter);
