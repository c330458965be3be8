/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * All models of tests/vectors, and samples of models of other systems if there are any. Each model
 * runs in the library, also after lstm-convert, and in npysrc ! lstm ! npysink: as complete
 * sequences and step by step. A new family of models is a new row. */
#include "../array.h"
#include "npy-files.h"
#include <glib/gstdio.h>
#include <lstm/lstm.h>

/* A family of models. A folder uses the first table row whose pattern matches it and whose files
 * all exist. */
typedef struct {
  const char *folder;        /* pattern */
  const char *input, *x;     /* file of the input, and its axes */
  const char *expected, *y;  /* file of the outputs for complete sequences, and its axes */
  double tolerance;          /* of |found - expected| / max (1, |expected|) */
  const char *steps;         /* (nullable): file of the outputs after each step */
  const char *hidden, *cell; /* (nullable): files (L, B, N) with h and c after the last step */
  const char *mask;    /* (nullable): file (bs, T), or (bs) lengths, beyond which y is 0 */
  const char *pending; /* (nullable): missing feature; without a mask, text of the refusal */
  const char *module_chain; /* (nullable): for a state dict without a module-chain.txt */
} ModelFamily;

static const ModelFamily vectors[] = {
    {"lstm/*", "x.npy", "BTN", "expected.npy", "BTN", 1e-5, "expected.npy"},
    {"variants/*", "x.npy", "BTN", "expected.npy", "BTN", 1e-5, .mask = "mask.npy"},
    {"variants/*", "x.npy", "BTN", "expected.npy", "BTN", 1e-5, "steps.npy"},
    {"variants/*", "x.npy", "BTN", "expected.npy", "BTN", 1e-5},
    {"convert/*", "x.npy", "BTN", "expected.npy", "BTN", 1e-5, .mask = "mask.npy"},
    {"convert/*", "x.npy", "BTN", "expected.npy", "BTN", 1e-5, "steps.npy"},
    {"convert/*", "x.npy", "BTN", "expected.npy", "BTN", 1e-5},
    {"torch/*", "x.npy", "BTN", "expected.npy", "BTN", 1e-5, "steps.npy"},
    {"torch/*", "x.npy", "BTN", "expected.npy", "BTN", 1e-5},
    {NULL},
};

#define KERAS "input.npy", "BTN", "expected.npy"
#define ONNX "input_X.npy", "TBN"

static const ModelFamily samples[] = {
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
    /* The tests of ONNX Runtime state six or seven digits. */
    {"ort_unit/MixedSequenceLengths_1", ONNX, "expected_Y.npy", "TLBN", 1e-4,
        .hidden = "expected_Y_h.npy", .cell = "expected_Y_c.npy",
        .mask = "input_sequence_lens.npy"},
    {"ort_unit/*", ONNX, "expected_Y.npy", "TLBN", 1e-4, .hidden = "expected_Y_h.npy",
        .cell = "expected_Y_c.npy"},
    {"onnx_export/*_seq_*", "input_input.npy", "BTN", "expected_output.npy", "BTN", 1e-5},
    {"onnx_export/*_step_*", "input_input.npy", "BTN", "expected_output.npy", "BN", 1e-5},
    {"onnx_real/engine_rul_tf2onnx", "input_input_layer.npy", "BTN", "expected_output_0.npy",
        "BN", 1e-5},
    /* stream/ begins with the initial state. Another vector of this model has one step from an
     * input state, which would need a state file. */
    {"onnx_real/dtln_model_1", "stream/input.npy", "BTN", "stream/expected.npy", "BTN", 1e-5},
    {"rtneural/lstm", KERAS, "BTN", 2e-6},
    {"rtneural/lstm_torch", KERAS, "BTN", 2e-6, .module_chain = "lstm, lstm2, dense"},
    {"torch_oracle/*", KERAS, "BTN", 1e-5, .hidden = "expected_h.npy",
        .cell = "expected_c.npy"},
    {NULL},
};

