/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "split/onnx/emit.h"
#include "onnx/decode.h"
#include "onnx/external.h"

void
onnx_split_set_problem (SplitEmitter *emitter, const char *format, ...)
{
  va_list args;
  char *text;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  onnx_own_text (&emitter->splitter->reader, text);
  if (!emitter->problem)
    emitter->problem = text;
}

static gboolean
has_name (const SplitEmitter *emitter, const char *name)
{
  return onnx_split_find_unique (emitter->splitter, name)
         || g_hash_table_contains (emitter->renamed, name);
}

const char *
onnx_split_new_name (SplitEmitter *emitter, const char *base, const char *suffix)
{
  char *name = g_strconcat (base, suffix, NULL);

  while (has_name (emitter, name)) {
    g_free (name);
    name = g_strdup_printf ("%s%s_%u", base, suffix, ++emitter->n_names);
  }
  g_hash_table_insert (emitter->renamed, name, name);
  return onnx_own_text (&emitter->splitter->reader, name);
}

void
onnx_split_emitter_init (
    SplitEmitter *emitter, Splitter *splitter, const char *graph, const char *const *reserved)
{
  const Onnx__ModelProto *model = splitter->reader.model;

  *emitter = (SplitEmitter){splitter, onnx_builder_new (splitter->reader.opset, graph),
      g_hash_table_new (NULL, NULL), g_hash_table_new (NULL, NULL), g_ptr_array_new (),
      g_hash_table_new (g_str_hash, g_str_equal)};
  for (gsize i = 0; i < model->n_opset_import; i++) {
    const char *domain = onnx_string (model->opset_import[i]->domain);

    if (*domain && !g_str_equal (domain, "ai.onnx"))
      onnx_builder_add_opset (emitter->builder, domain, model->opset_import[i]->version);
  }
  for (; *reserved; reserved++) {
    g_hash_table_insert (emitter->renamed, (gpointer) *reserved, (gpointer) *reserved);
    if (onnx_split_find_unique (splitter, *reserved))
      g_hash_table_insert (emitter->renamed, (gpointer) *reserved,
          (gpointer) onnx_split_new_name (emitter, *reserved, "_of_model"));
  }
}

void
onnx_split_emitter_clear (SplitEmitter *emitter)
{
  onnx_builder_free (emitter->builder);
  g_hash_table_unref (emitter->values);
  g_hash_table_unref (emitter->nodes);
  g_ptr_array_unref (emitter->stack);
  g_hash_table_unref (emitter->renamed);
}

const char *
onnx_split_get_name (const SplitEmitter *emitter, const SplitValue *value)
{
  const char *renamed = g_hash_table_lookup (emitter->renamed, value->name);

  return renamed ? renamed : value->name;
}

/* Counts @n_bytes of a constant. Returns FALSE with a problem if the new model exceeds the memory
 * limit, which grows with the file: many nodes may refer to one constant. */
static gboolean
count_bytes (SplitEmitter *emitter, const char *name, gsize n_bytes)
{
  OnnxReader *reader = &emitter->splitter->reader;

  if (n_bytes > reader->memory_left) {
    onnx_split_set_problem (emitter,
        "\"%s\": expected a model that fits in memory, found %" G_GSIZE_FORMAT
        " bytes, more than the remaining %" G_GSIZE_FORMAT,
        onnx_shorten_text (reader, name), n_bytes, reader->memory_left);
    return FALSE;
  }
  reader->memory_left -= n_bytes;
  return TRUE;
}

/* Adds an initializer of the file. Values of another file become part of the model. */
static void
add_initializer (SplitEmitter *emitter, const char *name, const Onnx__TensorProto *proto)
{
  OnnxReader *reader = &emitter->splitter->reader;
  Onnx__TensorProto copy = *proto;
  g_autoptr (GBytes) bytes = NULL;
  const char *problem = NULL;
  gsize n_bytes = onnx_get_type_size (proto->data_type);

  if (proto->data_location != ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL) {
    onnx_builder_add_tensor (emitter->builder, name, proto);
    return;
  }
  for (gsize i = 0; i < proto->n_dims; i++)
    if (proto->dims[i] < 0 || !g_size_checked_mul (&n_bytes, n_bytes, (gsize) proto->dims[i]))
      n_bytes = 0;
  bytes = onnx_read_external_data (reader, proto, n_bytes, &problem);
  if (!bytes) {
    onnx_split_set_problem (
        emitter, "tensor \"%s\": %s", onnx_shorten_text (reader, proto->name), problem);
    return;
  }
  if (!count_bytes (emitter, name, n_bytes))
    return;
  copy.n_external_data = 0;
  copy.has_data_location = FALSE;
  copy.data_location = ONNX__TENSOR_PROTO__DATA_LOCATION__DEFAULT;
  copy.has_raw_data = TRUE;
  copy.raw_data.data = (uint8_t *) g_bytes_get_data (bytes, &copy.raw_data.len);
  onnx_builder_add_tensor (emitter->builder, name, &copy);
}

