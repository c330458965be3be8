/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Steps become layers: what belongs together, such as a product, its bias and its activation, is
 * one, and the last step is taken by the LSTM before it. */
#include "onnx/onnx.h"
#include <math.h>
#include <string.h>

typedef struct {
  const OnnxReader *reader;
  ConvertModel *model;
  GError **error;
  JsonObject *dense;                       /* a layer of it right before, without activation */
  const OnnxStep *dense_step;              /* the product, whose bias may follow */
  const OnnxTensor *mean, *scale, *offset; /* of the normalization right before */
  gboolean divide;                         /* by scale */
  const OnnxStep *normalization;
  JsonObject *lstm; /* the last one, if time is as it left it */
  const OnnxStep *lstm_step;
  gboolean flipped;
} Emit;

static float *
copy (const float *values, gsize n)
{
  return g_memdup2 (values, n * sizeof *values);
}

static gboolean
fail (const Emit *emit, const OnnxStep *step, const char *problem)
{
  g_set_error (emit->error, CONVERT_ERROR, CONVERT_ERROR_UNSUPPORTED, "%s: %s: %s",
      emit->reader->input->path, step->label, problem);
  return FALSE;
}

static const struct {
  const char *name;
  float alpha, beta;
} defaults[] = {
    {"hard_sigmoid", .2f, .5f},
    {"elu", 1},
    {"leaky_relu", .01f},
    {"thresholded_relu", 1},
    {"scaled_tanh", 1, 1},
    {"affine", 1, 0},
};

/* A number as short as it was written: .2 rather than float .2 as a double */
static double
shortest (float value)
{
  char text[G_ASCII_DTOSTR_BUF_SIZE];

  return g_ascii_strtod (g_ascii_formatd (text, sizeof text, "%.9g", (double) value), NULL);
}

static double
to_double (float value)
{
  char text[G_ASCII_DTOSTR_BUF_SIZE];
  double number;

  for (int digits = 6; digits < 9; digits++) {
    char format[] = "%.0g";

    format[2] = (char) ('0' + digits);
    number = g_ascii_strtod (g_ascii_formatd (text, sizeof text, format, (double) value), NULL);
    if ((float) number == value)
      return number;
  }
  return shortest (value);
}

static JsonNode *
activation_node (const OnnxActivation *activation)
{
  JsonNode *node = json_node_alloc ();
  JsonObject *object;
  gboolean alpha = activation->has_alpha, beta = activation->has_beta;

  for (guint i = 0; i < G_N_ELEMENTS (defaults); i++) {
    if (!g_str_equal (activation->name, defaults[i].name))
      continue;
    alpha &= activation->alpha != defaults[i].alpha;
    beta &= activation->beta != defaults[i].beta;
  }
  if (!alpha && !beta)
    return json_node_init_string (node, activation->name);
  object = json_object_new ();
  json_object_set_string_member (object, "name", activation->name);
  if (alpha)
    json_object_set_double_member (object, "alpha", to_double (activation->alpha));
  if (beta)
    json_object_set_double_member (object, "beta", to_double (activation->beta));
  json_node_init_object (node, object);
  json_object_unref (object);
  return node;
}

static gboolean
flush_dense (Emit *emit, const OnnxTensor *bias)
{
  const OnnxStep *step = emit->dense_step;

  if (step && bias)
    convert_model_add_tensor (
        emit->model, emit->dense, "bias", 1, &step->weight->shape[0], copy (bias->f, bias->n));
  emit->dense_step = NULL;
  return TRUE;
}

static void
add_numbers (
    Emit *emit, JsonObject *layer, const char *name, const OnnxTensor *tensor, gboolean divide)
{
  float *values;

  if (!tensor)
    return;
  values = copy (tensor->f, tensor->n);
  for (gsize k = 0; divide && k < tensor->n; k++)
    values[k] = 1 / values[k];
  if (tensor->n == 1) {
    json_object_set_double_member (
        layer, name, divide ? 1 / to_double (tensor->f[0]) : to_double (values[0]));
    g_free (values);
  } else {
    convert_model_add_tensor (emit->model, layer, name, 1, &tensor->n, values);
  }
}

