/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Every model of tests/vectors, and every sample of other systems' models where there are any:
 * through lstm-convert, through the library, and through npysrc ! lstm ! npysink, as a whole and
 * step by step. A family of models is a row. */
#include "../array.h"
#include "npy-files.h"
#include <glib/gstdio.h>
#include <lstm/lstm.h>

/* Of a folder the first row counts that it matches, and whose files are all there. */
typedef struct {
  const char *folder;        /* a pattern */
  const char *input, *x;     /* file and axes */
  const char *expected, *y;  /* of the whole sequences */
  double tolerance;          /* of |got - expected| / max (1, |expected|) */
  const char *steps;         /* a file: after each step of a model that goes step by step */
  const char *hidden, *cell; /* files of axes LBN: of each LSTM layer after the last step */
  const char *mask;          /* a file: [bs, T], or [bs] lengths; beyond them y is 0 */
  const char *pending;       /* what lacks: with a mask a reason, else words of a refusal */
  const char *module_chain;          /* of a state dict that has no module-chain.txt beside it */
} Row;

static const Row own[] = {
    {"lstm/*", "x.npy", "BTN", "expected.npy", "BTN", 1e-5, "expected.npy"},
    {"variants/*", "x.npy", "BTN", "expected.npy", "BTN", 1e-5, .mask = "mask.npy"},
    {"variants/*", "x.npy", "BTN", "expected.npy", "BTN", 1e-5, "steps.npy"},
    {"variants/*", "x.npy", "BTN", "expected.npy", "BTN", 1e-5},
    {"convert/*", "x.npy", "BTN", "expected.npy", "BTN", 1e-5, .mask = "mask.npy"},
    {"convert/*", "x.npy", "BTN", "expected.npy", "BTN", 1e-5},
    {"torch/*", "x.npy", "BTN", "expected.npy", "BTN", 1e-5, "steps.npy"},
    {"torch/*", "x.npy", "BTN", "expected.npy", "BTN", 1e-5},
    {NULL},
};

#define KERAS "input.npy", "BTN", "expected.npy"
#define ONNX "input_X.npy", "TBN"

static const Row samples[] = {
    {"keras_unit/lstm_mask_seq", KERAS, "BTN", 1e-5, .mask = "input_mask.npy"},
    {"keras_unit/*", KERAS, "BN", 1e-5},
    {"keras_composite/*", KERAS, "BN", 1e-5},
    {"keras_real/*", KERAS, "BN", 1e-5, "expected_steps.npy"},
    {"onnx_conf/lstm_batchwise", "input_X.npy", "BTN", "expected_Y.npy", "BTLN", 1e-5},
    {"onnx_conf/lstm_bidirectional", ONNX, "expected_Y_h.npy", "LBN", 1e-5,
        .cell = "expected_Y_c.npy"},
    {"onnx_conf/lstm_reverse", ONNX, "expected_Y_h.npy", "LBN", 1e-5,
        .cell = "expected_Y_c.npy"},
    {"onnx_conf/*", ONNX, "expected_Y_h.npy", "LBN", 1e-5},
    {"onnx_oracle/*", ONNX, "expected_Y.npy", "TLBN", 1e-5, .hidden = "expected_Y_h.npy",
        .cell = "expected_Y_c.npy"},
    /* numbers typed into ONNX Runtime's tests with six or seven digits */
    {"ort_unit/MixedSequenceLengths_1", ONNX, "expected_Y.npy", "TLBN", 1e-4,
        .hidden = "expected_Y_h.npy", .cell = "expected_Y_c.npy",
        .mask = "input_sequence_lens.npy"},
    {"ort_unit/*", ONNX, "expected_Y.npy", "TLBN", 1e-4, .hidden = "expected_Y_h.npy",
        .cell = "expected_Y_c.npy"},
    {"onnx_export/*_seq_*", "input_input.npy", "BTN", "expected_output.npy", "BTN", 1e-5},
    {"onnx_export/*_step_*", "input_input.npy", "BTN", "expected_output.npy", "BN", 1e-5},
    {"onnx_real/engine_rul_tf2onnx", "input_input_layer.npy", "BTN", "expected_output_0.npy",
        "BN", 1e-5},
    /* Beside stream/, from state zero, it has one step from a state that is given, which would
     * have to be written as a file of the state's. */
    {"onnx_real/dtln_model_1", "stream/input.npy", "BTN", "stream/expected.npy", "BTN", 1e-5},
    {"rtneural/lstm", KERAS, "BTN", 2e-6},
    {"rtneural/lstm_torch", KERAS, "BTN", 2e-6, .module_chain = "lstm, lstm2, dense"},
    {"torch_oracle/*", KERAS, "BTN", 1e-5, .hidden = "expected_h.npy",
        .cell = "expected_c.npy"},
    {NULL},
};

