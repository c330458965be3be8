/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One row per class of layer. */
#include "keras/keras.h"
#include "util/text.h"

static gboolean
convert_nothing (KerasReader *reader, KerasLayer *layer)
{
  return TRUE;
}

static gboolean
convert_activation (KerasReader *reader, KerasLayer *layer)
{
  JsonNode *activation = layer->class->activation (reader, layer, layer->config);
  JsonObject *object;

  if (!activation)
    return FALSE;
  if (keras_activation_is (activation, "linear")) {
    json_node_unref (activation);
    return TRUE;
  }
  object = convert_model_add_layer (reader->model, "activation", layer->name);
  json_object_set_member (object, "activation", activation);
  return TRUE;
}

static gboolean
convert_masking (KerasReader *reader, KerasLayer *layer)
{
  JsonObject *object;
  double value;

  if (!keras_get_number (reader, layer, layer->config, "mask_value", 0, &value))
    return FALSE;
  object = convert_model_add_layer (reader->model, "masking", layer->name);
  json_object_set_double_member (object, "mask_value", value);
  return TRUE;
}

static gboolean
convert_dense (KerasReader *reader, KerasLayer *layer)
{
  KerasArray arrays[] = {{"kernel", 2, {0}}, {"bias", 1, {0}}};
  g_autoptr (JsonNode) activation = NULL;
  g_autofree float *kernel = NULL, *bias = NULL;
  gsize shape[2];
  JsonObject *object;
  gboolean has_bias, read;

  if (!keras_get_count (reader, layer, layer->config, "units", &shape[0])
      || !keras_get_bool (reader, layer, layer->config, "use_bias", TRUE, &has_bias))
    return FALSE;
  activation = keras_get_activation (reader, layer, layer->config, "activation", "linear");
  arrays[0].shape[1] = arrays[1].shape[0] = shape[0];
  read = activation
         && keras_weights_read (reader, layer, layer->class->part, arrays, has_bias ? 2 : 1, 0);
  kernel = arrays[0].values;
  bias = arrays[1].values;
  if (!read || !keras_check_width (reader, layer, "kernel", arrays[0].shape[0]))
    return FALSE;
  shape[1] = arrays[0].shape[0];
  object = convert_model_add_layer (reader->model, "dense", layer->name);
  if (!keras_activation_is (activation, "linear"))
    json_object_set_member (object, "activation", g_steal_pointer (&activation));
  convert_model_add_tensor (
      reader->model, object, "weight", 2, shape, keras_transpose (kernel, shape[1], shape[0]));
  if (has_bias)
    convert_model_add_tensor (reader->model, object, "bias", 1, shape, g_steal_pointer (&bias));
  reader->shape.width = (gint64) shape[0];
  return TRUE;
}

static gboolean convert_time_distributed (KerasReader *reader, KerasLayer *layer);
static gboolean check_time_distributed (KerasReader *reader, const KerasLayer *layer);

/* name, part, weights, sequence, shaped, inner, convert, activation, check */
static const KerasClass classes[] = {
    {"InputLayer", "", FALSE, FALSE, FALSE, FALSE, keras_convert_input, NULL},
    {"LSTM", "cell", TRUE, TRUE, FALSE, FALSE, keras_convert_lstm, NULL, keras_check_lstm},
    {"CuDNNLSTM", "", TRUE, TRUE, FALSE, FALSE, keras_convert_lstm, NULL, keras_check_lstm},
    {"RNN", "cell", TRUE, TRUE, FALSE, FALSE, keras_convert_lstm, NULL, keras_check_lstm},
    {"Bidirectional", "", TRUE, TRUE, FALSE, FALSE, keras_convert_bidirectional, NULL,
        keras_check_bidirectional},
    {"TimeDistributed", "layer", TRUE, TRUE, FALSE, FALSE, convert_time_distributed, NULL,
        check_time_distributed},
    {"Dense", "", TRUE, FALSE, FALSE, TRUE, convert_dense, NULL},
    {"Activation", "", FALSE, FALSE, FALSE, TRUE, convert_activation, keras_activation},
    {"ReLU", "", FALSE, FALSE, FALSE, TRUE, convert_activation, keras_relu},
    {"LeakyReLU", "", FALSE, FALSE, FALSE, TRUE, convert_activation, keras_leaky_relu},
    {"ELU", "", FALSE, FALSE, FALSE, TRUE, convert_activation, keras_elu},
    {"ThresholdedReLU", "", FALSE, FALSE, FALSE, TRUE, convert_activation,
        keras_thresholded_relu},
    {"Softmax", "", FALSE, FALSE, FALSE, TRUE, convert_activation, keras_softmax},
    {"Masking", "", FALSE, TRUE, FALSE, FALSE, convert_masking, NULL},
    {"Normalization", "", TRUE, FALSE, FALSE, TRUE, keras_convert_normalization, NULL},
    {"Rescaling", "", FALSE, FALSE, FALSE, TRUE, keras_convert_rescaling, NULL},
    {"BatchNormalization", "", TRUE, FALSE, FALSE, TRUE, keras_convert_batch_normalization,
        NULL},
    {"LayerNormalization", "", TRUE, FALSE, FALSE, TRUE, keras_convert_layer_normalization,
        NULL},
    {"RepeatVector", "", FALSE, FALSE, FALSE, FALSE, keras_convert_repeat_vector, NULL},
    {"Flatten", "", FALSE, FALSE, TRUE, TRUE, keras_convert_flatten, NULL},
    {"Reshape", "", FALSE, FALSE, TRUE, TRUE, keras_convert_reshape, NULL},
    {"Dropout", "", FALSE, FALSE, TRUE, TRUE, convert_nothing, NULL},
    {"SpatialDropout1D", "", FALSE, TRUE, FALSE, FALSE, convert_nothing, NULL},
    {"AlphaDropout", "", FALSE, FALSE, TRUE, TRUE, convert_nothing, NULL},
    {"GaussianDropout", "", FALSE, FALSE, TRUE, TRUE, convert_nothing, NULL},
    {"GaussianNoise", "", FALSE, FALSE, TRUE, TRUE, convert_nothing, NULL},
    {"ActivityRegularization", "", FALSE, FALSE, TRUE, TRUE, convert_nothing, NULL},
    {"Identity", "", FALSE, FALSE, TRUE, TRUE, convert_nothing, NULL},
};

