/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "container/h5-file.h"
#include "util/small-floats.h"
#include "util/text.h"

#define MAX_BYTES ((gsize) 4 << 30) /* of a dataset */
#define MAX_CHUNK ((gsize) 1 << 30) /* of a chunk, counting float64 */
#define MAX_RATIO 1100              /* bytes for each deflated byte; deflate reaches 1032 */

/* Returns whether a dataset contains bfloat16, which HDF5 does not have: Keras stores opaque pairs
 * of bytes and the attribute dtype. */
static gboolean
is_bfloat16 (H5File *h5, const char *path, hid_t type)
{
  g_autoptr (GPtrArray) names = NULL;

  if (H5Tget_class (type) != H5T_OPAQUE || H5Tget_size (type) != 2)
    return FALSE;
  names = h5_file_get_strings (h5, path, "dtype", NULL);
  return names && names->len == 1 && g_str_equal (g_ptr_array_index (names, 0), "bfloat16");
}

static gboolean
check_location (const H5File *h5, const char *path, hid_t creation, GError **error)
{
  char name[256] = "";

  if (H5Pget_external_count (creation) == 0)
    return TRUE;
  H5Pget_external (creation, 0, sizeof name - 1, name, NULL, NULL);
  return h5_fail (h5, path, error,
      "storage: expected data in this file, found data in another file, \"%s\"", name);
}

/* Checks that memory suffices for each chunk. */
static gboolean
check_chunks (const H5File *h5, const char *path, hid_t creation, GError **error)
{
  g_autofree char *found = NULL;
  gsize shape[H5_MAX_DIMS], size = sizeof (double);
  gboolean fits = TRUE;
  hsize_t dims[H5_MAX_DIMS];
  int n_dims = H5Pget_chunk (creation, H5_MAX_DIMS, dims);

  if (n_dims < 1 || n_dims > H5_MAX_DIMS)
    return h5_fail (
        h5, path, error, "chunks: expected 1 to %d dimensions, found %d", H5_MAX_DIMS, n_dims);
  for (int i = 0; i < n_dims; i++) {
    shape[i] = (gsize) dims[i];
    fits = fits && g_size_checked_mul (&size, size, shape[i]) && size <= MAX_CHUNK;
  }
  if (fits)
    return TRUE;
  found = lstm_text_shape ((guint) n_dims, shape);
  return h5_fail (h5, path, error,
      "chunks: expected at most %" G_GSIZE_FORMAT " values, found shape %s",
      MAX_CHUNK / sizeof (double), found);
}

/* Checks that the file itself contains the @size bytes of a dataset, or the bytes to which deflate
 * can compress them. */
static gboolean
check_storage (const H5File *h5, const char *path, hid_t dataset, gsize size, GError **error)
{
  static const char *const layouts[] = {"compact", "contiguous", "chunked", "virtual"};
  H5_AUTO_ID creation = H5Dget_create_plist (dataset);
  int layout = creation < 0 ? H5D_LAYOUT_ERROR : H5Pget_layout (creation);
  gboolean is_known = layout >= 0 && layout < (int) G_N_ELEMENTS (layouts);
  gsize stored = MIN (H5Dget_storage_size (dataset), h5->size);

  G_STATIC_ASSERT (H5D_COMPACT == 0 && H5D_CONTIGUOUS == 1 && H5D_CHUNKED == 2
                   && H5D_VIRTUAL == G_N_ELEMENTS (layouts) - 1);
  if (!is_known || layout == H5D_VIRTUAL)
    return h5_fail (h5, path, error,
        "storage: expected compact, contiguous or chunked data, found %s data",
        is_known ? layouts[layout] : "unknown");
  if (!check_location (h5, path, creation, error))
    return FALSE;
  if (layout != H5D_CHUNKED)
    return stored == size
           || h5_fail (h5, path, error,
               "storage: expected %" G_GSIZE_FORMAT
               " bytes for the shape, found %" G_GSIZE_FORMAT,
               size, stored);
  if (!check_chunks (h5, path, creation, error))
    return FALSE;
  return size / MAX_RATIO <= stored
         || h5_fail (h5, path, error,
             "storage: expected at least %" G_GSIZE_FORMAT " bytes for the %" G_GSIZE_FORMAT
             " bytes of the shape, found %" G_GSIZE_FORMAT,
             size / MAX_RATIO, size, stored);
}

