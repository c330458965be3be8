/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "onnx/emit.h"
#include "onnx/mask.h"
#include "activations/activations.h"
#include <math.h>

/* The state of the conversion. A layer is pending while later stages may become a part of it. */
typedef struct {
  const OnnxReader *reader;
  ConvertModel *model;
  GError **error;
  JsonObject *dense;             /* the previous layer if it is dense without an activation */
  const OnnxStage *dense_stage;  /* its stage if a bias may follow */
  const OnnxStage *affine_stage; /* the first stage of a pending normalization */
  const OnnxTensor *mean, *scale, *offset; /* of the pending normalization, nullable */
  gboolean divides;                        /* whether the layer divides by scale */
  JsonObject *recurrent; /* the previous recurrent layer if no later layer has changed time */
  const OnnxStage *recurrent_stage;
  const OnnxStage *masking; /* the mask that applies, or NULL */
  gboolean is_flipped;      /* time is reversed */
  gboolean is_single;       /* only one step of a sequence remains */
} Emitter;

static float *
copy_values (const float *values, gsize n)
{
  return g_memdup2 (values, n * sizeof *values);
}

/* Sets the error "STAGE: @problem". Returns: FALSE */
static gboolean
set_stage_error (const Emitter *emitter, const OnnxStage *stage, const char *problem)
{
  return onnx_set_error (emitter->reader, CONVERT_ERROR_UNSUPPORTED, emitter->error, "%s: %s",
      stage->label, problem);
}

/* Returns @value rounded to 9 decimal digits. */
static double
round_to_9_digits (float value)
{
  char text[G_ASCII_DTOSTR_BUF_SIZE];

  return g_ascii_strtod (g_ascii_formatd (text, sizeof text, "%.9g", (double) value), NULL);
}

/* Returns the double with the fewest decimal digits, 6 or more, that rounds to @value: .2 for
 * .2f. */
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
  return round_to_9_digits (value);
}

/* Returns: (transfer full): the name of @activation, or an object with the parameters that are not
 * the defaults */
static JsonNode *
new_activation_node (const OnnxActivation *activation)
{
  JsonNode *node = json_node_alloc ();
  LstmActivation defaults = {0};
  gboolean writes_alpha, writes_beta;
  JsonObject *object;

  lstm_activation_find (activation->name, &defaults);
  writes_alpha = activation->has_alpha
                 && (activation->is_explicit || activation->alpha != defaults.alpha);
  writes_beta = activation->has_beta && activation->beta != defaults.beta;
  if (!writes_alpha && !writes_beta)
    return json_node_init_string (node, activation->name);
  object = json_object_new ();
  json_object_set_string_member (object, "name", activation->name);
  if (writes_alpha)
    json_object_set_double_member (object, "alpha", to_double (activation->alpha));
  if (writes_beta)
    json_object_set_double_member (object, "beta", to_double (activation->beta));
  json_node_init_object (node, object);
  json_object_unref (object);
  return node;
}

static void
add_bias (Emitter *emitter, const OnnxTensor *bias)
{
  convert_model_add_tensor (emitter->model, emitter->dense, "bias", 1,
      &emitter->dense_stage->weight->shape[0], copy_values (bias->reals, bias->n_values));
  emitter->dense_stage = NULL;
}

/* Adds @tensor to @layer: (n) as a tensor, (1) as a number. @divides: adds the reciprocals */
static void
add_operand (Emitter *emitter, JsonObject *layer, const char *name, const OnnxTensor *tensor,
    gboolean divides)
{
  float *values;

  if (!tensor)
    return;
  values = copy_values (tensor->reals, tensor->n_values);
  for (gsize k = 0; divides && k < tensor->n_values; k++)
    values[k] = 1 / values[k];
  if (tensor->n_values == 1) {
    json_object_set_double_member (
        layer, name, divides ? 1 / to_double (tensor->reals[0]) : to_double (values[0]));
    g_free (values);
  } else {
    convert_model_add_tensor (emitter->model, layer, name, 1, &tensor->n_values, values);
  }
}

/* Ends pending layers: the next stage becomes a new layer. */
static void
flush_pending (Emitter *emitter)
{
  emitter->dense = NULL;
  emitter->dense_stage = NULL;
  if (emitter->affine_stage) {
    JsonObject *layer = convert_model_add_layer (
        emitter->model, "normalization", emitter->affine_stage->name);

    add_operand (emitter, layer, "mean", emitter->mean, FALSE);
    add_operand (emitter, layer, "scale", emitter->scale, emitter->divides);
    add_operand (emitter, layer, "offset", emitter->offset, FALSE);
  }
  emitter->affine_stage = NULL;
  emitter->mean = emitter->scale = emitter->offset = NULL;
  emitter->divides = FALSE;
}

