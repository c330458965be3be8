/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Loads ONNX models whose weights are in another file. The file may be missing, no regular file, a
 * link, truncated, or changed: lstm_model_load() returns a model or an error that names the tensor
 * and the file. */
#include "testutil.h"
#include <glib/gstdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define D 3
#define M                                                                                      \
  16 /* lstm-convert decodes W, and copies R, which has more than 255 values, to its output */
#define N_CUTS 200
#define N_FLIPS 40 /* LSTM_HOSTILE_FLIPS=N tests N changed files instead */

/* --- The model: y = LSTM (x) ------------------------------------------------------------------ */

static void
put_varint (GByteArray *to, guint64 value)
{
  do {
    const guint8 byte = (guint8) ((value & 0x7f) | (value > 0x7f ? 0x80 : 0));

    g_byte_array_append (to, &byte, 1);
    value >>= 7;
  } while (value);
}

static void
put_integer (GByteArray *to, guint field, guint64 value)
{
  put_varint (to, field << 3);
  put_varint (to, value);
}

static void
put_text (GByteArray *to, guint field, const char *text)
{
  put_varint (to, field << 3 | 2);
  put_varint (to, strlen (text));
  g_byte_array_append (to, (const guint8 *) text, (guint) strlen (text));
}

/* @message: (transfer full) */
static void
put_message (GByteArray *to, guint field, GByteArray *message)
{
  put_varint (to, field << 3 | 2);
  put_varint (to, message->len);
  g_byte_array_append (to, message->data, message->len);
  g_byte_array_unref (message);
}

static void
put_entry (GByteArray *tensor, const char *key, const char *value)
{
  GByteArray *entry = g_byte_array_new ();

  put_text (entry, 1, key);
  put_text (entry, 2, value);
  put_message (tensor, 13, entry);
}

/* Adds the initializer @name of shape [1, @rows, @columns] at @offset of the file @location. */
static void
put_initializer (GByteArray *graph, const char *name, gsize rows, gsize columns,
    const char *location, gsize offset)
{
  GByteArray *tensor = g_byte_array_new ();
  g_autofree char *text = g_strdup_printf ("%" G_GSIZE_FORMAT, offset);

  put_integer (tensor, 1, 1);
  put_integer (tensor, 1, rows);
  put_integer (tensor, 1, columns);
  put_integer (tensor, 2, 1); /* float32 */
  put_text (tensor, 8, name);
  put_entry (tensor, "location", location);
  put_entry (tensor, "offset", text);
  put_integer (tensor, 14, 1); /* external */
  put_message (graph, 5, tensor);
}

static GByteArray *
make_model (gsize m, gsize d, const char *location)
{
  static const char *const inputs[] = {"x", "W", "R"};
  GByteArray *model = g_byte_array_new (), *graph = g_byte_array_new ();
  GByteArray *node = g_byte_array_new (), *opset = g_byte_array_new ();
  GByteArray *input = g_byte_array_new (), *output = g_byte_array_new ();

  for (guint i = 0; i < G_N_ELEMENTS (inputs); i++)
    put_text (node, 1, inputs[i]);
  put_text (node, 2, "y");
  put_text (node, 4, "LSTM");
  put_message (graph, 1, node);
  put_text (graph, 2, "g");
  put_initializer (graph, "W", 4 * m, d, location, 0);
  put_initializer (graph, "R", 4 * m, m, location, 4 * m * d * sizeof (float));
  put_text (input, 1, "x");
  put_message (graph, 11, input);
  put_text (output, 1, "y");
  put_message (graph, 12, output);
  put_integer (opset, 2, 13);
  put_integer (model, 1, 7); /* ir_version */
  put_message (model, 7, graph);
  put_message (model, 8, opset);
  return model;
}

/* --- Its files -------------------------------------------------------------------------------- */

/* A folder with model.onnx, and the path of its data, which may not exist */
typedef struct {
  char *dir, *model, *data;
} Files;

static Files
make_files (gsize m, gsize d, const char *location)
{
  g_autoptr (GByteArray) bytes = make_model (m, d, location);
  Files files = {g_dir_make_tmp ("lstm-XXXXXX", NULL)};

  files.model = g_build_filename (files.dir, "model.onnx", NULL);
  files.data = g_build_filename (files.dir, strstr (location, "..") ? "none" : location, NULL);
  g_assert_true (
      g_file_set_contents (files.model, (const char *) bytes->data, bytes->len, NULL));
  return files;
}