static gboolean
read_shape (const H5File *h5, const char *path, hid_t dataset, H5Array *array, GError **error)
{
  H5_AUTO_ID space = H5Dget_space (dataset);
  int n_dims = space < 0 ? -1 : H5Sget_simple_extent_ndims (space);
  gboolean is_simple = n_dims >= 0 && H5Sget_simple_extent_type (space) != H5S_NULL;
  gboolean fits = TRUE;
  g_autofree char *found = NULL;
  hsize_t dims[H5_MAX_DIMS] = {0};

  if (!is_simple)
    return h5_fail (h5, path, error,
        "shape: expected 0 to %d dimensions, found an empty or a broken dataset", H5_MAX_DIMS);
  if (n_dims > H5_MAX_DIMS || H5Sget_simple_extent_dims (space, dims, NULL) < 0)
    return h5_fail (
        h5, path, error, "shape: expected 0 to %d dimensions, found %d", H5_MAX_DIMS, n_dims);
  array->n_dims = (guint) n_dims;
  array->size = 1;
  for (int i = 0; i < n_dims; i++) {
    array->shape[i] = (gsize) dims[i];
    fits = fits && g_size_checked_mul (&array->size, array->size, array->shape[i])
           && array->size <= MAX_BYTES / sizeof (double);
  }
  if (fits)
    return TRUE;
  found = lstm_text_shape (array->n_dims, array->shape);
  return h5_fail (h5, path, error,
      "shape: expected at most %" G_GSIZE_FORMAT " values, found %s",
      MAX_BYTES / sizeof (double), found);
}

/* Converts the bfloat16 numbers at the start of @values [n] in place, from the last to the
 * first. */
static void
widen_bfloat16 (float *values, gsize n)
{
  const guint8 *bytes = (const guint8 *) values;

  for (gsize i = n; i-- > 0;)
    values[i] = lstm_float_from_bfloat16 ((guint16) (bytes[2 * i] | bytes[2 * i + 1] << 8));
}

static gboolean
check_type (const H5File *h5, const char *path, hid_t type, gboolean is_bf16, GError **error)
{
  if (!is_bf16 && H5Tget_class (type) != H5T_FLOAT)
    return h5_fail (h5, path, error,
        "type: expected floating-point numbers, found %s (quantised weights are not supported)",
        h5_get_type_name (type));
  return H5Tget_size (type) <= sizeof (double)
         || h5_fail (h5, path, error,
             "type: expected numbers of at most %" G_GSIZE_FORMAT
             " bytes, found %" G_GSIZE_FORMAT " bytes",
             sizeof (double), H5Tget_size (type));
}

static gboolean
read_values (const H5File *h5, const char *path, hid_t dataset, hid_t type, H5Array *array,
    GError **error)
{
  array->values = g_try_new (float, MAX (array->size, 1));
  if (!array->values)
    return h5_fail (h5, path, error,
        "values: expected memory for %" G_GSIZE_FORMAT " values, found too little",
        array->size);
  if (array->size == 0
      || H5Dread (dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, array->values) >= 0)
    return TRUE;
  g_clear_pointer (&array->values, g_free);
  return h5_fail (h5, path, error,
      "values: expected %" G_GSIZE_FORMAT " values, found data that is cut short or broken",
      array->size);
}

gboolean
h5_file_read (H5File *h5, const char *path, H5Array *array, GError **error)
{
  H5_AUTO_ID dataset = h5_open_object (h5, path, error);
  gboolean is_dataset = dataset >= 0 && H5Iget_type (dataset) == H5I_DATASET;
  H5_AUTO_ID type = is_dataset ? H5Dget_type (dataset) : -1;
  gboolean is_bf16;

  *array = (H5Array){0};
  if (dataset < 0)
    return FALSE;
  if (!is_dataset || type < 0)
    return h5_fail (
        h5, path, error, "expected a dataset, found %s", h5_get_object_name (dataset));
  is_bf16 = is_bfloat16 (h5, path, type);
  if (!check_type (h5, path, type, is_bf16, error)
      || !read_shape (h5, path, dataset, array, error)
      || !check_storage (h5, path, dataset, array->size * H5Tget_size (type), error)
      || !read_values (h5, path, dataset, is_bf16 ? type : H5T_NATIVE_FLOAT, array, error))
    return FALSE;
  if (is_bf16)
    widen_bfloat16 (array->values, array->size);
  return TRUE;
}
