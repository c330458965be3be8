/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Checks how the library and lstm-convert report files that they do not read: both name the format
 * and the remedy in the same words. LSTM_CONVERT_WITHOUT is an lstm-convert that lacks every reader
 * that a build can leave out. */
#include "container/formats.h"
#include "converter.h"
#include "testutil.h"
#include <glib/gstdio.h>
#include <string.h>
#include <sys/wait.h>

#define BYTES(text) text, sizeof text - 1
#define ASK "lstm_model_load() reads the file, and lstm-convert converts it to safetensors"
#define SAVE "save the model from Keras as .keras or .h5"
#define ARRAYS                                                                                 \
  "they have no model; if they are the weights of a Keras model, convert them with "           \
  "lstm-convert and the configuration of the model in --config"
#define ARRAY                                                                                  \
  "it has no model; save the weights of a Keras model with numpy.savez (file, "                \
  "*model.get_weights ()), and convert them with lstm-convert and the configuration of the "   \
  "model in --config"

#define SAVE_STATE_DICT                                                                        \
  "save the model from PyTorch: torch.save (model.state_dict (), \"model.pt\")"

/* The first bytes of files, and the description of the file in a message */
static const struct {
  const char *bytes;
  gsize size;
  const char *found;
} files[] = {
    {BYTES ("\x89HDF\r\n\x1a\n\0\0\0\0\0\x08\x08\0"), "Keras HDF5 (" ASK ")"},
    {BYTES ("PK\3\4\x14\0\0\0\0\0\0\0\0\0config.json"), "a Keras archive (" ASK ")"},
    {BYTES ("PK\3\4\x14\0\0\0\0\0\0\0\0\0archive/data.pkl"), "PyTorch (" ASK ")"},
    {BYTES ("PK\3\4\x14\0\0\0\0\0\0\0\0\0m/data.pkl m/constants.pkl"), "TorchScript (" ASK ")"},
    {BYTES ("PK\3\4\x14\0\0\0\0\0\0\0\0\0arr_0.npy"), "NumPy arrays (" ARRAYS ")"},
    {BYTES ("\x93NUMPY\1\0\x76\0{'descr': '<f4'"), "a NumPy array (" ARRAY ")"},
    {BYTES ("PK\3\4\x14\0\0\0\0\0\0\0\0\0model/readme.txt"),
        "a zip archive (unpack it, and use the model file inside)"},
    {BYTES ("\x08\x07\x12\x07pytorch\x1a\x05"
            "1.12\x00"),
        "ONNX (" ASK ")"},
    {BYTES ("\x08\x01\x12\xb4\x2a\x0a\x4c\x0a\x1c\x0a\x05\x43onst"),
        "a TensorFlow SavedModel (load it in the program that made it, and " SAVE ")"},
    {BYTES ("\x1c\0\0\0TFL3\x14\0\x20\0\x1c\0\x18\0"), "TensorFlow Lite (" SAVE ")"},
    {BYTES ("\x80\x02\x8a\x0al\xfc\x9c\x46\xf9\x20j\xa8P\x19.\x80"), "PyTorch (" ASK ")"},
    {BYTES ("sys_info\0\0\0\0\0\0\0\0"), "a tar archive of PyTorch before 0.2 (load it with a "
                                         "later version of PyTorch, and save it "
                                         "with torch.save ())"},
    {BYTES ("PK\3\4\x14\0\0\0\0\0\0\0\0\0m/archive_format"),
        "a program of torch.export (" SAVE_STATE_DICT ")"},
    {BYTES ("PK\3\4\x14\0\0\0\0\0\0\0\0\0serialized_exported_program.json"),
        "a program of torch.export (" SAVE_STATE_DICT ")"},
    {BYTES ("\x1f\x8b\x08\0\0\0\0\0\0\3\xcbH\xcd\xc9\xc9\7\0"),
        "a gzip archive (unpack it, and use the model file inside)"},
    {BYTES ("{\"in_shape\": [null, null, 1], \"layers\": []}"), "RTNeural JSON (" ASK ")"},
    {BYTES ("\xef\xbb\xbf\n {\"model_data\": {}, \"state_dict\": {}}"),
        "GuitarML JSON (" ASK ")"},
    {BYTES ("{\"conv1d\": [], \"lstm\": []}"), "GuitarML JSON (" ASK ")"},
    {BYTES ("{\"residual_channels\": 8, \"dilations\": []}"), "GuitarML JSON (" ASK ")"},
    {BYTES ("{\"version\": \"0.5.4\", \"architecture\": \"LSTM\", \"weights\": []}"),
        "a NAM file (" ASK ")"},
    {BYTES ("{\"modelTopology\": {}, \"weightsManifest\": []}"),
        "a TensorFlow.js model (" SAVE ")"},
    {BYTES ("{\"lstm.weight_ih_l0\": [], \"lstm.weight_hh_l0\": []}"),
        "a PyTorch state dict in JSON (" ASK ")"},
    {BYTES (" \n{\"layers\": 2}"), "JSON (it has no weights;"},
    {BYTES ("{\"class_name\": \"Sequential\", \"config\": {}}"),
        "JSON (it has no weights; if it is the configuration of a Keras model, pass it to "
        "lstm-convert as --config, with the file of the weights)"},
    {BYTES ("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a"),
        "a Git LFS pointer (fetch the file with git lfs pull)"},
    {BYTES ("<!DOCTYPE html>\n<html><head>"),
        "a web page (download the file rather than the page about it)"},
    {BYTES ("<!doctype html>\n<html><head>"),
        "a web page (download the file rather than the page about it)"},
    {BYTES ("<html><head><title>404</title>"),
        "a web page (download the file rather than the page about it)"},
    {BYTES ("plain text, no model"),
        "an unknown format that begins with 70 6c 61 69 6e 20 74 65"},
};

