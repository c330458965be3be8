/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "split/onnx/unrolled-state.h"
#include "onnx/args.h"
#include "onnx/ops.h"
#include "split/onnx/constants.h"
#include <string.h>

#define MAX_BLOCKS 65536

typedef struct {
  Splitter *splitter;
  GHashTable *states; /* SplitValue to SplitState */
} Finder;

static void
add_state (Finder *finder, const SplitNode *node, guint i, SplitState state)
{
  SplitDims dims = {state.n_dims};
  SplitState *copy;

  if (i >= node->base.n_outputs || !node->outputs[i]
      || !(copy = onnx_alloc (&finder->splitter->reader, 1, sizeof *copy)))
    return;
  *copy = state;
  g_hash_table_insert (finder->states, node->outputs[i], copy);
  for (guint k = 0; k < state.n_dims; k++)
    dims.axes[k] = onnx_split_plain_axis (state.shape[k]);
  node->outputs[i]->dims = onnx_split_keep_dims (finder->splitter, &dims);
}

/* Returns the axis that numbers the blocks. The axes before this axis have size 1. A single block
 * has no such axis, and the result is n_dims. */
static guint
get_block_axis (const SplitState *state)
{
  guint axis = 0;

  while (state->n > 1 && axis < state->n_dims && state->shape[axis] == 1)
    axis++;
  return state->n > 1 ? axis : state->n_dims;
}

/* Returns the sizes of input @i of @node as integers, (n), or NULL. */
static const gint64 *
get_ints (Finder *finder, SplitNode *node, const char *name, guint i, gsize *n)
{
  const gint64 *ints;

  return onnx_split_get_ints (finder->splitter, node, name, i, &ints, n) ? NULL : ints;
}

/* Sets the shape of a tensor of the same numbers. Returns FALSE if an axis does not number the
 * blocks of @state. */
static gboolean
set_shape (SplitState *state, guint n, const gint64 *shape)
{
  guint axis;

  state->n_dims = n;
  memcpy (state->shape, shape, n * sizeof *shape);
  axis = get_block_axis (state);
  return state->n == 1 || (axis < n && state->shape[axis] == state->n);
}

static void
reshape (Finder *finder, SplitNode *node, const SplitState *in)
{
  SplitState state = *in;
  gint64 shape[ONNX_MAX_DIMS], rest = 1;
  gsize n, free = ONNX_MAX_DIMS;
  const gint64 *ints = get_ints (finder, node, "shape", 1, &n);

  if (!ints || n > ONNX_MAX_DIMS)
    return;
  for (guint i = 0; i < in->n_dims; i++)
    rest *= in->shape[i];
  for (gsize i = 0; i < n; i++) {
    shape[i] = ints[i];
    if (ints[i] == 0 && i < in->n_dims)
      shape[i] = in->shape[i];
    if (ints[i] == -1)
      free = i;
    else if (shape[i] < 1 || rest % shape[i])
      return;
    else
      rest /= shape[i];
  }
  if (free < n)
    shape[free] = rest;
  if (set_shape (&state, (guint) n, shape))
    add_state (finder, node, 0, state);
}

static void
squeeze (Finder *finder, SplitNode *node, const SplitState *in)
{
  SplitState state = *in;
  gboolean has_axes;
  guint32 mask;

  state.n_dims = 0;
  if (onnx_get_axes (&finder->splitter->reader, &node->base, in->n_dims, &mask, &has_axes))
    return;
  for (guint i = 0; i < in->n_dims; i++) {
    const gboolean drops = has_axes ? (mask >> i) & 1 : in->shape[i] == 1;

    if (drops && in->shape[i] != 1)
      return;
    if (!drops)
      state.shape[state.n_dims++] = in->shape[i];
  }
  add_state (finder, node, 0, state);
}

static void
unsqueeze (Finder *finder, SplitNode *node, const SplitState *in)
{
  SplitState state = *in;
  guint32 mask;

  if (onnx_get_new_axes (
          &finder->splitter->reader, &node->base, in->n_dims, &mask, &state.n_dims))
    return;
  for (guint i = 0, from = 0; i < state.n_dims; i++)
    state.shape[i] = (mask >> i) & 1 ? 1 : in->shape[from++];
  add_state (finder, node, 0, state);
}

/* Accepts permutations that keep the order of the axes whose size is not 1. */
static void
transpose (Finder *finder, SplitNode *node, const SplitState *in)
{
  SplitState state = *in;
  guint permutation[ONNX_MAX_DIMS], next = 0;

  if (onnx_get_permutation (&finder->splitter->reader, &node->base, in->n_dims, permutation))
    return;
  for (guint i = 0; i < in->n_dims; i++) {
    state.shape[i] = in->shape[permutation[i]];
    if (state.shape[i] == 1)
      continue;
    if (permutation[i] < next)
      return;
    next = permutation[i];
  }
  add_state (finder, node, 0, state);
}

