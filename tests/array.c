/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "array.h"
#include <stdio.h>
#include <string.h>

TestArray
test_array_load (const char *dir, const char *file)
{
  g_autofree char *path = g_build_filename (dir, file, NULL);
  g_autofree char *content = NULL;
  g_autofree char *header = NULL;
  g_autoptr (GError) error = NULL;
  TestArray array = {.n = 1};
  gsize size, start;
  const char *shape;

  g_file_get_contents (path, &content, &size, &error);
  g_assert_no_error (error);
  g_assert_cmpmem (content, 8, "\x93NUMPY\x01\x00", 8);
  start = 10 + (guint8) content[8] + 256 * (gsize) (guint8) content[9];
  g_assert_cmpuint (start, <=, size);
  header = g_strndup (content + 10, start - 10);
  g_assert_nonnull (strstr (header, "'descr': '<f4', 'fortran_order': False"));
  shape = strstr (header, "'shape': (");
  g_assert_nonnull (shape);
  array.n_dims = (guint) sscanf (
      shape, "'shape': (%zu, %zu, %zu", &array.shape[0], &array.shape[1], &array.shape[2]);
  g_assert_cmpuint (array.n_dims, >, 0);
  for (guint i = 0; i < array.n_dims; i++)
    array.n *= array.shape[i];
  g_assert_cmpuint (size - start, ==, array.n * sizeof (float));
  array.values = g_memdup2 (content + start, size - start);
  return array;
}

void
test_array_clear (TestArray *array)
{
  g_clear_pointer (&array->values, g_free);
}
