/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Runs the clips through a recogniser and compares the label of the last frame with the truth. A
 * second run resets the state of the LSTM before every frame. */
#include "demo-recogniser.h"

typedef struct {
  gchar *name, *truth;
  DemoLabel with_memory, without_memory; /* at the last frame */
} Clip;

typedef struct {
  const gchar *directory;
  gchar *recogniser; /* elements from video to text, in the syntax of gst-launch-1.0 */
  GPtrArray *clips;  /* of Clip */
  GMutex lock;
  GError *error; /* the first error; protected by the lock */
} Scoring;

static void
clip_free (gpointer data)
{
  Clip *clip = data;

  g_free (clip->name);
  g_free (clip->truth);
  g_free (clip);
}

static void
keep_last (const DemoLabel *label, gpointer user_data)
{
  *(DemoLabel *) user_data = *label;
}

static GstPadProbeReturn
reset_state (GstPad *pad, GstPadProbeInfo *info, gpointer lstm)
{
  g_signal_emit_by_name (lstm, "reset");
  return GST_PAD_PROBE_OK;
}

/* Resets the state of lstm before each frame. Returns FALSE if the pipeline has no lstm. */
static gboolean
reset_before_each_frame (GstElement *pipeline)
{
  GstElement *lstm = demo_find_element (pipeline, "lstm");
  g_autoptr (GstPad) pad = lstm ? gst_element_get_static_pad (lstm, "sink") : NULL;

  if (pad)
    gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, reset_state, lstm, gst_object_unref);
  return pad != NULL;
}

static gboolean
recognise_clip (
    const Scoring *scoring, const gchar *name, gboolean memory, DemoLabel *last, GError **error)
{
  g_autofree gchar *line = g_strdup_printf (
      "filesrc name=source ! decodebin ! %s ! fakesink sync=false", scoring->recogniser);
  g_autofree gchar *path = g_build_filename (scoring->directory, name, NULL);
  g_autoptr (GstElement)
      pipeline = gst_parse_launch_full (line, NULL, GST_PARSE_FLAG_FATAL_ERRORS, error);
  g_autoptr (GstElement) source = NULL;

  if (!pipeline)
    return FALSE;
  source = gst_bin_get_by_name (GST_BIN (pipeline), "source");
  g_object_set (source, "location", path, NULL);
  if (!demo_watch_labels (pipeline, keep_last, last)
      || !(memory || reset_before_each_frame (pipeline))) {
    g_set_error (error, GST_PARSE_ERROR, GST_PARSE_ERROR_NO_SUCH_ELEMENT,
        "elements: expected lstm and lstmlabel, found %s", scoring->recogniser);
    return FALSE;
  }
  return demo_play (pipeline, error);
}

/* Scores one clip, in a thread. */
static void
score_clip (gpointer data, gpointer user_data)
{
  Clip *clip = data;
  Scoring *scoring = user_data;
  GError *error = NULL;

  if (recognise_clip (scoring, clip->name, TRUE, &clip->with_memory, &error)
      && recognise_clip (scoring, clip->name, FALSE, &clip->without_memory, &error))
    return;
  g_prefix_error (&error, "%s: ", clip->name);
  g_mutex_lock (&scoring->lock);
  if (scoring->error)
    g_error_free (error);
  else
    scoring->error = error;
  g_mutex_unlock (&scoring->lock);
}

static gboolean
read_truth (Scoring *scoring, GError **error)
{
  g_autoptr (GKeyFile) truth = g_key_file_new ();
  g_autofree gchar *path = g_build_filename (scoring->directory, "truth.txt", NULL);
  g_auto (GStrv) names = NULL;

  if (!g_key_file_load_from_file (truth, path, G_KEY_FILE_NONE, error)) {
    g_prefix_error (error, "%s: ", path);
    return FALSE;
  }
  names = g_key_file_get_groups (truth, NULL);
  for (guint i = 0; names[i]; i++) {
    Clip *clip = g_new0 (Clip, 1);

    g_ptr_array_add (scoring->clips, clip);
    clip->name = g_strdup (names[i]);
    clip->truth = g_key_file_get_string (truth, names[i], "motion", error);
    if (!clip->truth)
      return FALSE;
  }
  return TRUE;
}

