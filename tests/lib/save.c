/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Saved states and windows: one that is loaded goes on as the one that was saved, to the last bit,
 * whatever the model and wherever it is cut; and files that must be refused. */
#include "network.h"
#include "testutil.h"
#include <float.h>
#include <math.h>
#include <string.h>

#define MAX_FLOATS 4096
#define MAX_INPUTS 5

static LstmState *
state_load (LstmModel *model, GBytes *file)
{
  g_autoptr (GError) error = NULL;
  LstmState *state = lstm_state_load (model, file, "test", NULL, NULL, &error);

  g_assert_no_error (error);
  return state;
}

static LstmWindow *
window_load (LstmModel *model, gsize length, gsize hop, GBytes *file)
{
  g_autoptr (GError) error = NULL;
  LstmWindow *window = lstm_window_load (model, length, hop, file, "test", NULL, NULL, &error);

  g_assert_no_error (error);
  return window;
}

/* --- Going on --- */

/* What a state is fed with: steps of all streams, (steps, streams, d) */
typedef struct {
  LstmModel *model;
  gsize bs, steps, d, n;
  const float *x;
} Run;

/* Step by step, for their order in memory is that of the streams then. */
static void
run_state (const Run *run, LstmState *state, gsize from, gsize to, float *y)
{
  for (gsize t = from; t < to; t++)
    lstm_state_run (
        state, 1, run->x + t * run->bs * run->d, y ? y + t * run->bs * run->n : NULL);
}

/* Windows that are not complete write nothing: rows of y stay what they are. */
static void
run_window (const Run *run, LstmWindow *window, gsize from, gsize to, float *y)
{
  for (gsize t = from; t < to; t++)
    lstm_window_run (window, 1, run->x + t * run->bs * run->d, y + t * run->bs * run->n);
}

static void
check_memory (LstmModel *model, const LstmState *got, const LstmState *expected)
{
  float a[MAX_FLOATS], b[MAX_FLOATS];

  for (guint i = 0; i < lstm_model_get_n_lstm_layers (model); i++) {
    const gsize bs = lstm_state_get_streams (expected);
    const gsize p = bs * lstm_model_get_hidden_size (model, i);
    const gsize m = bs * lstm_model_get_cell_size (model, i);

    g_assert_cmpuint (MAX (p, m), <=, MAX_FLOATS);
    lstm_state_get_hidden (got, i, a);
    lstm_state_get_hidden (expected, i, b);
    g_assert_cmpmem (a, p * sizeof *a, b, p * sizeof *b);
    lstm_state_get_cell (got, i, a);
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
    g_autoptr (LstmState) loaded = state_load (run->model, file);

    g_assert_cmpuint (lstm_state_get_streams (loaded), ==, run->bs);
    check_memory (run->model, loaded, saved);
    run_state (run, loaded, t, run->steps, y);
    g_assert_cmpmem (y, size * sizeof *y, expected, size * sizeof *y);
    check_memory (run->model, loaded, undisturbed);
    if (t < run->steps) /* what the next one writes again */
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
    g_autoptr (LstmWindow) loaded = window_load (run->model, length, hop, file);
    g_autoptr (GBytes) again = lstm_window_save (loaded, 0, t);

    g_assert_cmpuint (lstm_window_get_streams (loaded), ==, run->bs);
    g_assert_true (g_bytes_equal (again, file));
    for (gsize steps = 0; steps < 4 * (length + hop); steps++)
      g_assert_cmpuint (
          lstm_window_count (loaded, steps), ==, lstm_window_count (saved, steps));
    memset (y + t * run->bs * run->n, 0, (run->steps - t) * run->bs * run->n * sizeof *y);
    run_window (run, loaded, t, run->steps, y);
    g_assert_cmpmem (y, size * sizeof *y, expected, size * sizeof *y);
    run_window (run, saved, t, t + 1, y);
  }
}

static void
check_model (LstmModel *model, gsize bs, gsize steps, const float *x)
{
  static const struct {
    gsize length, hop;
  } windows[] = {{5, 1}, {5, 2}, {4, 4}, {3, 5}, {1, 1}};
  const Run run = {model, bs, steps, lstm_model_get_input_size (model),
      lstm_model_get_output_size (model), x};

  check_states (&run);
  for (gsize i = 0; i < G_N_ELEMENTS (windows); i++)
    check_windows (&run, windows[i].length, windows[i].hop);
}

