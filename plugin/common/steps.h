/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The steps of one buffer as float32. */
#pragma once

#include "common/types.h"
#include <gst/gst.h>

typedef struct {
  const gfloat *x; /* [n_streams, n_steps, d], aligned; NULL: the buffer has no steps */
  guint n_steps, n_streams;
  GstBuffer *buffer; /* nullable: the buffer that `map` maps */
  GstMapInfo map;
  gfloat *converted;  /* nullable: memory for converted values, which later buffers reuse */
  gsize capacity;     /* of `converted`, in values */
  gfloat *rearranged; /* nullable: memory for values in another order, like `converted` */
  gsize rearranged_capacity;

  /* Of tensors of media */
  gboolean only_objects_have_tensor; /* `x` is NULL, but objects of the buffer have such tensors */
  gchar *ambiguous_tensor; /* nullable: text of the first tensor whose steps could be streams */
} GstLstmSteps;

/* Points `x` to the @n mapped values at @values, or, if they are not aligned float32, to a
 * converted copy. Returns FALSE and sets @error if memory is insufficient. */
gboolean gst_lstm_steps_convert (GstLstmSteps *steps, const GstLstmType *type,
    gconstpointer values, gsize n, GError **error);

/* Allocates `rearranged` for @n values. Returns FALSE and sets @error if memory is insufficient. */
gboolean gst_lstm_steps_reserve (GstLstmSteps *steps, gsize n, GError **error);

/* Unmaps the buffer, if one is mapped. */
void gst_lstm_steps_close (GstLstmSteps *steps);

/* Frees the memory that @steps reuses from buffer to buffer. */
void gst_lstm_steps_clear (GstLstmSteps *steps);
