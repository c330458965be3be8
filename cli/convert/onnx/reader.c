/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "onnx/onnx.h"
#include <string.h>

gpointer
onnx_alloc (OnnxReader *reader, gsize n, gsize size)
{
  gsize bytes;
  gpointer memory;

  if (!g_size_checked_mul (&bytes, MAX (n, 1), size) || bytes > reader->budget)
    return NULL;
  memory = g_try_malloc0 (bytes);
  if (!memory)
    return NULL;
  reader->budget -= bytes;
  g_ptr_array_add (reader->arena, memory);
  return memory;
}

/* @text: (transfer full) */
const char *
onnx_text (OnnxReader *reader, char *text)
{
  g_ptr_array_add (reader->arena, text);
  return text;
}

const char *
onnx_name (const char *name)
{
  return name ? name : "";
}

/* Values are small and as many as the file has names: they are not counted. */
OnnxValue *
onnx_value_new (OnnxReader *reader, OnnxKind kind)
{
  OnnxValue *value = g_new0 (OnnxValue, 1);

  g_ptr_array_add (reader->arena, value);
  value->kind = kind;
  return value;
}

OnnxValue *
onnx_value_copy (OnnxReader *reader, const OnnxValue *value)
{
  OnnxValue *copy = onnx_value_new (reader, value->kind);

  *copy = *value;
  return copy;
}

OnnxValue *
onnx_bad (OnnxReader *reader, const OnnxNode *node, const char *format, ...)
{
  OnnxValue *value = onnx_value_new (reader, ONNX_BAD);
  g_autofree char *problem = NULL;
  va_list args;

  va_start (args, format);
  problem = g_strdup_vprintf (format, args);
  va_end (args);
  value->problem = onnx_text (reader, g_strconcat (node->label, ": ", problem, NULL));
  return value;
}

OnnxValue *
onnx_value_tensor (OnnxReader *reader, const OnnxNode *node, const OnnxTensor *tensor)
{
  OnnxValue *value;

  if (!tensor)
    return onnx_bad (reader, node, "expected constants that fit in memory, found more");
  value = onnx_value_new (reader, ONNX_TENSOR);
  value->tensor = tensor;
  return value;
}

int
onnx_atom_new (OnnxReader *reader, gint64 size, OnnxRole role)
{
  const OnnxAtom atom = {size, role};

  g_array_append_val (reader->atoms, atom);
  return (int) reader->atoms->len;
}

OnnxAtom *
onnx_atom (const OnnxReader *reader, int atom)
{
  return &g_array_index (reader->atoms, OnnxAtom, atom - 1);
}

const Onnx__AttributeProto *
onnx_attribute (const OnnxNode *node, const char *name)
{
  for (gsize i = 0; i < node->proto->n_attribute; i++)
    if (g_strcmp0 (node->proto->attribute[i]->name, name) == 0)
      return node->proto->attribute[i];
  return NULL;
}

gint64
onnx_get_int (const OnnxNode *node, const char *name, gint64 missing)
{
  const Onnx__AttributeProto *attribute = onnx_attribute (node, name);

  return attribute && attribute->has_i ? attribute->i : missing;
}

float
onnx_get_float (const OnnxNode *node, const char *name, float missing)
{
  const Onnx__AttributeProto *attribute = onnx_attribute (node, name);

  return attribute && attribute->has_f ? attribute->f : missing;
}

/* Returns: (transfer full) */
char *
onnx_get_string (const OnnxNode *node, const char *name, const char *missing)
{
  const Onnx__AttributeProto *attribute = onnx_attribute (node, name);
  g_autofree char *text = NULL;

  if (!attribute || !attribute->has_s)
    return g_strdup (missing);
  text = g_strndup ((const char *) attribute->s.data, attribute->s.len);
  return g_utf8_make_valid (text, -1);
}

/* Input @i if it is constant, or NULL */
const OnnxTensor *
onnx_in_tensor (const OnnxNode *node, guint i)
{
  const OnnxValue *value = i < node->n_in ? node->in[i] : NULL;

  return value && value->kind == ONNX_TENSOR ? value->tensor : NULL;
}

/* The same, of real numbers */
const OnnxTensor *
onnx_in_reals (const OnnxNode *node, guint i)
{
  const OnnxTensor *tensor = onnx_in_tensor (node, i);

  return tensor && !tensor->is_int ? tensor : NULL;
}
