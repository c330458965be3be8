/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Models that need whole sequences: what leaves when one ends is what liblstm gives for all of
 * its steps at once, to the last bit. */
#include "lstm-rig.h"

#define FRAME 33333333 /* ns, of 30/1 */

/* What liblstm gives for the @n steps from @first on. */
typedef struct {
  gsize steps, size;
  gfloat *items; /* (streams, steps, size) */
} Output;

static Output
run_whole (Rig *rig, gsize first, gsize n)
{
  g_autofree gfloat *x = step_array_copy (&rig->x, rig->n_streams, first, n);
  Output y = {0};

  rig_expect_reset (rig);
  y.steps = lstm_state_get_output_steps (rig->state, n);
  y.size = lstm_model_get_output_size (lstm_state_get_model (rig->state));
  y.items = g_new (gfloat, rig->n_streams * y.steps * y.size);
  lstm_state_run (rig->state, n, x, y.items);
  return y;
}

/* @n rows from @first on are to come in one buffer. */
static void
expect_rows (Rig *rig, const Output *y, gsize first, gsize n)
{
  for (gsize s = 0; s < rig->n_streams; s++)
    g_array_append_vals (rig->expected_outputs, y->items + (s * y->steps + first) * y->size,
        (guint) (n * y->size));
}

/* The sequence of @n steps from @first on, in buffers as it came, the first @single ones step by
 * step, or as the model gives it. */
static void
expect_pieces (Rig *rig, gsize first, gsize n, gsize single)
{
  Output y = run_whole (rig, first, n);
  const gboolean given = lstm_state_get_output_steps (rig->state, 1)
                         == lstm_state_get_output_steps (rig->state, 2);
  gsize piece;

  for (gsize t = 0; t < y.steps; t += piece) {
    piece = given ? y.steps : t < single ? 1 : rig->n_steps;
    expect_rows (rig, &y, t, piece);
  }
  g_free (y.items);
}

static void
expect_sequence (Rig *rig, gsize first, gsize n)
{
  expect_pieces (rig, first, n, 0);
}

static void
init_whole (Rig *rig, const gchar *folder, const gchar *properties)
{
  g_autofree gchar *path = g_strconcat ("variants/", folder, NULL);

  rig_init (rig, path, properties);
  g_assert_false (lstm_model_is_causal (lstm_state_get_model (rig->state)));
  rig->framerate = "0/1";
}

static void
set_steps (Rig *rig, guint steps)
{
  rig->n_steps = steps;
  rig->duration = steps * 1000;
}

/* --- Models --- */

