/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lstm-live-rig.h"
#include <math.h>

/* --- Outputs of liblstm --- */

typedef struct {
  const LiveRig *rig;
  const gchar *properties;
  LstmState *state;
  GArray *x;       /* float: steps of the sequence */
  GArray *is_gap;  /* guint8: a flag for each step, set if the step came from a gap */
  GArray *outputs; /* float */
} Reference;

static LstmState *
reference_state_new (const Reference *c)
{
  g_autoptr (GError) error = NULL;
  LstmState *state = lstm_model_is_causal (c->rig->model)
                         ? lstm_state_new (c->rig->model, 1, &error)
                         : lstm_state_new_for_sequences (c->rig->model, 1, STEPS, &error);

  g_assert_no_error (error);
  return state;
}

static void
clear_reference_steps (Reference *c)
{
  g_array_set_size (c->x, 0);
  g_array_set_size (c->is_gap, 0);
}

static void
reset_reference_state (Reference *c)
{
  g_clear_pointer (&c->state, lstm_state_unref);
  c->state = reference_state_new (c);
  clear_reference_steps (c);
}

/* Runs @n steps and appends the outputs of the last @n_outputs steps. @skip_gaps: whether to leave
 * out the outputs of steps that came from gaps */
static void
run_reference_steps (
    Reference *c, LstmState *state, guint first, guint n, guint n_outputs, gboolean skip_gaps)
{
  const guint d = (guint) lstm_model_get_input_size (c->rig->model);
  const guint m = (guint) lstm_model_get_output_size (c->rig->model);
  g_autofree gfloat *y = g_new (gfloat, n * m);

  lstm_state_run (state, n, &g_array_index (c->x, gfloat, first * d), y);
  for (guint i = n - n_outputs; i < n; i++)
    if (!skip_gaps || !g_array_index (c->is_gap, guint8, i))
      g_array_append_vals (c->outputs, y + i * m, m);
}

static gboolean
has_property (const Reference *c, const gchar *property)
{
  return strstr (c->properties, property) != NULL;
}

static void
run_reference_windows (Reference *c)
{
  const guint n_outputs = lstm_model_is_causal (c->rig->model) ? 1 : WINDOW;

  for (guint first = 0; first + WINDOW <= c->is_gap->len; first++) {
    g_autoptr (LstmState) state = reference_state_new (c);

    run_reference_steps (c, state, first, WINDOW, n_outputs, FALSE);
  }
}

static void
end_reference_sequence (Reference *c)
{
  const guint n = c->is_gap->len;
  const gboolean final = has_property (c, "output-mode=final");

  if (has_property (c, "output-mode=window"))
    run_reference_windows (c);
  else if (n > 0)
    run_reference_steps (c, c->state, 0, n, final ? 1 : n, !final);
  if (has_property (c, "stateful=true"))
    clear_reference_steps (c);
  else
    reset_reference_state (c);
}

/* Adds a step to the sequence. @x: (nullable): NULL for a step of zeros, from a gap */
static void
add_reference_step (Reference *c, const gfloat *x)
{
  const guint d = (guint) lstm_model_get_input_size (c->rig->model);
  const guint8 is_gap = !x;
  g_autofree gfloat *zeros = g_new0 (gfloat, d);

  g_array_append_vals (c->x, x ? x : zeros, d);
  g_array_append_val (c->is_gap, is_gap);
}

/* Resets in the middle of a sequence. Outputs that were pushed stay; outputs that wait for the end
 * of the sequence are dropped. */
static void
reset_reference (Reference *c)
{
  if (lstm_model_is_causal (c->rig->model) && !has_property (c, "output-mode=final"))
    end_reference_sequence (c);
  reset_reference_state (c);
}

static void
run_reference (Reference *c)
{
  const guint d = (guint) lstm_model_get_input_size (c->rig->model);
  guint step = 0;

  reset_reference_state (c);
  for (const gchar *p = c->rig->input_log->str; *p; p++)
    switch (*p) {
    case 'd':
      if (has_property (c, "reset-on=discont"))
        reset_reference (c);
      /* fallthrough */
    case 'b':
      add_reference_step (c, &g_array_index (c->rig->input_steps, gfloat, step++ * d));
      break;
    case 'g':
      if (has_property (c, "reset-on=gap"))
        reset_reference (c);
      if (has_property (c, "gap-policy=zero-step"))
        add_reference_step (c, NULL);
      break;
    case 'S':
    case 'n':
    case 'D':
    case 'E':
      end_reference_sequence (c);
      break;
    case 'F':
      reset_reference_state (c);
      break;
    }
}

