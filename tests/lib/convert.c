/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Loads models in other formats by their path, as an application does. Checks how the library
 * handles a converter that fails, is killed, or answers nonsense. */
#include "converter.h"
#include "testutil.h"
#include <glib/gstdio.h>
#include <errno.h>
#include <string.h>
#include <sys/wait.h>

#define TOLERANCE 1e-5

/* Returns the path of the file in @dir whose name begins with "model.". */
static char *
find_model (const char *dir)
{
  g_autoptr (GDir) opened = g_dir_open (dir, 0, NULL);
  const char *name;

  while ((name = g_dir_read_name (opened)))
    if (g_str_has_prefix (name, "model."))
      return g_build_filename (dir, name, NULL);
  g_error ("%s: no model", dir);
  return NULL;
}

static void
check_numbers (const char *dir, LstmModel *model)
{
  TestArray x = test_array_load (dir, "x.npy"),
            expected = test_array_load (dir, "expected.npy");
  const gsize bs = x.shape[0], steps = x.shape[1];
  g_autoptr (GError) error = NULL;
  g_autoptr (LstmState) state = lstm_state_new_for_sequences (model, bs, steps, &error);
  g_autofree float *y = g_new (float, expected.n);
  g_autofree guint8 *mask = test_load_mask (dir);

  g_assert_no_error (error);
  g_assert_cmpuint (lstm_model_get_input_size (model), ==, x.shape[2]);
  g_assert_cmpuint (lstm_model_get_output_size (model), ==, expected.shape[2]);
  g_assert_cmpuint (lstm_state_get_output_steps (state, steps), ==, expected.shape[1]);
  lstm_state_run_full (state, &(LstmRun){.size = sizeof (LstmRun),
                                  .steps = steps,
                                  .input = x.values,
                                  .mask = mask,
                                  .output = y});
  g_assert_cmpfloat (test_error (y, expected.values, expected.n), <, TOLERANCE);
  test_array_clear (&x);
  test_array_clear (&expected);
}

/* Checks the rate of a model, which is that of rate.txt, or unknown without that file. */
static void
check_rate (const char *dir, const LstmModel *model)
{
  g_autofree char *text = test_read_text (dir, "rate.txt");

  g_assert_cmpfloat (lstm_model_get_rate (model), ==, text ? g_ascii_strtod (text, NULL) : 0);
}

/* Runs lstm-convert -o @to @from @options. The command line is parsed as a shell does. */
static void
run_converter (const char *options, const char *from, const char *to)
{
  g_autofree char *line = g_strdup_printf (
      "'%s' -o '%s' '%s' %s", g_getenv ("LSTM_CONVERT"), to, from, options);
  g_autofree char *messages = NULL;
  g_autoptr (GError) error = NULL;
  int status;

  g_assert_true (g_spawn_command_line_sync (line, NULL, &messages, &status, &error));
  g_assert_no_error (error);
  g_test_message ("%s", messages);
  g_assert_cmpint (status, ==, 0);
}

/* Converts a file with @options, and converts the result again: a file that states its layers
 * stays the same. */
static void
check_converted (const char *dir, const char *path, const char *options)
{
  g_autofree char *scratch = g_dir_make_tmp ("lstm-XXXXXX", NULL);
  g_autofree char *once = g_build_filename (scratch, "once.safetensors", NULL);
  g_autofree char *twice = g_build_filename (scratch, "twice.safetensors", NULL);
  g_autofree char *a = NULL, *b = NULL;
  gsize a_size, b_size;
  g_autoptr (GError) error = NULL;
  g_autoptr (LstmModel) model = NULL;

  run_converter (options, path, once);
  run_converter ("", once, twice);
  g_assert_true (g_file_get_contents (once, &a, &a_size, NULL));
  g_assert_true (g_file_get_contents (twice, &b, &b_size, NULL));
  g_assert_cmpmem (a, a_size, b, b_size);
  model = lstm_model_load (twice, &error);
  g_assert_no_error (error);
  check_numbers (dir, model);
  g_unlink (once);
  g_unlink (twice);
  g_rmdir (scratch);
}

/* Converts a file that the library reads by itself to a file that states its layers. */
static void
test_described (gconstpointer data)
{
  g_autofree char *path = find_model (data),
                  *module_chain = test_read_text (data, "module-chain.txt");
  g_autofree char *options = module_chain
                                 ? g_strdup_printf ("--module-chain '%s'", module_chain)
                                 : g_strdup ("");

  check_converted (data, path, options);
}