static void
pass (Finder *finder, SplitNode *node, const SplitState *in)
{
  add_state (finder, node, 0, *in);
}

/* Sets output @i to @n blocks of @in from block @first on, along @axis. */
static void
select_blocks (Finder *finder, SplitNode *node, guint i, const SplitState *in, guint axis,
    gint64 first, gint64 n)
{
  SplitState state = *in;

  if (n < 1 || first < 0 || first + n > in->shape[axis])
    return;
  if (n != in->shape[axis] && axis != get_block_axis (in))
    return;
  if (axis == get_block_axis (in)) {
    state.blocks += first;
    state.n = (guint) n;
  }
  state.shape[axis] = n;
  add_state (finder, node, i, state);
}

static void
slice (Finder *finder, SplitNode *node, const SplitState *in)
{
  OnnxRange ranges[ONNX_MAX_DIMS];
  const guint block_axis = get_block_axis (in);
  guint axis = MIN (block_axis, in->n_dims - 1);
  gint64 first = 0, n = 0;

  if (onnx_get_ranges (&finder->splitter->reader, &node->base, in->n_dims, ranges))
    return;
  for (guint i = 0; i < in->n_dims; i++) {
    gint64 from, count;

    if (!onnx_get_extent (ranges[i], in->shape[i], &from, &count)
        || (ranges[i].stride != 1 && in->shape[i] != 1)
        || (i != block_axis && count != in->shape[i]))
      return;
    if (i == axis) {
      first = from;
      n = count;
    }
  }
  select_blocks (finder, node, 0, in, axis, first, n);
}

static void
gather (Finder *finder, SplitNode *node, const SplitState *in)
{
  const SplitDims *indices = onnx_split_get_dims (node, 1);
  SplitState state = *in;
  gsize n;
  const gint64 *ints = get_ints (finder, node, NULL, 1, &n);
  guint axis;
  gint64 index;

  if (!ints || n != 1 || !indices || indices->n > 1
      || onnx_get_axis (&finder->splitter->reader, &node->base, 0, in->n_dims, &axis))
    return;
  index = ints[0] < 0 ? ints[0] + in->shape[axis] : ints[0];
  if (index < 0 || index >= in->shape[axis]
      || (in->shape[axis] != 1 && axis != get_block_axis (in)))
    return;
  if (axis == get_block_axis (in)) {
    state.blocks += index;
    state.n = 1;
  }
  state.shape[axis] = 1;
  if (indices->n == 0) {
    state.n_dims--;
    memmove (state.shape + axis, state.shape + axis + 1,
        (state.n_dims - axis) * sizeof *state.shape);
  }
  add_state (finder, node, 0, state);
}

static void
split (Finder *finder, SplitNode *node, const SplitState *in)
{
  g_autofree gint64 *sizes = g_new (gint64, node->base.n_outputs + 1);
  gint64 first = 0;
  guint axis;

  if (onnx_get_axis (&finder->splitter->reader, &node->base, 0, in->n_dims, &axis)
      || onnx_get_splits (&finder->splitter->reader, &node->base, in->shape[axis], sizes))
    return;
  for (guint i = 0; i < node->base.n_outputs; i++) {
    select_blocks (finder, node, i, in, axis, first, sizes[i]);
    first += sizes[i];
  }
}

/* Returns whether @part has one number along @axis for each block, and the other sizes of
 * @first. */
static gboolean
is_part (const SplitState *part, const SplitState *first, guint axis)
{
  gboolean fits = part && part->n_dims == first->n_dims && part->shape[axis] == part->n;

  for (guint i = 0; fits && i < part->n_dims; i++)
    fits = i == axis
           || (part->shape[i] == first->shape[i] && (i > axis || part->shape[i] == 1));
  return fits;
}

static void
concat (Finder *finder, SplitNode *node, const SplitState *in)
{
  SplitState state = *in;
  SplitBlock *blocks;
  guint axis;

  if (onnx_get_axis (&finder->splitter->reader, &node->base, 0, in->n_dims, &axis))
    return;
  state.n = 0;
  for (guint i = 0; i < node->base.n_inputs; i++) {
    const SplitState *part = g_hash_table_lookup (finder->states, node->inputs[i]);

    if (!is_part (part, in, axis) || (state.n += part->n) > MAX_BLOCKS)
      return;
  }
  state.shape[axis] = state.n;
  state.blocks = blocks = onnx_alloc (&finder->splitter->reader, state.n, sizeof *blocks);
  for (guint i = 0; blocks && i < node->base.n_inputs; i++) {
    const SplitState *part = g_hash_table_lookup (finder->states, node->inputs[i]);

    memcpy (blocks, part->blocks, part->n * sizeof *blocks);
    blocks += part->n;
  }
  if (state.blocks)
    add_state (finder, node, 0, state);
}

