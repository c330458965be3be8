/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * liblstm alone: each line of numbers that it reads is a step, whose output it prints. With a state
 * file it goes on where it ended the last time.
 *
 *     stream MODEL [STATE] < steps.txt */
#include <lstm/lstm.h>
#include <stdio.h>

/* h and c of @path, or zeros where there is no such file yet. Returns: (transfer full) */
static LstmState *
begin (LstmModel *model, const char *path, guint64 *steps, GError **error)
{
  g_autoptr (GBytes) bytes = NULL;
  LstmState *state;
  char *content;
  gsize length;

  if (!path || !g_file_test (path, G_FILE_TEST_EXISTS))
    return lstm_state_new (model, 1, error);
  if (!g_file_get_contents (path, &content, &length, error))
    return NULL;
  bytes = g_bytes_new_take (content, length);
  state = lstm_state_load (model, bytes, path, NULL, steps, error);
  if (state && lstm_state_get_streams (state) != 1) {
    g_set_error (error, LSTM_ERROR, LSTM_ERROR_STATE, "%s: expected one stream, found %zu", path,
        lstm_state_get_streams (state));
    g_clear_pointer (&state, lstm_state_unref);
  }
  return state;
}

static gboolean
end (const LstmState *state, const char *path, guint64 steps, GError **error)
{
  g_autoptr (GBytes) bytes = NULL;

  if (!path)
    return TRUE;
  bytes = lstm_state_save (state, G_MAXUINT64, steps);
  return g_file_set_contents (
      path, g_bytes_get_data (bytes, NULL), (gssize) g_bytes_get_size (bytes), error);
}

static gboolean
read_step (float *x, gsize d)
{
  for (gsize i = 0; i < d; i++)
    if (scanf ("%f", &x[i]) != 1)
      return FALSE;
  return TRUE;
}

/* A step can neither fail nor allocate. Returns: how many there were */
static guint64
run (LstmState *state)
{
  LstmModel *model = lstm_state_get_model (state);
  const gsize d = lstm_model_get_input_size (model), n = lstm_model_get_output_size (model);
  g_autofree float *x = g_new (float, d);
  g_autofree float *y = g_new (float, n);
  guint64 steps = 0;

  for (; read_step (x, d); steps++) {
    lstm_state_run (state, 1, x, y);
    for (gsize i = 0; i < n; i++)
      g_print (i ? " %.6f" : "%.6f", y[i]);
    g_print ("\n");
  }
  return steps;
}

int
main (int argc, char **argv)
{
  const char *path = argc > 2 ? argv[2] : NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (LstmModel) model = NULL;
  g_autoptr (LstmState) state = NULL;
  guint64 steps = 0;

  if (argc < 2 || argc > 3) {
    g_printerr ("usage: stream MODEL [STATE] < steps.txt\n");
    return 2;
  }
  model = lstm_model_load (argv[1], &error);
  state = model ? begin (model, path, &steps, &error) : NULL;
  if (!state || !end (state, path, steps + run (state), &error)) {
    g_printerr ("stream: %s\n", error->message);
    return 1;
  }
  return 0;
}
