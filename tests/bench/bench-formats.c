/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Measures the CPU time in which `lstmfeatures` converts a 1920x1080 frame of each format that its
 * sink pad accepts. The formats are measured in turns, and the least time of a format counts. */
#include <gst/check/gstharness.h>
#include <gst/video/video.h>
#include <time.h>

#define ROUNDS 5
#define FRAMES 2 /* of a format in each round, after one that is not measured */
#define MAX_FORMATS 256

static const gchar *const colors[] = {"gray", "rgb"};

static gdouble
get_cpu_ms (void)
{
  struct timespec time;

  clock_gettime (CLOCK_PROCESS_CPUTIME_ID, &time);
  return (gdouble) time.tv_sec * 1e3 + (gdouble) time.tv_nsec / 1e6;
}

/* Returns: (transfer full): a frame of random bytes */
static GstBuffer *
create_frame (const GstVideoInfo *info)
{
  guint32 *words = g_new (guint32, info->size / 4 + 1);
  guint32 state = 1;

  for (gsize i = 0; i <= info->size / 4; i++)
    words[i] = state = state * 1664525 + 1013904223;
  return gst_buffer_new_wrapped (words, info->size);
}

/* Returns the least time of a frame of @format in ms. */
static gdouble
measure_format (const gchar *color, const gchar *format)
{
  GstHarness *harness = gst_harness_new ("lstmfeatures");
  gdouble least = G_MAXDOUBLE;
  GstBuffer *frame;
  GstVideoInfo info;

  gst_video_info_set_format (&info, gst_video_format_from_string (format), 1920, 1080);
  gst_util_set_object_arg (G_OBJECT (harness->element), "color", color);
  gst_harness_set_src_caps (harness, gst_video_info_to_caps (&info));
  frame = create_frame (&info);
  for (guint i = 0; i < 1 + FRAMES; i++) {
    const gdouble start = get_cpu_ms ();

    if (gst_harness_push (harness, gst_buffer_ref (frame)) != GST_FLOW_OK)
      g_error ("%s is refused", format);
    if (i > 0)
      least = MIN (least, get_cpu_ms () - start);
    gst_buffer_unref (gst_harness_pull (harness));
  }
  gst_buffer_unref (frame);
  gst_harness_teardown (harness);
  return least;
}

/* Returns: (transfer full): the formats of the sink pad, in its order */
static GPtrArray *
list_formats (const gchar *color)
{
  GstHarness *harness = gst_harness_new ("lstmfeatures");
  GPtrArray *formats = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GstPad) pad = gst_element_get_static_pad (harness->element, "sink");
  g_autoptr (GstCaps) caps = NULL;
  const GValue *list;

  gst_util_set_object_arg (G_OBJECT (harness->element), "color", color);
  caps = gst_pad_query_caps (pad, NULL);
  list = gst_structure_get_value (gst_caps_get_structure (caps, 0), "format");
  for (guint i = 0; i < MIN (gst_value_list_get_size (list), MAX_FORMATS); i++)
    g_ptr_array_add (formats, g_value_dup_string (gst_value_list_get_value (list, i)));
  gst_harness_teardown (harness);
  return formats;
}

static void
measure_color (const gchar *color)
{
  g_autoptr (GPtrArray) formats = list_formats (color);
  gdouble ms[MAX_FORMATS];

  for (guint round = 0; round < ROUNDS; round++)
    for (guint i = 0; i < formats->len; i++) {
      const gdouble time = measure_format (color, formats->pdata[i]);

      ms[i] = round > 0 ? MIN (ms[i], time) : time;
    }
  for (guint i = 0; i < formats->len; i++)
    g_print ("%s\t%s\t%.2f\n", color, (const gchar *) formats->pdata[i], ms[i]);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_print ("color\tformat\tms\n");
  for (guint i = 0; i < G_N_ELEMENTS (colors); i++)
    measure_color (colors[i]);
  return 0;
}
