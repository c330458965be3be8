/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the names have that no node gives: initializers and inputs. */
#include "onnx/onnx.h"

/* The names that @name is made of by moving numbers only go to @found. */
static void
trace (GHashTable *producers, const char *name, GHashTable *found)
{
  g_autoptr (GPtrArray) stack = g_ptr_array_new ();

  g_ptr_array_add (stack, (gpointer) name);
  while (stack->len) {
    const char *at = g_ptr_array_remove_index_fast (stack, stack->len - 1);
    const Onnx__NodeProto *node = g_hash_table_lookup (producers, at);
    const OnnxOp *op;

    if (!*at || !g_hash_table_add (found, (gpointer) at) || !node)
      continue;
    op = onnx_find_op (onnx_name (node->op_type));
    for (gsize i = 0; op && op->layout && i < node->n_input; i++)
      if (i == 0 || g_str_equal (op->op, "Concat"))
        g_ptr_array_add (stack, node->input[i]);
  }
}

void
onnx_find_states (OnnxReader *reader)
{
  const Onnx__GraphProto *graph = reader->model->graph;
  g_autoptr (GHashTable) producers = g_hash_table_new (g_str_hash, g_str_equal);

  for (gsize i = 0; i < graph->n_node; i++)
    for (gsize k = 0; k < graph->node[i]->n_output; k++)
      g_hash_table_insert (producers, graph->node[i]->output[k], graph->node[i]);
  for (gsize i = 0; i < graph->n_node; i++) {
    const Onnx__NodeProto *node = graph->node[i];

    if (!g_str_equal (onnx_name (node->op_type), "LSTM"))
      continue;
    for (gsize k = 4; k < MIN (node->n_input, 7); k++)
      trace (producers, node->input[k], k == 4 ? reader->lengths : reader->states);
  }
}

/* Sequence lengths given from outside: all of the steps that there are */
static OnnxValue *
new_lengths (OnnxReader *reader)
{
  OnnxValue *value = onnx_value_new (reader, ONNX_TENSOR);
  const gsize one = 1;
  OnnxTensor *tensor = onnx_tensor_new (reader, TRUE, 1, &one);

  if (!tensor)
    return onnx_value_new (reader, ONNX_BAD);
  tensor->i[0] = (OnnxInt){0, 1, reader->length};
  tensor->repeated = TRUE;
  value->tensor = tensor;
  return value;
}

static gint64
get_dimension (const Onnx__TensorShapeProto__Dimension *dim)
{
  gboolean known = dim->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE
                   && dim->dim_value > 0 && dim->dim_value <= G_MAXINT32;

  return known ? dim->dim_value : -1;
}

static OnnxValue *
new_stream (OnnxReader *reader, const Onnx__ValueInfoProto *info)
{
  const Onnx__TypeProto *type = info->type;
  gboolean is_tensor = type && type->value_case == ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
  const Onnx__TensorShapeProto *shape = is_tensor ? type->tensor_type->shape : NULL;
  OnnxValue *value = onnx_value_new (reader, ONNX_STREAM);

  if (shape && shape->n_dim > ONNX_MAX_DIMS) {
    value->kind = ONNX_BAD;
    value->problem = onnx_text (
        reader, g_strdup_printf ("input \"%s\": expected at most 8 dimensions, found more",
                    onnx_name (info->name)));
    return value;
  }
  value->step = g_new0 (OnnxStep, 1);
  g_ptr_array_add (reader->arena, value->step);
  value->step->open = TRUE;
  value->step->label = onnx_text (
      reader, g_strdup_printf ("input \"%s\"", onnx_name (info->name)));
  /* one without a shape is taken for what an LSTM reads */
  value->n_axes = shape ? (guint) shape->n_dim : 3;
  for (guint i = 0; i < value->n_axes; i++)
    value->axes[i] = onnx_axis_of (
        reader, shape ? get_dimension (shape->dim[i]) : -1, ONNX_ROLE_OPEN);
  return value;
}

/* Returns: the name that is there twice, or NULL */
const char *
onnx_add_initializers (OnnxReader *reader, OnnxScope *scope, const Onnx__GraphProto *graph)
{
  for (gsize i = 0; i < graph->n_initializer; i++) {
    OnnxValue *value = onnx_value_new (reader, ONNX_LAZY);

    value->proto = graph->initializer[i];
    if (!g_hash_table_insert (scope->values, (gpointer) onnx_name (value->proto->name), value))
      return onnx_name (value->proto->name);
  }
  return NULL;
}

/* Initializers may be listed as inputs too. */
gboolean
onnx_add_inputs (OnnxReader *reader, OnnxScope *scope, GError **error)
{
  const Onnx__GraphProto *graph = reader->model->graph;
  const char *twice = onnx_add_initializers (reader, scope, graph);

  if (twice)
    return onnx_fail (
        reader, CONVERT_ERROR_FILE, error, "initializer \"%s\" is there twice", twice);
  for (gsize i = 0; i < graph->n_sparse_initializer; i++) {
    const Onnx__TensorProto *values = graph->sparse_initializer[i]->values;

    return onnx_fail (reader, CONVERT_ERROR_UNSUPPORTED, error,
        "initializer \"%s\": expected dense values, found sparse ones",
        values ? onnx_name (values->name) : "");
  }
  for (gsize i = 0; i < graph->n_input; i++) {
    const char *name = onnx_name (graph->input[i]->name);

    if (g_hash_table_contains (scope->values, name))
      continue;
    g_hash_table_insert (scope->values, (gpointer) name,
        g_hash_table_contains (reader->states, name)    ? onnx_value_new (reader, ONNX_STATE)
        : g_hash_table_contains (reader->lengths, name) ? new_lengths (reader)
                                                        : new_stream (reader, graph->input[i]));
  }
  return TRUE;
}
