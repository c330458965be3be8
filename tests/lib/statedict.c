/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Checks which modules the tensors of a state dict form, which module chain an error proposes,
 * and which layers a module chain makes. */
#include "load/layer-config.h"
#include "../safetensors.h"
#include "lstm/lstm.h"
#include <string.h>

typedef struct {
  const char *name;
  const char *modules; /* "KIND NAME SIZES" as add_module() parses them, separated by ";" */
  const char *module_chain; /* that the caller states; nullable */
  const char *proposal; /* the module chain in the error message, if the caller states none */
  /* The layers of the module chain or of the proposal, as summarize_layers() writes them */
  const char *layers;
  const char *message; /* a part of the error message, if the file is refused */
} Case;

#define SAME(name) "lstm " name " 16 16;"
#define FOUR(a) SAME (a "0") SAME (a "1") SAME (a "2") SAME (a "3")
#define SIXTEEN(a) FOUR (a "0") FOUR (a "1") FOUR (a "2") FOUR (a "3")
#define USUAL "lstm lstm. 8 16; linear fc. 16 3"
#define AUTOENCODER "lstm encoder. 4 16; lstm decoder. 16 12; linear fc. 12 4"

static const Case cases[] = {
    /* One LSTM */
    {"lstm", "lstm rnn. 8 16", .layers = "lstm rnn"},
    {"bare", "lstm  8 16", .layers = "lstm"},
    {"deep", "lstm module.net.rnn. 8 16", .layers = "lstm module.net.rnn"},
    {"no-dot", "lstm rnn_ 8 16", .layers = "lstm rnn_ rnn_"},
    {"only-dot", "lstm . 8 16", .layers = "lstm ."},
    {"space", "lstm my,rnn. 8 16", .layers = "lstm my,rnn"},
    {"bidirectional", "both rnn. 8 16", .layers = "lstm rnn bidirectional"},
    {"projection", "projection rnn. 8 16 5", .layers = "lstm rnn"},
    {"cell", "cell rnn. 8 16", .layers = "lstm rnn"},

    /* One nn.GRU or nn.RNN */
    {"gru", "gru net. 8 16", .layers = "gru net"},
    {"gru-cell", "raw g.weight_ih 48x8; raw g.weight_hh 48x16", .layers = "gru g"},
    {"rnn", "rnn net. 8 16", .proposal = "net(tanh)", .layers = "rnn net tanh",
        .message = "net: nn.RNN [8 → 16] (tanh or relu, which a state dict does not show"},
    {"rnn-cell", "raw g.weight_ih 16x8; raw g.weight_hh 16x16", .proposal = "g(tanh)",
        .layers = "rnn g tanh"},

    /* Tensors that form no module */
    {"convolution", "lstm rnn. 8 16; raw conv.weight 8x3x5",
        .message = "tensor \"conv.weight\" [8, 3, 5] belongs to no layer: expected tensors of "
                   "nn.LSTM, nn.GRU, nn.RNN, their cells"},
    {"prelu", "lstm rnn. 8 16; raw act.weight 1", .message = "\"act.weight\" [1] belongs"},
    {"attention", "lstm rnn. 8 16; raw mha.in_proj_weight 48x16",
        .message = "\"mha.in_proj_weight\" [48, 16] belongs"},
    {"weight-norm", "lstm rnn. 8 16; raw fc.weight_v 3x16", .message = "\"fc.weight_v\""},
    {"parameter", "lstm rnn. 8 16; raw attention_weight 16x16",
        .message = "\"attention_weight\" [16, 16] belongs"},
    {"lone-bias", "lstm rnn. 8 16; raw fc.bias 3", .message = "\"fc.bias\" [3] belongs"},
    {"flat-weight", "raw rnn.weight_ih_l0 64; raw rnn.weight_hh_l0 64x16",
        .message = "\"rnn.weight_ih_l0\": expected 2 dimensions, found [64]"},
    {"second-layer-only", "raw rnn.weight_ih_l1 64x8",
        .message = "expected a tensor \"rnn.weight_ih_l0\""},
    {"batch-norm-without-mean", "lstm rnn. 8 16; raw bn.running_var 16",
        .message = "expected a tensor \"bn.running_mean\""},
    {"no-lstm", "linear fc. 8 3", .message = "found neither"},

    /* The proposal */
    {"usual", USUAL, .proposal = "lstm, fc", .layers = "lstm lstm, dense fc",
        .message = "the only order that fits the sizes of lstm: nn.LSTM [8 → 16], fc: "
                   "nn.Linear [16 → 3]"},
    {"autoencoder", AUTOENCODER, .proposal = "encoder, decoder, fc",
        .layers = "lstm encoder, lstm decoder, dense fc", .message = "one of several orders"},
    {"one-feature", "linear fc. 8 1; lstm lstm. 1 8", .proposal = "lstm, fc",
        .layers = "lstm lstm, dense fc", .message = "one of several orders"},
    {"layer-norm", "lstm rnn. 8 16; norm ln. 16; linear fc. 16 3", .proposal = "rnn, ln, fc",
        .layers = "lstm rnn, layer_normalization ln, dense fc",
        .message = "the only order that fits the sizes of rnn: nn.LSTM [8 → 16], ln: "
                   "nn.LayerNorm [16 → 16] (or an nn.GroupNorm, an nn.InstanceNorm1d, an "
                   "nn.BatchNorm1d without running statistics, or a class of the program, "
                   "which are not supported)"},
    {"batch-norm", "lstm rnn. 8 16; batch bn. 8", .proposal = "bn, rnn",
        .layers = "batch_normalization bn, lstm rnn", .message = "bn: nn.BatchNorm1d [8 → 8]"},
    {"bidirectional-linear", "both rnn. 8 16; linear fc. 32 3", .proposal = "rnn, fc",
        .layers = "lstm rnn bidirectional, dense fc", .message = "rnn: nn.LSTM [8 → 32]"},
    {"projection-linear", "projection rnn. 8 16 5; linear fc. 5 3", .proposal = "rnn, fc",
        .layers = "lstm rnn, dense fc", .message = "rnn: nn.LSTM [8 → 5]"},
    {"stacks", "linear fc. 4 3; lstm b. 16 4; lstm a. 8 16", .proposal = "a, b, fc",
        .layers = "lstm a, lstm b, dense fc", .message = "the only order"},
    {"nameless", "lstm  8 16; linear fc. 16 3", .proposal = "., fc", .layers = "lstm, dense fc",
        .message = ".: nn.LSTM [8 → 16]"},
    {"circle", "linear dense. 8 1; lstm lstm. 1 8; lstm lstm2. 8 8",
        .proposal = "lstm, lstm2, dense", .layers = "lstm lstm, lstm lstm2, dense dense",
        .message = "one of several orders"},
    {"square-linear", "lstm rnn. 16 16; linear fc. 16 16", .proposal = "rnn, fc",
        .layers = "lstm rnn, dense fc", .message = "one of several orders"},
    {"numbers", SAME ("lstm1.") SAME ("lstm10.") SAME ("lstm2."),
        .proposal = "lstm1, lstm2, lstm10", .layers = "lstm lstm1, lstm lstm2, lstm lstm10",
        .message = "one of several orders"},
    {"numbers-inside", SAME ("layers.10.rnn.") SAME ("layers.2.rnn."),
        .proposal = "layers.2.rnn, layers.10.rnn",
        .layers = "lstm layers.2.rnn, lstm layers.10.rnn", .message = "one of several orders"},
    {"creation", SAME ("lstm1.") SAME ("lstm2.") SAME ("lstm0.") "linear fc. 16 3",
        .proposal = "lstm1, lstm2, lstm0, fc",
        .layers = "lstm lstm1, lstm lstm2, lstm lstm0, dense fc",
        .message = "this is the order in the file, one of several orders that fit the sizes"},
    {"numbers-against-sizes", "lstm lstm1. 16 16; lstm lstm2. 16 16; lstm lstm3. 8 16",
        .proposal = "lstm3, lstm1, lstm2", .layers = "lstm lstm3, lstm lstm1, lstm lstm2",
        .message = "one of several orders"},
    {"numbers-of-sequential",
        "linear fc.0. 8 8; norm fc.1. 8; linear net.0. 5 5; norm net.1. 5; lstm net.4. 5 8",
        .proposal = "net.0, net.1, net.4, fc.0, fc.1",
        .layers = "dense net.0, layer_normalization net.1, lstm net.4, dense fc.0, "
                  "layer_normalization fc.1",
        .message = "one of several orders"},
    {"numbers-alone", "norm 10. 5; lstm 11. 5 8; linear 2. 5 5", .proposal = "2, 10, 11",
        .layers = "dense 2, layer_normalization 10, lstm 11", .message = "one of several"},
    {"numbers-within-numbers",
        "linear a.0.b.0. 8 8; norm a.0.b.1. 8; lstm a.0.b.2. 8 8; norm a.1.b.0. 8; linear "
        "a.1.b.1. 8 8",
        .proposal = "a.0.b.0, a.0.b.1, a.0.b.2, a.1.b.0, a.1.b.1",
        .layers = "dense a.0.b.0, layer_normalization a.0.b.1, lstm a.0.b.2, "
                  "layer_normalization a.1.b.0, dense a.1.b.1",
        .message = "one of several orders"},
    {"numbers-of-head", "linear fc.0. 8 8; linear fc.2. 8 8; lstm rnn. 8 8",
        .proposal = "rnn, fc.0, fc.2", .layers = "lstm rnn, dense fc.0, dense fc.2",
        .message = "one of several orders"},
    {"two-linears", "lstm rnn. 8 16; linear fc1. 16 4; linear fc2. 4 3",
        .proposal = "rnn, fc1, fc2", .layers = "lstm rnn, dense fc1, dense fc2",
        .message = "add activations, last, h_n, mean, max, sum and repeat N where they run"},
    {"embedding", "raw words.weight 50x8; lstm rnn. 8 8", .proposal = "…",
        .message =
            "words: nn.Linear [8 → 50] (no bias: it may be an nn.Embedding, which is not "
            "supported)"},
    {"auxiliary", "lstm rnn. 8 16; linear fc. 16 3; linear aux. 16 5", .proposal = "…",
        .message =
            "kinds and sizes show no order of rnn: nn.LSTM [8 → 16], fc: "
            "nn.Linear [16 → 3], aux: nn.Linear [16 → 5]; modules that do not run one after "
            "another, such as branches or attention, are not supported"},
    {"apart", "lstm rnn. 8 16; norm ln. 4", .proposal = "…", .message = "show no order of"},
    {"sixty-four", SIXTEEN ("a") SIXTEEN ("b") SIXTEEN ("c") SIXTEEN ("d"),
        .message = "module-chain=\"a00, a01, a02"},
    {"sixty-five", SIXTEEN ("a") SIXTEEN ("b") SIXTEEN ("c") SIXTEEN ("d") SAME ("e"),
        .message = "expected at most 64 modules, found 65"},
    {"sayable", "lstm my,rnn. 8 16; linear fc. 16 3",
        .message = "without spaces, commas and quotes, found \"my,rnn\""},
    {"alike", "lstm rnn. 8 16; lstm rnn 16 16", .message = "two modules named \"rnn\""},

    /* The module chain: modules */
    {"chain-order", SAME ("a.") SAME ("b.") "linear fc. 16 3", "b, a, fc",
        .layers = "lstm b, lstm a, dense fc"},
    {"chain-suffix", "lstm m.rnn. 8 16; linear m.fc1. 16 4; linear m.fc2. 4 3",
        " rnn, fc1\ttanh ,  m.fc2 ", .layers = "lstm m.rnn, dense m.fc1 tanh, dense m.fc2"},
    {"chain-no-bias", "lstm rnn. 8 16; raw fc.weight 3x16", "rnn, fc",
        .layers = "lstm rnn, dense fc"},
    {"chain-module-last", "lstm rnn. 8 16; linear last. 16 3", "rnn last, last",
        .layers = "lstm rnn last, dense last"},
    {"chain-module-linear", "lstm rnn. 8 16; linear linear. 16 3", "rnn, linear",
        .layers = "lstm rnn, dense linear"},
    {"chain-unknown", USUAL, "lstm, fd relu",
        .message =
            "module-chain: expected items MODULE, ACTIVATION, last, h_n, mean, max, sum, "
            "repeat N or -MODULE, with keywords after a MODULE, as in \"lstm last, fc1 relu, "
            "fc2\", found "
            "\"fd\" in \"fd "
            "relu\"; modules are lstm: nn.LSTM [8 → 16], fc: nn.Linear [16 → 3]; "
            "activations are celu, elu(alpha), exp,"},
    {"chain-part", USUAL, "lstm, c relu", .message = "found \"c\" in \"c relu\""},
    {"chain-ambiguous", "lstm rnn. 8 16; linear a.fc. 16 4; linear b.fc. 4 3", "rnn, fc, b.fc",
        .message =
            "expected the name of one module, found \"fc\", which may be \"a.fc\" or \"b.fc\""},
    {"chain-twice", "lstm rnn. 8 16; linear fc. 16 16", "rnn, fc, fc",
        .message = "expected each module once, found \"fc\" twice"},
    {"chain-left-out", "lstm rnn. 8 16; linear fc. 16 3; linear aux. 16 5", "rnn, fc",
        .message = "found no \"aux\" [16 → 5]; name every module, and drop a module that "
                   "does not run with an item \"-aux\""},
    {"chain-lstm-left-out", USUAL, "fc relu", .message = "found no \"lstm\" [8 → 16]"},
    {"chain-empty", USUAL, "", .message = "found \"\" in \"\""},
    {"chain-comma", USUAL, "lstm, fc relu,", .message = "found \"\" in \"\""},

    /* The module chain: activations */
    {"chain-relu", USUAL, "lstm relu, fc", .layers = "lstm lstm, activation relu, dense fc"},
    {"chain-alone", USUAL, "tanh, lstm, relu, fc, softmax",
        .layers = "activation tanh, lstm lstm, activation relu, dense fc softmax"},
    {"chain-several", USUAL, "lstm, fc relu softmax",
        .layers = "lstm lstm, dense fc relu, activation softmax"},
    {"chain-spellings", USUAL,
        "ReLU Sigmoid Tanh GELU ELU SELU SiLU swish LeakyReLU Hardswish Hardtanh Softplus "
        "Softsign "
        "LogSoftmax log_softmax ReLU6 Mish gelu_tanh identity exp, lstm, fc",
        .layers = "activation relu, activation sigmoid, activation tanh, activation gelu, "
                  "activation elu, activation selu, activation silu, activation silu, "
                  "activation leaky_relu, activation hard_silu, activation hard_tanh, "
                  "activation softplus, activation softsign, activation log_softmax, "
                  "activation log_softmax, activation relu_capped, activation mish, "
                  "activation gelu_tanh, activation linear, activation exponential, lstm lstm, "
                  "dense fc"},
    {"chain-hard-sigmoid", USUAL, "lstm hard_sigmoid, fc Hardsigmoid",
        .layers = "lstm lstm, activation hard_sigmoid(0.166667, 0.5), dense fc "
                  "hard_sigmoid(0.166667, 0.5)"},
    {"chain-argument", USUAL, "lstm LeakyReLU(0.2), fc elu(0.5)",
        .layers = "lstm lstm, activation leaky_relu(0.2), dense fc elu(0.5)"},
    {"chain-argument-none", USUAL, "lstm, fc leaky_relu()",
        .message = "found \"leaky_relu()\""},
    {"chain-argument-open", USUAL, "lstm, fc elu(1", .message = "found \"elu(1\""},
    {"chain-argument-nan", USUAL, "lstm, fc elu(nan)", .message = "found \"elu(nan)\""},
    {"chain-argument-large", USUAL, "lstm, fc elu(1e39)", .message = "found \"elu(1e39)\""},
    {"chain-argument-other", USUAL, "lstm, fc celu(2)", .message = "found \"celu(2)\""},
    {"chain-words", USUAL, "lstm, fc leaky relu",
        .message = "found \"leaky\" in \"fc leaky relu\""},

    /* The module chain: last, h_n and repeat */
    {"chain-last", USUAL, "lstm last relu, fc",
        .layers = "lstm lstm last, activation relu, dense fc"},
    {"chain-last-item", USUAL, "lstm relu, last, fc",
        .layers = "lstm lstm last, activation relu, dense fc"},
    {"chain-last-after-linear", USUAL, "lstm, fc last", .layers = "lstm lstm last, dense fc"},
    {"chain-last-first", "lstm rnn. 8 16", "last, rnn",
        .message = "\"rnn\": expected a sequence before an nn.LSTM, found the one step"},
    {"chain-last-both", "both rnn. 8 16; linear fc. 32 3", "rnn last, fc",
        .layers = "lstm rnn bidirectional, repeat_vector 1, dense fc"},
    {"chain-last-of-one", "lstm  8 16", ". last", .layers = "lstm last"},
    {"chain-h_n", USUAL, "lstm h_n, fc", .layers = "lstm lstm last, dense fc"},
    {"chain-h_n-both", "both rnn. 8 16; linear fc. 32 3", "rnn h_n, fc",
        .layers = "lstm rnn bidirectional last, dense fc"},
    {"chain-h_n-after-linear", USUAL, "lstm, fc h_n",
        .message = "h_n is supported only directly after an nn.LSTM, nn.GRU or nn.RNN; found "
                   "dense"},
    {"chain-last-twice", USUAL, "lstm last, fc last",
        .message = "\"fc last\": expected a sequence before \"last\", found one step"},
    {"chain-autoencoder", AUTOENCODER, "encoder last, repeat 10, decoder, fc",
        .layers = "lstm encoder last, repeat_vector 10, lstm decoder, dense fc"},
    {"chain-repeat-last", AUTOENCODER, "encoder last repeat 10, decoder last, fc",
        .layers = "lstm encoder last, repeat_vector 10, lstm decoder last, dense fc"},
    {"chain-repeat-then-last", USUAL, "lstm last, repeat 3, relu, last, fc",
        .layers =
            "lstm lstm last, repeat_vector 3, activation relu, repeat_vector 1, dense fc"},
    {"chain-lstm-after-last", AUTOENCODER, "encoder last, decoder, fc",
        .message = "\"decoder\": expected a sequence before an nn.LSTM, found the one step of "
                   "\"last\"; write "
                   "\"repeat N\" between them"},
    {"chain-repeat-steps", AUTOENCODER, "encoder, repeat 10, decoder, fc",
        .message = "\"repeat 10\": expected one step before \"repeat\", found a sequence; "
                   "write \"last\" before it"},
    {"chain-repeat-none", AUTOENCODER, "encoder last, repeat, decoder, fc",
        .message = "expected repeat and a number from 1 to 65536, found \"\""},
    {"chain-repeat-0", AUTOENCODER, "encoder last, repeat 0, decoder, fc",
        .message = "found \"0\""},
    {"chain-gru", "gru a. 8 16; lstm b. 16 4; linear fc. 4 3", "a, b last, fc",
        .layers = "gru a, lstm b last, dense fc"},
    {"chain-gru-last", "gru rnn. 8 16; linear fc. 16 3", "rnn last, fc",
        .layers = "gru rnn last, dense fc"},
    {"chain-gru-h_n", "gru rnn. 8 16; linear fc. 16 3", "rnn h_n relu, fc",
        .layers = "gru rnn last, activation relu, dense fc"},
    {"chain-rnn-relu", "rnn rnn. 8 16; linear fc. 16 3", "rnn(relu), fc relu",
        .layers = "rnn rnn relu, dense fc relu"},
    {"chain-rnn-none", "rnn rnn. 8 16; linear fc. 16 3", "rnn, fc",
        .message =
            "nonlinearity of an nn.RNN: expected \"rnn(tanh)\", the default of PyTorch, or "
            "\"rnn(relu)\", found none"},
    {"chain-rnn-other", "rnn rnn. 8 16; linear fc. 16 3", "rnn(elu), fc",
        .message = "or \"rnn(relu)\", found elu"},
    {"chain-lstm-tanh", USUAL, "lstm(tanh), fc",
        .message = "\"lstm(tanh)\" is supported only for an nn.RNN; found an nn.LSTM"},
    {"chain-mean", USUAL, "lstm mean, fc", .layers = "lstm lstm, pooling mean, dense fc"},
    {"chain-max-sum", AUTOENCODER, "encoder max, repeat 3, decoder sum, fc",
        .layers = "lstm encoder, pooling max, repeat_vector 3, lstm decoder, pooling sum, "
                  "dense fc"},
    {"chain-mean-twice", USUAL, "lstm mean, fc max",
        .message = "\"fc max\": expected a sequence before \"max\", found one step"},

    /* The module chain: modules that do not run */
    {"drop", "lstm rnn. 8 16; linear fc. 16 3; linear aux.0. 16 5; linear aux.1. 5 9",
        "rnn, fc, -aux", .layers = "lstm rnn, dense fc"},
    {"drop-first", "lstm rnn. 8 16; linear fc. 16 3; linear aux. 16 5", " - aux , rnn, fc tanh",
        .layers = "lstm rnn, dense fc tanh"},
    {"drop-to-one", "lstm rnn. 8 16; linear fc. 16 3", "-fc", .layers = "lstm rnn"},
    {"drop-unknown", "lstm rnn. 8 16; raw conv.weight 8x3x5; raw scale 1", "-conv, -scale",
        .layers = "lstm rnn"},
    {"drop-then-ask", "lstm rnn. 8 16; linear fc. 16 3; linear aux. 16 5", "-aux",
        .message = "module-chain=\"rnn, fc, -aux\""},
    {"drop-none", USUAL, "lstm, fc, -fd",
        .message = "expected the name of a module to drop, found \"-fd\""},
    {"drop-part", "lstm rnn. 8 16; linear fc1. 16 3", "rnn, -fc",
        .message = "expected the name of a module to drop, found \"-fc\""},
    {"drop-tensor", USUAL, "lstm, -fc.bias",
        .message = "expected the name of a module to drop, found \"-fc.bias\""},
    {"drop-recurrent", USUAL, "fc, -lstm", .message = "found neither"},

    {"chain-repeat-many", AUTOENCODER, "encoder last, repeat 65537, decoder, fc",
        .message = "found \"65537\""},
};

