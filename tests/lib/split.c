/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Cuts video models with lstm-convert --split. For each window of a film, the parts compute the
 * same outputs as the model. tools/make-video-models describes the files of a case. */
#include "onnx-run.h"
#include "testutil.h"
#include <glib/gstdio.h>
#include <string.h>
#include <sys/wait.h>

#define TOLERANCE 1e-5
#define FEATURES_TOLERANCE 1e-4 /* of float32 in deep networks */

static char *root; /* of the folders that lstm-convert writes */

/* --- The weights of public architectures ---------------------------------------------------- */

/* Returns number @position of weights.data, in [0, 1), see tools/video_public.py. */
static double
make_number (guint32 position)
{
  guint32 x = position * 2654435769u;

  x = (x ^ x >> 16) * 0x85ebca6bu;
  x = (x ^ x >> 13) * 0xc2b2ae35u;
  return ((x ^ x >> 16) >> 8) / 16777216.;
}

/* Returns: (transfer full): the values of weights.data, from the lines "COUNT LOW HIGH" in @text */
static GArray *
make_weights (const char *text)
{
  GArray *values = g_array_new (FALSE, FALSE, sizeof (float));
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);

  for (guint i = 0; lines[i]; i++) {
    g_auto (GStrv) words = g_strsplit (lines[i], " ", 3);
    const double low = g_ascii_strtod (words[1], NULL), high = g_ascii_strtod (words[2], NULL);

    for (guint64 n = g_ascii_strtoull (words[0], NULL, 10); n > 0; n--) {
      const float value = (float) (low + (high - low) * make_number (values->len));

      g_array_append_val (values, value);
    }
  }
  return values;
}

/* Returns: (transfer full) (nullable): the path of the model of a case that this build reads */
static char *
find_model (const char *dir)
{
  static const char *const names[] = {
      "model.onnx",
#ifdef HAVE_KERAS
      "model.keras",
      "model.h5",
#endif
  };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    g_autofree char *path = g_build_filename (dir, names[i], NULL);

    if (g_file_test (path, G_FILE_TEST_EXISTS))
      return g_steal_pointer (&path);
  }
  return NULL;
}

/* Copies model.onnx to a folder with its weights, if the case has weights.txt.
 * Returns: (transfer full): the path of the model */
static char *
prepare_model (const char *dir)
{
  g_autofree char *text = test_read_text (dir, "weights.txt"), *content = NULL;
  g_autofree char *path = find_model (dir);
  g_autofree char *name = g_path_get_basename (dir), *folder = NULL, *weights = NULL;
  g_autoptr (GArray) values = NULL;
  char *copy;
  gsize size;

  if (!text)
    return g_steal_pointer (&path);
  values = make_weights (text);
  folder = g_strdup_printf ("%s/%s-weights", root, name);
  weights = g_build_filename (folder, "weights.data", NULL);
  copy = g_build_filename (folder, "model.onnx", NULL);
  g_assert_cmpint (g_mkdir (folder, 0700), ==, 0);
  g_assert_true (g_file_get_contents (path, &content, &size, NULL));
  g_assert_true (g_file_set_contents (copy, content, (gssize) size, NULL));
  g_assert_true (g_file_set_contents (
      weights, values->data, (gssize) (values->len * sizeof (float)), NULL));
  return copy;
}

/* --- The numbers ------------------------------------------------------------------------------ */

typedef struct {
  const char *dir;    /* of the case */
  const char *folder; /* that lstm-convert wrote */
  TestArray film;     /* (n, three axes of a frame) */
  TestArray features; /* (n, d) */
  TestArray expected; /* (windows, steps, m) */
} Case;

/* Replaces @features by those of features.onnx, and compares the two. */
static void
run_features (Case *self)
{
  g_autofree char *path = g_build_filename (self->folder, "features.onnx", NULL);
  g_autofree float *found = g_new (float, self->features.n);

  if (!test_onnx_run (path, self->film.shape[0], self->film.n_dims - 1, self->film.shape + 1,
          self->film.values, self->features.shape[1], found)) {
    g_test_message (
        "%s: newer than ONNX Runtime reads; features.npy replaces its output", path);
    return;
  }
  g_assert_cmpfloat (
      test_error (found, self->features.values, self->features.n), <, FEATURES_TOLERANCE);
  memcpy (self->features.values, found, self->features.n * sizeof *found);
}

