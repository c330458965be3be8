/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Makes networks for the benchmark: random weights in a safetensors file. */
#include "bench.h"
#include "../safetensors.h"
#include <math.h>
#include <string.h>

typedef struct {
  TestSafetensors st;
  GRand *rand;
} Writer;

static void
fill_random (Writer *writer, float *values, gsize n, double low, double high)
{
  for (gsize i = 0; i < n; i++)
    values[i] = (float) g_rand_double_range (writer->rand, low, high);
}

/* Adds a tensor of random values in [@low, @high). @columns is 0 for a tensor of one dimension. */
static void
add_tensor (
    Writer *writer, const char *name, gsize rows, gsize columns, double low, double high)
{
  const gsize n = rows * MAX (columns, 1), shape[] = {rows, columns};
  g_autofree float *values = g_new (float, n);

  fill_random (writer, values, n, low, high);
  test_safetensors_add (&writer->st, name, columns ? 2 : 1, shape, values);
}

/* Adds a layer with the initial weights of Keras. The bias is 1 for the forget gate and 0 for the
 * other gates. The recurrent weights are so small that h decays while x is 0. */
static void
add_keras_lstm (Writer *writer, gsize d, gsize m)
{
  const double limit = 1 / sqrt ((double) m);
  const gsize shape[] = {4 * m};
  g_autofree float *bias = g_new0 (float, 4 * m);

  add_tensor (writer, "weight_ih_l0", 4 * m, d, -0.1, 0.1);
  add_tensor (writer, "weight_hh_l0", 4 * m, m, -limit, limit);
  for (gsize i = m; i < 2 * m; i++)
    bias[i] = 1;
  test_safetensors_add (&writer->st, "bias_ih_l0", 1, shape, bias);
}

static void
add_recurrent (Writer *writer, const char *prefix, gsize n_gates, gsize d, gsize m)
{
  static const char *const names[] = {"weight_ih_l0", "weight_hh_l0", "bias_ih_l0"};
  const gsize columns[] = {d, m, 0};

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++) {
    g_autofree char *name = g_strconcat (prefix, names[i], NULL);

    add_tensor (writer, name, n_gates * m, columns[i], -0.1, 0.1);
  }
}

/* Adds three layers of 128, 128 and m units and a dense layer of 10. */
static void
add_stack (Writer *writer, gsize d, gsize m)
{
  add_recurrent (writer, "a.", 4, d, 128);
  add_recurrent (writer, "b.", 4, 128, 128);
  add_recurrent (writer, "c.", 4, 128, m);
  add_tensor (writer, "head.weight", 10, m, -0.1, 0.1);
  add_tensor (writer, "head.bias", 10, 0, -0.1, 0.1);
}

#define LAYERS(list) "{\"lstm.version\":\"1\",\"lstm.layers\":\"[" list "]\"}"
#define LAYER(type, name) "{\\\"type\\\":\\\"" type "\\\",\\\"name\\\":\\\"" name "\\\"}"

static const char *const metadata[] = {
    [CASE_STACK] = LAYERS (LAYER ("lstm", "a") "," LAYER ("lstm", "b") "," LAYER (
        "lstm", "c") "," LAYER ("dense", "head")),
    [CASE_GRU] = LAYERS (LAYER ("gru", "a")),
    [CASE_DENSE] = LAYERS (LAYER ("lstm", "a") "," LAYER ("dense", "head")),
    [CASE_GRU_DENSE] = LAYERS (LAYER ("gru", "a") "," LAYER ("dense", "head")),
};

/* Returns the JSON of the metadata, or NULL for one LSTM layer, which needs none. */
static const char *
find_metadata (CaseKind kind)
{
  return kind < G_N_ELEMENTS (metadata) ? metadata[kind] : NULL;
}

/* Adds one recurrent layer, and a Dense layer of one unit if @kind has one. Keeps the weights in
 * @network. */
static void
add_layer (Writer *writer, CaseKind kind, gsize d, gsize m, Network *network)
{
  const gsize n = (bench_is_gru (kind) ? 3 : 4) * m;

  if (kind == CASE_SILENCE)
    add_keras_lstm (writer, d, m);
  else
    add_recurrent (writer, find_metadata (kind) ? "a." : "", n / m, d, m);
  if (bench_has_dense (kind)) {
    add_tensor (writer, "head.weight", 1, m, -0.1, 0.1);
    add_tensor (writer, "head.bias", 1, 0, -0.1, 0.1);
  }
  network->w_x = g_memdup2 (writer->st.data->data, writer->st.data->len);
  network->w_h = network->w_x + n * d;
  network->bias = network->w_h + n * m;
  network->w_dense = bench_has_dense (kind) ? network->bias + n : NULL;
}

Network *
network_new (CaseKind kind, gsize d, gsize m)
{
  Network *network = g_new0 (Network, 1);
  Writer writer = {.rand = g_rand_new_with_seed (1)};

  writer.st = test_safetensors_begin (find_metadata (kind));
  if (kind == CASE_STACK)
    add_stack (&writer, d, m);
  else
    add_layer (&writer, kind, d, m, network);
  network->file = test_safetensors_finish (&writer.st);
  g_rand_free (writer.rand);
  return network;
}

void
network_free (Network *network)
{
  g_bytes_unref (network->file);
  g_free (network->w_x);
  g_free (network);
}

float *
network_order_gates (const float *w, gsize block, const gsize *order, gsize n)
{
  float *result = g_new (float, n *block);

  for (gsize i = 0; i < n; i++)
    memcpy (result + i * block, w + order[i] * block, block * sizeof *w);
  return result;
}

float *
network_transpose (const float *w, gsize rows, gsize columns)
{
  float *result = g_new (float, rows *columns);

  for (gsize i = 0; i < rows; i++)
    for (gsize k = 0; k < columns; k++)
      result[k * rows + i] = w[i * columns + k];
  return result;
}