static gboolean
emit_dense (Emitter *emitter, const OnnxStage *stage)
{
  const OnnxTensor *w = stage->weight;

  flush_pending (emitter);
  emitter->dense = convert_model_add_layer (emitter->model, "dense", stage->name);
  convert_model_add_tensor (emitter->model, emitter->dense, "weight", 2, w->shape,
      copy_values (w->reals, w->n_values));
  emitter->dense_stage = stage;
  if (stage->bias)
    add_bias (emitter, stage->bias);
  return TRUE;
}

/* Emits a part of (x − mean) · scale + offset. Successive operations in this order become one
 * layer. */
static gboolean
emit_affine (Emitter *emitter, const OnnxStage *stage)
{
  gboolean scales = stage->arithmetic == '*' || stage->arithmetic == '/';
  gboolean adds = stage->arithmetic == '+', subtracts = stage->arithmetic == '-';

  if (adds && emitter->dense_stage
      && stage->operand->n_values == emitter->dense_stage->weight->shape[0]) {
    add_bias (emitter, stage->operand);
    return TRUE;
  }
  if ((emitter->mean && subtracts) || (emitter->scale && !adds) || emitter->offset
      || !emitter->affine_stage)
    flush_pending (emitter);
  if (!emitter->affine_stage)
    emitter->affine_stage = stage;
  if (scales)
    emitter->divides = stage->arithmetic == '/';
  *(scales ? &emitter->scale : subtracts ? &emitter->mean : &emitter->offset) = stage->operand;
  return TRUE;
}

static gboolean
emit_activation (Emitter *emitter, const OnnxStage *stage)
{
  JsonObject *layer = emitter->dense;

  if (g_str_equal (stage->activation.name, "erf"))
    return set_stage_error (
        emitter, stage, "Erf is supported only inside GELU; found Erf alone");
  flush_pending (emitter);
  if (!layer)
    layer = convert_model_add_layer (emitter->model, "activation", stage->name);
  json_object_set_member (layer, "activation", new_activation_node (&stage->activation));
  return TRUE;
}

static gboolean
emit_layer_norm (Emitter *emitter, const OnnxStage *stage)
{
  JsonObject *layer;

  flush_pending (emitter);
  layer = convert_model_add_layer (emitter->model, "layer_normalization", stage->name);
  json_object_set_double_member (layer, "epsilon", to_double ((float) stage->epsilon));
  if (stage->scale)
    convert_model_add_tensor (emitter->model, layer, "gamma", 1, &stage->scale->n_values,
        copy_values (stage->scale->reals, stage->scale->n_values));
  if (stage->bias)
    convert_model_add_tensor (emitter->model, layer, "beta", 1, &stage->bias->n_values,
        copy_values (stage->bias->reals, stage->bias->n_values));
  return TRUE;
}

static void
add_cell (Emitter *emitter, JsonObject *layer, const OnnxCell *cell, gboolean reverse)
{
  const gsize m = cell->m, n_rows = cell->recurrence->n_gates * m;
  const gsize ih[] = {n_rows, cell->d}, hh[] = {n_rows, m}, peephole = 3 * m;
  const struct {
    const char *name;
    const float *values;
    guint n_dims;
    const gsize *shape;
    gsize n;
    const LstmTensorPart *stored;
  } tensors[] = {
      {"weight_ih_l0", cell->weight_ih, 2, ih, ih[0] * ih[1], cell->stored_ih},
      {"weight_hh_l0", cell->weight_hh, 2, hh, hh[0] * hh[1], cell->stored_hh},
      {"bias_ih_l0", cell->bias_ih, 1, ih, ih[0]},
      {"bias_hh_l0", cell->bias_hh, 1, ih, ih[0]},
      {"weight_peephole_l0", cell->peephole, 1, &peephole, peephole},
      {"initial_h_l0", cell->h, 1, &m, m},
      {"initial_c_l0", cell->c, 1, &m, m},
  };

  for (guint i = 0; i < G_N_ELEMENTS (tensors); i++) {
    g_autofree char *suffix = g_strconcat (tensors[i].name, reverse ? "_reverse" : NULL, NULL);

    if (tensors[i].values)
      convert_model_add_tensor (emitter->model, layer, suffix, tensors[i].n_dims,
          tensors[i].shape, copy_values (tensors[i].values, tensors[i].n));
    if (tensors[i].stored)
      convert_model_add_stored_tensor (emitter->model, layer, suffix, tensors[i].n_dims,
          tensors[i].shape, tensors[i].stored, cell->recurrence->n_gates);
  }
}

