/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Runs lstm-convert --split at the command line: its options, its messages, and the files in the
 * folder. The test "split" compares the numbers. */
#include "converter.h"
#include "testutil.h"
#include <glib/gstdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define CASE "torch-channels-first" /* [b, T, 3, 8, 8], T = 4, 16 features, 3 outputs */

typedef struct {
  char *dir, *old_dir;    /* the working directory of the test, and the one before it */
  char *written, *errors; /* of the last run */
  int status;
} Fixture;

static char *
get_model (const char *name)
{
  return g_build_filename (g_getenv ("LSTM_TEST_VECTORS"), "split", name, "model.onnx", NULL);
}

/* Copies the model of the case @name to the file @to of the working directory. */
static void
copy_model (const char *name, const char *to)
{
  g_autofree char *path = get_model (name), *content = NULL;
  gsize size;

  g_assert_true (g_file_get_contents (path, &content, &size, NULL));
  g_assert_true (g_file_set_contents (to, content, (gssize) size, NULL));
}

static void
fixture_init (Fixture *self, gconstpointer data)
{
  self->dir = g_dir_make_tmp ("lstm-XXXXXX", NULL);
  self->old_dir = g_get_current_dir ();
  g_assert_cmpint (g_chdir (self->dir), ==, 0);
  copy_model (CASE, "model.onnx");
}

static void
remove_folder (const char *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const char *name;

  while (dir && (name = g_dir_read_name (dir))) {
    g_autofree char *file = g_build_filename (path, name, NULL);

    if (g_file_test (file, G_FILE_TEST_IS_DIR))
      remove_folder (file);
    else
      g_unlink (file);
  }
  g_assert_cmpint (g_rmdir (path), ==, 0);
}

static void
fixture_clear (Fixture *self, gconstpointer data)
{
  g_assert_cmpint (g_chdir (self->old_dir), ==, 0);
  remove_folder (self->dir);
  g_free (self->dir);
  g_free (self->old_dir);
  g_free (self->written);
  g_free (self->errors);
}

/* Runs the program that the variable @program names with @arguments, as a shell parses them. */
static void
run_program (Fixture *self, const char *program, const char *arguments)
{
  g_autofree char *line = g_strdup_printf ("'%s' %s", g_getenv (program), arguments);
  g_autoptr (GError) error = NULL;
  int status;

  g_clear_pointer (&self->written, g_free);
  g_clear_pointer (&self->errors, g_free);
  g_assert_true (
      g_spawn_command_line_sync (line, &self->written, &self->errors, &status, &error));
  g_assert_no_error (error);
  g_test_message ("%s\n%s%s", arguments, self->errors, self->written);
  g_assert_true (WIFEXITED (status));
  self->status = WEXITSTATUS (status);
}

/* Runs lstm-convert, and asserts the exit status. */
static void
run_converter (Fixture *self, const char *arguments, int status)
{
  run_program (self, "LSTM_CONVERT", arguments);
  g_assert_cmpint (self->status, ==, status);
}

static void
assert_contains (const char *text, const char *part)
{
  if (!strstr (text, part))
    g_error ("expected \"%s\" in \"%s\"", part, text);
}

/* Asserts the content of the file FOLDER/NAME. */
static void
assert_text (const char *path, const char *expected)
{
  g_autofree char *content = NULL;

  g_assert_true (g_file_get_contents (path, &content, NULL, NULL));
  g_assert_cmpstr (content, ==, expected);
}

static void
assert_same_file (const char *a, const char *b)
{
  g_autofree char *first = NULL, *second = NULL;
  gsize first_size, second_size;

  g_assert_true (g_file_get_contents (a, &first, &first_size, NULL));
  g_assert_true (g_file_get_contents (b, &second, &second_size, NULL));
  g_assert_cmpmem (first, first_size, second, second_size);
}

/* Asserts that the folder @path has @n files. */
static void
assert_n_files (const char *path, guint n)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  guint found = 0;

  g_assert_nonnull (dir);
  while (g_dir_read_name (dir))
    found++;
  g_assert_cmpuint (found, ==, n);
}

