/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Models that the elements of a process share: one for a path, a precision and a module chain, as long as
 * the path names the same unchanged file. Loading one keeps nobody waiting but those who name that
 * file. */
#pragma once

#include <lstm/lstm.h>

/* Returns: (transfer full): to be given back with gst_lstm_models_close() */
LstmModel *gst_lstm_models_open (
    const gchar *path, LstmPrecision precision, const gchar *module_chain, GError **error);

/* Gives back @model (transfer full): the last one to do so frees it, but for references that
 * states hold. */
void gst_lstm_models_close (LstmModel *model);
