/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A video model in one file, and the same model after lstm-convert --split, with a film of random
 * frames for both. */
#pragma once

#include "video-memory.h"
#include "video-network.h"

#define VIDEO_N_FRAMES 32 /* of the film, which repeats */

typedef struct {
  VideoNetwork whole, features;
  VideoMemory memory;
  gsize n_steps;                   /* T */
  gsize outer, inner;              /* values of a frame in the axes before and after time */
  gsize frame_size;                /* values of a frame */
  guint8 *film[2][VIDEO_N_FRAMES]; /* frames of the types of `whole` and of `features` */
  float *output;                   /* (n), of the split model */
  double difference;               /* the largest difference between the outputs */
} VideoModels;

/* Opens the whole model @path and the split model in @folder. @steps: T, if the whole model accepts
 * any number of frames. Returns FALSE and sets @error if their outputs differ by more than 1e-4.
 * video_models_close() must follow. */
gboolean video_models_open (
    VideoModels *self, const char *path, const char *folder, gsize steps, GError **error);
void video_models_close (VideoModels *self);

/* Copies the window that begins with the frame @first to the input of the whole model. */
void video_models_fill_window (VideoModels *self, gsize first);

/* Copies the frame @index to the input of the features. */
void video_models_fill_frame (VideoModels *self, gsize index);
