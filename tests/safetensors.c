/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "safetensors.h"
#include <string.h>

TestSafetensors
test_safetensors_begin (const char *metadata)
{
  TestSafetensors st = {g_string_new ("{"), g_byte_array_new ()};

  if (metadata)
    g_string_append_printf (st.header, "\"__metadata__\":%s", metadata);
  return st;
}

static void
append_data (GByteArray *array, const void *data, gsize size)
{
  const guint begin = array->len;

  if (data) {
    g_byte_array_append (array, data, (guint) size);
    return;
  }
  g_byte_array_set_size (array, (guint) (begin + size));
  if (size > 0)
    memset (array->data + begin, 0, size);
}

void
test_safetensors_add (TestSafetensors *st, const char *name, guint n_dims, const gsize *shape,
    const float *values)
{
  const guint begin = st->data->len;
  gsize n = 1;

  g_string_append_printf (st->header, "%s\"%s\":{\"dtype\":\"F32\",\"shape\":[",
      st->header->len > 1 ? "," : "", name);
  for (guint i = 0; i < n_dims; i++) {
    g_string_append_printf (st->header, i ? ",%" G_GSIZE_FORMAT : "%" G_GSIZE_FORMAT, shape[i]);
    n *= shape[i];
  }
  append_data (st->data, values, n * sizeof *values);
  g_string_append_printf (st->header, "],\"data_offsets\":[%u,%u]}", begin, st->data->len);
}

GBytes *
test_safetensors_finish (TestSafetensors *st)
{
  GBytes *file;

  g_string_append_c (st->header, '}');
  file = test_safetensors_join (st->header->str, st->data->data, st->data->len);
  g_string_free (st->header, TRUE);
  g_byte_array_unref (st->data);
  return file;
}

GBytes *
test_safetensors_join (const char *header, const void *data, gsize size)
{
  const guint64 length = GUINT64_TO_LE ((guint64) strlen (header));
  GByteArray *file = g_byte_array_new ();

  g_byte_array_append (file, (const guint8 *) &length, sizeof length);
  g_byte_array_append (file, (const guint8 *) header, (guint) strlen (header));
  append_data (file, data, size);
  return g_byte_array_free_to_bytes (file);
}
