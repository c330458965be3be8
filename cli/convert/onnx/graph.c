/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "onnx/onnx.h"

#define MAX_INPUTS 4096

static OnnxValue *
bad_name (OnnxReader *reader, const char *name, const char *problem)
{
  OnnxValue *value = onnx_value_new (reader, ONNX_BAD);
  g_autofree char *valid = g_utf8_make_valid (name, -1);

  value->problem = onnx_text (reader, g_strdup_printf ("tensor \"%s\": %s", valid, problem));
  return value;
}

/* Initializers are decoded when they are first asked for. */
static void
decode (OnnxReader *reader, OnnxValue *value)
{
  const char *problem;

  value->tensor = onnx_tensor_decode (reader, value->proto, &problem);
  value->kind = value->tensor ? ONNX_TENSOR : ONNX_BAD;
  if (!value->tensor)
    value->problem = bad_name (reader, onnx_name (value->proto->name), problem)->problem;
}

OnnxValue *
onnx_scope_find (OnnxReader *reader, const OnnxScope *scope, const char *name)
{
  for (; scope; scope = scope->parent) {
    OnnxValue *value = g_hash_table_lookup (scope->values, name);

    if (value && value->kind == ONNX_LAZY)
      decode (reader, value);
    if (value)
      return value;
  }
  return bad_name (reader, name, "expected a node or an input that gives it, found none");
}

const char *
onnx_label (OnnxReader *reader, const Onnx__NodeProto *proto)
{
  const char *name = onnx_name (proto->name);
  g_autofree char *label = NULL;

  if (!*name && proto->n_output)
    name = onnx_name (proto->output[0]);
  label = g_strdup_printf ("node \"%s\" (%s)", name, onnx_name (proto->op_type));
  return onnx_text (reader, g_utf8_make_valid (label, -1));
}

/* A node whose inputs are not all readable, or of a kind that the op does not take.
 * Returns: NULL if it can be computed; *value otherwise */
static gboolean
check_inputs (OnnxReader *reader, OnnxNode *node, const OnnxOp *op, OnnxFunction *function,
    OnnxValue **value)
{
  gboolean streams = FALSE;

  *value = NULL;
  for (guint i = 0; i < node->n_in; i++) {
    OnnxValue *in = node->in[i];
    gboolean state = in && in->kind == ONNX_STATE;

    if (in && in->kind == ONNX_BAD && !*value)
      *value = in;
    if (state && op->layout && i == 0)
      *value = in;
    else if (state && !*value && op->stream != onnx_run_lstm)
      *value = onnx_bad (reader, node, "expected the state of an LSTM to go to an LSTM only");
    if (in && in->kind == ONNX_PACK && !op->layout && !*value) {
      *value = onnx_value_copy (reader, in);
      (*value)->kind = ONNX_BAD;
    }
    streams |= in && (in->kind == ONNX_STREAM || in->kind == ONNX_PACK);
  }
  *function = streams ? op->stream : op->fold;
  if (!*value && !*function)
    *value = onnx_bad (reader, node, "expected %s, found %s",
        streams ? "it among constants only" : "a tensor from the input",
        streams ? "a tensor from the input" : "constants");
  if (!*value && !node->in[0] && op->fold != onnx_fold_constant)
    *value = onnx_bad (reader, node, "expected a first input, found none");
  if (!*value && streams && node->in[0]->kind == ONNX_TENSOR
      && op->stream != onnx_stream_arithmetic && op->stream != onnx_stream_gather)
    *value = onnx_bad (reader, node, "expected a tensor from the input first, found constants");
  return *value == NULL;
}

/* What moved states are: parts of both are as little an output as c. */
static OnnxFinal
get_final (const OnnxNode *node, const OnnxOp *op)
{
  guint n = g_str_equal (op->op, "Concat") ? node->n_in : MIN (node->n_in, 1);
  OnnxFinal final = ONNX_FINAL_NONE;

  for (guint i = 0; op->layout && i < n; i++) {
    if (!node->in[i] || !node->in[i]->final)
      return ONNX_FINAL_NONE;
    final = MAX (final, node->in[i]->final);
  }
  return final;
}

/* FALSE once nodes have looked at too many values, be they few that all look at the same. */
static gboolean
count_work (OnnxReader *reader, const OnnxNode *node)
{
  for (guint i = 0; i < node->n_in; i++) {
    const OnnxValue *in = node->in[i];
    guint64 n = !in ? 0 : in->kind == ONNX_TENSOR ? in->tensor->n : 1 + in->n_parts;

    reader->work -= MIN (n, reader->work);
  }
  return reader->work > 0;
}

