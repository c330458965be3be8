/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Versions, descriptions of models, the size of LstmRun, and the functions for language
 * bindings. */
#include "testutil.h"
#include <string.h>

static LstmModel *
load_model (const char *folder)
{
  g_autofree char *path = g_build_filename (
      g_getenv ("LSTM_TEST_VECTORS"), folder, "model.safetensors", NULL);

  return test_model_load (path, "base");
}

/* --- Versions --- */

static void
test_version (void)
{
  static const guint major = LSTM_MAJOR_VERSION, minor = LSTM_MINOR_VERSION,
                     micro = LSTM_MICRO_VERSION;
  const struct {
    guint major, minor, micro;
    gboolean is_compatible;
  } rows[] = {
      {major, minor, micro, TRUE},
      {major, minor, micro + 1, FALSE},
      {major, minor + 1, 0, FALSE},
      {major + 1, 0, 0, FALSE},
      {0, 0, 0, TRUE},
      {0, 0, G_MAXUINT, major > 0 || minor > 0},
  };
  g_autofree char *version = g_strdup_printf ("%u.%u.%u", major, minor, micro);

  g_assert_cmpstr (lstm_get_version (), ==, version);
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++) {
    const char *text = lstm_check_version (rows[i].major, rows[i].minor, rows[i].micro);

    g_assert_true ((text == NULL) == rows[i].is_compatible);
    if (text)
      g_assert_nonnull (strstr (text, version));
  }
  g_assert_true (LSTM_CHECK_VERSION (LSTM_MAJOR_VERSION, LSTM_MINOR_VERSION, 0));
  g_assert_false (LSTM_CHECK_VERSION (LSTM_MAJOR_VERSION, LSTM_MINOR_VERSION + 1, 0));
}

/* --- Descriptions --- */

static const struct {
  const char *folder;
  gsize n_parameters;
  gboolean returns_last;
  const char *summary; /* a part of it */
} models[] = {
    /* 4 · 30 rows of 1 input, 30 of h and two biases */
    {"lstm/seed-1x30", 120 * (1 + 30 + 2), FALSE, "d = 1, n = 30, every step, 3960 parameters"},
    {"lstm/head", 0, FALSE, "dense"},
    {"variants/keras-last", 0, TRUE, "the last step of a sequence"},
    {"variants/keras-autoencoder", 0, FALSE, "repeat_vector"},
    {"variants/keras-backwards-last", 0, TRUE, "complete sequences"},
    {"variants/torch-bidirectional", 0, FALSE, "bidirectional"},
    {"variants/torch-pooling-mean", 0, TRUE, "pooling"},
    {"variants/torch-residual", 0, FALSE, "residual"},
    {"variants/torch-bidirectional-last", 0, TRUE, "bidirectional"},
};

static void
test_models (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (models); i++) {
    g_autoptr (LstmModel) model = load_model (models[i].folder);
    g_autofree char *summary = lstm_model_get_summary (model);

    if (models[i].n_parameters)
      g_assert_cmpuint (lstm_model_get_n_parameters (model), ==, models[i].n_parameters);
    g_assert_true (lstm_model_returns_last_step (model) == models[i].returns_last);
    if (!strstr (summary, models[i].summary))
      g_error ("%s: expected \"%s\" in the summary, found:\n%s", models[i].folder,
          models[i].summary, summary);
    g_assert_cmpstr (lstm_model_get_load_report (model), ==, "safetensors");
  }
}

/* The encoder returns its last step, which the decoder's layer repeats. */
static void
test_layer_steps (void)
{
  g_autoptr (LstmModel) model = load_model ("variants/keras-autoencoder");
  g_autoptr (GError) error = NULL;
  g_autoptr (LstmState) state = lstm_state_new_for_sequences (model, 1, 9, &error);
  const guint last = lstm_model_get_n_lstm_layers (model) - 1;

  g_assert_no_error (error);
  g_assert_cmpuint (lstm_state_get_max_steps (state), ==, 9);
  g_assert_cmpuint (lstm_state_get_layer_steps (state, 0, 9), ==, 9);
  g_assert_cmpuint (last, >, 0);
  g_assert_cmpuint (
      lstm_state_get_layer_steps (state, last, 9), ==, lstm_state_get_output_steps (state, 9));
  g_assert_cmpuint (lstm_state_get_layer_steps (state, last, 9), !=, 9);
}

