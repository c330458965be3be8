/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lstm/sequence.h"
#include "common/errors.h"
#include "lstm/models.h"
#include "lstm/state-steps.h"
#include "lstm/threads.h"

gboolean
gst_lstm_sequence_start (GstLstmSequence *sequence, LstmModel *model,
    const GstLstmSettings *settings, GError **error)
{
  *sequence = (GstLstmSequence){0};
  gst_lstm_output_queue_init (&sequence->queue, &sequence->config);
  gst_lstm_complete_sequence_init (
      &sequence->complete, &sequence->config, &sequence->in, &sequence->queue);
  return gst_lstm_sequence_config_init (&sequence->config, model, settings, error);
}

void
gst_lstm_sequence_stop (GstLstmSequence *sequence)
{
  g_clear_pointer (&sequence->state, lstm_state_unref);
  g_clear_pointer (&sequence->window, lstm_window_unref);
  gst_lstm_complete_sequence_clear (&sequence->complete);
  gst_lstm_output_queue_clear (&sequence->queue);
  gst_lstm_model_change_clear (&sequence->change);
  gst_lstm_model_change_clear (&sequence->next_change);
  g_free (sequence->change_outputs);
  g_free (sequence->zeros);
  g_free (sequence->step);
  gst_lstm_models_close (sequence->config.model);
  *sequence = (GstLstmSequence){0};
}

/* --- Shapes --- */

gboolean
gst_lstm_sequence_continues (const GstLstmSequence *sequence, const GstLstmTensors *in)
{
  return in->streams == sequence->in.streams;
}

/* Replaces the model and its state by those of the change, and starts the next change. */
static void
take_new_model (GstLstmSequence *sequence)
{
  gst_lstm_models_close (sequence->config.model);
  g_clear_pointer (&sequence->state, lstm_state_unref);
  sequence->config.model = sequence->change.model;
  sequence->state = sequence->change.state;
  sequence->change = sequence->next_change;
  sequence->next_change = (GstLstmModelChange){0};
  sequence->restored = FALSE;
  sequence->has_new_model = TRUE;
}

/* Ends all changes at once. */
static void
complete_changes (GstLstmSequence *sequence)
{
  while (sequence->change.model)
    take_new_model (sequence);
}

/* Frees everything that depends on the number of streams, and sets that number in the queue. */
static void
set_streams (GstLstmSequence *sequence, gsize n_streams)
{
  complete_changes (sequence);
  gst_lstm_output_queue_set_streams (&sequence->queue, n_streams);
  gst_lstm_complete_sequence_reset (&sequence->complete);
  gst_lstm_complete_sequence_set_state (&sequence->complete, NULL, 0);
  g_clear_pointer (&sequence->state, lstm_state_unref);
  g_clear_pointer (&sequence->window, lstm_window_unref);
  sequence->state_steps = 0;
  sequence->restored = FALSE;
}

/* Allocates the window of a causal model, unless there is one. */
static gboolean
allocate_window (GstLstmSequence *sequence, GError **error)
{
  const GstLstmSequenceConfig *config = &sequence->config;

  if (!sequence->window)
    sequence->window = gst_lstm_add_threads_to_window (
        lstm_window_new (config->model, sequence->in.streams, config->window_length,
            config->window_hop, error),
        config->n_threads, error);
  return sequence->window != NULL;
}

/* Allocates the state of a causal model, and scratch memory for the steps of a buffer, also of the
 * states of changes of the model. */
static gboolean
allocate_state (GstLstmSequence *sequence, GError **error)
{
  const gsize n_streams = sequence->in.streams, n_steps = sequence->in.steps;
  const guint n_threads = sequence->config.n_threads;
  GstLstmModelChange *const changes[] = {&sequence->change, &sequence->next_change};

  if (sequence->state && n_steps <= sequence->state_steps)
    return TRUE;
  if (!gst_lstm_replace_state (
          &sequence->state, sequence->config.model, n_streams, n_steps, n_threads, error))
    return FALSE;
  for (guint i = 0; i < G_N_ELEMENTS (changes); i++)
    if (changes[i]->state
        && !gst_lstm_replace_state (
            &changes[i]->state, changes[i]->model, n_streams, n_steps, n_threads, error))
      return FALSE;
  sequence->state_steps = (guint) n_steps;
  return TRUE;
}

/* Allocates the memory of h and c. */
static gboolean
allocate_memory (GstLstmSequence *sequence, GError **error)
{
  const GstLstmSequenceConfig *config = &sequence->config;

  return config->non_causal
         || (config->mode == GST_LSTM_OUTPUT_WINDOW ? allocate_window (sequence, error)
                                                    : allocate_state (sequence, error));
}

/* Replaces *@values by @bytes bytes of zeros, unless *@capacity bytes suffice. */
static gboolean
reserve_zeros (gfloat **values, gsize *capacity, gsize bytes)
{
  gfloat *zeros;

  if (bytes <= *capacity)
    return TRUE;
  zeros = g_try_malloc0 (bytes);
  if (!zeros)
    return FALSE;
  g_free (*values);
  *values = zeros;
  *capacity = bytes;
  return TRUE;
}

