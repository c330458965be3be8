/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "container/json.h"
#include "keras/graph.h"
#include "keras/json.h"
#include "keras/recurrent.h"
#include "keras/weights-files.h"

static gboolean
read_attribute (KerasReader *reader, const char *group, const char *name, GPtrArray **strings)
{
  GError *cause = NULL;

  *strings = h5_get_strings (reader->h5, group, name, &cause);
  return !cause || keras_fail_with_cause (reader, NULL, cause);
}

gboolean
keras_read_root_attribute (KerasReader *reader, const char *name, GPtrArray **strings)
{
  return read_attribute (reader, reader->root, name, strings);
}

KerasDatasets *
keras_add_datasets (KerasReader *reader)
{
  KerasDatasets *datasets = g_new0 (KerasDatasets, 1);

  datasets->paths = g_ptr_array_new_with_free_func (g_free);
  g_ptr_array_add (reader->datasets, datasets);
  return datasets;
}

/* Reads the names of the datasets in the group @name of a layer.
 * Returns: (transfer none): NULL with an error */
static KerasDatasets *
read_datasets (KerasReader *reader, const char *name)
{
  g_autofree char *group = g_strconcat (reader->root, *reader->root ? "/" : "", name, NULL);
  g_autoptr (GPtrArray) names = NULL;
  KerasDatasets *datasets;

  if (!read_attribute (reader, group, "weight_names", &names))
    return NULL;
  datasets = keras_add_datasets (reader);
  for (guint i = 0; names && i < names->len; i++)
    g_ptr_array_add (
        datasets->paths, g_strconcat (group, "/", (char *) g_ptr_array_index (names, i), NULL));
  return datasets;
}

/* Returns whether the configuration replaces the weights of @class. */
static gboolean
has_config_weights (const KerasClass *class, JsonObject *config)
{
  return class->weights_key && keras_get_member (config, class->weights_key);
}

gboolean
keras_expects_weights (const KerasLayer *layer)
{
  if (!layer->class)
    return !keras_is_operation (layer);
  return layer->class->flags & KERAS_HAS_WEIGHTS
         && !has_config_weights (layer->class, layer->config);
}

static gboolean
is_frozen (const KerasLayer *layer)
{
  gboolean is_trained = TRUE;

  lstm_json_get_boolean (keras_get_member (layer->config, "trainable"), &is_trained);
  return !is_trained;
}

/* Returns whether Keras saves the weights of @layer, a nested model or a wrapper, in the order of
 * the layers in it, even if some of them are trained. That is so for each frozen layer in Keras 3,
 * and for frozen wrappers in TensorFlow. */
static gboolean
has_frozen_order (const KerasReader *reader, const KerasLayer *layer)
{
  gboolean is_wrapper = layer->class && layer->class->n_wrapped > 0;

  return is_frozen (layer) && (reader->version >= 30000 || (is_wrapper && reader->is_tf_keras));
}

/* Assigns the groups that contain weights to the layers that have weights, by rank. The names do
 * not match if another model has written the file. */
static gboolean
assign_by_rank (KerasReader *reader, GPtrArray *layers, GPtrArray *names)
{
  g_autoptr (GPtrArray) with_weights = g_ptr_array_new ();
  guint n = 0;

  for (guint i = 0; i < names->len; i++) {
    KerasDatasets *datasets = read_datasets (reader, g_ptr_array_index (names, i));

    if (!datasets)
      return FALSE;
    if (datasets->paths->len > 0)
      g_ptr_array_add (with_weights, datasets);
  }
  for (guint i = 0; i < layers->len; i++) {
    KerasLayer *layer = g_ptr_array_index (layers, i);

    if (keras_expects_weights (layer) && n++ < with_weights->len) {
      layer->datasets = g_ptr_array_index (with_weights, n - 1);
      layer->datasets->is_frozen = has_frozen_order (reader, layer);
    }
  }
  return n == with_weights->len
         || keras_fail (reader, NULL, CONVERT_ERROR_FILE,
             "weights: expected %u layers, as in the configuration, found %u", n,
             with_weights->len);
}

/* Assigns the groups to the layers of the model of the file: by name if each layer has a group,
 * otherwise by rank. */
