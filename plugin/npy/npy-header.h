/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The header of NumPy's .npy files:
 * https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 *
 * A file consists of the magic bytes, the version (two bytes), the length of the dict in two or
 * four bytes, the dict (a Python literal) and the items. */
#pragma once
#include "common/types.h"

#define GST_LSTM_NPY_MAGIC "\x93NUMPY"
#define GST_LSTM_NPY_MAGIC_SIZE 6

typedef struct {
  const GstLstmType *type;
  guint64 streams, length, size; /* dimensions; a missing dimension is 1 */
} GstLstmNpyHeader;

/* Parses the dict in @text (@n bytes), which comes from a file of major version @version and is
 * untrusted. The shape is [size], [length, size] or [streams, length, size] in C order. Returns
 * FALSE and sets @error if the header is invalid or its type or its shape is not supported. */
gboolean gst_lstm_npy_header_parse (
    GstLstmNpyHeader *header, const gchar *text, guint n, guint version, GError **error);
