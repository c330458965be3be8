/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "onnx/graph.h"
#include "onnx/ops.h"
#include "onnx/order.h"
#include "onnx/recurrent.h"

#define MAX_INPUTS 4096

/* Returns: (nullable): the first unsupported input, or NULL */
static OnnxValue *
find_unsupported_input (const OnnxNode *node)
{
  for (guint i = 0; i < node->n_inputs; i++)
    if (onnx_value_is (node->inputs[i], ONNX_VALUE_UNSUPPORTED))
      return node->inputs[i];
  return NULL;
}

/* Returns: (nullable): the unsupported value of @node if the operator does not accept input @i */
static OnnxValue *
check_input (OnnxReader *reader, const OnnxNode *node, guint i)
{
  OnnxValue *in = node->inputs[i], *value;

  if (onnx_value_is (in, ONNX_VALUE_UNSUPPORTED))
    return in;
  if (onnx_value_is (in, ONNX_VALUE_STATE) && !node->op->recurrence)
    return onnx_unsupported (reader, node,
        "input %u: expected an " ONNX_RECURRENT
        " node as the only reader of its initial state, found %s",
        i, onnx_shorten_text (reader, node->proto->op_type));
  if (onnx_value_is (in, ONNX_VALUE_CONCAT) && !node->op->n_moved_inputs) {
    value = onnx_value_copy (reader, in);
    value->kind = ONNX_VALUE_UNSUPPORTED;
    return value;
  }
  return NULL;
}

/* Returns whether op->trace() accepts @first as input 0. */
static gboolean
can_trace_first (const OnnxOp *op, const OnnxValue *first)
{
  return onnx_value_is (first, ONNX_VALUE_STEP) || op->accepts_constant_first
         || op->n_moved_inputs == ONNX_ALL_INPUTS;
}

/* Sets *function to the function that computes @node.
 * Returns: (nullable): the value of @node if no function computes @node */
static OnnxValue *
check_inputs (OnnxReader *reader, OnnxNode *node, OnnxOpFunction *function)
{
  const OnnxOp *op = node->op;
  const OnnxValue *signal = NULL, *step = NULL;
  OnnxValue *first = onnx_get_input (node, 0), *value = NULL;

  if (onnx_value_is (first, ONNX_VALUE_STATE) && op->n_moved_inputs)
    value = first;
  *function = op->apply;
  if (op->is_loop)
    return NULL;
  for (guint i = 0; i < node->n_inputs; i++) {
    const OnnxValue *in = node->inputs[i];

    if (!value)
      value = check_input (reader, node, i);
    if (onnx_value_is (in, ONNX_VALUE_SIGNAL) || onnx_value_is (in, ONNX_VALUE_CONCAT))
      signal = in;
    if (onnx_value_is (in, ONNX_VALUE_STEP))
      step = in;
  }
  *function = step ? op->trace : signal ? op->apply : op->fold;
  if (value)
    return value;
  if (step)
    return *function && !signal && can_trace_first (op, first)
               ? NULL
               : onnx_unsupported (reader, node,
                   "operator: expected one of an " ONNX_RECURRENT
                   " step in the body of a loop, found %s",
                   onnx_shorten_text (reader, node->proto->op_type));
  if (!*function)
    return onnx_unsupported (reader, node, "inputs: expected %s, found %s",
        signal ? "constants only" : "a tensor that depends on the model's input",
        signal ? onnx_value_describe (reader, signal) : "constants only");
  if (!first && !op->needs_no_input)
    return onnx_unsupported (reader, node, "input 0: expected a tensor, found none");
  if (signal && first->kind == ONNX_VALUE_TENSOR && !op->accepts_constant_first)
    return onnx_unsupported_input (
        reader, node, "input 0", 0, "a tensor that depends on the model's input");
  return NULL;
}

/* Returns the part of a final state that the result of @node consists of. A result that consists of
 * h and c counts as c, which cannot be an output. */
static OnnxStatePart
get_state_part (const OnnxNode *node)
{
  OnnxStatePart part = ONNX_STATE_PART_NONE;

  for (guint i = 0; i < MIN (node->n_inputs, node->op->n_moved_inputs); i++) {
    if (!node->inputs[i] || !node->inputs[i]->state_part)
      return ONNX_STATE_PART_NONE;
    part = MAX (part, node->inputs[i]->state_part);
  }
  return part;
}

/* Counts the values that @node reads. Returns FALSE if the nodes have read too many values. Values
 * that several nodes read count several times. */
static gboolean
count_work (OnnxReader *reader, const OnnxNode *node)
{
  for (guint i = 0; i < node->n_inputs; i++) {
    const OnnxValue *in = node->inputs[i];
    guint64 n = !in                             ? 0
                : in->kind == ONNX_VALUE_TENSOR ? in->tensor->n_values
                                                : 1 + in->n_parts;

    reader->work_left -= MIN (n, reader->work_left);
  }
  return reader->work_left > 0;
}

static OnnxValue *
new_unsupported_op (OnnxReader *reader, const OnnxNode *node, const char *reason)
{
  OnnxValue *unsupported = find_unsupported_input (node);
  const char *domain = onnx_shorten_text (reader, onnx_string (node->proto->domain));

  if (unsupported)
    return unsupported;
  if (reason)
    return onnx_unsupported (
        reader, node, "operator: expected one that liblstm can run, found %s", reason);
  return onnx_unsupported (reader, node,
      "operator: expected one that liblstm can run, found %s of the %s%s%s",
      onnx_shorten_text (reader, onnx_string (node->proto->op_type)),
      *domain ? "domain \"" : "standard domain", domain, *domain ? "\"" : "");
}

