/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * An interrupted stream continues, to the last bit. The application resumes it in the ways that
 * docs/streaming.md specifies. */
#include "player.h"
#include <glib/gstdio.h>
#include <stdio.h>

static const PlayerSetup setups[] = {
    {"seed-1x30", "30/1", "", 1, 2},
    {"seed-1x30", "30000/1001", "", 4, 7},
    {"seed-1x30", "7/3", "output-mode=window window-length=7 window-hop=3", 1, 7},
    {"seed-1x30", "24/1", "output-mode=window window-length=3 window-hop=5", 2, 7},
    {"seed-1x30", "48000/1", "output-mode=final", 1, 7},
    {"seed-1x30", "30/1", "stateful=true", 1, 11},
    {"seed-1x30", "30/1", "", 1, 11, FALSE,
        QUEUE}, /* the complete stream passes `lstm` before PLAYING */
    {"seed-1x30", "24000/1001", "", 1, 7, TRUE},
    {"seed-1x30", "60/1", "", 3, 7, TRUE},
    {"head", "25/1", "", 5, 11},
    {"three-layers", "1/1", "", 1, 11},
};

/* --- Ways to resume --- */

/* Pauses the pipeline and reads the position at which the stream continues. */
static void
pause_and_read_position (Player *player, guint64 *time, guint64 *steps)
{
  player_pause (player);
  player_read_restored (player, time, steps);
}

static void
seek_to_time (Player *player)
{
  guint64 time, steps;

  pause_and_read_position (player, &time, &steps);
  player_seek (player, GST_FORMAT_TIME, time);
}

static void
seek_to_step (Player *player)
{
  guint64 time, steps;

  pause_and_read_position (player, &time, &steps);
  player_seek (player, GST_FORMAT_DEFAULT, steps);
}

static void
seek_twice (Player *player)
{
  guint64 time, steps;

  pause_and_read_position (player, &time, &steps);
  player_seek (player, GST_FORMAT_TIME, 0);
  player_pause (player);
  player_seek (player, GST_FORMAT_TIME, time);
  player_pause (player);
}

static void
seek_in_ready (Player *player)
{
  const guint64 time = read_metadata_number (player->state_path, "lstm.next-time");

  g_assert_true (gst_element_send_event (
      player->source, gst_event_new_seek (1, GST_FORMAT_TIME, GST_SEEK_FLAG_FLUSH,
                          GST_SEEK_TYPE_SET, (gint64) time, GST_SEEK_TYPE_NONE, -1)));
}

/* Plays from the beginning for a while, perhaps to the end, and then sets the state. */
static void
set_state_later (Player *player)
{
  g_autofree gchar *content = NULL;
  g_autoptr (GBytes) bytes = NULL;
  guint64 time, steps;
  gboolean ok;
  gsize size;

  g_assert_true (g_file_get_contents (player->state_path, &content, &size, NULL));
  bytes = g_bytes_new (content, size);
  pause_and_read_position (player, &time, &steps);
  gst_element_set_state (player->pipeline, GST_STATE_PLAYING);
  gst_element_get_state (player->pipeline, NULL, NULL, GST_CLOCK_TIME_NONE);
  player_pause (player);
  g_signal_emit_by_name (player->lstm, "set-state", bytes, &ok);
  g_assert_true (ok);
  player_read_restored (player, &time, &steps);
  player_seek (player, GST_FORMAT_TIME, time);
}

static const struct {
  const gchar *name;
  void (*resume) (Player *player);
  gboolean in_bytes; /* works also with a source that counts bytes */
} ways[] = {
    {"time", seek_to_time, TRUE},
    {"steps", seek_to_step},
    {"twice", seek_twice, TRUE},
    {"ready", seek_in_ready},
    {"set-state", set_state_later, TRUE},
};

/* Returns how many outputs remain after @steps steps. @undisturbed: the outputs of the run without
 * an interruption */
static guint
count_remaining (const Player *player, const GPtrArray *undisturbed, gsize steps)
{
  guint length = 1, hop = 1;
  gsize pushed = steps;

  if (strstr (player->setup->properties, "final"))
    return steps < player->x.length ? 1 : 0;
  if (sscanf (player->setup->properties, "output-mode=window window-length=%u window-hop=%u",
          &length, &hop)
      == 2)
    pushed = steps < length ? 0 : 1 + (steps - length) / hop;
  return undisturbed->len - (guint) pushed;
}

static void
check_position (Player *player, const GPtrArray *undisturbed, guint way, gsize steps)
{
  g_autofree gchar *path = player_write_input (player, player->x.length);
  const guint remaining = count_remaining (player, undisturbed, steps);

  player_play_file (player, steps, TRUE);
  g_assert_cmpuint (read_metadata_number (player->state_path, "lstm.steps"), ==, steps);
  player_open (player, path, TRUE);
  ways[way].resume (player);
  player_finish (player);
  if (player->outputs->len != remaining)
    g_error ("%s after %" G_GSIZE_FORMAT " steps: expected %u outputs, found %u",
        ways[way].name, steps, remaining, player->outputs->len);
  for (guint i = 0; i < remaining; i++)
    if (!g_bytes_equal (g_ptr_array_index (player->outputs, i),
            g_ptr_array_index (undisturbed, undisturbed->len - remaining + i)))
      g_error ("%s after %" G_GSIZE_FORMAT " steps: output %u of %u differs", ways[way].name,
          steps, i, remaining);
  g_assert_cmpuint (
      read_metadata_number (player->state_path, "lstm.steps"), ==, player->x.length);
  g_assert_cmpint (g_unlink (player->state_path), ==, 0);
}

/* A stream is interrupted at any position and resumed in any way. */
static void
test_resume (gconstpointer data)
{
  const PlayerSetup *setup = data;
  const gsize unit = setup->in_bytes ? setup->steps : 1; /* positions are multiples, in steps */
  g_autoptr (GPtrArray) undisturbed = NULL;
  Player player;

  player_init (&player, setup);
  undisturbed = player_run_undisturbed (&player, FALSE);
  g_assert_cmpuint (undisturbed->len, >, 0);
  for (guint way = 0; way < G_N_ELEMENTS (ways); way++)
    for (gsize i = 1 + way; i * unit <= player.x.length; i += setup->stride)
      if (!setup->in_bytes || ways[way].in_bytes)
        check_position (&player, undisturbed, way, i * unit);
  player_clear (&player);
}

int
main (int argc, char **argv)
{
  test_init (&argc, &argv);
  for (gsize i = 0; i < G_N_ELEMENTS (setups); i++) {
    g_autofree gchar *name = g_strdup_printf ("/lstm-resume/%" G_GSIZE_FORMAT, i);

    g_test_add_data_func (name, &setups[i], test_resume);
  }
  return g_test_run ();
}
