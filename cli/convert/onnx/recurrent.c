/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "onnx/recurrent.h"
#include "onnx/activation.h"
#include "onnx/quantized.h"
#include "onnx/signal.h"
#include "util/text.h"
#include <string.h>

enum { IN_X, IN_W, IN_R, IN_B, IN_LENS, IN_H, IN_C, IN_P };
enum { IN_W_SCALE = IN_P + 1, IN_R_SCALE = IN_W_SCALE + 2 }; /* of DynamicQuantizeLSTM */

static const struct {
  const char *name;
  gboolean forward, reverse;
} directions[] = {
    {"forward", TRUE, FALSE},
    {"reverse", FALSE, TRUE},
    {"bidirectional", TRUE, TRUE},
};

/* A recurrent node and its parts. A function that returns FALSE has set unsupported. */
typedef struct {
  OnnxReader *reader;
  OnnxNode *node;
  const OnnxRecurrence *recurrence;
  OnnxValue *unsupported;
  const OnnxTensor *in[8]; /* indexed by IN_W to IN_P; nullable */
  gsize d, m, n_directions;
  gboolean batch_first, is_masked;
} Layer;

static const char *const input_names[] = {
    "X", "W", "R", "B", "sequence_lens", "initial_h", "initial_c", "P"};

gboolean
onnx_is_recurrent_weight (guint i)
{
  return i == IN_W || i == IN_R;
}

/* Gets the weights of DynamicQuantizeLSTM as real numbers in the layout of LSTM. */
static void
get_quantized_weights (Layer *layer)
{
  static const guint scales[] = {[IN_W] = IN_W_SCALE, [IN_R] = IN_R_SCALE};

  for (guint i = IN_W; !layer->unsupported && i <= IN_R; i++)
    layer->in[i] = onnx_dequantize_recurrent (
        layer->reader, layer->node, i, scales[i], &layer->unsupported);
  onnx_note_rounding (layer->reader, layer->node);
}

static gboolean
get_inputs (Layer *layer)
{
  OnnxNode *node = layer->node;
  const guint n = layer->recurrence->has_cell ? IN_P + 1 : IN_H + 1;

  if (node->op->is_quantized)
    get_quantized_weights (layer);
  for (guint i = node->op->is_quantized ? IN_B : IN_W; i < MIN (node->n_inputs, n); i++) {
    const OnnxValue *value = node->inputs[i];
    gboolean is_int = i == IN_LENS, is_state = i == IN_H || i == IN_C;

    if (!value || (value->kind == ONNX_VALUE_STATE && is_state))
      continue;
    if (value->kind == ONNX_VALUE_TENSOR && value->tensor->is_int == is_int)
      layer->in[i] = value->tensor;
    else
      layer->unsupported = onnx_unsupported_input (layer->reader, node, input_names[i], i,
          is_state ? "constants or an input of the model" : "constants");
  }
  if (!layer->unsupported && (!layer->in[IN_W] || !layer->in[IN_R]))
    layer->unsupported = onnx_unsupported (layer->reader, node,
        "%s: expected weights, found none", input_names[layer->in[IN_W] ? IN_R : IN_W]);
  return !layer->unsupported;
}

static gboolean
check_shape (Layer *layer, guint input, guint n_dims, gsize a, gsize b, gsize c)
{
  const OnnxTensor *tensor = layer->in[input];
  const gsize shape[] = {a, b, c};
  g_autofree char *expected = NULL;

  if (!tensor
      || (tensor->n_dims == n_dims
          && memcmp (tensor->shape, shape, n_dims * sizeof *shape) == 0))
    return TRUE;
  expected = lstm_text_shape (n_dims, shape);
  layer->unsupported = onnx_unsupported (layer->reader, layer->node,
      "%s: expected shape %s, found %s", input_names[input], expected,
      onnx_tensor_describe_shape (layer->reader, tensor));
  return FALSE;
}

static gboolean
get_sizes (Layer *layer)
{
  const OnnxTensor *w = layer->in[IN_W], *r = layer->in[IN_R];
  gint64 hidden = onnx_get_int (layer->node, "hidden_size", -1);
  guint n_gates = layer->recurrence->n_gates;
  gsize n_rows;

  if (w->n_dims != 3 || r->n_dims != 3 || !w->n_values || !r->n_values
      || w->shape[1] % n_gates) {
    layer->unsupported = onnx_unsupported (layer->reader, layer->node,
        "W, R: expected shapes [directions, %u · units, inputs] and [directions, %u · units, "
        "units], found %s and %s",
        n_gates, n_gates, onnx_tensor_describe_shape (layer->reader, w),
        onnx_tensor_describe_shape (layer->reader, r));
    return FALSE;
  }
  layer->d = w->shape[2];
  layer->m = w->shape[1] / n_gates;
  if (hidden != -1 && (hidden < 0 || (gsize) hidden != layer->m)) {
    layer->unsupported = onnx_unsupported (layer->reader, layer->node,
        "hidden_size: expected %" G_GSIZE_FORMAT " by the weights, found %" G_GINT64_FORMAT,
        layer->m, hidden);
    return FALSE;
  }
  n_rows = n_gates * layer->m;
  return check_shape (layer, IN_W, 3, layer->n_directions, n_rows, layer->d)
         && check_shape (layer, IN_R, 3, layer->n_directions, n_rows, layer->m)
         && check_shape (layer, IN_B, 2, layer->n_directions, 2 * n_rows, 0)
         && check_shape (layer, IN_P, 2, layer->n_directions, 3 * layer->m, 0);
}

