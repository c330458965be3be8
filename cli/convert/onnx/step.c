/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "onnx/step.h"
#include <string.h>

#define MAX_TERMS 64 /* of an affine form */

static gboolean
are_equal_terms (const OnnxTerm *a, const OnnxTerm *b)
{
  return a->atom == b->atom && a->to == b->to && a->n == b->n && a->matrix == b->matrix
         && a->from == b->from && a->scale == b->scale;
}

gboolean
onnx_affine_equal (const OnnxAffine *a, const OnnxAffine *b)
{
  if (a == b)
    return TRUE;
  if (!a || !b || a->n != b->n || a->n_terms != b->n_terms || a->bias != b->bias)
    return FALSE;
  for (guint i = 0; i < a->n_terms; i++)
    if (!are_equal_terms (&a->terms[i], &b->terms[i]))
      return FALSE;
  return TRUE;
}

static gboolean
are_equal_operands (const OnnxAtom *a, const OnnxAtom *b, gboolean swapped)
{
  return onnx_affine_equal (a->operands[0], b->operands[swapped])
         && onnx_affine_equal (a->operands[1], b->operands[!swapped]);
}

static gboolean
are_equal_atoms (const OnnxAtom *a, const OnnxAtom *b)
{
  return a->kind == b->kind && a->n == b->n && a->state == b->state
         && g_strcmp0 (a->activation.name, b->activation.name) == 0
         && a->activation.alpha == b->activation.alpha
         && a->activation.beta == b->activation.beta
         && (are_equal_operands (a, b, FALSE)
             || (a->kind == ONNX_ATOM_PRODUCT && are_equal_operands (a, b, TRUE)));
}

const OnnxAtom *
onnx_atom_find (OnnxReader *reader, OnnxAtom atom)
{
  GPtrArray *atoms = reader->loop->atoms;
  OnnxAtom *copy;

  for (guint i = 0; i < atoms->len; i++)
    if (are_equal_atoms (g_ptr_array_index (atoms, i), &atom))
      return g_ptr_array_index (atoms, i);
  copy = g_memdup2 (&atom, sizeof atom);
  g_ptr_array_add (reader->arena, copy);
  g_ptr_array_add (atoms, copy);
  return copy;
}

/* Returns: (nullable): a form without bias, or NULL if the form has too many terms or does not fit
 * in memory */
static OnnxAffine *
new_form (OnnxReader *reader, gsize n, guint n_terms)
{
  OnnxAffine *affine = n_terms <= MAX_TERMS ? onnx_alloc (reader, 1, sizeof *affine) : NULL;

  if (!affine || !(affine->terms = onnx_alloc (reader, MAX (n_terms, 1), sizeof (OnnxTerm))))
    return NULL;
  affine->n = n;
  affine->n_terms = n_terms;
  return affine;
}

OnnxValue *
onnx_step_from_atom (OnnxReader *reader, OnnxAtom atom, guint n_axes)
{
  OnnxValue *value = onnx_value_new (reader, ONNX_VALUE_STEP);
  OnnxAffine *affine = g_new0 (OnnxAffine, 1);
  OnnxTerm *term = g_new0 (OnnxTerm, 1);

  g_ptr_array_add (reader->arena, affine);
  g_ptr_array_add (reader->arena, term);
  *term = (OnnxTerm){.atom = onnx_atom_find (reader, atom), .n = atom.n};
  *affine = (OnnxAffine){atom.n, 1, term, NULL};
  value->affine = affine;
  value->n_axes = n_axes;
  return value;
}

OnnxValue *
onnx_step_new (OnnxReader *reader, const OnnxNode *node, const OnnxAffine *affine, guint n_axes)
{
  OnnxValue *value;

  if (!affine)
    return onnx_unsupported (reader, node,
        "result: expected at most %d terms that fit in memory, found more", MAX_TERMS);
  value = onnx_value_new (reader, ONNX_VALUE_STEP);
  value->affine = affine;
  value->n_axes = n_axes;
  return value;
}

const OnnxAtom *
onnx_affine_get_atom (const OnnxAffine *affine)
{
  const OnnxTerm *term = affine->terms;

  return affine->n_terms == 1 && !affine->bias && !term->matrix && !term->scale && !term->to
                 && !term->from && term->n == affine->n && term->atom->n == affine->n
             ? term->atom
             : NULL;
}

