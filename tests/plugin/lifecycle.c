/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Elements that start and stop while data comes, for a number of rounds (LSTM_TEST_ROUNDS): what
 * reaches them is neither lost nor harms. And all that may reach one that has not started. */
#include "../array.h"
#include "lifecycle-rig.h"
#include "slow-models.h"

#define ENOUGH 5 /* buffers that leave, or come to a sink, before a round ends */

/* --- A thread that pushes --- */

typedef struct {
  LifecycleRig *rig;
  GThread *thread;
  GMutex lock;
  GCond changed;
  gboolean pushing, paused, ends;
} Pusher;

/* FALSE at the end */
static gboolean
pusher_may_push (Pusher *pusher)
{
  gboolean may_push;

  g_mutex_lock (&pusher->lock);
  pusher->pushing = FALSE;
  g_cond_broadcast (&pusher->changed);
  while (pusher->paused && !pusher->ends)
    g_cond_wait (&pusher->changed, &pusher->lock);
  may_push = pusher->pushing = !pusher->ends;
  g_mutex_unlock (&pusher->lock);
  return may_push;
}

/* As a live source: an element that does not take a buffer misses it. */
static gpointer
push_for_ever (gpointer data)
{
  Pusher *pusher = data;

  lifecycle_rig_push_events (pusher->rig);
  for (guint i = 0; pusher_may_push (pusher); i++) {
    gst_pad_push (pusher->rig->test_src, lifecycle_buffer_new (pusher->rig->kind, i));
    g_usleep (100);
  }
  return NULL;
}

static void
pusher_begin (Pusher *pusher, LifecycleRig *rig)
{
  *pusher = (Pusher){.rig = rig};
  g_mutex_init (&pusher->lock);
  g_cond_init (&pusher->changed);
  pusher->thread = g_thread_new ("push", push_for_ever, pusher);
}

/* Returns when nothing is on its way. */
static void
pusher_pause (Pusher *pusher)
{
  g_mutex_lock (&pusher->lock);
  pusher->paused = TRUE;
  while (pusher->pushing)
    g_cond_wait (&pusher->changed, &pusher->lock);
  g_mutex_unlock (&pusher->lock);
}

static void
pusher_resume (Pusher *pusher)
{
  g_mutex_lock (&pusher->lock);
  pusher->paused = FALSE;
  g_cond_broadcast (&pusher->changed);
  g_mutex_unlock (&pusher->lock);
}

static void
pusher_end (Pusher *pusher)
{
  g_mutex_lock (&pusher->lock);
  pusher->ends = TRUE;
  g_cond_broadcast (&pusher->changed);
  g_mutex_unlock (&pusher->lock);
  g_thread_join (pusher->thread);
  g_mutex_clear (&pusher->lock);
  g_cond_clear (&pusher->changed);
}

/* --- Rounds --- */

/* Two models that take as long to load, in a folder that has the files of the tests too */
typedef struct {
  gchar *dir;
  gchar *models[2];
} Files;

/* One round for @every of what is asked for. */
typedef struct {
  const gchar *seconds; /* that a model takes to load; NULL: as it does */
  guint every;
} Delay;

static const Delay delays[] = {{NULL, 1}, {"0.1", 10}, {"1", 100}};

static guint
n_rounds (const Delay *delay)
{
  const gchar *text = g_getenv ("LSTM_TEST_ROUNDS");
  const guint n = text ? (guint) g_ascii_strtoull (text, NULL, 10) : 100;

  return MAX (n / delay->every, 1);
}

static void
files_init (Files *files, const gchar *seconds)
{
  static const gchar *const folders[] = {"seed-1x30", "effect"};

  files->dir = test_dir_new ();
  slow_converter_install (files->dir);
  for (guint i = 0; i < 2; i++) {
    g_autofree gchar *name = g_build_filename ("lstm", folders[i], "model.safetensors", NULL);
    g_autofree gchar *path = test_vector_path (name);
    SlowModel model = {.path = g_build_filename (files->dir, folders[i], NULL)};

    if (seconds) {
      slow_model_write (&model, path);
      slow_model_set_delay (&model, seconds);
    }
    files->models[i] = seconds ? g_strdup (model.path) : g_steal_pointer (&path);
    g_free (model.path);
  }
}

