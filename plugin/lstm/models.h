/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Models that the elements of a process share. Elements with the same path, precision and
 * module chain have one model, as long as the path names the same unchanged file. Loading a
 * file delays only elements that need the same model. */
#pragma once

#include <lstm/lstm.h>

/* Returns the model of the file @path, which is loaded unless another element has it. The
 * caller must pass it to gst_lstm_models_close(). Sets *@load_time to the time of the load in us, or
 * to -1 if another element has loaded the model. Returns: (transfer full): NULL with @error */
LstmModel *gst_lstm_models_open (const gchar *path, LstmPrecision precision,
    const gchar *module_chain, gint64 *load_time, GError **error);

/* Releases @model (transfer full). When the last element releases it, the model is freed,
 * unless a state still has a reference. */
void gst_lstm_models_close (LstmModel *model);
