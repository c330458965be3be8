/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "split/onnx/input.h"
#include "util/text.h"

#define MIN_AXES 4 /* of an input of frames */

const SplitAxes onnx_split_guesses[SPLIT_N_GUESSES] = {
    {0, 1, FALSE}, {0, 2, FALSE}, {1, 0, FALSE}, {-1, 0, FALSE}, {0, 4, FALSE}, {0, 1, TRUE}};

/* Parses an axis. Returns FALSE if @text is not a number below ONNX_MAX_DIMS. */
static gboolean
parse_axis (const char *text, gint *axis)
{
  guint64 number;
  gboolean is_valid = g_ascii_string_to_unsigned (
      text, 10, 0, ONNX_MAX_DIMS - 1, &number, NULL);

  *axis = is_valid ? (gint) number : -1;
  return is_valid;
}

gboolean
onnx_split_parse_axes (const ConvertInput *input, SplitAxes *axes, GError **error)
{
  g_auto (GStrv) parts = g_strsplit (input->axes, ",", 4);
  guint n = g_strv_length (parts);

  *axes = (SplitAxes){-1, -1, n == 3};
  if ((n == 2 || (n == 3 && g_str_equal (parts[2], "channels")))
      && (parse_axis (parts[0], &axes->batch) || g_str_equal (parts[0], "-"))
      && parse_axis (parts[1], &axes->time) && axes->batch != axes->time)
    return TRUE;
  g_set_error (error, CONVERT_ERROR, CONVERT_ERROR_UNSUPPORTED,
      "%s: --axes: expected the axes of batch and time, such as \"0,1\", \"-,0\" without batch "
      "or "
      "\"0,1,channels\" if the channels of all frames are one axis, found \"%s\"",
      input->path, input->axes);
  return FALSE;
}

static const Onnx__TensorShapeProto *
get_shape (const Onnx__ValueInfoProto *info)
{
  const Onnx__TypeProto *type = info->type;
  gboolean is_tensor = type && type->value_case == ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;

  return is_tensor ? type->tensor_type->shape : NULL;
}

/* Returns the size of axis @i of the input of frames, or 0 if it is free. */
static gint64
get_size (const Splitter *splitter, guint i)
{
  const Onnx__TensorShapeProto__Dimension *dim = get_shape (splitter->clip_info)->dim[i];
  gboolean is_known = dim->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE
                      && dim->dim_value > 0 && dim->dim_value <= G_MAXINT32;

  return is_known ? dim->dim_value : 0;
}

const char *
onnx_split_describe_input (Splitter *splitter)
{
  const Onnx__TensorShapeProto *shape = get_shape (splitter->clip_info);
  gsize sizes[ONNX_MAX_DIMS];

  for (guint i = 0; i < shape->n_dim; i++)
    sizes[i] = get_size (splitter, i) ? (gsize) get_size (splitter, i) : LSTM_TEXT_ANY_SIZE;
  return onnx_own_text (&splitter->reader, lstm_text_shape ((guint) shape->n_dim, sizes));
}

gboolean
onnx_split_add_initializers (Splitter *splitter, const Onnx__GraphProto *graph, GError **error)
{
  for (gsize i = 0; i < graph->n_initializer; i++) {
    const char *name = onnx_string (graph->initializer[i]->name);
    SplitValue *value = g_hash_table_contains (splitter->scope->values, name)
                            ? NULL
                            : onnx_split_add_value (splitter, SPLIT_CONSTANT, name);

    if (!value)
      return onnx_set_error (&splitter->reader, CONVERT_ERROR_FILE, error,
          "initializer \"%s\": expected one initializer of this name that fits in memory, "
          "found "
          "more",
          onnx_shorten_text (&splitter->reader, name));
    onnx_split_set_initializer (splitter, value, graph->initializer[i]);
  }
  if (graph->n_sparse_initializer)
    return onnx_set_error (&splitter->reader, CONVERT_ERROR_UNSUPPORTED, error,
        "sparse_initializer: expected dense values, found sparse values");
  return TRUE;
}

