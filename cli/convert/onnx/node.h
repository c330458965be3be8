/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Nodes of an ONNX graph: attributes, inputs and outputs. */
#pragma once

#include "onnx/value.h"

typedef struct _OnnxOp OnnxOp;
typedef struct _OnnxScope OnnxScope;

typedef struct {
  const Onnx__NodeProto *proto;
  const OnnxOp *op; /* NULL: the table of operators has no such name */
  const OnnxScope *scope;
  const char *label; /* node "NAME" (Op) */
  guint n_inputs, n_outputs;
  OnnxValue **inputs;  /* (n_inputs), NULL for an omitted input */
  OnnxValue **outputs; /* (n_outputs), which the operator fills in */
} OnnxNode;

/* Returns 'node "NAME" (Op)' for messages. A node without a name has the name of its first
 * output. */
const char *onnx_label_node (OnnxReader *reader, const Onnx__NodeProto *proto);

/* Returns an unsupported value whose problem is the node's label, ": " and the formatted text,
 * "FIELD: expected X, found Y". */
OnnxValue *onnx_unsupported (OnnxReader *reader, const OnnxNode *node, const char *format, ...)
    G_GNUC_PRINTF (3, 4);

/* The end of a message about values that steps compute from each other */
#define ONNX_ATTENTION ", as in attention over the steps, which liblstm does not run"

/* Returns an unsupported value: @expected describes @field, input @i of @node, and the input
 * differs. */
OnnxValue *onnx_unsupported_input (
    OnnxReader *reader, const OnnxNode *node, const char *field, guint i, const char *expected);

/* Returns @tensor as a value, or an unsupported value if @tensor is NULL, which means insufficient
 * memory. */
OnnxValue *onnx_value_from_tensor (
    OnnxReader *reader, const OnnxNode *node, const OnnxTensor *tensor);

/* Returns a stage of @node with the features of @parent. */
OnnxStage *onnx_node_new_stage (
    OnnxReader *reader, const OnnxNode *node, OnnxStageKind kind, const OnnxStage *parent);

/* Returns: (nullable) */
const Onnx__AttributeProto *onnx_find_attribute (const OnnxNode *node, const char *name);

/* Return the attribute @name, or @missing if @node has no such attribute. */
gint64 onnx_get_int (const OnnxNode *node, const char *name, gint64 missing);
float onnx_get_float (const OnnxNode *node, const char *name, float missing);
/* Returns: (transfer full) */
char *onnx_get_string (const OnnxNode *node, const char *name, const char *missing);

/* Returns: (nullable): input @i, or NULL if it is omitted */
OnnxValue *onnx_get_input (const OnnxNode *node, guint i);

/* Returns: (nullable): input @i if it is constant */
const OnnxTensor *onnx_get_tensor_input (const OnnxNode *node, guint i);

/* Returns: (nullable): input @i if it consists of constant real numbers */
const OnnxTensor *onnx_get_real_input (const OnnxNode *node, guint i);

/* Returns: (nullable): input @i as (n), if it consists of n constant real numbers */
const OnnxTensor *onnx_get_vector_input (
    OnnxReader *reader, const OnnxNode *node, guint i, gsize n);

/* Describes input @i for a message. */
const char *onnx_describe_input (OnnxReader *reader, const OnnxNode *node, guint i);
