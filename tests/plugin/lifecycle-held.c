/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * `lstm` while its start() loads a model, which waits until the test lets it go on; and all elements
 * at times at which nothing has started, or no events have come. */
#include "lifecycle-rig.h"
#include "slow-models.h"

#define N_BUFFERS 5

/* --- What may come at any time --- */

static const GstQueryType queries[] = {GST_QUERY_POSITION, GST_QUERY_DURATION,
    GST_QUERY_LATENCY, GST_QUERY_SEEKING, GST_QUERY_SEGMENT, GST_QUERY_CONVERT,
    GST_QUERY_FORMATS, GST_QUERY_BUFFERING, GST_QUERY_URI, GST_QUERY_SCHEDULING,
    GST_QUERY_ACCEPT_CAPS, GST_QUERY_CAPS, GST_QUERY_ALLOCATION, GST_QUERY_DRAIN,
    GST_QUERY_CONTEXT};

/* Returns: (transfer full) */
static GstQuery *
query_new (GstQueryType type, GstCaps *caps)
{
  switch (type) {
  case GST_QUERY_POSITION:
    return gst_query_new_position (GST_FORMAT_TIME);
  case GST_QUERY_DURATION:
    return gst_query_new_duration (GST_FORMAT_TIME);
  case GST_QUERY_LATENCY:
    return gst_query_new_latency ();
  case GST_QUERY_SEEKING:
    return gst_query_new_seeking (GST_FORMAT_TIME);
  case GST_QUERY_SEGMENT:
    return gst_query_new_segment (GST_FORMAT_TIME);
  case GST_QUERY_CONVERT:
    return gst_query_new_convert (GST_FORMAT_TIME, 1, GST_FORMAT_DEFAULT);
  case GST_QUERY_FORMATS:
    return gst_query_new_formats ();
  case GST_QUERY_BUFFERING:
    return gst_query_new_buffering (GST_FORMAT_TIME);
  case GST_QUERY_URI:
    return gst_query_new_uri ();
  case GST_QUERY_SCHEDULING:
    return gst_query_new_scheduling ();
  case GST_QUERY_ACCEPT_CAPS:
    return gst_query_new_accept_caps (caps);
  case GST_QUERY_CAPS:
    return gst_query_new_caps (NULL);
  case GST_QUERY_ALLOCATION:
    return gst_query_new_allocation (caps, TRUE);
  case GST_QUERY_DRAIN:
    return gst_query_new_drain ();
  default:
    return gst_query_new_context ("context");
  }
}

/* On all pads, and the element itself; those that wait for their turn only @if_serialized. */
static void
ask_all (GstElement *element, const gchar *text, gboolean if_serialized)
{
  g_autoptr (GstCaps) caps = gst_caps_from_string (text);

  for (guint i = 0; i < G_N_ELEMENTS (queries); i++) {
    g_autoptr (GstQuery) query = query_new (queries[i], caps);

    if (GST_QUERY_IS_UPSTREAM (query))
      gst_element_query (element, query);
    for (GList *link = element->pads; link; link = link->next) {
      const GstQueryTypeFlags direction = gst_pad_get_direction (link->data) == GST_PAD_SRC
                                              ? GST_QUERY_TYPE_UPSTREAM
                                              : GST_QUERY_TYPE_DOWNSTREAM;
      g_autoptr (GstQuery) for_pad = query_new (queries[i], caps);

      if (gst_query_type_get_flags (queries[i]) & direction
          && (if_serialized || !GST_QUERY_IS_SERIALIZED (for_pad)))
        gst_pad_query (link->data, for_pad);
    }
  }
}

static void
read_all (GstElement *element)
{
  guint n;
  g_autofree GParamSpec **specs = g_object_class_list_properties (
      G_OBJECT_GET_CLASS (element), &n);

  for (guint i = 0; i < n; i++) {
    GValue value = G_VALUE_INIT;

    if (!(specs[i]->flags & G_PARAM_READABLE))
      continue;
    g_value_init (&value, specs[i]->value_type);
    g_object_get_property (G_OBJECT (element), specs[i]->name, &value);
    g_value_unset (&value);
  }
}

