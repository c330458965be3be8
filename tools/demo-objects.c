/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Films the stage with the boxes of its figures as stock object detections, sends the frames
 * through elements that track and label the objects, and scores the labels. */
#include "demo-camera.h"
#include "demo-recogniser.h"
#include "demo-stage.h"
#include <gst/analytics/analytics.h>

#define BYTES (4 * DEMO_STAGE_WIDTH * DEMO_STAGE_HEIGHT) /* of a frame */

typedef struct {
  GQueue truths; /* of GArray of DemoDetection: a frame each, in order; protected by `lock` */
  GMutex lock;
  guint n_boxes, n_right;
  GHashTable *tracks;       /* set of the tracking ids */
  GHashTable *figures;      /* set of the numbers of the figures */
  const gchar *wrong_count; /* (nullable): error of a frame */
} Score;

typedef struct {
  DemoStage *stage;
  cairo_surface_t *picture;
  guint i, n_frames; /* the next frame, and the number of frames */
  Score *score;
} Film;

/* --- Filming --- */

static GstBuffer *
make_frame (cairo_surface_t *picture, guint64 i, const GArray *detections)
{
  GstBuffer *buffer = gst_buffer_new_memdup (cairo_image_surface_get_data (picture), BYTES);
  GstAnalyticsRelationMeta *relations = gst_buffer_add_analytics_relation_meta (buffer);
  const GQuark type = g_quark_from_static_string ("figure");

  GST_BUFFER_PTS (buffer) = gst_util_uint64_scale (i, GST_SECOND, DEMO_FPS);
  GST_BUFFER_DURATION (buffer) = gst_util_uint64_scale (i + 1, GST_SECOND, DEMO_FPS)
                                 - GST_BUFFER_PTS (buffer);
  for (guint j = 0; j < detections->len; j++) {
    const DemoDetection *d = &g_array_index (detections, DemoDetection, j);

    gst_analytics_relation_meta_add_od_mtd (
        relations, type, d->x, d->y, d->width, d->height, 1, NULL);
  }
  return buffer;
}

/* Pushes the next frame, or EOS after the last frame. appsrc calls this function when it needs a
 * frame. */
static void
push_frame (GstElement *source, guint length, Film *film)
{
  GArray *truth;
  GstBuffer *buffer;
  GstFlowReturn flow;
  const DemoDetection *detections;
  guint n;

  if (film->i == film->n_frames) {
    g_signal_emit_by_name (source, "end-of-stream", &flow);
    return;
  }
  detections = demo_stage_step (film->stage, &n);
  truth = g_array_new (FALSE, FALSE, sizeof (DemoDetection));
  g_array_append_vals (truth, detections, n);
  demo_stage_draw (film->stage, film->picture);
  buffer = make_frame (film->picture, film->i++, truth);
  g_mutex_lock (&film->score->lock);
  g_queue_push_tail (&film->score->truths, truth);
  g_mutex_unlock (&film->score->lock);
  g_signal_emit_by_name (source, "push-buffer", buffer, &flow);
  gst_buffer_unref (buffer);
}

/* --- Scoring --- */

/* Returns whether an object detection has the label @label. */
static gboolean
has_label (const GstAnalyticsODMtd *object, const gchar *label)
{
  GstAnalyticsClsMtd classes;

  return gst_analytics_relation_meta_get_direct_related (object->meta, object->id,
             GST_ANALYTICS_REL_TYPE_RELATE_TO, gst_analytics_cls_mtd_get_mtd_type (), NULL,
             &classes)
         && g_str_equal (
             g_quark_to_string (gst_analytics_cls_mtd_get_quark (&classes, 0)), label);
}

static void
count_track (Score *score, const GstAnalyticsODMtd *object)
{
  GstAnalyticsTrackingMtd tracking;
  guint64 id;

  if (!gst_analytics_relation_meta_get_direct_related (object->meta, object->id,
          GST_ANALYTICS_REL_TYPE_RELATE_TO, gst_analytics_tracking_mtd_get_mtd_type (), NULL,
          &tracking))
    return;
  gst_analytics_tracking_mtd_get_info (&tracking, &id, NULL, NULL, NULL);
  g_hash_table_add (score->tracks, g_memdup2 (&id, sizeof id));
}

/* Compares the labels of a frame with its true actions, which have the order of the frame's object
 * detections. */
static GstPadProbeReturn
score_frame (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  GstAnalyticsRelationMeta *relations = gst_buffer_get_analytics_relation_meta (
      GST_PAD_PROBE_INFO_BUFFER (info));
  Score *score = user_data;
  GstAnalyticsODMtd object;
  gpointer state = NULL;
  GArray *truth;
  guint i = 0;

  g_mutex_lock (&score->lock);
  truth = g_queue_pop_head (&score->truths);
  g_mutex_unlock (&score->lock);
  if (!truth) {
    score->wrong_count = "expected as many frames as the film has, found more";
    return GST_PAD_PROBE_OK;
  }
  while (relations && i < truth->len
         && gst_analytics_relation_meta_iterate (
             relations, &state, gst_analytics_od_mtd_get_mtd_type (), &object)) {
    const DemoDetection *d = &g_array_index (truth, DemoDetection, i++);

    score->n_right += has_label (&object, demo_action_name (d->action));
    g_hash_table_add (score->figures, GUINT_TO_POINTER (d->figure));
    count_track (score, &object);
  }
  if (i != truth->len)
    score->wrong_count = "expected as many object detections as the stage has, found fewer";
  score->n_boxes += truth->len;
  g_array_unref (truth);
  return GST_PAD_PROBE_OK;
}

