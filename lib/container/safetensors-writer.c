/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "container/safetensors-writer.h"
#include <json-glib/json-glib.h>
#include <string.h>

#define ALIGNMENT 64       /* of the data, in bytes */
#define BLOCK (256 * 1024) /* bytes that are written at a time */

static gsize
count_values (const LstmTensorView *tensor)
{
  gsize n = 1;

  for (guint i = 0; i < tensor->n_dims; i++)
    n *= tensor->shape[i];
  return n;
}

static JsonArray *
sizes_to_json (const gsize *sizes, guint n)
{
  JsonArray *array = json_array_sized_new (n);

  for (guint i = 0; i < n; i++)
    json_array_add_int_element (array, (gint64) sizes[i]);
  return array;
}

static JsonObject *
make_entry (const LstmTensorView *tensor, gsize begin)
{
  const gsize offsets[] = {begin, begin + count_values (tensor) * sizeof (float)};
  JsonObject *entry = json_object_new ();

  json_object_set_string_member (entry, "dtype", "F32");
  json_object_set_array_member (entry, "shape", sizes_to_json (tensor->shape, tensor->n_dims));
  json_object_set_array_member (entry, "data_offsets", sizes_to_json (offsets, 2));
  return entry;
}

/* Sets @size to the number of bytes of all tensors. Returns: (transfer full): the header as JSON */
static char *
make_header (
    const char *const *metadata, const LstmTensorView *tensors, gsize n_tensors, guint64 *size)
{
  g_autoptr (JsonNode) root = json_node_new (JSON_NODE_OBJECT);
  JsonObject *header = json_object_new (), *texts = json_object_new ();

  for (; *metadata; metadata += 2)
    json_object_set_string_member (texts, metadata[0], metadata[1]);
  json_object_set_object_member (header, "__metadata__", texts);
  *size = 0;
  for (gsize i = 0; i < n_tensors; i++) {
    json_object_set_object_member (
        header, tensors[i].name, make_entry (&tensors[i], (gsize) *size));
    *size += count_values (&tensors[i]) * sizeof (float);
  }
  json_node_take_object (root, header);
  return json_to_string (root, FALSE);
}

GBytes *
lstm_safetensors_write_header (
    const char *const *metadata, const LstmTensorView *tensors, gsize n_tensors, guint64 *size)
{
  g_autofree char *header = make_header (metadata, tensors, n_tensors, size);
  const gsize length = strlen (header);
  const gsize padding = (ALIGNMENT - (sizeof (guint64) + length) % ALIGNMENT) % ALIGNMENT;
  const guint64 header_size = GUINT64_TO_LE (length + padding);
  guint8 *bytes = g_malloc (sizeof header_size + length + padding);

  memcpy (bytes, &header_size, sizeof header_size);
  memcpy (bytes + sizeof header_size, header, length);
  memset (bytes + sizeof header_size + length, ' ', padding);
  return g_bytes_new_take (bytes, sizeof header_size + length + padding);
}

/* Writes @n values of this machine's byte order. */
static gboolean
write_values (const float *values, gsize n, guint32 *block, LstmWrite write, gpointer target,
    GError **error)
{
  while (n > 0) {
    const gsize n_block = MIN (n, BLOCK / sizeof *block);

    memcpy (block, values, n_block * sizeof *block);
    for (gsize i = 0; i < n_block; i++)
      block[i] = GUINT32_TO_LE (block[i]);
    if (!write (target, block, n_block * sizeof *block, error))
      return FALSE;
    values += n_block;
    n -= n_block;
  }
  return TRUE;
}

static gboolean
write_part (const LstmTensorPart *part, guint32 *block, LstmWrite write, gpointer target,
    GError **error)
{
  guint64 at = part->offset, end = at + part->n * sizeof (guint32);

  while (at < end) {
    const gsize n = (gsize) MIN (end - at, BLOCK);

    if (!lstm_content_read (part->content, at, n, block, error)
        || !write (target, block, n, error))
      return FALSE;
    at += n;
  }
  return lstm_content_check (part->content, error);
}

gboolean
lstm_safetensors_write_tensor (
    const LstmTensorView *tensor, LstmWrite write, gpointer target, GError **error)
{
  g_autofree guint32 *block = g_malloc (BLOCK);

  if (tensor->values)
    return write_values (tensor->values, count_values (tensor), block, write, target, error);
  for (guint i = 0; i < tensor->n_parts; i++)
    if (!write_part (&tensor->parts[i], block, write, target, error))
      return FALSE;
  return TRUE;
}

/* Copies @data to the bytes at *@target, and moves the pointer. */
static gboolean
copy_bytes (gpointer target, const void *data, gsize n, GError **error)
{
  guint8 **at = target;

  memcpy (*at, data, n);
  *at += n;
  return TRUE;
}

GBytes *
lstm_safetensors_write (
    const char *const *metadata, const LstmTensorView *tensors, gsize n_tensors)
{
  guint64 size;
  g_autoptr (GBytes)
      header = lstm_safetensors_write_header (metadata, tensors, n_tensors, &size);
  const gsize begin = g_bytes_get_size (header);
  guint8 *bytes = g_malloc (begin + (gsize) size), *at = bytes;

  copy_bytes (&at, g_bytes_get_data (header, NULL), begin, NULL);
  for (gsize i = 0; i < n_tensors; i++)
    lstm_safetensors_write_tensor (&tensors[i], copy_bytes, &at, NULL);
  return g_bytes_new_take (bytes, begin + (gsize) size);
}
