/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common/flexible.h"
#include "common/dimensions.h"
#include "common/errors.h"
#include <string.h>

#define FORMAT GST_LSTM_STREAM (FORMAT)

/* The 32-bit fields of a header, in the machine's byte order */
enum {
  FIELD_MAGIC,
  FIELD_VERSION,
  FIELD_TYPE,
  FIELD_DIMENSION,
  FIELD_FORMAT = FIELD_DIMENSION + GST_LSTM_MAX_RANK,
  FIELD_MEDIA_TYPE,
  N_FIELDS,

  FIELD_N_MORE = 2 /* after MORE_TENSORS: the number of tensors after the first 16 */
};
#define MAGIC 0xfeedccedu
#define MORE_TENSORS 0xf00dc0deu /* the magic of memory 15 if it contains several tensors */
#define VERSION_MASK 0xfffff000u /* excludes the minor version */
#define VERSION 0xde001000u
#define FLEXIBLE 1 /* a format */
#define SPARSE 2   /* a format */
#define TENSOR 4   /* a media type */

gboolean
gst_lstm_flexible_matches (const GstStructure *s)
{
  return g_strcmp0 (gst_structure_get_string (s, "format"), "flexible") == 0;
}

GstStructure *
gst_lstm_flexible_make_structure (const GstLstmTensors *tensors)
{
  return gst_structure_new ("other/tensors", "format", G_TYPE_STRING, "flexible", "framerate",
      GST_TYPE_FRACTION, tensors->fps_n, tensors->fps_d, NULL);
}

/* Checks all fields except the dimensions. */
static gboolean
check_fields (const guint32 *fields, guint index, const GstLstmType **type, GError **error)
{
  if (fields[FIELD_MAGIC] == MORE_TENSORS)
    return gst_lstm_fail (error, FORMAT, "buffer: expected at most %d tensors, found %u",
        GST_LSTM_MAX_TENSORS, GST_LSTM_MAX_TENSORS + fields[FIELD_N_MORE]);
  if (fields[FIELD_MAGIC] != MAGIC || (fields[FIELD_VERSION] & VERSION_MASK) != VERSION)
    return gst_lstm_fail (error, FORMAT,
        "buffer: tensor %u: expected a header of flexible tensors that begins with %08x %08x, "
        "found %08x %08x",
        index, MAGIC, VERSION, fields[FIELD_MAGIC], fields[FIELD_VERSION]);
  if (fields[FIELD_FORMAT] >= SPARSE)
    return gst_lstm_fail (error, FORMAT,
        "buffer: tensor %u: header field format: expected 0 (static) or 1 (flexible), found "
        "%u%s",
        index, fields[FIELD_FORMAT], fields[FIELD_FORMAT] == SPARSE ? " (sparse)" : "");
  *type = gst_lstm_type_from_number (fields[FIELD_TYPE]);
  return *type
         || gst_lstm_fail (error, FORMAT,
             "buffer: tensor %u: header field type: expected 0 to 10, found %u", index,
             fields[FIELD_TYPE]);
}

/* Reads dimensions d:T:bs, which end at the first 0. */
static gboolean
read_dimensions (
    const guint32 *sizes, gsize d, guint index, GstLstmDimensions *dims, GError **error)
{
  *dims = GST_LSTM_DIMENSIONS_INIT;
  for (guint i = 0; i < GST_LSTM_MAX_RANK && sizes[i] > 0; i++)
    if (!gst_lstm_dimensions_add (dims, sizes[i], FALSE, d))
      return gst_lstm_fail (error, FORMAT,
          "buffer: tensor %u: header field dimension: expected 1 after d:T:bs, found %u as "
          "dimension %u",
          index, sizes[i], i);
  if (sizes[0] == 0)
    dims->size = 0;
  if (dims->size > 0 && (d == 0 || dims->size == d)
      && MAX (MAX (dims->size, dims->steps), dims->streams) <= G_MAXINT32)
    return TRUE;
  if (d == 0)
    return gst_lstm_fail (error, FORMAT,
        "buffer: tensor %u: header field dimension: expected sizes from 1 to %d, found "
        "%u:%u:%u",
        index, G_MAXINT32, dims->size, dims->steps, dims->streams);
  return gst_lstm_fail (error, FORMAT,
      "buffer: tensor %u: header field dimension: expected vectors of %" G_GSIZE_FORMAT
      " values, which the model needs, found %u:%u:%u",
      index, d, dims->size, dims->steps, dims->streams);
}

/* Checks that @bytes bytes are the values of @dims. */
static gboolean
check_bytes (const GstLstmDimensions *dims, const GstLstmType *type, guint index, gsize bytes,
    GError **error)
{
  const gsize vector_bytes = dims->size * type->size;

  return (bytes % vector_bytes == 0
             && bytes / vector_bytes == (guint64) dims->steps * dims->streams)
         || gst_lstm_fail (error, FORMAT,
             "buffer: tensor %u: expected %s values of dimensions %u:%u:%u after the header, "
             "found %" G_GSIZE_FORMAT " bytes",
             index, type->tensors, dims->size, dims->steps, dims->streams, bytes);
}

