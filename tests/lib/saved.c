/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "saved.h"
#include <string.h>

#define MAX_INPUTS 5

const SavedNetwork saved_networks[SAVED_N_NETWORKS] = {
    {"lstm", 1, {5, {{TEST_LSTM, 20}}}},
    {"stack", 3, {1, {{TEST_LSTM, 9}, {TEST_LSTM, 17}, {TEST_LSTM, 4}}, .seed = 3}},
    {"wide", 2, {33, {{TEST_LSTM, 65}, {TEST_DENSE, 3, "softmax"}}, .seed = 1}},
    {"between", 4,
        {6,
            {{TEST_NORMALIZATION}, {TEST_DENSE, 8, "tanh"}, {TEST_LSTM, 12},
                {TEST_DENSE, 5, "relu"}, {TEST_LSTM, 10}},
            .seed = 4}},
    {"dense", 3, {6, {{TEST_DENSE, 11, "tanh"}, {TEST_DENSE, 3, "softmax"}}, .seed = 6}},
    {"pooling", 3,
        {2,
            {{TEST_LSTM, 2}, {TEST_RESIDUAL}, {TEST_POOLING, 0, "mean"},
                {TEST_DENSE, 3, "softmax"}},
            .seed = 7}},
};

LstmModel *
saved_model (guint network, const char *isa, LstmPrecision precision)
{
  g_autoptr (GBytes) file = test_network_file (&saved_networks[network].network);

  return test_model_load_bytes (file, isa, precision);
}

GBytes *
saved_make (LstmModel *model, gboolean of_window)
{
  float x[3 * 7 * MAX_INPUTS], y[3 * 2 * 20];

  g_assert_cmpuint (lstm_model_get_input_size (model), <=, MAX_INPUTS);

  test_fill (x, G_N_ELEMENTS (x), 1);
  if (of_window) {
    g_autoptr (LstmWindow) window = lstm_window_new (model, 3, 5, 2, NULL);

    g_assert_cmpuint (lstm_window_run (window, 7, x, y), ==, 2);
    return lstm_window_save (window, 1000, 7);
  } else {
    g_autoptr (LstmState) state = test_state_new (model, 3);

    lstm_state_run (state, 7, x, NULL);
    return lstm_state_save (state, 1000, 7);
  }
}

gboolean
saved_loads (LstmModel *model, gboolean of_window, GBytes *file, GError **error)
{
  if (of_window) {
    g_autoptr (LstmWindow)
        window = lstm_window_load (model, 5, 2, file, "test", NULL, NULL, error);

    return window != NULL;
  } else {
    g_autoptr (LstmState) state = lstm_state_load (model, file, "test", NULL, NULL, error);

    return state != NULL;
  }
}

GBytes *
saved_load_and_save (LstmModel *model, gboolean of_window, GBytes *file)
{
  guint64 time, steps;

  if (of_window) {
    g_autoptr (LstmWindow)
        window = lstm_window_load (model, 5, 2, file, "test", &time, &steps, NULL);

    return lstm_window_save (window, time, steps);
  } else {
    g_autoptr (LstmState) state = lstm_state_load (model, file, "test", &time, &steps, NULL);

    return lstm_state_save (state, time, steps);
  }
}

GBytes *
saved_without_digest (GBytes *file)
{
  gsize size;
  const char *content = g_bytes_get_data (file, &size);
  const char *digest = g_strstr_len (
      content + 8, (gssize) size - 8, ",\"lstm.digest\":\"sha256:");
  g_autofree char *text = NULL;

  g_assert_nonnull (digest);
  text = g_strndup (digest, strlen (",\"lstm.digest\":\"sha256:\"") + 64);
  return test_edit_header (file, text, "", 1);
}

GBytes *
saved_with_value (GBytes *file, gsize index, float value)
{
  gsize size;
  g_autofree char *content = g_memdup2 (
      g_bytes_get_data (file, &size), g_bytes_get_size (file));
  const gsize header = (gsize) GUINT64_FROM_LE (*(const guint64 *) content);
  guint32 bits;

  memcpy (&bits, &value, sizeof bits);
  bits = GUINT32_TO_LE (bits);
  g_assert_cmpuint (8 + header + (index + 1) * sizeof bits, <=, size);
  memcpy (content + 8 + header + index * sizeof bits, &bits, sizeof bits);
  return g_bytes_new (content, size);
}