typedef struct {
  const Row *row; /* NULL: none that fits */
  char *dir, *model;
  char *module_chain; /* or NULL */
} Case;

static void
check_close (const TestArray *got, const TestArray *expected, double tolerance)
{
  for (guint i = 0; i < 3; i++)
    g_assert_cmpuint (got->shape[i], ==, expected->shape[i]);
  g_assert_cmpfloat (test_error (got->values, expected->values, got->n), <=, tolerance);
}

static void
check_same (const TestArray *a, const TestArray *b)
{
  g_assert_cmpmem (a->values, a->n * sizeof (float), b->values, b->n * sizeof (float));
}

/* The last @steps steps */
static TestArray
tail (const TestArray *array, gsize steps)
{
  const gsize bs = array->shape[0], all = array->shape[1], n = array->shape[2];
  TestArray to = test_array_new (bs, steps, n);

  for (gsize b = 0; b < bs; b++)
    memcpy (to.values + b * steps * n, array->values + ((b + 1) * all - steps) * n,
        steps * n * sizeof (float));
  return to;
}

/* --- The library ------------------------------------------------------------------------ */

static LstmModel *
load_model (const char *path, const char *module_chain)
{
  g_autoptr (GError) error = NULL;
  LstmModel *model = lstm_model_load_full (path, LSTM_PRECISION_FLOAT32, module_chain, &error);

  g_assert_no_error (error);
  return model;
}

/* h or c of every layer after the last step */
static void
check_memory (const Case *test, const LstmState *state, const char *file,
    gsize (*get_size) (const LstmModel *model, guint layer),
    void (*get) (const LstmState *state, guint layer, float *to))
{
  g_auto (TestArray) expected = test_array_load_axes (test->dir, file, "TBN");
  const gsize bs = expected.shape[0], layers = expected.shape[1], m = expected.shape[2];
  g_auto (TestArray) got = test_array_new (bs, layers, m), one = test_array_new (bs, 1, m);
  const LstmModel *model = lstm_state_get_model (state);

  g_assert_cmpuint (layers, ==, lstm_model_get_n_lstm_layers (model));
  for (guint l = 0; l < layers; l++) {
    g_assert_cmpuint (get_size (model, l), ==, m);
    get (state, l, one.values);
    for (gsize b = 0; b < bs; b++)
      memcpy (got.values + (b * layers + l) * m, one.values + b * m, m * sizeof (float));
  }
  check_close (&got, &expected, test->row->tolerance);
}

/* [bs, T], of such a file or of one of lengths */
static guint8 *
load_mask (const Case *test, gsize bs, gsize steps)
{
  g_auto (TestArray) array = test_array_load (test->dir, test->row->mask);
  guint8 *mask = g_new (guint8, bs * steps);

  g_assert_cmpuint (array.n, ==, array.n_dims == 1 ? bs : bs * steps);
  for (gsize i = 0; i < bs * steps; i++)
    mask[i] = array.n_dims == 1 ? (float) (i % steps) < array.values[i / steps]
                                : array.values[i] > 0;
  return mask;
}

/* The output for whole sequences. @test: whose h and c are compared, or NULL */
static TestArray
run_whole (LstmModel *model, const TestArray *x, const guint8 *mask, const Case *test)
{
  const gsize bs = x->shape[0], steps = x->shape[1];
  g_autoptr (GError) error = NULL;
  g_autoptr (LstmState) state = lstm_state_new_for_sequences (model, bs, steps, &error);
  TestArray y;

  g_assert_no_error (error);
  y = test_array_new (
      bs, lstm_state_get_output_steps (state, steps), lstm_model_get_output_size (model));
  lstm_state_run_full (
      state, &(LstmRun){.steps = steps, .input = x->values, .mask = mask, .output = y.values});
  if (test && test->row->hidden)
    check_memory (
        test, state, test->row->hidden, lstm_model_get_hidden_size, lstm_state_get_hidden);
  if (test && test->row->cell)
    check_memory (test, state, test->row->cell, lstm_model_get_cell_size, lstm_state_get_cell);
  return y;
}

/* The output after each step, run in pieces of @piece */
static TestArray
run_steps (LstmModel *model, const TestArray *x, gsize piece)
{
  const gsize bs = x->shape[0], steps = x->shape[1], d = x->shape[2];
  const gsize n = lstm_model_get_output_size (model);
  TestArray y = test_array_new (bs, steps, n);
  g_auto (TestArray) in = test_array_new (bs, piece, d), out = test_array_new (bs, piece, n);
  g_autoptr (GError) error = NULL;
  g_autoptr (LstmState) state = lstm_state_new (model, bs, &error);

  g_assert_no_error (error);
  for (gsize t = 0; t < steps; t += piece) {
    for (gsize b = 0; b < bs; b++)
      memcpy (in.values + b * piece * d, x->values + (b * steps + t) * d,
          piece * d * sizeof (float));
    lstm_state_run (state, piece, in.values, out.values);
    for (gsize b = 0; b < bs; b++)
      memcpy (y.values + (b * steps + t) * n, out.values + b * piece * n,
          piece * n * sizeof (float));
  }
  return y;
}

