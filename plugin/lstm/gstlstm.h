/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The element `lstm`: gstlstm.c has the object, its caps and its life, lstm-stream.c what happens
 * in the streaming thread. */
#pragma once

#include "lstm/input/formats.h"
#include "lstm/sequence.h"
#include "lstm/state-file.h"
#include <gst/base/gstbasetransform.h>

GST_DEBUG_CATEGORY_EXTERN (gst_lstm_debug);

typedef struct {
  guint64 steps, outputs, resets, gaps;
  guint64 errors;              /* buffers that were dropped, which max-errors tolerates */
  guint64 non_finite;          /* buffers after which h or c had a NaN or an infinity */
  GstClockTime total, longest; /* ns, that steps took: all, and one */
} GstLstmStats;

typedef struct {
  GstBaseTransform parent;

  /* under the object lock; to be written, the settings need the other lock too */
  GstLstmSettings settings;
  gboolean started;

  /* Signals and queries come from any thread: all of this is under the lock, and nothing is pushed or
   * posted meanwhile. Take it with gst_lstm_lock(). */
  GMutex lock;
  GMutex turn;              /* held by the thread that gets the lock next */
  GstLstmSequence sequence; /* with a model from start() to stop() */
  GstLstmInput input;       /* what caps say */
  GstLstmStats stats;
  guint64 n_steps;        /* that h and c know of */
  GstClockTime next_time; /* stream time of the step that comes after them */
  gboolean unsaved;       /* state-location has not seen it */

  /* Steps that run before the element plays are a preroll, which a flush and READY undo: */
  gboolean plays, prerolls;
  GBytes *initial;          /* h and c before it, NULL for zero, */
  gboolean initial_unsaved; /* which state-location has not seen; */
  GBytes *at_eos;           /* what is to be written if it plays after all */

  /* streaming thread */
  GstLstmSteps steps;  /* of the buffer that is read */
  GstCaps *refused;    /* caps whose error is posted */
  gboolean has_pool;   /* downstream's buffers are to be had */
  gboolean describes;  /* caps that leave tell the steps of a buffer */
  GstSegment upstream; /* as it came */
  gboolean from_bytes; /* upstream counts bytes, which became time, written under the lock; */
  guint64 next_step;   /* the step that its next buffer begins with */
  GstFlowReturn pending_flow; /* of a push at an event, for the next buffer without output */
  gboolean broken;       /* an error was posted: buffers are refused until a flush or stream */
  gint bad_buffers;      /* less those that were good since, at least 0 */
  gboolean discont;      /* a buffer was dropped since the last one that was run */
  gboolean marks;        /* the same since the last output: the next is marked DISCONT */
  guint slice;           /* steps that are run at once */
  GstClockTime gave_way; /* when others could have the lock, in a whole sequence */
  gboolean warned_non_finite;
  GstClockTime saved_at;     /* running time of the first step, or of the last write */
  GstClockTime ran_to;       /* running time of the last step's end */
  gboolean warned_not_saved; /* for h and c are not finite, since they last were */

  GstLstmStateFile state_file; /* of state-location; has a lock of its own */
} GstLstm;

/* Waits for the lock at most as long as a slice of steps takes, however busy the streaming thread is:
 * a mutex alone would let it have the lock again before a thread that waits wakes up. */
static inline void
gst_lstm_lock (GstLstm *self)
{
  g_mutex_lock (&self->turn);
  g_mutex_lock (&self->lock);
  g_mutex_unlock (&self->turn);
}

static inline void
gst_lstm_unlock (GstLstm *self)
{
  g_mutex_unlock (&self->lock);
}

/* Caps have come. */
static inline gboolean
gst_lstm_is_configured (const GstLstm *self)
{
  return self->sequence.in.n_tensors > 0;
}

/* The same bs keeps h and c and what waits, whatever T and framerate become; another one ends the
 * sequence. FALSE without memory, or if a restored state is of another bs. */
gboolean gst_lstm_take_shape (GstLstm *self, const GstLstmTensors *in, GError **error);

/* What may come in, by what downstream takes. Returns: (transfer full) */
GstCaps *gst_lstm_get_sink_caps (GstLstm *self, GstCaps *filter);

/* Buffers of media pass on, and what leaves goes with them. */
static inline gboolean
gst_lstm_attaches (const GstLstm *self)
{
  return self->input.format && self->input.format->attach;
}

/* h and c begin anew; under the lock */
void gst_lstm_forget (GstLstm *self);

/* The same because of the stream, which does not reset a restored state: that is for the steps to come.
 * Under the lock */
void gst_lstm_begin_anew (GstLstm *self);

/* Returns whether property reset-on has @flag */
gboolean gst_lstm_resets_on (GstLstm *self, GstLstmResetOn flag);

/* Has a state for the whole sequence that runs next, made without the lock. */
gboolean gst_lstm_make_whole_state (GstLstm *self, GError **error);

/* Between steps of a whole sequence, under the lock: others get it from time to time. FALSE if the pad
 * was flushed or deactivated. @lstm: a GstLstm */
