/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Runs an ONNX model in ONNX Runtime, if the build found that library. */
#pragma once

#include "../array.h"

/* Returns whether test_onnx_run() is available. */
gboolean test_has_onnxruntime (void);

/* Runs the model at @path, which has one input of float32 or uint8 and one output of float32, over
 * each of @n_rows parts of @input. Fails if the shapes differ from @row_dims and @n_outputs.
 * @row_dims: the shape of the input, without the first axis, which has size 1
 * @output: (n_rows, n_outputs)
 * Returns: FALSE if the model has a newer opset than the installed ONNX Runtime reads */
gboolean test_onnx_run (const char *path, gsize n_rows, guint n_row_dims, const gsize *row_dims,
    const float *input, gsize n_outputs, float *output);