const OnnxAffine *
onnx_affine_from_bias (OnnxReader *reader, gsize n, const OnnxTensor *bias)
{
  OnnxAffine *affine = new_form (reader, n, 0);

  if (affine)
    affine->bias = bias;
  return affine;
}

const OnnxAffine *
onnx_affine_add (OnnxReader *reader, const OnnxAffine *a, const OnnxAffine *b)
{
  OnnxAffine *sum = new_form (reader, a->n, a->n_terms + b->n_terms);
  OnnxTensor *bias;

  if (!sum)
    return NULL;
  memcpy (sum->terms, a->terms, a->n_terms * sizeof *a->terms);
  memcpy (sum->terms + a->n_terms, b->terms, b->n_terms * sizeof *b->terms);
  sum->bias = a->bias ? a->bias : b->bias;
  if (!a->bias || !b->bias)
    return sum;
  if (!(bias = onnx_tensor_new (reader, FALSE, 1, &a->n)))
    return NULL;
  for (gsize k = 0; k < a->n; k++)
    bias->reals[k] = a->bias->reals[k] + b->bias->reals[k];
  sum->bias = bias;
  return sum;
}

/* Returns (features of the atom, p): the rows of @matrix that multiply the features of @term. */
static const OnnxTensor *
place_rows (OnnxReader *reader, const OnnxTerm *term, const OnnxTensor *matrix)
{
  const gsize p = matrix->shape[1], shape[] = {term->atom->n, p};
  OnnxTensor *placed;

  if (!term->scale && term->n == term->atom->n && term->n == matrix->shape[0])
    return matrix;
  placed = onnx_tensor_new (reader, FALSE, 2, shape);
  for (gsize k = 0; placed && k < term->n; k++)
    for (gsize j = 0; j < p; j++)
      placed->reals[(term->from + k) * p + j] = matrix->reals[(term->to + k) * p + j]
                                                * (term->scale ? term->scale->reals[k] : 1);
  return placed;
}

/* Returns @bias · @matrix. */
static const OnnxTensor *
multiply_bias (OnnxReader *reader, const OnnxTensor *bias, const OnnxTensor *matrix)
{
  const gsize p = matrix->shape[1];
  OnnxTensor *product = onnx_tensor_new (reader, FALSE, 1, &p);

  for (gsize j = 0; product && j < p; j++) {
    double sum = 0;

    for (gsize k = 0; k < matrix->shape[0]; k++)
      sum += (double) bias->reals[k] * (double) matrix->reals[k * p + j];
    product->reals[j] = (float) sum;
  }
  return product;
}

const OnnxAffine *
onnx_affine_multiply (OnnxReader *reader, const OnnxAffine *affine, const OnnxTensor *matrix)
{
  OnnxAffine *product = new_form (reader, matrix->shape[1], affine->n_terms);

  if (!product)
    return NULL;
  for (guint i = 0; i < affine->n_terms; i++) {
    const OnnxTerm *term = &affine->terms[i];

    if (term->matrix)
      return NULL;
    product->terms[i] = (OnnxTerm){
        .atom = term->atom, .n = product->n, .matrix = place_rows (reader, term, matrix)};
    if (!product->terms[i].matrix)
      return NULL;
  }
  if (affine->bias && !(product->bias = multiply_bias (reader, affine->bias, matrix)))
    return NULL;
  return product;
}

/* Returns @tensor, (rows, n) or (n), with column k multiplied by value @from + k of @scale. */
static const OnnxTensor *
scale_columns (
    OnnxReader *reader, const OnnxTensor *tensor, const OnnxTensor *scale, gsize from)
{
  const gsize n = tensor->shape[tensor->n_dims - 1];
  OnnxTensor *scaled = onnx_tensor_new (reader, FALSE, tensor->n_dims, tensor->shape);

  for (gsize k = 0; scaled && k < tensor->n_values; k++)
    scaled->reals[k] = tensor->reals[k] * scale->reals[from + k % n];
  return scaled;
}

