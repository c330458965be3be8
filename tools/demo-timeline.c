/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Runs a pipeline like gst-launch-1.0 and prints a time line of the labels of its lstmlabel. */
#include "demo-recogniser.h"
#include <string.h>

/* A shorter run of one label is merged into the run before it. */
#define SHORTEST_RUN (300 * GST_MSECOND)

typedef struct {
  DemoLabel label; /* of the first frame, but the duration of the run */
  gdouble score;   /* sum over the frames of the run */
  guint frames;    /* number of frames in the run */
} Run;

static void
append_frame (const DemoLabel *label, gpointer user_data)
{
  g_array_append_vals (user_data, label, 1);
}

static gboolean
has_same_label (const Run *a, const Run *b)
{
  return g_str_equal (a->label.label, b->label.label);
}

/* Returns the runs of frames with one label. A frame lasts until the next frame. */
static GArray *
find_runs (const GArray *frames)
{
  GArray *runs = g_array_new (FALSE, FALSE, sizeof (Run));

  for (guint i = 0; i < frames->len; i++) {
    const DemoLabel *frame = &g_array_index (frames, DemoLabel, i);
    Run run = {*frame, frame->score, 1};
    Run *last = runs->len ? &g_array_index (runs, Run, runs->len - 1) : NULL;

    if (i + 1 < frames->len)
      run.label.duration = g_array_index (frames, DemoLabel, i + 1).pts - frame->pts;
    else if (!GST_CLOCK_TIME_IS_VALID (frame->duration))
      run.label.duration = 0;
    if (last && has_same_label (last, &run)) {
      last->label.duration += run.label.duration;
      last->score += run.score;
      last->frames++;
    } else {
      g_array_append_val (runs, run);
    }
  }
  return runs;
}

/* Merges each short run into the run before it, or into the next run if it is the first. */
static GArray *
merge_short_runs (const GArray *runs)
{
  GArray *merged = g_array_new (FALSE, FALSE, sizeof (Run));

  for (guint i = 0; i < runs->len; i++) {
    Run run = g_array_index (runs, Run, i);
    Run *last = merged->len ? &g_array_index (merged, Run, merged->len - 1) : NULL;

    if (!last) {
      g_array_append_val (merged, run);
    } else if (has_same_label (last, &run)) {
      last->label.duration += run.label.duration;
      last->score += run.score;
      last->frames += run.frames;
    } else if (run.label.duration < SHORTEST_RUN) {
      last->label.duration += run.label.duration;
    } else if (merged->len == 1 && last->label.duration < SHORTEST_RUN) {
      run.label.pts = last->label.pts;
      run.label.duration += last->label.duration;
      *last = run;
    } else {
      g_array_append_val (merged, run);
    }
  }
  return merged;
}

/* Formats a time as minutes, seconds and tenths. */
static gchar *
format_time (GstClockTime time)
{
  guint64 tenths = (time + 50 * GST_MSECOND) / (100 * GST_MSECOND);

  return g_strdup_printf (
      "%u:%02u.%u", (guint) (tenths / 600), (guint) (tenths / 10 % 60), (guint) (tenths % 10));
}

static void
print_runs (const GArray *runs)
{
  GstClockTime first = g_array_index (runs, Run, 0).label.pts;

  for (guint i = 0; i < runs->len; i++) {
    const Run *run = &g_array_index (runs, Run, i);
    g_autofree gchar *from = format_time (run->label.pts - first);
    g_autofree gchar *to = format_time (run->label.pts + run->label.duration - first);

    if (run->label.label[0])
      g_print ("%7s - %7s  %-9s  %.2f\n", from, to, run->label.label, run->score / run->frames);
    else
      g_print ("%7s - %7s  no label\n", from, to);
  }
}

/* Prints the share of the frames of each label in one line, the largest share first. */
static void
print_shares (const GArray *frames)
{
  g_autoptr (GHashTable) counts = g_hash_table_new (g_str_hash, g_str_equal);
  guint left = frames->len;

  for (guint i = 0; i < frames->len; i++) {
    gchar *label = g_array_index (frames, DemoLabel, i).label;

    g_hash_table_insert (counts, label,
        GUINT_TO_POINTER (GPOINTER_TO_UINT (g_hash_table_lookup (counts, label)) + 1));
  }
  g_print ("%u frames:", frames->len);
  while (left > 0) {
    GHashTableIter iter;
    gpointer label, count, best = NULL;
    guint most = 0;

    g_hash_table_iter_init (&iter, counts);
    while (g_hash_table_iter_next (&iter, &label, &count)) {
      if (GPOINTER_TO_UINT (count) > most) {
        most = GPOINTER_TO_UINT (count);
        best = label;
      }
    }
    g_print (" %s %.1f %%%s", *(gchar *) best ? (gchar *) best : "no label",
        100. * most / frames->len, most < left ? "," : "\n");
    left -= most;
    g_hash_table_remove (counts, best);
  }
}

