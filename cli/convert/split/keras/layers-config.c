/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "container/json.h"
#include "keras/json.h"
#include "split/keras/layers.h"
#include "util/text.h"
#include <math.h>

#define MAX_NUMBERS 65536 /* of an array in the configuration */
#define MAX_LEVELS 8      /* of nested arrays */

static gboolean
fail_member (FrameGraph *graph, const FrameCall *call, ConvertError code, const char *key,
    const char *expected)
{
  g_autofree char *found = keras_describe_member (call->layer->config, key);

  return keras_fail (
      graph->reader, call->layer, code, "%s: expected %s, found %s", key, expected, found);
}

static gboolean
read_integer (JsonNode *node, gint64 least, gint64 *value)
{
  gsize size;

  if (!lstm_json_get_size (node, &size) || size > G_MAXINT32 || (gint64) size < least)
    return FALSE;
  *value = (gint64) size;
  return TRUE;
}

gboolean
frame_read_sizes (FrameGraph *graph, const FrameCall *call, const char *key, guint n,
    const gint64 *default_values, gint64 *values)
{
  JsonNode *node = keras_get_member (call->layer->config, key);
  JsonArray *array = lstm_json_get_array (node);
  gboolean is_valid = !array || json_array_get_length (array) == n;
  g_autofree char *expected = NULL;

  for (guint i = 0; i < n && is_valid; i++) {
    if (!node && default_values)
      values[i] = default_values[i];
    else
      is_valid = read_integer (array ? json_array_get_element (array, i) : node, 1, &values[i]);
  }
  if (is_valid)
    return TRUE;
  expected = g_strdup_printf ("an integer from 1 to 2147483647, or an array of %u of them", n);
  return fail_member (graph, call, CONVERT_ERROR_FILE, key, expected);
}

static gboolean
read_edge_pair (JsonNode *node, gint64 *first, gint64 *last)
{
  JsonArray *array = lstm_json_get_array (node);

  if (!array) {
    *last = 0;
    return read_integer (node, 0, first) && read_integer (node, 0, last);
  }
  return json_array_get_length (array) == 2
         && read_integer (json_array_get_element (array, 0), 0, first)
         && read_integer (json_array_get_element (array, 1), 0, last);
}

gboolean
frame_read_edges (
    FrameGraph *graph, const FrameCall *call, const char *key, guint n, FrameEdges *edges)
{
  JsonNode *node = keras_get_member (call->layer->config, key);
  JsonArray *array = lstm_json_get_array (node);
  gboolean is_valid = node != NULL;

  for (guint i = 0; i < n && is_valid; i++) {
    JsonNode *element = node;

    if (n > 1 && array)
      element = i < json_array_get_length (array) ? json_array_get_element (array, i) : NULL;
    is_valid = element && read_edge_pair (element, &edges->first[i], &edges->last[i]);
  }
  if (is_valid && (n == 1 || !array || json_array_get_length (array) == n))
    return TRUE;
  return fail_member (graph, call, CONVERT_ERROR_FILE, key,
      n == 1 ? "an integer of at least 0, or a pair of them"
             : "an integer of at least 0, or an array of an integer or a pair for each axis");
}

gboolean
frame_read_choice (FrameGraph *graph, const FrameCall *call, const char *key,
    const char *const *choices, guint *index)
{
  const char *name = keras_get_string (call->layer->config, key);
  g_autoptr (GString) names = g_string_new (NULL);

  *index = 0;
  if (!keras_get_member (call->layer->config, key))
    return TRUE;
  for (guint i = 0; choices[i]; i++) {
    if (g_strcmp0 (name, choices[i]) == 0) {
      *index = i;
      return TRUE;
    }
    lstm_text_append_item (names, choices[i]);
  }
  return fail_member (graph, call, CONVERT_ERROR_UNSUPPORTED, key, names->str);
}

gboolean
frame_check_unset (FrameGraph *graph, const FrameCall *call, const char *key)
{
  JsonNode *node = keras_get_member (call->layer->config, key);
  gboolean value = TRUE;

  return !node || (lstm_json_get_boolean (node, &value) && !value)
         || fail_member (graph, call, CONVERT_ERROR_UNSUPPORTED, key, "null or false");
}

/* Returns the content of a constant that Keras 3 stores as an object, or @node. */
static JsonNode *
get_constant (JsonNode *node)
{
  JsonObject *object = lstm_json_get_object (node);
  const char *name = keras_get_string (object, "class_name");

  if (g_strcmp0 (name, "__numpy__") != 0 && g_strcmp0 (name, "__tensor__") != 0)
    return node;
  return keras_get_member (keras_get_object (object, "config"), "value");
}

/* Appends the numbers of @node to @values. Returns FALSE if @node has anything else. */
static gboolean
append_numbers (JsonNode *node, GArray *values)
{
  JsonArray *array = lstm_json_get_array (node);
  gboolean is_valid = TRUE;
  guint n;

  for (guint i = 0; i < MAX_LEVELS && array && json_array_get_length (array) == 1; i++) {
    node = json_array_get_element (array, 0);
    array = lstm_json_get_array (node);
  }
  n = array ? json_array_get_length (array) : 1;
  is_valid = n >= 1 && n <= MAX_NUMBERS;
  for (guint i = 0; i < n && is_valid; i++) {
    double number = NAN;
    float value;

    is_valid = lstm_json_get_number (array ? json_array_get_element (array, i) : node, &number);
    value = (float) number;
    is_valid = is_valid && isfinite (value);
    g_array_append_val (values, value);
  }
  return is_valid;
}

gboolean
frame_read_numbers (
    FrameGraph *graph, const FrameCall *call, const char *key, JsonNode *node, GArray *values)
{
  g_autofree char *found = lstm_json_describe (node);

  return append_numbers (get_constant (node), values)
         || keras_fail (graph->reader, call->layer, CONVERT_ERROR_UNSUPPORTED,
             "%s: expected a finite number, or an array of finite numbers for the last axis, "
             "found %s",
             key, found);
}

const char *
frame_add_numbers (FrameGraph *graph, const FrameCall *call, const char *key,
    const FrameValue *value, const GArray *numbers)
{
  const float *values = (const float *) (gconstpointer) numbers->data;
  guint last = value->n_dims - 1;
  gint64 shape[FRAME_MAX_DIMS];

  if (numbers->len == 1)
    return frame_add_scalar (graph, call, key, values[0]);
  if (value->shape[last] != numbers->len) {
    keras_fail (graph->reader, call->layer, CONVERT_ERROR_FILE,
        "%s: expected a number, or %" G_GINT64_FORMAT " numbers, found %u", key,
        value->shape[last], numbers->len);
    return NULL;
  }
  for (guint i = 0; i < last; i++)
    shape[i] = 1;
  shape[last] = numbers->len;
  return frame_add_factor (graph, call, key, value, shape, values);
}
