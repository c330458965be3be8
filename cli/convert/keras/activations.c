/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "keras/keras.h"
#include "util/text.h"
#include <math.h>

/* Keras's name, the first version where it means this, ours, and parameters if not the default;
 * of two rows the later version's is first. */
static const struct {
  const char *keras;
  gint since;
  const char *name;
  double alpha, beta;
} functions[] = {
    {"linear", 0, "linear", NAN, NAN},
    {"relu", 0, "relu", NAN, NAN},
    {"tanh", 0, "tanh", NAN, NAN},
    {"sigmoid", 0, "sigmoid", NAN, NAN},
    {"hard_sigmoid", 30000, "hard_sigmoid", 1. / 6, .5},
    {"hard_sigmoid", 0, "hard_sigmoid", NAN, NAN},
    {"softmax", 0, "softmax", NAN, NAN},
    {"softmax_v2", 0, "softmax", NAN, NAN}, /* TensorFlow 2.2 wrote that */
    {"log_softmax", 0, "log_softmax", NAN, NAN},
    {"elu", 0, "elu", NAN, NAN},
    {"celu", 0, "elu", NAN, NAN}, /* the same at alpha 1 */
    {"selu", 0, "selu", NAN, NAN},
    {"softplus", 0, "softplus", NAN, NAN},
    {"softsign", 0, "softsign", NAN, NAN},
    {"exponential", 0, "exponential", NAN, NAN},
    {"leaky_relu", 0, "leaky_relu", .2, NAN},
    {"relu6", 0, "relu_capped", 6, NAN},
    {"silu", 0, "silu", NAN, NAN},
    {"swish", 0, "silu", NAN, NAN},
    {"hard_silu", 0, "hard_silu", NAN, NAN},
    {"hard_swish", 0, "hard_silu", NAN, NAN},
    {"hard_tanh", 0, "hard_tanh", NAN, NAN},
    {"gelu", 0, "gelu", NAN, NAN},
    {"mish", 0, "mish", NAN, NAN},
};

static JsonNode *
new_activation (const char *name, double alpha, double beta)
{
  JsonNode *node = json_node_new (JSON_NODE_OBJECT);
  JsonObject *object;

  if (isnan (alpha) && isnan (beta)) {
    json_node_free (node);
    return json_node_init_string (json_node_alloc (), name);
  }
  object = json_object_new ();
  json_object_set_string_member (object, "name", name);
  if (!isnan (alpha))
    json_object_set_double_member (object, "alpha", alpha);
  if (!isnan (beta))
    json_object_set_double_member (object, "beta", beta);
  json_node_take_object (node, object);
  return node;
}

static JsonNode *
find_function (KerasReader *reader, const KerasLayer *layer, const char *key, const char *name)
{
  g_autoptr (GString) known = g_string_new (NULL);

  for (guint i = 0; i < G_N_ELEMENTS (functions); i++) {
    if (g_str_equal (name, functions[i].keras) && reader->version >= functions[i].since)
      return new_activation (functions[i].name, functions[i].alpha, functions[i].beta);
    if (i == 0 || !g_str_equal (functions[i].keras, functions[i - 1].keras))
      lstm_text_append_item (known, functions[i].keras);
  }
  keras_fail (reader, layer, CONVERT_ERROR_UNSUPPORTED, "%s \"%s\" is not supported (%s are)",
      key, name, known->str);
  return NULL;
}

/* {"class_name": "function", "config": NAME}, or a layer such as LeakyReLU as the activation */
static JsonNode *
from_object (KerasReader *reader, const KerasLayer *layer, const char *key, JsonObject *object)
{
  const char *name = keras_peek_string (object, "class_name");
  const char *function = keras_peek_string (object, "config");
  const KerasClass *class = name ? keras_find_class (name) : NULL;

  if (function)
    return find_function (reader, layer, key, function);
  if (class && class->activation)
    return class->activation (reader, layer, keras_peek_object (object, "config"));
  keras_fail (reader, layer, CONVERT_ERROR_UNSUPPORTED, "%s of class %s is not supported", key,
      name ? name : "unknown");
  return NULL;
}

