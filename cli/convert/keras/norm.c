/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Layers that scale: all but LayerNormalization become (x - mean) scale + offset. */
#include "keras/keras.h"
#include <math.h>
#include <string.h>

#define EPSILON 1e-7 /* of Normalization */
#define MAX_VALUES 1000000
#define MAX_LEVELS 8 /* of arrays in arrays */

typedef struct {
  const char *suffix;
  double otherwise;
  float *values; /* [n], or NULL: the default */
} Factor;

/* Takes the values. A single one is a number, which fits any width. */
static void
add_normalization (
    KerasReader *reader, KerasLayer *layer, gsize n, float *mean, float *scale, float *offset)
{
  const Factor factors[] = {{"mean", 0, mean}, {"scale", 1, scale}, {"offset", 0, offset}};
  JsonObject *object = convert_model_add_layer (reader->model, "normalization", layer->name);

  for (guint i = 0; i < G_N_ELEMENTS (factors); i++) {
    const Factor *factor = &factors[i];

    if (!factor->values)
      continue;
    if (n > 1) {
      convert_model_add_tensor (reader->model, object, factor->suffix, 1, &n, factor->values);
      continue;
    }
    if ((double) factor->values[0] != factor->otherwise)
      json_object_set_double_member (object, factor->suffix, (double) factor->values[0]);
    g_free (factor->values);
  }
}

static gboolean
check_axis (KerasReader *reader, const KerasLayer *layer)
{
  JsonNode *axis = keras_get (layer->config, "axis");

  return !axis || keras_axis_is_last (reader, axis)
         || keras_fail (reader, layer, CONVERT_ERROR_UNSUPPORTED,
             "class %s over another axis than the features is not supported",
             layer->class_name);
}

/* The weights that are there, in Keras's order; the others stay without values. */
static gboolean
read_chosen (
    KerasReader *reader, KerasLayer *layer, KerasArray *all, const gboolean *chosen, guint n)
{
  KerasArray arrays[4] = {0};
  guint n_arrays = 0;
  gboolean read;

  for (guint i = 0; i < n; i++)
    if (chosen[i])
      arrays[n_arrays++] = all[i];
  read = keras_weights_read (reader, layer, layer->class->part, arrays, n_arrays, 0);
  n_arrays = 0;
  for (guint i = 0; i < n; i++)
    if (chosen[i])
      all[i] = arrays[n_arrays++];
  for (guint i = 0; read && i < n_arrays; i++)
    read = keras_check_width (reader, layer, arrays[i].what, arrays[i].shape[0]);
  return read;
}

static gboolean
check_not_set (KerasReader *reader, const KerasLayer *layer, const char *key)
{
  gboolean value;

  return keras_get_bool (reader, layer, layer->config, key, FALSE, &value)
         && (!value
             || keras_fail (reader, layer, CONVERT_ERROR_UNSUPPORTED,
                 "class %s with %s=True is not supported", layer->class_name, key));
}

gboolean
keras_convert_batch_normalization (KerasReader *reader, KerasLayer *layer)
{
  KerasArray all[] = {{"gamma", 1, {0}}, {"beta", 1, {0}}, {"moving_mean", 1, {0}},
      {"moving_variance", 1, {0}}};
  g_autofree float *scale = NULL, *offset = NULL, *mean = NULL, *variance = NULL;
  gboolean chosen[] = {TRUE, TRUE, TRUE, TRUE}, read;
  double epsilon;
  gsize n;

  if (!keras_get_bool (reader, layer, layer->config, "scale", TRUE, &chosen[0])
      || !keras_get_bool (reader, layer, layer->config, "center", TRUE, &chosen[1])
      || !keras_get_number (reader, layer, layer->config, "epsilon", 1e-3, &epsilon)
      || !check_not_set (reader, layer, "renorm") || !check_axis (reader, layer))
    return FALSE;
  read = read_chosen (reader, layer, all, chosen, G_N_ELEMENTS (all));
  scale = all[0].values;
  offset = all[1].values;
  mean = all[2].values;
  variance = all[3].values;
  if (!read)
    return FALSE;
  n = all[3].shape[0];
  for (gsize i = 0; i < n; i++) {
    if (!((double) variance[i] + epsilon > 0))
      return keras_fail (reader, layer, CONVERT_ERROR_FILE,
          "moving_variance: expected values from 0 on, found %g", (double) variance[i]);
    variance[i] = (float) ((scale ? (double) scale[i] : 1)
                           / sqrt ((double) variance[i] + epsilon));
  }
  add_normalization (reader, layer, n, g_steal_pointer (&mean), g_steal_pointer (&variance),
      g_steal_pointer (&offset));
  return TRUE;
}

gboolean
keras_convert_layer_normalization (KerasReader *reader, KerasLayer *layer)
{
  KerasArray all[] = {{"gamma", 1, {0}}, {"beta", 1, {0}}};
  gboolean chosen[] = {TRUE, TRUE}, read = TRUE;
  JsonObject *object;
  double epsilon;

  if (!keras_get_bool (reader, layer, layer->config, "scale", TRUE, &chosen[0])
      || !keras_get_bool (reader, layer, layer->config, "center", TRUE, &chosen[1])
      || !keras_get_number (reader, layer, layer->config, "epsilon", 1e-3, &epsilon)
      || !check_not_set (reader, layer, "rms_scaling") || !check_axis (reader, layer))
    return FALSE;
  if (chosen[0] || chosen[1])
    read = read_chosen (reader, layer, all, chosen, G_N_ELEMENTS (all));
  if (read) {
    object = convert_model_add_layer (reader->model, "layer_normalization", layer->name);
    json_object_set_double_member (object, "epsilon", epsilon);
  }
  for (guint i = 0; i < G_N_ELEMENTS (all); i++)
    if (read && chosen[i])
      convert_model_add_tensor (
          reader->model, object, all[i].what, 1, all[i].shape, all[i].values);
    else
      keras_array_clear (&all[i]);
  return read;
}

