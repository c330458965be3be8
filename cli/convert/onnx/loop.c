/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "onnx/loop.h"
#include "onnx/body.h"

#define MAX_STEPS 8 /* nodes from a condition to an integer */

/* The number of iterations of a Loop, which must be the number of steps of its input */
typedef struct {
  OnnxBody *body;
  OnnxInt n_steps;
  gboolean is_bounded; /* whether a bound is the number of steps */
  gboolean is_inside;  /* whether the condition is computed in the body, otherwise before it */
} TripCount;

/* Returns whether @bound is known to be at least the number of steps. */
static gboolean
is_enough (const TripCount *count, OnnxInt bound)
{
  OnnxInt n_steps = count->n_steps;

  if (bound.factor == ONNX_NO_FACTOR && bound.offset >= G_MAXINT32)
    return TRUE;
  if (bound.offset < n_steps.offset)
    return FALSE;
  n_steps.offset = bound.offset;
  return onnx_int_equal (count->body->reader, bound, n_steps);
}

/* Adds a bound of the number of iterations. Returns FALSE if the bound may be less than the number
 * of steps. */
static gboolean
add_bound (TripCount *count, OnnxInt bound)
{
  count->is_bounded |= onnx_int_equal (count->body->reader, bound, count->n_steps);
  return is_enough (count, bound);
}

static const Onnx__NodeProto *
find_producer (const Onnx__GraphProto *graph, const char *name)
{
  for (gsize i = 0; i < graph->n_node; i++)
    for (gsize k = 0; k < graph->node[i]->n_output; k++)
      if (g_str_equal (graph->node[i]->output[k], name))
        return graph->node[i];
  return NULL;
}

/* Returns the name before the loop of the variable @name of the body that is constant, or @name. */
static const char *
leave_body (const OnnxBody *body, const char *name)
{
  for (guint i = 0; i < body->n_variables; i++)
    if (body->variables[i].kind == ONNX_VARIABLE_CONSTANT
        && g_str_equal (body->variables[i].in, name))
      return onnx_string (body->node->proto->input[i + 2]);
  return name;
}

/* Finds the node that computes *name. *is_inside: whether *name is a name of the body. Replaces a
 * name of the body that has its value from before the loop. Returns: (nullable) */
static const Onnx__NodeProto *
find_node (const OnnxBody *body, const char **name, gboolean *is_inside)
{
  const Onnx__NodeProto *node = *is_inside ? find_producer (body->graph, *name) : NULL;

  if (node)
    return node;
  if (*is_inside) {
    *name = leave_body (body, *name);
    *is_inside = g_hash_table_contains (body->scope.values, *name);
  }
  return *is_inside ? NULL : find_producer (body->reader->model->graph, *name);
}

static const OnnxValue *
find_value (const OnnxBody *body, const char *name, gboolean is_inside)
{
  return onnx_scope_find (body->reader, is_inside ? &body->scope : body->node->scope, name);
}

/* Gets the integer @name, which nodes may convert to another type. */
static gboolean
get_integer (const TripCount *count, const char *name, OnnxInt *integer)
{
  gboolean is_inside = count->is_inside;

  for (guint i = 0; i < MAX_STEPS; i++) {
    const Onnx__NodeProto *node = find_node (count->body, &name, &is_inside);
    const OnnxValue *value = find_value (count->body, name, is_inside);
    const OnnxTensor *tensor = value->kind == ONNX_VALUE_TENSOR ? value->tensor : NULL;

    if (tensor && tensor->n_values == 1 && tensor->is_int) {
      *integer = tensor->ints[0];
      return TRUE;
    }
    if (tensor && tensor->n_values == 1 && tensor->reals[0] > -1e9f && tensor->reals[0] < 1e9f
        && tensor->reals[0] == (float) (gint32) tensor->reals[0]) {
      *integer = onnx_int_constant ((gint64) tensor->reals[0]);
      return TRUE;
    }
    if (!node || !node->n_input
        || (g_strcmp0 (node->op_type, "Cast") != 0
            && g_strcmp0 (node->op_type, "Identity") != 0))
      return FALSE;
    name = onnx_string (node->input[0]);
  }
  return FALSE;
}

/* Adds the bound of a < b. In the body, a is the number of the iteration plus an offset, and the
 * next iteration runs if a < b. Before the body, a is 0, and a sequence has at least one step. */
