/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * External data: the values of a tensor in a file next to the model. */
#pragma once

#include "onnx/reader.h"

/* Reads the @n_bytes bytes of @proto from the file that its external data names. The file must be
 * a regular file below the folder of the model, and no part of its path may be a symbolic link.
 * Returns: (transfer full): the bytes, or NULL with *problem, "FIELD: expected X, found Y" */
GBytes *onnx_read_external_data (
    OnnxReader *reader, const Onnx__TensorProto *proto, gsize n_bytes, const char **problem);