static gboolean
gather (JsonNode *node, GArray *values, guint level)
{
  JsonArray *array;

  if (keras_is_number (node)) {
    float value = (float) json_node_get_double (node);

    g_array_append_val (values, value);
    return isfinite (value);
  }
  if (!JSON_NODE_HOLDS_ARRAY (node) || level > MAX_LEVELS)
    return FALSE;
  array = json_node_get_array (node);
  for (guint i = 0; i < json_array_get_length (array); i++)
    if (values->len > MAX_VALUES
        || !gather (json_array_get_element (array, i), values, level + 1))
      return FALSE;
  return values->len > 0;
}

/* A number, or numbers in arrays whose sizes but one are 1, as @array. */
static gboolean
get_values (KerasReader *reader, const KerasLayer *layer, const char *key, KerasArray *array)
{
  g_autoptr (GArray) values = g_array_new (FALSE, FALSE, sizeof (float));
  JsonNode *node = keras_get (layer->config, key);

  if (!node || !gather (node, values, 0))
    return keras_fail (reader, layer, CONVERT_ERROR_FILE,
        "expected a finite number or an array of them for \"%s\"", key);
  array->shape[0] = values->len;
  array->values = g_memdup2 (values->data, values->len * sizeof (float));
  return TRUE;
}

/* Both arrays to the same length, which is 1 or the layer's width. */
static gboolean
match (KerasReader *reader, const KerasLayer *layer, KerasArray *a, KerasArray *b, gsize *n)
{
  KerasArray *shorter = a->shape[0] < b->shape[0] ? a : b;
  float value = shorter->values[0];

  *n = MAX (a->shape[0], b->shape[0]);
  if (*n > 1 && !keras_check_width (reader, layer, shorter == a ? b->what : a->what, *n))
    return FALSE;
  if (shorter->shape[0] == *n)
    return TRUE;
  if (shorter->shape[0] != 1)
    return keras_fail (reader, layer, CONVERT_ERROR_FILE,
        "expected as many values of %s as of %s, found %" G_GSIZE_FORMAT
        " and %" G_GSIZE_FORMAT,
        a->what, b->what, a->shape[0], b->shape[0]);
  g_free (shorter->values);
  shorter->values = g_new (float, *n);
  shorter->shape[0] = *n;
  for (gsize i = 0; i < *n; i++)
    shorter->values[i] = value;
  return TRUE;
}

/* Mean and variance are in the configuration, or were adapted and are weights: mean, variance,
 * count. */
static gboolean
read_statistics (KerasReader *reader, KerasLayer *layer, KerasArray *mean, KerasArray *variance)
{
  KerasArray arrays[] = {*mean, *variance};
  gboolean read;

  if (keras_get (layer->config, "mean"))
    return get_values (reader, layer, "mean", mean)
           && get_values (reader, layer, "variance", variance);
  read = keras_weights_read (reader, layer, layer->class->part, arrays, 2, 1);
  *mean = arrays[0];
  *variance = arrays[1];
  return read;
}

gboolean
keras_convert_normalization (KerasReader *reader, KerasLayer *layer)
{
  g_auto (KerasArray) mean = {"mean", 0, {0}}, variance = {"variance", 0, {0}};
  gboolean invert;
  gsize n;

  if (!keras_get_bool (reader, layer, layer->config, "invert", FALSE, &invert)
      || !read_statistics (reader, layer, &mean, &variance)
      || !match (reader, layer, &mean, &variance, &n) || (n > 1 && !check_axis (reader, layer)))
    return FALSE;
  for (gsize i = 0; i < n; i++) {
    double deviation = MAX (sqrt ((double) variance.values[i]), EPSILON);

    if (!(variance.values[i] >= 0))
      return keras_fail (reader, layer, CONVERT_ERROR_FILE,
          "variance: expected values from 0 on, found %g", (double) variance.values[i]);
    variance.values[i] = (float) (invert ? deviation : 1 / deviation);
  }
  add_normalization (reader, layer, n, invert ? NULL : mean.values, variance.values,
      invert ? mean.values : NULL);
  mean.values = variance.values = NULL;
  return TRUE;
}

/* x scale + offset */
gboolean
keras_convert_rescaling (KerasReader *reader, KerasLayer *layer)
{
  g_auto (KerasArray) scale = {"scale", 0, {0}}, offset = {"offset", 0, {0}};
  gsize n;

  if (!get_values (reader, layer, "scale", &scale))
    return FALSE;
  if (keras_get (layer->config, "offset")) {
    if (!get_values (reader, layer, "offset", &offset))
      return FALSE;
  } else {
    offset.values = g_new0 (float, 1);
    offset.shape[0] = 1;
  }
  if (!match (reader, layer, &scale, &offset, &n))
    return FALSE;
  add_normalization (reader, layer, n, NULL, g_steal_pointer (&scale.values),
      g_steal_pointer (&offset.values));
  return TRUE;
}