JsonNode *
keras_get_activation (KerasReader *reader, const KerasLayer *layer, JsonObject *config,
    const char *key, const char *otherwise)
{
  JsonNode *node = keras_get (config, key);
  const char *name = node ? keras_peek_string (config, key) : otherwise;

  /* null is written for linear */
  if (!node && config && json_object_has_member (config, key))
    name = "linear";
  if (name)
    return find_function (reader, layer, key, name);
  if (node && JSON_NODE_HOLDS_OBJECT (node))
    return from_object (reader, layer, key, json_node_get_object (node));
  keras_fail (
      reader, layer, CONVERT_ERROR_FILE, "expected the name of a function for \"%s\"", key);
  return NULL;
}

gboolean
keras_activation_is (JsonNode *activation, const char *name)
{
  return JSON_NODE_HOLDS_VALUE (activation)
         && g_strcmp0 (json_node_get_string (activation), name) == 0;
}

JsonNode *
keras_activation (KerasReader *reader, const KerasLayer *layer, JsonObject *config)
{
  return keras_get_activation (reader, layer, config, "activation", NULL);
}

/* Keras: x at threshold and above, up to max_value; negative_slope (x - threshold) below. */
JsonNode *
keras_relu (KerasReader *reader, const KerasLayer *layer, JsonObject *config)
{
  double max, slope, threshold;

  if (!keras_get_number (reader, layer, config, "max_value", INFINITY, &max)
      || !keras_get_number (reader, layer, config, "negative_slope", 0, &slope)
      || !keras_get_number (reader, layer, config, "threshold", 0, &threshold))
    return NULL;
  if (isinf (max) && slope == 0 && threshold == 0)
    return new_activation ("relu", NAN, NAN);
  if (slope == 0 && threshold == 0)
    return new_activation ("relu_capped", max, NAN);
  if (isinf (max) && threshold == 0)
    return new_activation ("leaky_relu", slope, NAN);
  if (isinf (max) && slope == 0)
    return new_activation ("thresholded_relu", threshold, NAN);
  keras_fail (reader, layer, CONVERT_ERROR_UNSUPPORTED,
      "ReLU with max_value %g, negative_slope %g and threshold %g is not supported (one of "
      "the three is)",
      max, slope, threshold);
  return NULL;
}

JsonNode *
keras_leaky_relu (KerasReader *reader, const KerasLayer *layer, JsonObject *config)
{
  const char *key = keras_get (config, "alpha") ? "alpha" : "negative_slope";
  double slope;

  if (!keras_get_number (reader, layer, config, key, .3, &slope))
    return NULL;
  return new_activation ("leaky_relu", slope, NAN);
}

JsonNode *
keras_elu (KerasReader *reader, const KerasLayer *layer, JsonObject *config)
{
  double alpha;

  if (!keras_get_number (reader, layer, config, "alpha", 1, &alpha))
    return NULL;
  return new_activation ("elu", alpha == 1 ? NAN : alpha, NAN);
}

JsonNode *
keras_thresholded_relu (KerasReader *reader, const KerasLayer *layer, JsonObject *config)
{
  double theta;

  if (!keras_get_number (reader, layer, config, "theta", 1, &theta))
    return NULL;
  return new_activation ("thresholded_relu", theta, NAN);
}

JsonNode *
keras_softmax (KerasReader *reader, const KerasLayer *layer, JsonObject *config)
{
  JsonNode *axis = keras_get (config, "axis");

  if (!axis || keras_axis_is_last (reader, axis))
    return new_activation ("softmax", NAN, NAN);
  keras_fail (reader, layer, CONVERT_ERROR_UNSUPPORTED,
      "Softmax over another axis than the features is not supported");
  return NULL;
}
