/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * h and c of a sequence: saved states, and values that are not finite. */
#pragma once

#include "lstm/sequence.h"

/* Returns the number of bytes of the tensors of a stream in a saved state. In output-mode window these
 * are the bytes of all windows that overlap. Needs a causal model. */
guint64 gst_lstm_sequence_get_state_bytes (const GstLstmSequence *sequence);

/* Saves h and c for gst_lstm_sequence_restore(). @next_time and @steps are those of
 * lstm_state_save(). Returns: (transfer full) (nullable): NULL if there is no state, and, with
 * @error, if h or c is not finite */
GBytes *gst_lstm_sequence_save (
    const GstLstmSequence *sequence, guint64 next_time, guint64 steps, GError **error);

/* Sets h and c to the saved @bytes, which errors call @name. Returns FALSE, sets @error, and
 * changes nothing, if @bytes are of another model or of other streams than the caps have. */
gboolean gst_lstm_sequence_restore (GstLstmSequence *sequence, GBytes *bytes, const gchar *name,
    guint64 *next_time, guint64 *steps, GError **error);

/* Returns whether the values from which later steps compute h and c have no NaN or infinity. */
gboolean gst_lstm_sequence_is_finite (const GstLstmSequence *sequence);

/* Resets the streams whose h or c is not finite. Windows and complete sequences need no reset. */
void gst_lstm_sequence_reset_non_finite (GstLstmSequence *sequence);
