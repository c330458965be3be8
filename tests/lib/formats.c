/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the library and lstm-convert say of files that they do not read: what the file is, and what
 * to do, in the same words. LSTM_CONVERT_WITHOUT is an lstm-convert without any format that can be
 * left out. */
#include "testutil.h"
#include <glib/gstdio.h>
#include <string.h>
#include <sys/wait.h>

#define BYTES(text) text, sizeof text - 1
#define ASK "lstm_model_load() reads the file, and lstm-convert converts it to safetensors"
#define SAVE "save the model from Keras as .keras or .h5"
#define PICKLE "a PyTorch pickle (a pickle can run code; convert it in Python: "

/* The first bytes of files, and what is said of them; whether lstm-convert reads such files */
static const struct {
  const char *bytes;
  gsize size;
  const char *found;
  gboolean read;
} files[] = {
    {BYTES ("\x89HDF\r\n\x1a\n\0\0\0\0\0\x08\x08\0"), "Keras HDF5 (" ASK ")", TRUE},
    {BYTES ("PK\3\4\x14\0\0\0\0\0\0\0\0\0config.json"), "a Keras archive (" ASK ")", TRUE},
    {BYTES ("PK\3\4\x14\0\0\0\0\0\0\0\0\0archive/data.pkl"), PICKLE, FALSE},
    {BYTES ("PK\3\4\x14\0\0\0\0\0\0\0\0\0model/readme.txt"),
        "a zip archive (unpack it, and use the model file inside)", FALSE},
    {BYTES ("\x08\x07\x12\x07pytorch\x1a\x05"
            "1.12\x00"),
        "ONNX (" ASK ")", TRUE},
    {BYTES ("\x08\x01\x12\xb4\x2a\x0a\x4c\x0a\x1c\x0a\x05\x43onst"),
        "a TensorFlow SavedModel (load it in the program that made it, and " SAVE ")", FALSE},
    {BYTES ("\x1c\0\0\0TFL3\x14\0\x20\0\x1c\0\x18\0"), "TensorFlow Lite (" SAVE ")", FALSE},
    {BYTES ("\x80\x02\x8a\x0al\xfc\x9c\x46\xf9\x20j\xa8P\x19.\x80"), PICKLE, FALSE},
    {BYTES ("\x1f\x8b\x08\0\0\0\0\0\0\3\xcbH\xcd\xc9\xc9\7\0"),
        "a gzip archive (unpack it, and use the model file inside)", FALSE},
    {BYTES ("{\"class_name\": \"Sequential\", \"config\": {}}"),
        "JSON (it has no weights; if it is the configuration of a Keras model, pass it to "
        "lstm-convert as --config, with the file of the weights)",
        FALSE},
    {BYTES ("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a"),
        "a Git LFS pointer (fetch the file with git lfs pull)", FALSE},
    {BYTES ("<!DOCTYPE html>\n<html><head>"),
        "a web page (download the file rather than the page about it)", FALSE},
    {BYTES ("plain text, no model"),
        "an unknown format that begins with 70 6c 61 69 6e 20 74 65", FALSE},
};

/* Returns: (transfer full): what lstm-convert, the one that the variable @program names, says */
static char *
run_converter (const char *program, const char *path, int expected)
{
  const char *const argv[] = {g_getenv (program), "-o", "-", path, NULL};
  char *said = NULL;
  int status;

  g_assert_true (g_spawn_sync (NULL, (char **) argv, NULL, G_SPAWN_STDOUT_TO_DEV_NULL, NULL,
      NULL, NULL, &said, &status, NULL));
  g_test_message ("%s", said);
  g_assert_true (WIFEXITED (status) && WEXITSTATUS (status) == expected);
  return said;
}

static void
assert_says (const char *message, const char *words)
{
  if (!strstr (message, words))
    g_error ("expected \"%s\", found \"%s\"", words, message);
}