static void
files_remove (Files *files)
{
  g_autofree char *folder = g_path_get_dirname (files->data);

  g_remove (files->data);
  if (!g_str_equal (folder, files->dir))
    g_remove (folder);
  g_remove (files->model);
  g_assert_cmpint (g_rmdir (files->dir), ==, 0);
  g_free (files->data);
  g_free (files->model);
  g_free (files->dir);
}

static float *
make_weights (gsize *size)
{
  const gsize n = 4 * M * (D + M);
  float *weights = g_new (float, n);

  for (gsize k = 0; k < n; k++)
    weights[k] = (float) ((double) (k * 7919 % 1000) / 1000 - .5);
  *size = n * sizeof *weights;
  return weights;
}

static void
write_weights (const char *path)
{
  gsize size;
  g_autofree float *weights = make_weights (&size);

  g_assert_true (g_file_set_contents (path, (const char *) weights, (gssize) size, NULL));
}

/* Runs @model, which has D inputs and M units. Returns: (transfer full): the outputs */
static float *
run_model (LstmModel *model)
{
  static const float x[2 * D] = {1, -1, .5f, .25f, 0, 2};
  g_autoptr (GError) error = NULL;
  g_autoptr (LstmState) state = lstm_state_new (model, 1, &error);
  float *y = g_new0 (float, 2 * M);

  g_assert_no_error (error);
  g_assert_cmpuint (lstm_model_get_output_size (model), ==, M);
  lstm_state_run (state, 2, x, y);
  return y;
}

/* Loads @files. A model runs. An error names the model. Returns whether it is a model. */
static gboolean
load_files (const Files *files, const char *message)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (LstmModel) model = lstm_model_load (files->model, &error);

  if (model) {
    g_free (run_model (model));
    g_assert_null (message);
    return TRUE;
  }
  g_test_message ("%s", error->message);
  g_assert_true (g_str_has_prefix (error->message, files->model));
  g_assert_null (strstr (error->message, "(signal"));
  if (message)
    g_assert_nonnull (strstr (error->message, message));
  return FALSE;
}

/* --- Tests ------------------------------------------------------------------------------------ */

static void
make_nothing (const char *path)
{
}

static void
make_link (const char *path)
{
  g_assert_cmpint (symlink ("model.onnx", path), ==, 0);
}

static void
make_fifo (const char *path)
{
  g_assert_cmpint (mkfifo (path, 0600), ==, 0);
}

static void
make_folder (const char *path)
{
  g_assert_cmpint (g_mkdir (path, 0700), ==, 0);
}

static void
make_in_folder (const char *path)
{
  g_autofree char *folder = g_path_get_dirname (path);

  make_folder (folder);
  write_weights (path);
}

static void
make_in_linked_folder (const char *path)
{
  g_autofree char *folder = g_path_get_dirname (path);

  g_assert_cmpint (symlink (".", folder), ==, 0);
}

static void
make_in_file (const char *path)
{
  g_autofree char *folder = g_path_get_dirname (path);

  write_weights (folder);
}

/* The location of the weights, what is at this location, and a part of the error message (NULL: the
 * model loads) */
static const struct {
  const char *name, *location;
  void (*make) (const char *path);
  const char *message;
} cases[] = {
    {"file", "model.onnx.data", write_weights, NULL},
    {"folder", "weights/all", make_in_folder, NULL},
    {"same-folder", "./all", write_weights, NULL},
    {"missing", "all", make_nothing, "all: No such file or directory"},
    {"link", "all", make_link,
        "expected a path without symbolic links, found the link \"all\""},
    {"linked-folder", "weights/all", make_in_linked_folder,
        "expected a path without symbolic links, found the link \"weights\""},
    {"fifo", "all", make_fifo, "all: expected a file, found a FIFO"},
    {"directory", "all", make_folder, "all: expected a file, found a directory"},
    {"no-folder", "weights/all", make_in_file, "weights/all: Not a directory"},
    {"above", "../all", make_nothing,
        "expected a relative path without \"..\", found \"../all\""},
    {"absolute", "/etc/passwd", make_nothing,
        "tensor \"W\": external data: /etc/passwd: expected a relative path"},
};

