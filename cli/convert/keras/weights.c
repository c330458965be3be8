/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "keras/weights-files.h"
#include "util/text.h"
#include <math.h>
#include <string.h>

void
keras_array_clear (KerasArray *array)
{
  g_clear_pointer (&array->values, g_free);
}

static gboolean
fail_root (KerasReader *reader)
{
  g_autofree char *found = keras_list_members (reader, "");

  return keras_fail (reader, NULL, CONVERT_ERROR_FILE,
      "HDF5 \"/\": expected the attribute layer_names or the group layers of a Keras file, "
      "found %s",
      found);
}

/* Finds the group of the weights, and sets the layout of the file. */
static gboolean
find_root (KerasReader *reader)
{
  static const char *const roots[] = {"model_weights", ""};
  g_autoptr (GPtrArray) names = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (roots) && !names; i++) {
    if (*roots[i] && !h5_exists (reader->h5, roots[i]))
      continue;
    reader->root = roots[i];
    if (!keras_read_root_attribute (reader, "layer_names", &names))
      return FALSE;
  }
  reader->is_legacy = names != NULL;
  if (reader->is_legacy)
    return TRUE;
  return keras_read_flat_groups (reader)
         && (keras_has_archive_groups (reader) || fail_root (reader));
}

/* Sets the weights of the layer that @layer wraps. */
static void
assign_inner_weights (const KerasReader *reader, const KerasLayer *layer)
{
  KerasLayer *inner = layer->inner;

  inner->datasets = layer->datasets;
  inner->is_nested = layer->is_nested;
  if (!reader->is_legacy)
    inner->group = g_strconcat (layer->group, "/", layer->class->part, NULL);
}

gboolean
keras_open_weights (KerasReader *reader)
{
  if (reader->npz)
    return keras_assign_npz_arrays (reader);
  if (!find_root (reader))
    return FALSE;
  for (guint i = 0; i < reader->models->len; i++) {
    const KerasModel *model = g_ptr_array_index (reader->models, i);

    if (!(reader->is_legacy ? keras_assign_legacy_datasets (reader, model)
                            : keras_assign_archive_groups (reader, model)))
      return FALSE;
    for (guint k = 0; k < model->layers->len; k++) {
      const KerasLayer *layer = g_ptr_array_index (model->layers, k);

      if (layer->inner)
        assign_inner_weights (reader, layer);
    }
  }
  return TRUE;
}

static gboolean
fail_shape (
    KerasReader *reader, const KerasLayer *layer, const KerasArray *array, const H5Array *found)
{
  g_autofree char *found_shape = lstm_text_shape (found->n_dims, found->shape);
  g_autofree char *expected_shape = NULL;
  gsize sizes[G_N_ELEMENTS (array->shape)];

  for (guint i = 0; i < array->n_dims; i++)
    sizes[i] = array->shape[i] ? array->shape[i] : LSTM_TEXT_ANY_SIZE;
  expected_shape = lstm_text_shape (array->n_dims, sizes);
  return keras_fail (reader, layer, CONVERT_ERROR_FILE, "%s: expected %s%s, found %s%s",
      array->name, array->n_dims ? "shape " : "at least one value",
      array->n_dims ? expected_shape : "", array->n_dims ? "" : "shape ", found_shape);
}

/* Sets the shape of @array to the shape of @found, if that is the expected shape. */
static gboolean
check_shape (
    KerasReader *reader, const KerasLayer *layer, const H5Array *found, KerasArray *array)
{
  gboolean fits = array->n_dims == 0 || array->n_dims == found->n_dims;

  array->n_found_dims = found->n_dims;
  memcpy (array->found_shape, found->shape, found->n_dims * sizeof *found->shape);
  for (guint i = 0; fits && i < array->n_dims; i++)
    fits = found->shape[i] > 0 && (array->shape[i] == 0 || array->shape[i] == found->shape[i]);
  if (!fits || found->size == 0)
    return fail_shape (reader, layer, array, found);
  array->shape[0] = array->n_dims ? found->shape[0] : found->size;
  if (array->n_dims == 2)
    array->shape[1] = found->shape[1];
  return TRUE;
}

gboolean
keras_read_array (
    KerasReader *reader, const KerasLayer *layer, const char *path, KerasArray *array)
{
  GError *cause = NULL;
  H5Array found;

  if (!(reader->npz ? npz_read (reader->npz, path, &found, &cause)
                    : h5_read (reader->h5, path, &found, &cause)))
    return keras_fail_with_cause (reader, layer, cause);
  array->values = found.values;
  if (!check_shape (reader, layer, &found, array))
    return FALSE;
  for (gsize i = 0; i < found.size; i++)
    if (!isfinite (array->values[i]))
      return keras_fail (reader, layer, CONVERT_ERROR_FILE,
          "%s (\"%s%s\"): expected finite float32 values, found %g at index %" G_GSIZE_FORMAT,
          array->name, reader->npz ? "" : "/", path, (double) array->values[i], i);
  return TRUE;
}

gboolean
keras_read_weights (
    KerasReader *reader, KerasLayer *layer, const char *part, KerasArray *arrays, guint n)
{
  g_autoptr (GPtrArray) paths = g_ptr_array_new_with_free_func (g_free);

  if (!(reader->is_legacy
              ? keras_find_legacy_datasets (reader, layer, n, paths)
              : keras_find_archive_datasets (reader, layer, part, arrays, n, paths)))
    return FALSE;
  for (guint i = 0; i < n; i++)
    if (!keras_read_array (reader, layer, g_ptr_array_index (paths, i), &arrays[i]))
      return FALSE;
  return TRUE;
}

float *
keras_transpose_kernel (const float *kernel, gsize d, gsize n)
{
  float *weight = g_new (float, d *n);

  for (gsize i = 0; i < d; i++)
    for (gsize j = 0; j < n; j++)
      weight[j * d + i] = kernel[i * n + j];
  return weight;
}
