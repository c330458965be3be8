/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Buffers after which `lstm` continues although it cannot run them: empty buffers, buffers of a
 * wrong size, and NaN. */
#include "lstm-rig.h"
#include <math.h>

static void
assert_no_warning (Rig *rig)
{
  g_assert_null (gst_bus_pop_filtered (rig->bus, GST_MESSAGE_WARNING));
}

/* Pushes a buffer of @bytes zero bytes with the timestamp of step @at. */
static GstFlowReturn
push_bytes (Rig *rig, gsize at, gsize bytes)
{
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, bytes, NULL);

  gst_buffer_memset (buffer, 0, 0, bytes);
  GST_BUFFER_PTS (buffer) = at * 1000;
  GST_BUFFER_DURATION (buffer) = 1000;
  return gst_harness_push (rig->harness, buffer);
}

/* --- Empty buffers --- */

/* An empty buffer has the effect of a GAP event with its timestamp and duration. */
static void
test_empty (void)
{
  static const gchar *const properties[] = {
      "",
      "reset-on=gap",
      "gap-policy=zero-step",
      "output-mode=final gap-policy=zero-step",
      "output-mode=window window-length=3 gap-policy=zero-step",
      "reset-on=discont",
  };

  for (guint i = 0; i < G_N_ELEMENTS (properties); i++) {
    g_autofree gchar *log = NULL;
    g_autoptr (GArray) outputs = NULL;

    g_test_message ("%s", properties[i]);
    for (guint empty = 0; empty < 2; empty++) {
      Rig rig;

      rig_init (&rig, "seed-1x30", properties[i]);
      rig.framerate = "1000000/1";
      rig_begin_stream (&rig);
      rig_push_steps (&rig, 0, 4);
      if (empty)
        g_assert_cmpint (push_bytes (&rig, 4, 0), ==, GST_FLOW_OK);
      else
        rig_push_event (&rig, gst_event_new_gap (4000, 1000));
      rig_push_steps (&rig, 5, 4);
      rig_push_eos (&rig);
      g_assert_cmpuint (rig_get_stat (&rig, "gaps"), ==, 1);
      g_assert_cmpuint (rig_get_stat (&rig, "errors"), ==, 0);
      if (empty) {
        assert_same_bits (rig.outputs, outputs);
        g_assert_cmpstr (rig.log->str, ==, log);
      } else {
        outputs = g_array_copy (rig.outputs);
        log = g_strdup (rig.log->str);
      }
      rig_clear (&rig);
    }
  }
}

/* --- Buffers of a wrong size --- */

/* Streams of buffers */
static const struct {
  gint max_errors;
  const gchar *buffers; /* g: a good buffer, b: a buffer of 5 bytes */
  gboolean fails;       /* the last buffer is an error */
  guint64 errors;       /* statistic */
} bad_cases[] = {
    {0, "ggb", TRUE, 0},
    {1, "gbgbg", FALSE, 2},
    {1, "gbb", TRUE, 1},
    {2, "gbbgb", FALSE, 3},
    {2, "gbbgbb", TRUE, 3},
    {-1, "bbbbbbbbg", FALSE, 8},
};

static void
test_max_errors (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (bad_cases); i++) {
    g_autofree gchar *properties = g_strdup_printf ("max-errors=%d", bad_cases[i].max_errors);
    const gchar *buffers = bad_cases[i].buffers;
    const gsize n = strlen (buffers);
    Rig rig;

    g_test_message ("%s: %s", properties, buffers);
    rig_init (&rig, "seed-1x30", properties);
    rig_begin_stream (&rig);
    for (gsize k = 0; k < n; k++) {
      const gboolean fails = bad_cases[i].fails && k == n - 1;

      if (buffers[k] == 'g') {
        rig_push_and_expect (&rig, k, 1);
        continue;
      }
      g_assert_cmpint (push_bytes (&rig, k, 5), ==, fails ? GST_FLOW_ERROR : GST_FLOW_OK);
      if (fails)
        assert_error_posted (rig.bus, "buffer: tensor 0: expected 4 bytes *, found 5");
      else
        assert_warning_posted (rig.bus, "buffer: tensor 0: expected 4 bytes *, found 5");
    }
    assert_no_warning (&rig);
    rig_assert_outputs (&rig);
    g_assert_cmpuint (rig_get_stat (&rig, "errors"), ==, bad_cases[i].errors);
    rig_clear (&rig);
  }
}

