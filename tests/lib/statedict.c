/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Which layers the tensors of a state dict make, by their names and shapes alone, and with --head. */
#include "description.h"
#include <string.h>

typedef struct {
  const char *name;
  const char *modules; /* "KIND NAME SIZES" as add_module() has it, separated by ';' */
  const char *head;
  const char *layers;  /* as summarize() writes them, or NULL: refused */
  const char *message; /* a part of it */
} Case;

#define SAME(name) "lstm " name " 16 16;"
#define FOUR(a) SAME (a "0") SAME (a "1") SAME (a "2") SAME (a "3")
#define SIXTEEN(a) FOUR (a "0") FOUR (a "1") FOUR (a "2") FOUR (a "3")

static const Case cases[] = {
    /* Modules */
    {"lstm", "lstm rnn. 8 16", NULL, "lstm rnn", NULL},
    {"bare", "lstm  8 16", NULL, "lstm", NULL},
    {"deep", "lstm module.net.rnn. 8 16", NULL, "lstm module.net.rnn", NULL},
    {"no-dot", "lstm rnn_ 8 16", NULL, "lstm rnn_ rnn_", NULL},
    {"only-dot", "lstm . 8 16", NULL, "lstm .", NULL},
    {"bidirectional", "both rnn. 8 16; linear fc. 32 3", NULL,
        "lstm rnn bidirectional, dense fc", NULL},
    {"projection", "projection rnn. 8 16 5; linear fc. 5 3", NULL, "lstm rnn, dense fc", NULL},
    {"cell", "cell rnn. 8 16; linear fc. 16 3", NULL, "lstm rnn, dense fc", NULL},
    {"layer-norm", "lstm rnn. 8 16; norm ln. 16; linear fc. 16 3", NULL,
        "lstm rnn, layer_normalization ln, dense fc", NULL},
    {"batch-norm", "batch bn. 8; lstm rnn. 8 16", NULL, "batch_normalization bn, lstm rnn",
        NULL},
    {"gru", "gru rnn. 8 16", NULL, NULL,
        "\"rnn\" has the shape of an nn.GRU, which is not supported: tensor "
        "\"rnn.weight_ih_l0\" [48, 8] for 16 units"},
    {"rnn", "rnn net. 8 16", NULL, NULL, "\"net\" has the shape of an nn.RNN, "},
    {"gru-cell", "raw g.weight_ih 48x8; raw g.weight_hh 48x16", NULL, NULL, "an nn.GRUCell"},
    {"convolution", "lstm rnn. 8 16; raw conv.weight 8x3x5", NULL, NULL,
        "tensor \"conv.weight\" [8, 3, 5] belongs to no layer: expected those of nn.LSTM"},
    {"embedding", "raw words.weight 50x8; lstm rnn. 8 8", NULL, NULL,
        "\"words.weight\" [50, 8] without a bias may be an nn.Embedding"},
    {"prelu", "lstm rnn. 8 16; raw act.weight 1", NULL, NULL, "\"act.weight\" [1] belongs"},
    {"attention", "lstm rnn. 8 16; raw mha.in_proj_weight 48x16", NULL, NULL,
        "\"mha.in_proj_weight\" [48, 16] belongs"},
    {"weight-norm", "lstm rnn. 8 16; raw fc.weight_v 3x16", NULL, NULL, "\"fc.weight_v\""},
    {"parameter", "lstm rnn. 8 16; raw attention_weight 16x16", NULL, NULL,
        "\"attention_weight\" [16, 16] belongs"},
    {"lone-bias", "lstm rnn. 8 16; raw fc.bias 3", NULL, NULL, "\"fc.bias\" [3] belongs"},
    {"flat-weight", "raw rnn.weight_ih_l0 64; raw rnn.weight_hh_l0 64x16", NULL, NULL,
        "\"rnn.weight_ih_l0\": expected 2 dimensions, found [64]"},
    {"second-layer-only", "raw rnn.weight_ih_l1 64x8", NULL, NULL,
        "expected a tensor \"rnn.weight_ih_l0\""},
    {"batch-norm-without-mean", "lstm rnn. 8 16; raw bn.running_var 16", NULL, NULL,
        "expected a tensor \"bn.running_mean\""},
    {"no-lstm", "linear fc. 8 3", NULL, NULL, "found neither"},

    /* The order by sizes */
    {"stacks", "linear fc. 4 3; lstm b. 16 4; lstm a. 8 16", NULL, "lstm a, lstm b, dense fc",
        NULL},
    {"circle", "linear dense. 8 1; lstm lstm. 1 8; lstm lstm2. 8 8", NULL,
        "lstm lstm, lstm lstm2, dense dense", NULL},
    {"square-linear", "lstm rnn. 16 16; linear fc. 16 16", NULL, NULL, "found several"},
    {"square-linear-behind", "lstm rnn. 8 16; linear fc. 16 16", NULL, "lstm rnn, dense fc",
        NULL},
    {"numbers", SAME ("lstm2.") SAME ("lstm10.") SAME ("lstm1."), NULL,
        "lstm lstm1, lstm lstm2, lstm lstm10", NULL},
    {"numbers-inside", SAME ("layers.1.rnn.") SAME ("layers.0.rnn."), NULL,
        "lstm layers.0.rnn, lstm layers.1.rnn", NULL},
    {"numbers-in-a-circle", "lstm lstm2. 4 16; lstm lstm1. 16 4", NULL,
        "lstm lstm1, lstm lstm2", NULL},
    {"numbers-against-sizes", "lstm lstm3. 8 16; lstm lstm2. 16 16; lstm lstm1. 16 16", NULL,
        NULL, "found several"},
    {"names", SAME ("lstm.") SAME ("lstm2."), NULL, NULL,
        "expected one order of the modules, found several: lstm [16 → 16], lstm2 [16 → 16]; "
        "say it with lstm-convert --head \"…\""},
    {"encoder-decoder", "lstm encoder. 16 4; lstm decoder. 4 16", NULL, NULL, "found several"},
    {"norm-anywhere", SAME ("lstm1.") SAME ("lstm2.") "norm ln. 16", NULL, NULL,
        "found several"},
    {"auxiliary", "lstm rnn. 8 16; linear fc. 16 3; linear aux. 16 5", NULL, NULL,
        "each take what the one before gives, found rnn [8 → 16], fc [16 → 3], aux [16 → 5]"},
    {"apart", "lstm rnn. 8 16; norm ln. 4", NULL, NULL, "each take what the one before gives"},
    {"sixty-four", SIXTEEN ("a") SIXTEEN ("b") SIXTEEN ("c") SIXTEEN ("d"), NULL, NULL,
        "found several"},
    {"sixty-five", SIXTEEN ("a") SIXTEEN ("b") SIXTEEN ("c") SIXTEEN ("d") SAME ("e"), NULL,
        NULL, "expected at most 64 modules, found 65"},

    /* Activations that nobody can know */
    {"two-linears", "lstm rnn. 8 16; linear fc1. 16 4; linear fc2. 4 3", NULL, NULL,
        "which activation is behind \"fc1\" [16 → 4]; say it with lstm-convert --head "
        "\"fc1 ACTIVATION, fc2\""},
    {"linear-before", "linear in. 4 8; lstm rnn. 8 16; linear out. 16 3", NULL, NULL,
        "--head \"in ACTIVATION, rnn, out\""},
    {"linear-and-norm", "lstm rnn. 8 16; linear fc. 16 3; norm ln. 3", NULL, NULL,
        "--head \"fc ACTIVATION, ln\""},

    /* --head */
    {"head", "lstm rnn. 8 16; linear net.0. 16 4; linear net.2. 4 3",
        "net.0 relu, net.2 softmax", "lstm rnn, dense net.0 relu, dense net.2 softmax", NULL},
    {"head-linear", "lstm rnn. 8 16; linear net.0. 16 4; linear net.2. 4 3", "net.0,net.2",
        "lstm rnn, dense net.0, dense net.2", NULL},
    {"head-suffix", "lstm m.rnn. 8 16; linear m.fc1. 16 4; linear m.fc2. 4 3",
        " fc1\ttanh ,  m.fc2 ", "lstm m.rnn, dense m.fc1 tanh, dense m.fc2", NULL},
    {"head-norm", "lstm rnn. 8 16; norm ln. 16; linear fc. 16 3", "ln relu, fc",
        "lstm rnn, layer_normalization ln, activation relu, dense fc", NULL},
    {"head-norm-before", "batch bn. 8; lstm rnn. 8 16; linear fc. 16 3", "fc sigmoid",
        "batch_normalization bn, lstm rnn, dense fc sigmoid", NULL},
    {"head-all", "linear in. 4 8; lstm rnn. 8 16; linear out. 16 3",
        "in relu, rnn tanh, out softmax",
        "dense in relu, lstm rnn, activation tanh, dense out softmax", NULL},
    {"head-order", SAME ("a.") SAME ("b.") "linear fc. 16 3", "b, a, fc",
        "lstm b, lstm a, dense fc", NULL},
    {"head-chooses", "lstm a. 16 8; lstm b. 8 16; linear fc. 8 3", "fc",
        "lstm b, lstm a, dense fc", NULL},
    {"head-no-bias", "lstm rnn. 8 16; raw fc.weight 3x16", "fc", "lstm rnn, dense fc", NULL},
    {"head-only-lstm", SAME ("a.") SAME ("b."), "b relu, a", "lstm b, activation relu, lstm a",
        NULL},
    {"head-empty", "lstm rnn. 8 16; linear fc. 16 3", "", NULL, "found \"\""},
    {"head-comma", "lstm rnn. 8 16; linear fc. 16 3", "fc relu,", NULL, "found \"\""},
    {"head-words", "lstm rnn. 8 16; linear fc. 16 3", "fc leaky relu", NULL,
        "found \"fc leaky relu\""},
    {"head-unknown", "lstm rnn. 8 16; linear fc. 16 3", "fd relu", NULL,
        "expected one of the modules rnn [8 → 16], fc [16 → 3], found \"fd\""},
    {"head-part", "lstm rnn. 8 16; linear fc. 16 3", "c relu", NULL, "found \"c\""},
    {"head-ambiguous", "lstm rnn. 8 16; linear a.fc. 16 4; linear b.fc. 4 3", "fc, b.fc", NULL,
        "\"fc\" may be \"a.fc\" and \"b.fc\""},
    {"head-twice", "lstm rnn. 8 16; linear fc. 16 16", "fc, fc", NULL,
        "\"fc\" stands there twice"},
    {"head-left-out", "lstm rnn. 8 16; linear fc. 16 3; linear aux. 16 5", "fc", NULL,
        "\"aux\" [16 → 5] is not in it"},
    {"head-norm-left-out", "lstm rnn. 8 16; norm ln. 16; linear fc. 16 3", "rnn, fc", NULL,
        "\"ln\" [16 → 16] is not in it"},
    {"head-misfit", "lstm a. 8 16; lstm b. 16 4; linear fc. 16 3", "fc", NULL,
        "each take what the one before gives"},
};

