/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Buffers of many steps are run in slices. Other threads act between two slices, which does not
 * change the outputs. */
#include "lstm-rig.h"

#define LENGTH 300000 /* steps of a buffer, which is run in many slices */

/* Initializes @rig with random input of @steps steps in one buffer. */
static void
init_long (Rig *rig, const gchar *properties, guint streams, gsize steps)
{
  GRand *rand = g_rand_new_with_seed (1);

  rig_init (rig, "seed-1x30", properties);
  g_free (rig->x.items);
  rig->x.items = g_new (gfloat, streams * steps * rig->x.size);
  rig->x.streams = rig->n_streams = streams;
  rig->x.length = rig->n_steps = (guint) steps;
  for (gsize i = 0; i < streams * steps * rig->x.size; i++)
    rig->x.items[i] = (gfloat) g_rand_double_range (rand, -1, 1);
  g_rand_free (rand);
  rig_expect_reset (rig); /* the number of streams changes */
}

/* --- Numbers ---------------------------------------------------------------------------- */

/* Appends to @all[stream] the steps of tensor @i of @buffer, (streams, steps, size). */
static void
append_tensor (GstBuffer *buffer, guint i, guint streams, GArray **all)
{
  GstMemory *memory = gst_buffer_peek_memory (buffer, i);
  GstMapInfo map;
  gsize n;

  g_assert_true (gst_memory_map (memory, &map, GST_MAP_READ));
  n = map.size / sizeof (gfloat) / streams;
  for (guint s = 0; s < streams; s++)
    g_array_append_vals (all[s], (const gfloat *) map.data + s * n, (guint) n);
  gst_memory_unmap (memory, &map);
}

/* Returns: (transfer full): the outputs for @steps steps in buffers of @t steps, ordered by tensor,
 * stream and step */
static GArray *
run_buffers (const gchar *properties, guint streams, gsize steps, guint t)
{
  GArray *all[4][3], *joined = g_array_new (FALSE, FALSE, sizeof (gfloat));
  GstBuffer *buffer;
  Rig rig;

  for (guint i = 0; i < 12; i++)
    all[i / 3][i % 3] = g_array_new (FALSE, FALSE, sizeof (gfloat));
  init_long (&rig, properties, streams, steps);
  rig.n_steps = t;
  rig_begin_stream (&rig);
  rig_push_steps (&rig, 0, steps);
  rig_push_segment (&rig);
  while ((buffer = gst_harness_try_pull (rig.harness))) {
    for (guint i = 0; i < gst_buffer_n_memory (buffer); i++)
      append_tensor (buffer, i, streams, all[i]);
    gst_buffer_unref (buffer);
  }
  for (guint i = 0; i < 12; i++) {
    g_array_append_vals (joined, all[i / 3][i % 3]->data, all[i / 3][i % 3]->len);
    g_array_unref (all[i / 3][i % 3]);
  }
  rig_clear (&rig);
  return joined;
}

/* The outputs of one long buffer are those of buffers of single steps, which are not sliced. */
static void
test_bits (void)
{
  static const gchar *const modes[] = {
      "",
      "reset-on=nan",
      "emit=output+hidden+cell+gates",
      "output-mode=final emit=output+hidden+cell+gates",
      "output-mode=window window-length=4",
      "output-mode=window window-length=7 window-hop=3",
  };

  for (guint i = 0; i < G_N_ELEMENTS (modes); i++)
    for (guint streams = 1; streams <= 3; streams += 2) {
      g_autoptr (GArray) at_once = run_buffers (modes[i], streams, 500, 500);
      g_autoptr (GArray) by_step = run_buffers (modes[i], streams, 500, 1);

      g_test_message ("%s, %u streams", modes[i], streams);
      g_assert_cmpuint (at_once->len, >, 0);
      assert_same_bits (at_once, by_step);
    }
}

/* --- During a buffer -------------------------------------------------------------------- */

static gpointer
push_long (gpointer data)
{
  Rig *rig = data;

  return GINT_TO_POINTER (gst_harness_push (rig->harness, rig_buffer_new (rig, 0)));
}

