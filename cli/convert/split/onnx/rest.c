/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "split/onnx/rest.h"
#include "split/onnx/emit.h"
#include "split/onnx/unrolled.h"

/* Adds @info as an input, or as an output, of @name. A free size is -1. */
static void
add_info (SplitEmitter *emitter, const Onnx__ValueInfoProto *info, const char *name,
    void (*add) (
        OnnxBuilder *builder, const char *name, gint32 type, guint n_dims, const gint64 *shape))
{
  const Onnx__TypeProto *type = info->type;
  const Onnx__TypeProto__Tensor *tensor = type
                                                  && type->value_case
                                                         == ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE
                                              ? type->tensor_type
                                              : NULL;
  gint64 shape[ONNX_MAX_DIMS];
  guint n = tensor && tensor->shape ? (guint) MIN (tensor->shape->n_dim, ONNX_MAX_DIMS) : 0;

  for (guint i = 0; i < n; i++) {
    const Onnx__TensorShapeProto__Dimension *dim = tensor->shape->dim[i];

    shape[i] = -1;
    if (dim->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE)
      shape[i] = dim->dim_value;
  }
  add (emitter->builder, name, tensor ? tensor->elem_type : 0, n, shape);
}

gboolean
onnx_split_is_wanted (const Splitter *splitter, const char *name)
{
  const char *stated = splitter->reader.input->output;
  const SplitValue *value = onnx_split_find (splitter, name);

  return stated ? g_str_equal (stated, name) : value && value->kind != SPLIT_CLIP;
}

static const Onnx__ValueInfoProto *
find_input_info (const SplitEmitter *emitter, const char *name)
{
  const Onnx__GraphProto *graph = emitter->splitter->reader.model->graph;

  for (gsize i = 0; i < graph->n_input; i++)
    if (g_str_equal (onnx_string (graph->input[i]->name), name))
      return graph->input[i];
  return NULL;
}

/* Follows @value: adds the values that its node reads, or the input. */
static void
follow_value (SplitEmitter *emitter, const SplitRolled *rolled, SplitValue *value)
{
  OnnxReader *reader = &emitter->splitter->reader;
  const Onnx__ValueInfoProto *info;
  const SplitNode *node = value->node;

  if (value == emitter->splitter->cut || g_hash_table_contains (rolled->made, value->name))
    return;
  if (g_hash_table_contains (rolled->gone, value->name)) {
    onnx_split_set_problem (emitter,
        "tensor \"%s\": expected a memory that follows from the last step, found "
        "the cell state of an earlier step",
        onnx_shorten_text (reader, value->name));
  } else if (value->kind == SPLIT_CLIP
             && !g_hash_table_contains (emitter->splitter->memory_nodes, node)) {
    onnx_split_set_problem (emitter,
        "tensor \"%s\": expected features that reach the output through %s alone, found "
        "features "
        "that bypass it",
        onnx_shorten_text (reader, value->name), emitter->splitter->recurrent->base.label);
  } else if (!node) {
    if ((info = find_input_info (emitter, value->name)))
      add_info (emitter, info, onnx_split_get_name (emitter, value), onnx_builder_add_input);
  } else if (g_hash_table_add (emitter->nodes, (gpointer) node)) {
    for (guint i = 0; i < node->base.n_inputs; i++)
      if (node->inputs[i])
        onnx_split_need (emitter, node->inputs[i]);
    for (guint i = 0; node->captured && i < node->captured->len; i++)
      onnx_split_need (emitter, g_ptr_array_index (node->captured, i));
  }
}

