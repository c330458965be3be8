/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A pipeline around `lstm`. The rig records the input of the element and runs liblstm over it as
 * docs/streaming.md specifies. The outputs are equal to the bit. */
#pragma once
#include "lstm-rig.h"

#define STEPS 60
#define WINDOW 7 /* window-length in the properties of tests */
#define STACK "variants/torch-bidirectional-stacked" /* needs complete sequences */

/* A pipeline with an element `lstm` that receives one stream, a step in a buffer */
typedef struct {
  GstElement *pipeline, *lstm;
  GstBus *bus;
  LstmModel *model;
  gchar *dir;
  gchar *path; /* .npy file of STEPS steps */
  GMutex lock; /* guards the fields below */
  GCond cond;
  GString
      *input_log; /* a letter for each input buffer and event, see live_rig_assert_inputs() */
  GArray *input_steps;  /* float: content of the input buffers */
  GArray *outputs;      /* float: content of the output buffers */
  GArray *input_times;  /* guint64: timestamps of the input buffers */
  GArray *output_times; /* guint64: timestamps of the output buffers */
  guint n_late;         /* QOS events that report late buffers */
  guint n_sent;         /* buffers that the source pushed */
  guint n_seen;         /* buffers that the sink received */
  gboolean at_eos;      /* the source has pushed EOS */
  GstSegment segment;   /* the last one; undefined after STREAM_START and flushes */
} LiveRig;

/* @before, @after: gst-launch text before and after `lstm`; $X is replaced by the path of the
 * steps */
void live_rig_init (LiveRig *rig, const gchar *model, const gchar *before,
    const gchar *properties, const gchar *after);

/* Initializes @rig with the model of a vector, see get_vector_path(). */
void live_rig_init_vectors (LiveRig *rig, const gchar *folder, const gchar *before,
    const gchar *properties, const gchar *after);
void live_rig_clear (LiveRig *rig);

/* Waits for a message of @types, or for EOS, and returns its type. Fails on an error. */
GstMessageType live_rig_wait (LiveRig *rig, GstMessageType types);

/* Plays until EOS. */
void live_rig_play (LiveRig *rig);

/* Asserts that the outputs are, to the bit, those of liblstm for the recorded input. */
void live_rig_assert_outputs (LiveRig *rig, const gchar *properties);

/* Asserts that the element received @folded. A number repeats the letter after it, and blanks are
 * ignored: "S3b 2n" is "Sbbbnn". The letters are:
 *
 *   b  a buffer                  d  a buffer with DISCONT
 *   g  GAP                       S  STREAM_START
 *   n  SEGMENT                   s  SEGMENT that maps timestamps like the one before
 *   D  SEGMENT_DONE              F  FLUSH_STOP
 *   E  EOS */
void live_rig_assert_inputs (LiveRig *rig, const gchar *folded);

/* Plays until EOS, asserts inputs and outputs, and clears @rig. */
void live_rig_finish (LiveRig *rig, const gchar *folded, const gchar *properties);

/* Returns the element's statistic `steps`. */
guint64 live_rig_get_steps (LiveRig *rig);
