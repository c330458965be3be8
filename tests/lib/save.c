/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Checks that a loaded state or window continues like the saved one, bit for bit, for every model
 * and after every step. */
#include "saved.h"
#include <float.h>
#include <math.h>
#include <string.h>

#define MAX_FLOATS 4096

/* A restored state is saved as the file that it was restored from. */
static void
check_restored_state (const LstmState *loaded, GBytes *file)
{
  g_autoptr (LstmState)
      state = test_state_new (lstm_state_get_model (loaded), lstm_state_get_streams (loaded));
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) again = NULL;
  guint64 next_time, steps;

  g_assert_true (lstm_state_restore (state, file, "test", &next_time, &steps, &error));
  g_assert_no_error (error);
  again = lstm_state_save (state, next_time, steps);
  g_assert_true (g_bytes_equal (again, file));
}

static void
check_restored_window (const LstmWindow *loaded, gsize length, gsize hop, GBytes *file)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (LstmWindow) window = lstm_window_new (
      lstm_window_get_model (loaded), lstm_window_get_streams (loaded), length, hop, &error);
  g_autoptr (GBytes) again = NULL;
  guint64 next_time, steps;

  g_assert_no_error (error);
  g_assert_true (lstm_window_restore (window, file, "test", &next_time, &steps, &error));
  g_assert_no_error (error);
  again = lstm_window_save (window, next_time, steps);
  g_assert_true (g_bytes_equal (again, file));
}

static LstmState *
load_state (LstmModel *model, GBytes *file)
{
  g_autoptr (GError) error = NULL;
  LstmState *state = lstm_state_load (model, file, "test", NULL, NULL, &error);

  g_assert_no_error (error);
  check_restored_state (state, file);
  return state;
}

static LstmWindow *
load_window (LstmModel *model, gsize length, gsize hop, GBytes *file)
{
  g_autoptr (GError) error = NULL;
  LstmWindow *window = lstm_window_load (model, length, hop, file, "test", NULL, NULL, &error);

  g_assert_no_error (error);
  check_restored_window (window, length, hop, file);
  return window;
}

/* --- Continuation --- */

/* The input of a state: x (steps, streams, d) */
typedef struct {
  LstmModel *model;
  gsize bs, steps, d, n;
  const float *x;
} Run;

/* Runs one step per call, because x orders steps before streams, and a call expects streams before
 * steps. */
static void
run_state (const Run *run, LstmState *state, gsize from, gsize to, float *y)
{
  for (gsize t = from; t < to; t++)
    lstm_state_run (
        state, 1, run->x + t * run->bs * run->d, y ? y + t * run->bs * run->n : NULL);
}

/* An incomplete window writes nothing, so its rows of y do not change. */
static void
run_window (const Run *run, LstmWindow *window, gsize from, gsize to, float *y)
{
  for (gsize t = from; t < to; t++)
    lstm_window_run (window, 1, run->x + t * run->bs * run->d, y + t * run->bs * run->n);
}

static void
check_memory (LstmModel *model, const LstmState *found, const LstmState *expected)
{
  float a[MAX_FLOATS], b[MAX_FLOATS];

  for (guint i = 0; i < lstm_model_get_n_lstm_layers (model); i++) {
    const gsize bs = lstm_state_get_streams (expected);
    const gsize p = bs * lstm_model_get_hidden_size (model, i);
    const gsize m = bs * lstm_model_get_cell_size (model, i);

    g_assert_cmpuint (MAX (p, m), <=, MAX_FLOATS);
    lstm_state_get_hidden (found, i, a);
    lstm_state_get_hidden (expected, i, b);
    g_assert_cmpmem (a, p * sizeof *a, b, p * sizeof *b);
    if (!m) /* a layer without c */
      continue;
    lstm_state_get_cell (found, i, a);
    lstm_state_get_cell (expected, i, b);
    g_assert_cmpmem (a, m * sizeof *a, b, m * sizeof *b);
  }
}

