/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The values of names that no node computes: initializers and inputs of the model. */
#pragma once

#include "onnx/scope.h"

/* Finds the inputs of the model that are initial states or sequence lengths of a layer. */
void onnx_find_state_inputs (OnnxReader *reader);

/* Adds the values of initializers and inputs. An initializer may be listed as an input too.
 * Returns FALSE with @error if an initializer is not unique or is sparse. */
gboolean onnx_add_inputs (OnnxReader *reader, OnnxScope *scope, GError **error);
