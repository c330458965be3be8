/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Elements that start and stop while data arrives, for a number of rounds (LSTM_TEST_ROUNDS). An
 * element processes every buffer that arrives while it runs. */
#include "../array.h"
#include "lifecycle-rig.h"
#include "slow-models.h"

#define ROUND_BUFFERS 5 /* output buffers of a round; input buffers for a sink */

/* --- A thread that pushes --- */

typedef struct {
  LifecycleRig *rig;
  GThread *thread;
  GMutex lock;
  GCond changed;
  gboolean is_pushing, is_paused, has_ended;
} Pusher;

/* Waits while the pusher is paused. Returns FALSE at the end. */
static gboolean
pusher_may_push (Pusher *pusher)
{
  gboolean may_push;

  g_mutex_lock (&pusher->lock);
  pusher->is_pushing = FALSE;
  g_cond_broadcast (&pusher->changed);
  while (pusher->is_paused && !pusher->has_ended)
    g_cond_wait (&pusher->changed, &pusher->lock);
  may_push = pusher->is_pushing = !pusher->has_ended;
  g_mutex_unlock (&pusher->lock);
  return may_push;
}

/* Pushes buffers as a live source does: an element that does not accept a buffer misses it. */
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
pusher_start (Pusher *pusher, LifecycleRig *rig)
{
  *pusher = (Pusher){.rig = rig};
  g_mutex_init (&pusher->lock);
  g_cond_init (&pusher->changed);
  pusher->thread = g_thread_new ("push", push_for_ever, pusher);
}

/* Returns when the thread pushes nothing. */
static void
pusher_pause (Pusher *pusher)
{
  g_mutex_lock (&pusher->lock);
  pusher->is_paused = TRUE;
  while (pusher->is_pushing)
    g_cond_wait (&pusher->changed, &pusher->lock);
  g_mutex_unlock (&pusher->lock);
}

static void
pusher_resume (Pusher *pusher)
{
  g_mutex_lock (&pusher->lock);
  pusher->is_paused = FALSE;
  g_cond_broadcast (&pusher->changed);
  g_mutex_unlock (&pusher->lock);
}

static void
pusher_end (Pusher *pusher)
{
  g_mutex_lock (&pusher->lock);
  pusher->has_ended = TRUE;
  g_cond_broadcast (&pusher->changed);
  g_mutex_unlock (&pusher->lock);
  g_thread_join (pusher->thread);
  g_mutex_clear (&pusher->lock);
  g_cond_clear (&pusher->changed);
}

/* --- Rounds --- */

/* A directory with two models that take equally long to load */
typedef struct {
  gchar *dir;
  gchar *models[2]; /* paths */
} Files;

/* Time that a model takes to load */
typedef struct {
  const gchar *seconds; /* added to the time; NULL: none */
  guint divisor;        /* of the number of rounds */
} Delay;

static const Delay delays[] = {{NULL, 1}, {"0.1", 10}, {"1", 100}};

