/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What `lstm` reads its steps from: a kind of caps is a row in formats.c. */
#pragma once

#include "lstm/settings.h"
#include "common/tensors.h"

typedef struct _GstLstmInput GstLstmInput;

/* The steps of a buffer, while they are read */
typedef struct {
  const gfloat *x; /* [n_streams, n_steps, d], aligned; NULL: the buffer has none */
  guint n_steps, n_streams;
  GstBuffer *buffer;
  GstMapInfo map;
  gfloat *floats; /* of what was no float32 or not aligned; kept from buffer to buffer, */
  gsize room;     /* for so many */
} GstLstmSteps;

/* What caps are read for */
typedef struct {
  const GstLstmSettings *settings;
  const LstmModel *model; /* NULL: none yet */
} GstLstmWanted;

typedef struct {
  /* Whether caps @s are of this row, which no row before it has */
  gboolean (*is) (const GstStructure *s, const GstLstmWanted *wanted);

  /* All that may come in and leave. Returns: (transfer full) */
  GstCaps *(*all) (GstPadDirection direction, const GstLstmWanted *wanted);

  /* As gst_lstm_input_parse(), of a new input that has its format */
  gboolean (*parse) (
      GstLstmInput *input, const GstStructure *s, const GstLstmWanted *wanted, GError **error);

  /* As gst_lstm_input_open(); @steps: no buffer */
  gboolean (*open) (
      const GstLstmInput *input, GstBuffer *buffer, GstLstmSteps *steps, GError **error);

  /* As gst_lstm_formats_give() and gst_lstm_formats_take() */
  GstCaps *(*give) (
      const GstCaps *sink, const GstLstmTensors *out, const GstLstmWanted *wanted);
  GstCaps *(*take) (const GstCaps *source, const GstLstmWanted *wanted);

  /* @media (transfer full) with the memories of @output beside what it has: each is a tensor of @out,
   * or, where that has one, all of them are its steps. NULL: outputs leave in buffers of their own.
   * Returns: (transfer full) */
  GstBuffer *(*attach) (GstBuffer *media, GstBuffer *output, const GstLstmTensors *out,
      const GstLstmSettings *settings);
} GstLstmFormat;

extern const GstLstmFormat gst_lstm_format_tensors, gst_lstm_format_audio,
    gst_lstm_format_media;

#define GST_LSTM_MAX_CHANNELS 64
#define GST_LSTM_AUDIO_CAPS                                                                    \
  "audio/x-raw, format = (string) " GST_LSTM_AUDIO_FORMAT ", layout = (string) interleaved, "  \
  "rate = (int) [ 1, max ], channels = (int) [ 1, 64 ]"
#if G_BYTE_ORDER == G_LITTLE_ENDIAN
#  define GST_LSTM_AUDIO_FORMAT "F32LE"
#else
#  define GST_LSTM_AUDIO_FORMAT "F32BE"
#endif

struct _GstLstmInput {
  const GstLstmFormat *format;
  GstLstmTensors tensors; /* one, as float32 */
  gboolean varies;        /* each buffer tells its steps and streams */
  GstLstmPlace place;     /* type NULL: each buffer tells, index G_MAXUINT: it has only one */
  GQuark id;              /* of a tensor of media; 0: the only one with steps of d values */
  gsize step_bytes;       /* of a step of all streams as it comes; 0: not known */
};

/* Reads what comes; a framerate may still be open, and reads as 0/1. FALSE, and an error that names
 * the field, what was expected and what came, unless @s is of a row and the model, which there is,
 * takes its steps. */
gboolean gst_lstm_input_parse (
    GstLstmInput *input, const GstStructure *s, const GstLstmWanted *wanted, GError **error);

/* What @input has in a buffer of @steps steps of @streams streams, where that varies. */
GstLstmTensors gst_lstm_input_shape (const GstLstmInput *input, guint steps, guint streams);

/* All that may come in (GST_PAD_SINK) or leave. Returns: (transfer full) */
GstCaps *gst_lstm_formats_all (GstPadDirection direction, const GstLstmWanted *wanted);

/* Caps that may leave where @sink, one structure, comes; @out: what the model makes of it, NULL: not
 * known. Returns: (transfer full) */
GstCaps *gst_lstm_formats_give (
    const GstCaps *sink, const GstLstmTensors *out, const GstLstmWanted *wanted);

/* Caps that may come where @source, one structure, leaves. Returns: (transfer full) */
GstCaps *gst_lstm_formats_take (const GstCaps *source, const GstLstmWanted *wanted);

/* The values of @buffer, which outlives the opened @steps, as float32. FALSE, naming tensor and
 * sizes, with nothing to close. */
gboolean gst_lstm_input_open (
    const GstLstmInput *input, GstBuffer *buffer, GstLstmSteps *steps, GError **error);
void gst_lstm_steps_close (GstLstmSteps *steps);

/* Sets x to @n values of @type at @values, which is mapped. FALSE without memory */
gboolean gst_lstm_steps_read (GstLstmSteps *steps, const GstLstmType *type,
    gconstpointer values, gsize n, GError **error);

/* Frees what was kept. */
void gst_lstm_steps_clear (GstLstmSteps *steps);
