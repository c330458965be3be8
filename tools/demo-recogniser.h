/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Runs pipelines that contain an lstmlabel, and reads the label of each frame. The output of
 * lstmlabel is text, or video whose frames have a classification. */
#pragma once
#include <gst/gst.h>

typedef struct {
  gchar label[32]; /* empty: the frame has no label */
  gdouble score;
  GstClockTime pts, duration; /* of the frame; either may be GST_CLOCK_TIME_NONE */
} DemoLabel;

/* A function that is called for each label from a streaming thread, in the order of the frames. */
typedef void (*DemoLabelFunc) (const DemoLabel *label, gpointer user_data);

/* Finds the element of a factory in @pipeline.
 * Returns: (transfer full) (nullable) */
GstElement *demo_find_element (GstElement *pipeline, const gchar *factory);

/* Calls @func for each buffer that the pipeline's lstmlabel pushes.
 * Returns: FALSE if the pipeline has no lstmlabel */
gboolean demo_watch_labels (GstElement *pipeline, DemoLabelFunc func, gpointer user_data);

/* Plays @pipeline until EOS.
 * Returns: FALSE with @error set if the pipeline stopped before */
gboolean demo_play (GstElement *pipeline, GError **error);