/* --- Files --- */

static void
add_tensor (TestSafetensors *file, const char *prefix, const char *name, const char *number,
    const gsize *shape, guint n_dims)
{
  g_autofree char *full_name = g_strconcat (prefix, name, number, NULL);

  test_safetensors_add (file, full_name, n_dims, shape, NULL);
}

static void
add_recurrent (TestSafetensors *file, const char *prefix, const char *number, gsize gates,
    gsize d, gsize m, gsize p)
{
  add_tensor (file, prefix, "weight_ih", number, (gsize[]){gates * m, d}, 2);
  add_tensor (file, prefix, "weight_hh", number, (gsize[]){gates * m, p}, 2);
  add_tensor (file, prefix, "bias_ih", number, (gsize[]){gates * m}, 1);
  add_tensor (file, prefix, "bias_hh", number, (gsize[]){gates * m}, 1);
}

static void
add_affine (TestSafetensors *file, const char *prefix, gsize n, gsize d)
{
  add_tensor (file, prefix, "weight", "", (gsize[]){n, d}, d ? 2 : 1);
  add_tensor (file, prefix, "bias", "", &n, 1);
}

static void
add_batch_norm (TestSafetensors *file, const char *prefix, gsize n)
{
  add_affine (file, prefix, n, 0);
  add_tensor (file, prefix, "running_mean", "", &n, 1);
  add_tensor (file, prefix, "running_var", "", &n, 1);
  add_tensor (file, prefix, "num_batches_tracked", "", NULL, 0);
}