static void
check_states (const Run *run)
{
  const gsize size = run->steps * run->bs * run->n;
  g_autofree float *expected = g_new0 (float, size), *y = g_new0 (float, size);
  g_autoptr (LstmState) undisturbed = test_state_new (run->model, run->bs);
  g_autoptr (LstmState) saved = test_state_new (run->model, run->bs);

  run_state (run, undisturbed, 0, run->steps, expected);
  for (gsize t = 0; t <= run->steps; t++) {
    g_autoptr (GBytes) file = lstm_state_save (saved, 0, t);
    g_autoptr (LstmState) loaded = load_state (run->model, file);

    g_assert_cmpuint (lstm_state_get_streams (loaded), ==, run->bs);
    check_memory (run->model, loaded, saved);
    run_state (run, loaded, t, run->steps, y);
    g_assert_cmpmem (y, size * sizeof *y, expected, size * sizeof *y);
    check_memory (run->model, loaded, undisturbed);
    if (t < run->steps) /* the next loaded state writes this row of y again */
      run_state (run, saved, t, t + 1, y);
  }
}

static void
check_windows (const Run *run, gsize length, gsize hop)
{
  const gsize size = run->steps * run->bs * run->n;
  g_autofree float *expected = g_new0 (float, size), *y = g_new0 (float, size);
  g_autoptr (LstmWindow) undisturbed = lstm_window_new (run->model, run->bs, length, hop, NULL);
  g_autoptr (LstmWindow) saved = lstm_window_new (run->model, run->bs, length, hop, NULL);

  run_window (run, undisturbed, 0, run->steps, expected);
  for (gsize t = 0; t < run->steps; t++) {
    g_autoptr (GBytes) file = lstm_window_save (saved, 0, t);
    g_autoptr (LstmWindow) loaded = load_window (run->model, length, hop, file);
    g_autoptr (GBytes) again = lstm_window_save (loaded, 0, t);

    g_assert_cmpuint (lstm_window_get_streams (loaded), ==, run->bs);
    g_assert_true (g_bytes_equal (again, file));
    for (gsize steps = 0; steps < 4 * (length + hop); steps++)
      g_assert_cmpuint (lstm_window_get_n_outputs (loaded, steps), ==,
          lstm_window_get_n_outputs (saved, steps));
    memset (y + t * run->bs * run->n, 0, (run->steps - t) * run->bs * run->n * sizeof *y);
    run_window (run, loaded, t, run->steps, y);
    g_assert_cmpmem (y, size * sizeof *y, expected, size * sizeof *y);
    run_window (run, saved, t, t + 1, y);
  }
}

/* The lengths and hops of the windows */
static const struct {
  gsize length, hop;
} window_shapes[] = {{5, 1}, {5, 2}, {4, 4}, {3, 5}, {1, 1}};

static void
check_window_shape (const Run *run, gsize index)
{
  index %= G_N_ELEMENTS (window_shapes);
  check_windows (run, window_shapes[index].length, window_shapes[index].hop);
}

static Run
make_run (LstmModel *model, gsize bs, gsize steps, const float *x)
{
  return (Run){model, bs, steps, lstm_model_get_input_size (model),
      lstm_model_get_output_size (model), x};
}

/* Returns x [bs, T, d] three times in succession, in the order of Run.x. The model masks the same
 * steps as in the vectors. */
static float *
make_steps (const TestArray *x)
{
  const gsize bs = x->shape[0], steps = x->shape[1], d = x->shape[2];
  float *to = g_new (float, 3 * x->n);

  for (gsize t = 0; t < 3 * steps; t++)
    for (gsize s = 0; s < bs; s++)
      memcpy (to + (t * bs + s) * d, x->values + (s * steps + t % steps) * d, d * sizeof *to);
  return to;
}

static gsize
get_isa_index (const char *isa)
{
  gsize i = 0;

  while (!g_str_equal (test_isas[i], isa))
    i++;
  return i;
}