/* Appends @time in the form of SubRip: hours, minutes, seconds and milliseconds. */
static void
append_time (GString *text, GstClockTime time)
{
  const guint64 ms = time / GST_MSECOND;

  g_string_append_printf (text, "%02u:%02u:%02u,%03u", (guint) (ms / 3600000),
      (guint) (ms / 60000 % 60), (guint) (ms / 1000 % 60), (guint) (ms % 1000));
}

/* Writes the label of each frame as a subtitle in the format SubRip. A frame lasts until the next
 * frame. */
static gboolean
write_subtitles (const GArray *frames, const gchar *path, GError **error)
{
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < frames->len; i++) {
    const DemoLabel *frame = &g_array_index (frames, DemoLabel, i);
    GstClockTime end = frame->pts;

    if (!frame->label[0])
      continue;
    if (i + 1 < frames->len)
      end = g_array_index (frames, DemoLabel, i + 1).pts;
    else if (GST_CLOCK_TIME_IS_VALID (frame->duration))
      end += frame->duration;
    g_string_append_printf (text, "%u\n", i + 1);
    append_time (text, frame->pts);
    g_string_append (text, " --> ");
    append_time (text, end);
    g_string_append_printf (text, "\n%s %.2f\n\n", frame->label, frame->score);
  }
  return g_file_set_contents (path, text->str, (gssize) text->len, error);
}

static void
print_timeline (const GArray *frames)
{
  g_autoptr (GArray) runs = find_runs (frames);
  g_autoptr (GArray) merged = merge_short_runs (runs);

  print_runs (merged);
  print_shares (frames);
}

static gboolean
run_pipeline (gchar **elements, GArray *frames, GError **error)
{
  g_autoptr (GstElement) pipeline = gst_parse_launchv_full (
      (const gchar **) elements, NULL, GST_PARSE_FLAG_FATAL_ERRORS, error);

  if (!pipeline)
    return FALSE;
  if (!demo_watch_labels (pipeline, append_frame, frames)) {
    g_set_error (error, GST_PARSE_ERROR, GST_PARSE_ERROR_NO_SUCH_ELEMENT,
        "pipeline: expected an lstmlabel, found none");
    return FALSE;
  }
  if (demo_play (pipeline, error))
    return TRUE;
  if (frames->len == 0)
    g_prefix_error (error, "pipeline: expected video frames, found none: ");
  return FALSE;
}

int
main (int argc, char **argv)
{
  g_autoptr (GOptionContext) context = g_option_context_new ("ELEMENT [! ELEMENT]...");
  g_autoptr (GArray) frames = g_array_new (FALSE, FALSE, sizeof (DemoLabel));
  g_autofree gchar *subtitles = NULL;
  g_autoptr (GError) error = NULL;
  const GOptionEntry entries[] = {
      {"subtitles", 0, 0, G_OPTION_ARG_FILENAME, &subtitles,
          "Write the label of each frame to FILE, in the format SubRip", "FILE"},
      {NULL},
  };

  g_option_context_add_main_entries (context, entries, NULL);
  g_option_context_set_summary (
      context, "Runs a pipeline and prints a time line of the labels of its lstmlabel.");
  g_option_context_add_group (context, gst_init_get_option_group ());
  if (!g_option_context_parse (context, &argc, &argv, &error) || argc < 2) {
    g_printerr ("demo-timeline: %s\n",
        error ? error->message : "expected a pipeline; --help lists the options");
    return 2;
  }
  if (!run_pipeline (argv + 1, frames, &error)) {
    g_printerr ("demo-timeline: %s\n", error->message);
    return 1;
  }
  if (frames->len == 0) {
    g_printerr ("demo-timeline: pipeline: expected video frames, found none\n");
    return 1;
  }
  print_timeline (frames);
  if (subtitles && !write_subtitles (frames, subtitles, &error)) {
    g_printerr ("demo-timeline: %s\n", error->message);
    return 1;
  }
  return 0;
}
