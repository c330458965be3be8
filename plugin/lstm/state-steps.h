/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <lstm/lstm.h>

/* Replaces *@state (nullable: initial values) by a state of @model and @n_streams streams with the
 * same h and c and @n_threads threads, whose scratch memory is for calls of @n_steps steps. Returns
 * FALSE and sets @error if memory or threads are insufficient. *@state stays in that case. */
gboolean gst_lstm_replace_state (LstmState **state, LstmModel *model, gsize n_streams,
    gsize n_steps, guint n_threads, GError **error);
