/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "container/h5-private.h"
#include "util/small-floats.h"
#include <string.h>

#define MAX_BYTES ((gsize) 4 << 30) /* of a dataset */
#define MAX_CHUNK ((gsize) 1 << 30) /* of a piece of it */
#define MAX_RATIO 1100              /* more than deflate can make of a byte */

/* HDF5 does not know the type: Keras stores opaque pairs of bytes and an attribute. */
static gboolean
is_bfloat16 (H5File *h5, const char *path, hid_t type)
{
  g_autoptr (GPtrArray) names = NULL;

  if (H5Tget_class (type) != H5T_OPAQUE || H5Tget_size (type) != 2)
    return FALSE;
  names = h5_file_get_strings (h5, path, "dtype", NULL);
  return names && names->len == 1 && g_str_equal (g_ptr_array_index (names, 0), "bfloat16");
}

/* The data must be in this file, and about as much of it as the shape says. */
static gboolean
check_storage (const H5File *h5, const char *path, hid_t dataset, gsize bytes, GError **error)
{
  H5_AUTO_ID creation = H5Dget_create_plist (dataset);
  H5D_layout_t layout = creation < 0 ? H5D_LAYOUT_ERROR : H5Pget_layout (creation);
  gsize stored = MIN (H5Dget_storage_size (dataset), h5->size), chunk = sizeof (double);
  hsize_t dims[H5_MAX_DIMS];
  int n_dims;

  if (layout != H5D_COMPACT && layout != H5D_CONTIGUOUS && layout != H5D_CHUNKED)
    return h5_fail (h5, path, error, "expected data in one piece or in chunks");
  if (H5Pget_external_count (creation) != 0)
    return h5_fail (h5, path, error, "the data is in another file, which is not read");
  if (layout != H5D_CHUNKED)
    return stored == bytes
           || h5_fail (h5, path, error,
               "expected %" G_GSIZE_FORMAT " bytes by the shape, found %" G_GSIZE_FORMAT, bytes,
               stored);
  n_dims = H5Pget_chunk (creation, H5_MAX_DIMS, dims);
  if (n_dims < 1 || n_dims > H5_MAX_DIMS)
    return h5_fail (h5, path, error, "its chunks have no shape");
  for (int i = 0; i < n_dims; i++)
    if (!g_size_checked_mul (&chunk, chunk, dims[i]) || chunk > MAX_CHUNK)
      return h5_fail (h5, path, error, "its chunks are too large");
  return bytes / MAX_RATIO <= stored
         || h5_fail (h5, path, error,
             "%" G_GSIZE_FORMAT " bytes by the shape cannot come of %" G_GSIZE_FORMAT " bytes",
             bytes, stored);
}

static gboolean
read_shape (const H5File *h5, const char *path, hid_t dataset, H5Array *array, GError **error)
{
  H5_AUTO_ID space = H5Dget_space (dataset);
  int n_dims = space < 0 ? -1 : H5Sget_simple_extent_ndims (space);
  hsize_t dims[H5_MAX_DIMS] = {0};

  if (n_dims < 0 || n_dims > H5_MAX_DIMS || H5Sget_simple_extent_type (space) == H5S_NULL
      || H5Sget_simple_extent_dims (space, dims, NULL) < 0)
    return h5_fail (h5, path, error, "expected an array of at most %d dimensions", H5_MAX_DIMS);
  array->n_dims = (guint) n_dims;
  array->size = 1;
  for (int i = 0; i < n_dims; i++) {
    array->shape[i] = (gsize) dims[i];
    if (!g_size_checked_mul (&array->size, array->size, array->shape[i])
        || array->size > MAX_BYTES / sizeof (double))
      return h5_fail (h5, path, error, "the shape is more than memory can hold");
  }
  return TRUE;
}

/* In place from the back: two bytes to four. */
static void
widen_bfloat16 (float *values, gsize n)
{
  const guint8 *bytes = (const guint8 *) values;

  for (gsize i = n; i-- > 0;)
    values[i] = lstm_float_from_bfloat16 ((guint16) (bytes[2 * i] | bytes[2 * i + 1] << 8));
}

gboolean
h5_file_read (H5File *h5, const char *path, H5Array *array, GError **error)
{
  H5_AUTO_ID dataset = h5_open_object (h5, path, error);
  gboolean is_dataset = dataset >= 0 && H5Iget_type (dataset) == H5I_DATASET;
  H5_AUTO_ID type = is_dataset ? H5Dget_type (dataset) : -1;
  gboolean wide;

  *array = (H5Array){0};
  if (dataset < 0)
    return FALSE;
  if (!is_dataset || type < 0)
    return h5_fail (h5, path, error, "expected a dataset");
  wide = is_bfloat16 (h5, path, type);
  if (!wide && H5Tget_class (type) != H5T_FLOAT)
    return h5_fail (h5, path, error,
        "expected floating-point numbers, found %s (quantised weights are not supported)",
        H5Tget_class (type) == H5T_INTEGER ? "integers" : "another type");
  if (H5Tget_size (type) > sizeof (double))
    return h5_fail (h5, path, error, "expected numbers of at most %d bytes", 8);
  if (!read_shape (h5, path, dataset, array, error)
      || !check_storage (h5, path, dataset, array->size * H5Tget_size (type), error))
    return FALSE;
  array->values = g_try_new (float, MAX (array->size, 1));
  if (!array->values)
    return h5_fail (h5, path, error, "no memory for %" G_GSIZE_FORMAT " values", array->size);
  if (array->size > 0
      && H5Dread (dataset, wide ? type : H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT,
             array->values)
             < 0) {
    g_clear_pointer (&array->values, g_free);
    return h5_fail (h5, path, error, "the data cannot be read: cut short or broken");
  }
  if (wide)
    widen_bfloat16 (array->values, array->size);
  return TRUE;
}
