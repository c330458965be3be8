/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Runs a step of a model. Usage: embed MODEL */
#include <lstm/lstm.h>

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (LstmModel) model = argc > 1 ? lstm_model_load (argv[1], &error) : NULL;
  g_autoptr (LstmState) state = model ? lstm_state_new (model, 1, &error) : NULL;
  g_autofree float *x = NULL, *y = NULL;

  if (!state) {
    g_printerr ("%s\n", error ? error->message : "Usage: embed MODEL");
    return 1;
  }
  x = g_new0 (float, lstm_model_get_input_size (model));
  y = g_new0 (float, lstm_model_get_output_size (model));
  lstm_state_run (state, 1, x, y);
  g_print ("%g\n", (double) y[0]);
  return y[0] == 0;
}
