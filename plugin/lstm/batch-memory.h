/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The streams of batches: h and c of each stream, and the data that the element keeps with them.
 * The streams advance together, in rounds of one step. This structure does not depend on pads or
 * threads. */
#pragma once

#include "common/steps.h"
#include "lstm/batch/cursor.h"
#include "lstm/rows.h"
#include "lstm/span.h"

/* A stream, which continues from batch to batch */
typedef struct {
  guint index; /* of the stream in the batch */
  gsize row;   /* state row */

  GstEvent *stream_start; /* nullable: the last one */
  GstEvent *caps;         /* nullable: the last CAPS event */
  GstEvent *output_caps;  /* nullable: that event with the attached tensors */
  guint attached_steps;   /* of the attached tensors in `output_caps` */
  GstSegment segment;     /* format UNDEFINED: the stream has none */
  gint fps_n, fps_d;      /* of its caps; 0/1: unknown or variable */
  gboolean is_eos;
  gboolean has_buffer; /* the stream had a buffer */
  gboolean discont;    /* a buffer could not be read since the last buffer that ran */

  guint64 n_steps; /* since h and c were reset */
  gfloat *final;   /* (values of the first emitted tensor); NULL unless outputs are final */
  GstLstmSpan final_span; /* of the step of `final` */
  gboolean has_final;     /* a step has run since the last message lstm-final */

  /* Of the present batch */
  guint64 batch; /* number of the last batch that has the stream */
  GstLstmBatchCursor cursor;
  GstBuffer *buffer;            /* nullable: whose steps run; not owned */
  GstLstmSteps steps;           /* of `buffer`; x NULL: steps of zeros */
  GstLstmSpan span;             /* of `buffer`, or of a gap */
  guint64 n_item_steps, n_done; /* steps of `buffer` or of the gap, and those that have run */
  GArray *outputs[GST_LSTM_N_TENSORS]; /* gfloat: the outputs of `buffer`; NULL: not emitted */
  gboolean is_finite;                  /* h and c after the steps of `buffer` */
} GstLstmBatchStream;

typedef struct _GstLstmBatchMemory GstLstmBatchMemory;

/* All zeros before the first batch, except `rows`, `d` and the sizes */
struct _GstLstmBatchMemory {
  GstLstmRows rows;   /* the keys are the indices of streams */
  GPtrArray *streams; /* GstLstmBatchStream, in the order of the state rows */
  guint64 batch;      /* number of the present batch */
  gsize d;
  gsize n_values[GST_LSTM_N_TENSORS]; /* of an output; 0: not computed */

  /* The present round */
  gsize n, capacity;                   /* streams that run, and memory for them */
  GstLstmBatchStream **running;        /* (n) */
  gsize *list;                         /* (n): their state rows */
  gfloat *x;                           /* (n, d) */
  gfloat *outputs[GST_LSTM_N_TENSORS]; /* (n, n_values); NULL: not computed */
  guint8 *is_complete;                 /* (n): the step has an output */
};

/* @config must outlive the memory. Returns: (transfer full) */
GstLstmBatchMemory *gst_lstm_batch_memory_new (const GstLstmSequenceConfig *config);
void gst_lstm_batch_memory_free (GstLstmBatchMemory *memory);

/* Returns the stream with @index, which begins with the model's initial state if it is new. Returns
 * NULL and sets @error if memory is insufficient. Returns: (nullable) */
GstLstmBatchStream *gst_lstm_batch_memory_get_stream (
    GstLstmBatchMemory *memory, guint index, GError **error);

/* Sets h and c of @stream to the model's initial state, and drops its final output. */
void gst_lstm_batch_memory_reset_stream (
    GstLstmBatchMemory *memory, GstLstmBatchStream *stream);

/* Begins a round without streams. */
void gst_lstm_batch_memory_begin_round (GstLstmBatchMemory *memory);

/* Adds the next step of @stream to the round. */
void gst_lstm_batch_memory_add_step (GstLstmBatchMemory *memory, GstLstmBatchStream *stream);

/* Runs the steps of the round in one product, and stores their outputs with the streams. */
void gst_lstm_batch_memory_run_round (GstLstmBatchMemory *memory);
