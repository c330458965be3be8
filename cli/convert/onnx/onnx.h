/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * How an ONNX graph becomes layers: every name in it gets a value. Constants and shapes are folded;
 * what comes from the model's input is a stream, which is a chain of steps (what was computed so
 * far) seen through axes (in which order the numbers lie). An axis is a product of atoms, major
 * first; one without atoms has size 1. So Transpose, Squeeze and Reshape only move atoms, and the
 * LSTM says which of them are time, batch and features. Nodes that cannot be read give a value
 * that says why, which is an error only if the wanted output depends on it. */
#pragma once

#include "convert.h"
#include "onnx.pb-c.h"

#define ONNX_MAX_DIMS 8
#define ONNX_MAX_ATOMS 8  /* of an axis */
#define ONNX_MAX_DEPTH 16 /* of subgraphs */

/* offset + factor * size of atom */
typedef struct {
  gint64 offset, factor;
  int atom; /* ONNX_NUMBER, ONNX_UNKNOWN, or from 1 on */
} OnnxInt;

#define ONNX_NUMBER 0
#define ONNX_UNKNOWN (-1)

typedef struct {
  gboolean is_int;
  gboolean repeated; /* along axes of unknown size, which are 1 in shape */
  guint n_dims;
  gsize shape[ONNX_MAX_DIMS];
  gsize n;    /* product of shape */
  float *f;   /* unless is_int */
  OnnxInt *i; /* if is_int */
} OnnxTensor;

typedef enum { ONNX_ROLE_OPEN, ONNX_ROLE_TIME, ONNX_ROLE_BATCH, ONNX_ROLE_FEATURE } OnnxRole;

typedef struct {
  gint64 size; /* -1: unknown */
  OnnxRole role;
} OnnxAtom;

typedef struct {
  guint n;
  int atoms[ONNX_MAX_ATOMS];
} OnnxAxis;

typedef struct {
  const char *name; /* in the words of lstm.layers; NULL: none */
  gboolean has_alpha, has_beta;
  float alpha, beta;
} OnnxActivation;

/* One direction of an LSTM node, in PyTorch's layouts */
typedef struct {
  gsize d, m;
  float *weight_ih, *weight_hh; /* (4 m, d), (4 m, m) */
  float *bias_ih, *bias_hh;     /* (4 m), or NULL */
  float *peephole;              /* (3 m), or NULL */
  float *h, *c;                 /* (m), or NULL */
  OnnxActivation activations[3];
  float clip; /* 0: none */
  gboolean input_forget;
} OnnxCell;

typedef enum {
  ONNX_STEP_INPUT,
  ONNX_STEP_LSTM,
  ONNX_STEP_DENSE,
  ONNX_STEP_AFFINE,
  ONNX_STEP_ACTIVATION,
  ONNX_STEP_LAYER_NORM,
  ONNX_STEP_TAKE,
  ONNX_STEP_FLIP,
  ONNX_STEP_REPEAT,
  ONNX_STEP_MOMENT, /* inside of a layer normalization made of single nodes */
} OnnxStepKind;

typedef enum {
  ONNX_TAKE_ALL,
  ONNX_TAKE_OWN, /* each direction's last */
  ONNX_TAKE_LAST,
  ONNX_TAKE_FIRST,
} OnnxTake;

typedef struct _OnnxStep OnnxStep;
struct _OnnxStep {
  OnnxStepKind kind;
  const OnnxStep *parent;
  const char *name, *label; /* of the node: for the layer, for messages */
  gboolean open;            /* which axis has the features is not known yet */
  OnnxAxis features;
  const OnnxCell *cells[2]; /* LSTM: forward, reverse */
  OnnxTake take;            /* LSTM, TAKE */
  gboolean by_length;       /* the step that is taken: each sequence's own last */
  gboolean masked;          /* LSTM: Y is 0 beyond lengths from outside */
  const char *merge;        /* LSTM with two cells; NULL: concat */
  const OnnxTensor *weight; /* DENSE (n, d) */
  const OnnxTensor *bias;   /* DENSE (n), LAYER_NORM beta (d), or NULL */
  const OnnxTensor *scale;  /* LAYER_NORM gamma (d), or NULL */
  char op;                  /* AFFINE: - * / +; MOMENT: see onnx-norm.c */
  const OnnxTensor *number; /* AFFINE: [1] or [d] */
  OnnxActivation activation;
  double epsilon; /* LAYER_NORM */
  gsize n;        /* REPEAT */
};

