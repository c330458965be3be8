/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What `lstm` reads its steps from: a kind of caps is a row in formats.c. */
#pragma once

#include "lstm-settings.h"
#include "tensors.h"

typedef struct _GstLstmInput GstLstmInput;

/* What the element wants of it */
typedef struct {
  gsize d; /* values of a step */
} GstLstmWanted;

/* The steps of a buffer, while they are read */
typedef struct {
  const gfloat *x; /* [streams, steps, d], aligned; NULL: the buffer has none */
  GstBuffer *buffer;
  GstMapInfo map;
  gfloat *copy; /* of what was not aligned */
} GstLstmSteps;

typedef struct {
  const gchar *media_type;

  /* Reads the input's shape; a framerate may be open. FALSE, and an error that names the field,
   * what was expected and what came. */
  gboolean (*parse) (
      GstLstmInput *input, const GstStructure *s, const GstLstmWanted *wanted, GError **error);

  /* As gst_lstm_input_open() */
  gboolean (*open) (
      GstLstmInput *input, GstBuffer *buffer, GstLstmSteps *steps, GError **error);

  /* As gst_lstm_formats_give() and gst_lstm_formats_take() */
  GstCaps *(*give) (const GstStructure *sink, const GstLstmTensors *out);
  GstCaps *(*take) (const GstStructure *source);
} GstLstmFormat;

struct _GstLstmInput {
  const GstLstmFormat *format; /* NULL before caps */
  GstLstmTensors tensors;      /* one of float32; its steps are the last buffer's */
  gsize step_bytes;            /* of a step of all streams as it comes */
};

/* FALSE, naming the field, unless @s is of a row and what is wanted; also for caps that are not
 * fixed, as far as they say it. */
gboolean gst_lstm_input_parse (
    GstLstmInput *input, const GstStructure *s, const GstLstmWanted *wanted, GError **error);

/* Caps that may leave where @sink comes, of any row; @out: what the model makes of it, NULL: not
 * known. Returns: (transfer full) */
GstCaps *gst_lstm_formats_give (const GstStructure *sink, const GstLstmTensors *out);

/* Caps that may come where @source leaves. Returns: (transfer full) */
GstCaps *gst_lstm_formats_take (const GstStructure *source);

/* Makes the values of @buffer, which outlives @steps, float32 and sets the input's steps to theirs.
 * FALSE, naming tensor and sizes, with nothing to close. */
gboolean gst_lstm_input_open (
    GstLstmInput *input, GstBuffer *buffer, GstLstmSteps *steps, GError **error);
void gst_lstm_steps_close (GstLstmSteps *steps);
