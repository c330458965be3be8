/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Runs random lists of the streams of a window, for each causal folder of vectors on each
 * instruction set in each precision. The outputs have the same bits as those of a window of each
 * stream alone. Streams are reset, copied and saved while they have different positions. */
#include "network.h"
#include "testutil.h"
#include <math.h>
#include <string.h>

#define MAX_STREAMS 20
#define MANY_STREAMS 1000
#define CALLS 30 /* of a window */
#define GUARD 12345.f

typedef struct {
  gsize length, hop;
} Shape;

static const Shape shapes[] = {
    {1, 1}, {7, 1}, {5, 2}, {4, 4}, {3, 10}, {9, 3}, {8, 7}, {1, 4}, {16, 4}};

/* A window of several streams, and a window of each stream alone */
typedef struct {
  LstmModel *model;
  Shape shape;
  LstmWindow *window, **alone; /* of bs streams, and (bs) windows of one stream */
  gsize bs, d, n;
  const TestArray *x; /* its steps are the input, in a random order */
  GRand *rand;
} Rig;

static LstmWindow *
new_window (const Rig *rig, gsize streams)
{
  g_autoptr (GError) error = NULL;
  LstmWindow *window = lstm_window_new (
      rig->model, streams, rig->shape.length, rig->shape.hop, &error);

  g_assert_no_error (error);
  return window;
}

static void
rig_init (Rig *rig, LstmModel *model, gsize bs, Shape shape, const TestArray *x)
{
  *rig = (Rig){.model = model, .shape = shape, .bs = bs, .x = x};
  rig->window = new_window (rig, bs);
  rig->alone = g_new (LstmWindow *, bs);
  for (gsize s = 0; s < bs; s++)
    rig->alone[s] = new_window (rig, 1);
  rig->d = lstm_model_get_input_size (model);
  rig->n = lstm_model_get_output_size (model);
  rig->rand = g_rand_new_with_seed ((guint32) (bs + shape.length));
}

static void
rig_clear (Rig *rig)
{
  lstm_window_unref (rig->window);
  for (gsize s = 0; s < rig->bs; s++)
    lstm_window_unref (rig->alone[s]);
  g_free (rig->alone);
  g_rand_free (rig->rand);
}

/* --- Changes between two calls --- */

static void
reset_stream (Rig *rig)
{
  const gsize s = test_pick (rig->rand, 0, rig->bs - 1);

  lstm_window_reset_stream (rig->window, s);
  lstm_window_reset (rig->alone[s]);
}

/* Copies a stream to another one, or to itself. The windows alone are copied by a file. */
static void
copy_stream (Rig *rig)
{
  const gsize from = test_pick (rig->rand, 0, rig->bs - 1),
              to = test_pick (rig->rand, 0, rig->bs - 1);
  g_autoptr (GBytes) file = lstm_window_save (rig->alone[from], 0, 0);
  g_autoptr (GError) error = NULL;

  if (!lstm_window_is_finite (rig->alone[from])) /* a file with infinities does not load */
    return;
  lstm_window_copy_stream (rig->window, to, rig->window, from);
  lstm_window_restore (rig->alone[to], file, "test", NULL, NULL, &error);
  g_assert_no_error (error);
}

/* Replaces the window by a larger one, to which all streams are copied. */
static void
copy_all_streams (Rig *rig)
{
  LstmWindow *larger = new_window (rig, rig->bs + 3);

  for (gsize s = 0; s < rig->bs; s++)
    lstm_window_copy_stream (larger, s, rig->window, s);
  lstm_window_unref (rig->window);
  rig->window = larger;
}