typedef struct {
  const ModelFamily *row; /* NULL: no table row matches */
  char *dir, *model;
  char *module_chain; /* nullable */
} Case;

static void
check_close (const TestArray *found, const TestArray *expected, double tolerance)
{
  for (guint i = 0; i < 3; i++)
    g_assert_cmpuint (found->shape[i], ==, expected->shape[i]);
  g_assert_cmpfloat (test_error (found->values, expected->values, found->n), <=, tolerance);
}

static void
check_same (const TestArray *a, const TestArray *b)
{
  g_assert_cmpmem (a->values, a->n * sizeof (float), b->values, b->n * sizeof (float));
}

/* Returns: (transfer full): the last @steps steps */
static TestArray
copy_last_steps (const TestArray *array, gsize steps)
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

/* Compares h or c of each layer after the last step with @file. */
static void
check_memory (const Case *test, const LstmState *state, const char *file,
    gsize (*get_size) (const LstmModel *model, guint layer),
    void (*get) (const LstmState *state, guint layer, float *to))
{
  g_auto (TestArray) expected = test_array_load_axes (test->dir, file, "TBN");
  const gsize bs = expected.shape[0], layers = expected.shape[1], m = expected.shape[2];
  g_auto (TestArray) found = test_array_new (bs, layers, m), one = test_array_new (bs, 1, m);
  const LstmModel *model = lstm_state_get_model (state);

  g_assert_cmpuint (layers, ==, lstm_model_get_n_lstm_layers (model));
  for (guint l = 0; l < layers; l++) {
    g_assert_cmpuint (get_size (model, l), ==, m);
    get (state, l, one.values);
    for (gsize b = 0; b < bs; b++)
      memcpy (found.values + (b * layers + l) * m, one.values + b * m, m * sizeof (float));
  }
  check_close (&found, &expected, test->row->tolerance);
}

/* Returns: (transfer full): a mask (bs, T), from a file with a mask or with lengths */
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

/* Returns: (transfer full): the outputs for complete sequences. @test: (nullable): compares h and c
 * with its files */
static TestArray
run_sequences (LstmModel *model, const TestArray *x, const guint8 *mask, const Case *test)
{
  const gsize bs = x->shape[0], steps = x->shape[1];
  g_autoptr (GError) error = NULL;
  g_autoptr (LstmState) state = lstm_state_new_for_sequences (model, bs, steps, &error);
  TestArray y;

  g_assert_no_error (error);
  y = test_array_new (
      bs, lstm_state_get_output_steps (state, steps), lstm_model_get_output_size (model));
  lstm_state_run_full (state, &(LstmRun){.size = sizeof (LstmRun),
                                  .steps = steps,
                                  .input = x->values,
                                  .mask = mask,
                                  .output = y.values});
  if (test && test->row->hidden)
    check_memory (
        test, state, test->row->hidden, lstm_model_get_hidden_size, lstm_state_get_hidden);
  if (test && test->row->cell)
    check_memory (test, state, test->row->cell, lstm_model_get_cell_size, lstm_state_get_cell);
  return y;
}

/* Returns: (transfer full): the outputs after each step, run in chunks of @chunk steps */
static TestArray
run_steps (LstmModel *model, const TestArray *x, gsize chunk)
{
  const gsize bs = x->shape[0], steps = x->shape[1], d = x->shape[2];
  const gsize n = lstm_model_get_output_size (model);
  TestArray y = test_array_new (bs, steps, n);
  g_auto (TestArray) in = test_array_new (bs, chunk, d), out = test_array_new (bs, chunk, n);
  g_autoptr (GError) error = NULL;
  g_autoptr (LstmState) state = lstm_state_new (model, bs, &error);

  g_assert_no_error (error);
  for (gsize t = 0; t < steps; t += chunk) {
    for (gsize b = 0; b < bs; b++)
      memcpy (in.values + b * chunk * d, x->values + (b * steps + t) * d,
          chunk * d * sizeof (float));
    lstm_state_run (state, chunk, in.values, out.values);
    for (gsize b = 0; b < bs; b++)
      memcpy (y.values + (b * steps + t) * n, out.values + b * chunk * n,
          chunk * n * sizeof (float));
  }
  return y;
}