/* Each precision and instruction set tests the windows of one shape, so that each variant is tested
 * with several shapes. The networks are tested with all shapes. */
static void
test_variant (gconstpointer data)
{
  const TestFolder *test = data;
  g_autofree char *path = g_build_filename (test->dir, "model.safetensors", NULL),
                  *content = NULL;
  g_auto (TestArray) x = test_array_load (test->dir, "x.npy");
  g_autofree float *steps = make_steps (&x);
  g_autoptr (GBytes) file = NULL;
  gsize size;

  g_assert_true (g_file_get_contents (path, &content, &size, NULL));
  file = g_bytes_new (content, size);
  for (guint p = 0; p < TEST_N_PRECISIONS; p++) {
    g_autoptr (LstmModel) model = test_model_load_bytes (file, test->isa, (LstmPrecision) p);
    Run run;

    if (!model) {
      g_test_skip ("this machine lacks the instruction set");
      return;
    }
    if (!lstm_model_is_causal (model)) {
      g_test_skip ("a non-causal model has no state between sequences");
      return;
    }
    run = make_run (model, x.shape[0], 3 * x.shape[1], steps);
    check_states (&run);
    check_window_shape (&run, get_isa_index (test->isa) + p);
  }
}

typedef struct {
  guint network;
  const char *isa;
} Case;

static void
test_network (gconstpointer data)
{
  enum { STEPS = 17 };
  const Case *test = data;
  const gsize n = STEPS * saved_networks[test->network].bs
                  * saved_networks[test->network].network.d;
  g_autofree float *x = g_new (float, n);

  test_fill (x, n, 7);
  for (guint p = 0; p < TEST_N_PRECISIONS; p++) {
    g_autoptr (LstmModel) model = saved_model (test->network, test->isa, (LstmPrecision) p);
    Run run;

    if (!model) {
      g_test_skip ("this machine lacks the instruction set");
      return;
    }
    run = make_run (model, saved_networks[test->network].bs, STEPS, x);
    check_states (&run);
    for (gsize i = 0; i < G_N_ELEMENTS (window_shapes); i++)
      check_window_shape (&run, i);
  }
}

/* --- Times, values and instruction sets --- */

static void
test_numbers (void)
{
  static const guint64 values[] = {
      0, 1, G_GUINT64_CONSTANT (1) << 53 | 1, G_MAXINT64, G_MAXUINT64 - 1, G_MAXUINT64};
  g_autoptr (LstmModel) model = saved_model (0, "base", LSTM_PRECISION_FLOAT32);
  g_autoptr (LstmState) state = test_state_new (model, 2);
  g_autoptr (LstmWindow) window = lstm_window_new (model, 2, 3, 2, NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (values); i++) {
    const guint64 other = values[G_N_ELEMENTS (values) - 1 - i];
    g_autoptr (GBytes) a = lstm_state_save (state, values[i], other);
    g_autoptr (GBytes) b = lstm_window_save (window, values[i], other);
    guint64 time = 5, steps = 5;

    lstm_state_unref (lstm_state_load (model, a, "test", &time, &steps, NULL));
    g_assert_cmpuint (time, ==, values[i]);
    g_assert_cmpuint (steps, ==, other);
    time = steps = 5;
    lstm_window_unref (lstm_window_load (model, 3, 2, b, "test", &time, &steps, NULL));
    g_assert_cmpuint (time, ==, values[i]);
    g_assert_cmpuint (steps, ==, other);
  }
}

