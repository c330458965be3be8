/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The order of a batch. pack_padded_sequence (enforce_sorted=False) of PyTorch sorts the sequences
 * of a batch by length before a layer, and restores their order after the layer. Sequences do not
 * depend on each other, so that such indices select the sequence itself. A value states whether it
 * is sorted, because the output must not be. */
#pragma once

#include "onnx/op.h"

/* Sorts sequence lengths, or indices of a sorted batch. */
OnnxValue *onnx_fold_top_k (OnnxReader *reader, OnnxNode *node);

/* Inverts indices that sort a batch. */
OnnxValue *onnx_fold_scatter_elements (OnnxReader *reader, OnnxNode *node);

/* Returns the indices of a batch in order if @node counts from 0 to its size, and NULL otherwise. */
OnnxValue *onnx_match_batch_range (OnnxReader *reader, OnnxNode *node);

/* Returns the size of a batch as a list if @tensor has one value for each sequence, and NULL
 * otherwise. */
const OnnxTensor *onnx_get_batch_shape (OnnxReader *reader, const OnnxTensor *tensor);

/* Returns whether @tensor consists of indices that change the order of a batch. */
gboolean onnx_is_batch_order (const OnnxTensor *tensor);

/* Returns @in, whose sequences along @axis @indices select, or an unsupported value. */
OnnxValue *onnx_gather_batch (OnnxReader *reader, const OnnxNode *node, const OnnxValue *in,
    guint axis, const OnnxTensor *indices);
