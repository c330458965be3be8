/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Loads files that are truncated, that have changed bytes, or that unpack to more than memory.
 * For any content lstm_model_load() returns in time, with a model that runs or an error that
 * names the file, and the converter of other formats does not crash. LSTM_HOSTILE_FLIPS=N tests
 * every vector with N changed files rather than some vectors with a few. LSTM_SAMPLE_MODELS is a
 * folder of GROUP/CASE/model.*; the default is the folder ../shared/models next to the source. */
#include "converter.h"
#include "testutil.h"
#include <glib/gstdio.h>
#include <string.h>

static const char *const default_samples[] = {
    "lstm/head",
    "variants/activation-elu-alpha",
    "convert/amp-aida-skip",
    "convert/amp-guitarml-stack",
    "convert/amp-nam-stack",
    "convert/amp-rtneural-norms",
    "convert/keras-deflated",
    "convert/keras-k205-list",
    "convert/keras-k3-h5",
    "convert/keras-mixed",
    "convert/keras-stacked-cells-zero-h5",
    "convert/keras-windows",
    "convert/onnx-loop-masked-lstm",
    "convert/onnx-loop-scan-gru",
    "convert/onnx-node-all-both",
    "convert/onnx-node-gru-all-both-after",
    "convert/onnx-quantized-lstm-columns",
    "convert/onnx-torch-mean-pool-13",
    "convert/onnx-torch-state-packed-13",
    "convert/onnx-torch-unfolded-11",
    "convert/onnx-torch-unsorted-both-last-13",
    "convert/pytorch-single",
    "convert/pytorch-shared-legacy",
    "convert/pytorch-nested",
    "convert/pytorch-pickled",
    "convert/pytorch-script-rnn",
    "convert/pytorch-whole-norms",
};

#define STEPS 3
#define N_CUTS 200
#define N_FLIPS 40
/* Features that need more than 1 GB for one stream: a repeating layer makes up to 65536 steps. */
#define MANY_FEATURES ((gsize) 1 << 12)

static char *folder; /* of the files that are tried */

/* Returns the size of the widest input, output, h or c. */
static gsize
get_widest_size (const LstmModel *model)
{
  gsize size = MAX (lstm_model_get_input_size (model), lstm_model_get_output_size (model));

  for (guint i = 0; i < lstm_model_get_n_lstm_layers (model); i++) {
    size = MAX (size, lstm_model_get_hidden_size (model, i));
    size = MAX (size, lstm_model_get_cell_size (model, i));
  }
  return size;
}

/* Makes a state of one stream for calls of STEPS steps. A model that loaded has a state. The only
 * accepted error is LSTM_ERROR_MEMORY for a model of more than MANY_FEATURES. Returns:
 * (nullable) */
static LstmState *
make_state (LstmModel *model)
{
  g_autoptr (GError) error = NULL;
  LstmState *state = lstm_model_is_causal (model)
                         ? lstm_state_new (model, 1, &error)
                         : lstm_state_new_for_sequences (model, 1, STEPS, &error);

  if (!state && g_error_matches (error, LSTM_ERROR, LSTM_ERROR_MEMORY)
      && get_widest_size (model) > MANY_FEATURES)
    return NULL;
  g_assert_no_error (error);
  g_assert_nonnull (state);
  return state;
}

static void
run_model (LstmModel *model)
{
  g_autoptr (LstmState) state = make_state (model);
  g_autofree float *x = NULL, *y = NULL;

  if (!state)
    return;
  x = g_try_new0 (float, STEPS *lstm_model_get_input_size (model));
  y = g_try_new0 (
      float, lstm_state_get_output_steps (state, STEPS) * lstm_model_get_output_size (model));
  g_assert_true ((x && y) || get_widest_size (model) > MANY_FEATURES);
  if (x && y)
    lstm_state_run (state, STEPS, x, y);
}

/* Returns whether a file named @name with the content @data is a model. */
static gboolean
try_bytes (const char *name, const void *data, gsize size)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);
  g_autoptr (LstmModel) model = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (g_file_set_contents_full (
      path, data, (gssize) size, G_FILE_SET_CONTENTS_NONE, 0600, NULL));
  model = lstm_model_load (path, &error);
  g_unlink (path);
  g_assert_true ((model == NULL) == (error != NULL));
  if (model) {
    run_model (model);
    return TRUE;
  }
  if (!g_str_has_prefix (error->message, path) || strstr (error->message, "(signal")
      || strstr (error->message, "in time"))
    g_error ("%s", error->message);
  return FALSE;
}

typedef struct {
  char *path;
  guint n_cuts, n_flips;
} Sample;

