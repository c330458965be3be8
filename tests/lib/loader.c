/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Checks that each malformed file is refused for its reason, with a message that helps. */
#include "../safetensors.h"
#include <glib/gstdio.h>
#include <lstm/lstm.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct {
  const char *name;
  const char *header;  /* JSON */
  gsize data;          /* bytes of zeros after the header */
  int code;            /* LstmError, or -1 if the file is accepted */
  const char *message; /* a part of the error message */
} Case;

#define F32(name, shape, begin, end)                                                           \
  "\"" name "\":{\"dtype\":\"F32\",\"shape\":" shape ",\"data_offsets\":[" #begin "," #end "]" \
  "}"
#define LAYERS(layers)                                                                         \
  "\"__metadata__\":{\"lstm.version\":\"1\",\"lstm.layers\":\"" layers "\"}"
#define DENSE "{\\\"type\\\":\\\"dense\\\",\\\"name\\\":\\\"a\\\"}"
#define TYPE(type) "\\\"type\\\":\\\"" type "\\\""
#define RATE(rate) "{\"__metadata__\":{\"lstm.rate\":\"" rate "\"}," LSTM_2X1 ("") "}"
#define LSTM_2X1(prefix)                                                                       \
  F32 (prefix "weight_ih_l0", "[4,2]", 0, 32) "," F32 (prefix "weight_hh_l0", "[4,1]", 32, 48)

