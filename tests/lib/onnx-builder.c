/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Tests the writer of ONNX models in lstm-convert. protobuf-c parses the bytes, and onnx.checker of
 * Python, where installed, checks the model. */
#include "split/builder.h"
#include <glib/gstdio.h>
#include <string.h>

/* A field that no version of ONNX defines: the varint 7 under number 1000 */
static const guint8 unknown_field[] = {0xc0, 0x3e, 0x07};

/* Returns: (transfer full): a node of another model, with the unknown field */
static Onnx__NodeProto *
parse_node (void)
{
  Onnx__NodeProto node = ONNX__NODE_PROTO__INIT;
  Onnx__AttributeProto axis = ONNX__ATTRIBUTE_PROTO__INIT, *attributes[] = {&axis};
  char *input = (char *) "x", *output = (char *) "y";
  guint8 bytes[256];
  gsize size;

  axis.name = (char *) "axis";
  axis.has_type = axis.has_i = TRUE;
  axis.type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT;
  axis.i = 3;
  node.name = (char *) "copied";
  node.op_type = (char *) "Softmax";
  node.n_input = node.n_output = node.n_attribute = 1;
  node.input = &input;
  node.output = &output;
  node.attribute = attributes;
  size = onnx__node_proto__get_packed_size (&node);
  g_assert_cmpuint (size + sizeof unknown_field, <=, sizeof bytes);
  onnx__node_proto__pack (&node, bytes);
  memcpy (bytes + size, unknown_field, sizeof unknown_field);
  return onnx__node_proto__unpack (NULL, size + sizeof unknown_field, bytes);
}

/* Adds an initializer whose copy replaces the float "scale". */
static void
add_half (OnnxBuilder *builder)
{
  Onnx__TensorProto tensor = ONNX__TENSOR_PROTO__INIT;
  float value = .5f;

  tensor.name = (char *) "name in the other model";
  tensor.has_data_type = TRUE;
  tensor.data_type = ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;
  tensor.n_float_data = 1;
  tensor.float_data = &value;
  onnx_builder_add_tensor (builder, "scale", &tensor);
}

/* Builds softmax (transpose (x) · scale), reshaped to one row. */
static GBytes *
build_model (void)
{
  g_autoptr (OnnxBuilder) builder = onnx_builder_new (13, "features");
  const gint64 shape[] = {1, 2, 3}, result_shape[] = {1, -1}, order[] = {0, 2, 1};
  const gint64 n_result_dims = G_N_ELEMENTS (result_shape);
  const float scale = 4;
  Onnx__NodeProto *other = parse_node (), *node;

  onnx_builder_add_input (builder, "x", ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, 3, shape);
  node = onnx_builder_add_node (builder, "Transpose", "transpose", (const char *[]){"x", NULL},
      (const char *[]){"transposed", NULL});
  onnx_builder_set_ints (builder, node, "perm", order, G_N_ELEMENTS (order));
  onnx_builder_add_floats (builder, "scale", 0, NULL, &scale);
  onnx_builder_add_node (builder, "Mul", "mul", (const char *[]){"transposed", "scale", NULL},
      (const char *[]){"scaled", NULL});
  node = onnx_builder_copy_node (builder, other);
  onnx__node_proto__free_unpacked (other, NULL);
  onnx_builder_set_string (builder, &node->input[0], "scaled");
  onnx_builder_set_int (builder, node, "axis", -1);
  onnx_builder_add_ints (builder, "shape", 1, &n_result_dims, result_shape);
  onnx_builder_add_node (builder, "Reshape", "reshape", (const char *[]){"y", "shape", NULL},
      (const char *[]){"features", NULL});
  onnx_builder_add_output (
      builder, "features", ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, 2, result_shape);
  add_half (builder);
  onnx_builder_add_opset (builder, "ai.onnx.ml", 3);
  onnx_builder_add_metadata (builder, "key", "value");
  return onnx_builder_to_bytes (builder);
}