/* Replaces a stream by the file of a window that contains only this stream. */
static void
reload_stream (Rig *rig)
{
  const gsize s = test_pick (rig->rand, 0, rig->bs - 1);
  g_autoptr (LstmWindow) one = new_window (rig, 1), loaded = NULL;
  g_autoptr (GBytes) file = NULL;
  g_autoptr (GError) error = NULL;

  if (!lstm_window_is_finite (rig->alone[s])) /* a file with infinities does not load */
    return;
  lstm_window_copy_stream (one, 0, rig->window, s);
  file = lstm_window_save (one, 0, 0);
  loaded = lstm_window_load (
      rig->model, rig->shape.length, rig->shape.hop, file, "test", NULL, NULL, &error);
  g_assert_no_error (error);
  lstm_window_reset_stream (rig->window, s);
  lstm_window_copy_stream (rig->window, s, loaded, 0);
}

static void
change_nothing (Rig *rig)
{
}

static void (*const changes[]) (Rig *rig) = {
    change_nothing, change_nothing, reset_stream, copy_stream, copy_all_streams, reload_stream};

/* --- Calls --- */

/* Runs the step @x of a stream alone. @y and @is_complete: the results in the list */
static void
check_stream (
    const Rig *rig, gsize stream, const float *x, const float *y, gboolean is_complete)
{
  g_autofree float *expected = g_new (float, rig->n);

  for (gsize k = 0; k < rig->n; k++)
    expected[k] = GUARD;
  g_assert_cmpuint (is_complete, ==, lstm_window_run (rig->alone[stream], 1, x, expected));
  g_assert_cmpmem (y, rig->n * sizeof *y, expected, rig->n * sizeof *y);
}

static void
check_finite (const Rig *rig)
{
  gboolean is_finite = TRUE;

  for (gsize s = 0; s < rig->bs; s++) {
    const gboolean is_stream_finite = lstm_window_is_finite (rig->alone[s]);

    g_assert_true (lstm_window_is_stream_finite (rig->window, s) == is_stream_finite);
    is_finite &= is_stream_finite;
  }
  g_assert_true (lstm_window_is_finite (rig->window) == is_finite);
}

static void
check_call (Rig *rig, gsize n_rows)
{
  const gsize d = rig->d, n = rig->n;
  g_autofree gsize *rows = g_new (gsize, rig->bs);
  g_autofree float *x = g_new (float, n_rows *d + 1);
  g_autofree float *y = g_new (float, n_rows *n + 1);
  g_autofree guint8 *is_complete = g_new (guint8, n_rows + 1);

  test_shuffle (rig->rand, rows, rig->bs);
  for (gsize i = 0; i < n_rows; i++)
    memcpy (x + i * d, rig->x->values + test_pick (rig->rand, 0, rig->x->n / d - 1) * d,
        d * sizeof *x);
  for (gsize i = 0; i <= n_rows * n; i++)
    y[i] = GUARD;
  is_complete[n_rows] = 7;
  lstm_window_run_rows (rig->window, rows, n_rows, x, y, is_complete);
  for (gsize i = 0; i < n_rows; i++)
    check_stream (rig, rows[i], x + i * d, y + i * n, is_complete[i]);
  g_assert_cmpfloat (y[n_rows * n], ==, GUARD);
  g_assert_cmpuint (is_complete[n_rows], ==, 7);
  check_finite (rig);
}

/* Runs all streams in step after a reset of all streams. */
static void
check_reset (Rig *rig)
{
  const gsize steps = rig->shape.length, bs = lstm_window_get_streams (rig->window);
  g_autofree float *x = g_new (float, bs *steps * rig->d);
  g_autofree float *y = g_new (float, bs *steps * rig->n);

  lstm_window_reset (rig->window);
  test_fill (x, bs * steps * rig->d, 1);
  g_assert_cmpuint (lstm_window_get_n_outputs (rig->window, steps), ==, 1);
  g_assert_cmpuint (lstm_window_run (rig->window, steps, x, y), ==, 1);
  for (gsize s = 0; s < rig->bs; s++) {
    g_autofree float *expected = g_new (float, rig->n);

    lstm_window_reset (rig->alone[s]);
    lstm_window_run (rig->alone[s], steps, x + s * steps * rig->d, expected);
    g_assert_cmpmem (y + s * rig->n, rig->n * sizeof *y, expected, rig->n * sizeof *expected);
  }
}

