/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The label of a step, as text and as an element message. */
#pragma once
#include "common/tensors.h"

#define GST_LSTM_NO_LABEL (-1)

typedef struct {
  gint index;    /* among the scores, or GST_LSTM_NO_LABEL */
  gchar *text;   /* empty without a label */
  gdouble score; /* the greatest score, also without a label; NaN if a score is NaN */
  GstClockTime pts, duration;
} GstLstmStepLabel;

/* Sets @label to the label of the greatest of @scores (n). There is no label if that score is below
 * @threshold or if a score is NaN. Without @labels (nullable), the text is the index. */
void gst_lstm_step_label_init (
    GstLstmStepLabel *label, const gfloat *scores, guint n, gfloat threshold, GStrv labels);
void gst_lstm_step_label_clear (GstLstmStepLabel *label);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (GstLstmStepLabel, gst_lstm_step_label_clear)

/* Sets the times of @label, which belongs to step @step of @buffer. */
void gst_lstm_step_label_set_times (GstLstmStepLabel *label, const GstLstmTensors *tensors,
    const GstBuffer *buffer, guint step);

/* Returns: (transfer full): a buffer with the text and the score, such as "pan-left 0.97" */
GstBuffer *gst_lstm_step_label_to_buffer (const GstLstmStepLabel *label);

/* Returns: (transfer full): the content of an element message */
GstStructure *gst_lstm_step_label_to_structure (
    const GstLstmStepLabel *label, const GstSegment *segment);
