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

/* Returns NULL, or an unsupported value if a tensor of @frames is another function of
 * its frame than the first tensor. */
static OnnxValue *
check_branches (Splitter *splitter, const SplitNode *node, SplitValue *const *frames)
{
  const guint8 *first = onnx_split_get_key (splitter, frames[0]);

  for (guint i = 0; i < splitter->n_steps; i++) {
    const guint8 *key = onnx_split_get_key (splitter, frames[i]);

    if (!key || !first)
      return onnx_value_from_tensor (&splitter->reader, &node->base, NULL);
    if (!onnx_split_keys_equal (key, first))
      return onnx_unsupported (&splitter->reader, &node->base,
          "inputs: expected the same operators and constants for each frame, found %s for "
          "frame %u "
          "and %s for frame 0",
          onnx_split_describe_difference (splitter, frames[i], frames[0]), i,
          onnx_split_describe_difference (splitter, frames[0], frames[i]));
  }
  return NULL;
}

OnnxValue *
onnx_split_join (Splitter *splitter, SplitNode *node, guint axis)
{
  SplitDims dims = *onnx_split_get_dims (node, 0);
  const SplitAxis frame = dims.axes[axis];
  OnnxValue *unsupported = check_branches (splitter, node, node->inputs);

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

/* Returns whether @indices, (…, r), are the indices of @dims at @step of @axis, in order. */
static gboolean
has_indices (const SplitDims *dims, const OnnxTensor *indices, guint axis, gint64 step)
{
  const guint r = (guint) indices->shape[indices->n_dims - 1];
  gsize n = 1;

  for (guint k = 0; k < r; k++)
    n *= k == axis ? 1 : (gsize) onnx_split_axis_size (&dims->axes[k]);
  if (n != indices->n_values / r)
    return FALSE;
  for (gsize i = 0; i < n; i++) {
    gsize rest = i;

    for (guint k = r; k-- > 0;) {
      const OnnxInt found = indices->ints[i * r + k];
      const gsize size = (gsize) onnx_split_axis_size (&dims->axes[k]);

      if (found.factor != ONNX_NO_FACTOR
          || found.offset != (k == axis ? step : (gint64) (rest % size)))
        return FALSE;
      rest /= k == axis ? 1 : size;
    }
  }
  return TRUE;
}

/* Sets *axis to the axis of @dims along which input 1 of @node has the index @step alone. */
static gboolean
find_scatter_axis (
    Splitter *splitter, SplitNode *node, const SplitDims *dims, gint64 step, guint *axis)
{
  const OnnxTensor *indices = onnx_split_get_tensor (splitter, onnx_split_get_input (node, 1));
  gsize r = indices && indices->n_dims ? indices->shape[indices->n_dims - 1] : 0;

  if (!r || r > dims->n || !indices->is_int)
    return FALSE;
  for (*axis = 0; *axis < r; ++*axis)
    if (onnx_split_axis_size (&dims->axes[*axis]) == splitter->n_steps
        && has_indices (dims, indices, *axis, step))
      return TRUE;
  return FALSE;
}

/* Adds @updates, a frame, to the frames of @data along @axis.
 * Returns: (nullable): the frames, or NULL if the frame exists or memory is insufficient */
static SplitValue **
add_part (Splitter *splitter, const SplitValue *data, SplitValue *updates, guint axis)
{
  SplitValue **parts = onnx_alloc (&splitter->reader, (gsize) splitter->n_steps, sizeof *parts);

  if (!parts || (data->parts && (data->parts_axis != axis || data->parts[updates->step])))
    return NULL;
  for (gint64 i = 0; data->parts && i < splitter->n_steps; i++)
    parts[i] = data->parts[i];
  parts[updates->step] = updates;
  return parts;
}

/* Sets the output of @node to the frames @parts. A tensor that lacks a frame is a constant whose
 * numbers are unknown. */
static OnnxValue *
set_parts (Splitter *splitter, SplitNode *node, SplitValue **parts, guint axis)
{
  SplitDims dims = *onnx_split_get_dims (node, 0);
  OnnxValue *unsupported;
  gint64 n = 0;

  while (n < splitter->n_steps && parts[n])
    n++;
  node->step = -1;
  node->is_clip = n == splitter->n_steps;
  node->is_from_shape = TRUE;
  if (node->is_clip) {
    dims.axes[axis] = onnx_split_axis (splitter->n_steps, SPLIT_TAG_TIME);
    if ((unsupported = check_branches (splitter, node, parts)))
      return unsupported;
    add_note (splitter);
  }
  unsupported = onnx_split_set_output (splitter, node, 0, &dims);
  if (unsupported || !node->outputs[0])
    return unsupported;
  node->outputs[0]->parts = parts;
  node->outputs[0]->parts_axis = axis;
  if (!node->is_clip)
    node->outputs[0]->problem = onnx_unsupported (&splitter->reader, &node->base,
        "data: expected all frames, found no frame %" G_GINT64_FORMAT, n)
                                    ->problem;
  return NULL;
}

OnnxValue *
onnx_split_scatter (Splitter *splitter, SplitNode *node)
{
  const SplitDims *dims = onnx_split_get_dims (node, 0);
  g_autofree char *reduction = onnx_get_string (&node->base, "reduction", "none");
  SplitValue *updates = onnx_split_get_input (node, 2), **parts;
  gint64 n = 0, n_updates = 0;
  guint axis;

  if (onnx_split_is_clip (node, 0) || !dims || !onnx_split_is_clip (node, 2)
      || updates->step < 0 || splitter->n_batch > 1 || !g_str_equal (reduction, "none"))
    return onnx_unsupported (&splitter->reader, &node->base,
        "updates: expected one frame that replaces numbers of a constant, found others");
  onnx_split_dims_n_values (dims, &n);
  onnx_split_dims_n_values (updates->dims, &n_updates);
  if (!find_scatter_axis (splitter, node, dims, updates->step, &axis)
      || n != n_updates * splitter->n_steps
      || !(parts = add_part (splitter, node->inputs[0], updates, axis)))
    return onnx_unsupported (&splitter->reader, &node->base,
        "indices: expected those of frame %d of %" G_GINT64_FORMAT " in %s, found %s",
        updates->step, splitter->n_steps, onnx_split_dims_describe (&splitter->reader, dims),
        onnx_describe_input (&splitter->reader, &node->base, 1));
  return set_parts (splitter, node, parts, axis);
}
