/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "onnx/onnx.h"
#include <math.h>
#include <string.h>

#define GATES 4

enum { IN_X, IN_W, IN_R, IN_B, IN_LENS, IN_H, IN_C, IN_P };

static const struct {
  const char *name;
  gboolean forward, reverse;
} directions[] = {
    {"forward", TRUE, FALSE},
    {"reverse", FALSE, TRUE},
    {"bidirectional", TRUE, TRUE},
};

/* An LSTM node while it is read; failed is what the functions below say of it */
typedef struct {
  OnnxReader *reader;
  OnnxNode *node;
  OnnxValue *failed;
  const OnnxTensor *in[8]; /* but X */
  gsize d, m, dirs;
  gboolean batch_first, masked;
} Lstm;

static const char *const input_names[] = {
    "X", "W", "R", "B", "sequence_lens", "initial_h", "initial_c", "P"};

static gboolean
get_inputs (Lstm *lstm)
{
  OnnxNode *node = lstm->node;

  for (guint i = 1; i < MIN (node->n_in, G_N_ELEMENTS (lstm->in)); i++) {
    const OnnxValue *value = node->in[i];
    gboolean is_int = i == IN_LENS;

    if (!value || (value->kind == ONNX_STATE && (i == IN_H || i == IN_C)))
      continue;
    if (value->kind != ONNX_TENSOR || value->tensor->is_int != is_int)
      lstm->failed = onnx_bad (lstm->reader, node,
          i == IN_H || i == IN_C
              ? "%s: expected constants or an input of the model, found what the model computes"
              : "%s: expected constants, found what the model computes",
          input_names[i]);
    else
      lstm->in[i] = value->tensor;
  }
  if (!lstm->in[IN_W] || !lstm->in[IN_R])
    lstm->failed = lstm->failed ? lstm->failed
                                : onnx_bad (lstm->reader, node, "expected W and R, found none");
  return !lstm->failed;
}

static gboolean
check_shape (Lstm *lstm, guint input, guint n_dims, gsize a, gsize b, gsize c)
{
  const OnnxTensor *tensor = lstm->in[input];
  const gsize shape[] = {a, b, c};

  if (!tensor
      || (tensor->n_dims == n_dims
          && memcmp (tensor->shape, shape, n_dims * sizeof *shape) == 0))
    return TRUE;
  lstm->failed = onnx_bad (lstm->reader, lstm->node, "%s: expected shape %s, found %s",
      input_names[input], onnx_shape_text (lstm->reader, n_dims, shape),
      onnx_shape_text (lstm->reader, tensor->n_dims, tensor->shape));
  return FALSE;
}

static gboolean
get_sizes (Lstm *lstm)
{
  const OnnxTensor *w = lstm->in[IN_W], *r = lstm->in[IN_R];
  gint64 hidden = onnx_get_int (lstm->node, "hidden_size", -1);

  if (w->n_dims != 3 || r->n_dims != 3 || !w->n || !r->n || w->shape[1] % GATES) {
    lstm->failed = onnx_bad (lstm->reader, lstm->node,
        "expected W [directions, 4 units, inputs] and R [directions, 4 units, units], found %s "
        "and %s",
        onnx_shape_text (lstm->reader, w->n_dims, w->shape),
        onnx_shape_text (lstm->reader, r->n_dims, r->shape));
    return FALSE;
  }
  lstm->d = w->shape[2];
  lstm->m = w->shape[1] / GATES;
  if (hidden != -1 && (hidden < 0 || (gsize) hidden != lstm->m)) {
    lstm->failed = onnx_bad (lstm->reader, lstm->node,
        "expected hidden_size %" G_GSIZE_FORMAT " by the weights, found %" G_GINT64_FORMAT,
        lstm->m, hidden);
    return FALSE;
  }
  return check_shape (lstm, IN_W, 3, lstm->dirs, GATES * lstm->m, lstm->d)
         && check_shape (lstm, IN_R, 3, lstm->dirs, GATES * lstm->m, lstm->m)
         && check_shape (lstm, IN_B, 2, lstm->dirs, 2 * GATES * lstm->m, 0)
         && check_shape (lstm, IN_P, 2, lstm->dirs, 3 * lstm->m, 0);
}

