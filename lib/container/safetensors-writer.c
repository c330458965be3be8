/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "container/safetensors-writer.h"
#include <json-glib/json-glib.h>
#include <string.h>

#define ALIGNMENT 64 /* of the data, in bytes */

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
    const char *const *metadata, const LstmTensorView *tensors, gsize n_tensors, gsize *size)
{
  g_autoptr (JsonNode) root = json_node_new (JSON_NODE_OBJECT);
  JsonObject *header = json_object_new (), *texts = json_object_new ();

  for (; *metadata; metadata += 2)
    json_object_set_string_member (texts, metadata[0], metadata[1]);
  json_object_set_object_member (header, "__metadata__", texts);
  *size = 0;
  for (gsize i = 0; i < n_tensors; i++) {
    json_object_set_object_member (header, tensors[i].name, make_entry (&tensors[i], *size));
    *size += count_values (&tensors[i]) * sizeof (float);
  }
  json_node_take_object (root, header);
  return json_to_string (root, FALSE);
}

/* Returns the first byte after the values. */
static guint8 *
write_values (guint8 *to, const LstmTensorView *tensor)
{
  const gsize n = count_values (tensor);

  for (gsize i = 0; i < n; i++, to += sizeof (guint32)) {
    guint32 bits;

    memcpy (&bits, &tensor->values[i], sizeof bits);
    bits = GUINT32_TO_LE (bits);
    memcpy (to, &bits, sizeof bits);
  }
  return to;
}

GBytes *
lstm_safetensors_write (
    const char *const *metadata, const LstmTensorView *tensors, gsize n_tensors)
{
  gsize size;
  g_autofree char *header = make_header (metadata, tensors, n_tensors, &size);
  const gsize length = strlen (header);
  const gsize padding = (ALIGNMENT - (sizeof (guint64) + length) % ALIGNMENT) % ALIGNMENT;
  const guint64 header_size = GUINT64_TO_LE (length + padding);
  const gsize begin = sizeof header_size + length + padding;
  guint8 *bytes = g_malloc (begin + size), *at = bytes + begin;

  memcpy (bytes, &header_size, sizeof header_size);
  memcpy (bytes + sizeof header_size, header, length);
  memset (bytes + sizeof header_size + length, ' ', padding);
  for (gsize i = 0; i < n_tensors; i++)
    at = write_values (at, &tensors[i]);
  return g_bytes_new_take (bytes, begin + size);
}