static const struct {
  const gchar *folder;
  guint streams, steps[3]; /* T, as long as not 0 */
  gsize given;             /* steps that leave in one buffer; 0: as they came */
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

/* Gaps of all buffers, then all of them, or one; steps are at 0, 1, 2 … us. */
static gchar *
expected_log (const Rig *rig, gsize first, gsize given)
{
  GString *log = g_string_new (NULL);
  const gsize end = rig->x.length, steps = rig->n_steps;

  for (gsize t = first; t < end; t += steps)
    g_string_append_printf (log, "gap %zu+%zu, ", t * 1000, steps * 1000);
  if (given == 1)
    g_string_append_printf (log, "buffer %zu+1000, ", (end - 1) * 1000);
  else if (given)
    g_string_append_printf (log, "buffer %zu+%zu, ", first * 1000, (end - first) * 1000);
  for (gsize t = first; !given && t < end; t += steps)
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
  init_whole (&rig, models[i].folder, "");
  rig.n_streams = models[i].streams;
  set_steps (&rig, steps);
  log = expected_log (&rig, 0, models[i].given);
  rig_begin_stream (&rig);
  rig_push_steps (&rig, 0, rig.x.length);
  expect_sequence (&rig, 0, rig.x.length);
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
    Output y;
    Rig rig;

    g_test_message ("%s", models[i].folder);
    init_whole (&rig, models[i].folder, "output-mode=final");
    rig.n_streams = models[i].streams;
    set_steps (&rig, steps);
    rig_begin_stream (&rig);
    rig_push_steps (&rig, 0, rig.x.length);
    y = run_whole (&rig, 0, rig.x.length);
    expect_rows (&rig, &y, y.steps - 1, 1);
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
  init_whole (&rig, windows[i].folder, properties);
  rig.n_streams = windows[i].streams;
  set_steps (&rig, windows[i].steps);
  rig_begin_stream (&rig);
  rig_push_steps (&rig, 0, rig.x.length);
  for (gsize t = 0; t + windows[i].length <= rig.x.length; t += windows[i].hop) {
    Output y = run_whole (&rig, t, windows[i].length);

    expect_rows (&rig, &y, 0, y.steps);
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

    init_whole (&rig, cases[i].folder, cases[i].properties);
    rig.n_streams = 2;
    set_steps (&rig, 3);
    rig_push_stream_start (&rig);
    g_assert_true (rig_push_caps (&rig));
    rig_assert_log (&rig, cases[i].log);
    rig_clear (&rig);
  }
}

/* Another bs ends a sequence. Another T does not: each part leaves under the caps with which it
 * came. */
static void
test_caps_change (void)
{
  static const struct {
    const gchar *folder;
    guint streams, steps; /* from then on */
    gboolean ends;
    const gchar *log, *end; /* of the caps, and at the end */
  } cases[] = {
      {"torch-bidirectional-stacked", 2, 3, FALSE, "caps 10:3:2",
          "caps 10:1:2, buffer 0+1000, buffer 1000+1000, buffer 2000+1000, caps 10:3:2, "
          "buffer 3000+3000, buffer 6000+3000, eos"},
      {"torch-bidirectional-stacked", 1, 1, TRUE,
          "buffer 0+1000, buffer 1000+1000, buffer 2000+1000, caps 10:1"},
      {"torch-bidirectional-stacked", 2, 1, FALSE, ""},
      {"keras-backwards-last", 1, 1, TRUE, "buffer 2000+1000, caps 17:1"},
      {"keras-backwards-last", 2, 2, FALSE, ""}, /* one vector whatever T is */
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    const gsize n = 3 + 2 * cases[i].steps;
    Rig rig;

    g_test_message ("case %u", i);
    init_whole (&rig, cases[i].folder, "");
    rig.n_streams = 2;
    set_steps (&rig, 1);
    rig_begin_stream (&rig);
    rig_push_steps (&rig, 0, 3);
    if (cases[i].ends)
      expect_sequence (&rig, 0, 3);
    g_string_truncate (rig.log, 0);
    rig.n_streams = cases[i].streams;
    set_steps (&rig, cases[i].steps);
    g_assert_true (rig_push_caps (&rig));
    rig_assert_log (&rig, cases[i].log);
    rig_push_steps (&rig, 3, n - 3);
    g_string_truncate (rig.log, 0);
    rig_push_eos (&rig);
    if (cases[i].end)
      rig_assert_log (&rig, cases[i].end);
    if (cases[i].ends)
      expect_sequence (&rig, 3, n - 3);
    else
      expect_pieces (&rig, 0, n, 3);
    rig_assert_outputs (&rig);
    rig_clear (&rig);
  }
}

/* --- Most steps --- */

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

/* As many as max-steps are run; of a sequence of more nothing leaves. */
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
    init_whole (&rig, limits[i].folder, limits[i].properties);
    gst_element_set_state (rig.lstm, GST_STATE_READY);
    g_object_set (rig.lstm, "max-steps", 4, NULL);
    gst_element_set_state (rig.lstm, GST_STATE_PLAYING);
    set_steps (&rig, limits[i].steps);
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

/* A gap may be longer than any sequence. */
static void
test_max_steps_gap (void)
{
  Rig rig;

  init_whole (&rig, "torch-bidirectional-stacked", "max-steps=4 gap-policy=zero-step");
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

  init_whole (&rig, "torch-bidirectional-stacked", "output-mode=window max-steps=30");
  gst_element_set_state (rig.lstm, GST_STATE_READY);
  g_object_set (rig.lstm, "max-steps", 29, NULL);
  g_assert_cmpint (
      gst_element_set_state (rig.lstm, GST_STATE_PAUSED), ==, GST_STATE_CHANGE_FAILURE);
  assert_error_posted (rig.bus,
      "property window-length: expected at most 29 (property max-steps), because the model "
      "needs complete windows, found 30");
  rig_clear (&rig);
}

/* A fixed number of outputs has no h and c of its own for each. */
static void
test_emit (void)
{
  Rig rig;

  init_whole (&rig, "keras-backwards-last", "");
  gst_element_set_state (rig.lstm, GST_STATE_READY);
  gst_util_set_object_arg (G_OBJECT (rig.lstm), "emit", "output+hidden");
  g_assert_cmpint (
      gst_element_set_state (rig.lstm, GST_STATE_PAUSED), ==, GST_STATE_CHANGE_FAILURE);
  assert_error_posted (rig.bus, "property emit: expected only output, because the model needs*");
  rig_clear (&rig);
}

/* --- Sequences in a stream --- */

static void
on_gap (Rig *rig)
{
  rig_push_event (rig, gst_event_new_gap (3000, 1000));
}

enum { LEAVES, IS_DROPPED, GOES_ON };

/* What becomes of the sequence's first half */
static const struct {
  const gchar *name, *properties;
  void (*happens) (Rig *rig);
  gint first_half;
} happenings[] = {
    {"segment", "", rig_push_segment, LEAVES},
    {"segment, stateful", "stateful=true", rig_push_segment, LEAVES},
    {"stream-start", "", rig_push_stream_start, LEAVES},
    {"segment-done", "", rig_push_segment_done, LEAVES},
    {"eos", "", rig_push_eos_and_stream_start, LEAVES},
    {"flush", "", rig_push_flush, IS_DROPPED},
    {"flush, stateful", "stateful=true", rig_push_flush, IS_DROPPED},
    {"reset", "", rig_emit_reset, IS_DROPPED},
    {"ready", "", rig_restart, IS_DROPPED},
    {"gap, reset-on", "reset-on=gap", on_gap, IS_DROPPED},
    {"equal segment", "", rig_push_first_segment, GOES_ON},
    {"gap", "", on_gap, GOES_ON},
};

static void
check_happening (const gchar *folder, guint i)
{
  const gint first_half = happenings[i].first_half;
  Rig rig;

  g_test_message ("%s: %s", folder, happenings[i].name);
  init_whole (&rig, folder, happenings[i].properties);
  rig.n_streams = 2;
  rig_begin_stream (&rig);
  rig_push_steps (&rig, 0, 3);
  if (first_half == LEAVES)
    expect_sequence (&rig, 0, 3);
  happenings[i].happens (&rig);
  happenings[i].happens (&rig); /* again, with nothing since */
  rig_assert_outputs (&rig);
  rig_push_steps (&rig, 3, 3);
  rig_push_eos (&rig);
  expect_sequence (&rig, first_half == GOES_ON ? 0 : 3, first_half == GOES_ON ? 6 : 3);
  rig_assert_outputs (&rig);
  rig_clear (&rig);
}

static void
test_happenings (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (happenings); i++) {
    check_happening ("torch-bidirectional-stacked", i);
    check_happening ("keras-backwards-last", i);
  }
}