/* Runs @calls lists of at most @max_rows of @bs streams. */
static void
check_lists (
    LstmModel *model, gsize bs, gsize max_rows, gsize calls, Shape shape, const TestArray *x)
{
  Rig rig;

  rig_init (&rig, model, bs, shape, x);
  for (gsize i = 0; i < calls; i++) {
    check_call (&rig, test_pick (rig.rand, 0, max_rows));
    changes[test_pick (rig.rand, 0, G_N_ELEMENTS (changes) - 1)](&rig);
  }
  check_reset (&rig);
  rig_clear (&rig);
}

/* --- Tests --- */

static void
test_folder (gconstpointer data)
{
  const TestFolder *test = data;
  g_autofree char *path = g_build_filename (test->dir, "model.safetensors", NULL);
  g_auto (TestArray) x = test_array_load (test->dir, "x.npy");
  GRand *rand = g_rand_new_with_seed (g_str_hash (path));

  for (guint p = 0; p < TEST_N_PRECISIONS; p++) {
    const Shape shape = shapes[test_pick (rand, 0, G_N_ELEMENTS (shapes) - 1)];
    const gsize bs = test_pick (rand, 1, MAX_STREAMS);
    g_autoptr (LstmModel) model = test_model_load_full (path, test->isa, (LstmPrecision) p);

    if (!model) {
      g_test_skip ("this machine lacks the instruction set");
      break;
    }
    if (lstm_model_is_causal (model))
      check_lists (model, bs, bs, CALLS, shape, &x);
  }
  g_rand_free (rand);
}

static const TestNetwork networks[] = {
    {5, {{TEST_LSTM, 20}, {TEST_DENSE, 3, "softmax"}}, .seed = 1},
    {9,
        {{TEST_DENSE, 8, "tanh"}, {TEST_RESIDUAL}, {TEST_GRU, 7}, {TEST_RESIDUAL},
            {TEST_RNN, 6}, {TEST_RESIDUAL}},
        .seed = 2},
};

static void
test_many (gconstpointer isa)
{
  for (gsize i = 0; i < G_N_ELEMENTS (networks); i++) {
    g_autoptr (GBytes) file = test_network_file (&networks[i]);
    g_auto (TestArray) x = test_array_new (1, 100, networks[i].d);

    test_fill (x.values, x.n, 1);
    for (guint p = 0; p < TEST_N_PRECISIONS; p++) {
      g_autoptr (LstmModel) model = test_model_load_bytes (file, isa, (LstmPrecision) p);

      if (!model) {
        g_test_skip ("this machine lacks the instruction set");
        return;
      }
      check_lists (model, MANY_STREAMS, MANY_STREAMS, 12, (Shape){3, 1}, &x);
    }
  }
}

static LstmModel *
load_network (const TestNetwork *network)
{
  g_autoptr (GBytes) file = test_network_file (network);

  return test_model_load_bytes (file, "base", LSTM_PRECISION_FLOAT32);
}

/* Only the stream with a NaN is not finite, until it is reset. */
static void
test_finite (void)
{
  g_autoptr (LstmModel) model = load_network (&networks[0]);
  g_autoptr (LstmWindow) window = lstm_window_new (model, 3, 4, 2, NULL);
  static const gsize rows[] = {2, 0};
  float x[2][5] = {{NAN}}, y[2][3];
  guint8 is_complete[2];

  lstm_window_run_rows (window, rows, 2, x[0], y[0], is_complete);
  g_assert_false (lstm_window_is_finite (window));
  g_assert_false (lstm_window_is_stream_finite (window, 2));
  g_assert_true (lstm_window_is_stream_finite (window, 0));
  lstm_window_reset_stream (window, 0);
  g_assert_false (lstm_window_is_finite (window));
  lstm_window_reset_stream (window, 2);
  g_assert_true (lstm_window_is_finite (window));
}

static void
expect_critical (const char *pattern)
{
  g_test_expect_message (G_LOG_DOMAIN, G_LOG_LEVEL_CRITICAL, pattern);
}

