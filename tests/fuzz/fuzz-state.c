/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * libFuzzer driver. For any bytes lstm_state_load() and lstm_window_load() return an object that
 * runs and can be saved and loaded again, or an error. The model is that of tests/vectors/states.
 * Seeds without a digest let the fuzzer pass the check of the digest. */
#include <lstm/lstm.h>

#define LENGTH 5
#define HOP 2
#define STEPS 6

int LLVMFuzzerTestOneInput (const guint8 *data, size_t size);

static LstmModel *
get_model (void)
{
  static LstmModel *model;
  g_autoptr (GError) error = NULL;

  if (!model)
    model = lstm_model_load (FUZZ_MODEL, &error);
  g_assert_no_error (error);
  return model;
}

static void
try_state (GBytes *bytes, const float *x, float *y)
{
  g_autoptr (GError) error = NULL;
  guint64 time, steps;
  g_autoptr (LstmState)
      state = lstm_state_load (get_model (), bytes, "fuzz", &time, &steps, &error);

  g_assert ((state == NULL) == (error != NULL));
  if (state) {
    g_autoptr (GBytes) saved = lstm_state_save (state, time, steps);
    g_autoptr (LstmState)
        again = lstm_state_load (get_model (), saved, "saved", NULL, NULL, &error);

    g_assert_no_error (error);
    for (guint i = 0; i < STEPS; i++)
      lstm_state_run (again, 1, x, y);
  }
}

static void
try_window (GBytes *bytes, const float *x, float *y)
{
  g_autoptr (GError) error = NULL;
  guint64 time, steps;
  g_autoptr (LstmWindow) window = lstm_window_load (
      get_model (), LENGTH, HOP, bytes, "fuzz", &time, &steps, &error);

  g_assert ((window == NULL) == (error != NULL));
  if (window) {
    g_autoptr (GBytes) saved = lstm_window_save (window, time, steps);
    g_autoptr (LstmWindow) again = lstm_window_load (
        get_model (), LENGTH, HOP, saved, "saved", NULL, NULL, &error);

    g_assert_no_error (error);
    for (guint i = 0; i < STEPS; i++)
      lstm_window_run (again, 1, x, y);
  }
}

int
LLVMFuzzerTestOneInput (const guint8 *data, size_t size)
{
  const LstmModel *model = get_model ();
  g_autoptr (GBytes) bytes = g_bytes_new (data, size);
  /* Each stream has at least one float in the file, so there are at most @size streams. */
  g_autofree float *x = g_new0 (float, (size + 1) * lstm_model_get_input_size (model));
  g_autofree float *y = g_new0 (float, (size + 1) * lstm_model_get_output_size (model));

  try_state (bytes, x, y);
  try_window (bytes, x, y);
  return 0;
}
