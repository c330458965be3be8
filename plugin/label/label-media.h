/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Labels of video frames: `lstmlabel` reads the scores from a GstTensorMeta and adds a
 * classification. */
#pragma once

#include "common/steps.h"

typedef struct {
  GQuark id;           /* of the tensor */
  gboolean add_region; /* with each classification */
  gint width, height;  /* of the frame */
} GstLstmLabelMedia;

/* Opens the scores of @buffer, [n_steps, *@n]. *@n is the expected number of scores. If *@n is 0,
 * any number is accepted, and the function sets *@n to that number. gst_lstm_media_open() describes
 * the other parameters. */
gboolean gst_lstm_label_media_open (const GstLstmLabelMedia *media, GstBuffer *buffer,
    const GByteArray *object_mtds, GstLstmSteps *steps, gsize *n, GError **error);

/* Adds a classification with @label and @score to @buffer (transfer full).
 * Returns: (transfer full) */
GstBuffer *gst_lstm_label_media_attach (
    const GstLstmLabelMedia *media, GstBuffer *buffer, const gchar *label, gfloat score);
