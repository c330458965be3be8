/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "onnx/body.h"
#include "onnx/signal.h"
#include "onnx/subgraph.h"

#define MAX_NODES 4096 /* of a body */
#define MAX_VARIABLES 256

gboolean
onnx_body_fail (OnnxBody *body, const char *format, ...)
{
  g_autofree char *problem = NULL;
  va_list args;

  va_start (args, format);
  problem = g_strdup_vprintf (format, args);
  va_end (args);
  if (!body->unsupported)
    body->unsupported = onnx_unsupported (body->reader, body->node, "%s", problem);
  return FALSE;
}

gboolean
onnx_body_init (OnnxBody *body, OnnxReader *reader, OnnxNode *node)
{
  const Onnx__AttributeProto *attribute = onnx_find_attribute (node, "body");

  *body = (OnnxBody){reader, node};
  body->values = g_hash_table_new (g_str_hash, g_str_equal);
  body->loop = (OnnxLoop){.iteration = onnx_factor_new (reader, -1, ONNX_ROLE_UNKNOWN),
      .atoms = g_ptr_array_new ()};
  if (!attribute || !attribute->g)
    return onnx_body_fail (body, "body: expected a graph, found none");
  body->graph = attribute->g;
  if (body->graph->n_node > MAX_NODES)
    return onnx_body_fail (body, "body: expected at most %d nodes, found %" G_GSIZE_FORMAT,
        MAX_NODES, body->graph->n_node);
  if (reader->loop)
    return onnx_body_fail (
        body, "body: expected a loop outside of other loops, found a loop within a loop");
  body->unsupported = onnx_subgraph_enter (
      reader, node, "body", body->graph, body->values, &body->scope);
  if (body->unsupported)
    return FALSE;
  reader->loop = &body->loop;
  return TRUE;
}

void
onnx_body_clear (OnnxBody *body)
{
  if (body->reader->loop == &body->loop)
    body->reader->loop = NULL;
  g_hash_table_unref (body->values);
  g_ptr_array_unref (body->loop.atoms);
}

void
onnx_body_add_value (OnnxBody *body, const char *name, OnnxValue *value)
{
  g_hash_table_insert (body->values, (gpointer) name, value);
}

gboolean
onnx_body_alloc_variables (OnnxBody *body, guint n)
{
  if (n > MAX_VARIABLES)
    return onnx_body_fail (
        body, "inputs: expected at most %d variables, found %u", MAX_VARIABLES, n);
  body->n_variables = n;
  body->variables = onnx_alloc (body->reader, n + 1, sizeof *body->variables);
  body->states = onnx_alloc (body->reader, n + 1, sizeof *body->states);
  body->layers = onnx_alloc (body->reader, n + 1, sizeof *body->layers);
  body->stages = onnx_alloc (body->reader, n + 1, sizeof *body->stages);
  body->copies = onnx_alloc (body->reader, n + 1, sizeof *body->copies);
  return (body->variables && body->states && body->layers && body->stages && body->copies)
         || onnx_body_fail (body, "inputs: expected variables that fit in memory, found more");
}

/* Returns the name that Identity nodes of @graph copy to @name. */
static const char *
trace_identity (const Onnx__GraphProto *graph, const char *name)
{
  for (gsize i = graph->n_node; i-- > 0;) {
    const Onnx__NodeProto *node = graph->node[i];

    if (node->n_output && node->n_input && g_strcmp0 (node->op_type, "Identity") == 0
        && g_str_equal (onnx_string (node->output[0]), name))
      name = onnx_string (node->input[0]);
  }
  return name;
}

/* Returns the number of the iteration plus @first. */
static OnnxValue *
new_counter (OnnxBody *body, gint64 first)
{
  OnnxTensor *tensor = onnx_tensor_from_ints (body->reader, &first, 1);

  if (tensor) {
    tensor->n_dims = 0;
    tensor->ints[0].coefficient = 1;
    tensor->ints[0].factor = body->loop.iteration;
  }
  return onnx_value_from_tensor (body->reader, body->node, tensor);
}

/* Makes variable @i a state. @tensor: its value before the loop */
static gboolean
add_state (OnnxBody *body, OnnxVariable *variable, const OnnxTensor *tensor)
{
  OnnxLoopState *state = &body->states[body->n_states];
  gsize n = tensor->n_dims ? tensor->shape[tensor->n_dims - 1] : 0;

  if (!n || !tensor->n_values)
    return onnx_body_fail (body,
        "variable \"%s\": expected a state of 1 dimension or more before the loop, found %s",
        onnx_shorten_text (body->reader, variable->in),
        onnx_tensor_describe (body->reader, tensor));
  *state = (OnnxLoopState){n, tensor};
  variable->kind = ONNX_VARIABLE_STATE;
  variable->state = body->n_states++;
  variable->n_axes = tensor->n_dims;
  if (tensor->n_dims > 1 && tensor->n_values == n && !tensor->is_repeated)
    body->loop.has_single_batch = TRUE;
  onnx_body_add_value (body, variable->in,
      onnx_step_from_atom (body->reader,
          (OnnxAtom){.kind = ONNX_ATOM_STATE, .n = n, .state = variable->state},
          tensor->n_dims));
  return TRUE;
}

