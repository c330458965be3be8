/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "array.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

static float
read_f4 (const char *at)
{
  float value;

  memcpy (&value, at, sizeof value);
  return value;
}

static float
read_f8 (const char *at)
{
  double value;

  memcpy (&value, at, sizeof value);
  return (float) value;
}

static float
read_i4 (const char *at)
{
  gint32 value;

  memcpy (&value, at, sizeof value);
  return (float) value;
}

static float
read_u1 (const char *at)
{
  return (guint8) *at;
}

static const struct {
  const char *header;
  gsize size;
  float (*read) (const char *at);
} types[] = {
    {"'descr': '<f4', 'fortran_order': False", 4, read_f4},
    {"'descr': '<f8', 'fortran_order': False", 8, read_f8},
    {"'descr': '<i4', 'fortran_order': False", 4, read_i4},
    {"'descr': '|u1', 'fortran_order': False", 1, read_u1},
};

TestArray
test_array_load (const char *dir, const char *file)
{
  g_autofree char *path = g_build_filename (dir, file, NULL);
  g_autofree char *content = NULL;
  g_autofree char *header = NULL;
  g_autoptr (GError) error = NULL;
  TestArray array = {.n = 1};
  gsize size, start, *sizes = array.shape;
  const char *shape;
  guint type = 0;

  g_file_get_contents (path, &content, &size, &error);
  g_assert_no_error (error);
  g_assert_cmpmem (content, 8, "\x93NUMPY\x01\x00", 8);
  start = 10 + (guint8) content[8] + 256 * (gsize) (guint8) content[9];
  g_assert_cmpuint (start, <=, size);
  header = g_strndup (content + 10, start - 10);
  while (type < G_N_ELEMENTS (types) && !strstr (header, types[type].header))
    type++;
  g_assert_cmpuint (type, <, G_N_ELEMENTS (types));
  shape = strstr (header, "'shape': (");
  g_assert_nonnull (shape);
  array.n_dims = (guint) sscanf (
      shape, "'shape': (%zu, %zu, %zu, %zu", &sizes[0], &sizes[1], &sizes[2], &sizes[3]);
  g_assert_cmpuint (array.n_dims, >, 0);
  for (guint i = 0; i < array.n_dims; i++)
    array.n *= array.shape[i];
  g_assert_cmpuint (size - start, ==, array.n * types[type].size);
  array.values = g_new (float, array.n);
  for (gsize i = 0; i < array.n; i++)
    array.values[i] = types[type].read (content + start + i * types[type].size);
  return array;
}

void
test_array_clear (TestArray *array)
{
  g_clear_pointer (&array->values, g_free);
}

char *
test_read_text (const char *dir, const char *file)
{
  g_autofree char *path = g_build_filename (dir, file, NULL);
  char *text = NULL;

  return g_file_get_contents (path, &text, NULL, NULL) ? g_strchomp (text) : NULL;
}

TestArray
test_array_new (gsize bs, gsize steps, gsize n)
{
  const gsize size = bs * steps * n;

  return (TestArray){3, {bs, steps, n}, size, g_new0 (float, size)};
}

TestArray
test_array_load_axes (const char *dir, const char *file, const char *axes)
{
  static const char order[] = "BTLN";
  g_auto (TestArray) from = test_array_load (dir, file);
  gsize size[] = {1, 1, 1, 1}, stride[4] = {0}, step = 1;
  TestArray to;
  float *value;

  g_assert_cmpuint (from.n_dims, ==, strlen (axes));
  for (guint i = from.n_dims; i-- > 0; step *= from.shape[i]) {
    const gsize axis = (gsize) (strchr (order, axes[i]) - order);

    size[axis] = from.shape[i];
    stride[axis] = step;
  }
  to = test_array_new (size[0], size[1], size[2] * size[3]);
  value = to.values;
  for (gsize b = 0; b < size[0]; b++)
    for (gsize t = 0; t < size[1]; t++)
      for (gsize l = 0; l < size[2]; l++)
        for (gsize n = 0; n < size[3]; n++)
          *value++ = from.values[b * stride[0] + t * stride[1] + l * stride[2] + n * stride[3]];
  return to;
}

double
test_error (const float *found, const float *expected, gsize n)
{
  double worst = 0;

  for (gsize i = 0; i < n; i++) {
    double error = fabs ((double) found[i] - expected[i]) / fmax (1, fabs (expected[i]));

    if (isnan (error))
      error = isnan (found[i]) && isnan (expected[i]) ? 0 : INFINITY;
    worst = fmax (worst, error);
  }
  return worst;
}
