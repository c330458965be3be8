/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Expressions of the body of a loop (Loop, Scan). A value of the body that depends on the current
 * step is a vector of features for each sequence of the batch. Such a vector is an affine form: a
 * sum of atoms that matrices multiply, and a bias. An atom is a vector that is no affine function
 * of other vectors: the input, a state, an activation, a product or a choice. Matrix products,
 * sums, concatenations and slices of affine forms are affine forms, so that a body has one form,
 * whatever the nodes that compute it. Equal atoms are one object. */
#pragma once

#include "onnx/op.h"

typedef enum {
  ONNX_ATOM_INPUT,      /* the current step of the input */
  ONNX_ATOM_STATE,      /* a state before the current step */
  ONNX_ATOM_ACTIVATION, /* activation (operands[0]) */
  ONNX_ATOM_PRODUCT,    /* operands[0] · operands[1], by features */
  ONNX_ATOM_MASK,       /* 1 if the current step counts, 0 if the step is masked */
  ONNX_ATOM_MASKED,     /* 1 − the mask */
  ONNX_ATOM_CHOICE,     /* operands[0] if the current step counts, operands[1] otherwise */
} OnnxAtomKind;

typedef struct {
  OnnxAtomKind kind;
  gsize n;     /* features */
  guint state; /* STATE: its number */
  OnnxActivation activation;
  const OnnxAffine *operands[2];
} OnnxAtom;

/* Features [to, to + n) of an affine form, which an atom adds */
typedef struct {
  const OnnxAtom *atom;
  gsize to, n;
  const OnnxTensor
      *matrix; /* (features of the atom, n), or NULL for features [from, from + n) */
  gsize from;
  const OnnxTensor *scale; /* (n) without a matrix; NULL for 1 */
} OnnxTerm;

struct _OnnxAffine {
  gsize n; /* features */
  guint n_terms;
  OnnxTerm *terms;        /* (n_terms) */
  const OnnxTensor *bias; /* (n), or NULL for 0 */
};

/* The loop whose body is being read */
struct _OnnxLoop {
  int iteration;             /* the factor whose size is the number of the iteration */
  const OnnxValue *input;    /* the signal that the loop reads; NULL before a node reads it */
  guint time;                /* the axis of time of the input */
  const OnnxStage *mask;     /* the mask that the loop reads; NULL before a node reads it */
  gboolean mask_is_reversed; /* whether time is reversed in the mask */
  gboolean has_single_batch; /* whether the batch has size 1 */
  GPtrArray *atoms;          /* of OnnxAtom */
};

/* Returns the atom that equals @atom, or a copy of @atom. */
const OnnxAtom *onnx_atom_find (OnnxReader *reader, OnnxAtom atom);

/* Returns @affine as a value of @n_axes axes, or an unsupported value if @affine is NULL, which
 * means too many terms or insufficient memory. */
OnnxValue *onnx_step_new (
    OnnxReader *reader, const OnnxNode *node, const OnnxAffine *affine, guint n_axes);

/* Returns @atom as a value of @n_axes axes. */
OnnxValue *onnx_step_from_atom (OnnxReader *reader, OnnxAtom atom, guint n_axes);

gboolean onnx_affine_equal (const OnnxAffine *a, const OnnxAffine *b);

/* Returns: (nullable): the atom that @affine equals */
const OnnxAtom *onnx_affine_get_atom (const OnnxAffine *affine);

/* Returns the affine form with the terms of @a and @b and the sum of their biases, or NULL if
 * memory is insufficient. */
const OnnxAffine *onnx_affine_add (
    OnnxReader *reader, const OnnxAffine *a, const OnnxAffine *b);

/* Returns the product of @affine and @matrix, (affine->n, p), or NULL if memory is insufficient or
 * if a matrix already multiplies a term of @affine. */
const OnnxAffine *onnx_affine_multiply (
    OnnxReader *reader, const OnnxAffine *affine, const OnnxTensor *matrix);

/* Returns @affine multiplied by @scale, (n), by features, or NULL if memory is insufficient. */
const OnnxAffine *onnx_affine_scale (
    OnnxReader *reader, const OnnxAffine *affine, const OnnxTensor *scale);

/* Returns the features [start, end) of @affine, or NULL if memory is insufficient. A part of an
 * activation is the activation of a part. */
const OnnxAffine *onnx_affine_slice (
    OnnxReader *reader, const OnnxAffine *affine, gsize start, gsize end);

/* Returns @affine as the features [to, to + affine->n) of @n, or NULL if memory is insufficient. */
const OnnxAffine *onnx_affine_extend (
    OnnxReader *reader, const OnnxAffine *affine, gsize to, gsize n);

/* Returns a form without terms, or NULL if memory is insufficient. @bias: (n), nullable: 0 */
const OnnxAffine *onnx_affine_from_bias (OnnxReader *reader, gsize n, const OnnxTensor *bias);