void
onnx_body_add_iteration (OnnxBody *body, const char *name)
{
  onnx_body_add_value (body, name, new_counter (body, 0));
}

gboolean
onnx_body_set_variable (OnnxBody *body, guint i, guint in, gsize body_in, gsize body_out)
{
  const OnnxValue *before = onnx_get_input (body->node, in);
  const OnnxTensor *tensor = onnx_get_tensor_input (body->node, in);
  OnnxVariable *variable = &body->variables[i];

  *variable = (OnnxVariable){.before = before,
      .in = onnx_string (body->graph->input[body_in]->name),
      .out = onnx_string (body->graph->output[body_out]->name)};
  if (g_str_equal (trace_identity (body->graph, variable->out), variable->in)) {
    variable->kind = ONNX_VARIABLE_CONSTANT;
    if (before)
      onnx_body_add_value (body, variable->in, (OnnxValue *) before);
    return TRUE;
  }
  if (onnx_value_is (before, ONNX_VALUE_UNSUPPORTED)) {
    body->unsupported = (OnnxValue *) before;
    return FALSE;
  }
  if (!tensor)
    return onnx_body_fail (body,
        "variable \"%s\": expected a constant before the loop, found %s",
        onnx_shorten_text (body->reader, variable->in),
        onnx_describe_input (body->reader, body->node, in));
  if (!tensor->is_int)
    return add_state (body, variable, tensor);
  if (tensor->n_values != 1 || tensor->ints[0].factor != ONNX_NO_FACTOR)
    return onnx_body_fail (body,
        "variable \"%s\": expected one known integer before the loop, found %s",
        onnx_shorten_text (body->reader, variable->in),
        onnx_tensor_describe (body->reader, tensor));
  variable->kind = ONNX_VARIABLE_COUNTER;
  onnx_body_add_value (body, variable->in, new_counter (body, tensor->ints[0].offset));
  return TRUE;
}

static OnnxValue *
find_output (const OnnxBody *body, const char *name)
{
  return onnx_scope_find (body->reader, &body->scope, name);
}

/* Sets the form of state @i after a step. A masked step keeps the state before the step. */
static void
set_state_after (OnnxBody *body, guint i, const OnnxAffine *affine)
{
  OnnxLoopState *state = &body->states[i];
  const OnnxAtom *atom = onnx_affine_get_atom (affine), *kept = NULL;

  if (atom && atom->kind == ONNX_ATOM_CHOICE)
    kept = onnx_affine_get_atom (atom->operands[1]);
  state->output = affine;
  state->is_masked = kept && kept->kind == ONNX_ATOM_STATE && kept->state == i;
  state->after = state->is_masked ? atom->operands[0] : affine;
}

/* Checks that the body adds 1 to a counter, and gets the states after the step. */
static gboolean
check_variable (OnnxBody *body, OnnxVariable *variable)
{
  const OnnxValue *after = find_output (body, variable->out);
  const char *name = onnx_shorten_text (body->reader, variable->in);

  if (variable->kind == ONNX_VARIABLE_COUNTER) {
    OnnxInt expected = variable->before->tensor->ints[0];
    const OnnxTensor *found = onnx_value_is (after, ONNX_VALUE_TENSOR) ? after->tensor : NULL;

    expected.offset = expected.offset == G_MAXINT64 ? 0 : expected.offset + 1;
    expected.coefficient = 1;
    expected.factor = body->loop.iteration;
    if (found && found->is_int && found->n_values == 1
        && onnx_int_equal (body->reader, found->ints[0], expected))
      return TRUE;
    return onnx_body_fail (body,
        "variable \"%s\": expected an integer that grows by 1, found %s", name,
        onnx_value_describe (body->reader, after));
  }
  if (variable->kind != ONNX_VARIABLE_STATE)
    return TRUE;
  if (after->kind == ONNX_VALUE_UNSUPPORTED) {
    body->unsupported = (OnnxValue *) after;
    return FALSE;
  }
  if (after->kind != ONNX_VALUE_STEP || after->n_axes != variable->n_axes
      || after->affine->n != body->states[variable->state].n)
    return onnx_body_fail (body,
        "variable \"%s\": expected a state of %" G_GSIZE_FORMAT
        " features and %u dimensions after a step, found %s",
        name, body->states[variable->state].n, variable->n_axes,
        onnx_value_describe (body->reader, after));
  set_state_after (body, variable->state, after->affine);
  return TRUE;
}