static OnnxValue *
compute (OnnxReader *reader, OnnxNode *node)
{
  const char *type = onnx_name (node->proto->op_type),
             *domain = onnx_name (node->proto->domain);
  gboolean standard = !*domain || g_str_equal (domain, "ai.onnx");
  const OnnxOp *op = standard ? onnx_find_op (type) : NULL;
  OnnxFinal final;
  OnnxFunction function;
  OnnxValue *value;

  if (!op) {
    for (guint i = 0; i < node->n_in; i++)
      if (node->in[i] && node->in[i]->kind == ONNX_BAD)
        return node->in[i];
    if (onnx_why_not (type))
      return onnx_bad (
          reader, node, "expected what liblstm can run, found %s", onnx_why_not (type));
    return onnx_bad (reader, node, "expected what liblstm can run, found an op of %s%s",
        standard ? "another kind" : "the domain ", standard ? "" : domain);
  }
  if (!count_work (reader, node))
    return onnx_bad (reader, node, "expected less to fold, found too many values");
  if (check_inputs (reader, node, op, &function, &value))
    value = function (reader, node);
  final = get_final (node, op);
  for (guint i = 0; final && i < node->n_out; i++) {
    if (i && !node->out[i])
      continue;
    node->out[i] = onnx_value_copy (reader, i ? node->out[i] : value);
    node->out[i]->final = final;
  }
  return final ? node->out[0] : value;
}

static gboolean
fail_node (
    OnnxReader *reader, const Onnx__NodeProto *proto, GError **error, const char *problem)
{
  g_set_error (error, CONVERT_ERROR, CONVERT_ERROR_FILE, "%s: %s: %s", reader->input->path,
      onnx_label (reader, proto), problem);
  return FALSE;
}

static gboolean
run_node (OnnxReader *reader, OnnxScope *scope, const Onnx__NodeProto *proto, GError **error)
{
  OnnxNode node = {proto, scope, onnx_label (reader, proto)};
  OnnxValue *first;

  if (proto->n_input > MAX_INPUTS || proto->n_output > MAX_INPUTS)
    return fail_node (reader, proto, error, "expected fewer inputs and outputs");
  if (!proto->n_output)
    return fail_node (reader, proto, error, "expected an output, found none");
  node.n_in = (guint) proto->n_input;
  node.n_out = (guint) proto->n_output;
  while (node.n_in && !*onnx_name (proto->input[node.n_in - 1]))
    node.n_in--;
  node.in = onnx_alloc (reader, node.n_in, sizeof *node.in);
  node.out = onnx_alloc (reader, node.n_out, sizeof *node.out);
  if (!node.in || !node.out)
    return fail_node (reader, proto, error, "expected a graph that fits in memory");
  for (guint i = 0; i < node.n_in; i++)
    if (*onnx_name (proto->input[i]))
      node.in[i] = onnx_scope_find (reader, scope, proto->input[i]);
  first = compute (reader, &node);
  for (guint i = 0; i < node.n_out; i++) {
    OnnxValue *value = i == 0 || first->kind == ONNX_BAD ? first : node.out[i];

    if (node.out[i] && first->kind == ONNX_BAD)
      value = node.out[i];
    if (!value)
      value = onnx_bad (reader, &node, "expected its output %u to be unused, found a use", i);
    if (*onnx_name (proto->output[i]))
      g_hash_table_insert (scope->values, proto->output[i], value);
  }
  return TRUE;
}

/* Nodes in an order in which every one comes after those it reads from */
typedef struct {
  GHashTable *producers; /* name to 1 + index of the node */
  GArray *edges;         /* pairs: from, to */
  guint *waiting;        /* for how many, by node */
} Order;

static void
order_clear (Order *order)
{
  g_hash_table_unref (order->producers);
  g_array_unref (order->edges);
  g_free (order->waiting);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Order, order_clear)

/* What @proto reads, also within the graphs of an If */
static void
add_edges (Order *order, const Onnx__NodeProto *proto, guint to)
{
  for (gsize i = 0; i < proto->n_input; i++) {
    guint from = GPOINTER_TO_UINT (
        g_hash_table_lookup (order->producers, onnx_name (proto->input[i])));
    const guint edge[] = {from - 1, to};

    if (from) {
      g_array_append_vals (order->edges, edge, 2);
      order->waiting[to]++;
    }
  }
  for (gsize a = 0; a < proto->n_attribute; a++) {
    const Onnx__GraphProto *graph = proto->attribute[a]->g;

    for (gsize i = 0; graph && i < graph->n_node; i++)
      add_edges (order, graph->node[i], to);
    for (gsize i = 0; graph && i < graph->n_output; i++) {
      char *name = (char *) onnx_name (graph->output[i]->name);
      const Onnx__NodeProto out = {.n_input = 1, .input = &name};

      add_edges (order, &out, to);
    }
  }
}

