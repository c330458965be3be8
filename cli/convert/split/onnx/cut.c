/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "split/onnx/cut.h"
#include "split/onnx/rest.h"

/* Returns "LABEL: " and the formatted text. */
static const char *describe_problem (
    Splitter *splitter, const SplitNode *node, const char *format, ...) G_GNUC_PRINTF (3, 4);

static const char *
describe_problem (Splitter *splitter, const SplitNode *node, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  return onnx_own_text (&splitter->reader, g_strconcat (node->base.label, ": ", text, NULL));
}

/* Returns whether @axis is time, or is one step of unrolled time. */
static gboolean
is_time (const SplitValue *value, const SplitAxis *axis)
{
  return value->step < 0 ? onnx_split_axis_is_time (axis) : axis->n == 0;
}

static gboolean
is_batch (const SplitAxis *axis)
{
  return axis->n == 0 || (axis->n == 1 && axis->atoms[0].tag == SPLIT_TAG_BATCH);
}

/* Returns whether @value has the shape (T, B, features), or (B, T, features) if @time is 1. */
static gboolean
has_steps (const SplitValue *value, guint time)
{
  const SplitAxis *axes = value->dims->axes;

  return value->dims->n == 3 && is_time (value, &axes[time]) && is_batch (&axes[!time])
         && !onnx_split_axis_is_tagged (&axes[2]);
}

/* Checks that the steps of @node are the frames. Returns: (nullable): the problem */
static const char *
check_recurrent (Splitter *splitter, const SplitNode *node)
{
  gboolean layout = onnx_get_int (&node->base, "layout", 0) != 0;
  const SplitValue *steps = onnx_split_get_input (node, 0);

  if (!onnx_split_is_clip (node, 0))
    return describe_problem (splitter, node,
        "input 0: expected features of the frames, found %s",
        steps ? "a tensor that does not depend on frames alone" : "none");
  for (guint i = 1; i < node->base.n_inputs; i++)
    if (onnx_split_is_clip (node, i) && steps->step < 0)
      return describe_problem (splitter, node,
          "input %u: expected a tensor that does not depend on frames, found \"%s\"", i,
          onnx_shorten_text (&splitter->reader, node->inputs[i]->name));
  if (has_steps (steps, layout))
    return NULL;
  return describe_problem (splitter, node,
      "input 0: expected a step for each frame, [%s, features], found %s",
      layout ? "batch, time" : "time, batch",
      onnx_split_dims_describe (&splitter->reader, steps->dims));
}

/* Returns input @i of @node, or a tensor that a graph within @node reads: n_inputs and more. */
static SplitValue *
get_value (const SplitNode *node, guint i)
{
  return i < node->base.n_inputs ? node->inputs[i]
                                 : g_ptr_array_index (node->captured, i - node->base.n_inputs);
}

static guint
count_values (const SplitNode *node)
{
  return node->base.n_inputs + (node->captured ? node->captured->len : 0);
}

/* Checks the tensors of frames that a loop reads. A loop of an exporter selects along axis 0.
 * Returns: (nullable): the problem */
static const char *
check_loop (Splitter *splitter, const SplitNode *node)
{
  const Onnx__AttributeProto *axes = onnx_find_attribute (&node->base, "scan_input_axes");

  for (gsize i = 0; axes && i < axes->n_ints; i++)
    if (axes->ints[i])
      return describe_problem (splitter, node,
          "scan_input_axes: expected 0, found %" G_GINT64_FORMAT, axes->ints[i]);
  for (guint i = 0; i < count_values (node); i++) {
    const SplitValue *value = get_value (node, i);

    if (!value || value->kind != SPLIT_CLIP)
      continue;
    if (value->step >= 0 || !value->dims->n || !is_time (value, &value->dims->axes[0]))
      return describe_problem (splitter, node,
          "input \"%s\": expected a step for each frame, [time, …], found %s",
          onnx_shorten_text (&splitter->reader, value->name),
          onnx_split_dims_describe (&splitter->reader, value->dims));
  }
  return NULL;
}

static gboolean
is_loop (const SplitNode *node)
{
  const char *type = onnx_string (node->base.proto->op_type);

  return g_str_equal (type, "Loop") || g_str_equal (type, "Scan");
}

/* Adds the values that @node reads to @values, or those that depend on frames alone if @clips. */
static void
add_values (GHashTable *values, const SplitNode *node, gboolean clips)
{
  for (guint i = 0; i < count_values (node); i++) {
    SplitValue *value = get_value (node, i);

    if (value && (!clips || value->kind == SPLIT_CLIP))
      g_hash_table_add (values, value);
  }
}