/* Blocks of n values of the gates i o f c in the order i f g o */
static float *
reorder (Lstm *lstm, const float *values, gsize n)
{
  static const guint from[GATES] = {0, 2, 3, 1};
  float *result = onnx_alloc (lstm->reader, GATES * n, sizeof *result);

  for (guint g = 0; result && g < GATES; g++)
    memcpy (result + g * n, values + from[g] * n, n * sizeof *values);
  return result;
}

/* i o f in the order i f o */
static float *
reorder_peephole (Lstm *lstm, const float *values)
{
  static const guint from[] = {0, 2, 1};
  float *result = onnx_alloc (lstm->reader, 3 * lstm->m, sizeof *result);

  for (guint g = 0; result && g < 3; g++)
    memcpy (result + g * lstm->m, values + from[g] * lstm->m, lstm->m * sizeof *values);
  return result;
}

static gboolean
is_zero (const float *values, gsize n)
{
  for (gsize k = 0; k < n; k++)
    if (values[k] != 0)
      return FALSE;
  return TRUE;
}

/* A constant state [directions, batch, m], or [batch, directions, m] by layout, the same for all
 * of a batch; *state is NULL for zeros. */
static gboolean
get_state (Lstm *lstm, guint input, gsize k, float **state)
{
  const OnnxTensor *tensor = lstm->in[input];
  gsize batch, m = lstm->m, dirs = lstm->dirs;

  *state = NULL;
  if (!tensor)
    return TRUE;
  batch = tensor->n_dims == 3 ? tensor->shape[!lstm->batch_first] : 0;
  if (!batch || tensor->shape[lstm->batch_first] != dirs || tensor->shape[2] != m) {
    lstm->failed = onnx_bad (lstm->reader, lstm->node,
        "%s: expected %" G_GSIZE_FORMAT " directions of %" G_GSIZE_FORMAT
        " units in 3 dimensions, found shape %s",
        input_names[input], dirs, m,
        onnx_shape_text (lstm->reader, tensor->n_dims, tensor->shape));
    return FALSE;
  }
  for (gsize b = 0; b < batch; b++) {
    float *row = tensor->f + (lstm->batch_first ? b * dirs + k : k * batch + b) * m;

    if (b && memcmp (row, *state, m * sizeof *row) != 0) {
      lstm->failed = onnx_bad (lstm->reader, lstm->node,
          "%s: expected the same state for all of a batch, found others", input_names[input]);
      return FALSE;
    }
    *state = row;
  }
  if (is_zero (*state, m))
    *state = NULL;
  return TRUE;
}

/* The three functions of direction @k; alphas and betas go to those that take them, in turn. */
static gboolean
get_activations (Lstm *lstm, gsize k, OnnxActivation *found)
{
  static const char *const missing[] = {"Sigmoid", "Tanh", "Tanh"};
  const Onnx__AttributeProto *names = onnx_attribute (lstm->node, "activations");
  const Onnx__AttributeProto *alphas = onnx_attribute (lstm->node, "activation_alpha");
  const Onnx__AttributeProto *betas = onnx_attribute (lstm->node, "activation_beta");
  gsize n = names ? names->n_strings : 0, alpha = 0, beta = 0;

  if (n && n != 3 * lstm->dirs) {
    lstm->failed = onnx_bad (lstm->reader, lstm->node,
        "activations: expected %" G_GSIZE_FORMAT ", found %" G_GSIZE_FORMAT, 3 * lstm->dirs, n);
    return FALSE;
  }
  for (gsize i = 0; i < 3 * (k + 1); i++) {
    g_autofree char *name = n ? g_strndup (
                                (const char *) names->strings[i].data, names->strings[i].len)
                              : g_strdup (missing[i % 3]);
    OnnxActivation *activation = &found[i % 3];

    if (!onnx_find_activation (name, activation)) {
      g_autofree char *valid = g_utf8_make_valid (name, -1);

      lstm->failed = onnx_bad (lstm->reader, lstm->node,
          "activations: expected a function of ONNX's LSTM, found '%s'", valid);
      return FALSE;
    }
    if (activation->has_alpha && alphas && alpha < alphas->n_floats)
      activation->alpha = alphas->floats[alpha++];
    if (activation->has_beta && betas && beta < betas->n_floats)
      activation->beta = betas->floats[beta++];
  }
  return TRUE;
}

