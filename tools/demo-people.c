/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Runs a pipeline in which a detector adds regions of interest to the frames of a recording, as
 * facedetect does. Makes object detections of the regions before ioutracker, and counts the labels
 * of lstmlabel. */
#include "demo-recogniser.h"
#include <gst/analytics/analytics.h>
#include <gst/video/video.h>

typedef struct {
  guint n_frames, n_boxes;
  GHashTable *labels; /* label to its number of boxes, GUINT_TO_POINTER () */
} Count;

/* Adds an object detection for each region of interest of the frame. */
static GstPadProbeReturn
add_detections (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  GstBuffer *buffer = gst_buffer_make_writable (GST_PAD_PROBE_INFO_BUFFER (info));
  GstAnalyticsRelationMeta *relations = gst_buffer_add_analytics_relation_meta (buffer);
  gpointer state = NULL;
  GstMeta *meta;

  while ((meta = gst_buffer_iterate_meta_filtered (
              buffer, &state, GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE))) {
    const GstVideoRegionOfInterestMeta *region = (const GstVideoRegionOfInterestMeta *) meta;

    gst_analytics_relation_meta_add_od_mtd (relations, g_quark_from_static_string ("person"),
        (gint) region->x, (gint) region->y, (gint) region->w, (gint) region->h, 1, NULL);
  }
  GST_PAD_PROBE_INFO_DATA (info) = buffer;
  return GST_PAD_PROBE_OK;
}

/* Counts the label of an object detection. */
static void
count_label (Count *count, const GstAnalyticsODMtd *object)
{
  GstAnalyticsClsMtd classes;
  const gchar *label = "no label";

  if (gst_analytics_relation_meta_get_direct_related (object->meta, object->id,
          GST_ANALYTICS_REL_TYPE_RELATE_TO, gst_analytics_cls_mtd_get_mtd_type (), NULL,
          &classes))
    label = g_quark_to_string (gst_analytics_cls_mtd_get_quark (&classes, 0));
  count->n_boxes++;
  g_hash_table_insert (count->labels, (gpointer) label,
      GUINT_TO_POINTER (GPOINTER_TO_UINT (g_hash_table_lookup (count->labels, label)) + 1));
}

static GstPadProbeReturn
count_labels (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  GstAnalyticsRelationMeta *relations = gst_buffer_get_analytics_relation_meta (
      GST_PAD_PROBE_INFO_BUFFER (info));
  Count *count = user_data;
  GstAnalyticsODMtd object;
  gpointer state = NULL;

  count->n_frames++;
  while (relations
         && gst_analytics_relation_meta_iterate (
             relations, &state, gst_analytics_od_mtd_get_mtd_type (), &object))
    count_label (count, &object);
  return GST_PAD_PROBE_OK;
}

/* Adds a probe to the pad @name of the element of @factory. Returns FALSE and sets @error if there
 * is no such element. */
static gboolean
add_probe (GstElement *pipeline, const gchar *factory, const gchar *name,
    GstPadProbeCallback callback, Count *count, GError **error)
{
  g_autoptr (GstElement) element = demo_find_element (pipeline, factory);
  g_autoptr (GstPad) pad = element ? gst_element_get_static_pad (element, name) : NULL;

  if (pad)
    gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, callback, count, NULL);
  else
    g_set_error (error, GST_PARSE_ERROR, GST_PARSE_ERROR_NO_SUCH_ELEMENT,
        "elements: expected %s, found none", factory);
  return pad != NULL;
}

/* Compares the counts of two labels, the greatest first. */
static gint
compare_counts (gconstpointer a, gconstpointer b, gpointer labels)
{
  return (gint) GPOINTER_TO_UINT (g_hash_table_lookup (labels, b))
         - (gint) GPOINTER_TO_UINT (g_hash_table_lookup (labels, a));
}

static void
print_counts (const Count *count)
{
  GList *labels = g_list_sort_with_data (
      g_hash_table_get_keys (count->labels), compare_counts, count->labels);

  g_print ("%u frames, %u boxes:", count->n_frames, count->n_boxes);
  for (GList *i = labels; i; i = i->next)
    g_print ("%s %s %.1f %%", i == labels ? "" : ",", (const gchar *) i->data,
        100. * GPOINTER_TO_UINT (g_hash_table_lookup (count->labels, i->data))
            / count->n_boxes);
  g_print ("\n");
  g_list_free (labels);
}

static gboolean
run_recording (const gchar **elements, Count *count, GError **error)
{
  g_autoptr (GstElement)
      pipeline = gst_parse_launchv_full (elements, NULL, GST_PARSE_FLAG_FATAL_ERRORS, error);

  return pipeline && add_probe (pipeline, "ioutracker", "sink", add_detections, count, error)
         && add_probe (pipeline, "lstmlabel", "src", count_labels, count, error)
         && demo_play (pipeline, error);
}

int
main (int argc, char **argv)
{
  g_autoptr (GOptionContext) context = g_option_context_new ("ELEMENT [! ELEMENT]...");
  g_autoptr (GError) error = NULL;
  Count count = {.labels = g_hash_table_new (g_str_hash, g_str_equal)};

  g_option_context_set_summary (
      context, "Counts the labels of the people that a pipeline detects, tracks and labels.");
  g_option_context_add_group (context, gst_init_get_option_group ());
  if (!g_option_context_parse (context, &argc, &argv, &error) || argc < 2) {
    g_printerr ("demo-people: %s\n",
        error ? error->message : "expected elements; --help lists the options");
    return 2;
  }
  if (run_recording ((const gchar **) argv + 1, &count, &error))
    print_counts (&count);
  else
    g_printerr ("demo-people: %s\n", error->message);
  g_hash_table_unref (count.labels);
  return error ? 1 : 0;
}