/* A dropped buffer is a gap for sinks, and the next buffer is a discontinuity. */
static void
test_discontinuity (void)
{
  for (guint resets = 0; resets < 2; resets++) {
    Rig rig;
    GstBuffer *out;

    rig_init (&rig, "seed-1x30", resets ? "max-errors=1 reset-on=discont" : "max-errors=1");
    rig_begin_stream (&rig);
    rig_push_and_expect (&rig, 0, 2);
    g_assert_cmpint (push_bytes (&rig, 2, 5), ==, GST_FLOW_OK);
    assert_warning_posted (rig.bus, "*");
    if (resets)
      rig_expect_reset (&rig);
    rig_push_and_expect (&rig, 3, 2);
    rig_assert_outputs (&rig);
    rig_assert_log (&rig,
        "buffer 0+1000, buffer 1000+1000, gap 2000+1000, buffer 3000+1000, buffer 4000+1000");
    for (guint k = 0; k < 4; k++) {
      out = gst_harness_pull (rig.harness);
      g_assert_cmpint (GST_BUFFER_FLAG_IS_SET (out, GST_BUFFER_FLAG_DISCONT), ==, k == 2);
      gst_buffer_unref (out);
    }
    g_assert_cmpuint (rig_get_stat (&rig, "resets"), ==, resets);
    rig_clear (&rig);
  }
}

