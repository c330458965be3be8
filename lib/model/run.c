/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Runs states, with arguments as C, as a struct, and as language bindings pass them. */
#include "kernels/float-mode.h"
#include "model/chain.h"
#include "model/window.h"
#include <string.h>

/* The size of LstmRun in 0.1.0; later versions add members at its end */
#define MIN_RUN_SIZE (G_STRUCT_OFFSET (LstmRun, should_continue_data) + sizeof (gpointer))

/* Returns the trace of @run from step @t on. */
static LstmTrace
get_trace (const LstmState *state, const LstmRun *run, gsize t)
{
  const LstmMemoryLayout *layout = lstm_model_get_memory_layout (state->model, run->layer);

  return (LstmTrace){
      .layer = run->layer,
      .hidden = run->hidden ? run->hidden + t * layout->n_h : NULL,
      .cell = run->cell ? run->cell + t * layout->n_c : NULL,
      .gates = run->gates ? run->gates + t * layout->n_gates * layout->n_units : NULL,
  };
}

/* Runs @n steps of @run from step @t on. @rows: the listed streams; NULL: all */
static void
run_chunk (LstmState *state, const LstmRun *run, const gsize *rows, gsize t, gsize n)
{
  const LstmModel *model = state->model;
  const gboolean is_traced = run->hidden || run->cell || run->gates;
  const LstmTrace trace = is_traced ? get_trace (state, run, t) : (LstmTrace){0};
  const gsize stream_stride = run->stream_stride ? run->stream_stride : run->steps;
  const LstmPass pass = {
      .streams = rows ? run->n_rows : state->streams,
      .rows = rows,
      .steps = n,
      .stream_stride = stream_stride,
      .input = run->input + t * model->in,
      .output = run->output ? run->output + t * model->out : NULL,
      .output_stride = state->runs_complete_sequences ? 0 : stream_stride * model->out,
      .mask = run->mask ? run->mask + t : NULL,
      .trace = is_traced ? &trace : NULL,
      .should_continue = state->runs_complete_sequences ? run->should_continue : NULL,
      .should_continue_data = run->should_continue_data,
  };

  lstm_chain_run (state, &pass);
}

/* Returns whether all members that this version does not know are 0. */
static gboolean
has_known_members (const LstmRun *run)
{
  const guint8 *bytes = (const guint8 *) run;

  for (gsize i = sizeof (LstmRun); i < run->size; i++)
    if (bytes[i])
      return FALSE;
  return TRUE;
}

/* Resets the streams that @run runs. */
static void
reset_streams (LstmState *state, const LstmRun *run)
{
  if (!run->rows)
    lstm_state_reset (state);
  for (gsize i = 0; i < run->n_rows; i++)
    lstm_state_reset_stream (state, run->rows[i]);
}

/* Runs @run in passes of at most @chunk steps. @rows: see run_chunk() */
static void
run_chunks (LstmState *state, const LstmRun *run, const gsize *rows, gsize chunk)
{
  LstmFloatMode caller;

  if (state->runs_complete_sequences)
    reset_streams (state, run);
  caller = lstm_float_mode_enter (LSTM_FLOAT_FLUSH);
  for (gsize t = 0; t < run->steps; t += chunk)
    run_chunk (state, run, rows, t, MIN (chunk, run->steps - t));
  lstm_float_mode_leave (caller);
}

/* Runs the streams that @run lists. */
static void
run_list (LstmState *state, const LstmRun *run)
{
  g_return_if_fail (run->rows != NULL);
  g_return_if_fail (lstm_state_are_distinct (state, state->streams, run->rows, run->n_rows));
  if (run->n_rows > 0)
    run_chunks (state, run, lstm_state_find_list (state->streams, run->rows, run->n_rows),
        lstm_state_get_chunk (state, run->n_rows));
}

/* Returns whether @run is the common case: all steps of all streams, one after the other, and only the
 * output is read. */
static gboolean
is_plain_run (const LstmState *state, const LstmRun *run)
{
  return state->is_plain && !state->runs_complete_sequences && !run->rows && !run->n_rows
         && !run->mask && !run->hidden && !run->cell && !run->gates && !run->stream_stride;
}

/* Runs a plain run with few instructions: the layers of a small model take little more time than the
 * preparations of a general run. */
static void
run_plain (LstmState *state, const LstmRun *run)
{
  const LstmModel *model = state->model;
  const LstmFloatMode caller = lstm_float_mode_enter (LSTM_FLOAT_FLUSH);

  for (gsize t = 0; t < run->steps; t += state->chunk)
    lstm_chain_run_plain (state, MIN (state->chunk, run->steps - t), run->steps,
        run->input + t * model->in, run->output ? run->output + t * model->out : NULL);
  lstm_float_mode_leave (caller);
}

