/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Draws a contact sheet of the labelled tour: one late frame of each motion, with the true motion
 * of the camera as a caption. */
#include "demo-camera.h"
#include <gst/gst.h>
#include <string.h>

#define COLUMNS 4
#define THUMB_W 284
#define THUMB_H 213
#define CAPTION 34
#define GAP 16
/* Frames before the end of a motion, at which the next motion has not begun */
#define FROM_END 9

typedef struct {
  guint frame; /* to show */
  guint start; /* of the motion, in frames */
  gchar *motion;
} Entry;

typedef struct {
  GArray *entries; /* of Entry, in the film's order */
  guint width, height;
  cairo_t *cr;
} Sheet;

static void
entry_clear (gpointer data)
{
  g_free (((Entry *) data)->motion);
}

static GArray *
read_key (const gchar *path, GError **error)
{
  g_autoptr (GKeyFile) key = g_key_file_new ();
  g_autoptr (GArray) entries = g_array_new (FALSE, FALSE, sizeof (Entry));
  g_auto (GStrv) groups = NULL;

  g_array_set_clear_func (entries, entry_clear);
  if (!g_key_file_load_from_file (key, path, G_KEY_FILE_NONE, error)) {
    g_prefix_error (error, "%s: ", path);
    return NULL;
  }
  groups = g_key_file_get_groups (key, NULL);
  for (guint i = 0; groups[i]; i++) {
    Entry entry = {.motion = g_key_file_get_string (key, groups[i], "motion", error)};

    if (!entry.motion)
      return NULL;
    entry.start = g_key_file_get_integer (key, groups[i], "start", NULL);
    entry.frame = g_key_file_get_integer (key, groups[i], "end", NULL) - FROM_END;
    g_array_append_val (entries, entry);
  }
  return g_steal_pointer (&entries);
}

static void
draw_caption (cairo_t *cr, const Entry *entry)
{
  g_autofree gchar *time = g_strdup_printf ("%.1f s", (gdouble) entry->frame / DEMO_FPS);
  cairo_text_extents_t extents;

  cairo_set_font_size (cr, 17);
  cairo_set_source_rgb (cr, 0.45, 0.45, 0.45);
  cairo_select_font_face (cr, "sans", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_NORMAL);
  cairo_move_to (cr, 2, THUMB_H + 22);
  cairo_show_text (cr, "true: ");
  cairo_text_extents (cr, time, &extents);
  cairo_set_source_rgb (cr, 0.1, 0.1, 0.1);
  cairo_select_font_face (cr, "sans", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_BOLD);
  cairo_show_text (cr, entry->motion);
  cairo_set_source_rgb (cr, 0.45, 0.45, 0.45);
  cairo_select_font_face (cr, "sans", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_NORMAL);
  cairo_move_to (cr, THUMB_W - 2 - extents.x_advance, THUMB_H + 22);
  cairo_show_text (cr, time);
}

static void
draw_entry (cairo_t *cr, const Entry *entry, guint index, cairo_surface_t *frame)
{
  cairo_save (cr);
  cairo_translate (cr, GAP + (gint) (index % COLUMNS) * (THUMB_W + GAP),
      GAP + (gint) (index / COLUMNS) * (THUMB_H + CAPTION + GAP));
  draw_caption (cr, entry);
  cairo_scale (cr, (gdouble) THUMB_W / cairo_image_surface_get_width (frame),
      (gdouble) THUMB_H / cairo_image_surface_get_height (frame));
  cairo_set_source_surface (cr, frame, 0, 0);
  cairo_pattern_set_filter (cairo_get_source (cr), CAIRO_FILTER_BEST);
  cairo_paint (cr);
  cairo_restore (cr);
}

static cairo_surface_t *
make_surface (GstSample *sample)
{
  GstStructure *caps = gst_caps_get_structure (gst_sample_get_caps (sample), 0);
  GstBuffer *buffer = gst_sample_get_buffer (sample);
  gint width = 0, height = 0;
  cairo_surface_t *surface;

  gst_structure_get_int (caps, "width", &width);
  gst_structure_get_int (caps, "height", &height);
  surface = cairo_image_surface_create (CAIRO_FORMAT_RGB24, width, height);
  gst_buffer_extract (buffer, 0, cairo_image_surface_get_data (surface),
      (gsize) height * cairo_image_surface_get_stride (surface));
  cairo_surface_mark_dirty (surface);
  return surface;
}

