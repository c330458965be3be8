/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "split/onnx/run.h"
#include "onnx/ops.h"
#include "onnx/order.h"
#include "split/onnx/constants.h"
#include "split/onnx/inline.h"
#include "split/onnx/op.h"

#define MAX_INPUTS 4096
#define MAX_NODES (1 << 18) /* also of functions that are called more than once */

/* Adds the values that @graph reads from the graphs around it to @captured. @inner: names of
 * @graph and of the graphs between */
static void
find_captured (
    Splitter *splitter, const Onnx__GraphProto *graph, GHashTable *inner, GPtrArray *captured)
{
  for (gsize i = 0; i < graph->n_input; i++)
    g_hash_table_add (inner, (gpointer) onnx_string (graph->input[i]->name));
  for (gsize i = 0; i < graph->n_initializer; i++)
    g_hash_table_add (inner, (gpointer) onnx_string (graph->initializer[i]->name));
  for (gsize i = 0; i < graph->n_node; i++)
    for (gsize k = 0; k < graph->node[i]->n_output; k++)
      g_hash_table_add (inner, (gpointer) onnx_string (graph->node[i]->output[k]));
  for (gsize i = 0; i < graph->n_node + 1; i++) {
    const Onnx__NodeProto *node = i < graph->n_node ? graph->node[i] : NULL;
    gsize n = node ? node->n_input : graph->n_output;

    for (gsize k = 0; k < n; k++) {
      const char *name = onnx_string (node ? node->input[k] : graph->output[k]->name);
      SplitValue *value = g_hash_table_contains (inner, name)
                              ? NULL
                              : onnx_split_find (splitter, name);

      if (value)
        g_ptr_array_add (captured, value);
    }
    for (gsize a = 0; node && a < node->n_attribute; a++)
      if (node->attribute[a]->g)
        find_captured (splitter, node->attribute[a]->g, inner, captured);
  }
}

static GPtrArray *
list_captured (Splitter *splitter, const Onnx__NodeProto *proto)
{
  g_autoptr (GHashTable) inner = g_hash_table_new (g_str_hash, g_str_equal);
  GPtrArray *captured = NULL;

  for (gsize a = 0; a < proto->n_attribute; a++) {
    if (!proto->attribute[a]->g)
      continue;
    if (!captured)
      captured = g_ptr_array_new ();
    find_captured (splitter, proto->attribute[a]->g, inner, captured);
  }
  return captured;
}

/* Returns a value for a name that does not exist, or NULL if memory is insufficient. */
static SplitValue *
add_missing (Splitter *splitter, const char *name)
{
  SplitValue *value = onnx_split_add_value (splitter, SPLIT_REFUSED, name);

  if (value)
    value->problem = onnx_own_text (&splitter->reader,
        g_strdup_printf ("tensor \"%s\": expected a node, an input or an initializer of this "
                         "name, found none",
            onnx_shorten_text (&splitter->reader, name)));
  return value;
}

/* Finds the inputs of @node. */
static gboolean
find_inputs (Splitter *splitter, SplitNode *node)
{
  for (guint i = 0; i < node->base.n_inputs; i++) {
    const char *name = onnx_string (node->base.proto->input[i]);
    SplitValue *value = *name ? onnx_split_find (splitter, name) : NULL;

    if (*name && !value && !(value = add_missing (splitter, name)))
      return FALSE;
    node->inputs[i] = value;
    if (value)
      node->base.inputs[i] = value->constant ? value->constant : splitter->unknown;
  }
  return TRUE;
}

static gboolean
alloc_node (Splitter *splitter, SplitNode *node, const Onnx__NodeProto *proto)
{
  OnnxReader *reader = &splitter->reader;

  node->base.proto = proto;
  node->base.label = onnx_label_node (reader, proto);
  node->base.n_inputs = (guint) proto->n_input;
  node->base.n_outputs = (guint) proto->n_output;
  while (node->base.n_inputs && !*onnx_string (proto->input[node->base.n_inputs - 1]))
    node->base.n_inputs--;
  node->step = -1;
  node->op = onnx_split_find_op (proto);
  node->base.inputs = onnx_alloc (reader, node->base.n_inputs, sizeof *node->base.inputs);
  node->base.outputs = onnx_alloc (reader, node->base.n_outputs, sizeof *node->base.outputs);
  node->inputs = onnx_alloc (reader, node->base.n_inputs, sizeof *node->inputs);
  node->outputs = onnx_alloc (reader, node->base.n_outputs, sizeof *node->outputs);
  node->uniform_axes = onnx_alloc (reader, node->base.n_inputs, sizeof *node->uniform_axes);
  return node->base.inputs && node->base.outputs && node->inputs && node->outputs
         && node->uniform_axes;
}

