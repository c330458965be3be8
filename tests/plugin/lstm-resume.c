/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A stream that was broken off goes on where it was, to the last bit: the application does what
 * docs/elements/lstm.md says under "To go on where a stream broke off". */
#include "lstm-rig.h"
#include <glib/gstdio.h>
#include <stdio.h>

#define QUEUE "queue max-size-time=0 !" /* that a whole stream fits into */

/* What runs: the source, the model with its x, and how the element is set up */
typedef struct {
  const gchar *folder, *framerate, *properties;
  guint steps;       /* of a buffer */
  guint stride;      /* from one position where it is broken off to the next */
  gboolean in_bytes; /* filesrc instead of npysrc; one stream, buffers that are whole */
  const gchar *behind;
} Line;

static const Line lines[] = {
    {"seed-1x30", "30/1", "", 1, 2},
    {"seed-1x30", "30000/1001", "", 4, 7},
    {"seed-1x30", "7/3", "output-mode=window window-length=7 window-hop=3", 1, 7},
    {"seed-1x30", "24/1", "output-mode=window window-length=3 window-hop=5", 2, 7},
    {"seed-1x30", "48000/1", "output-mode=final", 1, 7},
    {"seed-1x30", "30/1", "stateful=true", 1, 11},
    {"seed-1x30", "30/1", "", 1, 11, FALSE, QUEUE}, /* all of it passes before PLAYING */
    {"seed-1x30", "24000/1001", "", 1, 7, TRUE},
    {"seed-1x30", "60/1", "", 3, 7, TRUE},
    {"head", "25/1", "", 5, 11},
    {"three-layers", "1/1", "", 1, 11},
};

/* A pipeline of a line, and the steps that left it, each as bytes */
typedef struct {
  const Line *line;
  StepArray x;
  gchar *dir, *state, *model;
  GstElement *pipeline, *source, *lstm;
  GstBus *bus;
  GMutex lock; /* of what left, */
  GPtrArray *got;
  gboolean ended;   /* and whether the element has seen EOS, */
  gboolean got_all; /* the sink has the end of the stream, */
  GCond ends;       /* which is told */
} Player;

static void
player_init (Player *player, const Line *line)
{
  g_autofree gchar *x = get_vector_path (line->folder, "x.npy");

  *player = (Player){.line = line, .x = step_array_load (x), .dir = test_dir_new ()};
  player->state = g_build_filename (player->dir, "state", NULL);
  player->model = get_vector_path (line->folder, "model.safetensors");
  g_mutex_init (&player->lock);
  g_cond_init (&player->ends);
  player->got = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  if (line->in_bytes)
    player->x.streams = 1;
}

static void
player_clear (Player *player)
{
  test_dir_remove (player->dir);
  g_free (player->state);
  g_free (player->model);
  g_free (player->x.items);
  g_ptr_array_unref (player->got);
  g_mutex_clear (&player->lock);
  g_cond_clear (&player->ends);
}

/* The first @steps steps of x, as the line's source reads them. Returns: (transfer full) */
static gchar *
put_input (const Player *player, gsize steps)
{
  const StepArray *x = &player->x;
  g_autofree gchar *name = g_strdup_printf ("x-%" G_GSIZE_FORMAT, steps);
  g_autofree gfloat *items = step_array_copy (x, (guint) x->streams, 0, steps);
  g_autofree gchar *shape = g_strdup_printf ("(%" G_GSIZE_FORMAT ", %" G_GSIZE_FORMAT
                                             ", %" G_GSIZE_FORMAT ")",
      x->streams, steps, x->size);
  gchar *path = g_build_filename (player->dir, name, NULL);

  if (player->line->in_bytes)
    g_assert_true (g_file_set_contents (
        path, (const gchar *) items, (gssize) (steps * x->size * sizeof *items), NULL));
  else
    npy_write_floats (path, shape, items, x->streams * steps * x->size);
  return path;
}