typedef enum {
  ONNX_BAD,  /* problem says why */
  ONNX_LAZY, /* an initializer that nothing has read yet */
  ONNX_TENSOR,
  ONNX_STREAM,
  ONNX_PACK,  /* streams behind each other along an axis */
  ONNX_STATE, /* from an input that is an LSTM's state */
} OnnxKind;

/* What of an LSTM a value is, whatever its layout; both together are its cells' */
typedef enum { ONNX_FINAL_NONE, ONNX_FINAL_HIDDEN, ONNX_FINAL_CELL } OnnxFinal;

typedef struct _OnnxValue OnnxValue;
struct _OnnxValue {
  OnnxKind kind;
  OnnxFinal final; /* Y_h or Y_c */
  const char *problem;
  const Onnx__TensorProto *proto;
  const OnnxTensor *tensor;
  OnnxStep *step;
  guint n_axes;
  OnnxAxis axes[ONNX_MAX_DIMS];
  guint n_parts, axis;
  OnnxValue **parts;
};

typedef struct _OnnxScope OnnxScope;
struct _OnnxScope {
  const OnnxScope *parent;
  GHashTable *values; /* name to OnnxValue */
  guint depth;
};

typedef struct {
  const ConvertInput *input;
  const Onnx__ModelProto *model;
  gint64 opset;
  GPtrArray *arena;
  gsize budget; /* bytes that the arena may still take */
  guint64 work; /* values that nodes may still look at */
  GArray *atoms;
  int length;                   /* the atom that stands for the model's sequence lengths */
  GHashTable *states, *lengths; /* names of inputs */
  GPtrArray *notes;             /* lines for people */
} OnnxReader;

typedef struct {
  const Onnx__NodeProto *proto;
  const OnnxScope *scope;
  const char *label; /* node "NAME" (Op) */
  guint n_in, n_out;
  OnnxValue **in;  /* NULL: missing */
  OnnxValue **out; /* to be filled */
} OnnxNode;

/* Returns: the first output; further ones go to node->out */
typedef OnnxValue *(*OnnxFunction) (OnnxReader *reader, OnnxNode *node);

typedef struct {
  const char *op;
  OnnxFunction fold;   /* all inputs are tensors */
  OnnxFunction stream; /* at least one input is a stream or a pack */
  gboolean layout;     /* only moves the numbers of the first input (Concat: of all) */
} OnnxOp;

/* onnx-reader.c: memory that lives as long as the reader; NULL if that is too much */
gpointer onnx_alloc (OnnxReader *reader, gsize n, gsize size);
const char *onnx_text (OnnxReader *reader, char *text);
const char *onnx_name (const char *name); /* "" for NULL */
OnnxValue *onnx_value_new (OnnxReader *reader, OnnxKind kind);
OnnxValue *onnx_bad (OnnxReader *reader, const OnnxNode *node, const char *format, ...)
    G_GNUC_PRINTF (3, 4);
OnnxValue *onnx_value_tensor (
    OnnxReader *reader, const OnnxNode *node, const OnnxTensor *tensor);