/* What TensorFlow 1.13 and 1.14 call them. */
static const struct {
  const char *alias, *name;
} aliases[] = {
    {"UnifiedLSTM", "LSTM"},
    {"BatchNormalizationV1", "BatchNormalization"},
    {"BatchNormalizationV2", "BatchNormalization"},
};

const KerasClass *
keras_find_class (const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (aliases); i++)
    if (g_str_equal (name, aliases[i].alias))
      name = aliases[i].name;
  for (guint i = 0; i < G_N_ELEMENTS (classes); i++)
    if (g_str_equal (name, classes[i].name))
      return &classes[i];
  return NULL;
}

static gboolean
fail_class (KerasReader *reader, const KerasLayer *layer, const char *where, const char *name,
    gboolean inner)
{
  g_autoptr (GString) names = g_string_new (NULL);

  for (guint i = 0; i < G_N_ELEMENTS (classes); i++)
    if (!inner || classes[i].inner)
      lstm_text_append_item (names, classes[i].name);
  return keras_fail (reader, layer, CONVERT_ERROR_UNSUPPORTED,
      "%s %s is not supported (%s are)", where, name, names->str);
}

static gboolean
check_time_distributed (KerasReader *reader, const KerasLayer *layer)
{
  JsonObject *object = keras_peek_object (layer->config, "layer");
  const char *name = keras_peek_string (object, "class_name");
  const KerasClass *class = name ? keras_find_class (name) : NULL;

  return (class && class->inner && keras_peek_object (object, "config"))
         || fail_class (
             reader, layer, "TimeDistributed of class", name ? name : "unknown", TRUE);
}

/* The inner layer, under the outer one's name, on one step's features. */
static gboolean
convert_time_distributed (KerasReader *reader, KerasLayer *layer)
{
  JsonObject *object = keras_peek_object (layer->config, "layer");
  const KerasShape outer = reader->shape;
  KerasLayer inner = *layer;
  gboolean converted;

  inner.config = keras_peek_object (object, "config");
  inner.class_name = keras_peek_string (object, "class_name");
  inner.class = keras_find_class (inner.class_name);
  if (!reader->legacy)
    inner.group = g_strconcat (layer->group, "/layer", NULL);
  reader->shape.kind = KERAS_VECTOR;
  converted = inner.class->convert (reader, &inner);
  if (!reader->legacy)
    g_free (inner.group);
  if (converted && reader->shape.kind != KERAS_VECTOR)
    return keras_fail (reader, layer, CONVERT_ERROR_UNSUPPORTED,
        "TimeDistributed of class %s with a new shape is not supported", inner.class_name);
  reader->shape.kind = outer.kind;
  reader->shape.steps = outer.steps;
  return converted;
}

static gboolean
check_input (KerasReader *reader, const KerasLayer *layer)
{
  const KerasClass *class = layer->class;

  if (reader->shape.kind == KERAS_SHAPED && !class->shaped)
    return keras_fail (reader, layer, CONVERT_ERROR_UNSUPPORTED,
        "class %s after a Reshape of the features is not supported", class->name);
  return !class->sequence || reader->shape.kind == KERAS_SEQUENCE
         || keras_fail (reader, layer, CONVERT_ERROR_UNSUPPORTED,
             "class %s: expected a sequence, found the features of one step", class->name);
}

gboolean
keras_check_class (KerasReader *reader, const KerasLayer *layer)
{
  if (!layer->class)
    return fail_class (reader, layer, "class", layer->class_name, FALSE);
  return !layer->class->check || layer->class->check (reader, layer);
}

gboolean
keras_convert_layer (KerasReader *reader, KerasLayer *layer)
{
  const KerasClass *class = layer->class;
  gboolean first = reader->index == 0, input = class->convert == keras_convert_input;
  gboolean shaped = keras_get (layer->config, "batch_input_shape") != NULL;

  if (input && !first) /* of a nested model */
    return TRUE;
  if (first && shaped && !input && !keras_convert_input (reader, layer))
    return FALSE;
  return check_input (reader, layer) && class->convert (reader, layer)
         && keras_weights_check_used (reader, layer);
}