/* Asserts that single steps and complete sequences have the same outputs. @y: outputs for complete
 * sequences.
 * Returns: (transfer full): the outputs of all steps */
static TestArray
check_steps (const Case *test, LstmModel *model, const TestArray *x, const TestArray *y)
{
  TestArray each = run_steps (model, x, x->shape[1]);
  g_auto (TestArray) single = run_steps (model, x, 1),
                     end = copy_last_steps (&each, y->shape[1]);

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

/* Runs lstm-convert. Returns: (transfer full) (nullable): its error, or NULL on success */
static char *
convert_model (const char *from, const char *to, const char *module_chain)
{
  g_autofree char *option = module_chain ? g_strdup_printf ("--module-chain '%s'", module_chain)
                                         : g_strdup ("");
  g_autofree char *line = g_strdup_printf (
      "'%s' -o '%s' '%s' %s", g_getenv ("LSTM_CONVERT"), to, from, option);
  g_autoptr (GError) error = NULL;
  char *message;
  int status;

  g_spawn_command_line_sync (line, NULL, &message, &status, &error);
  g_assert_no_error (error);
  if (status == 0)
    g_clear_pointer (&message, g_free);
  return message;
}

/* Asserts that the converted model has the outputs of the file itself. */
static void
check_converted (const Case *test, const char *scratch, const TestArray *x, const TestArray *y)
{
  g_autofree char *path = g_build_filename (scratch, "model.safetensors", NULL);
  g_autofree char *message = convert_model (test->model, path, test->module_chain);
  g_autoptr (LstmModel) model = NULL;
  g_auto (TestArray) found = {0};

  g_assert_cmpstr (message, ==, NULL);
  model = load_model (path, NULL);
  found = run_sequences (model, x, NULL, NULL);
  check_same (&found, y);
}

/* --- Pipelines -------------------------------------------------------------------------- */

/* @mode: a value of output-mode, and further properties of `lstm` */
static void
check_pipeline (const Case *test, const char *scratch, guint chunk, const char *mode,
    const TestArray *expected)
{
  g_auto (TestArray) y = {0};
  g_autofree char *error = NULL;
  g_autofree char *module_chain = test->module_chain ? g_strdup_printf (
                                      "module-chain=\"%s\"", test->module_chain)
                                                     : g_strdup ("");

  if (!test_launch (&error,
          "npysrc location=\"%s/x.npy\" steps-per-buffer=%u ! lstm model-location=\"%s\" %s "
          "output-mode=%s ! npysink location=\"%s/y.npy\"",
          scratch, chunk, test->model, module_chain, mode, scratch))
    g_error ("%s", error);
  y = test_array_load (scratch, "y.npy");
  check_same (&y, expected);
}

/* @y: the outputs of all steps of a causal model, or those of the complete sequences */
static void
check_pipelines (const Case *test, const char *scratch, const TestArray *x, const TestArray *y,
    gboolean causal)
{
  g_autofree char *path = g_build_filename (scratch, "x.npy", NULL);
  g_autofree char *shape = g_strdup_printf (
      "(%zu, %zu, %zu)", x->shape[0], x->shape[1], x->shape[2]);
  g_autofree char *window = g_strdup_printf ("window window-length=%zu", x->shape[1]);
  g_auto (TestArray) last = copy_last_steps (y, 1);

  npy_write_floats (path, shape, x->values, x->n);
  check_pipeline (test, scratch, 1, "sequence", y);
  check_pipeline (test, scratch, 4, "sequence", y);
  check_pipeline (test, scratch, 1, "final", &last);
  check_pipeline (test, scratch, 3, window, causal ? &last : y);
}

/* --- All models ------------------------------------------------------------------------- */

static void
check_numbers (const Case *test, const char *scratch)
{
  const ModelFamily *row = test->row;
  g_autoptr (LstmModel) model = load_model (test->model, test->module_chain);
  g_auto (TestArray) x = test_array_load_axes (test->dir, row->input, row->x);
  g_auto (TestArray) expected = test_array_load_axes (test->dir, row->expected, row->y);
  g_auto (TestArray) y = run_sequences (model, &x, NULL, NULL), each = {0};
  const gboolean causal = lstm_model_is_causal (model);

  g_assert_cmpuint (lstm_model_get_input_size (model), ==, x.shape[2]);
  if (!row->mask || !row->pending) {
    g_autofree guint8 *mask = row->mask ? load_mask (test, x.shape[0], x.shape[1]) : NULL;
    g_auto (TestArray) masked = run_sequences (model, &x, mask, test);

    check_close (&masked, &expected, row->tolerance);
  }
  if (is_converted (test) || test->module_chain)
    check_converted (test, scratch, &x, &y);
  g_assert_true (causal || !row->steps);
  if (causal)
    each = check_steps (test, model, &x, &y);
  check_pipelines (test, scratch, &x, causal ? &each : &y, causal);
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
  g_autofree char *message = NULL, *posted = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_null (lstm_model_load (test->model, &error));
  check_words (error->message, test, words);
  g_assert_true (g_str_has_prefix (error->message, test->model));
  g_assert_false (test_launch (
      &posted, "npysrc location=x.npy ! lstm model-location=\"%s\" ! fakesink", test->model));
  check_words (posted, test, words);
  message = convert_model (test->model, path, NULL);
  g_assert_nonnull (message);
  check_words (message, test, words);
  g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));
}