/* Runs @run, all of whose members are set. */
static void
run_steps (LstmState *state, const LstmRun *run)
{
  if (is_plain_run (state, run)) {
    run_plain (state, run);
    return;
  }
  g_return_if_fail (
      (!run->hidden && !run->cell && !run->gates) || run->layer < state->model->n_lstm_layers);
  g_return_if_fail (!state->runs_complete_sequences
                    || (run->steps <= state->max_steps && !run->stream_stride));
  g_return_if_fail (!run->stream_stride || run->stream_stride >= run->steps);
  if ((run->cell || run->gates)
      && !lstm_model_check_trace (
          state->model, run->layer, run->cell != NULL, run->gates != NULL))
    return;
  if (run->rows || run->n_rows)
    run_list (state, run);
  else
    run_chunks (state, run, NULL, state->chunk);
}

void
lstm_state_run_full (LstmState *state, const LstmRun *run)
{
  LstmRun known = {0};

  g_return_if_fail (run->size >= MIN_RUN_SIZE);
  g_return_if_fail (has_known_members (run));
  if (run->size >= sizeof known) {
    run_steps (state, run);
    return;
  }
  memcpy (&known, run, run->size);
  run_steps (state, &known);
}

void
lstm_state_run (LstmState *state, gsize steps, const float *input, float *output)
{
  const LstmRun run = {.size = sizeof run, .steps = steps, .input = input, .output = output};

  run_steps (state, &run);
}

void
lstm_state_run_arrays (LstmState *state, gsize steps, const float *input, const guint8 *mask,
    float *output, guint layer, float *hidden, float *cell, float *gates)
{
  const LstmRun run = {.size = sizeof run,
      .steps = steps,
      .input = input,
      .mask = mask,
      .output = output,
      .layer = layer,
      .hidden = hidden,
      .cell = cell,
      .gates = gates};

  run_steps (state, &run);
}

/* Sets @steps to the number of steps in @input [@streams, T, @d].
 * Returns FALSE with @error set if @input is no such array */
static gboolean
count_steps (GBytes *input, gsize streams, gsize d, gsize *steps, GError **error)
{
  const gsize step = streams * d * sizeof (float), size = g_bytes_get_size (input);

  *steps = size / step;
  if (size % step == 0)
    return TRUE;
  g_set_error (error, LSTM_ERROR, LSTM_ERROR_SHAPE,
      "input: expected a multiple of %" G_GSIZE_FORMAT " bytes, float32 [%" G_GSIZE_FORMAT
      ", T, %" G_GSIZE_FORMAT "], found %" G_GSIZE_FORMAT " bytes",
      step, streams, d, size);
  return FALSE;
}

/* Allocates @steps output steps of @streams streams. @n receives the size in bytes.
 * Returns: (transfer full): NULL with @error set if memory is missing */
static float *
new_output (const LstmModel *model, gsize streams, gsize steps, gsize *n, GError **error)
{
  float *y;

  if (!g_size_checked_mul (n, streams * model->out, steps)
      || !g_size_checked_mul (n, *n, sizeof (float)))
    *n = G_MAXSIZE;
  /* malloc (0) may return NULL. */
  if (!(y = g_try_malloc (MAX (*n, 1))))
    g_set_error (error, LSTM_ERROR, LSTM_ERROR_MEMORY,
        "output: no memory for float32 [%" G_GSIZE_FORMAT ", %" G_GSIZE_FORMAT
        ", %" G_GSIZE_FORMAT "]",
        streams, steps, model->out);
  return y;
}

GBytes *
lstm_state_run_bytes (LstmState *state, GBytes *input, GError **error)
{
  gsize steps, n;
  float *y;

  if (!count_steps (input, state->streams, state->model->in, &steps, error))
    return NULL;
  if (state->runs_complete_sequences && steps > state->max_steps) {
    g_set_error (error, LSTM_ERROR, LSTM_ERROR_SHAPE,
        "input: expected at most %" G_GSIZE_FORMAT " steps, found %" G_GSIZE_FORMAT,
        state->max_steps, steps);
    return NULL;
  }
  y = new_output (
      state->model, state->streams, lstm_state_get_output_steps (state, steps), &n, error);
  if (!y)
    return NULL;
  lstm_state_run (state, steps, g_bytes_get_data (input, NULL), y);
  return g_bytes_new_take (y, n);
}

GBytes *
lstm_window_run_bytes (LstmWindow *window, GBytes *input, GError **error)
{
  const LstmModel *model = window->state->model;
  gsize steps, n;
  float *y;

  if (!count_steps (input, window->streams, model->in, &steps, error))
    return NULL;
  y = new_output (model, window->streams, lstm_window_get_n_outputs (window, steps), &n, error);
  if (!y)
    return NULL;
  lstm_window_run (window, steps, g_bytes_get_data (input, NULL), y);
  return g_bytes_new_take (y, n);
}
