/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "onnx/check.h"
#include "onnx/emit.h"
#include "onnx/graph.h"
#include "onnx/inputs.h"
#include "onnx/ops.h"
#include "onnx/outputs.h"

#define MAX_OPSET 25

/* The part of the memory limit in bytes that does not grow with the file */
#define MAX_MEMORY (256 * 1024 * 1024ul)

static gboolean
check_opset (OnnxReader *reader, GError **error)
{
  const Onnx__ModelProto *model = reader->model;

  reader->opset = 1;
  for (gsize i = 0; i < model->n_opset_import; i++) {
    const char *domain = onnx_string (model->opset_import[i]->domain);

    if (!*domain || g_str_equal (domain, "ai.onnx"))
      reader->opset = model->opset_import[i]->version;
  }
  if (reader->opset >= 1 && reader->opset <= MAX_OPSET)
    return TRUE;
  return onnx_set_error (reader, CONVERT_ERROR_UNSUPPORTED, error,
      "opset: expected 1 to %d, found %" G_GINT64_FORMAT, MAX_OPSET, reader->opset);
}

static gboolean
is_recurrent (const OnnxOp *op)
{
  return op->recurrence || op->is_loop;
}

static gboolean
is_unsupported (const OnnxOp *op)
{
  return op->unsupported_reason != NULL;
}

/* Returns the first node whose operator @matches accepts, also in graphs within nodes, or NULL. */
static const Onnx__NodeProto *
find_node (const Onnx__GraphProto *graph, gboolean (*matches) (const OnnxOp *op))
{
  for (gsize i = 0; i < graph->n_node; i++) {
    const Onnx__NodeProto *node = graph->node[i], *found = NULL;
    const OnnxOp *op = onnx_find_op (onnx_string (node->op_type));

    if (op && matches (op))
      return node;
    for (gsize a = 0; !found && a < node->n_attribute; a++)
      if (node->attribute[a]->g)
        found = find_node (node->attribute[a]->g, matches);
    if (found)
      return found;
  }
  return NULL;
}

/* Checks that the model has a recurrent node. For a model without one, this error helps the user
 * more than the error of the first unsupported node. */
static gboolean
check_recurrent (OnnxReader *reader, GError **error)
{
  const Onnx__GraphProto *graph = reader->model->graph;
  const Onnx__NodeProto *other;

  if (find_node (graph, is_recurrent))
    return TRUE;
  other = find_node (graph, is_unsupported);
  if (other)
    return onnx_set_error (reader, CONVERT_ERROR_UNSUPPORTED, error,
        "%s: operator: expected an " ONNX_RECURRENT " node in the model, found %s",
        onnx_label_node (reader, other), onnx_find_op (other->op_type)->unsupported_reason);
  return onnx_set_error (reader, CONVERT_ERROR_UNSUPPORTED, error,
      "graph: expected an " ONNX_RECURRENT " node, found none among %" G_GSIZE_FORMAT
      " nodes (a model that was unrolled step by step is not supported: export it without "
      "unroll)",
      graph->n_node);
}

static ConvertModel *
read_graph (OnnxReader *reader, GError **error)
{
  g_autoptr (GHashTable) values = g_hash_table_new (g_str_hash, g_str_equal);
  OnnxScope scope = {NULL, values, 0};
  g_autoptr (ConvertModel) model = NULL;
  const OnnxStage *last;
  const char *infinite;

  if (!reader->model->graph) {
    onnx_set_error (reader, CONVERT_ERROR_FILE, error, "graph: expected a graph, found none");
    return NULL;
  }
  if (!check_opset (reader, error) || !check_recurrent (reader, error))
    return NULL;
  onnx_find_state_inputs (reader);
  if (!onnx_add_inputs (reader, &scope, error)
      || !onnx_graph_run (reader, &scope, reader->model->graph, error)
      || !(last = onnx_choose_output (reader, &scope, error))
      || !(model = onnx_emit_layers (reader, last, error)))
    return NULL;
  if ((infinite = convert_model_find_infinite (model))) {
    onnx_set_error (reader, CONVERT_ERROR_UNSUPPORTED, error,
        "tensor \"%s\" of the layers: values: expected finite numbers, found infinity or NaN",
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
  g_autoptr (GArray) stored = g_array_new (FALSE, FALSE, sizeof (OnnxStored));
  GByteArray *copy = onnx_copy_model (input, stored, error);
  const gsize size = (gsize) lstm_content_get_size (input->content);
  Onnx__ModelProto *proto;
  ConvertModel *model;

  if (!copy)
    return NULL;
  proto = onnx__model_proto__unpack (NULL, copy->len, copy->data);
  g_byte_array_unref (copy);
  reader.model = proto;
  reader.stored = stored;
  if (!proto) {
    onnx_set_error (&reader, CONVERT_ERROR_FILE, error,
        "content: expected an ONNX model, found a broken message");
    return NULL;
  }
  reader.arena = g_ptr_array_new_with_free_func (g_free);
  reader.contents = g_ptr_array_new_with_free_func ((GDestroyNotify) lstm_content_unref);
  reader.factors = g_array_new (FALSE, FALSE, sizeof (OnnxFactor));
  reader.state_inputs = g_hash_table_new (g_str_hash, g_str_equal);
  reader.length_inputs = g_hash_table_new (g_str_hash, g_str_equal);
  reader.external_files = g_hash_table_new (g_str_hash, g_str_equal);
  reader.notes = g_ptr_array_new_with_free_func (g_free);
  reader.memory_left = MAX_MEMORY
                       + MIN (size, G_MAXSIZE / 2 / ONNX_MEMORY_PER_BYTE)
                             * ONNX_MEMORY_PER_BYTE;
  reader.work_left = ONNX_MAX_WORK;
  reader.length_factor = onnx_factor_new (&reader, -1, ONNX_ROLE_TIME);
  reader.batch_factor = onnx_factor_new (&reader, -1, ONNX_ROLE_BATCH);
  model = read_graph (&reader, error);
  g_ptr_array_unref (reader.notes);
  g_hash_table_unref (reader.external_files);
  g_hash_table_unref (reader.length_inputs);
  g_hash_table_unref (reader.state_inputs);
  g_array_unref (reader.factors);
  g_ptr_array_unref (reader.contents);
  g_ptr_array_unref (reader.arena);
  onnx__model_proto__free_unpacked (proto, NULL);
  return model;
}
