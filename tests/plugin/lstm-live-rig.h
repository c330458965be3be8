/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A pipeline around `lstm`. What reaches the element is noted, and run by liblstm as
 * docs/elements/lstm.md says: the outputs are the same to the bit. */
#pragma once
#include "lstm-rig.h"
#include <math.h>

#define STEPS 60
#define WINDOW 7
#define STACK "variants/torch-bidirectional-stacked" /* needs whole sequences */

/* A pipeline with an element `lstm`, fed with vectors of one stream, a step in a buffer */
typedef struct {
  GstElement *pipeline, *lstm;
  GstBus *bus;
  LstmModel *model;
  gchar *dir, *x; /* a file of STEPS steps */
  GMutex lock;
  GCond cond;
  GString *in;        /* what came: a letter for each buffer and event, see letter_of() */
  GArray *steps;      /* float: the content of those buffers */
  GArray *got;        /* float: what left */
  GArray *times[2];   /* guint64: pts of buffers that came and that left */
  guint late;         /* QOS events of late buffers that came back */
  guint sent, seen;   /* buffers of the source, and at the sink; */
  gboolean ended;     /* whether the source is at its end */
  GstSegment segment; /* that came last, since the stream began or a flush */
} Run;

/* --- What liblstm gives --- */

typedef struct {
  const Run *run;
  const gchar *properties;
  LstmState *state;
  GArray *x;       /* float: steps since the sequence began */
  GArray *silent;  /* guint8: of each, whether it came as a gap */
  GArray *outputs; /* float */
} Contract;

static inline LstmState *
contract_state_new (const Contract *c)
{
  g_autoptr (GError) error = NULL;
  LstmState *state = lstm_model_is_causal (c->run->model)
                         ? lstm_state_new (c->run->model, 1, &error)
                         : lstm_state_new_for_sequences (c->run->model, 1, STEPS, &error);

  g_assert_no_error (error);
  return state;
}

static inline void
contract_forget (Contract *c)
{
  g_array_set_size (c->x, 0);
  g_array_set_size (c->silent, 0);
}

static inline void
contract_zero (Contract *c)
{
  g_clear_pointer (&c->state, lstm_state_unref);
  c->state = contract_state_new (c);
  contract_forget (c);
}

/* The outputs of the last @kept of @n steps; @silent: but those of gaps */
static inline void
contract_run (Contract *c, LstmState *state, guint first, guint n, guint kept, gboolean silent)
{
  const guint d = (guint) lstm_model_get_input_size (c->run->model);
  const guint m = (guint) lstm_model_get_output_size (c->run->model);
  g_autofree gfloat *y = g_new (gfloat, n * m);

  lstm_state_run (state, n, &g_array_index (c->x, gfloat, first * d), y);
  for (guint i = n - kept; i < n; i++)
    if (!silent || !g_array_index (c->silent, guint8, i))
      g_array_append_vals (c->outputs, y + i * m, m);
}

static inline gboolean
contract_has (const Contract *c, const gchar *property)
{
  return strstr (c->properties, property) != NULL;
}

static inline void
contract_run_windows (Contract *c)
{
  const guint kept = lstm_model_is_causal (c->run->model) ? 1 : WINDOW;

  for (guint first = 0; first + WINDOW <= c->silent->len; first++) {
    g_autoptr (LstmState) state = contract_state_new (c);

    contract_run (c, state, first, WINDOW, kept, FALSE);
  }
}

static inline void
contract_end (Contract *c)
{
  const guint n = c->silent->len;
  const gboolean final = contract_has (c, "output-mode=final");

  if (contract_has (c, "output-mode=window"))
    contract_run_windows (c);
  else if (n > 0)
    contract_run (c, c->state, 0, n, final ? 1 : n, !final);
  if (contract_has (c, "stateful=true"))
    contract_forget (c);
  else
    contract_zero (c);
}

/* @x: NULL for zeros */
static inline void
contract_step (Contract *c, const gfloat *x)
{
  const guint d = (guint) lstm_model_get_input_size (c->run->model);
  const guint8 silent = !x;
  g_autofree gfloat *zeros = g_new0 (gfloat, d);

  g_array_append_vals (c->x, x ? x : zeros, d);
  g_array_append_val (c->silent, silent);
}

/* Amid a sequence: what left before is not taken back, what waits for the end is dropped. */
static inline void
contract_reset (Contract *c)
{
  if (lstm_model_is_causal (c->run->model) && !contract_has (c, "output-mode=final"))
    contract_end (c);
  contract_zero (c);
}

