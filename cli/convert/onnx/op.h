/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The row of an ONNX operator in the table of ops.c. An operator is a function and a row. A
 * function that several operators share reads the columns of the row from node->op. */
#pragma once

#include "onnx/node.h"

/* Returns the first output. Further outputs go to node->outputs. */
typedef OnnxValue *(*OnnxOpFunction) (OnnxReader *reader, OnnxNode *node);

#define ONNX_ALL_INPUTS G_MAXUINT

struct _OnnxOp {
  const char *name;
  OnnxOpFunction fold;  /* computes constants from constants; nullable */
  OnnxOpFunction apply; /* computes signals, if an input is a signal; nullable */
  OnnxOpFunction trace; /* computes features of a step, if an input is such; nullable */

  gboolean is_microsoft; /* also in the domain com.microsoft */
  guint n_moved_inputs;  /* the first inputs, whose numbers the operator only moves */
  const OnnxRecurrence
      *recurrence;       /* inputs 4 to 6 are sequence lengths and states; nullable */
  gboolean is_quantized; /* a recurrent node with integer weights, scales and zero points */
  gboolean is_loop;      /* Loop or Scan; apply() also gets constants and unsupported inputs */
  gboolean needs_no_input;         /* otherwise input 0 must exist */
  gboolean accepts_constant_first; /* apply() and trace() accept a constant as input 0 */
  const char *unsupported_reason;  /* description of an unsupported operator; else NULL */

  /* Columns of onnx_fold_binary(). NULL: the operator does not accept such numbers. */
  struct {
    double (*real) (double a, double b);
    OnnxInt (*integer) (const OnnxReader *reader, OnnxInt a, OnnxInt b);
    gboolean is_condition; /* real() returns an integer */
  } binary;

  /* Columns of onnx_fold_unary(). NULL: the operator does not accept real numbers, or its results
   * for integers are unknown. */
  struct {
    double (*real) (double x);
    OnnxInt (*integer) (const OnnxReader *reader, OnnxInt x);
  } unary;

  char arithmetic; /* of onnx_apply_arithmetic(): one of - * / + */
  const char
      *reduction; /* of onnx_apply_reduce() and the pooling operators: mean, max or sum */
  struct {
    OnnxMoment from, to;
  } moment; /* of onnx_apply_moment() */
};
