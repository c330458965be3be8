/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Layers that change the sizes of the spatial axes. */
#include "keras/json.h"
#include "split/keras/layers.h"

#define MAX_AXES (FRAME_MAX_SPATIAL + 2)

/* --- ZeroPadding and Cropping --- */

static gboolean
emit_zero_padding (FrameGraph *graph, const FrameCall *call, guint n_sizes, FrameValue *output)
{
  gint64 pads[2 * MAX_AXES] = {0}, n_pads = 2 * ((gint64) n_sizes + 2);
  const char *inputs[] = {NULL, NULL, NULL}, *name;
  FramePicture picture;
  FrameEdges edges;

  if (!frame_get_picture (graph, call, n_sizes, &picture)
      || !frame_read_edges (graph, call, "padding", n_sizes, &edges))
    return FALSE;
  for (guint i = 0; i < n_sizes; i++) {
    pads[2 + i] = edges.first[i];
    pads[n_sizes + 4 + i] = edges.last[i];
    picture.sizes[i] += edges.first[i] + edges.last[i];
  }
  inputs[0] = picture.value.name;
  inputs[1] = frame_add_ints (graph, call, "pads", 1, &n_pads, pads);
  name = frame_add_node (graph, call, "Pad", inputs, NULL);
  frame_set_picture (&picture, name, picture.n_channels, picture.sizes, output);
  return frame_check_size (graph, call, output);
}

static gboolean
emit_cropping (FrameGraph *graph, const FrameCall *call, guint n_sizes, FrameValue *output)
{
  gint64 ends[FRAME_MAX_SPATIAL], axes[FRAME_MAX_SPATIAL], n = n_sizes;
  const char *inputs[] = {NULL, NULL, NULL, NULL, NULL}, *name;
  FramePicture picture;
  FrameEdges edges;

  if (!frame_get_picture (graph, call, n_sizes, &picture)
      || !frame_read_edges (graph, call, "cropping", n_sizes, &edges))
    return FALSE;
  for (guint i = 0; i < n_sizes; i++) {
    if (edges.first[i] + edges.last[i] >= picture.sizes[i])
      return keras_fail (graph->reader, call->layer, CONVERT_ERROR_FILE,
          "cropping: expected less than %" G_GINT64_FORMAT
          " along axis %u, found %" G_GINT64_FORMAT,
          picture.sizes[i], i, edges.first[i] + edges.last[i]);
    ends[i] = picture.sizes[i] - edges.last[i];
    axes[i] = i + 2;
    picture.sizes[i] = ends[i] - edges.first[i];
  }
  inputs[0] = picture.value.name;
  inputs[1] = frame_add_ints (graph, call, "starts", 1, &n, edges.first);
  inputs[2] = frame_add_ints (graph, call, "ends", 1, &n, ends);
  inputs[3] = frame_add_ints (graph, call, "axes", 1, &n, axes);
  name = frame_add_node (graph, call, "Slice", inputs, NULL);
  frame_set_picture (&picture, name, picture.n_channels, picture.sizes, output);
  return TRUE;
}

/* --- UpSampling and Resizing --- */

typedef enum { NEAREST, BILINEAR } Interpolation;

/* Bilinear interpolation samples at the centres of pixels since TensorFlow 2.2, whose Keras is
 * 2.3.0-tf, and in Keras without tf since 2.4. */
static gboolean
check_bilinear (FrameGraph *graph, const FrameCall *call)
{
  const KerasReader *reader = graph->reader;

  return reader->version >= (reader->is_tf_keras ? 20300 : 20400)
         || keras_fail (graph->reader, call->layer, CONVERT_ERROR_UNSUPPORTED,
             "interpolation: expected nearest, or a file of Keras 2.4 or later for bilinear, "
             "found bilinear in a file of version %d.%d.%d",
             reader->version / 10000, reader->version / 100 % 100, reader->version % 100);
}

/* Adds a Resize to picture->sizes. */
static gboolean
add_resize (FrameGraph *graph, const FrameCall *call, Interpolation interpolation,
    const FramePicture *picture, FrameValue *output)
{
  gint64 sizes[MAX_AXES] = {1, picture->n_channels}, n_axes = picture->n_sizes + 2;
  const char *inputs[] = {picture->value.name, "", "", NULL, NULL}, *name;
  Onnx__NodeProto *node;

  for (guint i = 0; i < picture->n_sizes; i++)
    sizes[2 + i] = picture->sizes[i];
  inputs[3] = frame_add_ints (graph, call, "sizes", 1, &n_axes, sizes);
  name = frame_add_node (graph, call, "Resize", inputs, &node);
  onnx_builder_set_text (
      graph->builder, node, "mode", interpolation == NEAREST ? "nearest" : "linear");
  onnx_builder_set_text (graph->builder, node, "coordinate_transformation_mode",
      interpolation == NEAREST ? "asymmetric" : "half_pixel");
  if (interpolation == NEAREST)
    onnx_builder_set_text (graph->builder, node, "nearest_mode", "floor");
  frame_set_picture (picture, name, picture->n_channels, picture->sizes, output);
  return frame_check_size (graph, call, output);
}

static gboolean
emit_up_sampling (FrameGraph *graph, const FrameCall *call, guint n_sizes, FrameValue *output)
{
  static const char *const names[] = {"nearest", "bilinear", NULL};
  static const gint64 default_size[FRAME_MAX_SPATIAL] = {2, 2};
  gint64 factors[FRAME_MAX_SPATIAL];
  FramePicture picture;
  guint interpolation;

  if (!frame_get_picture (graph, call, n_sizes, &picture)
      || !frame_read_sizes (graph, call, "size", n_sizes, default_size, factors)
      || !frame_read_choice (graph, call, "interpolation", names, &interpolation)
      || (interpolation == BILINEAR && !check_bilinear (graph, call)))
    return FALSE;
  for (guint i = 0; i < n_sizes; i++)
    picture.sizes[i] *= factors[i];
  return add_resize (graph, call, (Interpolation) interpolation, &picture, output);
}

gboolean
frame_emit_resizing (FrameGraph *graph, const FrameCall *call, FrameValue *output)
{
  static const char *const names[] = {"bilinear", NULL};
  static const char *const unset[] = {
      "crop_to_aspect_ratio", "pad_to_aspect_ratio", "antialias"};
  FramePicture picture;
  guint index;

  if (!frame_get_picture (graph, call, 2, &picture)
      || !frame_read_choice (graph, call, "interpolation", names, &index)
      || !frame_read_sizes (graph, call, "height", 1, NULL, &picture.sizes[0])
      || !frame_read_sizes (graph, call, "width", 1, NULL, &picture.sizes[1])
      || !check_bilinear (graph, call))
    return FALSE;
  for (guint i = 0; i < G_N_ELEMENTS (unset); i++)
    if (!frame_check_unset (graph, call, unset[i]))
      return FALSE;
  return add_resize (graph, call, BILINEAR, &picture, output);
}

/* --- Functions of rows --- */

FRAME_EMIT_SIZES (zero_padding_1d, emit_zero_padding, 1)
FRAME_EMIT_SIZES (zero_padding_2d, emit_zero_padding, 2)
FRAME_EMIT_SIZES (cropping_1d, emit_cropping, 1)
FRAME_EMIT_SIZES (cropping_2d, emit_cropping, 2)
FRAME_EMIT_SIZES (up_sampling_1d, emit_up_sampling, 1)
FRAME_EMIT_SIZES (up_sampling_2d, emit_up_sampling, 2)
