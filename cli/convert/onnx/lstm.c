/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "onnx/lstm.h"
#include "onnx/activation.h"
#include "onnx/signal.h"
#include "util/text.h"
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

/* An LSTM node and its parts. A function that returns FALSE has set unsupported. */
typedef struct {
  OnnxReader *reader;
  OnnxNode *node;
  OnnxValue *unsupported;
  const OnnxTensor *in[8]; /* indexed by IN_W to IN_P; nullable */
  gsize d, m, n_directions;
  gboolean batch_first, is_masked;
} Lstm;

static const char *const input_names[] = {
    "X", "W", "R", "B", "sequence_lens", "initial_h", "initial_c", "P"};

static gboolean
get_inputs (Lstm *lstm)
{
  OnnxNode *node = lstm->node;

  for (guint i = 1; i < MIN (node->n_inputs, G_N_ELEMENTS (lstm->in)); i++) {
    const OnnxValue *value = node->inputs[i];
    gboolean is_int = i == IN_LENS, is_state = i == IN_H || i == IN_C;

    if (!value || (value->kind == ONNX_VALUE_STATE && is_state))
      continue;
    if (value->kind == ONNX_VALUE_TENSOR && value->tensor->is_int == is_int)
      lstm->in[i] = value->tensor;
    else
      lstm->unsupported = onnx_unsupported_input (lstm->reader, node, input_names[i], i,
          is_state ? "constants or an input of the model" : "constants");
  }
  if (!lstm->unsupported && (!lstm->in[IN_W] || !lstm->in[IN_R]))
    lstm->unsupported = onnx_unsupported (lstm->reader, node,
        "%s: expected weights, found none", input_names[lstm->in[IN_W] ? IN_R : IN_W]);
  return !lstm->unsupported;
}

static gboolean
check_shape (Lstm *lstm, guint input, guint n_dims, gsize a, gsize b, gsize c)
{
  const OnnxTensor *tensor = lstm->in[input];
  const gsize shape[] = {a, b, c};
  g_autofree char *expected = NULL;

  if (!tensor
      || (tensor->n_dims == n_dims
          && memcmp (tensor->shape, shape, n_dims * sizeof *shape) == 0))
    return TRUE;
  expected = lstm_text_shape (n_dims, shape);
  lstm->unsupported = onnx_unsupported (lstm->reader, lstm->node,
      "%s: expected shape %s, found %s", input_names[input], expected,
      onnx_tensor_describe_shape (lstm->reader, tensor));
  return FALSE;
}

static gboolean
get_sizes (Lstm *lstm)
{
  const OnnxTensor *w = lstm->in[IN_W], *r = lstm->in[IN_R];
  gint64 hidden = onnx_get_int (lstm->node, "hidden_size", -1);

  if (w->n_dims != 3 || r->n_dims != 3 || !w->n_values || !r->n_values || w->shape[1] % GATES) {
    lstm->unsupported = onnx_unsupported (lstm->reader, lstm->node,
        "W, R: expected shapes [directions, 4 units, inputs] and [directions, 4 units, units], "
        "found %s and %s",
        onnx_tensor_describe_shape (lstm->reader, w),
        onnx_tensor_describe_shape (lstm->reader, r));
    return FALSE;
  }
  lstm->d = w->shape[2];
  lstm->m = w->shape[1] / GATES;
  if (hidden != -1 && (hidden < 0 || (gsize) hidden != lstm->m)) {
    lstm->unsupported = onnx_unsupported (lstm->reader, lstm->node,
        "hidden_size: expected %" G_GSIZE_FORMAT " by the weights, found %" G_GINT64_FORMAT,
        lstm->m, hidden);
    return FALSE;
  }
  return check_shape (lstm, IN_W, 3, lstm->n_directions, GATES * lstm->m, lstm->d)
         && check_shape (lstm, IN_R, 3, lstm->n_directions, GATES * lstm->m, lstm->m)
         && check_shape (lstm, IN_B, 2, lstm->n_directions, 2 * GATES * lstm->m, 0)
         && check_shape (lstm, IN_P, 2, lstm->n_directions, 3 * lstm->m, 0);
}

