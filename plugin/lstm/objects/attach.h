/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Output tensors of the objects of a frame. */
#pragma once

#include <gst/analytics/analytics.h>

#define GST_LSTM_OBJECT_MAX_DIMS 3  /* 1, rows, size */
#define GST_LSTM_OBJECT_MAX_KINDS 4 /* output, hidden, cell, gates */

/* The float32 tensors of one kind */
typedef struct {
  GQuark id;
  gsize n_dims, dims[GST_LSTM_OBJECT_MAX_DIMS]; /* of the tensor of one object */
  gsize n_values;                               /* of the tensor of one object */
  const gfloat *values;                         /* (objects, n_values) */
} GstLstmObjectTensors;

/* Adds a GstAnalyticsTensorMtd of each of the @n_kinds kinds of @tensors to each object whose item
 * of
 * @is_complete is not 0, and relates the object detection to the tensor. @detections has the index
 * of each object's detection among the object detections of @media. @media: (transfer full).
 * Returns: (transfer full): @media, or a copy if @media is not writable, or if the relation meta
 * would grow too slowly */
GstBuffer *gst_lstm_object_tensors_attach (GstBuffer *media, const guint *detections, gsize n,
    const guint8 *is_complete, const GstLstmObjectTensors *tensors, guint n_kinds);
