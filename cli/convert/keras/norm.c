/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Layers that normalize or scale features. All except LayerNormalization become
 * (x − mean) · scale + offset. */
#include "container/json.h"
#include "keras/converters.h"
#include "keras/json.h"
#include "keras/shape.h"
#include "keras/weights.h"
#include <math.h>

#define EPSILON 1e-7       /* least standard deviation of Normalization */
#define MAX_VALUES 1000000 /* of an array in the configuration */
#define MAX_LEVELS 8       /* of nested arrays */

typedef struct {
  const char *suffix;
  double default_value;
  float *values; /* [n]; NULL: the default */
} Factor;

/* Takes ownership of @mean, @scale and @offset [n], each nullable. Writes a single value as a
 * number in the layer's object, which applies to all features. */
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
    if ((double) factor->values[0] != factor->default_value)
      json_object_set_double_member (object, factor->suffix, (double) factor->values[0]);
    g_free (factor->values);
  }
}

/* Reads the weights of @all [n] that @has_weight [n] marks, in the order of Keras. The other arrays
 * get no values. */
static gboolean
read_marked_weights (KerasReader *reader, KerasLayer *layer, KerasArray *all,
    const gboolean *has_weight, guint n)
{
  KerasArray arrays[4] = {0};
  guint n_arrays = 0;
  gboolean is_read;

  for (guint i = 0; i < n; i++)
    if (has_weight[i])
      arrays[n_arrays++] = all[i];
  is_read = keras_read_weights (reader, layer, layer->class->part, arrays, n_arrays);
  n_arrays = 0;
  for (guint i = 0; i < n; i++)
    if (has_weight[i])
      all[i] = arrays[n_arrays++];
  for (guint i = 0; is_read && i < n_arrays; i++)
    is_read = keras_check_width (reader, layer, arrays[i].name, arrays[i].shape[0]);
  return is_read;
}

static gboolean
check_false (KerasReader *reader, const KerasLayer *layer, const char *key)
{
  gboolean value;

  return keras_read_bool (reader, layer, layer->config, key, FALSE, &value)
         && (!value
             || keras_fail (reader, layer, CONVERT_ERROR_UNSUPPORTED,
                 "%s: expected false, found true", key));
}