static gboolean
add_producers (OnnxReader *reader, Order *order, const OnnxScope *scope,
    const Onnx__GraphProto *graph, GError **error)
{
  for (gsize i = 0; i < graph->n_node; i++) {
    const Onnx__NodeProto *proto = graph->node[i];

    for (gsize k = 0; k < proto->n_output; k++) {
      if (!*onnx_name (proto->output[k]))
        continue;
      if (g_hash_table_contains (scope->values, proto->output[k])
          || !g_hash_table_insert (
              order->producers, proto->output[k], GUINT_TO_POINTER (i + 1)))
        return fail_node (
            reader, proto, error, "expected outputs of its own, found another node's");
    }
  }
  return TRUE;
}

/* For each node, where those begin that wait for it; one more at the end */
static guint *
index_edges (const Order *order, guint n, guint **targets)
{
  const guint *edges = (const guint *) (gpointer) order->edges->data;
  guint n_edges = order->edges->len / 2;
  guint *begin = g_new0 (guint, n + 2);

  *targets = g_new (guint, n_edges + 1);
  for (guint i = 0; i < n_edges; i++)
    begin[edges[2 * i] + 2]++;
  for (guint i = 1; i < n + 2; i++)
    begin[i] += begin[i - 1];
  for (guint i = 0; i < n_edges; i++)
    (*targets)[begin[edges[2 * i] + 1]++] = edges[2 * i + 1];
  return begin;
}

gboolean
onnx_graph_run (
    OnnxReader *reader, OnnxScope *scope, const Onnx__GraphProto *graph, GError **error)
{
  g_auto (Order) order = {g_hash_table_new (g_str_hash, g_str_equal),
      g_array_new (FALSE, FALSE, sizeof (guint)), g_new0 (guint, graph->n_node + 1)};
  guint n = (guint) graph->n_node, n_ready = 0;
  g_autofree guint *ready = g_new (guint, n + 1), *begin = NULL, *targets = NULL;

  if (!add_producers (reader, &order, scope, graph, error))
    return FALSE;
  for (guint i = 0; i < n; i++)
    add_edges (&order, graph->node[i], i);
  begin = index_edges (&order, n, &targets);
  for (guint i = 0; i < n; i++)
    if (!order.waiting[i])
      ready[n_ready++] = i;
  for (guint k = 0; k < n_ready; k++) {
    if (!run_node (reader, scope, graph->node[ready[k]], error))
      return FALSE;
    for (guint e = begin[ready[k]]; e < begin[ready[k] + 1]; e++)
      if (!--order.waiting[targets[e]])
        ready[n_ready++] = targets[e];
  }
  for (guint i = 0; n_ready < n && i < n; i++)
    if (order.waiting[i])
      return fail_node (
          reader, graph->node[i], error, "expected a graph without cycles, found one");
  return TRUE;
}

static OnnxValue *
run_branch (OnnxReader *reader, OnnxNode *node, const Onnx__GraphProto *graph)
{
  g_autoptr (GHashTable) values = g_hash_table_new (g_str_hash, g_str_equal);
  OnnxScope scope = {node->scope, values, node->scope->depth + 1};
  g_autoptr (GError) error = NULL;

  if (scope.depth > ONNX_MAX_DEPTH)
    return onnx_bad (
        reader, node, "expected at most %d graphs in each other, found more", ONNX_MAX_DEPTH);
  if (onnx_add_initializers (reader, &scope, graph) || graph->n_output != node->n_out)
    return onnx_bad (reader, node, "expected names once, and as many outputs, found others");
  if (!onnx_graph_run (reader, &scope, graph, &error))
    return onnx_bad (reader, node, "%s", error->message);
  for (guint i = 0; i < node->n_out; i++)
    node->out[i] = onnx_scope_find (reader, &scope, onnx_name (graph->output[i]->name));
  return node->out[0];
}

OnnxValue *
onnx_run_if (OnnxReader *reader, OnnxNode *node)
{
  const OnnxTensor *condition = node->in[0]->kind == ONNX_TENSOR ? node->in[0]->tensor : NULL;
  const Onnx__AttributeProto *branch;

  if (!condition || !condition->is_int || condition->n != 1
      || condition->i[0].atom != ONNX_NUMBER)
    return onnx_bad (
        reader, node, "expected a condition known from constants and sizes, found another");
  branch = onnx_attribute (node, condition->i[0].offset ? "then_branch" : "else_branch");
  if (!branch || !branch->g)
    return onnx_bad (reader, node, "expected a graph for each case, found none");
  return run_branch (reader, node, branch->g);
}