static gboolean
computes_any (const SplitNode *node, GHashTable *values)
{
  for (guint k = 0; k < node->base.n_outputs; k++)
    if (node->outputs[k] && g_hash_table_contains (values, node->outputs[k]))
      return TRUE;
  return FALSE;
}

/* Adds the tensors of frames that recurrent nodes read to @frontier.
 * Returns: (nullable): the problem */
static const char *
find_frontier (Splitter *splitter, GHashTable *frontier)
{
  const Onnx__GraphProto *graph = splitter->reader.model->graph;
  g_autoptr (GHashTable) needed = g_hash_table_new (NULL, NULL);
  const char *problem = NULL;

  for (gsize i = 0; i < graph->n_output; i++) {
    SplitValue *value = onnx_split_find (splitter, onnx_string (graph->output[i]->name));

    if (value && onnx_split_is_wanted (splitter, onnx_string (graph->output[i]->name)))
      g_hash_table_add (needed, value);
  }
  for (guint i = splitter->nodes->len; !problem && i-- > 0;) {
    const SplitNode *node = g_ptr_array_index (splitter->nodes, i);

    if (!computes_any (node, needed))
      continue;
    add_values (needed, node, FALSE);
    if (!node->is_clip || !node->is_recurrent)
      continue;
    problem = is_loop (node) ? check_loop (splitter, node) : check_recurrent (splitter, node);
    add_values (frontier, node, TRUE);
  }
  return problem;
}

/* Returns whether the features can compute @value, and the memory can read it. */
static gboolean
is_cut (const SplitValue *value)
{
  return !value->memory_problem && value->step < 0
         && (has_steps (value, 0) || has_steps (value, 1));
}

/* Replaces the outputs of @node in @frontier by the tensors of frames that @node reads. */
static void
replace_outputs (Splitter *splitter, GHashTable *frontier, SplitNode *node)
{
  for (guint k = 0; k < node->base.n_outputs; k++)
    if (node->outputs[k])
      g_hash_table_remove (frontier, node->outputs[k]);
  add_values (frontier, node, TRUE);
  g_hash_table_add (splitter->memory_nodes, node);
}

/* Returns the last tensor through which all frames pass on their way to @frontier, or NULL. */
static SplitValue *
find_common_value (Splitter *splitter, GHashTable *frontier)
{
  GHashTableIter iter;
  gpointer value;

  for (guint i = splitter->nodes->len; i-- > 0;) {
    SplitNode *node = g_ptr_array_index (splitter->nodes, i);

    g_hash_table_iter_init (&iter, frontier);
    if (g_hash_table_size (frontier) == 1 && g_hash_table_iter_next (&iter, &value, NULL)
        && is_cut (value))
      return value;
    if (node->is_clip && !node->is_recurrent && computes_any (node, frontier))
      replace_outputs (splitter, frontier, node);
  }
  return NULL;
}

/* Returns the problem of a model whose recurrent nodes read no common tensor of features. */
static const char *
describe_frontier (Splitter *splitter, GHashTable *frontier)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, frontier);
  while (g_hash_table_iter_next (&iter, &value, NULL))
    if (((const SplitValue *) value)->memory_problem)
      return ((const SplitValue *) value)->memory_problem;
  return describe_problem (splitter, splitter->recurrent,
      "inputs: expected features of shape [batch, time, features] through which all frames "
      "reach "
      "the recurrent nodes, found none");
}

static void
copy_value (gpointer value, gpointer unused, gpointer values)
{
  (void) unused;
  g_hash_table_add (values, value);
}

const char *
onnx_split_find_cut (Splitter *splitter)
{
  g_autoptr (GHashTable) frontier = g_hash_table_new (NULL, NULL), first = NULL;
  const SplitValue *steps = onnx_split_get_input (splitter->recurrent, 0);
  const char *problem;

  if (!is_loop (splitter->recurrent) && steps && steps->kind == SPLIT_CLIP
      && steps->step >= 0) {
    problem = check_recurrent (splitter, splitter->recurrent);
    splitter->cut = splitter->recurrent->inputs[0];
    splitter->is_time_first = !onnx_get_int (&splitter->recurrent->base, "layout", 0);
  } else {
    if ((problem = find_frontier (splitter, frontier)))
      return problem;
    first = g_hash_table_new (NULL, NULL);
    g_hash_table_foreach (frontier, copy_value, first);
    splitter->cut = find_common_value (splitter, frontier);
    if (!splitter->cut)
      return describe_frontier (splitter, first);
    splitter->is_time_first = has_steps (splitter->cut, 0);
  }
  if (problem)
    return problem;
  splitter->n_features = onnx_split_axis_size (&splitter->cut->dims->axes[2]);
  return NULL;
}
