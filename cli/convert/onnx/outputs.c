/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "onnx/outputs.h"
#include "util/text.h"

static void
add_name (GString *names, const char *name)
{
  g_autofree char *quoted = g_strdup_printf ("\"%s\"", name);

  lstm_text_append_item (names, quoted);
}

static char *
list_outputs (const Onnx__GraphProto *graph, const char *except)
{
  GString *names = g_string_new (NULL);

  for (gsize i = 0; i < graph->n_output; i++)
    if (g_strcmp0 (onnx_string (graph->output[i]->name), except) != 0)
      add_name (names, onnx_string (graph->output[i]->name));
  return g_string_free (names, FALSE);
}

/* Returns whether @a and @b differ at most in layout, or are unsupported for the same reason. */
static gboolean
are_equal (const OnnxValue *a, const OnnxValue *b)
{
  if (a->kind != b->kind)
    return FALSE;
  return a->kind == ONNX_VALUE_SIGNAL
             ? a->stage == b->stage
             : a->kind == ONNX_VALUE_UNSUPPORTED && a->problem == b->problem;
}

/* Finds the first output that consists of @part of a state, and counts such outputs in *n. Equal
 * outputs count once. A concatenation of states does not count. */
static OnnxValue *
find_output (
    OnnxReader *reader, const OnnxScope *scope, OnnxStatePart part, const char **name, guint *n)
{
  const Onnx__GraphProto *graph = reader->model->graph;
  OnnxValue *found = NULL;

  *n = 0;
  for (gsize i = 0; i < graph->n_output; i++) {
    OnnxValue *value = onnx_scope_find (reader, scope, onnx_string (graph->output[i]->name));

    if (value->state_part != part || (part && value->kind != ONNX_VALUE_SIGNAL)
        || (found && are_equal (found, value)))
      continue;
    if (!found) {
      found = value;
      *name = onnx_string (graph->output[i]->name);
    }
    ++*n;
  }
  return found;
}

gboolean
onnx_check_output (const OnnxReader *reader, GError **error)
{
  const Onnx__GraphProto *graph = reader->model->graph;
  const char *requested = reader->input->output;
  g_autofree char *names = list_outputs (graph, NULL);

  if (!requested)
    return TRUE;
  for (gsize i = 0; i < graph->n_output; i++)
    if (g_str_equal (onnx_string (graph->output[i]->name), requested))
      return TRUE;
  return onnx_set_error (reader, CONVERT_ERROR_UNSUPPORTED, error,
      "--output: expected one of %s, found \"%s\"", names, requested);
}

/* Returns: the first of these outputs that exists: the output that --output names, the only output,
 * the only output that is not a recurrent state, or the only hidden state; NULL with @error if
 * none exists */
static OnnxValue *
choose_output (OnnxReader *reader, const OnnxScope *scope, const char **name, GError **error)
{
  const Onnx__GraphProto *graph = reader->model->graph;
  g_autofree char *names = list_outputs (graph, NULL);
  OnnxValue *found;
  guint n;

  if (!onnx_check_output (reader, error))
    return NULL;
  if (reader->input->output) {
    *name = reader->input->output;
    return onnx_scope_find (reader, scope, *name);
  }
  if (graph->n_output == 1) {
    *name = onnx_string (graph->output[0]->name);
    return onnx_scope_find (reader, scope, *name);
  }
  found = find_output (reader, scope, ONNX_STATE_PART_NONE, name, &n);
  if (!n)
    found = find_output (reader, scope, ONNX_STATE_PART_HIDDEN, name, &n);
  if (n == 1)
    return found;
  onnx_set_error (reader, CONVERT_ERROR_UNSUPPORTED, error,
      "outputs: expected one output that is not a recurrent state, found %u among %s; "
      "lstm-convert --output NAME selects one",
      n, names);
  return NULL;
}

/* Returns whether the features of @stage that share @axis are in order. */
static gboolean
are_in_order (const OnnxStage *stage, const OnnxAxis *axis)
{
  int last = -1;

  for (guint k = 0; k < axis->n; k++) {
    for (int f = 0; f < (int) stage->features.n; f++) {
      if (axis->factors[k] != stage->features.factors[f])
        continue;
      if (f < last)
        return FALSE;
      last = f;
    }
  }
  return TRUE;
}