static void
sample_free (gpointer data)
{
  Sample *sample = data;

  g_free (sample->path);
  g_free (sample);
}

static void
test_sample (gconstpointer data)
{
  const Sample *sample = data;
  g_autofree char *name = g_path_get_basename (sample->path), *content = NULL;
  g_autofree char *changed = NULL;
  GRand *rand = g_rand_new_with_seed (7);
  guint n_models = 0;
  gsize size;

  if (test_skip_left_out (sample->path)) {
    g_rand_free (rand);
    return;
  }
  g_assert_true (g_file_get_contents (sample->path, &content, &size, NULL));
  for (guint i = 0; i < sample->n_cuts; i++)
    n_models += try_bytes (name, content, size * i / sample->n_cuts);
  for (guint i = 0; i < sample->n_flips; i++) {
    g_free (changed);
    changed = g_memdup2 (content, size);
    for (gsize n = test_pick (rand, 1, 4); n > 0; n--)
      changed[test_pick (rand, 0, size - 1)] ^= (char) test_pick (rand, 1, 255);
    n_models += try_bytes (name, changed, size);
  }
  g_test_message ("%u models in %u files", n_models, sample->n_cuts + sample->n_flips);
  g_rand_free (rand);
}

/* Adds a test for the model in @dir, if there is one. */
static void
add_sample (const char *root, const char *dir, guint n_cuts, guint n_flips)
{
  g_autofree char *at = g_build_filename (root, dir, NULL);
  g_autofree char *test = g_strconcat ("/hostile/", dir, NULL);
  g_autoptr (GDir) opened = g_dir_open (at, 0, NULL);
  const char *name;

  while (opened && (name = g_dir_read_name (opened))) {
    const Sample sample = {g_build_filename (at, name, NULL), n_cuts, n_flips};

    if (g_str_has_prefix (name, "model.")) {
      g_test_add_data_func_full (
          test, g_memdup2 (&sample, sizeof sample), test_sample, sample_free);
      return;
    }
    g_free (sample.path);
  }
}

/* Adds a test for each model in the folders @groups of @root, or in all folders of @root. */
static void
add_samples (const char *root, const char *const *groups, guint n_cuts, guint n_flips)
{
  g_autoptr (GDir) opened = g_dir_open (root, 0, NULL);
  const char *group;

  while ((group = g_dir_read_name (opened))) {
    g_autofree char *path = g_build_filename (root, group, NULL);
    g_autoptr (GDir) cases = NULL;
    const char *name;

    if (!groups || g_strv_contains (groups, group))
      cases = g_dir_open (path, 0, NULL);
    while (cases && (name = g_dir_read_name (cases))) {
      g_autofree char *dir = g_build_filename (group, name, NULL);

      add_sample (root, dir, n_cuts, n_flips);
    }
  }
}

static void
add_vectors (void)
{
  static const char *const all[] = {"lstm", "variants", "convert", NULL};
  const char *root = g_getenv ("LSTM_TEST_VECTORS"), *flips = g_getenv ("LSTM_HOSTILE_FLIPS");

  if (flips)
    add_samples (root, all, N_CUTS, (guint) g_ascii_strtoull (flips, NULL, 10));
  for (guint i = 0; !flips && i < G_N_ELEMENTS (default_samples); i++)
    add_sample (root, default_samples[i], N_CUTS, N_FLIPS);
}

static void
test_no_samples (gconstpointer root)
{
  g_test_skip (root);
}

static void
add_shared_samples (void)
{
  const char *models = g_getenv ("LSTM_SAMPLE_MODELS"),
             *flips = g_getenv ("LSTM_HOSTILE_FLIPS");
  g_autofree char *root = models ? g_strdup (models)
                                 : g_build_filename (g_getenv ("LSTM_TEST_SOURCE"), "..",
                                     "shared", "models", NULL);

  if (g_file_test (root, G_FILE_TEST_IS_DIR))
    add_samples (root, NULL, flips ? N_CUTS : 10,
        flips ? (guint) g_ascii_strtoull (flips, NULL, 10) : 5);
  else
    g_test_add_data_func_full ("/hostile/samples", g_strdup_printf ("%s does not exist", root),
        test_no_samples, g_free);
}

typedef struct {
  GByteArray *bytes;
  guint64 pending; /* bits that do not fill a byte */
  guint n_pending;
} BitWriter;

/* Writes the @n low bits of @code, the most significant bit first for a Huffman code. */
static void
put_bits (BitWriter *bits, guint code, guint n, gboolean huffman)
{
  for (guint i = 0; i < n; i++) {
    bits->pending |= (guint64) (code >> (huffman ? n - 1 - i : i) & 1) << bits->n_pending;
    if (++bits->n_pending == 8) {
      const guint8 byte = (guint8) bits->pending;

      g_byte_array_append (bits->bytes, &byte, 1);
      bits->pending = bits->n_pending = 0;
    }
  }
}