/* --- Pipelines --- */

/* Returns "s" if the segment maps timestamps like the one before, else "n". */
static gchar
get_segment_letter (LiveRig *rig, GstEvent *event)
{
  const GstSegment *segment, *last = &rig->segment;
  gboolean same;

  gst_event_parse_segment (event, &segment);
  same = segment->format == last->format && segment->start == last->start
         && segment->time == last->time && segment->base == last->base;
  rig->segment = *segment;
  return same ? 's' : 'n';
}

static gchar
get_letter (LiveRig *rig, GstMiniObject *item)
{
  if (GST_IS_BUFFER (item))
    return GST_BUFFER_FLAG_IS_SET (GST_BUFFER (item), GST_BUFFER_FLAG_DISCONT) ? 'd' : 'b';
  switch (GST_EVENT_TYPE (item)) {
  case GST_EVENT_STREAM_START:
    gst_segment_init (&rig->segment, GST_FORMAT_UNDEFINED);
    return 'S';
  case GST_EVENT_SEGMENT:
    return get_segment_letter (rig, (GstEvent *) item);
  case GST_EVENT_GAP:
    return 'g';
  case GST_EVENT_FLUSH_STOP:
    gst_segment_init (&rig->segment, GST_FORMAT_UNDEFINED);
    return 'F';
  case GST_EVENT_SEGMENT_DONE:
    return 'D';
  case GST_EVENT_EOS:
    return 'E';
  default:
    return '\0';
  }
}

static void
append_buffer (GArray *floats, GArray *times, GstBuffer *buffer)
{
  const gsize bytes = gst_buffer_get_size (buffer);
  const guint n = floats->len;

  g_array_set_size (floats, n + (guint) (bytes / sizeof (gfloat)));
  gst_buffer_extract (buffer, 0, &g_array_index (floats, gfloat, n), bytes);
  g_array_append_val (times, GST_BUFFER_PTS (buffer));
}

static GstPadProbeReturn
record_input (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  GstMiniObject *item = info->data;
  LiveRig *rig = data;
  gchar letter;

  g_mutex_lock (&rig->lock);
  letter = get_letter (rig, item);
  if (letter)
    g_string_append_c (rig->input_log, letter);
  if (GST_IS_BUFFER (item))
    append_buffer (rig->input_steps, rig->input_times, GST_BUFFER (item));
  g_mutex_unlock (&rig->lock);
  return GST_PAD_PROBE_OK;
}

static gboolean
is_late_report (GstEvent *event)
{
  GstClockTimeDiff lateness = 0;

  if (GST_EVENT_TYPE (event) == GST_EVENT_QOS)
    gst_event_parse_qos (event, NULL, NULL, &lateness, NULL);
  return lateness > 0;
}

static GstPadProbeReturn
record_output (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  LiveRig *rig = data;

  g_mutex_lock (&rig->lock);
  if (GST_IS_BUFFER (info->data))
    append_buffer (rig->outputs, rig->output_times, info->data);
  else
    rig->n_late += is_late_report (info->data);
  g_mutex_unlock (&rig->lock);
  return GST_PAD_PROBE_OK;
}

static void
write_steps (LiveRig *rig)
{
  const gsize d = lstm_model_get_input_size (rig->model);
  g_autofree gchar *shape = g_strdup_printf ("(%d, %" G_GSIZE_FORMAT ")", STEPS, d);
  g_autofree gfloat *x = g_new (gfloat, STEPS * d);

  for (gsize i = 0; i < STEPS * d; i++)
    x[i] = sinf (0.7f * (gfloat) i);
  rig->dir = test_dir_new ();
  rig->path = g_build_filename (rig->dir, "x.npy", NULL);
  npy_write_floats (rig->path, shape, x, STEPS * d);
}

