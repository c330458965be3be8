/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "split/keras/frames.h"
#include "keras/weights.h"
#include "util/text.h"
#include <string.h>

#define MAX_AXES (FRAME_MAX_DIMS + 1)

/* Adds @name to the names of the graph if it is new. Takes ownership of @name.
 * Returns: (transfer none) (nullable): NULL if the graph has the name */
static const char *
add_name (FrameGraph *graph, char *name)
{
  if (!g_hash_table_contains (graph->names, name)) {
    g_hash_table_add (graph->names, name);
    return name;
  }
  g_free (name);
  return NULL;
}

const char *
frame_new_name (FrameGraph *graph, const FrameCall *call, const char *suffix)
{
  const char *layer = call ? call->layer->name : "model";
  const char *name = add_name (graph, g_strconcat (layer, "/", suffix, NULL));

  while (!name)
    name = add_name (graph, g_strdup_printf ("%s/%s_%u", layer, suffix, ++graph->n_names));
  return name;
}

const char *
frame_add_node (FrameGraph *graph, const FrameCall *call, const char *op_type,
    const char *const *inputs, Onnx__NodeProto **node)
{
  const char *name = frame_new_name (graph, call, op_type);
  const char *const outputs[] = {name, NULL};
  Onnx__NodeProto *added = onnx_builder_add_node (
      graph->builder, op_type, name, inputs, outputs);

  if (node)
    *node = added;
  return name;
}

const char *
frame_add_floats (FrameGraph *graph, const FrameCall *call, const char *suffix, guint n_dims,
    const gint64 *shape, const float *values)
{
  const char *name = frame_new_name (graph, call, suffix);

  onnx_builder_add_floats (graph->builder, name, n_dims, shape, values);
  return name;
}

gint64
frame_get_onnx_axis (const FrameValue *value, guint index)
{
  if (!value->is_moved)
    return index + 1;
  return index + 1 == value->n_dims ? 1 : index + 2;
}

const char *
frame_add_factor (FrameGraph *graph, const FrameCall *call, const char *suffix,
    const FrameValue *value, const gint64 *shape, const float *values)
{
  guint last = value->n_dims - 1;
  gint64 moved_shape[FRAME_MAX_DIMS] = {shape[last]};
  g_autofree float *moved = NULL;
  gsize n = 1;

  if (!value->is_moved)
    return frame_add_floats (graph, call, suffix, value->n_dims, shape, values);
  for (guint i = 0; i < last; i++) {
    moved_shape[i + 1] = shape[i];
    n *= (gsize) shape[i];
  }
  moved = keras_transpose_kernel (values, n, (gsize) shape[last]);
  return frame_add_floats (graph, call, suffix, value->n_dims, moved_shape, moved);
}

const char *
frame_add_ints (FrameGraph *graph, const FrameCall *call, const char *suffix, guint n_dims,
    const gint64 *shape, const gint64 *values)
{
  const char *name = frame_new_name (graph, call, suffix);

  onnx_builder_add_ints (graph->builder, name, n_dims, shape, values);
  return name;
}

const char *
frame_add_scalar (FrameGraph *graph, const FrameCall *call, const char *suffix, float value)
{
  return frame_add_floats (graph, call, suffix, 0, NULL, &value);
}

/* Adds a Transpose of @value, and remembers that both values are the same in another order. */
static FrameValue
add_transpose (FrameGraph *graph, const FrameCall *call, const FrameValue *value)
{
  const char *const inputs[] = {value->name, NULL};
  FrameValue output = *value;
  gint64 axes[MAX_AXES] = {0};
  const char *known = g_hash_table_lookup (graph->moved, value->name);
  Onnx__NodeProto *node;

  output.is_moved = !value->is_moved;
  if (known) {
    output.name = known;
    return output;
  }
  for (guint i = 1; i <= value->n_dims; i++)
    if (output.is_moved)
      axes[i] = i == 1 ? value->n_dims : i - 1;
    else
      axes[i] = i == value->n_dims ? 1 : i + 1;
  output.name = frame_add_node (graph, call, "Transpose", inputs, &node);
  onnx_builder_set_ints (graph->builder, node, "perm", axes, value->n_dims + 1);
  g_hash_table_insert (graph->moved, (char *) value->name, (char *) output.name);
  g_hash_table_insert (graph->moved, (char *) output.name, (char *) value->name);
  return output;
}

