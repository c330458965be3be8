/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lstm-rig.h"

static void
log_time (GString *log, const gchar *name, GstClockTime pts, GstClockTime duration)
{
  g_string_append (log, name);
  if (GST_CLOCK_TIME_IS_VALID (pts))
    g_string_append_printf (log, " %" G_GUINT64_FORMAT, pts);
  if (GST_CLOCK_TIME_IS_VALID (duration))
    g_string_append_printf (log, "+%" G_GUINT64_FORMAT, duration);
}

/* Copies the content without mapping the buffer: mapping would merge its memories. */
static void
log_buffer (Rig *rig, GstBuffer *buffer)
{
  const gsize bytes = gst_buffer_get_size (buffer);
  const guint n = rig->outputs->len;

  log_time (rig->log, "buffer", GST_BUFFER_PTS (buffer), GST_BUFFER_DURATION (buffer));
  if (bytes == 0)
    return;
  g_array_set_size (rig->outputs, n + (guint) (bytes / sizeof (gfloat)));
  gst_buffer_extract (buffer, 0, &g_array_index (rig->outputs, gfloat, n), bytes);
}

static void
log_event (Rig *rig, GstEvent *event)
{
  GstClockTime time, duration;
  const GstSegment *segment;
  GstCaps *caps;

  switch (GST_EVENT_TYPE (event)) {
  case GST_EVENT_GAP:
    gst_event_parse_gap (event, &time, &duration);
    log_time (rig->log, "gap", time, duration);
    break;
  case GST_EVENT_SEGMENT:
    gst_event_parse_segment (event, &segment);
    log_time (rig->log, "segment", segment->start, GST_CLOCK_TIME_NONE);
    break;
  case GST_EVENT_CAPS:
    gst_event_parse_caps (event, &caps);
    g_string_append_printf (rig->log, "caps %s",
        gst_structure_get_string (gst_caps_get_structure (caps, 0), "dimensions"));
    break;
  default:
    g_string_append (rig->log, GST_EVENT_TYPE_NAME (event));
  }
}

static GstPadProbeReturn
record_data (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  Rig *rig = data;

  g_mutex_lock (&rig->lock);
  if (rig->log->len > 0)
    g_string_append (rig->log, ", ");
  if (GST_PAD_PROBE_INFO_TYPE (info) & GST_PAD_PROBE_TYPE_BUFFER)
    log_buffer (rig, GST_PAD_PROBE_INFO_BUFFER (info));
  else
    log_event (rig, GST_PAD_PROBE_INFO_EVENT (info));
  g_mutex_unlock (&rig->lock);
  return GST_PAD_PROBE_OK;
}

gboolean
rig_push_event (Rig *rig, GstEvent *event)
{
  return gst_harness_push_event (rig->harness, event);
}

gboolean
rig_push_caps_text (Rig *rig, const gchar *text)
{
  g_autoptr (GstCaps) caps = gst_caps_from_string (text);
  g_autoptr (GstCaps) current = NULL;
  g_autoptr (GstPad) pad = gst_element_get_static_pad (rig->lstm, "sink");
  g_autoptr (GstQuery) allocation = NULL;

  g_assert_nonnull (caps);
  rig_push_event (rig, gst_event_new_caps (caps));
  current = gst_pad_get_current_caps (pad);
  if (!current || !gst_caps_is_equal (current, caps))
    return FALSE;
  allocation = gst_query_new_allocation (caps, FALSE);
  return gst_pad_query (pad, allocation);
}

void
rig_push_refused_buffer (Rig *rig)
{
  rig_push_segment (rig);
  g_assert_cmpint (gst_harness_push (rig->harness, gst_buffer_new_allocate (NULL, 12, NULL)),
      ==, GST_FLOW_NOT_NEGOTIATED);
}

void
rig_assert_caps_error (Rig *rig, const gchar *pattern)
{
  g_assert_null (gst_bus_pop_filtered (rig->bus, GST_MESSAGE_ERROR));
  rig_push_refused_buffer (rig);
  assert_error_posted (rig->bus, pattern);
}

gboolean
rig_push_caps (Rig *rig)
{
  g_autofree gchar *text = g_strdup_printf (
      "other/tensors,format=static,num_tensors=1,types=float32,framerate=%s,"
      "dimensions=(string)%" G_GSIZE_FORMAT ":%u:%u",
      rig->framerate, rig->x.size, rig->n_steps, rig->n_streams);

  return rig_push_caps_text (rig, text);
}