/* Adds the outputs of @node. A function that has computed none leaves them as they are. */
static gboolean
add_outputs (Splitter *splitter, SplitNode *node)
{
  for (guint i = 0; i < node->base.n_outputs; i++) {
    const char *name = onnx_string (node->base.proto->output[i]);

    if (!*name)
      continue;
    if (!(node->outputs[i] = onnx_split_add_value (splitter, SPLIT_REFUSED, name)))
      return FALSE;
    node->outputs[i]->node = node;
    node->outputs[i]->output = i;
  }
  return TRUE;
}

static void
set_kind (SplitNode *node, SplitKind kind, const char *problem)
{
  for (guint i = 0; i < node->base.n_outputs; i++) {
    if (!node->outputs[i])
      continue;
    node->outputs[i]->kind = kind;
    node->outputs[i]->problem = problem;
    node->outputs[i]->is_from_shape = kind == SPLIT_CONSTANT && node->is_from_shape;
  }
}

typedef struct {
  const SplitValue *refused; /* the first refused input, or NULL */
  gboolean is_later;
} Inputs;

static void
check_input (SplitNode *node, const SplitValue *value, Inputs *inputs)
{
  if (value->kind == SPLIT_REFUSED && !inputs->refused)
    inputs->refused = value;
  inputs->is_later |= value->kind == SPLIT_LATER;
  node->is_clip |= value->kind == SPLIT_CLIP;
  node->is_from_shape |= value->is_from_shape;
}

static Inputs
check_inputs (SplitNode *node)
{
  Inputs inputs = {NULL};

  for (guint i = 0; i < node->base.n_inputs; i++)
    if (node->inputs[i])
      check_input (node, node->inputs[i], &inputs);
  for (guint i = 0; node->captured && i < node->captured->len; i++)
    check_input (node, g_ptr_array_index (node->captured, i), &inputs);
  return inputs;
}

/* Returns whether @node is a recurrent node of the existing reader, or a loop. */
static gboolean
is_recurrent (const SplitNode *node)
{
  const char *domain = onnx_string (node->base.proto->domain);
  const OnnxOp *op = onnx_find_op (onnx_string (node->base.proto->op_type));

  return op && (op->recurrence || op->is_loop)
         && (!*domain || g_str_equal (domain, "ai.onnx")
             || (op->is_microsoft && g_str_equal (domain, "com.microsoft")));
}

/* Returns the steps of the inputs that depend on frames, or an unsupported value if they differ. */
static OnnxValue *
find_step (Splitter *splitter, SplitNode *node)
{
  gboolean is_first = TRUE;

  for (guint i = 0; i < node->base.n_inputs; i++) {
    const SplitValue *value = node->inputs[i];

    if (!value || value->kind != SPLIT_CLIP)
      continue;
    if (!is_first && value->step != node->step && !node->op->is_joining)
      return onnx_unsupported (&splitter->reader, &node->base,
          "inputs: expected tensors of the same frames, found %s and %s",
          onnx_split_describe_step (splitter, node->step),
          onnx_split_describe_step (splitter, value->step));
    node->step = value->step;
    if (!node->memory_problem)
      node->memory_problem = value->memory_problem;
    is_first = FALSE;
  }
  return NULL;
}

/* Computes the dimensions of the outputs. */
static OnnxValue *
run_op (Splitter *splitter, SplitNode *node)
{
  const Onnx__NodeProto *proto = node->base.proto;
  OnnxReader *reader = &splitter->reader;
  OnnxValue *unsupported;

  if (!node->op || (!node->op->run && !node->op->reason)) {
    const char *domain = onnx_shorten_text (reader, onnx_string (proto->domain));

    return onnx_unsupported (reader, &node->base,
        "operator: expected one that is known to compute each frame by itself, found %s%s%s",
        onnx_shorten_text (reader, onnx_string (proto->op_type)),
        *domain ? " of the domain " : "", domain);
  }
  if (node->op->reason)
    return onnx_unsupported (reader, &node->base, "operator: %s", node->op->reason);
  for (guint i = 0; i < node->base.n_inputs; i++)
    if (node->inputs[i] && !node->inputs[i]->dims
        && !onnx_split_get_tensor (splitter, node->inputs[i]))
      return onnx_unsupported (reader, &node->base,
          "input %u: expected a constant of known shape, found \"%s\"%s%s", i,
          onnx_shorten_text (reader, node->inputs[i]->name),
          node->inputs[i]->problem ? ": " : "",
          node->inputs[i]->problem ? node->inputs[i]->problem : "");
  if (!node->base.n_inputs || !node->inputs[0])
    return onnx_unsupported (reader, &node->base, "input 0: expected a tensor, found none");
  unsupported = find_step (splitter, node);
  return unsupported ? unsupported : node->op->run (splitter, node);
}

