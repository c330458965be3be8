/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lstm/objects/frame.h"
#include "common/errors.h"
#include <string.h>

#define FORMAT GST_LSTM_STREAM (FORMAT)

void
gst_lstm_object_frame_init (GstLstmObjectFrame *frame)
{
  *frame = (GstLstmObjectFrame){
      .detections = g_array_new (FALSE, FALSE, sizeof (GstLstmDetection)),
      .objects = g_array_new (FALSE, FALSE, sizeof (GstLstmObject)),
      .matched = g_byte_array_new (),
  };
}

void
gst_lstm_object_frame_clear (GstLstmObjectFrame *frame)
{
  g_clear_pointer (&frame->detections, g_array_unref);
  g_clear_pointer (&frame->objects, g_array_unref);
  g_clear_pointer (&frame->matched, g_byte_array_unref);
}

/* --- Relations --- */

/* Sets *@i to the index of the object detection whose mtd is @mtd. Ids of mtds increase. */
static gboolean
find_detection (const GstLstmObjectFrame *frame, guint mtd, guint *i)
{
  guint begin = 0, end = frame->detections->len;

  while (begin < end) {
    const guint middle = begin + (end - begin) / 2;
    const guint found = g_array_index (frame->detections, GstLstmDetection, middle).mtd;

    if (found == mtd) {
      *i = middle;
      return TRUE;
    }
    if (found < mtd)
      begin = middle + 1;
    else
      end = middle;
  }
  return FALSE;
}

/* Visits the mtds to which the object detections are related. Marks these mtds in `matched`. */
static gboolean
visit_from_detections (GstLstmObjectFrame *frame, GstAnalyticsMtdType type,
    GstLstmVisitRelated visit, gpointer data)
{
  for (guint i = 0; i < frame->detections->len; i++) {
    const guint from = g_array_index (frame->detections, GstLstmDetection, i).mtd;
    gpointer state = NULL;
    GstAnalyticsMtd mtd;

    while (gst_analytics_relation_meta_get_direct_related (
        frame->relations, from, GST_ANALYTICS_REL_TYPE_ANY, type, &state, &mtd)) {
      frame->matched->data[mtd.id] = TRUE;
      if (!visit (i, &mtd, data))
        return FALSE;
    }
  }
  return TRUE;
}

/* Visits @mtd for each object detection to which it is related. */
static gboolean
visit_to_detections (GstLstmObjectFrame *frame, const GstAnalyticsMtd *mtd,
    GstLstmVisitRelated visit, gpointer data)
{
  gpointer state = NULL;
  GstAnalyticsMtd detection;
  guint i;

  while (gst_analytics_relation_meta_get_direct_related (frame->relations, mtd->id,
      GST_ANALYTICS_REL_TYPE_ANY, gst_analytics_od_mtd_get_mtd_type (), &state, &detection)) {
    frame->matched->data[mtd->id] = TRUE;
    if (find_detection (frame, detection.id, &i) && !visit (i, mtd, data))
      return FALSE;
  }
  return TRUE;
}

/* Each search reads a row of the relation matrix, so mtds that the first pass has found are not
 * searched again. */
gboolean
gst_lstm_object_frame_visit_related (GstLstmObjectFrame *frame, GstAnalyticsMtdType type,
    GstLstmVisitRelated visit, gpointer data)
{
  gpointer state = NULL;
  GstAnalyticsMtd mtd;

  if (!frame->relations
      || !gst_analytics_relation_meta_iterate (frame->relations, &state, type, &mtd))
    return TRUE;
  if (!visit_from_detections (frame, type, visit, data))
    return FALSE;
  do
    if (!frame->matched->data[mtd.id] && !visit_to_detections (frame, &mtd, visit, data))
      return FALSE;
  while (gst_analytics_relation_meta_iterate (frame->relations, &state, type, &mtd));
  return TRUE;
}

/* --- Objects --- */

