/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The state file after a pipeline prerolls and does not play. */
#include "player.h"

static void
do_nothing (Player *player)
{
}

/* Waits until the complete stream has passed the element into a queue. */
static void
wait_for_eos (Player *player)
{
  g_mutex_lock (&player->lock);
  while (!player->element_at_eos)
    g_cond_wait (&player->cond, &player->lock);
  g_mutex_unlock (&player->lock);
}

static void
emit_reset (Player *player)
{
  g_signal_emit_by_name (player->lstm, "reset");
}

/* Returns: (transfer full): a state of another sequence, as get-state returns it */
static GBytes *
save_other_state (const Player *player)
{
  g_autoptr (LstmModel) model = lstm_model_load (player->model_path, NULL);
  g_autoptr (LstmState) state = lstm_state_new (model, player->x.streams, NULL);
  g_autofree gfloat *x = step_array_copy (&player->x, (guint) player->x.streams, 30, 2);

  lstm_state_run (state, 2, x, NULL);
  return lstm_state_save (state, 12345, 2);
}

static void
set_state (Player *player)
{
  g_autoptr (GBytes) bytes = save_other_state (player);
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
  player_seek (player, GST_FORMAT_TIME, 0);
  player_pause (player);
}

/* An action in PAUSED, before the element returns to READY without having played. The file keeps
 * its steps, unless the application has set other ones. */
static const struct {
  void (*act) (Player *player);
  const gchar *elements; /* between `lstm` and the sink */
  guint64 steps;         /* steps that the file then has; G_MAXUINT64: unchanged */
} prerolls[] = {
    {do_nothing, "", G_MAXUINT64},
    {wait_for_eos, QUEUE, G_MAXUINT64},
    {seek_to_start, "", G_MAXUINT64},
    {set_state, "", 2},
    {set_state_at_eos, QUEUE, 2},
    {emit_reset, "", 0},
};

/* Returns: (transfer full) (nullable): NULL if there is no file */
static GBytes *
read_file_bytes (const gchar *path)
{
  gchar *content;
  gsize size;

  return g_file_get_contents (path, &content, &size, NULL) ? g_bytes_new_take (content, size)
                                                           : NULL;
}

/* An application that prerolls a stream and does not play it does not change the file. */
static void
test_state_file (void)
{
  for (guint i = 0; i < 2 * G_N_ELEMENTS (prerolls); i++) {
    const PlayerSetup setup = {"seed-1x30", "30/1", "", 1, 1, FALSE, prerolls[i / 2].elements};
    const guint64 steps = prerolls[i / 2].steps;
    g_autoptr (GBytes) before = NULL, after = NULL;
    g_autofree gchar *path = NULL;
    Player player;

    player_init (&player, &setup);
    if (i % 2)
      player_play_file (&player, 9, TRUE);
    before = read_file_bytes (player.state_path);
    path = player_write_input (&player, player.x.length);
    player_open (&player, path, TRUE);
    player_pause (&player);
    prerolls[i / 2].act (&player);
    player_close (&player);
    after = read_file_bytes (player.state_path);
    g_test_message ("%u: %s", i, prerolls[i / 2].elements);
    if (steps != G_MAXUINT64)
      g_assert_cmpuint (read_metadata_number (player.state_path, "lstm.steps"), ==, steps);
    else if (before)
      g_assert_true (g_bytes_equal (after, before));
    else
      g_assert_null (after);
    player_clear (&player);
  }
}

/* A flush restores the h and c that were set in PAUSED. */
static void
test_reset (void)
{
  const PlayerSetup setup = {"seed-1x30", "30/1", "", 1, 1};
  g_autoptr (GPtrArray) undisturbed = NULL;
  g_autofree gchar *path = NULL;
  Player player;

  player_init (&player, &setup);
  player_play_file (&player, 9, TRUE);
  path = player_write_input (&player, player.x.length);
  undisturbed = player_run_undisturbed (&player, FALSE);
  player_open (&player, path, TRUE);
  player_pause (&player);
  emit_reset (&player);
  seek_to_start (&player);
  player_finish (&player);
  g_assert_cmpuint (player.outputs->len, ==, undisturbed->len);
  for (guint i = 0; i < undisturbed->len; i++)
    g_assert_true (g_bytes_equal (
        g_ptr_array_index (player.outputs, i), g_ptr_array_index (undisturbed, i)));
  player_clear (&player);
}

int
main (int argc, char **argv)
{
  static const TestRow tests[] = {
      {"/lstm-preroll/state-file", test_state_file},
      {"/lstm-preroll/reset", test_reset},
  };

  return test_main (argc, argv, tests, G_N_ELEMENTS (tests));
}