/* Creates the pipeline, with a probe after lstmlabel. @source: (out) (transfer full) */
static GstElement *
make_pipeline (const gchar *elements, Score *score, GstElement **source, GError **error)
{
  g_autofree gchar *line = g_strdup_printf (
      "appsrc name=source format=time caps=video/x-raw,format=%s,"
      "width=%d,height=%d,framerate=%d/1 ! %s",
      G_BYTE_ORDER == G_LITTLE_ENDIAN ? "BGRx" : "xRGB", DEMO_STAGE_WIDTH, DEMO_STAGE_HEIGHT,
      DEMO_FPS, elements);
  g_autoptr (GstElement)
      pipeline = gst_parse_launch_full (line, NULL, GST_PARSE_FLAG_FATAL_ERRORS, error);
  g_autoptr (GstElement) label = pipeline ? demo_find_element (pipeline, "lstmlabel") : NULL;
  g_autoptr (GstPad) pad = label ? gst_element_get_static_pad (label, "src") : NULL;

  if (!pipeline)
    return NULL;
  if (!pad) {
    g_set_error (error, GST_PARSE_ERROR, GST_PARSE_ERROR_NO_SUCH_ELEMENT,
        "elements: expected lstmlabel, found %s", elements);
    return NULL;
  }
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, score_frame, score, NULL);
  *source = gst_bin_get_by_name (GST_BIN (pipeline), "source");
  return g_steal_pointer (&pipeline);
}

static gboolean
run_film (const gchar *elements, guint32 seed, guint n_frames, Score *score, GError **error)
{
  g_autoptr (GstElement) source = NULL;
  g_autoptr (GstElement) pipeline = make_pipeline (elements, score, &source, error);
  Film film = {.n_frames = n_frames, .score = score};
  gboolean good;

  if (!pipeline)
    return FALSE;
  film.stage = demo_stage_new (seed);
  film.picture = cairo_image_surface_create (
      CAIRO_FORMAT_RGB24, DEMO_STAGE_WIDTH, DEMO_STAGE_HEIGHT);
  g_signal_connect (source, "need-data", G_CALLBACK (push_frame), &film);
  good = demo_play (pipeline, error);
  demo_stage_free (film.stage);
  cairo_surface_destroy (film.picture);
  if (good && score->wrong_count)
    g_set_error_literal (error, GST_STREAM_ERROR, GST_STREAM_ERROR_FAILED, score->wrong_count);
  return good && !score->wrong_count;
}

static gboolean
report_score (const Score *score, const gchar *name, gdouble least, gdouble most)
{
  const gdouble accuracy = (gdouble) score->n_right / MAX (1, score->n_boxes);

  g_print ("%s %.3f on %u boxes of %u figures, with %u tracking ids\n", name, accuracy,
      score->n_boxes, g_hash_table_size (score->figures), g_hash_table_size (score->tracks));
  if (accuracy >= least && accuracy <= most)
    return TRUE;
  g_printerr ("demo-objects: %s: expected from %.2f to %.2f, found %.3f\n", name, least, most,
      accuracy);
  return FALSE;
}

int
main (int argc, char **argv)
{
  gint seed = 1, n_frames = 900;
  gdouble least = 0, most = 1;
  g_autofree gchar *name = g_strdup ("accuracy");
  const GOptionEntry options[] = {
      {"seed", 's', 0, G_OPTION_ARG_INT, &seed, "Seed of the film (default 1)", "N"},
      {"frames", 0, 0, G_OPTION_ARG_INT, &n_frames, "Frames of the film (default 900)", "N"},
      {"name", 0, 0, G_OPTION_ARG_STRING, &name, "Name of the printed accuracy", "NAME"},
      {"at-least", 0, 0, G_OPTION_ARG_DOUBLE, &least, "Fail below this accuracy", "SHARE"},
      {"at-most", 0, 0, G_OPTION_ARG_DOUBLE, &most, "Fail above this accuracy", "SHARE"},
      {NULL}};
  g_autoptr (GOptionContext) context = g_option_context_new ("ELEMENT [! ELEMENT]...");
  g_autoptr (GError) error = NULL;
  g_autofree gchar *elements = NULL;
  Score score = {.truths = G_QUEUE_INIT};
  gboolean good;

  g_option_context_set_summary (context,
      "Scores the labels of the figures in a film. The elements lead from video with "
      "object detections to a sink, and contain lstmlabel.");
  g_option_context_add_main_entries (context, options, NULL);
  g_option_context_add_group (context, gst_init_get_option_group ());
  if (!g_option_context_parse (context, &argc, &argv, &error) || argc < 2) {
    g_printerr ("demo-objects: %s\n",
        error ? error->message : "expected elements; --help lists the options");
    return 2;
  }
  elements = g_strjoinv (" ", argv + 1);
  g_mutex_init (&score.lock);
  score.figures = g_hash_table_new (NULL, NULL);
  score.tracks = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  good = run_film (elements, (guint32) seed, (guint) n_frames, &score, &error)
         && report_score (&score, name, least, most);
  if (error)
    g_printerr ("demo-objects: %s\n", error->message);
  g_queue_clear_full (&score.truths, (GDestroyNotify) g_array_unref);
  g_hash_table_unref (score.figures);
  g_hash_table_unref (score.tracks);
  g_mutex_clear (&score.lock);
  return good ? 0 : 1;
}
