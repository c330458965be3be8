/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Makes networks for the benchmark: random weights in a safetensors file. */
#include "bench.h"
#include <math.h>
#include <string.h>

typedef struct {
  GString *header;
  GByteArray *data;
  GRand *rand;
} Writer;

static void
add_values (Writer *writer, gsize n, double low, double high)
{
  for (gsize i = 0; i < n; i++) {
    float value = (float) g_rand_double_range (writer->rand, low, high);

    g_byte_array_append (writer->data, (guint8 *) &value, sizeof value);
  }
}

/* Appends the header entry of a tensor whose data begin at byte @begin. */
static void
add_entry (Writer *writer, const char *name, gsize rows, gsize columns, gsize begin)
{
  g_string_append_printf (
      writer->header, ",\"%s\":{\"dtype\":\"F32\",\"shape\":[%zu", name, rows);
  if (columns)
    g_string_append_printf (writer->header, ",%zu", columns);
  g_string_append_printf (
      writer->header, "],\"data_offsets\":[%zu,%zu]}", begin, (gsize) writer->data->len);
}

static void
add_tensor (Writer *writer, const char *name, gsize rows, gsize columns)
{
  gsize begin = writer->data->len;

  add_values (writer, rows * MAX (columns, 1), -0.1, 0.1);
  add_entry (writer, name, rows, columns, begin);
}

/* Sets the bias as Keras initializes it: 1 for the forget gate, else 0. The recurrent weights are so
 * small that h decays if x is 0. */
static void
add_forgetful (Writer *writer, gsize d, gsize m)
{
  const double most = 1 / sqrt ((double) m);
  gsize begin;

  add_tensor (writer, "weight_ih_l0", 4 * m, d);
  begin = writer->data->len;
  add_values (writer, 4 * m * m, -most, most);
  add_entry (writer, "weight_hh_l0", 4 * m, m, begin);
  begin = writer->data->len;
  add_values (writer, m, 0, 0);
  add_values (writer, m, 1, 1);
  add_values (writer, 2 * m, 0, 0);
  add_entry (writer, "bias_ih_l0", 4 * m, 0, begin);
}

static void
add_lstm (Writer *writer, const char *prefix, gsize d, gsize m)
{
  static const char *const names[] = {"weight_ih_l0", "weight_hh_l0", "bias_ih_l0"};
  const gsize columns[] = {d, m, 0};

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++) {
    g_autofree char *name = g_strconcat (prefix, names[i], NULL);

    add_tensor (writer, name, 4 * m, columns[i]);
  }
}

/* Makes three LSTM layers of 128, 128 and m units and a dense layer of 10 outputs. */
static void
add_stack (Writer *writer, gsize d, gsize m)
{
  g_string_append (writer->header,
      "\"__metadata__\":{\"lstm.version\":\"1\",\"lstm.layers\":\"["
      "{\\\"type\\\":\\\"lstm\\\",\\\"name\\\":\\\"a\\\"},"
      "{\\\"type\\\":\\\"lstm\\\",\\\"name\\\":\\\"b\\\"},"
      "{\\\"type\\\":\\\"lstm\\\",\\\"name\\\":\\\"c\\\"},"
      "{\\\"type\\\":\\\"dense\\\",\\\"name\\\":\\\"head\\\"}]\"}");
  add_lstm (writer, "a.", d, 128);
  add_lstm (writer, "b.", 128, 128);
  add_lstm (writer, "c.", 128, m);
  add_tensor (writer, "head.weight", 10, m);
  add_tensor (writer, "head.bias", 10, 0);
}

static GBytes *
join_file (GString *header, GByteArray *data)
{
  GByteArray *file = g_byte_array_new ();
  guint64 length = GUINT64_TO_LE ((guint64) header->len);

  g_byte_array_append (file, (guint8 *) &length, sizeof length);
  g_byte_array_append (file, (guint8 *) header->str, (guint) header->len);
  g_byte_array_append (file, data->data, data->len);
  return g_byte_array_free_to_bytes (file);
}

Network *
network_new (CaseKind kind, gsize d, gsize m)
{
  Network *network = g_new0 (Network, 1);
  Writer writer = {g_string_new ("{"), g_byte_array_new (), g_rand_new_with_seed (1)};

  if (kind == CASE_STACK) {
    add_stack (&writer, d, m);
  } else {
    g_string_append (writer.header, "\"__metadata__\":{\"made\":\"for timing\"}");
    if (kind == CASE_SILENCE)
      add_forgetful (&writer, d, m);
    else
      add_lstm (&writer, "", d, m);
    network->w_x = g_memdup2 (writer.data->data, writer.data->len);
    network->w_h = network->w_x + 4 * m * d;
    network->bias = network->w_h + 4 * m * m;
  }
  g_string_append_c (writer.header, '}');
  network->file = join_file (writer.header, writer.data);
  g_string_free (writer.header, TRUE);
  g_byte_array_unref (writer.data);
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
network_transposed (const float *w, gsize rows, gsize columns)
{
  float *result = g_new (float, rows *columns);

  for (gsize i = 0; i < rows; i++)
    for (gsize k = 0; k < columns; k++)
      result[k * rows + i] = w[i * columns + k];
  return result;
}
