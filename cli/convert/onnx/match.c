/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "onnx/match.h"
#include <string.h>

/* The search for one layer. Gates have the order of liblstm. A function that returns FALSE may set
 * problem. */
typedef struct {
  OnnxReader *reader;
  const OnnxLoopState *states;
  guint n_states, h, c;
  gsize m;
  const OnnxRecurrence *recurrence;
  const OnnxAtom *input;                   /* the atom other than h that the gates read */
  const OnnxAffine *gates[ONNX_MAX_GATES]; /* inputs of the functions of the gates */
  const OnnxTerm *reset;                   /* GRU: the term of n that r multiplies */
  const OnnxAffine *reset_form;            /* GRU, reset_after: the factor of r */
  OnnxActivation functions[ONNX_MAX_FUNCTIONS];
  const char *problem;
} Match;

static const OnnxActivation linear = {
    .name = "affine", .alpha = 1, .has_alpha = TRUE, .has_beta = TRUE};

/* Splits @affine into a function and its input. A form that is no activation is its own input. */
static const OnnxAffine *
split_function (const OnnxAffine *affine, OnnxActivation *function)
{
  const OnnxAtom *atom = onnx_affine_get_atom (affine);

  if (!atom || atom->kind != ONNX_ATOM_ACTIVATION) {
    *function = linear;
    return affine;
  }
  *function = atom->activation;
  return atom->operands[0];
}

static gboolean
are_equal_functions (const OnnxActivation *a, const OnnxActivation *b)
{
  return g_str_equal (a->name, b->name) && a->alpha == b->alpha && a->beta == b->beta;
}

/* Returns whether @term is all features of its atom. */
static gboolean
is_atom_term (const OnnxTerm *term, gsize n)
{
  return !term->matrix && !term->scale && !term->to && !term->from && term->n == n
         && term->atom->n == n;
}

/* Sets the problem to the formatted text. Returns: FALSE */
G_GNUC_PRINTF (2, 3)
static gboolean
fail_match (Match *match, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  match->problem = onnx_own_text (match->reader, g_strdup_vprintf (format, args));
  va_end (args);
  return FALSE;
}

static const char *
describe_atom (const OnnxAtom *atom)
{
  static const char *const kinds[] = {[ONNX_ATOM_INPUT] = "the input",
      [ONNX_ATOM_STATE] = "a state",
      [ONNX_ATOM_PRODUCT] = "a product",
      [ONNX_ATOM_MASK] = "the mask",
      [ONNX_ATOM_MASKED] = "the negated mask",
      [ONNX_ATOM_CHOICE] = "a choice by the mask"};

  return atom->kind == ONNX_ATOM_ACTIVATION ? atom->activation.name : kinds[atom->kind];
}

static const char *
describe_form (Match *match, const OnnxAffine *affine)
{
  const OnnxAtom *atom = onnx_affine_get_atom (affine);

  return atom ? describe_atom (atom)
              : onnx_own_text (
                  match->reader, g_strdup_printf ("a sum of %u terms%s", affine->n_terms,
                                     affine->bias ? " and a constant" : ""));
}

static gboolean
is_state (const OnnxAtom *atom, guint state)
{
  return atom && atom->kind == ONNX_ATOM_STATE && atom->state == state;
}

/* Returns the factor of the product @atom other than state @state, or NULL. */
static const OnnxAffine *
get_factor_of_state (const OnnxAtom *atom, guint state)
{
  for (guint i = 0; atom && atom->kind == ONNX_ATOM_PRODUCT && i < 2; i++)
    if (is_state (onnx_affine_get_atom (atom->operands[i]), state))
      return atom->operands[!i];
  return NULL;
}

/* Sets gate @g. Its form may consist of the state h and of one other atom, the input. */
static gboolean
set_gate (Match *match, guint g, const OnnxAffine *form)
{
  for (guint i = 0; i < form->n_terms; i++) {
    const OnnxAtom *atom = form->terms[i].atom;

    if (is_state (atom, match->h) || &form->terms[i] == match->reset)
      continue;
    if (atom->kind == ONNX_ATOM_STATE || (match->input && atom != match->input)) {
      return fail_match (match,
          "expected gates that read the input and h, found a gate that also reads %s",
          describe_atom (atom));
    }
    match->input = atom;
  }
  match->gates[g] = form;
  return form->n == match->m;
}

/* Returns the two products of features that @form is the sum of. */
static gboolean
get_two_products (const OnnxAffine *form, const OnnxAtom **a, const OnnxAtom **b)
{
  if (form->n_terms != 2 || form->bias || !is_atom_term (&form->terms[0], form->n)
      || !is_atom_term (&form->terms[1], form->n))
    return FALSE;
  *a = form->terms[0].atom;
  *b = form->terms[1].atom;
  return (*a)->kind == ONNX_ATOM_PRODUCT && (*b)->kind == ONNX_ATOM_PRODUCT;
}

