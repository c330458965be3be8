/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Compares states and windows of several threads with those of one thread: all numbers have the
 * same bits. The runs have so many streams or units that the threads share them. */
#include "network.h"
#include "testutil.h"
#include <fenv.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef __SANITIZE_THREAD__
#  define MANY_STREAMS 100 /* a sanitizer takes fifty times as long */
#  define CALLS 2
#  define HAS_SANITIZER TRUE
#elif defined(__SANITIZE_ADDRESS__)
#  define MANY_STREAMS 500
#  define CALLS 2
#  define HAS_SANITIZER TRUE
#else
#  define MANY_STREAMS 500 /* enough for layers of a few units */
#  define CALLS 3          /* of a state */
#  define HAS_SANITIZER FALSE
#endif

#define MAX_STEPS 6
#define WINDOW_LENGTH 30
#define WINDOW_HOP 3
#define WINDOW_STEPS 40

static const guint thread_counts[] = {2, 3, 5};

/* Returns whether this build is fast enough for tests of @isa. */
static gboolean
is_fast_enough (const char *isa)
{
  return !HAS_SANITIZER || g_str_equal (isa, "base");
}

/* Networks of all kinds of layers, whose sizes are multiples of panels and others */
static const TestNetwork networks[] = {
    {40, {{TEST_NORMALIZATION}, {TEST_LSTM, 200}, {TEST_DENSE, 65, "softmax"}}},
    {7, {{TEST_LSTM, 145}, {TEST_LSTM, 5}, {TEST_RESIDUAL}, {TEST_POOLING, 0, "mean"}}},
    {33, {{TEST_GRU, 250}, {TEST_RNN, 130}, {TEST_GRU, 71}}},
    {64, {{TEST_DENSE, 500, "tanh"}, {TEST_DENSE, 3, "sigmoid"}}},
};

/* A state of one thread and a state of several threads */
typedef struct {
  LstmModel *model;
  gboolean runs_sequences;
  gsize bs;
  LstmState *states[2];
  GRand *rand;
} Rig;

/* The arrays of a run of all streams, for each of the two states */
typedef struct {
  gsize sizes[4]; /* of output, hidden, cell and gates, in floats; 0: not requested */
  float *values[4][2];
} Outputs;

static LstmState *
new_state (const Rig *rig)
{
  g_autoptr (GError) error = NULL;
  LstmState *state = rig->runs_sequences
                         ? lstm_state_new_for_sequences (rig->model, rig->bs, MAX_STEPS, &error)
                         : lstm_state_new (rig->model, rig->bs, &error);

  g_assert_no_error (error);
  return state;
}

