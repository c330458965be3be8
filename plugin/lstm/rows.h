/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * State rows with a key each: a memory for each of many sequences that advance independently, such
 * as the objects of a video or the buffers of a batch. */
#pragma once

#include "lstm/sequence-config.h"

typedef struct {
  guint64 key;
  gsize row; /* index of the state row */
} GstLstmRowEntry;

typedef struct {
  const GstLstmSequenceConfig *config;
  LstmState *state;   /* nullable: of `capacity` streams, unless outputs are windows */
  LstmWindow *window; /* nullable: of `capacity` streams, if outputs are windows */
  gsize capacity;
  GArray *entries;   /* GstLstmRowEntry: the rows in use, in the order of their keys */
  GArray *free_rows; /* gsize: the rows that are not in use, which have the initial state */
} GstLstmRows;

/* Initializes @rows without memory for any row. @config has a causal model, and must outlive
 * @rows. */
void gst_lstm_rows_init (GstLstmRows *rows, const GstLstmSequenceConfig *config);
void gst_lstm_rows_clear (GstLstmRows *rows);

/* Returns whether a row has @key. Sets *@row to the row. */
gboolean gst_lstm_rows_find (const GstLstmRows *rows, guint64 key, gsize *row);

/* Adds a row in the model's initial state for @key, which has no row. Sets *@row to the row. If no
 * row is free, doubles `capacity`, which is the only case in which the function allocates. Returns
 * FALSE and sets @error if memory is insufficient. */
gboolean gst_lstm_rows_add (GstLstmRows *rows, guint64 key, gsize *row, GError **error);

/* Removes the row of entry @i. The entries after it move down. */
void gst_lstm_rows_remove (GstLstmRows *rows, guint i);

void gst_lstm_rows_remove_all (GstLstmRows *rows);

/* Sets @row to the model's initial state. */
void gst_lstm_rows_reset_row (GstLstmRows *rows, gsize row);

/* Runs one step of each of the @n rows @list, in one product. @x is (n, d). @outputs has memory of
 * (n, size) for each tensor, or NULL for tensors that are not needed. Row i of @x and @outputs
 * belongs to list[i]. If outputs are windows, only GST_LSTM_TENSOR_OUTPUT is used, which must not
 * be NULL, and row i is written only if is_complete[i] becomes TRUE. Otherwise sets all @n items of
 * @is_complete to TRUE. */
void gst_lstm_rows_run (GstLstmRows *rows, const gsize *list, gsize n, const gfloat *x,
    gfloat *const outputs[GST_LSTM_N_TENSORS], guint8 *is_complete);

/* Returns whether h and c of @row are finite. */
gboolean gst_lstm_rows_is_finite (const GstLstmRows *rows, gsize row);
