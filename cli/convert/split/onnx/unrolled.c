/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "split/onnx/unrolled.h"
#include "split/onnx/unrolled-key.h"

/* Adds the line for the user once. */
static void
add_note (Splitter *splitter)
{
  const GPtrArray *notes = splitter->reader.notes;
  g_autofree char *text = g_strdup_printf (
      "the nodes of %" G_GINT64_FORMAT
      " frames are equal, and the features have those of one frame",
      splitter->n_steps);

  for (guint i = 0; i < notes->len; i++)
    if (g_str_equal (g_ptr_array_index (notes, i), text))
      return;
  onnx_split_add_note (splitter, "%s", text);
}

/* Returns NULL, or an unsupported value if an input is another function of its frame than input 0. */
static OnnxValue *
check_branches (Splitter *splitter, const SplitNode *node)
{
  const guint8 *first = onnx_split_get_key (splitter, node->inputs[0]);

  for (guint i = 0; i < node->base.n_inputs; i++) {
    const guint8 *key = onnx_split_get_key (splitter, node->inputs[i]);

    if (!key || !first)
      return onnx_value_from_tensor (&splitter->reader, &node->base, NULL);
    if (!onnx_split_keys_equal (key, first))
      return onnx_unsupported (&splitter->reader, &node->base,
          "inputs: expected the same operators and constants for each frame, found %s for "
          "frame %u "
          "and %s for frame 0",
          onnx_split_describe_difference (splitter, node->inputs[i], node->inputs[0]), i,
          onnx_split_describe_difference (splitter, node->inputs[0], node->inputs[i]));
  }
  return NULL;
}

OnnxValue *
onnx_split_join (Splitter *splitter, SplitNode *node, guint axis)
{
  SplitDims dims = *onnx_split_get_dims (node, 0);
  const SplitAxis frame = dims.axes[axis];
  OnnxValue *unsupported = check_branches (splitter, node);

  if (unsupported)
    return unsupported;
  dims.axes[axis] = onnx_split_axis (splitter->n_steps, SPLIT_TAG_TIME);
  for (guint i = 0; i < frame.n; i++)
    if (!onnx_split_axis_append (&dims.axes[axis], frame.atoms[i]))
      return onnx_split_refuse_axis (splitter, node, 0, axis, "adds steps to");
  node->step = -1;
  unsupported = onnx_split_set_output (splitter, node, 0, &dims);
  if (!unsupported && node->outputs[0])
    node->outputs[0]->is_joined = TRUE;
  add_note (splitter);
  return unsupported;
}