static OnnxCell *
read_cell (Lstm *lstm, gsize k)
{
  gsize m = lstm->m, d = lstm->d;
  const OnnxTensor *bias = lstm->in[IN_B], *peephole = lstm->in[IN_P];
  OnnxCell *cell = onnx_alloc (lstm->reader, 1, sizeof *cell);
  const float *b = bias ? bias->f + k * 2 * GATES * m : NULL;
  const float *p = peephole ? peephole->f + k * 3 * m : NULL;

  if (!cell || !get_activations (lstm, k, cell->activations)
      || !get_state (lstm, IN_H, k, &cell->h) || !get_state (lstm, IN_C, k, &cell->c))
    return NULL;
  cell->d = d;
  cell->m = m;
  cell->clip = onnx_get_float (lstm->node, "clip", 0);
  cell->input_forget = onnx_get_int (lstm->node, "input_forget", 0) != 0;
  cell->weight_ih = reorder (lstm, lstm->in[IN_W]->f + k * GATES * m * d, m * d);
  cell->weight_hh = reorder (lstm, lstm->in[IN_R]->f + k * GATES * m * m, m * m);
  if (b)
    cell->bias_ih = reorder (lstm, b, m);
  if (b && !is_zero (b + GATES * m, GATES * m))
    cell->bias_hh = reorder (lstm, b + GATES * m, m);
  if (p && !is_zero (p, 3 * m))
    cell->peephole = reorder_peephole (lstm, p);
  return cell->weight_ih && cell->weight_hh ? cell : NULL;
}

static gboolean
get_direction (Lstm *lstm, guint *row)
{
  g_autofree char *name = onnx_get_string (lstm->node, "direction", "forward");
  const Onnx__AttributeProto *clip = onnx_attribute (lstm->node, "clip");

  for (*row = 0; *row < G_N_ELEMENTS (directions); ++*row)
    if (g_ascii_strcasecmp (name, directions[*row].name) == 0)
      break;
  if (*row == G_N_ELEMENTS (directions))
    lstm->failed = onnx_bad (lstm->reader, lstm->node,
        "direction: expected forward, reverse or bidirectional, found '%s'", name);
  else if (clip && !(clip->f > 0))
    lstm->failed = onnx_bad (
        lstm->reader, lstm->node, "clip: expected more than 0, found %g", (double) clip->f);
  else
    lstm->dirs = directions[*row].forward + directions[*row].reverse;
  return !lstm->failed;
}

/* X [T, batch, d], or [batch, T, d] by layout: what its axes are */
static gboolean
bind_input (Lstm *lstm)
{
  OnnxValue *x = lstm->node->in[IN_X];
  const OnnxAxis *time = &x->axes[lstm->batch_first], *features = &x->axes[2];
  OnnxInt size;

  if (x->kind != ONNX_STREAM || x->n_axes != 3) {
    lstm->failed = onnx_bad (lstm->reader, lstm->node, "X: expected 3 dimensions, found %u%s",
        x->n_axes, x->kind == ONNX_STATE ? " of an LSTM's state" : "");
    return FALSE;
  }
  size = onnx_axis_size (lstm->reader, features);
  if (time->n > 1 || !onnx_bind (lstm->reader, time, ONNX_ROLE_TIME)
      || !onnx_bind (lstm->reader, &x->axes[!lstm->batch_first], ONNX_ROLE_BATCH)
      || !onnx_bind_features (lstm->reader, x->step, features)) {
    lstm->failed = onnx_bad (
        lstm->reader, lstm->node, "X: expected axes of time, batch and features, found others");
    return FALSE;
  }
  if (size.atom == ONNX_NUMBER && (gsize) size.offset != lstm->d) {
    lstm->failed = onnx_bad (lstm->reader, lstm->node,
        "X: expected %" G_GSIZE_FORMAT " features by the weights, found %" G_GINT64_FORMAT,
        lstm->d, size.offset);
    return FALSE;
  }
  return TRUE;
}