/* Converts the order of four gates of @n values from i o f c to i f g o. Returns: (nullable) */
static float *
reorder_gates (Lstm *lstm, const float *values, gsize n)
{
  static const guint from[GATES] = {0, 2, 3, 1};
  float *result = onnx_alloc (lstm->reader, GATES * n, sizeof *result);

  for (guint g = 0; result && g < GATES; g++)
    memcpy (result + g * n, values + from[g] * n, n * sizeof *values);
  return result;
}

/* Converts the order of the peepholes from i o f to i f o. Returns: (nullable) */
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

/* Gets the constant state (m) of direction @k from [directions, batch, m], or from
 * [batch, directions, m] if layout is 1. All rows of a batch must be equal. *state is NULL for
 * zeros. */
static gboolean
get_state (Lstm *lstm, guint input, gsize k, float **state)
{
  const OnnxTensor *tensor = lstm->in[input];
  gsize batch, m = lstm->m, n_directions = lstm->n_directions;

  *state = NULL;
  if (!tensor)
    return TRUE;
  batch = tensor->n_dims == 3 ? tensor->shape[!lstm->batch_first] : 0;
  if (!batch || tensor->shape[lstm->batch_first] != n_directions || tensor->shape[2] != m) {
    lstm->unsupported = onnx_unsupported (lstm->reader, lstm->node,
        "%s: expected %" G_GSIZE_FORMAT " directions of %" G_GSIZE_FORMAT
        " units in 3 dimensions, found shape %s",
        input_names[input], n_directions, m, onnx_tensor_describe_shape (lstm->reader, tensor));
    return FALSE;
  }
  for (gsize b = 0; b < batch; b++) {
    float *row = tensor->reals + (lstm->batch_first ? b * n_directions + k : k * batch + b) * m;

    if (b && memcmp (row, *state, m * sizeof *row) != 0) {
      lstm->unsupported = onnx_unsupported (lstm->reader, lstm->node,
          "%s: expected equal states for all sequences of the batch, found a different state "
          "at batch index %" G_GSIZE_FORMAT,
          input_names[input], b);
      return FALSE;
    }
    *state = row;
  }
  if (is_zero (*state, m))
    *state = NULL;
  return TRUE;
}

/* Gets the three functions of direction @k. The lists of alpha and beta have an entry for each
 * function with this parameter, in the order of the functions of all directions. */