static void
flush (Emit *emit)
{
  flush_dense (emit, NULL);
  emit->dense = NULL;
  if (emit->normalization) {
    JsonObject *layer = convert_model_add_layer (
        emit->model, "normalization", emit->normalization->name);

    add_numbers (emit, layer, "mean", emit->mean, FALSE);
    add_numbers (emit, layer, "scale", emit->scale, emit->divide);
    add_numbers (emit, layer, "offset", emit->offset, FALSE);
  }
  emit->normalization = NULL;
  emit->mean = emit->scale = emit->offset = NULL;
  emit->divide = FALSE;
}

static gboolean
emit_dense (Emit *emit, const OnnxStep *step)
{
  const OnnxTensor *w = step->weight;

  flush (emit);
  emit->dense = convert_model_add_layer (emit->model, "dense", step->name);
  convert_model_add_tensor (emit->model, emit->dense, "weight", 2, w->shape, copy (w->f, w->n));
  emit->dense_step = step;
  return step->bias ? flush_dense (emit, step->bias) : TRUE;
}

/* (x − mean) · scale + offset: as much of it in one layer as follows in this order */
static gboolean
emit_affine (Emit *emit, const OnnxStep *step)
{
  gboolean scales = step->op == '*' || step->op == '/';

  if (step->op == '+' && emit->dense_step
      && step->number->n == emit->dense_step->weight->shape[0])
    return flush_dense (emit, step->number);
  if ((emit->mean && step->op == '-') || (emit->scale && step->op != '+') || emit->offset
      || !emit->normalization)
    flush (emit);
  if (!emit->normalization)
    emit->normalization = step;
  if (scales)
    emit->divide = step->op == '/';
  *(scales ? &emit->scale : step->op == '-' ? &emit->mean : &emit->offset) = step->number;
  return TRUE;
}

static gboolean
emit_activation (Emit *emit, const OnnxStep *step)
{
  JsonObject *layer = emit->dense;

  if (g_str_equal (step->activation.name, "erf"))
    return fail (emit, step, "expected it within GELU, found another use");
  flush (emit);
  if (!layer)
    layer = convert_model_add_layer (emit->model, "activation", step->name);
  json_object_set_member (layer, "activation", activation_node (&step->activation));
  return TRUE;
}

static gboolean
emit_layer_norm (Emit *emit, const OnnxStep *step)
{
  JsonObject *layer;

  flush (emit);
  layer = convert_model_add_layer (emit->model, "layer_normalization", step->name);
  json_object_set_double_member (layer, "epsilon", to_double ((float) step->epsilon));
  if (step->scale)
    convert_model_add_tensor (
        emit->model, layer, "gamma", 1, &step->scale->n, copy (step->scale->f, step->scale->n));
  if (step->bias)
    convert_model_add_tensor (
        emit->model, layer, "beta", 1, &step->bias->n, copy (step->bias->f, step->bias->n));
  return TRUE;
}

static void
add_cell (Emit *emit, JsonObject *layer, const OnnxCell *cell, gboolean reverse)
{
  const gsize m = cell->m, ih[] = {4 * m, cell->d}, hh[] = {4 * m, m}, peephole = 3 * m;
  const struct {
    const char *name;
    const float *values;
    guint n_dims;
    const gsize *shape;
    gsize n;
  } rows[] = {
      {"weight_ih_l0", cell->weight_ih, 2, ih, ih[0] * ih[1]},
      {"weight_hh_l0", cell->weight_hh, 2, hh, hh[0] * hh[1]},
      {"bias_ih_l0", cell->bias_ih, 1, ih, ih[0]},
      {"bias_hh_l0", cell->bias_hh, 1, ih, ih[0]},
      {"weight_peephole_l0", cell->peephole, 1, &peephole, peephole},
      {"initial_h_l0", cell->h, 1, &m, m},
      {"initial_c_l0", cell->c, 1, &m, m},
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autofree char *suffix = g_strconcat (rows[i].name, reverse ? "_reverse" : NULL, NULL);

    if (rows[i].values)
      convert_model_add_tensor (emit->model, layer, suffix, rows[i].n_dims, rows[i].shape,
          copy (rows[i].values, rows[i].n));
  }
}