/* --- LstmRun --- */

/* A program that was compiled with a later version of LstmRun */
typedef struct {
  LstmRun run;
  gpointer later_member;
} LaterRun;

static void
test_later_run (void)
{
  g_autoptr (LstmModel) model = load_model ("lstm/seed-1x30");
  g_autoptr (LstmState) state = test_state_new (model, 1);
  float x[2] = {1, 1}, expected[2][30], y[30] = {0};
  LaterRun later = {.run = {.size = sizeof later, .steps = 1, .input = x, .output = y}};

  lstm_state_run (state, 2, x, expected[0]);
  lstm_state_reset (state);
  lstm_state_run_full (state, &later.run);
  g_assert_cmpmem (y, sizeof y, expected[0], sizeof y);
  later.later_member = y;
  g_test_expect_message (G_LOG_DOMAIN, G_LOG_LEVEL_CRITICAL, "*has_known_members*");
  lstm_state_run_full (state, &later.run);
  g_test_assert_expected_messages ();
  later.run.size = 0;
  g_test_expect_message (G_LOG_DOMAIN, G_LOG_LEVEL_CRITICAL, "*MIN_RUN_SIZE*");
  lstm_state_run_full (state, &later.run);
  g_test_assert_expected_messages ();
  later.run.size = G_STRUCT_OFFSET (LstmRun, rows); /* of 0.1.0: the list is not read */
  later.run.n_rows = 1;
  lstm_state_run_full (state, &later.run);
  g_assert_cmpmem (y, sizeof y, expected[1], sizeof y);
}

/* --- Language bindings --- */

static void
test_arrays (void)
{
  g_autoptr (LstmModel) model = load_model ("lstm/seed-1x30");
  g_autoptr (LstmState) state = test_state_new (model, 2), other = test_state_new (model, 2);
  static const guint8 mask[2][3] = {{1, 1, 0}, {1, 0, 1}};
  float x[2][3], y[2][2][3][30], h[2][2][3][30], c[2][2][3][30], gates[2][2][3][4][30];

  test_fill (x[0], 6, 1);
  lstm_state_run_full (state, &(LstmRun){.size = sizeof (LstmRun),
                                  .steps = 3,
                                  .input = x[0],
                                  .mask = mask[0],
                                  .output = y[0][0][0],
                                  .hidden = h[0][0][0],
                                  .cell = c[0][0][0],
                                  .gates = gates[0][0][0][0]});
  lstm_state_run_arrays (
      other, 3, x[0], mask[0], y[1][0][0], 0, h[1][0][0], c[1][0][0], gates[1][0][0][0]);
  g_assert_cmpmem (y[0], sizeof y[0], y[1], sizeof y[1]);
  g_assert_cmpmem (h[0], sizeof h[0], h[1], sizeof h[1]);
  g_assert_cmpmem (c[0], sizeof c[0], c[1], sizeof c[1]);
  g_assert_cmpmem (gates[0], sizeof gates[0], gates[1], sizeof gates[1]);
}

