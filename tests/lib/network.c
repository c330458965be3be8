/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "network.h"
#include "../safetensors.h"
#include <math.h>
#include <string.h>

typedef struct {
  TestSafetensors st;
  GRand *rand;
} Writer;

/* Adds a tensor of random values in [-@limit, @limit). @columns is 0 for a tensor of one
 * dimension. */
static void
add_tensor (
    Writer *writer, guint layer, const char *name, gsize rows, gsize columns, double limit)
{
  const gsize n = rows * MAX (columns, 1), shape[] = {rows, columns};
  g_autofree char *full_name = g_strdup_printf ("%u.%s", layer, name);
  g_autofree float *values = g_new (float, n);

  for (gsize i = 0; i < n; i++)
    values[i] = (float) g_rand_double_range (writer->rand, -limit, limit);
  test_safetensors_add (&writer->st, full_name, columns ? 2 : 1, shape, values);
}

static const struct {
  const char *type;
  gsize n_gates;
} recurrent_kinds[TEST_RESIDUAL + 1] = {
    [TEST_LSTM] = {"lstm", 4}, [TEST_GRU] = {"gru", 3}, [TEST_RNN] = {"rnn", 1}};

gsize
test_layer_count_gates (TestLayerKind kind)
{
  return recurrent_kinds[kind].n_gates;
}

gsize
test_layer_out (const TestLayer *layer, gsize in)
{
  return layer->kind == TEST_DENSE || test_layer_count_gates (layer->kind) ? layer->out : in;
}

static void
add_tensors (Writer *writer, const TestNetwork *network)
{
  gsize in = network->d;

  for (guint i = 0; network->layers[i].kind != TEST_END; i++) {
    const TestLayer *layer = &network->layers[i];
    const gsize n_gates = test_layer_count_gates (layer->kind);
    const gsize rows = MAX (n_gates, 1) * layer->out;
    const double gain = network->gain > 0 ? network->gain : 1;
    const double limit = n_gates ? gain / sqrt ((double) layer->out) : 1 / sqrt ((double) in);

    if (n_gates) {
      add_tensor (writer, i, "weight_ih_l0", rows, in, limit);
      add_tensor (writer, i, "weight_hh_l0", rows, layer->out, limit);
      add_tensor (writer, i, "bias_ih_l0", rows, 0, limit);
      add_tensor (writer, i, "bias_hh_l0", rows, 0, limit);
    } else if (layer->kind == TEST_DENSE) {
      add_tensor (writer, i, "weight", rows, in, limit);
      add_tensor (writer, i, "bias", rows, 0, limit);
    }
    in = test_layer_out (layer, in);
  }
}

/* Appends the value of lstm.layers, a JSON text in a JSON string. */
static void
add_description (GString *header, const TestNetwork *network)
{
  for (guint i = 0; network->layers[i].kind != TEST_END; i++) {
    const TestLayer *layer = &network->layers[i];

    g_string_append (header, i ? ",{" : "{");
    if (layer->kind == TEST_NORMALIZATION)
      g_string_append_printf (header,
          "\\\"type\\\":\\\"normalization\\\",\\\"mean\\\":%g,\\\"scale\\\":%g", TEST_MEAN,
          TEST_SCALE);
    else if (test_layer_count_gates (layer->kind))
      g_string_append_printf (header, "\\\"type\\\":\\\"%s\\\",\\\"name\\\":\\\"%u\\\"",
          recurrent_kinds[layer->kind].type, i);
    else if (layer->kind == TEST_POOLING)
      g_string_append_printf (header,
          "\\\"type\\\":\\\"pooling\\\",\\\"function\\\":\\\"%s\\\"", layer->activation);
    else if (layer->kind == TEST_RESIDUAL)
      g_string_append (header, "\\\"type\\\":\\\"residual\\\"");
    else
      g_string_append_printf (header,
          "\\\"type\\\":\\\"dense\\\",\\\"name\\\":\\\"%u\\\",\\\"activation\\\":\\\"%s\\\"", i,
          layer->activation);
    g_string_append_c (header, '}');
  }
}

