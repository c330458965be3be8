/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A network in an ONNX file with one input. The input and the first output are bound once. */
#pragma once

#include "onnx-session.h"

#define VIDEO_MAX_DIMS 8

typedef struct _VideoElement VideoElement; /* a number type */

typedef struct {
  OnnxSession session;
  OrtIoBinding *binding;
  OrtValue *input_value, *output_value;
  char *input_name, *output_name; /* owned by the allocator of ONNX Runtime */
  const VideoElement *element;    /* of the input */
  gsize n_dims;
  gint64 dims[VIDEO_MAX_DIMS]; /* of the input; 0: free */
  guint8 *input;
  float *output;
  gsize n_outputs;
} VideoNetwork;

/* Opens the file @path. video_network_close() must follow, also after an error. */
gboolean video_network_open (VideoNetwork *self, const char *path, GError **error);
void video_network_close (VideoNetwork *self);

/* Binds an input of the shape @dims [n_dims] and the output, and runs the network once. A second
 * call replaces the first. */
gboolean video_network_bind (VideoNetwork *self, const gint64 *dims, GError **error);

void video_network_run (VideoNetwork *self);

/* Returns: (transfer full): @n @values as the type of the input has them. All of them are integers
 * from 0 to 255, or multiples of 1/1024 from 0 to 1 for a network without integers. */
guint8 *video_network_encode (const VideoNetwork *self, const float *values, gsize n);
gboolean video_network_has_bytes (const VideoNetwork *self);
gsize video_network_get_element_size (const VideoNetwork *self); /* in bytes */
