/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "split/builder.h"
#include <string.h>

/* The messages and their values are blocks of the arena. The arrays grow, and
 * onnx_builder_to_bytes() refers to them. */
struct _OnnxBuilder {
  GPtrArray *arena;
  ProtobufCAllocator allocator; /* allocates from the arena */
  const char *graph_name;
  gint64 ir_version;
  GPtrArray *opsets, *inputs, *outputs, *nodes, *initializers, *metadata; /* messages */
  GHashTable *positions; /* name of an initializer to its 1 + index */
};

/* The least IR version of an opset, from the table of releases in ONNX's docs/Versioning.md.
 * Version 4 is the first whose initializers need no input of the graph. */
static const struct {
  gint64 opset, ir_version;
} ir_versions[] = {
    {9, 4},
    {10, 5},
    {11, 6},
    {14, 7},
    {18, 8},
    {20, 9},
    {22, 10},
    {23, 11},
    {24, 12},
};
#define NEWEST_IR_VERSION 13

/* --- The arena --- */

static gpointer
alloc_block (OnnxBuilder *builder, gsize n, gsize size)
{
  gpointer block = g_malloc0_n (MAX (n, 1), size);

  g_ptr_array_add (builder->arena, block);
  return block;
}

static char *
copy_string (OnnxBuilder *builder, const char *text)
{
  char *copy = g_strdup (text);

  g_ptr_array_add (builder->arena, copy);
  return copy;
}

/* Functions of a ProtobufCAllocator */
static void *
alloc_unpacked (void *data, size_t size)
{
  return alloc_block (data, 1, MAX (size, 1));
}

static void
free_nothing (void *data, void *block)
{
}

/* Returns: (transfer none): a message without values */
static gpointer
new_message (OnnxBuilder *builder, const ProtobufCMessageDescriptor *descriptor)
{
  gpointer message = alloc_block (builder, 1, descriptor->sizeof_message);

  protobuf_c_message_init (descriptor, message);
  return message;
}

/* Returns: (transfer none): a copy of @message with all its fields, also the unknown ones */
static gpointer
copy_message (OnnxBuilder *builder, const ProtobufCMessage *message)
{
  gsize size = protobuf_c_message_get_packed_size (message);
  g_autofree guint8 *bytes = g_malloc (MAX (size, 1));

  protobuf_c_message_pack (message, bytes);
  return protobuf_c_message_unpack (message->descriptor, &builder->allocator, size, bytes);
}

/* --- The model --- */

OnnxBuilder *
onnx_builder_new (gint64 opset, const char *graph_name)
{
  OnnxBuilder *builder = g_new0 (OnnxBuilder, 1);
  gsize i = 0;

  builder->arena = g_ptr_array_new_with_free_func (g_free);
  builder->allocator = (ProtobufCAllocator){alloc_unpacked, free_nothing, builder};
  builder->graph_name = copy_string (builder, graph_name);
  builder->opsets = g_ptr_array_new ();
  builder->inputs = g_ptr_array_new ();
  builder->outputs = g_ptr_array_new ();
  builder->nodes = g_ptr_array_new ();
  builder->initializers = g_ptr_array_new ();
  builder->metadata = g_ptr_array_new ();
  builder->positions = g_hash_table_new (g_str_hash, g_str_equal);
  while (i < G_N_ELEMENTS (ir_versions) && ir_versions[i].opset < opset)
    i++;
  builder->ir_version = i < G_N_ELEMENTS (ir_versions) ? ir_versions[i].ir_version
                                                       : NEWEST_IR_VERSION;
  onnx_builder_add_opset (builder, "", opset);
  return builder;
}

void
onnx_builder_free (OnnxBuilder *builder)
{
  g_hash_table_unref (builder->positions);
  g_ptr_array_unref (builder->metadata);
  g_ptr_array_unref (builder->initializers);
  g_ptr_array_unref (builder->nodes);
  g_ptr_array_unref (builder->outputs);
  g_ptr_array_unref (builder->inputs);
  g_ptr_array_unref (builder->opsets);
  g_ptr_array_unref (builder->arena);
  g_free (builder);
}

void
onnx_builder_add_opset (OnnxBuilder *builder, const char *domain, gint64 version)
{
  Onnx__OperatorSetIdProto *opset = new_message (
      builder, &onnx__operator_set_id_proto__descriptor);

  opset->domain = copy_string (builder, domain);
  opset->has_version = TRUE;
  opset->version = version;
  g_ptr_array_add (builder->opsets, opset);
}

void
onnx_builder_add_metadata (OnnxBuilder *builder, const char *key, const char *value)
{
  Onnx__StringStringEntryProto *entry = new_message (
      builder, &onnx__string_string_entry_proto__descriptor);

  entry->key = copy_string (builder, key);
  entry->value = copy_string (builder, value);
  g_ptr_array_add (builder->metadata, entry);
}

