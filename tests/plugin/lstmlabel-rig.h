/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * An element `lstmlabel` between two pads, with a bus. */
#pragma once
#include "testutil.h"

#define LABELS "still\npan-left\nzoom-in\n"
#define FRAME (GST_SECOND / 25)

typedef struct {
  GstHarness *harness;
  GstBus *bus;
} LabelRig;

/* @location: (nullable): property labels-location */
LabelRig label_rig_new (const gchar *location, const gchar *dimensions, const gchar *framerate);
void label_rig_clear (LabelRig *rig);

/* Writes a file of labels to @dir. Returns: (transfer full): its path */
gchar *write_labels (const gchar *dir, const gchar *text, gssize size);

GstFlowReturn label_rig_push_scores (
    LabelRig *rig, const gfloat *scores, guint n, GstClockTime pts, GstClockTime duration);

/* Returns: (transfer full) (nullable): the text of the next output buffer; NULL if there is none
 * @pts: (out) (nullable)
 * @duration: (out) (nullable) */
gchar *label_rig_pull_text (LabelRig *rig, GstClockTime *pts, GstClockTime *duration);

/* Reads the times of the next GAP event. Returns FALSE if there is none. */
gboolean label_rig_pull_gap (LabelRig *rig, GstClockTime *pts, GstClockTime *duration);

/* Returns the index of the label in the next message; -9 if there is no message. */
gint label_rig_pull_index (LabelRig *rig);

/* Pops the first error and asserts that its text has all @parts. @parts: ends with NULL */
void assert_error_has (GstBus *bus, const gchar *const *parts);