static FrameValue
set_order (FrameGraph *graph, const FrameCall *call, const FrameValue *value, gboolean is_moved)
{
  FrameValue output = *value;

  if (value->n_dims > 1 && value->is_moved != is_moved)
    return add_transpose (graph, call, value);
  output.is_moved = is_moved;
  return output;
}

FrameValue
frame_order_axes (FrameGraph *graph, const FrameCall *call, const FrameValue *value)
{
  return set_order (graph, call, value, FALSE);
}

FrameValue
frame_move_axes (FrameGraph *graph, const FrameCall *call, const FrameValue *value)
{
  return set_order (graph, call, value, TRUE);
}

void
frame_add_reshape (FrameGraph *graph, const FrameCall *call, const FrameValue *value,
    guint n_dims, const gint64 *shape, FrameValue *output)
{
  const FrameValue ordered = frame_order_axes (graph, call, value);
  const gint64 n_axes = n_dims + 1;
  gint64 sizes[MAX_AXES] = {1};
  const char *inputs[] = {ordered.name, NULL, NULL};

  *output = (FrameValue){.n_dims = n_dims};
  /* With one pixel, both orders of the axes have the same values. The moved order saves a
   * Transpose. */
  output->is_moved = n_dims > 1 && frame_get_size (n_dims - 1, shape) == 1;
  memcpy (sizes + 1, shape, n_dims * sizeof *shape);
  if (output->is_moved) {
    memcpy (sizes + 2, shape, (n_dims - 1) * sizeof *shape);
    sizes[1] = shape[n_dims - 1];
  }
  memcpy (output->shape, shape, n_dims * sizeof *shape);
  inputs[1] = frame_add_ints (graph, call, "shape", 1, &n_axes, sizes);
  output->name = frame_add_node (graph, call, "Reshape", inputs, NULL);
}

gboolean
frame_find_axis (FrameGraph *graph, const FrameCall *call, const char *key,
    const FrameValue *value, gint64 axis, guint *index)
{
  static const char *const outer[] = {"the batch", "the time"};
  gint64 n = (gint64) (call->n_outer + value->n_dims), from_batch = axis < 0 ? axis + n : axis;

  if (from_batch >= call->n_outer && from_batch < n) {
    *index = (guint) from_batch - call->n_outer;
    return TRUE;
  }
  if (from_batch < 0 || from_batch >= n)
    return keras_fail (graph->reader, call->layer, CONVERT_ERROR_FILE,
        "%s: expected an axis of %" G_GINT64_FORMAT " dimensions, found %" G_GINT64_FORMAT, key,
        n, axis);
  return keras_fail (graph->reader, call->layer, CONVERT_ERROR_UNSUPPORTED,
      "%s: expected an axis of the frame, found %" G_GINT64_FORMAT ", %s", key, axis,
      outer[from_batch]);
}

/* Returns: (transfer full): a shape of at most H5_MAX_DIMS sizes, where 0 is any size */
static char *
describe_sizes (guint n_dims, const gint64 *shape)
{
  gsize sizes[H5_MAX_DIMS];

  for (guint i = 0; i < n_dims; i++)
    sizes[i] = shape[i] ? (gsize) shape[i] : LSTM_TEXT_ANY_SIZE;
  return lstm_text_shape (n_dims, sizes);
}

gboolean
frame_check_weight (FrameGraph *graph, const FrameCall *call, const char *name, guint index,
    guint n_dims, const gint64 *shape)
{
  const H5Array *weight = &call->weights[index];
  gboolean fits = weight->values && weight->n_dims == n_dims;
  g_autofree char *expected = NULL, *found = NULL;

  for (guint i = 0; fits && i < n_dims; i++)
    fits = weight->shape[i] > 0 && (shape[i] == 0 || (gsize) shape[i] == weight->shape[i]);
  if (fits)
    return TRUE;
  expected = describe_sizes (n_dims, shape);
  found = weight->values ? lstm_text_shape (weight->n_dims, weight->shape) : g_strdup ("none");
  return keras_fail (graph->reader, call->layer, CONVERT_ERROR_FILE,
      "%s: expected shape %s, found %s", name, expected, found);
}

char *
frame_describe_shape (const FrameValue *value)
{
  return describe_sizes (value->n_dims, value->shape);
}

gint64
frame_get_size (guint n_dims, const gint64 *shape)
{
  gint64 size = 1;

  for (guint i = 0; i < n_dims; i++) {
    if (shape[i] < 1 || shape[i] > G_MAXINT32 / size)
      return -1;
    size *= shape[i];
  }
  return size;
}
