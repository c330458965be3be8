/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "split/keras/input.h"
#include "container/json.h"
#include "keras/json.h"
#include "keras/shape.h"
#include "split/keras/operations.h"
#include <math.h>

enum {
  TIME,
  FRAME,
  N_AXES = 4
}; /* of an input without the batch; FRAME and the axes that follow */

/* The number types of an InputLayer, which computes float32 from all of them */
static const struct {
  const char *name;
  ConvertFrameType type;
} types[] = {
    {"float32", CONVERT_FRAME_FLOAT32},
    {"float64", CONVERT_FRAME_FLOAT32},
    {"float16", CONVERT_FRAME_FLOAT32},
    {"bfloat16", CONVERT_FRAME_FLOAT32},
    {"uint8", CONVERT_FRAME_UINT8},
};

/* Returns: (nullable): the only call that reads no other call; NULL with an error */
static const KerasCall *
find_input (KerasCalls *calls)
{
  const KerasCall *input = NULL;

  for (guint i = 0; i < calls->calls->len; i++) {
    const KerasCall *call = keras_calls_get (calls, i);

    if (call->inputs->len > 0)
      continue;
    if (input) {
      keras_fail (calls->reader, call->layer, CONVERT_ERROR_UNSUPPORTED,
          "inputs: expected one input of the model, found this layer and \"%s\"",
          input->layer->name);
      return NULL;
    }
    input = call;
  }
  return input;
}

/* A member of the configuration */
typedef struct {
  JsonObject *object; /* nullable */
  const char *key;
} Member;

/* Returns the member that is the shape of the input of the model. Keras saves the shape of a
 * Sequential model without an InputLayer in several places. */
