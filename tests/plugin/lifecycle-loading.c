/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * `lstm` while its start() loads a model. The load waits until the test unblocks it. */
#include "lifecycle-actions.h"
#include "lifecycle-rig.h"
#include "slow-models.h"

#define N_BUFFERS 5

/* An element whose start() waits for its model while another thread pushes a stream */
typedef struct {
  gchar *dir;
  SlowModel model;
  LifecycleRig rig;
  GThread *starter, *pusher;
  gboolean queries_first; /* the pusher sends a query before all events */
} BlockedLoad;

static gpointer
set_playing (gpointer element)
{
  return GINT_TO_POINTER (gst_element_set_state (element, GST_STATE_PLAYING));
}

static gpointer
activate_pad (gpointer pad)
{
  return GINT_TO_POINTER (gst_pad_set_active (pad, TRUE));
}

/* Returns the first flow return that is not OK, or that of the last buffer. */
static gpointer
push_stream (gpointer data)
{
  BlockedLoad *load = data;
  GstFlowReturn ret = GST_FLOW_OK;

  if (load->queries_first) {
    g_autoptr (GstQuery) drain = gst_query_new_drain ();

    gst_pad_peer_query (load->rig.test_src, drain);
  }
  lifecycle_rig_push_events (&load->rig);
  for (guint i = 0; i < N_BUFFERS && ret == GST_FLOW_OK; i++)
    ret = gst_pad_push (load->rig.test_src, lifecycle_buffer_new (load->rig.kind, i));
  return GINT_TO_POINTER (ret);
}

static gpointer
stop_flush_and_push_stream (gpointer data)
{
  gst_pad_push_event (((BlockedLoad *) data)->rig.test_src, gst_event_new_flush_stop (TRUE));
  return push_stream (data);
}

static void
await_item (LifecycleRig *rig)
{
  g_mutex_lock (&rig->lock);
  while (rig->n_items == 0)
    g_cond_wait (&rig->changed, &rig->lock);
  rig->n_items = 0;
  g_mutex_unlock (&rig->lock);
}

static void
assert_no_output (BlockedLoad *load)
{
  g_mutex_lock (&load->rig.lock);
  g_assert_cmpuint (load->rig.n_outputs, ==, 0);
  g_mutex_unlock (&load->rig.lock);
}

/* Runs @run, which starts the element, in one thread, and pushes a stream in another thread.
 * Returns when the load waits and the first item has arrived. */
static void
blocked_load_start (BlockedLoad *load, GThreadFunc run, gpointer data)
{
  slow_model_block_load (&load->model);
  load->starter = g_thread_new ("start", run, data);
  slow_model_await_load (&load->model);
  load->pusher = g_thread_new ("push", push_stream, load);
  await_item (&load->rig);
  assert_no_output (load);
}

static void
blocked_load_init (BlockedLoad *load, const gchar *safetensors, gboolean queries_first)
{
  g_assert_cmpstr (lifecycle_elements[0].name, ==, "lstm");
  load->dir = test_dir_new ();
  load->queries_first = queries_first;
  slow_converter_install (load->dir);
  slow_model_init (&load->model, load->dir, "model.keras", safetensors);
  lifecycle_rig_init (&load->rig, &lifecycle_elements[0], load->dir);
  lifecycle_rig_add_element (&load->rig, load->model.path);
  lifecycle_rig_link (&load->rig);
  blocked_load_start (load, set_playing, load->rig.element);
}

static void
blocked_load_init_loadable (BlockedLoad *load, gboolean queries_first)
{
  g_autofree gchar *path = test_vector_path ("lstm/seed-1x30/model.safetensors");

  blocked_load_init (load, path, queries_first);
}

/* Asserts that start() returned @started and that the last push returned @pushed. */
static void
blocked_load_join (BlockedLoad *load, gint started, GstFlowReturn pushed)
{
  g_assert_cmpint (GPOINTER_TO_INT (g_thread_join (load->starter)), ==, started);
  g_assert_cmpint (GPOINTER_TO_INT (g_thread_join (load->pusher)), ==, pushed);
}

/* Asserts that @n buffers arrived and that no output is missing. */
static void
blocked_load_assert_complete (BlockedLoad *load, guint n)
{
  gst_element_set_state (load->rig.element, GST_STATE_READY);
  g_assert_cmpuint (load->rig.inputs->len, ==, n);
  g_assert_cmpuint (load->rig.n_outputs, ==, n);
  lifecycle_rig_assert_complete (&load->rig, load->model.path);
}

