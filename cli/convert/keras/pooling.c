/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Layers that combine all steps of a sequence into one. */
#include "keras/converters.h"
#include "keras/json.h"
#include "keras/shape.h"

static gboolean
check_data_format (KerasReader *reader, const KerasLayer *layer)
{
  JsonNode *node = keras_get_member (layer->config, "data_format");
  const char *format = keras_get_string (layer->config, "data_format");
  g_autofree char *found = NULL;

  if (!node || g_strcmp0 (format, "channels_last") == 0)
    return TRUE;
  found = keras_describe_member (layer->config, "data_format");
  return keras_fail (reader, layer, CONVERT_ERROR_UNSUPPORTED,
      "data_format: expected \"channels_last\", [batch, steps, features], found %s", found);
}

static gboolean
convert_pooling (
    KerasReader *reader, KerasLayer *layer, const char *function, gboolean counts_masked)
{
  JsonObject *object;
  gboolean keeps_steps;

  if (!check_data_format (reader, layer)
      || !keras_read_bool (reader, layer, layer->config, "keepdims", FALSE, &keeps_steps))
    return FALSE;
  object = convert_model_add_layer (reader->model, "pooling", layer->name);
  json_object_set_string_member (object, "function", function);
  if (counts_masked)
    json_object_set_boolean_member (object, "count_masked", TRUE);
  keras_end_sequence (reader);
  if (keeps_steps)
    keras_add_step (reader, layer);
  return TRUE;
}

gboolean
keras_convert_average_pooling (KerasReader *reader, KerasLayer *layer)
{
  return convert_pooling (reader, layer, "mean", FALSE);
}

/* In Keras, GlobalMaxPooling1D includes the masked steps. */
gboolean
keras_convert_max_pooling (KerasReader *reader, KerasLayer *layer)
{
  return convert_pooling (reader, layer, "max", TRUE);
}
