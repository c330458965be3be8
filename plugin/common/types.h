/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Numbers that become float32, little-endian. A type is a row in types.c. */
#pragma once
#include <glib.h>

typedef struct {
  const gchar *npy;     /* NumPy's spelling, "<f4" */
  const gchar *tensors; /* NNStreamer's, "float32"; NULL: it has none, */
  gint number;          /* and its number in headers of flexible tensors */
  gsize size;           /* bytes */
  void (*to_float) (gfloat *out, gconstpointer in, gsize n); /* @in at any address */
} GstLstmType;

#define GST_LSTM_TYPE_FLOAT32 7 /* its number */

/* Returns: (nullable): NULL for a type that is not in the table */
const GstLstmType *gst_lstm_type_from_npy (const gchar *descr);
const GstLstmType *gst_lstm_type_from_tensors (const gchar *name);
const GstLstmType *gst_lstm_type_from_number (guint32 number);
