/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Labels of the objects of a frame: `lstmlabel` reads the scores of each object from a
 * GstAnalyticsTensorMtd and adds a classification to the object. */
#pragma once

#include "common/steps.h"

#define GST_LSTM_FORGET_FRAMES 300 /* consecutive frames without scores of an object */

/* An object detection of the current frame that has scores */
typedef struct {
  guint detection; /* id of the GstAnalyticsODMtd */
  guint scores;    /* id of the GstAnalyticsTensorMtd */
  gboolean is_tracked;
  guint64 tracking_id;    /* if is_tracked */
  GstClockTime last_seen; /* of the tracking data, if is_tracked */
} GstLstmLabelObject;

/* The objects of the current frame, and the previous label of each tracked object */
typedef struct {
  GArray *detections;      /* (nullable): of GstLstmLabelObject, in the order of the frame */
  GByteArray *scores_mtds; /* (nullable): of each mtd of the frame: has scores of an object */
  GHashTable *previous_steps; /* (nullable): tracking id to the step before the next step */
  guint64 n_frames;           /* frames that gst_lstm_label_objects_find() has processed */
} GstLstmLabelObjects;

/* Forgets the previous labels. */
void gst_lstm_label_objects_reset (GstLstmLabelObjects *objects);

/* Frees the memory of @objects. */
void gst_lstm_label_objects_clear (GstLstmLabelObjects *objects);

/* Finds the object detections of @frame to which a tensor with @id is related. The last of several
 * tensors counts. The tracking id is that of tracking data that are directly related to the
 * detection, in either direction, and not marked as lost. Of several, the data that were last seen
 * count.
 * Returns: the number of object detections */
guint gst_lstm_label_objects_find (GstLstmLabelObjects *objects, GstBuffer *frame, GQuark id);

/* Returns the object detection @i of the frame. */
const GstLstmLabelObject *gst_lstm_label_objects_get (
    const GstLstmLabelObjects *objects, guint i);

/* Opens the scores of object detection @i of @frame, [n_steps, *@n].
 * gst_lstm_label_media_open() describes the other parameters. */
gboolean gst_lstm_label_objects_open (const GstLstmLabelObjects *objects, guint i,
    GstBuffer *frame, GstLstmSteps *steps, gsize *n, GError **error);

/* Returns the index of the previous label of object detection @i, which the caller may change.
 * The index is @initial_index if the object is new, or if GST_LSTM_FORGET_FRAMES frames had no
 * scores of the object. Returns: (nullable): NULL if the object detection is not tracked */
gint *gst_lstm_label_objects_get_previous (
    GstLstmLabelObjects *objects, guint i, gint initial_index);

/* Adds a classification with @label and @score to object detection @i of @frame, which is
 * writable. */
void gst_lstm_label_objects_attach (const GstLstmLabelObjects *objects, guint i,
    GstBuffer *frame, const gchar *label, gfloat score);
