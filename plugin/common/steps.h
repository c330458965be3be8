/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The steps of one buffer as float32. */
#pragma once

#include "common/types.h"
#include <gst/gst.h>

#define GST_LSTM_ONLY_TENSOR G_MAXUINT /* an index that means: the buffer has only one tensor */

typedef struct {
  const gfloat *x; /* [n_streams, n_steps, d], aligned; NULL: the buffer has no steps */
  guint n_steps, n_streams;
  GstMapInfo map;     /* of the values in the buffer; memory NULL: nothing is mapped */
  gboolean is_merged; /* `map` has a reference to its memory, which several memories became */
  gboolean wants_access; /* the values in the buffer will be overwritten, if that is possible */
  gboolean is_writable;  /* `map` can be written, too */
  gfloat *converted;  /* nullable: memory for converted values, which later buffers reuse */
  gsize capacity;     /* of `converted`, in values */
  gfloat *rearranged; /* nullable: memory for values in another order, like `converted` */
  gsize rearranged_capacity;

  /* Of tensors of media */
  gboolean only_objects_have_tensor; /* `x` is NULL, but objects of the buffer have such tensors */
  gchar *ambiguous_tensor; /* nullable: text of the first tensor whose steps could be streams */
} GstLstmSteps;

/* Maps memory @index of @buffer, or the only tensor of @buffer, which may have several memories, if
 * @index is GST_LSTM_ONLY_TENSOR. Returns FALSE and sets @error if mapping fails. */
gboolean gst_lstm_steps_map (GstLstmSteps *steps, GstBuffer *buffer, guint index, GError **error);

/* Points `x` to the @n mapped values at @values, or, if they are not aligned float32, to a
 * converted copy. Returns FALSE and sets @error if memory is insufficient. */
gboolean gst_lstm_steps_convert (GstLstmSteps *steps, const GstLstmType *type,
    gconstpointer values, gsize n, GError **error);

/* Allocates `rearranged` for @n values. Returns FALSE and sets @error if memory is insufficient. */
gboolean gst_lstm_steps_reserve (GstLstmSteps *steps, gsize n, GError **error);

/* Copies the values of `x` to other memory if they are in the map, so that the map can be
 * overwritten. Returns FALSE and sets @error if memory is insufficient. */
gboolean gst_lstm_steps_move (GstLstmSteps *steps, gsize n, GError **error);

/* Unmaps the buffer, if one is mapped. */
void gst_lstm_steps_close (GstLstmSteps *steps);

/* Frees the memory that @steps reuses from buffer to buffer. */
void gst_lstm_steps_clear (GstLstmSteps *steps);
