/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "onnx/onnx.h"
#include <string.h>

#define MAX_OPSET 25
#define BUDGET (256 * 1024 * 1024ul) /* bytes, beside what a file of its size needs */
#define BUDGET_PER_BYTE 32
#define WORK (G_GUINT64_CONSTANT (1) << 31)

gboolean
onnx_fail (const OnnxReader *reader, ConvertError code, GError **error, const char *format, ...)
{
  g_autofree char *problem = NULL, *valid = NULL;
  va_list args;

  va_start (args, format);
  problem = g_strdup_vprintf (format, args);
  va_end (args);
  valid = g_utf8_make_valid (problem, -1);
  g_set_error (error, CONVERT_ERROR, (int) code, "%s: %s", reader->input->path, valid);
  return FALSE;
}

static gboolean
check_opset (OnnxReader *reader, GError **error)
{
  const Onnx__ModelProto *model = reader->model;

  reader->opset = 1;
  for (gsize i = 0; i < model->n_opset_import; i++) {
    const char *domain = onnx_name (model->opset_import[i]->domain);

    if (!*domain || g_str_equal (domain, "ai.onnx"))
      reader->opset = model->opset_import[i]->version;
  }
  if (reader->opset >= 1 && reader->opset <= MAX_OPSET)
    return TRUE;
  return onnx_fail (reader, CONVERT_ERROR_UNSUPPORTED, error,
      "expected opset 1 to %d, found %" G_GINT64_FORMAT, MAX_OPSET, reader->opset);
}

static gboolean
is_lstm (const char *op)
{
  return g_str_equal (op, "LSTM");
}

static gboolean
is_known_other (const char *op)
{
  return onnx_why_not (op) != NULL;
}

/* The first node of an op that @is, also in graphs within nodes */
static const Onnx__NodeProto *
find_node (const Onnx__GraphProto *graph, gboolean (*is) (const char *op))
{
  for (gsize i = 0; i < graph->n_node; i++) {
    const Onnx__NodeProto *node = graph->node[i];
    const Onnx__NodeProto *found = NULL;

    if (is (onnx_name (node->op_type)))
      return node;
    for (gsize a = 0; !found && a < node->n_attribute; a++)
      if (node->attribute[a]->g)
        found = find_node (node->attribute[a]->g, is);
    if (found)
      return found;
  }
  return NULL;
}

/* Without an LSTM node the reason is something else than the first node that cannot be read. */
static gboolean
check_lstm (OnnxReader *reader, GError **error)
{
  const Onnx__GraphProto *graph = reader->model->graph;
  const Onnx__NodeProto *other;

  if (find_node (graph, is_lstm))
    return TRUE;
  other = find_node (graph, is_known_other);
  if (other)
    return onnx_fail (reader, CONVERT_ERROR_UNSUPPORTED, error,
        "%s: expected a node LSTM in the model, found %s", onnx_label (reader, other),
        onnx_why_not (other->op_type));
  return onnx_fail (reader, CONVERT_ERROR_UNSUPPORTED, error,
      "expected a node LSTM, found none among %" G_GSIZE_FORMAT
      " nodes (a model that was unrolled, step by step, cannot be read: export it without "
      "unroll)",
      graph->n_node);
}

static ConvertModel *
read_graph (OnnxReader *reader, GError **error)
{
  g_autoptr (GHashTable) values = g_hash_table_new (g_str_hash, g_str_equal);
  OnnxScope scope = {NULL, values, 0};
  g_autoptr (ConvertModel) model = NULL;
  const OnnxStep *last;
  const char *infinite;

  if (!reader->model->graph) {
    onnx_fail (reader, CONVERT_ERROR_FILE, error, "expected a graph, found none");
    return NULL;
  }
  if (!check_opset (reader, error) || !check_lstm (reader, error))
    return NULL;
  onnx_find_states (reader);
  if (!onnx_add_inputs (reader, &scope, error)
      || !onnx_graph_run (reader, &scope, reader->model->graph, error)
      || !(last = onnx_take_output (reader, &scope, error))
      || !(model = onnx_emit (reader, last, error)))
    return NULL;
  if ((infinite = convert_model_find_infinite (model))) {
    onnx_fail (reader, CONVERT_ERROR_UNSUPPORTED, error,
        "tensor \"%s\" of the layers: expected finite numbers, found infinity or NaN",
        infinite);
    return NULL;
  }
  for (guint i = 0; i < reader->notes->len; i++)
    convert_model_add_note (model, g_ptr_array_index (reader->notes, i));
  return g_steal_pointer (&model);
}

ConvertModel *
convert_read_onnx (const ConvertInput *input, GError **error)
{
  OnnxReader reader = {input};
  Onnx__ModelProto *proto;
  ConvertModel *model;

  if (input->config) {
    onnx_fail (&reader, CONVERT_ERROR_UNSUPPORTED, error,
        "--config is for weights of Keras, an ONNX model says its layers itself");
    return NULL;
  }
  if (!onnx_check_bytes (input, error))
    return NULL;
  proto = onnx__model_proto__unpack (NULL, input->size, input->data);
  reader.model = proto;
  if (!proto) {
    onnx_fail (
        &reader, CONVERT_ERROR_FILE, error, "expected an ONNX model, found one that is broken");
    return NULL;
  }
  reader.arena = g_ptr_array_new_with_free_func (g_free);
  reader.atoms = g_array_new (FALSE, FALSE, sizeof (OnnxAtom));
  reader.states = g_hash_table_new (g_str_hash, g_str_equal);
  reader.lengths = g_hash_table_new (g_str_hash, g_str_equal);
  reader.notes = g_ptr_array_new_with_free_func (g_free);
  reader.budget = BUDGET + MIN (input->size, G_MAXSIZE / 2 / BUDGET_PER_BYTE) * BUDGET_PER_BYTE;
  reader.work = WORK;
  reader.length = onnx_atom_new (&reader, -1, ONNX_ROLE_TIME);
  model = read_graph (&reader, error);
  g_ptr_array_unref (reader.notes);
  g_hash_table_unref (reader.lengths);
  g_hash_table_unref (reader.states);
  g_array_unref (reader.atoms);
  g_ptr_array_unref (reader.arena);
  onnx__model_proto__free_unpacked (proto, NULL);
  return model;
}
