/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The body of a Loop or Scan: its variables, which pass from iteration to iteration, and the
 * recurrent layers that compute them. */
#pragma once

#include "onnx/match.h"
#include "onnx/scope.h"

typedef enum {
  ONNX_VARIABLE_CONSTANT, /* passes through the loop unchanged */
  ONNX_VARIABLE_COUNTER,  /* its value before the loop plus the number of the iteration */
  ONNX_VARIABLE_STATE,
} OnnxVariableKind;

typedef struct {
  OnnxVariableKind kind;
  const OnnxValue *before; /* the value before the loop; nullable */
  const char *in, *out;    /* the names of input and output of the body */
  guint state;             /* STATE: its number */
  guint n_axes;            /* STATE */
} OnnxVariable;

typedef struct {
  OnnxReader *reader;
  OnnxNode *node;
  const Onnx__GraphProto *graph;
  GHashTable *values; /* of the scope */
  OnnxScope scope;
  OnnxLoop loop;
  guint n_variables, n_states, n_layers;
  OnnxVariable *variables; /* (n_variables) */
  OnnxLoopState *states;   /* (n_states) */
  OnnxLoopLayer *layers;   /* (n_layers), from the input to the output */
  OnnxStage **stages;      /* (n_layers) */
  guint *copies; /* (n_states), 1 + the layer whose hidden state a state equals, or 0 */
  OnnxValue *unsupported; /* why the body is unsupported, or NULL */
} OnnxBody;

/* Prepares *body for the attribute body of @node. Returns FALSE with body->unsupported. */
gboolean onnx_body_init (OnnxBody *body, OnnxReader *reader, OnnxNode *node);
void onnx_body_clear (OnnxBody *body);

/* Allocates @n variables. Returns FALSE with body->unsupported. */
gboolean onnx_body_alloc_variables (OnnxBody *body, guint n);

/* Adds the number of the iteration as the value @name of the body. */
void onnx_body_add_iteration (OnnxBody *body, const char *name);

/* Sets variable @i: input @in of the node, inputs and outputs @body_in and @body_out of the body */
gboolean onnx_body_set_variable (
    OnnxBody *body, guint i, guint in, gsize body_in, gsize body_out);

/* Adds a value of the body. */
void onnx_body_add_value (OnnxBody *body, const char *name, OnnxValue *value);

/* Runs the nodes of the body, checks the variables, and recognizes the layers. Returns FALSE with
 * body->unsupported. */
gboolean onnx_body_run (OnnxBody *body);

/* Returns output @i of the body, which the loop collects from all steps along a new axis 0. */
OnnxValue *onnx_body_collect_output (OnnxBody *body, gsize i);

/* Returns variable @i after the last step. */
OnnxValue *onnx_body_get_variable (OnnxBody *body, guint i);

/* Sets body->unsupported to the label of the node, ": " and the formatted text. Returns: FALSE */
gboolean onnx_body_fail (OnnxBody *body, const char *format, ...) G_GNUC_PRINTF (2, 3);