/* Adds a tensor. @sizes: "3x16" */
static void
add_raw (TestSafetensors *file, const char *name, const char *sizes)
{
  g_auto (GStrv) words = g_strsplit (sizes, "x", -1);
  gsize shape[LSTM_MAX_DIMS];

  for (guint i = 0; words[i]; i++)
    shape[i] = g_ascii_strtoull (words[i], NULL, 10);
  add_tensor (file, name, "", "", shape, g_strv_length (words));
}

static void
add_module (TestSafetensors *file, const char *text)
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
  TestSafetensors file = test_safetensors_begin (NULL);
  g_auto (GStrv) texts = g_strsplit (modules, ";", -1);

  for (char **text = texts; *text; text++)
    if (**text)
      add_module (&file, g_strchug (*text));
  return test_safetensors_finish (&file);
}

/* --- Layers --- */

/* Appends "NAME", or "NAME(ALPHA, BETA)" with the parameters that the activation states. */
static void
append_activation (GString *text, JsonNode *node)
{
  JsonObject *object = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;

  g_string_append (text,
      object ? json_object_get_string_member (object, "name") : json_node_get_string (node));
  if (!object)
    return;
  g_string_append_printf (text, "(%g", json_object_get_double_member (object, "alpha"));
  if (json_object_has_member (object, "beta"))
    g_string_append_printf (text, ", %g", json_object_get_double_member (object, "beta"));
  g_string_append_c (text, ')');
}