GBytes *
test_network_file (const TestNetwork *network)
{
  g_autoptr (GString) metadata = g_string_new ("{\"lstm.version\":\"1\",\"lstm.layers\":\"[");
  Writer writer = {.rand = g_rand_new_with_seed (network->seed)};

  add_description (metadata, network);
  g_string_append (metadata, "]\"}");
  writer.st = test_safetensors_begin (metadata->str);
  add_tensors (&writer, network);
  g_rand_free (writer.rand);
  return test_safetensors_finish (&writer.st);
}

gsize
test_network_out (const TestNetwork *network)
{
  gsize n = network->d;

  for (guint i = 0; network->layers[i].kind != TEST_END; i++)
    n = test_layer_out (&network->layers[i], n);
  return n;
}

/* Reads a tensor of n float32 values as float64. */
static double *
read_tensor (GBytes *file, guint index, const TestLayer *layer, const char *tensor, gsize n)
{
  gsize size;
  const char *content = g_bytes_get_data (file, &size);
  const guint64 length = *(const guint64 *) content;
  g_autofree char *header = g_strndup (content + 8, GUINT64_FROM_LE (length));
  g_autofree char *key = layer->name ? g_strdup_printf ("\"%s.%s\":{", layer->name, tensor)
                                     : g_strdup_printf ("\"%u.%s\":{", index, tensor);
  const char *at = strstr (header, key);
  double *values = g_new (double, n);
  guint64 begin;

  g_assert_nonnull (at);
  g_assert_nonnull (at = strstr (at, "\"data_offsets\":["));
  begin = 8 + GUINT64_FROM_LE (length) + g_ascii_strtoull (strchr (at, '[') + 1, NULL, 10);
  g_assert_cmpuint (begin + n * sizeof (float), <=, size);
  for (gsize i = 0; i < n; i++) {
    float value;

    memcpy (&value, content + begin + i * sizeof value, sizeof value);
    values[i] = (double) value;
  }
  return values;
}

static void
run_normalization (gsize n, const double *x, double *y)
{
  for (gsize i = 0; i < n; i++)
    y[i] = (x[i] - TEST_MEAN) * TEST_SCALE;
}

static double
activate_value (const char *name, double x)
{
  if (g_str_equal (name, "tanh"))
    return tanh (x);
  if (g_str_equal (name, "sigmoid"))
    return 1 / (1 + exp (-x));
  if (g_str_equal (name, "relu"))
    return fmax (x, 0);
  return x;
}

static void
run_dense (const TestLayer *layer, const double *weight, const double *bias, gsize in,
    const double *x, double *y)
{
  double max = -INFINITY, sum = 0;

  for (gsize o = 0; o < layer->out; o++) {
    double z = bias[o];

    for (gsize k = 0; k < in; k++)
      z += x[k] * weight[o * in + k];
    y[o] = activate_value (layer->activation, z);
    max = fmax (max, y[o]);
  }
  if (!g_str_equal (layer->activation, "softmax"))
    return;
  for (gsize o = 0; o < layer->out; o++)
    sum += y[o] = exp (y[o] - max);
  for (gsize o = 0; o < layer->out; o++)
    y[o] /= sum;
}

/* Returns x [in] times row @row of w. */
static double
multiply_row (const double *w, gsize row, gsize in, const double *x)
{
  double sum = 0;

  for (gsize k = 0; k < in; k++)
    sum += x[k] * w[row * in + k];
  return sum;
}

/* The tensors of a layer, and its h, next h and c */
typedef struct {
  double *w[4];
  double *h, *next, *c;
} Memory;

static double
compute_sigmoid (double x)
{
  return 1 / (1 + exp (-x));
}

/* Computes c = f c' + i g and h = o tanh (c), from the previous c'. x, h: the two summands of the
 * pre-activations of unit @u */
static double
compute_lstm_unit (Memory *memory, gsize u, const double *x, const double *h)
{
  double *c = &memory->c[u];

  *c = *c * compute_sigmoid (x[1] + h[1]) + tanh (x[2] + h[2]) * compute_sigmoid (x[0] + h[0]);
  return tanh (*c) * compute_sigmoid (x[3] + h[3]);
}