/* Converts the order of gates of @n values from ONNX to liblstm. Returns: (nullable) */
static float *
reorder_gates (Layer *layer, const float *values, gsize n)
{
  const OnnxRecurrence *recurrence = layer->recurrence;
  float *result = onnx_alloc (layer->reader, recurrence->n_gates * n, sizeof *result);

  for (guint g = 0; result && g < recurrence->n_gates; g++)
    memcpy (result + g * n, values + recurrence->gates[g] * n, n * sizeof *values);
  return result;
}

/* Converts the order of gates of the weights that begin at value @first, with @n values in a gate.
 * Sets either @values or @parts. Counts the memory of values that stay in the file, too, because the
 * size of the result has the same limit. */
static gboolean
reorder_weights (Layer *layer, const OnnxTensor *tensor, gsize first, gsize n, float **values,
    LstmTensorPart **parts)
{
  const OnnxRecurrence *recurrence = layer->recurrence;
  const gsize n_bytes = recurrence->n_gates * n * sizeof (float);
  const LstmTensorPart *stored = tensor->stored;

  if (!stored) {
    *values = reorder_gates (layer, tensor->reals + first, n);
    return *values != NULL;
  }
  if (n_bytes > layer->reader->memory_left)
    return FALSE;
  layer->reader->memory_left -= n_bytes;
  if (!(*parts = onnx_alloc (layer->reader, recurrence->n_gates, sizeof **parts)))
    return FALSE;
  for (guint g = 0; g < recurrence->n_gates; g++)
    (*parts)[g] = (LstmTensorPart){stored->content,
        stored->offset + (first + recurrence->gates[g] * n) * sizeof (float), n};
  return TRUE;
}

