/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The instance structure of the element `lstm`, and its locks, resets and errors. gstlstm.c defines
 * the class. */
#pragma once

#include "common/refusal.h"
#include "lstm/input/caps-kinds.h"
#include "lstm/object-memory.h"
#include "lstm/resets.h"
#include "lstm/sequence-run.h"
#include "lstm/state-file.h"
#include <gst/base/gstbasetransform.h>

GST_DEBUG_CATEGORY_EXTERN (gst_lstm_debug);

typedef struct _GstLstmBatchMemory GstLstmBatchMemory;
typedef struct _GstLstmObjectInput GstLstmObjectInput;

typedef struct {
  guint64 steps, outputs, resets, gaps;
  guint64 errors;                 /* dropped buffers, which max-errors tolerates */
  guint64 non_finite;             /* buffers after which h or c had a NaN or an infinity */
  GstClockTime total_step_time;   /* ns */
  GstClockTime longest_step_time; /* ns */
} GstLstmStats;

typedef struct {
  GstBaseTransform parent;

  /* Reading needs the object lock. Writing needs `lock` too. */
  GstLstmSettings settings;
  gboolean started; /* from start() to stop(): most properties cannot be set */

  /* Signals and queries may come from any thread. `lock` protects the fields up to `steps`.
   * Nothing is pushed or posted while it is locked. gst_lstm_lock() locks it. */
  GMutex lock;
  GMutex turn_lock;                  /* of the thread that locks `lock` next */
  gint n_waiting;                    /* threads that wait for `lock`, or are about to */
  GstLstmSequence sequence;          /* has a model from start() to stop() */
  GstLstmBatchMemory *batch_memory;  /* nullable: from the first batch to stop() */
  GstLstmInput input;                /* of the sink caps */
  GstLstmTensorShape attached_shape; /* of the last tensors that were attached to media */
  GstLstmStats stats;
  guint64 n_steps;         /* steps since the last reset; h and c result from these steps */
  GstClockTime next_time;  /* stream time of the next step */
  gboolean unsaved;        /* state-location does not contain the present h and c */
  guint64 saved_steps;     /* of the last state for state-location */
  GstClockTime saved_time; /* of that state: stream time of its next step */
  gboolean counts_bytes;   /* upstream's segment is in bytes, and was converted to time */

  /* nullable: only from start() to stop(), with per-object */
  GstLstmObjectMemory *object_memory;

  /* Steps that run before the element is in PLAYING are a preroll. A flush and READY undo it. */
  gboolean is_playing, in_preroll;
  GBytes *preroll_state; /* h and c before the preroll; NULL: the model's initial state */
  gboolean preroll_state_unsaved; /* state-location does not have `preroll_state` */
  GBytes *state_at_eos;           /* nullable: PLAYING writes it to state-location */

  /* Only the streaming thread uses these fields. */
  GstLstmSteps steps;           /* of the input buffer */
  GstLstmRefusal refusal;       /* of the last caps */
  gboolean has_pool;            /* downstream has a pool of buffers */
  /* Its memory may be overwritten with outputs. NULL: none may */
  const GstAllocator *overwritable;
  gboolean src_caps_have_steps; /* source caps have the number of steps per buffer */
  gboolean adds_headers;        /* source caps are flexible: memories begin with a header */
  gboolean in_place;            /* outputs are attached to the input buffers, which are media */
  gboolean interleaves_output;  /* the streams of the output are channels of audio */
  GstSegment upstream_segment;  /* as upstream sent it */
  guint64 next_step;            /* of the next buffer, if upstream counts bytes */
  GstFlowReturn pending_flow;   /* of an event's push; returned by a buffer without output */
  gboolean failed;              /* buffers are refused until a flush or STREAM_START */
  gint n_bad_buffers;           /* minus the good buffers since, at least 0 */
  gboolean input_discont;       /* a buffer was dropped since the last buffer that ran */
  gboolean output_discont;      /* a buffer was dropped since the last output buffer */
  guint slice_steps;            /* steps that run while `lock` is locked */
  GstClockTime unlock_time;     /* when a complete sequence last unlocked `lock` */
  gboolean warned_non_finite, warned_axes;
  GstClockTime save_time;        /* running time of the first step, or of the last write */
  GstClockTime running_time_end; /* of the last step */
  gboolean warned_not_saved;     /* since h and c were last finite */

  /* nullable: like `object_memory`. Only the streaming thread uses it. */
  GstLstmObjectInput *object_input;

  GstLstmStateFile state_file; /* of state-location; has its own lock */
} GstLstm;

/* Locks `lock`. The thread waits at most as long as the streaming thread runs one slice: with a
 * mutex alone, the streaming thread could lock it again before a waiting thread wakes up. */
static inline void
gst_lstm_lock (GstLstm *self)
{
  g_atomic_int_inc (&self->n_waiting);
  g_mutex_lock (&self->turn_lock);
  g_mutex_lock (&self->lock);
  g_mutex_unlock (&self->turn_lock);
  g_atomic_int_add (&self->n_waiting, -1);
}

/* Locks `lock` for steps. Only the streaming thread may call this function. The function queues the
 * thread after the threads that wait. */
static inline void
gst_lstm_lock_for_steps (GstLstm *self)
{
  if (g_atomic_int_get (&self->n_waiting) > 0)
    gst_lstm_lock (self);
  else
    g_mutex_lock (&self->lock);
}

static inline void
gst_lstm_unlock (GstLstm *self)
{
  g_mutex_unlock (&self->lock);
}

/* Returns whether caps have set the shape of the input. */
static inline gboolean
gst_lstm_is_configured (const GstLstm *self)
{
  return self->sequence.in.n_tensors > 0;
}

/* Returns whether the input buffers are media with tensors. */
static inline gboolean
gst_lstm_has_media_input (const GstLstm *self)
{
  return self->input.kind && self->input.kind->attach_output;
}

/* Returns whether outputs are attached to the input buffers, because the source caps are media. */
static inline gboolean
gst_lstm_is_in_place (const GstLstm *self)
{
  return self->in_place;
}

/* Returns: (transfer full): the values of property parameters, as gfloat */
GArray *gst_lstm_ref_parameters (GstLstm *self);

/* Returns whether property reset-on has @flag. */
gboolean gst_lstm_resets_on (GstLstm *self, GstLstmResetOn flag);

/* Returns whether property gap-policy requests steps of zeros for a gap. */
gboolean gst_lstm_runs_zero_steps (GstLstm *self);

/* Resets h and c, and discards all pending input and output. GST_LSTM_RESET_NAN resets only the
 * streams whose h or c is not finite, and discards nothing. Needs `lock`. */
void gst_lstm_reset_sequence (GstLstm *self, GstLstmReset reason);

/* Resets the sequence, unless h and c are a restored state from which no step has run. Needs
 * `lock`. */
void gst_lstm_reset_unless_restored (GstLstm *self, GstLstmReset reason);

/* Posts @error, and refuses buffers until a flush or STREAM_START. Discards the output of the
 * sequence, which would lack steps. h and c stay as after the last good step, so that
 * state-location can save them. Returns GST_FLOW_ERROR. */
GstFlowReturn gst_lstm_fail_sequence (GstLstm *self, const GError *error);