static void
test_window_bytes (void)
{
  g_autoptr (LstmModel) model = load_model ("lstm/seed-1x30");
  g_autoptr (GError) error = NULL;
  g_autoptr (LstmWindow) window = lstm_window_new (model, 1, 3, 2, &error);
  g_autoptr (LstmWindow) other = lstm_window_new (model, 1, 3, 2, &error);
  float x[6], y[2][30];
  g_autoptr (GBytes) in = NULL, out = NULL;

  g_assert_no_error (error);
  g_assert_true (lstm_window_get_model (window) == model);
  g_assert_cmpuint (lstm_window_get_length (window), ==, 3);
  g_assert_cmpuint (lstm_window_get_hop (window), ==, 2);
  test_fill (x, G_N_ELEMENTS (x), 1);
  in = g_bytes_new (x, sizeof x);
  out = lstm_window_run_bytes (window, in, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (lstm_window_run (other, G_N_ELEMENTS (x), x, y[0]), ==, 2);
  g_assert_cmpmem (g_bytes_get_data (out, NULL), g_bytes_get_size (out), y, sizeof y);
}

/* bs · d is 2 floats. */
static void
test_refused_bytes (void)
{
  g_autoptr (LstmModel) model = load_model ("lstm/seed-1x30");
  g_autoptr (GError) error = NULL;
  g_autoptr (LstmState) state = lstm_state_new_for_sequences (model, 2, 3, &error);
  g_autoptr (LstmWindow) window = lstm_window_new (model, 2, 3, 1, &error);
  static const struct {
    gsize size;
    gboolean is_accepted, is_accepted_by_window;
    const char *message;
  } rows[] = {
      {0, TRUE, TRUE, NULL},
      {24, TRUE, TRUE, NULL},
      {32, FALSE, TRUE, "input: expected at most 3 steps, found 4"},
      {12, FALSE, FALSE,
          "input: expected a multiple of 8 bytes, float32 [2, T, 1], found 12 bytes"},
      {7, FALSE, FALSE,
          "input: expected a multiple of 8 bytes, float32 [2, T, 1], found 7 bytes"},
  };

  g_assert_no_error (error);
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autofree float *x = g_new0 (float, 16);
    g_autoptr (GBytes) in = g_bytes_new (x, rows[i].size);
    g_autoptr (GBytes) out = lstm_state_run_bytes (state, in, &error);
    g_autoptr (GError) of_window = NULL;
    g_autoptr (GBytes) of_windows = lstm_window_run_bytes (window, in, &of_window);

    g_assert_true ((out != NULL) == rows[i].is_accepted);
    g_assert_true ((of_windows != NULL) == rows[i].is_accepted_by_window);
    if (!rows[i].is_accepted)
      g_assert_error (error, LSTM_ERROR, LSTM_ERROR_SHAPE);
    if (!rows[i].is_accepted)
      g_assert_cmpstr (error->message, ==, rows[i].message);
    g_clear_error (&error);
  }
}

/* An error leaves the state unchanged. */
static void
test_refused_restore (void)
{
  g_autoptr (LstmModel) model = load_model ("lstm/seed-1x30");
  g_autoptr (LstmState) state = test_state_new (model, 2), one = test_state_new (model, 1);
  g_autoptr (GBytes) before = NULL, after = NULL, file = lstm_state_save (one, 0, 0);
  g_autoptr (GError) error = NULL;
  float x[2] = {1, 2};

  lstm_state_run (state, 1, x, NULL);
  before = lstm_state_save (state, 0, 0);
  g_assert_false (lstm_state_restore (state, file, "FILE", NULL, NULL, &error));
  g_assert_error (error, LSTM_ERROR, LSTM_ERROR_STATE);
  g_assert_cmpstr (
      error->message, ==, "FILE: expected 2 streams, as the state to restore has, found 1");
  after = lstm_state_save (state, 0, 0);
  g_assert_true (g_bytes_equal (before, after));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/api/version", test_version);
  g_test_add_func ("/api/models", test_models);
  g_test_add_func ("/api/layer-steps", test_layer_steps);
  g_test_add_func ("/api/later-run", test_later_run);
  g_test_add_func ("/api/arrays", test_arrays);
  g_test_add_func ("/api/window-bytes", test_window_bytes);
  g_test_add_func ("/api/refused-bytes", test_refused_bytes);
  g_test_add_func ("/api/refused-restore", test_refused_restore);
  return g_test_run ();
}
