/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "onnx/node.h"

const char *
onnx_label_node (OnnxReader *reader, const Onnx__NodeProto *proto)
{
  const char *name = onnx_string (proto->name);
  g_autofree char *label = NULL;

  if (!*name && proto->n_output)
    name = onnx_string (proto->output[0]);
  label = g_strdup_printf ("node \"%s\" (%s)", name, onnx_string (proto->op_type));
  return onnx_own_text (reader, g_utf8_make_valid (label, -1));
}

OnnxValue *
onnx_unsupported (OnnxReader *reader, const OnnxNode *node, const char *format, ...)
{
  OnnxValue *value = onnx_value_new (reader, ONNX_VALUE_UNSUPPORTED);
  g_autofree char *problem = NULL;
  va_list args;

  va_start (args, format);
  problem = g_strdup_vprintf (format, args);
  va_end (args);
  value->problem = onnx_own_text (reader, g_strconcat (node->label, ": ", problem, NULL));
  return value;
}

OnnxValue *
onnx_unsupported_input (
    OnnxReader *reader, const OnnxNode *node, const char *field, guint i, const char *expected)
{
  return onnx_unsupported (reader, node, "%s: expected %s, found %s", field, expected,
      onnx_describe_input (reader, node, i));
}

OnnxValue *
onnx_value_from_tensor (OnnxReader *reader, const OnnxNode *node, const OnnxTensor *tensor)
{
  OnnxValue *value;

  if (!tensor)
    return onnx_unsupported (reader, node,
        "result: expected constants that fit in memory, found more than the remaining "
        "%" G_GSIZE_FORMAT " bytes",
        reader->memory_left);
  value = onnx_value_new (reader, ONNX_VALUE_TENSOR);
  value->tensor = tensor;
  return value;
}

OnnxStage *
onnx_node_new_stage (
    OnnxReader *reader, const OnnxNode *node, OnnxStageKind kind, const OnnxStage *parent)
{
  OnnxStage *stage = onnx_stage_new_input (reader, node->label);
  const char *name = onnx_string (node->proto->name);

  stage->kind = kind;
  stage->parent = parent;
  if (parent) {
    stage->has_features = parent->has_features;
    stage->features = parent->features;
  }
  stage->name = onnx_own_text (
      reader, g_utf8_make_valid (*name ? name : node->proto->op_type, -1));
  return stage;
}

const Onnx__AttributeProto *
onnx_find_attribute (const OnnxNode *node, const char *name)
{
  for (gsize i = 0; i < node->proto->n_attribute; i++)
    if (g_strcmp0 (node->proto->attribute[i]->name, name) == 0)
      return node->proto->attribute[i];
  return NULL;
}

gint64
onnx_get_int (const OnnxNode *node, const char *name, gint64 missing)
{
  const Onnx__AttributeProto *attribute = onnx_find_attribute (node, name);

  return attribute && attribute->has_i ? attribute->i : missing;
}

float
onnx_get_float (const OnnxNode *node, const char *name, float missing)
{
  const Onnx__AttributeProto *attribute = onnx_find_attribute (node, name);

  return attribute && attribute->has_f ? attribute->f : missing;
}

char *
onnx_get_string (const OnnxNode *node, const char *name, const char *missing)
{
  const Onnx__AttributeProto *attribute = onnx_find_attribute (node, name);
  g_autofree char *text = NULL;

  if (!attribute || !attribute->has_s)
    return g_strdup (missing);
  text = g_strndup ((const char *) attribute->s.data, attribute->s.len);
  return g_utf8_make_valid (text, -1);
}

OnnxValue *
onnx_get_input (const OnnxNode *node, guint i)
{
  return i < node->n_inputs ? node->inputs[i] : NULL;
}

const OnnxTensor *
onnx_get_tensor_input (const OnnxNode *node, guint i)
{
  const OnnxValue *value = onnx_get_input (node, i);

  return onnx_value_is (value, ONNX_VALUE_TENSOR) ? value->tensor : NULL;
}

const OnnxTensor *
onnx_get_real_input (const OnnxNode *node, guint i)
{
  const OnnxTensor *tensor = onnx_get_tensor_input (node, i);

  return tensor && !tensor->is_int ? tensor : NULL;
}

const OnnxTensor *
onnx_get_vector_input (OnnxReader *reader, const OnnxNode *node, guint i, gsize n)
{
  const OnnxTensor *tensor = onnx_get_real_input (node, i);

  return tensor && tensor->n_values == n ? onnx_tensor_alias (reader, tensor, 1, &n) : NULL;
}

const char *
onnx_describe_input (OnnxReader *reader, const OnnxNode *node, guint i)
{
  return onnx_value_describe (reader, onnx_get_input (node, i));
}
