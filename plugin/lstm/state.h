/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * h and c outside the element: the property state-location, the signals get-state and
 * set-state, and the state before a preroll. */
#pragma once

#include "lstm/element.h"

/* Restores h and c from the file of state-location, if there is one, after the sequence was
 * started. Returns FALSE and sets @error if the file is not a state of the model. */
gboolean gst_lstm_restore_file (GstLstm *self, GError **error);

/* Writes h and c to state-location if state-interval has passed in running time since the last
 * write. @span: the last @n_steps steps that ran */
void gst_lstm_save_at_interval (GstLstm *self, const GstLstmSpan *span, guint n_steps);

/* Write h and c to state-location at EOS and when the element stops, if steps ran since the last
 * write. At EOS of a preroll, the state is written when the element goes to PLAYING.
 * gst_lstm_save_at_stop() undoes a preroll first. */
void gst_lstm_save_at_eos (GstLstm *self);
void gst_lstm_save_at_stop (GstLstm *self);

/* Sets the state to which gst_lstm_undo_preroll() returns: @bytes (nullable: the model's initial
 * state), which are the present h and c. @unsaved: state-location does not have @bytes. Needs
 * `lock`. */
void gst_lstm_set_preroll_state (GstLstm *self, GBytes *bytes, gboolean unsaved);

/* Sets whether the element is in PLAYING. */
void gst_lstm_set_playing (GstLstm *self, gboolean playing);

/* Sets h and c to the state before the preroll, because of @reason. Returns FALSE if the element has
 * been in PLAYING. */
gboolean gst_lstm_undo_preroll (GstLstm *self, GstLstmReset reason);

/* Implement the signals get-state and set-state. */
GBytes *gst_lstm_get_state (GstLstm *self);
gboolean gst_lstm_set_state (GstLstm *self, GBytes *bytes);