/* Converts a file with a rate, which stays the same when the result is converted again. */
static void
test_rate (void)
{
  g_autofree char *dir = g_build_filename (
      g_getenv ("LSTM_TEST_VECTORS"), "convert", "amp-nam-lstm", NULL);
  g_autofree char *path = find_model (dir);

  check_converted (dir, path, "");
}

/* Checks that lstm-convert @options @path fails with @message and writes nothing. */
static void
check_refused (const char *options, const char *path, const char *message)
{
  g_autofree char *line = g_strdup_printf (
      "'%s' -o - %s '%s'", g_getenv ("LSTM_CONVERT"), options, path);
  g_autofree char *written = NULL, *messages = NULL;
  int status;

  g_assert_true (g_spawn_command_line_sync (line, &written, &messages, &status, NULL));
  g_test_message ("%s", messages);
  g_assert_true (WIFEXITED (status) && WEXITSTATUS (status) == 1);
  g_assert_cmpstr (written, ==, "");
  g_assert_nonnull (strstr (messages, message));
}

/* Converts a file of weights with the configuration of the model, which is in the same folder. */
static void
test_config (gconstpointer data)
{
  g_autofree char *path = find_model (data);
  g_autofree char *options = g_strdup_printf ("--config '%s/config.json'", (const char *) data);
  g_autofree char *refused = g_build_filename (data, "refused.txt", NULL), *message = NULL;

  if (test_skip_left_out (path))
    return;
  if (g_file_get_contents (refused, &message, NULL, NULL))
    check_refused (options, path, g_strchomp (message));
  else
    check_converted (data, path, options);
}

/* Checks that the output of lstm-convert contains the text of says.txt, if the folder has that
 * file. */
static void
check_messages (const char *dir, const char *path, const char *module_chain)
{
  const char *const argv[] = {g_getenv ("LSTM_CONVERT"), "-o", "-", path,
      module_chain ? "--module-chain" : NULL, module_chain, NULL};
  g_autofree char *file = g_build_filename (dir, "says.txt", NULL), *words = NULL,
                  *messages = NULL;

  if (!g_file_get_contents (file, &words, NULL, NULL))
    return;
  g_assert_true (g_spawn_sync (NULL, (char **) argv, NULL, G_SPAWN_STDOUT_TO_DEV_NULL, NULL,
      NULL, NULL, &messages, NULL, NULL));
  g_test_message ("%s", messages);
  g_assert_nonnull (strstr (messages, g_strchomp (words)));
}

static void
test_case (gconstpointer data)
{
  const char *dir = data;
  g_autofree char *path = find_model (dir), *message = test_read_text (dir, "refused.txt");
  g_autofree char *module_chain = test_read_text (dir, "module-chain.txt");
  g_autoptr (GError) error = NULL;
  g_autoptr (LstmModel) model = NULL;

  if (test_skip_left_out (path))
    return;
  model = lstm_model_load_full (path, LSTM_PRECISION_FLOAT32, module_chain, &error);
  if (!message) {
    g_assert_no_error (error);
    check_numbers (dir, model);
    check_rate (dir, model);
    check_messages (dir, path, module_chain);
    return;
  }
  g_assert_null (model);
  g_assert_nonnull (error);
  g_assert_true (error->domain == LSTM_ERROR);
  g_test_message ("%s", error->message);
  g_assert_true (g_str_has_prefix (error->message, path));
  g_assert_nonnull (strstr (error->message, message));
}

/* A shell command that writes the first line of an answer, before a model of SIZE bytes */
#define MODEL_LINE(size) "printf 'lstm-convert model %020d\\n' " size

/* A shell command that writes a model of 176 bytes, an LSTM layer of one unit */
#define TINY_MODEL                                                                             \
  "printf '\\210\\0\\0\\0\\0\\0\\0\\0%s' "                                                     \
  "'{\"weight_ih_l0\":{\"dtype\":\"F32\",\"shape\":[4,1],\"data_offsets\":[0,16]},"            \
  "\"weight_hh_l0\":{\"dtype\":\"F32\",\"shape\":[4,1],\"data_offsets\":[16,32]}}'; "          \
  "head -c 32 /dev/zero"