/* @y: of the whole sequences. Returns: of each step, of which the last ones are the same */
static TestArray
check_steps (const Case *test, LstmModel *model, const TestArray *x, const TestArray *y)
{
  TestArray each = run_steps (model, x, x->shape[1]);
  g_auto (TestArray) single = run_steps (model, x, 1), end = tail (&each, y->shape[1]);

  check_same (&single, &each);
  check_same (&end, y);
  if (test->row->steps) {
    g_auto (TestArray) expected = test_array_load_axes (test->dir, test->row->steps, "BTN");

    check_close (&each, &expected, test->row->tolerance);
  }
  return each;
}

/* --- lstm-convert ----------------------------------------------------------------------- */

static gboolean
is_converted (const Case *test)
{
  return !g_str_has_suffix (test->model, ".safetensors");
}

/* Returns: (transfer full): what it said, if it failed */
static char *
convert (const char *from, const char *to, const char *module_chain)
{
  g_autofree char *option = module_chain ? g_strdup_printf ("--module-chain '%s'", module_chain) : g_strdup ("");
  g_autofree char *line = g_strdup_printf (
      "'%s' -o '%s' '%s' %s", g_getenv ("LSTM_CONVERT"), to, from, option);
  g_autoptr (GError) error = NULL;
  char *said;
  int status;

  g_spawn_command_line_sync (line, NULL, &said, &status, &error);
  g_assert_no_error (error);
  if (status == 0)
    g_clear_pointer (&said, g_free);
  return said;
}

/* What the converter makes is what the library makes of the file itself. */
static void
check_converted (const Case *test, const char *scratch, const TestArray *x, const TestArray *y)
{
  g_autofree char *path = g_build_filename (scratch, "model.safetensors", NULL);
  g_autofree char *said = convert (test->model, path, test->module_chain);
  g_autoptr (LstmModel) model = NULL;
  g_auto (TestArray) got = {0};

  g_assert_cmpstr (said, ==, NULL);
  model = load_model (path, NULL);
  got = run_whole (model, x, NULL, NULL);
  check_same (&got, y);
}

/* --- Pipelines -------------------------------------------------------------------------- */

static void
check_pipeline (const Case *test, const char *scratch, guint piece, const char *mode,
    const TestArray *expected)
{
  g_auto (TestArray) y = {0};
  g_autofree char *error = NULL;
  g_autofree char *module_chain = test->module_chain ? g_strdup_printf ("module-chain=\"%s\"", test->module_chain)
                                     : g_strdup ("");

  if (!test_launch (&error,
          "npysrc location=\"%s/x.npy\" steps-per-buffer=%u ! lstm model-location=\"%s\" %s "
          "output-mode=%s ! npysink location=\"%s/y.npy\"",
          scratch, piece, test->model, module_chain, mode, scratch))
    g_error ("%s", error);
  y = test_array_load (scratch, "y.npy");
  check_same (&y, expected);
}

static void
check_pipelines (
    const Case *test, const char *scratch, const TestArray *x, const TestArray *y)
{
  g_autofree char *path = g_build_filename (scratch, "x.npy", NULL);
  g_autofree char *shape = g_strdup_printf (
      "(%zu, %zu, %zu)", x->shape[0], x->shape[1], x->shape[2]);
  g_auto (TestArray) last = tail (y, 1);

  npy_write_floats (path, shape, x->values, x->n);
  check_pipeline (test, scratch, 1, "sequence", y);
  check_pipeline (test, scratch, 4, "sequence", y);
  check_pipeline (test, scratch, 1, "final", &last);
}

/* --- All of them ------------------------------------------------------------------------ */

