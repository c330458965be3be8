/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A video model that is cut before its first recurrent layer. The features are an ONNX model that
 * computes one vector from one frame. The memory consists of the layers that follow, which liblstm
 * runs over windows of vectors. */
#pragma once

#include "convert.h"

/* Number types of a frame: the values of TensorProto.DataType in ONNX */
typedef enum {
  CONVERT_FRAME_FLOAT32 = 1,
  CONVERT_FRAME_UINT8 = 2,
  CONVERT_FRAME_FLOAT16 = 10,
} ConvertFrameType;

/* The range of the values of a frame, as far as the file states it */
typedef enum {
  CONVERT_RANGE_UNKNOWN,
  CONVERT_RANGE_BYTES, /* 0 to 255: the model has uint8 input, or scales its input itself */
} ConvertFrameRange;

typedef struct {
  GBytes *features;      /* an ONNX model: the input "frame", the output "features" */
  ConvertFrameType type; /* of the frame */
  gboolean
      is_channels_first; /* the frame is [1, c, height, width], otherwise [1, height, width, c] */
  gsize n_channels, height, width;
  ConvertFrameRange range;
  gsize n_features;     /* d: "features" is float32, [1, d] */
  gsize n_steps;        /* of a window; 0: the file has no number, and any number is right */
  ConvertModel *memory; /* its input is [steps, d] */
  char **labels;        /* of the outputs; NULL: the file has none */
  GPtrArray *notes;     /* lines for the user */
} ConvertSplit;

ConvertSplit *convert_split_new (void);
void convert_split_free (ConvertSplit *split);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ConvertSplit, convert_split_free)

/* Cut a model. Return: (transfer full): NULL with @error, whose message begins with the path and
 * states the layer or node, the field, what was expected and what was found */
ConvertSplit *convert_split_onnx (const ConvertInput *input, GError **error);
ConvertSplit *convert_split_keras (const ConvertInput *input, GError **error);