static gboolean
has_recurrent_stage (const OnnxStage *stage)
{
  for (; stage; stage = stage->parent)
    if (stage->kind == ONNX_STAGE_RECURRENT)
      return TRUE;
  return FALSE;
}

/* Returns: (nullable): "expected X, found Y" if @output cannot be the output of layers */
static const char *
find_problem (OnnxReader *reader, const OnnxValue *output)
{
  if (output->kind != ONNX_VALUE_SIGNAL)
    return onnx_own_text (reader,
        g_strdup_printf ("expected a tensor that an " ONNX_RECURRENT " node computes, found %s",
            onnx_value_describe (reader, output)));
  if (output->is_sorted)
    return "expected the sequences in the order of the input, found them sorted by length";
  if (!has_recurrent_stage (output->stage))
    return onnx_own_text (
        reader, g_strdup_printf ("expected an " ONNX_RECURRENT
                                 " node between input and output, found none before %s",
                    onnx_value_describe (reader, output)));
  for (guint i = 0; i < output->n_axes; i++)
    if (!are_in_order (output->stage, &output->axes[i]))
      return onnx_own_text (
          reader, g_strdup_printf (
                      "expected one direction after the other along axis %u, found interleaved "
                      "directions in %s",
                      i, onnx_value_describe (reader, output)));
  return NULL;
}

static void
add_note (OnnxReader *reader, const char *names, const char *text)
{
  g_autofree char *line = g_strdup_printf ("%s: %s", names, text);

  if (*names)
    g_ptr_array_add (reader->notes, g_utf8_make_valid (line, -1));
}

static void
add_input_notes (OnnxReader *reader, const OnnxScope *scope)
{
  const Onnx__GraphProto *graph = reader->model->graph;
  g_autoptr (GString) states = g_string_new (NULL), lengths = g_string_new (NULL);

  for (gsize i = 0; i < graph->n_input; i++) {
    const char *name = onnx_string (graph->input[i]->name);
    const OnnxValue *value = onnx_scope_find (reader, scope, name);

    if (value->kind == ONNX_VALUE_STATE)
      add_name (states, name);
    else if (g_hash_table_contains (reader->length_inputs, name) && !value->proto)
      add_name (lengths, name);
  }
  add_note (reader, states->str,
      "a state, not an input; the state begins at 0, and liblstm keeps the state");
  add_note (reader, lengths->str,
      "no input; a sequence is as long as its steps, some of which a mask may leave out");
}

static void
add_output_notes (OnnxReader *reader, const OnnxScope *scope, const char *chosen)
{
  const Onnx__GraphProto *graph = reader->model->graph;
  g_autofree char *others = list_outputs (graph, chosen), *text = NULL;
  gboolean are_states = TRUE;

  for (gsize i = 0; i < graph->n_output; i++) {
    const char *name = onnx_string (graph->output[i]->name);

    are_states &= g_str_equal (name, chosen)
                  || onnx_scope_find (reader, scope, name)->state_part;
  }
  text = g_strdup_printf ("left out; the output is \"%s\"%s", chosen,
      are_states ? " (the element outputs h and c with emit=hidden+cell)" : "");
  add_note (reader, others, text);
}

const OnnxStage *
onnx_choose_output (OnnxReader *reader, const OnnxScope *scope, GError **error)
{
  const char *name = "", *problem;
  const OnnxValue *output = choose_output (reader, scope, &name, error);

  if (!output)
    return NULL;
  if (output->kind == ONNX_VALUE_UNSUPPORTED || output->kind == ONNX_VALUE_CONCAT)
    onnx_set_error (
        reader, CONVERT_ERROR_UNSUPPORTED, error, "%s", onnx_string (output->problem));
  else if ((problem = find_problem (reader, output)))
    onnx_set_error (
        reader, CONVERT_ERROR_UNSUPPORTED, error, "output \"%s\": %s", name, problem);
  else {
    add_input_notes (reader, scope);
    add_output_notes (reader, scope, name);
    return output->stage;
  }
  return NULL;
}
