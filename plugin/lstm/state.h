/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * h and c outside the element: the property state-location, the signals get-state and
 * set-state, and the state before a preroll. */
#pragma once

#include "lstm/element.h"

/* Restores the file of state-location, if there is one, when a sequence has begun. Returns
 * FALSE and sets @error if the file is not a state of the model. */
gboolean gst_lstm_restore_file (GstLstm *self, GError **error);

/* Writes h and c to state-location if state-interval has passed in running time since the last
 * write. @span: the last @n_steps steps that ran */
void gst_lstm_save_at_interval (GstLstm *self, const GstLstmSpan *span, guint n_steps);

/* Write h and c to state-location at EOS and when the element stops, if steps ran since the
 * last write. At EOS, PLAYING writes the state of a preroll. When the element stops, the
 * preroll is undone before. */
void gst_lstm_save_at_eos (GstLstm *self);
void gst_lstm_save_at_stop (GstLstm *self);

/* Makes @bytes (nullable: the model's initial state), which h and c are, the state that an
 * undone preroll returns to. @unsaved: state-location does not have them. Needs `lock`. */
void gst_lstm_set_preroll_state (GstLstm *self, GBytes *bytes, gboolean unsaved);

/* Sets whether the element is in PLAYING. */
void gst_lstm_set_playing (GstLstm *self, gboolean playing);

/* Sets h and c to the state before the preroll. Returns FALSE if the element has been in
 * PLAYING. */
gboolean gst_lstm_undo_preroll (GstLstm *self);

/* Implement the signals. */
GBytes *gst_lstm_get_state (GstLstm *self);
gboolean gst_lstm_set_state (GstLstm *self, GBytes *bytes);
