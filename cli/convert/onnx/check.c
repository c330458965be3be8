/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "onnx/check.h"
#include "onnx/reader.h"

#define MAX_NESTING (8 * ONNX_MAX_DEPTH)
#define MAX_PARTS (1 << 20) /* messages, strings and byte arrays */
#define MAX_COPY G_MAXINT32 /* bytes; also the limit of protobuf */
#define MIN_STORED 1024     /* bytes of values that stay in the file */
#define BLOCK (64 * 1024)   /* bytes that are read at a time */
#define LENGTH_BYTES 5      /* of a length in the copy, a varint that is padded to this size */
#define RAW_DATA 9          /* the number of the field of TensorProto */

#define BROKEN "a message that is cut short or broken"

/* A model that is copied */
typedef struct {
  LstmContent *content;
  guint64 at;          /* the next byte to read */
  guint8 block[BLOCK]; /* the bytes from block_at on */
  guint64 block_at;
  gsize n_block;
  GByteArray *copy;
  GArray *stored;   /* OnnxStored; nullable */
  guint parts;      /* messages, strings and byte arrays that were read */
  GError *io_error; /* nullable */
} Copier;

/* --- Reading --- */

/* Reads the block that contains the next byte. */
static gboolean
read_block (Copier *copier)
{
  const guint64 left = lstm_content_get_size (copier->content) - copier->at;

  copier->block_at = copier->at;
  copier->n_block = (gsize) MIN (left, BLOCK);
  return lstm_content_read (
      copier->content, copier->at, copier->n_block, copier->block, &copier->io_error);
}

/* Makes the bytes from copier->at on available. Returns their number, at most @n; 0 after an
 * error. */
static gsize
peek_bytes (Copier *copier, guint64 n, const guint8 **bytes)
{
  if (copier->at < copier->block_at || copier->at >= copier->block_at + copier->n_block)
    if (!read_block (copier))
      return 0;
  *bytes = copier->block + (copier->at - copier->block_at);
  return (gsize) MIN (n, copier->n_block - (copier->at - copier->block_at));
}

static gboolean
read_varint (Copier *copier, guint64 end, guint64 *value)
{
  const guint8 *byte;

  *value = 0;
  for (guint shift = 0; shift < 70 && copier->at < end; shift += 7) {
    if (!peek_bytes (copier, 1, &byte))
      return FALSE;
    copier->at++;
    if (shift < 64)
      *value |= (guint64) (*byte & 0x7f) << shift;
    if (!(*byte & 0x80))
      return TRUE;
  }
  return FALSE;
}

/* --- Writing --- */

static void
write_varint (Copier *copier, guint64 value)
{
  guint8 bytes[10];
  guint n = 0;

  for (; value > 0x7f; value >>= 7)
    bytes[n++] = (guint8) (value | 0x80);
  bytes[n++] = (guint8) value;
  g_byte_array_append (copier->copy, bytes, n);
}

/* Overwrites the LENGTH_BYTES bytes at @at with the number of bytes that follow them. */
static void
write_length (GByteArray *copy, guint at)
{
  guint length = copy->len - at - LENGTH_BYTES;

  for (guint i = 0; i < LENGTH_BYTES; i++, length >>= 7)
    copy->data[at + i] = (guint8) ((length & 0x7f) | (i + 1 < LENGTH_BYTES ? 0x80 : 0));
}

/* Copies the next @n bytes. Returns: (nullable): the problem */
static const char *
copy_bytes (Copier *copier, guint64 n)
{
  if (n > MAX_COPY - copier->copy->len)
    return "a message of more than 2 GB";
  while (n > 0) {
    const guint8 *bytes;
    const gsize n_bytes = peek_bytes (copier, n, &bytes);

    if (!n_bytes)
      return BROKEN;
    g_byte_array_append (copier->copy, bytes, (guint) n_bytes);
    copier->at += n_bytes;
    n -= n_bytes;
  }
  return NULL;
}

/* Writes the index of the next @n bytes, which stay in the file. */
static void
store_bytes (Copier *copier, guint64 n)
{
  const OnnxStored stored = {copier->at, (gsize) n};
  const guint64 index = GUINT64_TO_LE ((guint64) copier->stored->len);

  g_array_append_val (copier->stored, stored);
  write_varint (
      copier, (guint64) ONNX_STORED_FIELD << 3 | PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED);
  write_varint (copier, sizeof index);
  g_byte_array_append (copier->copy, (const guint8 *) &index, sizeof index);
  copier->at += n;
}

