/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "split/onnx/cut.h"

/* Returns "LABEL: " and the formatted text. */
static const char *describe_problem (Splitter *splitter, const char *format, ...)
    G_GNUC_PRINTF (2, 3);

static const char *
describe_problem (Splitter *splitter, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  return onnx_own_text (
      &splitter->reader, g_strconcat (splitter->recurrent->base.label, ": ", text, NULL));
}

/* Finds the input of a loop that depends on frames: an input, or a tensor that the body reads. */
static SplitValue *
find_loop_input (const SplitNode *node, guint *n)
{
  SplitValue *found = NULL;

  *n = 0;
  for (guint i = 0; i < node->base.n_inputs + (node->captured ? node->captured->len : 0); i++) {
    SplitValue *value = i < node->base.n_inputs
                            ? node->inputs[i]
                            : g_ptr_array_index (node->captured, i - node->base.n_inputs);

    if (!value || value->kind != SPLIT_CLIP || value == found)
      continue;
    found = value;
    ++*n;
  }
  return found;
}

/* Finds the steps of the first recurrent node. Returns: (nullable): the problem */
static const char *
find_input (Splitter *splitter)
{
  const SplitNode *node = splitter->recurrent;
  const char *type = onnx_string (node->base.proto->op_type);
  guint n;

  if (g_str_equal (type, "Loop") || g_str_equal (type, "Scan")) {
    splitter->cut = find_loop_input (node, &n);
    if (n != 1)
      return describe_problem (
          splitter, "inputs: expected one tensor that depends on frames, found %u", n);
    return NULL;
  }
  splitter->cut = onnx_split_get_input (node, 0);
  if (!onnx_split_is_clip (node, 0))
    return describe_problem (splitter, "input 0: expected features of the frames, found %s",
        splitter->cut ? "a tensor that does not depend on frames alone" : "none");
  for (guint i = 1; i < node->base.n_inputs; i++)
    if (onnx_split_is_clip (node, i) && splitter->cut->step < 0)
      return describe_problem (splitter,
          "input %u: expected a tensor that does not depend on frames, found \"%s\"", i,
          onnx_shorten_text (&splitter->reader, node->inputs[i]->name));
  return NULL;
}

/* Returns whether @axis is time, or is one step of unrolled time. */
static gboolean
is_time (const SplitValue *cut, const SplitAxis *axis)
{
  return cut->step < 0 ? onnx_split_axis_is_time (axis) : axis->n == 0;
}

static gboolean
is_batch (const SplitAxis *axis)
{
  return axis->n == 0 || (axis->n == 1 && axis->atoms[0].tag == SPLIT_TAG_BATCH);
}

const char *
onnx_split_find_cut (Splitter *splitter)
{
  const SplitNode *node = splitter->recurrent;
  const SplitAxis *axes;
  gboolean layout = onnx_get_int (&node->base, "layout", 0) != 0;
  const char *problem = find_input (splitter), *type = onnx_string (node->base.proto->op_type);

  if (problem)
    return problem;
  axes = splitter->cut->dims->axes;
  if (g_str_equal (type, "Loop") || g_str_equal (type, "Scan"))
    layout = splitter->cut->dims->n == 3 && onnx_split_axis_is_time (&axes[1]);
  if (splitter->cut->dims->n != 3 || !is_time (splitter->cut, &axes[layout])
      || !is_batch (&axes[!layout]) || onnx_split_axis_is_tagged (&axes[2]))
    return describe_problem (splitter,
        "input 0: expected a step for each frame, [%s, features], found %s",
        layout ? "batch, time" : "time, batch",
        onnx_split_dims_describe (&splitter->reader, splitter->cut->dims));
  splitter->is_time_first = !layout;
  splitter->n_features = onnx_split_axis_size (&axes[2]);
  return NULL;
}
