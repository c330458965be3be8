/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Chooses the output of the model that the layers compute. */
#pragma once

#include "onnx/scope.h"

/* Adds notes on inputs and outputs that the layers do not have.
 * Returns: the last stage of the output, or NULL with @error if no output can be converted */
const OnnxStage *onnx_choose_output (
    OnnxReader *reader, const OnnxScope *scope, GError **error);

/* Checks that the model has the output that --output names, if it names one. */
gboolean onnx_check_output (const OnnxReader *reader, GError **error);