/* Scripts that are no converter, and a part of the error message */
static const struct {
  const char *name, *script, *message;
} broken[] = {
    {"silent", "exit 0", "failed (no answer)"},
    {"silent-error", "printf 'lstm-convert error %020d\\n' 0", "failed (no answer)"},
    {"empty", MODEL_LINE ("0"), "found 0 bytes"},
    {"fails", "echo lstm-convert: a reason >&2; exit 1", "a reason"},
    {"fails-silently", "exit 3", "failed (status 3)"},
    {"killed", "kill -SEGV $$", "failed (signal 11)"},
    {"aborts", "echo half a model; kill -ABRT $$", "failed (signal 6)"},
    {"writes-files", "echo more than none > \"$5.more\" && " MODEL_LINE ("0"), "failed"},
    {"nonsense", MODEL_LINE ("16") "; printf 0123456789abcdef",
        "model.keras: expected safetensors, found an unknown format that begins with 30 31"},
    {"short", MODEL_LINE ("17") "; printf 0123456789abcdef", "failed (no answer)"},
    {"long", MODEL_LINE ("176") "; " TINY_MODEL "; echo", "failed (no answer)"},
    {"too-large", MODEL_LINE ("99999999999"), "failed (no answer)"},
    {"endless", "exec yes 0123456789abcdef", "lstm-convert failed (signal"},
};

static char *
write_model (const char *dir)
{
  char *path = g_build_filename (dir, "model.keras", NULL);

  g_assert_true (g_file_set_contents (path, "PK\3\4 config.json, but not a model", -1, NULL));
  return path;
}

static void
check_broken (const char *program, const char *path, const char *message)
{
  g_autofree char *before = g_strdup (g_getenv ("LSTM_CONVERT"));
  g_autoptr (GError) error = NULL;

  g_setenv ("LSTM_CONVERT", program, TRUE);
  g_assert_null (lstm_model_load (path, &error));
  g_setenv ("LSTM_CONVERT", before, TRUE);
  g_assert_nonnull (error);
  g_test_message ("%s", error->message);
  g_assert_true (error->domain == LSTM_ERROR);
  g_assert_nonnull (strstr (error->message, message));
  g_assert_true (waitpid (-1, NULL, WNOHANG) < 0 && errno == ECHILD);
}

static void
test_broken (void)
{
  g_autofree char *dir = g_dir_make_tmp ("lstm-XXXXXX", NULL);
  g_autofree char *path = write_model (dir), *program = g_build_filename (dir, "fake", NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (broken); i++) {
    g_autofree char *script = g_strdup_printf ("#!/bin/sh\n%s\n", broken[i].script);

    g_assert_true (g_file_set_contents_full (
        program, script, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0755, NULL));
    g_assert_cmpint (g_chmod (program, 0755), ==, 0);
    check_broken (program, path, broken[i].message);
  }
  g_assert_cmpint (g_chmod (program, 0644), ==, 0);
  check_broken (program, path, "does not run");
  g_unlink (program);
  check_broken (program, path, "does not run");
  g_unlink (path);
  g_rmdir (dir);
}

/* A converter that is killed in the middle of its answer. Its description of the model on stderr does
 * not become the reason in the error message. */
static void
test_killed_in_answer (void)
{
  g_autofree char *path = g_build_filename (
      g_getenv ("LSTM_TEST_VECTORS"), "convert", "amp-nam-lstm", "model.nam", NULL);
  g_autofree char *dir = g_dir_make_tmp ("lstm-XXXXXX", NULL);
  g_autofree char *program = g_build_filename (dir, "fake", NULL);
  g_autofree char *script = g_strdup_printf (
      "#!/bin/sh\n'%s' \"$@\" | head -c 100\nkill -KILL $$\n", g_getenv ("LSTM_CONVERT"));
  g_autofree char *message = g_strconcat (path, ": lstm-convert failed (signal 9)", NULL);
  g_autofree char *before = g_strdup (g_getenv ("LSTM_CONVERT"));
  g_autoptr (GError) error = NULL;

  g_assert_true (g_file_set_contents_full (
      program, script, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0755, NULL));
  g_assert_cmpint (g_chmod (program, 0755), ==, 0);
  g_setenv ("LSTM_CONVERT", program, TRUE);
  g_assert_null (lstm_model_load (path, &error));
  g_setenv ("LSTM_CONVERT", before, TRUE);
  g_assert_nonnull (error);
  g_assert_cmpstr (error->message, ==, message);
  g_unlink (program);
  g_rmdir (dir);
}

/* A converter that never ends. The name of its input file selects what it does. */
static const char slow[] = "#!/bin/sh\n"
                           "case $5 in\n"
                           "*hangs) sleep 1000 ;;\n"
                           "*closes) exec sleep 1000 > /dev/null 2>&1 ;;\n"
                           "*leaves) sleep 1000 & exit 0 ;;\n"
                           "*floods) exec yes >&2 ;;\n"
                           "esac\n";