static inline void
contract_follow (Contract *c)
{
  const guint d = (guint) lstm_model_get_input_size (c->run->model);
  guint step = 0;

  contract_zero (c);
  for (const gchar *p = c->run->in->str; *p; p++)
    switch (*p) {
    case 'd':
      if (contract_has (c, "reset-on=discont"))
        contract_reset (c);
      /* fallthrough */
    case 'b':
      contract_step (c, &g_array_index (c->run->steps, gfloat, step++ * d));
      break;
    case 'g':
      if (contract_has (c, "reset-on=gap"))
        contract_reset (c);
      if (contract_has (c, "gap-policy=zero-step"))
        contract_step (c, NULL);
      break;
    case 'S':
    case 'n':
    case 'D':
    case 'E':
      contract_end (c);
      break;
    case 'F':
      contract_zero (c);
      break;
    }
}

/* --- Pipelines --- */

/* A segment that maps times as the one before has a letter of its own. */
static inline gchar
letter_of_segment (Run *run, GstEvent *event)
{
  const GstSegment *segment, *last = &run->segment;
  gboolean same;

  gst_event_parse_segment (event, &segment);
  same = segment->format == last->format && segment->start == last->start
         && segment->time == last->time && segment->base == last->base;
  run->segment = *segment;
  return same ? 's' : 'n';
}

static inline gchar
letter_of (Run *run, GstMiniObject *item)
{
  if (GST_IS_BUFFER (item))
    return GST_BUFFER_FLAG_IS_SET (GST_BUFFER (item), GST_BUFFER_FLAG_DISCONT) ? 'd' : 'b';
  switch (GST_EVENT_TYPE (item)) {
  case GST_EVENT_STREAM_START:
    gst_segment_init (&run->segment, GST_FORMAT_UNDEFINED);
    return 'S';
  case GST_EVENT_SEGMENT:
    return letter_of_segment (run, (GstEvent *) item);
  case GST_EVENT_GAP:
    return 'g';
  case GST_EVENT_FLUSH_STOP:
    gst_segment_init (&run->segment, GST_FORMAT_UNDEFINED);
    return 'F';
  case GST_EVENT_SEGMENT_DONE:
    return 'D';
  case GST_EVENT_EOS:
    return 'E';
  default:
    return '\0';
  }
}

static inline void
append_content (GArray *floats, GArray *times, GstBuffer *buffer)
{
  const gsize bytes = gst_buffer_get_size (buffer);
  const guint n = floats->len;

  g_array_set_size (floats, n + (guint) (bytes / sizeof (gfloat)));
  gst_buffer_extract (buffer, 0, &g_array_index (floats, gfloat, n), bytes);
  g_array_append_val (times, GST_BUFFER_PTS (buffer));
}

static inline GstPadProbeReturn
on_input (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  GstMiniObject *item = info->data;
  Run *run = data;
  gchar letter;

  g_mutex_lock (&run->lock);
  letter = letter_of (run, item);
  if (letter)
    g_string_append_c (run->in, letter);
  if (GST_IS_BUFFER (item))
    append_content (run->steps, run->times[0], GST_BUFFER (item));
  g_mutex_unlock (&run->lock);
  return GST_PAD_PROBE_OK;
}

static inline gboolean
is_late (GstEvent *event)
{
  GstClockTimeDiff lateness = 0;

  if (GST_EVENT_TYPE (event) == GST_EVENT_QOS)
    gst_event_parse_qos (event, NULL, NULL, &lateness, NULL);
  return lateness > 0;
}

static inline GstPadProbeReturn
on_output (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  Run *run = data;

  g_mutex_lock (&run->lock);
  if (GST_IS_BUFFER (info->data))
    append_content (run->got, run->times[1], info->data);
  else
    run->late += is_late (info->data);
  g_mutex_unlock (&run->lock);
  return GST_PAD_PROBE_OK;
}

static inline void
add_probe (GstElement *element, const gchar *name, GstPadProbeType type,
    GstPadProbeCallback callback, gpointer data)
{
  g_autoptr (GstPad) pad = gst_element_get_static_pad (element, name);

  gst_pad_add_probe (pad, type, callback, data, NULL);
}

static inline void
run_write_x (Run *run)
{
  const gsize d = lstm_model_get_input_size (run->model);
  g_autofree gchar *shape = g_strdup_printf ("(%d, %" G_GSIZE_FORMAT ")", STEPS, d);
  g_autofree gfloat *x = g_new (gfloat, STEPS * d);

  for (gsize i = 0; i < STEPS * d; i++)
    x[i] = sinf (0.7f * (gfloat) i);
  run->dir = test_dir_new ();
  run->x = g_build_filename (run->dir, "x.npy", NULL);
  npy_put_floats (run->x, shape, x, STEPS * d);
}

