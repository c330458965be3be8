/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Checks that a run allocates nothing, and that a state does not copy the weights of its model.
 * This program replaces the allocator by an allocator that counts, unless a sanitizer replaces the
 * allocator. */
#include "network.h"
#include "testutil.h"
#include <errno.h>
#include <stdlib.h>

#ifndef __has_feature
#  define __has_feature(feature) 0
#endif
#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)      \
    && !__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer)                   \
    && !__has_feature(memory_sanitizer)
#  define COUNTS 1
#else
#  define COUNTS 0
#endif

typedef struct {
  gsize calls; /* of any function of the allocator */
  gsize bytes; /* requested */
} Count;

static Count count;

#if COUNTS
#  define EXPORT __attribute__ ((visibility ("default")))

void *__libc_malloc (size_t size);
void *__libc_calloc (size_t n, size_t size);
void *__libc_realloc (void *memory, size_t size);
void *__libc_memalign (size_t alignment, size_t size);
void __libc_free (void *memory);

static void
count_call (size_t bytes)
{
  count.calls++;
  count.bytes += bytes;
}

EXPORT void *
malloc (size_t size)
{
  count_call (size);
  return __libc_malloc (size);
}

EXPORT void *
calloc (size_t n, size_t size)
{
  count_call (n * size);
  return __libc_calloc (n, size);
}

EXPORT void *
realloc (void *memory, size_t size)
{
  count_call (size);
  return __libc_realloc (memory, size);
}

EXPORT void *
aligned_alloc (size_t alignment, size_t size)
{
  count_call (size);
  return __libc_memalign (alignment, size);
}

EXPORT int
posix_memalign (void **memory, size_t alignment, size_t size)
{
  count_call (size);
  *memory = __libc_memalign (alignment, size);
  return *memory ? 0 : ENOMEM;
}

EXPORT void
free (void *memory)
{
  count_call (0);
  __libc_free (memory);
}
#endif

static const TestNetwork networks[] = {
    {16, {{TEST_LSTM, 64}}},
    {48, {{TEST_NORMALIZATION}, {TEST_DENSE, 24, "tanh"}, {TEST_LSTM, 96}, {TEST_LSTM, 33},
             {TEST_DENSE, 7, "softmax"}}},
    {16, {{TEST_GRU, 64}, {TEST_RNN, 33}, {TEST_LSTM, 5}}},
    {6, {{TEST_DENSE, 3, "sigmoid"}}},
};

#define M 256
static const TestNetwork square = {M, {{TEST_LSTM, M}}};

typedef struct {
  LstmState *state;
  LstmWindow *window;
  gboolean is_traced, has_c; /* of layer 0 */
  float *x, *y, *h, *c, *gates;
  const gsize *rows;
  gsize n_rows;
} Job;

/* Advances a state and a window in all ways, by several numbers of steps. */
static void
run_job (const Job *job)
{
  static const gsize steps[] = {1, 2, 0, 70, 3};

  for (gsize i = 0; i < G_N_ELEMENTS (steps); i++) {
    lstm_state_run (job->state, steps[i], job->x, job->y);
    lstm_state_run (job->state, steps[i], job->x, NULL);
    if (job->is_traced)
      lstm_state_run_full (job->state, &(LstmRun){.size = sizeof (LstmRun),
                                           steps[i],
                                           job->x,
                                           .output = job->y,
                                           .hidden = job->h,
                                           .cell = job->has_c ? job->c : NULL,
                                           .gates = job->gates});
    lstm_state_run_full (job->state, &(LstmRun){.size = sizeof (LstmRun),
                                         steps[i],
                                         job->x,
                                         .rows = job->rows,
                                         .n_rows = job->n_rows});
    lstm_state_reset_stream (job->state, 0);
    lstm_state_reset (job->state);
    lstm_window_run (job->window, steps[i], job->x, job->y);
    lstm_window_run_rows (
        job->window, job->rows, job->n_rows, job->x, job->y, (guint8 *) job->h);
    lstm_window_reset (job->window);
  }
}

/* Checks that @state (transfer full) runs without an allocation. */
static void
check_running (LstmModel *model, LstmState *new_state)
{
  g_autoptr (LstmState) state = new_state;
  const gsize streams = lstm_state_get_streams (state);
  static const gsize listed[] = {0, 4};
  const gsize rows = streams * 70;
  g_autofree float *x = g_new0 (float, rows *lstm_model_get_input_size (model));
  g_autofree float *y = g_new0 (float, rows *lstm_model_get_output_size (model));
  g_autofree float *h = g_new0 (float, rows * 96);
  g_autofree float *c = g_new0 (float, rows * 96);
  g_autofree float *gates = g_new0 (float, rows * 4 * 96);
  g_autoptr (LstmWindow) window = lstm_window_new (model, streams, 30, 7, NULL);
  const gboolean is_traced = lstm_model_get_n_lstm_layers (model) > 0;
  const guint n_threads = streams > 1 ? 3 : 1;
  const Job job = {state, window, is_traced, is_traced && lstm_model_get_cell_size (model, 0),
      .x = x, .y = y, .h = h, .c = c, .gates = gates, .rows = listed,
      .n_rows = streams > 4 ? 2 : 1};
  Count before;

  g_assert_true (lstm_state_set_threads (state, n_threads, NULL));
  g_assert_true (lstm_window_set_threads (window, n_threads, NULL));
  run_job (&job); /* makes allocations that happen once, such as the binding of a function */
  before = count;
  run_job (&job);
  g_assert_cmpuint (count.calls - before.calls, ==, 0);
}