static gboolean
score_clips (Scoring *scoring, GError **error)
{
  GThreadPool *pool;

  if (!read_truth (scoring, error))
    return FALSE;
  g_mutex_init (&scoring->lock);
  pool = g_thread_pool_new (score_clip, scoring, g_get_num_processors (), FALSE, NULL);
  for (guint i = 0; i < scoring->clips->len; i++)
    g_thread_pool_push (pool, g_ptr_array_index (scoring->clips, i), NULL);
  g_thread_pool_free (pool, FALSE, TRUE);
  g_mutex_clear (&scoring->lock);
  if (scoring->error)
    g_propagate_error (error, g_steal_pointer (&scoring->error));
  return !*error;
}

static void
report_scores (const Scoring *scoring, gdouble *with_memory, gdouble *without_memory)
{
  guint n = scoring->clips->len, right = 0, right_without = 0;

  g_print ("%-15s  %-10s  %-10s  %s\n", "clip", "true", "recognised", "score");
  for (guint i = 0; i < n; i++) {
    const Clip *clip = g_ptr_array_index (scoring->clips, i);
    gboolean good = g_str_equal (clip->with_memory.label, clip->truth);

    right += good;
    right_without += g_str_equal (clip->without_memory.label, clip->truth);
    g_print ("%-15s  %-10s  %-10s  %.2f%s\n", clip->name, clip->truth, clip->with_memory.label,
        clip->with_memory.score, good ? "" : "  wrong");
  }
  *with_memory = (gdouble) right / n;
  *without_memory = (gdouble) right_without / n;
  g_print ("accuracy %.3f on %u clips\n", *with_memory, n);
  g_print ("accuracy-without-memory %.2f on %u clips\n", *without_memory, n);
}

int
main (int argc, char **argv)
{
  gdouble least = 0, most = 1, with_memory = 0, without_memory = 0;
  const GOptionEntry options[] = {
      {"at-least", 0, 0, G_OPTION_ARG_DOUBLE, &least, "Fail below this accuracy", "SHARE"},
      {"without-memory-at-most", 0, 0, G_OPTION_ARG_DOUBLE, &most,
          "Fail above this accuracy without memory", "SHARE"},
      {NULL}};
  g_autoptr (GOptionContext) context = g_option_context_new ("CLIPS ELEMENT [! ELEMENT]...");
  g_autoptr (GError) error = NULL;
  Scoring scoring = {NULL};

  g_option_context_set_summary (
      context, "Scores the elements, which lead from video to lstmlabel's text, on CLIPS.");
  g_option_context_add_main_entries (context, options, NULL);
  g_option_context_add_group (context, gst_init_get_option_group ());
  if (!g_option_context_parse (context, &argc, &argv, &error) || argc < 3) {
    g_printerr ("demo-score: %s\n",
        error ? error->message : "expected CLIPS and elements; --help lists the options");
    return 2;
  }
  scoring.directory = argv[1];
  scoring.recogniser = g_strjoinv (" ", argv + 2);
  scoring.clips = g_ptr_array_new_with_free_func (clip_free);
  if (score_clips (&scoring, &error))
    report_scores (&scoring, &with_memory, &without_memory);
  g_free (scoring.recogniser);
  g_ptr_array_unref (scoring.clips);
  if (error) {
    g_printerr ("demo-score: %s\n", error->message);
    return 1;
  }
  if (with_memory < least || without_memory > most) {
    g_printerr ("demo-score: accuracy: expected at least %.2f, and at most %.2f without "
                "memory, found %.3f "
                "and %.2f\n",
        least, most, with_memory, without_memory);
    return 1;
  }
  return 0;
}
