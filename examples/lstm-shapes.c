/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Runs a model of one LSTM layer over random sequences and prints the shape of each array.
 * docs/shapes.md explains the shapes. Usage: lstm-shapes MODEL STREAMS STEPS */
#include <lstm/lstm.h>
#include <string.h>

static void
fill_random (float *x, gsize n)
{
  GRand *rand = g_rand_new_with_seed (1);

  for (gsize i = 0; i < n; i++)
    x[i] = (float) g_rand_double_range (rand, -1, 1);
  g_rand_free (rand);
}

/* Compares @last [bs, m] with the last step of @every [bs, length, m]. Returns "yes" or "no". */
static const char *
compare_last (const float *every, const float *last, gsize bs, gsize length, gsize m)
{
  for (gsize s = 0; s < bs; s++)
    if (memcmp (every + ((s + 1) * length - 1) * m, last + s * m, m * sizeof (float)) != 0)
      return "no";
  return "yes";
}

static void
print_shapes (LstmState *state, gsize length)
{
  LstmModel *model = lstm_state_get_model (state);
  const gsize bs = lstm_state_get_streams (state);
  const gsize d = lstm_model_get_input_size (model), m = lstm_model_get_hidden_size (model, 0);
  g_autofree float *x = g_new (float, bs *length *d);
  g_autofree float *hidden = g_new (float, bs *length *m);
  g_autofree float *cell = g_new (float, bs *length *m);
  g_autofree float *last_hidden = g_new (float, bs *m);
  g_autofree float *last_cell = g_new (float, bs *m);

  fill_random (x, bs * length * d);
  lstm_state_run_full (state, &(LstmRun){.size = sizeof (LstmRun),
                                  .steps = length,
                                  .input = x,
                                  .hidden = hidden,
                                  .cell = cell});
  lstm_state_get_hidden (state, 0, last_hidden);
  lstm_state_get_cell (state, 0, last_cell);

  g_print ("kernel             W  [%zu, %zu]\n", d, 4 * m);
  g_print ("recurrent kernel   U  [%zu, %zu]\n", m, 4 * m);
  g_print ("bias               b  [%zu]\n", 4 * m);
  g_print ("input              x  [%zu, %zu, %zu]\n", bs, length, d);
  g_print ("hidden, each step  h  [%zu, %zu, %zu]\n", bs, length, m);
  g_print ("cell, each step    c  [%zu, %zu, %zu]\n", bs, length, m);
  g_print ("last hidden        h  [%zu, %zu]\n", bs, m);
  g_print ("last cell          c  [%zu, %zu]\n", bs, m);
  g_print (
      "hidden[:, -1] == last hidden: %s\n", compare_last (hidden, last_hidden, bs, length, m));
  g_print ("cell[:, -1] == last cell: %s\n", compare_last (cell, last_cell, bs, length, m));
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (LstmModel) model = NULL;
  g_autoptr (LstmState) state = NULL;
  guint64 streams, steps;

  if (argc != 4 || !g_ascii_string_to_unsigned (argv[2], 10, 1, G_MAXUINT32, &streams, &error)
      || !g_ascii_string_to_unsigned (argv[3], 10, 1, G_MAXUINT16, &steps, &error)) {
    g_printerr ("usage: lstm-shapes MODEL STREAMS STEPS%s%s\n", error ? ": " : "",
        error ? error->message : "");
    return 2;
  }
  model = lstm_model_load (argv[1], &error);
  if (model && lstm_model_get_n_lstm_layers (model) != 1)
    g_set_error (&error, LSTM_ERROR, LSTM_ERROR_LAYER, "%s: expected one LSTM layer, found %u",
        argv[1], lstm_model_get_n_lstm_layers (model));
  if (!error)
    state = lstm_state_new (model, streams, &error);
  if (error) {
    g_printerr ("lstm-shapes: %s\n", error->message);
    return 1;
  }
  print_shapes (state, steps);
  return 0;
}