static gboolean
add_less_than (TripCount *count, const Onnx__NodeProto *node)
{
  OnnxInt a, b;

  if (node->n_input != 2 || !get_integer (count, onnx_string (node->input[0]), &a)
      || !get_integer (count, onnx_string (node->input[1]), &b)
      || b.factor == count->body->loop.iteration || ABS (a.offset) > 1 || a.offset < 0)
    return FALSE;
  if (!count->is_inside)
    return a.factor == ONNX_NO_FACTOR && a.offset == 0
           && (b.factor == ONNX_NO_FACTOR
                   ? b.offset > 0
                   : onnx_int_equal (count->body->reader, b, count->n_steps));
  if (a.factor != count->body->loop.iteration || a.coefficient != 1 || b.offset > G_MAXINT32)
    return FALSE;
  b.offset += 1 - a.offset;
  return add_bound (count, b);
}

/* Checks that the condition @name is true for every step of the input but the last. */
static gboolean
check_condition (TripCount *count, const char *name, guint depth)
{
  gboolean is_inside = count->is_inside;
  const Onnx__NodeProto *node = find_node (count->body, &name, &is_inside);
  const OnnxValue *value = find_value (count->body, name, is_inside);

  if (value->kind == ONNX_VALUE_TENSOR && value->tensor->is_int && value->tensor->n_values == 1
      && value->tensor->ints[0].factor == ONNX_NO_FACTOR)
    return value->tensor->ints[0].offset != 0;
  if (is_inside && g_str_equal (name, onnx_string (count->body->graph->input[1]->name)))
    return TRUE;
  if (!node || is_inside != count->is_inside || depth == MAX_STEPS || !node->n_input)
    return FALSE;
  if (g_strcmp0 (node->op_type, "Less") == 0)
    return add_less_than (count, node);
  if (g_strcmp0 (node->op_type, "And") == 0)
    return node->n_input == 2
           && check_condition (count, onnx_string (node->input[0]), depth + 1)
           && check_condition (count, onnx_string (node->input[1]), depth + 1);
  return (g_strcmp0 (node->op_type, "Identity") == 0 || g_strcmp0 (node->op_type, "Cast") == 0)
         && check_condition (count, onnx_string (node->input[0]), depth + 1);
}

/* Checks that the loop runs once for each step of its input. */
static gboolean
check_trip_count (OnnxBody *body)
{
  const OnnxNode *node = body->node;
  const OnnxAxis *time = &body->loop.input->axes[body->loop.time];
  TripCount count = {body, onnx_axis_size (body->reader, time)};
  gboolean is_valid = TRUE;

  if (onnx_get_input (node, 0)) {
    const OnnxTensor *limit = onnx_get_tensor_input (node, 0);

    is_valid = limit && limit->is_int && limit->n_values == 1
               && add_bound (&count, limit->ints[0]);
  }
  if (is_valid && onnx_get_input (node, 1))
    is_valid = check_condition (&count, onnx_string (node->proto->input[1]), 0);
  count.is_inside = TRUE;
  is_valid = is_valid
             && check_condition (&count, onnx_string (body->graph->output[0]->name), 0);
  return (is_valid && count.is_bounded)
         || onnx_body_fail (body,
             "M, cond: expected one iteration for each step of the input, %s, found M of %s "
             "and the "
             "condition \"%s\"",
             onnx_axis_describe (body->reader, time),
             onnx_describe_input (body->reader, node, 0),
             onnx_shorten_text (body->reader, onnx_string (body->graph->output[0]->name)));
}

static gboolean
read_loop (OnnxBody *body, OnnxNode *node)
{
  const Onnx__GraphProto *graph = body->graph;
  guint n = node->proto->n_input < 2 ? 0 : (guint) node->proto->n_input - 2;

  if (graph->n_input != n + 2u || graph->n_output < n + 1u
      || graph->n_output - 1 != node->n_outputs)
    return onnx_body_fail (body,
        "body: expected %u inputs and %u outputs, found %" G_GSIZE_FORMAT
        " and %" G_GSIZE_FORMAT,
        n + 2, node->n_outputs + 1, graph->n_input, graph->n_output);
  if (!onnx_body_alloc_variables (body, n))
    return FALSE;
  onnx_body_add_iteration (body, onnx_string (graph->input[0]->name));
  for (guint i = 0; i < n; i++)
    if (!onnx_body_set_variable (body, i, i + 2, i + 2, i + 1))
      return FALSE;
  return onnx_body_run (body) && check_trip_count (body);
}

OnnxValue *
onnx_apply_loop (OnnxReader *reader, OnnxNode *node)
{
  OnnxBody body;

  if (onnx_body_init (&body, reader, node) && read_loop (&body, node)) {
    for (guint i = 0; i < node->n_outputs; i++)
      node->outputs[i] = i < body.n_variables ? onnx_body_get_variable (&body, i)
                                              : onnx_body_collect_output (&body, i + 1);
  }
  onnx_body_clear (&body);
  return body.unsupported ? body.unsupported : node->outputs[0];
}