/* --- Files --- */

typedef struct {
  GString *header;
  gsize size; /* of the data */
} File;

static void
add_tensor (File *file, const char *prefix, const char *name, const char *number,
    const gsize *shape, guint n_dims)
{
  gsize n = 1;

  g_string_append_printf (file->header, "%s\"%s%s%s\":{\"dtype\":\"F32\",\"shape\":[",
      file->header->len > 1 ? "," : "", prefix, name, number);
  for (guint i = 0; i < n_dims; i++) {
    g_string_append_printf (
        file->header, i ? ",%" G_GSIZE_FORMAT : "%" G_GSIZE_FORMAT, shape[i]);
    n *= shape[i];
  }
  g_string_append_printf (file->header,
      "],\"data_offsets\":[%" G_GSIZE_FORMAT ",%" G_GSIZE_FORMAT "]}", file->size,
      file->size + n * sizeof (float));
  file->size += n * sizeof (float);
}

static void
add_recurrent (
    File *file, const char *prefix, const char *number, gsize gates, gsize d, gsize m, gsize p)
{
  add_tensor (file, prefix, "weight_ih", number, (gsize[]){gates * m, d}, 2);
  add_tensor (file, prefix, "weight_hh", number, (gsize[]){gates * m, p}, 2);
  add_tensor (file, prefix, "bias_ih", number, (gsize[]){gates * m}, 1);
  add_tensor (file, prefix, "bias_hh", number, (gsize[]){gates * m}, 1);
}

