/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Writes the protobuf messages of an ONNX model with one LSTM or GRU node, which a Dense layer may follow. */
#include "onnx-model.h"
#include <string.h>

/* Field numbers of onnx.proto3, grouped by message */
enum { MODEL_IR_VERSION = 1, MODEL_GRAPH = 7, MODEL_OPSET = 8 };
enum { OPSET_DOMAIN = 1, OPSET_VERSION = 2 };
enum { GRAPH_NODE = 1, GRAPH_NAME = 2, GRAPH_WEIGHTS = 5, GRAPH_INPUT = 11, GRAPH_OUTPUT = 12 };
enum { NODE_INPUT = 1, NODE_OUTPUT = 2, NODE_OPERATOR = 4, NODE_ATTRIBUTE = 5 };
enum { ATTRIBUTE_NAME = 1, ATTRIBUTE_INT = 3, ATTRIBUTE_TYPE = 20 };
enum { TENSOR_DIM = 1, TENSOR_ELEMENT = 2, TENSOR_NAME = 8, TENSOR_BYTES = 9 };
enum { VALUE_NAME = 1, VALUE_TYPE = 2 };
enum { TYPE_TENSOR = 1, TYPE_ELEMENT = 1, TYPE_SHAPE = 2, SHAPE_DIM = 1, DIM_VALUE = 1 };

enum { ELEMENT_FLOAT = 1, ATTRIBUTE_IS_INT = 2 };

/* Versions that ONNX Runtime reads since 2020 */
enum { IR_VERSION = 7, OPSET = 14 };

static void
put_varint (GByteArray *to, guint64 value)
{
  do {
    guint8 byte = (guint8) ((value & 127) | (value > 127 ? 128 : 0));

    g_byte_array_append (to, &byte, 1);
    value >>= 7;
  } while (value);
}

static void
put_int (GByteArray *to, guint field, gint64 value)
{
  put_varint (to, field << 3);
  put_varint (to, (guint64) value);
}

static void
put_bytes (GByteArray *to, guint field, gconstpointer bytes, gsize n)
{
  put_varint (to, field << 3 | 2);
  put_varint (to, n);
  g_byte_array_append (to, bytes, (guint) n);
}

static void
put_string (GByteArray *to, guint field, const char *text)
{
  put_bytes (to, field, text, strlen (text));
}

/* Appends @message as a field, and frees @message. */
static void
put_message (GByteArray *to, guint field, GByteArray *message)
{
  put_bytes (to, field, message->data, message->len);
  g_byte_array_unref (message);
}

gboolean
onnx_has_value (const Job *job, int value)
{
  if (value == ONNX_C_IN || value == ONNX_C_OUT)
    return job->n_gates == 4 && job->c->kind != CASE_WINDOW;
  return job->c->kind != CASE_WINDOW || value == ONNX_X || value == ONNX_Y;
}

OnnxValue
onnx_value (const Job *job, int value)
{
  gint64 T = (gint64) job->c->steps, B = (gint64) job->c->streams;
  gint64 d = (gint64) job->d, m = (gint64) job->m;
  const OnnxValue values[ONNX_N_VALUES] = {
      [ONNX_X] = {"X", {T, B, d}},
      [ONNX_H_IN] = {"initial_h", {1, B, m}},
      [ONNX_C_IN] = {"initial_c", {1, B, m}},
      [ONNX_Y] = {job->w_dense ? "D" : "Y", {T, 1, B, job->w_dense ? 1 : m}},
      [ONNX_H_OUT] = {"Y_h", {1, B, m}},
      [ONNX_C_OUT] = {"Y_c", {1, B, m}},
  };

  return values[value];
}

static void
put_value (GByteArray *graph, guint field, OnnxValue value)
{
  GByteArray *shape = g_byte_array_new (), *tensor = g_byte_array_new ();
  GByteArray *type = g_byte_array_new (), *result = g_byte_array_new ();

  for (gsize i = 0; value.dims[i]; i++) {
    GByteArray *dim = g_byte_array_new ();

    put_int (dim, DIM_VALUE, value.dims[i]);
    put_message (shape, SHAPE_DIM, dim);
  }
  put_int (tensor, TYPE_ELEMENT, ELEMENT_FLOAT);
  put_message (tensor, TYPE_SHAPE, shape);
  put_message (type, TYPE_TENSOR, tensor);
  put_string (result, VALUE_NAME, value.name);
  put_message (result, VALUE_TYPE, type);
  put_message (graph, field, result);
}

/* Appends a tensor with the @n dimensions @dims. */
static void
put_tensor (
    GByteArray *graph, const char *name, const gint64 *dims, gsize n, const float *values)
{
  GByteArray *tensor = g_byte_array_new ();
  gsize n_values = 1;

  for (gsize i = 0; i < n; i++) {
    put_int (tensor, TENSOR_DIM, dims[i]);
    n_values *= (gsize) dims[i];
  }
  put_int (tensor, TENSOR_ELEMENT, ELEMENT_FLOAT);
  put_string (tensor, TENSOR_NAME, name);
  put_bytes (tensor, TENSOR_BYTES, values, n_values * sizeof *values);
  put_message (graph, GRAPH_WEIGHTS, tensor);
}

