/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Runs random lists of the streams of a state, for each folder of vectors on each instruction set
 * in each precision. The numbers have the same bits as those of each stream alone, and the other
 * streams do not change. */
#include "network.h"
#include "testutil.h"
#include <string.h>

#define MAX_STREAMS 20
#define MANY_STREAMS 1000
#define CALLS 8     /* of a state */
#define MAX_STEPS 9 /* of a complete sequence */
#define GUARD 12345.f

/* A state of several streams, and the memory of each stream alone */
typedef struct {
  LstmModel *model;
  LstmState *state, *alone; /* of bs streams, and of one stream */
  gsize bs, d, n, stream_size;
  gboolean runs_sequences;
  const TestArray *x; /* its steps are the input, in a random order */
  float *streams;     /* (bs, stream_size), the memory after the calls of @alone */
  GRand *rand;
} Rig;

/* The arrays of a run, (rows, stride, …) */
typedef struct {
  float *output, *hidden, *cell, *gates;
  gsize output_row, hidden_row, cell_row, gates_row; /* values of a stream */
} Outputs;

static LstmState *
new_state (const Rig *rig, gsize streams)
{
  g_autoptr (GError) error = NULL;
  LstmState *state = rig->runs_sequences
                         ? lstm_state_new_for_sequences (rig->model, streams, MAX_STEPS, &error)
                         : lstm_state_new (rig->model, streams, &error);

  g_assert_no_error (error);
  return state;
}

static void
rig_init (Rig *rig, LstmModel *model, gsize bs, gboolean runs_sequences, const TestArray *x)
{
  *rig = (Rig){.model = model, .bs = bs, .runs_sequences = runs_sequences, .x = x};
  rig->state = new_state (rig, bs);
  rig->alone = new_state (rig, 1);
  rig->d = lstm_model_get_input_size (model);
  rig->n = lstm_model_get_output_size (model);
  rig->stream_size = lstm_state_get_stream_size (rig->state);
  rig->streams = g_new (float, bs * rig->stream_size);
  rig->rand = g_rand_new_with_seed ((guint32) bs);
  for (gsize s = 0; s < bs; s++)
    lstm_state_get_stream (rig->alone, 0, rig->streams + s * rig->stream_size);
}

static void
rig_clear (Rig *rig)
{
  lstm_state_unref (rig->state);
  lstm_state_unref (rig->alone);
  g_free (rig->streams);
  g_rand_free (rig->rand);
}

/* --- One call --- */

static float *
new_guarded (gsize n)
{
  float *values = g_new (float, n + 1);

  for (gsize i = 0; i <= n; i++)
    values[i] = GUARD;
  return values;
}

/* Allocates the outputs of @n_rows streams. @traced: also h, c and gates of @layer */
static void
outputs_init (Outputs *outputs, const Rig *rig, gsize n_rows, gsize steps, gsize stride,
    guint layer, gboolean traced)
{
  const gsize m = traced ? lstm_model_get_cell_size (rig->model, layer) : 0;
  const gsize p = traced ? lstm_model_get_hidden_size (rig->model, layer) : 0;
  const gsize n_gates = traced ? lstm_model_get_n_gates (rig->model, layer) : 0;
  gsize layer_steps = stride;

  *outputs = (Outputs){.output_row = stride * rig->n};
  if (rig->runs_sequences) {
    outputs->output_row = lstm_state_get_output_steps (rig->state, steps) * rig->n;
    layer_steps = traced ? lstm_state_get_layer_steps (rig->state, layer, steps) : 0;
  }
  outputs->hidden_row = layer_steps * p;
  outputs->cell_row = layer_steps * m;
  outputs->gates_row = layer_steps * n_gates * (m ? m : p);
  outputs->output = new_guarded (n_rows * outputs->output_row);
  outputs->hidden = traced ? new_guarded (n_rows * outputs->hidden_row) : NULL;
  outputs->cell = m ? new_guarded (n_rows * outputs->cell_row) : NULL;
  outputs->gates = n_gates ? new_guarded (n_rows * outputs->gates_row) : NULL;
}

static void
outputs_clear (Outputs *outputs)
{
  g_free (outputs->output);
  g_free (outputs->hidden);
  g_free (outputs->cell);
  g_free (outputs->gates);
}

