/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rtneural/layer.h"
#include "container/json.h"

#define MAX_DIMS                                                                               \
  3 /* batch, steps, features; a fourth dimension belongs to a two-dimensional layer */

gboolean
rt_read_last_size (JsonFile *file, JsonPart part, const char *key, gsize *size)
{
  JsonArray *shape = json_file_get_array (file, part, key), *inner;
  guint n = shape ? json_array_get_length (shape) : 0;

  if (!shape)
    return FALSE;
  /* The shape of a Keras InputLayer may be a list of one shape. */
  if (n == 1 && (inner = lstm_json_get_array (json_array_get_element (shape, 0)))) {
    shape = inner;
    n = json_array_get_length (shape);
  }
  if (n >= 1 && n <= MAX_DIMS
      && lstm_json_get_size (json_array_get_element (shape, n - 1), size) && *size >= 1
      && *size <= G_MAXINT32)
    return TRUE;
  return json_file_fail_member (file, part, key, CONVERT_ERROR_UNSUPPORTED,
      "one to three dimensions, the last of which is the number of features");
}

gboolean
rt_check_n_weights (const RtLayer *layer, guint min, guint max)
{
  guint n = layer->weights ? json_array_get_length (layer->weights) : 0;
  g_autofree char *field = json_file_get_field (layer->part, "weights");
  g_autofree char *range = min == max ? g_strdup_printf ("%u", min)
                                      : g_strdup_printf ("%u to %u", min, max);

  return (n >= min && n <= max)
         || json_file_fail (layer->reader->file, CONVERT_ERROR_FILE, field,
             "expected %s arrays, found %u", range, n);
}

gboolean
rt_check_same_size (const RtLayer *layer)
{
  g_autofree char *field = json_file_get_field (layer->part, "shape");

  return layer->in == layer->out
         || json_file_fail (layer->reader->file, CONVERT_ERROR_FILE, field,
             "expected %zu features, as in the input of the layer, found %zu", layer->in,
             layer->out);
}

float *
rt_read_weights (const RtLayer *layer, guint i, guint n_dims, const gsize *shape)
{
  g_autofree char *field = g_strdup_printf ("%s.weights[%u]", layer->part.field, i);

  return json_file_read_tensor (
      layer->reader->file, json_array_get_element (layer->weights, i), field, n_dims, shape);
}

float *
rt_read_transposed (const RtLayer *layer, guint i, gsize rows, gsize columns)
{
  const gsize shape[] = {rows, columns};
  g_autofree float *from = rt_read_weights (layer, i, 2, shape);
  float *to = from ? g_new (float, rows *columns) : NULL;

  for (gsize r = 0; to && r < rows; r++)
    for (gsize c = 0; c < columns; c++)
      to[c * rows + r] = from[r * columns + c];
  return to;
}

gboolean
rt_add_vector (const RtLayer *layer, guint i, JsonObject *object, const char *suffix)
{
  float *values = rt_read_weights (layer, i, 1, &layer->out);

  if (values)
    convert_model_add_tensor (layer->reader->model, object, suffix, 1, &layer->out, values);
  return values != NULL;
}