/* Runs the lstm-convert that the environment variable @program names, and checks its exit status.
 * Returns: (transfer full): the messages */
static char *
run_converter (const char *program, const char *path, int expected)
{
  const char *const argv[] = {g_getenv (program), "-o", "-", path, NULL};
  char *messages = NULL;
  int status;

  g_assert_true (g_spawn_sync (NULL, (char **) argv, NULL, G_SPAWN_STDOUT_TO_DEV_NULL, NULL,
      NULL, NULL, &messages, &status, NULL));
  g_test_message ("%s", messages);
  g_assert_true (WIFEXITED (status) && WEXITSTATUS (status) == expected);
  return messages;
}

static void
assert_contains (const char *message, const char *words)
{
  if (!strstr (message, words))
    g_error ("expected \"%s\", found \"%s\"", words, message);
}

/* Checks the message of the library for a file that it does not pass to lstm-convert, and the
 * message of lstm-convert. */
static void
check_path (const char *path, const char *words)
{
  g_autofree char *messages = run_converter ("LSTM_CONVERT", path, 1);
  g_autoptr (GError) error = NULL;

  assert_contains (messages, words);
  g_assert_null (lstm_model_load (path, &error));
  g_assert_nonnull (error);
  g_assert_true (g_str_has_prefix (error->message, path));
  assert_contains (error->message, words);
}

/* Checks the sample @i in memory and, if lstm-convert has no reader for it, as a file. */
static void
check_sample (const char *path, gsize i)
{
  g_autofree char *words = g_strconcat (
      "model.bin: expected safetensors, found ", files[i].found, NULL);
  g_autoptr (GBytes) bytes = g_bytes_new_static (files[i].bytes, files[i].size);
  g_autoptr (LstmContent) content = lstm_content_new (bytes);
  g_autoptr (GError) error = NULL;
  const LstmFormat *format;

  g_assert_null (lstm_model_load_bytes (bytes, "model.bin", &error));
  g_test_message ("%s", error->message);
  g_assert_error (error, LSTM_ERROR, LSTM_ERROR_FORMAT);
  assert_contains (error->message, words);
  format = lstm_format_find (content);
  if (format && format->reader)
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
    check_sample (path, i);
  g_rmdir (dir);
}

/* Returns whether a sample has the format @name, and is described by it. */
static gboolean
has_sample (const char *name)
{
  for (gsize i = 0; i < G_N_ELEMENTS (files); i++) {
    g_autoptr (LstmContent) content = lstm_content_new_static (
        (const guint8 *) files[i].bytes, files[i].size);
    const LstmFormat *format = lstm_format_find (content);

    if (format && g_str_equal (format->name, name))
      return g_str_has_prefix (files[i].found, name);
  }
  return FALSE;
}

/* Each format that the library does not parse has a sample in this file. Each reader in the table
 * of formats is one of lstm-convert, and each reader of lstm-convert reads a format. */