static void
emit_all (GstElement *element)
{
  g_autoptr (GBytes) state = NULL;
  g_autoptr (GBytes) bytes = g_bytes_new_static ("state", 5);
  gboolean set;

  if (!g_signal_lookup ("get-state", G_OBJECT_TYPE (element)))
    return;
  g_signal_emit_by_name (element, "reset");
  g_signal_emit_by_name (element, "get-state", &state);
  g_signal_emit_by_name (element, "set-state", state, &set);
  g_signal_emit_by_name (element, "set-state", bytes, &set);
  g_assert_false (set);
}

/* Of GStreamer's own, one of each kind. Returns: (transfer full) (nullable): NULL at the end */
static GstEvent *
event_upstream (guint i)
{
  switch (i) {
  case 0:
  case 1:
    return gst_event_new_seek (1, GST_FORMAT_TIME, i ? GST_SEEK_FLAG_FLUSH : GST_SEEK_FLAG_NONE,
        GST_SEEK_TYPE_SET, 0, GST_SEEK_TYPE_NONE, -1);
  case 2:
    return gst_event_new_qos (GST_QOS_TYPE_UNDERFLOW, 1, 1, 1);
  case 3:
    return gst_event_new_latency (1);
  case 4:
    return gst_event_new_reconfigure ();
  case 5:
    return gst_event_new_navigation (gst_structure_new_empty ("key"));
  case 6:
    return gst_event_new_custom (
        GST_EVENT_CUSTOM_UPSTREAM, gst_structure_new_empty ("anything"));
  default:
    return NULL;
  }
}

static GstEvent *
event_downstream (guint i)
{
  GstSegment segment;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  switch (i) {
  case 0:
  case 5:
  case 10:
    return gst_event_new_flush_start ();
  case 1:
  case 6:
  case 11:
    return gst_event_new_flush_stop (TRUE);
  case 2:
    return gst_event_new_segment (&segment);
  case 3:
    return gst_event_new_gap (0, GST_SECOND);
  case 4:
    return gst_event_new_segment_done (GST_FORMAT_TIME, 0);
  case 7:
    return gst_event_new_custom (
        GST_EVENT_CUSTOM_DOWNSTREAM_OOB, gst_structure_new_empty ("anything"));
  case 8:
    return gst_event_new_stream_start ("other");
  case 9:
    return gst_event_new_eos ();
  default:
    return NULL;
  }
}

static void
send_all (GstPad *pad, GstEvent *(*make) (guint i))
{
  GstEvent *event;

  for (guint i = 0; (event = make (i)); i++)
    gst_pad_send_event (pad, event);
}

/* Any event, query, signal and property */
static void
do_all (GstElement *element, const gchar *caps)
{
  GstEvent *event;

  for (guint i = 0; (event = event_upstream (i)); i++)
    gst_element_send_event (element, event);
  for (GList *link = element->pads; link; link = link->next)
    send_all (link->data,
        gst_pad_get_direction (link->data) == GST_PAD_SRC ? event_upstream : event_downstream);
  ask_all (element, caps, TRUE);
  emit_all (element);
  read_all (element);
}

/* Pushes the stream, which is complete when the element has stopped. */
static void
check_stream (LifecycleRig *rig, const gchar *model)
{
  lifecycle_rig_clear_records (rig);
  lifecycle_rig_push_events (rig);
  for (guint i = 0; i < N_BUFFERS; i++)
    g_assert_cmpint (
        gst_pad_push (rig->test_src, lifecycle_buffer_new (rig->kind, i)), ==, GST_FLOW_OK);
  gst_element_set_state (rig->element, GST_STATE_READY);
  lifecycle_rig_assert_complete (rig, model);
}

