/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Runs liblstm without GStreamer. The program reads one step of d numbers from each line and prints
 * the n outputs of the model before it reads the next line.
 *
 * Usage: lstm-alone MODEL [STATE] < STEPS
 *
 * STATE is a file for the state: a run continues from the state at the end of the previous run. The
 * first run creates the file. */
#include "numbers.h"
#include <lstm/lstm.h>
#include <stdlib.h>

/* Loads the state from @path, or makes a new state if there is no such file.
 * Returns: (transfer full) */
static LstmState *
open_state (LstmModel *model, const char *path, GError **error)
{
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (LstmState) state = NULL;
  char *content;
  gsize size;

  if (!path || !g_file_test (path, G_FILE_TEST_EXISTS))
    return lstm_state_new (model, 1, error);
  if (!g_file_get_contents (path, &content, &size, error))
    return NULL;
  bytes = g_bytes_new_take (content, size);
  state = lstm_state_load (
      model, bytes, path, NULL, NULL, error); /* fails if another model has written the state */
  if (state && lstm_state_get_streams (state) != 1) {
    g_set_error (error, LSTM_ERROR, LSTM_ERROR_STATE, "%s: expected 1 stream, found %zu", path,
        lstm_state_get_streams (state));
    return NULL;
  }
  return g_steal_pointer (&state);
}

/* Replaces the file atomically: if the process is killed, the old file remains. */
static gboolean
save_state (LstmState *state, const char *path, GError **error)
{
  g_autoptr (GBytes) bytes = lstm_state_save (state, G_MAXUINT64, 0);
  gsize size;
  const char *content = g_bytes_get_data (bytes, &size);

  return g_file_set_contents (path, content, (gssize) size, error);
}

static gboolean
run_lines (LstmState *state, GError **error)
{
  LstmModel *model = lstm_state_get_model (state);
  const gsize d = lstm_model_get_input_size (model), n = lstm_model_get_output_size (model);
  g_autofree float *y = g_new (float, n);
  char *line = NULL;
  gsize capacity = 0, number = 0;
  gboolean ok = TRUE;

  while (ok && getline (&line, &capacity, stdin) >= 0) {
    g_autoptr (GArray) x = numbers_parse (line, error);

    number++;
    ok = x && x->len == d;
    if (ok) {
      /* Computes one step, [1, 1, d] to [1, 1, n], which cannot fail. The state contains the result
       * of the earlier steps, so they are not computed again. */
      lstm_state_run (state, 1, (const float *) x->data, y);
      numbers_print (y, n);
    } else if (x) {
      g_set_error (error, LSTM_ERROR, LSTM_ERROR_SHAPE,
          "expected %zu numbers, which the model needs, found %u", d, x->len);
    }
  }
  if (!ok)
    g_prefix_error (error, "line %zu: ", number);
  free (line);
  return ok;
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (LstmModel) model = NULL;
  g_autoptr (LstmState) state = NULL;

  if (argc < 2 || argc > 3) {
    g_printerr ("usage: lstm-alone MODEL [STATE] < STEPS\n");
    return 2;
  }
  /* The model contains the weights, which any number of states and threads may share. The state
   * contains h and c of one stream, and a reference to the model. */
  model = lstm_model_load (argv[1], &error);
  state = model ? open_state (model, argv[2], &error) : NULL;
  if (!state || !run_lines (state, &error)
      || (argv[2] && !save_state (state, argv[2], &error))) {
    g_printerr ("lstm-alone: %s\n", error->message);
    return 1;
  }
  return 0;
}