/* Writes "TYPE NAME PREFIX DIRECTION RETURN N FUNCTION ACTIVATION ACTIVATIONS, …" with the keys that
 * a layer has. */
static char *
summarize_layers (JsonArray *layers)
{
  static const char *const keys[] = {"type", "name", "prefix", "direction", "return", "n",
      "function", "activation", "activations"};
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < json_array_get_length (layers); i++) {
    JsonObject *layer = json_array_get_object_element (layers, i);

    for (guint k = 0; k < G_N_ELEMENTS (keys); k++) {
      if (!json_object_has_member (layer, keys[k]))
        continue;
      g_string_append (text, k ? " " : i ? ", " : "");
      if (g_str_equal (keys[k], "n"))
        g_string_append_printf (text, "%d", (int) json_object_get_int_member (layer, "n"));
      else if (g_str_equal (keys[k], "activations"))
        append_activation (text,
            json_array_get_element (json_object_get_array_member (layer, "activations"), 0));
      else
        append_activation (text, json_object_get_member (layer, keys[k]));
    }
  }
  return g_string_free (text, FALSE);
}

static char *
get_layers (const LstmSafetensors *st, const char *module_chain, GError **error)
{
  g_autoptr (JsonArray) layers = lstm_layer_config_get (st, module_chain, error);

  return layers ? summarize_layers (layers) : NULL;
}