static OnnxValue *
compute_node (OnnxReader *reader, OnnxNode *node)
{
  const char *domain = onnx_string (node->proto->domain);
  const OnnxOp *op = onnx_find_op (onnx_string (node->proto->op_type));
  OnnxStatePart part;
  OnnxOpFunction function;
  OnnxValue *value;

  if (!op || op->unsupported_reason
      || (*domain && !g_str_equal (domain, "ai.onnx")
          && !(op->is_microsoft && g_str_equal (domain, "com.microsoft"))))
    return new_unsupported_op (reader, node, op ? op->unsupported_reason : NULL);
  node->op = op;
  if (!count_work (reader, node))
    return onnx_unsupported (reader, node,
        "inputs: expected nodes that read at most %" G_GUINT64_FORMAT
        " values altogether, found more at this node",
        ONNX_MAX_WORK);
  if (!(value = check_inputs (reader, node, &function)))
    value = function (reader, node);
  part = get_state_part (node);
  for (guint i = 0; part && i < node->n_outputs; i++) {
    if (i && !node->outputs[i])
      continue;
    node->outputs[i] = onnx_value_copy (reader, i ? node->outputs[i] : value);
    node->outputs[i]->state_part = part;
  }
  return part ? node->outputs[0] : value;
}

/* Sets @error to the label of a node and @problem. Returns: FALSE */
static gboolean
set_node_error (
    OnnxReader *reader, const Onnx__NodeProto *proto, GError **error, const char *problem)
{
  return onnx_set_error (
      reader, CONVERT_ERROR_FILE, error, "%s: %s", onnx_label_node (reader, proto), problem);
}

/* Returns the value of input @i. The weights of a recurrent node are only reordered, so their values
 * stay in the file. */
static OnnxValue *
find_input (OnnxReader *reader, const OnnxNode *node, guint i)
{
  const char *name = node->proto->input[i];
  const OnnxOp *op = onnx_find_op (onnx_string (node->proto->op_type));
  const gboolean has_weights = op && op->recurrence && !op->is_quantized;

  return has_weights && onnx_is_recurrent_weight (i)
             ? onnx_scope_open (reader, node->scope, name)
             : onnx_scope_find (reader, node->scope, name);
}

/* Allocates the inputs and outputs of @node, and finds the values of the inputs. */
static gboolean
open_node (OnnxReader *reader, OnnxNode *node, GError **error)
{
  const Onnx__NodeProto *proto = node->proto;

  if (proto->n_input > MAX_INPUTS || proto->n_output > MAX_INPUTS)
    return onnx_set_error (reader, CONVERT_ERROR_FILE, error,
        "%s: expected at most %d inputs and %d outputs, found %" G_GSIZE_FORMAT
        " and %" G_GSIZE_FORMAT,
        node->label, MAX_INPUTS, MAX_INPUTS, proto->n_input, proto->n_output);
  if (!proto->n_output)
    return set_node_error (reader, proto, error, "outputs: expected an output, found none");
  node->n_inputs = (guint) proto->n_input;
  node->n_outputs = (guint) proto->n_output;
  while (node->n_inputs && !*onnx_string (proto->input[node->n_inputs - 1]))
    node->n_inputs--;
  node->inputs = onnx_alloc (reader, node->n_inputs, sizeof *node->inputs);
  node->outputs = onnx_alloc (reader, node->n_outputs, sizeof *node->outputs);
  if (!node->inputs || !node->outputs)
    return set_node_error (reader, proto, error,
        "names: expected inputs and outputs that fit in memory, found more");
  for (guint i = 0; i < node->n_inputs; i++)
    if (*onnx_string (proto->input[i]))
      node->inputs[i] = find_input (reader, node, i);
  return TRUE;
}

static gboolean
run_node (OnnxReader *reader, OnnxScope *scope, const Onnx__NodeProto *proto, GError **error)
{
  OnnxNode node = {proto, NULL, scope, onnx_label_node (reader, proto)};
  OnnxValue *first;

  if (!open_node (reader, &node, error))
    return FALSE;
  first = compute_node (reader, &node);
  for (guint i = 0; i < node.n_outputs; i++) {
    gboolean is_unsupported = first->kind == ONNX_VALUE_UNSUPPORTED;
    OnnxValue *value = node.outputs[i];

    if (is_unsupported ? !value : i == 0)
      value = first;
    if (!value)
      value = onnx_unsupported (
          reader, &node, "output %u: expected an output that no node reads, found a reader", i);
    if (*onnx_string (proto->output[i]))
      g_hash_table_insert (scope->values, proto->output[i], value);
  }
  return TRUE;
}

gboolean
onnx_graph_run (
    OnnxReader *reader, OnnxScope *scope, const Onnx__GraphProto *graph, GError **error)
{
  g_auto (OnnxOrder) order = {NULL};

  if (!onnx_order_nodes (reader, scope, graph, &order, error))
    return FALSE;
  for (guint i = 0; i < order.n; i++)
    if (!run_node (reader, scope, graph->node[order.nodes[i]], error))
      return FALSE;
  return !order.cyclic
         || set_node_error (reader, order.cyclic, error,
             "inputs: expected a graph without cycles, found a cycle through this node");
}