static const struct {
  const char *name;
  void (*run) (Finder *finder, SplitNode *node, const SplitState *in);
} moves[] = {
    {"Concat", concat},
    {"Gather", gather},
    {"Identity", pass},
    {"Reshape", reshape},
    {"Slice", slice},
    {"Split", split},
    {"Squeeze", squeeze},
    {"Transpose", transpose},
    {"Unsqueeze", unsqueeze},
};

gboolean
onnx_split_is_recurrent (const SplitNode *node)
{
  const OnnxOp *op = onnx_find_op (onnx_string (node->base.proto->op_type));
  const char *domain = onnx_string (node->base.proto->domain);

  return op && op->recurrence && !op->is_quantized
         && (!*domain || g_str_equal (domain, "ai.onnx"));
}

/* Adds Y, Y_h and Y_c of a recurrent node of one step and one direction. */
static void
add_outputs (Finder *finder, const SplitNode *node)
{
  const SplitDims *weights = onnx_split_get_dims (node, 2);
  const gint64 b = finder->splitter->n_batch;
  const gboolean is_batch_first = onnx_get_int (&node->base, "layout", 0) != 0;
  SplitBlock *blocks = onnx_alloc (&finder->splitter->reader, 2, sizeof *blocks);
  gint64 m;

  if (!blocks || !weights || weights->n != 3 || onnx_split_axis_size (&weights->axes[0]) != 1)
    return;
  m = onnx_split_axis_size (&weights->axes[2]);
  blocks[0] = (SplitBlock){node, FALSE};
  blocks[1] = (SplitBlock){node, TRUE};
  add_state (finder, node, 0,
      is_batch_first ? (SplitState){4, {b, 1, 1, m}, 1, blocks}
                     : (SplitState){4, {1, 1, b, m}, 1, blocks});
  for (guint i = 1; i < 3; i++)
    add_state (finder, node, i,
        is_batch_first ? (SplitState){3, {b, 1, m}, 1, blocks + i - 1}
                       : (SplitState){3, {1, b, m}, 1, blocks + i - 1});
}

static void
run_move (Finder *finder, SplitNode *node)
{
  const SplitValue *value = onnx_split_get_input (node, 0);
  const SplitState *in = value ? g_hash_table_lookup (finder->states, value) : NULL;

  for (gsize i = 0; in && in->n_dims && i < G_N_ELEMENTS (moves); i++) {
    if (!g_str_equal (onnx_string (node->base.proto->op_type), moves[i].name))
      continue;
    for (guint k = 1; k < node->base.n_inputs; k++) {
      if (node->inputs[k] && onnx_split_get_tensor (finder->splitter, node->inputs[k]))
        node->base.inputs[k] = node->inputs[k]->constant;
    }
    moves[i].run (finder, node, in);
  }
}

/* Folds the shape of a tensor that has a state, and what follows from such shapes alone.
 * Returns whether the outputs of @node are constants. */
static gboolean
fold_shape (Splitter *splitter, SplitNode *node)
{
  SplitValue *result = node->base.n_outputs ? node->outputs[0] : NULL;

  if (!result || result->kind != SPLIT_LATER || node->captured || !node->base.n_inputs)
    return FALSE;
  if (g_str_equal (onnx_string (node->base.proto->op_type), "Shape")) {
    if (onnx_split_get_dims (node, 0))
      onnx_split_run_shape (splitter, node);
    return result->kind == SPLIT_CONSTANT;
  }
  for (guint i = 0; i < node->base.n_inputs; i++) {
    const SplitValue *value = node->inputs[i];

    if (!value)
      continue;
    if (value->kind != SPLIT_CONSTANT)
      return FALSE;
    node->base.inputs[i] = value->constant ? value->constant : splitter->unknown;
    node->is_from_shape |= value->is_from_shape;
  }
  onnx_split_run_constant (splitter, node);
  return result->kind == SPLIT_CONSTANT;
}

GHashTable *
onnx_split_find_states (Splitter *splitter)
{
  Finder finder = {splitter, g_hash_table_new (NULL, NULL)};

  for (guint i = 0; i < splitter->nodes->len; i++) {
    SplitNode *node = g_ptr_array_index (splitter->nodes, i);

    if (onnx_split_is_recurrent (node))
      add_outputs (&finder, node);
    else if (!fold_shape (splitter, node) && !*onnx_string (node->base.proto->domain))
      run_move (&finder, node);
  }
  return finder.states;
}
