/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "keras/activations.h"
#include "container/json.h"
#include "keras/converters.h"
#include "keras/json.h"
#include "activations/activations.h"
#include "util/text.h"
#include <math.h>

/* The functions of Keras. Of the rows with a name, the first row applies whose version is not later
 * than the version of the file. */
static const struct {
  const char *keras_name;
  gint since;         /* version of Keras */
  const char *name;   /* in docs/formats.md; NULL: the same name */
  guint n_parameters; /* 0: the defaults of liblstm, 1: alpha, 2: alpha and beta */
  double alpha, beta;
} functions[] = {
    {"linear"},
    {"relu"},
    {"tanh"},
    {"sigmoid"},
    {"hard_sigmoid", 30000, NULL, 2, 1. / 6, .5},
    {"hard_sigmoid"},
    {"softmax"},
    {"softmax_v2", 0, "softmax"}, /* in files of TensorFlow 2.2 */
    {"log_softmax"},
    {"elu"},
    {"celu", 0, "elu"}, /* equals elu at alpha 1 */
    {"selu"},
    {"softplus"},
    {"softsign"},
    {"exponential"},
    {"leaky_relu", 0, NULL, 1, .2},
    {"relu6", 0, "relu_capped", 1, 6},
    {"silu"},
    {"swish", 0, "silu"},
    {"hard_silu"},
    {"hard_swish", 0, "hard_silu"},
    {"hard_tanh"},
    {"gelu"},
    {"mish"},
};

static JsonNode *
new_activation (const char *name, guint n_parameters, double alpha, double beta)
{
  const double parameters[] = {alpha, beta};
  static const char *const keys[] = {"alpha", "beta"};
  JsonObject *object;
  JsonNode *node;

  if (n_parameters == 0)
    return json_node_init_string (json_node_alloc (), name);
  object = json_object_new ();
  json_object_set_string_member (object, "name", name);
  for (guint i = 0; i < n_parameters; i++)
    json_object_set_double_member (object, keys[i], parameters[i]);
  node = json_node_new (JSON_NODE_OBJECT);
  json_node_take_object (node, object);
  return node;
}

static JsonNode *
find_function (KerasReader *reader, const KerasLayer *layer, const char *key, const char *name)
{
  g_autoptr (GString) names = g_string_new (NULL);

  for (guint i = 0; i < G_N_ELEMENTS (functions); i++) {
    const char *keras_name = functions[i].keras_name;

    if (g_str_equal (name, keras_name) && reader->version >= functions[i].since)
      return new_activation (functions[i].name ? functions[i].name : keras_name,
          functions[i].n_parameters, functions[i].alpha, functions[i].beta);
    if (i == 0 || !g_str_equal (keras_name, functions[i - 1].keras_name))
      lstm_text_append_item (names, keras_name);
  }
  keras_fail (reader, layer, CONVERT_ERROR_UNSUPPORTED,
      "%s: expected a supported function, found \"%s\" (supported: %s)", key, name, names->str);
  return NULL;
}

/* Reads {"class_name": "function", "config": NAME}, or a layer such as LeakyReLU that is the
 * activation of another layer. */
static JsonNode *
read_object (KerasReader *reader, const KerasLayer *layer, const char *key, JsonObject *object)
{
  const char *name = keras_get_string (object, "class_name");
  const char *function = keras_get_string (object, "config");
  const KerasClass *class = keras_find_class (reader, name);

  if (function)
    return find_function (reader, layer, key, function);
  if (class && class->get_activation)
    return class->get_activation (reader, layer, keras_get_object (object, "config"));
  keras_fail (reader, layer, CONVERT_ERROR_UNSUPPORTED,
      "%s: expected a function, or a layer that is an activation, found class %s", key,
      name ? name : "none");
  return NULL;
}

JsonNode *
keras_get_activation (KerasReader *reader, const KerasLayer *layer, JsonObject *config,
    const char *key, const char *default_name)
{
  JsonNode *node = keras_get_member (config, key);
  JsonObject *object = keras_get_object (config, key);
  const char *name = node ? keras_get_string (config, key) : default_name;
  g_autofree char *found = NULL;

  /* Keras writes null for linear. */
  if (!node && config && json_object_has_member (config, key))
    name = "linear";
  if (name)
    return find_function (reader, layer, key, name);
  if (object)
    return read_object (reader, layer, key, object);
  found = keras_describe_member (config, key);
  keras_fail (reader, layer, CONVERT_ERROR_FILE,
      "%s: expected the name of a function, found %s", key, found);
  return NULL;
}

gboolean
keras_activation_is (JsonNode *activation, const char *name)
{
  return g_strcmp0 (lstm_json_get_string (activation), name) == 0;
}

/* --- Layers that are an activation --- */

JsonNode *
keras_get_named_activation (KerasReader *reader, const KerasLayer *layer, JsonObject *config)
{
  return keras_get_activation (reader, layer, config, "activation", NULL);
}

/* From the threshold on, ReLU computes min (x, max_value). Below the threshold, ReLU computes
 * negative_slope · (x − threshold). */
JsonNode *
keras_get_relu (KerasReader *reader, const KerasLayer *layer, JsonObject *config)
{
  double max, slope, threshold;

  if (!keras_read_number (reader, layer, config, "max_value", INFINITY, &max)
      || !keras_read_number (reader, layer, config, "negative_slope", 0, &slope)
      || !keras_read_number (reader, layer, config, "threshold", 0, &threshold))
    return NULL;
  if (isinf (max) && slope == 0 && threshold == 0)
    return new_activation ("relu", 0, 0, 0);
  if (slope == 0 && threshold == 0)
    return new_activation ("relu_capped", 1, max, 0);
  if (isinf (max) && threshold == 0)
    return new_activation ("leaky_relu", 1, slope, 0);
  if (isinf (max) && slope == 0)
    return new_activation ("thresholded_relu", 1, threshold, 0);
  keras_fail (reader, layer, CONVERT_ERROR_UNSUPPORTED,
      "max_value, negative_slope, threshold: expected at most one that differs from its "
      "default, found %g, %g and %g",
      max, slope, threshold);
  return NULL;
}

JsonNode *
keras_get_leaky_relu (KerasReader *reader, const KerasLayer *layer, JsonObject *config)
{
  const char *key = keras_get_member (config, "alpha") ? "alpha" : "negative_slope";
  double slope;

  if (!keras_read_number (reader, layer, config, key, .3, &slope))
    return NULL;
  return new_activation ("leaky_relu", 1, slope, 0);
}

JsonNode *
keras_get_elu (KerasReader *reader, const KerasLayer *layer, JsonObject *config)
{
  LstmActivation defaults;
  double alpha;

  if (!keras_read_number (reader, layer, config, "alpha", 1, &alpha))
    return NULL;
  lstm_activation_find ("elu", &defaults);
  return new_activation ("elu", alpha == (double) defaults.alpha ? 0 : 1, alpha, 0);
}

JsonNode *
keras_get_thresholded_relu (KerasReader *reader, const KerasLayer *layer, JsonObject *config)
{
  double theta;

  if (!keras_read_number (reader, layer, config, "theta", 1, &theta))
    return NULL;
  return new_activation ("thresholded_relu", 1, theta, 0);
}

JsonNode *
keras_get_softmax (KerasReader *reader, const KerasLayer *layer, JsonObject *config)
{
  return keras_check_axis (reader, layer, config) ? new_activation ("softmax", 0, 0, 0) : NULL;
}
