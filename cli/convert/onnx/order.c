/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "onnx/order.h"

typedef struct {
  GHashTable *producers; /* name to 1 + index of the node that computes it */
  GArray *edges;         /* pairs of nodes: the node that another node reads, that other node */
  guint *n_missing;      /* (nodes), the number of edges from nodes that are not yet ordered */
} Edges;

static void
edges_clear (Edges *edges)
{
  g_hash_table_unref (edges->producers);
  g_array_unref (edges->edges);
  g_free (edges->n_missing);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Edges, edges_clear)

/* Adds an edge to node @to for each name that @proto reads, also in the graphs of an If. */
static void
add_edges (Edges *edges, const Onnx__NodeProto *proto, guint to)
{
  for (gsize i = 0; i < proto->n_input; i++) {
    guint from = GPOINTER_TO_UINT (
        g_hash_table_lookup (edges->producers, onnx_string (proto->input[i])));
    const guint edge[] = {from - 1, to};

    if (from) {
      g_array_append_vals (edges->edges, edge, 2);
      edges->n_missing[to]++;
    }
  }
  for (gsize a = 0; a < proto->n_attribute; a++) {
    const Onnx__GraphProto *graph = proto->attribute[a]->g;

    for (gsize i = 0; graph && i < graph->n_node; i++)
      add_edges (edges, graph->node[i], to);
    for (gsize i = 0; graph && i < graph->n_output; i++) {
      char *name = (char *) onnx_string (graph->output[i]->name);
      const Onnx__NodeProto out = {.n_input = 1, .input = &name};

      add_edges (edges, &out, to);
    }
  }
}

static gboolean
add_producers (OnnxReader *reader, Edges *edges, const OnnxScope *scope,
    const Onnx__GraphProto *graph, GError **error)
{
  for (gsize i = 0; i < graph->n_node; i++) {
    const Onnx__NodeProto *proto = graph->node[i];

    for (gsize k = 0; k < proto->n_output; k++) {
      if (!*onnx_string (proto->output[k]))
        continue;
      if (g_hash_table_contains (scope->values, proto->output[k])
          || !g_hash_table_insert (
              edges->producers, proto->output[k], GUINT_TO_POINTER (i + 1)))
        return onnx_set_error (reader, CONVERT_ERROR_FILE, error,
            "%s: output %" G_GSIZE_FORMAT ": expected a new name, found \"%s\", which exists",
            onnx_label_node (reader, proto), k, proto->output[k]);
    }
  }
  return TRUE;
}

/* Sorts the edges by their first node. Sets *targets to the second nodes in this order.
 * Returns: (transfer full): (n + 1), the index in *targets of the first reader of each node */
static guint *
index_edges (const Edges *edges, guint n, guint **targets)
{
  const guint *pairs = (const guint *) (gpointer) edges->edges->data;
  guint n_edges = edges->edges->len / 2;
  guint *begin = g_new0 (guint, n + 2);

  *targets = g_new (guint, n_edges + 1);
  for (guint i = 0; i < n_edges; i++)
    begin[pairs[2 * i] + 2]++;
  for (guint i = 1; i < n + 2; i++)
    begin[i] += begin[i - 1];
  for (guint i = 0; i < n_edges; i++)
    (*targets)[begin[pairs[2 * i] + 1]++] = pairs[2 * i + 1];
  return begin;
}

void
onnx_order_clear (OnnxOrder *order)
{
  g_free (order->nodes);
}

gboolean
onnx_order_nodes (OnnxReader *reader, const OnnxScope *scope, const Onnx__GraphProto *graph,
    OnnxOrder *order, GError **error)
{
  g_auto (Edges) edges = {g_hash_table_new (g_str_hash, g_str_equal),
      g_array_new (FALSE, FALSE, sizeof (guint)), g_new0 (guint, graph->n_node + 1)};
  guint n = (guint) graph->n_node;
  g_autofree guint *begin = NULL, *targets = NULL;

  order->nodes = g_new (guint, n + 1);
  order->n = 0;
  if (!add_producers (reader, &edges, scope, graph, error))
    return FALSE;
  for (guint i = 0; i < n; i++)
    add_edges (&edges, graph->node[i], i);
  begin = index_edges (&edges, n, &targets);
  for (guint i = 0; i < n; i++)
    if (!edges.n_missing[i])
      order->nodes[order->n++] = i;
  for (guint k = 0; k < order->n; k++)
    for (guint e = begin[order->nodes[k]]; e < begin[order->nodes[k] + 1]; e++)
      if (!--edges.n_missing[targets[e]])
        order->nodes[order->n++] = targets[e];
  order->cyclic = NULL;
  for (guint i = 0; !order->cyclic && i < n; i++)
    if (edges.n_missing[i])
      order->cyclic = graph->node[i];
  return TRUE;
}
