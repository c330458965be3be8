/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A change of the model while steps run. The new model starts from its initial state, and runs the
 * same steps as the previous model. After half of the steps of the change, its output fades in. */
#pragma once

#include <glib.h>
#include <lstm/lstm.h>

typedef struct {
  LstmModel *model; /* from gst_lstm_models_open(); NULL: no change */
  LstmState *state; /* nullable: no steps have run, and no state is needed */
  guint64 n_steps;  /* that the new model has run */
  guint64 length; /* steps of the change; 0: the new model replaces the previous one at once */
} GstLstmModelChange;

/* Initializes @change with @model (transfer full), which the function closes on failure. @n_streams: 0
 * if the element has no state. @n_steps: of a call, see lstm_state_new_for_steps(). @n_threads: of the
 * state. Returns FALSE and sets @error if memory or threads are insufficient. */
gboolean gst_lstm_model_change_init (GstLstmModelChange *change, LstmModel *model,
    gsize n_streams, gsize n_steps, guint n_threads, guint64 length, GError **error);
void gst_lstm_model_change_clear (GstLstmModelChange *change);

/* Makes @change take no more steps, and resets h and c of the new model. Does nothing without a
 * change. */
void gst_lstm_model_change_hasten (GstLstmModelChange *change);

/* Returns whether the output is the output of the new model alone. */
gboolean gst_lstm_model_change_is_complete (const GstLstmModelChange *change);

/* Runs the steps of @previous with the new model, and mixes its outputs into the output of
 * @previous, if there is one. @outputs: memory like the output of @previous. */
void gst_lstm_model_change_run (
    GstLstmModelChange *change, const LstmRun *previous, gfloat *outputs);
