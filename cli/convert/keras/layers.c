/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Layers that process the steps independently, and TimeDistributed. */
#include "keras/activations.h"
#include "keras/converters.h"
#include "keras/json.h"
#include "keras/shape.h"
#include "keras/weights.h"

gboolean
keras_convert_activation (KerasReader *reader, KerasLayer *layer)
{
  JsonNode *activation = layer->class->get_activation (reader, layer, layer->config);
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

gboolean
keras_convert_masking (KerasReader *reader, KerasLayer *layer)
{
  JsonObject *object;
  double value;

  if (!keras_read_number (reader, layer, layer->config, "mask_value", 0, &value))
    return FALSE;
  object = convert_model_add_layer (reader->model, "masking", layer->name);
  json_object_set_double_member (object, "mask_value", value);
  reader->mask_layer = layer->name;
  reader->has_uncertain_mask = FALSE;
  return TRUE;
}

gboolean
keras_convert_dense (KerasReader *reader, KerasLayer *layer)
{
  KerasArray arrays[] = {{"kernel", 2, {0}}, {"bias", 1, {0}}};
  g_autoptr (JsonNode) activation = NULL;
  g_autofree float *kernel = NULL, *bias = NULL;
  gsize shape[2];
  JsonObject *object;
  gboolean has_bias, is_read;

  if (!keras_read_count (reader, layer, layer->config, "units", &shape[0])
      || !keras_read_bool (reader, layer, layer->config, "use_bias", TRUE, &has_bias))
    return FALSE;
  activation = keras_get_activation (reader, layer, layer->config, "activation", "linear");
  arrays[0].shape[1] = arrays[1].shape[0] = shape[0];
  is_read = activation
            && keras_read_weights (reader, layer, layer->class->part, arrays, has_bias ? 2 : 1);
  kernel = arrays[0].values;
  bias = arrays[1].values;
  if (!is_read || !keras_check_width (reader, layer, "kernel", arrays[0].shape[0]))
    return FALSE;
  shape[1] = arrays[0].shape[0];
  object = convert_model_add_layer (reader->model, "dense", layer->name);
  if (!keras_activation_is (activation, "linear"))
    json_object_set_member (object, "activation", g_steal_pointer (&activation));
  convert_model_add_tensor (reader->model, object, "weight", 2, shape,
      keras_transpose_kernel (kernel, shape[1], shape[0]));
  if (has_bias)
    convert_model_add_tensor (reader->model, object, "bias", 1, shape, g_steal_pointer (&bias));
  reader->shape.width = (gint64) shape[0];
  return TRUE;
}

gboolean
keras_check_time_distributed (KerasReader *reader, const KerasLayer *layer)
{
  JsonObject *object = keras_get_object (layer->config, "layer");
  const char *name = keras_get_string (object, "class_name");
  const KerasClass *class = keras_find_class (reader, name);

  return (class && class->flags & KERAS_IN_TIME_DISTRIBUTED
             && keras_get_object (object, "config"))
         || keras_fail_class (reader, layer, "layer", KERAS_IN_TIME_DISTRIBUTED, name);
}

/* Converts the inner layer for the vector of one step. The inner layer gets the name of the outer
 * layer. */
gboolean
keras_convert_time_distributed (KerasReader *reader, KerasLayer *layer)
{
  JsonObject *object = keras_get_object (layer->config, "layer");
  const KerasShape outer_shape = reader->shape;
  g_autofree char *group = reader->is_legacy
                               ? NULL
                               : g_strconcat (layer->group, "/", layer->class->part, NULL);
  KerasLayer inner = *layer;
  g_autofree char *shape = NULL;

  inner.config = keras_get_object (object, "config");
  inner.class_name = keras_get_string (object, "class_name");
  inner.class = keras_find_class (reader, inner.class_name);
  inner.group = group;
  reader->shape.kind = KERAS_VECTOR;
  if (!inner.class->convert (reader, &inner))
    return FALSE;
  if (reader->shape.kind != KERAS_VECTOR) {
    shape = keras_describe_shape (&reader->shape);
    return keras_fail (reader, layer, CONVERT_ERROR_UNSUPPORTED,
        "layer: expected a class whose output is a vector, found %s, whose output is %s",
        inner.class_name, shape);
  }
  reader->shape.kind = outer_shape.kind;
  reader->shape.steps = outer_shape.steps;
  return TRUE;
}