/* Converts the order of the peepholes from i o f to i f o. Returns: (nullable) */
static float *
reorder_peephole (Layer *layer, const float *values)
{
  static const guint from[] = {0, 2, 1};
  float *result = onnx_alloc (layer->reader, 3 * layer->m, sizeof *result);

  for (guint g = 0; result && g < 3; g++)
    memcpy (result + g * layer->m, values + from[g] * layer->m, layer->m * sizeof *values);
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
get_state (Layer *layer, guint input, gsize k, float **state)
{
  const OnnxTensor *tensor = layer->in[input];
  gsize batch, m = layer->m, n_directions = layer->n_directions;

  *state = NULL;
  if (!tensor)
    return TRUE;
  batch = tensor->n_dims == 3 ? tensor->shape[!layer->batch_first] : 0;
  if (!batch || tensor->shape[layer->batch_first] != n_directions || tensor->shape[2] != m) {
    layer->unsupported = onnx_unsupported (layer->reader, layer->node,
        "%s: expected %" G_GSIZE_FORMAT " directions of %" G_GSIZE_FORMAT
        " units in 3 dimensions, found shape %s%s",
        input_names[input], n_directions, m, onnx_tensor_describe_shape (layer->reader, tensor),
        input == IN_C && tensor->n_dims == 3 && tensor->shape[2] > m
            ? " (PyTorch exports proj_size without its weights: load the state dict)"
            : "");
    return FALSE;
  }
  for (gsize b = 0; b < batch; b++) {
    float *row = tensor->reals
                 + (layer->batch_first ? b * n_directions + k : k * batch + b) * m;

    if (b && memcmp (row, *state, m * sizeof *row) != 0) {
      layer->unsupported = onnx_unsupported (layer->reader, layer->node,
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

/* Gets the functions of direction @k. The lists of alpha and beta have an entry for each function
 * with this parameter, in the order of the functions of all directions. */
static gboolean
get_activations (Layer *layer, gsize k, OnnxActivation *found)
{
  const Onnx__AttributeProto *names = onnx_find_attribute (layer->node, "activations");
  const Onnx__AttributeProto *alphas = onnx_find_attribute (layer->node, "activation_alpha");
  const Onnx__AttributeProto *betas = onnx_find_attribute (layer->node, "activation_beta");
  gsize n = names ? names->n_strings : 0, alpha = 0, beta = 0;
  const guint each = layer->recurrence->n_functions;

  if (n && n != each * layer->n_directions) {
    layer->unsupported = onnx_unsupported (layer->reader, layer->node,
        "activations: expected %" G_GSIZE_FORMAT " names, found %" G_GSIZE_FORMAT,
        each * layer->n_directions, n);
    return FALSE;
  }
  for (gsize i = 0; i < each * (k + 1); i++) {
    g_autofree char *name = n ? g_strndup (
                                (const char *) names->strings[i].data, names->strings[i].len)
                              : g_strdup (layer->recurrence->functions[i % each]);
    OnnxActivation *activation = &found[i % each];

    if (!onnx_find_recurrent_activation (name, activation)) {
      layer->unsupported = onnx_unsupported (layer->reader, layer->node,
          "activations: expected a function of ONNX's %s, found \"%s\"", layer->recurrence->op,
          onnx_shorten_text (layer->reader, name));
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
read_cell (Layer *layer, gsize k)
{
  gsize m = layer->m, d = layer->d, n_rows = layer->recurrence->n_gates * m;
  const OnnxTensor *bias = layer->in[IN_B], *peephole = layer->in[IN_P];
  OnnxCell *cell = onnx_alloc (layer->reader, 1, sizeof *cell);
  const float *b = bias ? bias->reals + k * 2 * n_rows : NULL;
  const float *p = peephole ? peephole->reals + k * 3 * m : NULL;

  if (!cell || !get_activations (layer, k, cell->activations)
      || !get_state (layer, IN_H, k, &cell->h) || !get_state (layer, IN_C, k, &cell->c))
    return NULL;
  cell->recurrence = layer->recurrence;
  cell->d = d;
  cell->m = m;
  cell->clip = onnx_get_float (layer->node, "clip", 0);
  cell->input_forget = onnx_get_int (layer->node, "input_forget", 0) != 0;
  cell->resets_before = !onnx_get_int (layer->node, "linear_before_reset", 0);
  if (!reorder_weights (
          layer, layer->in[IN_W], k * n_rows * d, m * d, &cell->weight_ih, &cell->stored_ih)
      || !reorder_weights (
          layer, layer->in[IN_R], k * n_rows * m, m * m, &cell->weight_hh, &cell->stored_hh))
    return NULL;
  if (b)
    cell->bias_ih = reorder_gates (layer, b, m);
  if (b && !is_zero (b + n_rows, n_rows))
    cell->bias_hh = reorder_gates (layer, b + n_rows, m);
  if (p && !is_zero (p, 3 * m))
    cell->peephole = reorder_peephole (layer, p);
  return cell;
}

static gboolean
get_direction (Layer *layer, guint *row)
{
  g_autofree char *name = onnx_get_string (layer->node, "direction", "forward");
  const Onnx__AttributeProto *clip = onnx_find_attribute (layer->node, "clip");

  for (*row = 0; *row < G_N_ELEMENTS (directions); ++*row)
    if (g_ascii_strcasecmp (name, directions[*row].name) == 0)
      break;
  if (*row == G_N_ELEMENTS (directions))
    layer->unsupported = onnx_unsupported (layer->reader, layer->node,
        "direction: expected forward, reverse or bidirectional, found \"%s\"",
        onnx_shorten_text (layer->reader, name));
  else if (clip && !(clip->f > 0))
    layer->unsupported = onnx_unsupported (
        layer->reader, layer->node, "clip: expected more than 0, found %g", (double) clip->f);
  else
    layer->n_directions = directions[*row].forward + directions[*row].reverse;
  return !layer->unsupported;
}

/* Binds the axes of X: [T, batch, d], or [batch, T, d] if layout is 1. */
static gboolean
bind_input (Layer *layer)
{
  OnnxValue *x = layer->node->inputs[IN_X];
  const OnnxAxis *time = &x->axes[layer->batch_first], *features = &x->axes[2];
  OnnxInt size;

  if (x->kind != ONNX_VALUE_SIGNAL || x->n_axes != 3) {
    layer->unsupported = onnx_unsupported_input (
        layer->reader, layer->node, "X", IN_X, "3 dimensions");
    return FALSE;
  }
  size = onnx_axis_size (layer->reader, features);
  if (time->n > 1 || !onnx_axis_bind (layer->reader, time, ONNX_ROLE_TIME)
      || !onnx_axis_bind (layer->reader, &x->axes[!layer->batch_first], ONNX_ROLE_BATCH)
      || !onnx_stage_bind_features (layer->reader, x->stage, features)) {
    layer->unsupported = onnx_unsupported (layer->reader, layer->node,
        "X: expected the axes %s and all features, found %s, %s and %s",
        layer->batch_first ? "batch, time" : "time, batch",
        onnx_axis_describe (layer->reader, &x->axes[0]),
        onnx_axis_describe (layer->reader, &x->axes[1]),
        onnx_axis_describe (layer->reader, features));
    return FALSE;
  }
  if (size.factor == ONNX_NO_FACTOR && (gsize) size.offset != layer->d) {
    layer->unsupported = onnx_unsupported (layer->reader, layer->node,
        "X: expected %" G_GSIZE_FORMAT " features by the weights, found %" G_GINT64_FORMAT,
        layer->d, size.offset);
    return FALSE;
  }
  return TRUE;
}

/* Checks that each length is the number of steps of X: a stream has no steps beyond its
 * sequence. */
static gboolean
check_lengths (Layer *layer)
{
  const OnnxTensor *lengths = layer->in[IN_LENS];
  OnnxInt size = onnx_axis_size (
      layer->reader, &layer->node->inputs[IN_X]->axes[layer->batch_first]);
  OnnxInt length = {0, 1, layer->reader->length_factor};

  for (gsize k = 0; lengths && k < lengths->n_values; k++) {
    gboolean is_model_input = lengths->ints[k].factor == length.factor
                              && onnx_int_equal (layer->reader, lengths->ints[k], length);

    layer->is_masked |= is_model_input;
    if (is_model_input || onnx_int_equal (layer->reader, lengths->ints[k], size))
      continue;
    layer->unsupported = onnx_unsupported (layer->reader, layer->node,
        "sequence_lens: expected the number of steps of X, or an input of the model, found %s "
        "for %s",
        onnx_describe_input (layer->reader, layer->node, IN_LENS),
        onnx_axis_describe (
            layer->reader, &layer->node->inputs[IN_X]->axes[layer->batch_first]));
    return FALSE;
  }
  return TRUE;
}

/* Sets the outputs: Y [T, directions, batch, m], or [batch, T, directions, m] if layout is 1, and
 * Y_h, which has the same shape without T. */
static void
set_outputs (Layer *layer, OnnxStage *stage)
{
  OnnxNode *node = layer->node;
  const OnnxValue *x = node->inputs[IN_X];
  guint i_direction = layer->batch_first ? 2 : 1;
  OnnxAxis direction = onnx_axis_new (
      layer->reader, (gint64) layer->n_directions, ONNX_ROLE_FEATURE);
  OnnxAxis unit = onnx_axis_new (layer->reader, (gint64) layer->m, ONNX_ROLE_FEATURE);
  OnnxValue *y = onnx_signal_new (layer->reader, x, stage), *h;

  stage->features = direction;
  onnx_axis_append (&stage->features, &unit);
  y->n_axes = 4;
  y->axes[3] = unit;
  y->axes[i_direction] = direction;
  if (!layer->batch_first)
    y->axes[2] = x->axes[1];
  node->outputs[0] = y;
  if (node->n_outputs > 1) {
    h = onnx_value_copy (layer->reader, y);
    h->stage = onnx_stage_copy (layer->reader, stage);
    h->stage->is_masked = FALSE;
    if (x->axes[layer->batch_first].n)
      h->stage->selection = ONNX_SELECT_OWN_LAST;
    node->outputs[1] = onnx_value_drop_axis (layer->reader, h, layer->batch_first);
    node->outputs[1]->state_part = ONNX_STATE_PART_HIDDEN;
  }
  if (node->n_outputs > 2 && layer->recurrence->has_cell) {
    node->outputs[2] = onnx_unsupported (layer->reader, node,
        "Y_c: expected Y or Y_h as the output, found Y_c (the element outputs it with "
        "emit=cell)");
    node->outputs[2]->state_part = ONNX_STATE_PART_CELL;
  }
}

OnnxValue *
onnx_apply_recurrent (OnnxReader *reader, OnnxNode *node)
{
  Layer layer = {reader, node, node->op->recurrence};
  OnnxStage *stage;
  guint row;

  layer.batch_first = onnx_get_int (node, "layout", 0) != 0;
  if (!get_direction (&layer, &row) || !get_inputs (&layer) || !get_sizes (&layer)
      || !bind_input (&layer) || !check_lengths (&layer))
    return layer.unsupported;
  stage = onnx_node_new_stage (reader, node, ONNX_STAGE_RECURRENT, node->inputs[IN_X]->stage);
  stage->is_masked = layer.is_masked;
  if (directions[row].forward)
    stage->cells[0] = read_cell (&layer, 0);
  if (directions[row].reverse)
    stage->cells[1] = read_cell (&layer, directions[row].forward);
  if (layer.unsupported || (directions[row].forward && !stage->cells[0])
      || (directions[row].reverse && !stage->cells[1]))
    return layer.unsupported ? layer.unsupported : onnx_value_from_tensor (reader, node, NULL);
  set_outputs (&layer, stage);
  return node->outputs[0];
}
