/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * output-mode=window: each output is, to the bit, that of liblstm for this window alone, from the
 * initial state. */
#include "lstm-rig.h"

#define FRAME 33333333 /* ns, of 30/1 */

static void
init_window (Rig *rig, const gchar *folder, guint length, guint hop, const gchar *more)
{
  g_autofree gchar *properties = g_strdup_printf (
      "output-mode=window window-length=%u window-hop=%u %s", length, hop, more);

  rig_init (rig, folder, properties);
}

/* Expects the outputs of all windows in the @n steps from @first on. A window begins at @first. */
static void
expect_windows (Rig *rig, gsize first, gsize n, gsize length, gsize hop)
{
  for (gsize begin = 0; begin + length <= n; begin += hop) {
    rig_expect_reset (rig);
    rig_expect_outputs (rig, first + begin, length, 1);
  }
}

/* --- Windows --- */

static const struct {
  const gchar *folder;
  guint streams, steps, length, hop, n; /* n: total number of steps */
} windows[] = {
    {"seed-1x30", 1, 1, 1, 1, 5},
    {"seed-1x30", 1, 1, 30, 1, 40},
    {"seed-1x30", 5, 1, 7, 3, 40},
    {"seed-1x30", 5, 4, 7, 1, 40},
    {"seed-1x30", 2, 20, 3, 1, 60},
    {"seed-1x30", 2, 20, 3, 2, 60},
    {"seed-1x30", 1, 7, 4, 4, 56},
    {"seed-1x30", 1, 1, 3, 5, 30},
    {"seed-1x30", 3, 4, 3, 11, 60},
    {"seed-1x30", 1, 60, 61, 1, 60},
    {"head", 2, 1, 10, 1, 30},
    {"head", 2, 6, 10, 4, 60},
    {"three-layers", 17, 5, 6, 2, 30},
    {"three-layers", 1, 30, 30, 30, 60},
    {"numbers", 1, 12, 5, 1, 60},
    {"variants/keras-masking", 3, 1, 4, 1, 9},
    {"variants/keras-masking", 3, 3, 4, 2, 9},
    {"variants/keras-masking-zero", 2, 9, 3, 1, 9},
    {"variants/torch-projection", 1, 1, 3, 2, 5},
    {"variants/torch-pooling-mean", 1, 1, 4, 1, 7},
    {"variants/torch-pooling-max", 1, 7, 3, 2, 7},
    {"variants/torch-pooling-sum", 1, 1, 2, 3, 7},
};

/* Appends the output for a buffer whose first step is @first: a vector for each window that the
 * buffer completes, or a gap. @known: whether the framerate is known */
static void
append_expected_log (GString *log, guint i, gboolean known, gsize first)
{
  const gsize steps = windows[i].steps;
  gboolean any = FALSE;

  for (gsize t = 0; t < steps; t++) {
    const gsize n_steps = first + t + 1;

    if (n_steps < windows[i].length || (n_steps - windows[i].length) % windows[i].hop)
      continue;
    g_string_append_printf (log, "%sbuffer %" G_GSIZE_FORMAT "+%u", log->len ? ", " : "",
        first * 1000 + (known ? t * GST_SECOND / 30 : t * 1000), known ? FRAME : 1000);
    any = TRUE;
  }
  if (!any)
    g_string_append_printf (log, "%sgap %" G_GSIZE_FORMAT "+%" G_GSIZE_FORMAT,
        log->len ? ", " : "", first * 1000, steps * 1000);
}

static void
check_windows (guint i, gboolean known)
{
  GString *log = g_string_new (NULL);
  Rig rig;

  g_test_message ("%s, %u x %u, %u every %u", windows[i].folder, windows[i].streams,
      windows[i].steps, windows[i].length, windows[i].hop);
  init_window (&rig, windows[i].folder, windows[i].length, windows[i].hop, "");
  rig.n_streams = windows[i].streams;
  rig.n_steps = windows[i].steps;
  rig.duration = windows[i].steps * 1000;
  rig.framerate = known ? "30/1" : "0/1";
  rig_begin_stream (&rig);
  rig_push_steps (&rig, 0, windows[i].n);
  expect_windows (&rig, 0, windows[i].n, windows[i].length, windows[i].hop);
  for (gsize first = 0; first < windows[i].n; first += windows[i].steps)
    append_expected_log (log, i, known, first);
  rig_assert_log (&rig, log->str);
  rig_push_event (&rig, gst_event_new_eos ());
  rig_assert_log (&rig, "eos"); /* unfinished windows are dropped */
  rig_assert_outputs (&rig);
  g_string_free (log, TRUE);
  rig_clear (&rig);
}

static void
test_windows (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (windows); i++)
    for (gint known = FALSE; known <= TRUE; known++)
      check_windows (i, known);
}