/* --- Messages --- */

static const char *copy_message (
    Copier *copier, guint64 end, const ProtobufCMessageDescriptor *type, guint depth);

/* Copies a message within a message, which has @n bytes. */
static const char *
copy_inner (
    Copier *copier, guint64 tag, guint64 n, const ProtobufCMessageDescriptor *type, guint depth)
{
  static const guint8 length[LENGTH_BYTES] = {0};
  const char *problem;
  guint at;

  if (depth > MAX_NESTING)
    return "messages nested more than " G_STRINGIFY (ONNX_MAX_DEPTH) " graphs deep";
  write_varint (copier, tag);
  at = copier->copy->len;
  g_byte_array_append (copier->copy, length, LENGTH_BYTES);
  problem = copy_message (copier, copier->at + n, type, depth);
  write_length (copier->copy, at);
  return problem;
}

/* Copies a field of @n bytes: a message, a string, bytes or packed numbers. @type: of the message
 * that contains the field */
static const char *
copy_content (
    Copier *copier, guint64 tag, guint64 n, const ProtobufCMessageDescriptor *type, guint depth)
{
  const guint64 number = tag >> 3;
  const ProtobufCFieldDescriptor *field = number > G_MAXUINT32
                                              ? NULL
                                              : protobuf_c_message_descriptor_get_field (
                                                  type, (unsigned) number);
  const gboolean is_tensor = type == &onnx__tensor_proto__descriptor;
  const gboolean is_packed = field && field->type != PROTOBUF_C_TYPE_MESSAGE
                             && field->type != PROTOBUF_C_TYPE_STRING
                             && field->type != PROTOBUF_C_TYPE_BYTES;

  if (!is_packed && number <= G_MAXUINT32 && ++copier->parts > MAX_PARTS)
    return "more than a million messages and strings";
  if (field && field->type == PROTOBUF_C_TYPE_MESSAGE)
    return copy_inner (copier, tag, n, field->descriptor, depth + 1);
  if (is_tensor && number == RAW_DATA && copier->stored && n >= MIN_STORED) {
    store_bytes (copier, n);
    return NULL;
  }
  if (is_tensor && number == ONNX_STORED_FIELD) {
    copier->at += n;
    return NULL;
  }
  write_varint (copier, tag);
  write_varint (copier, n);
  return copy_bytes (copier, n);
}

/* Copies the fields of a message up to byte @end. Returns: (nullable): a description of a message
 * that is not accepted, or NULL */
static const char *
copy_message (Copier *copier, guint64 end, const ProtobufCMessageDescriptor *type, guint depth)
{
  static const guint fixed[] = {[PROTOBUF_C_WIRE_TYPE_64BIT] = 8, [5] = 4};
  const char *problem = NULL;

  while (!problem && copier->at < end) {
    guint64 tag, value;
    guint wire;

    if (!read_varint (copier, end, &tag))
      return BROKEN;
    wire = tag & 7;
    if (wire == PROTOBUF_C_WIRE_TYPE_VARINT || wire == PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED) {
      if (!read_varint (copier, end, &value))
        return BROKEN;
    } else if (wire >= G_N_ELEMENTS (fixed) || !fixed[wire] || fixed[wire] > end - copier->at) {
      return BROKEN;
    }
    if (wire == PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED) {
      if (value > end - copier->at)
        return BROKEN;
      problem = copy_content (copier, tag, value, type, depth);
      continue;
    }
    write_varint (copier, tag);
    if (wire == PROTOBUF_C_WIRE_TYPE_VARINT)
      write_varint (copier, value);
    else
      problem = copy_bytes (copier, fixed[wire]);
  }
  return problem;
}

GByteArray *
onnx_copy_model (const ConvertInput *input, GArray *stored, GError **error)
{
  g_autofree Copier *copier = g_new0 (Copier, 1);
  const char *problem;

  copier->content = input->content;
  copier->stored = stored;
  copier->copy = g_byte_array_new ();
  problem = copy_message (
      copier, lstm_content_get_size (input->content), &onnx__model_proto__descriptor, 0);
  if (!problem)
    return copier->copy;
  g_byte_array_unref (copier->copy);
  if (copier->io_error)
    g_propagate_error (error, copier->io_error);
  else
    g_set_error (error, CONVERT_ERROR, CONVERT_ERROR_FILE,
        "%s: content: expected an ONNX model, found %s", input->path, problem);
  return NULL;
}