/* The gates are r, z and n. */
static double
compute_gru_unit (Memory *memory, gsize u, const double *x, const double *h)
{
  const double z = compute_sigmoid (x[1] + h[1]);

  return (1 - z) * tanh (x[2] + compute_sigmoid (x[0] + h[0]) * h[2]) + z * memory->h[u];
}

static double
compute_rnn_unit (Memory *memory, gsize u, const double *x, const double *h)
{
  return tanh (x[0] + h[0]);
}

static void
run_recurrent (TestLayerKind kind, Memory *memory, gsize in, gsize m, const double *x)
{
  static double (*const compute_unit[]) (Memory *, gsize, const double *, const double *) = {
      [TEST_LSTM] = compute_lstm_unit,
      [TEST_GRU] = compute_gru_unit,
      [TEST_RNN] = compute_rnn_unit};

  for (gsize u = 0; u < m; u++) {
    double x_sums[4], h_sums[4];

    for (gsize g = 0; g < test_layer_count_gates (kind); g++) {
      const gsize row = g * m + u;

      x_sums[g] = memory->w[2][row] + multiply_row (memory->w[0], row, in, x);
      h_sums[g] = memory->w[3][row] + multiply_row (memory->w[1], row, m, memory->h);
    }
    memory->next[u] = compute_unit[kind](memory, u, x_sums, h_sums);
  }
  memcpy (memory->h, memory->next, m * sizeof *memory->h);
}

static void
memory_init (Memory *memory, GBytes *file, guint index, const TestLayer *layer, gsize in)
{
  const gsize m = layer->out, rows = test_layer_count_gates (layer->kind) * m;

  *memory = (Memory){0};
  if (rows) {
    memory->w[0] = read_tensor (file, index, layer, "weight_ih_l0", rows * in);
    memory->w[1] = read_tensor (file, index, layer, "weight_hh_l0", rows * m);
    memory->w[2] = read_tensor (file, index, layer, "bias_ih_l0", rows);
    memory->w[3] = read_tensor (file, index, layer, "bias_hh_l0", rows);
  } else if (layer->kind == TEST_DENSE) {
    memory->w[0] = read_tensor (file, index, layer, "weight", m * in);
    memory->w[1] = read_tensor (file, index, layer, "bias", m);
  }
  memory->h = g_new0 (double, MAX (m, in));
  memory->next = g_new0 (double, m);
  memory->c = g_new0 (double, m);
}

static void
memory_clear (Memory *memory)
{
  for (guint i = 0; i < G_N_ELEMENTS (memory->w); i++)
    g_free (memory->w[i]);
  g_free (memory->h);
  g_free (memory->next);
  g_free (memory->c);
}

void
test_network_run (
    const TestNetwork *network, GBytes *file, gsize steps, const float *x, double *y)
{
  Memory memories[TEST_MAX_LAYERS];
  gsize in[TEST_MAX_LAYERS + 1] = {network->d};
  g_autofree double *step = g_new (double, network->d);
  guint n = 0;

  for (; network->layers[n].kind != TEST_END; n++) {
    const TestLayer *layer = &network->layers[n];

    memory_init (&memories[n], file, n, layer, in[n]);
    g_assert (layer->kind <= TEST_RNN);
    in[n + 1] = test_layer_out (layer, in[n]);
  }
  for (gsize t = 0; t < steps; t++) {
    const double *from = step;

    for (gsize i = 0; i < network->d; i++)
      step[i] = (double) x[t * network->d + i];
    for (guint i = 0; i < n; i++) {
      const TestLayer *layer = &network->layers[i];
      Memory *memory = &memories[i];

      if (layer->kind == TEST_NORMALIZATION)
        run_normalization (in[i], from, memory->h);
      else if (layer->kind == TEST_DENSE)
        run_dense (layer, memory->w[0], memory->w[1], in[i], from, memory->h);
      else
        run_recurrent (layer->kind, memory, in[i], layer->out, from);
      from = memory->h;
    }
    memcpy (y + t * in[n], from, in[n] * sizeof *y);
  }
  for (guint i = 0; i < n; i++)
    memory_clear (&memories[i]);
}