static LstmModel *
load_model (const TestNetwork *network, guint precision)
{
  g_autoptr (GBytes) file = test_network_file (network);
  g_autoptr (GError) error = NULL;
  LstmModel *model = lstm_model_load_bytes_full (
      file, "test", (LstmPrecision) precision, NULL, &error);

  g_assert_no_error (error);
  return model;
}

static void
test_running (void)
{
  if (!COUNTS) {
    g_test_skip ("the allocator cannot be replaced in this build");
    return;
  }
  for (guint precision = 0; precision < TEST_N_PRECISIONS; precision++) {
    for (gsize i = 0; i < G_N_ELEMENTS (networks); i++) {
      g_autoptr (LstmModel) model = load_model (&networks[i], precision);

      for (gsize streams = 1; streams <= 5; streams += 4) {
        check_running (model, test_state_new (model, streams));
        check_running (model, lstm_state_new_for_steps (model, streams, 1, NULL));
        check_running (model, lstm_state_new_for_steps (model, streams, 9, NULL));
      }
    }
  }
}

static gsize
measure_state (LstmModel *model, gsize streams)
{
  const Count before = count;

  lstm_state_unref (test_state_new (model, streams));
  return count.bytes - before.bytes;
}

static gsize
measure_state_for_steps (LstmModel *model, gsize streams, gsize steps)
{
  const Count before = count;

  lstm_state_unref (lstm_state_new_for_steps (model, streams, steps, NULL));
  return count.bytes - before.bytes;
}

/* Checks the size that lstm.h states: per stream three rows of m, three rows for masks and lists,
 * and scratch memory. */
static void
test_states (void)
{
  static const gsize streams[] = {1, 2, 64, 1000};

  if (!COUNTS) {
    g_test_skip ("the allocator cannot be replaced in this build");
    return;
  }
  for (guint precision = 0; precision < TEST_N_PRECISIONS; precision++) {
    g_autoptr (LstmModel) model = load_model (&square, precision);

    for (gsize i = 0; i < G_N_ELEMENTS (streams); i++) {
      const gsize rows = MAX (streams[i], 64), bytes = measure_state (model, streams[i]);

      g_test_message ("%s: %" G_GSIZE_FORMAT " bytes for %" G_GSIZE_FORMAT
                      " streams, %" G_GSIZE_FORMAT " of weights",
          test_precision_name ((LstmPrecision) precision), bytes, streams[i],
          lstm_model_get_packed_size (model));
      g_assert_cmpuint (bytes, <=, sizeof (float) * M * (6 * streams[i] + 8 * rows));
      g_assert_cmpuint (measure_state_for_steps (model, streams[i], 1), <=,
          sizeof (float) * M * (6 * streams[i] + 8 * streams[i]));
      g_assert_cmpuint (measure_state_for_steps (model, streams[i], 1000), ==, bytes);
    }
  }
  {
    g_autoptr (LstmModel) model = load_model (&square, LSTM_PRECISION_FLOAT32);

    g_assert_cmpuint (measure_state (model, 1), <, lstm_model_get_packed_size (model) / 4);
  }
}

/* The packed weights of bfloat16 and int8 are a half and a quarter of those of float32. Biases
 * and scales are added. */
static void
test_packed_size (void)
{
  static const double ratios[TEST_N_PRECISIONS] = {1, 0.5, 0.25};
  g_autoptr (LstmModel) float32 = load_model (&square, LSTM_PRECISION_FLOAT32);
  const double size = (double) lstm_model_get_packed_size (float32);

  g_assert_cmpfloat (size, >=, sizeof (float) * 4. * M * (2 * M + 1));
  g_assert_cmpfloat (size, <, sizeof (float) * 4. * M * (2 * M + 1) * 1.01);
  for (guint precision = 0; precision < TEST_N_PRECISIONS; precision++) {
    g_autoptr (LstmModel) model = load_model (&square, precision);
    const double ratio = (double) lstm_model_get_packed_size (model) / size;

    g_assert_cmpuint (lstm_model_get_precision (model), ==, precision);
    g_test_message ("%s: %.3f", test_precision_name ((LstmPrecision) precision), ratio);
    g_assert_cmpfloat (ratio, >=, ratios[precision]);
    g_assert_cmpfloat (ratio, <, ratios[precision] + 0.015);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/allocations/running", test_running);
  g_test_add_func ("/allocations/states", test_states);
  g_test_add_func ("/allocations/packed-size", test_packed_size);
  return g_test_run ();
}
