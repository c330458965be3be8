/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * An element `lstm` between two pads. The rig logs the output of the element, and runs the same
 * model by liblstm alone to compare. */
#pragma once
#include "npy-files.h"
#include "step-array.h"
#include <lstm/lstm.h>
#include <string.h>

/* Caps of one float32 tensor. @more: further fields after a comma, or "" */
#define CAPS(dimensions, more)                                                                 \
  "other/tensors,format=static,num_tensors=1,types=float32,dimensions=(string)" dimensions more

typedef struct {
  GstHarness *harness;
  GstElement *lstm;
  GstBus *bus;
  GMutex lock;            /* guards log and outputs: flushes are pushed by other threads */
  GString *log;           /* output: names of events, buffers as `buffer PTS+DURATION` */
  GArray *outputs;        /* float: content of the output buffers */
  StepArray x;            /* input */
  guint n_streams;        /* streams of x that are pushed */
  guint n_steps;          /* steps of a buffer */
  const gchar *framerate; /* in the caps of rig_push_caps() */
  GstClockTime duration;  /* of a buffer; the timestamp of step i is i us */
  guint n_segments;       /* segments that were pushed */

  LstmState *state;         /* state of liblstm */
  GArray *expected_outputs; /* float: outputs of this state */
} Rig;

/* Creates an element in PLAYING, with the model and the input of @folder (see get_vector_path()).
 * No events are pushed. */
void rig_init (Rig *rig, const gchar *folder, const gchar *properties);

/* Frees @rig and asserts that the test has popped all errors from the bus. */
void rig_clear (Rig *rig);

/* Returns: (transfer full): a state of @model for the streams of @rig. If the model needs complete
 * sequences, the state has room for sequences as long as the input. */
LstmState *rig_state_new (const Rig *rig, LstmModel *model);

/* Replaces the state of liblstm by a new one, for the current number of streams. */
void rig_expect_reset (Rig *rig);

/* Runs liblstm over @n_steps steps and appends the outputs of the last @n_outputs steps to the
 * expected outputs. */
void rig_expect_outputs (Rig *rig, gsize first, gsize n_steps, gsize n_outputs);

/* Asserts that outputs and expected outputs are equal to the bit, and clears both. */
void rig_assert_outputs (Rig *rig);

/* Asserts that the log is @expected, and clears it. */
void rig_assert_log (Rig *rig, const gchar *expected);

/* Returns a field of the element's statistics. */
guint64 rig_get_stat (Rig *rig, const gchar *field);

/* Returns the element's statistic `steps`. */
guint64 rig_get_steps (Rig *rig);

/* Returns: (transfer full) (nullable): the current caps of the source pad */
GstCaps *rig_get_src_caps (Rig *rig);

/* Asserts that the element does not start and posts an error. */
void rig_assert_start_error (Rig *rig, const gchar *pattern);

/* --- Input --- */

/* Returns: (transfer full): a buffer of the steps from @first on */
GstBuffer *rig_buffer_new (Rig *rig, gsize first);

/* Pushes @n steps in buffers and asserts that the element accepts them. */
void rig_push_steps (Rig *rig, gsize first, gsize n);

/* Pushes @n steps and expects an output for each step. */
void rig_push_and_expect (Rig *rig, gsize first, gsize n);

/* Pushes @n steps and expects only the output of the last step. */
void rig_push_and_expect_last (Rig *rig, gsize first, gsize n);

/* @event: (transfer full) */
gboolean rig_push_event (Rig *rig, GstEvent *event);

/* Pushes caps and returns whether the element can run such buffers. The result of the event does
 * not show this: the pad accepts caps that the element refuses with the first buffer. A negotiated
 * element answers an allocation query. */
gboolean rig_push_caps_text (Rig *rig, const gchar *text);

/* Pushes a segment and a buffer after caps that the element refuses, and asserts that the element
 * refuses the buffer. */
void rig_push_refused_buffer (Rig *rig);

/* Does the same, and asserts that only the buffer makes the element post an error. */
void rig_assert_caps_error (Rig *rig, const gchar *pattern);

/* Pushes caps of the input, of n_streams and n_steps. Returns whether the element accepts them. */
gboolean rig_push_caps (Rig *rig);

void rig_push_stream_start (Rig *rig);

/* Pushes a segment whose running time continues as if each segment before were an hour long. */
void rig_push_segment (Rig *rig);

/* Pushes the segment that rig_begin_stream() pushes first. */
void rig_push_first_segment (Rig *rig);

/* Pushes a segment in time that starts at 0. */
void rig_push_segment_range (Rig *rig, GstClockTime base, GstClockTime stop);

/* Fields of a GstSegment */
typedef struct {
  GstFormat format;
  gdouble rate, applied_rate;
  guint64 start, stop, time, base, position, duration;
} RigSegment;

void rig_push_exact_segment (Rig *rig, const RigSegment *segment);

void rig_push_segment_done (Rig *rig);
void rig_push_eos (Rig *rig);

/* Pushes FLUSH_START, FLUSH_STOP and a segment. */
void rig_push_flush (Rig *rig);

/* Pushes EOS, STREAM_START and a segment. */
void rig_push_eos_and_stream_start (Rig *rig);

/* Pushes STREAM_START, caps and a segment, and clears the log. */
void rig_begin_stream (Rig *rig);

/* Does the same as rig_begin_stream() with the caps @text. */
void rig_begin_stream_with_caps (Rig *rig, const gchar *text);

/* Sets the element to READY and back to PLAYING, and begins a stream. */
void rig_restart (Rig *rig);

/* Emits the signal `reset`. */
void rig_emit_reset (Rig *rig);

/* Does nothing; a row of a table that needs no action calls this function. */
void rig_do_nothing (Rig *rig);