/* Checks the error of a refused file, which states the options for the proposal. */
static void
check_message (const Case *test, const GError *error)
{
  g_test_message ("%s", error->message);
  g_assert_true (error->domain == LSTM_ERROR);
  g_assert_true (g_str_has_prefix (error->message, "some.safetensors: "));
  if (test->message)
    g_assert_nonnull (strstr (error->message, test->message));
  if (test->proposal) {
    g_autofree char *paste = g_strdup_printf (
        "module-chain=\"%s\" or lstm-convert --module-chain \"%s\"", test->proposal,
        test->proposal);

    g_assert_nonnull (strstr (error->message, paste));
  }
}

static void
test_case (gconstpointer data)
{
  const Case *test = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = make_file (test->modules);
  g_autoptr (LstmSafetensors) st = lstm_safetensors_new_from_bytes (bytes, "some.safetensors", &error);
  g_autofree char *layers = NULL;

  g_assert_no_error (error);
  layers = get_layers (st, test->module_chain, &error);
  if (test->message || test->proposal) {
    g_assert_null (layers);
    check_message (test, error);
    g_clear_error (&error);
    if (test->layers)
      layers = get_layers (st, test->proposal, &error);
  }
  if (test->layers) {
    g_assert_no_error (error);
    g_assert_cmpstr (layers, ==, test->layers);
  }
}

