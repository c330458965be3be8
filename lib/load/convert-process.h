/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "lstm/lstm.h"

/* Converts the file at @path, of @size bytes, by lstm-convert in a process of its own. The
 * process has limits on memory and time, and does not outlive this process. The environment
 * variable LSTM_CONVERT (see process/environment.h) overrides the installed lstm-convert.
 * @module_chain: (nullable): for a PyTorch model
 * @report: return location for a line about the conversion, for logs; the caller frees it. An error
 *   does not set it
 * Returns: (transfer full): a safetensors file, or NULL with an error of LSTM_ERROR that has the
 * message of lstm-convert */
GBytes *lstm_convert_file (
    const char *path, gsize size, const char *module_chain, char **report, GError **error);