static gboolean
is_zero (const OnnxTensor *tensor)
{
  for (gsize k = 0; k < tensor->n_values; k++)
    if (tensor->reals[k] != 0)
      return FALSE;
  return TRUE;
}

/* Finds the layer whose hidden state always equals state @i, as the previous output of a layer of
 * Keras does. */
static gboolean
find_copy (OnnxBody *body, guint i)
{
  const OnnxLoopState *state = &body->states[i];

  for (guint k = 0; k < body->n_layers; k++) {
    const OnnxLoopState *h = &body->states[body->layers[k].h];

    if (!state->is_masked || !h->is_masked || !onnx_affine_equal (state->after, h->after)
        || !is_zero (state->initial) || !is_zero (h->initial))
      continue;
    body->copies[i] = k + 1;
    return TRUE;
  }
  return FALSE;
}

/* Recognizes the layers, and checks that each state belongs to a layer. */
static gboolean
match_layers (OnnxBody *body)
{
  g_autofree gboolean *is_used = g_new0 (gboolean, body->n_states + 1);
  const char *first_problem = NULL;

  for (guint i = 0; i < body->n_states; i++) {
    OnnxLoopLayer layer;
    const char *problem;

    if (!onnx_match_layer (body->reader, body->states, body->n_states, i, &layer, &problem)) {
      first_problem = first_problem ? first_problem : problem;
      continue;
    }
    if (layer.cell->recurrence->has_cell
        && body->states[layer.c].is_masked != body->states[i].is_masked)
      return onnx_body_fail (body, "body: expected a mask of h and c, found a mask of %s only",
          body->states[i].is_masked ? "h" : "c");
    body->layers[body->n_layers++] = layer;
    is_used[layer.h] = TRUE;
    if (layer.cell->recurrence->has_cell)
      is_used[layer.c] = TRUE;
  }
  for (guint i = 0; i < body->n_states; i++)
    if (!is_used[i] && !find_copy (body, i))
      return onnx_body_fail (body, "body: %s", first_problem);
  return body->n_layers
         || onnx_body_fail (body,
             "body: expected a state that an " ONNX_RECURRENT " layer computes, found none");
}

/* Returns whether @layer reads the hidden state of @below after the step. */
static gboolean
reads_layer (const OnnxBody *body, const OnnxLoopLayer *layer, const OnnxLoopLayer *below)
{
  return layer->input == onnx_affine_get_atom (body->states[below->h].output);
}

/* Sorts the layers from the input on. Each layer reads the layer before it. */
static gboolean
sort_layers (OnnxBody *body)
{
  for (guint k = 0; k < body->n_layers; k++) {
    guint i = k;

    while (i < body->n_layers
           && (k ? !reads_layer (body, &body->layers[i], &body->layers[k - 1])
                 : body->layers[i].input->kind != ONNX_ATOM_INPUT))
      i++;
    if (i == body->n_layers)
      return onnx_body_fail (body,
          "body: expected a layer that reads the %s, found %u layers, none of which reads it",
          k ? "layer before it" : "input of the loop", body->n_layers - k);
    if (i != k) {
      OnnxLoopLayer layer = body->layers[i];

      body->layers[i] = body->layers[k];
      body->layers[k] = layer;
    }
  }
  return TRUE;
}

static void
add_stages (OnnxBody *body)
{
  const OnnxStage *parent = body->loop.input->stage;

  for (guint k = 0; k < body->n_layers; k++) {
    const OnnxCell *cell = body->layers[k].cell;
    OnnxStage *stage = onnx_node_new_stage (
        body->reader, body->node, ONNX_STAGE_RECURRENT, parent);

    stage->cells[0] = cell;
    if (body->states[body->layers[k].h].is_masked)
      stage->mask = body->loop.mask;
    stage->features = onnx_axis_new (body->reader, (gint64) cell->m, ONNX_ROLE_FEATURE);
    body->stages[k] = stage;
    parent = stage;
  }
}

/* Checks that a mask has the order of time of the input. */
static gboolean
check_mask (OnnxBody *body)
{
  gboolean is_reversed = body->loop.input->stage->kind == ONNX_STAGE_FLIP;

  return !body->loop.mask || is_reversed == body->loop.mask_is_reversed
         || onnx_body_fail (body,
             "body: expected input and mask in one order of time, found reversed time of the "
             "%s",
             is_reversed ? "input" : "mask");
}