/* Checks that each accepted file also loads. */
static void
test_loads (gconstpointer data)
{
  const Case *test = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = make_file (test->modules);
  g_autoptr (LstmModel) model = lstm_model_load_bytes_full (bytes, "some.safetensors",
      LSTM_PRECISION_FLOAT32, test->module_chain ? test->module_chain : test->proposal, &error);

  g_assert_no_error (error);
  g_assert_nonnull (model);
}

/* A module chain of random words gives a model or an error. */
static void
test_random_chains (void)
{
  static const char *const words[] = {"encoder", "decoder", "fc", "last", "h_n", "repeat", "3",
      "mean", "-fc", "fc(tanh)", ",", ",", ",", ",", "relu", "elu(2)", "softmax", "(", "\n",
      "é"};
  g_autoptr (GBytes) bytes = make_file (AUTOENCODER);
  g_autoptr (GRand) rand = g_rand_new_with_seed (1);
  guint loaded = 0;

  for (guint i = 0; i < 4000; i++) {
    g_autoptr (GString)
        module_chain = g_string_new (i % 2 ? "encoder last, repeat 3, decoder," : "");
    g_autoptr (GError) error = NULL;
    g_autoptr (LstmModel) model = NULL;

    for (gint n = g_rand_int_range (rand, 0, 8); n > 0; n--)
      g_string_append_printf (
          module_chain, "%s ", words[g_rand_int_range (rand, 0, G_N_ELEMENTS (words))]);
    model = lstm_model_load_bytes_full (
        bytes, "some.safetensors", LSTM_PRECISION_FLOAT32, module_chain->str, &error);
    g_assert_true ((model != NULL) == (error == NULL));
    loaded += model != NULL;
  }
  g_test_message ("%u loaded", loaded);
  g_assert_cmpuint (loaded, >, 0);
}

