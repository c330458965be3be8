/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "label/label-objects.h"
#include "common/analytics-tensor.h"
#include <string.h>

#define RELATE_TO GST_ANALYTICS_REL_TYPE_RELATE_TO

/* The previous step of a tracked object */
typedef struct {
  guint64 tracking_id;
  guint64 frame; /* number of the last frame with scores of the object */
  gint index;    /* of the label */
} PreviousStep;

void
gst_lstm_label_objects_reset (GstLstmLabelObjects *objects)
{
  if (objects->previous_steps)
    g_hash_table_remove_all (objects->previous_steps);
}

void
gst_lstm_label_objects_clear (GstLstmLabelObjects *objects)
{
  g_clear_pointer (&objects->detections, g_array_unref);
  g_clear_pointer (&objects->scores_mtds, g_byte_array_unref);
  g_clear_pointer (&objects->previous_steps, g_hash_table_unref);
}

/* Sets the tracking id of @object to the id of @tracking, unless it is marked as lost. The tracking
 * data that were last seen are those of the frame. */
static void
compare_tracking (GstLstmLabelObject *object, const GstAnalyticsTrackingMtd *tracking)
{
  GstClockTime first_seen, last_seen;
  gboolean is_lost;
  guint64 id;

  if (!gst_analytics_tracking_mtd_get_info (tracking, &id, &first_seen, &last_seen, &is_lost)
      || is_lost || (object->is_tracked && last_seen < object->last_seen))
    return;
  object->is_tracked = TRUE;
  object->tracking_id = id;
  object->last_seen = last_seen;
}

/* Sets `scores` of @object to @tensor, if it has the id @id. The last one counts. */
static void
compare_scores (GstLstmLabelObjects *objects, GQuark id, const GstAnalyticsTensorMtd *tensor,
    GstLstmLabelObject *object, gboolean *has_scores)
{
  if (gst_analytics_tensor_mtd_get_tensor (tensor)->id != id
      || !(
          gst_analytics_relation_meta_get_relation (tensor->meta, object->detection, tensor->id)
          & RELATE_TO))
    return;
  objects->scores_mtds->data[tensor->id] = TRUE;
  object->scores = tensor->id;
  *has_scores = TRUE;
}

/* Finds the scores and the tracking data to which @object is related. One search reads the row of
 * the relation matrix, which has as many items as the frame has mtds. Returns FALSE if there are no
 * scores. */
static gboolean
find_related (GstLstmLabelObjects *objects, GstAnalyticsRelationMeta *relations, GQuark id,
    GstLstmLabelObject *object)
{
  gboolean has_scores = FALSE;
  gpointer state = NULL;
  GstAnalyticsMtd mtd;

  while (gst_analytics_relation_meta_get_direct_related (relations, object->detection,
      GST_ANALYTICS_REL_TYPE_ANY, GST_ANALYTICS_MTD_TYPE_ANY, &state, &mtd)) {
    const GstAnalyticsMtdType type = gst_analytics_mtd_get_mtd_type (&mtd);

    if (type == gst_analytics_tensor_mtd_get_mtd_type ())
      compare_scores (objects, id, &mtd, object, &has_scores);
    else if (type == gst_analytics_tracking_mtd_get_mtd_type ())
      compare_tracking (object, &mtd);
  }
  return has_scores;
}

static gint
compare_detections (gconstpointer a, gconstpointer b)
{
  const guint id_a = ((const GstLstmLabelObject *) a)->detection;
  const guint id_b = ((const GstLstmLabelObject *) b)->detection;

  return (id_a > id_b) - (id_a < id_b);
}

/* Finds the tracking data that are related to the objects. */
static void
find_reverse_tracking (GstLstmLabelObjects *objects, GstAnalyticsRelationMeta *relations)
{
  GstAnalyticsTrackingMtd tracking;
  gpointer state = NULL;

  while (gst_analytics_relation_meta_iterate (
      relations, &state, gst_analytics_tracking_mtd_get_mtd_type (), &tracking)) {
    gpointer related_state = NULL;
    GstAnalyticsODMtd detection;

    while (gst_analytics_relation_meta_get_direct_related (relations, tracking.id,
        GST_ANALYTICS_REL_TYPE_ANY, gst_analytics_od_mtd_get_mtd_type (), &related_state,
        &detection)) {
      const GstLstmLabelObject key = {.detection = detection.id};
      guint i;

      if (g_array_binary_search (objects->detections, &key, compare_detections, &i))
        compare_tracking (
            &g_array_index (objects->detections, GstLstmLabelObject, i), &tracking);
    }
  }
}

