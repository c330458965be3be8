/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Streams of several sequences with models that need complete sequences: events within a sequence,
 * and gaps. */
#include "non-causal-rig.h"

#define FRAME 33333333 /* ns, of 30/1 */

static void
on_gap (Rig *rig)
{
  rig_push_event (rig, gst_event_new_gap (3000, 1000));
}

enum { PUSHED, DROPPED, CONTINUED };

/* Actions in the middle of a sequence, and the fate of the first half */
static const struct {
  const gchar *name, *properties;
  void (*act) (Rig *rig);
  gint first_half;
} actions[] = {
    {"segment", "", rig_push_segment, PUSHED},
    {"segment, stateful", "stateful=true", rig_push_segment, PUSHED},
    {"stream-start", "", rig_push_stream_start, PUSHED},
    {"segment-done", "", rig_push_segment_done, PUSHED},
    {"eos", "", rig_push_eos_and_stream_start, PUSHED},
    {"flush", "", rig_push_flush, DROPPED},
    {"flush, stateful", "stateful=true", rig_push_flush, DROPPED},
    {"reset", "", rig_emit_reset, DROPPED},
    {"ready", "", rig_restart, DROPPED},
    {"gap, reset-on", "reset-on=gap", on_gap, DROPPED},
    {"equal segment", "", rig_push_first_segment, CONTINUED},
    {"gap", "", on_gap, CONTINUED},
};

static void
check_action (const gchar *folder, guint i)
{
  const gint first_half = actions[i].first_half;
  Rig rig;

  g_test_message ("%s: %s", folder, actions[i].name);
  rig_init_non_causal (&rig, folder, actions[i].properties);
  rig.n_streams = 2;
  rig_begin_stream (&rig);
  rig_push_steps (&rig, 0, 3);
  if (first_half == PUSHED)
    rig_expect_sequence (&rig, 0, 3);
  actions[i].act (&rig);
  actions[i].act (&rig); /* again, without steps in between */
  rig_assert_outputs (&rig);
  rig_push_steps (&rig, 3, 3);
  rig_push_eos (&rig);
  rig_expect_sequence (&rig, first_half == CONTINUED ? 0 : 3, first_half == CONTINUED ? 6 : 3);
  rig_assert_outputs (&rig);
  rig_clear (&rig);
}

static void
test_actions (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (actions); i++) {
    check_action ("torch-bidirectional-stacked", i);
    check_action ("keras-backwards-last", i);
  }
}

/* Sequences of different lengths follow each other. */
static void
test_sequences (void)
{
  static const gsize lengths[] = {2, 9, 1, 5, 9};
  Rig rig;

  rig_init_non_causal (&rig, "torch-bidirectional-stacked", "");
  rig.n_streams = 2;
  rig_begin_stream (&rig);
  for (guint i = 0; i < G_N_ELEMENTS (lengths); i++) {
    rig_push_steps (&rig, 0, lengths[i]);
    rig_expect_sequence (&rig, 0, lengths[i]);
    rig_push_segment (&rig);
  }
  rig_assert_outputs (&rig);
  rig_clear (&rig);
}

static void
test_nothing (void)
{
  static const gchar *const modes[] = {"", "output-mode=final", "output-mode=window"};

  for (guint i = 0; i < G_N_ELEMENTS (modes); i++) {
    Rig rig;

    rig_init_non_causal (&rig, "torch-bidirectional-stacked", modes[i]);
    rig_begin_stream (&rig);
    rig_push_eos (&rig);
    rig_assert_log (&rig, "eos");
    rig_clear (&rig);
  }
}

