/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A GstTensor as the steps of a buffer. */
#pragma once

#include "common/axes.h"
#include "common/steps.h"
#include <gst/analytics/analytics.h>

/* Returns a text with the id, dimensions and type of @tensor. Returns: (transfer full) */
gchar *gst_lstm_analytics_tensor_describe (const GstTensor *tensor);

/* Returns whether @tensor has steps of vectors of @d values (0: of any size) in @axes. */
gboolean gst_lstm_analytics_tensor_has_steps (
    const GstTensor *tensor, GstLstmAxes axes, gsize d);

/* Opens @tensor as float32. If *@d, the size of the vectors, is 0, vectors may have any size, and
 * the function sets *@d to that size. The caller calls gst_lstm_steps_close(). If the tensor cannot
 * be read, returns FALSE and sets @error, which names the tensor, its dimensions and its type.
 * @steps need not be closed in that case. */
gboolean gst_lstm_analytics_tensor_open (
    const GstTensor *tensor, GstLstmAxes axes, gsize *d, GstLstmSteps *steps, GError **error);
