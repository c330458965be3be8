/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The tracked objects of a frame: object detections (GstAnalyticsODMtd) that are related to
 * tracking data (GstAnalyticsTrackingMtd). */
#pragma once

#include <gst/analytics/analytics.h>

/* An object that was seen in the frame */
typedef struct {
  guint64 id;      /* tracking id */
  guint detection; /* index among the object detections of the frame */
  guint mtd;       /* id of the object detection in the relation meta */
} GstLstmObject;

/* An object detection of the frame, with or without tracking data */
typedef struct {
  guint mtd;
  gboolean is_tracked;
  guint64 id;   /* tracking id, if `is_tracked` */
  guint object; /* index among the objects of the frame, if `is_tracked` */
} GstLstmDetection;

typedef struct {
  GstAnalyticsRelationMeta *relations; /* nullable: the frame has none; not owned */
  GArray *detections;                  /* GstLstmDetection, in the order of the relation meta */
  GArray *objects;                     /* GstLstmObject, in the order of their ids */
  GByteArray *matched; /* of each mtd: a search has found that a detection is related to it */

  /* Tracking data that state another time than that of the frame, although they are related to an
   * object detection. They are no objects. */
  guint n_stale;
  guint64 stale_id; /* tracking id of the first one */
  GstClockTime stale_last_seen;
} GstLstmObjectFrame;

void gst_lstm_object_frame_init (GstLstmObjectFrame *frame);
void gst_lstm_object_frame_clear (GstLstmObjectFrame *frame);

/* Reads the objects of @buffer into @frame, whose memory is reused. An object belongs to the frame
 * if its tracking data are not marked as lost, and were last seen at @running_time, which is that
 * of
 * @buffer, or at the PTS of @buffer. Returns FALSE and sets @error if an object detection has
 * several tracking ids, or if several object detections have one tracking id. */
gboolean gst_lstm_object_frame_read (
    GstLstmObjectFrame *frame, GstBuffer *buffer, GstClockTime running_time, GError **error);

/* Handles @mtd, which is directly related to the object detection with the index @detection.
 * Returns FALSE to end the search. */
typedef gboolean (*GstLstmVisitRelated) (
    guint detection, const GstAnalyticsMtd *mtd, gpointer data);

/* Calls @visit for each pair of an object detection and a directly related mtd of @type. The
 * relation may have either direction. Returns FALSE if @visit returned FALSE. */
gboolean gst_lstm_object_frame_visit_related (GstLstmObjectFrame *frame,
    GstAnalyticsMtdType type, GstLstmVisitRelated visit, gpointer data);