/* Draws the entries whose frames are in the film. Returns their number. */
static guint
draw_film (GstElement *sink, const GArray *entries, cairo_t *cr)
{
  GstSample *sample = NULL;
  guint drawn = 0;

  for (guint frame = 0; drawn < entries->len; frame++) {
    const Entry *entry = &g_array_index (entries, Entry, drawn);

    g_signal_emit_by_name (sink, "pull-sample", &sample);
    if (!sample)
      break;
    if (frame == entry->frame) {
      cairo_surface_t *surface = make_surface (sample);

      draw_entry (cr, entry, drawn++, surface);
      cairo_surface_destroy (surface);
    }
    gst_sample_unref (sample);
  }
  return drawn;
}

static gboolean
draw_sheet (const gchar *film, const GArray *entries, cairo_t *cr, GError **error)
{
  g_autofree gchar *line = g_strdup_printf (
      "filesrc name=source ! decodebin ! videoconvert ! video/x-raw,format=%s"
      " ! appsink name=sink sync=false",
      G_BYTE_ORDER == G_LITTLE_ENDIAN ? "BGRx" : "xRGB");
  g_autoptr (GstElement) pipeline = gst_parse_launch (line, error);
  g_autoptr (GstElement) source = NULL;
  g_autoptr (GstElement) sink = NULL;
  guint drawn;

  if (!pipeline)
    return FALSE;
  source = gst_bin_get_by_name (GST_BIN (pipeline), "source");
  sink = gst_bin_get_by_name (GST_BIN (pipeline), "sink");
  g_object_set (source, "location", film, NULL);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  drawn = draw_film (sink, entries, cr);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  if (drawn < entries->len)
    g_set_error (error, GST_STREAM_ERROR, GST_STREAM_ERROR_FAILED,
        "%s: expected frames of %u motions, found frames of %u", film, entries->len, drawn);
  return drawn == entries->len;
}

static gboolean
make_sheet (gchar **paths, GError **error)
{
  g_autoptr (GArray) entries = read_key (paths[1], error);
  cairo_surface_t *sheet;
  cairo_status_t status = CAIRO_STATUS_SUCCESS;
  gboolean good;
  cairo_t *cr;

  if (!entries)
    return FALSE;
  sheet = cairo_image_surface_create (CAIRO_FORMAT_RGB24, GAP + COLUMNS * (THUMB_W + GAP),
      GAP + (gint) ((entries->len + COLUMNS - 1) / COLUMNS) * (THUMB_H + CAPTION + GAP));
  cr = cairo_create (sheet);
  cairo_set_source_rgb (cr, 1, 1, 1);
  cairo_paint (cr);
  good = draw_sheet (paths[0], entries, cr, error);
  cairo_destroy (cr);
  if (good)
    status = cairo_surface_write_to_png (sheet, paths[2]);
  cairo_surface_destroy (sheet);
  if (status != CAIRO_STATUS_SUCCESS)
    g_set_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_WRITE, "%s: %s", paths[2],
        cairo_status_to_string (status));
  return good && status == CAIRO_STATUS_SUCCESS;
}

int
main (int argc, char **argv)
{
  g_autoptr (GOptionContext) context = g_option_context_new ("FILM KEY PNG");
  g_autoptr (GError) error = NULL;

  g_option_context_set_summary (
      context, "Draws frames of the labelled tour FILM, at the times in KEY, into PNG.");
  g_option_context_add_group (context, gst_init_get_option_group ());
  if (!g_option_context_parse (context, &argc, &argv, &error) || argc != 4) {
    g_printerr ("demo-sheet: %s\n",
        error ? error->message : "expected FILM, KEY and PNG; --help lists the options");
    return 2;
  }
  if (!make_sheet (argv + 1, &error)) {
    g_printerr ("demo-sheet: %s\n", error->message);
    return 1;
  }
  return 0;
}