/* Takes the steps of buffers apart: [bs, T, n] becomes T times [bs, n]. A flush drops all. */
static GstPadProbeReturn
on_output (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  Player *player = data;

  g_mutex_lock (&player->lock);
  if (GST_PAD_PROBE_INFO_TYPE (info) & GST_PAD_PROBE_TYPE_BUFFER) {
    GstBuffer *buffer = GST_PAD_PROBE_INFO_BUFFER (info);
    g_autoptr (GstCaps) caps = gst_pad_get_current_caps (pad);
    const GstStructure *s = gst_caps_get_structure (caps, 0);
    guint n = 1, steps = 1;
    GstMapInfo map;

    sscanf (gst_structure_get_string (s, "dimensions"), "%u:%u", &n, &steps);
    gst_buffer_map (buffer, &map, GST_MAP_READ);
    for (guint t = 0; t < steps; t++) {
      GByteArray *step = g_byte_array_new ();

      for (gsize b = 0; b < player->x.streams; b++)
        g_byte_array_append (step, map.data + (b * steps + t) * n * 4, n * 4);
      g_ptr_array_add (player->got, g_byte_array_free_to_bytes (step));
    }
    gst_buffer_unmap (buffer, &map);
  } else if (GST_EVENT_TYPE (GST_PAD_PROBE_INFO_EVENT (info)) == GST_EVENT_FLUSH_STOP) {
    g_ptr_array_set_size (player->got, 0);
    player->got_all = FALSE;
  } else if (GST_EVENT_TYPE (GST_PAD_PROBE_INFO_EVENT (info)) == GST_EVENT_EOS) {
    player->got_all = TRUE;
    g_cond_signal (&player->ends);
  }
  g_mutex_unlock (&player->lock);
  return GST_PAD_PROBE_OK;
}

static GstPadProbeReturn
on_event (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  Player *player = data;

  g_mutex_lock (&player->lock);
  player->ended |= GST_EVENT_TYPE (GST_PAD_PROBE_INFO_EVENT (info)) == GST_EVENT_EOS;
  g_cond_signal (&player->ends);
  g_mutex_unlock (&player->lock);
  return GST_PAD_PROBE_OK;
}

static void
add_probe (Player *player, const gchar *element, const gchar *name, GstPadProbeType type,
    GstPadProbeCallback probe)
{
  g_autoptr (GstElement) of = gst_bin_get_by_name (GST_BIN (player->pipeline), element);
  g_autoptr (GstPad) pad = gst_element_get_static_pad (of, name);

  gst_pad_add_probe (pad, type, probe, player, NULL);
}

/* A pipeline in READY, which keeps its state if @keeps. */
static void
player_open (Player *player, const gchar *path, gboolean keeps)
{
  const Line *line = player->line;
  g_autoptr (GError) error = NULL;
  g_autofree gchar *source = NULL;
  g_autofree gchar *text = NULL;

  if (line->in_bytes)
    source = g_strdup_printf ("filesrc name=source location=%s blocksize=%u ! capsfilter caps="
                              "\"" CAPS ("%u:%u", ",framerate=%s") "\"",
        path, line->steps * (guint) (player->x.size * sizeof (gfloat)), (guint) player->x.size,
        line->steps, line->framerate);
  else
    source = g_strdup_printf ("npysrc name=source location=%s framerate=%s steps-per-buffer=%u",
        path, line->framerate, line->steps);
  text = g_strdup_printf (
      "%s ! lstm name=lstm model-location=%s %s %s%s ! %s fakesink name=sink sync=false",
      source, player->model, line->properties, keeps ? "state-location=" : "",
      keeps ? player->state : "", line->behind ? line->behind : "");
  player->pipeline = gst_parse_launch (text, &error);
  g_assert_no_error (error);
  player->bus = gst_element_get_bus (player->pipeline);
  player->source = gst_bin_get_by_name (GST_BIN (player->pipeline), "source");
  player->lstm = gst_bin_get_by_name (GST_BIN (player->pipeline), "lstm");
  add_probe (player, "sink", "sink",
      GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM
          | GST_PAD_PROBE_TYPE_EVENT_FLUSH,
      on_output);
  add_probe (player, "lstm", "src", GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, on_event);
  player->ended = player->got_all = FALSE;
  g_ptr_array_set_size (player->got, 0);
  gst_element_set_state (player->pipeline, GST_STATE_READY);
}