static gboolean
are_equal (const OnnxActivation *a, const OnnxActivation *b)
{
  return g_str_equal (a->name, b->name) && a->alpha == b->alpha && a->beta == b->beta;
}

/* Adds the activations of a direction, or of both directions if they differ. Omits the default
 * activations. */
static void
add_activations (JsonObject *layer, const OnnxCell *const *cells, guint n)
{
  const OnnxRecurrence *recurrence = cells[0]->recurrence;
  const guint each = recurrence->n_functions;
  JsonArray *array = json_array_new ();
  gboolean are_default = TRUE, are_same = TRUE;

  for (guint i = 0; i < each * n; i++) {
    const OnnxActivation *activation = &cells[i / each]->activations[i % each];

    are_default &= g_str_equal (activation->name, recurrence->functions[i % each]);
    are_same &= are_equal (activation, &cells[0]->activations[i % each]);
  }
  for (guint i = 0; i < (are_same ? each : each * n); i++)
    json_array_add_element (
        array, new_activation_node (&cells[i / each]->activations[i % each]));
  if (are_default)
    json_array_unref (array);
  else
    json_object_set_array_member (layer, "activations", array);
}

static void
add_repeat_vector (Emitter *emitter, const OnnxStage *stage, gsize n)
{
  JsonObject *layer = convert_model_add_layer (emitter->model, "repeat_vector", stage->name);

  json_object_set_int_member (layer, "n", (gint64) n);
  emitter->is_single = FALSE;
  emitter->recurrent = NULL;
}

/* Makes the previous recurrent layer return the step that it processes last. A mask never masks
 * this step of a sequence, but may mask the last step in time. */
static void
return_last_step (Emitter *emitter, const OnnxStage *stage, OnnxSelection selection)
{
  if (selection == ONNX_SELECT_OWN_LAST || stage->selects_by_length)
    json_object_remove_member (emitter->recurrent, "zero_masked");
  if (!emitter->recurrent_stage->cells[0])
    json_object_set_string_member (emitter->recurrent, "order", "processed");
  json_object_set_string_member (emitter->recurrent, "return", "last");
  emitter->is_single = TRUE;
  emitter->recurrent = NULL;
}

/* Selects one step. Only the recurrent layer itself can return the step that each direction
 * processes last. The last step in time is available after every layer. */
static gboolean
emit_selection (Emitter *emitter, const OnnxStage *stage)
{
  OnnxSelection selection = stage->selection;
  g_autofree char *problem = NULL;
  gboolean has_forward = emitter->recurrent && emitter->recurrent_stage->cells[0];
  gboolean has_reverse = emitter->recurrent && emitter->recurrent_stage->cells[1];

  if (selection == ONNX_SELECT_OWN_LAST
      || (selection == ONNX_SELECT_LAST && has_forward && !has_reverse)
      || (selection == ONNX_SELECT_FIRST && has_reverse && !has_forward)) {
    return_last_step (emitter, stage, selection);
    return TRUE;
  }
  if (selection == ONNX_SELECT_STEP) {
    problem = g_strdup_printf (
        "selected step: expected the last step in time, found step %" G_GSIZE_FORMAT,
        stage->step);
    return set_stage_error (emitter, stage, problem);
  }
  if (selection == ONNX_SELECT_FIRST || emitter->is_flipped)
    return set_stage_error (
        emitter, stage, "selected step: expected the last step in time, found the first step");
  flush_pending (emitter);
  emitter->masking = NULL;
  add_repeat_vector (emitter, stage, 1);
  return TRUE;
}

static gboolean
emit_masking (Emitter *emitter, const OnnxStage *stage)
{
  JsonObject *layer;

  flush_pending (emitter);
  if (emitter->masking || emitter->is_flipped)
    return set_stage_error (emitter, stage,
        emitter->masking ? "mask: expected one Masking layer, found a second one"
                         : "mask: expected time in its own order, found reversed time");
  layer = convert_model_add_layer (emitter->model, "masking", stage->name);
  json_object_set_double_member (layer, "mask_value", to_double (stage->operand->reals[0]));
  emitter->masking = stage;
  return TRUE;
}

