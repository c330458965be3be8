/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Input buffers that cannot be read, or that may be a mistake. */
#pragma once

#include "lstm/element.h"

/* Counts a buffer that cannot be read because of @error. Posts a warning, and returns GST_FLOW_OK,
 * if max-errors tolerates the buffer. Otherwise posts @error, and returns GST_FLOW_ERROR. */
GstFlowReturn gst_lstm_count_bad_buffer (GstLstm *self, const GError *error);

/* Counts a buffer that was read. */
void gst_lstm_count_good_buffer (GstLstm *self);

/* Posts a warning that a buffer of media has no tensor. @source is the beginning of the text, such
 * as "stream 1: ", or empty. */
void gst_lstm_warn_without_tensor (
    GstLstm *self, const GstLstmSteps *steps, const gchar *source);

/* Posts a warning, once until the element stops, if a tensor had steps that could be streams. */
void gst_lstm_warn_about_axes (GstLstm *self, const GstLstmSteps *steps);