static Onnx__TensorShapeProto *
new_shape (OnnxBuilder *builder, guint n_dims, const gint64 *sizes)
{
  Onnx__TensorShapeProto *shape = new_message (builder, &onnx__tensor_shape_proto__descriptor);

  shape->n_dim = n_dims;
  shape->dim = alloc_block (builder, n_dims, sizeof *shape->dim);
  for (guint i = 0; i < n_dims; i++) {
    shape->dim[i] = new_message (builder, &onnx__tensor_shape_proto__dimension__descriptor);
    if (sizes[i] < 0)
      continue;
    shape->dim[i]->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
    shape->dim[i]->dim_value = sizes[i];
  }
  return shape;
}

static void
add_value (OnnxBuilder *builder, GPtrArray *values, const char *name, gint32 type, guint n_dims,
    const gint64 *shape)
{
  Onnx__ValueInfoProto *value = new_message (builder, &onnx__value_info_proto__descriptor);
  Onnx__TypeProto__Tensor *tensor = new_message (
      builder, &onnx__type_proto__tensor__descriptor);

  tensor->has_elem_type = TRUE;
  tensor->elem_type = type;
  tensor->shape = new_shape (builder, n_dims, shape);
  value->name = copy_string (builder, name);
  value->type = new_message (builder, &onnx__type_proto__descriptor);
  value->type->value_case = ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
  value->type->tensor_type = tensor;
  g_ptr_array_add (values, value);
}

void
onnx_builder_add_input (
    OnnxBuilder *builder, const char *name, gint32 type, guint n_dims, const gint64 *shape)
{
  add_value (builder, builder->inputs, name, type, n_dims, shape);
}

void
onnx_builder_add_output (
    OnnxBuilder *builder, const char *name, gint32 type, guint n_dims, const gint64 *shape)
{
  add_value (builder, builder->outputs, name, type, n_dims, shape);
}

/* --- Nodes --- */

Onnx__NodeProto *
onnx_builder_copy_node (OnnxBuilder *builder, const Onnx__NodeProto *node)
{
  Onnx__NodeProto *copy = copy_message (builder, &node->base);

  g_ptr_array_add (builder->nodes, copy);
  return copy;
}

void
onnx_builder_set_string (OnnxBuilder *builder, char **place, const char *text)
{
  *place = copy_string (builder, text);
}

/* Returns: (transfer none): copies of the NULL-terminated @names */
static char **
copy_names (OnnxBuilder *builder, const char *const *names, gsize *n)
{
  char **copies;

  *n = g_strv_length ((char **) names);
  copies = alloc_block (builder, *n, sizeof *copies);
  for (gsize i = 0; i < *n; i++)
    copies[i] = copy_string (builder, names[i]);
  return copies;
}

Onnx__NodeProto *
onnx_builder_add_node (OnnxBuilder *builder, const char *op_type, const char *name,
    const char *const *inputs, const char *const *outputs)
{
  Onnx__NodeProto *node = new_message (builder, &onnx__node_proto__descriptor);

  node->op_type = copy_string (builder, op_type);
  node->name = copy_string (builder, name);
  node->input = copy_names (builder, inputs, &node->n_input);
  node->output = copy_names (builder, outputs, &node->n_output);
  g_ptr_array_add (builder->nodes, node);
  return node;
}

/* Returns: (transfer none): a new attribute of @node instead of the previous attribute @name */
static Onnx__AttributeProto *
set_attribute (OnnxBuilder *builder, Onnx__NodeProto *node, const char *name,
    Onnx__AttributeProto__AttributeType type)
{
  Onnx__AttributeProto *attribute = new_message (builder, &onnx__attribute_proto__descriptor);
  Onnx__AttributeProto **attributes;

  attribute->name = copy_string (builder, name);
  attribute->has_type = TRUE;
  attribute->type = type;
  for (gsize i = 0; i < node->n_attribute; i++) {
    if (g_strcmp0 (node->attribute[i]->name, name) == 0) {
      node->attribute[i] = attribute;
      return attribute;
    }
  }
  attributes = alloc_block (builder, node->n_attribute + 1, sizeof *attributes);
  if (node->n_attribute)
    memcpy (attributes, node->attribute, node->n_attribute * sizeof *attributes);
  attributes[node->n_attribute++] = attribute;
  node->attribute = attributes;
  return attribute;
}

void
onnx_builder_set_int (
    OnnxBuilder *builder, Onnx__NodeProto *node, const char *name, gint64 value)
{
  Onnx__AttributeProto *attribute = set_attribute (
      builder, node, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT);

  attribute->has_i = TRUE;
  attribute->i = value;
}

void
onnx_builder_set_float (
    OnnxBuilder *builder, Onnx__NodeProto *node, const char *name, float value)
{
  Onnx__AttributeProto *attribute = set_attribute (
      builder, node, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT);

  attribute->has_f = TRUE;
  attribute->f = value;
}