/* @before, @after: what stands around `lstm`, where $X is the file of steps. */
static inline void
run_init (Run *run, const gchar *model, const gchar *before, const gchar *properties,
    const gchar *after)
{
  g_autoptr (GString) line = g_string_new (before);
  g_autoptr (GError) error = NULL;

  *run = (Run){.in = g_string_new (NULL),
      .steps = g_array_new (FALSE, FALSE, sizeof (gfloat)),
      .got = g_array_new (FALSE, FALSE, sizeof (gfloat)),
      .times = {g_array_new (FALSE, FALSE, 8), g_array_new (FALSE, FALSE, 8)}};
  g_mutex_init (&run->lock);
  g_cond_init (&run->cond);
  run->model = lstm_model_load (model, &error);
  g_assert_no_error (error);
  run_write_x (run);
  g_string_append_printf (
      line, " ! lstm name=lstm model-location=%s %s ! %s", model, properties, after);
  g_string_replace (line, "$X", run->x, 0);
  run->pipeline = gst_object_ref_sink (gst_parse_launch (line->str, &error));
  g_assert_no_error (error);
  run->bus = gst_element_get_bus (run->pipeline);
  run->lstm = gst_bin_get_by_name (GST_BIN (run->pipeline), "lstm");
  add_probe (run->lstm, "sink",
      GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM
          | GST_PAD_PROBE_TYPE_EVENT_FLUSH,
      on_input, run);
  add_probe (run->lstm, "src", GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_UPSTREAM,
      on_output, run);
}

static inline void
run_init_vectors (Run *run, const gchar *folder, const gchar *before, const gchar *properties,
    const gchar *after)
{
  g_autofree gchar *model = vector_file (folder, "model.safetensors");

  run_init (run, model, before, properties, after);
}

static inline void
run_clear (Run *run)
{
  gst_element_set_state (run->pipeline, GST_STATE_NULL);
  gst_object_unref (run->lstm);
  gst_object_unref (run->bus);
  gst_object_unref (run->pipeline);
  lstm_model_unref (run->model);
  g_string_free (run->in, TRUE);
  g_array_unref (run->steps);
  g_array_unref (run->got);
  g_array_unref (run->times[0]);
  g_array_unref (run->times[1]);
  g_mutex_clear (&run->lock);
  g_cond_clear (&run->cond);
  test_dir_remove (run->dir);
  g_free (run->x);
}

/* Until the next message of @types, or EOS. */
static inline GstMessageType
run_wait (Run *run, GstMessageType types)
{
  g_autoptr (GstMessage) message = gst_bus_timed_pop_filtered (
      run->bus, GST_CLOCK_TIME_NONE, types | GST_MESSAGE_EOS | GST_MESSAGE_ERROR);

  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR) {
    g_autoptr (GError) error = NULL;

    gst_message_parse_error (message, &error, NULL);
    g_error ("%s: %s", GST_MESSAGE_SRC_NAME (message), error->message);
  }
  return GST_MESSAGE_TYPE (message);
}

static inline void
run_play (Run *run)
{
  gst_element_set_state (run->pipeline, GST_STATE_PLAYING);
  run_wait (run, 0);
}

/* The same numbers as liblstm's. */
static inline void
run_assert_same (Run *run, const gchar *properties)
{
  Contract c = {run, properties, NULL, g_array_new (FALSE, FALSE, sizeof (gfloat)),
      g_array_new (FALSE, FALSE, 1), g_array_new (FALSE, FALSE, sizeof (gfloat))};

  contract_follow (&c);
  g_assert_cmpuint (c.outputs->len, >, 0);
  assert_same_bits (run->got, c.outputs);
  g_array_unref (c.x);
  g_array_unref (c.silent);
  g_array_unref (c.outputs);
  lstm_state_unref (c.state);
}

static inline guint64
run_get_steps (Run *run)
{
  g_autoptr (GstStructure) stats = NULL;
  guint64 steps = 0;

  g_object_get (run->lstm, "stats", &stats, NULL);
  g_assert_true (gst_structure_get_uint64 (stats, "steps", &steps));
  return steps;
}

/* "S3b2n" as "SbbbSnn", with blanks left out. Returns: (transfer full) */
static inline gchar *
unfold (const gchar *folded)
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

/* What came is what the test is about. */
static inline void
run_assert_input (Run *run, const gchar *folded)
{
  g_autofree gchar *expected = unfold (folded);

  g_assert_cmpstr (run->in->str, ==, expected);
}