static void
player_pause (Player *player)
{
  GstState state;

  gst_element_set_state (player->pipeline, GST_STATE_PAUSED);
  g_assert_cmpint (gst_element_get_state (player->pipeline, &state, NULL, GST_CLOCK_TIME_NONE),
      ==, GST_STATE_CHANGE_SUCCESS);
  g_assert_cmpint (state, ==, GST_STATE_PAUSED);
}

static void
player_close (Player *player)
{
  gst_element_set_state (player->pipeline, GST_STATE_NULL);
  g_assert_null (gst_bus_pop_filtered (player->bus, GST_MESSAGE_ERROR | GST_MESSAGE_WARNING));
  gst_object_unref (player->source);
  gst_object_unref (player->lstm);
  gst_object_unref (player->bus);
  gst_object_unref (player->pipeline);
}

/* Plays what remains, and closes. The message EOS may be that of a run before a seek, where the sink posted
 * it while the pipeline went to PAUSED: the event tells. */
static void
player_end (Player *player)
{
  const gint64 deadline = g_get_monotonic_time () + 100 * G_TIME_SPAN_SECOND;

  gst_element_set_state (player->pipeline, GST_STATE_PLAYING);
  g_mutex_lock (&player->lock);
  while (!player->got_all)
    g_assert_true (g_cond_wait_until (&player->ends, &player->lock, deadline));
  g_mutex_unlock (&player->lock);
  player_close (player);
}

/* One run over a file from its beginning to its end */
static void
play_whole (Player *player, gsize steps, gboolean keeps)
{
  g_autofree gchar *path = put_input (player, steps);

  player_open (player, path, keeps);
  player_end (player);
}

/* Where to go on, as the message says */
static void
read_restored (Player *player, guint64 *time, guint64 *steps)
{
  g_autoptr (GstMessage) message = NULL;

  do {
    g_clear_pointer (&message, gst_message_unref);
    message = gst_bus_pop_filtered (player->bus, GST_MESSAGE_ELEMENT);
    g_assert_nonnull (message);
  } while (!gst_message_has_name (message, "lstm-restored"));
  g_assert_true (gst_structure_get (gst_message_get_structure (message), "stream-time",
      G_TYPE_UINT64, time, "steps", G_TYPE_UINT64, steps, NULL));
}

static void
seek (Player *player, GstFormat format, guint64 position)
{
  g_assert_true (gst_element_seek (player->pipeline, 1, format,
      GST_SEEK_FLAG_FLUSH | GST_SEEK_FLAG_ACCURATE, GST_SEEK_TYPE_SET, (gint64) position,
      GST_SEEK_TYPE_NONE, -1));
}

/* A number of the file's metadata */
static guint64
read_number (const gchar *path, const gchar *key)
{
  g_autofree gchar *pattern = g_strdup_printf ("\"%s\":\"", key);
  g_autofree gchar *content = NULL;
  const gchar *found;
  gsize size;

  g_assert_true (g_file_get_contents (path, &content, &size, NULL));
  found = g_strstr_len (content + 8, (gssize) size - 8, pattern);
  g_assert_nonnull (found);
  return g_ascii_strtoull (found + strlen (pattern), NULL, 10);
}

/* --- How an application goes on --- */

static void
seek_to_time (Player *player)
{
  guint64 time, steps;

  player_pause (player);
  read_restored (player, &time, &steps);
  seek (player, GST_FORMAT_TIME, time);
}

static void
seek_to_step (Player *player)
{
  guint64 time, steps;

  player_pause (player);
  read_restored (player, &time, &steps);
  seek (player, GST_FORMAT_DEFAULT, steps);
}

static void
seek_twice (Player *player)
{
  guint64 time, steps;

  player_pause (player);
  read_restored (player, &time, &steps);
  seek (player, GST_FORMAT_TIME, 0);
  player_pause (player);
  seek (player, GST_FORMAT_TIME, time);
  player_pause (player);
}

static void
seek_before (Player *player)
{
  const guint64 time = read_number (player->state, "lstm.next-time");

  g_assert_true (gst_element_send_event (
      player->source, gst_event_new_seek (1, GST_FORMAT_TIME, GST_SEEK_FLAG_FLUSH,
                          GST_SEEK_TYPE_SET, (gint64) time, GST_SEEK_TYPE_NONE, -1)));
}