/* Runs the windows one by one, and compares the outputs of all steps that the model returns. */
static void
check_sequences (const Case *self, LstmModel *model)
{
  const gsize windows = self->expected.shape[0], d = self->features.shape[1],
              steps = self->features.shape[0] - windows + 1,
              n = self->expected.shape[1] * self->expected.shape[2];
  g_autoptr (GError) error = NULL;
  g_autoptr (LstmState) state = lstm_state_new_for_sequences (model, 1, steps, &error);
  g_autofree float *y = g_new (float, n);

  g_assert_no_error (error);
  g_assert_cmpuint (lstm_state_get_output_steps (state, steps), ==, self->expected.shape[1]);
  for (gsize w = 0; w < windows; w++) {
    lstm_state_reset (state);
    lstm_state_run_full (state, &(LstmRun){.size = sizeof (LstmRun),
                                    .steps = steps,
                                    .input = self->features.values + w * d,
                                    .output = y});
    g_assert_cmpfloat (test_error (y, self->expected.values + w * n, n), <, TOLERANCE);
  }
}

/* Runs the film through sliding windows, and compares the output of the last step. */
static void
check_windows (const Case *self, LstmModel *model)
{
  const gsize windows = self->expected.shape[0], steps = self->expected.shape[1],
              m = self->expected.shape[2], n_frames = self->features.shape[0];
  g_autoptr (GError) error = NULL;
  g_autoptr (LstmWindow) window = lstm_window_new (model, 1, n_frames - windows + 1, 1, &error);
  g_autofree float *y = g_new (float, windows *m);

  g_assert_no_error (error);
  g_assert_cmpuint (lstm_window_run (window, n_frames, self->features.values, y), ==, windows);
  for (gsize w = 0; w < windows; w++)
    g_assert_cmpfloat (
        test_error (y + w * m, self->expected.values + ((w + 1) * steps - 1) * m, m), <,
        TOLERANCE);
}

