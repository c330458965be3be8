/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The message lstm-final, for applications that need only the last output of a segment. */
#pragma once

#include "lstm/element.h"

/* The output of the last step of a sequence */
typedef struct {
  const GstSegment *segment; /* nullable: that of the element */
  GstLstmSpan span;          /* of the step */
  guint64 n_steps;           /* since h and c were reset */
  const gfloat *values;      /* of the first emitted tensor */
  gsize n_values;
  const guint64 *object; /* nullable: tracking id of the object of the sequence */
  const guint *stream;   /* nullable: index of the stream of a batch */
} GstLstmFinal;

/* Returns: (transfer full): the message lstm-final of @final */
GstMessage *gst_lstm_final_make_message (GstLstm *self, const GstLstmFinal *final);