static const Case cases[] = {
    /* The container */
    {"empty-header", "", 0, LSTM_ERROR_FORMAT, "header"},
    {"not-json", "{not json}", 0, LSTM_ERROR_FORMAT, "header"},
    {"array", "[]", 0, LSTM_ERROR_FORMAT, "header: expected a JSON object, found []"},
    {"comment", "{/* \" */}", 0, LSTM_ERROR_FORMAT,
        "header: expected JSON, found the byte 0x2f at byte 1"},
    {"not-utf8", "{\"a\xff\":1}", 0, LSTM_ERROR_FORMAT,
        "expected UTF-8, found an invalid sequence at byte 3"},
    {"deep", "{\"a\":[[[[[[1]]]]]]}", 0, LSTM_ERROR_FORMAT,
        "header: expected JSON of at most 3 levels, found level 4 at byte 7"},
    {"twice", "{" F32 ("a", "[1]", 0, 4) "," F32 ("a", "[1]", 0, 4) "}", 4, LSTM_ERROR_FORMAT,
        "header: expected distinct names in an object, found the name \"a\" twice"},
    {"no-dtype", "{\"a\":{\"shape\":[1],\"data_offsets\":[0,4],\"x\":0}}", 4, LSTM_ERROR_FORMAT,
        "dtype: expected one of F64, F32, F16, BF16, I64, I32, I16, I8, U64, U32, U16, U8, "
        "BOOL, "
        "F8_E4M3, F8_E5M2, found none"},
    {"strange-dtype", "{\"a\":{\"dtype\":\"F33\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4,
        LSTM_ERROR_FORMAT, "F8_E5M2, found \"F33\""},
    {"number-for-dtype", "{\"a\":{\"dtype\":1,\"shape\":[1],\"data_offsets\":[0,4]}}", 4,
        LSTM_ERROR_FORMAT, "dtype"},
    {"negative-size", "{" F32 ("a", "[-1]", 0, 4) "}", 4, LSTM_ERROR_FORMAT, "shape"},
    {"fraction", "{" F32 ("a", "[1.5]", 0, 4) "}", 4, LSTM_ERROR_FORMAT, "shape"},
    {"shape-text", "{" F32 ("a", "\"1\"", 0, 4) "}", 4, LSTM_ERROR_FORMAT, "shape"},
    {"leading-zero", "{" F32 ("a", "[01]", 0, 4) "}", 4, LSTM_ERROR_FORMAT,
        "header: expected a JSON number, found 01 at byte 29"},
    {"hexadecimal", "{" F32 ("a", "[0x1]", 0, 4) "}", 4, LSTM_ERROR_FORMAT,
        "expected a JSON number, found 0x1"},
    {"no-fraction", "{" F32 ("a", "[1.]", 0, 4) "}", 4, LSTM_ERROR_FORMAT,
        "expected a JSON number, found 1."},
    {"no-exponent", "{" F32 ("a", "[1e]", 0, 4) "}", 4, LSTM_ERROR_FORMAT,
        "expected a JSON number, found 1e"},
    {"long-integer", "{" F32 ("a", "[18446744073709551617]", 0, 4) "}", 4, LSTM_ERROR_FORMAT,
        "expected an integer of at most 18 digits, found 18446744073709551617"},
    {"overflow", "{" F32 ("a", "[4294967296,4294967296]", 0, 4) "}", 4, LSTM_ERROR_FORMAT,
        "fits into memory, found [4294967296, 4294967296]"},
    {"lying-size", "{" F32 ("a", "[2]", 0, 4) "}", 4, LSTM_ERROR_FORMAT, "expected 8 bytes"},
    {"backwards", "{" F32 ("a", "[1]", 4, 0) "}", 4, LSTM_ERROR_FORMAT, "data_offsets"},
    {"hole", "{" F32 ("a", "[1]", 4, 8) "}", 8, LSTM_ERROR_FORMAT, "from byte 0"},
    {"overlap", "{" F32 ("a", "[2]", 0, 8) "," F32 ("b", "[1]", 4, 8) "}", 8, LSTM_ERROR_FORMAT,
        "from byte 8"},
    {"beyond-the-end", "{" F32 ("a", "[2]", 0, 8) "}", 4, LSTM_ERROR_FORMAT, "4 bytes of data"},
    {"left-over", "{" F32 ("a", "[1]", 0, 4) "}", 8, LSTM_ERROR_FORMAT, "found 8"},
    {"metadata-number", "{\"__metadata__\":{\"a\":1}}", 0, LSTM_ERROR_FORMAT,
        "\"a\": expected a string, found 1"},
    {"too-many-dims", "{" F32 ("a", "[1,1,1,1,1,1,1,1,1]", 0, 4) "}", 4, LSTM_ERROR_FORMAT,
        "shape"},

    /* Without a description */
    {"nothing", "{}", 0, LSTM_ERROR_LAYER, "found neither"},
    {"no-lstm", "{" F32 ("a", "[1]", 0, 4) "}", 4, LSTM_ERROR_LAYER, "found neither"},
    {"stack", "{" LSTM_2X1 ("") "}", 48, -1, NULL},
    {"prefixed", "{" LSTM_2X1 ("model.rnn.") "}", 48, -1, NULL},
    {"padded", "{" LSTM_2X1 ("") "}   ", 48, -1, NULL},
    {"left-over-tensor", "{" LSTM_2X1 ("") "," F32 ("fc.bias", "[1]", 48, 52) "}", 52,
        LSTM_ERROR_TENSOR, "\"fc.bias\" [1] belongs to no layer"},
    {"empty-tensor-left-over", "{" LSTM_2X1 ("") "," F32 ("e", "[0,7]", 48, 48) "}", 48,
        LSTM_ERROR_TENSOR, "\"e\" [0, 7] belongs to no layer"},
    {"reverse", "{" LSTM_2X1 ("") "," F32 ("weight_ih_l0_reverse", "[4,2]", 48, 80) "}", 80,
        LSTM_ERROR_TENSOR, "weight_hh_l0_reverse"},
    {"no-recurrent", "{" F32 ("weight_ih_l0", "[4,2]", 0, 32) "}", 32, LSTM_ERROR_TENSOR,
        "\"weight_hh_l0\""},
    {"wrong-recurrent",
        "{" F32 ("weight_ih_l0", "[4,2]", 0, 32) "," F32 ("weight_hh_l0", "[4,2]", 32, 64) "}",
        64, LSTM_ERROR_SHAPE, "\"weight_hh_l0\": expected shape [4, 1], found [4, 2]"},
    {"three-gates",
        "{" F32 ("weight_ih_l0", "[3,2]", 0, 24) "," F32 ("weight_hh_l0", "[3,1]", 24, 36) "}",
        36, -1, NULL},
    {"two-gates",
        "{" F32 ("weight_ih_l0", "[2,2]", 0, 16) "," F32 ("weight_hh_l0", "[2,1]", 16, 24) "}",
        24, LSTM_ERROR_SHAPE, "\"weight_ih_l0\""},
    {"no-units",
        "{" F32 ("weight_ih_l0", "[0,2]", 0, 0) "," F32 ("weight_hh_l0", "[0,0]", 0, 0) "}", 0,
        LSTM_ERROR_SHAPE, "at least one"},
    {"wrong-bias", "{" LSTM_2X1 ("") "," F32 ("bias_ih_l0", "[5]", 48, 68) "}", 68,
        LSTM_ERROR_SHAPE, "expected shape [4], found [5]"},
    {"integer-weights",
        "{\"weight_ih_l0\":{\"dtype\":\"I32\",\"shape\":[4,2],\"data_offsets\":[0,32]}," F32 (
            "weight_hh_l0", "[4,1]", 32, 48) "}",
        48, LSTM_ERROR_TENSOR, "I32"},

    /* With a description */
    {"dense", "{" LAYERS ("[" DENSE "]") "," F32 ("a.weight", "[2,3]", 0, 24) "}", 24, -1,
        NULL},
    {"no-version",
        "{\"__metadata__\":{\"lstm.layers\":\"[" DENSE
        "]\"}," F32 ("a.weight", "[2,3]", 0, 24) "}",
        24, LSTM_ERROR_LAYER, "\"lstm.version\": expected \"1\", found none"},
    {"next-version", "{\"__metadata__\":{\"lstm.version\":\"2\",\"lstm.layers\":\"[]\"}}", 0,
        LSTM_ERROR_LAYER, "__metadata__: \"lstm.version\": expected \"1\", found \"2\""},
    {"no-layers", "{" LAYERS ("[]") "}", 0, LSTM_ERROR_LAYER, "at least one layer"},
    {"layers-object", "{" LAYERS ("{}") "}", 0, LSTM_ERROR_LAYER,
        "lstm.layers: expected an array of layers, found {}"},
    {"layers-deep", "{" LAYERS ("[[[[[[[]]]]]]]") "}", 0, LSTM_ERROR_FORMAT,
        "lstm.layers: expected JSON of at most 4 levels, found level 5"},
    {"layer-text", "{" LAYERS ("[1]") "}", 0, LSTM_ERROR_LAYER, "lstm.layers[0]"},
    {"unknown-type", "{" LAYERS ("[{\\\"type\\\":\\\"conv\\\"}]") "}", 0, LSTM_ERROR_LAYER,
        ", found conv"},
    {"type-names", "{" LAYERS ("[{\\\"type\\\":\\\"conv\\\"}]") "}", 0, LSTM_ERROR_LAYER,
        "\"type\" is one of lstm, gru, rnn, dense, activation, normalization, "
        "layer_normalization, "
        "batch_normalization, masking, repeat_vector, pooling, residual"},
    {"gru-key", "{" LAYERS ("[{\\\"type\\\":\\\"gru\\\",\\\"cell_clip\\\":1}]") "}", 0,
        LSTM_ERROR_LAYER, "order, found \"cell_clip\""},
    {"rnn-key", "{" LAYERS ("[{\\\"type\\\":\\\"rnn\\\",\\\"reset_after\\\":true}]") "}", 0,
        LSTM_ERROR_LAYER, "order, found \"reset_after\""},
    {"gru-activations",
        "{" LAYERS ("[{\\\"type\\\":\\\"gru\\\",\\\"activations\\\":[\\\"tanh\\\"]}]") "}", 0,
        LSTM_ERROR_LAYER, "key \"activations\": expected an array of 2 activations, found"},
    {"rnn-activations",
        "{" LAYERS ("[{\\\"type\\\":\\\"rnn\\\",\\\"direction\\\":\\\"bidirectional\\\","
                    "\\\"activations\\\":[]}]") "}",
        0, LSTM_ERROR_LAYER, "expected an array of 1 or 2 activations, found"},
    {"unknown-key", "{" LAYERS ("[{\\\"type\\\":\\\"lstm\\\",\\\"klip\\\":1}]") "}", 0,
        LSTM_ERROR_LAYER, "order, found \"klip\""},
    {"name-number", "{" LAYERS ("[{\\\"type\\\":\\\"lstm\\\",\\\"name\\\":1}]") "}", 0,
        LSTM_ERROR_LAYER, "key \"name\": expected a string, found 1"},
    {"name-array", "{" LAYERS ("[{\\\"type\\\":\\\"lstm\\\",\\\"name\\\":[1]}]") "}", 0,
        LSTM_ERROR_LAYER, "key \"name\": expected a string, found"},
    {"prefix-object", "{" LAYERS ("[{\\\"type\\\":\\\"lstm\\\",\\\"prefix\\\":{}}]") "}", 0,
        LSTM_ERROR_LAYER, "key \"prefix\": expected a string, found"},
    {"unknown-activation",
        "{" LAYERS ("[{\\\"type\\\":\\\"dense\\\",\\\"name\\\":\\\"a\\\",\\\"activation\\\":"
                    "\\\"swish\\\"}]") "," F32 ("a.weight", "[2,3]", 0, 24) "}",
        24, LSTM_ERROR_LAYER, ", found \"swish\""},
    {"activation-names",
        "{" LAYERS ("[{\\\"type\\\":\\\"dense\\\",\\\"name\\\":\\\"a\\\",\\\"activation\\\":"
                    "\\\"swish\\\"}]") "," F32 ("a.weight", "[2,3]", 0, 24) "}",
        24, LSTM_ERROR_LAYER, "layer \"a\": activation: expected one of linear, relu, tanh, "},
    {"no-weight", "{" LAYERS ("[" DENSE "]") "}", 0, LSTM_ERROR_TENSOR, "\"a.weight\""},
    {"flat-weight", "{" LAYERS ("[" DENSE "]") "," F32 ("a.weight", "[6]", 0, 24) "}", 24,
        LSTM_ERROR_SHAPE, "found [6]"},
    {"misfit", "{" LAYERS ("[" DENSE "," DENSE "]") "," F32 ("a.weight", "[2,3]", 0, 24) "}",
        24, LSTM_ERROR_SHAPE,
        "expected 2 inputs, the number of outputs of the previous layer, found 3"},
    {"only-numbers", "{" LAYERS ("[{\\\"type\\\":\\\"normalization\\\",\\\"mean\\\":1}]") "}",
        0, LSTM_ERROR_LAYER, "has a size"},
    {"number-text",
        "{" LAYERS ("[{\\\"type\\\":\\\"normalization\\\",\\\"mean\\\":\\\"1\\\"}]") "}", 0,
        LSTM_ERROR_LAYER,
        "layer \"lstm.layers[0]\": key \"mean\": expected a number, found \"1\""},
    {"masked-initial",
        "{" LAYERS ("[{\\\"type\\\":\\\"masking\\\"},{\\\"type\\\":\\\"lstm\\\"}]") "," LSTM_2X1 (
            "") "," F32 ("initial_h_l0", "[1]", 48, 52) "}",
        52, LSTM_ERROR_LAYER, "found tensor \"initial_h_l0\""},
    {"zero-masked-initial",
        "{" LAYERS ("[{\\\"type\\\":\\\"masking\\\"},{\\\"type\\\":\\\"lstm\\\","
                    "\\\"zero_masked\\\":true}]") "," LSTM_2X1 ("") "," F32 ("initial_h_l0",
            "[1]", 48, 52) "}",
        52, -1, NULL},
    {"pooling",
        "{" LAYERS ("[{" TYPE ("lstm") "},{" TYPE (
            "pooling") ",\\\"function\\\":\\\"max\\\"}]") "," LSTM_2X1 ("") "}",
        48, -1, NULL},
    {"pooling-no-function",
        "{" LAYERS ("[{" TYPE ("lstm") "},{" TYPE ("pooling") "}]") "," LSTM_2X1 ("") "}", 48,
        LSTM_ERROR_LAYER, "key \"function\": expected one of mean, max, sum, found none"},
    {"pooling-function",
        "{" LAYERS ("[{" TYPE ("lstm") "},{" TYPE (
            "pooling") ",\\\"function\\\":\\\"min\\\"}]") "," LSTM_2X1 ("") "}",
        48, LSTM_ERROR_LAYER,
        "key \"function\": expected one of mean, max, sum, found \"min\""},
    {"pooling-count-masked",
        "{" LAYERS ("[{" TYPE ("lstm") "},{" TYPE (
            "pooling") ",\\\"function\\\":\\\"max\\\","
                       "\\\"count_masked\\\":1}]") "," LSTM_2X1 ("") "}",
        48, LSTM_ERROR_LAYER, "key \"count_masked\": expected true or false, found 1"},
    {"pooling-last",
        "{" LAYERS ("[{" TYPE ("lstm") ",\\\"return\\\":\\\"last\\\"},{" TYPE (
            "pooling") ",\\\"name\\\":\\\"p\\\",\\\"function\\\":\\\"sum\\\"}]") "," LSTM_2X1 ("") "}",
        48, LSTM_ERROR_LAYER,
        "layer \"p\": a layer with memory is supported only after layers that output every "
        "step"},
    {"recurrent-after-last",
        "{" LAYERS (
            "[{\\\"type\\\":\\\"lstm\\\",\\\"name\\\":\\\"a\\\",\\\"return\\\":"
            "\\\"last\\\"},{\\\"type\\\":\\\"rnn\\\",\\\"name\\\":\\\"b\\\"}]") "," LSTM_2X1 ("a.") "," F32 ("b.weight_ih_l0",
            "[1,1]", 48, 52) "," F32 ("b.weight_hh_l0", "[1,1]", 52, 56) "}",
        56, LSTM_ERROR_LAYER,
        "layer \"b.l0\": a layer with memory is supported only after layers that output every "
        "step, or after repeat_vector; found a layer that outputs only one step"},
    {"residual",
        "{" LAYERS ("[{" TYPE ("lstm") "},{" TYPE ("residual") "}]") "," LSTM_2X1 ("") "}", 48,
        -1, NULL},
    {"residual-last",
        "{" LAYERS ("[{" TYPE ("lstm") ",\\\"return\\\":\\\"last\\\"},{" TYPE (
            "residual") "}]") "," LSTM_2X1 ("") "}",
        48, LSTM_ERROR_LAYER,
        "layer \"lstm.layers[1]\": residual is supported only after layers that output every "
        "step; found a layer that outputs 1 step(s)"},
    {"residual-repeat",
        "{" LAYERS ("[{" TYPE ("lstm") "},{" TYPE ("repeat_vector") ",\\\"n\\\":2},{" TYPE (
            "residual") "}]") "," LSTM_2X1 ("") "}",
        48, LSTM_ERROR_LAYER, "found a layer that outputs 2 step(s) of any sequence"},
    {"residual-pooling",
        "{" LAYERS (
            "[{" TYPE ("lstm") "},{" TYPE ("pooling") ",\\\"function\\\":\\\"sum\\\"},{" TYPE (
                "residual") "}]") "," LSTM_2X1 ("") "}",
        48, LSTM_ERROR_LAYER, "found a layer that outputs 1 step(s) of any sequence"},
    {"residual-wide",
        "{" LAYERS ("[" DENSE ",{" TYPE ("residual") ",\\\"name\\\":\\\"r\\\"}]") "," F32 (
            "a.weight", "[3,2]", 0, 24) "}",
        24, LSTM_ERROR_SHAPE,
        "layer \"r\": expected at most 2 features, the number of inputs of the model, found 3"},

    /* The rate */
    {"rate", RATE ("48000"), 48, -1, NULL},
    {"rate-highest", RATE ("1e6"), 48, -1, NULL},
    {"rate-zero", RATE ("0"), 48, LSTM_ERROR_LAYER,
        "__metadata__: \"lstm.rate\": expected a number above 0, at most 1000000, found \"0\""},
    {"rate-negative", RATE ("-1"), 48, LSTM_ERROR_LAYER, "found \"-1\""},
    {"rate-too-high", RATE ("1000001"), 48, LSTM_ERROR_LAYER, "found \"1000001\""},
    {"rate-infinite", RATE ("inf"), 48, LSTM_ERROR_LAYER, "found \"inf\""},
    {"rate-nan", RATE ("nan"), 48, LSTM_ERROR_LAYER, "found \"nan\""},
    {"rate-empty", RATE (""), 48, LSTM_ERROR_LAYER, "found \"\""},
    {"rate-unit", RATE ("48 kHz"), 48, LSTM_ERROR_LAYER, "found \"48 kHz\""},
    {"rate-hexadecimal", RATE ("0x10"), 48, LSTM_ERROR_LAYER, "found \"0x10\""},
};