/* Streams with different positions cannot run in step, and cannot be saved together. */
static void
test_different_positions (void)
{
  g_autoptr (LstmModel) model = load_network (&networks[0]);
  g_autoptr (LstmWindow) window = lstm_window_new (model, 3, 4, 2, NULL);
  static const gsize rows[] = {1};
  float x[3][5] = {{0}}, y[3][3];
  guint8 is_complete;

  lstm_window_run_rows (window, rows, 1, x[0], y[0], &is_complete);
  expect_critical ("*lstm_window_is_in_step*");
  g_assert_cmpuint (lstm_window_run (window, 1, x[0], y[0]), ==, 0);
  g_test_assert_expected_messages ();
  expect_critical ("*lstm_window_is_in_step*");
  g_assert_cmpuint (lstm_window_get_n_outputs (window, 9), ==, 0);
  g_test_assert_expected_messages ();
  expect_critical ("*lstm_window_is_in_step*");
  g_assert_null (lstm_window_save (window, 0, 0));
  g_test_assert_expected_messages ();
  lstm_window_reset_stream (window, 1);
  g_assert_cmpuint (lstm_window_get_n_outputs (window, 9), ==, 3);
}

/* Nothing runs if a list is wrong. */
static void
test_refused_lists (void)
{
  static const struct {
    gsize rows[3], n_rows;
  } lists[] = {{{0, 3}, 2}, {{G_MAXSIZE}, 1}, {{2, 0, 2}, 3}, {{1, 1}, 2}};
  g_autoptr (LstmModel) model = load_network (&networks[0]);
  g_autoptr (LstmWindow) window = lstm_window_new (model, 3, 4, 2, NULL);
  g_autoptr (GBytes) before = lstm_window_save (window, 0, 0);
  float x[3][5] = {{0}}, y[3][3];
  guint8 is_complete[3] = {7};

  for (gsize i = 0; i < G_N_ELEMENTS (lists); i++) {
    g_autoptr (GBytes) after = NULL;

    expect_critical ("*lstm_state_are_distinct*");
    lstm_window_run_rows (window, lists[i].rows, lists[i].n_rows, x[0], y[0], is_complete);
    g_test_assert_expected_messages ();
    after = lstm_window_save (window, 0, 0);
    g_assert_true (g_bytes_equal (before, after));
    g_assert_cmpuint (is_complete[0], ==, 7);
  }
  lstm_window_run_rows (window, NULL, 0, NULL, NULL, NULL);
}

/* A copy between windows of other shapes or models changes nothing. */
static void
test_refused_copies (void)
{
  g_autoptr (LstmModel) model = load_network (&networks[0]),
                        other = load_network (&networks[0]);
  g_autoptr (LstmWindow) window = lstm_window_new (model, 2, 4, 2, NULL);
  LstmWindow *const windows[] = {lstm_window_new (model, 2, 4, 1, NULL),
      lstm_window_new (model, 2, 3, 2, NULL), lstm_window_new (other, 2, 4, 2, NULL)};

  for (gsize i = 0; i < G_N_ELEMENTS (windows); i++) {
    expect_critical ("*assertion*");
    lstm_window_copy_stream (window, 0, windows[i], 0);
    g_test_assert_expected_messages ();
    lstm_window_unref (windows[i]);
  }
  expect_critical ("*to_stream < to->streams*");
  lstm_window_copy_stream (window, 2, window, 0);
  g_test_assert_expected_messages ();
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  test_add_folders ("lstm", "window-streams", test_folder);
  test_add_folders ("variants", "window-streams", test_folder);
  for (gsize i = 0; test_isas[i]; i++) {
    g_autofree char *path = g_strdup_printf ("/window-streams/many/%s", test_isas[i]);

    g_test_add_data_func (path, test_isas[i], test_many);
  }
  g_test_add_func ("/window-streams/finite", test_finite);
  g_test_add_func ("/window-streams/different-positions", test_different_positions);
  g_test_add_func ("/window-streams/refused-lists", test_refused_lists);
  g_test_add_func ("/window-streams/refused-copies", test_refused_copies);
  return g_test_run ();
}
