/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "split/keras/weights.h"
#include "keras/graph.h"
#include "keras/weights-files.h"
#include <string.h>

typedef struct {
  KerasReader *reader;
  GHashTable *layers; /* KerasLayer, whose weights are necessary */
  GHashTable *paths;  /* KerasLayer → GPtrArray */
} Finder;

/* The names of weights in legacy files */
static const char *const known_names[] = {"kernel", "bias", "gamma", "beta", "moving_mean",
    "moving_variance", "depthwise_kernel", "pointwise_kernel", "alpha", "mean", "variance",
    "count", NULL};

/* Returns: (transfer full): the name of the variable in the path of a dataset: "kernel" in
 * "conv2d/kernel:0" */
static char *
get_variable_name (const char *path)
{
  const char *last = strrchr (path, '/');
  char *name = g_strdup (last ? last + 1 : path);
  gsize length = strcspn (name, ":");

  while (length > 0 && g_ascii_isdigit (name[length - 1]))
    length--;
  if (length > 0 && name[length] != '\0' && name[length - 1] == '_')
    length--;
  name[length] = '\0';
  return name;
}

/* Checks the name of the variable in a legacy file. The first version of Keras that wrote a class
 * may have other names; "depthwise_kernel" is "kernel" in Keras 3. */
static gboolean
check_name (
    const Finder *finder, const KerasLayer *layer, const char *path, const char *expected)
{
  g_autofree char *found = get_variable_name (path);

  return !g_strv_contains (known_names, found) || g_str_has_suffix (found, expected)
         || g_str_has_suffix (expected, found)
         || keras_fail (finder->reader, layer, CONVERT_ERROR_FILE,
             "weights: expected %s, found \"%s\"", expected, path);
}

static gboolean
check_names (const Finder *finder, const KerasLayer *layer, const GPtrArray *paths,
    const gboolean *has_weight)
{
  for (guint i = 0, n = 0; i < KERAS_MAX_WEIGHTS; i++)
    if (has_weight[i]
        && !check_name (
            finder, layer, g_ptr_array_index (paths, n++), layer->class->weights[i].name))
      return FALSE;
  return TRUE;
}

/* Finds the datasets of @layer, and checks that it has no more of them. */
static gboolean
find_layer (const Finder *finder, KerasLayer *layer)
{
  KerasReader *reader = finder->reader;
  g_autoptr (GPtrArray) paths = g_ptr_array_new_with_free_func (g_free);
  gboolean has_weight[KERAS_MAX_WEIGHTS];
  KerasArray arrays[KERAS_MAX_WEIGHTS] = {0};
  guint n = keras_count_weights (reader, layer, has_weight);

  for (guint i = 0, k = 0; i < KERAS_MAX_WEIGHTS; i++)
    if (has_weight[i])
      arrays[k++].name = layer->class->weights[i].name;
  if (n > 0
      && !(reader->is_legacy
               ? keras_find_legacy_datasets (reader, layer, n, paths)
               : keras_find_archive_datasets (reader, layer, NULL, arrays, n, paths)))
    return FALSE;
  if (reader->is_legacy && !check_names (finder, layer, paths, has_weight))
    return FALSE;
  g_hash_table_insert (finder->paths, layer, g_steal_pointer (&paths));
  return keras_check_weights_used (reader, layer);
}

/* Finds the datasets of the layers of @model in their order. */
static gboolean
find_model (const Finder *finder, const KerasModel *model)
{
  for (guint i = 0; i < model->layers->len; i++) {
    KerasLayer *layer = g_ptr_array_index (model->layers, i);

    if (layer->inner)
      layer = layer->inner;
    if (layer->model
            ? !find_model (finder, layer->model)
            : g_hash_table_contains (finder->layers, layer) && !find_layer (finder, layer))
      return FALSE;
  }
  return TRUE;
}

GHashTable *
keras_find_frame_weights (KerasCalls *calls)
{
  g_autoptr (GHashTable) layers = g_hash_table_new (NULL, NULL);
  g_autoptr (GHashTable)
      paths = g_hash_table_new_full (NULL, NULL, NULL, (GDestroyNotify) g_ptr_array_unref);
  const Finder finder = {calls->reader, layers, paths};

  for (guint i = 0; i < calls->calls->len; i++) {
    const KerasCall *call = keras_calls_get (calls, i);

    if (call->is_used && call->layer->class && call->layer->class->weights)
      g_hash_table_add (layers, call->layer);
  }
  return find_model (&finder, g_ptr_array_index (calls->reader->models, 0))
             ? g_steal_pointer (&paths)
             : NULL;
}

gboolean
keras_read_frame_weights (
    KerasReader *reader, KerasLayer *layer, const GPtrArray *paths, H5Array weights[])
{
  gboolean has_weight[KERAS_MAX_WEIGHTS];

  if (!paths)
    return TRUE;
  keras_count_weights (reader, layer, has_weight);
  for (guint i = 0, n = 0; i < KERAS_MAX_WEIGHTS; i++) {
    KerasArray array = {layer->class->weights[i].name};
    gboolean is_read;

    if (!has_weight[i])
      continue;
    is_read = keras_read_array (reader, layer, g_ptr_array_index (paths, n++), &array);
    weights[i].values = array.values;
    if (!is_read)
      return FALSE;
    weights[i].n_dims = array.n_found_dims;
    weights[i].size = array.shape[0];
    memcpy (weights[i].shape, array.found_shape, array.n_found_dims * sizeof (gsize));
  }
  return TRUE;
}