/* Allocates the queue of a causal model. A non-causal model does so when a sequence runs. */
static gboolean
reserve_queue (GstLstmSequence *sequence, GError **error)
{
  const GstLstmSequenceConfig *config = &sequence->config;
  const gboolean window = config->mode == GST_LSTM_OUTPUT_WINDOW;

  return config->non_causal || gst_lstm_sequence_config_is_direct (config)
         || gst_lstm_output_queue_reserve (
             &sequence->queue, window ? sequence->in.steps / config->window_hop + 1 : 1, error);
}

/* Allocates the scratch memory of a change. */
static gboolean
reserve_change (GstLstmSequence *sequence, GError **error)
{
  const gsize bytes = gst_lstm_tensors_get_bytes (&sequence->out, 0);

  return !sequence->change.model
         || reserve_zeros (&sequence->change_outputs, &sequence->change_bytes, bytes)
         || gst_lstm_fail (error, LSTM_ERROR, LSTM_ERROR_MEMORY,
             "no memory for %" G_GSIZE_FORMAT " bytes of output", bytes);
}

gboolean
gst_lstm_sequence_configure (
    GstLstmSequence *sequence, const GstLstmTensors *in, GError **error)
{
  const gsize bytes = gst_lstm_tensors_get_bytes (in, 0);

  if (!in->n_tensors)
    return FALSE;
  if (!gst_lstm_sequence_continues (sequence, in)) {
    if (sequence->restored)
      return gst_lstm_fail (error, GST_LSTM_STREAM (FORMAT),
          "caps field dimensions: expected %u streams, which the restored state has, found %u",
          sequence->in.streams, in->streams);
    set_streams (sequence, in->streams);
  }
  sequence->in = *in;
  gst_lstm_sequence_config_describe_output (&sequence->config, in, &sequence->out);
  if (!reserve_zeros (&sequence->zeros, &sequence->zeros_bytes, bytes)
      || !reserve_zeros (&sequence->step, &sequence->step_bytes, bytes / in->steps))
    return gst_lstm_fail (error, LSTM_ERROR, LSTM_ERROR_MEMORY,
        "no memory for %u steps of %u streams", in->steps, in->streams);
  return allocate_memory (sequence, error) && reserve_queue (sequence, error)
         && reserve_change (sequence, error);
}

/* --- Changes of the model --- */

static gboolean
check_new_model (const GstLstmSequenceConfig *config, const LstmModel *model,
    const gchar *property, GError **error)
{
  const gsize d = lstm_model_get_input_size (config->model);
  const gsize n = lstm_model_get_output_size (config->model);

  if (config->per_object)
    return gst_lstm_fail (error, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS,
        "property %s: expected state NULL or READY, because per-object is true, found the "
        "element running",
        property);
  if (!gst_lstm_sequence_config_is_direct (config) || config->emit != GST_LSTM_EMIT_OUTPUT)
    return gst_lstm_fail (error, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS,
        "property %s: expected state NULL or READY, because output-mode is not sequence, emit "
        "is "
        "not output, or the model needs complete sequences, found the element running",
        property);
  if (!lstm_model_is_causal (model))
    return gst_lstm_fail (error, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS,
        "property %s: expected a causal model, because the element is running, found a model "
        "that needs complete sequences",
        property);
  return (lstm_model_get_input_size (model) == d && lstm_model_get_output_size (model) == n)
         || gst_lstm_fail (error, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS,
             "property %s: expected a model of %" G_GSIZE_FORMAT " inputs and %" G_GSIZE_FORMAT
             " outputs like the previous one, because the element is running, found "
             "%" G_GSIZE_FORMAT " and %" G_GSIZE_FORMAT,
             property, d, n, lstm_model_get_input_size (model),
             lstm_model_get_output_size (model));
}

void
gst_lstm_sequence_take_complete_changes (GstLstmSequence *sequence)
{
  while (sequence->change.model && gst_lstm_model_change_is_complete (&sequence->change))
    take_new_model (sequence);
}

gboolean
gst_lstm_sequence_change_model (GstLstmSequence *sequence, LstmModel *model, guint64 length,
    const gchar *property, GError **error)
{
  const gsize n_streams = sequence->state ? sequence->in.streams : 0;
  GstLstmModelChange *change = sequence->change.model ? &sequence->next_change
                                                      : &sequence->change;

  if (!check_new_model (&sequence->config, model, property, error)) {
    gst_lstm_models_close (model);
    return FALSE;
  }
  gst_lstm_model_change_clear (change);
  if (!gst_lstm_model_change_init (
          change, model, n_streams, MAX (1, sequence->state_steps), sequence->config.n_threads,
          length, error))
    return FALSE;
  if (!sequence->in.n_tensors || reserve_change (sequence, error))
    return TRUE;
  gst_lstm_model_change_clear (change);
  return FALSE;
}

/* --- Resets --- */

void
gst_lstm_sequence_discard_pending (GstLstmSequence *sequence)
{
  gst_lstm_output_queue_remove_items (&sequence->queue);
  gst_lstm_complete_sequence_reset (&sequence->complete);
}

void
gst_lstm_sequence_reset (GstLstmSequence *sequence)
{
  gst_lstm_sequence_discard_pending (sequence);
  gst_lstm_model_change_hasten (&sequence->change);
  gst_lstm_model_change_hasten (&sequence->next_change);
  sequence->restored = FALSE;
  if (sequence->state)
    lstm_state_reset (sequence->state);
  if (sequence->window)
    lstm_window_reset (sequence->window);
}
