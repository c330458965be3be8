/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What `lstm` does with the memory of buffers: a model's state, the tensors that are emitted,
 * and what waits to leave. Knows no pads and no threads. */
#pragma once

#include "lstm/settings.h"
#include "common/tensors.h"

/* Steps that leave in one buffer */
typedef struct {
  gsize first, steps; /* of the store */
  GstLstmSpan span;
} GstLstmItem;

/* A sequence that is kept until it can be run, for models that need all of it */
typedef struct {
  GArray *input;  /* gfloat (steps, streams, d) */
  GArray *spans;  /* GstLstmSpan of each step */
  GArray *pieces; /* GstLstmItem: steps as they came */
  gsize skip;     /* steps to come that no window has */
  /* Called between the steps of a run, with what set_proceed() was given; may drop the sequence. */
  gboolean (*proceed) (gpointer data);
  gpointer data;
  gboolean interrupted; /* the run ended before its last step */
  gsize room;           /* steps that the state has room for */
} GstLstmWhole;

typedef struct {
  /* from start() to stop() */
  LstmModel *model;
  GstLstmOutputMode mode;
  guint emitted; /* GstLstmEmit */
  guint layer;   /* whose hidden, cell and gates they are */
  guint window_length, window_hop, max_steps;
  gboolean needs_whole; /* the model is not causal; */
  gsize given;          /* the steps it gives for any number of steps, 0: as many */

  /* from configure() on */
  GstLstmTensors in, out;
  LstmState *state;   /* one of the two, */
  LstmWindow *window; /* but of a model that needs whole sequences; */
  gboolean restored;  /* it was saved before, and has seen no step since */
  gfloat *zeros;      /* (streams, T, d), */
  gsize zeros_bytes;  /* or more */
  gfloat *step;       /* (streams, d), for final and window mode, */
  gsize step_bytes;   /* or more */
  GstLstmWhole whole;

  /* Outputs that wait: steps of (streams, store_steps, size) for each tensor; of windows an item is
   * (streams, 1, size), one after the other */
  gfloat *store[GST_LSTM_N_TENSORS];
  gsize store_steps, store_room;
  GArray *items; /* GstLstmItem, of which */
  guint taken;   /* have left */
  gboolean held; /* they wait for the sequence's end */
} GstLstmSequence;

/* Takes over @model, as gst_lstm_models_open() gives it. FALSE if it cannot give what @settings want. */
gboolean gst_lstm_sequence_start (GstLstmSequence *sequence, LstmModel *model,
    const GstLstmSettings *settings, GError **error);
void gst_lstm_sequence_stop (GstLstmSequence *sequence);

/* Has @proceed called between the steps of whole sequences; the sequence may be dropped there. FALSE ends
 * the run, and drops it. */
void gst_lstm_sequence_set_proceed (
    GstLstmSequence *sequence, gboolean (*proceed) (gpointer data), gpointer data);

/* What leaves for what comes in. */
void gst_lstm_sequence_describe (
    const GstLstmSequence *sequence, const GstLstmTensors *in, GstLstmTensors *out);

/* Whether what came in goes on when @in comes: other streams are other sequences. */
gboolean gst_lstm_sequence_continues (
    const GstLstmSequence *sequence, const GstLstmTensors *in);

/* Takes the shapes of the stream: @in's d is the model's. Where the sequence does not continue a
 * new one begins. FALSE without memory. */
gboolean gst_lstm_sequence_configure (
    GstLstmSequence *sequence, const GstLstmTensors *in, GError **error);

/* h and c become zero, and what waits to leave is dropped. */
void gst_lstm_sequence_forget (GstLstmSequence *sequence);

/* The bytes of h and c of a stream, of all windows that may be open */
guint64 gst_lstm_sequence_stream_size (const GstLstmSequence *sequence);

/* Saves h and c, for restore() in another process; @next_time and @steps as of lstm_state_save().
 * Returns: (transfer full) (nullable): NULL where nothing is kept between steps, and with @error where
 * it is not finite */
GBytes *gst_lstm_sequence_save (
    const GstLstmSequence *sequence, guint64 next_time, guint64 steps, GError **error);

/* h and c become what save() gave. FALSE, with all as it was, if they are another model's or of
 * other streams than the caps. */
gboolean gst_lstm_sequence_restore (GstLstmSequence *sequence, GBytes *bytes, const gchar *name,
    guint64 *next_time, guint64 *steps, GError **error);

/* Returns whether outputs go to the buffer that run_begin() maps. If not, take() gives them, once for
 * each item. */
gboolean gst_lstm_sequence_is_direct (const GstLstmSequence *sequence);

