/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The features of the objects of a frame: tensors, or the boxes of object detections. */
#pragma once

#include "common/steps.h"
#include "lstm/objects/attach.h"
#include "lstm/objects/frame.h"

/* The tensor of an object */
typedef struct {
  const GstTensor *tensor;   /* nullable: the last tensor that matches */
  const GstTensor *previous; /* nullable: the match before `tensor` */
  gboolean has_features;     /* `x` has the values */
} GstLstmCandidate;

typedef struct {
  gsize d;                                          /* of a feature vector */
  GQuark tensor_id;                                 /* 0: any tensor of vectors of d values */
  GQuark output_ids[GST_LSTM_OBJECT_MAX_KINDS + 1]; /* of output tensors; the last is 0 */
  gfloat *x;                 /* (objects, d); undefined for an object without features */
  GstLstmCandidate *objects; /* (objects) */
  gsize capacity;            /* of `x` and `objects`, in objects */
  GstLstmSteps steps;        /* scratch memory for the values of a tensor */
} GstLstmFeatureReader;

/* The caller may set `output_ids` after the initialization. */
void gst_lstm_feature_reader_init (GstLstmFeatureReader *reader, gsize d, GQuark tensor_id);
void gst_lstm_feature_reader_clear (GstLstmFeatureReader *reader);

/* Reads the tensors of the objects of @frame, which is of @buffer: a GstAnalyticsTensorMtd of each
 * object, [d], or, if no object has such a tensor, a tensor [N, d] of the frame, whose rows are
 * in the order of the N object detections. An object without a tensor is no error. Returns FALSE
 * and sets @error if a tensor cannot be read, if an object has several tensors or a tensor with the
 * id of an output, or if N is another number. */
gboolean gst_lstm_feature_reader_read_tensors (
    GstLstmFeatureReader *reader, GstLstmObjectFrame *frame, GstBuffer *buffer, GError **error);

/* Reads the boxes of the objects of @frame as fractions of the picture of @width × @height pixels,
 * into the first four values of each feature vector. Returns FALSE and sets @error if memory is
 * insufficient, or if an object has a tensor with the id of an output. */
gboolean gst_lstm_feature_reader_read_boxes (GstLstmFeatureReader *reader,
    GstLstmObjectFrame *frame, gint width, gint height, GError **error);