static void
files_clear (Files *files)
{
  g_free (files->models[0]);
  g_free (files->models[1]);
  test_dir_remove (files->dir);
}

static void
play_until_enough (LifecycleRig *rig)
{
  g_assert_cmpint (
      gst_element_set_state (rig->element, GST_STATE_PLAYING), !=, GST_STATE_CHANGE_FAILURE);
  g_mutex_lock (&rig->lock);
  while ((rig->test_sink ? rig->n_outputs : rig->inputs->len) < ENOUGH)
    g_cond_wait (&rig->changed, &rig->lock);
  g_mutex_unlock (&rig->lock);
}

/* In READY while data comes, or when none does and all that came can be looked at. */
static void
end_round (LifecycleRig *rig, Pusher *pusher, gboolean look, const gchar *model)
{
  if (look)
    pusher_pause (pusher);
  gst_element_set_state (rig->element, GST_STATE_READY);
  if (look)
    lifecycle_rig_assert_complete (rig, model);
  lifecycle_rig_clear_records (rig);
}

/* The same element again and again, with another model each time */
static void
restart (const LifecycleElement *kind, const Delay *delay)
{
  Files files;
  Pusher pusher;
  LifecycleRig rig;

  files_init (&files, delay->seconds);
  lifecycle_rig_init (&rig, kind, files.dir);
  lifecycle_rig_add_element (&rig, files.models[0]);
  lifecycle_rig_link (&rig);
  pusher_begin (&pusher, &rig);
  for (guint i = 0; i < n_rounds (delay); i++) {
    const gchar *model = files.models[i / 2 % 2];

    if (kind->loads_model)
      g_object_set (rig.element, "model-location", model, NULL);
    pusher_resume (&pusher);
    play_until_enough (&rig);
    end_round (&rig, &pusher, i % 2 == 0, model);
  }
  pusher_end (&pusher);
  lifecycle_rig_clear (&rig);
  files_clear (&files);
}

/* A new element each time, which is linked to a running tee and then started, as sync_state_with_parent()
 * does it */
static void
branch (const LifecycleElement *kind, const Delay *delay)
{
  g_autoptr (GstElement) tee = gst_object_ref_sink (gst_element_factory_make ("tee", NULL));
  g_autoptr (GstPad) trunk = gst_element_get_static_pad (tee, "sink");
  Files files;
  Pusher pusher;
  LifecycleRig rig;

  files_init (&files, delay->seconds);
  lifecycle_rig_init (&rig, kind, files.dir);
  g_object_set (tee, "allow-not-linked", TRUE, NULL);
  g_assert_cmpint (gst_pad_link (rig.test_src, trunk), ==, GST_PAD_LINK_OK);
  gst_element_set_state (tee, GST_STATE_PLAYING);
  pusher_begin (&pusher, &rig);
  for (guint i = 0; i < n_rounds (delay); i++) {
    g_autoptr (GstPad) pad = gst_element_request_pad_simple (tee, "src_%u");

    lifecycle_rig_add_element (&rig, files.models[0]);
    g_assert_cmpint (gst_pad_link (pad, rig.sink_pad), ==, GST_PAD_LINK_OK);
    pusher_resume (&pusher);
    play_until_enough (&rig);
    end_round (&rig, &pusher, i % 2 == 0, files.models[0]);
    gst_pad_unlink (pad, rig.sink_pad);
    lifecycle_rig_remove_element (&rig);
    gst_element_release_request_pad (tee, pad);
  }
  pusher_end (&pusher);
  gst_element_set_state (tee, GST_STATE_NULL);
  lifecycle_rig_clear (&rig);
  files_clear (&files);
}

/* A test is an element, a way to start it and a time that it takes. */
typedef struct {
  const LifecycleElement *kind;
  const Delay *delay;
  void (*run) (const LifecycleElement *kind, const Delay *delay);
} Case;

static void
test_case (gconstpointer data)
{
  const Case *test = data;

  test->run (test->kind, test->delay);
}