static gboolean
assign_datasets (KerasReader *reader, GPtrArray *layers)
{
  g_autoptr (GHashTable) known = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GPtrArray) names = NULL;
  gboolean are_all_known = TRUE;

  if (!keras_read_root_attribute (reader, "layer_names", &names))
    return FALSE;
  for (guint i = 0; i < names->len; i++)
    g_hash_table_add (known, g_ptr_array_index (names, i));
  for (guint i = 0; i < layers->len; i++) {
    const KerasLayer *layer = g_ptr_array_index (layers, i);

    are_all_known &= !keras_expects_weights (layer)
                     || g_hash_table_contains (known, layer->name);
  }
  if (!are_all_known)
    return assign_by_rank (reader, layers, names);
  for (guint i = 0; i < layers->len; i++) {
    KerasLayer *layer = g_ptr_array_index (layers, i);

    if (!g_hash_table_contains (known, layer->name))
      continue;
    layer->datasets = read_datasets (reader, layer->name);
    if (!layer->datasets)
      return FALSE;
    layer->datasets->is_frozen = has_frozen_order (reader, layer);
  }
  return TRUE;
}

/* Returns the class that has the layer's weights: the class of the layer, or of the layer that it
 * wraps.
 * @config: set to the configuration of that class */
static const KerasClass *
get_weights_class (const KerasReader *reader, const KerasLayer *layer, JsonObject **config)
{
  gboolean is_wrapper = layer->class && layer->class->n_wrapped > 0;
  JsonObject *inner = is_wrapper ? keras_get_object (layer->config, "layer") : NULL;
  const char *name = keras_get_string (inner, "class_name");

  *config = name ? keras_get_object (inner, "config") : layer->config;
  return name ? keras_find_class (reader, name) : layer->class;
}

/* Returns the number of constants among the weights that the converter reads.
 * @n_unread: set to the number of variables that follow the weights */
static guint
count_constants (const KerasReader *reader, const KerasLayer *layer, guint *n_unread)
{
  JsonObject *config;
  const KerasClass *class = get_weights_class (reader, layer, &config);
  gboolean is_stateful = FALSE;

  *n_unread = 0;
  if (!class || has_config_weights (class, config))
    return 0;
  *n_unread = class->n_unread;
  lstm_json_get_boolean (keras_get_member (config, "stateful"), &is_stateful);
  if (reader->version >= 30000 && is_stateful)
    *n_unread += keras_count_states (class, config) * MAX (layer->class->n_wrapped, 1);
  return class->n_constants;
}

guint
keras_count_weights (KerasReader *reader, const KerasLayer *layer, gboolean has_weight[])
{
  const KerasClass *class = layer->class;
  guint n = 0;

  for (guint i = 0; i < KERAS_MAX_WEIGHTS; i++) {
    const char *key = class->weights[i].key;

    has_weight[i] = class->weights[i].name && !has_config_weights (class, layer->config);
    if (has_weight[i] && key)
      lstm_json_get_boolean (keras_get_member (layer->config, key), &has_weight[i]);
    n += has_weight[i];
  }
  return n;
}

/* Adds the weights of a frozen layer, or of the layer that a frozen layer wraps. */
static void
count_frozen (KerasReader *reader, const KerasLayer *layer)
{
  const KerasLayer *inner = layer->inner ? layer->inner : layer;
  gboolean has_weight[KERAS_MAX_WEIGHTS];
  guint n_unread;

  if (keras_is_model_class (inner->class_name)) /* whose layers count */
    return;
  if (!inner->class || !inner->class->weights)
    layer->datasets->has_uncounted = TRUE;
  else
    layer->datasets->n_frozen += keras_count_weights (reader, inner, has_weight);
  count_constants (reader, layer, &n_unread);
  layer->datasets->n_frozen += n_unread;
}

/* Returns the number of datasets that follow the trained weights of a nested model. */
static guint
count_all_constants (const KerasDatasets *datasets)
{
  return datasets->n_constants + (datasets->has_trained ? datasets->n_frozen : 0);
}

/* Adds the constants of a layer of a nested model. Keras saves all weights of frozen layers as
 * constants. If all layers are frozen, the weights are in the order of the layers. */
