/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "util/content.h"

/* Converts the file at @path, of @size bytes, by lstm-convert in a process of its own. The
 * process has limits on memory and time, and does not outlive this process. The environment
 * variable LSTM_CONVERT (see process/environment.h) overrides the installed lstm-convert. The model
 * arrives through a pipe while its parts are read.
 * @module_chain: (nullable): for a PyTorch model
 * @report: return location for a line about the conversion, for logs, valid until the content is
 *   freed; the caller frees the line. lstm_content_check() sets it.
 * Returns: (transfer full): a safetensors file, or NULL with an error of LSTM_ERROR that has the
 * message of lstm-convert. Errors of the content are errors of LSTM_ERROR, too. */
LstmContent *lstm_convert_file (
    const char *path, gsize size, const char *module_chain, char **report, GError **error);