/* Adds a folded constant. */
static void
add_folded (SplitEmitter *emitter, const char *name, const SplitValue *value)
{
  const OnnxTensor *tensor = value->constant->tensor;
  g_autofree gint64 *wide = g_new (gint64, tensor->n_values + 1);
  g_autofree gint32 *narrow = g_new (gint32, tensor->n_values + 1);
  gint64 dims[ONNX_MAX_DIMS];
  Onnx__TensorProto proto = ONNX__TENSOR_PROTO__INIT;

  proto.has_data_type = TRUE;
  proto.data_type = value->type;
  proto.n_dims = tensor->n_dims;
  proto.dims = dims;
  for (guint i = 0; i < tensor->n_dims; i++)
    dims[i] = (gint64) tensor->shape[i];
  for (gsize k = 0; tensor->is_int && k < tensor->n_values; k++) {
    wide[k] = tensor->ints[k].offset;
    narrow[k] = (gint32) wide[k];
    if (tensor->ints[k].factor != ONNX_NO_FACTOR)
      proto.data_type = 0;
  }
  switch (proto.data_type) {
  case ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT:
    proto.n_float_data = tensor->n_values;
    proto.float_data = tensor->reals;
    break;
  case ONNX__TENSOR_PROTO__DATA_TYPE__INT64:
    proto.n_int64_data = tensor->n_values;
    proto.int64_data = wide;
    break;
  case ONNX__TENSOR_PROTO__DATA_TYPE__INT32:
  case ONNX__TENSOR_PROTO__DATA_TYPE__BOOL:
    proto.n_int32_data = tensor->n_values;
    proto.int32_data = narrow;
    break;
  default:
    break;
  }
  if (!proto.n_float_data && !proto.n_int64_data && !proto.n_int32_data && tensor->n_values)
    onnx_split_set_problem (emitter,
        "tensor \"%s\": expected float32, int64, int32 or bool numbers that follow from "
        "shapes, "
        "found ONNX data type %d",
        onnx_shorten_text (&emitter->splitter->reader, value->name), value->type);
  else
    onnx_builder_add_tensor (emitter->builder, name, &proto);
}

/* Adds a constant. A constant that does not depend on the shape of the clip is an initializer or a
 * node of the file. */
static void
add_constant (SplitEmitter *emitter, SplitValue *value)
{
  const char *name = onnx_split_get_name (emitter, value);

  if (value->is_from_shape && onnx_value_is (value->constant, ONNX_VALUE_TENSOR))
    add_folded (emitter, name, value);
  else if (value->is_from_shape)
    onnx_split_set_problem (emitter, "%s",
        value->problem ? value->problem
                       : onnx_unsupported (&emitter->splitter->reader, &value->node->base,
                           "operator: expected one that computes constants from shapes, found "
                           "%s",
                           onnx_string (value->node->base.proto->op_type))
                             ->problem);
  else if (value->node)
    g_ptr_array_add (emitter->stack, value);
  else if (value->constant && value->constant->proto)
    add_initializer (emitter, name, value->constant->proto);
}

void
onnx_split_need (SplitEmitter *emitter, SplitValue *value)
{
  if (!g_hash_table_add (emitter->values, value))
    return;
  if (value->kind == SPLIT_REFUSED)
    onnx_split_set_problem (emitter, "%s", value->problem);
  else if (value->kind == SPLIT_CONSTANT)
    add_constant (emitter, value);
  else
    g_ptr_array_add (emitter->stack, value);
}

const char *
onnx_split_add_list (
    SplitEmitter *emitter, const char *base, const char *suffix, guint n, const gint64 *ints)
{
  const char *name = onnx_split_new_name (emitter, base, suffix);
  const gint64 shape[] = {n};

  onnx_builder_add_ints (emitter->builder, name, 1, shape, ints);
  return name;
}

/* Adds nodes that reduce input @i of @node to the first row along each axis of @mask.
 * Returns: the name of the result */
static const char *
reduce_constant (SplitEmitter *emitter, const SplitNode *node, guint i, guint32 mask)
{
  const char *name = onnx_split_get_name (emitter, node->inputs[i]);
  const gint64 first[] = {0};

  for (guint axis = 0; axis < ONNX_MAX_DIMS; axis++) {
    const char *indices, *row;
    Onnx__NodeProto *copy;

    if (!(mask & 1u << axis))
      continue;
    indices = onnx_split_add_list (emitter, name, "_first", 1, first);
    row = onnx_split_new_name (emitter, name, "_row");
    copy = onnx_builder_add_node (emitter->builder, "Gather", row,
        (const char *const[]){name, indices, NULL}, (const char *const[]){row, NULL});
    onnx_builder_set_int (emitter->builder, copy, "axis", axis);
    name = row;
  }
  return name;
}

Onnx__NodeProto *
onnx_split_copy_node (SplitEmitter *emitter, const SplitNode *node)
{
  g_autofree const char **names = g_new0 (const char *, node->base.n_inputs + 1);
  Onnx__NodeProto *copy;

  for (guint i = 0; i < node->base.n_inputs; i++)
    names[i] = node->uniform_axes[i] ? reduce_constant (emitter, node, i, node->uniform_axes[i])
               : node->inputs[i]     ? onnx_split_get_name (emitter, node->inputs[i])
                                     : "";
  count_bytes (
      emitter, node->base.label, protobuf_c_message_get_packed_size (&node->base.proto->base));
  copy = onnx_builder_copy_node (emitter->builder, node->base.proto);
  for (guint i = 0; i < node->base.n_inputs; i++)
    onnx_builder_set_string (emitter->builder, &copy->input[i], names[i]);
  for (guint i = 0; i < node->base.n_outputs; i++)
    if (node->outputs[i])
      onnx_builder_set_string (
          emitter->builder, &copy->output[i], onnx_split_get_name (emitter, node->outputs[i]));
  return copy;
}