gboolean
onnx_body_run (OnnxBody *body)
{
  body->unsupported = onnx_subgraph_run (
      body->reader, body->node, "body", body->graph, &body->scope);
  if (body->unsupported)
    return FALSE;
  for (guint i = 0; i < body->n_variables; i++)
    if (!check_variable (body, &body->variables[i]))
      return FALSE;
  if (!body->loop.input)
    return onnx_body_fail (
        body, "body: expected a node that reads one step of a sequence, found none");
  if (!check_mask (body) || !match_layers (body) || !sort_layers (body))
    return FALSE;
  add_stages (body);
  return TRUE;
}

/* Returns the output of layer @k with the axes of the input, the last of which is the units. */
static OnnxValue *
new_layer_signal (OnnxBody *body, guint k)
{
  OnnxValue *value = onnx_signal_new (body->reader, body->loop.input, body->stages[k]);

  value->axes[value->n_axes - 1] = body->stages[k]->features;
  return value;
}

/* Returns whether @affine is the output of layer @k. *is_zero_masked: whether the output is 0 at
 * masked steps, where the state is kept */
static gboolean
is_layer_output (
    const OnnxBody *body, guint k, const OnnxAffine *affine, gboolean *is_zero_masked)
{
  const OnnxLoopState *h = &body->states[body->layers[k].h];
  const OnnxAtom *atom = onnx_affine_get_atom (affine);
  gboolean is_copy = FALSE;

  *is_zero_masked = h->is_masked && atom && atom->kind == ONNX_ATOM_CHOICE
                    && onnx_affine_equal (atom->operands[0], h->after)
                    && !atom->operands[1]->n_terms
                    && (!atom->operands[1]->bias || is_zero (atom->operands[1]->bias));
  for (guint i = 0; i < body->n_states; i++)
    is_copy |= body->copies[i] == k + 1 && onnx_affine_equal (affine, body->states[i].output);
  return *is_zero_masked || is_copy || onnx_affine_equal (affine, h->output);
}

OnnxValue *
onnx_body_collect_output (OnnxBody *body, gsize i)
{
  const OnnxValue *out = find_output (body, onnx_string (body->graph->output[i]->name));
  gboolean is_masked;
  OnnxValue *value;

  if (out->kind == ONNX_VALUE_UNSUPPORTED)
    return (OnnxValue *) out;
  for (guint k = 0; out->kind == ONNX_VALUE_STEP && k < body->n_layers; k++) {
    if (!is_layer_output (body, k, out->affine, &is_masked)
        || out->n_axes != body->loop.input->n_axes - 1)
      continue;
    value = new_layer_signal (body, k);
    if (is_masked) {
      value->stage = onnx_stage_copy (body->reader, value->stage);
      value->stage->is_masked = TRUE;
    }
    for (guint a = body->loop.time; a > 0; a--)
      value->axes[a] = value->axes[a - 1];
    value->axes[0] = body->loop.input->axes[body->loop.time];
    return value;
  }
  return onnx_unsupported (body->reader, body->node,
      "body: expected an output that is the hidden state of a layer, found %s for \"%s\"",
      onnx_value_describe (body->reader, out),
      onnx_shorten_text (body->reader, onnx_string (body->graph->output[i]->name)));
}

/* Returns the hidden state of layer @k after the last step. */
static OnnxValue *
new_final_state (OnnxBody *body, guint k)
{
  OnnxValue *value = new_layer_signal (body, k);

  value->stage = onnx_stage_copy (body->reader, body->stages[k]);
  if (value->axes[body->loop.time].n)
    value->stage->selection = ONNX_SELECT_OWN_LAST;
  value = onnx_value_drop_axis (body->reader, value, body->loop.time);
  value->state_part = ONNX_STATE_PART_HIDDEN;
  return value;
}

OnnxValue *
onnx_body_get_variable (OnnxBody *body, guint i)
{
  const OnnxVariable *variable = &body->variables[i];
  OnnxValue *value;

  if (variable->kind == ONNX_VARIABLE_CONSTANT && variable->before)
    return (OnnxValue *) variable->before;
  for (guint k = 0; variable->kind == ONNX_VARIABLE_STATE && k < body->n_layers; k++)
    if ((body->layers[k].h == variable->state || body->copies[variable->state] == k + 1)
        && variable->n_axes == body->loop.input->n_axes - 1)
      return new_final_state (body, k);
  value = onnx_unsupported (body->reader, body->node,
      "output %u: expected the outputs of all steps or the hidden state, found \"%s\"", i,
      onnx_shorten_text (body->reader, variable->out));
  if (variable->kind == ONNX_VARIABLE_STATE)
    value->state_part = ONNX_STATE_PART_CELL;
  return value;
}
