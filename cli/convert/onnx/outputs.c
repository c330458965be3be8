/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Which of a model's outputs becomes the layers', and what is said of the others, and of inputs
 * that are none here. */
#include "onnx/onnx.h"

static void
add_name (GString *names, const char *name)
{
  g_string_append_printf (names, names->len ? ", \"%s\"" : "\"%s\"", name);
}

static char *
list_outputs (const Onnx__GraphProto *graph, const char *except)
{
  GString *names = g_string_new (NULL);

  for (gsize i = 0; i < graph->n_output; i++)
    if (g_strcmp0 (onnx_name (graph->output[i]->name), except) != 0)
      add_name (names, onnx_name (graph->output[i]->name));
  return g_string_free (names, FALSE);
}

/* Whether values differ in layout only, or are missing for one reason */
static gboolean
are_same (const OnnxValue *a, const OnnxValue *b)
{
  if (a->kind != b->kind)
    return FALSE;
  return a->kind == ONNX_STREAM ? a->step == b->step
                                : a->kind == ONNX_BAD && a->problem == b->problem;
}

/* The first output that is @final, and in *n how many there are that are not the same. States that
 * lie behind each other are no sequence. */
static OnnxValue *
find_final (
    OnnxReader *reader, const OnnxScope *scope, OnnxFinal final, const char **name, guint *n)
{
  const Onnx__GraphProto *graph = reader->model->graph;
  OnnxValue *found = NULL;

  *n = 0;
  for (gsize i = 0; i < graph->n_output; i++) {
    OnnxValue *value = onnx_scope_find (reader, scope, onnx_name (graph->output[i]->name));

    if (value->final != final || (final && value->kind != ONNX_STREAM)
        || (found && are_same (found, value)))
      continue;
    if (!found) {
      found = value;
      *name = onnx_name (graph->output[i]->name);
    }
    ++*n;
  }
  return found;
}

static OnnxValue *
find_named (OnnxReader *reader, const OnnxScope *scope, const char **name, GError **error)
{
  const Onnx__GraphProto *graph = reader->model->graph;
  const char *wanted = reader->input->output;
  g_autofree char *names = list_outputs (graph, NULL);

  for (gsize i = 0; i < graph->n_output; i++) {
    *name = onnx_name (graph->output[i]->name);
    if (g_str_equal (*name, wanted))
      return onnx_scope_find (reader, scope, *name);
  }
  onnx_fail (reader, CONVERT_ERROR_UNSUPPORTED, error, "expected an output of %s, found \"%s\"",
      names, wanted);
  return NULL;
}

/* Returns: the output that --output names, the only one, the only one that is not an LSTM's Y_h or
 * Y_c, or else the only Y_h; NULL with @error if that is none */
static OnnxValue *
choose_output (OnnxReader *reader, const OnnxScope *scope, const char **name, GError **error)
{
  const Onnx__GraphProto *graph = reader->model->graph;
  g_autofree char *names = list_outputs (graph, NULL);
  OnnxValue *found;
  guint n;

  if (reader->input->output)
    return find_named (reader, scope, name, error);
  if (graph->n_output == 1) {
    *name = onnx_name (graph->output[0]->name);
    return onnx_scope_find (reader, scope, *name);
  }
  found = find_final (reader, scope, ONNX_FINAL_NONE, name, &n);
  if (!n)
    found = find_final (reader, scope, ONNX_FINAL_HIDDEN, name, &n);
  if (n == 1)
    return found;
  onnx_fail (reader, CONVERT_ERROR_UNSUPPORTED, error,
      "expected one output beside the states of LSTMs, found %u among %s; lstm-convert "
      "--output "
      "NAME takes one",
      n, names);
  return NULL;
}

/* The features of a step must lie in order where they share an axis. */
static gboolean
are_in_order (const OnnxStep *step, const OnnxAxis *axis)
{
  int before = -1;

  for (guint k = 0; k < axis->n; k++) {
    for (int f = 0; f < (int) step->features.n; f++) {
      if (axis->atoms[k] != step->features.atoms[f])
        continue;
      if (f < before)
        return FALSE;
      before = f;
    }
  }
  return TRUE;
}

static const char *
why_not (const OnnxValue *output)
{
  gboolean lstm = FALSE;

  if (output->kind == ONNX_TENSOR)
    return "expected it to depend on the input, found constants";
  if (output->kind == ONNX_STATE)
    return "expected it to come from an LSTM, found a state that goes through";
  for (const OnnxStep *at = output->step; at; at = at->parent)
    lstm |= at->kind == ONNX_STEP_LSTM;
  if (!lstm)
    return "expected an LSTM between input and output, found none";
  for (guint i = 0; i < output->n_axes; i++)
    if (!are_in_order (output->step, &output->axes[i]))
      return "expected directions behind each other, found them interleaved";
  return NULL;
}

static void
note (OnnxReader *reader, const char *names, const char *what)
{
  char *line = *names ? g_strdup_printf ("%s: %s", names, what) : NULL;

  if (line)
    g_ptr_array_add (reader->notes, g_utf8_make_valid (line, -1));
  g_free (line);
}

static void
note_inputs (OnnxReader *reader, const OnnxScope *scope)
{
  const Onnx__GraphProto *graph = reader->model->graph;
  g_autoptr (GString) states = g_string_new (NULL), lengths = g_string_new (NULL);

  for (gsize i = 0; i < graph->n_input; i++) {
    const char *name = onnx_name (graph->input[i]->name);
    const OnnxValue *value = onnx_scope_find (reader, scope, name);

    if (value->kind == ONNX_STATE)
      add_name (states, name);
    else if (g_hash_table_contains (reader->lengths, name) && !value->proto)
      add_name (lengths, name);
  }
  note (reader, states->str, "a state and no input, it begins at 0 and liblstm keeps it");
  note (reader, lengths->str,
      "no input, a sequence is as long as its steps, of which a mask may leave some out");
}

static void
note_outputs (OnnxReader *reader, const OnnxScope *scope, const char *taken)
{
  const Onnx__GraphProto *graph = reader->model->graph;
  g_autofree char *others = list_outputs (graph, taken), *what = NULL;
  gboolean states = TRUE;

  for (gsize i = 0; i < graph->n_output; i++) {
    const char *name = onnx_name (graph->output[i]->name);

    states &= g_str_equal (name, taken) || onnx_scope_find (reader, scope, name)->final;
  }
  what = g_strdup_printf ("left out, the output is \"%s\"%s", taken,
      states ? " (emit=hidden+cell of the element gives h and c)" : "");
  note (reader, others, what);
}

const OnnxStep *
onnx_take_output (OnnxReader *reader, const OnnxScope *scope, GError **error)
{
  const char *name = "", *problem;
  const OnnxValue *output = choose_output (reader, scope, &name, error);

  if (!output)
    return NULL;
  if (output->kind == ONNX_BAD || output->kind == ONNX_PACK)
    onnx_fail (reader, CONVERT_ERROR_UNSUPPORTED, error, "%s", onnx_name (output->problem));
  else if ((problem = why_not (output)))
    onnx_fail (reader, CONVERT_ERROR_UNSUPPORTED, error, "output \"%s\": %s", name, problem);
  else {
    note_inputs (reader, scope);
    note_outputs (reader, scope, name);
    return output->step;
  }
  return NULL;
}
