/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The pipelines that run a split model, as commands for a shell. A pipeline is a list of parts:
 * source, picture, network, memory. Each part is a line. */
#include "split/pipelines.h"
#include "split/folder.h"
#include "split/labels.h"
#include "split/shell.h"

#define BREAK " \\\n    "

typedef struct {
  GString *text;
  const ConvertSplit *split;
  const ConvertNormalize *normalize;
  const char *folder;
  gboolean has_labels, is_bgr;
} Writer;

static const char camera[] = "v4l2src";
static const char recording[] = "filesrc location=RECORDING.mp4 ! decodebin ! videoconvert "
                                "! videoflip video-direction=auto";

/* Appends " NAME=FOLDER/FILE", quoted for a shell. */
static void
append_path (const Writer *writer, const char *name, const char *file)
{
  g_autofree char *path = g_build_filename (writer->folder, file, NULL);
  g_autofree char *word = g_strconcat (name, "=", path, NULL);

  convert_shell_append (writer->text, word);
}

/* Appends " NAME=NUMBER". */
static void
append_number (const Writer *writer, const char *name, double number)
{
  g_string_append_printf (writer->text, " %s=", name);
  convert_normalize_append_number (writer->text, number);
}

/* Appends the conversion of video to frames of the size and format that the network reads. */
static void
append_picture (const Writer *writer)
{
  const ConvertSplit *split = writer->split;
  const char *format = split->n_channels == 1 ? "GRAY8" : writer->is_bgr ? "BGR" : "RGB";

  g_string_append_printf (writer->text,
      BREAK "! videoconvert ! videoscale add-borders=false" BREAK
            "! video/x-raw,format=%s,width=%" G_GSIZE_FORMAT ",height=%" G_GSIZE_FORMAT
            ",pixel-aspect-ratio=1/1",
      format, split->width, split->height);
}

/* Appends the conversion of video to the formats of onnxinference. The element does not accept
 * GRAY8, and uses the first channel of RGB for a network of one channel. The element reorders BGR
 * to RGB; capssetter prevents this because it states another format. */
static void
append_onnx_picture (const Writer *writer)
{
  append_picture (writer);
  if (writer->split->n_channels == 1)
    g_string_append (writer->text, " ! videoconvert ! video/x-raw,format=RGB");
  else if (writer->is_bgr)
    g_string_append (writer->text, " ! capssetter caps=video/x-raw,format=RGB");
  g_string_append (writer->text, BREAK "! onnxinference optimization-level=enable-all");
}

/* Appends the network of GStreamer 1.28, which reads the ranges of the pixels from a file. */
static void
append_onnx_1_28 (const Writer *writer)
{
  append_onnx_picture (writer);
  append_path (writer, "model-file", CONVERT_FEATURES);
}

/* Appends the network of GStreamer 1.26, which computes (pixel + offset) / scale, equally for all
 * channels. */
static void
append_onnx_1_26 (const Writer *writer)
{
  const ConvertRange range = convert_normalize_get_range (writer->normalize, 0);
  const double scale = 255 / (range.high - range.low);
  const gboolean is_uniform = convert_normalize_is_uniform (writer->normalize);

  append_onnx_picture (writer);
  if (writer->split->is_channels_first)
    g_string_append (writer->text, " input-image-format=chw");
  if (is_uniform && !convert_normalize_is_identity (writer->normalize)) {
    append_number (writer, "input-tensor-offset", range.low * scale);
    append_number (writer, "input-tensor-scale", scale);
  }
  append_path (
      writer, "model-file", is_uniform ? CONVERT_FEATURES : CONVERT_NORMALIZED_FEATURES);
}

/* Appends the operations that convert pixels to the values of channel @channel. @suffix: after each
 * operand */
static void
append_arithmetic (const Writer *writer, gsize channel, const char *suffix)
{
  const ConvertRange range = convert_normalize_get_range (writer->normalize, channel);

  g_string_append (writer->text, ",mul:");
  convert_normalize_append_number (writer->text, (range.high - range.low) / 255);
  g_string_append_printf (writer->text, "%s,add:", suffix);
  convert_normalize_append_number (writer->text, range.low);
  g_string_append (writer->text, suffix);
}

static void
append_tensor_values (const Writer *writer)
{
  g_string_append (writer->text, BREAK "! tensor_transform mode=");
  if (convert_normalize_is_identity (writer->normalize)) {
    g_string_append (writer->text, "typecast option=float32");
    return;
  }
  g_string_append (writer->text, "arithmetic option=typecast:float32");
  if (convert_normalize_is_uniform (writer->normalize)) {
    append_arithmetic (writer, 0, "");
    return;
  }
  g_string_append (writer->text, ",per-channel:true@0");
  for (gsize i = 0; i < writer->split->n_channels; i++) {
    g_autofree char *suffix = g_strdup_printf ("@%" G_GSIZE_FORMAT, i);

    append_arithmetic (writer, i, suffix);
  }
}

