/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Number types of tensors and files. Values of each type are converted to float32. A type is a
 * table row in types.c. */
#pragma once
#include <glib.h>

typedef struct {
  const gchar *npy;     /* name in NumPy, such as "<f4" */
  const gchar *tensors; /* (nullable): name in NNStreamer, such as "float32" */
  gint number;          /* in the header of NNStreamer's flexible tensors, or -1 */
  gsize size;           /* in bytes */

  /* Converts @n values of @in, little-endian and not aligned. */
  void (*to_float) (gfloat *out, gconstpointer in, gsize n);
} GstLstmType;

#define GST_LSTM_TYPE_FLOAT32 7 /* the number of float32 */

/* Returns: (nullable): the type with that name or number; NULL if the table has none */
const GstLstmType *gst_lstm_type_from_npy (const gchar *descr);
const GstLstmType *gst_lstm_type_from_tensors (const gchar *name);
const GstLstmType *gst_lstm_type_from_number (guint32 number);