/* Loads an LSTM whose __metadata__ is @metadata and that has no bias_hh. */
static LstmModel *
load_with_metadata (const char *metadata, GError **error)
{
  TestSafetensors file = test_safetensors_begin (metadata);
  g_autoptr (GBytes) bytes = NULL;

  add_tensor (&file, "rnn.", "weight_ih", "_l0", (gsize[]){64, 3}, 2);
  add_tensor (&file, "rnn.", "weight_hh", "_l0", (gsize[]){64, 16}, 2);
  add_tensor (&file, "rnn.", "bias_ih", "_l0", (gsize[]){64}, 1);
  bytes = test_safetensors_finish (&file);
  return lstm_model_load_bytes (bytes, "some.safetensors", error);
}

/* Keys of other programs in __metadata__ have no effect. */
static void
test_metadata (void)
{
  static const char *const texts[] = {"{}", "{\"format\":\"pt\"}",
      "{\"format\":\"np\",\"total_size\":\"448\",\"author\":\"rnn\"}",
      "{\"rnn.bias_hh_l0\":\"rnn.bias_ih_l0\",\"format\":\"pt\"}",
      "{\"rnn.bias_ih_l0\":\"rnn.weight_ih_l0\"}"};

  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (LstmModel) model = load_with_metadata (texts[i], &error);

    g_assert_no_error (error);
    g_assert_nonnull (model);
  }
}