static void
set_threads (LstmState *state, guint n_threads)
{
  g_autoptr (GError) error = NULL;

  lstm_state_set_threads (state, n_threads, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (lstm_state_get_threads (state), ==, n_threads);
}

static void
rig_init (Rig *rig, LstmModel *model, gboolean runs_sequences, gsize bs, guint n_threads)
{
  *rig = (Rig){.model = model, .runs_sequences = runs_sequences, .bs = bs};
  for (guint i = 0; i < G_N_ELEMENTS (rig->states); i++)
    rig->states[i] = new_state (rig);
  set_threads (rig->states[1], n_threads);
  rig->rand = g_rand_new_with_seed ((guint32) bs + n_threads);
}

static void
rig_clear (Rig *rig)
{
  for (guint i = 0; i < G_N_ELEMENTS (rig->states); i++)
    lstm_state_unref (rig->states[i]);
  g_rand_free (rig->rand);
}

/* Allocates the arrays of @steps steps of @n_rows streams. @is_traced: also h, c and gates of
 * @layer */
static void
outputs_init (Outputs *outputs, const Rig *rig, gsize n_rows, gsize steps, gboolean is_traced,
    guint layer)
{
  const LstmState *state = rig->states[0];

  *outputs = (Outputs){.sizes = {lstm_state_get_output_steps (state, steps)
                                 * lstm_model_get_output_size (rig->model)}};
  if (is_traced) {
    const gsize p = lstm_model_get_hidden_size (rig->model, layer);
    const gsize m = lstm_model_get_cell_size (rig->model, layer);
    const gsize layer_steps = lstm_state_get_layer_steps (state, layer, steps);

    outputs->sizes[1] = layer_steps * p;
    outputs->sizes[2] = layer_steps * m;
    outputs->sizes[3] = layer_steps * lstm_model_get_n_gates (rig->model, layer) * (m ? m : p);
  }
  for (guint k = 0; k < G_N_ELEMENTS (outputs->sizes); k++) {
    outputs->sizes[k] *= n_rows;
    for (guint i = 0; outputs->sizes[k] && i < 2; i++)
      outputs->values[k][i] = g_new0 (float, outputs->sizes[k]);
  }
}

static void
compare_outputs (Outputs *outputs)
{
  for (guint k = 0; k < G_N_ELEMENTS (outputs->sizes); k++) {
    const gsize size = outputs->sizes[k] * sizeof (float);

    if (size)
      g_assert_cmpmem (outputs->values[k][0], size, outputs->values[k][1], size);
    g_free (outputs->values[k][0]);
    g_free (outputs->values[k][1]);
  }
}

static void
compare_memory (const Rig *rig)
{
  g_autoptr (GBytes) expected = NULL;
  g_autoptr (GBytes) found = NULL;

  if (rig->runs_sequences)
    return;
  expected = lstm_state_save (rig->states[0], 0, 0);
  found = lstm_state_save (rig->states[1], 0, 0);
  g_assert_true (g_bytes_equal (expected, found));
}

/* Runs random steps: of all streams or of a list, with or without a mask and a trace. */
static void
check_call (Rig *rig)
{
  const guint n_layers = lstm_model_get_n_lstm_layers (rig->model);
  const gsize d = lstm_model_get_input_size (rig->model);
  const gsize steps = test_pick (rig->rand, 1, MAX_STEPS);
  const gboolean is_listed = test_pick (rig->rand, 0, 2) == 0;
  const gboolean is_masked = test_pick (rig->rand, 0, 2) == 0;
  const gboolean is_traced = n_layers > 0 && test_pick (rig->rand, 0, 1) == 0;
  const guint layer = is_traced ? (guint) test_pick (rig->rand, 0, n_layers - 1) : 0;
  const gsize n_rows = is_listed ? test_pick (rig->rand, 1, rig->bs) : rig->bs;
  g_autofree float *x = g_new (float, n_rows *steps *d);
  g_autofree guint8 *mask = g_new (guint8, n_rows * steps);
  g_autofree gsize *rows = g_new (gsize, rig->bs);
  Outputs outputs;

  test_fill (x, n_rows * steps * d, g_rand_int (rig->rand));
  test_shuffle (rig->rand, rows, rig->bs);
  for (gsize i = 0; i < n_rows * steps; i++)
    mask[i] = test_pick (rig->rand, 0, 3) > 0;
  outputs_init (&outputs, rig, n_rows, steps, is_traced, layer);
  for (guint i = 0; i < G_N_ELEMENTS (rig->states); i++)
    lstm_state_run_full (rig->states[i], &(LstmRun){.size = sizeof (LstmRun),
                                             .steps = steps,
                                             .input = x,
                                             .mask = is_masked ? mask : NULL,
                                             .output = outputs.values[0][i],
                                             .layer = layer,
                                             .hidden = outputs.values[1][i],
                                             .cell = outputs.values[2][i],
                                             .gates = outputs.values[3][i],
                                             .rows = is_listed ? rows : NULL,
                                             .n_rows = is_listed ? n_rows : 0});
  compare_outputs (&outputs);
  compare_memory (rig);
}

static void
check_state (LstmModel *model, gboolean runs_sequences, gsize bs, guint n_threads)
{
  Rig rig;

  rig_init (&rig, model, runs_sequences, bs, n_threads);
  for (gsize i = 0; i < CALLS; i++)
    check_call (&rig);
  rig_clear (&rig);
}

/* Runs a window of @n_threads threads. Returns: (transfer full): [n], the outputs of @x */
static float *
run_window (LstmModel *model, gsize streams, guint n_threads, const float *x, gsize n)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (LstmWindow)
      window = lstm_window_new (model, streams, WINDOW_LENGTH, WINDOW_HOP, &error);
  float *y = g_new0 (float, n);

  g_assert_no_error (error);
  lstm_window_set_threads (window, n_threads, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (lstm_window_get_threads (window), ==, n_threads);
  g_assert_cmpuint (lstm_window_run (window, WINDOW_STEPS, x, y), >, 0);
  return y;
}

static void
check_window (LstmModel *model, gsize streams, guint n_threads)
{
  const gsize n_x = streams * WINDOW_STEPS * lstm_model_get_input_size (model);
  const gsize n_y = streams * WINDOW_STEPS * lstm_model_get_output_size (model);
  g_autofree float *x = g_new (float, n_x);
  g_autofree float *expected = NULL;
  g_autofree float *found = NULL;

  test_fill (x, n_x, 1);
  expected = run_window (model, streams, 1, x, n_y);
  found = run_window (model, streams, n_threads, x, n_y);
  g_assert_cmpmem (found, n_y * sizeof (float), expected, n_y * sizeof (float));
}

static void
check_model (LstmModel *model, gsize streams, guint n_threads)
{
  check_state (model, TRUE, streams, n_threads);
  if (!lstm_model_is_causal (model))
    return;
  check_state (model, FALSE, streams, n_threads);
  check_window (model, MAX (1, streams / 20), n_threads);
}

static void
test_folder (gconstpointer data)
{
  const TestFolder *test = data;
  g_autofree char *path = g_build_filename (test->dir, "model.safetensors", NULL);
  g_autoptr (LstmModel) model = is_fast_enough (test->isa) ? test_model_load (path, test->isa)
                                                           : NULL;

  if (model)
    check_model (model, MANY_STREAMS,
        thread_counts[g_str_hash (test->dir) % G_N_ELEMENTS (thread_counts)]);
  else
    g_test_skip ("this machine lacks the instruction set, or the build has a sanitizer");
}

static LstmModel *
load_network (const TestNetwork *network, const char *isa, guint precision)
{
  g_autoptr (GBytes) file = test_network_file (network);

  return test_model_load_bytes (file, isa, (LstmPrecision) precision);
}

static void
test_networks (gconstpointer data)
{
  static const gsize streams[] = {1, 7, 70};
  const char *isa = data;

  for (gsize i = 0; i < G_N_ELEMENTS (networks); i++)
    for (guint precision = 0; precision < TEST_N_PRECISIONS; precision++) {
      g_autoptr (LstmModel)
          model = is_fast_enough (isa) ? load_network (&networks[i], isa, precision) : NULL;

      if (!model) {
        g_test_skip ("this machine lacks the instruction set, or the build has a sanitizer");
        return;
      }
      for (gsize k = 0; k < G_N_ELEMENTS (streams); k++)
        for (gsize n = 0; n < G_N_ELEMENTS (thread_counts); n++)
          check_model (model, streams[k], thread_counts[n]);
    }
}

/* --- Threads of the application --- */

static gpointer
run_in_thread (gpointer data)
{
  LstmModel *model = data;

  for (guint i = 0; i < 3; i++) {
    check_state (model, FALSE, 40, 2);
    check_state (model, FALSE, 40, 3);
  }
  return NULL;
}

/* States of one model run in two threads at once, each with its own workers. */
static void
test_two_callers (void)
{
  g_autoptr (LstmModel) model = load_network (&networks[0], "base", LSTM_PRECISION_FLOAT32);
  GThread *thread = g_thread_new ("caller", run_in_thread, model);

  run_in_thread (model);
  g_thread_join (thread);
}

static gpointer
run_calls (gpointer data)
{
  for (gsize i = 0; i < CALLS; i++)
    check_call (data);
  return NULL;
}

/* A state moves from thread to thread, and the number of its threads changes. */
static void
test_changes (void)
{
  static const guint counts[] = {1, 2, 2, 5, 1, LSTM_MAX_THREADS, 3};
  g_autoptr (LstmModel) model = load_network (&networks[0], "base", LSTM_PRECISION_FLOAT32);
  Rig rig;

  rig_init (&rig, model, FALSE, 40, 1);
  for (guint i = 0; i < G_N_ELEMENTS (counts); i++) {
    set_threads (rig.states[1], counts[i]);
    g_thread_join (g_thread_new ("caller", run_calls, &rig));
  }
  rig_clear (&rig);
}

/* Creates and frees many states, some of which never run. */
static void
test_many_states (void)
{
  g_autoptr (LstmModel) model = load_network (&networks[0], "base", LSTM_PRECISION_FLOAT32);

  for (guint i = 0; i < 100; i++) {
    Rig rig;

    rig_init (&rig, model, FALSE, 8, 2 + i % 3);
    if (i % 4 == 0)
      check_call (&rig);
    rig_clear (&rig);
  }
}

/* Workers inherit the floating-point mode of the thread that creates them, and set the mode of the
 * library. */
static void
test_float_mode (void)
{
  g_autoptr (LstmModel) model = load_network (&networks[0], "base", LSTM_PRECISION_FLOAT32);
  Rig rig;

  rig_init (&rig, model, FALSE, 40, 1);
  g_assert_cmpint (fesetround (FE_UPWARD), ==, 0);
  set_threads (rig.states[1], 3);
  g_assert_cmpint (fesetround (FE_TONEAREST), ==, 0);
  for (guint i = 0; i < 30; i++)
    run_calls (&rig);
  rig_clear (&rig);
}

static void
test_bad_counts (void)
{
  static const guint counts[] = {0, LSTM_MAX_THREADS + 1, G_MAXUINT};
  g_autoptr (LstmModel) model = load_network (&networks[0], "base", LSTM_PRECISION_FLOAT32);
  g_autoptr (LstmState) state = test_state_new (model, 1);

  for (guint i = 0; i < G_N_ELEMENTS (counts); i++) {
    g_test_expect_message (G_LOG_DOMAIN, G_LOG_LEVEL_CRITICAL, "*n_threads*");
    g_assert_false (lstm_state_set_threads (state, counts[i], NULL));
    g_test_assert_expected_messages ();
    g_assert_cmpuint (lstm_state_get_threads (state), ==, 1);
  }
}

/* --- The system --- */

/* Calls @run in a child process, and checks that the child process ends without an error. */
static void
call_in_child (void (*run) (Rig *rig), Rig *rig)
{
  const pid_t pid = fork ();
  int status;

  g_assert_cmpint (pid, >=, 0);
  if (pid == 0) {
    run (rig);
    _exit (0);
  }
  g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  g_assert_cmpint (status, ==, 0);
}

/* Runs and frees states whose workers exist only in the parent process. */
static void
use_states (Rig *rig)
{
  run_calls (rig);
  set_threads (rig->states[1], 4);
  run_calls (rig);
  rig_clear (rig);
}

static void
test_fork (void)
{
  g_autoptr (LstmModel) model = NULL;
  Rig rig;

  if (HAS_SANITIZER) {
    g_test_skip ("ThreadSanitizer supports no threads after fork()");
    return;
  }
  model = load_network (&networks[0], "base", LSTM_PRECISION_FLOAT32);
  rig_init (&rig, model, FALSE, 40, 3);
  run_calls (&rig);
  call_in_child (use_states, &rig);
  run_calls (&rig);
  rig_clear (&rig);
}

/* The stacks of the workers exceed the address space of the process. */
static void
refuse_threads (Rig *rig)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *statm = NULL;
  struct rlimit limits;

  g_file_get_contents ("/proc/self/statm", &statm, NULL, &error);
  g_assert_no_error (error);
  limits.rlim_cur = limits.rlim_max = g_ascii_strtoull (statm, NULL, 10)
                                          * (rlim_t) sysconf (_SC_PAGESIZE)
                                      + (100 << 20);
  g_assert_cmpint (setrlimit (RLIMIT_AS, &limits), ==, 0);
  g_assert_false (lstm_state_set_threads (rig->states[1], LSTM_MAX_THREADS, &error));
  g_assert_error (error, LSTM_ERROR, LSTM_ERROR_THREAD);
  if (!g_str_has_prefix (error->message, "threads: expected 64, found "))
    g_error ("%s", error->message);
  g_assert_cmpuint (lstm_state_get_threads (rig->states[1]), ==, 2);
  run_calls (rig);
  _exit (0);
}

