/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "label/label-objects.h"
#include "common/analytics-tensor.h"
#include "common/media.h"

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
  g_clear_pointer (&objects->previous_steps, g_hash_table_unref);
}

/* Sets `scores` of @object to the last tensor with @id to which the object detection is related.
 * Returns FALSE if there is none. */
static gboolean
find_scores (GstAnalyticsRelationMeta *relations, GQuark id, GstLstmLabelObject *object)
{
  GstAnalyticsTensorMtd tensor;
  gboolean has_scores = FALSE;
  gpointer state = NULL;

  while (gst_analytics_relation_meta_get_direct_related (relations, object->detection,
      RELATE_TO, gst_analytics_tensor_mtd_get_mtd_type (), &state, &tensor))
    if (gst_analytics_tensor_mtd_get_tensor (&tensor)->id == id) {
      object->scores = tensor.id;
      has_scores = TRUE;
    }
  return has_scores;
}

static void
find_tracking (GstAnalyticsRelationMeta *relations, GstLstmLabelObject *object)
{
  GstAnalyticsTrackingMtd tracking;

  object->is_tracked = gst_analytics_relation_meta_get_direct_related (relations,
                           object->detection, RELATE_TO,
                           gst_analytics_tracking_mtd_get_mtd_type (), NULL, &tracking)
                       && gst_analytics_tracking_mtd_get_info (
                           &tracking, &object->tracking_id, NULL, NULL, NULL);
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

guint
gst_lstm_label_objects_find (GstLstmLabelObjects *objects, GstBuffer *frame, GQuark id)
{
  GstAnalyticsRelationMeta *relations = gst_buffer_get_analytics_relation_meta (frame);
  GstAnalyticsODMtd detection;
  gpointer state = NULL;

  if (!objects->detections) {
    objects->detections = g_array_new (FALSE, TRUE, sizeof (GstLstmLabelObject));
    objects->previous_steps = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, g_free);
  }
  g_array_set_size (objects->detections, 0);
  /* Removes the forgotten objects only sometimes, because it examines all objects. */
  if (++objects->n_frames % GST_LSTM_FORGET_FRAMES == 0)
    g_hash_table_foreach_remove (objects->previous_steps, is_forgotten_entry, objects);
  while (relations
         && gst_analytics_relation_meta_iterate (
             relations, &state, gst_analytics_od_mtd_get_mtd_type (), &detection)) {
    GstLstmLabelObject object = {.detection = detection.id};

    if (!find_scores (relations, id, &object))
      continue;
    find_tracking (relations, &object);
    g_array_append_val (objects->detections, object);
  }
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
  steps->buffer = NULL;
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

GstBuffer *
gst_lstm_label_objects_attach (const GstLstmLabelObjects *objects, guint i, GstBuffer *frame,
    const gchar *label, gfloat score)
{
  GstAnalyticsRelationMeta *relations;
  GstAnalyticsClsMtd classification;

  frame = gst_lstm_media_make_writable (frame);
  relations = gst_buffer_get_analytics_relation_meta (frame); /* a copy has the same ids */
  if (gst_analytics_relation_meta_add_one_cls_mtd (
          relations, score, g_quark_from_string (label), &classification))
    gst_analytics_relation_meta_set_relation (relations, RELATE_TO,
        gst_lstm_label_objects_get (objects, i)->detection, classification.id);
  return frame;
}