void
live_rig_init (LiveRig *rig, const gchar *model, const gchar *before, const gchar *properties,
    const gchar *after)
{
  g_autoptr (GString) line = g_string_new (before);
  g_autoptr (GError) error = NULL;

  *rig = (LiveRig){.input_log = g_string_new (NULL),
      .input_steps = g_array_new (FALSE, FALSE, sizeof (gfloat)),
      .outputs = g_array_new (FALSE, FALSE, sizeof (gfloat)),
      .input_times = g_array_new (FALSE, FALSE, 8),
      .output_times = g_array_new (FALSE, FALSE, 8)};
  g_mutex_init (&rig->lock);
  g_cond_init (&rig->cond);
  rig->model = lstm_model_load (model, &error);
  g_assert_no_error (error);
  write_steps (rig);
  g_string_append_printf (
      line, " ! lstm name=lstm model-location=%s %s ! %s", model, properties, after);
  g_string_replace (line, "$X", rig->path, 0);
  rig->pipeline = gst_object_ref_sink (gst_parse_launch (line->str, &error));
  g_assert_no_error (error);
  rig->bus = gst_element_get_bus (rig->pipeline);
  rig->lstm = gst_bin_get_by_name (GST_BIN (rig->pipeline), "lstm");
  add_pad_probe (rig->lstm, "sink",
      GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM
          | GST_PAD_PROBE_TYPE_EVENT_FLUSH,
      record_input, rig);
  add_pad_probe (rig->lstm, "src",
      GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_UPSTREAM, record_output, rig);
}

void
live_rig_init_vectors (LiveRig *rig, const gchar *folder, const gchar *before,
    const gchar *properties, const gchar *after)
{
  g_autofree gchar *model = get_vector_path (folder, "model.safetensors");

  live_rig_init (rig, model, before, properties, after);
}

void
live_rig_clear (LiveRig *rig)
{
  gst_element_set_state (rig->pipeline, GST_STATE_NULL);
  gst_object_unref (rig->lstm);
  gst_object_unref (rig->bus);
  gst_object_unref (rig->pipeline);
  lstm_model_unref (rig->model);
  g_string_free (rig->input_log, TRUE);
  g_array_unref (rig->input_steps);
  g_array_unref (rig->outputs);
  g_array_unref (rig->input_times);
  g_array_unref (rig->output_times);
  g_mutex_clear (&rig->lock);
  g_cond_clear (&rig->cond);
  test_dir_remove (rig->dir);
  g_free (rig->path);
}

GstMessageType
live_rig_wait (LiveRig *rig, GstMessageType types)
{
  g_autoptr (GstMessage) message = gst_bus_timed_pop_filtered (
      rig->bus, GST_CLOCK_TIME_NONE, types | GST_MESSAGE_EOS | GST_MESSAGE_ERROR);

  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR) {
    g_autoptr (GError) error = NULL;

    gst_message_parse_error (message, &error, NULL);
    g_error ("%s: %s", GST_MESSAGE_SRC_NAME (message), error->message);
  }
  return GST_MESSAGE_TYPE (message);
}

void
live_rig_play (LiveRig *rig)
{
  gst_element_set_state (rig->pipeline, GST_STATE_PLAYING);
  live_rig_wait (rig, 0);
}

void
live_rig_assert_outputs (LiveRig *rig, const gchar *properties)
{
  Reference c = {rig, properties, NULL, g_array_new (FALSE, FALSE, sizeof (gfloat)),
      g_array_new (FALSE, FALSE, 1), g_array_new (FALSE, FALSE, sizeof (gfloat))};

  run_reference (&c);
  g_assert_cmpuint (c.outputs->len, >, 0);
  assert_same_bits (rig->outputs, c.outputs);
  g_array_unref (c.x);
  g_array_unref (c.is_gap);
  g_array_unref (c.outputs);
  lstm_state_unref (c.state);
}

guint64
live_rig_get_steps (LiveRig *rig)
{
  g_autoptr (GstStructure) stats = NULL;
  guint64 steps = 0;

  g_object_get (rig->lstm, "stats", &stats, NULL);
  g_assert_true (gst_structure_get_uint64 (stats, "steps", &steps));
  return steps;
}

/* Returns: (transfer full): "S3b 2n" as "Sbbbnn" */
static gchar *
expand_counts (const gchar *folded)
{
  GString *s = g_string_new (NULL);

  for (const gchar *p = folded; *p; p++) {
    gchar *end;
    const guint64 n = g_ascii_isdigit (*p) ? g_ascii_strtoull (p, &end, 10) : 1;

    if (g_ascii_isdigit (*p))
      p = end;
    for (guint64 i = 0; i < n && *p != ' '; i++)
      g_string_append_c (s, *p);
  }
  return g_string_free (s, FALSE);
}

void
live_rig_assert_inputs (LiveRig *rig, const gchar *folded)
{
  g_autofree gchar *expected = expand_counts (folded);

  g_assert_cmpstr (rig->input_log->str, ==, expected);
}

void
live_rig_finish (LiveRig *rig, const gchar *folded, const gchar *properties)
{
  live_rig_play (rig);
  live_rig_assert_inputs (rig, folded);
  live_rig_assert_outputs (rig, properties);
  live_rig_clear (rig);
}
