/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The properties of `lstm` and their values. A property is a member and a row. */
#pragma once

#include <gst/gst.h>
#include <lstm/lstm.h>

#define GST_LSTM_TENSOR_ID "lstm-output" /* of the output beside media, unless one is set */

typedef enum {
  GST_LSTM_OUTPUT_SEQUENCE,
  GST_LSTM_OUTPUT_FINAL,
  GST_LSTM_OUTPUT_WINDOW,
} GstLstmOutputMode;

/* The tensors that a buffer may hold, in this order. */
typedef enum {
  GST_LSTM_TENSOR_OUTPUT,
  GST_LSTM_TENSOR_HIDDEN,
  GST_LSTM_TENSOR_CELL,
  GST_LSTM_TENSOR_GATES,
  GST_LSTM_N_TENSORS,
} GstLstmTensorKind;

/* Which of them a buffer holds: bits of their kinds */
typedef enum {
  GST_LSTM_EMIT_OUTPUT = 1 << GST_LSTM_TENSOR_OUTPUT,
  GST_LSTM_EMIT_HIDDEN = 1 << GST_LSTM_TENSOR_HIDDEN,
  GST_LSTM_EMIT_CELL = 1 << GST_LSTM_TENSOR_CELL,
  GST_LSTM_EMIT_GATES = 1 << GST_LSTM_TENSOR_GATES,
} GstLstmEmit;

typedef enum {
  GST_LSTM_RESET_ON_DISCONT = 1 << 0,
  GST_LSTM_RESET_ON_GAP = 1 << 1,
  GST_LSTM_RESET_ON_NAN = 1 << 2,
} GstLstmResetOn;

typedef enum {
  GST_LSTM_GAP_HOLD,
  GST_LSTM_GAP_ZERO_STEP,
} GstLstmGapPolicy;

/* Types as GValue has them */
typedef struct {
  gchar *model_location, *module_chain;
  LstmModel *model;
  gint precision;   /* LstmPrecision */
  gint output_mode; /* GstLstmOutputMode */
  guint emit;       /* GstLstmEmit */
  gint emit_layer;
  gint input_tensor_index;
  guint window_length, window_hop, max_steps;
  gchar *state_location;
  gchar *input_tensor_id, *output_tensor_id; /* of tensors beside media */

  /* may change while the element runs */
  gboolean stateful;
  guint reset_on;  /* GstLstmResetOn */
  gint gap_policy; /* GstLstmGapPolicy */
  gint max_errors;
  guint64 state_interval;
} GstLstmSettings;

/* Installs the properties with ids from @first on. Returns: the id behind the last one */
guint gst_lstm_settings_install (GObjectClass *klass, guint first);

void gst_lstm_settings_init (GstLstmSettings *settings);
void gst_lstm_settings_clear (GstLstmSettings *settings);

/* @index: the property's id less the first one */
void gst_lstm_settings_set (GstLstmSettings *settings, guint index, const GValue *value);
void gst_lstm_settings_get (const GstLstmSettings *settings, guint index, GValue *value);
