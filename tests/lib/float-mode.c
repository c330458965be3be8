/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Checks the floating-point mode of the library, in each layer kind and each precision, on each
 * instruction set. No result is denormal, and no result depends on the mode of the caller. A call
 * restores the mode and the exception flags of the caller. */
#include "testutil.h"
#include <math.h>
#include <string.h>
#if defined(__x86_64__)
#  include <immintrin.h>
#endif

/* More steps than c needs to decay to 0: a forget gate halves c at each step, but recurrent weights
 * slow the decay. */
#define SILENT_STEPS 500
#define LOUD_STEPS 20
#define ALL_STEPS (2 * SILENT_STEPS + LOUD_STEPS)

static const guint64 modes[] = {
#if defined(__x86_64__)
    0x1f80,          /* the mode in which a program starts */
    0x1f80 | 0x8040, /* the mode of hosts of audio plugins: denormals are 0 */
    0x1f80 | 0x2000, /* downward */
    0x1f80 | 0x4000, /* upward */
    0x1f80 | 0x6000, /* toward zero */
    0x1f80 | 0x0004, /* a division by zero has occurred */
    0,               /* all exceptions trap */
#elif defined(__aarch64__)
    0,
    1 << 24,
    2 << 22,
    1 << 22,
    3 << 22,
#else
    0,
#endif
};

static guint64
get_mode (void)
{
  guint64 mode = 0;
#if defined(__x86_64__)
  mode = _mm_getcsr ();
#elif defined(__aarch64__)
  __asm__ volatile("mrs %0, fpcr" : "=r"(mode));
#endif
  return mode;
}

static void
set_mode (guint64 mode)
{
#if defined(__x86_64__)
  _mm_setcsr ((guint32) mode);
#elif defined(__aarch64__)
  __asm__ volatile("msr fpcr, %0" : : "r"(mode));
#endif
}

/* --- After silence --- */

/* Returns a model file whose biases are 0, so that h and c decay to 0 while x is 0. */
static GBytes *
remove_biases (const char *content, gsize size)
{
  const gsize length = (gsize) GUINT64_FROM_LE (*(const guint64 *) content);
  g_autofree char *header = g_strndup (content + 8, length);
  g_autoptr (GRegex) regex = g_regex_new (
      "\"[^\"]*bias[^\"]*\":\\s*{[^}]*\"data_offsets\":\\s*\\[(\\d+),\\s*(\\d+)\\]", 0, 0,
      NULL);
  g_autoptr (GMatchInfo) match = NULL;
  char *edited = g_memdup2 (content, size);

  g_regex_match (regex, header, 0, &match);
  for (; g_match_info_matches (match); g_match_info_next (match, NULL)) {
    g_autofree char *begin = g_match_info_fetch (match, 1);
    g_autofree char *end = g_match_info_fetch (match, 2);
    const gsize first = g_ascii_strtoull (begin, NULL, 10);

    memset (edited + 8 + length + first, 0, g_ascii_strtoull (end, NULL, 10) - first);
  }
  return g_bytes_new_take (edited, size);
}

static GBytes *
load_file (const TestFolder *test)
{
  g_autofree char *path = g_build_filename (test->dir, "model.safetensors", NULL);
  g_autoptr (GError) error = NULL;
  char *content;
  gsize size;

  g_file_get_contents (path, &content, &size, &error);
  g_assert_no_error (error);
  return g_bytes_new_take (content, size);
}

static gsize
count_denormals (const float *values, gsize n)
{
  gsize count = 0;

  for (gsize i = 0; i < n; i++)
    count += fpclassify (values[i]) == FP_SUBNORMAL;
  return count;
}

/* Returns silence, sound and silence, so that the sequence ends with silence in both
 * directions. */
static float *
make_sound (gsize d)
{
  float *x = g_new0 (float, ALL_STEPS *d);

  test_fill (x + SILENT_STEPS * d, LOUD_STEPS * d, 1);
  return x;
}

/* Checks that neither LSTM layer @layer nor the output has a denormal at any step. */
static void
check_layer_silence (LstmState *state, guint layer, const float *x)
{
  const LstmModel *model = lstm_state_get_model (state);
  const gsize n = lstm_state_get_output_steps (state, ALL_STEPS)
                  * lstm_model_get_output_size (model);
  const gsize p = ALL_STEPS * lstm_model_get_hidden_size (model, layer);
  const gsize m = ALL_STEPS * lstm_model_get_cell_size (model, layer);
  g_autofree float *y = g_new0 (float, n);
  g_autofree float *h = g_new0 (float, p);
  g_autofree float *c = g_new0 (float, m);
  g_autofree float *gates = g_new0 (float, 4 * m);

  lstm_state_run_full (state, &(LstmRun){.size = sizeof (LstmRun),
                                  .steps = ALL_STEPS,
                                  .input = x,
                                  .output = y,
                                  .layer = layer,
                                  .hidden = h,
                                  .cell = c,
                                  .gates = gates});
  g_assert_cmpuint (count_denormals (c, m), ==, 0);
  g_assert_cmpuint (count_denormals (h, p), ==, 0);
  g_assert_cmpuint (count_denormals (gates, 4 * m), ==, 0);
  g_assert_cmpuint (count_denormals (y, n), ==, 0);
}

/* Checks that the output of windows has no denormal. Some windows start with sound and end with
 * silence. */
