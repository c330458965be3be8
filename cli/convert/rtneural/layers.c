/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The layers that model_utils.py of RTNeural writes for a Keras model, and the keys that AIDA-X
 * adds: {"in_shape": [null, null, d], "layers": [{"type": …, "activation": …, "shape": [null, null,
 * n], "weights": […]}, …], "in_skip": 0 or 1, "in_gain": dB, "out_gain": dB} */
#include "rtneural/types.h"
#include "container/json.h"
#include "util/text.h"
#include <math.h>

#define SILENCE (-90)   /* in dB; AIDA-X reads this gain, and lower gains, as 0 */
#define MAX_SCALED 1024 /* features of an input with a gain, as the file may state any size */

typedef struct {
  double in, out; /* factors */
  gboolean skips; /* the input of the network is added to its output */
} RtGains;

static const RtType *
find_type (JsonFile *file, JsonPart part)
{
  const char *name = json_file_get_string (file, part, "type");
  g_autoptr (GString) names = g_string_new (NULL);

  for (const RtType *type = rt_types; name && type->name; type++) {
    if (g_str_equal (type->name, name))
      return type;
    lstm_text_append_item (names, type->name);
  }
  if (name) {
    g_autofree char *expected = g_strconcat ("one of ", names->str, NULL);

    json_file_fail_member (file, part, "type", CONVERT_ERROR_UNSUPPORTED, expected);
  }
  return NULL;
}

/* Returns whether @layer is the InputLayer of a Keras model. model_utils.py writes "unknown" for the
 * type of a layer that RTNeural does not know, and RTNeural ignores such a layer. */
static gboolean
is_input (const RtLayer *layer, guint index)
{
  const char *type = lstm_json_get_string (json_file_find (layer->part, "type"));

  return index == 0 && g_strcmp0 (type, "unknown") == 0 && layer->in == layer->out
         && (!layer->weights || json_array_get_length (layer->weights) == 0);
}

static gboolean
fail_type (JsonFile *file, JsonNode *node, const char *field)
{
  g_autofree char *found = lstm_json_describe (node);

  return json_file_fail (
      file, CONVERT_ERROR_FILE, field, "expected an object, found %s", found);
}

/* Converts the layer @index of "layers". */
static gboolean
convert_layer (RtReader *reader, JsonNode *node, guint index)
{
  g_autofree char *field = g_strdup_printf ("layers[%u]", index);
  RtLayer layer = {
      .reader = reader, .part = {lstm_json_get_object (node), field}, .in = reader->size};
  const RtType *type;

  if (!layer.part.object)
    return fail_type (reader->file, node, field);
  if (!rt_read_last_size (reader->file, layer.part, "shape", &layer.out))
    return FALSE;
  if (json_file_find (layer.part, "weights")
      && !(layer.weights = json_file_get_array (reader->file, layer.part, "weights")))
    return FALSE;
  if (is_input (&layer, index))
    return TRUE;
  reader->size = layer.out;
  type = find_type (reader->file, layer.part);
  return type && type->convert (&layer);
}

/* Sets @factor to the gain of the member @key, as AIDA-X computes it. */
static gboolean
read_gain (JsonFile *file, JsonPart part, const char *key, double *factor)
{
  double decibels;

  if (!json_file_read_number (file, part, key, 0, &decibels))
    return FALSE;
  *factor = decibels > SILENCE ? pow (10, decibels / 20) : 0;
  return isfinite (*factor)
         || json_file_fail_member (
             file, part, key, CONVERT_ERROR_UNSUPPORTED, "a finite gain in dB");
}

/* AIDA-X ignores a skip that is not a number. Such a skip is refused, because its meaning is
 * doubtful. */
static gboolean
read_skip (JsonFile *file, JsonPart part, gboolean *skips)
{
  static const char key[] = "in_skip";

  if (lstm_json_get_boolean (json_file_find (part, key), skips))
    return json_file_fail_member (file, part, key, CONVERT_ERROR_UNSUPPORTED, "0 or 1");
  return json_file_read_flag (file, part, key, FALSE, skips);
}

/* Adds a layer that multiplies the first feature of @size features by @scale. */
static void
add_gain (ConvertModel *model, gsize size, double scale)
{
  JsonObject *layer;
  float *values;

  if (size == 1) {
    layer = convert_model_add_layer (model, "normalization", NULL);
    json_object_set_double_member (layer, "scale", scale);
    return;
  }
  layer = convert_model_add_layer (model, "normalization", "gain");
  values = g_new (float, size);
  for (gsize i = 0; i < size; i++)
    values[i] = i == 0 ? (float) scale : 1;
  convert_model_add_tensor (model, layer, "scale", 1, &size, values);
}

/* Appends the skip and the output gain. The residual layer adds the input of the model, which the
 * input gain has not changed: out · (y + in · x) = out · in · (y / in + x). */
static void
add_output (RtReader *reader, const RtGains *gains)
{
  const gboolean is_scaled = gains->in != 1, skips = gains->skips && gains->in != 0;
  const double out = skips ? gains->out * gains->in : gains->out;

  if (skips && is_scaled)
    add_gain (reader->model, reader->size, 1 / gains->in);
  if (skips)
    convert_model_add_layer (reader->model, "residual", NULL);
  if (out != 1)
    add_gain (reader->model, reader->size, out);
}

/* AIDA-X uses one output of the network. */
static gboolean
check_one_output (RtReader *reader, const RtGains *gains)
{
  return reader->size == 1 || (!gains->skips && gains->out == 1)
         || json_file_fail (reader->file, CONVERT_ERROR_UNSUPPORTED,
             gains->skips ? "in_skip" : "out_gain",
             "expected a network with one output, found %zu outputs", reader->size);
}

gboolean
rt_convert_layers (RtReader *reader)
{
  JsonFile *file = reader->file;
  const JsonPart root = {file->object, ""};
  JsonArray *layers = json_file_get_array (file, root, "layers");
  RtGains gains;

  if (!layers || !rt_read_last_size (file, root, "in_shape", &reader->size)
      || !read_skip (file, root, &gains.skips) || !read_gain (file, root, "in_gain", &gains.in)
      || !read_gain (file, root, "out_gain", &gains.out))
    return FALSE;
  if (json_array_get_length (layers) == 0)
    return json_file_fail (
        file, CONVERT_ERROR_UNSUPPORTED, "layers", "expected at least one layer, found none");
  if (gains.in != 1 && reader->size > MAX_SCALED)
    return json_file_fail (file, CONVERT_ERROR_UNSUPPORTED, "in_gain",
        "expected at most %d features, found %zu in in_shape", MAX_SCALED, reader->size);
  if (gains.in != 1)
    add_gain (reader->model, reader->size, gains.in);
  for (guint i = 0; i < json_array_get_length (layers); i++)
    if (!convert_layer (reader, json_array_get_element (layers, i), i))
      return FALSE;
  if (!check_one_output (reader, &gains))
    return FALSE;
  add_output (reader, &gains);
  return TRUE;
}