/* The rate of the model is that of the file, and 0 without a rate. */
static void
test_rate (void)
{
  g_autoptr (GBytes) file = test_safetensors_join (RATE ("44100.5"), NULL, 48);
  g_autoptr (GBytes) bare = test_safetensors_join ("{" LSTM_2X1 ("") "}", NULL, 48);
  g_autoptr (LstmModel) model = lstm_model_load_bytes (file, "file", NULL);
  g_autoptr (LstmModel) unknown = lstm_model_load_bytes (bare, "bare", NULL);
  g_autofree char *summary = lstm_model_get_summary (model);

  g_assert_cmpfloat (lstm_model_get_rate (model), ==, 44100.5);
  g_assert_cmpfloat (lstm_model_get_rate (unknown), ==, 0);
  g_assert_nonnull (strstr (summary, ", 44100.5 Hz\n"));
}

static void
test_case (gconstpointer data)
{
  const Case *test = data;
  g_autoptr (GBytes) file = test_safetensors_join (test->header, NULL, test->data);
  g_autoptr (GError) error = NULL;
  g_autoptr (LstmModel) model = lstm_model_load_bytes (file, "some.safetensors", &error);

  if (test->code < 0) {
    g_assert_no_error (error);
    g_assert_nonnull (model);
    return;
  }
  g_assert_null (model);
  g_assert_error (error, LSTM_ERROR, test->code);
  g_test_message ("%s", error->message);
  g_assert_true (g_str_has_prefix (error->message, "some.safetensors: "));
  g_assert_nonnull (strstr (error->message, test->message));
}