OnnxValue *onnx_value_copy (OnnxReader *reader, const OnnxValue *value);
int onnx_atom_new (OnnxReader *reader, gint64 size, OnnxRole role);
OnnxAtom *onnx_atom (const OnnxReader *reader, int atom);
const Onnx__AttributeProto *onnx_attribute (const OnnxNode *node, const char *name);
gint64 onnx_get_int (const OnnxNode *node, const char *name, gint64 missing);
float onnx_get_float (const OnnxNode *node, const char *name, float missing);
char *onnx_get_string (const OnnxNode *node, const char *name, const char *missing);

const OnnxTensor *onnx_in_tensor (const OnnxNode *node, guint i);
const OnnxTensor *onnx_in_reals (const OnnxNode *node, guint i);

/* onnx-tensor.c */
OnnxTensor *onnx_tensor_new (
    OnnxReader *reader, gboolean is_int, guint n_dims, const gsize *shape);
OnnxTensor *onnx_tensor_decode (
    OnnxReader *reader, const Onnx__TensorProto *proto, const char **problem);
OnnxTensor *onnx_tensor_alias (
    OnnxReader *reader, const OnnxTensor *tensor, guint n_dims, const gsize *shape);
OnnxTensor *onnx_tensor_view (OnnxReader *reader, const OnnxTensor *tensor, guint n_dims,
    const gsize *shape, gsize start, const gssize *strides);
const char *onnx_shape_text (OnnxReader *reader, guint n_dims, const gsize *shape);
void onnx_tensor_strides (const OnnxTensor *tensor, gssize *strides);
OnnxTensor *onnx_tensor_from_ints (OnnxReader *reader, const gint64 *values, gsize n);
gboolean onnx_find_type (gint64 type, gboolean *is_int);
OnnxInt onnx_number (gint64 value);
OnnxInt onnx_axis_size (const OnnxReader *reader, const OnnxAxis *axis);
gboolean onnx_int_equal (const OnnxReader *reader, OnnxInt a, OnnxInt b);

/* onnx-args.c: what nodes say by attribute or by input.
 * Returns: FALSE if it is there, but not constant; *ints is NULL if it is not there */
gboolean onnx_get_ints (OnnxReader *reader, OnnxNode *node, const char *attribute, guint input,
    const OnnxInt **ints, gsize *n);
gboolean onnx_get_axis (gint64 axis, guint n_dims, guint *result);
gboolean onnx_get_axes (
    OnnxReader *reader, OnnxNode *node, guint n_dims, guint32 *mask, gboolean *given);
typedef struct {
  OnnxInt start, end;
  gint64 step;
} OnnxRange;
gboolean onnx_get_ranges (
    OnnxReader *reader, OnnxNode *node, guint n_dims, OnnxRange *ranges, const char **problem);
gboolean onnx_get_splits (
    OnnxReader *reader, OnnxNode *node, gint64 size, gint64 *sizes, const char **problem);
gboolean onnx_get_perm (OnnxNode *node, guint n_dims, guint *perm);

/* onnx-graph.c, onnx-ops.c */
OnnxValue *onnx_scope_find (OnnxReader *reader, const OnnxScope *scope, const char *name);
gboolean onnx_graph_run (
    OnnxReader *reader, OnnxScope *scope, const Onnx__GraphProto *graph, GError **error);
OnnxValue *onnx_run_if (OnnxReader *reader, OnnxNode *node);
const OnnxOp *onnx_find_op (const char *op);
/* What a well-known op is that is not read, or NULL */
const char *onnx_why_not (const char *op);
/* node "NAME" (Op), by its first output where it has no name */
const char *onnx_label (OnnxReader *reader, const Onnx__NodeProto *proto);

