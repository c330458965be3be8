/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Checks the promises of lstm.h other than numbers: lifetimes, sharing between threads, sizes, and
 * GBytes as input and output. */
#include "testutil.h"
#include <string.h>

#define THREADS 8

static LstmModel *
load_model (const char *name)
{
  g_autofree char *path = g_build_filename (
      g_getenv ("LSTM_TEST_VECTORS"), "lstm", name, "model.safetensors", NULL);
  g_autoptr (GError) error = NULL;
  LstmModel *model = lstm_model_load (path, &error);

  g_assert_no_error (error);
  return model;
}

/* A state keeps its model alive. */
static void
test_lifetime (void)
{
  LstmModel *model = load_model ("seed-1x30");
  g_autoptr (LstmState) before = test_state_new (model, 2), state = test_state_new (model, 2);
  float x[2] = {0.5f, -0.5f}, expected[2][30], y[2][30];

  lstm_state_run (before, 1, x, expected[0]);
  g_clear_pointer (&before, lstm_state_unref);
  lstm_model_unref (model);
  lstm_state_run (state, 1, x, y[0]);
  g_assert_true (lstm_state_get_model (state) == model);
  g_assert_cmpuint (lstm_state_get_streams (state), ==, 2);
  lstm_state_ref (state);
  lstm_state_unref (state);
  g_assert_cmpmem (y, sizeof y, expected, sizeof expected);
}

static void
test_sizes (void)
{
  g_autoptr (LstmModel) model = load_model ("head");
  static const gsize hidden[] = {30, 30, 16};

  g_assert_cmpuint (lstm_model_get_input_size (model), ==, 12);
  g_assert_cmpuint (lstm_model_get_output_size (model), ==, 7);
  g_assert_cmpuint (lstm_model_get_n_lstm_layers (model), ==, G_N_ELEMENTS (hidden));
  for (guint i = 0; i < G_N_ELEMENTS (hidden); i++)
    g_assert_cmpuint (lstm_model_get_hidden_size (model, i), ==, hidden[i]);
  g_assert_cmpuint (lstm_model_get_packed_size (model), >=, 4 * 4 * 30 * (20 + 30));
}

static void
test_too_many_streams (void)
{
  g_autoptr (LstmModel) model = load_model ("seed-1x30");
  static const gsize streams[] = {G_MAXSIZE, G_MAXSIZE / 2, G_MAXSIZE / 64};

  for (gsize i = 0; i < G_N_ELEMENTS (streams); i++) {
    g_autoptr (GError) error = NULL;

    g_assert_null (lstm_state_new (model, streams[i], &error));
    g_assert_error (error, LSTM_ERROR, LSTM_ERROR_MEMORY);
  }
}

/* The reset of a stream does not change other streams. Before the first step h and c are 0. */
static void
test_reset_stream (void)
{
  g_autoptr (LstmModel) model = load_model ("seed-1x30");
  g_autoptr (LstmState) state = test_state_new (model, 2);
  float x[2] = {1, 1}, y[2][30], first[2][30], h[2][30], zero[30] = {0};

  lstm_state_get_hidden (state, 0, h[0]);
  g_assert_cmpmem (h[1], sizeof zero, zero, sizeof zero);
  lstm_state_run (state, 1, x, first[0]);
  lstm_state_reset_stream (state, 1);
  lstm_state_get_hidden (state, 0, h[0]);
  g_assert_cmpmem (h[0], sizeof zero, first[0], sizeof zero);
  g_assert_cmpmem (h[1], sizeof zero, zero, sizeof zero);
  lstm_state_get_cell (state, 0, h[0]);
  g_assert_cmpmem (h[1], sizeof zero, zero, sizeof zero);
  lstm_state_run (state, 1, x, y[0]);
  g_assert_cmpmem (y[1], sizeof zero, first[1], sizeof zero);
  g_assert_true (memcmp (y[0], first[0], sizeof zero) != 0);
}