/* Matches c = f · c + i · g, with gates i f g o. */
static gboolean
match_cell_state (Match *match, guint c)
{
  const OnnxAtom *a, *b, *candidate;
  const OnnxAffine *forget, *inputs[2];
  OnnxActivation functions[2], f;

  if (!get_two_products (match->states[c].after, &a, &b))
    return FALSE;
  if (!(forget = get_factor_of_state (a, c))) {
    candidate = a;
    forget = get_factor_of_state (b, c);
  } else {
    candidate = b;
  }
  if (!forget)
    return FALSE;
  forget = split_function (forget, &f);
  for (guint k = 0; k < 2; k++)
    inputs[k] = split_function (candidate->operands[k], &functions[k]);
  for (guint k = 0; k < 2; k++)
    if (are_equal_functions (&functions[k], &f)
        && are_equal_functions (&f, &match->functions[0])) {
      match->functions[1] = functions[!k];
      return set_gate (match, 0, inputs[k]) && set_gate (match, 1, forget)
             && set_gate (match, 2, inputs[!k]);
    }
  return fail_match (match,
      "expected one function for the gates i, f and o, found %s for o, %s for f, and %s and %s "
      "for "
      "i and g",
      match->functions[0].name, f.name, functions[0].name, functions[1].name);
}

/* Matches h = o · function (c). */
static gboolean
match_lstm (Match *match)
{
  const OnnxAtom *h = onnx_affine_get_atom (match->states[match->h].after);

  if (!h || h->kind != ONNX_ATOM_PRODUCT)
    return FALSE;
  for (guint c = 0; c < match->n_states; c++)
    for (guint k = 0; c != match->h && k < 2; k++) {
      const OnnxAffine *after = match->states[c].after, *gate;
      OnnxActivation function;
      const OnnxAffine *inner = split_function (h->operands[k], &function);

      if (!onnx_affine_equal (inner, after) || after->n != match->m)
        continue;
      match->recurrence = &onnx_recurrence_lstm;
      match->c = c;
      match->functions[2] = function;
      gate = split_function (h->operands[!k], &match->functions[0]);
      return match_cell_state (match, c) && set_gate (match, 3, gate);
    }
  return FALSE;
}

/* Returns whether @form is 1 − @z. */
static gboolean
is_complement (const OnnxAffine *form, const OnnxAffine *z)
{
  const OnnxAtom *atom = onnx_affine_get_atom (z);
  const OnnxTerm *term = form->terms;

  if (!atom || form->n_terms != 1 || term->atom != atom || !form->bias || term->matrix
      || !term->scale || term->to || term->from || term->n != form->n || atom->n != form->n)
    return FALSE;
  for (gsize k = 0; k < form->n; k++)
    if (term->scale->reals[k] != -1 || form->bias->reals[k] != 1)
      return FALSE;
  return TRUE;
}

/* Returns whether @form consists of the state h only. */
static gboolean
reads_only_state (const Match *match, const OnnxAffine *form)
{
  for (guint i = 0; i < form->n_terms; i++)
    if (!is_state (form->terms[i].atom, match->h))
      return FALSE;
  return form->n_terms > 0;
}

/* Finds the term of n that r multiplies: r · (U h + b), or U (r · h). Sets gate r. */
static gboolean
match_reset (Match *match, const OnnxAffine *form)
{
  for (guint i = 0; i < form->n_terms; i++) {
    const OnnxTerm *term = &form->terms[i];
    const OnnxAffine *r = get_factor_of_state (term->atom, match->h);
    OnnxActivation function;

    for (guint k = 0; !r && term->atom->kind == ONNX_ATOM_PRODUCT && k < 2; k++)
      if (reads_only_state (match, term->atom->operands[k]) && is_atom_term (term, match->m)) {
        match->reset_form = term->atom->operands[k];
        r = term->atom->operands[!k];
      }
    if (!r)
      continue;
    match->reset = term;
    r = split_function (r, &function);
    return are_equal_functions (&function, &match->functions[0]) && set_gate (match, 0, r);
  }
  return FALSE;
}

/* Matches h = z · h + (1 − z) · n, with gates r z n. */
static gboolean
match_gru (Match *match)
{
  const OnnxAtom *products[2];
  const OnnxAffine *z = NULL, *n = NULL, *form;

  if (!get_two_products (match->states[match->h].after, &products[0], &products[1]))
    return FALSE;
  for (guint i = 0; i < 2 && !n; i++) {
    z = get_factor_of_state (products[i], match->h);
    for (guint k = 0; z && !n && k < 2; k++)
      if (is_complement (products[!i]->operands[k], z))
        n = products[!i]->operands[!k];
  }
  if (!n)
    return FALSE;
  match->recurrence = &onnx_recurrence_gru;
  form = split_function (z, &match->functions[0]);
  if (!set_gate (match, 1, form))
    return FALSE;
  form = split_function (n, &match->functions[1]);
  if (!match_reset (match, form))
    return fail_match (match,
        "expected a gate r that multiplies h or U · h in n, found none among %u terms of n",
        form->n_terms);

  return set_gate (match, 2, form);
}