/* Plays from the beginning for a while, perhaps to the end, and is set to the state then. */
static void
set_state_later (Player *player)
{
  g_autofree gchar *content = NULL;
  g_autoptr (GBytes) bytes = NULL;
  guint64 time, steps;
  gboolean ok;
  gsize size;

  g_assert_true (g_file_get_contents (player->state, &content, &size, NULL));
  bytes = g_bytes_new (content, size);
  player_pause (player);
  read_restored (player, &time, &steps);
  gst_element_set_state (player->pipeline, GST_STATE_PLAYING);
  gst_element_get_state (player->pipeline, NULL, NULL, GST_CLOCK_TIME_NONE);
  player_pause (player);
  g_signal_emit_by_name (player->lstm, "set-state", bytes, &ok);
  g_assert_true (ok);
  read_restored (player, &time, &steps);
  seek (player, GST_FORMAT_TIME, time);
}

static const struct {
  const gchar *name;
  void (*go_on) (Player *player);
  gboolean in_bytes; /* also where the source counts bytes */
} ways[] = {
    {"time", seek_to_time, TRUE},
    {"steps", seek_to_step},
    {"twice", seek_twice, TRUE},
    {"ready", seek_before},
    {"set-state", set_state_later, TRUE},
};

/* What is left of @whole, the outputs of a run that was not broken off, after @steps steps */
static guint
count_left (const Player *player, const GPtrArray *whole, gsize steps)
{
  guint length = 1, hop = 1;
  gsize gone = steps;

  if (strstr (player->line->properties, "final"))
    return steps < player->x.length ? 1 : 0;
  if (sscanf (player->line->properties, "output-mode=window window-length=%u window-hop=%u",
          &length, &hop)
      == 2)
    gone = steps < length ? 0 : 1 + (steps - length) / hop;
  return whole->len - (guint) gone;
}

static void
check_position (Player *player, const GPtrArray *whole, guint way, gsize steps)
{
  g_autofree gchar *path = put_input (player, player->x.length);
  const guint left = count_left (player, whole, steps);

  play_whole (player, steps, TRUE);
  g_assert_cmpuint (read_number (player->state, "lstm.steps"), ==, steps);
  player_open (player, path, TRUE);
  ways[way].go_on (player);
  player_end (player);
  if (player->got->len != left)
    g_error ("%s after %" G_GSIZE_FORMAT " steps: expected %u outputs, got %u", ways[way].name,
        steps, left, player->got->len);
  for (guint i = 0; i < left; i++)
    if (!g_bytes_equal (g_ptr_array_index (player->got, i),
            g_ptr_array_index (whole, whole->len - left + i)))
      g_error ("%s after %" G_GSIZE_FORMAT " steps: output %u of %u is another", ways[way].name,
          steps, i, left);
  g_assert_cmpuint (read_number (player->state, "lstm.steps"), ==, player->x.length);
  g_assert_cmpint (g_unlink (player->state), ==, 0);
}

/* Wherever it is broken off, and however it is gone on from there */
static void
test_resume (gconstpointer data)
{
  const Line *line = data;
  const gsize unit = line->in_bytes ? line->steps : 1; /* of a position, steps */
  g_autoptr (GPtrArray) whole = NULL;
  Player player;

  player_init (&player, line);
  play_whole (&player, player.x.length, FALSE);
  whole = g_steal_pointer (&player.got);
  g_assert_cmpuint (whole->len, >, 0);
  player.got = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  for (guint way = 0; way < G_N_ELEMENTS (ways); way++)
    for (gsize i = 1 + way; i * unit <= player.x.length; i += line->stride)
      if (!line->in_bytes || ways[way].in_bytes)
        check_position (&player, whole, way, i * unit);
  player_clear (&player);
}

/* --- What a preroll leaves --- */

static void
do_nothing (Player *player)
{
}

/* All of the stream passes the element, into a queue. */
static void
wait_for_eos (Player *player)
{
  g_mutex_lock (&player->lock);
  while (!player->ended)
    g_cond_wait (&player->ends, &player->lock);
  g_mutex_unlock (&player->lock);
}

static void
reset (Player *player)
{
  g_signal_emit_by_name (player->lstm, "reset");
}