/* An output buffer has one step for any T. */
static void
test_caps (void)
{
  Rig rig;

  init_window (&rig, "head", 4, 1, "");
  rig.n_streams = 2;
  rig.n_steps = 6;
  rig_push_stream_start (&rig);
  g_assert_true (rig_push_caps (&rig));
  rig_assert_log (&rig, "stream-start, caps 7:1:2");
  rig_clear (&rig);
}

static void
test_offsets (void)
{
  static const struct {
    guint64 offset, end,
        outputs[3]; /* offsets of the input and of the outputs at steps 2, 4, 6 */
  } cases[] = {
      {100, 107, {102, 104, 106}},
      {100, 106, {GST_BUFFER_OFFSET_NONE, GST_BUFFER_OFFSET_NONE, GST_BUFFER_OFFSET_NONE}},
      {GST_BUFFER_OFFSET_NONE, GST_BUFFER_OFFSET_NONE,
          {GST_BUFFER_OFFSET_NONE, GST_BUFFER_OFFSET_NONE, GST_BUFFER_OFFSET_NONE}},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    GstBuffer *buffer;
    Rig rig;

    init_window (&rig, "seed-1x30", 3, 2, "");
    rig.n_steps = 7;
    rig_begin_stream (&rig);
    buffer = rig_buffer_new (&rig, 0);
    GST_BUFFER_OFFSET (buffer) = cases[i].offset;
    GST_BUFFER_OFFSET_END (buffer) = cases[i].end;
    g_assert_cmpint (gst_harness_push (rig.harness, buffer), ==, GST_FLOW_OK);
    for (guint k = 0; k < 3; k++) {
      g_autoptr (GstBuffer) out = gst_harness_try_pull (rig.harness);

      g_assert_nonnull (out);
      g_assert_cmpuint (GST_BUFFER_OFFSET (out), ==, cases[i].outputs[k]);
      if (cases[i].outputs[k] != GST_BUFFER_OFFSET_NONE)
        g_assert_cmpuint (GST_BUFFER_OFFSET_END (out), ==, cases[i].outputs[k] + 1);
    }
    rig_clear (&rig);
  }
}

/* --- Actions within a window --- */

#define LENGTH 4
#define HALF 6 /* steps before and after an action */

static void
on_gap (Rig *rig)
{
  rig_push_event (rig, gst_event_new_gap (6000, 1000));
}

static void
on_tag (Rig *rig)
{
  rig_push_event (rig, gst_event_new_tag (gst_tag_list_new (GST_TAG_TITLE, "title", NULL)));
}

static void
on_other_steps (Rig *rig)
{
  rig->n_steps = 2;
  g_assert_true (rig_push_caps (rig));
}

static void
on_other_streams (Rig *rig)
{
  rig->n_streams = 5;
  g_assert_true (rig_push_caps (rig));
}

/* Pushes the first buffer of the second half with DISCONT. */
static void
on_discont (Rig *rig)
{
  GstBuffer *buffer = rig_buffer_new (rig, HALF);

  GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DISCONT);
  g_assert_cmpint (gst_harness_push (rig->harness, buffer), ==, GST_FLOW_OK);
}

static const struct {
  const gchar *name, *properties;
  void (*act) (Rig *rig);
  const gchar *log;
  gboolean keeps_windows; /* incomplete windows continue */
} actions[] = {
    {"nothing", "", rig_do_nothing, "", TRUE},
    {"segment", "", rig_push_segment, "segment 0", FALSE},
    {"segment, stateful", "stateful=true", rig_push_segment, "segment 0", TRUE},
    {"equal segment", "", rig_push_first_segment, "segment 0", TRUE},
    {"stream-start", "", rig_push_stream_start, "stream-start", FALSE},
    {"segment-done", "", rig_push_segment_done, "segment-done", FALSE},
    {"flush", "stateful=true", rig_push_flush, "flush-start, flush-stop, segment 0", FALSE},
    {"ready", "stateful=true", rig_restart, "", FALSE},
    {"reset", "stateful=true", rig_emit_reset, "", FALSE},
    {"gap", "", on_gap, "gap 6000+1000", TRUE},
    {"gap, reset-on", "reset-on=gap", on_gap, "gap 6000+1000", FALSE},
    {"tag", "reset-on=gap+discont", on_tag, "tag", TRUE},
    {"other T", "", on_other_steps, "", TRUE},
    {"other bs", "", on_other_streams, "caps 30:1:5", FALSE},
    {"discont", "reset-on=gap", on_discont, "buffer 6000+33333333", TRUE},
    {"discont, reset-on", "reset-on=discont", on_discont, "gap 6000+1000", FALSE},
};

