/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Axes of signals. An axis is a product of factors, major first. An axis without factors has size
 * 1. Transpose, Squeeze and Reshape only regroup factors. A recurrent node determines which factors
 * are time, batch and features. Each factor has a number, which is 1 or more. */
#pragma once

#include "onnx/reader.h"

#define ONNX_MAX_FACTORS 8 /* of an axis */

#define ONNX_NO_FACTOR 0         /* OnnxInt.factor of a known integer */
#define ONNX_UNKNOWN_FACTOR (-1) /* OnnxInt.factor of an unknown integer */

/* The integer offset + coefficient · size of factor */
typedef struct {
  gint64 offset, coefficient;
  int factor; /* a number of a factor, ONNX_NO_FACTOR or ONNX_UNKNOWN_FACTOR */
} OnnxInt;

typedef enum { ONNX_ROLE_UNKNOWN, ONNX_ROLE_TIME, ONNX_ROLE_BATCH, ONNX_ROLE_FEATURE } OnnxRole;

typedef struct {
  gint64 size; /* -1 if unknown */
  OnnxRole role;
} OnnxFactor;

typedef struct {
  guint n;
  int factors[ONNX_MAX_FACTORS]; /* (n) */
} OnnxAxis;

OnnxInt onnx_int_constant (gint64 value);

/* Returns whether @a and @b are known to be equal. */
gboolean onnx_int_equal (const OnnxReader *reader, OnnxInt a, OnnxInt b);

/* Returns the first 8 of @ints as text: "[2, ?]". */
const char *onnx_ints_describe (OnnxReader *reader, const OnnxInt *ints, gsize n);

/* Returns the number of a new factor. @size: -1 if unknown */
int onnx_factor_new (OnnxReader *reader, gint64 size, OnnxRole role);
OnnxFactor *onnx_get_factor (const OnnxReader *reader, int factor);

/* Returns an axis of one new factor, or without factors if @size is 1. */
OnnxAxis onnx_axis_new (OnnxReader *reader, gint64 size, OnnxRole role);
OnnxInt onnx_axis_size (const OnnxReader *reader, const OnnxAxis *axis);
gboolean onnx_axis_equal (const OnnxAxis *a, const OnnxAxis *b);

/* Returns FALSE if @axis has no space for the factors of @more. */
gboolean onnx_axis_append (OnnxAxis *axis, const OnnxAxis *more);

/* Sets the role of all factors of @axis. Returns FALSE if a factor has another known role. */
gboolean onnx_axis_bind (OnnxReader *reader, const OnnxAxis *axis, OnnxRole role);

/* Returns whether @axis is time alone. */
gboolean onnx_axis_is_time (const OnnxReader *reader, const OnnxAxis *axis);

/* Returns whether @axis has @n values. An axis of unknown size gets the size @n. */
gboolean onnx_axis_set_size (OnnxReader *reader, const OnnxAxis *axis, gsize n);

/* Returns role and size of @axis as text: "time of unknown size". */
const char *onnx_axis_describe (OnnxReader *reader, const OnnxAxis *axis);

/* Returns the sizes of @axes as text: "[?, 2, 6]". */
const char *onnx_axes_describe (OnnxReader *reader, const OnnxAxis *axes, guint n);
