/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Runs each folder of vectors/variants and vectors/torch, on each instruction set: as a complete
 * sequence, and if the model is causal, in pieces of several sizes. */
#include "testutil.h"
#include <string.h>

#define TOLERANCE 1e-5

static void
check_values (const float *values, const TestArray *expected, const char *what)
{
  const double error = test_error (values, expected->values, expected->n);

  if (!(error < TOLERANCE))
    g_error ("%s: off by %g", what, error);
}

/* Returns the number of gates of a step of a recurrent layer, for all units. */
static gsize
count_gates (const LstmModel *model, guint layer)
{
  const gsize m = lstm_model_get_cell_size (model, layer);

  return lstm_model_get_n_gates (model, layer)
         * (m ? m : lstm_model_get_hidden_size (model, layer));
}

/* Compares the gates of the last recurrent layer with gates.npy, if the folder has this file. */
static void
check_gates (const TestFolder *test, LstmState *state, const LstmRun *run, const float *output)
{
  g_autofree char *path = g_build_filename (test->dir, "gates.npy", NULL);
  const LstmModel *model = lstm_state_get_model (state);
  g_auto (TestArray) expected = {0};
  g_autofree float *gates = NULL;
  g_autofree float *y = NULL;
  LstmRun traced = *run;
  gsize n;

  if (!g_file_test (path, G_FILE_TEST_EXISTS))
    return;
  expected = test_array_load (path, NULL);
  n = lstm_state_get_output_steps (state, run->steps) * lstm_state_get_streams (state)
      * lstm_model_get_output_size (model);
  traced.output = y = g_new (float, n);
  traced.layer = lstm_model_get_n_lstm_layers (model) - 1;
  traced.gates = gates = g_new (float, expected.n);
  g_assert_cmpuint (expected.shape[2], ==, count_gates (model, traced.layer));
  lstm_state_reset (state);
  lstm_state_run_full (state, &traced);
  check_values (gates, &expected, path);
  g_assert_cmpmem (y, n * sizeof *y, output, n * sizeof *y);
}

/* The number of calls, and of those that return TRUE */
typedef struct {
  guint calls, n;
} Countdown;

static gboolean
count_calls (void *data)
{
  Countdown *countdown = data;

  return countdown->calls++ < countdown->n;
}

/* Checks that a run with a should_continue callback has the same bits, and that FALSE ends the
 * run. */
static void
check_should_continue (LstmState *state, const LstmRun *run, gsize n)
{
  Countdown countdown = {.n = G_MAXUINT};
  g_autofree float *y = g_new (float, n);
  LstmRun asked = *run;
  guint all;

  asked.output = y;
  asked.should_continue = count_calls;
  asked.should_continue_data = &countdown;
  lstm_state_run_full (state, &asked);
  g_assert_cmpmem (y, n * sizeof *y, run->output, n * sizeof *y);
  all = countdown.calls;
  if (lstm_model_get_n_lstm_layers (lstm_state_get_model (state)) == 0)
    return; /* no layer has steps one after the other */
  g_assert_cmpuint (all, >=, run->steps);
  countdown = (Countdown){.n = all / 2};
  lstm_state_run_full (state, &asked);
  /* Each part of a layer calls once more. */
  g_assert_cmpuint (countdown.calls, <=, all / 2 + 8);
}

/* Runs the complete sequence twice, to check that each run starts from the initial state. */
static void
check_complete_sequence (const TestFolder *test, LstmModel *model, const TestArray *x)
{
  TestArray expected = test_array_load (test->dir, "expected.npy");
  const gsize bs = x->shape[0], steps = x->shape[1];
  g_autoptr (GError) error = NULL;
  g_autoptr (LstmState) state = lstm_state_new_for_sequences (model, bs, steps + 1, &error);
  g_autofree float *y = g_new (float, expected.n);
  g_autofree guint8 *mask = test_load_mask (test->dir);
  const LstmRun run = {
      .size = sizeof (LstmRun), .steps = steps, .input = x->values, .mask = mask, .output = y};

  g_assert_no_error (error);
  g_assert_cmpuint (lstm_state_get_output_steps (state, steps), ==, expected.shape[1]);
  g_assert_cmpuint (lstm_model_get_output_size (model), ==, expected.shape[2]);
  for (guint i = 0; i < 2; i++) {
    lstm_state_run_full (state, &run);
    check_values (y, &expected, test->dir);
  }
  check_gates (test, state, &run, y);
  check_should_continue (state, &run, expected.n);
  test_array_clear (&expected);
}

