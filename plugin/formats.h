/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What `lstm` reads its steps from: a kind of caps is a row in formats.c. */
#pragma once

#include "lstm-settings.h"
#include "tensors.h"

typedef struct _GstLstmInput GstLstmInput;

/* The steps of a buffer, while they are read */
typedef struct {
  const gfloat *x; /* [streams, steps, d], aligned */
  GstBuffer *buffer;
  GstMapInfo map;
  gfloat *copy; /* of what was not aligned */
} GstLstmSteps;

typedef struct {
  const gchar *media_type;

  /* As gst_lstm_input_parse(), of a new input that has its format */
  gboolean (*parse) (GstLstmInput *input, const GstStructure *s, gsize d, GError **error);

  /* As gst_lstm_input_open(); @steps: no buffer and no copy */
  gboolean (*open) (
      const GstLstmInput *input, GstBuffer *buffer, GstLstmSteps *steps, GError **error);

  /* As gst_lstm_formats_give() and gst_lstm_formats_take() */
  GstCaps *(*give) (const GstStructure *sink, const GstLstmTensors *out);
  GstCaps *(*take) (const GstStructure *source);
} GstLstmFormat;

struct _GstLstmInput {
  const GstLstmFormat *format;
  GstLstmTensors tensors; /* one, as float32 */
  gsize step_bytes;       /* of a step of all streams as it comes */
};

/* Reads what comes; a framerate may still be open, and reads as 0/1. FALSE, and an error that names
 * the field, what was expected and what came, unless @s is of a row and has steps of @d values. */
gboolean gst_lstm_input_parse (
    GstLstmInput *input, const GstStructure *s, gsize d, GError **error);

/* Caps that may leave where @sink comes, of any row; @out: what the model makes of it, NULL: not
 * known. Returns: (transfer full) */
GstCaps *gst_lstm_formats_give (const GstStructure *sink, const GstLstmTensors *out);

/* Caps that may come where @source leaves. Returns: (transfer full) */
GstCaps *gst_lstm_formats_take (const GstStructure *source);

/* The values of @buffer, which outlives @steps, as float32. FALSE, naming tensor and sizes, with
 * nothing to close. */
gboolean gst_lstm_input_open (
    const GstLstmInput *input, GstBuffer *buffer, GstLstmSteps *steps, GError **error);
void gst_lstm_steps_close (GstLstmSteps *steps);