gboolean
onnx_split_add_inputs (Splitter *splitter, GError **error)
{
  const Onnx__GraphProto *graph = splitter->reader.model->graph;
  gsize most = 0;

  if (!onnx_split_add_initializers (splitter, graph, error))
    return FALSE;
  for (gsize i = 0; i < graph->n_input; i++) {
    const char *name = onnx_string (graph->input[i]->name);
    const Onnx__TensorShapeProto *shape = get_shape (graph->input[i]);
    SplitValue *value;

    if (onnx_split_find (splitter, name))
      continue;
    if (!(value = onnx_split_add_value (splitter, SPLIT_LATER, name)))
      return onnx_set_error (&splitter->reader, CONVERT_ERROR_FILE, error,
          "input \"%s\": expected inputs that fit in memory, found more",
          onnx_shorten_text (&splitter->reader, name));
    if (!shape || shape->n_dim <= most || shape->n_dim > ONNX_MAX_DIMS)
      continue;
    most = shape->n_dim;
    splitter->clip = value;
    splitter->clip_info = graph->input[i];
  }
  if (most >= MIN_AXES)
    return TRUE;
  return onnx_set_error (&splitter->reader, CONVERT_ERROR_UNSUPPORTED, error,
      "inputs: expected an input of frames with %d to %d dimensions, found %s%s%s", MIN_AXES,
      ONNX_MAX_DIMS, splitter->clip ? "the largest input " : "no input with a shape",
      splitter->clip ? onnx_shorten_text (&splitter->reader, splitter->clip->name) : "",
      splitter->clip ? " with fewer" : "");
}

/* The axes of a frame, which are neither batch nor time: (n), the sizes, 0 if free */
typedef struct {
  guint n;
  guint axes[ONNX_MAX_DIMS];
  gint64 sizes[ONNX_MAX_DIMS];
} Frame;

static gboolean
is_colours (gint64 size)
{
  return size == 1 || size == 3;
}

/* Returns whether the channels precede the rows of pixels. The axis of 1 or 3 values decides, then
 * an axis whose size the file states, then the smaller axis. */
static gboolean
has_channels_first (const Frame *frame)
{
  gint64 first = frame->sizes[0], last = frame->sizes[frame->n - 1];

  if (is_colours (first) || is_colours (last))
    return is_colours (first);
  if (!first || !last)
    return first != 0;
  return first <= last;
}

/* Sets the free height and width of @frame.
 * Returns: (nullable): the problem */
static const char *
set_frame_size (Splitter *splitter, Frame *frame)
{
  const guint *stated = splitter->reader.input->frame_size;
  guint first = frame->n == 3 && splitter->is_channels_first ? 1 : 0;

  for (guint i = 0; i < frame->n; i++) {
    gboolean is_channels = i < first || i >= first + 2;
    gint64 size = is_channels ? 0 : stated[i - first];

    if (!frame->sizes[i] && !size)
      return onnx_own_text (&splitter->reader,
          g_strdup_printf (is_channels ? "axis %u of the input: expected a number of channels, "
                                         "found a free size"
                                       : "axis %u of the input: expected a size, found a free "
                                         "size: state --size H,W",
              frame->axes[i]));
    if (frame->sizes[i] && size && frame->sizes[i] != size)
      return onnx_own_text (&splitter->reader,
          g_strdup_printf ("--size: expected %" G_GINT64_FORMAT
                           " for axis %u of the input, as the file states, found "
                           "%" G_GINT64_FORMAT,
              frame->sizes[i], frame->axes[i], size));
    if (!frame->sizes[i])
      frame->sizes[i] = size;
  }
  return NULL;
}

/* Sets splitter->n_steps and the number of channels of a frame, *size, if time and channels are one
 * axis. Returns: (nullable): the problem */