static gboolean
same_activation (const OnnxActivation *a, const OnnxActivation *b)
{
  return g_str_equal (a->name, b->name) && a->alpha == b->alpha && a->beta == b->beta;
}

static void
add_activations (JsonObject *layer, const OnnxCell *const *cells, guint n)
{
  static const char *const usual[] = {"sigmoid", "tanh", "tanh"};
  JsonArray *array = json_array_new ();
  gboolean is_usual = TRUE, same = TRUE;

  for (guint i = 0; i < 3 * n; i++) {
    const OnnxActivation *activation = &cells[i / 3]->activations[i % 3];

    is_usual &= g_str_equal (activation->name, usual[i % 3]);
    same &= same_activation (activation, &cells[0]->activations[i % 3]);
  }
  for (guint i = 0; i < (same ? 3 : 3 * n); i++)
    json_array_add_element (array, activation_node (&cells[i / 3]->activations[i % 3]));
  if (is_usual)
    json_array_unref (array);
  else
    json_object_set_array_member (layer, "activations", array);
}

static void
add_repeat (Emit *emit, const OnnxStep *step, gsize n)
{
  JsonObject *layer = convert_model_add_layer (emit->model, "repeat_vector", step->name);

  json_object_set_int_member (layer, "n", (gint64) n);
  emit->lstm = NULL;
}

/* A sequence's own last step is never masked, the one at the end of time may be. */
static void
take_own (Emit *emit, const OnnxStep *step, OnnxTake take)
{
  const OnnxStep *lstm = emit->lstm_step;

  if (take == ONNX_TAKE_OWN || step->by_length)
    json_object_remove_member (emit->lstm, "zero_masked");
  if (!lstm->cells[0])
    json_object_set_string_member (emit->lstm, "order", "processed");
  json_object_set_string_member (emit->lstm, "return", "last");
  emit->lstm = NULL;
}

/* Only from the one LSTM that time comes from can a direction's own last step be had; the step
 * at the end of time can always. */
static gboolean
emit_take (Emit *emit, const OnnxStep *step, OnnxTake take)
{
  gboolean there = emit->lstm && emit->lstm_step->cells[0];
  gboolean back = emit->lstm && emit->lstm_step->cells[1];

  if (take == ONNX_TAKE_OWN || (take == ONNX_TAKE_LAST && there && !back)
      || (take == ONNX_TAKE_FIRST && back && !there)) {
    take_own (emit, step, take);
    return TRUE;
  }
  if (take == ONNX_TAKE_FIRST || emit->flipped)
    return fail (emit, step, "expected the last step to be taken, found the first one");
  flush (emit);
  add_repeat (emit, step, 1);
  return TRUE;
}

static gboolean
emit_lstm (Emit *emit, const OnnxStep *step)
{
  const OnnxCell *cells[2] = {step->cells[0] ? step->cells[0] : step->cells[1], step->cells[1]};
  gboolean both = step->cells[0] && step->cells[1];
  gboolean reverse = !both && (step->cells[0] != NULL) == emit->flipped;
  JsonObject *layer;

  flush (emit);
  if (emit->flipped && both)
    return fail (emit, step, "expected one direction over reversed time, found two");
  emit->lstm = layer = convert_model_add_layer (emit->model, "lstm", step->name);
  emit->lstm_step = step;
  if (both || reverse)
    json_object_set_string_member (layer, "direction", both ? "bidirectional" : "reverse");
  if (both && step->merge)
    json_object_set_string_member (layer, "merge", step->merge);
  if (reverse && emit->flipped)
    json_object_set_string_member (layer, "order", "processed");
  if (!reverse && emit->flipped)
    return fail (emit, step, "expected a forward LSTM over reversed time, found another");
  emit->flipped = FALSE;
  add_activations (layer, cells, both ? 2 : 1);
  if (cells[0]->clip > 0)
    json_object_set_double_member (layer, "clip", to_double (cells[0]->clip));
  if (cells[0]->input_forget)
    json_object_set_boolean_member (layer, "input_forget", TRUE);
  if (step->masked)
    json_object_set_boolean_member (layer, "zero_masked", TRUE);
  add_cell (emit, layer, cells[0], FALSE);
  if (both)
    add_cell (emit, layer, cells[1], TRUE);
  return step->take == ONNX_TAKE_ALL || emit_take (emit, step, step->take);
}