static void
start_and_refuse (Rig *rig)
{
  set_threads (rig->states[1], 2);
  refuse_threads (rig);
}

static void
test_refused_threads (void)
{
  g_autoptr (LstmModel) model = NULL;
  Rig rig;

  if (HAS_SANITIZER) {
    g_test_skip ("the memory of a sanitizer exceeds the limit");
    return;
  }
  model = load_network (&networks[0], "base", LSTM_PRECISION_FLOAT32);
  rig_init (&rig, model, FALSE, 40, 1);
  call_in_child (start_and_refuse, &rig);
  rig_clear (&rig);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  test_add_folders ("lstm", "threads", test_folder);
  test_add_folders ("variants", "threads", test_folder);
  for (gsize i = 0; test_isas[i]; i++) {
    g_autofree char *path = g_strdup_printf ("/threads/networks/%s", test_isas[i]);

    g_test_add_data_func (path, test_isas[i], test_networks);
  }
  g_test_add_func ("/threads/two-callers", test_two_callers);
  g_test_add_func ("/threads/changes", test_changes);
  g_test_add_func ("/threads/many-states", test_many_states);
  g_test_add_func ("/threads/float-mode", test_float_mode);
  g_test_add_func ("/threads/bad-counts", test_bad_counts);
  g_test_add_func ("/threads/fork", test_fork);
  g_test_add_func ("/threads/refused-threads", test_refused_threads);
  return g_test_run ();
}