static void
add_affine (File *file, const char *prefix, gsize n, gsize d)
{
  add_tensor (file, prefix, "weight", "", (gsize[]){n, d}, d ? 2 : 1);
  add_tensor (file, prefix, "bias", "", &n, 1);
}

static void
add_batch_norm (File *file, const char *prefix, gsize n)
{
  add_affine (file, prefix, n, 0);
  add_tensor (file, prefix, "running_mean", "", &n, 1);
  add_tensor (file, prefix, "running_var", "", &n, 1);
  add_tensor (file, prefix, "num_batches_tracked", "", NULL, 0);
}

/* One tensor; @sizes: "3x16" */
static void
add_raw (File *file, const char *name, const char *sizes)
{
  g_auto (GStrv) words = g_strsplit (sizes, "x", -1);
  gsize shape[LSTM_MAX_DIMS];

  for (guint i = 0; words[i]; i++)
    shape[i] = g_ascii_strtoull (words[i], NULL, 10);
  add_tensor (file, name, "", "", shape, g_strv_length (words));
}

static void
add_module (File *file, const char *text)
{
  g_auto (GStrv) words = g_strsplit (text, " ", -1);
  const char *kind = words[0], *prefix = words[1];
  gsize size[3] = {0}; /* d, m and p */

  for (guint i = 2; words[i]; i++)
    size[i - 2] = g_ascii_strtoull (words[i], NULL, 10);
  if (g_str_equal (kind, "raw"))
    add_raw (file, prefix, words[2]);
  else if (g_str_equal (kind, "linear"))
    add_affine (file, prefix, size[1], size[0]);
  else if (g_str_equal (kind, "norm"))
    add_affine (file, prefix, size[0], 0);
  else if (g_str_equal (kind, "batch"))
    add_batch_norm (file, prefix, size[0]);
  else
    add_recurrent (file, prefix, g_str_equal (kind, "cell") ? "" : "_l0",
        g_str_equal (kind, "gru")   ? 3
        : g_str_equal (kind, "rnn") ? 1
                                    : 4,
        size[0], size[1], size[2] ? size[2] : size[1]);
  if (g_str_equal (kind, "both"))
    add_recurrent (file, prefix, "_l0_reverse", 4, size[0], size[1], size[1]);
  if (size[2])
    add_tensor (file, prefix, "weight_hr_l0", "", (gsize[]){size[2], size[1]}, 2);
}