static gpointer
load_slowly (gpointer path)
{
  GError *error = NULL;

  g_assert_null (lstm_model_load (path, &error));
  return error;
}

/* Runs all converters at once, because each takes as long as a converter may. */
static void
test_slow (void)
{
  static const char *const names[] = {"hangs", "closes", "leaves", "floods"};
  g_autofree char *dir = g_dir_make_tmp ("lstm-XXXXXX", NULL);
  g_autofree char *program = g_build_filename (dir, "fake", NULL);
  g_autofree char *before = g_strdup (g_getenv ("LSTM_CONVERT"));
  char *paths[G_N_ELEMENTS (names)];
  GThread *threads[G_N_ELEMENTS (names)];

  g_assert_true (
      g_file_set_contents_full (program, slow, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0755, NULL));
  g_assert_cmpint (g_chmod (program, 0755), ==, 0);
  g_setenv ("LSTM_CONVERT", program, TRUE);
  for (gsize i = 0; i < G_N_ELEMENTS (names); i++) {
    paths[i] = g_build_filename (dir, names[i], NULL);
    g_assert_true (
        g_file_set_contents (paths[i], "PK\3\4 config.json, but not a model", -1, NULL));
    threads[i] = g_thread_new (names[i], load_slowly, paths[i]);
  }
  for (gsize i = 0; i < G_N_ELEMENTS (names); i++) {
    g_autoptr (GError) error = g_thread_join (threads[i]);

    g_test_message ("%s", error->message);
    g_assert_error (error, LSTM_ERROR, LSTM_ERROR_FORMAT);
    g_assert_true (g_str_has_prefix (error->message, paths[i]));
    g_assert_nonnull (strstr (error->message, "was not ready in time"));
    g_unlink (paths[i]);
    g_free (paths[i]);
  }
  g_assert_true (waitpid (-1, NULL, WNOHANG) < 0 && errno == ECHILD);
  g_setenv ("LSTM_CONVERT", before, TRUE);
  g_unlink (program);
  g_rmdir (dir);
}

/* Options that lstm-convert refuses for a file, and a part of the error message */
static const struct {
  const char *options, *file, *message;
} misused[] = {
    {"--module-chain 'fc relu'", "convert/keras-k210/model.h5",
        "module-chain is supported only for a PyTorch model; found Keras HDF5"},
    {"--module-chain 'fc relu'", "convert/onnx-node-plain/model.onnx",
        "module-chain is supported only for a PyTorch model; found ONNX"},
    {"--module-chain 'lstm, norm act last, head, -head.1'", "convert/pytorch-whole/model.pt",
        "\"head\": expected the modules in it, because an item drops one of them"},
    {"--module-chain 'lstm relu, fc'", "convert/pytorch-names/model.pt",
        "found \"relu\", which may be the module \"sub.relu\", an nn.LeakyReLU, or the "
        "keyword"},
    {"--module-chain 'lstm last, fc'", "convert/pytorch-names/model.pt",
        "found \"last\", which may be the module \"sub.last\", an nn.Identity, or the "
        "keyword"},
    {"--module-chain 'lstm last, fd'", "convert/pytorch-state-dict/model.pt",
        "found \"fd\" in \"fd\""},
    {"", "convert/pytorch-state-dict/model.pt",
        "a state dict does not show the chain of its modules; state it with "
        "module-chain=\"lstm, fc\""},
    {"--output x", "convert/pytorch-state-dict/model.pt",
        "--output is supported only for a model with several outputs; found PyTorch"},
    {"--module-chain 'out relu'", "lstm/head/model.safetensors",
        "module-chain is supported only for a PyTorch state dict"},
    {"--module-chain 'lstm, fc wish'", "torch/linear/model.safetensors",
        "found \"wish\" in \"fc wish\""},
    {"", "torch/linear/model.safetensors", "lstm-convert --module-chain \"lstm, fc\""},
    {"--config x.json", "torch/cell/model.safetensors",
        "--config is supported only for a Keras file that contains weights only; found "
        "safetensors"},
    {"--config /dev/null", "convert/keras-k210/model.h5",
        "/dev/null: expected a file, found a character device"},
    {"--output x", "torch/cell/model.safetensors",
        "--output is supported only for a model with several outputs; found safetensors"},
};

static void
test_misused (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (misused); i++) {
    g_autofree char *path = g_build_filename (
        g_getenv ("LSTM_TEST_VECTORS"), misused[i].file, NULL);

    if (!test_is_left_out (path))
      check_refused (misused[i].options, path, misused[i].message);
  }
}