/* Compresses 1 + 258 @n zeros: a zero, and @n references to it. */
static GByteArray *
deflate_zeros (guint n)
{
  BitWriter bits = {g_byte_array_new (), 0, 0};

  put_bits (&bits, 3, 3, FALSE); /* the last block, with the fixed codes */
  put_bits (&bits, 0x30, 8, TRUE);
  for (guint i = 0; i < n; i++) {
    put_bits (&bits, 0xc5, 8, TRUE); /* 258 bytes */
    put_bits (&bits, 0, 5, TRUE);    /* at a distance of 1 byte */
  }
  put_bits (&bits, 0, 7 + 7, TRUE); /* the end of the block, and padding to a byte */
  return bits.bytes;
}

/* Writes the @n low bytes of @value in little-endian order. */
static void
put_bytes (GByteArray *to, guint32 value, guint n)
{
  for (guint i = 0; i < n; i++) {
    const guint8 byte = (guint8) (value >> 8 * i);

    g_byte_array_append (to, &byte, 1);
  }
}

/* Writes the fields that the local and the central header of a member share. */
static void
put_member (GByteArray *zip, const char *name, gsize compressed, gsize size)
{
  put_bytes (zip, 20, 2);
  put_bytes (zip, 0, 2);
  put_bytes (zip, 8, 2); /* deflated */
  put_bytes (zip, 0, 8); /* time and checksum */
  put_bytes (zip, (guint32) compressed, 4);
  put_bytes (zip, (guint32) size, 4);
  put_bytes (zip, (guint32) strlen (name), 2);
  put_bytes (zip, 0, 2);
}

typedef struct {
  const char *name;
  gsize size;
} Member;

static GByteArray *
make_zip (const Member *members, guint n)
{
  GByteArray *zip = g_byte_array_new (), *central = g_byte_array_new ();
  gsize at;

  for (guint i = 0; i < n; i++) {
    const char *name = members[i].name;
    g_autoptr (GByteArray) data = deflate_zeros ((guint) (members[i].size / 258));

    at = zip->len;
    put_bytes (zip, 0x04034b50, 4);
    put_member (zip, name, data->len, members[i].size);
    g_byte_array_append (zip, (const guint8 *) name, (guint) strlen (name));
    g_byte_array_append (zip, data->data, data->len);
    put_bytes (central, 0x02014b50, 4);
    put_bytes (central, 20, 2);
    put_member (central, name, data->len, members[i].size);
    put_bytes (central, 0, 10);
    put_bytes (central, (guint32) at, 4);
    g_byte_array_append (central, (const guint8 *) name, (guint) strlen (name));
  }
  at = zip->len;
  g_byte_array_append (zip, central->data, central->len);
  put_bytes (zip, 0x06054b50, 4);
  put_bytes (zip, 0, 4);
  put_bytes (zip, n, 2);
  put_bytes (zip, n, 2);
  put_bytes (zip, central->len, 4);
  put_bytes (zip, (guint32) at, 4);
  put_bytes (zip, 0, 2);
  g_byte_array_unref (central);
  return zip;
}

static void
test_bomb (gconstpointer data)
{
  const Member members[] = {
      {"metadata.json", 258}, {"config.json", 258}, {"model.weights.h5", 258}, {data, 1 << 30}};
  g_autoptr (GByteArray) zip = make_zip (members, G_N_ELEMENTS (members));
  g_autoptr (GByteArray) bomb_only = make_zip (members + 3, 1);
  g_autofree char *archive = g_build_filename (
      g_getenv ("LSTM_TEST_VECTORS"), "convert", "keras-deflated", "model.keras", NULL);

  if (test_skip_left_out (archive))
    return;
  g_assert_false (try_bytes ("model.keras", zip->data, zip->len));
  g_assert_false (try_bytes ("model.keras", bomb_only->data, bomb_only->len));
}

int
main (int argc, char **argv)
{
  int status;

  g_test_init (&argc, &argv, NULL);
  folder = g_dir_make_tmp ("lstm-XXXXXX", NULL);
  add_vectors ();
  add_shared_samples ();
  g_test_add_data_func ("/hostile/bomb/config", "config.json", test_bomb);
  g_test_add_data_func ("/hostile/bomb/weights", "model.weights.h5", test_bomb);
  status = g_test_run ();
  g_rmdir (folder);
  g_free (folder);
  return status;
}
