/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "keras/keras.h"
#include <string.h>

#define GATES 4 /* i f c o, which is PyTorch's i f g o */

/* What one direction's configuration says. */
typedef struct {
  gsize units;
  gboolean bias;
  gboolean sequences;
  gboolean backwards;
  gboolean zero; /* output of masked steps */
  JsonNode *gate, *candidate;
} Lstm;

static void
lstm_clear (Lstm *lstm)
{
  g_clear_pointer (&lstm->gate, json_node_unref);
  g_clear_pointer (&lstm->candidate, json_node_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Lstm, lstm_clear)

static const char *
get_default_gate (const KerasReader *reader, const char *class_name)
{
  gboolean hard = reader->version < 20300 && !g_str_equal (class_name, "CuDNNLSTM");

  return hard ? "hard_sigmoid" : "sigmoid";
}

/* RNN has the cell's keys in a configuration of its own. */
static gboolean
parse_lstm (KerasReader *reader, const KerasLayer *layer, const char *class_name,
    JsonObject *config, Lstm *lstm)
{
  JsonObject *cell = keras_peek_object (config, "cell");
  const char *cell_class = cell ? keras_peek_string (cell, "class_name") : NULL;
  JsonObject *inner = cell ? keras_peek_object (cell, "config") : config;
  gboolean time_major;

  if (cell && g_strcmp0 (cell_class, "LSTMCell") != 0)
    return keras_fail (reader, layer, CONVERT_ERROR_UNSUPPORTED,
        "class %s of cell %s is not supported (LSTMCell is)", class_name,
        cell_class ? cell_class : "unknown");
  if (!keras_get_count (reader, layer, inner, "units", &lstm->units)
      || !keras_get_bool (reader, layer, inner, "use_bias", TRUE, &lstm->bias)
      || !keras_get_bool (reader, layer, config, "return_sequences", FALSE, &lstm->sequences)
      || !keras_get_bool (reader, layer, config, "go_backwards", FALSE, &lstm->backwards)
      || !keras_get_bool (reader, layer, config, "zero_output_for_mask", FALSE, &lstm->zero)
      || !keras_get_bool (reader, layer, config, "time_major", FALSE, &time_major))
    return FALSE;
  if (time_major)
    return keras_fail (reader, layer, CONVERT_ERROR_UNSUPPORTED,
        "time_major=True is not supported (batch first is)");
  lstm->candidate = keras_get_activation (reader, layer, inner, "activation", "tanh");
  lstm->gate = keras_get_activation (
      reader, layer, inner, "recurrent_activation", get_default_gate (reader, class_name));
  return lstm->candidate && lstm->gate;
}

/* CuDNN's kernel: the [d, m] block of a gate holds, value by value, that gate's [m, d]. */
static float *
reorder_cudnn (const float *kernel, gsize d, gsize m)
{
  float *weight = g_new (float, GATES *m *d);

  for (gsize gate = 0; gate < GATES; gate++)
    for (gsize i = 0; i < d; i++)
      memcpy (weight + (gate * d + i) * m, kernel + (i * GATES + gate) * m, m * sizeof *kernel);
  return weight;
}

/* Appends @suffix to the name of a tensor. */
static void
add_tensor (KerasReader *reader, JsonObject *object, const char *name, const char *suffix,
    gsize rows, gsize columns, float *values)
{
  g_autofree char *full = g_strconcat (name, "_l0", suffix, NULL);
  const gsize shape[] = {rows, columns};

  convert_model_add_tensor (reader->model, object, full, columns ? 2 : 1, shape, values);
}

/* The bias of CuDNN's is twice as long, one half for the kernel and one for the recurrent one. */
static gboolean
check_bias (KerasReader *reader, const KerasLayer *layer, const KerasArray *bias, gsize n,
    gboolean *cudnn)
{
  *cudnn = bias->values && bias->shape[0] == 2 * n;
  return !bias->values || *cudnn || bias->shape[0] == n
         || keras_fail (reader, layer, CONVERT_ERROR_FILE,
             "bias: expected shape [%" G_GSIZE_FORMAT "], or [%" G_GSIZE_FORMAT
             "] of CuDNN, found [%" G_GSIZE_FORMAT "]",
             n, 2 * n, bias->shape[0]);
}

static gboolean
add_direction (KerasReader *reader, KerasLayer *layer, const char *part, const Lstm *lstm,
    JsonObject *object, const char *suffix, gsize *d)
{
  gsize m = lstm->units, n = GATES * m;
  g_auto (KerasArray) kernel = {"kernel", 2, {0, n}};
  g_auto (KerasArray) recurrent = {"recurrent_kernel", 2, {m, n}};
  g_auto (KerasArray) bias = {"bias", 1, {0}};
  KerasArray arrays[] = {kernel, recurrent, bias};
  gboolean read = keras_weights_read (reader, layer, part, arrays, lstm->bias ? 3 : 2, 0);
  gboolean cudnn;

  kernel = arrays[0];
  recurrent = arrays[1];
  bias = arrays[2];
  if (!read || !check_bias (reader, layer, &bias, n, &cudnn)
      || !keras_check_width (reader, layer, "kernel", kernel.shape[0]))
    return FALSE;
  *d = kernel.shape[0];
  add_tensor (reader, object, "weight_ih", suffix, n, *d,
      cudnn ? reorder_cudnn (kernel.values, *d, m) : keras_transpose (kernel.values, *d, n));
  add_tensor (reader, object, "weight_hh", suffix, n, m,
      cudnn ? reorder_cudnn (recurrent.values, m, m)
            : keras_transpose (recurrent.values, m, n));
  if (cudnn)
    for (gsize i = 0; i < n; i++)
      bias.values[i] += bias.values[n + i];
  if (lstm->bias)
    add_tensor (reader, object, "bias_ih", suffix, n, 0, g_steal_pointer (&bias.values));
  return TRUE;
}

static gboolean
is_default (const Lstm *lstm)
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

/* @back: the second direction, or NULL */
static void
set_activations (JsonObject *object, const Lstm *lstm, const Lstm *back)
{
  JsonArray *array;

  if (is_default (lstm) && (!back || is_default (back)))
    return;
  array = json_array_new ();
  add_activations (array, lstm);
  if (back
      && !(json_node_equal (lstm->gate, back->gate)
           && json_node_equal (lstm->candidate, back->candidate)))
    add_activations (array, back);
  json_object_set_array_member (object, "activations", array);
}

/* What the layer's output is, and whether masked steps of it are 0, be the mask a Masking layer's or
 * the caller's. */
static void
set_output (
    KerasReader *reader, JsonObject *object, gboolean sequences, gboolean zero, gsize width)
{
  if (!sequences)
    json_object_set_string_member (object, "return", "last");
  if (zero)
    json_object_set_boolean_member (object, "zero_masked", TRUE);
  if (!sequences)
    reader->shape.kind = KERAS_VECTOR;
  reader->shape.width = (gint64) width;
}

gboolean
keras_check_lstm (KerasReader *reader, const KerasLayer *layer)
{
  g_auto (Lstm) lstm = {0};

  return parse_lstm (reader, layer, layer->class_name, layer->config, &lstm);
}

gboolean
keras_convert_lstm (KerasReader *reader, KerasLayer *layer)
{
  g_auto (Lstm) lstm = {0};
  JsonObject *object;
  gsize d;

  if (!parse_lstm (reader, layer, layer->class_name, layer->config, &lstm))
    return FALSE;
  object = convert_model_add_layer (reader->model, "lstm", layer->name);
  set_activations (object, &lstm, NULL);
  if (lstm.backwards) {
    json_object_set_string_member (object, "direction", "reverse");
    json_object_set_string_member (object, "order", "processed");
  }
  /* CuDNNLSTM has its variables itself, the others have a cell for it. */
  if (!add_direction (reader, layer, layer->class->part, &lstm, object, "", &d))
    return FALSE;
  set_output (reader, object, lstm.sequences, lstm.zero, lstm.units);
  return TRUE;
}

static gboolean
parse_direction (KerasReader *reader, const KerasLayer *layer, JsonObject *object, Lstm *lstm)
{
  const char *class_name = keras_peek_string (object, "class_name");
  const KerasClass *class = class_name ? keras_find_class (class_name) : NULL;

  if (!class || class->convert != keras_convert_lstm)
    return keras_fail (reader, layer, CONVERT_ERROR_UNSUPPORTED,
        "Bidirectional of class %s is not supported (LSTM is)",
        class_name ? class_name : "unknown");
  return parse_lstm (reader, layer, class_name, keras_peek_object (object, "config"), lstm);
}

/* Without a backward_layer it is the forward one's copy the other way round. */
static gboolean
parse_directions (KerasReader *reader, const KerasLayer *layer, Lstm *forward, Lstm *backward)
{
  JsonObject *first = keras_peek_object (layer->config, "layer");
  JsonObject *second = keras_peek_object (layer->config, "backward_layer");

  if (!parse_direction (reader, layer, first, forward)
      || !parse_direction (reader, layer, second ? second : first, backward))
    return FALSE;
  if (!second)
    backward->backwards = !forward->backwards;
  if (forward->backwards || !backward->backwards)
    return keras_fail (reader, layer, CONVERT_ERROR_UNSUPPORTED,
        "expected go_backwards False in layer and True in backward_layer, found %s and %s",
        forward->backwards ? "True" : "False", backward->backwards ? "True" : "False");
  return (forward->units == backward->units && forward->sequences == backward->sequences)
         || keras_fail (reader, layer, CONVERT_ERROR_UNSUPPORTED,
             "expected the same units and return_sequences in both directions, found "
             "%" G_GSIZE_FORMAT " and %" G_GSIZE_FORMAT " units",
             forward->units, backward->units);
}

static const char *
get_merge (KerasReader *reader, const KerasLayer *layer)
{
  static const char *const modes[] = {"concat", "sum", "mul", "ave", NULL};
  const char *mode = keras_peek_string (layer->config, "merge_mode");

  if (!json_object_has_member (layer->config, "merge_mode"))
    return "concat";
  if (mode && g_strv_contains (modes, mode))
    return mode;
  keras_fail (reader, layer, CONVERT_ERROR_UNSUPPORTED,
      "merge_mode %s is not supported (concat, sum, mul and ave are)", mode ? mode : "None");
  return NULL;
}

/* Sets zero_output_for_mask to return_sequences, but in the package keras before 2.4. */
static gboolean
is_zeroed (const KerasReader *reader, const Lstm *lstm)
{
  return reader->is_tf_keras && lstm->sequences;
}

gboolean
keras_check_bidirectional (KerasReader *reader, const KerasLayer *layer)
{
  g_auto (Lstm) forward = {0}, backward = {0};

  return parse_directions (reader, layer, &forward, &backward) && get_merge (reader, layer);
}

gboolean
keras_convert_bidirectional (KerasReader *reader, KerasLayer *layer)
{
  const char *merge = get_merge (reader, layer);
  g_auto (Lstm) forward = {0}, backward = {0};
  JsonObject *object;
  gboolean concat;
  gsize d;

  if (!merge || !parse_directions (reader, layer, &forward, &backward))
    return FALSE;
  concat = g_str_equal (merge, "concat");
  object = convert_model_add_layer (reader->model, "lstm", layer->name);
  set_activations (object, &forward, &backward);
  json_object_set_string_member (object, "direction", "bidirectional");
  if (!concat)
    json_object_set_string_member (object, "merge", merge);
  if (!add_direction (reader, layer, "forward_layer/cell", &forward, object, "", &d)
      || !add_direction (
          reader, layer, "backward_layer/cell", &backward, object, "_reverse", &d))
    return FALSE;
  set_output (reader, object, forward.sequences, is_zeroed (reader, &forward),
      (concat ? 2 : 1) * forward.units);
  return TRUE;
}
