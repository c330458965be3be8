/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The properties of `lstm` and their values. A property is a member of GstLstmSettings and a
 * table row in settings.c. */
#pragma once

#include "common/axes.h"
#include <gst/gst.h>
#include <lstm/lstm.h>

typedef enum {
  GST_LSTM_OUTPUT_SEQUENCE,
  GST_LSTM_OUTPUT_FINAL,
  GST_LSTM_OUTPUT_WINDOW,
} GstLstmOutputMode;

/* The tensors of an output buffer, in this order */
typedef enum {
  GST_LSTM_TENSOR_OUTPUT,
  GST_LSTM_TENSOR_HIDDEN,
  GST_LSTM_TENSOR_CELL,
  GST_LSTM_TENSOR_GATES,
  GST_LSTM_N_TENSORS,
} GstLstmTensorKind;

/* A set of tensor kinds: the tensors that an output buffer contains */
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

/* The features of an object */
typedef enum {
  GST_LSTM_OBJECT_FEATURES_TENSOR,
  GST_LSTM_OBJECT_FEATURES_BOX,
} GstLstmObjectFeatures;

#define GST_LSTM_BOX_SIZE 4                           /* x, y, w, h */
#define GST_LSTM_BOX_FEATURES (2 * GST_LSTM_BOX_SIZE) /* the box, and its change */

/* Enums and flags have the types of GValue. */
typedef struct {
  gchar *model_location, *module_chain;
  LstmModel *model;
  GArray *parameters; /* of gfloat; replaced when it changes */
  gint precision;     /* LstmPrecision */
  gint output_mode;   /* GstLstmOutputMode */
  guint emit;         /* GstLstmEmit */
  gint emit_layer;
  gint input_tensor_index;
  guint window_length, window_hop, max_steps;
  guint threads;
  gchar *state_location;
  gchar *input_tensor_id, *output_tensor_id; /* of tensors in a GstTensorMeta */
  gint axes;                                 /* GstLstmAxes, of tensors of media */
  gboolean per_object;
  gint object_features; /* GstLstmObjectFeatures */

  /* Properties that may change while the element runs */
  gboolean stateful;
  guint reset_on;  /* GstLstmResetOn */
  gint gap_policy; /* GstLstmGapPolicy */
  gint max_errors;
  guint64 object_timeout; /* ns */
  guint64 state_interval;
} GstLstmSettings;

GType gst_lstm_output_mode_get_type (void);
GType gst_lstm_emit_get_type (void);
GType gst_lstm_reset_on_get_type (void);
GType gst_lstm_gap_policy_get_type (void);
GType gst_lstm_precision_get_type (void);
GType gst_lstm_axes_get_type (void);
GType gst_lstm_object_features_get_type (void);

/* Installs the properties. @settings is the offset of a GstLstmSettings in the instance structure.
 * Returns the id after the last property. */
guint gst_lstm_settings_install (GObjectClass *klass, gsize settings);