static void
check_action (guint i)
{
  const guint marked = actions[i].act == on_discont;
  Rig rig;

  g_test_message ("%s", actions[i].name);
  init_window (&rig, "seed-1x30", LENGTH, 1, actions[i].properties);
  rig.n_streams = 2;
  rig_begin_stream (&rig);
  rig_push_steps (&rig, 0, HALF);
  if (actions[i].keeps_windows)
    expect_windows (&rig, 0, 2 * HALF, LENGTH, 1);
  else
    expect_windows (&rig, 0, HALF, LENGTH, 1);
  g_string_truncate (rig.log, 0);
  actions[i].act (&rig);
  rig_assert_log (&rig, actions[i].log);
  rig_push_steps (&rig, HALF + marked, HALF - marked);
  if (!actions[i].keeps_windows)
    expect_windows (&rig, HALF, HALF, LENGTH, 1);
  rig_assert_outputs (&rig);
  rig_clear (&rig);
}

static void
test_actions (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (actions); i++)
    check_action (i);
}

/* Windows that end in a gap have the times of its steps and are pushed before the GAP event. */
static const struct {
  const gchar *folder, *properties;
  guint streams, steps;
  guint zeros, hop; /* zeros: steps of the gap */
  const gchar *log;
} gaps[] = {
    {"seed-1x30", "", 1, 1, 1, 1, "buffer 6000+33333333, gap 6000+33333333"},
    {"seed-1x30", "", 2, 2, 3, 1,
        "buffer 6000+33333333, buffer 33339333+33333333, buffer 66672666+33333333, "
        "gap 6000+100000000"},
    {"seed-1x30", "", 2, 6, 3, 2, "buffer 33339333+33333333, gap 6000+100000000"},
    {"seed-1x30", "", 2, 1, 6, 9, "gap 6000+200000000"},
    {"head", "", 2, 3, 2, 1,
        "buffer 6000+33333333, buffer 33339333+33333333, gap 6000+66666667"},
    {"variants/keras-masking", "", 3, 1, 1, 1, "buffer 6000+33333333, gap 6000+33333333"},
    {"seed-1x30", "reset-on=gap", 1, 1, 3, 1, "gap 6000+100000000"},
};

/* liblstm runs zeros in place of the gap. */
static void
check_gap (guint i)
{
  const gsize n = HALF + gaps[i].zeros + (gaps[i].steps == 1 ? 2 : HALF);
  const gboolean resets = *gaps[i].properties != '\0';
  Rig rig;

  g_test_message ("gap %u", i);
  init_window (&rig, gaps[i].folder, LENGTH, gaps[i].hop, "gap-policy=zero-step");
  gst_util_set_object_arg (G_OBJECT (rig.lstm), "reset-on", resets ? "gap" : "");
  rig.n_streams = gaps[i].streams;
  rig.n_steps = gaps[i].steps;
  for (gsize s = 0; s < rig.n_streams; s++)
    memset (rig.x.items + (s * rig.x.length + HALF) * rig.x.size, 0,
        gaps[i].zeros * rig.x.size * sizeof (gfloat));
  rig_begin_stream (&rig);
  rig_push_steps (&rig, 0, HALF);
  g_string_truncate (rig.log, 0);
  rig_push_event (&rig,
      gst_event_new_gap (6000, gst_util_uint64_scale_round (gaps[i].zeros, GST_SECOND, 30)));
  rig_assert_log (&rig, gaps[i].log);
  rig_push_steps (&rig, HALF + gaps[i].zeros, n - HALF - gaps[i].zeros);
  expect_windows (&rig, 0, resets ? HALF : n, LENGTH, gaps[i].hop);
  if (resets)
    expect_windows (&rig, HALF, n - HALF, LENGTH, gaps[i].hop);
  rig_assert_outputs (&rig);
  rig_clear (&rig);
}

static void
test_gaps (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (gaps); i++)
    check_gap (i);
}

/* --- Settings --- */

/* In window mode only the output can be emitted. */
static void
test_emit_refused (void)
{
  static const gchar *const emits[] = {"hidden", "cell", "gates", "output+cell"};

  for (guint i = 0; i < G_N_ELEMENTS (emits); i++) {
    g_auto (GStrv) names = g_strsplit (emits[i], "+", -1);
    g_autofree gchar *found = g_strjoinv (", ", names);
    g_autofree gchar *expected = g_strconcat (
        "property emit: expected only output, because output-mode is window, found ", found,
        NULL);
    Rig rig;

    init_window (&rig, "seed-1x30", 3, 1, "");
    gst_element_set_state (rig.lstm, GST_STATE_READY);
    gst_util_set_object_arg (G_OBJECT (rig.lstm), "emit", emits[i]);
    rig_assert_start_error (&rig, expected);
    rig_clear (&rig);
  }
}

int
main (int argc, char **argv)
{
  static const TestRow tests[] = {
      {"/lstm-window/windows", test_windows},
      {"/lstm-window/caps", test_caps},
      {"/lstm-window/offsets", test_offsets},
      {"/lstm-window/actions", test_actions},
      {"/lstm-window/gaps", test_gaps},
      {"/lstm-window/emit-refused", test_emit_refused},
  };

  return test_main (argc, argv, tests, G_N_ELEMENTS (tests));
}
