/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "video-models.h"
#include "util/text.h"
#include <math.h>
#include <string.h>

#define FRAME_DIMS 4 /* (1, c, height, width) or (1, height, width, c) */
#define N_CHECKED 3  /* windows whose outputs are compared */
#define TOLERANCE 1e-4

enum { WHOLE, FEATURES }; /* films */

/* Orders of the axes of a window: b is a batch of 1, t is time, and 0 to 2 are the axes of a frame.
 * x and z are time and the axis 0 or 2 of a frame in one axis. */
static const char *const layouts[] = {
    "bt012", "b0t12", "tb012", "t012", "b012t", "b01t2", "bx12", "b01z"};

/* --- The film --- */

/* Makes a film of random bytes, or of numbers from 0 to 1 if no input has bytes. */
static void
make_film (VideoModels *self)
{
  const gboolean has_bytes = video_network_has_bytes (&self->whole)
                             || video_network_has_bytes (&self->features);
  GRand *random = g_rand_new_with_seed (1);
  g_autofree float *frame = NULL;

  self->frame_size = 1;
  for (gsize i = 0; i < FRAME_DIMS; i++)
    self->frame_size *= (gsize) self->features.dims[i];
  frame = g_new (float, self->frame_size);
  for (gsize i = 0; i < VIDEO_N_FRAMES; i++) {
    for (gsize k = 0; k < self->frame_size; k++)
      frame[k] = has_bytes ? (float) (g_rand_int (random) >> 24)
                           : (float) (g_rand_int (random) >> 22) / 1024;
    self->film[WHOLE][i] = video_network_encode (&self->whole, frame, self->frame_size);
    self->film[FEATURES][i] = video_network_encode (&self->features, frame, self->frame_size);
  }
  g_rand_free (random);
}

void
video_models_fill_window (VideoModels *self, gsize first)
{
  const gsize row = self->inner * video_network_get_element_size (&self->whole);

  for (gsize t = 0; t < self->n_steps; t++)
    for (gsize o = 0; o < self->outer; o++)
      memcpy (self->whole.input + (o * self->n_steps + t) * row,
          self->film[WHOLE][(first + t) % VIDEO_N_FRAMES] + o * row, row);
}

void
video_models_fill_frame (VideoModels *self, gsize index)
{
  memcpy (self->features.input, self->film[FEATURES][index % VIDEO_N_FRAMES],
      self->frame_size * video_network_get_element_size (&self->features));
}

/* --- The order of the axes --- */

static gint64
get_layout_size (const VideoModels *self, char axis)
{
  const gint64 *frame = self->features.dims + 1, steps = (gint64) self->n_steps;

  switch (axis) {
  case 'b':
    return 1;
  case 't':
    return steps;
  case 'x':
    return steps * frame[0];
  case 'z':
    return steps * frame[2];
  default:
    return frame[axis - '0'];
  }
}

/* Returns whether the input of the whole model can have @layout, with its sizes in @dims. Sets
 * T, unless the input leaves it free, and `outer` and `inner`. */
static gboolean
fit_layout (VideoModels *self, const char *layout, gsize steps, gint64 *dims)
{
  const gsize time = strcspn (layout, "txz");

  if (strlen (layout) != self->whole.n_dims)
    return FALSE;
  self->n_steps = 1; /* so that get_layout_size() returns the size without time */
  self->n_steps = self->whole.dims[time] ? (gsize) self->whole.dims[time]
                                               / (gsize) get_layout_size (self, layout[time])
                                         : steps;
  self->outer = 1;
  for (gsize i = 0; layout[i]; i++) {
    dims[i] = get_layout_size (self, layout[i]);
    if (self->whole.dims[i] && self->whole.dims[i] != dims[i])
      return FALSE;
    if (i < time && layout[i] != 'b')
      self->outer *= (gsize) dims[i];
  }
  self->inner = self->frame_size / self->outer;
  return self->n_steps > 1;
}

static void
run_split (VideoModels *self, gsize frame)
{
  video_models_fill_frame (self, frame);
  video_network_run (&self->features);
  video_memory_run (&self->memory, self->features.output, self->output);
}

/* Returns the largest difference between the outputs of the whole and the split model. */
static double
compare_outputs (VideoModels *self)
{
  const gsize n = lstm_model_get_output_size (self->memory.model);
  double most = 0;

  for (gsize i = 0; i + 1 < self->n_steps; i++)
    run_split (self, i);
  for (gsize i = 0; i < N_CHECKED; i++) {
    const float *expected;

    run_split (self, self->n_steps - 1 + i);
    video_models_fill_window (self, i);
    video_network_run (&self->whole);
    expected = self->whole.output + self->whole.n_outputs - n;
    for (gsize k = 0; k < n; k++) {
      const double difference = fabs ((double) expected[k] - (double) self->output[k]);

      most = difference <= most ? most : difference; /* also if it is not a number */
    }
  }
  return most;
}