/* --- Wrong options --------------------------------------------------------------------------- */

static void
test_wrong_options (Fixture *self, gconstpointer data)
{
  static const struct {
    const char *arguments, *message;
  } wrong[] = {
      {"--steps 0", "--steps: expected the frames of a window, from 1 to 65536, found \"0\""},
      {"--steps -1", "--steps: expected the frames of a window, from 1 to 65536, found \"-1\""},
      {"--steps 4x", "found \"4x\""},
      {"--steps ''", "found \"\""},
      {"--steps 65537", "found \"65537\""},
      {"--steps 99999999999999999999", "found \"99999999999999999999\""},
      {"--size 0,0",
          "--size: expected H,W, height and width of a frame, from 1 to 16384, found \"0,0\""},
      {"--size 8", "found \"8\""},
      {"--size 8,8,3", "found \"8,8,3\""},
      {"--size 8x8", "found \"8x8\""},
      {"--size 8,16385", "found \"8,16385\""},
      {"--size 4294967297,1", "found \"4294967297,1\""},
      {"--axes 0", "--axes: expected B,T, two axes of the input from 0 to 7, the batch (-: "
                   "none) and the "
                   "time, found \"0\""},
      {"--axes 1,1", "found \"1,1\""},
      {"--axes 0,-", "found \"0,-\""},
      {"--axes 0,8", "found \"0,8\""},
      {"--axes 0,1,2", "found \"0,1,2\""},
      {"--normalize none",
          "--normalize: expected imagenet, 0..1, -1..1, bytes or LOW,HIGH;LOW,HIGH;LOW,HIGH, a "
          "range for each of at most 16 channels with LOW below HIGH, found \"none\""},
      {"--normalize ''", "found \"\""},
      {"--normalize 1,0", "found \"1,0\""},
      {"--normalize 0,0", "found \"0,0\""},
      {"--normalize 0,nan", "found \"0,nan\""},
      {"--normalize=-inf,0", "found \"-inf,0\""},
      {"--normalize 0,1e999", "found \"0,1e999\""},
      {"--normalize '0,1;'", "found \"0,1;\""},
      {"--normalize '0,1,2'", "found \"0,1,2\""},
      {"--normalize '0,1;0,1;0,1;0,1;0,1;0,1;0,1;0,1;0,1;0,1;0,1;0,1;0,1;0,1;0,1;0,1;0,1'",
          "at most 16 channels"},
      {"--colors BGR", "--colors: expected rgb or bgr, found \"BGR\""},
      {"-o -", "--write: expected a folder with --split, found -"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (wrong); i++) {
    g_autofree char *arguments = g_strdup_printf ("--split model.onnx %s", wrong[i].arguments);

    run_converter (self, arguments, 2);
    g_assert_true (g_str_has_prefix (self->errors, "lstm-convert: --"));
    assert_contains (self->errors, wrong[i].message);
    g_assert_cmpstr (self->written, ==, "");
  }
  assert_n_files (".", 1);
}

/* The options of --split are errors without it. */
static void
test_options_without_split (Fixture *self, gconstpointer data)
{
  static const char *const options[] = {
      "--steps 4", "--size 8,8", "--axes 0,1", "--normalize 0..1", "--colors rgb"};

  for (guint i = 0; i < G_N_ELEMENTS (options); i++) {
    g_autofree char *arguments = g_strdup_printf ("model.onnx -o - %s", options[i]);

    run_converter (self, arguments, 2);
    assert_contains (self->errors, " is supported only with --split\n");
  }
}

static void
test_files (Fixture *self, gconstpointer data)
{
  run_converter (self, "--split", 2);
  assert_contains (self->errors, "IN: expected one file to convert, found 0");
  run_converter (self, "--split model.onnx model.onnx", 2);
  assert_contains (self->errors, "IN: expected one file to convert, found 2");
  run_converter (self, "--split missing.onnx -o folder", 1);
  assert_contains (self->errors, "missing.onnx: ");
  run_converter (self, "--split . -o folder", 1);
  assert_contains (self->errors, ".: expected a file, found ");
  g_assert_true (g_file_set_contents ("noise", "This is not a model of any format.", -1, NULL));
  run_converter (self, "--split noise -o folder", 1);
  assert_contains (self->errors, "noise: expected one of safetensors, ");
  g_assert_false (g_file_test ("folder", G_FILE_TEST_EXISTS));
}

/* A format without a split reader is an error, which names the format. */
static void
test_other_formats (Fixture *self, gconstpointer data)
{
  g_autofree char *model = g_build_filename (
      g_getenv ("LSTM_TEST_SOURCE"), "models", "motion.safetensors", NULL);
  g_autofree char *arguments = g_strdup_printf ("--split '%s' -o folder", model);

  run_converter (self, arguments, 1);
  assert_contains (self->errors,
      ": --split is supported only for Keras and ONNX models; found safetensors\n");
  run_program (self, "LSTM_CONVERT_WITHOUT", "--split model.onnx -o folder --normalize 0..1");
  g_assert_cmpint (self->status, ==, 1);
  assert_contains (self->errors, "model.onnx: this lstm-convert was built without ONNX: ");
  g_assert_false (g_file_test ("folder", G_FILE_TEST_EXISTS));
}

/* --- The normalization ----------------------------------------------------------------------- */

/* Without --normalize the error has a command line to paste, which works. */
static void
test_no_normalize (Fixture *self, gconstpointer data)
{
  g_autofree char *line = NULL, *written = NULL, *errors = NULL;
  const char *example;

  run_converter (self, "--split model.onnx -o 'a folder' --steps 4", 1);
  assert_contains (self->errors,
      "model.onnx: --normalize: expected imagenet, 0..1, -1..1, bytes or "
      "LOW,HIGH;LOW,HIGH;LOW,HIGH, ");
  g_assert_false (g_file_test ("a folder", G_FILE_TEST_EXISTS));
  example = strstr (self->errors, "for example: ");
  g_assert_nonnull (example);
  line = g_strdup (example + strlen ("for example: "));
  g_assert_true (g_spawn_command_line_sync (line, &written, &errors, &self->status, NULL));
  g_assert_cmpint (self->status, ==, 0);
  assert_n_files ("a folder", 3);
}

static void
test_channel_count (Fixture *self, gconstpointer data)
{
  run_converter (self, "--split model.onnx -o folder --steps 4 --normalize '0,1;0,1'", 1);
  assert_contains (self->errors,
      "model.onnx: --normalize: expected a range for each of the 3 channels of a frame, found "
      "\"0,1;0,1\", which has 2\n");
  g_assert_false (g_file_test ("folder", G_FILE_TEST_EXISTS));
}

/* Asserts the line "ranges" of .modelinfo. */
static void
check_ranges (Fixture *self, const char *normalize, const char *ranges)
{
  g_autofree char *arguments = g_strdup_printf (
      "--split model.onnx -o folder --steps 4 --normalize='%s'", normalize);
  g_autofree char *found = NULL;
  g_autoptr (GKeyFile) file = g_key_file_new ();

  run_converter (self, arguments, 0);
  g_assert_true (g_key_file_load_from_file (
      file, "folder/features.onnx.modelinfo", G_KEY_FILE_NONE, NULL));
  found = g_key_file_get_string (file, "frame", "ranges", NULL);
  g_assert_cmpstr (found, ==, ranges);
}

static void
test_ranges (Fixture *self, gconstpointer data)
{
  check_ranges (self, "0..1", "0.0,1.0;0.0,1.0;0.0,1.0");
  check_ranges (self, "-1..1", "-1.0,1.0;-1.0,1.0;-1.0,1.0");
  check_ranges (self, "bytes", "0.0,255.0;0.0,255.0;0.0,255.0");
  check_ranges (self, "-1,0.5;0,1e-3;2,3", "-1.0,0.5;0.0,0.001;2.0,3.0");
  check_ranges (
      self, "imagenet", "-2.11790393,2.2489083;-2.03571429,2.42857143;-1.80444444,2.64");
}

/* A model that reads uint8 states the range. */
static void
test_bytes (Fixture *self, gconstpointer data)
{
  copy_model ("torch-bytes", "bytes.onnx");
  run_converter (self, "--split bytes.onnx --normalize 0..1", 1);
  assert_contains (self->errors,
      "bytes.onnx: --normalize: expected bytes, because the model reads pixels from 0 to 255, "
      "found \"0..1\"\n");
  run_converter (self, "--split bytes.onnx --normalize bytes", 0);
  run_converter (self, "--split bytes.onnx -o other", 0);
  assert_same_file ("bytes/features.onnx.modelinfo", "other/features.onnx.modelinfo");
  assert_contains (self->written,
      "video/x-raw,format=RGB,width=8,height=8,pixel-aspect-ratio=1/1 "
      "! tensor_converter \\\n    ! tensor_filter ");
  g_assert_null (strstr (self->written, "input-tensor-"));
  g_assert_null (strstr (self->written, "--normalize"));
}

/* onnxinference cannot fill uint8 with channels first. */
static void
test_bytes_first (Fixture *self, gconstpointer data)
{
  copy_model ("torch-bytes-first", "bytes.onnx");
  run_converter (self, "--split bytes.onnx", 0);
  assert_contains (self->errors,
      "the input of the features is float32, and a Cast computes uint8 from it\n");
  assert_text ("bytes/features.onnx.modelinfo",
      "[modelinfo]\nversion=1.0\ngroup-id=features\n\n"
      "[frame]\nid=frame\ntype=float32\ndims=1,3,8,8\ndir=input\n"
      "ranges=0.0,255.0;0.0,255.0;0.0,255.0\n\n"
      "[features]\nid=features\ntype=float32\ndims=1,16\ndir=output\n");
}

/* --- The folder ------------------------------------------------------------------------------ */

static void
test_folder (Fixture *self, gconstpointer data)
{
  run_converter (self, "--split model.onnx --steps 4 --normalize 0..1", 0);
  assert_n_files ("model", 3);
  assert_text ("model/features.onnx.modelinfo",
      "[modelinfo]\nversion=1.0\ngroup-id=features\n\n"
      "[frame]\nid=frame\ntype=float32\ndims=1,3,8,8\ndir=input\n"
      "ranges=0.0,1.0;0.0,1.0;0.0,1.0\n\n"
      "[features]\nid=features\ntype=float32\ndims=1,16\ndir=output\n");
  assert_contains (self->errors,
      "  frame: 8 x 8 pixels of 3 channels, channels first; features: 16 numbers\n");
  assert_contains (self->errors, "{\"type\":\"lstm\"");
}

/* Copies the model to the file @to with an entry "labels" in its metadata. A message of protobuf
 * may be appended to another: the model is the sum of both. */
static void
write_labelled_model (const char *to, const char *labels)
{
  static const char key[] = "labels";
  g_autofree char *path = get_model (CASE), *content = NULL;
  const gsize entry = 4 + strlen (key) + strlen (labels);
  g_autoptr (GString) model = g_string_new (NULL);
  gsize size;

  g_assert_cmpuint (entry, <, 128);
  g_assert_true (g_file_get_contents (path, &content, &size, NULL));
  g_string_append_len (model, content, (gssize) size);
  g_string_append_printf (model, "%c%c%c%c%s%c%c%s", 14 << 3 | 2, (int) entry, 1 << 3 | 2,
      (int) strlen (key), key, 2 << 3 | 2, (int) strlen (labels), labels);
  g_assert_true (g_file_set_contents (to, model->str, (gssize) model->len, NULL));
}

static void
test_labels (Fixture *self, gconstpointer data)
{
  write_labelled_model ("model.onnx", "[\"walk\", \"run fast\", \"wave\"]");
  run_converter (self, "--split model.onnx --steps 4 --normalize 0..1", 0);
  assert_n_files ("model", 4);
  assert_text ("model/labels", "walk\nrun fast\nwave\n");
  assert_contains (self->written, " labels-location=model/labels ! fakesink\n");
  g_assert_null (strstr (self->written, "# - labels"));
  write_labelled_model ("model.onnx", "{\"wave\": 2, \"walk\": 0, \"run fast\": 1}");
  run_converter (self, "--split model.onnx -o numbers --steps 4 --normalize 0..1", 0);
  assert_text ("numbers/labels", "walk\nrun fast\nwave\n");
  write_labelled_model ("model.onnx", "{'wave': 3, 'walk': 0, 'run fast': 1}");
  run_converter (self, "--split model.onnx -o gap --steps 4 --normalize 0..1", 0);
  assert_n_files ("gap", 3);
  assert_contains (self->errors, "metadata_props: labels: expected an array of names");
  write_labelled_model ("model.onnx", "[\"walk\", \"run\\nfast\", \"wave\"]");
  run_converter (self, "--split model.onnx -o other --steps 4 --normalize 0..1", 0);
  assert_n_files ("other", 3);
  assert_contains (self->written,
      "# - labels: the label 1 of the model: expected one line of text, found a line break; no "
      "file of labels is written\n");
  g_assert_null (strstr (self->written, "labels-location=other"));
}

/* Without --split, the error of a video model names the option. The error of another model does
 * not. */
static void
test_hint (Fixture *self, gconstpointer data)
{
  static const struct {
    const char *name;
    gboolean can_be_cut;
  } models[] = {{CASE, TRUE}, {"torch-folded-free", TRUE}, {"refused-difference", FALSE}};

  for (guint i = 0; i < G_N_ELEMENTS (models); i++) {
    copy_model (models[i].name, "model.onnx");
    run_converter (self, "model.onnx", 1);
    g_assert_true (
        (strstr (self->errors, "; lstm-convert --split would cut this video model\n") != NULL)
        == models[i].can_be_cut);
  }
}

/* An existing folder keeps its other files. The features with pixels as input are an additional
 * file for ranges that differ. */
static void
test_existing_folder (Fixture *self, gconstpointer data)
{
  g_assert_cmpint (g_mkdir_with_parents ("deep/folder", 0700), ==, 0);
  g_assert_true (g_file_set_contents ("deep/folder/notes", "mine", -1, NULL));
  g_assert_true (g_file_set_contents ("deep/folder/features.onnx", "old", -1, NULL));
  run_converter (self, "--split model.onnx -o deep/folder --steps 4 --normalize imagenet", 0);
  assert_n_files ("deep/folder", 5);
  assert_text ("deep/folder/notes", "mine");
  run_converter (self, "--split model.onnx -o other/folder/ --steps 4 --normalize 0..1", 0);
  assert_n_files ("other/folder", 3);
  assert_same_file ("deep/folder/features.onnx", "other/folder/features.onnx");
  assert_same_file ("deep/folder/memory.safetensors", "other/folder/memory.safetensors");
}

static void
test_wrong_folder (Fixture *self, gconstpointer data)
{
  run_converter (self, "--split model.onnx -o model.onnx --steps 4 --normalize 0..1", 1);
  assert_contains (
      self->errors, "model.onnx: --write: expected a folder with --split, found a file\n");
  run_converter (self, "--split model.onnx -o model.onnx/x --steps 4 --normalize 0..1", 1);
  assert_contains (self->errors, "model.onnx/x: the folder cannot be made: ");
  copy_model (CASE, "without-suffix");
  run_converter (self, "--split without-suffix --steps 4 --normalize 0..1", 2);
  assert_contains (self->errors,
      "--write: expected another file than IN, found without-suffix; name a folder with -o\n");
}

/* If one of the files cannot be written, none is. */
static void
test_blocked_file (Fixture *self, gconstpointer data)
{
  g_assert_cmpint (g_mkdir_with_parents ("folder/features.onnx", 0700), ==, 0);
  run_converter (self, "--split model.onnx -o folder --steps 4 --normalize 0..1", 1);
  assert_contains (
      self->errors, "folder/features.onnx: expected a file to write, found a directory\n");
  assert_n_files ("folder", 1);
}

/* --- The output ------------------------------------------------------------------------------ */

static void
test_pipelines (Fixture *self, gconstpointer data)
{
  static const char *const parts[] = {
      "# A camera, with onnxinference of GStreamer 1.28 (Debian 14)\ngst-launch-1.0 -m "
      "v4l2src ",
      "# A recording, with NNStreamer\ngst-launch-1.0 -m filesrc location=RECORDING.mp4 ! "
      "decodebin ! videoconvert ! videoflip video-direction=auto ",
      "! video/x-raw,format=RGB,width=8,height=8,pixel-aspect-ratio=1/1 ",
      " input-image-format=chw input-tensor-offset=-127.5 input-tensor-scale=127.5 "
      "model-file=folder/features.onnx ",
      "! tensor_transform mode=arithmetic option=typecast:float32,mul:0.00784313725,add:-1.0 ",
      "! tensor_transform mode=transpose option=1:2:0:3 ",
      "! tensor_filter framework=onnxruntime model=folder/features.onnx ",
      "! lstm model-location=folder/memory.safetensors output-mode=window window-length=4 "
      "window-hop=1 ",
      "# The model does not state:\n",
      "# - the values of the pixels 0 and 255: --normalize -1..1 states "
      "-1.0,1.0;-1.0,1.0;-1.0,1.0\n",
      "# - the order of the colours: --colors rgb",
      "# - the frame rate: ",
      "# - how the pictures were cropped and scaled to 8 x 8: ",
  };

  run_converter (self, "--split model.onnx -o folder --steps 4 --normalize=-1..1", 0);
  for (guint i = 0; i < G_N_ELEMENTS (parts); i++)
    assert_contains (self->written, parts[i]);
  run_converter (self,
      "--split model.onnx -o 'a folder' --steps 4 --normalize imagenet "
      "--colors bgr",
      0);
  assert_contains (self->written, " 'model-file=a folder/features-bytes.onnx' ");
  assert_contains (self->written,
      ",per-channel:true@0,mul:0.0171247538@0,add:-2.11790393@0,mul:0.0175070028@1,"
      "add:-2.03571429@1,mul:0.0174291939@2,add:-1.80444444@2 ");
  assert_contains (
      self->written, "format=BGR,width=8,height=8,pixel-aspect-ratio=1/1 ! capssetter");
}

/* Numbers have a point in every locale. */
static void
test_locale (Fixture *self, gconstpointer data)
{
  g_setenv ("LC_ALL", "de_DE.UTF-8", TRUE);
  run_converter (self, "--split model.onnx -o folder --steps 4 --normalize 0,0.5", 1);
  run_converter (
      self, "--split model.onnx -o folder --steps 4 --normalize '0,0.5;0,0.5;0,0.5'", 0);
  g_unsetenv ("LC_ALL");
  assert_contains (self->written, " input-tensor-scale=510.0 ");
  assert_contains (self->written, ",mul:0.00196078431,add:0.0 ");
}

int
main (int argc, char **argv)
{
  static const struct {
    const char *name;
    void (*run) (Fixture *self, gconstpointer data);
  } tests[] = {
      {"/split-command/wrong-options", test_wrong_options},
      {"/split-command/options-without-split", test_options_without_split},
      {"/split-command/files", test_files},
      {"/split-command/other-formats", test_other_formats},
      {"/split-command/no-normalize", test_no_normalize},
      {"/split-command/channel-count", test_channel_count},
      {"/split-command/ranges", test_ranges},
      {"/split-command/bytes", test_bytes},
      {"/split-command/bytes-first", test_bytes_first},
      {"/split-command/folder", test_folder},
      {"/split-command/labels", test_labels},
      {"/split-command/hint", test_hint},
      {"/split-command/existing-folder", test_existing_folder},
      {"/split-command/wrong-folder", test_wrong_folder},
      {"/split-command/blocked-file", test_blocked_file},
      {"/split-command/pipelines", test_pipelines},
      {"/split-command/locale", test_locale},
  };

  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (tests); i++)
    g_test_add (tests[i].name, Fixture, NULL, fixture_init, tests[i].run, fixture_clear);
  return g_test_run ();
}
