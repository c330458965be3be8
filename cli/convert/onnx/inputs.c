/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "onnx/inputs.h"
#include "onnx/decode.h"
#include "onnx/ops.h"

#define LENGTHS_INPUT 4 /* of a recurrent node */
#define LAST_STATE_INPUT 6

/* Adds @name to @found, and also each name whose numbers operators only move on their way to
 * @name. */
static void
trace_moved_names (GHashTable *producers, const char *name, GHashTable *found)
{
  g_autoptr (GPtrArray) stack = g_ptr_array_new ();

  g_ptr_array_add (stack, (gpointer) name);
  while (stack->len) {
    const char *at = g_ptr_array_remove_index_fast (stack, stack->len - 1);
    const Onnx__NodeProto *node = g_hash_table_lookup (producers, at);
    const OnnxOp *op;

    if (!*at || !g_hash_table_add (found, (gpointer) at) || !node)
      continue;
    op = onnx_find_op (onnx_string (node->op_type));
    for (gsize i = 0; op && i < MIN (node->n_input, op->n_moved_inputs); i++)
      g_ptr_array_add (stack, node->input[i]);
  }
}

void
onnx_find_state_inputs (OnnxReader *reader)
{
  const Onnx__GraphProto *graph = reader->model->graph;
  g_autoptr (GHashTable) producers = g_hash_table_new (g_str_hash, g_str_equal);

  for (gsize i = 0; i < graph->n_node; i++)
    for (gsize k = 0; k < graph->node[i]->n_output; k++)
      g_hash_table_insert (producers, graph->node[i]->output[k], graph->node[i]);
  for (gsize i = 0; i < graph->n_node; i++) {
    const Onnx__NodeProto *node = graph->node[i];
    const OnnxOp *op = onnx_find_op (onnx_string (node->op_type));

    if (!op || !op->recurrence)
      continue;
    for (gsize k = LENGTHS_INPUT; k < MIN (node->n_input, LAST_STATE_INPUT + 1); k++)
      trace_moved_names (producers, node->input[k],
          k == LENGTHS_INPUT ? reader->length_inputs : reader->state_inputs);
  }
}

/* Returns the size of @dim, or -1 if the size is unknown. */
static gint64
get_dimension (const Onnx__TensorShapeProto__Dimension *dim)
{
  gboolean is_known = dim->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE
                      && dim->dim_value > 0 && dim->dim_value <= G_MAXINT32;

  return is_known ? dim->dim_value : -1;
}

/* Returns the shape of @info, or NULL if the shape is unknown. */
static const Onnx__TensorShapeProto *
get_shape (const Onnx__ValueInfoProto *info)
{
  const Onnx__TypeProto *type = info->type;
  gboolean is_tensor = type && type->value_case == ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;

  return is_tensor ? type->tensor_type->shape : NULL;
}

/* Returns whether @info is a list of integers, which can only be sequence lengths. */
static gboolean
is_list_of_integers (const Onnx__ValueInfoProto *info)
{
  const Onnx__TensorShapeProto *shape = get_shape (info);
  gboolean is_int;

  return shape && shape->n_dim == 1
         && onnx_find_data_type (info->type->tensor_type->elem_type, &is_int) && is_int;
}

/* Returns the value of sequence lengths that are an input of the model: the number of steps. */
static OnnxValue *
new_lengths (OnnxReader *reader, const Onnx__ValueInfoProto *info)
{
  const Onnx__TensorShapeProto *shape = get_shape (info);
  OnnxValue *value = onnx_value_new (reader, ONNX_VALUE_TENSOR);
  const gsize one = 1;
  OnnxTensor *tensor = onnx_tensor_new (reader, TRUE, 1, &one);

  if (!tensor)
    return onnx_value_new (reader, ONNX_VALUE_UNSUPPORTED);
  if (shape && shape->n_dim == 1)
    onnx_get_factor (reader, reader->batch_factor)->size = get_dimension (shape->dim[0]);
  tensor->ints[0] = (OnnxInt){0, 1, reader->length_factor};
  tensor->is_repeated = TRUE;
  value->tensor = tensor;
  return value;
}

static OnnxValue *
new_input (OnnxReader *reader, const Onnx__ValueInfoProto *info)
{
  const Onnx__TensorShapeProto *shape = get_shape (info);
  OnnxValue *value = onnx_value_new (reader, ONNX_VALUE_SIGNAL);
  const char *label = onnx_own_text (
      reader, g_strdup_printf ("input \"%s\"", onnx_string (info->name)));

  if (shape && shape->n_dim > ONNX_MAX_DIMS) {
    value->kind = ONNX_VALUE_UNSUPPORTED;
    value->problem = onnx_own_text (reader,
        g_strdup_printf ("%s: shape: expected at most %d dimensions, found %" G_GSIZE_FORMAT,
            label, ONNX_MAX_DIMS, shape->n_dim));
    return value;
  }
  value->stage = onnx_stage_new_input (reader, label);
  /* An input without a shape gets the number of dimensions that a recurrent node reads. */
  value->n_axes = shape ? (guint) shape->n_dim : 3;
  for (guint i = 0; i < value->n_axes; i++)
    value->axes[i] = onnx_axis_new (
        reader, shape ? get_dimension (shape->dim[i]) : -1, ONNX_ROLE_UNKNOWN);
  return value;
}

gboolean
onnx_add_inputs (OnnxReader *reader, OnnxScope *scope, GError **error)
{
  const Onnx__GraphProto *graph = reader->model->graph;
  const char *duplicate = onnx_scope_add_initializers (reader, scope, graph);

  if (duplicate)
    return onnx_set_error (reader, CONVERT_ERROR_FILE, error,
        "initializer \"%s\": expected one initializer of this name, found two", duplicate);
  if (graph->n_sparse_initializer) {
    const Onnx__TensorProto *values = graph->sparse_initializer[0]->values;

    return onnx_set_error (reader, CONVERT_ERROR_UNSUPPORTED, error,
        "initializer \"%s\": expected dense values, found sparse values",
        values ? onnx_string (values->name) : "");
  }
  for (gsize i = 0; i < graph->n_input; i++) {
    const char *name = onnx_string (graph->input[i]->name);
    OnnxValue *value;

    if (g_hash_table_contains (scope->values, name))
      continue;
    if (is_list_of_integers (graph->input[i]))
      g_hash_table_add (reader->length_inputs, (gpointer) name);
    if (g_hash_table_contains (reader->state_inputs, name))
      value = onnx_value_new (reader, ONNX_VALUE_STATE);
    else if (g_hash_table_contains (reader->length_inputs, name))
      value = new_lengths (reader, graph->input[i]);
    else
      value = new_input (reader, graph->input[i]);
    g_hash_table_insert (scope->values, (gpointer) name, value);
  }
  return TRUE;
}