/* Shorter and longer ones in turn, with room made once for the longest. */
static void
test_sequences (void)
{
  static const gsize lengths[] = {2, 9, 1, 5, 9};
  Rig rig;

  init_whole (&rig, "torch-bidirectional-stacked", "");
  rig.n_streams = 2;
  rig_begin_stream (&rig);
  for (guint i = 0; i < G_N_ELEMENTS (lengths); i++) {
    rig_push_steps (&rig, 0, lengths[i]);
    expect_sequence (&rig, 0, lengths[i]);
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

    init_whole (&rig, "torch-bidirectional-stacked", modes[i]);
    rig_begin_stream (&rig);
    rig_push_eos (&rig);
    rig_assert_log (&rig, "eos");
    rig_clear (&rig);
  }
}

/* Steps of a gap are in the sequence, but their outputs do not leave. */
static void
test_zero_steps (void)
{
  Output y;
  Rig rig;

  init_whole (&rig, "torch-bidirectional-stacked", "gap-policy=zero-step");
  rig.framerate = "30/1";
  rig.n_streams = 2;
  set_steps (&rig, 3);
  for (gsize s = 0; s < 2; s++)
    memset (rig.x.items + (s * rig.x.length + 3) * rig.x.size, 0, 2 * rig.x.size * 4);
  rig_begin_stream (&rig);
  rig_push_steps (&rig, 0, 3);
  rig_push_event (&rig, gst_event_new_gap (3000, 2 * FRAME));
  rig_push_steps (&rig, 5, 3);
  rig_push_eos (&rig);
  rig_assert_log (&rig, "gap 0+3000, gap 3000+66666666, gap 5000+3000, buffer 0+3000, "
                        "buffer 5000+3000, eos");
  y = run_whole (&rig, 0, 8);
  expect_rows (&rig, &y, 0, 3);
  expect_rows (&rig, &y, 5, 3);
  rig_assert_outputs (&rig);
  g_free (y.items);
  rig_clear (&rig);
}