static void
test_table (void)
{
  guint n;
  const LstmFormat *formats = lstm_format_list (&n);

  for (guint i = 0; i < n; i++) {
    if (!formats[i].is_native && !has_sample (formats[i].name))
      g_error ("%s: no sample", formats[i].name);
    if (formats[i].reader && !test_find_reader (test_readers, formats[i].reader))
      g_error ("%s: lstm-convert has no reader \"%s\"", formats[i].name, formats[i].reader);
  }
  for (const TestReader *reader = test_readers; reader->name; reader++) {
    guint i = 0;

    while (i < n && g_strcmp0 (formats[i].reader, reader->name) != 0)
      i++;
    if (i == n)
      g_error ("%s: no format", reader->name);
  }
}

/* A file that is no saved state is described in the same words. */
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
  assert_contains (error->message, "saved: expected safetensors, found Keras HDF5 (" ASK ")");
}

/* Folders, each by a file in it */
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

/* Files whose reader the lstm-convert of LSTM_CONVERT_WITHOUT lacks */
static const struct {
  const char *file, *reader;
} unread[] = {
    {"convert/keras-deflated/model.keras", "Keras"},
    {"convert/keras-k210/model.h5", "Keras"},
    {"convert/pytorch-single/model.pt", "PyTorch"},
    {"convert/onnx-node-plain/model.onnx", "ONNX"},
};

static void
check_unread (gsize i)
{
  g_autofree char *path = g_build_filename (
      g_getenv ("LSTM_TEST_VECTORS"), unread[i].file, NULL);
  const TestReader *reader = test_find_reader (test_readers_without, unread[i].reader);
  g_autofree char *message = g_strdup_printf (
      "%s: this lstm-convert was built without %s: %s", path, reader->name, reader->reason);
  g_autofree char *before = g_strdup (g_getenv ("LSTM_CONVERT"));
  g_autoptr (GError) error = NULL;

  g_setenv ("LSTM_CONVERT", g_getenv ("LSTM_CONVERT_WITHOUT"), TRUE);
  g_assert_null (lstm_model_load (path, &error));
  g_setenv ("LSTM_CONVERT", before, TRUE);
  g_assert_nonnull (error);
  g_assert_cmpstr (error->message, ==, message);
}

/* The message for a file whose reader is left out names the reader and the reason. Each such
 * reader has a file here. */
static void
test_left_out (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (unread); i++)
    check_unread (i);
  for (const TestReader *reader = test_readers_without; reader->name; reader++) {
    gboolean has_file = FALSE;

    for (gsize i = 0; i < G_N_ELEMENTS (unread); i++)
      has_file |= g_str_equal (unread[i].reader, reader->name);
    g_assert_true (has_file == (reader->reason != NULL));
  }
}

static void
check_version (const char *program, const TestReader *readers)
{
  g_autoptr (GString) expected = g_string_new ("lstm-convert (gst-lstm) " LSTM_VERSION "\n");
  const char *const argv[] = {g_getenv (program), "--version", NULL};
  g_autofree char *printed = NULL;
  int status;

  for (; readers->name; readers++)
    g_string_append_printf (expected, "%s: %s%s\n", readers->name,
        readers->reason ? "left out, " : "included", readers->reason ? readers->reason : "");
  g_assert_true (g_spawn_sync (
      NULL, (char **) argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, &printed, NULL, &status, NULL));
  g_assert_cmpint (status, ==, 0);
  g_assert_cmpstr (printed, ==, expected->str);
}

/* The library does not run lstm-convert for a known format that lstm-convert does not read. */
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
  assert_contains (error->message, "found TensorFlow Lite (" SAVE ")");
}

static void
test_version (void)
{
  check_version ("LSTM_CONVERT", test_readers);
  check_version ("LSTM_CONVERT_WITHOUT", test_readers_without);
}

/* An lstm-convert without the other readers converts safetensors. */
static void
test_safetensors (void)
{
  g_autofree char *path = g_build_filename (
      g_getenv ("LSTM_TEST_VECTORS"), "torch", "cell", "model.safetensors", NULL);
  g_autofree char *messages = run_converter ("LSTM_CONVERT_WITHOUT", path, 0);

  assert_contains (messages, "model.safetensors: safetensors\n");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/formats/table", test_table);
  g_test_add_func ("/formats/files", test_files);
  g_test_add_func ("/formats/state", test_state);
  g_test_add_func ("/formats/folders", test_folders);
  g_test_add_func ("/formats/left-out", test_left_out);
  g_test_add_func ("/formats/no-converter", test_no_converter);
  g_test_add_func ("/formats/version", test_version);
  g_test_add_func ("/formats/safetensors", test_safetensors);
  return g_test_run ();
}