static gboolean
emit_flip (Emit *emit, const OnnxStep *step)
{
  const OnnxStep *lstm = emit->lstm ? emit->lstm_step : NULL;

  if (lstm && lstm->cells[0] && json_object_has_member (emit->lstm, "order")) {
    json_object_remove_member (emit->lstm, "order");
    emit->lstm = NULL;
    return TRUE;
  }
  if (lstm && !lstm->cells[0] && !json_object_has_member (emit->lstm, "order")) {
    json_object_set_string_member (emit->lstm, "order", "processed");
    emit->lstm = NULL;
    return TRUE;
  }
  emit->lstm = NULL;
  emit->flipped = !emit->flipped;
  return TRUE;
}

static gboolean
is_finite (const OnnxActivation *activation)
{
  return isfinite (activation->alpha) && isfinite (activation->beta);
}

/* Numbers that go to JSON, which has neither infinities nor NaN */
static gboolean
check_numbers (const Emit *emit, const OnnxStep *step)
{
  gboolean finite = isfinite (step->epsilon) && is_finite (&step->activation);

  if (step->number && step->number->n == 1)
    finite &= isfinite (step->number->f[0]) && (step->op != '/' || step->number->f[0] != 0);
  for (guint k = 0; k < 2; k++) {
    const OnnxCell *cell = step->cells[k];

    for (guint i = 0; cell && i < 3; i++)
      finite &= is_finite (&cell->activations[i]);
    finite &= !cell || isfinite (cell->clip);
  }
  return finite || fail (emit, step, "expected finite numbers, found infinity or NaN");
}

static gboolean
emit_step (Emit *emit, const OnnxStep *step)
{
  switch (step->kind) {
  case ONNX_STEP_LSTM:
    return emit_lstm (emit, step);
  case ONNX_STEP_DENSE:
    return emit_dense (emit, step);
  case ONNX_STEP_AFFINE:
    return emit_affine (emit, step);
  case ONNX_STEP_ACTIVATION:
    return emit_activation (emit, step);
  case ONNX_STEP_LAYER_NORM:
    return emit_layer_norm (emit, step);
  case ONNX_STEP_TAKE:
    return emit_take (emit, step, step->take);
  case ONNX_STEP_FLIP:
    return emit_flip (emit, step);
  case ONNX_STEP_REPEAT:
    flush (emit);
    add_repeat (emit, step, step->n);
    return TRUE;
  case ONNX_STEP_INPUT:
    return TRUE;
  case ONNX_STEP_MOMENT:
  default:
    return fail (emit, step, "expected all of a layer normalization, found a part of one");
  }
}

/* Returns: (transfer full): the layers up to @last */
ConvertModel *
onnx_emit (const OnnxReader *reader, const OnnxStep *last, GError **error)
{
  g_autoptr (ConvertModel) model = convert_model_new ();
  g_autoptr (GPtrArray) steps = g_ptr_array_new ();
  Emit emit = {reader, model, error};

  for (const OnnxStep *step = last; step; step = step->parent)
    g_ptr_array_add (steps, (gpointer) step);
  for (guint i = steps->len; i-- > 0;)
    if (!check_numbers (&emit, g_ptr_array_index (steps, i))
        || !emit_step (&emit, g_ptr_array_index (steps, i)))
      return NULL;
  flush (&emit);
  if (emit.flipped) {
    fail (&emit, last, "expected time in its own order at the output, found it reversed");
    return NULL;
  }
  return g_steal_pointer (&model);
}
