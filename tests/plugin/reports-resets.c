/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The log of `lstm` names the reason of each reset, and the states that it saves and restores. */
#include "../../plugin/lstm/resets.h"
#include "log-rig.h"
#include "lstm-rig.h"
#include <math.h>

/* --- Actions, each of which causes one reset --- */

static void
on_gap (Rig *rig)
{
  rig_push_event (rig, gst_event_new_gap (5, 6));
}

static void
on_flush (Rig *rig)
{
  rig_push_event (rig, gst_event_new_flush_start ());
  rig_push_event (rig, gst_event_new_flush_stop (TRUE));
}

static void
on_discont (Rig *rig)
{
  GstBuffer *buffer = rig_buffer_new (rig, 0);

  GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DISCONT);
  g_assert_cmpint (gst_harness_push (rig->harness, buffer), ==, GST_FLOW_OK);
}

static void
on_other_streams (Rig *rig)
{
  rig->n_streams = 2;
  g_assert_true (rig_push_caps (rig));
}

static void
on_nan (Rig *rig)
{
  rig->x.items[0] = NAN;
  rig_push_steps (rig, 0, 1);
  assert_warning_posted (rig->bus, "state: *NaN*");
}

/* Goes to READY without PLAYING. */
static void
on_ready (Rig *rig)
{
  gst_element_set_state (rig->lstm, GST_STATE_READY);
  gst_element_set_state (rig->lstm, GST_STATE_PAUSED);
  rig_begin_stream (rig);
  rig_push_steps (rig, 0, 3);
  gst_element_set_state (rig->lstm, GST_STATE_READY);
}

static const struct {
  const gchar *reason, *properties;
  void (*act) (Rig *rig);
  guint n_steps; /* in the log */
  guint n_warnings;
} actions[] = {
    {"stream-start", "", rig_push_stream_start, 3},
    {"segment", "", rig_push_segment, 3},
    {"segment-done", "", rig_push_segment_done, 3},
    {"eos", "", rig_push_eos, 3},
    {"flush", "stateful=true", on_flush, 3},
    {"streams", "stateful=true", on_other_streams, 3},
    {"gap", "reset-on=gap", on_gap, 3},
    {"discont", "reset-on=discont", on_discont, 3},
    {"nan", "reset-on=nan", on_nan, 4, 1},
    {"application", "", rig_emit_reset, 3},
    {"preroll", "", on_ready, 3},
};

static void
test_reason (gconstpointer data)
{
  const guint i = GPOINTER_TO_UINT (data);
  static const LogFact any = {"lstm", GST_LEVEL_INFO, "reset after *"};
  g_autofree gchar *pattern = g_strdup_printf (
      "reset after %u steps: %s", actions[i].n_steps, actions[i].reason);
  const LogFact fact = {"lstm", GST_LEVEL_INFO, pattern};
  guint64 n_resets;
  Rig rig;

  rig_init (&rig, "seed-1x30", actions[i].properties);
  rig_begin_stream (&rig);
  rig_push_steps (&rig, 0, 3);
  n_resets = rig_get_stat (&rig, "resets");
  log_begin ();
  actions[i].act (&rig);
  log_assert (&fact);
  g_assert_cmpuint (log_count (&any), ==, 1);
  log_end (actions[i].n_warnings);
  if (rig_get_steps (&rig) > 0) /* still running */
    g_assert_cmpuint (rig_get_stat (&rig, "resets"), ==, n_resets + 1);
  rig_clear (&rig);
}

/* Each reason that the element may log has an action above, and a row on the page. */
static void
test_list (void)
{
  static const gchar *const reasons[] = {
#define TEXT(name, text) text,
      GST_LSTM_RESETS (TEXT)
#undef TEXT
  };
  g_autofree gchar *path = test_source_path ("docs/debugging.md");
  g_autofree gchar *page = NULL;

  g_assert_true (g_file_get_contents (path, &page, NULL, NULL));
  g_assert_cmpuint (G_N_ELEMENTS (reasons), ==, G_N_ELEMENTS (actions));
  for (guint i = 0; i < G_N_ELEMENTS (reasons); i++) {
    g_autofree gchar *row = g_strdup_printf ("\n| `%s` | ", reasons[i]);

    g_assert_cmpstr (actions[i].reason, ==, reasons[i]);
    if (!strstr (page, row))
      g_error ("docs/debugging.md lacks a row of %s", reasons[i]);
  }
}

