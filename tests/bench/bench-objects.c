/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Measures the CPU time in which `lstm per-object=true` runs a frame of tracked objects, for one
 * LSTM layer of 64 units. A frame has a GstAnalyticsODMtd and a GstAnalyticsTrackingMtd for each
 * object. The features are a GstTensorMeta [objects, 64], a GstAnalyticsTensorMtd [1, 64] of each
 * object, or boxes. The relation meta of a frame has room for the outputs, or the default size,
 * which grows by five mtds at a time. The time in which the frame is made is a column of its
 * own. */
#include "bench.h"
#include <gst/analytics/analytics.h>
#include <gst/check/gstharness.h>
#include <stdlib.h>
#include <time.h>

#define UNITS 64
#define BOX 8
#define ROUNDS 3
#define MTD_BYTES 160
#define CAPS "video/x-raw,format=GRAY8,width=640,height=480,framerate=30/1"

typedef enum { ROWS, TENSORS, BOXES } Features;

static const gchar *const feature_names[] = {"rows", "tensors", "boxes"};
static const guint counts[] = {10, 100, 1000};
static const gchar *const meta_names[] = {"reserved", "default"};

static gdouble
get_cpu_ms (void)
{
  struct timespec time;

  clock_gettime (CLOCK_PROCESS_CPUTIME_ID, &time);
  return (gdouble) time.tv_sec * 1e3 + (gdouble) time.tv_nsec / 1e6;
}

static void
add_rows (GstBuffer *frame, guint n)
{
  const gsize bytes = n * UNITS * sizeof (gfloat);
  GstTensor **tensors = g_new (GstTensor *, 1);
  gsize dims[] = {n, UNITS};

  tensors[0] = gst_tensor_new_simple (g_quark_from_static_string ("rows"),
      GST_TENSOR_DATA_TYPE_FLOAT32, gst_buffer_new_wrapped (g_malloc0 (bytes), bytes),
      GST_TENSOR_DIM_ORDER_ROW_MAJOR, 2, dims);
  gst_tensor_meta_set (gst_buffer_add_tensor_meta (frame), 1, tensors);
}

static void
add_object (
    GstAnalyticsRelationMeta *meta, guint i, guint frame, GstClockTime pts, Features features)
{
  const gint x = (gint) ((i * 31 + frame) % 600), y = (gint) ((i * 17 + frame) % 440);
  const gsize bytes = UNITS * sizeof (gfloat);
  gsize dims[] = {1, UNITS};
  GstAnalyticsTrackingMtd track;
  GstAnalyticsTensorMtd tensor;
  GstAnalyticsODMtd od;

  gst_analytics_relation_meta_add_od_mtd (meta, 0, x, y, 20, 40, 1, &od);
  gst_analytics_relation_meta_add_tracking_mtd (meta, i, pts, &track);
  gst_analytics_relation_meta_set_relation (
      meta, GST_ANALYTICS_REL_TYPE_RELATE_TO, od.id, track.id);
  if (features != TENSORS)
    return;
  gst_analytics_relation_meta_add_tensor_mtd_simple (meta, g_quark_from_static_string ("own"),
      GST_TENSOR_DATA_TYPE_FLOAT32, gst_buffer_new_wrapped (g_malloc0 (bytes), bytes),
      GST_TENSOR_DIM_ORDER_ROW_MAJOR, 2, dims, &tensor);
  gst_analytics_relation_meta_set_relation (
      meta, GST_ANALYTICS_REL_TYPE_RELATE_TO, od.id, tensor.id);
}

/* Returns: (transfer full): frame @i of @n objects */
static GstBuffer *
make_frame (guint i, guint n, Features features, gboolean is_default)
{
  const gsize n_mtds = (features == TENSORS ? 4 : 3) * n;
  GstAnalyticsRelationMetaInitParams sizes = {n_mtds, n_mtds * MTD_BYTES};
  GstBuffer *frame = gst_buffer_new_wrapped (g_malloc0 (640 * 480), 640 * 480);
  GstAnalyticsRelationMeta *meta;

  GST_BUFFER_PTS (frame) = i * GST_SECOND / 30;
  GST_BUFFER_DURATION (frame) = GST_SECOND / 30;
  meta = is_default ? gst_buffer_add_analytics_relation_meta (frame)
                    : gst_buffer_add_analytics_relation_meta_full (frame, &sizes);
  for (guint k = 0; k < n; k++)
    add_object (meta, k, i, GST_BUFFER_PTS (frame), features);
  if (features == ROWS)
    add_rows (frame, n);
  return frame;
}

/* The CPU time of a frame in ms */
typedef struct {
  gdouble make, run;
} Times;

/* Sets @times to the mean of @frames frames after one that is not measured, if it is less. */
static void
measure_frames (LstmModel *model, guint n, Features features, gboolean is_default, guint frames,
    Times *times)
{
  GstElement *lstm = gst_object_ref_sink (gst_element_factory_make ("lstm", NULL));
  Times sum = {0, 0};
  GstHarness *harness;

  gst_util_set_object_arg (
      G_OBJECT (lstm), "object-features", features == BOXES ? "box" : "tensor");
  g_object_set (lstm, "per-object", TRUE, "model", model, NULL);
  harness = gst_harness_new_with_element (lstm, "sink", "src");
  gst_harness_set_src_caps_str (harness, CAPS);
  for (guint i = 0; i <= frames; i++) {
    const gdouble begin = get_cpu_ms ();
    GstBuffer *frame = make_frame (i, n, features, is_default);
    const gdouble made = get_cpu_ms ();

    if (gst_harness_push (harness, frame) != GST_FLOW_OK)
      g_error ("lstm refused a frame");
    if (i > 0) {
      sum.make += made - begin;
      sum.run += get_cpu_ms () - made;
    }
    gst_buffer_unref (gst_harness_pull (harness));
  }
  gst_harness_teardown (harness);
  gst_object_unref (lstm);
  times->make = MIN (times->make, sum.make / frames);
  times->run = MIN (times->run, sum.run / frames);
}

int
main (int argc, char **argv)
{
  g_autoptr (Network) wide = network_new (CASE_CARRIED, UNITS, UNITS);
  g_autoptr (Network) box = network_new (CASE_CARRIED, BOX, UNITS);
  g_autoptr (LstmModel) wide_model = lstm_model_load_bytes (wide->file, "bench", NULL);
  g_autoptr (LstmModel) box_model = lstm_model_load_bytes (box->file, "bench", NULL);
  const guint frames = argc == 2 ? (guint) atoi (argv[1]) : 0;

  gst_init (&argc, &argv);
  if (frames < 1) {
    g_printerr ("usage: bench-objects FRAMES\n");
    return 2;
  }
  g_print ("features\trelation_meta\tobjects\tmake_ms\tms\tframes_per_second\n");
  for (guint i = 0; i < G_N_ELEMENTS (counts); i++)
    for (guint f = 0; f < G_N_ELEMENTS (feature_names); f++)
      for (guint m = 0; m < G_N_ELEMENTS (meta_names); m++) {
        Times times = {G_MAXDOUBLE, G_MAXDOUBLE};

        for (guint round = 0; round < ROUNDS; round++)
          measure_frames (f == BOXES ? box_model : wide_model, counts[i], (Features) f, m == 1,
              frames, &times);
        g_print ("%s\t%s\t%u\t%.3f\t%.3f\t%.0f\n", feature_names[f], meta_names[m], counts[i],
            times.make, times.run, 1e3 / times.run);
      }
  return 0;
}