void
rig_push_segment_range (Rig *rig, GstClockTime base, GstClockTime stop)
{
  GstSegment segment;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  segment.base = base;
  segment.stop = stop;
  rig_push_event (rig, gst_event_new_segment (&segment));
}

void
rig_push_exact_segment (Rig *rig, const RigSegment *s)
{
  GstSegment segment;

  gst_segment_init (&segment, s->format);
  segment.rate = s->rate;
  segment.applied_rate = s->applied_rate;
  segment.start = s->start;
  segment.stop = s->stop;
  segment.time = s->time;
  segment.base = s->base;
  segment.position = s->position;
  segment.duration = s->duration;
  rig_push_event (rig, gst_event_new_segment (&segment));
}

void
rig_push_segment (Rig *rig)
{
  rig_push_segment_range (rig, rig->n_segments++ * 3600 * GST_SECOND, GST_CLOCK_TIME_NONE);
}

void
rig_push_stream_start (Rig *rig)
{
  rig_push_event (rig, gst_event_new_stream_start ("stream"));
}

void
rig_push_eos (Rig *rig)
{
  rig_push_event (rig, gst_event_new_eos ());
}

void
rig_push_segment_done (Rig *rig)
{
  rig_push_event (rig, gst_event_new_segment_done (GST_FORMAT_TIME, 0));
}

void
rig_push_flush (Rig *rig)
{
  rig_push_event (rig, gst_event_new_flush_start ());
  rig_push_event (rig, gst_event_new_flush_stop (TRUE));
  rig_push_segment (rig);
}

void
rig_push_eos_and_stream_start (Rig *rig)
{
  rig_push_eos (rig);
  rig_push_stream_start (rig);
  rig_push_segment (rig);
}

void
rig_push_first_segment (Rig *rig)
{
  rig_push_segment_range (rig, 0, GST_CLOCK_TIME_NONE);
}

void
rig_emit_reset (Rig *rig)
{
  g_signal_emit_by_name (rig->lstm, "reset");
}

void
rig_do_nothing (Rig *rig)
{
}

void
rig_assert_log (Rig *rig, const gchar *expected)
{
  g_assert_cmpstr (rig->log->str, ==, expected);
  g_string_truncate (rig->log, 0);
}

void
rig_begin_stream (Rig *rig)
{
  rig_push_stream_start (rig);
  g_assert_true (rig_push_caps (rig));
  rig_push_segment (rig);
  g_string_truncate (rig->log, 0);
}

void
rig_begin_stream_with_caps (Rig *rig, const gchar *text)
{
  rig_push_stream_start (rig);
  g_assert_true (rig_push_caps_text (rig, text));
  rig_push_segment (rig);
  g_string_truncate (rig->log, 0);
}

LstmState *
rig_state_new (const Rig *rig, LstmModel *model)
{
  g_autoptr (GError) error = NULL;
  LstmState *state = lstm_model_is_causal (model)
                         ? lstm_state_new (model, rig->n_streams, &error)
                         : lstm_state_new_for_sequences (
                             model, rig->n_streams, rig->x.length, &error);

  g_assert_no_error (error);
  return state;
}

void
rig_restart (Rig *rig)
{
  gst_element_set_state (rig->lstm, GST_STATE_READY);
  gst_element_set_state (rig->lstm, GST_STATE_PLAYING);
  rig_begin_stream (rig);
}

void
rig_expect_reset (Rig *rig)
{
  LstmModel *model = lstm_model_ref (lstm_state_get_model (rig->state));

  lstm_state_unref (rig->state);
  rig->state = rig_state_new (rig, model);
  lstm_model_unref (model);
}

void
rig_init (Rig *rig, const gchar *folder, const gchar *properties)
{
  g_autofree gchar *path = get_vector_path (folder, "model.safetensors");
  g_autofree gchar *x = get_vector_path (folder, "x.npy");
  g_autofree gchar *line = g_strdup_printf ("lstm model-location=%s %s", path, properties);
  g_autoptr (LstmModel) model = NULL;
  g_autoptr (GstPad) pad = NULL;
  g_autoptr (GError) error = NULL;

  model = lstm_model_load (path, &error);
  g_assert_no_error (error);
  *rig = (Rig){.n_streams = 1, .n_steps = 1, .framerate = "30/1", .duration = 1000};
  rig->x = step_array_load (x);
  rig->state = rig_state_new (rig, model);
  g_mutex_init (&rig->lock);
  rig->log = g_string_new (NULL);
  rig->outputs = g_array_new (FALSE, FALSE, sizeof (gfloat));
  rig->expected_outputs = g_array_new (FALSE, FALSE, sizeof (gfloat));
  rig->lstm = gst_object_ref_sink (gst_parse_launch (line, &error));
  g_assert_no_error (error);
  rig->bus = gst_bus_new ();
  gst_element_set_bus (rig->lstm, rig->bus);
  pad = gst_element_get_static_pad (rig->lstm, "src");
  gst_pad_add_probe (pad,
      GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM
          | GST_PAD_PROBE_TYPE_EVENT_FLUSH,
      record_data, rig, NULL);
  rig->harness = gst_harness_new_with_element (rig->lstm, "sink", "src");
}