static void
check_window_silence (LstmModel *model, const float *x)
{
  enum { LENGTH = 200, HOP = 20 };
  const gsize n = (ALL_STEPS - LENGTH) / HOP + 1, size = n * lstm_model_get_output_size (model);
  g_autoptr (LstmWindow) window = lstm_window_new (model, 1, LENGTH, HOP, NULL);
  g_autofree float *y = g_new0 (float, size);

  g_assert_cmpuint (lstm_window_run (window, ALL_STEPS, x, y), ==, n);
  g_assert_cmpuint (count_denormals (y, size), ==, 0);
}

static void
test_silence (gconstpointer data)
{
  const TestFolder *test = data;
  g_autoptr (GBytes) file = load_file (test);
  gsize size;
  const char *content = g_bytes_get_data (file, &size);
  g_autoptr (GBytes) silent = remove_biases (content, size);

  for (guint p = 0; p < TEST_N_PRECISIONS; p++) {
    g_autoptr (LstmModel) model = test_model_load_bytes (silent, test->isa, (LstmPrecision) p);
    g_autoptr (LstmState) state = NULL;
    g_autofree float *x = NULL;

    if (!model) {
      g_test_skip ("this machine lacks the instruction set");
      return;
    }
    x = make_sound (lstm_model_get_input_size (model));
    state = lstm_state_new_for_sequences (model, 1, ALL_STEPS, NULL);
    for (guint layer = 0; layer < lstm_model_get_n_lstm_layers (model); layer++)
      check_layer_silence (state, layer, x);
    if (lstm_model_is_causal (model))
      check_window_silence (model, x);
  }
}

/* --- The mode of the caller --- */

/* Checks that saving and loading work in the mode of the caller. */
static void
check_saved (LstmModel *model, const TestArray *x)
{
  g_autoptr (LstmState) state = lstm_state_new (model, x->shape[0], NULL);
  g_autoptr (LstmWindow) window = lstm_window_new (model, x->shape[0], 100, 50, NULL);
  g_autoptr (GBytes) state_file = NULL, window_file = NULL, state_again = NULL,
                     window_again = NULL;
  g_autoptr (LstmState) loaded_state = NULL;
  g_autoptr (LstmWindow) loaded_window = NULL;

  lstm_state_run (state, x->shape[1], x->values, NULL);
  lstm_window_run (window, MIN (x->shape[1], 99), x->values, NULL);
  state_file = lstm_state_save (state, 1, 2);
  window_file = lstm_window_save (window, 1, 2);
  loaded_state = lstm_state_load (model, state_file, "state", NULL, NULL, NULL);
  loaded_window = lstm_window_load (model, 100, 50, window_file, "window", NULL, NULL, NULL);
  g_assert_nonnull (loaded_state);
  g_assert_nonnull (loaded_window);
  state_again = lstm_state_save (loaded_state, 1, 2);
  window_again = lstm_window_save (loaded_window, 1, 2);
  g_assert_true (g_bytes_equal (state_again, state_file));
  g_assert_true (g_bytes_equal (window_again, window_file));
}

/* Loads and runs a model in @mode. Returns the output of the complete sequence of a folder, and
 * of its windows if the model is causal. */
static GBytes *
run_in_mode (
    GBytes *file, const TestArray *x, const char *isa, LstmPrecision precision, guint64 mode)
{
  const guint64 before = get_mode ();
  const gsize bs = x->shape[0], steps = x->shape[1];
  g_autoptr (LstmModel) model = NULL;
  g_autoptr (LstmState) state = NULL;
  g_autoptr (LstmWindow) window = NULL;
  gsize n, n_sequence;
  float *y;

  set_mode (mode);
  model = test_model_load_bytes (file, isa, precision);
  g_assert_nonnull (model);
  n = bs * lstm_model_get_output_size (model);
  state = lstm_state_new_for_sequences (model, bs, steps, NULL);
  n_sequence = n * lstm_state_get_output_steps (state, steps);
  y = g_new0 (float, n_sequence + n * steps);
  lstm_state_run (state, steps, x->values, y);
  if (lstm_model_is_causal (model)) {
    window = lstm_window_new (model, bs, 2, 1, NULL);
    lstm_window_run (window, steps, x->values, y + n_sequence);
    check_saved (model, x);
  }
  g_assert_cmphex (get_mode (), ==, mode);
  set_mode (before);
  return g_bytes_new_take (y, (n_sequence + n * steps) * sizeof *y);
}

static void
test_caller (gconstpointer data)
{
  const TestFolder *test = data;
  g_autoptr (GBytes) file = load_file (test);
  g_auto (TestArray) x = test_array_load (test->dir, "x.npy");

  for (guint p = 0; p < TEST_N_PRECISIONS; p++) {
    g_autoptr (LstmModel) model = test_model_load_bytes (file, test->isa, (LstmPrecision) p);
    g_autoptr (GBytes) expected = NULL;

    if (!model) {
      g_test_skip ("this machine lacks the instruction set");
      return;
    }
    for (gsize i = 0; i < G_N_ELEMENTS (modes); i++) {
      g_autoptr (GBytes) found = run_in_mode (file, &x, test->isa, (LstmPrecision) p, modes[i]);

      if (!expected)
        expected = g_bytes_ref (found);
      g_assert_true (g_bytes_equal (found, expected));
    }
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  test_add_folders ("variants", "float-mode/silence", test_silence);
  test_add_folders ("variants", "float-mode/caller", test_caller);
  return g_test_run ();
}
