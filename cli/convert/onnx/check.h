/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Limits of an untrusted file. protobuf-c recurses without a limit, and allocates memory for each
 * empty message. Therefore onnx_check_bytes() counts nesting and messages before protobuf-c parses
 * the file. */
#pragma once

#include "convert.h"

/* Returns FALSE with @error if the file is not a sequence of protobuf fields within the limits. */
gboolean onnx_check_bytes (const ConvertInput *input, GError **error);
