/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Numbers that become float32, little-endian. A type is a row in types.c. */
#pragma once
#include <glib.h>

typedef struct {
  const gchar *npy;                                          /* NumPy's spelling, "<f4" */
  gsize size;                                                /* bytes */
  void (*to_float) (gfloat *out, gconstpointer in, gsize n); /* @in aligned to its items */
} GstLstmType;

/* Returns: (nullable): NULL for a type that is not in the table */
const GstLstmType *gst_lstm_type_from_npy (const gchar *descr);
