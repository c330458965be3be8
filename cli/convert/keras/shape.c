/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What changes the shape of a layer's input: batches left out, (steps, width) or (width). */
#include "keras/keras.h"

#define MAX_DIMS 8

gboolean
keras_check_width (KerasReader *reader, const KerasLayer *layer, const char *what, gsize width)
{
  gint64 known = reader->shape.width;

  reader->shape.width = (gint64) width;
  return known == KERAS_UNKNOWN || known == (gint64) width
         || keras_fail (reader, layer, CONVERT_ERROR_FILE,
             "%s: expected %" G_GINT64_FORMAT
             " features, as the layer before gives, found %" G_GSIZE_FORMAT,
             what, known, width);
}

/* Fills @sizes from element @first on, null and -1 as KERAS_UNKNOWN.
 * Returns: their number, -1 for anything else */
static int
parse_shape (JsonArray *array, guint first, gint64 sizes[MAX_DIMS])
{
  guint n = array ? json_array_get_length (array) : 0;

  if (n < first || n - first > MAX_DIMS)
    return -1;
  for (guint i = first; i < n; i++) {
    JsonNode *node = json_array_get_element (array, i);
    gboolean integer = JSON_NODE_HOLDS_VALUE (node)
                       && json_node_get_value_type (node) == G_TYPE_INT64;
    gint64 size = integer ? json_node_get_int (node) : KERAS_UNKNOWN;

    if (!(integer || JSON_NODE_HOLDS_NULL (node)) || size == 0 || size < KERAS_UNKNOWN
        || size > G_MAXINT32)
      return -1;
    sizes[i - first] = size;
  }
  return (int) (n - first);
}

gboolean
keras_convert_input (KerasReader *reader, KerasLayer *layer)
{
  static const char *const keys[] = {"batch_shape", "batch_input_shape"};
  gint64 sizes[MAX_DIMS];
  int n = -1;

  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    if (keras_get (layer->config, keys[i]))
      n = parse_shape (keras_peek_array (layer->config, keys[i]), 1, sizes);
  if (n == 1)
    reader->shape = (KerasShape){KERAS_VECTOR, KERAS_UNKNOWN, sizes[0]};
  else if (n == 2)
    reader->shape = (KerasShape){KERAS_SEQUENCE, sizes[0], sizes[1]};
  else
    return keras_fail (reader, layer, CONVERT_ERROR_UNSUPPORTED,
        "expected an input of shape (batch, steps, features)");
  return TRUE;
}

static gboolean
is_read_as_sequence (const KerasReader *reader)
{
  for (guint i = reader->index + 1; i < reader->chain->len; i++) {
    const KerasLayer *layer = g_ptr_array_index (reader->chain, i);

    if (layer->class->sequence)
      return TRUE;
  }
  return FALSE;
}

/* A vector's @n sizes: it stays one in everything but name, or becomes one step. */
static gboolean
reshape_vector (KerasReader *reader, KerasLayer *layer, const gint64 *sizes, int n)
{
  gint64 width = reader->shape.width, product = 1;
  gboolean flat = TRUE, open = FALSE;

  for (int i = 0; i < n; i++) {
    open |= sizes[i] == KERAS_UNKNOWN;
    product *= MAX (sizes[i], 1);
    flat &= i == n - 1 || sizes[i] == 1;
    if (product > G_MAXINT32)
      break;
  }
  if (width != KERAS_UNKNOWN && (open ? width % product != 0 : width != product))
    return keras_fail (reader, layer, CONVERT_ERROR_FILE,
        "expected a shape of %" G_GINT64_FORMAT " values, found one of %" G_GINT64_FORMAT,
        width, product);
  if (is_read_as_sequence (reader)) {
    JsonObject *object;

    if (n != 2 || !flat)
      return keras_fail (reader, layer, CONVERT_ERROR_UNSUPPORTED,
          "a Reshape of the features into steps is not supported");
    object = convert_model_add_layer (reader->model, "repeat_vector", layer->name);
    json_object_set_int_member (object, "n", 1);
    reader->shape.kind = KERAS_SEQUENCE;
    reader->shape.steps = 1;
  } else if (!flat) {
    reader->shape.kind = KERAS_SHAPED;
  }
  return TRUE;
}

gboolean
keras_convert_reshape (KerasReader *reader, KerasLayer *layer)
{
  const KerasShape *shape = &reader->shape;
  gint64 sizes[MAX_DIMS];
  int n = parse_shape (keras_peek_array (layer->config, "target_shape"), 0, sizes);

  if (n < 1)
    return keras_fail (reader, layer, CONVERT_ERROR_FILE,
        "expected sizes for \"target_shape\", found something else");
  if (shape->kind != KERAS_SEQUENCE)
    return reshape_vector (reader, layer, sizes, n);
  if (n == 2 && shape->width != KERAS_UNKNOWN && shape->width == sizes[1]
      && (sizes[0] == KERAS_UNKNOWN || sizes[0] == shape->steps))
    return TRUE;
  if (n == 2 && shape->steps != KERAS_UNKNOWN && shape->steps == sizes[0]
      && sizes[1] == KERAS_UNKNOWN)
    return TRUE;
  if (n == 1 && shape->steps == 1 && (sizes[0] == KERAS_UNKNOWN || sizes[0] == shape->width)) {
    reader->shape.kind = KERAS_VECTOR;
    return TRUE;
  }
  return keras_fail (reader, layer, CONVERT_ERROR_UNSUPPORTED,
      "a Reshape that changes steps or features is not supported");
}

gboolean
keras_convert_flatten (KerasReader *reader, KerasLayer *layer)
{
  if (reader->shape.kind == KERAS_SEQUENCE && reader->shape.steps != 1)
    return keras_fail (reader, layer, CONVERT_ERROR_UNSUPPORTED,
        "Flatten of several steps is not supported (after return_sequences=False it is)");
  reader->shape.kind = KERAS_VECTOR;
  return TRUE;
}

gboolean
keras_convert_repeat_vector (KerasReader *reader, KerasLayer *layer)
{
  JsonObject *object;
  gsize n;

  if (!keras_get_count (reader, layer, layer->config, "n", &n))
    return FALSE;
  if (reader->shape.kind != KERAS_VECTOR)
    return keras_fail (reader, layer, CONVERT_ERROR_FILE,
        "expected the features of one step, found a sequence (return_sequences=True before?)");
  object = convert_model_add_layer (reader->model, "repeat_vector", layer->name);
  json_object_set_int_member (object, "n", (gint64) n);
  reader->shape.kind = KERAS_SEQUENCE;
  reader->shape.steps = (gint64) n;
  return TRUE;
}