static void
check_rows (const float *found, const float *expected, gsize n)
{
  g_assert_true ((found == NULL) == (expected == NULL));
  if (found)
    g_assert_cmpmem (found, (n + 1) * sizeof *found, expected, (n + 1) * sizeof *found);
}

static void
check_outputs (const Outputs *found, const Outputs *expected, gsize n_rows)
{
  check_rows (found->output, expected->output, n_rows * found->output_row);
  check_rows (found->hidden, expected->hidden, n_rows * found->hidden_row);
  check_rows (found->cell, expected->cell, n_rows * found->cell_row);
  check_rows (found->gates, expected->gates, n_rows * found->gates_row);
}

static float *
get_row (float *values, gsize row, gsize size)
{
  return values ? values + row * size : NULL;
}

/* Returns @run with the arrays of the listed streams from @row on. */
static LstmRun
get_run (const Rig *rig, const LstmRun *run, const Outputs *outputs, gsize row)
{
  const gsize stride = run->stream_stride ? run->stream_stride : run->steps;
  LstmRun part = *run;

  part.input += row * stride * rig->d;
  part.mask = run->mask ? run->mask + row * stride : NULL;
  part.output = get_row (outputs->output, row, outputs->output_row);
  part.hidden = get_row (outputs->hidden, row, outputs->hidden_row);
  part.cell = get_row (outputs->cell, row, outputs->cell_row);
  part.gates = get_row (outputs->gates, row, outputs->gates_row);
  return part;
}

static void
check_streams (const Rig *rig)
{
  const gsize size = rig->stream_size * sizeof (float);
  g_autofree float *stream = g_new (float, rig->stream_size);

  for (gsize s = 0; s < rig->bs; s++) {
    lstm_state_get_stream (rig->state, s, stream);
    g_assert_cmpmem (stream, size, rig->streams + s * rig->stream_size, size);
  }
}

/* Runs the list in @run in one call, and each of its streams alone. */
static void
check_run (Rig *rig, const LstmRun *run, Outputs *found, Outputs *expected)
{
  const LstmRun call = get_run (rig, run, found, 0);

  lstm_state_run_full (rig->state, &call);
  for (gsize i = 0; i < run->n_rows; i++) {
    float *stream = rig->streams + run->rows[i] * rig->stream_size;
    LstmRun alone = get_run (rig, run, expected, i);

    alone.rows = NULL;
    alone.n_rows = 0;
    lstm_state_set_stream (rig->alone, 0, stream);
    lstm_state_run_full (rig->alone, &alone);
    lstm_state_get_stream (rig->alone, 0, stream);
  }
  check_outputs (found, expected, run->n_rows);
  check_streams (rig);
}

/* --- Random calls --- */

/* Returns: (transfer full): @n random steps of the vectors, [n, d] */
static float *
pick_input (Rig *rig, gsize n)
{
  float *x = g_new (float, n * rig->d + 1);

  for (gsize i = 0; i < n; i++)
    memcpy (x + i * rig->d,
        rig->x->values + test_pick (rig->rand, 0, rig->x->n / rig->d - 1) * rig->d,
        rig->d * sizeof *x);
  return x;
}

/* Returns: (transfer full) (nullable): a random mask of @n steps, in half of the calls */
static guint8 *
pick_mask (Rig *rig, gsize n)
{
  guint8 *mask = test_pick (rig->rand, 0, 1) ? g_new (guint8, n + 1) : NULL;

  for (gsize i = 0; mask && i < n; i++)
    mask[i] = test_pick (rig->rand, 0, 2) > 0;
  return mask;
}

/* Resets a stream, which begins a new sequence. */
static void
reset_any_stream (Rig *rig)
{
  const gsize s = test_pick (rig->rand, 0, rig->bs - 1);

  lstm_state_reset_stream (rig->state, s);
  lstm_state_reset (rig->alone);
  lstm_state_get_stream (rig->alone, 0, rig->streams + s * rig->stream_size);
}