/* Appends a tensor [1, g m, columns], with the gates reordered from i f g o to i o f g, or from r z n to
 * z r n. Without columns, appends the bias [1, 2 g m], whose second half, the recurrent bias, is
 * zero. */
static void
put_weights (const Job *job, GByteArray *graph, const char *name, const float *w, gsize columns)
{
  static const gsize orders[][4] = {{1, 0, 2}, {0, 3, 1, 2}};
  const gsize n_gates = job->n_gates, rows = (columns ? 1 : 2) * n_gates * job->m;
  const gsize block = job->m * MAX (columns, 1), n = rows * MAX (columns, 1);
  g_autofree float *ordered = network_order_gates (w, block, orders[n_gates - 3], n_gates);
  const gint64 dims[] = {1, (gint64) rows, (gint64) columns};

  ordered = g_renew (float, ordered, n);
  memset (ordered + n_gates * block, 0, (n - n_gates * block) * sizeof *ordered);
  put_tensor (graph, name, dims, columns ? 3 : 2, ordered);
}

static void
put_attribute (GByteArray *node, const char *name, gint64 value)
{
  GByteArray *attribute = g_byte_array_new ();

  put_string (attribute, ATTRIBUTE_NAME, name);
  put_int (attribute, ATTRIBUTE_INT, value);
  put_int (attribute, ATTRIBUTE_TYPE, ATTRIBUTE_IS_INT);
  put_message (node, NODE_ATTRIBUTE, attribute);
}

static GByteArray *
make_node (const Job *job)
{
  static const char *const inputs[] = {"X", "W", "R", "B", "", "initial_h", "initial_c"};
  static const char *const outputs[] = {"Y", "Y_h", "Y_c"};
  const gboolean is_gru = job->n_gates == 3;
  const gsize n_states = job->c->kind == CASE_WINDOW ? 0 : is_gru ? 1 : 2;
  GByteArray *node = g_byte_array_new ();

  for (gsize i = 0; i < (n_states ? 5 + n_states : 4); i++)
    put_string (node, NODE_INPUT, inputs[i]);
  for (gsize i = 0; i < 1 + n_states; i++)
    put_string (node, NODE_OUTPUT, outputs[i]);
  put_string (node, NODE_OPERATOR, is_gru ? "GRU" : "LSTM");
  put_attribute (node, "hidden_size", (gint64) job->m);
  if (is_gru)
    put_attribute (node, "linear_before_reset", 1);
  return node;
}

/* Appends D = Y V + A, the Dense layer. */
static void
put_dense (const Job *job, GByteArray *graph)
{
  static const char *const nodes[][4] = {{"Y", "V", "P", "MatMul"}, {"P", "A", "D", "Add"}};

  for (gsize i = 0; i < G_N_ELEMENTS (nodes); i++) {
    GByteArray *node = g_byte_array_new ();

    put_string (node, NODE_INPUT, nodes[i][0]);
    put_string (node, NODE_INPUT, nodes[i][1]);
    put_string (node, NODE_OUTPUT, nodes[i][2]);
    put_string (node, NODE_OPERATOR, nodes[i][3]);
    put_message (graph, GRAPH_NODE, node);
  }
  put_tensor (graph, "V", (const gint64[]){(gint64) job->m, 1}, 2, job->w_dense);
  put_tensor (graph, "A", (const gint64[]){1}, 1, job->w_dense + job->m);
}

GByteArray *
onnx_model_new (const Job *job)
{
  GByteArray *model = g_byte_array_new (), *graph = g_byte_array_new ();
  GByteArray *opset = g_byte_array_new ();

  put_message (graph, GRAPH_NODE, make_node (job));
  if (job->w_dense)
    put_dense (job, graph);
  put_string (graph, GRAPH_NAME, "lstm");
  put_weights (job, graph, "W", job->w_x, job->d);
  put_weights (job, graph, "R", job->w_h, job->m);
  put_weights (job, graph, "B", job->bias, 0);
  for (int i = 0; i < ONNX_N_VALUES; i++)
    if (onnx_has_value (job, i))
      put_value (graph, i < ONNX_Y ? GRAPH_INPUT : GRAPH_OUTPUT, onnx_value (job, i));
  put_string (opset, OPSET_DOMAIN, "");
  put_int (opset, OPSET_VERSION, OPSET);
  put_int (model, MODEL_IR_VERSION, IR_VERSION);
  put_message (model, MODEL_OPSET, opset);
  put_message (model, MODEL_GRAPH, graph);
  return model;
}