/* In every state but PAUSED, where a sink waits for PLAYING; then the element does its work. */
static void
test_any_time (gconstpointer data)
{
  static const GstState states[] = {
      GST_STATE_NULL, GST_STATE_READY, GST_STATE_PLAYING, GST_STATE_READY, GST_STATE_NULL};
  g_autofree gchar *model = test_vector_path ("lstm/seed-1x30/model.safetensors");
  const LifecycleElement *kind = data;
  gchar *dir = test_dir_new ();
  LifecycleRig rig;

  lifecycle_rig_init (&rig, kind, dir);
  lifecycle_rig_add_element (&rig, model);
  for (guint i = 0; i < G_N_ELEMENTS (states); i++) {
    gst_element_set_state (rig.element, states[i]);
    do_all (rig.element, kind->caps);
  }
  lifecycle_rig_link (&rig);
  gst_element_set_state (rig.element, GST_STATE_PLAYING);
  check_stream (&rig, model);
  lifecycle_rig_clear (&rig);
  test_dir_remove (dir);
}

/* A buffer that was on its way while the pad was activated anew comes before all events; the stream
 * goes on. */
static void
test_stale (gconstpointer data)
{
  g_autofree gchar *model = test_vector_path ("lstm/seed-1x30/model.safetensors");
  const LifecycleElement *kind = data;
  GstBufferList *list = gst_buffer_list_new ();
  gchar *dir = test_dir_new ();
  LifecycleRig rig;

  lifecycle_rig_init (&rig, kind, dir);
  lifecycle_rig_add_element (&rig, model);
  lifecycle_rig_link (&rig);
  gst_element_set_state (rig.element, GST_STATE_PLAYING);
  g_assert_cmpint (
      gst_pad_chain (rig.sink_pad, lifecycle_buffer_new (kind, 7)), ==, GST_FLOW_OK);
  gst_buffer_list_add (list, lifecycle_buffer_new (kind, 8));
  g_assert_cmpint (gst_pad_chain_list (rig.sink_pad, list), ==, GST_FLOW_OK);
  g_assert_cmpuint (rig.n_outputs, ==, 0);
  check_stream (&rig, model);
  lifecycle_rig_clear (&rig);
  test_dir_remove (dir);
}

/* Segments need not be in time. */
static void
test_formats (gconstpointer data)
{
  static const GstFormat formats[] = {
      GST_FORMAT_DEFAULT, GST_FORMAT_BYTES, GST_FORMAT_BUFFERS, GST_FORMAT_PERCENT};
  g_autofree gchar *model = test_vector_path ("lstm/seed-1x30/model.safetensors");
  gchar *dir = test_dir_new ();
  LifecycleRig rig;

  for (guint i = 0; i < G_N_ELEMENTS (formats); i++) {
    lifecycle_rig_init (&rig, data, dir);
    lifecycle_rig_add_element (&rig, model);
    rig.segment_format = formats[i];
    lifecycle_rig_link (&rig);
    gst_element_set_state (rig.element, GST_STATE_PLAYING);
    check_stream (&rig, model);
    lifecycle_rig_clear (&rig);
  }
  test_dir_remove (dir);
}

static void
test_source_any_time (void)
{
  gchar *dir = test_dir_new ();
  g_autofree gchar *x = g_build_filename (dir, "x.npy", NULL);
  static const GstState states[] = {
      GST_STATE_NULL, GST_STATE_READY, GST_STATE_PAUSED, GST_STATE_READY, GST_STATE_NULL};
  g_autoptr (GstElement)
      source = gst_object_ref_sink (gst_element_factory_make ("npysrc", NULL));

  npy_write_numbers (x, "(300, 4)", 1200);
  g_object_set (source, "location", x, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (states); i++) {
    gst_element_set_state (source, states[i]);
    do_all (source, VECTOR ("4"));
  }
  test_dir_remove (dir);
}

/* --- While start() runs --- */