static void
record_recurrent (Splitter *splitter, SplitNode *node)
{
  node->is_recurrent = TRUE;
  if (!splitter->recurrent && node->is_clip)
    splitter->recurrent = node;
  set_kind (node, SPLIT_LATER, NULL);
}

static void
compute_node (Splitter *splitter, SplitNode *node)
{
  Inputs inputs = check_inputs (node);
  const char *type = onnx_string (node->base.proto->op_type);
  gboolean is_clip = node->is_clip;
  OnnxValue *unsupported;

  if (inputs.refused) {
    set_kind (node, SPLIT_REFUSED, inputs.refused->problem);
  } else if (is_recurrent (node)) {
    record_recurrent (splitter, node);
  } else if (inputs.is_later) {
    set_kind (node, SPLIT_LATER, NULL);
  } else if (!is_clip) {
    set_kind (node, SPLIT_CONSTANT, NULL);
    onnx_split_run_constant (splitter, node);
  } else {
    const char *problem = NULL;

    if (node->op && (g_str_equal (type, "Shape") || g_str_equal (type, "Size")))
      unsupported = onnx_split_run_shape (splitter, node);
    else
      unsupported = run_op (splitter, node);
    if (unsupported)
      problem = unsupported->problem;
    for (guint i = 0; i < node->base.n_outputs; i++)
      if (node->outputs[i] && (problem || !node->outputs[i]->dims)) {
        if (node->outputs[i]->constant)
          continue;
        node->outputs[i]->kind = SPLIT_REFUSED;
        node->outputs[i]->problem =
            problem ? problem
                    : onnx_unsupported (&splitter->reader, &node->base,
                        "output %u: expected an output that no node reads, found a reader", i)
                          ->problem;
      }
  }
}

static gboolean
set_memory_error (Splitter *splitter, const Onnx__NodeProto *proto, GError **error)
{
  return onnx_set_error (&splitter->reader, CONVERT_ERROR_FILE, error,
      "%s: expected a graph that fits in memory, found one that exceeds the limit",
      onnx_label_node (&splitter->reader, proto));
}

/* Runs the graph that replaces @proto. Sets *is_replaced to whether there is such a graph. */
static gboolean
run_inner (
    Splitter *splitter, const Onnx__NodeProto *proto, gboolean *is_replaced, GError **error)
{
  SplitInner inner;
  gboolean is_run = onnx_split_enter_graph (splitter, proto, &inner, error)
                    && (!inner.is_found
                        || onnx_split_run_graph (splitter, &inner.graph, error));

  *is_replaced = inner.is_found;
  onnx_split_leave_graph (splitter, proto, &inner);
  return is_run;
}

static gboolean
run_node (Splitter *splitter, const Onnx__NodeProto *proto, GError **error)
{
  OnnxReader *reader = &splitter->reader;
  gboolean is_replaced;
  SplitNode *node;

  if (!run_inner (splitter, proto, &is_replaced, error))
    return FALSE;
  if (is_replaced)
    return TRUE;
  node = onnx_alloc (reader, 1, sizeof *node);
  if (proto->n_input > MAX_INPUTS || proto->n_output > MAX_INPUTS || !proto->n_output)
    return onnx_set_error (reader, CONVERT_ERROR_FILE, error,
        "%s: expected at most %d inputs and 1 to %d outputs, found %" G_GSIZE_FORMAT
        " and %" G_GSIZE_FORMAT,
        onnx_label_node (reader, proto), MAX_INPUTS, MAX_INPUTS, proto->n_input,
        proto->n_output);
  if (!node || splitter->nodes->len >= MAX_NODES || !alloc_node (splitter, node, proto)
      || !find_inputs (splitter, node))
    return set_memory_error (splitter, proto, error);
  node->captured = list_captured (splitter, proto);
  if (node->captured)
    g_ptr_array_add (splitter->captured, node->captured);
  if (!add_outputs (splitter, node))
    return set_memory_error (splitter, proto, error);
  compute_node (splitter, node);
  g_ptr_array_add (splitter->nodes, node);
  return TRUE;
}

gboolean
onnx_split_run_graph (Splitter *splitter, const Onnx__GraphProto *graph, GError **error)
{
  const OnnxScope scope = {NULL, splitter->scope->values, splitter->scope->depth};
  g_auto (OnnxOrder) order = {NULL};

  if (!onnx_order_nodes (&splitter->reader, &scope, graph, &order, error))
    return FALSE;
  for (guint i = 0; i < order.n; i++)
    if (!run_node (splitter, graph->node[order.nodes[i]], error))
      return FALSE;
  if (order.cyclic)
    return onnx_set_error (&splitter->reader, CONVERT_ERROR_FILE, error,
        "%s: inputs: expected a graph without cycles, found a cycle through this node",
        onnx_label_node (&splitter->reader, order.cyclic));
  return TRUE;
}
