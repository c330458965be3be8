/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Arguments of nodes. Many are attributes in old opsets of ONNX, and inputs in new ones. */
#pragma once

#include "onnx/node.h"

/* Gets integers from @attribute, which may be NULL, or else from input @input. *ints is NULL if the
 * node has neither. Returns FALSE if the argument is not a list of constant integers. */
gboolean onnx_get_ints (OnnxReader *reader, OnnxNode *node, const char *attribute, guint input,
    const OnnxInt **ints, gsize *n);

/* Describes the argument of onnx_get_ints() for a message. */
const char *onnx_describe_argument (
    OnnxReader *reader, const OnnxNode *node, const char *attribute, guint input);

/* Returns an unsupported value: @expected describes the argument @field, and the argument differs.
 * */
OnnxValue *onnx_unsupported_argument (OnnxReader *reader, const OnnxNode *node,
    const char *field, const char *attribute, guint input, const char *expected);

/* Converts an axis that counts from the end if it is negative.
 * Returns FALSE if @axis is not an axis of @n_dims dimensions. */
gboolean onnx_resolve_axis (gint64 axis, guint n_dims, guint *result);

/* Gets the attribute axis, or @missing if @node has no such attribute. Returns NULL, or an
 * unsupported value if the axis is not an axis of @n_dims dimensions. */
OnnxValue *onnx_get_axis (
    OnnxReader *reader, OnnxNode *node, gint64 missing, guint n_dims, guint *axis);

/* Sets a bit of *mask for each axis that the attribute axes or input 1 lists. Sets *has_axes to
 * whether there is such a list. Returns NULL, or an unsupported value. */
OnnxValue *onnx_get_axes (
    OnnxReader *reader, OnnxNode *node, guint n_dims, guint32 *mask, gboolean *has_axes);

/* Gets the bits of the axes that Unsqueeze inserts into @n_dims axes, and the new number of axes.
 * Returns NULL, or an unsupported value. */
OnnxValue *onnx_get_new_axes (
    OnnxReader *reader, OnnxNode *node, guint n_dims, guint32 *mask, guint *n_new_dims);

typedef struct {
  OnnxInt start, end;
  gint64 stride;
} OnnxRange;

/* Gets the range of each axis from the arguments of Slice. An axis that Slice does not name has the
 * full range. Returns NULL, or an unsupported value. */
OnnxValue *onnx_get_ranges (
    OnnxReader *reader, OnnxNode *node, guint n_dims, OnnxRange *ranges);

/* Gets the first index and the count of a range over @size values.
 * Returns FALSE if the range depends on an unknown size. */
gboolean onnx_get_extent (OnnxRange range, gint64 size, gint64 *first, gint64 *n);

/* Gets the sizes of the outputs of Split. @size: of the axis, -1 if unknown. @sizes: (n_outputs)
 * Returns NULL, or an unsupported value. */
OnnxValue *onnx_get_splits (OnnxReader *reader, OnnxNode *node, gint64 size, gint64 *sizes);

/* Gets the attribute perm. Without perm, Transpose reverses the order of the axes.
 * Returns NULL, or an unsupported value. */
OnnxValue *onnx_get_permutation (
    OnnxReader *reader, OnnxNode *node, guint n_dims, guint *permutation);

/* Gets the range of axes that Shape returns from the attributes start and end. */
void onnx_get_shape_range (const OnnxNode *node, guint n_dims, guint *start, guint *end);
