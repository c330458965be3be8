/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Media buffers with tensors, and an element `lstm` that receives them. */
#pragma once
#include "lstm-rig.h"
#include <gst/analytics/analytics.h>

#define FOLDER "long-no-bias" /* d = 3, n = 16 */
#define D 3
#define N 16
#define VIDEO "video/x-raw,format=GRAY8,width=2,height=2,framerate=30/1"

/* Returns: (transfer full): a tensor whose data have @n bytes */
GstTensor *tensor_new (const gchar *id, GstTensorDataType type, gconstpointer bytes, gsize n,
    gsize n_dims, const gsize *dims);

/* Adds a meta with one tensor. @tensor: (transfer full) */
void add_tensor (GstBuffer *buffer, GstTensor *tensor);

/* Returns: (transfer full): a frame of four pixels with the timestamp of step @i */
GstBuffer *frame_new (gsize i);

/* Returns: (transfer full): a frame with a tensor of the steps @first to @first + @steps */
GstBuffer *step_frame_new (Rig *rig, const gchar *id, gsize first, gsize steps);

/* Returns: (nullable): the tensor @id; asserts that there is at most one in all metas */
const GstTensor *find_tensor (GstBuffer *buffer, const gchar *id);

/* Pushes @buffer and appends the values of its output tensor to the outputs.
 * Returns: (transfer full): the output buffer */
GstBuffer *media_rig_push (Rig *rig, GstBuffer *buffer);

/* Pushes a frame with @steps steps and frees the output. */
void media_rig_push_steps (Rig *rig, gsize first, gsize steps);

/* Initializes @rig and begins a stream of video. */
void media_rig_begin (Rig *rig, const gchar *properties);
