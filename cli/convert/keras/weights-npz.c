/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The weights of numpy.savez (file, *model.get_weights ()): arrays arr_0, arr_1 and so on, without
 * names of layers. The arrays have the order of the layers in the configuration. */
#include "keras/weights-files.h"
#include "util/text.h"
#include <string.h>

#define PREFIX "arr_"

/* Lists the layers in @layers that have weights. Returns: (transfer full) */
static GPtrArray *
list_weighted_layers (const GPtrArray *layers)
{
  GPtrArray *weighted = g_ptr_array_new ();

  for (guint i = 0; i < layers->len; i++)
    if (keras_expects_weights (g_ptr_array_index (layers, i)))
      g_ptr_array_add (weighted, g_ptr_array_index (layers, i));
  return weighted;
}

/* Checks that all layers with weights run, and in the order of the configuration. Arrays of other
 * layers could have the same shapes. */
static gboolean
check_order (KerasReader *reader)
{
  const KerasModel *model = g_ptr_array_index (reader->models, 0);
  g_autoptr (GPtrArray) all = list_weighted_layers (model->layers);
  g_autoptr (GPtrArray) chain = list_weighted_layers (reader->chain);

  if (reader->models->len > 1) {
    const KerasModel *nested = g_ptr_array_index (reader->models, 1);

    return keras_fail (reader, nested->owner, CONVERT_ERROR_UNSUPPORTED,
        "weights: expected a model without nested models, whose arrays have no certain order "
        "in "
        ".npz, found %u layers; save the model as .keras",
        nested->layers->len);
  }
  for (guint i = 0; i < all->len; i++) {
    const KerasLayer *expected = i < chain->len ? g_ptr_array_index (chain, i) : NULL;
    const KerasLayer *layer = g_ptr_array_index (all, i);

    if (layer != expected)
      return keras_fail (reader, layer, CONVERT_ERROR_UNSUPPORTED,
          "weights: expected layers that run in the order of the configuration, because the "
          "arrays in .npz have no names of layers, found %s instead of this layer; save the "
          "model as .keras",
          expected ? expected->name : "none");
  }
  return TRUE;
}

static gboolean
add_arrays (KerasReader *reader, KerasDatasets *datasets)
{
  g_autoptr (GPtrArray) names = npz_list (reader->npz);

  for (guint i = 0; i < names->len; i++) {
    g_autofree char *name = g_strdup_printf (PREFIX "%u", i);

    if (!g_ptr_array_find_with_equal_func (names, name, g_str_equal, NULL))
      return keras_fail (reader, NULL, CONVERT_ERROR_UNSUPPORTED,
          "arrays: expected " PREFIX "0 to " PREFIX "%u of numpy.savez (file, "
          "*model.get_weights ()), found no %s, but \"%s\"",
          names->len - 1, name, (char *) g_ptr_array_index (names, i));
    g_ptr_array_add (datasets->paths, g_steal_pointer (&name));
  }
  return TRUE;
}

gboolean
keras_assign_npz_arrays (KerasReader *reader)
{
  KerasDatasets *datasets = keras_add_datasets (reader);

  reader->is_legacy = TRUE;
  for (guint i = 0; i < reader->chain->len; i++) {
    KerasLayer *layer = g_ptr_array_index (reader->chain, i);

    layer->datasets = datasets;
    layer->is_nested = TRUE;
    datasets->weights_layer = layer;
  }
  return check_order (reader) && add_arrays (reader, datasets);
}
