/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lstm/model-change.h"
#include "lstm/models.h"
#include "lstm/state-steps.h"

gboolean
gst_lstm_model_change_init (GstLstmModelChange *change, LstmModel *model, gsize n_streams,
    gsize n_steps, guint n_threads, guint64 length, GError **error)
{
  *change = (GstLstmModelChange){.model = model, .length = n_streams ? length : 0};
  if (n_streams > 0
      && !gst_lstm_replace_state (
          &change->state, model, n_streams, n_steps, n_threads, error)) {
    gst_lstm_model_change_clear (change);
    return FALSE;
  }
  return TRUE;
}

void
gst_lstm_model_change_clear (GstLstmModelChange *change)
{
  g_clear_pointer (&change->state, lstm_state_unref);
  g_clear_pointer (&change->model, gst_lstm_models_close);
}

void
gst_lstm_model_change_hasten (GstLstmModelChange *change)
{
  change->length = 0;
  if (change->state)
    lstm_state_reset (change->state);
}

gboolean
gst_lstm_model_change_is_complete (const GstLstmModelChange *change)
{
  return change->n_steps >= change->length;
}

/* Returns the weight of the new model's output of step @i of the change. The weight depends only on
 * @i, so that the output does not depend on the sizes of buffers. */
static gfloat
get_weight (const GstLstmModelChange *change, guint64 i)
{
  const guint64 begin = change->length / 2;

  if (i < begin)
    return 0;
  return i >= change->length ? 1
                             : (gfloat) (i - begin + 1) / (gfloat) (change->length - begin + 1);
}

/* Mixes @n outputs @y of the previous model and @z of the new one. A weight of 0 or 1 selects one of
 * them, to the bit. */
static void
mix_outputs (gfloat *y, const gfloat *z, gsize n, gfloat weight)
{
  for (gsize k = 0; k < n; k++)
    y[k] = weight == 0 ? y[k] : weight == 1 ? z[k] : y[k] + weight * (z[k] - y[k]);
}

void
gst_lstm_model_change_run (GstLstmModelChange *change, const LstmRun *previous, gfloat *outputs)
{
  const gsize n = lstm_model_get_output_size (change->model);
  const gsize n_streams = lstm_state_get_streams (change->state);
  const gsize stride = previous->stream_stride ? previous->stream_stride : previous->steps;
  LstmRun run = *previous;

  run.output = previous->output ? outputs : NULL;
  lstm_state_run_full (change->state, &run);
  for (gsize s = 0; run.output && s < n_streams; s++)
    for (gsize t = 0; t < run.steps; t++) {
      const gsize at = (s * stride + t) * n;

      mix_outputs (
          previous->output + at, outputs + at, n, get_weight (change, change->n_steps + t));
    }
  change->n_steps += previous->steps;
}