static gboolean
add_nested_layer (KerasReader *reader, KerasLayer *layer)
{
  KerasDatasets *datasets = layer->datasets;
  gboolean is_trained;
  guint n_unread;

  if (!datasets || !layer->class || !keras_expects_weights (layer))
    return TRUE;
  if (!keras_read_bool (reader, layer, layer->config, "trainable", TRUE, &is_trained))
    return FALSE;
  datasets->weights_layer = layer;
  is_trained &= !datasets->is_frozen;
  datasets->has_trained |= is_trained;
  if (is_trained)
    datasets->n_constants += count_constants (reader, layer, &n_unread) + n_unread;
  else
    count_frozen (reader, layer);
  if (datasets->has_trained && datasets->has_uncounted)
    return keras_fail (reader, layer, CONVERT_ERROR_UNSUPPORTED,
        "trainable: expected the same value in all layers of a nested model, whose weights "
        "have no clear order in HDF5 otherwise, found true and false; save the model as "
        ".keras");
  return TRUE;
}

/* Checks that a trained layer is not in a frozen model that is in another model. TensorFlow saves
 * its weights among the constants of the other model. */
static gboolean
check_owner (KerasReader *reader, const KerasLayer *owner, const KerasLayer *layer)
{
  return reader->version >= 30000 || !owner->is_nested || !is_frozen (owner)
         || is_frozen (layer) || !layer->class || !keras_expects_weights (layer)
         || keras_fail (reader, layer, CONVERT_ERROR_UNSUPPORTED,
             "trainable: expected false, as in the nested model \"%s\", found true; save the "
             "model as .keras",
             owner->name);
}

gboolean
keras_assign_legacy_datasets (KerasReader *reader, const KerasModel *model)
{
  if (!model->owner)
    return assign_datasets (reader, model->layers);
  for (guint i = 0; i < model->layers->len; i++) {
    KerasLayer *layer = g_ptr_array_index (model->layers, i);

    layer->datasets = model->owner->datasets;
    layer->is_nested = TRUE;
    if (!check_owner (reader, model->owner, layer) || !add_nested_layer (reader, layer))
      return FALSE;
  }
  return TRUE;
}

static gboolean
fail_count (KerasReader *reader, const KerasLayer *layer, guint expected, guint found)
{
  return keras_fail (reader, layer, CONVERT_ERROR_FILE,
      "weights: expected %u, as in the configuration, found %u", expected, found);
}

gboolean
keras_find_legacy_datasets (KerasReader *reader, KerasLayer *layer, guint n, GPtrArray *paths)
{
  KerasDatasets *datasets = layer->datasets;
  guint n_left = datasets ? datasets->paths->len - datasets->position : 0;
  guint n_all_constants = datasets ? count_all_constants (datasets) : 0;
  guint n_constants = 0, n_unread;

  if (n_all_constants > 0)
    n_constants = is_frozen (layer) ? n : count_constants (reader, layer, &n_unread);
  if (n_left < n || n_left < n - n_constants + n_all_constants
      || n_all_constants - datasets->constant_position < n_constants)
    return fail_count (reader, layer, n, n_left);
  for (guint i = 0; i < n; i++) {
    guint position = i < n - n_constants ? datasets->position++
                                         : datasets->paths->len - n_all_constants
                                               + datasets->constant_position++;

    g_ptr_array_add (paths, g_strdup (g_ptr_array_index (datasets->paths, position)));
  }
  return TRUE;
}

gboolean
keras_check_weights_used (KerasReader *reader, const KerasLayer *layer)
{
  KerasDatasets *datasets = layer->datasets;
  guint n_unread;

  if (!datasets)
    return TRUE;
  count_constants (reader, layer, &n_unread);
  if (count_all_constants (datasets) > 0)
    datasets->constant_position += n_unread;
  else
    datasets->position = MIN (datasets->position + n_unread, datasets->paths->len);
  return layer->is_nested || datasets->position == datasets->paths->len
         || fail_count (reader, layer, datasets->position + count_all_constants (datasets),
             datasets->paths->len);
}

gboolean
keras_check_nested_weights_used (KerasReader *reader)
{
  for (guint i = 0; i < reader->datasets->len; i++) {
    const KerasDatasets *datasets = g_ptr_array_index (reader->datasets, i);
    guint n_used = datasets->position + count_all_constants (datasets);

    if (datasets->weights_layer && n_used != datasets->paths->len)
      return fail_count (reader, datasets->weights_layer, n_used, datasets->paths->len);
  }
  return TRUE;
}