static void
test_bytes (void)
{
  g_autoptr (LstmModel) model = load_model ("seed-1x30");
  g_autoptr (LstmState) state = test_state_new (model, 2), other = test_state_new (model, 2);
  float x[2][5], y[2][5][30];
  g_autoptr (GBytes) in = NULL, out = NULL;

  test_fill (x[0], 10, 1);
  in = g_bytes_new (x, sizeof x);
  out = lstm_state_run_bytes (state, in, NULL);
  lstm_state_run (other, 5, x[0], y[0][0]);
  g_assert_cmpmem (g_bytes_get_data (out, NULL), g_bytes_get_size (out), y, sizeof y);
}

/* A call without steps changes nothing, and the output can be NULL for any last layer. */
static void
test_nothing (void)
{
  static const char *const names[] = {"one-step", "head", "numbers"};

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++) {
    g_autoptr (LstmModel) model = load_model (names[i]);
    g_autoptr (LstmState) state = test_state_new (model, 1), other = test_state_new (model, 1);
    const gsize d = lstm_model_get_input_size (model);
    float x[3 * 16], y[30] = {0}, z[30] = {0};

    g_assert_cmpuint (d, <=, 16);
    g_assert_cmpuint (lstm_model_get_output_size (model), <=, 30);
    test_fill (x, 3 * 16, 3);
    lstm_state_run (state, 0, NULL, NULL);
    lstm_state_run (state, 2, x, NULL);
    lstm_state_run (state, 1, x + 2 * d, y);
    for (gsize t = 0; t < 3; t++)
      lstm_state_run (other, 1, x + t * d, z);
    g_assert_cmpmem (y, sizeof y, z, sizeof z);
  }
}

typedef struct {
  LstmModel *model;
  const float *x;
  float y[100][30];
} Job;

static gpointer
run_job (gpointer data)
{
  Job *job = data;
  g_autoptr (LstmState) state = test_state_new (job->model, 1);

  for (gsize t = 0; t < 100; t++)
    lstm_state_run (state, 1, job->x + t * 16, job->y[t]);
  lstm_model_unref (job->model);
  return NULL;
}

static void
test_threads (void)
{
  g_autoptr (LstmModel) model = load_model ("one-step");
  g_autofree float *x = g_new (float, 100 * 16);
  g_autofree Job *jobs = g_new0 (Job, THREADS);
  GThread *threads[THREADS];

  test_fill (x, 100 * 16, 4);
  for (gsize i = 0; i < THREADS; i++) {
    jobs[i] = (Job){.model = lstm_model_ref (model), .x = x};
    threads[i] = g_thread_new ("steps", run_job, &jobs[i]);
  }
  for (gsize i = 0; i < THREADS; i++)
    g_thread_join (threads[i]);
  for (gsize i = 1; i < THREADS; i++)
    g_assert_cmpmem (jobs[i].y, sizeof jobs[i].y, jobs[0].y, sizeof jobs[0].y);
}

static void
test_boxed (void)
{
  g_autoptr (LstmModel) model = load_model ("seed-1x30");
  GValue value = G_VALUE_INIT;

  g_value_init (&value, LSTM_TYPE_MODEL);
  g_value_set_boxed (&value, model);
  g_assert_true (g_value_get_boxed (&value) == model);
  g_value_unset (&value);
  g_value_init (&value, LSTM_TYPE_STATE);
  g_value_take_boxed (&value, test_state_new (model, 1));
  g_value_unset (&value);
}

/* Bindings and logs identify the errors by this name. */
static void
test_error_domain (void)
{
  g_assert_cmpstr (g_quark_to_string (LSTM_ERROR), ==, "lstm-error-quark");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/model/lifetime", test_lifetime);
  g_test_add_func ("/model/sizes", test_sizes);
  g_test_add_func ("/model/too-many-streams", test_too_many_streams);
  g_test_add_func ("/model/reset-stream", test_reset_stream);
  g_test_add_func ("/model/bytes", test_bytes);
  g_test_add_func ("/model/nothing", test_nothing);
  g_test_add_func ("/model/threads", test_threads);
  g_test_add_func ("/model/boxed", test_boxed);
  g_test_add_func ("/model/error-domain", test_error_domain);
  return g_test_run ();
}