static void
check_pieces (const TestFolder *test, LstmModel *model, const TestArray *x, gsize piece)
{
  TestArray expected = test_array_load (test->dir, "steps.npy");
  const gsize bs = x->shape[0], steps = x->shape[1], d = x->shape[2], n = expected.shape[2];
  g_autoptr (LstmState) state = test_state_new (model, bs);
  g_autofree float *y = g_new (float, expected.n);
  g_autofree float *in = g_new (float, x->n);
  g_autofree float *out = g_new (float, expected.n);
  g_autofree guint8 *all_masks = test_load_mask (test->dir);
  g_autofree guint8 *mask = all_masks ? g_new (guint8, bs * steps) : NULL;

  for (gsize at = 0; at < steps; at += piece) {
    const gsize count = MIN (piece, steps - at);

    for (gsize s = 0; s < bs; s++) {
      memcpy (in + s * count * d, x->values + (s * steps + at) * d, count * d * sizeof (float));
      if (mask)
        memcpy (mask + s * count, all_masks + s * steps + at, count);
    }
    lstm_state_run_full (state, &(LstmRun){.size = sizeof (LstmRun),
                                    .steps = count,
                                    .input = in,
                                    .mask = mask,
                                    .output = out});
    for (gsize s = 0; s < bs; s++)
      memcpy (y + (s * steps + at) * n, out + s * count * n, count * n * sizeof (float));
  }
  check_values (y, &expected, test->dir);
  test_array_clear (&expected);
}

/* Checks that a window of all steps has the last output of the sequence. A window has no mask. */
static void
check_window (const TestFolder *test, LstmModel *model, const TestArray *x)
{
  TestArray expected = test_array_load (test->dir, "steps.npy");
  const gsize bs = x->shape[0], steps = x->shape[1], n = expected.shape[2];
  g_autoptr (GError) error = NULL;
  g_autoptr (LstmWindow) window = lstm_window_new (model, bs, steps, 2, &error);
  g_autofree float *y = g_new (float, bs *n);

  g_assert_no_error (error);
  g_assert_cmpuint (lstm_window_run (window, steps, x->values, y), ==, 1);
  for (gsize s = 0; s < bs; s++)
    g_assert_cmpfloat (
        test_error (y + s * n, expected.values + ((s + 1) * steps - 1) * n, n), <, TOLERANCE);
  test_array_clear (&expected);
}

/* Checks the errors of a model that needs complete sequences. */
static void
check_refused (LstmModel *model)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (lstm_state_new (model, 1, &error));
  g_assert_error (error, LSTM_ERROR, LSTM_ERROR_LAYER);
  g_clear_error (&error);
  g_assert_null (lstm_window_new (model, 1, 3, 1, &error));
  g_assert_error (error, LSTM_ERROR, LSTM_ERROR_LAYER);
}

static void
test_case (gconstpointer data)
{
  static const gsize pieces[] = {1, 3, G_MAXSIZE};
  const TestFolder *test = data;
  g_autofree char *path = g_build_filename (test->dir, "model.safetensors", NULL);
  g_autofree char *steps = g_build_filename (test->dir, "steps.npy", NULL);
  g_autofree guint8 *mask = test_load_mask (test->dir);
  g_autoptr (LstmModel) model = test_model_load (path, test->isa);
  TestArray x;

  if (!model) {
    g_test_skip ("this machine lacks the instruction set");
    return;
  }
  x = test_array_load (test->dir, "x.npy");
  check_complete_sequence (test, model, &x);
  g_assert_true (lstm_model_is_causal (model) == g_file_test (steps, G_FILE_TEST_EXISTS));
  if (!lstm_model_is_causal (model))
    check_refused (model);
  for (gsize i = 0; i < G_N_ELEMENTS (pieces) && lstm_model_is_causal (model); i++)
    check_pieces (test, model, &x, pieces[i]);
  if (lstm_model_is_causal (model) && !mask)
    check_window (test, model, &x);
  test_array_clear (&x);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  test_add_folders ("variants", "variants", test_case);
  test_add_folders ("torch", "torch", test_case);
  return g_test_run ();
}
