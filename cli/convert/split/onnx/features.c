/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "split/onnx/features.h"
#include "split/onnx/emit.h"
#include "split/onnx/op.h"

#define FLOAT ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT

/* Returns the value whose numbers @value has, in order, if the features compute @value as a
 * Reshape, because @value is a literal shape, a selected frame or all frames. Otherwise NULL. */
static SplitValue *
get_source (const Splitter *splitter, const SplitValue *value)
{
  const SplitNode *node = value->node;
  SplitValue *source;

  if (value->kind != SPLIT_CLIP || value == splitter->clip)
    return NULL;
  if (value->parts)
    return value->parts[0];
  source = node->inputs[0];
  if (node->op->is_literal || value->is_joined)
    return source;
  return source && source->kind == SPLIT_CLIP && source->step < 0 && value->step >= 0 ? source
                                                                                      : NULL;
}

/* Follows get_source(). A chain is at most as long as the graph. */
static SplitValue *
find_root (const Splitter *splitter, GHashTable *roots, SplitValue *value)
{
  SplitValue *source = get_source (splitter, value), *root = source, *known;

  if (!source)
    return value;
  known = g_hash_table_lookup (roots, source);
  root = known ? known : source;
  g_hash_table_insert (roots, value, root);
  return root;
}

static guint
get_frame_shape (const SplitDims *dims, gint64 *shape)
{
  for (guint i = 0; i < dims->n; i++)
    shape[i] = onnx_split_axis_frame_size (&dims->axes[i]);
  return dims->n;
}

typedef struct {
  SplitEmitter emitter;
  GHashTable *roots;   /* SplitValue to the SplitValue that it reshapes */
  GHashTable *written; /* SplitValue that a Reshape node computes */
  gint64 frame[4];     /* the shape of the input */
} Features;

static gboolean
has_shape (const gint64 *shape, guint n, const gint64 *other, guint n_other)
{
  return n == n_other && memcmp (shape, other, n * sizeof *shape) == 0;
}

/* Adds a Reshape of the value @root to the shape of @value, unless the shapes are equal.
 * Returns: the name of the result */
static const char *
write_reshape (Features *features, SplitValue *value, SplitValue *root)
{
  SplitEmitter *emitter = &features->emitter;
  gboolean is_frame = root == emitter->splitter->clip;
  const char *from = is_frame ? "frame" : onnx_split_get_name (emitter, root);
  const char *name = onnx_split_get_name (emitter, value), *list;
  gint64 shape[ONNX_MAX_DIMS], before[ONNX_MAX_DIMS];
  guint n = get_frame_shape (value->dims, shape),
        n_before = get_frame_shape (root->dims, before);

  if (is_frame ? has_shape (shape, n, features->frame, 4)
               : has_shape (shape, n, before, n_before))
    return from;
  if (!g_hash_table_add (features->written, value))
    return name;
  list = onnx_split_add_list (emitter, name, "_shape", n, shape);
  onnx_builder_add_node (emitter->builder, "Reshape", name,
      (const char *const[]){from, list, NULL}, (const char *const[]){name, NULL});
  return name;
}

/* Returns the name under which a node reads @value. */
static const char *
write_input (Features *features, SplitValue *value)
{
  SplitValue *root = g_hash_table_lookup (features->roots, value);

  if (root || value == features->emitter.splitter->clip)
    return write_reshape (features, value, root ? root : value);
  return onnx_split_get_name (&features->emitter, value);
}

/* Returns whether input @i of @node is a shape that the features replace by a literal. */
static gboolean
is_shape_input (const SplitNode *node, guint i)
{
  const char *type = onnx_string (node->base.proto->op_type);

  return node->is_clip
         && ((i == 1 && g_str_equal (type, "Expand"))
             || (i == 3 && g_str_equal (type, "Resize")));
}

/* Sets @sizes to the sizes of output 0 of @node that its input of sizes lists: all, or the axes of
 * Resize. Returns: the number of sizes */
static guint
get_listed_sizes (const SplitNode *node, gint64 *sizes)
{
  const Onnx__AttributeProto *axes = onnx_find_attribute (&node->base, "axes");
  gint64 shape[ONNX_MAX_DIMS];
  guint n = get_frame_shape (node->outputs[0]->dims, shape);

  for (guint i = 0; i < (axes ? MIN (axes->n_ints, n) : n); i++)
    sizes[i] = shape[axes ? (axes->ints[i] + n) % n : i];
  return axes ? (guint) MIN (axes->n_ints, n) : n;
}