static void
test_location (gconstpointer data)
{
  const guint i = GPOINTER_TO_UINT (data);
  Files files = make_files (M, D, cases[i].location);

  cases[i].make (files.data);
  g_assert_true (load_files (&files, cases[i].message) == !cases[i].message);
  files_remove (&files);
}

/* The model loads if and only if the file has all weights. */
static void
test_truncated (void)
{
  Files files = make_files (M, D, "all");
  gsize size;
  g_autofree float *weights = make_weights (&size);

  for (gsize i = 0; i <= N_CUTS; i++) {
    const gsize n = size * i / N_CUTS;

    g_assert_true (g_file_set_contents (files.data, (const char *) weights, (gssize) n, NULL));
    g_assert_true (load_files (&files, NULL) == (n == size));
  }
  files_remove (&files);
}

/* Changes bytes of the model or of its data. */
static void
check_flips (const Files *files, const char *path)
{
  GRand *rand = g_rand_new_with_seed (7);
  g_autofree char *content = NULL;
  const char *flips = g_getenv ("LSTM_HOSTILE_FLIPS");
  const guint n_flips = flips ? (guint) g_ascii_strtoull (flips, NULL, 10) : N_FLIPS;
  guint n_models = 0;
  gsize size;

  g_assert_true (g_file_get_contents (path, &content, &size, NULL));
  for (guint i = 0; i < n_flips; i++) {
    g_autofree char *changed = g_memdup2 (content, size);
    g_autoptr (LstmModel) model = NULL;
    g_autoptr (GError) error = NULL;

    for (gsize n = test_pick (rand, 1, 4); n > 0; n--)
      changed[test_pick (rand, 0, size - 1)] ^= (char) test_pick (rand, 1, 255);
    g_assert_true (g_file_set_contents (path, changed, (gssize) size, NULL));
    model = lstm_model_load (files->model, &error);
    g_assert_true ((model == NULL) == (error != NULL));
    g_assert_true (model || g_str_has_prefix (error->message, files->model));
    g_assert_true (model || !strstr (error->message, "(signal"));
    n_models += model != NULL;
  }
  g_test_message ("%u models in %u files", n_models, n_flips);
  g_assert_true (g_file_set_contents (path, content, (gssize) size, NULL));
  g_rand_free (rand);
}

static void
test_flipped (void)
{
  Files files = make_files (M, D, "all");

  write_weights (files.data);
  check_flips (&files, files.data);
  check_flips (&files, files.model);
  g_assert_true (load_files (&files, NULL));
  files_remove (&files);
}

/* Returns the peak of the resident memory of this process, or of its largest child, in bytes. */
static gsize
get_peak (int who)
{
  struct rusage usage;

  g_assert_cmpint (getrusage (who, &usage), ==, 0);
  return (gsize) usage.ru_maxrss * 1024;
}

/* The limits of the converter grow with the data, not with the small model file. Loading needs the
 * memory of the packed weights, and little more in either process. */
static void
test_large (void)
{
  const gsize m = 1600, size = 4 * m * 2 * m * sizeof (float), before = get_peak (RUSAGE_SELF);
  Files files = make_files (m, m, "all");
  g_autoptr (GError) error = NULL;
  g_autoptr (LstmModel) model = NULL;

  g_assert_cmpuint (size, >, 64 << 20);
  g_assert_true (g_file_set_contents (files.data, "", 0, NULL));
  g_assert_cmpint (truncate (files.data, (off_t) size), ==, 0);
  model = lstm_model_load (files.model, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (lstm_model_get_output_size (model), ==, m);
  g_assert_cmpuint (get_peak (RUSAGE_SELF) - before, <, size + size / 4);
  g_assert_cmpuint (get_peak (RUSAGE_CHILDREN), <, size / 2);
  files_remove (&files);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *name = g_strconcat ("/external-data/", cases[i].name, NULL);

    g_test_add_data_func (name, GUINT_TO_POINTER (i), test_location);
  }
  g_test_add_func ("/external-data/truncated", test_truncated);
  g_test_add_func ("/external-data/flipped", test_flipped);
  g_test_add_func ("/external-data/large", test_large);
  return g_test_run ();
}