/* What the library says of a file that it does not take to lstm-convert, and lstm-convert as well */
static void
check_path (const char *path, const char *words)
{
  g_autofree char *said = run_converter ("LSTM_CONVERT", path, 1);
  g_autoptr (GError) error = NULL;

  assert_says (said, words);
  g_assert_null (lstm_model_load (path, &error));
  g_assert_nonnull (error);
  g_assert_true (g_str_has_prefix (error->message, path));
  assert_says (error->message, words);
}

/* As bytes, and as a file */
static void
check_file (const char *path, gsize i)
{
  g_autofree char *words = g_strconcat (
      "model.bin: expected safetensors, found ", files[i].found, NULL);
  g_autoptr (GBytes) bytes = g_bytes_new_static (files[i].bytes, files[i].size);
  g_autoptr (GError) error = NULL;

  g_assert_null (lstm_model_load_bytes (bytes, "model.bin", &error));
  g_test_message ("%s", error->message);
  g_assert_error (error, LSTM_ERROR, LSTM_ERROR_FORMAT);
  assert_says (error->message, words);
  if (files[i].read)
    return;
  g_assert_true (g_file_set_contents (path, files[i].bytes, (gssize) files[i].size, NULL));
  check_path (path, files[i].found);
  g_unlink (path);
}

static void
test_files (void)
{
  g_autofree char *dir = g_dir_make_tmp ("lstm-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (dir, "model.bin", NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (files); i++)
    check_file (path, i);
  g_rmdir (dir);
}

/* A pickle's advice is a line to paste, with the file's own name. */
static void
test_pickle (void)
{
  static const char *const names[] = {"torch-refused-pickle", "torch-refused-pickle-legacy"};

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++) {
    g_autofree char *path = g_build_filename (
        g_getenv ("LSTM_TEST_VECTORS"), "convert", names[i], "model.pt", NULL);
    g_autofree char *content = NULL;
    g_autoptr (GBytes) bytes = NULL;
    g_autoptr (GError) error = NULL;
    gsize size;

    g_assert_true (g_file_get_contents (path, &content, &size, NULL));
    bytes = g_bytes_new_static (content, size);
    g_assert_null (lstm_model_load_bytes (bytes, path, &error));
    g_assert_error (error, LSTM_ERROR, LSTM_ERROR_FORMAT);
    assert_says (error->message,
        "save_file (torch.load (\"model.pt\", map_location=\"cpu\"), \"model.safetensors\")");
  }
}

/* A state is safetensors too. */
static void
test_state (void)
{
  g_autofree char *path = g_build_filename (
      g_getenv ("LSTM_TEST_VECTORS"), "lstm", "seed-1x30", "model.safetensors", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (LstmModel) model = lstm_model_load (path, &error);
  g_autoptr (GBytes) bytes = g_bytes_new_static (files[0].bytes, files[0].size);

  g_assert_no_error (error);
  g_assert_null (lstm_state_load (model, bytes, "saved", NULL, NULL, &error));
  g_assert_nonnull (error);
  assert_says (error->message, "saved: expected safetensors, found Keras HDF5 (" ASK ")");
}

/* Folders, by a file in them */
static const struct {
  const char *member, *found;
} folders[] = {
    {"saved_model.pb",
        "a TensorFlow SavedModel (load it in the program that made it, and " SAVE ")"},
    {"checkpoint", "a TensorFlow checkpoint, which has weights only (load it in the program "
                   "that made it, and " SAVE ")"},
    {"model.weights.h5", "an unpacked Keras archive (pack its files into a zip archive again)"},
    {"model.safetensors", "a directory (use the file model.safetensors in it)"},
    {"pytorch_model.bin", "a directory (use the file pytorch_model.bin in it)"},
    {"readme.txt", "a directory"},
};

static void
test_folders (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (folders); i++) {
    g_autofree char *dir = g_dir_make_tmp ("lstm-XXXXXX", NULL);
    g_autofree char *member = g_build_filename (dir, folders[i].member, NULL);
    g_autofree char *words = g_strdup_printf (
        "%s: expected a file, found %s", dir, folders[i].found);

    g_assert_true (g_file_set_contents (member, "", 0, NULL));
    check_path (dir, words);
    g_unlink (member);
    g_rmdir (dir);
  }
}