static gboolean
is_forgotten (const GstLstmLabelObjects *objects, const PreviousStep *step)
{
  return objects->n_frames - step->frame > GST_LSTM_FORGET_FRAMES;
}

static gboolean
is_forgotten_entry (gpointer key, gpointer step, gpointer objects)
{
  return is_forgotten (objects, step);
}

/* Marks @n mtds as mtds without scores. */
static void
clear_scores_mtds (GstLstmLabelObjects *objects, gsize n)
{
  g_byte_array_set_size (objects->scores_mtds, (guint) n);
  if (n > 0)
    memset (objects->scores_mtds->data, 0, n);
}

guint
gst_lstm_label_objects_find (GstLstmLabelObjects *objects, GstBuffer *frame, GQuark id)
{
  GstAnalyticsRelationMeta *relations = gst_buffer_get_analytics_relation_meta (frame);
  GstAnalyticsODMtd detection;
  gboolean all_tracked = TRUE;
  gpointer state = NULL;

  if (!objects->detections) {
    objects->detections = g_array_new (FALSE, TRUE, sizeof (GstLstmLabelObject));
    objects->scores_mtds = g_byte_array_new ();
    objects->previous_steps = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, g_free);
  }
  g_array_set_size (objects->detections, 0);
  clear_scores_mtds (objects, relations ? gst_analytics_relation_get_length (relations) : 0);
  /* Removes the forgotten objects only sometimes, because it examines all objects. */
  if (++objects->n_frames % GST_LSTM_FORGET_FRAMES == 0)
    g_hash_table_foreach_remove (objects->previous_steps, is_forgotten_entry, objects);
  while (relations
         && gst_analytics_relation_meta_iterate (
             relations, &state, gst_analytics_od_mtd_get_mtd_type (), &detection)) {
    GstLstmLabelObject object = {.detection = detection.id};

    if (!find_related (objects, relations, id, &object))
      continue;
    all_tracked &= object.is_tracked;
    g_array_append_val (objects->detections, object);
  }
  if (!all_tracked)
    find_reverse_tracking (objects, relations);
  return objects->detections->len;
}

const GstLstmLabelObject *
gst_lstm_label_objects_get (const GstLstmLabelObjects *objects, guint i)
{
  return &g_array_index (objects->detections, GstLstmLabelObject, i);
}

gboolean
gst_lstm_label_objects_open (const GstLstmLabelObjects *objects, guint i, GstBuffer *frame,
    GstLstmSteps *steps, gsize *n, GError **error)
{
  const GstLstmLabelObject *object = gst_lstm_label_objects_get (objects, i);
  GstAnalyticsTensorMtd tensor;

  steps->x = NULL;
  steps->map.memory = NULL;
  gst_analytics_relation_meta_get_tensor_mtd (
      gst_buffer_get_analytics_relation_meta (frame), object->scores, &tensor);
  return gst_lstm_analytics_tensor_open (
      gst_analytics_tensor_mtd_get_tensor (&tensor), GST_LSTM_AXES_STEPS, n, steps, error);
}

gint *
gst_lstm_label_objects_get_previous (GstLstmLabelObjects *objects, guint i, gint initial_index)
{
  const GstLstmLabelObject *object = gst_lstm_label_objects_get (objects, i);
  PreviousStep *step;

  if (!object->is_tracked)
    return NULL;
  step = g_hash_table_lookup (objects->previous_steps, &object->tracking_id);
  if (!step) {
    step = g_new (PreviousStep, 1);
    step->tracking_id = object->tracking_id;
    step->index = initial_index;
    g_hash_table_insert (objects->previous_steps, &step->tracking_id, step);
  } else if (is_forgotten (objects, step))
    step->index = initial_index;
  step->frame = objects->n_frames;
  return &step->index;
}

void
gst_lstm_label_objects_attach (const GstLstmLabelObjects *objects, guint i, GstBuffer *frame,
    const gchar *label, gfloat score)
{
  GstAnalyticsRelationMeta *relations = gst_buffer_get_analytics_relation_meta (frame);
  GstAnalyticsClsMtd classification;

  if (gst_analytics_relation_meta_add_one_cls_mtd (
          relations, score, g_quark_from_string (label), &classification))
    gst_analytics_relation_meta_set_relation (relations, RELATE_TO,
        gst_lstm_label_objects_get (objects, i)->detection, classification.id);
}