void
rig_clear (Rig *rig)
{
  g_assert_null (gst_bus_pop_filtered (rig->bus, GST_MESSAGE_ERROR));
  gst_element_set_bus (rig->lstm, NULL);
  gst_harness_teardown (rig->harness);
  gst_object_unref (rig->lstm);
  gst_object_unref (rig->bus);
  g_mutex_clear (&rig->lock);
  g_string_free (rig->log, TRUE);
  g_array_unref (rig->outputs);
  g_array_unref (rig->expected_outputs);
  lstm_state_unref (rig->state);
  g_free (rig->x.items);
}

GstCaps *
rig_get_src_caps (Rig *rig)
{
  g_autoptr (GstPad) pad = gst_element_get_static_pad (rig->lstm, "src");

  return gst_pad_get_current_caps (pad);
}

void
rig_assert_start_error (Rig *rig, const gchar *pattern)
{
  g_assert_cmpint (
      gst_element_set_state (rig->lstm, GST_STATE_PAUSED), ==, GST_STATE_CHANGE_FAILURE);
  assert_error_posted (rig->bus, pattern);
}

GstBuffer *
rig_buffer_new (Rig *rig, gsize first)
{
  gfloat *items = step_array_copy (&rig->x, rig->n_streams, first, rig->n_steps);
  GstBuffer *buffer = gst_buffer_new_wrapped (
      items, rig->n_streams * rig->n_steps * rig->x.size * sizeof (gfloat));

  GST_BUFFER_PTS (buffer) = first * 1000;
  GST_BUFFER_DURATION (buffer) = rig->duration;
  return buffer;
}

void
rig_expect_outputs (Rig *rig, gsize first, gsize n_steps, gsize n_outputs)
{
  const gsize n = lstm_model_get_output_size (lstm_state_get_model (rig->state));
  g_autofree gfloat *x = step_array_copy (&rig->x, rig->n_streams, first, n_steps);
  g_autofree gfloat *y = g_new (gfloat, rig->n_streams * n_steps * n);

  lstm_state_run (rig->state, n_steps, x, y);
  for (gsize s = 0; s < rig->n_streams; s++)
    g_array_append_vals (rig->expected_outputs, y + (s * n_steps + n_steps - n_outputs) * n,
        (guint) (n_outputs * n));
}

void
rig_push_steps (Rig *rig, gsize first, gsize n)
{
  for (gsize i = first; i < first + n; i += rig->n_steps)
    g_assert_cmpint (gst_harness_push (rig->harness, rig_buffer_new (rig, i)), ==, GST_FLOW_OK);
}

void
rig_push_and_expect (Rig *rig, gsize first, gsize n)
{
  rig_push_steps (rig, first, n);
  for (gsize i = first; i < first + n; i += rig->n_steps)
    rig_expect_outputs (rig, i, rig->n_steps, rig->n_steps);
}

void
rig_push_and_expect_last (Rig *rig, gsize first, gsize n)
{
  rig_push_steps (rig, first, n);
  rig_expect_outputs (rig, first, n, 1);
}

guint64
rig_get_stat (Rig *rig, const gchar *field)
{
  g_autoptr (GstStructure) stats = NULL;
  guint64 value = 0;

  g_object_get (rig->lstm, "stats", &stats, NULL);
  g_assert_true (gst_structure_get_uint64 (stats, field, &value));
  return value;
}

guint64
rig_get_steps (Rig *rig)
{
  return rig_get_stat (rig, "steps");
}

void
rig_assert_outputs (Rig *rig)
{
  assert_same_bits (rig->outputs, rig->expected_outputs);
  g_array_set_size (rig->outputs, 0);
  g_array_set_size (rig->expected_outputs, 0);
}