static GBytes *
make_file (const char *modules)
{
  File file = {g_string_new ("{"), 0};
  g_auto (GStrv) texts = g_strsplit (modules, ";", -1);
  guint64 length;
  GByteArray *bytes = g_byte_array_new ();
  g_autofree guint8 *zeros = NULL;

  for (char **text = texts; *text; text++)
    if (**text)
      add_module (&file, g_strchug (*text));
  g_string_append_c (file.header, '}');
  length = GUINT64_TO_LE ((guint64) file.header->len);
  zeros = g_malloc0 (file.size);
  g_byte_array_append (bytes, (guint8 *) &length, sizeof length);
  g_byte_array_append (bytes, (guint8 *) file.header->str, (guint) file.header->len);
  g_byte_array_append (bytes, zeros, (guint) file.size);
  g_string_free (file.header, TRUE);
  return g_byte_array_free_to_bytes (bytes);
}

/* --- Layers --- */

/* "TYPE NAME PREFIX DIRECTION ACTIVATION, …", of these what there is */
static char *
summarize (JsonArray *layers)
{
  static const char *const keys[] = {"type", "name", "prefix", "direction", "activation"};
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < json_array_get_length (layers); i++) {
    JsonObject *layer = json_array_get_object_element (layers, i);

    for (guint k = 0; k < G_N_ELEMENTS (keys); k++)
      if (json_object_has_member (layer, keys[k]))
        g_string_append_printf (text, "%s%s",
            k   ? " "
            : i ? ", "
                : "",
            json_object_get_string_member (layer, keys[k]));
  }
  return g_string_free (text, FALSE);
}

static void
test_case (gconstpointer data)
{
  const Case *test = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = make_file (test->modules);
  g_autoptr (LstmSafetensors) st = lstm_safetensors_new (bytes, "some.safetensors", &error);
  g_autoptr (JsonArray) layers = NULL;
  g_autofree char *summary = NULL;

  g_assert_no_error (error);
  layers = lstm_description_get (st, test->head, &error);
  if (test->layers) {
    g_assert_no_error (error);
    summary = summarize (layers);
    g_assert_cmpstr (summary, ==, test->layers);
    return;
  }
  g_assert_null (layers);
  g_assert_nonnull (error);
  g_test_message ("%s", error->message);
  g_assert_true (error->domain == LSTM_ERROR);
  g_assert_true (g_str_has_prefix (error->message, "some.safetensors: "));
  g_assert_nonnull (strstr (error->message, test->message));
}

/* What is accepted without --head also loads. */
static void
test_loads (gconstpointer data)
{
  const Case *test = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = make_file (test->modules);
  g_autoptr (LstmModel) model = lstm_model_load_bytes (bytes, "some.safetensors", &error);

  g_assert_no_error (error);
  g_assert_nonnull (model);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *path = g_strdup_printf ("/statedict/describe/%s", cases[i].name);
    g_autofree char *load = g_strdup_printf ("/statedict/load/%s", cases[i].name);

    g_test_add_data_func (path, &cases[i], test_case);
    if (cases[i].layers && !cases[i].head)
      g_test_add_data_func (load, &cases[i], test_loads);
  }
  return g_test_run ();
}