/* x [bs, T, d] as steps, three times over: masked steps of the vectors are masked here. */
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

    if (!model) {
      g_test_skip ("this machine lacks the instruction set");
      return;
    }
    if (!lstm_model_is_causal (model)) {
      g_test_skip ("there is no state between whole sequences");
      return;
    }
    check_model (model, x.shape[0], 3 * x.shape[1], steps);
  }
}

static const struct {
  const char *name;
  gsize bs;
  TestNetwork network;
} networks[] = {
    {"lstm", 1, {5, {{TEST_LSTM, 20}}}},
    {"stack", 3, {1, {{TEST_LSTM, 9}, {TEST_LSTM, 17}, {TEST_LSTM, 4}}, .seed = 3}},
    {"wide", 2, {33, {{TEST_LSTM, 65}, {TEST_DENSE, 3, "softmax"}}, .seed = 1}},
    {"between", 4,
        {6,
            {{TEST_NORMALIZATION}, {TEST_DENSE, 8, "tanh"}, {TEST_LSTM, 12},
                {TEST_DENSE, 5, "relu"}, {TEST_LSTM, 10}},
            .seed = 4}},
    {"dense", 3, {6, {{TEST_DENSE, 11, "tanh"}, {TEST_DENSE, 3, "softmax"}}, .seed = 6}},
};

static LstmModel *
load (guint network, const char *isa, LstmPrecision precision)
{
  g_autoptr (GBytes) file = test_network_file (&networks[network].network);

  return test_model_load_bytes (file, isa, precision);
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
  const gsize n = STEPS * networks[test->network].bs * networks[test->network].network.d;
  g_autofree float *x = g_new (float, n);

  test_fill (x, n, 7);
  for (guint p = 0; p < TEST_N_PRECISIONS; p++) {
    g_autoptr (LstmModel) model = load (test->network, test->isa, (LstmPrecision) p);

    if (!model) {
      g_test_skip ("this machine lacks the instruction set");
      return;
    }
    check_model (model, networks[test->network].bs, STEPS, x);
  }
}

/* --- Files --- */

/* The file of a state or window of three streams after seven steps */
static GBytes *
make_file (LstmModel *model, gboolean of_window)
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

/* Loads and frees; FALSE with the error. */
static gboolean
loads (LstmModel *model, gboolean of_window, GBytes *file, GError **error)
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

/* What is saved of @file when it was loaded */
static GBytes *
load_and_save (LstmModel *model, gboolean of_window, GBytes *file)
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

/* @file as it was written before there were digests */
static GBytes *
without_digest (GBytes *file)
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

/* @file with @value instead of its number @index */
static GBytes *
with_value (GBytes *file, gsize index, float value)
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

/* --- What goes with it --- */