/* Adds the input, (B, T, features), and makes the tensor of the cut from it. */
static void
write_input (SplitEmitter *emitter)
{
  const Splitter *splitter = emitter->splitter;
  const gint64 shape[] = {splitter->n_batch, splitter->n_steps, splitter->n_features};
  const char *cut = onnx_split_get_name (emitter, splitter->cut);
  Onnx__NodeProto *node;

  if (!splitter->is_time_first) {
    onnx_builder_add_input (emitter->builder, cut, splitter->cut->type, 3, shape);
    return;
  }
  onnx_builder_add_input (emitter->builder, "features", splitter->cut->type, 3, shape);
  node = onnx_builder_add_node (emitter->builder, "Transpose", "features_in",
      (const char *const[]){"features", NULL}, (const char *const[]){cut, NULL});
  onnx_builder_set_ints (emitter->builder, node, "perm", (const gint64[]){1, 0, 2}, 3);
}

/* Adds the outputs that the user can choose from, and follows them to the cut. */
static void
find_needed (SplitEmitter *emitter, const SplitRolled *rolled)
{
  const Onnx__GraphProto *graph = emitter->splitter->reader.model->graph;

  for (gsize i = 0; i < graph->n_output; i++) {
    const char *name = onnx_string (graph->output[i]->name);
    SplitValue *value = onnx_split_find (emitter->splitter, name);

    if (value && onnx_split_is_wanted (emitter->splitter, name))
      onnx_split_need (emitter, value);
    else if (value && !emitter->splitter->reader.input->output)
      onnx_split_add_note (emitter->splitter,
          "output \"%s\" is left out, because it depends on frames and not on the memory",
          name);
  }
  while (emitter->stack->len && !emitter->problem)
    follow_value (emitter, rolled,
        g_ptr_array_remove_index_fast (emitter->stack, emitter->stack->len - 1));
}

/* Adds the outputs. An output of another name, such as one of a branch of If, passes Identity. */
static void
write_outputs (SplitEmitter *emitter)
{
  const Onnx__GraphProto *graph = emitter->splitter->reader.model->graph;

  for (gsize i = 0; i < graph->n_output; i++) {
    const char *name = onnx_string (graph->output[i]->name);
    const SplitValue *value = onnx_split_find (emitter->splitter, name);
    const char *found = value ? onnx_split_get_name (emitter, value) : name;

    if (value && !onnx_split_is_wanted (emitter->splitter, name))
      continue;
    if (!g_str_equal (found, name))
      onnx_builder_add_node (emitter->builder, "Identity", name,
          (const char *const[]){found, NULL}, (const char *const[]){name, NULL});
    add_info (emitter, graph->output[i], name, onnx_builder_add_output);
  }
}

static GBytes *
write_model (SplitEmitter *emitter, SplitRolled *rolled)
{
  Splitter *splitter = emitter->splitter;
  OnnxValue *unsupported = NULL;

  write_input (emitter);
  if (splitter->cut->step >= 0 && (unsupported = onnx_split_roll (emitter, rolled))) {
    emitter->problem = unsupported->problem;
    return NULL;
  }
  find_needed (emitter, rolled);
  for (guint i = 0; i < splitter->nodes->len && !emitter->problem; i++)
    if (g_hash_table_contains (emitter->nodes, g_ptr_array_index (splitter->nodes, i)))
      onnx_split_copy_node (emitter, g_ptr_array_index (splitter->nodes, i));
  write_outputs (emitter);
  return emitter->problem ? NULL : onnx_builder_to_bytes (emitter->builder);
}

GBytes *
onnx_split_write_rest (Splitter *splitter, const char **problem)
{
  const char *const reserved[] = {splitter->is_time_first ? "features" : NULL, NULL};
  SplitRolled rolled = {
      g_hash_table_new (g_str_hash, g_str_equal), g_hash_table_new (g_str_hash, g_str_equal)};
  SplitEmitter emitter;
  GBytes *bytes;

  onnx_split_emitter_init (&emitter, splitter, "memory", reserved);
  bytes = write_model (&emitter, &rolled);
  *problem = emitter.problem;
  onnx_split_emitter_clear (&emitter);
  g_hash_table_unref (rolled.made);
  g_hash_table_unref (rolled.gone);
  return bytes;
}
