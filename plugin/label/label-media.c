/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "label/label-media.h"
#include "common/media.h"

#define MARGIN_DIVISOR 10 /* of the frame size, for the margin of a region */

gboolean
gst_lstm_label_media_open (const GstLstmLabelMedia *media, GstBuffer *buffer,
    const GByteArray *object_mtds, GstLstmSteps *steps, gsize *n, GError **error)
{
  steps->x = NULL;
  steps->map.memory = NULL;
  return gst_lstm_media_open (
      buffer, media->id, GST_LSTM_AXES_STEPS, object_mtds, n, steps, error);
}

/* Relates the classification to a region. Overlays draw a classification above its region, so the
 * region is smaller than the frame by a margin on each side. */
static void
add_region (GstAnalyticsRelationMeta *relations, const GstLstmLabelMedia *media, GQuark label,
    gfloat score, guint classification)
{
  const gint x = media->width / MARGIN_DIVISOR, y = media->height / MARGIN_DIVISOR;
  GstAnalyticsODMtd region;

  if (gst_analytics_relation_meta_add_od_mtd (
          relations, label, x, y, media->width - 2 * x, media->height - 2 * y, score, &region))
    gst_analytics_relation_meta_set_relation (
        relations, GST_ANALYTICS_REL_TYPE_RELATE_TO, region.id, classification);
}

GstBuffer *
gst_lstm_label_media_attach (
    const GstLstmLabelMedia *media, GstBuffer *buffer, const gchar *label, gfloat score)
{
  const GQuark quark = g_quark_from_string (label);
  GstAnalyticsRelationMeta *relations;
  GstAnalyticsClsMtd classification;

  buffer = gst_lstm_media_make_writable (buffer);
  relations = gst_buffer_add_analytics_relation_meta (buffer); /* may return an existing meta */
  if (gst_analytics_relation_meta_add_one_cls_mtd (relations, score, quark, &classification)
      && media->add_region)
    add_region (relations, media, quark, score, classification.id);
  return buffer;
}
