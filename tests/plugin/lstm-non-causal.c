/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Models that need complete sequences. At the end of a sequence the outputs are, to the bit, those
 * of liblstm for all its steps at once. */
#include "non-causal-rig.h"

/* --- Models --- */

static const struct {
  const gchar *folder;
  guint streams, steps[3]; /* steps of a buffer; 0 ends them */
  gsize fixed_steps;       /* fixed number of output steps; 0: as many as input steps */
} models[] = {
    {"keras-bidirectional-concat", 2, {1, 7}, 0},
    {"keras-bidirectional-concat", 1, {1, 7}, 0},
    {"keras-backwards", 2, {1, 7}, 0},
    {"keras-backwards-last", 2, {1, 7}, 1},
    {"keras-backwards-last", 1, {1, 7}, 1},
    {"keras-bidirectional-mul-last", 2, {1, 7}, 1},
    {"torch-bidirectional-stacked", 2, {1, 3, 9}, 0},
    {"torch-bidirectional-projection", 3, {1, 5}, 0},
    {"keras-masking-bidirectional", 3, {1, 3, 9}, 0},
    {"keras-autoencoder", 2, {1, 2, 6}, 6},
    {"keras-autoencoder-longer", 3, {1, 3, 9}, 11},
};

/* Returns: (transfer full): the expected log: a gap for each input buffer, then the output buffers.
 * Steps are at 0, 1, 2 … us. */
static gchar *
build_expected_log (const Rig *rig, gsize first, gsize fixed_steps)
{
  GString *log = g_string_new (NULL);
  const gsize end = rig->x.length, steps = rig->n_steps;

  for (gsize t = first; t < end; t += steps)
    g_string_append_printf (log, "gap %zu+%zu, ", t * 1000, steps * 1000);
  if (fixed_steps == 1)
    g_string_append_printf (log, "buffer %zu+1000, ", (end - 1) * 1000);
  else if (fixed_steps)
    g_string_append_printf (log, "buffer %zu+%zu, ", first * 1000, (end - first) * 1000);
  for (gsize t = first; !fixed_steps && t < end; t += steps)
    g_string_append_printf (log, "buffer %zu+%zu, ", t * 1000, steps * 1000);
  g_string_append (log, "eos");
  return g_string_free (log, FALSE);
}

static void
check_model (guint i, guint steps)
{
  g_autofree gchar *log = NULL;
  Rig rig;

  g_test_message ("%s, %u x %u", models[i].folder, models[i].streams, steps);
  rig_init_non_causal (&rig, models[i].folder, "");
  rig.n_streams = models[i].streams;
  rig_set_buffer_steps (&rig, steps);
  log = build_expected_log (&rig, 0, models[i].fixed_steps);
  rig_begin_stream (&rig);
  rig_push_steps (&rig, 0, rig.x.length);
  rig_expect_sequence (&rig, 0, rig.x.length);
  g_assert_cmpuint (rig.outputs->len, ==, 0);
  rig_push_eos (&rig);
  rig_assert_log (&rig, log);
  rig_assert_outputs (&rig);
  rig_clear (&rig);
}

static void
test_models (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (models); i++)
    for (guint k = 0; k < G_N_ELEMENTS (models[i].steps) && models[i].steps[k]; k++)
      check_model (i, models[i].steps[k]);
}

/* --- Modes --- */

static void
test_final (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (models); i++) {
    const guint steps = models[i].steps[1];
    SequenceOutput y;
    Rig rig;

    g_test_message ("%s", models[i].folder);
    rig_init_non_causal (&rig, models[i].folder, "output-mode=final");
    rig.n_streams = models[i].streams;
    rig_set_buffer_steps (&rig, steps);
    rig_begin_stream (&rig);
    rig_push_steps (&rig, 0, rig.x.length);
    y = rig_run_sequence (&rig, 0, rig.x.length);
    rig_expect_output_steps (&rig, &y, y.steps - 1, 1);
    g_free (y.items);
    g_string_truncate (rig.log, 0);
    rig_push_eos (&rig);
    {
      g_autofree gchar *log = g_strdup_printf (
          "buffer %zu+1000, eos", (rig.x.length - 1) * 1000);

      rig_assert_log (&rig, log);
    }
    rig_assert_outputs (&rig);
    rig_clear (&rig);
  }
}