static void
check_call (Rig *rig, gsize n_rows)
{
  static const gsize lengths[] = {1, 1, 1, 2, 5, 40};
  const gsize length = lengths[test_pick (rig->rand, 0, G_N_ELEMENTS (lengths) - 1)];
  const gsize steps = rig->runs_sequences ? test_pick (rig->rand, 1, MAX_STEPS) : length;
  const gsize stride = rig->runs_sequences ? steps : steps + test_pick (rig->rand, 0, 2);
  const guint n_layers = lstm_model_get_n_lstm_layers (rig->model);
  const gboolean traced = n_layers > 0 && test_pick (rig->rand, 0, 1);
  g_autofree gsize *rows = g_new (gsize, rig->bs);
  g_autofree float *x = pick_input (rig, n_rows * stride);
  g_autofree guint8 *mask = pick_mask (rig, n_rows * stride);
  Outputs found, expected;
  LstmRun run = {.size = sizeof run,
      .steps = steps,
      .input = x,
      .mask = mask,
      .stream_stride = rig->runs_sequences ? 0 : stride,
      .rows = rows,
      .n_rows = n_rows};

  test_shuffle (rig->rand, rows, rig->bs);
  run.layer = traced ? (guint) test_pick (rig->rand, 0, n_layers - 1) : 0;
  outputs_init (&found, rig, n_rows, steps, stride, run.layer, traced);
  outputs_init (&expected, rig, n_rows, steps, stride, run.layer, traced);
  check_run (rig, &run, &found, &expected);
  outputs_clear (&found);
  outputs_clear (&expected);
}

/* Runs lists of at most @max_rows of @bs streams. */
static void
check_lists (
    LstmModel *model, gsize bs, gsize max_rows, gboolean runs_sequences, const TestArray *x)
{
  Rig rig;

  rig_init (&rig, model, bs, runs_sequences, x);
  for (gsize i = 0; i < CALLS; i++) {
    check_call (&rig, test_pick (rig.rand, 0, max_rows));
    reset_any_stream (&rig);
  }
  rig_clear (&rig);
}

static void
test_folder (gconstpointer data)
{
  const TestFolder *test = data;
  g_autofree char *path = g_build_filename (test->dir, "model.safetensors", NULL);
  g_auto (TestArray) x = test_array_load (test->dir, "x.npy");
  GRand *rand = g_rand_new_with_seed (g_str_hash (path));

  for (guint p = 0; p < TEST_N_PRECISIONS; p++) {
    const gsize bs = test_pick (rand, 2, MAX_STREAMS);
    g_autoptr (LstmModel) model = test_model_load_full (path, test->isa, (LstmPrecision) p);

    if (!model) {
      g_test_skip ("this machine lacks the instruction set");
      break;
    }
    check_lists (model, 1, 1, TRUE, &x);
    check_lists (model, bs, bs, TRUE, &x);
    if (lstm_model_is_causal (model)) {
      check_lists (model, 1, 1, FALSE, &x);
      check_lists (model, bs, bs, FALSE, &x);
    }
  }
  g_rand_free (rand);
}

/* --- Many streams --- */

static const TestNetwork networks[] = {
    {5, {{TEST_LSTM, 20}, {TEST_DENSE, 3, "softmax"}}, .seed = 1},
    {9, {{TEST_GRU, 7}, {TEST_RESIDUAL}, {TEST_RNN, 9}, {TEST_POOLING, 0, "mean"}}, .seed = 2},
};

static void
test_many (gconstpointer isa)
{
  for (gsize i = 0; i < G_N_ELEMENTS (networks); i++) {
    g_autoptr (GBytes) file = test_network_file (&networks[i]);
    g_auto (TestArray) x = test_array_new (1, 100, networks[i].d);

    test_fill (x.values, x.n, 1);
    for (guint p = 0; p < TEST_N_PRECISIONS; p++) {
      g_autoptr (LstmModel) model = test_model_load_bytes (file, isa, (LstmPrecision) p);

      if (!model) {
        g_test_skip ("this machine lacks the instruction set");
        return;
      }
      check_lists (model, MANY_STREAMS, MANY_STREAMS, FALSE, &x);
      check_lists (model, MANY_STREAMS, 10, FALSE, &x);
    }
  }
}

/* --- The arguments --- */

static LstmModel *
load_network (const TestNetwork *network)
{
  g_autoptr (GBytes) file = test_network_file (network);

  return test_model_load_bytes (file, "base", LSTM_PRECISION_FLOAT32);
}

