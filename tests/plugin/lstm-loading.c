/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Elements that start while another one loads its model, which waits until the test lets it go on. */
#include "lstm-rig.h"
#include "slow-models.h"

#define OTHER "seed-1x30" /* of an element with a file of its own */

typedef struct {
  GstElement *lstm;
  GstBus *bus;
  GThread *thread;
} Starter;

static gpointer
start (gpointer lstm)
{
  return GINT_TO_POINTER (gst_element_set_state (lstm, GST_STATE_PAUSED));
}

/* Goes to PAUSED in a thread of its own. */
static void
starter_begin (Starter *starter, const gchar *path)
{
  starter->lstm = gst_object_ref_sink (gst_element_factory_make ("lstm", NULL));
  starter->bus = gst_bus_new ();
  gst_element_set_bus (starter->lstm, starter->bus);
  g_object_set (starter->lstm, "model-location", path, NULL);
  starter->thread = g_thread_new ("start", start, starter->lstm);
}

static void
starter_expect (Starter *starter, GstStateChangeReturn expected)
{
  const gint changed = GPOINTER_TO_INT (g_thread_join (starter->thread));

  g_assert_cmpint (changed, ==, (gint) expected);
}

static void
starter_clear (Starter *starter)
{
  gst_element_set_state (starter->lstm, GST_STATE_NULL);
  gst_element_set_bus (starter->lstm, NULL);
  gst_object_unref (starter->lstm);
  gst_object_unref (starter->bus);
}

/* The model of the tests in a new folder; the first load is held. Returns: (transfer full) */
static gchar *
set_up (SlowModel *model, const gchar *folder)
{
  gchar *dir = test_dir_new ();
  g_autofree gchar *file = folder ? get_vector_path (folder, "model.safetensors") : NULL;

  slow_converter_install (dir);
  slow_model_init (model, dir, "model.keras", file);
  slow_model_block_load (model);
  return dir;
}

static void
tear_down (SlowModel *model, gchar *dir)
{
  slow_model_clear (model);
  test_dir_remove (dir);
}

/* One stops that ran before, and another one starts, runs and stops, all while the load is held. */
static void
test_others (void)
{
  Starter starter;
  SlowModel model;
  Rig before, meanwhile;
  gchar *dir = set_up (&model, "seed-1x30");

  rig_init (&before, OTHER, "");
  rig_begin_stream (&before);
  rig_push_and_expect (&before, 0, 5);
  starter_begin (&starter, model.path);
  slow_model_await_load (&model);
  rig_assert_outputs (&before);
  rig_clear (&before);
  rig_init (&meanwhile, OTHER, "");
  rig_begin_stream (&meanwhile);
  rig_push_and_expect (&meanwhile, 0, 5);
  rig_assert_outputs (&meanwhile);
  rig_clear (&meanwhile);
  slow_model_unblock_load (&model);
  starter_expect (&starter, GST_STATE_CHANGE_SUCCESS);
  starter_clear (&starter);
  tear_down (&model, dir);
}

/* Elements with the same file load it once, and again when all of them have stopped. */
static void
test_same (void)
{
  Starter starters[4];
  SlowModel model;
  gchar *dir = set_up (&model, "seed-1x30");

  starter_begin (&starters[0], model.path);
  slow_model_await_load (&model);
  starter_begin (&starters[1], model.path);
  starter_begin (&starters[2], model.path);
  slow_model_unblock_load (&model);
  for (guint i = 0; i < 3; i++)
    starter_expect (&starters[i], GST_STATE_CHANGE_SUCCESS);
  g_assert_cmpuint (slow_model_count_runs (&model), ==, 1);
  for (guint i = 0; i < 3; i++)
    starter_clear (&starters[i]);
  starter_begin (&starters[3], model.path);
  starter_expect (&starters[3], GST_STATE_CHANGE_SUCCESS);
  g_assert_cmpuint (slow_model_count_runs (&model), ==, 1);
  starter_clear (&starters[3]);
  tear_down (&model, dir);
}

/* Each of them says what is wrong with the file. */
static void
test_failure (void)
{
  Starter starters[3];
  SlowModel model;
  gchar *dir = set_up (&model, NULL);

  starter_begin (&starters[0], model.path);
  slow_model_await_load (&model);
  starter_begin (&starters[1], model.path);
  starter_begin (&starters[2], model.path);
  slow_model_unblock_load (&model);
  for (guint i = 0; i < 3; i++) {
    g_autoptr (GstMessage) message = NULL;
    g_autoptr (GError) error = NULL;

    starter_expect (&starters[i], GST_STATE_CHANGE_FAILURE);
    message = gst_bus_pop_filtered (starters[i].bus, GST_MESSAGE_ERROR);
    g_assert_nonnull (message);
    gst_message_parse_error (message, &error, NULL);
    g_assert_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_OPEN_READ);
    g_assert_nonnull (strstr (error->message, "model.keras.safetensors"));
    starter_clear (&starters[i]);
  }
  tear_down (&model, dir);
}

/* A file that is replaced while it is loaded is loaded anew by the next one, which does not wait, and
 * whose model it is that others share. */
static void
test_replaced (void)
{
  g_autofree gchar *other = get_vector_path ("head", "model.safetensors");
  Starter starters[3];
  SlowModel model;
  gchar *dir = set_up (&model, "seed-1x30");

  starter_begin (&starters[0], model.path);
  slow_model_await_load (&model);
  slow_model_write (&model, other);
  starter_begin (&starters[1], model.path);
  starter_expect (&starters[1], GST_STATE_CHANGE_SUCCESS);
  g_assert_cmpuint (slow_model_count_runs (&model), ==, 2);
  slow_model_unblock_load (&model);
  starter_expect (&starters[0], GST_STATE_CHANGE_SUCCESS);
  starter_clear (&starters[0]);
  starter_begin (&starters[2], model.path);
  starter_expect (&starters[2], GST_STATE_CHANGE_SUCCESS);
  g_assert_cmpuint (slow_model_count_runs (&model), ==, 0);
  starter_clear (&starters[1]);
  starter_clear (&starters[2]);
  tear_down (&model, dir);
}

int
main (int argc, char **argv)
{
  static const TestRow tests[] = {
      {"/lstm-loading/others", test_others},
      {"/lstm-loading/same", test_same},
      {"/lstm-loading/failure", test_failure},
      {"/lstm-loading/replaced", test_replaced},
  };

  return test_main (argc, argv, tests, G_N_ELEMENTS (tests));
}