/* Checks that @stage masks the steps that the layers before it mask. */
static gboolean
check_mask (const Emitter *emitter, const OnnxStage *stage)
{
  const OnnxStage *masking = emitter->masking;

  if (onnx_mask_equal (masking, stage->mask))
    return TRUE;
  return set_stage_error (emitter, stage,
      !stage->mask ? "mask: expected the mask of the Masking layer before it, found no mask"
      : masking ? "mask: expected the mask of the Masking layer before it, found the mask of a "
                  "different "
                  "comparison"
                : "mask: expected a Masking layer before a layer with a mask, found none");
}

static gboolean
emit_recurrent (Emitter *emitter, const OnnxStage *stage)
{
  const OnnxCell *cells[2] = {
      stage->cells[0] ? stage->cells[0] : stage->cells[1], stage->cells[1]};
  gboolean both = stage->cells[0] && stage->cells[1];
  gboolean reverse = !both && (stage->cells[0] != NULL) == emitter->is_flipped;
  JsonObject *layer;

  flush_pending (emitter);
  if (!check_mask (emitter, stage))
    return FALSE;
  /* A causal model outputs the single step at every step, but this layer must run only once. */
  if (emitter->is_single)
    add_repeat_vector (emitter, stage, 1);
  if (emitter->is_flipped && both)
    return set_stage_error (
        emitter, stage, "direction: expected one direction over reversed time, found two");
  emitter->recurrent = layer = convert_model_add_layer (
      emitter->model, cells[0]->recurrence->layer, stage->name);
  emitter->recurrent_stage = stage;
  if (both || reverse)
    json_object_set_string_member (layer, "direction", both ? "bidirectional" : "reverse");
  if (both && stage->merge)
    json_object_set_string_member (layer, "merge", stage->merge);
  if (reverse && emitter->is_flipped)
    json_object_set_string_member (layer, "order", "processed");
  if (!reverse && emitter->is_flipped)
    return set_stage_error (
        emitter, stage, "direction: expected forward over reversed time, found reverse");
  emitter->is_flipped = FALSE;
  add_activations (layer, cells, both ? 2 : 1);
  if (cells[0]->clip > 0)
    json_object_set_double_member (layer, "clip", to_double (cells[0]->clip));
  if (cells[0]->input_forget)
    json_object_set_boolean_member (layer, "input_forget", TRUE);
  if (cells[0]->recurrence == &onnx_recurrence_gru && cells[0]->resets_before)
    json_object_set_boolean_member (layer, "reset_after", FALSE);
  if (stage->is_masked)
    json_object_set_boolean_member (layer, "zero_masked", TRUE);
  add_cell (emitter, layer, cells[0], FALSE);
  if (both)
    add_cell (emitter, layer, cells[1], TRUE);
  if (stage->selection == ONNX_SELECT_ALL)
    return TRUE;
  emitter->masking = NULL;
  return emit_selection (emitter, stage);
}

static gboolean
emit_flip (Emitter *emitter, const OnnxStage *stage)
{
  const OnnxStage *previous = emitter->recurrent ? emitter->recurrent_stage : NULL;

  if (previous && previous->cells[0] && json_object_has_member (emitter->recurrent, "order")) {
    json_object_remove_member (emitter->recurrent, "order");
    emitter->recurrent = NULL;
    return TRUE;
  }
  if (previous && !previous->cells[0]
      && !json_object_has_member (emitter->recurrent, "order")) {
    json_object_set_string_member (emitter->recurrent, "order", "processed");
    emitter->recurrent = NULL;
    return TRUE;
  }
  emitter->recurrent = NULL;
  emitter->is_flipped = !emitter->is_flipped;
  return TRUE;
}

static gboolean
emit_repeat (Emitter *emitter, const OnnxStage *stage)
{
  flush_pending (emitter);
  add_repeat_vector (emitter, stage, stage->n_repeats);
  return TRUE;
}

static gboolean
emit_pool (Emitter *emitter, const OnnxStage *stage)
{
  JsonObject *layer;

  flush_pending (emitter);
  if (emitter->masking && !stage->counts_masked)
    return set_stage_error (emitter, stage,
        "mask: expected sequence lengths that mask the steps, found a Masking layer");
  layer = convert_model_add_layer (emitter->model, "pooling", stage->name);
  json_object_set_string_member (layer, "function", stage->pooling);
  if (stage->counts_masked)
    json_object_set_boolean_member (layer, "count_masked", TRUE);
  emitter->recurrent = NULL;
  emitter->is_flipped = FALSE;
  emitter->is_single = TRUE;
  return TRUE;
}