/* It is the last step that counts, of zeros or not. */
static void
test_zero_step_last (void)
{
  Output y;
  Rig rig;

  init_whole (&rig, "torch-bidirectional-stacked", "gap-policy=zero-step output-mode=final");
  memset (rig.x.items + 4 * rig.x.size, 0, rig.x.size * sizeof (gfloat));
  rig_begin_stream (&rig);
  rig_push_steps (&rig, 0, 4);
  g_string_truncate (rig.log, 0);
  rig_push_event (&rig, gst_event_new_gap (4000, 777));
  rig_push_eos (&rig);
  rig_assert_log (&rig, "gap 4000+777, buffer 4000+777, eos");
  y = run_whole (&rig, 0, 5);
  expect_rows (&rig, &y, 4, 1);
  rig_assert_outputs (&rig);
  g_free (y.items);
  rig_clear (&rig);
}

/* Output, h and c, of which the last LSTM layer is the backwards one. */
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

    init_whole (&rig, "torch-bidirectional-stacked", properties);
    model = lstm_state_get_model (rig.state);
    g_assert_cmpuint (lstm_model_get_n_lstm_layers (model), ==, 4);
    n = lstm_model_get_hidden_size (model, layers[i].index);
    m = lstm_model_get_cell_size (model, layers[i].index);
    g_assert_cmpuint (MAX (n, m), <=, 16);
    rig.n_streams = 2;
    set_steps (&rig, 9);
    rig_begin_stream (&rig);
    rig_push_steps (&rig, 0, 9);
    rig_push_eos (&rig);
    rig_expect_reset (&rig);
    lstm_state_run_full (rig.state, &(LstmRun){.steps = 9,
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
      {"/lstm-non-causal/models", test_models},
      {"/lstm-non-causal/final", test_final},
      {"/lstm-non-causal/windows", test_windows},
      {"/lstm-non-causal/caps", test_caps},
      {"/lstm-non-causal/caps-change", test_caps_change},
      {"/lstm-non-causal/max-steps", test_max_steps},
      {"/lstm-non-causal/max-steps-gap", test_max_steps_gap},
      {"/lstm-non-causal/window-longer-than-max-steps", test_window_longer_than_max_steps},
      {"/lstm-non-causal/emit", test_emit},
      {"/lstm-non-causal/happenings", test_happenings},
      {"/lstm-non-causal/sequences", test_sequences},
      {"/lstm-non-causal/nothing", test_nothing},
      {"/lstm-non-causal/zero-steps", test_zero_steps},
      {"/lstm-non-causal/zero-step-last", test_zero_step_last},
      {"/lstm-non-causal/tensors", test_tensors},
  };

  return test_main (argc, argv, tests, G_N_ELEMENTS (tests));
}