/* A file cannot claim much more memory than its size by sharing tensors. */
static void
test_many_shared (void)
{
  g_autoptr (GString) metadata = g_string_new ("{\"format\":\"pt\"");
  g_autoptr (GError) error = NULL;

  for (guint k = 1; k < 600; k++)
    g_string_append_printf (metadata, ",\"rnn.weight_hh_l%u\":\"rnn.weight_hh_l0\"", k);
  g_string_append_c (metadata, '}');
  g_assert_null (load_with_metadata (metadata->str, &error));
  g_assert_error (error, LSTM_ERROR, LSTM_ERROR_TENSOR);
  g_test_message ("%s", error->message);
  g_assert_nonnull (strstr (error->message,
      "__metadata__: expected shared tensors of at most 8 times the size of the file, found"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *path = g_strdup_printf ("/statedict/layers/%s", cases[i].name);
    g_autofree char *load = g_strdup_printf ("/statedict/load/%s", cases[i].name);

    g_test_add_data_func (path, &cases[i], test_case);
    if (cases[i].layers)
      g_test_add_data_func (load, &cases[i], test_loads);
  }
  g_test_add_func ("/statedict/random-chains", test_random_chains);
  g_test_add_func ("/statedict/metadata", test_metadata);
  g_test_add_func ("/statedict/many-shared", test_many_shared);
  return g_test_run ();
}
