/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Pipelines that hold an lstmlabel, and what it says of each frame. */
#pragma once
#include <gst/gst.h>

typedef struct {
  gchar label[32];
  gdouble score;
  GstClockTime pts, duration; /* of the frame; either may be GST_CLOCK_TIME_NONE */
} DemoLabel;

/* Called from a streaming thread, in the frames' order. */
typedef void (*DemoLabelFunc) (const DemoLabel *label, gpointer user_data);

/* The element of that factory in @pipeline.
 * Returns: (transfer full) (nullable) */
GstElement *demo_find_element (GstElement *pipeline, const gchar *factory);

/* Calls @func for each text that the pipeline's lstmlabel gives. FALSE: it has none. */
gboolean demo_watch_labels (GstElement *pipeline, DemoLabelFunc func, gpointer user_data);

/* Plays @pipeline to its end. FALSE and @error: it stopped before. */
gboolean demo_play (GstElement *pipeline, GError **error);