static void
write_node (Features *features, const SplitNode *node)
{
  SplitEmitter *emitter = &features->emitter;
  g_autofree const char **names = g_new0 (const char *, node->base.n_inputs + 1);
  Onnx__NodeProto *copy;

  for (guint i = 0; i < node->base.n_inputs; i++)
    if (node->inputs[i] && node->inputs[i]->kind == SPLIT_CLIP)
      names[i] = write_input (features, node->inputs[i]);
  for (guint i = 0; i < node->base.n_inputs; i++) {
    gint64 sizes[ONNX_MAX_DIMS];
    guint n;

    if (!node->inputs[i] || !is_shape_input (node, i))
      continue;
    n = get_listed_sizes (node, sizes);
    names[i] = onnx_split_add_list (
        emitter, onnx_split_get_name (emitter, node->outputs[0]), "_sizes", n, sizes);
  }
  copy = onnx_split_copy_node (emitter, node);
  for (guint i = 0; i < node->base.n_inputs; i++)
    if (names[i])
      onnx_builder_set_string (emitter->builder, &copy->input[i], names[i]);
}

/* Finds the values and nodes that the cut depends on, and adds the constants. */
static void
find_needed (Features *features)
{
  SplitEmitter *emitter = &features->emitter;
  const Splitter *splitter = emitter->splitter;

  onnx_split_need (emitter, splitter->cut);
  while (emitter->stack->len && !emitter->problem) {
    SplitValue *value = g_ptr_array_remove_index_fast (emitter->stack, emitter->stack->len - 1);
    SplitValue *source = get_source (splitter, value);

    if (source) {
      onnx_split_need (emitter, source);
      continue;
    }
    if (!value->node || !g_hash_table_add (emitter->nodes, (gpointer) value->node))
      continue;
    for (guint i = 0; i < value->node->base.n_inputs; i++)
      if (value->node->inputs[i] && !is_shape_input (value->node, i))
        onnx_split_need (emitter, value->node->inputs[i]);
  }
}

/* Adds the output: float32, [1, n_features]. */
static void
write_output (Features *features)
{
  SplitEmitter *emitter = &features->emitter;
  const Splitter *splitter = emitter->splitter;
  const gint64 shape[] = {1, splitter->n_features};
  SplitValue *root = g_hash_table_lookup (features->roots, splitter->cut);
  const char *from = onnx_split_get_name (emitter, root ? root : splitter->cut);
  gboolean is_half = splitter->cut->type == ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT16;
  const char *reshaped = is_half ? onnx_split_new_name (emitter, "features", "_float16")
                                 : "features";
  const char *list;
  Onnx__NodeProto *cast;

  if (root == splitter->clip || splitter->cut == splitter->clip)
    from = "frame";
  if (splitter->cut->type != FLOAT && !is_half)
    onnx_split_set_problem (emitter,
        "tensor \"%s\": expected float32 or float16 features, found ONNX data type %d",
        onnx_shorten_text (&emitter->splitter->reader, splitter->cut->name),
        splitter->cut->type);
  list = onnx_split_add_list (emitter, "features", "_shape", 2, shape);
  onnx_builder_add_node (emitter->builder, "Reshape", "features_out",
      (const char *const[]){from, list, NULL}, (const char *const[]){reshaped, NULL});
  if (is_half) {
    cast = onnx_builder_add_node (emitter->builder, "Cast", "features_float32",
        (const char *const[]){reshaped, NULL}, (const char *const[]){"features", NULL});
    onnx_builder_set_int (emitter->builder, cast, "to", FLOAT);
  }
  onnx_builder_add_output (emitter->builder, "features", FLOAT, 2, shape);
}

static GBytes *
write_model (Features *features)
{
  SplitEmitter *emitter = &features->emitter;
  Splitter *splitter = emitter->splitter;

  onnx_builder_add_input (emitter->builder, "frame", splitter->clip->type, 4, features->frame);
  find_needed (features);
  for (guint i = 0; i < splitter->nodes->len && !emitter->problem; i++) {
    const SplitNode *node = g_ptr_array_index (splitter->nodes, i);

    for (guint k = 0; k < node->base.n_outputs; k++)
      if (node->outputs[k] && g_hash_table_contains (emitter->values, node->outputs[k]))
        find_root (splitter, features->roots, node->outputs[k]);
    if (g_hash_table_contains (emitter->nodes, node))
      write_node (features, node);
  }
  write_output (features);
  onnx_builder_add_metadata (emitter->builder, "features", "features");
  return emitter->problem ? NULL : onnx_builder_to_bytes (emitter->builder);
}

GBytes *
onnx_split_write_features (Splitter *splitter, const char **problem)
{
  const gint64 c = (gint64) splitter->n_channels, h = (gint64) splitter->height,
               w = (gint64) splitter->width;
  gboolean first = splitter->is_channels_first;
  Features features = {.frame = {1, first ? c : h, first ? h : w, first ? w : c}};
  GBytes *bytes;

  onnx_split_emitter_init (&features.emitter, splitter, "features",
      (const char *const[]){"frame", "features", NULL});
  features.roots = g_hash_table_new (NULL, NULL);
  features.written = g_hash_table_new (NULL, NULL);
  bytes = write_model (&features);
  *problem = features.emitter.problem;
  g_hash_table_unref (features.written);
  g_hash_table_unref (features.roots);
  onnx_split_emitter_clear (&features.emitter);
  return bytes;
}
