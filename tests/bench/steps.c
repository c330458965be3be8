/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Functions for tests/bench/bench-python, which measures steps in C and from Python in one process. */
#include <lstm/lstm.h>

#define EXPORT __attribute__ ((visibility ("default"))) extern

EXPORT LstmState *bench_steps_make_state (const char *path);
EXPORT void bench_steps_run (LstmState *state, gsize calls, const float *x, float *y);

/* Returns a state of one stream, or NULL. */
LstmState *
bench_steps_make_state (const char *path)
{
  g_autoptr (LstmModel) model = lstm_model_load (path, NULL);

  return model ? lstm_state_new (model, 1, NULL) : NULL;
}

/* Calls lstm_state_run() for one step, @calls times. */
void
bench_steps_run (LstmState *state, gsize calls, const float *x, float *y)
{
  for (gsize i = 0; i < calls; i++)
    lstm_state_run (state, 1, x, y);
}