static const struct {
  const gchar *folder;
  guint streams, steps, length, hop;
  const gchar *log;
} windows[] = {
    {"keras-bidirectional-concat", 2, 1, 3, 2,
        "gap 0+1000, gap 1000+1000, buffer 0+3000, gap 3000+1000, buffer 2000+3000, "
        "gap 5000+1000, buffer 4000+3000"},
    {"keras-bidirectional-concat", 2, 7, 3, 2,
        "buffer 0+3000, buffer 2000+3000, buffer 4000+3000"},
    {"keras-backwards-last", 2, 7, 3, 1,
        "buffer 2000+1000, buffer 3000+1000, buffer 4000+1000, buffer 5000+1000, "
        "buffer 6000+1000"},
    {"keras-backwards-last", 1, 1, 2, 4,
        "gap 0+1000, buffer 1000+1000, gap 2000+1000, gap 3000+1000, gap 4000+1000, "
        "buffer 5000+1000, gap 6000+1000"},
    {"keras-autoencoder", 2, 3, 4, 1,
        "gap 0+3000, buffer 0+4000, buffer 1000+4000, buffer 2000+4000"},
    {"torch-bidirectional-stacked", 2, 3, 2, 5,
        "buffer 0+2000, gap 3000+3000, buffer 5000+2000"},
    {"torch-bidirectional-stacked", 1, 3, 1, 4,
        "buffer 0+1000, buffer 4000+1000, buffer 8000+1000"},
    {"keras-masking-bidirectional", 3, 9, 4, 4, "buffer 0+4000, buffer 4000+4000"},
};

static void
check_windows (guint i)
{
  g_autofree gchar *properties = g_strdup_printf (
      "output-mode=window window-length=%u window-hop=%u max-steps=%u", windows[i].length,
      windows[i].hop, windows[i].length);
  Rig rig;

  g_test_message ("%s, %u every %u", windows[i].folder, windows[i].length, windows[i].hop);
  rig_init_non_causal (&rig, windows[i].folder, properties);
  rig.n_streams = windows[i].streams;
  rig_set_buffer_steps (&rig, windows[i].steps);
  rig_begin_stream (&rig);
  rig_push_steps (&rig, 0, rig.x.length);
  for (gsize t = 0; t + windows[i].length <= rig.x.length; t += windows[i].hop) {
    SequenceOutput y = rig_run_sequence (&rig, t, windows[i].length);

    rig_expect_output_steps (&rig, &y, 0, y.steps);
    g_free (y.items);
  }
  rig_assert_log (&rig, windows[i].log);
  rig_push_eos (&rig);
  rig_assert_log (&rig, "eos");
  rig_assert_outputs (&rig);
  rig_clear (&rig);
}

static void
test_windows (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (windows); i++)
    check_windows (i);
}

/* --- Caps --- */

