/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "convert.h"
#include "load/layer-config.h"
#include "container/metadata-keys.h"
#include "container/safetensors-writer.h"
#include "util/text.h"
#include <math.h>
#include <string.h>

typedef struct {
  char *name; /* NAME.suffix */
  const char *suffix;
  const JsonObject *layer;
  guint n_dims;
  gsize *shape;
  float *values;
} Tensor;

struct _ConvertModel {
  JsonArray *layers;
  GHashTable *names;  /* of layers */
  GPtrArray *tensors; /* Tensor */
  GString *notes;
  double rate; /* see convert_model_set_rate() */
};

static void
tensor_free (void *data)
{
  Tensor *tensor = data;

  g_free (tensor->name);
  g_free (tensor->shape);
  g_free (tensor->values);
  g_free (tensor);
}

ConvertModel *
convert_model_new (void)
{
  ConvertModel *model = g_new0 (ConvertModel, 1);

  model->layers = json_array_new ();
  model->names = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  model->tensors = g_ptr_array_new_with_free_func (tensor_free);
  model->notes = g_string_new (NULL);
  return model;
}

void
convert_model_free (ConvertModel *model)
{
  json_array_unref (model->layers);
  g_hash_table_unref (model->names);
  g_ptr_array_unref (model->tensors);
  g_string_free (model->notes, TRUE);
  g_free (model);
}

/* Adds the name @base, or "layer" if @base is empty, with a number if a layer has that name.
 * Returns: (transfer none): the name */
static const char *
add_unique_name (ConvertModel *model, const char *base)
{
  char *name = g_strdup (*base ? base : "layer");

  for (guint i = 1; g_hash_table_contains (model->names, name); i++) {
    g_free (name);
    name = g_strdup_printf ("%s_%u", *base ? base : "layer", i);
  }
  g_hash_table_add (model->names, name);
  return name;
}

JsonObject *
convert_model_add_layer (ConvertModel *model, const char *type, const char *name)
{
  JsonObject *layer = json_object_new ();

  json_object_set_string_member (layer, "type", type);
  if (name)
    json_object_set_string_member (layer, "name", add_unique_name (model, name));
  json_array_add_object_element (model->layers, layer);
  return layer;
}

void
convert_model_set_layers (ConvertModel *model, JsonArray *layers)
{
  json_array_unref (model->layers);
  model->layers = json_array_ref (layers);
}

void
convert_model_add_tensor (ConvertModel *model, JsonObject *layer, const char *suffix,
    guint n_dims, const gsize *shape, float *values)
{
  g_autofree char *prefix = lstm_layer_config_get_prefix (layer);
  Tensor *tensor = g_new0 (Tensor, 1);

  tensor->name = g_strconcat (prefix, suffix, NULL);
  tensor->suffix = tensor->name + strlen (prefix);
  tensor->layer = layer;
  tensor->n_dims = n_dims;
  tensor->shape = g_memdup2 (shape, n_dims * sizeof *shape);
  tensor->values = values;
  g_ptr_array_add (model->tensors, tensor);
}

void
convert_model_set_rate (ConvertModel *model, double rate)
{
  model->rate = rate;
}

void
convert_model_add_note (ConvertModel *model, const char *line)
{
  g_string_append_printf (model->notes, "  %s\n", line);
}

const char *
convert_model_find_infinite (const ConvertModel *model)
{
  for (guint i = 0; i < model->tensors->len; i++) {
    const Tensor *tensor = g_ptr_array_index (model->tensors, i);
    gsize n = 1;

    for (guint k = 0; k < tensor->n_dims; k++)
      n *= tensor->shape[k];
    for (gsize k = 0; k < n; k++)
      if (!isfinite (tensor->values[k]))
        return tensor->name;
  }
  return NULL;
}

const char *
convert_model_find_activation (const ConvertModel *model)
{
  const guint n = json_array_get_length (model->layers);
  JsonObject *layer = n ? json_array_get_object_element (model->layers, n - 1) : NULL;
  JsonNode *activation = layer ? json_object_get_member (layer, "activation") : NULL;

  if (activation && JSON_NODE_HOLDS_OBJECT (activation))
    activation = json_object_get_member (json_node_get_object (activation), "name");
  return activation && JSON_NODE_HOLDS_VALUE (activation) ? json_node_get_string (activation)
                                                          : NULL;
}

GBytes *
convert_model_to_bytes (const ConvertModel *model)
{
  g_autoptr (JsonNode) layers = json_node_init_array (json_node_alloc (), model->layers);
  g_autofree char *config = json_to_string (layers, FALSE);
  char rate[G_ASCII_DTOSTR_BUF_SIZE];
  const char *const metadata[] = {KEY_VERSION, "1", KEY_LAYERS, config,
      model->rate > 0 ? KEY_RATE : NULL, g_ascii_dtostr (rate, sizeof rate, model->rate), NULL};
  g_autofree LstmTensorView *views = g_new (LstmTensorView, model->tensors->len);

  for (guint i = 0; i < model->tensors->len; i++) {
    const Tensor *tensor = g_ptr_array_index (model->tensors, i);

    views[i] = (LstmTensorView){tensor->name, tensor->n_dims, tensor->shape, tensor->values};
  }
  return lstm_safetensors_write (metadata, views, model->tensors->len);
}

/* Returns: (transfer full): the tensors of @layer with their shapes, separated by commas */
static char *
list_tensors (const ConvertModel *model, const JsonObject *layer)
{
  GString *list = g_string_new (NULL);

  for (guint i = 0; i < model->tensors->len; i++) {
    const Tensor *tensor = g_ptr_array_index (model->tensors, i);
    g_autofree char *shape = NULL, *item = NULL;

    if (tensor->layer != layer)
      continue;
    shape = lstm_text_shape (tensor->n_dims, tensor->shape);
    item = g_strdup_printf ("%s %s", tensor->suffix, shape);
    lstm_text_append_item (list, item);
  }
  return g_string_free (list, FALSE);
}

char *
convert_model_describe (const ConvertModel *model)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < json_array_get_length (model->layers); i++) {
    JsonObject *layer = json_array_get_object_element (model->layers, i);
    g_autoptr (JsonNode) node = json_node_init_object (json_node_alloc (), layer);
    g_autofree char *object = json_to_string (node, FALSE);
    g_autofree char *tensors = list_tensors (model, layer);

    g_string_append_printf (text, "  %s%s%s\n", object, *tensors ? ": " : "", tensors);
  }
  if (model->rate > 0)
    g_string_append_printf (text, "  rate: %.10g Hz\n", model->rate);
  g_string_append (text, model->notes->str);
  return g_string_free (text, FALSE);
}