/* Matches h = function (W x + U h + b). */
static gboolean
match_rnn (Match *match)
{
  const OnnxAtom *h = onnx_affine_get_atom (match->states[match->h].after);

  if (!h || h->kind != ONNX_ATOM_ACTIVATION)
    return FALSE;
  match->recurrence = &onnx_recurrence_rnn;
  match->functions[0] = h->activation;
  return set_gate (match, 0, h->operands[0]);
}

/* Adds @term to the rows @row and following of @weights, (rows, features of the atom). */
static void
add_term (float *weights, gsize row, const OnnxTerm *term)
{
  const gsize d = term->atom->n;

  for (gsize j = 0; j < term->n; j++) {
    float *to = weights + (row + term->to + j) * d;

    for (gsize k = 0; term->matrix && k < d; k++)
      to[k] += term->matrix->reals[k * term->n + j];
    if (!term->matrix)
      to[term->from + j] += term->scale ? term->scale->reals[j] : 1;
  }
}

static void
add_form (const Match *match, OnnxCell *cell, guint g, const OnnxAffine *form, float *bias)
{
  const gsize row = g * match->m;

  for (guint i = 0; i < form->n_terms; i++) {
    const OnnxTerm *term = &form->terms[i];
    OnnxTerm of_state = *term;

    if (term == match->reset && match->reset_form)
      continue;
    /* U (r · h): the matrix multiplies the features of h. */
    if (term == match->reset)
      add_term (cell->weight_hh, row, &of_state);
    else
      add_term (term->atom == match->input ? cell->weight_ih : cell->weight_hh, row, term);
  }
  if (form->bias)
    memcpy (bias + row, form->bias->reals, match->m * sizeof *bias);
}

/* Gets the first row of the initial state @i. All rows must be equal. *row is NULL for zeros. */
static gboolean
get_initial_state (Match *match, guint i, float **row)
{
  const OnnxTensor *tensor = match->states[i].initial;
  const gsize n = match->states[i].n;

  *row = NULL;
  for (gsize k = 0; k < tensor->n_values; k++) {
    if (tensor->reals[k] != tensor->reals[k % n]) {
      return fail_match (match,
          "expected equal initial states for all sequences, found a different state at row "
          "%" G_GSIZE_FORMAT,
          k / n);
    }
    if (tensor->reals[k] != 0)
      *row = tensor->reals;
  }
  return TRUE;
}

static OnnxCell *
make_cell (Match *match)
{
  OnnxReader *reader = match->reader;
  const gsize m = match->m, n_rows = match->recurrence->n_gates * m, d = match->input->n;
  OnnxCell *cell = onnx_alloc (reader, 1, sizeof *cell);

  if (!cell || !get_initial_state (match, match->h, &cell->h)
      || (match->recurrence->has_cell && !get_initial_state (match, match->c, &cell->c)))
    return NULL;
  cell->recurrence = match->recurrence;
  cell->d = d;
  cell->m = m;
  memcpy (cell->activations, match->functions, sizeof cell->activations);
  cell->weight_ih = onnx_alloc (reader, n_rows, d * sizeof (float));
  cell->weight_hh = onnx_alloc (reader, n_rows, m * sizeof (float));
  cell->bias_ih = onnx_alloc (reader, n_rows, sizeof (float));
  if (match->reset_form)
    cell->bias_hh = onnx_alloc (reader, n_rows, sizeof (float));
  cell->resets_before = match->reset && !match->reset_form;
  if (!cell->weight_ih || !cell->weight_hh || !cell->bias_ih
      || (match->reset_form && !cell->bias_hh)) {
    fail_match (match, "expected weights that fit in memory, found more");
    return NULL;
  }
  for (guint g = 0; g < match->recurrence->n_gates; g++)
    add_form (match, cell, g, match->gates[g], cell->bias_ih);
  if (match->reset_form)
    add_form (match, cell, 2, match->reset_form, cell->bias_hh);
  return cell;
}

gboolean
onnx_match_layer (OnnxReader *reader, const OnnxLoopState *states, guint n_states, guint h,
    OnnxLoopLayer *layer, const char **problem)
{
  gboolean (*const matches[]) (Match *) = {match_lstm, match_gru, match_rnn};
  gboolean is_found = FALSE;
  Match match;

  for (guint i = 0; !is_found && i < G_N_ELEMENTS (matches); i++) {
    match = (Match){reader, states, n_states, h, .m = states[h].n};
    is_found = matches[i](&match);
    if (!is_found && match.recurrence)
      break;
  }
  if (is_found && !match.input) {
    is_found = fail_match (
        &match, "expected gates that read the input, found gates that read only h");
  }
  *layer = (OnnxLoopLayer){h, match.c, match.input};
  layer->cell = is_found ? make_cell (&match) : NULL;
  if (!layer->cell && !match.problem)
    fail_match (&match,
        "expected the step of an " ONNX_RECURRENT " layer, found a state that is %s",
        describe_form (&match, states[h].after));
  *problem = match.problem;
  return layer->cell != NULL;
}
