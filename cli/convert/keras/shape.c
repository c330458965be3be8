/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Layers that change the shape of their input. */
#include "keras/shape.h"
#include "container/json.h"
#include "keras/converters.h"
#include "keras/json.h"

gboolean
keras_check_width (KerasReader *reader, const KerasLayer *layer, const char *name, gsize width)
{
  gint64 known = reader->shape.width;

  reader->shape.width = (gint64) width;
  return known == KERAS_UNKNOWN || known == (gint64) width
         || keras_fail (reader, layer, CONVERT_ERROR_FILE,
             "%s: expected %" G_GINT64_FORMAT
             " features, the output of the previous layer, found %" G_GSIZE_FORMAT,
             name, known, width);
}

int
keras_parse_shape (JsonArray *array, guint first, gint64 sizes[KERAS_MAX_DIMS])
{
  guint n = array ? json_array_get_length (array) : 0;

  if (n < first || n - first > KERAS_MAX_DIMS)
    return -1;
  for (guint i = first; i < n; i++) {
    JsonNode *node = json_array_get_element (array, i);
    gint64 size = lstm_json_is_integer (node) ? json_node_get_int (node) : KERAS_UNKNOWN;

    if (!(lstm_json_is_integer (node) || JSON_NODE_HOLDS_NULL (node)) || size == 0
        || size < KERAS_UNKNOWN || size > G_MAXINT32)
      return -1;
    sizes[i - first] = size;
  }
  return (int) (n - first);
}

gboolean
keras_read_input_shape (KerasReader *reader, const KerasLayer *layer)
{
  static const char *const keys[] = {"batch_shape", "batch_input_shape"};
  const char *key = keys[0];
  g_autofree char *found = NULL;
  gint64 sizes[KERAS_MAX_DIMS];
  int n;

  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    if (keras_get_member (layer->config, keys[i]))
      key = keys[i];
  n = keras_parse_shape (keras_get_array (layer->config, key), 1, sizes);
  if (n == 1)
    reader->shape = (KerasShape){KERAS_VECTOR, KERAS_UNKNOWN, sizes[0]};
  else if (n == 2)
    reader->shape = (KerasShape){KERAS_SEQUENCE, sizes[0], sizes[1]};
  if (n == 1 || n == 2)
    return TRUE;
  found = keras_describe_member (layer->config, key);
  return keras_fail (reader, layer, CONVERT_ERROR_UNSUPPORTED,
      "%s: expected [batch, steps, features] or [batch, features], found %s", key, found);
}

gboolean
keras_convert_input (KerasReader *reader, KerasLayer *layer)
{
  return keras_read_input_shape (reader, layer);
}

static gboolean
is_read_as_sequence (const KerasReader *reader)
{
  for (guint i = reader->index + 1; i < reader->chain->len; i++) {
    const KerasLayer *layer = g_ptr_array_index (reader->chain, i);

    if (layer->class->flags & KERAS_NEEDS_SEQUENCE)
      return TRUE;
  }
  return FALSE;
}

void
keras_end_sequence (KerasReader *reader)
{
  reader->shape.kind = KERAS_VECTOR;
  reader->mask_layer = NULL;
}

void
keras_add_step (KerasReader *reader, const KerasLayer *layer)
{
  JsonObject *object;

  if (!is_read_as_sequence (reader))
    return;
  object = convert_model_add_layer (reader->model, "repeat_vector", layer->name);
  json_object_set_int_member (object, "n", 1);
  reader->shape.kind = KERAS_SEQUENCE;
  reader->shape.steps = 1;
}

static gboolean
fail_reshape (KerasReader *reader, const KerasLayer *layer, const char *expected)
{
  g_autofree char *found = keras_describe_member (layer->config, "target_shape");
  g_autofree char *shape = keras_describe_shape (&reader->shape);

  return keras_fail (reader, layer, CONVERT_ERROR_UNSUPPORTED,
      "target_shape: expected %s for %s, found %s", expected, shape, found);
}

/* Returns whether the current layer reads the input of the model. */
static gboolean
reads_model_input (const KerasReader *reader)
{
  const KerasLayer *first = g_ptr_array_index (reader->chain, 0);

  return reader->index == 0 || (reader->index == 1 && first->class->flags & KERAS_IS_INPUT);
}

/* Makes @sizes the shape of the model's input, which is a vector in Keras. The values of the vector
 * are the steps of the sequence, one after the other. @product: the known sizes */
static void
reshape_input (KerasReader *reader, const gint64 sizes[2], gint64 product)
{
  gint64 known[2], rest = reader->shape.width / product;
  g_autofree char *note = NULL;

  for (guint i = 0; i < 2; i++)
    known[i] = sizes[i] == KERAS_UNKNOWN ? rest : sizes[i];
  reader->shape = (KerasShape){KERAS_SEQUENCE, known[0], known[1]};
  note = g_strdup_printf ("the input is %" G_GINT64_FORMAT " steps of %" G_GINT64_FORMAT
                          " features, which Keras reads as one vector",
      known[0], known[1]);
  convert_model_add_note (reader->model, note);
}

