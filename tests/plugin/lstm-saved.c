/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * When a saved state is written. */
#include "lstm-rig.h"

#define FOLDER "three-layers"
#define NONE GST_CLOCK_TIME_NONE

/* @key of a state's metadata, or NONE where it has none */
static guint64
get_number (GBytes *bytes, const gchar *key)
{
  g_autofree gchar *pattern = g_strdup_printf ("\"%s\":\"", key);
  gsize size;
  const gchar *content = g_bytes_get_data (bytes, &size);
  const gchar *found = g_strstr_len (content + 8, (gssize) size - 8, pattern);

  return found ? g_ascii_strtoull (found + strlen (pattern), NULL, 10) : NONE;
}

static void
push_at (Rig *rig, GstClockTime pts, GstClockTime duration)
{
  GstBuffer *buffer = rig_buffer (rig, 0);

  GST_BUFFER_PTS (buffer) = pts;
  GST_BUFFER_DURATION (buffer) = duration;
  g_assert_cmpint (gst_harness_push (rig->harness, buffer), ==, GST_FLOW_OK);
}

typedef struct {
  gchar *dir, *file, *properties;
} Place;

static Place
place_new (const gchar *more)
{
  Place place = {.dir = test_dir_new ()};

  place.file = g_build_filename (place.dir, "state", NULL);
  place.properties = g_strdup_printf ("state-location=%s %s", place.file, more);
  return place;
}

static void
place_clear (Place *place)
{
  test_dir_remove (place->dir);
  g_free (place->file);
  g_free (place->properties);
}

/* Returns: (transfer full) (nullable) */
static GBytes *
read_file (const Place *place)
{
  gchar *content;
  gsize size;

  return g_file_get_contents (place->file, &content, &size, NULL)
             ? g_bytes_new_take (content, size)
             : NULL;
}

/* --- When it is written --- */

/* Buffers without pts, of which each is 1 s long, and an interval of 3 s */
static const struct {
  const gchar *framerate;
  GstClockTime duration;
  gboolean by_clock;
  void (*push) (Rig *rig, guint i);
} feeds[] = {
    {"1/1", NONE, FALSE},
    {"3/1", NONE, FALSE},
    {"0/1", GST_SECOND, FALSE},
    {"0/1", NONE, TRUE},
};

static void
test_interval (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (feeds); i++) {
    Place place = place_new ("state-interval=3000000000");
    Rig rig;

    rig_init (&rig, FOLDER, place.properties);
    gst_harness_use_testclock (rig.harness);
    rig.framerate = feeds[i].framerate;
    rig.steps = i == 1 ? 3 : 1;
    rig_begin (&rig);
    for (guint t = 0; t < 8; t++) {
      g_autoptr (GBytes) file = NULL;

      if (feeds[i].by_clock)
        gst_harness_set_time (rig.harness, t * GST_SECOND);
      push_at (&rig, NONE, feeds[i].duration);
      file = read_file (&place);
      if (t < 3)
        g_assert_null (file);
      else
        g_assert_cmpuint (get_number (file, "lstm.steps"), ==, (t < 6 ? 4 : 7) * rig.steps);
    }
    rig_clear (&rig);
    place_clear (&place);
  }
}

/* Steps that stand for gaps count as well. */
static void
test_interval_of_gaps (void)
{
  Place place = place_new ("state-interval=3000000000 gap-policy=zero-step");
  g_autoptr (GBytes) file = NULL;
  Rig rig;

  rig_init (&rig, FOLDER, place.properties);
  rig.framerate = "1/1";
  rig_begin (&rig);
  for (guint t = 0; t < 4; t++)
    rig_push_event (&rig, gst_event_new_gap (t * GST_SECOND, GST_SECOND));
  file = read_file (&place);
  g_assert_nonnull (file);
  g_assert_cmpuint (get_number (file, "lstm.steps"), ==, 4);
  rig_clear (&rig);
  place_clear (&place);
}

int
main (int argc, char **argv)
{
  static const TestRow tests[] = {
      {"/lstm/saved/interval", test_interval},
      {"/lstm/saved/interval-of-gaps", test_interval_of_gaps},
  };

  return test_main (argc, argv, tests, G_N_ELEMENTS (tests));
}