/* In each mode the first output after a dropped buffer has DISCONT. */
static void
test_discontinuity_of_modes (void)
{
  static const struct {
    const gchar *properties, *outputs; /* d: marked DISCONT */
  } cases[] = {
      {"max-errors=1", "--d-"},
      {"max-errors=1 output-mode=window window-length=2", "-d-"},
      {"max-errors=1 output-mode=window window-length=2 window-hop=2", "-d"},
      {"max-errors=1 output-mode=final", "d"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    Rig rig;

    rig_init (&rig, "seed-1x30", cases[i].properties);
    rig_begin_stream (&rig);
    rig_push_steps (&rig, 0, 2);
    g_assert_cmpint (push_bytes (&rig, 2, 5), ==, GST_FLOW_OK);
    assert_warning_posted (rig.bus, "*");
    rig_push_steps (&rig, 3, 2);
    rig_push_eos (&rig);
    for (const gchar *c = cases[i].outputs; *c; c++) {
      GstBuffer *out = gst_harness_pull (rig.harness);

      g_assert_cmpint (GST_BUFFER_FLAG_IS_SET (out, GST_BUFFER_FLAG_DISCONT), ==, *c == 'd');
      gst_buffer_unref (out);
    }
    rig_clear (&rig);
  }
}

/* --- NaN and infinities --- */

/* A stream with a NaN in step 5 */
static const struct {
  const gchar *properties;
  guint steps; /* of a buffer */
  gboolean resets;
} nan_cases[] = {
    {"", 1, FALSE},
    {"", 4, FALSE},
    {"reset-on=discont+gap", 4, FALSE},
    {"reset-on=nan", 1, TRUE},
    {"reset-on=nan", 4, TRUE},
    {"reset-on=nan stateful=true", 2, TRUE},
};

/* Runs liblstm over @n single steps, resets the first stream after step @bad, and appends the
 * outputs in the order of buffers: (streams, T, n) each. */
static void
expect_buffers (Rig *rig, gsize n, gsize bad)
{
  const gsize size = lstm_model_get_output_size (lstm_state_get_model (rig->state));
  const gsize first = rig->expected_outputs->len, bytes = size * sizeof (gfloat);

  g_array_set_size (rig->expected_outputs, (guint) (first + n * rig->n_streams * size));
  for (gsize t = 0; t < n; t++) {
    g_autofree gfloat *x = step_array_copy (&rig->x, rig->n_streams, t, 1);
    g_autofree gfloat *y = g_new (gfloat, rig->n_streams * size);
    gfloat *buffer = &g_array_index (rig->expected_outputs, gfloat,
        first + t / rig->n_steps * rig->n_steps * rig->n_streams * size);

    lstm_state_run (rig->state, 1, x, y);
    for (gsize s = 0; s < rig->n_streams; s++)
      memcpy (buffer + (s * rig->n_steps + t % rig->n_steps) * size, y + s * size, bytes);
    if (t == bad)
      lstm_state_reset_stream (rig->state, 0);
  }
}

/* With reset-on=nan the outputs are correct from the step after the NaN on, for buffers of any
 * size, and the other streams do not change. Without reset-on=nan all later outputs are NaN. */
static void
check_nan (guint i, guint streams)
{
  const gsize bad = 5, n = 16;
  Rig rig;

  rig_init (&rig, "seed-1x30", nan_cases[i].properties);
  rig.n_streams = streams;
  rig.n_steps = nan_cases[i].steps;
  rig_expect_reset (&rig); /* the number of streams changes */
  rig_begin_stream (&rig);
  rig.x.items[bad * rig.x.size] = NAN; /* in the first stream */
  rig_push_steps (&rig, 0, n);
  expect_buffers (&rig, n, nan_cases[i].resets ? bad : n);
  rig_assert_outputs (&rig);
  g_assert_cmpuint (rig_get_stat (&rig, "non-finite"), ==,
      nan_cases[i].resets ? 1 : n / rig.n_steps - bad / rig.n_steps);
  g_assert_cmpuint (rig_get_stat (&rig, "resets"), ==, nan_cases[i].resets);
  assert_warning_posted (
      rig.bus, "state: expected finite h and c, found NaN or infinity after *");
  assert_no_warning (&rig);
  rig_clear (&rig);
}

static void
test_nan (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (nan_cases); i++)
    for (guint streams = 1; streams < 4; streams += 2) {
      g_test_message (
          "%s, T %u, %u streams", nan_cases[i].properties, nan_cases[i].steps, streams);
      check_nan (i, streams);
    }
}

/* The outputs of windows with the NaN are NaN, those of later windows are not. */
static void
test_nan_in_window (void)
{
  static const gchar *const properties[] = {
      "output-mode=window window-length=3",
      "output-mode=window window-length=3 reset-on=nan",
  };

  for (guint i = 0; i < G_N_ELEMENTS (properties); i++) {
    Rig rig;

    rig_init (&rig, "seed-1x30", properties[i]);
    rig_begin_stream (&rig);
    rig.x.items[5] = NAN;
    rig_push_steps (&rig, 0, 12);
    for (gsize first = 0; first + 3 <= 12; first++) {
      rig_expect_reset (&rig);
      rig_expect_outputs (&rig, first, 3, 1);
    }
    rig_assert_outputs (&rig);
    g_assert_cmpuint (rig_get_stat (&rig, "non-finite"), ==,
        2); /* not counted after the third step: the window is complete */
    assert_warning_posted (rig.bus, "state: *");
    rig_clear (&rig);
  }
}

int
main (int argc, char **argv)
{
  static const TestRow tests[] = {
      {"/lstm-tolerance/empty", test_empty},
      {"/lstm-tolerance/max-errors", test_max_errors},
      {"/lstm-tolerance/discontinuity", test_discontinuity},
      {"/lstm-tolerance/discontinuity-of-modes", test_discontinuity_of_modes},
      {"/lstm-tolerance/nan", test_nan},
      {"/lstm-tolerance/nan-in-window", test_nan_in_window},
  };

  return test_main (argc, argv, tests, G_N_ELEMENTS (tests));
}
