/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Labels beside media: what `lstmlabel` does with scores in a GstTensorMeta. */
#pragma once

#include "lstm/input/formats.h"

typedef struct {
  GQuark id;          /* of the tensor */
  gboolean region;    /* a label comes with a region, */
  gint width, height; /* which is all of the frame */
} GstLstmLabelMedia;

/* The scores of @buffer, [n_steps, *@n]; *@n is 0 or what is expected. As gst_lstm_media_open() */
gboolean gst_lstm_label_media_open (const GstLstmLabelMedia *media, GstBuffer *buffer,
    GstLstmSteps *steps, gsize *n, GError **error);

/* @buffer (transfer full) with a classification of @label. Returns: (transfer full) */
GstBuffer *gst_lstm_label_media_attach (
    const GstLstmLabelMedia *media, GstBuffer *buffer, const gchar *label, gfloat score);