static void
blocked_load_clear (BlockedLoad *load)
{
  lifecycle_rig_clear (&load->rig);
  slow_model_clear (&load->model);
  test_dir_remove (load->dir);
}

/* Unblocks the load and asserts that start() returns @started and that all buffers are
 * processed. */
static void
blocked_load_finish (BlockedLoad *load, gint started)
{
  slow_model_unblock_load (&load->model);
  blocked_load_join (load, started, GST_FLOW_OK);
  blocked_load_assert_complete (load, N_BUFFERS);
  blocked_load_clear (load);
}

/* Actions that do not need the model do not wait for the load. */
static void
test_waits (gconstpointer queries_first)
{
  BlockedLoad load;

  blocked_load_init_loadable (&load, queries_first != NULL);
  send_all_events (load.rig.element->srcpads->data);
  query_all (load.rig.element, lifecycle_elements[0].caps, FALSE);
  emit_all_signals (load.rig.element);
  read_all_properties (load.rig.element);
  assert_no_output (&load);
  blocked_load_finish (&load, GST_STATE_CHANGE_SUCCESS);
}

/* A flush ends the wait of the pushing thread at once. The stream after the flush is complete. */
static void
test_flush (gconstpointer queries_first)
{
  BlockedLoad load;

  blocked_load_init_loadable (&load, queries_first != NULL);
  gst_pad_push_event (load.rig.test_src, gst_event_new_flush_start ());
  g_assert_cmpint (GPOINTER_TO_INT (g_thread_join (load.pusher)), ==, GST_FLOW_FLUSHING);
  lifecycle_rig_clear_records (&load.rig);
  load.pusher = g_thread_new ("flush", stop_flush_and_push_stream, &load);
  await_item (&load.rig);
  assert_no_output (&load);
  blocked_load_finish (&load, GST_STATE_CHANGE_SUCCESS);
}

/* If the load fails, the buffers return FLUSHING. */
static void
test_fails (gconstpointer queries_first)
{
  BlockedLoad load;

  blocked_load_init (&load, NULL, queries_first != NULL);
  slow_model_unblock_load (&load.model);
  blocked_load_join (&load, GST_STATE_CHANGE_FAILURE, GST_FLOW_FLUSHING);
  g_assert_cmpuint (load.rig.n_outputs, ==, 0);
  blocked_load_clear (&load);
}

/* The element stops while the load ends and buffers arrive. No thread waits for ever, in whichever
 * order this happens. */
static void
test_stops (gconstpointer queries_first)
{
  BlockedLoad load;

  blocked_load_init_loadable (&load, queries_first != NULL);
  slow_model_unblock_load (&load.model);
  gst_element_set_state (load.rig.element, GST_STATE_NULL);
  g_thread_join (load.starter);
  g_thread_join (load.pusher);
  blocked_load_clear (&load);
}

/* The pad is deactivated and activated again. The element starts again and receives the stream
 * again. */
static void
test_reactivation (gconstpointer queries_first)
{
  BlockedLoad load;

  blocked_load_init_loadable (&load, queries_first != NULL);
  slow_model_unblock_load (&load.model);
  blocked_load_join (&load, GST_STATE_CHANGE_SUCCESS, GST_FLOW_OK);
  gst_pad_set_active (load.rig.sink_pad, FALSE);
  lifecycle_rig_clear_records (&load.rig);
  blocked_load_start (&load, activate_pad, load.rig.sink_pad);
  blocked_load_finish (&load, TRUE);
}

static void
add_loading_tests (const gchar *name, GTestDataFunc run)
{
  static const gchar *const first[] = {NULL, "query"}; /* item that the pusher sends first */

  for (guint i = 0; i < G_N_ELEMENTS (first); i++) {
    g_autofree gchar *path = g_strdup_printf (
        "/lifecycle-loading/%s/%s", name, first[i] ? first[i] : "events");

    g_test_add_data_func (path, first[i], run);
  }
}

int
main (int argc, char **argv)
{
  test_init (&argc, &argv);
  add_loading_tests ("waits", test_waits);
  add_loading_tests ("flush", test_flush);
  add_loading_tests ("fails", test_fails);
  add_loading_tests ("stops", test_stops);
  add_loading_tests ("reactivation", test_reactivation);
  return g_test_run ();
}