/* Steps that are run in parts. Between parts h and c may be reset or replaced. */
typedef struct {
  const gfloat *x; /* (streams, steps, d); NULL: zeros, at most `in.steps`, */
  guint steps;     /* whose outputs leave as the end of a sequence or of a window only */
  GstLstmSpan span;
  gfloat *tensors[GST_LSTM_N_TENSORS]; /* (streams, steps, size), where outputs go, or NULL */
  GstMapInfo maps[GST_LSTM_N_TENSORS];
} GstLstmRun;

/* @outbuf has the memories of `out` if outputs go to it, and is NULL else. FALSE, with nothing to end, if
 * it cannot be mapped. */
gboolean gst_lstm_sequence_run_begin (
    const GstLstmSequence *sequence, GstLstmRun *run, GstBuffer *outbuf, GError **error);
void gst_lstm_sequence_run_end (const GstLstmSequence *sequence, GstLstmRun *run);

/* Runs @n steps from @first on, after those before them. A model that needs whole sequences takes all
 * steps in one part. */
gboolean gst_lstm_sequence_run_part (
    GstLstmSequence *sequence, const GstLstmRun *run, guint first, guint n, GError **error);

/* Returns whether no NaN or infinity is in what h and c of the steps to come are made from. */
gboolean gst_lstm_sequence_is_finite (const GstLstmSequence *sequence);

/* Sets h and c of the streams that are not finite as the model begins. Windows, and whole sequences,
 * begin anew by themselves. */
void gst_lstm_sequence_mend (GstLstmSequence *sequence);

/* The steps that a new state for whole sequences is needed for before finish() or peek(); 0: none is.
 * Making one may take long, and needs no lock. */
gsize gst_lstm_sequence_get_wanted_steps (const GstLstmSequence *sequence);

/* @state: (transfer full) (nullable): for sequences of @steps steps at most */
void gst_lstm_sequence_set_whole_state (
    GstLstmSequence *sequence, LstmState *state, gsize steps);

/* The sequence is over: what waited for that is to leave. */
gboolean gst_lstm_sequence_finish (GstLstmSequence *sequence, GError **error);

/* Sets *@span to the times of what is to leave next, and *@steps to its steps, which are those of
 * the buffer that came, whatever came since. FALSE if nothing is to leave, with @error if it
 * could not be run. */
gboolean gst_lstm_sequence_peek (
    GstLstmSequence *sequence, GstLstmSpan *span, guint *steps, GError **error);

/* Writes what peek() found to @outbuf, which has the memories of `out`. FALSE, without @error, if
 * it was dropped meanwhile. */
gboolean gst_lstm_sequence_take (GstLstmSequence *sequence, GstBuffer *outbuf, GError **error);

/* What waits to leave is dropped. */
void gst_lstm_sequence_drop (GstLstmSequence *sequence);

/* What waits to leave or to be run is dropped; h and c stay. */
void gst_lstm_sequence_abandon (GstLstmSequence *sequence);

/* --- Within the sequence -------------------------------------------------------------- */

/* Room for @steps steps of each tensor in the store. */
gboolean gst_lstm_sequence_reserve (GstLstmSequence *sequence, gsize steps, GError **error);

/* Runs @steps steps from @x, (streams, stride, d). @tensors: where each kind goes, or NULL,
 * (streams, stride, size); @stride: 0 for @steps */
void gst_lstm_sequence_run_state (GstLstmSequence *sequence, const gfloat *x, gsize steps,
    gsize stride, gfloat *const *tensors);

/* Steps of the store that are to leave in a buffer. */
void gst_lstm_sequence_add_item (
    GstLstmSequence *sequence, gsize first, gsize steps, const GstLstmSpan *span);

/* The span from the first to the last of two. */
GstLstmSpan gst_lstm_span_join (const GstLstmSpan *first, const GstLstmSpan *last);

/* A `should_continue` of LstmRun for a sequence as @data */
gboolean gst_lstm_whole_proceeds (gpointer data);
void gst_lstm_whole_init (GstLstmSequence *sequence);
void gst_lstm_whole_clear (GstLstmSequence *sequence);
void gst_lstm_whole_forget (GstLstmSequence *sequence);
gboolean gst_lstm_whole_add (GstLstmSequence *sequence, const gfloat *x, guint steps,
    const GstLstmSpan *span, gboolean leaves, GError **error);
gboolean gst_lstm_whole_finish (GstLstmSequence *sequence, GError **error);
gboolean gst_lstm_whole_next_window (GstLstmSequence *sequence, GError **error);
