/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * libFuzzer driver. For any bytes lstm_model_load_bytes() returns a model that runs, or an
 * error. */
#include <lstm/lstm.h>

int LLVMFuzzerTestOneInput (const guint8 *data, size_t size);

int
LLVMFuzzerTestOneInput (const guint8 *data, size_t size)
{
  g_autoptr (GBytes) bytes = g_bytes_new (data, size);
  g_autoptr (GError) error = NULL;
  g_autoptr (LstmModel) model = lstm_model_load_bytes (bytes, "fuzz", &error);
  g_autoptr (LstmState) state = NULL;

  g_assert ((model == NULL) == (error != NULL));
  if (!model)
    return 0;
  state = lstm_state_new (model, 2, NULL);
  if (state) {
    g_autofree float *x = g_new0 (float, 6 * lstm_model_get_input_size (model));
    g_autofree float *y = g_new0 (float, 6 * lstm_model_get_output_size (model));

    lstm_state_run (state, 3, x, y);
  }
  return 0;
}
