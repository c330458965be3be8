/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * External data: the values of a tensor in a file next to the model. */
#pragma once

#include "onnx/reader.h"

/* Opens the file that the external data of @proto names, and sets @offset to the first of the
 * @n_bytes bytes of @proto. The file must be a regular file below the folder of the model, and no
 * part of its path may be a symbolic link.
 * Returns: (transfer full): the file, or NULL with *problem, "FIELD: expected X, found Y" */
LstmContent *onnx_open_external_data (OnnxReader *reader, const Onnx__TensorProto *proto,
    gsize n_bytes, guint64 *offset, const char **problem);

/* Opens the file like onnx_open_external_data() and reads the bytes.
 * Returns: (transfer full): the bytes, or NULL with *problem */
GBytes *onnx_read_external_data (
    OnnxReader *reader, const Onnx__TensorProto *proto, gsize n_bytes, const char **problem);