static void
test_case (gconstpointer data)
{
  const Case *test = data;
  const ModelFamily *row = test->row;
  g_autofree char *words = test_read_text (test->dir, "refused.txt"),
                  *unstated = test_read_text (test->dir, "unstated.txt");
  char *scratch = test_dir_new ();

  if (test->module_chain)
    check_refused (
        test, scratch, unstated ? unstated : "does not show the chain of its modules");
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
matches_folder (const ModelFamily *row, const char *folder, const char *dir)
{
  const char *files[] = {
      row->input, row->expected, row->steps, row->hidden, row->cell, row->mask};
  gboolean found = g_pattern_match_simple (row->folder, folder);

  for (gsize i = 0; i < G_N_ELEMENTS (files) && found; i++) {
    g_autofree char *path = g_build_filename (dir, files[i], NULL); /* NULL: the folder */

    found = g_file_test (path, G_FILE_TEST_EXISTS);
  }
  return found;
}

/* Adds a test for each file model.* in root/@folder and its folders. */
static void
add_models (const char *root, const char *folder, const ModelFamily *rows)
{
  g_autofree char *dir = g_build_filename (root, folder, NULL);
  g_autoptr (GDir) entries = g_dir_open (dir, 0, NULL);
  const char *name;

  while (entries && (name = g_dir_read_name (entries))) {
    g_autofree char *below = g_build_filename (folder, name, NULL);

    if (g_str_has_prefix (name, "model.")) {
      g_autofree char *path = g_strconcat ("/models/", below, NULL);
      Case *test = g_new0 (Case, 1);

      for (const ModelFamily *row = rows; row->folder && !test->row; row++)
        test->row = matches_folder (row, folder, dir) ? row : NULL;
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
  const char *sample_dir = g_getenv ("LSTM_SAMPLE_MODELS");
  g_autofree char *root = NULL;

  test_init (&argc, &argv);
  for (gsize i = 0; i < G_N_ELEMENTS (families); i++)
    add_models (g_getenv ("LSTM_TEST_VECTORS"), families[i], vectors);
  root = sample_dir ? g_strdup (sample_dir) : test_source_path ("../shared/models");
  add_models (root, "", samples);
  g_test_add_data_func ("/models/samples", root, test_samples);
  return g_test_run ();
}
