/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Limits of an untrusted file. protobuf-c recurses without a limit, allocates memory for each
 * empty message, and copies the values of each tensor. Therefore onnx_copy_model() counts nesting
 * and messages, and leaves large values in the file, before protobuf-c parses the model. */
#pragma once

#include "convert.h"

/* The number of a field of TensorProto in the copy, in place of raw_data. Its value is the index of
 * an OnnxStored, 8 bytes in little-endian byte order. ONNX has no field of this number. */
#define ONNX_STORED_FIELD 536870911u

/* The values of a tensor that are not in the copy */
typedef struct {
  guint64 offset; /* in the file, in bytes */
  gsize size;     /* in bytes */
} OnnxStored;

/* Copies the model @input->content without its large raw_data, which are appended to @stored
 * instead. @stored: (nullable) (element-type OnnxStored): NULL to copy all values
 * Returns: (transfer full): NULL with @error if the file cannot be read, or if it is not a sequence
 * of protobuf fields within the limits */
GByteArray *onnx_copy_model (const ConvertInput *input, GArray *stored, GError **error);
