/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Finds the files in which an ONNX model stores its tensors, without a parser for ONNX. */
#pragma once

#include "util/content.h"

/* Searches @model, the content of the ONNX model @path, for the locations of external data.
 * Returns: (transfer full) (element-type filename): the paths of the files next to the model, each
 * path once. The files may not exist. A path that lstm-convert refuses, absolute or with "..", is
 * not in the list. */
GPtrArray *lstm_onnx_list_data_files (const char *path, LstmContent *model);

/* Reads the file @path if it can be an ONNX model, and searches it like
 * lstm_onnx_list_data_files().
 * Returns: (transfer full) (element-type filename): the paths, or NULL if @path cannot be read */
GPtrArray *lstm_onnx_read_data_files (const char *path);
