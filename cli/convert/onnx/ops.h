/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The table of ONNX operators. */
#pragma once

#include "onnx/op.h"

/* Returns: (nullable): the row of the operator @name, or NULL if the table has no such row. The row
 * of an unsupported operator has no functions. */
const OnnxOp *onnx_find_op (const char *name);