/* Reads all object detections of the relation meta. */
static void
read_detections (GstLstmObjectFrame *frame)
{
  const gsize n_mtds = frame->relations ? gst_analytics_relation_get_length (frame->relations)
                                        : 0;
  gpointer state = NULL;
  GstAnalyticsMtd mtd;

  g_array_set_size (frame->detections, 0);
  g_byte_array_set_size (frame->matched, (guint) n_mtds);
  if (n_mtds == 0)
    return;
  memset (frame->matched->data, 0, n_mtds);
  while (gst_analytics_relation_meta_iterate (
      frame->relations, &state, gst_analytics_od_mtd_get_mtd_type (), &mtd)) {
    const GstLstmDetection detection = {.mtd = mtd.id};

    g_array_append_val (frame->detections, detection);
  }
}

/* The frame whose tracking data are read */
typedef struct {
  GstLstmObjectFrame *frame;
  GstClockTime running_time, pts;
  GError **error;
} Reader;

/* Sets the tracking id of an object detection to the id of the tracking data @mtd. */
static gboolean
read_tracking (guint detection, const GstAnalyticsMtd *mtd, gpointer data)
{
  const Reader *reader = data;
  GstLstmObjectFrame *frame = reader->frame;
  GstLstmDetection *to = &g_array_index (frame->detections, GstLstmDetection, detection);
  GstClockTime first_seen, last_seen;
  gboolean is_lost;
  guint64 id;

  if (!gst_analytics_tracking_mtd_get_info (mtd, &id, &first_seen, &last_seen, &is_lost)
      || is_lost)
    return TRUE;
  if (last_seen != reader->running_time && last_seen != reader->pts) {
    if (frame->n_stale++ == 0) {
      frame->stale_id = id;
      frame->stale_last_seen = last_seen;
    }
    return TRUE;
  }
  if (to->is_tracked && to->id != id)
    return gst_lstm_fail (reader->error, FORMAT,
        "buffer: object detection %u: expected one tracking id, found %" G_GUINT64_FORMAT
        " and %" G_GUINT64_FORMAT,
        to->mtd, to->id, id);
  to->is_tracked = TRUE;
  to->id = id;
  return TRUE;
}

static gint
compare_ids (gconstpointer a, gconstpointer b)
{
  const guint64 id_a = ((const GstLstmObject *) a)->id, id_b = ((const GstLstmObject *) b)->id;

  return (id_a > id_b) - (id_a < id_b);
}

/* Makes the sorted list of objects. Returns FALSE and sets @error if an id occurs twice. */
static gboolean
list_objects (GstLstmObjectFrame *frame, GError **error)
{
  g_array_set_size (frame->objects, 0);
  for (guint i = 0; i < frame->detections->len; i++) {
    const GstLstmDetection *d = &g_array_index (frame->detections, GstLstmDetection, i);
    const GstLstmObject object = {.id = d->id, .detection = i, .mtd = d->mtd};

    if (d->is_tracked)
      g_array_append_val (frame->objects, object);
  }
  g_array_sort (frame->objects, compare_ids);
  for (guint i = 1; i < frame->objects->len; i++) {
    const GstLstmObject *a = &g_array_index (frame->objects, GstLstmObject, i - 1);
    const GstLstmObject *b = a + 1;

    if (a->id == b->id)
      return gst_lstm_fail (error, FORMAT,
          "buffer: tracking id %" G_GUINT64_FORMAT
          ": expected one object detection, found %u and %u",
          a->id, MIN (a->mtd, b->mtd), MAX (a->mtd, b->mtd));
  }
  for (guint i = 0; i < frame->objects->len; i++) {
    const guint detection = g_array_index (frame->objects, GstLstmObject, i).detection;

    g_array_index (frame->detections, GstLstmDetection, detection).object = i;
  }
  return TRUE;
}

gboolean
gst_lstm_object_frame_read (
    GstLstmObjectFrame *frame, GstBuffer *buffer, GstClockTime running_time, GError **error)
{
  Reader reader = {frame, running_time, GST_BUFFER_PTS (buffer), error};

  frame->relations = gst_buffer_get_analytics_relation_meta (buffer);
  frame->n_stale = 0;
  read_detections (frame);
  return gst_lstm_object_frame_visit_related (
             frame, gst_analytics_tracking_mtd_get_mtd_type (), read_tracking, &reader)
         && list_objects (frame, error);
}