static gboolean
check_sizes (const VideoModels *self, const char *memory, GError **error)
{
  const gsize d = lstm_model_get_input_size (self->memory.model);
  const gsize n = lstm_model_get_output_size (self->memory.model);

  if (self->features.n_outputs == d && self->whole.n_outputs >= n)
    return TRUE;
  g_set_error (error, BENCH_ERROR, 0,
      "%s: expected %zu inputs and at most %zu outputs, found %zu and %zu", memory,
      self->features.n_outputs, self->whole.n_outputs, d, n);
  return FALSE;
}

/* Opens the memory for windows of T steps, and compares the outputs. */
static gboolean
try_layout (VideoModels *self, const gint64 *dims, const char *memory, GError **error)
{
  video_memory_close (&self->memory);
  if (!video_memory_open (&self->memory, memory, self->n_steps, error)
      || !video_network_bind (&self->whole, dims, error) || !check_sizes (self, memory, error))
    return FALSE;
  g_free (self->output);
  self->output = g_new0 (float, lstm_model_get_output_size (self->memory.model));
  self->difference = compare_outputs (self);
  return TRUE;
}

/* Sets @error: no order of the axes fits the input of the whole model. */
static void
refuse_shape (const VideoModels *self, gsize steps, GError **error)
{
  const VideoNetwork *whole = &self->whole;
  const gint64 *frame = self->features.dims + 1;
  gsize shape[VIDEO_MAX_DIMS];
  g_autofree char *text = NULL;

  for (gsize i = 0; i < whole->n_dims; i++)
    shape[i] = whole->dims[i] ? (gsize) whole->dims[i] : LSTM_TEXT_ANY_SIZE;
  text = lstm_text_shape ((guint) whole->n_dims, shape);
  g_set_error (error, BENCH_ERROR, 0,
      "input %s: expected one window of 2 frames or more (--steps: %zu) of %" G_GINT64_FORMAT
      "x%" G_GINT64_FORMAT "x%" G_GINT64_FORMAT " values, found the shape %s",
      whole->input_name, steps, frame[0], frame[1], frame[2], text);
}

/* Finds the order of the axes for which the outputs agree. */
static gboolean
find_layout (VideoModels *self, const char *memory, gsize steps, GError **error)
{
  gboolean has_fit = FALSE;
  gint64 dims[VIDEO_MAX_DIMS];

  for (gsize i = 0; i < G_N_ELEMENTS (layouts); i++) {
    if (!fit_layout (self, layouts[i], steps, dims))
      continue;
    has_fit = TRUE;
    if (!try_layout (self, dims, memory, error))
      return FALSE;
    if (self->difference <= TOLERANCE)
      return TRUE;
  }
  if (has_fit)
    g_set_error (error, BENCH_ERROR, 0,
        "output %s: expected a difference of at most %g between the whole and the split model, "
        "found %g",
        self->whole.output_name, TOLERANCE, self->difference);
  else
    refuse_shape (self, steps, error);
  return FALSE;
}

/* --- Both models --- */

static gboolean
open_features (VideoModels *self, const char *path, GError **error)
{
  if (!video_network_open (&self->features, path, error))
    return FALSE;
  if (self->features.n_dims != FRAME_DIMS) {
    g_set_error (error, BENCH_ERROR, 0, "%s: input %s: expected %d dimensions, found %zu", path,
        self->features.input_name, FRAME_DIMS, self->features.n_dims);
    return FALSE;
  }
  return video_network_bind (&self->features, self->features.dims, error);
}

gboolean
video_models_open (
    VideoModels *self, const char *path, const char *folder, gsize steps, GError **error)
{
  g_autofree char *features = g_build_filename (folder, "features.onnx", NULL);
  g_autofree char *memory = g_build_filename (folder, "memory.safetensors", NULL);

  *self = (VideoModels){0};
  if (!video_network_open (&self->whole, path, error) || !open_features (self, features, error))
    return FALSE;
  make_film (self);
  return find_layout (self, memory, steps, error);
}

void
video_models_close (VideoModels *self)
{
  video_network_close (&self->whole);
  video_network_close (&self->features);
  video_memory_close (&self->memory);
  for (gsize i = 0; i < VIDEO_N_FRAMES; i++) {
    g_free (self->film[WHOLE][i]);
    g_free (self->film[FEATURES][i]);
  }
  g_free (self->output);
}