/* A list that lists all streams in their order equals a run without a list. */
static void
test_all_in_order (void)
{
  g_autoptr (LstmModel) model = load_network (&networks[0]);
  g_autoptr (LstmState) state = test_state_new (model, 3), other = test_state_new (model, 3);
  static const gsize rows[] = {0, 1, 2};
  float x[3][5], y[2][3][3];

  test_fill (x[0], 15, 1);
  for (gsize i = 0; i < 3; i++) {
    lstm_state_run (state, 1, x[0], y[0][0]);
    lstm_state_run_full (other, &(LstmRun){.size = sizeof (LstmRun),
                                    .steps = 1,
                                    .input = x[0],
                                    .output = y[1][0],
                                    .rows = rows,
                                    .n_rows = 3});
    g_assert_cmpmem (y[0], sizeof y[0], y[1], sizeof y[1]);
  }
}

/* Nothing runs if a list is wrong. */
static void
test_refused_lists (void)
{
  static const struct {
    gsize rows[3], n_rows;
    gboolean has_rows;
  } lists[] = {
      {{0, 3}, 2, TRUE},             /* an index of bs */
      {{G_MAXSIZE}, 1, TRUE},        /* */
      {{2, 0, 2}, 3, TRUE},          /* twice */
      {{1, 1}, 2, TRUE},             /* */
      {.n_rows = 1},                 /* no list */
      {{0, 1, 2}, G_MAXSIZE, FALSE}, /* */
  };
  g_autoptr (LstmModel) model = load_network (&networks[0]);
  g_autoptr (LstmState) state = test_state_new (model, 3);
  g_autoptr (GBytes) before = lstm_state_save (state, 0, 0);
  float x[3][5] = {{1}}, y[3][3] = {{GUARD}};

  for (gsize i = 0; i < G_N_ELEMENTS (lists); i++) {
    g_autoptr (GBytes) after = NULL;

    g_test_expect_message (G_LOG_DOMAIN, G_LOG_LEVEL_CRITICAL,
        lists[i].has_rows ? "*lstm_state_are_distinct*" : "*run->rows != NULL*");
    lstm_state_run_full (state, &(LstmRun){.size = sizeof (LstmRun),
                                    .steps = 1,
                                    .input = x[0],
                                    .output = y[0],
                                    .rows = lists[i].has_rows ? lists[i].rows : NULL,
                                    .n_rows = lists[i].n_rows});
    g_test_assert_expected_messages ();
    after = lstm_state_save (state, 0, 0);
    g_assert_true (g_bytes_equal (before, after));
    g_assert_cmpfloat (y[0][0], ==, GUARD);
  }
}

/* The floats of a stream are h and c of each layer, and the sums of the pooling layer. */
static void
test_layout (void)
{
  static const TestNetwork network = {
      2, {{TEST_LSTM, 3}, {TEST_GRU, 5}, {TEST_POOLING, 0, "sum"}}};
  enum { SIZE = 3 + 3 + 5 + 2 * 6 };
  g_autoptr (LstmModel) model = load_network (&network);
  g_autoptr (LstmState) state = test_state_new (model, 2);
  float x[2][2] = {{1, 2}, {3, 4}}, y[2][5], h[2][3], c[2][3], gru[2][5], values[SIZE];

  g_assert_cmpuint (lstm_state_get_stream_size (state), ==, SIZE);
  lstm_state_run (state, 1, x[0], y[0]);
  lstm_state_get_hidden (state, 0, h[0]);
  lstm_state_get_cell (state, 0, c[0]);
  lstm_state_get_hidden (state, 1, gru[0]);
  for (gsize s = 0; s < 2; s++) {
    lstm_state_get_stream (state, s, values);
    g_assert_cmpmem (values, sizeof h[s], h[s], sizeof h[s]);
    g_assert_cmpmem (values + 3, sizeof c[s], c[s], sizeof c[s]);
    g_assert_cmpmem (values + 6, sizeof gru[s], gru[s], sizeof gru[s]);
    g_assert_cmpmem (values + 11, sizeof y[s], y[s], sizeof y[s]);
    g_assert_cmpfloat (values[16], ==, 1); /* the number of steps */
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  test_add_folders ("lstm", "streams", test_folder);
  test_add_folders ("variants", "streams", test_folder);
  for (gsize i = 0; test_isas[i]; i++) {
    g_autofree char *path = g_strdup_printf ("/streams/many/%s", test_isas[i]);

    g_test_add_data_func (path, test_isas[i], test_many);
  }
  g_test_add_func ("/streams/all-in-order", test_all_in_order);
  g_test_add_func ("/streams/refused-lists", test_refused_lists);
  g_test_add_func ("/streams/layout", test_layout);
  return g_test_run ();
}
