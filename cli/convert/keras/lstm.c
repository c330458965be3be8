/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "keras/activations.h"
#include "keras/converters.h"
#include "keras/json.h"
#include "keras/shape.h"
#include "keras/weights.h"
#include "util/text.h"
#include <string.h>

#define GATES 4 /* input, forget, candidate, output: the order of PyTorch */

/* The configuration of one direction */
typedef struct {
  gsize units;
  gboolean has_bias;
  gboolean returns_sequences;
  gboolean is_backward;
  gboolean has_zero_masked;   /* the output of a masked step is 0 */
  JsonNode *gate, *candidate; /* activations */
} Lstm;

static void
lstm_clear (Lstm *lstm)
{
  g_clear_pointer (&lstm->gate, json_node_unref);
  g_clear_pointer (&lstm->candidate, json_node_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Lstm, lstm_clear)

static const char *
get_default_gate (const KerasReader *reader, const KerasClass *class)
{
  gboolean is_hard = reader->version < 20300 && !(class->flags & KERAS_HAS_CUDNN_DEFAULTS);

  return is_hard ? "hard_sigmoid" : "sigmoid";
}

/* Parses the configuration of a layer. The configuration of an RNN contains a cell, which has the
 * keys of the cell. */
static gboolean
parse_lstm (KerasReader *reader, const KerasLayer *layer, const KerasClass *class,
    JsonObject *config, Lstm *lstm)
{
  JsonObject *cell = keras_get_object (config, "cell");
  const char *cell_class = keras_get_string (cell, "class_name");
  JsonObject *inner = cell ? keras_get_object (cell, "config") : config;
  gboolean is_time_major;

  if (cell && g_strcmp0 (cell_class, "LSTMCell") != 0)
    return keras_fail (reader, layer, CONVERT_ERROR_UNSUPPORTED,
        "cell: expected LSTMCell, found %s", cell_class ? cell_class : "no class");
  if (!keras_read_count (reader, layer, inner, "units", &lstm->units)
      || !keras_read_bool (reader, layer, inner, "use_bias", TRUE, &lstm->has_bias)
      || !keras_read_bool (
          reader, layer, config, "return_sequences", FALSE, &lstm->returns_sequences)
      || !keras_read_bool (reader, layer, config, "go_backwards", FALSE, &lstm->is_backward)
      || !keras_read_bool (
          reader, layer, config, "zero_output_for_mask", FALSE, &lstm->has_zero_masked)
      || !keras_read_bool (reader, layer, config, "time_major", FALSE, &is_time_major))
    return FALSE;
  if (is_time_major)
    return keras_fail (reader, layer, CONVERT_ERROR_UNSUPPORTED,
        "time_major: expected false, [batch, steps, features], found true");
  lstm->candidate = keras_get_activation (reader, layer, inner, "activation", "tanh");
  lstm->gate = keras_get_activation (
      reader, layer, inner, "recurrent_activation", get_default_gate (reader, class));
  return lstm->candidate && lstm->gate;
}

/* Returns: (transfer full): a kernel of CuDNN as [4 m, d]. In the kernel, the [d, m] values of a
 * gate are the gate's [m, d] matrix in row-major order. */
static float *
reorder_cudnn (const float *kernel, gsize d, gsize m)
{
  float *weight = g_new (float, GATES *m *d);

  for (gsize gate = 0; gate < GATES; gate++)
    for (gsize i = 0; i < d; i++)
      memcpy (weight + (gate * d + i) * m, kernel + (i * GATES + gate) * m, m * sizeof *kernel);
  return weight;
}

/* Adds the tensor @name_l0@suffix. @n_columns: 0 for a vector */
static void
add_tensor (KerasReader *reader, JsonObject *object, const char *name, const char *suffix,
    gsize n_rows, gsize n_columns, float *values)
{
  g_autofree char *full = g_strconcat (name, "_l0", suffix, NULL);
  const gsize shape[] = {n_rows, n_columns};

  convert_model_add_tensor (reader->model, object, full, n_columns ? 2 : 1, shape, values);
}

/* Checks the length of @bias. A bias of CuDNN has two parts of length @n: the bias of the kernel
 * and the bias of the recurrent kernel. */
static gboolean
check_bias (KerasReader *reader, const KerasLayer *layer, const KerasArray *bias, gsize n,
    gboolean *is_cudnn)
{
  const gsize n_cudnn = 2 * n;
  g_autofree char *expected = NULL, *expected_cudnn = NULL, *found = NULL;

  *is_cudnn = bias->values && bias->shape[0] == n_cudnn;
  if (!bias->values || *is_cudnn || bias->shape[0] == n)
    return TRUE;
  expected = lstm_text_shape (1, &n);
  expected_cudnn = lstm_text_shape (1, &n_cudnn);
  found = lstm_text_shape (1, bias->shape);
  return keras_fail (reader, layer, CONVERT_ERROR_FILE,
      "bias: expected shape %s, or %s of CuDNN, found %s", expected, expected_cudnn, found);
}

/* Adds the weights of one direction. @part: the subgroup of the direction in an archive.
 * @d: set to the number of input features */
static gboolean
add_direction (KerasReader *reader, KerasLayer *layer, const char *part, const Lstm *lstm,
    JsonObject *object, const char *suffix, gsize *d)
{
  gsize m = lstm->units, n = GATES * m;
  g_auto (KerasArray) kernel = {"kernel", 2, {0, n}};
  g_auto (KerasArray) recurrent = {"recurrent_kernel", 2, {m, n}};
  g_auto (KerasArray) bias = {"bias", 1, {0}};
  KerasArray arrays[] = {kernel, recurrent, bias};
  gboolean is_read = keras_read_weights (reader, layer, part, arrays, lstm->has_bias ? 3 : 2);
  gboolean is_cudnn;

  kernel = arrays[0];
  recurrent = arrays[1];
  bias = arrays[2];
  if (!is_read || !check_bias (reader, layer, &bias, n, &is_cudnn)
      || !keras_check_width (reader, layer, "kernel", kernel.shape[0]))
    return FALSE;
  *d = kernel.shape[0];
  add_tensor (reader, object, "weight_ih", suffix, n, *d,
      is_cudnn ? reorder_cudnn (kernel.values, *d, m)
               : keras_transpose_kernel (kernel.values, *d, n));
  add_tensor (reader, object, "weight_hh", suffix, n, m,
      is_cudnn ? reorder_cudnn (recurrent.values, m, m)
               : keras_transpose_kernel (recurrent.values, m, n));
  if (is_cudnn)
    for (gsize i = 0; i < n; i++)
      bias.values[i] += bias.values[n + i];
  if (lstm->has_bias)
    add_tensor (reader, object, "bias_ih", suffix, n, 0, g_steal_pointer (&bias.values));
  return TRUE;
}

static gboolean
has_default_activations (const Lstm *lstm)
{
  return keras_activation_is (lstm->gate, "sigmoid")
         && keras_activation_is (lstm->candidate, "tanh");
}

static void
add_activations (JsonArray *array, const Lstm *lstm)
{
  json_array_add_element (array, json_node_copy (lstm->gate));
  json_array_add_element (array, json_node_copy (lstm->candidate));
  json_array_add_element (array, json_node_copy (lstm->candidate));
}

/* Sets the activations, unless they are the defaults. @backward: (nullable): the second
 * direction */
static void
set_activations (JsonObject *object, const Lstm *lstm, const Lstm *backward)
{
  JsonArray *array;

  if (has_default_activations (lstm) && (!backward || has_default_activations (backward)))
    return;
  array = json_array_new ();
  add_activations (array, lstm);
  if (backward
      && !(json_node_equal (lstm->gate, backward->gate)
           && json_node_equal (lstm->candidate, backward->candidate)))
    add_activations (array, backward);
  json_object_set_array_member (object, "activations", array);
}

/* Sets the keys of the layer's output, and its shape. @zero_masked: the output of a step is 0 if a
 * Masking layer or the caller masks the step. */
static void
set_output (KerasReader *reader, JsonObject *object, gboolean sequences, gboolean zero_masked,
    gsize width)
{
  if (!sequences)
    json_object_set_string_member (object, "return", "last");
  if (zero_masked)
    json_object_set_boolean_member (object, "zero_masked", TRUE);
  if (!sequences)
    reader->shape.kind = KERAS_VECTOR;
  reader->shape.width = (gint64) width;
}

gboolean
keras_check_lstm (KerasReader *reader, const KerasLayer *layer)
{
  g_auto (Lstm) lstm = {0};

  return parse_lstm (reader, layer, layer->class, layer->config, &lstm);
}

gboolean
keras_convert_lstm (KerasReader *reader, KerasLayer *layer)
{
  g_auto (Lstm) lstm = {0};
  JsonObject *object;
  gsize d;

  if (!parse_lstm (reader, layer, layer->class, layer->config, &lstm))
    return FALSE;
  object = convert_model_add_layer (reader->model, "lstm", layer->name);
  set_activations (object, &lstm, NULL);
  if (lstm.is_backward) {
    json_object_set_string_member (object, "direction", "reverse");
    json_object_set_string_member (object, "order", "processed");
  }
  if (!add_direction (reader, layer, layer->class->part, &lstm, object, "", &d))
    return FALSE;
  set_output (reader, object, lstm.returns_sequences, lstm.has_zero_masked, lstm.units);
  return TRUE;
}

/* Parses the layer of a direction, which the configuration has under @key. */
static gboolean
parse_direction (KerasReader *reader, const KerasLayer *layer, const char *key, Lstm *lstm)
{
  JsonObject *object = keras_get_object (layer->config, key);
  const char *name = keras_get_string (object, "class_name");
  const KerasClass *class = keras_find_class (reader, name);

  if (!class || !(class->flags & KERAS_IN_BIDIRECTIONAL))
    return keras_fail_class (reader, layer, key, KERAS_IN_BIDIRECTIONAL, name);
  return parse_lstm (reader, layer, class, keras_get_object (object, "config"), lstm);
}

static const char *
get_bool_name (gboolean value)
{
  return value ? "true" : "false";
}

/* Parses both directions. Without a backward_layer, the backward direction is a copy of the forward
 * direction with go_backwards inverted. */
static gboolean
parse_directions (KerasReader *reader, const KerasLayer *layer, Lstm *forward, Lstm *backward)
{
  gboolean has_backward = keras_get_object (layer->config, "backward_layer") != NULL;

  if (!parse_direction (reader, layer, "layer", forward)
      || !parse_direction (reader, layer, has_backward ? "backward_layer" : "layer", backward))
    return FALSE;
  if (!has_backward)
    backward->is_backward = !forward->is_backward;
  if (forward->is_backward || !backward->is_backward)
    return keras_fail (reader, layer, CONVERT_ERROR_UNSUPPORTED,
        "go_backwards: expected false in layer and true in backward_layer, found %s and %s",
        get_bool_name (forward->is_backward), get_bool_name (backward->is_backward));
  return (forward->units == backward->units
             && forward->returns_sequences == backward->returns_sequences)
         || keras_fail (reader, layer, CONVERT_ERROR_UNSUPPORTED,
             "units, return_sequences: expected the same values in layer and backward_layer, "
             "found %" G_GSIZE_FORMAT ", %s and %" G_GSIZE_FORMAT ", %s",
             forward->units, get_bool_name (forward->returns_sequences), backward->units,
             get_bool_name (backward->returns_sequences));
}

/* Returns: (nullable): NULL with an error */
static const char *
get_merge_mode (KerasReader *reader, const KerasLayer *layer)
{
  static const char *const modes[] = {"concat", "sum", "mul", "ave"};
  const char *mode = keras_get_string (layer->config, "merge_mode");
  g_autoptr (GString) names = g_string_new (NULL);
  g_autofree char *found = NULL;

  if (!json_object_has_member (layer->config, "merge_mode"))
    return "concat";
  for (guint i = 0; i < G_N_ELEMENTS (modes); i++) {
    if (g_strcmp0 (mode, modes[i]) == 0)
      return modes[i];
    lstm_text_append_item (names, modes[i]);
  }
  found = keras_describe_member (layer->config, "merge_mode");
  keras_fail (reader, layer, CONVERT_ERROR_UNSUPPORTED,
      "merge_mode: expected one of %s, found %s", names->str, found);
  return NULL;
}

/* Bidirectional sets zero_output_for_mask to return_sequences, except in the package keras before
 * 2.4. */
static gboolean
has_zero_masked (const KerasReader *reader, const Lstm *lstm)
{
  return reader->is_tf_keras && lstm->returns_sequences;
}

gboolean
keras_check_bidirectional (KerasReader *reader, const KerasLayer *layer)
{
  g_auto (Lstm) forward = {0}, backward = {0};

  return parse_directions (reader, layer, &forward, &backward)
         && get_merge_mode (reader, layer);
}

gboolean
keras_convert_bidirectional (KerasReader *reader, KerasLayer *layer)
{
  const char *merge = get_merge_mode (reader, layer);
  g_auto (Lstm) forward = {0}, backward = {0};
  JsonObject *object;
  gboolean is_concat;
  gsize d;

  if (!merge || !parse_directions (reader, layer, &forward, &backward))
    return FALSE;
  is_concat = g_str_equal (merge, "concat");
  object = convert_model_add_layer (reader->model, "lstm", layer->name);
  set_activations (object, &forward, &backward);
  json_object_set_string_member (object, "direction", "bidirectional");
  if (!is_concat)
    json_object_set_string_member (object, "merge", merge);
  if (!add_direction (reader, layer, "forward_layer/cell", &forward, object, "", &d)
      || !add_direction (
          reader, layer, "backward_layer/cell", &backward, object, "_reverse", &d))
    return FALSE;
  set_output (reader, object, forward.returns_sequences, has_zero_masked (reader, &forward),
      (is_concat ? 2 : 1) * forward.units);
  return TRUE;
}
