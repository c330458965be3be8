/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Keys of functions of a frame. Two tensors have the same key if the same operators compute them
 * from their frames, with the same attributes and with constants of the same numbers. */
#pragma once

#include "split/onnx/graph.h"

#define SPLIT_KEY_SIZE 32 /* bytes: SHA-256 */

/* Returns: (nullable): the key of @value, or NULL if memory is insufficient. The frame that a
 * tensor depends on is not a part of the key. The total time is linear in the size of the graph. */
const guint8 *onnx_split_get_key (Splitter *splitter, SplitValue *value);

/* Returns: (nullable): the key of the operator, the attributes and those inputs of @node that have
 * a bit in @mask */
const guint8 *onnx_split_get_node_key (Splitter *splitter, SplitNode *node, guint32 mask);

/* Returns whether neither is NULL and both are equal. */
gboolean onnx_split_keys_equal (const guint8 *a, const guint8 *b);

/* Describes the first operator or constant of @value that differs from that of @first: 'node "relu"
 * (Relu)'. */
const char *onnx_split_describe_difference (
    Splitter *splitter, SplitValue *value, SplitValue *first);