void
onnx_builder_set_text (
    OnnxBuilder *builder, Onnx__NodeProto *node, const char *name, const char *value)
{
  Onnx__AttributeProto *attribute = set_attribute (
      builder, node, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING);

  attribute->has_s = TRUE;
  attribute->s.len = strlen (value);
  attribute->s.data = (guint8 *) copy_string (builder, value);
}

void
onnx_builder_set_ints (OnnxBuilder *builder, Onnx__NodeProto *node, const char *name,
    const gint64 *values, gsize n)
{
  Onnx__AttributeProto *attribute = set_attribute (
      builder, node, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS);

  attribute->n_ints = n;
  attribute->ints = alloc_block (builder, n, sizeof *attribute->ints);
  for (gsize i = 0; i < n; i++)
    attribute->ints[i] = values[i];
}

/* --- Initializers --- */

static void
add_initializer (OnnxBuilder *builder, const char *name, Onnx__TensorProto *tensor)
{
  gpointer position = g_hash_table_lookup (builder->positions, name);

  tensor->name = copy_string (builder, name);
  if (position) {
    g_ptr_array_index (builder->initializers, GPOINTER_TO_SIZE (position) - 1) = tensor;
    return;
  }
  g_ptr_array_add (builder->initializers, tensor);
  g_hash_table_insert (
      builder->positions, tensor->name, GSIZE_TO_POINTER (builder->initializers->len));
}

/* Adds a tensor with room for its values of @value_size bytes each.
 * Returns: (transfer none): the values, n of them, to be filled in little-endian byte order */
static guint8 *
add_raw_tensor (OnnxBuilder *builder, const char *name, Onnx__TensorProto__DataType type,
    guint n_dims, const gint64 *shape, gsize value_size, gsize *n)
{
  Onnx__TensorProto *tensor = new_message (builder, &onnx__tensor_proto__descriptor);

  tensor->has_data_type = TRUE;
  tensor->data_type = type;
  tensor->n_dims = n_dims;
  tensor->dims = alloc_block (builder, n_dims, sizeof *tensor->dims);
  *n = 1;
  for (guint i = 0; i < n_dims; i++) {
    tensor->dims[i] = shape[i];
    *n *= (gsize) shape[i];
  }
  tensor->has_raw_data = TRUE;
  tensor->raw_data.len = *n * value_size;
  tensor->raw_data.data = alloc_block (builder, *n, value_size);
  add_initializer (builder, name, tensor);
  return tensor->raw_data.data;
}

void
onnx_builder_add_floats (OnnxBuilder *builder, const char *name, guint n_dims,
    const gint64 *shape, const float *values)
{
  gsize n;
  guint8 *raw = add_raw_tensor (
      builder, name, ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, n_dims, shape, sizeof *values, &n);

  for (gsize i = 0; i < n; i++) {
    guint32 bits;

    memcpy (&bits, &values[i], sizeof bits);
    bits = GUINT32_TO_LE (bits);
    memcpy (raw + i * sizeof bits, &bits, sizeof bits);
  }
}

void
onnx_builder_add_ints (OnnxBuilder *builder, const char *name, guint n_dims,
    const gint64 *shape, const gint64 *values)
{
  gsize n;
  guint8 *raw = add_raw_tensor (
      builder, name, ONNX__TENSOR_PROTO__DATA_TYPE__INT64, n_dims, shape, sizeof *values, &n);

  for (gsize i = 0; i < n; i++) {
    gint64 value = GINT64_TO_LE (values[i]);

    memcpy (raw + i * sizeof value, &value, sizeof value);
  }
}

void
onnx_builder_add_tensor (
    OnnxBuilder *builder, const char *name, const Onnx__TensorProto *tensor)
{
  add_initializer (builder, name, copy_message (builder, &tensor->base));
}

/* --- The result --- */

#define SET_REPEATED(message, field, array)                                                    \
  ((message).n_##field = (array)->len, (message).field = (gpointer) (array)->pdata)

GBytes *
onnx_builder_to_bytes (const OnnxBuilder *builder)
{
  Onnx__ModelProto model = ONNX__MODEL_PROTO__INIT;
  Onnx__GraphProto graph = ONNX__GRAPH_PROTO__INIT;
  gsize size;
  guint8 *bytes;

  graph.name = (char *) builder->graph_name;
  SET_REPEATED (graph, node, builder->nodes);
  SET_REPEATED (graph, initializer, builder->initializers);
  SET_REPEATED (graph, input, builder->inputs);
  SET_REPEATED (graph, output, builder->outputs);
  model.has_ir_version = TRUE;
  model.ir_version = builder->ir_version;
  model.producer_name = (char *) "lstm-convert";
  model.producer_version = (char *) CONVERT_VERSION;
  SET_REPEATED (model, opset_import, builder->opsets);
  SET_REPEATED (model, metadata_props, builder->metadata);
  model.graph = &graph;
  size = onnx__model_proto__get_packed_size (&model);
  bytes = g_malloc (size);
  onnx__model_proto__pack (&model, bytes);
  return g_bytes_new_take (bytes, size);
}