static void
check_memory (const Case *self)
{
  g_autofree char *path = g_build_filename (self->folder, "memory.safetensors", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (LstmModel) model = lstm_model_load (path, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (lstm_model_get_input_size (model), ==, self->features.shape[1]);
  g_assert_cmpuint (lstm_model_get_output_size (model), ==, self->expected.shape[2]);
  check_sequences (self, model);
  if (lstm_model_is_causal (model))
    check_windows (self, model);
}

static void
check_modelinfo (const Case *self)
{
  const gsize *frame = self->film.shape + 1;
  g_autofree char *path = g_build_filename (self->folder, "features.onnx.modelinfo", NULL);
  g_autofree char *dims = g_strdup_printf ("1,%zu,%zu,%zu", frame[0], frame[1], frame[2]);
  g_autofree char *d = g_strdup_printf ("1,%zu", self->features.shape[1]);
  const struct {
    const char *group, *key, *value;
  } fields[] = {
      {"modelinfo", "group-id", "features"},
      {"frame", "dims", dims},
      {"frame", "dir", "input"},
      {"features", "dims", d},
      {"features", "type", "float32"},
      {"features", "dir", "output"},
  };
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_autoptr (GError) error = NULL;

  g_assert_true (g_key_file_load_from_file (file, path, G_KEY_FILE_NONE, &error));
  for (guint i = 0; i < G_N_ELEMENTS (fields); i++) {
    g_autofree char *value = g_key_file_get_string (
        file, fields[i].group, fields[i].key, &error);

    g_assert_no_error (error);
    g_assert_cmpstr (value, ==, fields[i].value);
  }
}

/* --- The cases -------------------------------------------------------------------------------- */

/* Runs lstm-convert --split with the arguments of the case. Returns: the exit status */
static int
split_model (const char *dir, const char *path, const char *folder, char **messages)
{
  g_autofree char *arguments = test_read_text (dir, "arguments.txt");
  g_autofree char *line = g_strdup_printf (
      "'%s' --split '%s' %s -o '%s'", g_getenv ("LSTM_CONVERT"), path, arguments, folder);
  g_autofree char *written = NULL;
  g_autoptr (GError) error = NULL;
  int status;

  g_assert_true (g_spawn_command_line_sync (line, &written, messages, &status, &error));
  g_assert_no_error (error);
  g_test_message ("%s", *messages);
  g_assert_true (WIFEXITED (status));
  return WEXITSTATUS (status);
}

static void
test_refused (const char *dir, const char *path, const char *folder, const char *words)
{
  g_autofree char *messages = NULL, *begin = g_strdup_printf ("lstm-convert: %s: ", path);

  g_assert_cmpint (split_model (dir, path, folder, &messages), ==, 1);
  g_assert_true (g_str_has_prefix (messages, begin));
  g_assert_nonnull (strstr (messages, words));
  g_assert_false (g_file_test (folder, G_FILE_TEST_EXISTS));
}

static void
test_case (gconstpointer data)
{
  const char *dir = data;
  g_autofree char *name = g_path_get_basename (dir), *messages = NULL;
  g_autofree char *folder = g_build_filename (root, name, NULL);
  g_autofree char *path = prepare_model (dir), *words = test_read_text (dir, "refused.txt");
  Case self = {dir, folder};

  if (words) {
    test_refused (dir, path, folder, words);
    return;
  }
  g_assert_cmpint (split_model (dir, path, folder, &messages), ==, 0);
  self.film = test_array_load (dir, "film.npy");
  self.features = test_array_load (dir, "features.npy");
  self.expected = test_array_load (dir, "expected.npy");
  check_modelinfo (&self);
  if (test_has_onnxruntime ())
    run_features (&self);
  check_memory (&self);
  test_array_clear (&self.film);
  test_array_clear (&self.features);
  test_array_clear (&self.expected);
}

static void
test_runtime (void)
{
  if (!test_has_onnxruntime ())
    g_test_skip ("the build found no libonnxruntime: the other tests use features of PyTorch");
}

/* Checks the files that the other tests wrote with the checker of the ONNX project, up to the opset
 * that the installed checker knows. Compares the operators of the nodes with ops.txt of the case,
 * if there is one. */
static void
test_checker (void)
{
  static const char code[] =
      "import glob, os, sys\n"
      "try:\n"
      "    import onnx\n"
      "except ImportError:\n"
      "    sys.exit (77)\n"
      "for path in glob.glob (sys.argv[1] + '/*/features.onnx'):\n"
      "    model = onnx.load (path)\n"
      "    name = os.path.basename (os.path.dirname (path))\n"
      "    ops = os.path.join (sys.argv[2], name, 'ops.txt')\n"
      "    if os.path.exists (ops):\n"
      "        found = [node.op_type for node in model.graph.node]\n"
      "        assert found == open (ops).read ().split (), (name, found)\n"
      "    if model.opset_import[0].version <= onnx.defs.onnx_opset_version ():\n"
      "        onnx.checker.check_model (model, full_check=True)\n";
  g_autofree char *vectors = g_build_filename (g_getenv ("LSTM_TEST_VECTORS"), "split", NULL);
  const char *const argv[] = {"/usr/bin/python3", "-c", code, root, vectors, NULL};
  g_autofree char *messages = NULL;
  g_autoptr (GError) error = NULL;
  int status;

  if (!g_spawn_sync (NULL, (char **) argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, NULL, &messages,
          &status, &error)
      || (WIFEXITED (status) && WEXITSTATUS (status) == 77)) {
    g_test_skip ("python3-onnx is not installed");
    return;
  }
  g_test_message ("%s", messages);
  g_assert_cmpint (status, ==, 0);
}

static void
add_cases (void)
{
  g_autofree char *folder = g_build_filename (g_getenv ("LSTM_TEST_VECTORS"), "split", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (GDir) dir = g_dir_open (folder, 0, &error);
  const char *name;

  g_assert_no_error (error);
  while ((name = g_dir_read_name (dir))) {
    g_autofree char *path = g_strconcat ("/split/", name, NULL);
    g_autofree char *case_dir = g_build_filename (folder, name, NULL);
    g_autofree char *model = find_model (case_dir);

    if (model)
      g_test_add_data_func_full (path, g_steal_pointer (&case_dir), test_case, g_free);
  }
}

/* Removes the folder @path, whose folders contain files only. */
static void
remove_folders (const char *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const char *name;

  while (dir && (name = g_dir_read_name (dir))) {
    g_autofree char *file = g_build_filename (path, name, NULL);

    if (g_file_test (file, G_FILE_TEST_IS_DIR))
      remove_folders (file);
    else
      g_unlink (file);
  }
  g_rmdir (path);
}

int
main (int argc, char **argv)
{
  int status;

  g_test_init (&argc, &argv, NULL);
  root = g_dir_make_tmp ("lstm-XXXXXX", NULL);
  add_cases ();
  g_test_add_func ("/runtime", test_runtime);
  g_test_add_func ("/written/checker", test_checker);
  status = g_test_run ();
  remove_folders (root);
  g_free (root);
  return status;
}