static void
add_cases (const gchar *way, void (*run) (const LifecycleElement *kind, const Delay *delay))
{
  static Case cases[2 * N_LIFECYCLE_ELEMENTS * G_N_ELEMENTS (delays)];
  static guint n_cases;

  for (guint i = 0; i < N_LIFECYCLE_ELEMENTS; i++)
    for (guint k = 0; k < (lifecycle_elements[i].loads_model ? G_N_ELEMENTS (delays) : 1);
         k++) {
      const gchar *seconds = delays[k].seconds ? delays[k].seconds : "0";
      g_autofree gchar *path = g_strdup_printf (
          "/lifecycle/%s/%s/%s", way, lifecycle_elements[i].name, seconds);

      g_assert_cmpuint (n_cases, <, G_N_ELEMENTS (cases));
      cases[n_cases] = (Case){&lifecycle_elements[i], &delays[k], run};
      g_test_add_data_func (path, &cases[n_cases++], test_case);
    }
}

/* --- A source --- */

typedef struct {
  GstElement *source;
  gint ends;
} Seeker;

static gpointer
seek_for_ever (gpointer data)
{
  Seeker *seeker = data;
  g_autoptr (GstPad) pad = gst_element_get_static_pad (seeker->source, "src");

  for (guint i = 0; !g_atomic_int_get (&seeker->ends); i++)
    gst_pad_send_event (
        pad, gst_event_new_seek (1, GST_FORMAT_TIME,
                 i % 2 ? GST_SEEK_FLAG_FLUSH : GST_SEEK_FLAG_NONE, GST_SEEK_TYPE_SET,
                 i % 3 * GST_SECOND, GST_SEEK_TYPE_NONE, -1));
  return NULL;
}

/* Seeks come while npysrc starts and stops; afterwards it sends its whole file. GstBaseSrc may send a
 * buffer before its segment, where a flush comes as it starts. */
static void
test_seeks (void)
{
  gchar *dir = test_dir_new ();
  g_autofree gchar *x = g_build_filename (dir, "x.npy", NULL);
  g_autofree gchar *y = g_build_filename (dir, "y.npy", NULL);
  TestArray sent, got;
  g_autofree gchar *line = g_strdup_printf (
      "npysrc name=source location=%s ! npysink async=false location=%s", x, y);
  g_autoptr (GstElement) pipeline = NULL;
  g_autoptr (GstBus) bus = NULL;
  g_autoptr (GstMessage) message = NULL;
  Seeker seeker = {NULL};
  GThread *thread;

  lifecycle_allow_data_before_events ();
  npy_write_numbers (x, "(300, 4)", 1200);
  pipeline = gst_object_ref_sink (gst_parse_launch (line, NULL));
  bus = gst_element_get_bus (pipeline);
  seeker.source = gst_bin_get_by_name (GST_BIN (pipeline), "source");
  thread = g_thread_new ("seek", seek_for_ever, &seeker);
  for (guint i = 0; i < n_rounds (&delays[0]); i++) {
    gst_element_set_state (pipeline, GST_STATE_PLAYING);
    gst_element_set_state (pipeline, GST_STATE_READY);
  }
  g_atomic_int_set (&seeker.ends, TRUE);
  g_thread_join (thread);
  gst_bus_set_flushing (bus, TRUE);
  gst_bus_set_flushing (bus, FALSE);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  message = gst_bus_timed_pop_filtered (
      bus, GST_CLOCK_TIME_NONE, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  g_assert_cmpstr (GST_MESSAGE_TYPE_NAME (message), ==, "eos");
  gst_element_set_state (pipeline, GST_STATE_NULL);
  sent = test_array_load (x, NULL);
  got = test_array_load (y, NULL);
  g_assert_cmpmem (got.values, got.n * sizeof (gfloat), sent.values, sent.n * sizeof (gfloat));
  test_array_clear (&sent);
  test_array_clear (&got);
  gst_object_unref (seeker.source);
  test_dir_remove (dir);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  add_cases ("branch", branch);
  add_cases ("restart", restart);
  g_test_add_func ("/lifecycle/seeks", test_seeks);
  return g_test_run ();
}