/* Saving preserves the signs of zeros, denormals and the largest values. */
static void
test_extreme_values (void)
{
  static const float values[] = {-0.f, 1e-45f, -FLT_MIN / 2, FLT_MAX, -FLT_MAX};

  for (guint window = 0; window < 2; window++) {
    g_autoptr (LstmModel) model = saved_model (0, "base", LSTM_PRECISION_FLOAT32);
    g_autoptr (GBytes) made = saved_make (model, window);
    g_autoptr (GBytes) file = saved_without_digest (made);

    for (gsize i = 0; i < G_N_ELEMENTS (values); i++) {
      g_autoptr (GBytes) edited = saved_with_value (file, i, values[i]);
      g_autoptr (GBytes) again = saved_load_and_save (model, window, edited);
      g_autoptr (GBytes) undigested = saved_without_digest (again);

      g_assert_true (g_bytes_equal (undigested, edited));
    }
  }
}

/* A NaN in one stream is found in every layer and unit. A reset of the stream removes it. */
static void
test_finite (void)
{
  for (guint network = 0; network < SAVED_N_NETWORKS; network++) {
    const gsize d = saved_networks[network].network.d, bs = saved_networks[network].bs;
    g_autoptr (LstmModel) model = saved_model (network, "base", LSTM_PRECISION_FLOAT32);
    g_autoptr (LstmState) state = test_state_new (model, bs);
    const gboolean remembers = lstm_model_get_n_lstm_layers (model) > 0;
    g_autofree float *x = g_new0 (float, bs *d);

    g_assert_true (lstm_state_is_finite (state));
    x[bs * d - 1] = 1000;
    lstm_state_run (state, 1, x, NULL);
    g_assert_true (lstm_state_is_finite (state));
    x[bs * d - 1] = NAN;
    lstm_state_run (state, 1, x, NULL);
    g_assert_true (lstm_state_is_finite (state) == !remembers);
    for (gsize i = 0; i < bs; i++)
      g_assert_true (lstm_state_is_stream_finite (state, i) == (!remembers || i < bs - 1));
    lstm_state_reset_stream (state, bs - 1);
    g_assert_true (lstm_state_is_finite (state));
  }
}

/* A state that one instruction set saved loads on every other instruction set. */
static void
test_other_isas (void)
{
  g_autoptr (LstmModel) base = saved_model (1, "base", LSTM_PRECISION_INT8);
  g_autoptr (LstmState) state = test_state_new (base, 2);
  g_autoptr (GBytes) file = NULL;

  lstm_state_run (state, 3, (float[]){1, 2, 3, 4, 5, 6}, NULL);
  file = lstm_state_save (state, 0, 3);
  for (gsize i = 0; test_isas[i]; i++) {
    g_autoptr (LstmModel) model = saved_model (1, test_isas[i], LSTM_PRECISION_INT8);
    g_autoptr (LstmState) loaded = model ? load_state (model, file) : NULL;

    if (loaded)
      check_memory (model, loaded, state);
  }
}

static void
test_complete_sequences (void)
{
  g_autoptr (LstmModel) model = saved_model (0, "base", LSTM_PRECISION_FLOAT32);
  g_autoptr (LstmState) state = lstm_state_new_for_sequences (model, 1, 3, NULL);

  g_test_expect_message ("lstm", G_LOG_LEVEL_CRITICAL, "*!state->runs_complete_sequences*");
  g_assert_null (lstm_state_save (state, 0, 0));
  g_test_assert_expected_messages ();
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  test_add_folders ("variants", "save/variants", test_variant);
  for (gsize i = 0; test_isas[i]; i++) {
    for (guint n = 0; n < SAVED_N_NETWORKS; n++) {
      g_autofree char *path = g_strdup_printf (
          "/save/networks/%s/%s", saved_networks[n].name, test_isas[i]);
      Case *test = g_new (Case, 1);

      *test = (Case){n, test_isas[i]};
      g_test_add_data_func_full (path, test, test_network, g_free);
    }
  }
  g_test_add_func ("/save/numbers", test_numbers);
  g_test_add_func ("/save/extreme-values", test_extreme_values);
  g_test_add_func ("/save/finite", test_finite);
  g_test_add_func ("/save/isas", test_other_isas);
  g_test_add_func ("/save/complete-sequences", test_complete_sequences);
  return g_test_run ();
}