static void
copy_file (const char *from, const char *to)
{
  g_autofree char *content = NULL;
  gsize size;

  g_assert_true (g_file_get_contents (from, &content, &size, NULL));
  g_assert_true (g_file_set_contents (to, content, (gssize) size, NULL));
}

/* A file next to a refused ONNX model, the vector that is its content (NULL: no Keras model), and
 * the end of the error message */
static const struct {
  const char *name, *vector, *end;
} siblings[] = {
    {"action.h5", "keras-k210", "; action.h5 in the same folder would load"},
    {"other.hdf5", "keras-k3-h5", "; other.hdf5 in the same folder would load"},
    {"action.keras", NULL, NULL},
    {"action.h5", "keras-unsupported-attention-h5", NULL},
    {"action.txt", "keras-k210", NULL},
};

/* The error of an ONNX model names a Keras file next to the model only if this file loads. */
static void
test_siblings (void)
{
  const char *root = g_getenv ("LSTM_TEST_VECTORS");
  g_autofree char *dir = g_dir_make_tmp ("lstm-XXXXXX", NULL);
  g_autofree char *model = g_build_filename (dir, "action.onnx", NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (siblings); i++) {
    g_autofree char *onnx = g_build_filename (
        root, "convert", "onnx-graph-attention", "model.onnx", NULL);
    g_autofree char *path = g_build_filename (dir, siblings[i].name, NULL);
    g_autofree char *folder = siblings[i].vector
                                  ? g_build_filename (root, "convert", siblings[i].vector, NULL)
                                  : NULL;
    g_autofree char *keras = folder ? find_model (folder) : NULL;
    g_autoptr (GError) error = NULL;

    copy_file (onnx, model);
    if (keras)
      copy_file (keras, path);
    else
      g_assert_true (g_file_set_contents (path, "PK\3\4 config.json", -1, NULL));
    g_assert_null (lstm_model_load (model, &error));
    g_test_message ("%s", error->message);
    if (siblings[i].end)
      g_assert_true (g_str_has_suffix (error->message, siblings[i].end));
    else
      g_assert_null (strstr (error->message, "would load"));
    g_unlink (path);
  }
  g_unlink (model);
  g_rmdir (dir);
}

/* The error of weights without a configuration names a JSON file of the same name. */
static void
test_weights_alone (void)
{
  g_autofree char *dir = g_dir_make_tmp ("lstm-XXXXXX", NULL);
  g_autofree char *weights = g_build_filename (dir, "action.weights.h5", NULL);
  g_autofree char *json = g_build_filename (dir, "action.json", NULL);
  g_autofree char *from = g_build_filename (g_getenv ("LSTM_TEST_VECTORS"), "convert",
      "keras-refused-weights-only", "model.h5", NULL);
  g_autoptr (GError) error = NULL;

  copy_file (from, weights);
  g_assert_true (g_file_set_contents (json, "{}", -1, NULL));
  g_assert_null (lstm_model_load (weights, &error));
  g_test_message ("%s", error->message);
  g_assert_true (g_str_has_suffix (error->message,
      "; if the file contains weights only, pass the configuration with "
      "--config action.json"));
  g_unlink (weights);
  g_unlink (json);
  g_rmdir (dir);
}

static void
add_folders (const char *folder, const char *test, GTestDataFunc run)
{
  g_autofree char *root = g_build_filename (g_getenv ("LSTM_TEST_VECTORS"), folder, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (GDir) dir = g_dir_open (root, 0, &error);
  const char *name;

  g_assert_no_error (error);
  while ((name = g_dir_read_name (dir))) {
    g_autofree char *path = g_strconcat (test, name, NULL);

    g_test_add_data_func_full (path, g_build_filename (root, name, NULL), run, g_free);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  add_folders ("convert", "/convert/", test_case);
  add_folders ("convert-config", "/config/", test_config);
  add_folders ("torch", "/torch/", test_described);
  add_folders ("variants", "/described/", test_described);
  g_test_add_func ("/convert/rate", test_rate);
  g_test_add_func ("/convert/killed-in-answer", test_killed_in_answer);
  g_test_add_func ("/convert/broken", test_broken);
  g_test_add_func ("/convert/slow", test_slow);
  g_test_add_func ("/convert/misused", test_misused);
  if (!test_find_reader (test_readers, "Keras")->reason)
    g_test_add_func ("/convert/weights-alone", test_weights_alone);
  if (!test_find_reader (test_readers, "Keras")->reason
      && !test_find_reader (test_readers, "ONNX")->reason)
    g_test_add_func ("/convert/siblings", test_siblings);
  return g_test_run ();
}