gboolean gst_lstm_give_way (gpointer lstm);

/* Runs @steps steps of @x, (streams, steps, d), NULL for zeros. @outbuf has the memories of `out` where
 * outputs leave at once. Returns: FLUSHING if the pad was flushed or deactivated meanwhile, after
 * as many steps as were counted; ERROR after an error that is posted */
GstFlowReturn gst_lstm_run (
    GstLstm *self, const gfloat *x, guint steps, const GstLstmSpan *span, GstBuffer *outbuf);

/* state-location: read once the sequence has begun, FALSE with an error where the file is not a
 * state of the model; and written, if h and c have seen a step since, but not in a preroll. */
gboolean gst_lstm_restore_file (GstLstm *self, GError **error);
void gst_lstm_save_file (GstLstm *self);

/* The same at EOS: what a preroll leaves is written when the element plays. */
void gst_lstm_save_at_eos (GstLstm *self);

/* The same when the element stops: of a preroll nothing is left. */
void gst_lstm_save_at_stop (GstLstm *self);

/* h and c are set to @bytes (nullable: zero), which a preroll is to begin with; @unsaved:
 * state-location has not seen them. Under the lock. */
void gst_lstm_set_initial (GstLstm *self, GBytes *bytes, gboolean unsaved);

/* Tells whether the element plays from now on. */
void gst_lstm_set_plays (GstLstm *self, gboolean plays);

/* h and c become what they were before the preroll; FALSE if the element has played. */
gboolean gst_lstm_undo_preroll (GstLstm *self);

/* Stream time of the step behind the first @done of the @steps steps of @span, as a source with the times
 * of frames would have it; GST_CLOCK_TIME_NONE where it is not known. */
GstClockTime gst_lstm_time_behind (
    const GstLstm *self, const GstLstmSpan *span, guint steps, guint done);

/* Signals */
GBytes *gst_lstm_get_state (GstLstm *self);
gboolean gst_lstm_set_state (GstLstm *self, GBytes *bytes);

/* What leaves */

/* Nothing leaves of a sequence that lacks steps, and nothing follows it before a flush or another
 * stream. h and c stay for state-location: they are those of the last good step. */
GstFlowReturn gst_lstm_fail_sequence (GstLstm *self, const GError *error);

/* A buffer for what leaves, one memory a tensor: downstream's own where a single one will do. */
GstFlowReturn gst_lstm_allocate_output (GstLstm *self, GstBuffer **outbuf);

void gst_lstm_set_span (GstBuffer *buffer, const GstLstmSpan *span);

/* Marks an output DISCONT if it is the first one after a buffer that was dropped. */
void gst_lstm_mark_output (GstLstm *self, GstBuffer *buffer);

/* Downstream is told that buffers are of @steps steps. FALSE, with an error posted, if it does not take
 * them. */
gboolean gst_lstm_set_output_steps (GstLstm *self, guint steps);

/* The next buffer of those that wait to leave, NULL if none does, and the @n_steps that h and c
 * know of. */
GstFlowReturn gst_lstm_next_output (GstLstm *self, GstBuffer **outbuf, guint64 *n_steps);

/* Pushes the outputs that wait, at an event. If downstream refuses one, the others are dropped, and
 * the next buffer returns downstream's answer. */
void gst_lstm_push_waiting (GstLstm *self);

/* What has come is a whole sequence: what waited for that leaves. */
void gst_lstm_drain (GstLstm *self);

/* Bytes of a stream as steps, and as time where a segment's format is BYTES */

/* The step that byte @bytes is of */
guint64 gst_lstm_bytes_to_step (const GstLstm *self, guint64 bytes);

/* What leaves for a SEGMENT and for a SEGMENT_DONE that came; @event: (transfer full).
 * Returns: (transfer full) */
GstEvent *gst_lstm_bytes_segment (GstLstm *self, GstEvent *event);
GstEvent *gst_lstm_bytes_segment_done (GstLstm *self, GstEvent *event);

/* What goes upstream for a SEEK; @event: (transfer full). Returns: (transfer full) */
GstEvent *gst_lstm_bytes_seek (GstLstm *self, GstEvent *event);

/* How long the stream is in time, and whether one can seek in it; FALSE if that cannot be told. */
gboolean gst_lstm_bytes_duration (GstLstm *self, GstQuery *query);
gboolean gst_lstm_bytes_seeking (GstLstm *self, GstQuery *query);

/* Virtual functions of the base class, and its own */
extern GstBaseTransformClass *gst_lstm_base_class;
GstFlowReturn gst_lstm_generate_output (GstBaseTransform *trans, GstBuffer **outbuf);
gboolean gst_lstm_decide_allocation (GstBaseTransform *trans, GstQuery *query);
gboolean gst_lstm_sink_event (GstBaseTransform *trans, GstEvent *event);
gboolean gst_lstm_src_event (GstBaseTransform *trans, GstEvent *event);
gboolean gst_lstm_query (GstBaseTransform *trans, GstPadDirection direction, GstQuery *query);
void gst_lstm_stream_init (gpointer parent_class);