const OnnxAffine *
onnx_affine_scale (OnnxReader *reader, const OnnxAffine *affine, const OnnxTensor *scale)
{
  OnnxAffine *product = new_form (reader, affine->n, affine->n_terms);

  if (!product)
    return NULL;
  for (guint i = 0; i < affine->n_terms; i++) {
    OnnxTerm *term = &product->terms[i];
    const gssize stride = 1;

    *term = affine->terms[i];
    if (term->matrix)
      term->matrix = scale_columns (reader, term->matrix, scale, term->to);
    else if (term->scale)
      term->scale = scale_columns (reader, term->scale, scale, term->to);
    else
      term->scale = onnx_tensor_view (reader, scale, 1, &term->n, term->to, &stride);
    if (!term->matrix && !term->scale)
      return NULL;
  }
  if (affine->bias && !(product->bias = scale_columns (reader, affine->bias, scale, 0)))
    return NULL;
  return product;
}

/* Returns the columns [start, start + n) of @tensor, (rows, columns) or (columns). */
static const OnnxTensor *
slice_columns (OnnxReader *reader, const OnnxTensor *tensor, gsize start, gsize n)
{
  const gsize columns = tensor->shape[tensor->n_dims - 1];
  const gsize shape[] = {tensor->n_dims == 2 ? tensor->shape[0] : n, n};
  const gssize strides[] = {tensor->n_dims == 2 ? (gssize) columns : 1, 1};

  return n == columns
             ? tensor
             : onnx_tensor_view (reader, tensor, tensor->n_dims, shape, start, strides);
}

/* Returns the features [start, end) of @affine. The terms keep their atoms. */
static OnnxAffine *
slice_form (OnnxReader *reader, const OnnxAffine *affine, gsize start, gsize end)
{
  OnnxAffine *part = new_form (reader, end - start, affine->n_terms);
  guint n = 0;

  if (!part)
    return NULL;
  for (guint i = 0; i < affine->n_terms; i++) {
    OnnxTerm term = affine->terms[i];
    gsize first = MAX (start, term.to), last = MIN (end, term.to + term.n);

    if (first >= last)
      continue;
    if (term.matrix
        && !(term.matrix = slice_columns (reader, term.matrix, first - term.to, last - first)))
      return NULL;
    if (term.scale
        && !(term.scale = slice_columns (reader, term.scale, first - term.to, last - first)))
      return NULL;
    term.from += term.matrix ? 0 : first - term.to;
    term.to = first - start;
    term.n = last - first;
    part->terms[n++] = term;
  }
  part->n_terms = n;
  if (affine->bias && !(part->bias = slice_columns (reader, affine->bias, start, end - start)))
    return NULL;
  return part;
}

const OnnxAffine *
onnx_affine_slice (OnnxReader *reader, const OnnxAffine *affine, gsize start, gsize end)
{
  OnnxAffine *part = slice_form (reader, affine, start, end);

  for (guint i = 0; part && i < part->n_terms; i++) {
    OnnxTerm *term = &part->terms[i];
    OnnxAtom atom = *term->atom;

    if (atom.kind != ONNX_ATOM_ACTIVATION || term->matrix || term->n == atom.n)
      continue;
    atom.n = term->n;
    atom.operands[0] = slice_form (reader, atom.operands[0], term->from, term->from + term->n);
    if (!atom.operands[0])
      return NULL;
    term->atom = onnx_atom_find (reader, atom);
    term->from = 0;
  }
  return part;
}

const OnnxAffine *
onnx_affine_extend (OnnxReader *reader, const OnnxAffine *affine, gsize to, gsize n)
{
  OnnxAffine *extended = new_form (reader, n, affine->n_terms);
  OnnxTensor *bias;

  if (!extended)
    return NULL;
  for (guint i = 0; i < affine->n_terms; i++) {
    extended->terms[i] = affine->terms[i];
    extended->terms[i].to += to;
  }
  if (!affine->bias)
    return extended;
  if (!(bias = onnx_tensor_new (reader, FALSE, 1, &n)))
    return NULL;
  memcpy (bias->reals + to, affine->bias->reals, affine->n * sizeof *bias->reals);
  extended->bias = bias;
  return extended;
}
