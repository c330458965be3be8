/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "convert.h"
#include "load/layer-config.h"
#include "container/metadata-keys.h"
#include "util/small-floats.h"
#include "util/text.h"
#include <string.h>

typedef struct {
  char *name; /* NAME.suffix */
  const char *suffix;
  const JsonObject *layer;
  guint n_dims;
  gsize *shape;
  float *values; /* NULL: the values are in @parts */
  GArray *parts; /* LstmTensorPart; nullable */
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
  g_clear_pointer (&tensor->parts, g_array_unref);
  g_free (tensor);
}

static void
clear_part (gpointer part)
{
  lstm_content_unref (((LstmTensorPart *) part)->content);
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

/* Returns: (transfer none): a new tensor without values */
static Tensor *
add_tensor (ConvertModel *model, JsonObject *layer, const char *suffix, guint n_dims,
    const gsize *shape)
{
  g_autofree char *prefix = lstm_layer_config_get_prefix (layer);
  Tensor *tensor = g_new0 (Tensor, 1);

  tensor->name = g_strconcat (prefix, suffix, NULL);
  tensor->suffix = tensor->name + strlen (prefix);
  tensor->layer = layer;
  tensor->n_dims = n_dims;
  tensor->shape = g_memdup2 (shape, n_dims * sizeof *shape);
  g_ptr_array_add (model->tensors, tensor);
  return tensor;
}

void
convert_model_add_tensor (ConvertModel *model, JsonObject *layer, const char *suffix,
    guint n_dims, const gsize *shape, float *values)
{
  add_tensor (model, layer, suffix, n_dims, shape)->values = values;
}

void
convert_model_add_stored_tensor (ConvertModel *model, JsonObject *layer, const char *suffix,
    guint n_dims, const gsize *shape, const LstmTensorPart *parts, guint n_parts)
{
  GArray *copy = g_array_new (FALSE, FALSE, sizeof *parts);

  g_array_set_clear_func (copy, clear_part);
  g_array_append_vals (copy, parts, n_parts);
  for (guint i = 0; i < n_parts; i++)
    lstm_content_ref (parts[i].content);
  add_tensor (model, layer, suffix, n_dims, shape)->parts = copy;
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

static LstmTensorView
get_view (const Tensor *tensor)
{
  const GArray *parts = tensor->parts;

  return (LstmTensorView){tensor->name, tensor->n_dims, tensor->shape, tensor->values,
      parts ? (const LstmTensorPart *) parts->data : NULL, parts ? parts->len : 0};
}

/* Accepts float32 values in little-endian byte order that are finite. Returns FALSE without an error
 * for other values. */
static gboolean
accept_finite (gpointer target, const void *data, gsize n, GError **error)
{
  const gsize n_values = n / sizeof (guint32);
  g_autofree guint32 *swapped = NULL;

  if (G_BYTE_ORDER == G_LITTLE_ENDIAN)
    return lstm_floats_are_finite (data, n_values);
  swapped = g_memdup2 (data, n);
  for (gsize i = 0; i < n_values; i++)
    swapped[i] = GUINT32_FROM_LE (swapped[i]);
  return lstm_floats_are_finite (swapped, n_values);
}

const char *
convert_model_find_infinite (const ConvertModel *model)
{
  for (guint i = 0; i < model->tensors->len; i++) {
    const Tensor *tensor = g_ptr_array_index (model->tensors, i);
    const LstmTensorView view = get_view (tensor);
    g_autoptr (GError) error = NULL; /* Writing the tensor fails in the same way. */

    if (!lstm_safetensors_write_tensor (&view, accept_finite, NULL, &error) && !error)
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

/* Returns the tensors of the file. Biases and other vectors are first: liblstm reads the biases of a
 * layer before its matrices, and reads a pipe without seeking.
 * Returns: (transfer full): (tensors->len) */
static LstmTensorView *
order_tensors (const ConvertModel *model)
{
  LstmTensorView *views = g_new (LstmTensorView, model->tensors->len), *at = views;

  for (guint is_matrix = 0; is_matrix < 2; is_matrix++)
    for (guint i = 0; i < model->tensors->len; i++) {
      const Tensor *tensor = g_ptr_array_index (model->tensors, i);

      if ((tensor->n_dims > 1) == is_matrix)
        *at++ = get_view (tensor);
    }
  return views;
}

gboolean
convert_model_write (const ConvertModel *model,
    gboolean (*begin) (gpointer target, gsize size, GError **error), LstmWrite write,
    gpointer target, GError **error)
{
  g_autoptr (JsonNode) layers = json_node_init_array (json_node_alloc (), model->layers);
  g_autofree char *config = json_to_string (layers, FALSE);
  char rate[G_ASCII_DTOSTR_BUF_SIZE];
  const char *const metadata[] = {KEY_VERSION, "1", KEY_LAYERS, config,
      model->rate > 0 ? KEY_RATE : NULL, g_ascii_dtostr (rate, sizeof rate, model->rate), NULL};
  g_autofree LstmTensorView *views = order_tensors (model);
  guint64 n;
  g_autoptr (GBytes)
      header = lstm_safetensors_write_header (metadata, views, model->tensors->len, &n);
  gsize size;
  const void *data = g_bytes_get_data (header, &size);

  if ((begin && !begin (target, size + (gsize) n, error)) || !write (target, data, size, error))
    return FALSE;
  for (guint i = 0; i < model->tensors->len; i++)
    if (!lstm_safetensors_write_tensor (&views[i], write, target, error))
      return FALSE;
  return TRUE;
}

/* The bytes of a file, which all fit in data */
typedef struct {
  guint8 *data;
  gsize n;
} Buffer;

static gboolean
begin_buffer (gpointer target, gsize size, GError **error)
{
  ((Buffer *) target)->data = g_malloc (size);
  return TRUE;
}

static gboolean
write_buffer (gpointer target, const void *data, gsize n, GError **error)
{
  Buffer *buffer = target;

  memcpy (buffer->data + buffer->n, data, n);
  buffer->n += n;
  return TRUE;
}

GBytes *
convert_model_to_bytes (const ConvertModel *model)
{
  Buffer buffer = {NULL, 0};

  if (convert_model_write (model, begin_buffer, write_buffer, &buffer, NULL))
    return g_bytes_new_take (buffer.data, buffer.n);
  g_free (buffer.data);
  return NULL;
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
