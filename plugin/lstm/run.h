/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Steps run in slices, between which other threads can lock the element. */
#pragma once

#include "lstm/element.h"

/* Runs @n_steps steps of @x, (streams, n_steps, d), or NULL for zeros. @outputs (nullable) has the
 * memory of each tensor if the outputs are written at once. Returns GST_FLOW_FLUSHING if the pad was
 * flushed or deactivated before the last step, and GST_FLOW_ERROR after an error, which is posted. */
GstFlowReturn gst_lstm_run_steps (GstLstm *self, const gfloat *x, guint n_steps,
    const GstLstmSpan *span, gfloat *const *outputs);

/* Allocates the state for the complete sequence that runs next, if it needs a new state. This
 * may take long, and does not lock the element. */
gboolean gst_lstm_allocate_complete_state (GstLstm *self, GError **error);

/* Unlocks `lock` for other threads, from time to time. Implements the should_continue of a
 * GstLstmCompleteSequence for a GstLstm as @data: returns FALSE if the pad was flushed or
 * deactivated. Needs `lock`. */
gboolean gst_lstm_yield_lock (gpointer data);
