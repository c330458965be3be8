/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "step-array.h"
#include <string.h>

StepArray
step_array_load (const gchar *path)
{
  TestArray in = test_array_load (path, NULL);
  gsize *last = &in.shape[in.n_dims - 1];

  g_assert_cmpuint (in.n_dims, >=, 2);
  return (StepArray){in.n_dims == 3 ? in.shape[0] : 1, last[-1], last[0], in.values};
}

gfloat *
step_array_copy (const StepArray *array, gsize streams, gsize first, gsize n)
{
  const gsize row = n * array->size;
  gfloat *items = g_new (gfloat, streams * row);

  g_assert_cmpuint (streams, <=, array->streams);
  g_assert_cmpuint (first + n, <=, array->length);
  for (gsize s = 0; s < streams; s++)
    memcpy (items + s * row, array->items + (s * array->length + first) * array->size, row * 4);
  return items;
}

void
assert_same_bits (const GArray *found, const GArray *expected)
{
  g_assert_cmpuint (found->len, ==, expected->len);
  for (guint i = 0; i < found->len; i++)
    g_assert_cmphex (
        g_array_index (found, guint32, i), ==, g_array_index (expected, guint32, i));
}

gchar *
get_vector_path (const gchar *folder, const gchar *file)
{
  g_autofree gchar *name = g_build_filename (
      strchr (folder, '/') ? "." : "lstm", folder, file, NULL);

  return test_vector_path (name);
}