typedef struct {
  gchar *dir;
  SlowModel model;
  LifecycleRig rig;
  GThread *starter, *pusher;
  gboolean asks_first; /* the pusher, before all events */
} Held;

static gpointer
play (gpointer element)
{
  return GINT_TO_POINTER (gst_element_set_state (element, GST_STATE_PLAYING));
}

static gpointer
activate (gpointer pad)
{
  return GINT_TO_POINTER (gst_pad_set_active (pad, TRUE));
}

/* The last buffer's result, or the first that is no success */
static gpointer
push (gpointer data)
{
  Held *held = data;
  GstFlowReturn ret = GST_FLOW_OK;

  if (held->asks_first) {
    g_autoptr (GstQuery) drain = gst_query_new_drain ();

    gst_pad_peer_query (held->rig.test_src, drain);
  }
  lifecycle_rig_push_events (&held->rig);
  for (guint i = 0; i < N_BUFFERS && ret == GST_FLOW_OK; i++)
    ret = gst_pad_push (held->rig.test_src, lifecycle_buffer_new (held->rig.kind, i));
  return GINT_TO_POINTER (ret);
}

static gpointer
stop_flush_and_push (gpointer data)
{
  gst_pad_push_event (((Held *) data)->rig.test_src, gst_event_new_flush_stop (TRUE));
  return push (data);
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
assert_none_left (Held *held)
{
  g_mutex_lock (&held->rig.lock);
  g_assert_cmpuint (held->rig.n_outputs, ==, 0);
  g_mutex_unlock (&held->rig.lock);
}

/* @run begins start() in one thread, another one has begun to push. */
static void
held_start (Held *held, GThreadFunc run, gpointer data)
{
  slow_model_block_load (&held->model);
  held->starter = g_thread_new ("start", run, data);
  slow_model_await_load (&held->model);
  held->pusher = g_thread_new ("push", push, held);
  await_item (&held->rig);
  assert_none_left (held);
}

static void
held_init (Held *held, const gchar *safetensors, gboolean asks_first)
{
  g_assert_cmpstr (lifecycle_elements[0].name, ==, "lstm");
  held->dir = test_dir_new ();
  held->asks_first = asks_first;
  slow_converter_install (held->dir);
  slow_model_init (&held->model, held->dir, "model.keras", safetensors);
  lifecycle_rig_init (&held->rig, &lifecycle_elements[0], held->dir);
  lifecycle_rig_add_element (&held->rig, held->model.path);
  lifecycle_rig_link (&held->rig);
  held_start (held, play, held->rig.element);
}

static void
held_init_loadable (Held *held, gboolean asks_first)
{
  g_autofree gchar *path = test_vector_path ("lstm/seed-1x30/model.safetensors");

  held_init (held, path, asks_first);
}

static void
held_expect (Held *held, gint started, GstFlowReturn pushed)
{
  g_assert_cmpint (GPOINTER_TO_INT (g_thread_join (held->starter)), ==, started);
  g_assert_cmpint (GPOINTER_TO_INT (g_thread_join (held->pusher)), ==, pushed);
}

/* The element has got @n buffers and lost none. */
static void
held_assert_complete (Held *held, guint n)
{
  gst_element_set_state (held->rig.element, GST_STATE_READY);
  g_assert_cmpuint (held->rig.inputs->len, ==, n);
  g_assert_cmpuint (held->rig.n_outputs, ==, n);
  lifecycle_rig_assert_complete (&held->rig, held->model.path);
}

static void
held_clear (Held *held)
{
  lifecycle_rig_clear (&held->rig);
  slow_model_clear (&held->model);
  test_dir_remove (held->dir);
}

static void
test_waits (gconstpointer asks_first)
{
  Held held;

  held_init_loadable (&held, asks_first != NULL);
  send_all (held.rig.element->srcpads->data, event_upstream);
  ask_all (held.rig.element, lifecycle_elements[0].caps, FALSE);
  emit_all (held.rig.element);
  read_all (held.rig.element);
  assert_none_left (&held);
  slow_model_unblock_load (&held.model);
  held_expect (&held, GST_STATE_CHANGE_SUCCESS, GST_FLOW_OK);
  held_assert_complete (&held, N_BUFFERS);
  held_clear (&held);
}

/* What waits is flushed at once, and what comes after the flush is complete. */
static void
test_flush (gconstpointer asks_first)
{
  Held held;

  held_init_loadable (&held, asks_first != NULL);
  gst_pad_push_event (held.rig.test_src, gst_event_new_flush_start ());
  g_assert_cmpint (GPOINTER_TO_INT (g_thread_join (held.pusher)), ==, GST_FLOW_FLUSHING);
  lifecycle_rig_clear_records (&held.rig);
  held.pusher = g_thread_new ("flush", stop_flush_and_push, &held);
  await_item (&held.rig);
  assert_none_left (&held);
  slow_model_unblock_load (&held.model);
  held_expect (&held, GST_STATE_CHANGE_SUCCESS, GST_FLOW_OK);
  held_assert_complete (&held, N_BUFFERS);
  held_clear (&held);
}

static void
test_fails (gconstpointer asks_first)
{
  Held held;

  held_init (&held, NULL, asks_first != NULL);
  slow_model_unblock_load (&held.model);
  held_expect (&held, GST_STATE_CHANGE_FAILURE, GST_FLOW_FLUSHING);
  g_assert_cmpuint (held.rig.n_outputs, ==, 0);
  held_clear (&held);
}

/* Whichever comes first, the buffers or the end: nobody waits for ever. */
static void
test_stops (gconstpointer asks_first)
{
  Held held;

  held_init_loadable (&held, asks_first != NULL);
  slow_model_unblock_load (&held.model);
  gst_element_set_state (held.rig.element, GST_STATE_NULL);
  g_thread_join (held.starter);
  g_thread_join (held.pusher);
  held_clear (&held);
}

/* The pad is activated anew, by which the element starts once more, and the stream comes again. */
static void
test_reactivation (gconstpointer asks_first)
{
  Held held;

  held_init_loadable (&held, asks_first != NULL);
  slow_model_unblock_load (&held.model);
  held_expect (&held, GST_STATE_CHANGE_SUCCESS, GST_FLOW_OK);
  gst_pad_set_active (held.rig.sink_pad, FALSE);
  lifecycle_rig_clear_records (&held.rig);
  held_start (&held, activate, held.rig.sink_pad);
  slow_model_unblock_load (&held.model);
  held_expect (&held, TRUE, GST_FLOW_OK);
  held_assert_complete (&held, N_BUFFERS);
  held_clear (&held);
}

static void
add_rows (const gchar *name, GTestDataFunc run)
{
  for (guint i = 0; i < N_LIFECYCLE_ELEMENTS; i++) {
    g_autofree gchar *path = g_strdup_printf (
        "/lifecycle-held/%s/%s", name, lifecycle_elements[i].name);

    g_test_add_data_func (path, &lifecycle_elements[i], run);
  }
}

static void
add_held (const gchar *name, GTestDataFunc run)
{
  static const gchar *const first[] = {NULL, "query"};

  for (guint i = 0; i < G_N_ELEMENTS (first); i++) {
    g_autofree gchar *path = g_strdup_printf (
        "/lifecycle-held/%s/%s", name, first[i] ? first[i] : "events");

    g_test_add_data_func (path, first[i], run);
  }
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  add_rows ("any-time", test_any_time);
  add_rows ("stale", test_stale);
  add_rows ("formats", test_formats);
  g_test_add_func ("/lifecycle-held/any-time/npysrc", test_source_any_time);
  add_held ("waits", test_waits);
  add_held ("flush", test_flush);
  add_held ("fails", test_fails);
  add_held ("stops", test_stops);
  add_held ("reactivation", test_reactivation);
  return g_test_run ();
}