/* onnx-fold.c, onnx-fold-shape.c, onnx-arithmetic.c */
OnnxValue *onnx_fold_constant (OnnxReader *reader, OnnxNode *node);
OnnxValue *onnx_fold_constant_of_shape (OnnxReader *reader, OnnxNode *node);
OnnxValue *onnx_fold_identity (OnnxReader *reader, OnnxNode *node);
OnnxValue *onnx_fold_cast (OnnxReader *reader, OnnxNode *node);
OnnxValue *onnx_fold_shape (OnnxReader *reader, OnnxNode *node);
OnnxValue *onnx_fold_gather (OnnxReader *reader, OnnxNode *node);
OnnxValue *onnx_fold_slice (OnnxReader *reader, OnnxNode *node);
OnnxValue *onnx_fold_split (OnnxReader *reader, OnnxNode *node);
OnnxValue *onnx_fold_concat (OnnxReader *reader, OnnxNode *node);
OnnxValue *onnx_fold_squeeze (OnnxReader *reader, OnnxNode *node);
OnnxValue *onnx_fold_unsqueeze (OnnxReader *reader, OnnxNode *node);
OnnxValue *onnx_fold_reshape (OnnxReader *reader, OnnxNode *node);
OnnxValue *onnx_fold_transpose (OnnxReader *reader, OnnxNode *node);
OnnxValue *onnx_fold_expand (OnnxReader *reader, OnnxNode *node);
OnnxValue *onnx_fold_tile (OnnxReader *reader, OnnxNode *node);
OnnxValue *onnx_fold_binary (OnnxReader *reader, OnnxNode *node);
OnnxValue *onnx_fold_unary (OnnxReader *reader, OnnxNode *node);
OnnxValue *onnx_fold_where (OnnxReader *reader, OnnxNode *node);
OnnxValue *onnx_fold_reduce_prod (OnnxReader *reader, OnnxNode *node);
OnnxValue *onnx_fold_range (OnnxReader *reader, OnnxNode *node);

/* onnx-layout.c, onnx-reshape.c, onnx-select.c, onnx-merge.c */
OnnxValue *onnx_stream_new (
    OnnxReader *reader, const OnnxNode *node, const OnnxValue *like, OnnxStep *step);
gboolean onnx_axis_equal (const OnnxAxis *a, const OnnxAxis *b);
gboolean onnx_axis_append (OnnxAxis *axis, const OnnxAxis *more);
OnnxAxis onnx_axis_of (OnnxReader *reader, gint64 size, OnnxRole role);
gboolean onnx_bind (OnnxReader *reader, const OnnxAxis *axis, OnnxRole role);
OnnxStep *onnx_step_new (
    OnnxReader *reader, const OnnxNode *node, OnnxStepKind kind, const OnnxStep *parent);
OnnxStep *onnx_step_copy (OnnxReader *reader, const OnnxStep *step);
OnnxValue *onnx_stream_flip (
    OnnxReader *reader, const OnnxNode *node, const OnnxValue *in, guint axis);
OnnxValue *onnx_value_range (
    OnnxReader *reader, const OnnxNode *node, OnnxValue *value, guint axis, OnnxRange range);
OnnxValue *onnx_value_drop (OnnxReader *reader, const OnnxValue *value, guint axis);
OnnxValue *onnx_stream_merge (OnnxReader *reader, const OnnxNode *node, OnnxValue *a,
    OnnxValue *b, const char *merge, guint axis);
OnnxValue *onnx_stream_identity (OnnxReader *reader, OnnxNode *node);
OnnxValue *onnx_stream_dropout (OnnxReader *reader, OnnxNode *node);
OnnxValue *onnx_stream_transpose (OnnxReader *reader, OnnxNode *node);
OnnxValue *onnx_stream_squeeze (OnnxReader *reader, OnnxNode *node);
OnnxValue *onnx_stream_unsqueeze (OnnxReader *reader, OnnxNode *node);
OnnxValue *onnx_stream_reshape (OnnxReader *reader, OnnxNode *node);
OnnxValue *onnx_stream_flatten (OnnxReader *reader, OnnxNode *node);
OnnxValue *onnx_stream_expand (OnnxReader *reader, OnnxNode *node);
OnnxValue *onnx_stream_tile (OnnxReader *reader, OnnxNode *node);
OnnxValue *onnx_stream_shape (OnnxReader *reader, OnnxNode *node);
OnnxValue *onnx_stream_gather (OnnxReader *reader, OnnxNode *node);
OnnxValue *onnx_stream_gather_elements (OnnxReader *reader, OnnxNode *node);
OnnxValue *onnx_stream_slice (OnnxReader *reader, OnnxNode *node);
OnnxValue *onnx_stream_split (OnnxReader *reader, OnnxNode *node);
OnnxValue *onnx_stream_concat (OnnxReader *reader, OnnxNode *node);
OnnxValue *onnx_stream_reverse (OnnxReader *reader, OnnxNode *node);

