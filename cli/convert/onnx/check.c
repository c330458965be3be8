/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "onnx/check.h"
#include "onnx/reader.h"

#define MAX_NESTING (8 * ONNX_MAX_DEPTH)
#define MAX_PARTS (1 << 20) /* messages, strings and byte arrays */

typedef struct {
  const guint8 *at, *end;
} Bytes;

static gboolean
read_varint (Bytes *bytes, guint64 *value)
{
  *value = 0;
  for (guint shift = 0; shift < 70 && bytes->at < bytes->end; shift += 7) {
    guint8 byte = *bytes->at++;

    if (shift < 64)
      *value |= (guint64) (byte & 0x7f) << shift;
    if (!(byte & 0x80))
      return TRUE;
  }
  return FALSE;
}

static gboolean
skip_bytes (Bytes *bytes, guint64 n)
{
  if (n > (gsize) (bytes->end - bytes->at))
    return FALSE;
  bytes->at += n;
  return TRUE;
}

/* Skips the content of a field of wire type @wire. Sets *content if the field has a length.
 * Returns FALSE if the content is cut short. */
static gboolean
read_field (Bytes *bytes, guint wire, Bytes *content)
{
  static const guint64 fixed[] = {[PROTOBUF_C_WIRE_TYPE_64BIT] = 8, [5] = 4};
  guint64 value;

  *content = (Bytes){NULL, NULL};
  if (wire == PROTOBUF_C_WIRE_TYPE_VARINT)
    return read_varint (bytes, &value);
  if (wire != PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED)
    return wire < G_N_ELEMENTS (fixed) && fixed[wire] && skip_bytes (bytes, fixed[wire]);
  if (!read_varint (bytes, &value))
    return FALSE;
  content->at = bytes->at;
  content->end = bytes->at + MIN (value, (gsize) (bytes->end - bytes->at));
  return skip_bytes (bytes, value);
}

/* Returns: (nullable): a description of a message that is not accepted, or NULL */
static const char *
check_message (Bytes bytes, const ProtobufCMessageDescriptor *type, guint depth, guint *parts)
{
  while (bytes.at < bytes.end) {
    const ProtobufCFieldDescriptor *field;
    const char *problem;
    guint64 tag;
    Bytes content;

    if (!read_varint (&bytes, &tag) || !read_field (&bytes, tag & 7, &content))
      return "a message that is cut short or broken";
    if (!content.at || tag >> 3 > G_MAXUINT32)
      continue;
    field = protobuf_c_message_descriptor_get_field (type, (unsigned) (tag >> 3));
    if (field && field->type != PROTOBUF_C_TYPE_MESSAGE && field->type != PROTOBUF_C_TYPE_STRING
        && field->type != PROTOBUF_C_TYPE_BYTES)
      continue; /* packed numbers */
    if (++*parts > MAX_PARTS)
      return "more than a million messages and strings";
    if (!field || field->type != PROTOBUF_C_TYPE_MESSAGE)
      continue;
    if (depth == MAX_NESTING)
      return "messages nested more than " G_STRINGIFY (ONNX_MAX_DEPTH) " graphs deep";
    if ((problem = check_message (content, field->descriptor, depth + 1, parts)))
      return problem;
  }
  return NULL;
}

gboolean
onnx_check_bytes (const ConvertInput *input, GError **error)
{
  guint parts = 0;
  const char *problem = check_message ((Bytes){input->data, input->data + input->size},
      &onnx__model_proto__descriptor, 0, &parts);

  if (!problem)
    return TRUE;
  g_set_error (error, CONVERT_ERROR, CONVERT_ERROR_FILE,
      "%s: content: expected an ONNX model, found %s", input->path, problem);
  return FALSE;
}