static gboolean
get_activations (Lstm *lstm, gsize k, OnnxActivation *found)
{
  static const char *const missing[] = {"Sigmoid", "Tanh", "Tanh"};
  const Onnx__AttributeProto *names = onnx_find_attribute (lstm->node, "activations");
  const Onnx__AttributeProto *alphas = onnx_find_attribute (lstm->node, "activation_alpha");
  const Onnx__AttributeProto *betas = onnx_find_attribute (lstm->node, "activation_beta");
  gsize n = names ? names->n_strings : 0, alpha = 0, beta = 0;

  if (n && n != 3 * lstm->n_directions) {
    lstm->unsupported = onnx_unsupported (lstm->reader, lstm->node,
        "activations: expected %" G_GSIZE_FORMAT " names, found %" G_GSIZE_FORMAT,
        3 * lstm->n_directions, n);
    return FALSE;
  }
  for (gsize i = 0; i < 3 * (k + 1); i++) {
    g_autofree char *name = n ? g_strndup (
                                (const char *) names->strings[i].data, names->strings[i].len)
                              : g_strdup (missing[i % 3]);
    OnnxActivation *activation = &found[i % 3];

    if (!onnx_find_lstm_activation (name, activation)) {
      lstm->unsupported = onnx_unsupported (lstm->reader, lstm->node,
          "activations: expected a function of ONNX's LSTM, found \"%s\"",
          onnx_shorten_text (lstm->reader, name));
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
  const float *b = bias ? bias->reals + k * 2 * GATES * m : NULL;
  const float *p = peephole ? peephole->reals + k * 3 * m : NULL;

  if (!cell || !get_activations (lstm, k, cell->activations)
      || !get_state (lstm, IN_H, k, &cell->h) || !get_state (lstm, IN_C, k, &cell->c))
    return NULL;
  cell->d = d;
  cell->m = m;
  cell->clip = onnx_get_float (lstm->node, "clip", 0);
  cell->input_forget = onnx_get_int (lstm->node, "input_forget", 0) != 0;
  cell->weight_ih = reorder_gates (lstm, lstm->in[IN_W]->reals + k * GATES * m * d, m * d);
  cell->weight_hh = reorder_gates (lstm, lstm->in[IN_R]->reals + k * GATES * m * m, m * m);
  if (b)
    cell->bias_ih = reorder_gates (lstm, b, m);
  if (b && !is_zero (b + GATES * m, GATES * m))
    cell->bias_hh = reorder_gates (lstm, b + GATES * m, m);
  if (p && !is_zero (p, 3 * m))
    cell->peephole = reorder_peephole (lstm, p);
  return cell->weight_ih && cell->weight_hh ? cell : NULL;
}

static gboolean
get_direction (Lstm *lstm, guint *row)
{
  g_autofree char *name = onnx_get_string (lstm->node, "direction", "forward");
  const Onnx__AttributeProto *clip = onnx_find_attribute (lstm->node, "clip");

  for (*row = 0; *row < G_N_ELEMENTS (directions); ++*row)
    if (g_ascii_strcasecmp (name, directions[*row].name) == 0)
      break;
  if (*row == G_N_ELEMENTS (directions))
    lstm->unsupported = onnx_unsupported (lstm->reader, lstm->node,
        "direction: expected forward, reverse or bidirectional, found \"%s\"",
        onnx_shorten_text (lstm->reader, name));
  else if (clip && !(clip->f > 0))
    lstm->unsupported = onnx_unsupported (
        lstm->reader, lstm->node, "clip: expected more than 0, found %g", (double) clip->f);
  else
    lstm->n_directions = directions[*row].forward + directions[*row].reverse;
  return !lstm->unsupported;
}

/* Binds the axes of X: [T, batch, d], or [batch, T, d] if layout is 1. */
static gboolean
bind_input (Lstm *lstm)
{
  OnnxValue *x = lstm->node->inputs[IN_X];
  const OnnxAxis *time = &x->axes[lstm->batch_first], *features = &x->axes[2];
  OnnxInt size;

  if (x->kind != ONNX_VALUE_SIGNAL || x->n_axes != 3) {
    lstm->unsupported = onnx_unsupported_input (
        lstm->reader, lstm->node, "X", IN_X, "3 dimensions");
    return FALSE;
  }
  size = onnx_axis_size (lstm->reader, features);
  if (time->n > 1 || !onnx_axis_bind (lstm->reader, time, ONNX_ROLE_TIME)
      || !onnx_axis_bind (lstm->reader, &x->axes[!lstm->batch_first], ONNX_ROLE_BATCH)
      || !onnx_stage_bind_features (lstm->reader, x->stage, features)) {
    lstm->unsupported = onnx_unsupported (lstm->reader, lstm->node,
        "X: expected the axes %s and all features, found %s, %s and %s",
        lstm->batch_first ? "batch, time" : "time, batch",
        onnx_axis_describe (lstm->reader, &x->axes[0]),
        onnx_axis_describe (lstm->reader, &x->axes[1]),
        onnx_axis_describe (lstm->reader, features));
    return FALSE;
  }
  if (size.factor == ONNX_NO_FACTOR && (gsize) size.offset != lstm->d) {
    lstm->unsupported = onnx_unsupported (lstm->reader, lstm->node,
        "X: expected %" G_GSIZE_FORMAT " features by the weights, found %" G_GINT64_FORMAT,
        lstm->d, size.offset);
    return FALSE;
  }
  return TRUE;
}

/* Checks that each length is the number of steps of X: a stream has no steps beyond its
 * sequence. */
static gboolean
check_lengths (Lstm *lstm)
{
  const OnnxTensor *lengths = lstm->in[IN_LENS];
  OnnxInt size = onnx_axis_size (
      lstm->reader, &lstm->node->inputs[IN_X]->axes[lstm->batch_first]);
  OnnxInt length = {0, 1, lstm->reader->length_factor};

  for (gsize k = 0; lengths && k < lengths->n_values; k++) {
    gboolean is_model_input = lengths->ints[k].factor == length.factor
                              && onnx_int_equal (lstm->reader, lengths->ints[k], length);

    lstm->is_masked |= is_model_input;
    if (is_model_input || onnx_int_equal (lstm->reader, lengths->ints[k], size))
      continue;
    lstm->unsupported = onnx_unsupported (lstm->reader, lstm->node,
        "sequence_lens: expected the number of steps of X, or an input of the model, found %s "
        "for %s",
        onnx_describe_input (lstm->reader, lstm->node, IN_LENS),
        onnx_axis_describe (lstm->reader, &lstm->node->inputs[IN_X]->axes[lstm->batch_first]));
    return FALSE;
  }
  return TRUE;
}

/* Sets the outputs: Y [T, directions, batch, m], or [batch, T, directions, m] if layout is 1, and
 * Y_h, which has the same shape without T. */
static void
set_outputs (Lstm *lstm, OnnxStage *stage)
{
  OnnxNode *node = lstm->node;
  const OnnxValue *x = node->inputs[IN_X];
  guint i_direction = lstm->batch_first ? 2 : 1;
  OnnxAxis direction = onnx_axis_new (
      lstm->reader, (gint64) lstm->n_directions, ONNX_ROLE_FEATURE);
  OnnxAxis unit = onnx_axis_new (lstm->reader, (gint64) lstm->m, ONNX_ROLE_FEATURE);
  OnnxValue *y = onnx_signal_new (lstm->reader, x, stage), *h;

  stage->features = direction;
  onnx_axis_append (&stage->features, &unit);
  y->n_axes = 4;
  y->axes[3] = unit;
  y->axes[i_direction] = direction;
  if (!lstm->batch_first)
    y->axes[2] = x->axes[1];
  node->outputs[0] = y;
  if (node->n_outputs > 1) {
    h = onnx_value_copy (lstm->reader, y);
    h->stage = onnx_stage_copy (lstm->reader, stage);
    h->stage->is_masked = FALSE;
    if (x->axes[lstm->batch_first].n)
      h->stage->selection = ONNX_SELECT_OWN_LAST;
    node->outputs[1] = onnx_value_drop_axis (lstm->reader, h, lstm->batch_first);
    node->outputs[1]->state_part = ONNX_STATE_PART_HIDDEN;
  }
  if (node->n_outputs > 2) {
    node->outputs[2] = onnx_unsupported (lstm->reader, node,
        "Y_c: expected Y or Y_h as the output, found Y_c (the element outputs it with "
        "emit=cell)");
    node->outputs[2]->state_part = ONNX_STATE_PART_CELL;
  }
}

OnnxValue *
onnx_apply_lstm (OnnxReader *reader, OnnxNode *node)
{
  Lstm lstm = {reader, node};
  OnnxStage *stage;
  guint row;

  lstm.batch_first = onnx_get_int (node, "layout", 0) != 0;
  if (!get_direction (&lstm, &row) || !get_inputs (&lstm) || !get_sizes (&lstm)
      || !bind_input (&lstm) || !check_lengths (&lstm))
    return lstm.unsupported;
  stage = onnx_node_new_stage (reader, node, ONNX_STAGE_LSTM, node->inputs[IN_X]->stage);
  stage->is_masked = lstm.is_masked;
  if (directions[row].forward)
    stage->cells[0] = read_cell (&lstm, 0);
  if (directions[row].reverse)
    stage->cells[1] = read_cell (&lstm, directions[row].forward);
  if (lstm.unsupported || (directions[row].forward && !stage->cells[0])
      || (directions[row].reverse && !stage->cells[1]))
    return lstm.unsupported ? lstm.unsupported : onnx_value_from_tensor (reader, node, NULL);
  set_outputs (&lstm, stage);
  return node->outputs[0];
}