/* onnx-compute.c, onnx-activation.c, onnx-norm.c, onnx-lstm.c */
gboolean onnx_bind_features (OnnxReader *reader, OnnxStep *step, const OnnxAxis *axis);
OnnxValue *onnx_stream_matmul (OnnxReader *reader, OnnxNode *node);
OnnxValue *onnx_stream_gemm (OnnxReader *reader, OnnxNode *node);
OnnxValue *onnx_stream_affine (
    OnnxReader *reader, OnnxNode *node, OnnxValue *in, char op, const OnnxTensor *number);
OnnxValue *onnx_stream_arithmetic (OnnxReader *reader, OnnxNode *node);
OnnxValue *onnx_stream_sum (OnnxReader *reader, OnnxNode *node);
OnnxValue *onnx_stream_batch_norm (OnnxReader *reader, OnnxNode *node);
OnnxValue *onnx_stream_layer_norm (OnnxReader *reader, OnnxNode *node);
OnnxValue *onnx_stream_reduce (OnnxReader *reader, OnnxNode *node);
OnnxValue *onnx_stream_power (OnnxReader *reader, OnnxNode *node);
OnnxValue *onnx_stream_square_root (OnnxReader *reader, OnnxNode *node);
/* A layer normalization by single nodes goes on with this Add, Sub, Mul or Div: its value, or NULL */
OnnxValue *onnx_stream_moment (OnnxReader *reader, OnnxNode *node);
OnnxValue *onnx_stream_activation (OnnxReader *reader, OnnxNode *node);
OnnxValue *onnx_stream_prelu (OnnxReader *reader, OnnxNode *node);
/* x · f (x) for an f that is the steps behind x, as one activation: its value, or NULL */
OnnxValue *onnx_times_itself (
    OnnxReader *reader, OnnxNode *node, OnnxValue *x, const OnnxValue *y);
OnnxValue *onnx_stream_softmax (OnnxReader *reader, OnnxNode *node);
OnnxValue *onnx_stream_clip (OnnxReader *reader, OnnxNode *node);
OnnxValue *onnx_run_lstm (OnnxReader *reader, OnnxNode *node);
/* The LSTM's functions, by ONNX's name in any case; FALSE if there is none such */
gboolean onnx_find_activation (const char *name, OnnxActivation *activation);

/* onnx.c. Returns: FALSE */
gboolean onnx_fail (const OnnxReader *reader, ConvertError code, GError **error,
    const char *format, ...) G_GNUC_PRINTF (4, 5);
/* onnx-inputs.c */
void onnx_find_states (OnnxReader *reader);
const char *onnx_add_initializers (
    OnnxReader *reader, OnnxScope *scope, const Onnx__GraphProto *graph);
gboolean onnx_add_inputs (OnnxReader *reader, OnnxScope *scope, GError **error);
/* onnx-outputs.c. Returns: NULL with @error if none can be taken; else notes go to the reader's */
const OnnxStep *onnx_take_output (OnnxReader *reader, const OnnxScope *scope, GError **error);
/* onnx-emit.c */
ConvertModel *onnx_emit (const OnnxReader *reader, const OnnxStep *last, GError **error);
/* onnx-check.c: FALSE unless the bytes nest and count within bounds */
gboolean onnx_check_bytes (const ConvertInput *input, GError **error);
