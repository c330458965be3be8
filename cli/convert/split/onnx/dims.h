/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The dimensions of a tensor that depends on frames. An axis is an ordered product of atoms, major
 * first, and each atom is a size of the batch, of time, or of a frame. An axis without atoms has
 * size 1. Sizes of 1 are not atoms, and neighbouring atoms of a frame are one atom. */
#pragma once

#include "onnx/reader.h"

#define SPLIT_MAX_ATOMS 5 /* of an axis: at most one of the batch and one of time */

typedef enum { SPLIT_TAG_NONE, SPLIT_TAG_BATCH, SPLIT_TAG_TIME, SPLIT_N_TAGS } SplitTag;

typedef struct {
  gint64 size; /* 2 or more */
  SplitTag tag;
} SplitAtom;

typedef struct {
  guint n;
  SplitAtom atoms[SPLIT_MAX_ATOMS]; /* (n) */
} SplitAxis;

typedef struct {
  guint n;
  SplitAxis axes[ONNX_MAX_DIMS]; /* (n) */
} SplitDims;

/* Returns an axis of one atom, or without atoms if @size is 1. */
SplitAxis onnx_split_axis (gint64 size, SplitTag tag);
SplitAxis onnx_split_plain_axis (gint64 size);

/* Appends an atom to @axis. Returns FALSE if @axis has no space for the atom. */
gboolean onnx_split_axis_append (SplitAxis *axis, SplitAtom atom);
gint64 onnx_split_axis_size (const SplitAxis *axis);

/* Returns the size of @axis in a model whose batch and whose time have size 1. */
gint64 onnx_split_axis_frame_size (const SplitAxis *axis);

/* Returns whether @axis has an atom of the batch or of time. */
gboolean onnx_split_axis_is_tagged (const SplitAxis *axis);
gboolean onnx_split_axis_has_tag (const SplitAxis *axis, SplitTag tag);

/* Returns whether the only atom of @axis is time. */
gboolean onnx_split_axis_is_time (const SplitAxis *axis);
gboolean onnx_split_axis_equal (const SplitAxis *a, const SplitAxis *b);

/* Counts the atoms of @dims with the tag @tag. */
guint onnx_split_dims_count (const SplitDims *dims, SplitTag tag);

/* Counts the values of @dims. Returns FALSE if a size is below 1 or the number overflows. */
gboolean onnx_split_dims_n_values (const SplitDims *dims, gint64 *n);

/* Sets *result to the atoms of @dims, in order, as axes of the sizes @target, (n).
 * Returns: (nullable): the problem, "expected X, found Y" */
const char *onnx_split_dims_regroup (
    const SplitDims *dims, guint n, const gint64 *target, SplitDims *result);

/* Returns @dims as text: "[B=2, T=16, 3, 96, 96]". */
const char *onnx_split_dims_describe (OnnxReader *reader, const SplitDims *dims);