static void
test_caps (void)
{
  static const struct {
    const gchar *folder, *properties, *log;
  } cases[] = {
      {"torch-bidirectional-stacked", "", "stream-start, caps 10:3:2"},
      {"torch-bidirectional-stacked", "output-mode=final", "stream-start, caps 10:1:2"},
      {"torch-bidirectional-stacked", "output-mode=window window-length=4",
          "stream-start, caps 10:4:2"},
      {"keras-backwards-last", "", "stream-start, caps 17:1:2"},
      {"keras-autoencoder-longer", "", "stream-start, caps 3:11:2"},
      {"keras-autoencoder-longer", "output-mode=final", "stream-start, caps 3:1:2"},
      {"keras-autoencoder-longer", "output-mode=window window-length=4",
          "stream-start, caps 3:11:2"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    Rig rig;

    rig_init_non_causal (&rig, cases[i].folder, cases[i].properties);
    rig.n_streams = 2;
    rig_set_buffer_steps (&rig, 3);
    rig_push_stream_start (&rig);
    g_assert_true (rig_push_caps (&rig));
    rig_assert_log (&rig, cases[i].log);
    rig_clear (&rig);
  }
}

/* Another bs ends a sequence. Another T does not: the outputs of each part are pushed with the caps
 * of this part. */
static void
test_caps_change (void)
{
  static const struct {
    const gchar *folder;
    guint streams, steps; /* of the second part */
    gboolean ends;
    const gchar *log, *end; /* output after the caps, and at the end */
  } cases[] = {
      {"torch-bidirectional-stacked", 2, 3, FALSE, "caps 10:3:2",
          "caps 10:1:2, buffer 0+1000, buffer 1000+1000, buffer 2000+1000, caps 10:3:2, "
          "buffer 3000+3000, buffer 6000+3000, eos"},
      {"torch-bidirectional-stacked", 1, 1, TRUE,
          "buffer 0+1000, buffer 1000+1000, buffer 2000+1000, caps 10:1"},
      {"torch-bidirectional-stacked", 2, 1, FALSE, ""},
      {"keras-backwards-last", 1, 1, TRUE, "buffer 2000+1000, caps 17:1"},
      {"keras-backwards-last", 2, 2, FALSE, ""}, /* one vector for any T */
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    const gsize n = 3 + 2 * cases[i].steps;
    Rig rig;

    g_test_message ("case %u", i);
    rig_init_non_causal (&rig, cases[i].folder, "");
    rig.n_streams = 2;
    rig_set_buffer_steps (&rig, 1);
    rig_begin_stream (&rig);
    rig_push_steps (&rig, 0, 3);
    if (cases[i].ends)
      rig_expect_sequence (&rig, 0, 3);
    g_string_truncate (rig.log, 0);
    rig.n_streams = cases[i].streams;
    rig_set_buffer_steps (&rig, cases[i].steps);
    g_assert_true (rig_push_caps (&rig));
    rig_assert_log (&rig, cases[i].log);
    rig_push_steps (&rig, 3, n - 3);
    g_string_truncate (rig.log, 0);
    rig_push_eos (&rig);
    if (cases[i].end)
      rig_assert_log (&rig, cases[i].end);
    if (cases[i].ends)
      rig_expect_sequence (&rig, 3, n - 3);
    else
      rig_expect_buffers (&rig, 0, n, 3);
    rig_assert_outputs (&rig);
    rig_clear (&rig);
  }
}

/* --- Limit of steps --- */

static const struct {
  const gchar *folder, *properties;
  guint steps;
} limits[] = {
    {"torch-bidirectional-stacked", "", 1},
    {"torch-bidirectional-stacked", "", 2},
    {"torch-bidirectional-stacked", "output-mode=final", 1},
    {"torch-bidirectional-stacked", "output-mode=final stateful=true", 1},
    {"torch-bidirectional-stacked", "stateful=true", 2},
    {"keras-backwards-last", "", 1},
};

/* A sequence of max-steps steps is run. A longer one is an error and has no output. */
static void
test_max_steps (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (limits); i++) {
    g_autofree gchar *expected = g_strdup_printf (
        "sequence: expected at most 4 steps (property max-steps), because the model needs "
        "complete sequences, found %u or more",
        4 + limits[i].steps);
    GstBuffer *buffer;
    Rig rig;

    g_test_message ("limit %u", i);
    rig_init_non_causal (&rig, limits[i].folder, limits[i].properties);
    gst_element_set_state (rig.lstm, GST_STATE_READY);
    g_object_set (rig.lstm, "max-steps", 4, NULL);
    gst_element_set_state (rig.lstm, GST_STATE_PLAYING);
    rig_set_buffer_steps (&rig, limits[i].steps);
    rig_begin_stream (&rig);
    rig_push_steps (&rig, 0, 4);
    rig_push_segment (&rig);
    g_assert_cmpuint (rig.outputs->len, >, 0);
    g_array_set_size (rig.outputs, 0);
    rig_push_steps (&rig, 0, 4);
    buffer = rig_buffer_new (&rig, 4);
    g_assert_cmpint (gst_harness_push (rig.harness, buffer), ==, GST_FLOW_ERROR);
    assert_error_posted (rig.bus, expected);
    g_assert_cmpint (
        gst_harness_push (rig.harness, rig_buffer_new (&rig, 0)), ==, GST_FLOW_ERROR);
    g_string_truncate (rig.log, 0);
    rig_push_eos (&rig);
    rig_assert_log (&rig, "eos");
    rig_push_stream_start (&rig);
    rig_push_segment (&rig);
    rig_push_steps (&rig, 0, 4);
    g_assert_cmpuint (rig.outputs->len, ==, 0);
    rig_push_segment (&rig);
    g_assert_cmpuint (rig.outputs->len, >, 0);
    rig_clear (&rig);
  }
}