static Member
find_shape (KerasCalls *calls, const KerasLayer *layer)
{
  const KerasModel *model = g_ptr_array_index (calls->reader->models, 0);
  const Member places[] = {
      {layer->config, "batch_shape"},
      {layer->config, "batch_input_shape"},
      {model->config, "build_input_shape"},
      {keras_get_object (layer->object, "build_config"), "input_shape"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (places); i++)
    if (keras_get_array (places[i].object, places[i].key))
      return places[i];
  return places[0];
}

/* Replaces @size, if it is not known, by @option; 0: the user did not state the size. */
static gboolean
fix_size (KerasCalls *calls, const KerasLayer *layer, const char *option, const char *name,
    guint stated, gint64 *size)
{
  if (*size == KERAS_UNKNOWN && stated == 0)
    return keras_fail (calls->reader, layer, CONVERT_ERROR_UNSUPPORTED,
        "%s: expected a number in the shape of the input, or the option %s, found null", name,
        option);
  if (*size != KERAS_UNKNOWN && stated != 0 && *size != stated)
    return keras_fail (calls->reader, layer, CONVERT_ERROR_UNSUPPORTED,
        "%s: expected %" G_GINT64_FORMAT ", as in the shape of the input, found %u", option,
        *size, stated);
  if (*size == KERAS_UNKNOWN)
    *size = stated;
  return TRUE;
}

static gboolean
has_channels (gint64 size)
{
  return size == 1 || size == 3 || size == 4;
}

/* Fills in what the user states, and sets the fields of @split. @sizes: of the input without the
 * batch */
static gboolean
set_frame (
    KerasCalls *calls, const KerasLayer *layer, gint64 sizes[N_AXES], ConvertSplit *split)
{
  const ConvertInput *input = calls->reader->input;
  gint64 *frame = sizes + FRAME;
  guint first;

  split->is_channels_first = has_channels (frame[0]) && !has_channels (frame[2]);
  first = split->is_channels_first ? 1 : 0;
  if (frame[split->is_channels_first ? 0 : 2] == KERAS_UNKNOWN)
    return keras_fail (calls->reader, layer, CONVERT_ERROR_UNSUPPORTED,
        "channels: expected a number in the shape of the input, found null");
  if (!fix_size (calls, layer, "--steps", "steps", input->steps, &sizes[TIME])
      || !fix_size (calls, layer, "--size", "height", input->frame_size[0], &frame[first])
      || !fix_size (calls, layer, "--size", "width", input->frame_size[1], &frame[first + 1]))
    return FALSE;
  split->n_steps = (gsize) sizes[TIME];
  split->height = (gsize) frame[first];
  split->width = (gsize) frame[first + 1];
  split->n_channels = (gsize) frame[split->is_channels_first ? 0 : 2];
  return frame_get_size (N_AXES - FRAME, frame) > 0
         || keras_fail (calls->reader, layer, CONVERT_ERROR_FILE,
             "shape of the input: expected at most %d values in a frame, found more",
             G_MAXINT32);
}

static gboolean
set_type (KerasCalls *calls, const KerasLayer *layer, ConvertSplit *split)
{
  gboolean is_input = layer->class && layer->class->flags & KERAS_IS_INPUT;
  const char *name = is_input ? keras_get_string (layer->config, "dtype") : NULL;

  for (guint i = 0; i < G_N_ELEMENTS (types); i++) {
    split->type = types[i].type;
    if (!name || g_str_equal (types[i].name, name))
      return TRUE;
  }
  return keras_fail (calls->reader, layer, CONVERT_ERROR_UNSUPPORTED,
      "dtype: expected float32 or uint8, found %s", name);
}

static gboolean
check_axes (KerasCalls *calls)
{
  const char *axes = calls->reader->input->axes;

  return !axes || g_str_equal (axes, "0,1")
         || keras_fail (calls->reader, NULL, CONVERT_ERROR_UNSUPPORTED,
             "--axes: expected 0,1, because the first axes of a Keras model are batch and "
             "time, found %s",
             axes);
}

gboolean
keras_read_frame_shape (KerasCalls *calls, ConvertSplit *split, FrameValue *value)
{
  const KerasCall *input = find_input (calls);
  g_autofree char *found = NULL;
  gint64 sizes[KERAS_MAX_DIMS];
  Member shape;

  if (!input || !check_axes (calls))
    return FALSE;
  shape = find_shape (calls, input->layer);
  if (keras_parse_shape (keras_get_array (shape.object, shape.key), 1, sizes) != N_AXES) {
    found = keras_describe_member (shape.object, shape.key);
    return keras_fail (calls->reader, input->layer, CONVERT_ERROR_UNSUPPORTED,
        "%s: expected a video, [batch, steps, height, width, channels], found %s", shape.key,
        found);
  }
  if (!set_frame (calls, input->layer, sizes, split) || !set_type (calls, input->layer, split))
    return FALSE;
  *value = (FrameValue){.n_dims = N_AXES - FRAME};
  for (guint i = 0; i < value->n_dims; i++)
    value->shape[i] = sizes[FRAME + i];
  return TRUE;
}

/* Returns whether @scale maps bytes to a range that models use: 0 … 1, or a range of length 2. */
static gboolean
is_scale_of_bytes (double scale)
{
  static const double steps[] = {255, 127.5, 256, 128};

  for (guint i = 0; i < G_N_ELEMENTS (steps); i++)
    if (fabs (scale * steps[i] - 1) < 1e-4)
      return TRUE;
  return FALSE;
}

/* Returns whether @call scales bytes. */
static gboolean
scales_bytes (const KerasCalls *calls, const KerasCall *call)
{
  JsonNode *node = keras_get_member (call->layer->config, "scale");
  double scale;

  if (keras_is_operation (call->layer))
    return keras_get_operation_scale (call, &scale) && is_scale_of_bytes (scale);
  return call->layer->class && g_str_equal (call->layer->class->name, "Rescaling") && node
         && lstm_json_get_number (node, &scale) && is_scale_of_bytes (scale);
}

ConvertFrameRange
keras_find_range (const KerasCalls *calls)
{
  guint n_readers = 0;

  for (guint i = 0; i < calls->calls->len; i++) {
    const KerasCall *call = keras_calls_get (calls, i);

    for (guint k = 0; call->is_used && k < call->inputs->len; k++) {
      if (keras_calls_get (calls, g_array_index (call->inputs, guint, k))->inputs->len > 0)
        continue;
      n_readers++;
      if (!scales_bytes (calls, call))
        return CONVERT_RANGE_UNKNOWN;
    }
  }
  return n_readers > 0 ? CONVERT_RANGE_BYTES : CONVERT_RANGE_UNKNOWN;
}