/* Each proper prefix of a valid file is refused. */
static void
test_truncated (void)
{
  g_autoptr (GBytes) file = test_safetensors_join ("{" LSTM_2X1 ("") "}", NULL, 48);

  for (gsize size = 0; size < g_bytes_get_size (file); size++) {
    g_autoptr (GBytes) part = g_bytes_new_from_bytes (file, 0, size);
    g_autoptr (GError) error = NULL;

    g_assert_null (lstm_model_load_bytes (part, "part", &error));
    g_assert_error (error, LSTM_ERROR, LSTM_ERROR_FORMAT);
  }
}

static void
test_header_length (void)
{
  static const guint64 lengths[] = {3, 100000001, G_MAXUINT32, G_MAXUINT64, G_MAXUINT64 - 7};

  for (gsize i = 0; i < G_N_ELEMENTS (lengths); i++) {
    guint64 content[] = {GUINT64_TO_LE (lengths[i]), GUINT64_TO_LE ('{')};
    g_autoptr (GBytes) file = g_bytes_new (content, 10);
    g_autoptr (GError) error = NULL;

    g_assert_null (lstm_model_load_bytes (file, "file", &error));
    g_assert_error (error, LSTM_ERROR, LSTM_ERROR_FORMAT);
    g_assert_nonnull (strstr (error->message, "header length"));
  }
}