/* The sequence includes the steps of a gap. Their outputs are not pushed. */
static void
test_zero_steps (void)
{
  SequenceOutput y;
  Rig rig;

  rig_init_non_causal (&rig, "torch-bidirectional-stacked", "gap-policy=zero-step");
  rig.framerate = "30/1";
  rig.n_streams = 2;
  rig_set_buffer_steps (&rig, 3);
  for (gsize s = 0; s < 2; s++)
    memset (rig.x.items + (s * rig.x.length + 3) * rig.x.size, 0, 2 * rig.x.size * 4);
  rig_begin_stream (&rig);
  rig_push_steps (&rig, 0, 3);
  rig_push_event (&rig, gst_event_new_gap (3000, 2 * FRAME));
  rig_push_steps (&rig, 5, 3);
  rig_push_eos (&rig);
  rig_assert_log (&rig, "gap 0+3000, gap 3000+66666666, gap 5000+3000, buffer 0+3000, "
                        "buffer 5000+3000, eos");
  y = rig_run_sequence (&rig, 0, 8);
  rig_expect_output_steps (&rig, &y, 0, 3);
  rig_expect_output_steps (&rig, &y, 5, 3);
  rig_assert_outputs (&rig);
  g_free (y.items);
  rig_clear (&rig);
}

/* The final output may be that of a step of zeros. */
static void
test_zero_step_last (void)
{
  SequenceOutput y;
  Rig rig;

  rig_init_non_causal (
      &rig, "torch-bidirectional-stacked", "gap-policy=zero-step output-mode=final");
  memset (rig.x.items + 4 * rig.x.size, 0, rig.x.size * sizeof (gfloat));
  rig_begin_stream (&rig);
  rig_push_steps (&rig, 0, 4);
  g_string_truncate (rig.log, 0);
  rig_push_event (&rig, gst_event_new_gap (4000, 777));
  rig_push_eos (&rig);
  rig_assert_log (&rig, "gap 4000+777, buffer 4000+777, eos");
  y = rig_run_sequence (&rig, 0, 5);
  rig_expect_output_steps (&rig, &y, 4, 1);
  rig_assert_outputs (&rig);
  g_free (y.items);
  rig_clear (&rig);
}

/* h and c of each LSTM layer; the last layer runs backwards. */
static void
test_tensors (void)
{
  static const struct {
    const gchar *layer;
    guint index;
  } layers[] = {{"-1", 3}, {"0", 0}, {"1", 1}, {"2", 2}};

  for (guint i = 0; i < G_N_ELEMENTS (layers); i++) {
    g_autofree gchar *properties = g_strconcat (
        "emit=hidden+cell emit-layer=", layers[i].layer, NULL);
    gfloat h[2 * 9 * 16], c[2 * 9 * 16];
    LstmModel *model;
    gsize n, m;
    Rig rig;

    rig_init_non_causal (&rig, "torch-bidirectional-stacked", properties);
    model = lstm_state_get_model (rig.state);
    g_assert_cmpuint (lstm_model_get_n_lstm_layers (model), ==, 4);
    n = lstm_model_get_hidden_size (model, layers[i].index);
    m = lstm_model_get_cell_size (model, layers[i].index);
    g_assert_cmpuint (MAX (n, m), <=, 16);
    rig.n_streams = 2;
    rig_set_buffer_steps (&rig, 9);
    rig_begin_stream (&rig);
    rig_push_steps (&rig, 0, 9);
    rig_push_eos (&rig);
    rig_expect_reset (&rig);
    lstm_state_run_full (rig.state, &(LstmRun){.size = sizeof (LstmRun),
                                        .steps = 9,
                                        .input = rig.x.items,
                                        .layer = layers[i].index,
                                        .hidden = h,
                                        .cell = c});
    g_array_append_vals (rig.expected_outputs, h, (guint) (2 * 9 * n));
    g_array_append_vals (rig.expected_outputs, c, (guint) (2 * 9 * m));
    rig_assert_outputs (&rig);
    rig_clear (&rig);
  }
}

int
main (int argc, char **argv)
{
  static const TestRow tests[] = {
      {"/lstm-non-causal-stream/actions", test_actions},
      {"/lstm-non-causal-stream/sequences", test_sequences},
      {"/lstm-non-causal-stream/nothing", test_nothing},
      {"/lstm-non-causal-stream/zero-steps", test_zero_steps},
      {"/lstm-non-causal-stream/zero-step-last", test_zero_step_last},
      {"/lstm-non-causal-stream/tensors", test_tensors},
  };

  return test_main (argc, argv, tests, G_N_ELEMENTS (tests));
}
