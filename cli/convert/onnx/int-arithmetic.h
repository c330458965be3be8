/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Arithmetic on integers that may depend on an unknown size. A result that OnnxInt cannot represent
 * is unknown. */
#pragma once

#include "onnx/axis.h"

extern const OnnxInt onnx_int_unknown;

OnnxInt onnx_int_add (const OnnxReader *reader, OnnxInt a, OnnxInt b);
OnnxInt onnx_int_subtract (const OnnxReader *reader, OnnxInt a, OnnxInt b);
OnnxInt onnx_int_multiply (const OnnxReader *reader, OnnxInt a, OnnxInt b);
OnnxInt onnx_int_divide (const OnnxReader *reader, OnnxInt a, OnnxInt b);

/* Returns the remainder with the sign of @b. */
OnnxInt onnx_int_remainder (const OnnxReader *reader, OnnxInt a, OnnxInt b);
OnnxInt onnx_int_min (const OnnxReader *reader, OnnxInt a, OnnxInt b);
OnnxInt onnx_int_max (const OnnxReader *reader, OnnxInt a, OnnxInt b);

/* The comparisons and logical operators return 1, 0 or unknown. */
OnnxInt onnx_int_is_equal (const OnnxReader *reader, OnnxInt a, OnnxInt b);
OnnxInt onnx_int_is_less (const OnnxReader *reader, OnnxInt a, OnnxInt b);
OnnxInt onnx_int_is_greater (const OnnxReader *reader, OnnxInt a, OnnxInt b);
OnnxInt onnx_int_is_at_most (const OnnxReader *reader, OnnxInt a, OnnxInt b);
OnnxInt onnx_int_is_at_least (const OnnxReader *reader, OnnxInt a, OnnxInt b);
OnnxInt onnx_int_and (const OnnxReader *reader, OnnxInt a, OnnxInt b);
OnnxInt onnx_int_or (const OnnxReader *reader, OnnxInt a, OnnxInt b);
OnnxInt onnx_int_not (const OnnxReader *reader, OnnxInt a);

OnnxInt onnx_int_negate (const OnnxReader *reader, OnnxInt a);

/* Returns unknown also for a negative integer. */
OnnxInt onnx_int_absolute (const OnnxReader *reader, OnnxInt a);