static void
test_model (void)
{
  g_autoptr (GBytes) bytes = build_model ();
  Onnx__ModelProto *model = onnx__model_proto__unpack (
      NULL, g_bytes_get_size (bytes), g_bytes_get_data (bytes, NULL));
  static const guint8 shape[] = {
      1, 0, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255};
  Onnx__GraphProto *graph;
  Onnx__TypeProto *type;

  g_assert_nonnull (model);
  g_assert_cmpint (model->ir_version, ==, 7);
  g_assert_cmpstr (model->producer_name, ==, "lstm-convert");
  g_assert_cmpstr (model->producer_version, ==, CONVERT_VERSION);
  g_assert_cmpuint (model->n_opset_import, ==, 2);
  g_assert_cmpint (model->opset_import[0]->version, ==, 13);
  g_assert_cmpstr (model->opset_import[1]->domain, ==, "ai.onnx.ml");
  g_assert_cmpuint (model->n_metadata_props, ==, 1);
  g_assert_cmpstr (model->metadata_props[0]->key, ==, "key");
  g_assert_cmpstr (model->metadata_props[0]->value, ==, "value");
  graph = model->graph;
  g_assert_cmpstr (graph->name, ==, "features");
  g_assert_cmpuint (graph->n_initializer, ==, 2);
  g_assert_cmpstr (graph->initializer[0]->name, ==, "scale");
  g_assert_cmpuint (graph->initializer[0]->n_dims, ==, 0);
  g_assert_cmpfloat (graph->initializer[0]->float_data[0], ==, .5);
  g_assert_cmpint (graph->initializer[1]->dims[0], ==, 2);
  g_assert_cmpmem (graph->initializer[1]->raw_data.data, graph->initializer[1]->raw_data.len,
      shape, sizeof shape);
  g_assert_cmpuint (graph->n_input, ==, 1);
  type = graph->input[0]->type;
  g_assert_cmpint (type->tensor_type->elem_type, ==, 1);
  g_assert_cmpint (type->tensor_type->shape->dim[2]->dim_value, ==, 3);
  type = graph->output[0]->type;
  g_assert_cmpint (type->tensor_type->shape->dim[1]->value_case, ==,
      ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE__NOT_SET);
  onnx__model_proto__free_unpacked (model, NULL);
}

static void
test_copied_node (void)
{
  g_autoptr (GBytes) bytes = build_model ();
  Onnx__ModelProto *model = onnx__model_proto__unpack (
      NULL, g_bytes_get_size (bytes), g_bytes_get_data (bytes, NULL));
  Onnx__NodeProto *node;

  g_assert_nonnull (model);
  g_assert_cmpuint (model->graph->n_node, ==, 4);
  node = model->graph->node[2];
  g_assert_cmpstr (node->name, ==, "copied");
  g_assert_cmpstr (node->input[0], ==, "scaled");
  g_assert_cmpstr (node->output[0], ==, "y");
  g_assert_cmpuint (node->n_attribute, ==, 1);
  g_assert_cmpint (node->attribute[0]->i, ==, -1);
  g_assert_cmpuint (node->base.n_unknown_fields, ==, 1);
  g_assert_cmpuint (node->base.unknown_fields[0].tag, ==, 1000);
  g_assert_cmpmem (
      node->base.unknown_fields[0].data, node->base.unknown_fields[0].len, "\7", 1);
  onnx__model_proto__free_unpacked (model, NULL);
}

/* Returns: (nullable): the first Python that has onnx. The first python3 in PATH may be another
 * Python than the Python of the system. */
static const char *
find_python (void)
{
  static const char *const names[] = {"python3", "/usr/bin/python3"};

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++) {
    const char *argv[] = {names[i], "-c", "import onnx", NULL};
    int status;

    if (g_spawn_sync (NULL, (char **) argv, NULL,
            G_SPAWN_SEARCH_PATH | G_SPAWN_STDERR_TO_DEV_NULL, NULL, NULL, NULL, NULL, &status,
            NULL)
        && g_spawn_check_wait_status (status, NULL))
      return names[i];
  }
  return NULL;
}

static void
test_checker (void)
{
  g_autoptr (GBytes) bytes = build_model ();
  g_autofree char *path = NULL;
  g_autoptr (GError) error = NULL;
  const char *python = find_python ();
  int status, file;

  if (!python) {
    g_test_skip ("Python has no module onnx");
    return;
  }
  file = g_file_open_tmp ("onnx-builder-XXXXXX.onnx", &path, &error);
  g_assert_no_error (error);
  g_close (file, &error);
  g_file_set_contents (
      path, g_bytes_get_data (bytes, NULL), (gssize) g_bytes_get_size (bytes), &error);
  g_assert_no_error (error);
  g_spawn_sync (NULL,
      (char *[]){(char *) python, (char *) "-c",
          (char *) "import onnx, sys\n"
                   "model = onnx.load (sys.argv[1])\n"
                   "onnx.checker.check_model (model, full_check=True)\n"
                   "onnx.shape_inference.infer_shapes (model, strict_mode=True)\n",
          path, NULL},
      NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, &status, &error);
  g_assert_no_error (error);
  g_spawn_check_wait_status (status, &error);
  g_assert_no_error (error);
  g_unlink (path);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/onnx-builder/model", test_model);
  g_test_add_func ("/onnx-builder/copied-node", test_copied_node);
  g_test_add_func ("/onnx-builder/checker", test_checker);
  return g_test_run ();
}