static void
test_not_finite (void)
{
  static const float values[] = {NAN, INFINITY, -INFINITY};

  for (gsize i = 0; i < G_N_ELEMENTS (values); i++) {
    g_autoptr (GBytes) zeros = test_safetensors_join ("{" LSTM_2X1 ("") "}", NULL, 48);
    gsize size;
    guint8 *content = g_bytes_unref_to_data (g_steal_pointer (&zeros), &size);
    g_autoptr (GBytes) file = NULL;
    g_autoptr (GError) error = NULL;

    memcpy (content + size - 4, &values[i], sizeof (float));
    file = g_bytes_new_take (content, size);
    g_assert_null (lstm_model_load_bytes (file, "file", &error));
    g_assert_error (error, LSTM_ERROR, LSTM_ERROR_VALUE);
    g_assert_nonnull (strstr (error->message, "\"weight_hh_l0\""));
    g_assert_nonnull (strstr (error->message, "at index 3"));
  }
}

static void
test_files (void)
{
  g_autofree char *fifo = g_strdup_printf (
      "%s/lstm-test-%d", g_get_tmp_dir (), (int) getpid ());
  const struct {
    const char *path, *message;
  } paths[] = {
      {"/nonexistent/model.safetensors", "No such file"},
      {"/tmp", "expected a file, found a directory"},
      {"/dev/null", "expected a file, found a character device"},
      {fifo, "expected a file, found a FIFO"},
  };

  g_assert_cmpint (mkfifo (fifo, 0600), ==, 0);

  for (gsize i = 0; i < G_N_ELEMENTS (paths); i++) {
    g_autoptr (GError) error = NULL;

    g_assert_null (lstm_model_load (paths[i].path, &error));
    g_assert_error (error, LSTM_ERROR, LSTM_ERROR_FILE);
    g_assert_true (g_str_has_prefix (error->message, paths[i].path));
    g_assert_nonnull (strstr (error->message, paths[i].message));
  }
  g_assert_cmpint (unlink (fifo), ==, 0);
}

