/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Runs each folder of vectors/lstm, on each instruction set. The numbers are close to those of
 * PyTorch, and have the same bits for any division of the steps and streams into calls. */
#include "testutil.h"
#include <string.h>

#define TOLERANCE 1e-5

typedef struct {
  LstmModel *model;
  TestArray x, expected, hidden, cell;
  gsize bs, steps, d, n, m;
  guint layer;      /* the last LSTM layer, to which hidden and cell belong */
  float *y, *h, *c; /* of a single call */
} Run;

static void
run_load (Run *run, const TestFolder *test, LstmModel *model)
{
  *run = (Run){.model = model};
  run->x = test_array_load (test->dir, "x.npy");
  run->expected = test_array_load (test->dir, "expected.npy");
  run->bs = run->x.shape[0];
  run->steps = run->x.shape[1];
  run->d = run->x.shape[2];
  run->n = run->expected.shape[2];
  g_assert_cmpuint (lstm_model_get_input_size (model), ==, run->d);
  g_assert_cmpuint (lstm_model_get_output_size (model), ==, run->n);
  run->y = g_new0 (float, run->expected.n);
  if (lstm_model_get_n_lstm_layers (model) == 0)
    return;
  run->layer = lstm_model_get_n_lstm_layers (model) - 1;
  run->hidden = test_array_load (test->dir, "hidden.npy");
  run->cell = test_array_load (test->dir, "cell.npy");
  run->m = run->hidden.shape[2];
  g_assert_cmpuint (lstm_model_get_hidden_size (model, run->layer), ==, run->m);
  run->h = g_new0 (float, run->hidden.n);
  run->c = g_new0 (float, run->cell.n);
}

static void
run_clear (Run *run)
{
  test_array_clear (&run->x);
  test_array_clear (&run->expected);
  test_array_clear (&run->hidden);
  test_array_clear (&run->cell);
  g_free (run->y);
  g_free (run->h);
  g_free (run->c);
  lstm_model_unref (run->model);
}

/* Runs steps [at, at + count) of streams [first, first + streams) in one call, and compares the
 * bits with those of the single call. */
static void
run_piece (const Run *run, LstmState *state, gsize first, gsize streams, gsize at, gsize count)
{
  g_autofree float *x = g_new (float, streams *count * run->d);
  g_autofree float *y = g_new (float, streams *count * run->n);

  for (gsize s = 0; s < streams; s++)
    memcpy (x + s * count * run->d, run->x.values + ((first + s) * run->steps + at) * run->d,
        count * run->d * sizeof (float));
  lstm_state_run (state, count, x, y);
  for (gsize s = 0; s < streams; s++)
    g_assert_cmpmem (y + s * count * run->n, count * run->n * sizeof (float),
        run->y + ((first + s) * run->steps + at) * run->n, count * run->n * sizeof (float));
}

/* Runs all steps in pieces of @piece steps. */
static void
run_pieces (const Run *run, LstmState *state, gsize first, gsize streams, gsize piece)
{
  for (gsize at = 0; at < run->steps; at += piece)
    run_piece (run, state, first, streams, at, MIN (piece, run->steps - at));
}

static void
check_last_state (const Run *run, const LstmState *state)
{
  g_autofree float *h = g_new (float, run->bs * run->m);
  g_autofree float *c = g_new (float, run->bs * run->m);

  lstm_state_get_hidden (state, run->layer, h);
  lstm_state_get_cell (state, run->layer, c);
  for (gsize s = 0; s < run->bs; s++) {
    gsize last = ((s + 1) * run->steps - 1) * run->m;

    g_assert_cmpmem (
        h + s * run->m, run->m * sizeof (float), run->h + last, run->m * sizeof (float));
    g_assert_cmpmem (
        c + s * run->m, run->m * sizeof (float), run->c + last, run->m * sizeof (float));
  }
}

static void
check_single_call (Run *run, LstmState *state)
{
  const LstmRun call = {
      .size = sizeof (LstmRun),
      .steps = run->steps,
      .input = run->x.values,
      .output = run->y,
      .layer = run->layer,
      .hidden = run->h,
      .cell = run->c,
  };

  lstm_state_run_full (state, &call);
  g_assert_cmpfloat (test_error (run->y, run->expected.values, run->expected.n), <, TOLERANCE);
  if (!run->h)
    return;
  g_assert_cmpfloat (test_error (run->h, run->hidden.values, run->hidden.n), <, TOLERANCE);
  g_assert_cmpfloat (test_error (run->c, run->cell.values, run->cell.n), <, TOLERANCE);
  check_last_state (run, state);
}

static void
test_case (gconstpointer data)
{
  static const gsize pieces[] = {1, 2, 7, 63, 64, 65, G_MAXSIZE};
  const TestFolder *test = data;
  g_autofree char *path = g_build_filename (test->dir, "model.safetensors", NULL);
  LstmModel *model = test_model_load (path, test->isa);
  Run run;

  if (!model) {
    g_test_skip ("this machine lacks the instruction set");
    return;
  }
  run_load (&run, test, model);
  {
    g_autoptr (LstmState) state = test_state_new (model, run.bs);

    check_single_call (&run, state);
    for (gsize i = 0; i < G_N_ELEMENTS (pieces); i++) {
      lstm_state_reset (state);
      run_pieces (&run, state, 0, run.bs, pieces[i]);
    }
  }
  for (gsize s = 0; s < run.bs; s++) { /* alone, and with some of the other streams */
    gsize count = MIN (run.bs - s, s + 1);
    g_autoptr (LstmState) alone = test_state_new (model, 1);
    g_autoptr (LstmState) some = test_state_new (model, count);

    run_pieces (&run, alone, s, 1, 1);
    lstm_state_reset_stream (alone, 0);
    run_pieces (&run, alone, s, 1, 9);
    run_pieces (&run, some, s, count, 11);
  }
  run_clear (&run);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  test_add_folders ("lstm", "vectors", test_case);
  return g_test_run ();
}