static void
check_numbers (const Case *test, const char *scratch)
{
  const Row *row = test->row;
  g_autoptr (LstmModel) model = load_model (test->model, test->module_chain);
  g_auto (TestArray) x = test_array_load_axes (test->dir, row->input, row->x);
  g_auto (TestArray) expected = test_array_load_axes (test->dir, row->expected, row->y);
  g_auto (TestArray) y = run_whole (model, &x, NULL, NULL), each = {0};
  const gboolean causal = lstm_model_is_causal (model);

  g_assert_cmpuint (lstm_model_get_input_size (model), ==, x.shape[2]);
  if (!row->mask || !row->pending) {
    g_autofree guint8 *mask = row->mask ? load_mask (test, x.shape[0], x.shape[1]) : NULL;
    g_auto (TestArray) masked = run_whole (model, &x, mask, test);

    check_close (&masked, &expected, row->tolerance);
  }
  if (is_converted (test) || test->module_chain)
    check_converted (test, scratch, &x, &y);
  g_assert_true (causal || !row->steps);
  if (causal)
    each = check_steps (test, model, &x, &y);
  check_pipelines (test, scratch, &x, causal ? &each : &y);
}

static void
check_words (const char *message, const Case *test, const char *words)
{
  g_autofree char *path = g_strconcat (test->model, ": ", NULL);

  g_test_message ("%s", message);
  g_assert_nonnull (strstr (message, path));
  g_assert_nonnull (strstr (message, words));
}

static void
check_refused (const Case *test, const char *scratch, const char *words)
{
  g_autofree char *path = g_build_filename (scratch, "model.safetensors", NULL);
  g_autofree char *said = NULL, *posted = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_null (lstm_model_load (test->model, &error));
  check_words (error->message, test, words);
  g_assert_true (g_str_has_prefix (error->message, test->model));
  g_assert_false (test_launch (
      &posted, "npysrc location=x.npy ! lstm model-location=\"%s\" ! fakesink", test->model));
  check_words (posted, test, words);
  said = convert (test->model, path, NULL);
  g_assert_nonnull (said);
  check_words (said, test, words);
  g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));
}

static void
test_case (gconstpointer data)
{
  const Case *test = data;
  const Row *row = test->row;
  g_autofree char *words = test_read_text (test->dir, "refused.txt");
  char *scratch = test_dir_new ();

  if (test->module_chain)
    check_refused (test, scratch, "a state dict does not show the chain of its modules");
  if (words)
    check_refused (test, scratch, words);
  else if (!row)
    g_error ("%s: no row of the table fits", test->dir);
  else if (row->pending && !row->mask)
    check_refused (test, scratch, row->pending);
  else
    check_numbers (test, scratch);
  test_dir_remove (scratch);
}

static void
case_free (gpointer data)
{
  Case *test = data;

  g_free (test->dir);
  g_free (test->model);
  g_free (test->module_chain);
  g_free (test);
}

static gboolean
fits (const Row *row, const char *folder, const char *dir)
{
  const char *files[] = {
      row->input, row->expected, row->steps, row->hidden, row->cell, row->mask};
  gboolean found = g_pattern_match_simple (row->folder, folder);

  for (gsize i = 0; i < G_N_ELEMENTS (files) && found; i++) {
    g_autofree char *path = g_build_filename (dir, files[i], NULL); /* of NULL the folder */

    found = g_file_test (path, G_FILE_TEST_EXISTS);
  }
  return found;
}

/* A test for each file model.* in or below root/@folder */
static void
add_models (const char *root, const char *folder, const Row *rows)
{
  g_autofree char *dir = g_build_filename (root, folder, NULL);
  g_autoptr (GDir) entries = g_dir_open (dir, 0, NULL);
  const char *name;

  while (entries && (name = g_dir_read_name (entries))) {
    g_autofree char *below = g_build_filename (folder, name, NULL);

    if (g_str_has_prefix (name, "model.")) {
      g_autofree char *path = g_strconcat ("/models/", below, NULL);
      Case *test = g_new0 (Case, 1);

      for (const Row *row = rows; row->folder && !test->row; row++)
        test->row = fits (row, folder, dir) ? row : NULL;
      test->dir = g_strdup (dir);
      test->module_chain = test_read_text (dir, "module-chain.txt");
      if (!test->module_chain && test->row)
        test->module_chain = g_strdup (test->row->module_chain);
      test->model = g_build_filename (dir, name, NULL);
      g_test_add_data_func_full (path, test, test_case, case_free);
    } else {
      add_models (root, below, rows);
    }
  }
}

static void
test_samples (gconstpointer root)
{
  if (!g_file_test (root, G_FILE_TEST_IS_DIR))
    g_test_skip ("no samples (LSTM_SAMPLE_MODELS)");
}

int
main (int argc, char **argv)
{
  static const char *const families[] = {"lstm", "variants", "convert", "torch"};
  const char *given = g_getenv ("LSTM_SAMPLE_MODELS");
  g_autofree char *root = NULL;

  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (families); i++)
    add_models (g_getenv ("LSTM_TEST_VECTORS"), families[i], own);
  root = given ? g_strdup (given) : test_source_path ("../shared/models");
  add_models (root, "", samples);
  g_test_add_data_func ("/models/samples", root, test_samples);
  return g_test_run ();
}
