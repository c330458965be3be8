/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "player.h"
#include <stdio.h>

void
player_init (Player *player, const PlayerSetup *setup)
{
  g_autofree gchar *x = get_vector_path (setup->folder, "x.npy");

  *player = (Player){.setup = setup, .x = step_array_load (x), .dir = test_dir_new ()};
  player->state_path = g_build_filename (player->dir, "state", NULL);
  player->model_path = get_vector_path (setup->folder, "model.safetensors");
  g_mutex_init (&player->lock);
  g_cond_init (&player->cond);
  player->outputs = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  if (setup->in_bytes)
    player->x.streams = 1;
}

void
player_clear (Player *player)
{
  test_dir_remove (player->dir);
  g_free (player->state_path);
  g_free (player->model_path);
  g_free (player->x.items);
  g_ptr_array_unref (player->outputs);
  g_mutex_clear (&player->lock);
  g_cond_clear (&player->cond);
}

gchar *
player_write_input (const Player *player, gsize steps)
{
  const StepArray *x = &player->x;
  g_autofree gchar *name = g_strdup_printf ("x-%" G_GSIZE_FORMAT, steps);
  g_autofree gfloat *items = step_array_copy (x, (guint) x->streams, 0, steps);
  g_autofree gchar *shape = g_strdup_printf ("(%" G_GSIZE_FORMAT ", %" G_GSIZE_FORMAT
                                             ", %" G_GSIZE_FORMAT ")",
      x->streams, steps, x->size);
  gchar *path = g_build_filename (player->dir, name, NULL);

  if (player->setup->in_bytes)
    g_assert_true (g_file_set_contents (
        path, (const gchar *) items, (gssize) (steps * x->size * sizeof *items), NULL));
  else
    npy_write_floats (path, shape, items, x->streams * steps * x->size);
  return path;
}

/* Splits buffers into steps: [bs, T, n] becomes T times [bs, n]. A flush drops all steps. */
static GstPadProbeReturn
record_output (GstPad *pad, GstPadProbeInfo *info, gpointer data)
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
      g_ptr_array_add (player->outputs, g_byte_array_free_to_bytes (step));
    }
    gst_buffer_unmap (buffer, &map);
  } else if (GST_EVENT_TYPE (GST_PAD_PROBE_INFO_EVENT (info)) == GST_EVENT_FLUSH_STOP) {
    g_ptr_array_set_size (player->outputs, 0);
    player->sink_at_eos = FALSE;
  } else if (GST_EVENT_TYPE (GST_PAD_PROBE_INFO_EVENT (info)) == GST_EVENT_EOS) {
    player->sink_at_eos = TRUE;
    g_cond_signal (&player->cond);
  }
  g_mutex_unlock (&player->lock);
  return GST_PAD_PROBE_OK;
}

static GstPadProbeReturn
record_eos (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  Player *player = data;

  g_mutex_lock (&player->lock);
  player->element_at_eos |= GST_EVENT_TYPE (GST_PAD_PROBE_INFO_EVENT (info)) == GST_EVENT_EOS;
  g_cond_signal (&player->cond);
  g_mutex_unlock (&player->lock);
  return GST_PAD_PROBE_OK;
}

void
player_open (Player *player, const gchar *path, gboolean keep_state)
{
  const PlayerSetup *setup = player->setup;
  g_autoptr (GError) error = NULL;
  g_autofree gchar *source = NULL;
  g_autofree gchar *text = NULL;
  g_autoptr (GstElement) sink = NULL;

  if (setup->in_bytes)
    source = g_strdup_printf ("filesrc name=source location=%s blocksize=%u ! capsfilter caps="
                              "\"" CAPS ("%u:%u", ",framerate=%s") "\"",
        path, setup->steps * (guint) (player->x.size * sizeof (gfloat)), (guint) player->x.size,
        setup->steps, setup->framerate);
  else
    source = g_strdup_printf ("npysrc name=source location=%s framerate=%s steps-per-buffer=%u",
        path, setup->framerate, setup->steps);
  text = g_strdup_printf (
      "%s ! lstm name=lstm model-location=%s %s %s%s ! %s fakesink name=sink sync=false",
      source, player->model_path, setup->properties, keep_state ? "state-location=" : "",
      keep_state ? player->state_path : "", setup->elements ? setup->elements : "");
  player->pipeline = gst_parse_launch (text, &error);
  g_assert_no_error (error);
  player->bus = gst_element_get_bus (player->pipeline);
  player->source = gst_bin_get_by_name (GST_BIN (player->pipeline), "source");
  player->lstm = gst_bin_get_by_name (GST_BIN (player->pipeline), "lstm");
  sink = gst_bin_get_by_name (GST_BIN (player->pipeline), "sink");
  add_pad_probe (sink, "sink",
      GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM
          | GST_PAD_PROBE_TYPE_EVENT_FLUSH,
      record_output, player);
  add_pad_probe (player->lstm, "src", GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, record_eos, player);
  player->element_at_eos = player->sink_at_eos = FALSE;
  g_ptr_array_set_size (player->outputs, 0);
  gst_element_set_state (player->pipeline, GST_STATE_READY);
}

void
player_pause (Player *player)
{
  GstState state;

  gst_element_set_state (player->pipeline, GST_STATE_PAUSED);
  g_assert_cmpint (gst_element_get_state (player->pipeline, &state, NULL, GST_CLOCK_TIME_NONE),
      ==, GST_STATE_CHANGE_SUCCESS);
  g_assert_cmpint (state, ==, GST_STATE_PAUSED);
}

void
player_close (Player *player)
{
  gst_element_set_state (player->pipeline, GST_STATE_NULL);
  g_assert_null (gst_bus_pop_filtered (player->bus, GST_MESSAGE_ERROR | GST_MESSAGE_WARNING));
  gst_object_unref (player->source);
  gst_object_unref (player->lstm);
  gst_object_unref (player->bus);
  gst_object_unref (player->pipeline);
}

/* Waits for the event EOS: the message EOS may be from before a seek, if the sink posted it while
 * the pipeline went to PAUSED. */
void
player_finish (Player *player)
{
  const gint64 deadline = g_get_monotonic_time () + 100 * G_TIME_SPAN_SECOND;

  gst_element_set_state (player->pipeline, GST_STATE_PLAYING);
  g_mutex_lock (&player->lock);
  while (!player->sink_at_eos)
    g_assert_true (g_cond_wait_until (&player->cond, &player->lock, deadline));
  g_mutex_unlock (&player->lock);
  player_close (player);
}

void
player_play_file (Player *player, gsize steps, gboolean keep_state)
{
  g_autofree gchar *path = player_write_input (player, steps);

  player_open (player, path, keep_state);
  player_finish (player);
}

void
player_read_restored (Player *player, guint64 *time, guint64 *steps)
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

void
player_seek (Player *player, GstFormat format, guint64 position)
{
  g_assert_true (gst_element_seek (player->pipeline, 1, format,
      GST_SEEK_FLAG_FLUSH | GST_SEEK_FLAG_ACCURATE, GST_SEEK_TYPE_SET, (gint64) position,
      GST_SEEK_TYPE_NONE, -1));
}

guint64
read_metadata_number (const gchar *path, const gchar *key)
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

GPtrArray *
player_run_undisturbed (Player *player, gboolean keep_state)
{
  GPtrArray *outputs;

  player_play_file (player, player->x.length, keep_state);
  outputs = player->outputs;
  player->outputs = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  return outputs;
}
