/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Elements that pause_element while another element loads its model. The load waits until the test
 * unblocks it. */
#include "lstm-rig.h"
#include "slow-models.h"

#define OTHER "seed-1x30" /* vector of an element with another model file */

typedef struct {
  GstElement *lstm;
  GstBus *bus;
  GThread *thread;
} Starter;

static gpointer
pause_element (gpointer lstm)
{
  return GINT_TO_POINTER (gst_element_set_state (lstm, GST_STATE_PAUSED));
}

/* Sets a new element to PAUSED in another thread. */
static void
starter_init (Starter *starter, const gchar *path)
{
  starter->lstm = gst_object_ref_sink (gst_element_factory_make ("lstm", NULL));
  starter->bus = gst_bus_new ();
  gst_element_set_bus (starter->lstm, starter->bus);
  g_object_set (starter->lstm, "model-location", path, NULL);
  starter->thread = g_thread_new ("pause_element", pause_element, starter->lstm);
}

/* Asserts that the change to PAUSED returned @expected. */
static void
starter_join (Starter *starter, GstStateChangeReturn expected)
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

/* Creates a directory with a model whose first load is blocked. Returns: (transfer full): the
 * directory */
static gchar *
create_model (SlowModel *model, const gchar *folder)
{
  gchar *dir = test_dir_new ();
  g_autofree gchar *file = folder ? get_vector_path (folder, "model.safetensors") : NULL;

  slow_converter_install (dir);
  slow_model_init (model, dir, "model.keras", file);
  slow_model_block_load (model);
  return dir;
}

static void
remove_model (SlowModel *model, gchar *dir)
{
  slow_model_clear (model);
  test_dir_remove (dir);
}

/* While the load is blocked, one element stops, and another one starts, runs and stops. */
static void
test_others (void)
{
  Starter starter;
  SlowModel model;
  Rig before, meanwhile;
  gchar *dir = create_model (&model, "seed-1x30");

  rig_init (&before, OTHER, "");
  rig_begin_stream (&before);
  rig_push_and_expect (&before, 0, 5);
  starter_init (&starter, model.path);
  slow_model_await_load (&model);
  rig_assert_outputs (&before);
  rig_clear (&before);
  rig_init (&meanwhile, OTHER, "");
  rig_begin_stream (&meanwhile);
  rig_push_and_expect (&meanwhile, 0, 5);
  rig_assert_outputs (&meanwhile);
  rig_clear (&meanwhile);
  slow_model_unblock_load (&model);
  starter_join (&starter, GST_STATE_CHANGE_SUCCESS);
  starter_clear (&starter);
  remove_model (&model, dir);
}

/* Elements with the same file load it once. After all of them have stopped, the file is loaded
 * again. */
static void
test_same (void)
{
  Starter starters[4];
  SlowModel model;
  gchar *dir = create_model (&model, "seed-1x30");

  starter_init (&starters[0], model.path);
  slow_model_await_load (&model);
  starter_init (&starters[1], model.path);
  starter_init (&starters[2], model.path);
  slow_model_unblock_load (&model);
  for (guint i = 0; i < 3; i++)
    starter_join (&starters[i], GST_STATE_CHANGE_SUCCESS);
  g_assert_cmpuint (slow_model_count_runs (&model), ==, 1);
  for (guint i = 0; i < 3; i++)
    starter_clear (&starters[i]);
  starter_init (&starters[3], model.path);
  starter_join (&starters[3], GST_STATE_CHANGE_SUCCESS);
  g_assert_cmpuint (slow_model_count_runs (&model), ==, 1);
  starter_clear (&starters[3]);
  remove_model (&model, dir);
}

/* If the load fails, each of the elements posts the error. */
static void
test_failure (void)
{
  Starter starters[3];
  SlowModel model;
  gchar *dir = create_model (&model, NULL);

  starter_init (&starters[0], model.path);
  slow_model_await_load (&model);
  starter_init (&starters[1], model.path);
  starter_init (&starters[2], model.path);
  slow_model_unblock_load (&model);
  for (guint i = 0; i < 3; i++) {
    g_autoptr (GstMessage) message = NULL;
    g_autoptr (GError) error = NULL;

    starter_join (&starters[i], GST_STATE_CHANGE_FAILURE);
    message = gst_bus_pop_filtered (starters[i].bus, GST_MESSAGE_ERROR);
    g_assert_nonnull (message);
    gst_message_parse_error (message, &error, NULL);
    g_assert_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_OPEN_READ);
    g_assert_nonnull (strstr (error->message, "model.keras.safetensors"));
    starter_clear (&starters[i]);
  }
  remove_model (&model, dir);
}

/* The file is replaced during the load. The next element loads the new file without waiting, and
 * later elements share the new model. */
static void
test_replaced (void)
{
  g_autofree gchar *other = get_vector_path ("head", "model.safetensors");
  Starter starters[3];
  SlowModel model;
  gchar *dir = create_model (&model, "seed-1x30");

  starter_init (&starters[0], model.path);
  slow_model_await_load (&model);
  slow_model_write (&model, other);
  starter_init (&starters[1], model.path);
  starter_join (&starters[1], GST_STATE_CHANGE_SUCCESS);
  g_assert_cmpuint (slow_model_count_runs (&model), ==, 2);
  slow_model_unblock_load (&model);
  starter_join (&starters[0], GST_STATE_CHANGE_SUCCESS);
  starter_clear (&starters[0]);
  starter_init (&starters[2], model.path);
  starter_join (&starters[2], GST_STATE_CHANGE_SUCCESS);
  g_assert_cmpuint (slow_model_count_runs (&model), ==, 0);
  starter_clear (&starters[1]);
  starter_clear (&starters[2]);
  remove_model (&model, dir);
}

/* Elements load an ONNX model again if only a file with its weights has changed. */
static void
test_external_data (void)
{
  static const gchar onnx[] = "\x08\x07\x3a\x15\x0a\x08location\x12\x07weights";
  g_autofree gchar *file = get_vector_path ("seed-1x30", "model.safetensors");
  gchar *dir = test_dir_new ();
  g_autofree gchar *data = g_build_filename (dir, "weights", NULL);
  Starter starters[4];
  SlowModel model;

  slow_converter_install (dir);
  slow_model_init (&model, dir, "model.onnx", file);
  g_assert_true (g_file_set_contents (model.path, onnx, sizeof onnx - 1, NULL));
  for (guint i = 0; i < 4; i++) {
    if (i % 2 == 0)
      g_assert_true (g_file_set_contents (data, i == 0 ? "one" : "two", -1, NULL));
    starter_init (&starters[i], model.path);
    starter_join (&starters[i], GST_STATE_CHANGE_SUCCESS);
    g_assert_cmpuint (slow_model_count_runs (&model), ==, i % 2 == 0);
  }
  for (guint i = 0; i < 4; i++)
    starter_clear (&starters[i]);
  remove_model (&model, dir);
}

int
main (int argc, char **argv)
{
  static const TestRow tests[] = {
      {"/lstm-loading/others", test_others},
      {"/lstm-loading/same", test_same},
      {"/lstm-loading/failure", test_failure},
      {"/lstm-loading/replaced", test_replaced},
      {"/lstm-loading/external-data", test_external_data},
  };

  return test_main (argc, argv, tests, G_N_ELEMENTS (tests));
}
