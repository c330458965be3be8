/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/* Returns @n floats without a value, aligned for vector loads, or NULL with LSTM_ERROR_MEMORY. Free
 * them with free(). */
float *lstm_floats_allocate (gsize n, GError **error);

/* Returns @n zeroed floats like lstm_floats_allocate(). */
float *lstm_floats_new (gsize n, GError **error);
