/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * All elements receive events, queries, signals and buffers before they start and before any event
 * arrived. */
#include "lifecycle-actions.h"
#include "lifecycle-rig.h"

#define N_BUFFERS 5

/* Pushes a stream, stops the element and asserts that no output is missing. */
static void
check_complete_stream (LifecycleRig *rig, const gchar *model)
{
  lifecycle_rig_clear_records (rig);
  lifecycle_rig_push_events (rig);
  for (guint i = 0; i < N_BUFFERS; i++)
    g_assert_cmpint (
        gst_pad_push (rig->test_src, lifecycle_buffer_new (rig->kind, i)), ==, GST_FLOW_OK);
  gst_element_set_state (rig->element, GST_STATE_READY);
  lifecycle_rig_assert_complete (rig, model);
}

/* Links and starts the element, and checks a stream. */
static void
link_and_check_stream (LifecycleRig *rig, const gchar *model)
{
  lifecycle_rig_link (rig);
  gst_element_set_state (rig->element, GST_STATE_PLAYING);
  check_complete_stream (rig, model);
}

/* The element accepts every action in each state except PAUSED, in which a sink waits for PLAYING.
 * Afterwards it processes a stream. */
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
    perform_all_actions (rig.element, kind->caps);
  }
  link_and_check_stream (&rig, model);
  lifecycle_rig_clear (&rig);
  test_dir_remove (dir);
}

/* A buffer that was being pushed while the pad was deactivated and activated arrives before all
 * events. The element drops the buffer, and the stream continues. */
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
  check_complete_stream (&rig, model);
  lifecycle_rig_clear (&rig);
  test_dir_remove (dir);
}

/* Segments in other formats than time are accepted. */
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
    link_and_check_stream (&rig, model);
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
    perform_all_actions (source, VECTOR ("4"));
  }
  test_dir_remove (dir);
}

static void
add_element_tests (const gchar *name, GTestDataFunc run)
{
  for (guint i = 0; i < N_LIFECYCLE_ELEMENTS; i++) {
    g_autofree gchar *path = g_strdup_printf (
        "/lifecycle-load/%s/%s", name, lifecycle_elements[i].name);

    g_test_add_data_func (path, &lifecycle_elements[i], run);
  }
}

int
main (int argc, char **argv)
{
  test_init (&argc, &argv);
  add_element_tests ("actions", test_any_time);
  add_element_tests ("stale", test_stale);
  add_element_tests ("formats", test_formats);
  g_test_add_func ("/lifecycle-any-time/actions/npysrc", test_source_any_time);
  return g_test_run ();
}