static const char *
set_steps (Splitter *splitter, SplitAxes axes, gint64 *size)
{
  gint64 found = get_size (splitter, (guint) axes.time), stated = splitter->reader.input->steps;

  *size = 1;
  splitter->n_steps = found ? found : stated;
  if (axes.is_inner) {
    if (!stated)
      return "time: expected a number of steps, found channels of all frames in one axis: "
             "state "
             "--steps T";
    if (!found || found % stated || found == stated)
      return onnx_own_text (&splitter->reader,
          g_strdup_printf ("axis %d of the input: expected a multiple of the %" G_GINT64_FORMAT
                           " steps of --steps, found %" G_GINT64_FORMAT,
              axes.time, stated, found));
    splitter->n_steps = stated;
    *size = found / stated;
  } else if (found && stated && found != stated) {
    return onnx_own_text (&splitter->reader,
        g_strdup_printf ("--steps: expected %" G_GINT64_FORMAT
                         ", the size of axis %d of the input, found %" G_GINT64_FORMAT,
            found, axes.time, stated));
  }
  if (!splitter->n_steps)
    return onnx_own_text (&splitter->reader,
        g_strdup_printf (
            "axis %d of the input: expected the number of steps of a window, found a "
            "free size: state --steps T",
            axes.time));
  if (splitter->n_steps < 2)
    return onnx_own_text (&splitter->reader,
        g_strdup_printf (
            "axis %d of the input: expected 2 or more steps of time, found 1", axes.time));
  return NULL;
}

/* Sets splitter->height and so on from @frame. */
static void
set_frame (Splitter *splitter, const Frame *frame)
{
  guint first = frame->n == 3 && splitter->is_channels_first ? 1 : 0;

  splitter->height = (gsize) frame->sizes[first];
  splitter->width = (gsize) frame->sizes[first + 1];
  splitter->n_channels = frame->n == 3 ? (gsize) frame->sizes[first ? 0 : 2] : 1;
}

const char *
onnx_split_set_axes (Splitter *splitter, SplitAxes axes)
{
  guint n = (guint) get_shape (splitter->clip_info)->n_dim;
  SplitDims dims = {n};
  Frame frame = {0};
  const char *problem;
  gint64 size;

  splitter->batch_axis = axes.batch;
  splitter->time_axis = axes.time;
  splitter->is_inner = axes.is_inner;
  splitter->has_colours = FALSE;
  if (axes.time >= (gint) n || axes.batch >= (gint) n)
    return onnx_own_text (&splitter->reader,
        g_strdup_printf ("input: expected axes below %u, found batch %d and time %d", n,
            axes.batch, axes.time));
  problem = set_steps (splitter, axes, &size);
  for (guint i = 0; i < n; i++) {
    if ((gint) i == axes.batch || ((gint) i == axes.time && !axes.is_inner))
      continue;
    frame.axes[frame.n] = i;
    frame.sizes[frame.n] = (gint) i == axes.time ? size : get_size (splitter, i);
    splitter->has_colours |= is_colours (frame.sizes[frame.n]) && (gint) i != axes.time;
    frame.n++;
  }
  splitter->has_colours |= axes.is_inner && !problem;
  if (problem)
    return problem;
  if (frame.n < 2 || frame.n > 3)
    return onnx_own_text (&splitter->reader,
        g_strdup_printf ("input: expected frames of 2 or 3 dimensions, found %u", frame.n));
  splitter->is_channels_first = frame.n == 2 || has_channels_first (&frame);
  if ((problem = set_frame_size (splitter, &frame)))
    return problem;
  set_frame (splitter, &frame);
  splitter->n_batch = axes.batch >= 0 ? get_size (splitter, (guint) axes.batch) : 1;
  splitter->n_batch = MAX (splitter->n_batch, 1);
  for (guint i = 0; i < frame.n; i++)
    dims.axes[frame.axes[i]] = onnx_split_plain_axis (frame.sizes[i]);
  if (axes.batch >= 0)
    dims.axes[axes.batch] = onnx_split_axis (splitter->n_batch, SPLIT_TAG_BATCH);
  dims.axes[axes.time] = onnx_split_axis (splitter->n_steps, SPLIT_TAG_TIME);
  if (axes.is_inner)
    onnx_split_axis_append (&dims.axes[axes.time], (SplitAtom){size, SPLIT_TAG_NONE});
  splitter->clip->kind = SPLIT_CLIP;
  splitter->clip->type = splitter->clip_info->type->tensor_type->elem_type;
  splitter->clip->dims = onnx_split_keep_dims (splitter, &dims);
  return splitter->clip->dims && onnx_split_dims_n_values (&dims, &size)
             ? NULL
             : "input: expected a clip that fits in memory, found a larger one";
}
