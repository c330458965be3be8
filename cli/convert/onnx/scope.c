/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "onnx/scope.h"
#include "onnx/decode.h"

static OnnxValue *
new_unsupported_tensor (OnnxReader *reader, const char *name, const char *problem)
{
  OnnxValue *value = onnx_value_new (reader, ONNX_VALUE_UNSUPPORTED);
  g_autofree char *valid = g_utf8_make_valid (name, -1);

  value->problem = onnx_own_text (
      reader, g_strdup_printf ("tensor \"%s\": %s", valid, problem));
  return value;
}

static void
decode_initializer (OnnxReader *reader, OnnxValue *value)
{
  const char *problem;

  value->tensor = onnx_decode_tensor (reader, value->proto, &problem);
  value->kind = value->tensor ? ONNX_VALUE_TENSOR : ONNX_VALUE_UNSUPPORTED;
  if (!value->tensor)
    value->problem =
        new_unsupported_tensor (reader, onnx_string (value->proto->name), problem)->problem;
}

/* Returns: (nullable): the value of @name, which may be undecoded */
static OnnxValue *
look_up (const OnnxScope *scope, const char *name)
{
  OnnxValue *value = NULL;

  for (; scope && !value; scope = scope->parent)
    value = g_hash_table_lookup (scope->values, name);
  return value;
}

OnnxValue *
onnx_scope_find (OnnxReader *reader, const OnnxScope *scope, const char *name)
{
  OnnxValue *value = look_up (scope, name);

  if (onnx_value_is (value, ONNX_VALUE_UNDECODED))
    decode_initializer (reader, value);
  if (value)
    return value;
  return new_unsupported_tensor (
      reader, name, "expected a node, an input or an initializer of this name, found none");
}

OnnxValue *
onnx_scope_open (OnnxReader *reader, const OnnxScope *scope, const char *name)
{
  const OnnxValue *value = look_up (scope, name);
  const OnnxTensor *tensor = onnx_value_is (value, ONNX_VALUE_UNDECODED)
                                 ? onnx_open_tensor (reader, value->proto)
                                 : NULL;
  OnnxValue *opened;

  if (!tensor)
    return onnx_scope_find (reader, scope, name);
  opened = onnx_value_new (reader, ONNX_VALUE_TENSOR);
  opened->tensor = tensor;
  return opened;
}

const char *
onnx_scope_add_initializers (
    OnnxReader *reader, OnnxScope *scope, const Onnx__GraphProto *graph)
{
  for (gsize i = 0; i < graph->n_initializer; i++) {
    OnnxValue *value = onnx_value_new (reader, ONNX_VALUE_UNDECODED);

    value->proto = graph->initializer[i];
    if (!g_hash_table_insert (
            scope->values, (gpointer) onnx_string (value->proto->name), value))
      return onnx_string (value->proto->name);
  }
  return NULL;
}