/* Steps of zeros for a gap may exceed max-steps. */
static void
test_max_steps_gap (void)
{
  Rig rig;

  rig_init_non_causal (&rig, "torch-bidirectional-stacked", "max-steps=4 gap-policy=zero-step");
  rig.framerate = "30/1";
  rig_begin_stream (&rig);
  rig_push_steps (&rig, 0, 2);
  g_string_truncate (rig.log, 0);
  rig_push_event (&rig, gst_event_new_gap (0, 3600 * GST_SECOND));
  rig_assert_log (&rig, "gap 0+3600000000000");
  assert_error_posted (rig.bus, "sequence: expected at most 4 steps*");
  g_assert_cmpint (
      gst_harness_push (rig.harness, rig_buffer_new (&rig, 2)), ==, GST_FLOW_ERROR);
  rig_push_eos (&rig);
  rig_assert_log (&rig, "eos");
  rig_clear (&rig);
}

static void
test_window_longer_than_max_steps (void)
{
  Rig rig;

  rig_init_non_causal (&rig, "torch-bidirectional-stacked", "output-mode=window max-steps=30");
  gst_element_set_state (rig.lstm, GST_STATE_READY);
  g_object_set (rig.lstm, "max-steps", 29, NULL);
  rig_assert_start_error (&rig,
      "property window-length: expected at most 29 (property max-steps), because the model "
      "needs complete windows, found 30");
  rig_clear (&rig);
}

/* With a fixed number of output steps, h and c cannot be emitted. */
static void
test_emit (void)
{
  Rig rig;

  rig_init_non_causal (&rig, "keras-backwards-last", "");
  gst_element_set_state (rig.lstm, GST_STATE_READY);
  gst_util_set_object_arg (G_OBJECT (rig.lstm), "emit", "output+hidden");
  rig_assert_start_error (&rig, "property emit: expected only output, because the model needs*");
  rig_clear (&rig);
}

int
main (int argc, char **argv)
{
  static const TestRow tests[] = {
      {"/lstm-non-causal/models", test_models},
      {"/lstm-non-causal/final", test_final},
      {"/lstm-non-causal/windows", test_windows},
      {"/lstm-non-causal/caps", test_caps},
      {"/lstm-non-causal/caps-change", test_caps_change},
      {"/lstm-non-causal/max-steps", test_max_steps},
      {"/lstm-non-causal/max-steps-gap", test_max_steps_gap},
      {"/lstm-non-causal/window-longer-than-max-steps", test_window_longer_than_max_steps},
      {"/lstm-non-causal/emit", test_emit},
  };

  return test_main (argc, argv, tests, G_N_ELEMENTS (tests));
}
