/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The reasons for which `lstm` sets h and c to the model's initial state. A table row has a name
 * and the text in the log, which the table "Resets" of docs/debugging.md explains. */
#pragma once

#include <glib.h>

#define GST_LSTM_RESETS(ROW)                                                                   \
  ROW (STREAM_START, "stream-start")                                                           \
  ROW (SEGMENT, "segment")                                                                     \
  ROW (SEGMENT_DONE, "segment-done")                                                           \
  ROW (EOS, "eos")                                                                             \
  ROW (FLUSH, "flush")                                                                         \
  ROW (STREAMS, "streams")                                                                     \
  ROW (GAP, "gap")                                                                             \
  ROW (DISCONT, "discont")                                                                     \
  ROW (NAN, "nan")                                                                             \
  ROW (APPLICATION, "application")                                                             \
  ROW (PREROLL, "preroll")

typedef enum {
#define GST_LSTM_RESET_ENUMERATOR(name, text) GST_LSTM_RESET_##name,
  GST_LSTM_RESETS (GST_LSTM_RESET_ENUMERATOR)
#undef GST_LSTM_RESET_ENUMERATOR
} GstLstmReset;

/* Returns the text of @reason in the log. */
const gchar *gst_lstm_get_reset_text (GstLstmReset reason);
