/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The model of a running element, and the outputs that the properties request from it. */
#pragma once

#include "lstm/settings.h"
#include "common/tensors.h"

/* Constant from start() to stop() */
typedef struct {
  LstmModel *model;
  GstLstmOutputMode mode;
  guint emit;  /* GstLstmEmit: the tensors of an output buffer */
  guint layer; /* the LSTM layer of the tensors hidden, cell and gates */
  guint window_length, window_hop, max_steps; /* in steps */
  guint n_threads;                            /* of each state and window */
  gboolean non_causal;                        /* the model needs complete sequences */
  gboolean per_object;                        /* each object of a video has h and c */
  gsize fixed_output_steps; /* of any complete sequence; 0: as many as the sequence has */
} GstLstmSequenceConfig;

/* Initializes @config with @model (transfer full), from gst_lstm_models_open(). Returns FALSE and
 * sets @error, which names the property, if the model does not have the outputs that @settings
 * request. @config has the model in that case, too. */
gboolean gst_lstm_sequence_config_init (GstLstmSequenceConfig *config, LstmModel *model,
    const GstLstmSettings *settings, GError **error);

/* Returns the name of the tensor @kind (GstLstmTensorKind). */
const gchar *gst_lstm_sequence_config_get_tensor_name (guint kind);

/* Returns whether output buffers contain the tensor @kind. */
static inline gboolean
gst_lstm_sequence_config_emits (const GstLstmSequenceConfig *config, guint kind)
{
  return (config->emit & 1 << kind) != 0;
}

/* Returns whether the output of each input buffer is written to its output buffer at once. */
static inline gboolean
gst_lstm_sequence_config_is_direct (const GstLstmSequenceConfig *config)
{
  return config->mode == GST_LSTM_OUTPUT_SEQUENCE && !config->non_causal;
}

/* Returns the number of values that the tensor @kind has per step and stream. */
gsize gst_lstm_sequence_config_get_step_values (
    const GstLstmSequenceConfig *config, guint kind);

/* Sets @out to the tensors of the output buffer that corresponds to an input buffer of shape
 * @in. */
void gst_lstm_sequence_config_describe_output (
    const GstLstmSequenceConfig *config, const GstLstmTensors *in, GstLstmTensors *out);

/* Returns the arguments of lstm_state_run_full() for @n_steps steps from @x, (streams, stride, d).
 * @outputs: memory for each tensor, (streams, stride, size), or NULL for tensors that are not
 * needed. A @stride of 0 means @n_steps. */
LstmRun gst_lstm_sequence_config_make_run (const GstLstmSequenceConfig *config, const gfloat *x,
    gsize n_steps, gsize stride, gfloat *const *outputs);