static void
append_nnstreamer (const Writer *writer)
{
  append_picture (writer);
  g_string_append (writer->text, " ! tensor_converter");
  if (writer->split->type != CONVERT_FRAME_UINT8)
    append_tensor_values (writer);
  if (writer->split->is_channels_first)
    g_string_append (writer->text, BREAK "! tensor_transform mode=transpose option=1:2:0:3");
  g_string_append (writer->text, BREAK "! tensor_filter framework=onnxruntime");
  append_path (writer, "model", CONVERT_FEATURES);
}

/* Returns whether the scores are numbers from 0 to 1. Other scores may be below 0, which is the
 * default threshold of lstmlabel. */
static gboolean
has_probabilities (const Writer *writer)
{
  const char *activation = convert_model_find_activation (writer->split->memory);

  return g_strcmp0 (activation, "softmax") == 0 || g_strcmp0 (activation, "sigmoid") == 0;
}

/* Appends the elements that run the memory. */
static void
append_memory (const Writer *writer)
{
  g_string_append (writer->text, BREAK "! lstm");
  append_path (writer, "model-location", CONVERT_MEMORY);
  if (writer->split->n_steps)
    g_string_append_printf (writer->text,
        " output-mode=window window-length=%" G_GSIZE_FORMAT " window-hop=1",
        writer->split->n_steps);
  g_string_append (writer->text, BREAK "! lstmlabel");
  if (!has_probabilities (writer))
    g_string_append (writer->text, " threshold=-1000000");
  if (writer->has_labels)
    append_path (writer, "labels-location", CONVERT_LABELS);
  g_string_append (writer->text, " ! fakesink\n");
}

typedef struct {
  const char *title, *source;
  void (*append_network) (const Writer *writer);
} Pipeline;

static const Pipeline pipelines[] = {
    {"A camera, with onnxinference of GStreamer 1.28 (Debian 14)", camera, append_onnx_1_28},
    {"A camera, with onnxinference of GStreamer 1.26 (Debian 13)", camera, append_onnx_1_26},
    {"A camera, with NNStreamer", camera, append_nnstreamer},
    {"A recording, with onnxinference of GStreamer 1.28 (Debian 14)", recording,
        append_onnx_1_28},
    {"A recording, with onnxinference of GStreamer 1.26 (Debian 13)", recording,
        append_onnx_1_26},
    {"A recording, with NNStreamer", recording, append_nnstreamer},
};

/* Appends a comment for each property of the training that the model does not state. */
static void
append_unknown (const Writer *writer)
{
  const ConvertSplit *split = writer->split;
  g_autofree char *fault = convert_labels_describe (split);

  g_string_append (writer->text, "\n# The model does not state:\n");
  if (split->range == CONVERT_RANGE_UNKNOWN) {
    g_string_append_printf (writer->text,
        "# - the values of the pixels 0 and 255: --normalize %s states ",
        writer->normalize->text);
    convert_normalize_append_ranges (writer->text, writer->normalize, split->n_channels);
    g_string_append_c (writer->text, '\n');
  }
  if (split->n_channels == 3)
    g_string_append_printf (writer->text,
        "# - the order of the colours: --colors %s states it; OpenCV reads pictures as bgr\n",
        writer->is_bgr ? "bgr" : "rgb, the default,");
  g_string_append_printf (writer->text,
      "# - how the pictures were cropped and scaled to %" G_GSIZE_FORMAT " x %" G_GSIZE_FORMAT
      ": the pipelines scale the complete picture\n"
      "# - the frame rate: the pipelines use every frame; videorate ! "
      "video/x-raw,framerate=N/1 changes that\n",
      split->width, split->height);
  if (!split->n_steps)
    g_string_append (writer->text,
        "# - the frames of a window: the pipelines keep the state from frame to frame; "
        "output-mode=window window-length=N runs windows\n");
  if (fault)
    g_string_append_printf (writer->text, "# - labels: %s\n", fault);
  else if (!writer->has_labels)
    g_string_append (writer->text, "# - labels: lstmlabel prints numbers from 0; "
                                   "labels-location=FILE names the outputs\n");
}

char *
convert_pipelines_write (const ConvertSplit *split, const ConvertSplitOptions *options,
    const ConvertNormalize *normalize)
{
  g_autofree char *labels = convert_labels_write (split);
  const Writer writer = {
      g_string_new (NULL), split, normalize, options->folder, labels != NULL, options->is_bgr};

  for (guint i = 0; i < G_N_ELEMENTS (pipelines); i++) {
    g_string_append_printf (writer.text, "%s# %s\ngst-launch-1.0 -m %s", i ? "\n" : "",
        pipelines[i].title, pipelines[i].source);
    pipelines[i].append_network (&writer);
    append_memory (&writer);
  }
  append_unknown (&writer);
  return g_string_free (writer.text, FALSE);
}