/* Names may have any bytes. Messages are UTF-8, which language bindings need. */
static void
test_utf8 (void)
{
  g_autoptr (GBytes) file = test_safetensors_join ("{" LSTM_2X1 ("") "}", NULL, 48);
  g_autoptr (GBytes) empty = g_bytes_new (NULL, 0);
  g_autoptr (LstmModel) model = lstm_model_load_bytes (file, "file", NULL);
  GError *errors[5] = {NULL};

  g_assert_null (lstm_model_load ("/nonexistent/\xff", &errors[0]));
  g_assert_null (lstm_model_load_bytes (empty, "\xff", &errors[1]));
  g_assert_null (
      lstm_model_load_bytes_full (file, "file", LSTM_PRECISION_FLOAT32, "\xff", &errors[2]));
  g_assert_null (lstm_state_load (model, file, "\xff", NULL, NULL, &errors[3]));
  g_assert_null (lstm_window_load (model, 2, 1, file, "\xff", NULL, NULL, &errors[4]));
  for (gsize i = 0; i < G_N_ELEMENTS (errors); i++) {
    g_assert_true (g_utf8_validate (errors[i]->message, -1, NULL));
    g_assert_nonnull (strstr (errors[i]->message, "\xef\xbf\xbd"));
    g_error_free (errors[i]);
  }
}

static void
test_isa (void)
{
  g_autoptr (GBytes) file = test_safetensors_join ("{" LSTM_2X1 ("") "}", NULL, 48);
  g_autoptr (GError) error = NULL;

  g_setenv ("LSTM_ISA", "abacus", TRUE);
  g_assert_null (lstm_model_load_bytes (file, "file", &error));
  g_unsetenv ("LSTM_ISA");
  g_assert_error (error, LSTM_ERROR, LSTM_ERROR_CPU);
  g_assert_nonnull (strstr (error->message, "base, which this machine runs, found 'abacus'"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *path = g_strdup_printf ("/loader/%s", cases[i].name);

    g_test_add_data_func (path, &cases[i], test_case);
  }
  g_test_add_func ("/loader/rate-of-model", test_rate);
  g_test_add_func ("/loader/truncated", test_truncated);
  g_test_add_func ("/loader/header-length", test_header_length);
  g_test_add_func ("/loader/not-finite", test_not_finite);
  g_test_add_func ("/loader/files", test_files);
  g_test_add_func ("/loader/utf8", test_utf8);
  g_test_add_func ("/loader/isa", test_isa);
  return g_test_run ();
}