/* Files of formats that were left out, and what the library says of them then */
static const struct {
  const char *file, *words;
} left_out[] = {
    {"convert/keras-deflated/model.keras", "built without Keras: hdf5 was not found"},
    {"convert/keras-k210/model.h5", "built without Keras: hdf5 was not found"},
    {"convert/onnx-node-plain/model.onnx", "built without ONNX: -Donnx=disabled"},
};

static void
test_left_out (void)
{
  g_autofree char *before = g_strdup (g_getenv ("LSTM_CONVERT"));

  for (gsize i = 0; i < G_N_ELEMENTS (left_out); i++) {
    g_autofree char *path = g_build_filename (
        g_getenv ("LSTM_TEST_VECTORS"), left_out[i].file, NULL);
    g_autofree char *words = g_strdup_printf (
        "%s: this lstm-convert was %s", path, left_out[i].words);
    g_autoptr (GError) error = NULL;

    g_setenv ("LSTM_CONVERT", g_getenv ("LSTM_CONVERT_WITHOUT"), TRUE);
    g_assert_null (lstm_model_load (path, &error));
    g_setenv ("LSTM_CONVERT", before, TRUE);
    g_assert_nonnull (error);
    g_assert_cmpstr (error->message, ==, words);
  }
}

static void
check_version (const char *program, const char *expected)
{
  const char *const argv[] = {g_getenv (program), "--version", NULL};
  g_autofree char *printed = NULL;
  int status;

  g_assert_true (g_spawn_sync (
      NULL, (char **) argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, &printed, NULL, &status, NULL));
  g_assert_cmpint (status, ==, 0);
  g_assert_cmpstr (printed, ==, expected);
}

/* What nobody reads is refused without lstm-convert. */
static void
test_no_converter (void)
{
  g_autofree char *before = g_strdup (g_getenv ("LSTM_CONVERT"));
  g_autofree char *path = g_build_filename (
      g_getenv ("LSTM_TEST_VECTORS"), "convert", "keras-refused-lite", "model.tflite", NULL);
  g_autoptr (GError) error = NULL;

  g_setenv ("LSTM_CONVERT", "/nonexistent/lstm-convert", TRUE);
  g_assert_null (lstm_model_load (path, &error));
  g_setenv ("LSTM_CONVERT", before, TRUE);
  g_assert_error (error, LSTM_ERROR, LSTM_ERROR_FORMAT);
  assert_says (error->message, "found TensorFlow Lite (" SAVE ")");
}

static void
test_version (void)
{
  check_version ("LSTM_CONVERT", "lstm-convert " LSTM_VERSION "\n"
                                 "safetensors: included\n"
                                 "Keras: included\n"
                                 "ONNX: included\n");
  check_version ("LSTM_CONVERT_WITHOUT", "lstm-convert " LSTM_VERSION "\n"
                                         "safetensors: included\n"
                                         "Keras: left out, hdf5 was not found\n"
                                         "ONNX: left out, -Donnx=disabled\n");
}

/* What it has left it still converts. */
static void
test_safetensors (void)
{
  g_autofree char *path = g_build_filename (
      g_getenv ("LSTM_TEST_VECTORS"), "torch", "cell", "model.safetensors", NULL);
  g_autofree char *said = run_converter ("LSTM_CONVERT_WITHOUT", path, 0);

  assert_says (said, "model.safetensors: safetensors\n");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/formats/files", test_files);
  g_test_add_func ("/formats/pickle", test_pickle);
  g_test_add_func ("/formats/state", test_state);
  g_test_add_func ("/formats/folders", test_folders);
  g_test_add_func ("/formats/left-out", test_left_out);
  g_test_add_func ("/formats/no-converter", test_no_converter);
  g_test_add_func ("/formats/version", test_version);
  g_test_add_func ("/formats/safetensors", test_safetensors);
  return g_test_run ();
}