static guint
get_n_rounds (const Delay *delay)
{
  const gchar *text = g_getenv ("LSTM_TEST_ROUNDS");
  const guint n = text ? (guint) g_ascii_strtoull (text, NULL, 10) : 100;

  return MAX (n / delay->divisor, 1);
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
play_round (LifecycleRig *rig)
{
  g_assert_cmpint (
      gst_element_set_state (rig->element, GST_STATE_PLAYING), !=, GST_STATE_CHANGE_FAILURE);
  g_mutex_lock (&rig->lock);
  while ((rig->test_sink ? rig->n_outputs : rig->inputs->len) < ROUND_BUFFERS)
    g_cond_wait (&rig->changed, &rig->lock);
  g_mutex_unlock (&rig->lock);
}

/* Sets the element to READY. @check: whether to pause the pusher first, so that the outputs are
 * complete and can be compared */
static void
end_round (LifecycleRig *rig, Pusher *pusher, gboolean check, const gchar *model)
{
  if (check)
    pusher_pause (pusher);
  gst_element_set_state (rig->element, GST_STATE_READY);
  if (check)
    lifecycle_rig_assert_complete (rig, model);
  lifecycle_rig_clear_records (rig);
}

/* Restarts one element in each round, with another model every second round. */
static void
run_restarts (const LifecycleElement *kind, const Delay *delay)
{
  Files files;
  Pusher pusher;
  LifecycleRig rig;

  files_init (&files, delay->seconds);
  lifecycle_rig_init (&rig, kind, files.dir);
  lifecycle_rig_add_element (&rig, files.models[0]);
  lifecycle_rig_link (&rig);
  pusher_start (&pusher, &rig);
  for (guint i = 0; i < get_n_rounds (delay); i++) {
    const gchar *model = files.models[i / 2 % 2];

    if (kind->loads_model)
      g_object_set (rig.element, "model-location", model, NULL);
    pusher_resume (&pusher);
    play_round (&rig);
    end_round (&rig, &pusher, i % 2 == 0, model);
  }
  pusher_end (&pusher);
  lifecycle_rig_clear (&rig);
  files_clear (&files);
}

/* Links a new element to a running tee in each round and then starts the element, as
 * gst_element_sync_state_with_parent() does. */
static void
run_branches (const LifecycleElement *kind, const Delay *delay)
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
  pusher_start (&pusher, &rig);
  for (guint i = 0; i < get_n_rounds (delay); i++) {
    g_autoptr (GstPad) pad = gst_element_request_pad_simple (tee, "src_%u");

    lifecycle_rig_add_element (&rig, files.models[0]);
    g_assert_cmpint (gst_pad_link (pad, rig.sink_pad), ==, GST_PAD_LINK_OK);
    pusher_resume (&pusher);
    play_round (&rig);
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

/* A test: an element, a way to start it, and the time to load its model */
typedef struct {
  const LifecycleElement *kind;
  const Delay *delay;
  void (*run) (const LifecycleElement *kind, const Delay *delay);
} Case;

static void
run_case (gconstpointer data)
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
      g_test_add_data_func (path, &cases[n_cases++], run_case);
    }
}

/* --- A source --- */

typedef struct {
  GstElement *source;
  gint has_ended; /* atomic */
} Seeker;

static gpointer
seek_for_ever (gpointer data)
{
  Seeker *seeker = data;
  g_autoptr (GstPad) pad = gst_element_get_static_pad (seeker->source, "src");

  for (guint i = 0; !g_atomic_int_get (&seeker->has_ended); i++)
    gst_pad_send_event (
        pad, gst_event_new_seek (1, GST_FORMAT_TIME,
                 i % 2 ? GST_SEEK_FLAG_FLUSH : GST_SEEK_FLAG_NONE, GST_SEEK_TYPE_SET,
                 i % 3 * GST_SECOND, GST_SEEK_TYPE_NONE, -1));
  return NULL;
}

/* npysrc receives seeks while it starts and stops. Afterwards it pushes its complete file.
 * GstBaseSrc may push a buffer before its segment if a flush arrives during the start. */
static void
test_seeks (void)
{
  gchar *dir = test_dir_new ();
  g_autofree gchar *x = g_build_filename (dir, "x.npy", NULL);
  g_autofree gchar *y = g_build_filename (dir, "y.npy", NULL);
  TestArray sent, received;
  g_autoptr (GstElement) pipeline = NULL;
  Seeker seeker = {NULL};
  GThread *thread;

  lifecycle_allow_data_before_events ();
  npy_write_numbers (x, "(300, 4)", 1200);
  pipeline = parse_pipeline (
      "npysrc name=source location=%s ! npysink async=false location=%s", x, y);
  seeker.source = gst_bin_get_by_name (GST_BIN (pipeline), "source");
  thread = g_thread_new ("seek", seek_for_ever, &seeker);
  for (guint i = 0; i < get_n_rounds (&delays[0]); i++) {
    gst_element_set_state (pipeline, GST_STATE_PLAYING);
    gst_element_set_state (pipeline, GST_STATE_READY);
  }
  g_atomic_int_set (&seeker.has_ended, TRUE);
  g_thread_join (thread);
  discard_messages (pipeline);
  play_to_eos (pipeline);
  sent = test_array_load (x, NULL);
  received = test_array_load (y, NULL);
  g_assert_cmpmem (
      received.values, received.n * sizeof (gfloat), sent.values, sent.n * sizeof (gfloat));
  test_array_clear (&sent);
  test_array_clear (&received);
  gst_object_unref (seeker.source);
  test_dir_remove (dir);
}

int
main (int argc, char **argv)
{
  test_init (&argc, &argv);
  add_cases ("run_branches", run_branches);
  add_cases ("run_restarts", run_restarts);
  g_test_add_func ("/lifecycle/seeks", test_seeks);
  return g_test_run ();
}
