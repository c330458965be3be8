/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Frames with tracked objects, and an element `lstm` with per-object=true that receives them. */
#pragma once
#include "testutil.h"
#include <gst/analytics/analytics.h>
#include <lstm/lstm.h>

#define OBJECT_D 8 /* inputs of the model, as many as a box has */
#define OBJECT_M 6 /* units of the only LSTM layer */
#define OBJECT_N 3 /* outputs */
#define OBJECT_VIDEO "video/x-raw,format=GRAY8,width=320,height=240,framerate=30/1"
#define OBJECT_WIDTH 320
#define OBJECT_HEIGHT 240
#define OBJECT_FRAME (GST_SECOND / 30)

/* The tensors by which a frame passes the features of its objects */
typedef enum {
  OBJECT_NO_TENSORS,
  OBJECT_OWN_TENSORS, /* a GstAnalyticsTensorMtd of each object */
  OBJECT_ROWS,        /* a GstTensorMeta with a row for each object detection */
  OBJECT_ROWS_MTD,    /* a GstAnalyticsTensorMtd of the frame with such rows */
} ObjectTensors;

/* An object detection of a frame */
typedef struct {
  guint64 id;
  gint box[4]; /* x, y, w, h in pixels */
  gfloat x[OBJECT_D];
  gboolean untracked;      /* has no tracking data */
  gboolean lost;           /* is marked as lost */
  gboolean without_tensor; /* with OBJECT_OWN_TENSORS: has no tensor */
  GstClockTime unseen_for; /* last_seen is that long before the frame */
  gboolean
      from_track; /* the relations are from the tracking data and the tensor to the object */
} ObjectSpec;

typedef struct {
  GstHarness *harness;
  GstElement *lstm;
  GstBus *bus;
  LstmModel *model;
  GstClockTime base; /* running time of PTS 0 */
} ObjectsRig;

/* Returns: (transfer full): a model of an LSTM layer and a dense layer with random weights */
LstmModel *object_model_new (void);

/* Creates an element in PLAYING with @properties, and begins a stream of OBJECT_VIDEO. */
void objects_rig_init (ObjectsRig *rig, const gchar *properties);

/* Creates the element without a state change and a stream. */
void objects_rig_create (ObjectsRig *rig, const gchar *properties);

/* Sets the element to PLAYING after @upstream, and begins a stream of OBJECT_VIDEO. */
void objects_rig_start_after (ObjectsRig *rig, GstElement *upstream);

/* Pushes STREAM_START, the caps @text and a segment. */
void objects_rig_begin_stream (ObjectsRig *rig, const gchar *text);

/* Frees @rig and asserts that the test has popped all errors and warnings from the bus. */
void objects_rig_clear (ObjectsRig *rig);

/* Returns: (transfer full): a frame at @pts with @n detections @specs in this order */
GstBuffer *objects_frame_new (const ObjectsRig *rig, GstClockTime pts, const ObjectSpec *specs,
    guint n, ObjectTensors tensors);

/* Pushes @frame (transfer full). Returns: (transfer full): the output buffer */
GstBuffer *objects_rig_push (ObjectsRig *rig, GstBuffer *frame);

/* Pushes a frame of @n objects, and frees the output buffer. */
void objects_rig_push_specs (
    ObjectsRig *rig, GstClockTime pts, const ObjectSpec *specs, guint n, ObjectTensors tensors);

/* Copies the values of tensor @tensor_id, to which detection @i of @buffer is related, to @values.
 * Returns their number, or 0 if there is no such tensor. Asserts that the tensor has the shape of
 * one step. */
gsize objects_read_output (GstBuffer *buffer, guint i, const gchar *tensor_id, gfloat *values);

/* Returns the tracking id to which detection @i of @buffer is related. */
guint64 objects_read_id (GstBuffer *buffer, guint i);

/* Returns the field of the element's statistics. */
guint64 objects_rig_get_stat (ObjectsRig *rig, const gchar *field);

/* Pops the next message lstm-final. Returns: (transfer full) (nullable) */
GstMessage *objects_rig_pop_final (ObjectsRig *rig);

/* Copies the values of the field @field of @final to @values. Returns their number. */
gsize objects_read_final (GstMessage *final, const gchar *field, gfloat *values);