static void
test_numbers (void)
{
  static const guint64 values[] = {
      0, 1, G_GUINT64_CONSTANT (1) << 53 | 1, G_MAXINT64, G_MAXUINT64 - 1, G_MAXUINT64};
  g_autoptr (LstmModel) model = load (0, "base", LSTM_PRECISION_FLOAT32);
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

/* The signs of zeros, denormal and largest values stay what they are. */
static void
test_extreme_values (void)
{
  static const float values[] = {-0.f, 1e-45f, -FLT_MIN / 2, FLT_MAX, -FLT_MAX};

  for (guint window = 0; window < 2; window++) {
    g_autoptr (LstmModel) model = load (0, "base", LSTM_PRECISION_FLOAT32);
    g_autoptr (GBytes) made = make_file (model, window);
    g_autoptr (GBytes) file = without_digest (made);

    for (gsize i = 0; i < G_N_ELEMENTS (values); i++) {
      g_autoptr (GBytes) edited = with_value (file, i, values[i]);
      g_autoptr (GBytes) again = load_and_save (model, window, edited);
      g_autoptr (GBytes) undigested = without_digest (again);

      g_assert_true (g_bytes_equal (undigested, edited));
    }
  }
}

/* A NaN in one stream is found, whichever layer and unit it is in, and is gone with a reset. */
static void
test_finite (void)
{
  for (guint network = 0; network < G_N_ELEMENTS (networks); network++) {
    const gsize d = networks[network].network.d, bs = networks[network].bs;
    g_autoptr (LstmModel) model = load (network, "base", LSTM_PRECISION_FLOAT32);
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

/* A state that was saved on one instruction set loads on every other. */
static void
test_other_isas (void)
{
  g_autoptr (LstmModel) base = load (1, "base", LSTM_PRECISION_INT8);
  g_autoptr (LstmState) state = test_state_new (base, 2);
  g_autoptr (GBytes) file = NULL;

  lstm_state_run (state, 3, (float[]){1, 2, 3, 4, 5, 6}, NULL);
  file = lstm_state_save (state, 0, 3);
  for (gsize i = 0; test_isas[i]; i++) {
    g_autoptr (LstmModel) model = load (1, test_isas[i], LSTM_PRECISION_INT8);
    g_autoptr (LstmState) loaded = model ? state_load (model, file) : NULL;

    if (loaded)
      check_memory (model, loaded, state);
  }
}

static void
test_whole (void)
{
  g_autoptr (LstmModel) model = load (0, "base", LSTM_PRECISION_FLOAT32);
  g_autoptr (LstmState) state = lstm_state_new_whole (model, 1, 3, NULL);

  g_test_expect_message ("lstm", G_LOG_LEVEL_CRITICAL, "*!state->whole*");
  g_assert_null (lstm_state_save (state, 0, 0));
  g_test_assert_expected_messages ();
}

/* --- Refused --- */

/* A saved state or window in which a part of the header is another */
typedef struct {
  const char *name;
  gboolean window; /* of length 5 and hop 2 */
  const char *from, *to;
  int code; /* LstmError, or -1: the file is accepted */
  const char *message;
} Refusal;

#define META(key, value) "\"lstm." key "\":\"" value "\""
#define HIDDEN "\"0.hidden\":{\"dtype\":\"F32\",\"shape\":[3,20],\"data_offsets\":[0,240]}"
#define OTHER(name, dtype, shape)                                                              \
  "\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":[0,240]}"

static const Refusal refusals[] = {
    {"same", FALSE, "{", "{", -1, NULL},
    {"same-window", TRUE, "{", "{", -1, NULL},
    {"foreign-key", FALSE, META ("state", "1"), META ("state", "1") ",\"note\":\"\"", -1, NULL},

    {"no-version", FALSE, META ("state", "1") ",", "", LSTM_ERROR_STATE,
        "\"lstm.state\": expected 1, found none"},
    {"next-version", FALSE, META ("state", "1"), META ("state", "2"), LSTM_ERROR_STATE,
        "\"lstm.state\": expected 1, found \"2\""},
    {"other-model", FALSE, "\"lstm.model\":\"", "\"lstm.model\":\"0", LSTM_ERROR_STATE,
        "test: state of another model: expected "},
    {"no-model", FALSE, "\"lstm.model\"", "\"model\"", LSTM_ERROR_STATE, "found none"},
    {"unknown-key", FALSE, META ("state", "1"), META ("state", "1") "," META ("stat", ""),
        LSTM_ERROR_STATE, "\"lstm.stat\": expected no such key for a state, found \"\""},
    {"unknown-window-key", TRUE, META ("state", "1"), META ("state", "1") "," META ("x", "3"),
        LSTM_ERROR_STATE, "\"lstm.x\": expected no such key for windows"},
    {"state-of-windows", FALSE, META ("state", "1"),
        META ("state", "1") "," META ("window-hop", "3"), LSTM_ERROR_STATE,
        "\"lstm.window-hop\": expected no such key for a state"},

    {"no-streams", FALSE, META ("streams", "3") ",", "", LSTM_ERROR_STATE,
        "\"lstm.streams\": expected a number from 1 to "},
    {"0-streams", FALSE, META ("streams", "3"), META ("streams", "0"), LSTM_ERROR_STATE,
        "found \"0\""},
    {"-3-streams", FALSE, META ("streams", "3"), META ("streams", "-3"), LSTM_ERROR_STATE,
        "found \"-3\""},
    {"most-streams", FALSE, META ("streams", "3"), META ("streams", "9223372036854775807"),
        LSTM_ERROR_SHAPE, "expected shape [9223372036854775807, 20], found [3, 20]"},
    {"too-many-streams", FALSE, META ("streams", "3"), META ("streams", "18446744073709551619"),
        LSTM_ERROR_STATE, "expected a number from 1 to "},
    {"fewer-streams", FALSE, META ("streams", "3"), META ("streams", "2"), LSTM_ERROR_SHAPE,
        "\"0.hidden\": expected shape [2, 20], found [3, 20]"},
    {"no-steps", FALSE, "," META ("steps", "7"), "", LSTM_ERROR_STATE, "\"lstm.steps\""},
    {"steps-fraction", FALSE, META ("steps", "7"), META ("steps", "7.5"), LSTM_ERROR_STATE,
        "\"lstm.steps\""},
    {"steps-blank", FALSE, META ("steps", "7"), META ("steps", " 7"), LSTM_ERROR_STATE,
        "\"lstm.steps\""},
    {"no-time", FALSE, META ("next-time", "1000") ",", "", -1, NULL},
    {"time-empty", FALSE, META ("next-time", "1000"), META ("next-time", ""), LSTM_ERROR_STATE,
        "\"lstm.next-time\""},
    {"time-unknown", FALSE, META ("next-time", "1000"),
        META ("next-time", "18446744073709551615"), LSTM_ERROR_STATE,
        "\"lstm.next-time\": expected a number from 0 to 18446744073709551614"},
    {"last-time", FALSE, META ("next-time", "1000"), META ("time", "900"), -1, NULL},
    {"last-time-empty", FALSE, META ("next-time", "1000"), META ("time", ""), LSTM_ERROR_STATE,
        "\"lstm.time\""},
    {"empty-digest", FALSE, META ("state", "1"), META ("state", "1") "," META ("digest", ""),
        LSTM_ERROR_STATE, "\"lstm.digest\": expected sha256:"},

    {"other-length", TRUE, META ("window-length", "5"), META ("window-length", "6"),
        LSTM_ERROR_STATE, "\"lstm.window-length\": expected 5, found \"6\""},
    {"other-hop", TRUE, META ("window-hop", "2"), META ("window-hop", "3"), LSTM_ERROR_STATE,
        "\"lstm.window-hop\": expected 2, found \"3\""},
    {"no-windows", TRUE, META ("window-length", "5") ",", "", LSTM_ERROR_STATE,
        "\"lstm.window-length\": expected 5, found none"},
    {"last-position", TRUE, META ("window-position", "7"), META ("window-position", "8"), -1,
        NULL},
    {"position-behind", TRUE, META ("window-position", "7"), META ("window-position", "9"),
        LSTM_ERROR_STATE, "\"lstm.window-position\": expected a number from 0 to 8, found"},
    {"position-far", TRUE, META ("window-position", "7"),
        META ("window-position", "18446744073709551615"), LSTM_ERROR_STATE, "from 0 to 8"},
    {"position-negative", TRUE, META ("window-position", "7"), META ("window-position", "-1"),
        LSTM_ERROR_STATE, "from 0 to 8"},
    {"no-position", TRUE, "," META ("window-position", "7"), "", LSTM_ERROR_STATE,
        "from 0 to 8"},
    {"other-slots", TRUE, "[3,3,20]", "[9,20]", LSTM_ERROR_SHAPE,
        "expected shape [3, 3, 20], found [9, 20]"},

    {"no-hidden", FALSE, HIDDEN, OTHER ("0.bidden", "F32", "[3,20]"), LSTM_ERROR_TENSOR,
        "test: expected a tensor \"0.hidden\", found none"},
    {"no-cell", FALSE, "0.cell", "1.cell", LSTM_ERROR_TENSOR, "\"0.cell\", found none"},
    {"transposed", FALSE, HIDDEN, OTHER ("0.hidden", "F32", "[20,3]"), LSTM_ERROR_SHAPE,
        "\"0.hidden\": expected shape [3, 20], found [20, 3]"},
    {"flat", FALSE, HIDDEN, OTHER ("0.hidden", "F32", "[60]"), LSTM_ERROR_SHAPE, "found [60]"},
    {"integers", FALSE, HIDDEN, OTHER ("0.hidden", "I32", "[3,20]"), LSTM_ERROR_TENSOR,
        "\"0.hidden\": expected F32, found I32"},
    {"doubles", FALSE, HIDDEN, OTHER ("0.hidden", "F64", "[3,10]"), LSTM_ERROR_TENSOR,
        "expected F32, found F64"},
    {"one-more", FALSE, HIDDEN,
        HIDDEN ",\"2.cell\":{\"dtype\":\"F32\",\"shape\":[3,0],\"data_offsets\":[240,240]}",
        LSTM_ERROR_TENSOR, "\"2.cell\" belongs to no LSTM layer"},
    {"lying-size", FALSE, HIDDEN, OTHER ("0.hidden", "F32", "[4,20]"), LSTM_ERROR_FORMAT,
        "\"0.hidden\": expected 320 bytes"},
    {"not-json", FALSE, "{", "[", LSTM_ERROR_FORMAT, "test: header"},
};

/* Without its digest a file is refused for what is wrong with it. */
static void
test_refusal (gconstpointer data)
{
  const Refusal *test = data;
  g_autoptr (LstmModel) model = load (0, "base", LSTM_PRECISION_FLOAT32);
  g_autoptr (GBytes) made = make_file (model, test->window);
  g_autoptr (GBytes) file = without_digest (made);
  g_autoptr (GBytes) edited = test_edit_header (file, test->from, test->to, 1);
  g_autoptr (GError) error = NULL;

  g_assert_true (loads (model, test->window, edited, &error) == (test->code < 0));
  if (test->code < 0) {
    g_assert_no_error (error);
    return;
  }
  g_test_message ("%s", error->message);
  g_assert_error (error, LSTM_ERROR, test->code);
  g_assert_true (g_str_has_prefix (error->message, "test: "));
  g_assert_nonnull (strstr (error->message, test->message));
}

/* A state is none of windows, a window none of states, and a model neither. */
static void
test_other_kind (void)
{
  g_autoptr (LstmModel) model = load (0, "base", LSTM_PRECISION_FLOAT32);
  GBytes *files[] = {make_file (model, FALSE), make_file (model, TRUE),
      test_network_file (&networks[0].network)};

  for (gsize i = 0; i < G_N_ELEMENTS (files); i++)
    for (guint window = 0; window < 2; window++) {
      g_autoptr (GError) error = NULL;

      if (loads (model, window, files[i], &error) != (i == window))
        g_error ("%" G_GSIZE_FORMAT " as %u", i, window);
      if (i != window)
        g_assert_error (error, LSTM_ERROR, LSTM_ERROR_STATE);
    }
  for (gsize i = 0; i < G_N_ELEMENTS (files); i++)
    g_bytes_unref (files[i]);
}

static void
test_truncated (void)
{
  g_autoptr (LstmModel) model = load (0, "base", LSTM_PRECISION_FLOAT32);

  for (guint window = 0; window < 2; window++) {
    g_autoptr (GBytes) file = make_file (model, window);

    for (gsize size = 0; size < g_bytes_get_size (file); size++) {
      g_autoptr (GBytes) part = g_bytes_new_from_bytes (file, 0, size);
      g_autoptr (GError) error = NULL;

      g_assert_false (loads (model, window, part, &error));
      g_assert_error (error, LSTM_ERROR, LSTM_ERROR_FORMAT);
    }
  }
}

/* A file of which a byte is another is refused, or the same is made of it: the digest tells what
 * no other rule does, for example of h and c. */
static void
test_damaged (void)
{
  static const guint8 flips[] = {0x01, 0x20, 0x80, 0xff};
  g_autoptr (LstmModel) model = load (0, "base", LSTM_PRECISION_FLOAT32);

  for (guint window = 0; window < 2; window++) {
    g_autoptr (GBytes) file = make_file (model, window);
    gsize size, by_digest = 0;
    const guint8 *content = g_bytes_get_data (file, &size);
    const gsize data = 8 + (gsize) GUINT64_FROM_LE (*(const guint64 *) content);

    for (gsize i = 0; i < size * G_N_ELEMENTS (flips); i++) {
      g_autofree guint8 *copy = g_memdup2 (content, size);
      g_autoptr (GBytes) damaged = NULL;
      g_autoptr (GError) error = NULL;

      copy[i / G_N_ELEMENTS (flips)] ^= flips[i % G_N_ELEMENTS (flips)];
      damaged = g_bytes_new (copy, size);
      if (loads (model, window, damaged, &error)) {
        g_autoptr (GBytes) again = load_and_save (model, window, damaged);

        g_assert_true (g_bytes_equal (again, file));
        g_assert_cmpuint (i / G_N_ELEMENTS (flips), <, data);
        continue;
      }
      g_assert_true (g_str_has_prefix (error->message, "test: "));
      by_digest += strstr (error->message, "\"lstm.digest\": expected sha256:") != NULL;
    }
    g_assert_cmpuint (by_digest, >=, (size - data) * G_N_ELEMENTS (flips));
  }
}

/* The digest says nothing of the order in which other programs put keys and tensors. */
static void
test_other_order (void)
{
  g_autoptr (LstmModel) model = load (0, "base", LSTM_PRECISION_FLOAT32);
  g_autoptr (GBytes) file = make_file (model, FALSE);
  g_autoptr (GBytes) fewer = test_edit_header (file, META ("streams", "3") ",", "", 1);
  g_autoptr (GBytes) moved = test_edit_header (
      fewer, META ("steps", "7"), META ("steps", "7") "," META ("streams", "3"), 1);
  g_autoptr (GBytes) again = load_and_save (model, FALSE, moved);

  g_assert_true (g_bytes_equal (again, file));
}

/* Of windows only those that are open count: after seven steps the one that began with the third is
 * complete, and its slot is the second. */
static void
test_not_finite (void)
{
  static const float values[] = {NAN, INFINITY, -INFINITY};
  enum { UNITS = 20 };
  g_autoptr (LstmModel) model = load (0, "base", LSTM_PRECISION_FLOAT32);

  for (guint window = 0; window < 2; window++) {
    g_autoptr (GBytes) made = make_file (model, window);
    g_autoptr (GBytes) file = without_digest (made);
    const gsize rows = window ? 9 : 3;

    for (gsize i = 0; i < 2 * rows * UNITS; i++) {
      const gsize row = i / UNITS % rows, unit = i % UNITS;
      g_autoptr (GBytes) bad = with_value (file, i, values[i % G_N_ELEMENTS (values)]);
      g_autofree char *at = window ? g_strdup_printf ("[%zu, %zu, %zu]", row / 3, row % 3, unit)
                                   : g_strdup_printf ("[%zu, %zu]", row, unit);
      g_autofree char *expected = g_strdup_printf (
          "test: tensor \"0.%s\": expected finite values, found %g at %s",
          i / UNITS < rows ? "hidden" : "cell", (double) values[i % G_N_ELEMENTS (values)], at);
      g_autoptr (GError) error = NULL;

      if (loads (model, window, bad, &error)) {
        g_assert_true (window);
        g_assert_cmpuint (row % 3, ==, 1);
        continue;
      }
      g_assert_error (error, LSTM_ERROR, LSTM_ERROR_VALUE);
      g_assert_cmpstr (error->message, ==, expected);
    }
  }
}

/* Without an LSTM layer no tensor vouches for the streams. */
static void
test_no_memory (void)
{
  g_autoptr (LstmModel) model = load (4, "base", LSTM_PRECISION_FLOAT32);
  g_autoptr (LstmState) state = test_state_new (model, 1);
  g_autoptr (GBytes) made = lstm_state_save (state, 0, 0);
  g_autoptr (GBytes) file = without_digest (made);
  g_autoptr (GBytes)
      many = test_edit_header (file, META ("streams", "1"), META ("streams", "65537"), 1);
  g_autoptr (GError) error = NULL;

  g_assert_false (loads (model, FALSE, many, &error));
  g_assert_error (error, LSTM_ERROR, LSTM_ERROR_STATE);
  g_assert_nonnull (strstr (error->message, "from 1 to 65536"));
}

/* --- Files of other days and machines --- */

/* vectors/states: of variants/torch-projection, three streams after seven steps. They are the
 * fuzzer's seeds too. LSTM_TEST_RENEW writes them anew, but for those that were written before there
 * were digests and had the time of the last step. */
static const struct {
  const char *name;
  gboolean window, old;
} stored[] = {{"state.safetensors", FALSE, FALSE}, {"window.safetensors", TRUE, FALSE},
    {"state-undigested.safetensors", FALSE, TRUE},
    {"window-undigested.safetensors", TRUE, TRUE}};

/* @a and @b, but for the blanks at the header's end */
static void
assert_same_file (GBytes *a, GBytes *b)
{
  GBytes *files[] = {a, b};
  char *headers[2];
  const char *data[2];
  gsize sizes[2];

  for (guint i = 0; i < 2; i++) {
    const char *content = g_bytes_get_data (files[i], &sizes[i]);
    const gsize length = (gsize) GUINT64_FROM_LE (*(const guint64 *) content);

    headers[i] = g_strchomp (g_strndup (content + 8, length));
    data[i] = content + 8 + length;
    sizes[i] -= 8 + length;
  }
  g_assert_cmpstr (headers[0], ==, headers[1]);
  g_assert_cmpmem (data[0], sizes[0], data[1], sizes[1]);
  g_free (headers[0]);
  g_free (headers[1]);
}

static void
test_stored (void)
{
  const char *root = g_getenv ("LSTM_TEST_VECTORS");
  g_autofree char *path = g_build_filename (
      root, "variants", "torch-projection", "model.safetensors", NULL);
  g_autoptr (LstmModel) model = test_model_load (path, "base");

  for (gsize i = 0; i < G_N_ELEMENTS (stored); i++) {
    g_autofree char *file = g_build_filename (root, "states", stored[i].name, NULL);
    g_autofree char *content = NULL;
    g_autoptr (GBytes) made = make_file (model, stored[i].window);
    g_autoptr (GBytes) bytes = NULL, again = NULL;
    gsize size;

    if (g_getenv ("LSTM_TEST_RENEW") && !stored[i].old)
      g_assert_true (g_file_set_contents (
          file, g_bytes_get_data (made, NULL), (gssize) g_bytes_get_size (made), NULL));
    g_assert_true (g_file_get_contents (file, &content, &size, NULL));
    bytes = g_bytes_new (content, size);
    again = load_and_save (model, stored[i].window, bytes);
    if (stored[i].old) { /* the time of the next step is not made up */
      g_autoptr (GBytes) timeless = test_edit_header (bytes, META ("time", "1000") ",", "", 1);
      g_autoptr (GBytes) undigested = without_digest (again);

      assert_same_file (undigested, timeless);
    } else {
      g_assert_true (g_bytes_equal (again, bytes));
    }
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  test_add_folders ("variants", "save/variants", test_variant);
  for (gsize i = 0; test_isas[i]; i++) {
    for (guint n = 0; n < G_N_ELEMENTS (networks); n++) {
      g_autofree char *path = g_strdup_printf (
          "/save/networks/%s/%s", networks[n].name, test_isas[i]);
      Case *test = g_new (Case, 1);

      *test = (Case){n, test_isas[i]};
      g_test_add_data_func_full (path, test, test_network, g_free);
    }
  }
  for (gsize i = 0; i < G_N_ELEMENTS (refusals); i++) {
    g_autofree char *path = g_strconcat ("/save/refused/", refusals[i].name, NULL);

    g_test_add_data_func (path, &refusals[i], test_refusal);
  }
  g_test_add_func ("/save/numbers", test_numbers);
  g_test_add_func ("/save/extreme-values", test_extreme_values);
  g_test_add_func ("/save/finite", test_finite);
  g_test_add_func ("/save/isas", test_other_isas);
  g_test_add_func ("/save/whole", test_whole);
  g_test_add_func ("/save/other-kind", test_other_kind);
  g_test_add_func ("/save/truncated", test_truncated);
  g_test_add_func ("/save/damaged", test_damaged);
  g_test_add_func ("/save/other-order", test_other_order);
  g_test_add_func ("/save/not-finite", test_not_finite);
  g_test_add_func ("/save/no-memory", test_no_memory);
  g_test_add_func ("/save/stored", test_stored);
  return g_test_run ();
}
