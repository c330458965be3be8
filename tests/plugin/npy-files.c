/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "npy-files.h"
#include <string.h>

GByteArray *
npy_header_new (guint8 version, const gchar *text)
{
  GByteArray *bytes = g_byte_array_new ();
  const guint8 start[] = {0x93, 'N', 'U', 'M', 'P', 'Y', version, 0};
  const gsize length = strlen (text);
  const guint8 length_le[4] = {length & 0xff, length >> 8 & 0xff, length >> 16 & 0xff};

  g_byte_array_append (bytes, start, sizeof start);
  g_byte_array_append (bytes, length_le, version == 1 ? 2 : 4);
  g_byte_array_append (bytes, (const guint8 *) text, (guint) length);
  return bytes;
}

void
npy_write (const gchar *path, GByteArray *bytes)
{
  g_autoptr (GError) error = NULL;

  g_file_set_contents (path, (const gchar *) bytes->data, bytes->len, &error);
  g_assert_no_error (error);
  g_byte_array_unref (bytes);
}

void
npy_write_floats (const gchar *path, const gchar *shape, const gfloat *items, gsize n)
{
  g_autofree gchar *text = g_strdup_printf (
      "{'descr': '<f4', 'fortran_order': False, 'shape': %s, }\n", shape);
  GByteArray *bytes = npy_header_new (1, text);

  for (gsize i = 0; i < n; i++) {
    guint8 item[4];

    GST_WRITE_FLOAT_LE (item, items[i]);
    g_byte_array_append (bytes, item, sizeof item);
  }
  npy_write (path, bytes);
}

void
npy_write_numbers (const gchar *path, const gchar *shape, gsize n)
{
  g_autofree gfloat *items = g_new (gfloat, n + 1);

  for (gsize i = 0; i < n; i++)
    items[i] = (gfloat) i;
  npy_write_floats (path, shape, items, n);
}

void
npy_file_init (NpyFile *file, gconstpointer data)
{
  file->dir = test_dir_new ();
  file->path = g_build_filename (file->dir, "x.npy", NULL);
}

void
npy_file_clear (NpyFile *file, gconstpointer data)
{
  g_free (file->path);
  test_dir_remove (file->dir);
}
