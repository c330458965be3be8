/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Property per-object: the frames of media, from which each tracked object takes a step. Needs
 * GStreamer 1.28. */
#pragma once

#include "lstm/element.h"

#if HAVE_OBJECTS
/* Allocates the memory of objects, if property per-object is set. The element has a model. */
void gst_lstm_objects_start (GstLstm *self);
void gst_lstm_objects_stop (GstLstm *self);

/* Runs a step of each object of *@media, and attaches the outputs. *@media: (inout) (transfer
 * full). If the frame cannot be read, sets @error, and runs nothing; the memory of all objects
 * stays. Other errors are posted. */
GstFlowReturn gst_lstm_objects_run_frame (GstLstm *self, GstBuffer **media, GError **error);
#else
static inline void
gst_lstm_objects_start (GstLstm *self)
{
}

static inline void
gst_lstm_objects_stop (GstLstm *self)
{
}

static inline GstFlowReturn
gst_lstm_objects_run_frame (GstLstm *self, GstBuffer **media, GError **error)
{
  return GST_FLOW_OK;
}
#endif
