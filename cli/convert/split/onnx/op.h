/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The row of an ONNX operator in the table of ops.c: what the operator does to the dimensions of
 * its inputs. */
#pragma once

#include "split/onnx/graph.h"

/* Sets the outputs of @node with onnx_split_set_output(). An input may be a constant: then no axis
 * has batch or time. Returns NULL, or an unsupported value. */
typedef OnnxValue *(*SplitOpFunction) (Splitter *splitter, SplitNode *node);

/* The number type of an output */
typedef enum {
  SPLIT_TYPE_SAME, /* of input 0 */
  SPLIT_TYPE_INPUT_1,
  SPLIT_TYPE_INPUT_2,
  SPLIT_TYPE_BOOL,
  SPLIT_TYPE_INT32,
  SPLIT_TYPE_INT64,
  SPLIT_TYPE_FLOAT,
  SPLIT_TYPE_TO,    /* the attribute to */
  SPLIT_TYPE_VALUE, /* of the attribute value */
} SplitType;

struct _SplitOp {
  const char *name;
  SplitOpFunction run;   /* NULL: only constants */
  SplitType type;        /* of output 0 */
  SplitType next_type;   /* of the other outputs */
  gboolean is_microsoft; /* in the domain com.microsoft only */
  gboolean is_joining;   /* run() accepts inputs of several steps */
  gboolean is_literal; /* the features compute the operator as a Reshape to a constant shape */
  gint64 axis;         /* the default of the attribute axis, or of axes */
  gint64 old_axis;     /* the same before opset 13 */
  guint weights;       /* SLIDING: the input of the weights; 0: a pooling operator */
  const char *verb;    /* what the operator does along an axis that must not be time */
  const char *reason;  /* why the operator is refused, or NULL */
};

/* Returns: (nullable): the row of the operator of @proto */
const SplitOp *onnx_split_find_op (const Onnx__NodeProto *proto);