gboolean
keras_convert_batch_normalization (KerasReader *reader, KerasLayer *layer)
{
  KerasArray all[] = {{"gamma", 1, {0}}, {"beta", 1, {0}}, {"moving_mean", 1, {0}},
      {"moving_variance", 1, {0}}};
  g_autofree float *scale = NULL, *offset = NULL, *mean = NULL, *variance = NULL;
  gboolean has_weight[] = {TRUE, TRUE, TRUE, TRUE}, is_read;
  double epsilon;
  gsize n;

  if (!keras_read_bool (reader, layer, layer->config, "scale", TRUE, &has_weight[0])
      || !keras_read_bool (reader, layer, layer->config, "center", TRUE, &has_weight[1])
      || !keras_read_number (reader, layer, layer->config, "epsilon", 1e-3, &epsilon)
      || !check_false (reader, layer, "renorm")
      || !keras_check_axis (reader, layer, layer->config))
    return FALSE;
  is_read = read_marked_weights (reader, layer, all, has_weight, G_N_ELEMENTS (all));
  scale = all[0].values;
  offset = all[1].values;
  mean = all[2].values;
  variance = all[3].values;
  if (!is_read)
    return FALSE;
  n = all[3].shape[0];
  for (gsize i = 0; i < n; i++) {
    if (!((double) variance[i] + epsilon > 0))
      return keras_fail (reader, layer, CONVERT_ERROR_FILE,
          "moving_variance: expected values of at least 0, found %g", (double) variance[i]);
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
  gboolean has_weight[] = {TRUE, TRUE}, is_read = TRUE;
  JsonObject *object;
  double epsilon;

  if (!keras_read_bool (reader, layer, layer->config, "scale", TRUE, &has_weight[0])
      || !keras_read_bool (reader, layer, layer->config, "center", TRUE, &has_weight[1])
      || !keras_read_number (reader, layer, layer->config, "epsilon", 1e-3, &epsilon)
      || !check_false (reader, layer, "rms_scaling")
      || !keras_check_axis (reader, layer, layer->config))
    return FALSE;
  if (has_weight[0] || has_weight[1])
    is_read = read_marked_weights (reader, layer, all, has_weight, G_N_ELEMENTS (all));
  if (is_read) {
    object = convert_model_add_layer (reader->model, "layer_normalization", layer->name);
    json_object_set_double_member (object, "epsilon", epsilon);
  }
  for (guint i = 0; i < G_N_ELEMENTS (all); i++)
    if (is_read && has_weight[i])
      convert_model_add_tensor (
          reader->model, object, all[i].name, 1, all[i].shape, all[i].values);
    else
      keras_array_clear (&all[i]);
  return is_read;
}

/* Appends the numbers in @node to @values. Returns FALSE if @node contains anything else, or no
 * number. */
static gboolean
append_numbers (JsonNode *node, GArray *values, guint level)
{
  JsonArray *array = lstm_json_get_array (node);
  double number;

  if (lstm_json_get_number (node, &number)) {
    float value = (float) number;

    g_array_append_val (values, value);
    return isfinite (value);
  }
  if (!array || level > MAX_LEVELS)
    return FALSE;
  for (guint i = 0; i < json_array_get_length (array); i++)
    if (values->len > MAX_VALUES
        || !append_numbers (json_array_get_element (array, i), values, level + 1))
      return FALSE;
  return values->len > 0;
}

/* Reads a number, or an array of numbers in which all dimensions except one have the size 1. */
static gboolean
read_config_values (
    KerasReader *reader, const KerasLayer *layer, const char *key, KerasArray *array)
{
  g_autoptr (GArray) values = g_array_new (FALSE, FALSE, sizeof (float));
  JsonNode *node = keras_get_member (layer->config, key);
  g_autofree char *found = NULL;

  if (!node || !append_numbers (node, values, 0)) {
    found = keras_describe_member (layer->config, key);
    return keras_fail (reader, layer, CONVERT_ERROR_FILE,
        "%s: expected a finite number or an array of finite numbers, found %s", key, found);
  }
  array->shape[0] = values->len;
  array->values = g_memdup2 (values->data, values->len * sizeof (float));
  return TRUE;
}

/* Extends the shorter array to the length of the other. Sets @n to that length: 1 or the layer's
 * width. */
static gboolean
match_lengths (
    KerasReader *reader, const KerasLayer *layer, KerasArray *a, KerasArray *b, gsize *n)
{
  KerasArray *shorter = a->shape[0] < b->shape[0] ? a : b;
  float value = shorter->values[0];

  *n = MAX (a->shape[0], b->shape[0]);
  if (*n > 1 && !keras_check_width (reader, layer, shorter == a ? b->name : a->name, *n))
    return FALSE;
  if (shorter->shape[0] == *n)
    return TRUE;
  if (shorter->shape[0] != 1)
    return keras_fail (reader, layer, CONVERT_ERROR_FILE,
        "%s: expected %" G_GSIZE_FORMAT " values, as %s has, found %" G_GSIZE_FORMAT, b->name,
        a->shape[0], a->name, b->shape[0]);
  g_free (shorter->values);
  shorter->values = g_new (float, *n);
  shorter->shape[0] = *n;
  for (gsize i = 0; i < *n; i++)
    shorter->values[i] = value;
  return TRUE;
}

/* Reads mean and variance from the configuration, or from the weights mean, variance and count. */
static gboolean
read_statistics (KerasReader *reader, KerasLayer *layer, KerasArray *mean, KerasArray *variance)
{
  KerasArray arrays[] = {*mean, *variance};
  gboolean is_read;

  if (keras_get_member (layer->config, layer->class->weights_key))
    return read_config_values (reader, layer, "mean", mean)
           && read_config_values (reader, layer, "variance", variance);
  is_read = keras_read_weights (reader, layer, layer->class->part, arrays, 2);
  *mean = arrays[0];
  *variance = arrays[1];
  return is_read;
}

gboolean
keras_convert_normalization (KerasReader *reader, KerasLayer *layer)
{
  g_auto (KerasArray) mean = {"mean", 0, {0}}, variance = {"variance", 0, {0}};
  gboolean invert;
  gsize n;

  if (!keras_read_bool (reader, layer, layer->config, "invert", FALSE, &invert)
      || !read_statistics (reader, layer, &mean, &variance)
      || !match_lengths (reader, layer, &mean, &variance, &n)
      || (n > 1 && !keras_check_axis (reader, layer, layer->config)))
    return FALSE;
  for (gsize i = 0; i < n; i++) {
    double deviation = MAX (sqrt ((double) variance.values[i]), EPSILON);

    if (!(variance.values[i] >= 0))
      return keras_fail (reader, layer, CONVERT_ERROR_FILE,
          "variance: expected values of at least 0, found %g", (double) variance.values[i]);
    variance.values[i] = (float) (invert ? deviation : 1 / deviation);
  }
  add_normalization (reader, layer, n, invert ? NULL : mean.values, variance.values,
      invert ? mean.values : NULL);
  mean.values = variance.values = NULL;
  return TRUE;
}

/* Rescaling computes x · scale + offset. */
gboolean
keras_convert_rescaling (KerasReader *reader, KerasLayer *layer)
{
  g_auto (KerasArray) scale = {"scale", 0, {0}}, offset = {"offset", 0, {0}};
  gsize n;

  if (!read_config_values (reader, layer, "scale", &scale))
    return FALSE;
  if (keras_get_member (layer->config, "offset")) {
    if (!read_config_values (reader, layer, "offset", &offset))
      return FALSE;
  } else {
    offset.values = g_new0 (float, 1);
    offset.shape[0] = 1;
  }
  if (!match_lengths (reader, layer, &scale, &offset, &n))
    return FALSE;
  add_normalization (reader, layer, n, NULL, g_steal_pointer (&scale.values),
      g_steal_pointer (&offset.values));
  return TRUE;
}