/* A stream has no steps beyond its sequences, so lengths must be those of X. */
static gboolean
check_lengths (Lstm *lstm)
{
  const OnnxTensor *lens = lstm->in[IN_LENS];
  OnnxInt size = onnx_axis_size (lstm->reader, &lstm->node->in[IN_X]->axes[lstm->batch_first]);
  OnnxInt length = {0, 1, lstm->reader->length};

  for (gsize k = 0; lens && k < lens->n; k++) {
    gboolean outside = lens->i[k].atom == length.atom
                       && onnx_int_equal (lstm->reader, lens->i[k], length);

    lstm->masked |= outside;
    if (outside || onnx_int_equal (lstm->reader, lens->i[k], size))
      continue;
    lstm->failed = onnx_bad (lstm->reader, lstm->node,
        "sequence_lens: expected the length of X, or an input of the model, found others");
    return FALSE;
  }
  return TRUE;
}

/* Y [T, directions, batch, m] (by layout [batch, T, directions, m]); Y_h without T */
static void
make_outputs (Lstm *lstm, OnnxStep *step)
{
  OnnxNode *node = lstm->node;
  const OnnxValue *x = node->in[IN_X];
  guint dir_at = lstm->batch_first ? 2 : 1;
  OnnxAxis dir = onnx_axis_of (lstm->reader, (gint64) lstm->dirs, ONNX_ROLE_FEATURE);
  OnnxAxis unit = onnx_axis_of (lstm->reader, (gint64) lstm->m, ONNX_ROLE_FEATURE);
  OnnxValue *y = onnx_stream_new (lstm->reader, node, x, step), *h;

  step->features = dir;
  onnx_axis_append (&step->features, &unit);
  y->n_axes = 4;
  y->axes[3] = unit;
  y->axes[dir_at] = dir;
  if (!lstm->batch_first)
    y->axes[2] = x->axes[1];
  node->out[0] = y;
  if (node->n_out > 1) {
    h = onnx_value_copy (lstm->reader, y);
    h->step = onnx_step_copy (lstm->reader, step);
    h->step->masked = FALSE;
    if (x->axes[lstm->batch_first].n)
      h->step->take = ONNX_TAKE_OWN;
    node->out[1] = onnx_value_drop (lstm->reader, h, lstm->batch_first);
    node->out[1]->final = ONNX_FINAL_HIDDEN;
  }
  if (node->n_out > 2) {
    node->out[2] = onnx_bad (lstm->reader, node,
        "expected Y or Y_h, found a use of Y_c (emit=cell of the element gives it)");
    node->out[2]->final = ONNX_FINAL_CELL;
  }
}

OnnxValue *
onnx_run_lstm (OnnxReader *reader, OnnxNode *node)
{
  Lstm lstm = {reader, node};
  OnnxStep *step;
  guint row;

  lstm.batch_first = onnx_get_int (node, "layout", 0) != 0;
  if (!get_direction (&lstm, &row) || !get_inputs (&lstm) || !get_sizes (&lstm)
      || !bind_input (&lstm) || !check_lengths (&lstm))
    return lstm.failed;
  step = onnx_step_new (reader, node, ONNX_STEP_LSTM, node->in[IN_X]->step);
  step->masked = lstm.masked;
  if (directions[row].forward)
    step->cells[0] = read_cell (&lstm, 0);
  if (directions[row].reverse)
    step->cells[1] = read_cell (&lstm, directions[row].forward);
  if (lstm.failed || (directions[row].forward && !step->cells[0])
      || (directions[row].reverse && !step->cells[1]))
    return lstm.failed ? lstm.failed : onnx_value_tensor (reader, node, NULL);
  make_outputs (&lstm, step);
  return node->out[0];
}