/* The state of another sequence, as get-state gave it */
static GBytes *
other_state (const Player *player)
{
  g_autoptr (LstmModel) model = lstm_model_load (player->model, NULL);
  g_autoptr (LstmState) state = lstm_state_new (model, player->x.streams, NULL);
  g_autofree gfloat *x = step_array_copy (&player->x, (guint) player->x.streams, 30, 2);

  lstm_state_run (state, 2, x, NULL);
  return lstm_state_save (state, 12345, 2);
}

static void
set_state (Player *player)
{
  g_autoptr (GBytes) bytes = other_state (player);
  gboolean ok;

  g_signal_emit_by_name (player->lstm, "set-state", bytes, &ok);
  g_assert_true (ok);
}

static void
set_state_at_eos (Player *player)
{
  wait_for_eos (player);
  set_state (player);
}

static void
seek_to_start (Player *player)
{
  seek (player, GST_FORMAT_TIME, 0);
  player_pause (player);
}

/* What is done in PAUSED before the element goes back to READY without having played, and the file's steps
 * then: those of before, unless the application has set others. */
static const struct {
  void (*act) (Player *player);
  const gchar *behind;
  guint64 steps; /* G_MAXUINT64: as before */
} prerolls[] = {
    {do_nothing, "", G_MAXUINT64},
    {wait_for_eos, QUEUE, G_MAXUINT64},
    {seek_to_start, "", G_MAXUINT64},
    {set_state, "", 2},
    {set_state_at_eos, QUEUE, 2},
    {reset, "", 0},
};

static GBytes *
read_file (const gchar *path)
{
  gchar *content;
  gsize size;

  return g_file_get_contents (path, &content, &size, NULL) ? g_bytes_new_take (content, size)
                                                           : NULL;
}

/* An application that looks at a stream and does not play it changes nothing of the file. */
static void
test_preroll (void)
{
  for (guint i = 0; i < 2 * G_N_ELEMENTS (prerolls); i++) {
    const Line line = {"seed-1x30", "30/1", "", 1, 1, FALSE, prerolls[i / 2].behind};
    const guint64 steps = prerolls[i / 2].steps;
    g_autoptr (GBytes) before = NULL, after = NULL;
    g_autofree gchar *path = NULL;
    Player player;

    player_init (&player, &line);
    if (i % 2)
      play_whole (&player, 9, TRUE);
    before = read_file (player.state);
    path = put_input (&player, player.x.length);
    player_open (&player, path, TRUE);
    player_pause (&player);
    prerolls[i / 2].act (&player);
    player_close (&player);
    after = read_file (player.state);
    g_test_message ("%u: %s", i, prerolls[i / 2].behind);
    if (steps != G_MAXUINT64)
      g_assert_cmpuint (read_number (player.state, "lstm.steps"), ==, steps);
    else if (before)
      g_assert_true (g_bytes_equal (after, before));
    else
      g_assert_null (after);
    player_clear (&player);
  }
}

/* What h and c are set to in PAUSED is what the next flush leads back to. */
static void
test_reset_in_preroll (void)
{
  const Line line = {"seed-1x30", "30/1", "", 1, 1};
  g_autoptr (GPtrArray) whole = NULL;
  g_autofree gchar *path = NULL;
  Player player;

  player_init (&player, &line);
  play_whole (&player, 9, TRUE);
  path = put_input (&player, player.x.length);
  player_open (&player, path, FALSE);
  player_end (&player);
  whole = g_steal_pointer (&player.got);
  player.got = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  player_open (&player, path, TRUE);
  player_pause (&player);
  reset (&player);
  seek_to_start (&player);
  player_end (&player);
  g_assert_cmpuint (player.got->len, ==, whole->len);
  for (guint i = 0; i < whole->len; i++)
    g_assert_true (
        g_bytes_equal (g_ptr_array_index (player.got, i), g_ptr_array_index (whole, i)));
  player_clear (&player);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (lines); i++) {
    g_autofree gchar *name = g_strdup_printf ("/lstm/resume/%" G_GSIZE_FORMAT, i);

    g_test_add_data_func (name, &lines[i], test_resume);
  }
  g_test_add_func ("/lstm/preroll", test_preroll);
  g_test_add_func ("/lstm/reset-in-preroll", test_reset_in_preroll);
  return g_test_run ();
}