/* Starts to push a buffer in another thread and returns while the element runs its steps. */
static GThread *
start_long (Rig *rig, const gchar *properties)
{
  GThread *thread;
  guint64 steps;

  init_long (rig, properties, 1, LENGTH);
  rig_begin_stream (rig);
  thread = g_thread_new ("push", push_long, rig);
  while ((steps = rig_get_steps (rig)) == 0)
    g_thread_yield ();
  g_assert_cmpuint (steps, <, LENGTH);
  return thread;
}

static GstFlowReturn
join_long (GThread *thread)
{
  return GPOINTER_TO_INT (g_thread_join (thread));
}

static void
start_flush (Rig *rig)
{
  rig_push_event (rig, gst_event_new_flush_start ());
}

static void
set_ready (Rig *rig)
{
  gst_element_set_state (rig->lstm, GST_STATE_READY);
}

/* A flush and a state change do not wait for the end of the buffer. */
static void
test_interruption (void)
{
  static void (*const ways[]) (Rig * rig) = {start_flush, set_ready};
  static const gchar *const modes[] = {
      "", "output-mode=final", "output-mode=window window-length=4"};

  for (guint i = 0; i < G_N_ELEMENTS (ways) * G_N_ELEMENTS (modes); i++) {
    GThread *thread;
    Rig rig;

    thread = start_long (&rig, modes[i / G_N_ELEMENTS (ways)]);
    ways[i % G_N_ELEMENTS (ways)](&rig);
    g_assert_cmpint (join_long (thread), ==, GST_FLOW_FLUSHING);
    g_assert_cmpuint (rig_get_steps (&rig), <, LENGTH);
    g_assert_cmpuint (rig.outputs->len, ==, 0);
    rig_clear (&rig);
  }
}

/* Asserts that the outputs from step @at on are those of @state. */
static void
assert_follows (Rig *rig, LstmState *state, gsize at)
{
  const gsize n = rig->outputs->len / LENGTH;
  g_autoptr (GArray) found = g_array_new (FALSE, FALSE, sizeof (gfloat));

  g_array_append_vals (
      found, &g_array_index (rig->outputs, gfloat, at * n), (guint) ((LENGTH - at) * n));
  lstm_state_unref (rig->state);
  rig->state = lstm_state_ref (state);
  g_array_set_size (rig->expected_outputs, 0);
  rig_expect_outputs (rig, at, LENGTH - at, LENGTH - at);
  assert_same_bits (found, rig->expected_outputs);
}

/* get-state during a buffer returns the state between two of its steps. */
static void
test_get_state (void)
{
  g_autoptr (LstmState) state = NULL;
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GError) error = NULL;
  guint64 steps;
  Rig rig;
  GThread *thread = start_long (&rig, "");

  g_signal_emit_by_name (rig.lstm, "get-state", &bytes);
  g_assert_cmpint (join_long (thread), ==, GST_FLOW_OK);
  state = lstm_state_load (
      lstm_state_get_model (rig.state), bytes, "get-state", NULL, &steps, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (steps, >, 0);
  g_assert_cmpuint (steps, <, LENGTH);
  assert_follows (&rig, state, steps);
  rig_clear (&rig);
}

/* A reset during a buffer is between two of its steps. */
static void
test_reset (void)
{
  g_autoptr (LstmState) zero = NULL;
  g_autoptr (GBytes) bytes = NULL;
  guint64 steps, all = LENGTH;
  Rig rig;
  GThread *thread = start_long (&rig, "");

  rig_emit_reset (&rig);
  g_assert_cmpuint (rig_get_steps (&rig), <, LENGTH);
  g_assert_cmpint (join_long (thread), ==, GST_FLOW_OK);
  g_signal_emit_by_name (rig.lstm, "get-state", &bytes);
  g_clear_pointer (&zero, lstm_state_unref);
  zero = lstm_state_load (
      lstm_state_get_model (rig.state), bytes, "get-state", NULL, &steps, NULL);
  g_assert_cmpuint (steps, <, all); /* since the reset */
  lstm_state_reset (zero);
  assert_follows (&rig, zero, all - steps);
  rig_clear (&rig);
}

int
main (int argc, char **argv)
{
  static const TestRow tests[] = {
      {"/lstm-slices/bits", test_bits},
      {"/lstm-slices/interruption", test_interruption},
      {"/lstm-slices/get-state", test_get_state},
      {"/lstm-slices/reset", test_reset},
  };

  return test_main (argc, argv, tests, G_N_ELEMENTS (tests));
}