static gboolean
emit_input (Emitter *emitter, const OnnxStage *stage)
{
  return TRUE;
}

static gboolean
refuse_moment (Emitter *emitter, const OnnxStage *stage)
{
  return set_stage_error (
      emitter, stage, "nodes: expected a complete layer normalization, found only a part");
}

static gboolean
refuse_comparison (Emitter *emitter, const OnnxStage *stage)
{
  return set_stage_error (emitter, stage,
      "nodes: a comparison is supported only as the mask of a loop; found a comparison that "
      "layers "
      "read");
}

static gboolean (*const emit_functions[ONNX_N_STAGES]) (Emitter *, const OnnxStage *) = {
    [ONNX_STAGE_INPUT] = emit_input,
    [ONNX_STAGE_RECURRENT] = emit_recurrent,
    [ONNX_STAGE_DENSE] = emit_dense,
    [ONNX_STAGE_AFFINE] = emit_affine,
    [ONNX_STAGE_ACTIVATION] = emit_activation,
    [ONNX_STAGE_LAYER_NORM] = emit_layer_norm,
    [ONNX_STAGE_SELECT] = emit_selection,
    [ONNX_STAGE_FLIP] = emit_flip,
    [ONNX_STAGE_REPEAT] = emit_repeat,
    [ONNX_STAGE_MASKING] = emit_masking,
    [ONNX_STAGE_COMPARISON] = refuse_comparison,
    [ONNX_STAGE_POOL] = emit_pool,
    [ONNX_STAGE_MOMENT] = refuse_moment,
};

static gboolean
check_number (const Emitter *emitter, const OnnxStage *stage, const char *field, float number)
{
  g_autofree char *problem = NULL;

  if (isfinite (number))
    return TRUE;
  problem = g_strdup_printf (
      "%s: expected a finite number, found %s", field, isnan (number) ? "NaN" : "infinity");
  return set_stage_error (emitter, stage, problem);
}

static gboolean
check_activation (
    const Emitter *emitter, const OnnxStage *stage, const OnnxActivation *activation)
{
  return check_number (emitter, stage, "alpha", activation->alpha)
         && check_number (emitter, stage, "beta", activation->beta);
}

/* Checks the numbers that become JSON, which has neither infinity nor NaN. */
static gboolean
check_numbers (const Emitter *emitter, const OnnxStage *stage)
{
  const OnnxTensor *operand = stage->operand;

  if (!isfinite (stage->epsilon))
    return check_number (emitter, stage, "epsilon", (float) stage->epsilon);
  if (!check_activation (emitter, stage, &stage->activation))
    return FALSE;
  if (operand && operand->n_values == 1) {
    if (!check_number (emitter, stage, "constant", operand->reals[0]))
      return FALSE;
    if (stage->arithmetic == '/' && operand->reals[0] == 0)
      return set_stage_error (
          emitter, stage, "divisor: expected a number other than 0, found 0");
  }
  for (guint k = 0; k < 2; k++) {
    const OnnxCell *cell = stage->cells[k];

    for (guint i = 0; cell && i < cell->recurrence->n_functions; i++)
      if (!check_activation (emitter, stage, &cell->activations[i]))
        return FALSE;
    if (cell && !check_number (emitter, stage, "clip", cell->clip))
      return FALSE;
  }
  return TRUE;
}

ConvertModel *
onnx_emit_layers (const OnnxReader *reader, const OnnxStage *last, GError **error)
{
  g_autoptr (ConvertModel) model = convert_model_new ();
  g_autoptr (GPtrArray) stages = g_ptr_array_new ();
  Emitter emitter = {reader, model, error};

  for (const OnnxStage *stage = last; stage; stage = stage->parent)
    g_ptr_array_add (stages, (gpointer) stage);
  for (guint i = stages->len; i-- > 0;) {
    const OnnxStage *stage = g_ptr_array_index (stages, i);

    if (!check_numbers (&emitter, stage) || !emit_functions[stage->kind](&emitter, stage))
      return NULL;
  }
  flush_pending (&emitter);
  if (emitter.is_flipped) {
    set_stage_error (
        &emitter, last, "output: expected time in its own order, found reversed time");
    return NULL;
  }
  return g_steal_pointer (&model);
}