/* Reshapes a vector to @sizes [n]. The vector becomes one step of a sequence if a later layer needs
 * a sequence. */
static gboolean
reshape_vector (KerasReader *reader, KerasLayer *layer, const gint64 *sizes, int n)
{
  gint64 width = reader->shape.width, product = 1;
  gboolean is_flat = TRUE, has_unknown = FALSE;

  for (int i = 0; i < n; i++) {
    has_unknown |= sizes[i] == KERAS_UNKNOWN;
    product *= MAX (sizes[i], 1);
    is_flat &= i == n - 1 || sizes[i] == 1;
    if (product > G_MAXINT32)
      break;
  }
  if (width != KERAS_UNKNOWN && (has_unknown ? width % product != 0 : width != product))
    return keras_fail (reader, layer, CONVERT_ERROR_FILE,
        "target_shape: expected a shape of %" G_GINT64_FORMAT
        " values, found a shape of %" G_GINT64_FORMAT,
        width, product);
  if (!is_read_as_sequence (reader)) {
    if (!is_flat)
      reader->shape.kind = KERAS_RESHAPED;
    return TRUE;
  }
  if (n == 2 && width != KERAS_UNKNOWN && reads_model_input (reader)) {
    reshape_input (reader, sizes, product);
    return TRUE;
  }
  if (n != 2 || !is_flat)
    return fail_reshape (reader, layer, "one step [1, features]");
  keras_add_step (reader, layer);
  return TRUE;
}

/* Returns whether a Reshape to @sizes [n] keeps steps and features of @shape, a sequence. */
static gboolean
keeps_sequence (const KerasShape *shape, const gint64 *sizes, int n)
{
  if (n != 2)
    return FALSE;
  if (shape->width != KERAS_UNKNOWN && shape->width == sizes[1])
    return sizes[0] == KERAS_UNKNOWN || sizes[0] == shape->steps;
  return shape->steps != KERAS_UNKNOWN && shape->steps == sizes[0] && sizes[1] == KERAS_UNKNOWN;
}

gboolean
keras_convert_reshape (KerasReader *reader, KerasLayer *layer)
{
  const KerasShape *shape = &reader->shape;
  g_autofree char *found = NULL;
  gint64 sizes[KERAS_MAX_DIMS];
  int n = keras_parse_shape (keras_get_array (layer->config, "target_shape"), 0, sizes);

  if (n < 1) {
    found = keras_describe_member (layer->config, "target_shape");
    return keras_fail (reader, layer, CONVERT_ERROR_FILE,
        "target_shape: expected an array of 1 to %d sizes, found %s", KERAS_MAX_DIMS, found);
  }
  if (shape->kind != KERAS_SEQUENCE)
    return reshape_vector (reader, layer, sizes, n);
  if (keeps_sequence (shape, sizes, n))
    return TRUE;
  if (n == 1 && shape->steps == 1 && (sizes[0] == KERAS_UNKNOWN || sizes[0] == shape->width)) {
    reader->shape.kind = KERAS_VECTOR;
    return TRUE;
  }
  return fail_reshape (reader, layer, "the same steps and features");
}

gboolean
keras_convert_flatten (KerasReader *reader, KerasLayer *layer)
{
  g_autofree char *found = NULL;

  if (reader->shape.kind == KERAS_SEQUENCE && reader->shape.steps != 1) {
    found = keras_describe_shape (&reader->shape);
    return keras_fail (reader, layer, CONVERT_ERROR_UNSUPPORTED,
        "input: expected a vector or one step, as after return_sequences=False, found %s",
        found);
  }
  reader->shape.kind = KERAS_VECTOR;
  return TRUE;
}

gboolean
keras_convert_repeat_vector (KerasReader *reader, KerasLayer *layer)
{
  g_autofree char *found = NULL;
  JsonObject *object;
  gsize n;

  if (!keras_read_count (reader, layer, layer->config, "n", &n))
    return FALSE;
  if (reader->shape.kind != KERAS_VECTOR) {
    found = keras_describe_shape (&reader->shape);
    return keras_fail (reader, layer, CONVERT_ERROR_FILE,
        "input: expected a vector, as after return_sequences=False, found %s", found);
  }
  object = convert_model_add_layer (reader->model, "repeat_vector", layer->name);
  json_object_set_int_member (object, "n", (gint64) n);
  reader->shape.kind = KERAS_SEQUENCE;
  reader->shape.steps = (gint64) n;
  return TRUE;
}