gboolean
gst_lstm_flexible_read (gconstpointer data, gsize bytes, guint index, gsize d,
    GstLstmTensors *tensor, const GstLstmType **type, GError **error)
{
  guint32 fields[N_FIELDS];
  GstLstmDimensions dims;

  if (bytes < GST_LSTM_HEADER_BYTES)
    return gst_lstm_fail (error, FORMAT,
        "buffer: tensor %u: expected a header of %d bytes, found %" G_GSIZE_FORMAT " bytes",
        index, GST_LSTM_HEADER_BYTES, bytes);
  memcpy (fields, data, sizeof fields);
  if (!check_fields (fields, index, type, error)
      || !read_dimensions (fields + FIELD_DIMENSION, d, index, &dims, error)
      || !check_bytes (&dims, *type, index, bytes - GST_LSTM_HEADER_BYTES, error))
    return FALSE;
  *tensor = (GstLstmTensors){.n_tensors = 1,
      .size = {dims.size},
      .n_rows = {1},
      .steps = dims.steps,
      .streams = dims.streams,
      .fps_n = tensor->fps_n,
      .fps_d = tensor->fps_d};
  return TRUE;
}

/* Reads the header of memory @index of @buffer into @tensor. */
static gboolean
read_memory (GstBuffer *buffer, guint index, GstLstmTensors *tensor, GError **error)
{
  const GstLstmType *type;
  GstMapInfo map;
  gboolean ok;

  if (!gst_buffer_map_range (buffer, index, 1, &map, GST_MAP_READ))
    return gst_lstm_fail_to_map (
        error, FORMAT, "for reading a header", gst_buffer_get_size (buffer));
  ok = gst_lstm_flexible_read (map.data, map.size, index, 0, tensor, &type, error);
  gst_buffer_unmap (buffer, &map);
  return ok
         && (type->number == GST_LSTM_TYPE_FLOAT32
             || gst_lstm_fail (error, FORMAT,
                 "buffer: tensor %u: header field type: expected float32, found %s", index,
                 type->tensors));
}

/* Adds @tensor as tensor @i of @tensors. */
static gboolean
add_tensor (GstLstmTensors *tensors, guint i, const GstLstmTensors *tensor, GError **error)
{
  if (i == 0) {
    *tensors = *tensor;
    return TRUE;
  }
  if (tensor->steps != tensors->steps || tensor->streams != tensors->streams)
    return gst_lstm_fail (error, FORMAT,
        "buffer: tensor %u: header field dimension: expected steps %u and streams %u, as in "
        "tensor 0, found %u:%u:%u",
        i, tensors->steps, tensors->streams, tensor->size[0], tensor->steps, tensor->streams);
  tensors->size[i] = tensor->size[0];
  tensors->n_rows[i] = 1;
  tensors->n_tensors++;
  return TRUE;
}

GstBuffer *
gst_lstm_flexible_remove_headers (GstBuffer *buffer, GstLstmTensors *tensors, GError **error)
{
  const guint n = gst_buffer_n_memory (buffer);
  g_autoptr (GstBuffer) result = gst_buffer_new ();
  GstLstmTensors tensor = *tensors;

  if (n == 0) {
    gst_lstm_fail (error, FORMAT, "buffer: expected at least 1 tensor, found 0");
    return NULL;
  }
  gst_buffer_copy_into (result, buffer, GST_BUFFER_COPY_METADATA, 0, -1);
  for (guint i = 0; i < n; i++) {
    if (!read_memory (buffer, i, &tensor, error) || !add_tensor (tensors, i, &tensor, error))
      return NULL;
    gst_buffer_append_memory (result,
        gst_memory_share (gst_buffer_peek_memory (buffer, i), GST_LSTM_HEADER_BYTES, -1));
  }
  return g_steal_pointer (&result);
}

void
gst_lstm_flexible_write (const GstLstmTensors *tensors, guint i, gpointer data)
{
  guint32 header[GST_LSTM_HEADER_BYTES / sizeof (guint32)] = {
      [FIELD_MAGIC] = MAGIC,
      [FIELD_VERSION] = VERSION,
      [FIELD_TYPE] = GST_LSTM_TYPE_FLOAT32,
      [FIELD_FORMAT] = FLEXIBLE,
      [FIELD_MEDIA_TYPE] = TENSOR,
  };
  guint n = FIELD_DIMENSION;

  header[n++] = tensors->size[i];
  if (tensors->n_rows[i] > 1)
    header[n++] = tensors->n_rows[i];
  header[n++] = tensors->steps;
  header[n] = tensors->streams;
  memcpy (data, header, sizeof header);
}