/* A reset without a step is not a fact of the run, but an event. */
static void
test_no_step (void)
{
  static const LogFact none = {"lstm", GST_LEVEL_INFO, "reset after *"};
  static const LogFact event = {"lstm", GST_LEVEL_DEBUG, "reset after 0 steps: application"};
  Rig rig;

  rig_init (&rig, "seed-1x30", "");
  rig_begin_stream (&rig);
  log_begin ();
  rig_emit_reset (&rig);
  log_assert (&event);
  g_assert_cmpuint (log_count (&none), ==, 0);
  log_end (0);
  rig_clear (&rig);
}

/* get-state and set-state, and a flush before PLAYING that returns to the state of set-state. */
static void
test_signals (void)
{
  static const LogFact facts[] = {
      {"lstm", GST_LEVEL_INFO, "state saved by get-state: * bytes, 3 steps, next step at *"},
      {"lstm", GST_LEVEL_INFO, "state restored from set-state: * bytes, 3 steps, *"},
      {"lstm", GST_LEVEL_INFO, "state from before the preroll restored, 3 steps instead of 4"},
  };
  g_autoptr (GBytes) state = NULL;
  gboolean ok = FALSE;
  Rig rig;

  rig_init (&rig, "seed-1x30", "");
  gst_element_set_state (rig.lstm, GST_STATE_READY);
  gst_element_set_state (rig.lstm, GST_STATE_PAUSED);
  rig_begin_stream (&rig);
  rig_push_steps (&rig, 0, 3);
  log_begin ();
  g_signal_emit_by_name (rig.lstm, "get-state", &state);
  g_signal_emit_by_name (rig.lstm, "set-state", state, &ok);
  g_assert_true (ok);
  rig_push_steps (&rig, 3, 1);
  on_flush (&rig);
  for (guint i = 0; i < G_N_ELEMENTS (facts); i++)
    log_assert (&facts[i]);
  log_end (0);
  rig_clear (&rig);
}

/* A dropped buffer, a gap and steps of zeros */
static void
test_events (void)
{
  static const LogFact facts[] = {
      {"lstm", GST_LEVEL_DEBUG, "dropped a bad buffer, 1 of at most 3: *"},
      {"lstm", GST_LEVEL_DEBUG, "gap: steps of zeros: 1"},
      {"lstm", GST_LEVEL_DEBUG, "received *gap*"},
      {"lstm", GST_LEVEL_LOG, "gap: buffer*"},
      {"lstm", GST_LEVEL_INFO, "segment, the sequence continues: *"},
  };
  Rig rig;

  rig_init (&rig, "seed-1x30", "max-errors=3 gap-policy=zero-step");
  rig_begin_stream (&rig);
  log_begin ();
  gst_harness_push (rig.harness, gst_buffer_new_allocate (NULL, 1, NULL));
  assert_warning_posted (rig.bus, "*");
  on_gap (&rig);
  gst_harness_push (rig.harness, gst_buffer_new ());
  rig_push_segment_range (&rig, 0, 5 * GST_SECOND);
  for (guint i = 0; i < G_N_ELEMENTS (facts); i++)
    log_assert (&facts[i]);
  log_end (1);
  rig_clear (&rig);
}

int
main (int argc, char **argv)
{
  log_init (&argc, &argv);
  for (guint i = 0; i < G_N_ELEMENTS (actions); i++) {
    g_autofree gchar *name = g_strdup_printf ("/reports-resets/%s", actions[i].reason);

    g_test_add_data_func (name, GUINT_TO_POINTER (i), test_reason);
  }
  g_test_add_func ("/reports-resets/list", test_list);
  g_test_add_func ("/reports-resets/no-step", test_no_step);
  g_test_add_func ("/reports-resets/signals", test_signals);
  g_test_add_func ("/reports-resets/events", test_events);
  return g_test_run ();
}
