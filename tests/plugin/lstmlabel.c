/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "testutil.h"
#include <gst/base/gstbasetransform.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>

#define LABELS "still\npan-left\nzoom-in\n"
#define FRAME (GST_SECOND / 25)

/* A harness whose element posts on a bus of its own. */
typedef struct {
  GstHarness *h;
  GstBus *bus;
} Fixture;

static Fixture
fixture_new (const gchar *location, const gchar *dimensions, const gchar *framerate)
{
  Fixture f = {gst_harness_new ("lstmlabel"), gst_bus_new ()};
  g_autofree gchar *caps = g_strdup_printf (
      "other/tensors, format=static, num_tensors=1, types=float32, "
      "dimensions=(string)%s, framerate=%s",
      dimensions, framerate);

  if (location) {
    gst_element_set_state (f.h->element, GST_STATE_READY);
    g_object_set (f.h->element, "labels-location", location, NULL);
    gst_harness_play (f.h);
  }
  gst_element_set_bus (f.h->element, f.bus);
  gst_harness_set_src_caps_str (f.h, caps);
  return f;
}

static void
fixture_clear (Fixture *f)
{
  gst_element_set_bus (f->h->element, NULL);
  gst_harness_teardown (f->h);
  gst_object_unref (f->bus);
}

/* Returns: (transfer full): the path of a new file in @dir */
static gchar *
file_new (const gchar *dir, const gchar *text, gssize size)
{
  gchar *path = g_build_filename (dir, "labels.txt", NULL);

  g_assert_true (g_file_set_contents (path, text, size, NULL));
  return path;
}

static GstFlowReturn
push (Fixture *f, const gfloat *scores, guint n, GstClockTime pts, GstClockTime duration)
{
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, n * sizeof (gfloat), NULL);

  gst_buffer_fill (buffer, 0, scores, n * sizeof (gfloat));
  GST_BUFFER_PTS (buffer) = pts;
  GST_BUFFER_DURATION (buffer) = duration;
  return gst_harness_push (f->h, buffer);
}

/* One text, or NULL if there is none; its time goes to @pts and @duration. */
static gchar *
pull (Fixture *f, GstClockTime *pts, GstClockTime *duration)
{
  g_autoptr (GstBuffer) buffer = gst_harness_try_pull (f->h);
  GstMapInfo map;
  gchar *text;

  if (!buffer)
    return NULL;
  g_assert_true (gst_buffer_map (buffer, &map, GST_MAP_READ));
  g_assert_null (memchr (map.data, '\0', map.size)); /* the size tells where it ends */
  text = g_strndup ((const gchar *) map.data, map.size);
  gst_buffer_unmap (buffer, &map);
  if (pts)
    *pts = GST_BUFFER_PTS (buffer);
  if (duration)
    *duration = GST_BUFFER_DURATION (buffer);
  return text;
}

/* The next GAP event's time, or FALSE if there is none. */
static gboolean
pull_gap (Fixture *f, GstClockTime *pts, GstClockTime *duration)
{
  GstEvent *event;

  while ((event = gst_harness_try_pull_event (f->h))) {
    gboolean is_gap = GST_EVENT_TYPE (event) == GST_EVENT_GAP;

    if (is_gap)
      gst_event_parse_gap (event, pts, duration);
    gst_event_unref (event);
    if (is_gap)
      return TRUE;
  }
  return FALSE;
}

/* The index of the next message, or -9 if there is none. */
static gint
pull_index (Fixture *f)
{
  g_autoptr (GstMessage) message = gst_bus_pop_filtered (f->bus, GST_MESSAGE_ELEMENT);
  gint index = -9;

  if (message)
    g_assert_true (
        gst_structure_get_int (gst_message_get_structure (message), "index", &index));
  return index;
}

static void
assert_error (GstBus *bus, const gchar *const *parts)
{
  g_autoptr (GstMessage) message = gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR);
  g_autoptr (GError) error = NULL;

  g_assert_nonnull (message);
  gst_message_parse_error (message, &error, NULL);
  for (; *parts; parts++)
    if (!strstr (error->message, *parts))
      g_error ("expected '%s' in '%s'", *parts, error->message);
}

/* What a vector says, in the text and in the message. */
static void
test_vectors (void)
{
  static const struct {
    gfloat scores[3];
    gfloat threshold;
    const gchar *text; /* NULL: a gap */
    const gchar *label;
    gint index;
    gdouble score;
  } cases[] = {
      {{.01f, .97f, .02f}, 0, "pan-left 0.97", "pan-left", 1, .97f},
      {{1, 0, 0}, 0, "still 1.00", "still", 0, 1},
      {{0, 0, 1}, 1, "zoom-in 1.00", "zoom-in", 2, 1},
      {{.5f, .5f, .5f}, 0, "still 0.50", "still", 0, .5},
      {{.1f, .7f, .2f}, .7f, "pan-left 0.70", "pan-left", 1, .7f},
      {{.1f, .69f, .2f}, .7f, NULL, "", -1, .69f},
      {{0, 0, 0}, 0, "still 0.00", "still", 0, 0},
      {{-3, -1, -2}, 0, NULL, "", -1, -1},
      {{-3, -1, -2}, -10, "pan-left -1.00", "pan-left", 1, -1},
      {{0, 1234567, 2}, 0, "pan-left 1234567.00", "pan-left", 1, 1234567},
      {{0, INFINITY, 0}, 0, "pan-left inf", "pan-left", 1, INFINITY},
      {{-G_MAXFLOAT, -INFINITY, -INFINITY}, -G_MAXFLOAT,
          "still -340282346638528859811704183484516925440.00", "still", 0, -G_MAXFLOAT},
      {{-INFINITY, -INFINITY, -INFINITY}, -G_MAXFLOAT, NULL, "", -1, -INFINITY},
      {{NAN, .9f, .1f}, 0, NULL, "", -1, NAN},
      {{.9f, .1f, NAN}, 0, NULL, "", -1, NAN},
      {{NAN, NAN, NAN}, -1, NULL, "", -1, NAN},
  };
  gchar *dir = test_dir_new ();
  g_autofree gchar *location = file_new (dir, LABELS, -1);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    Fixture f = fixture_new (location, "3:1", "25/1");
    g_autofree gchar *text = NULL;
    g_autoptr (GstMessage) message = NULL;
    const GstStructure *s;
    gdouble score;
    gint index;
    GstClockTime pts, duration;

    g_object_set (f.h->element, "threshold", cases[i].threshold, NULL);
    g_assert_cmpint (push (&f, cases[i].scores, 3, FRAME, FRAME), ==, GST_FLOW_OK);
    text = pull (&f, NULL, NULL);
    g_assert_cmpstr (text, ==, cases[i].text);
    g_assert_cmpint (pull_gap (&f, &pts, &duration), ==, cases[i].text == NULL);
    message = gst_bus_pop_filtered (f.bus, GST_MESSAGE_ELEMENT);
    g_assert_nonnull (message);
    s = gst_message_get_structure (message);
    g_assert_true (gst_structure_get (
        s, "index", G_TYPE_INT, &index, "score", G_TYPE_DOUBLE, &score, NULL));
    g_assert_cmpstr (gst_structure_get_string (s, "label"), ==, cases[i].label);
    g_assert_cmpint (index, ==, cases[i].index);
    g_assert_true (isnan (cases[i].score) ? isnan (score) : score == cases[i].score);
    fixture_clear (&f);
  }
  test_dir_remove (dir);
}

/* All fields of the message, in a segment in which no two times are alike. */
static void
test_message (void)
{
  static const gfloat scores[] = {0, 1, 0};
  static const struct {
    const gchar *field;
    GstClockTime expected;
  } times[] = {{"timestamp", 7 * GST_SECOND}, {"stream-time", 105 * GST_SECOND},
      {"running-time", 12500 * GST_MSECOND}, {"duration", FRAME}};
  Fixture f = fixture_new (NULL, "3:1", "25/1");
  g_autoptr (GstMessage) message = NULL;
  const GstStructure *s;
  GstSegment segment;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  segment.start = 2 * GST_SECOND;
  segment.time = 100 * GST_SECOND;
  segment.base = 10 * GST_SECOND;
  segment.rate = 2.0;
  g_assert_true (gst_harness_push_event (f.h, gst_event_new_segment (&segment)));
  g_assert_cmpint (push (&f, scores, 3, 7 * GST_SECOND, FRAME), ==, GST_FLOW_OK);
  message = gst_bus_pop_filtered (f.bus, GST_MESSAGE_ELEMENT);
  g_assert_nonnull (message);
  g_assert_true (GST_MESSAGE_SRC (message) == GST_OBJECT (f.h->element));
  s = gst_message_get_structure (message);
  g_assert_true (gst_structure_has_name (s, "lstm-label"));
  g_assert_cmpint (gst_structure_n_fields (s), ==, 3 + G_N_ELEMENTS (times));
  for (guint i = 0; i < G_N_ELEMENTS (times); i++) {
    GstClockTime time;

    g_assert_true (gst_structure_get_clock_time (s, times[i].field, &time));
    g_assert_cmpuint (time, ==, times[i].expected);
  }
  g_assert_cmpstr (gst_structure_get_string (s, "label"), ==, "1");
  fixture_clear (&f);
}

/* A message for each change and for the first step, none in between. */
static void
test_changes (void)
{
  static const gfloat steps[][2] = {{1, 0}, {1, 0}, {0, 1}, {0, 1}, {.1f, .2f}, {.2f, .1f},
      {0, 1}, {1, 0}, {NAN, 0}, {0, NAN}};
  static const gint expected[] = {0, -9, 1, -9, -1, -9, 1, 0, -1, -9};
  Fixture f = fixture_new (NULL, "2:1", "25/1");

  g_object_set (f.h->element, "threshold", .5f, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (steps); i++) {
    g_assert_cmpint (push (&f, steps[i], 2, i * FRAME, FRAME), ==, GST_FLOW_OK);
    g_assert_cmpint (pull_index (&f), ==, expected[i]);
    g_assert_cmpint (pull_index (&f), ==, -9);
  }
  fixture_clear (&f);
}

/* After an event that begins anew, the same label counts as the first again. */
static void
test_forgets (void)
{
  static const gfloat scores[] = {1, 0};
  Fixture f = fixture_new (NULL, "2:1", "25/1");
  GstSegment segment;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  for (guint i = 0; i < 6; i++) {
    if (i == 2) { /* a new segment by itself is no reason to forget */
      gst_harness_push_event (f.h, gst_event_new_segment (&segment));
    } else if (i == 3) {
      gst_harness_push_event (f.h, gst_event_new_flush_start ());
      gst_harness_push_event (f.h, gst_event_new_flush_stop (TRUE));
      gst_harness_push_event (f.h, gst_event_new_segment (&segment));
    } else if (i == 4) {
      gst_harness_push_event (f.h, gst_event_new_stream_start ("another"));
    } else if (i == 5) {
      gst_element_set_state (f.h->element, GST_STATE_READY);
      gst_element_set_bus (f.h->element, f.bus);
      gst_harness_play (f.h);
      gst_harness_push_event (f.h, gst_event_new_stream_start ("third"));
      gst_harness_set_src_caps (f.h, gst_pad_get_current_caps (f.h->srcpad));
    }
    g_assert_cmpint (push (&f, scores, 2, i * FRAME, FRAME), ==, GST_FLOW_OK);
    g_assert_cmpint (pull_index (&f), ==, i == 0 || i >= 3 ? 0 : -9);
  }
  fixture_clear (&f);
}

/* The steps of one buffer, each with its time. */
static void
test_steps (void)
{
  static const gfloat scores[] = {1, 0, 0, 1, 0, 0, 0, 1};
  static const struct {
    const gchar *framerate;
    GstClockTime pts, duration;                 /* of the buffer */
    GstClockTime step_pts[4], step_duration[4]; /* NONE where nobody can tell */
  } cases[] = {
      {"25/1", GST_SECOND, 4 * FRAME,
          {GST_SECOND, GST_SECOND + FRAME, GST_SECOND + 2 * FRAME, GST_SECOND + 3 * FRAME},
          {FRAME, FRAME, FRAME, FRAME}},
      {"30/1", 0, GST_CLOCK_TIME_NONE, {0, 33333333, 66666666, 100000000},
          {33333333, 33333333, 33333334, 33333333}},
      {"0/1", 10, 1001, {10, 260, 510, 760}, {250, 250, 250, 251}},
      {"0/1", 10, GST_CLOCK_TIME_NONE,
          {10, GST_CLOCK_TIME_NONE, GST_CLOCK_TIME_NONE, GST_CLOCK_TIME_NONE},
          {GST_CLOCK_TIME_NONE, GST_CLOCK_TIME_NONE, GST_CLOCK_TIME_NONE, GST_CLOCK_TIME_NONE}},
      {"25/1", GST_CLOCK_TIME_NONE, GST_CLOCK_TIME_NONE,
          {GST_CLOCK_TIME_NONE, GST_CLOCK_TIME_NONE, GST_CLOCK_TIME_NONE, GST_CLOCK_TIME_NONE},
          {FRAME, FRAME, FRAME, FRAME}},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    for (guint gaps = 0; gaps < 2; gaps++) {
      Fixture f = fixture_new (NULL, "2:4", cases[i].framerate);

      g_object_set (f.h->element, "threshold", gaps ? .5f : 0.f, NULL);
      g_assert_cmpint (push (&f, scores, 8, cases[i].pts, cases[i].duration), ==, GST_FLOW_OK);
      for (guint step = 0; step < 4; step++) {
        static const gchar *texts[] = {"0 1.00", "1 1.00", "0 0.00", "1 1.00"};
        gboolean gap = gaps && step == 2;
        GstClockTime pts, duration;

        if (gap && !GST_CLOCK_TIME_IS_VALID (cases[i].step_pts[step])) {
          g_assert_false (pull_gap (&f, &pts, &duration)); /* at which time would it be? */
          continue;
        }
        if (gap) {
          g_assert_true (pull_gap (&f, &pts, &duration));
        } else {
          g_autofree gchar *text = pull (&f, &pts, &duration);

          g_assert_cmpstr (text, ==, texts[step]);
        }
        g_assert_cmpuint (pts, ==, cases[i].step_pts[step]);
        g_assert_cmpuint (duration, ==, cases[i].step_duration[step]);
      }
      g_assert_null (pull (&f, NULL, NULL));
      fixture_clear (&f);
    }
}

/* One step per buffer: the buffer's own duration counts, as in video of variable rate. */
static void
test_single_step (void)
{
  static const gfloat scores[] = {1, 0};
  static const struct {
    const gchar *framerate;
    GstClockTime duration, expected;
  } cases[] = {{"25/1", 123, 123}, {"25/1", GST_CLOCK_TIME_NONE, FRAME}, {"0/1", 123, 123},
      {"0/1", GST_CLOCK_TIME_NONE, GST_CLOCK_TIME_NONE}};

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    Fixture f = fixture_new (NULL, "2", cases[i].framerate);
    GstClockTime pts, duration;
    g_autofree gchar *text = NULL;

    g_assert_cmpint (push (&f, scores, 2, 77, cases[i].duration), ==, GST_FLOW_OK);
    text = pull (&f, &pts, &duration);
    g_assert_cmpstr (text, ==, "0 1.00");
    g_assert_cmpuint (pts, ==, 77);
    g_assert_cmpuint (duration, ==, cases[i].expected);
    fixture_clear (&f);
  }
}

/* What a file may look like: three labels each time. */
static void
test_files (void)
{
  static const gchar *files[] = {LABELS, "still\r\npan-left\r\nzoom-in\r\n",
      "still\npan-left\nzoom-in", "still\npan-left\nzoom-in\n\n \r\n\n",
      "\xef\xbb\xbfstill\npan-left\nzoom-in\n", "still  \npan-left\t\nzoom-in"};
  static const gfloat scores[] = {1, 0, 0, 0, 1, 0, 0, 0, 1};

  for (guint i = 0; i < G_N_ELEMENTS (files); i++) {
    gchar *dir = test_dir_new ();
    g_autofree gchar *location = file_new (dir, files[i], -1);
    Fixture f = fixture_new (location, "3:3", "25/1");

    g_assert_cmpint (push (&f, scores, 9, 0, 3 * FRAME), ==, GST_FLOW_OK);
    for (guint step = 0; step < 3; step++) {
      static const gchar *texts[] = {"still 1.00", "pan-left 1.00", "zoom-in 1.00"};
      g_autofree gchar *text = pull (&f, NULL, NULL);

      g_assert_cmpstr (text, ==, texts[step]);
    }
    fixture_clear (&f);
    test_dir_remove (dir);
  }
}

/* Files that no label can be had from: the element does not start, and says why. */
static void
test_bad_files (void)
{
  static const struct {
    const gchar *text;
    gssize size;
    const gchar *cause;
  } cases[] = {
      {"", 0, "expected one label per line, found none"},
      {"\n\r\n \n", -1, "expected one label per line, found none"},
      {"\xef\xbb\xbf\n", -1, "expected one label per line, found none"},
      {"a\n\nb\n", -1, "line 2: expected a label, found a blank line"},
      {"\na\n", -1, "line 1: expected a label, found a blank line"},
      {"a\nb\xff\n", -1, "expected UTF-8 text, found byte 0xff at byte 3"},
      {"a\0b\n", 4, "expected UTF-8 text, found byte 0x00 at byte 1"},
      {NULL, (1 << 20) + 1, "expected at most 1048576 bytes, found 1048577"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases) + 3; i++) {
    gchar *dir = test_dir_new ();
    g_autofree gchar *large = g_strnfill ((1 << 20) + 1, 'a');
    g_autofree gchar *location = NULL;
    const gchar *cause;
    GstElement *element = gst_element_factory_make ("lstmlabel", NULL);
    g_autoptr (GstBus) bus = gst_bus_new ();

    if (i < G_N_ELEMENTS (cases)) {
      location = file_new (dir, cases[i].text ? cases[i].text : large, cases[i].size);
      cause = cases[i].cause;
    } else if (i == G_N_ELEMENTS (cases)) {
      location = g_build_filename (dir, "missing", NULL);
      cause = "No such file";
    } else if (i == G_N_ELEMENTS (cases) + 1) {
      location = g_build_filename (dir, "labels.txt", NULL);
      cause = "expected a file, found a FIFO";
      g_assert_cmpint (mkfifo (location, 0600), ==, 0);
    } else {
      location = g_strdup (dir);
      cause = "directory";
    }
    gst_element_set_bus (element, bus);
    g_object_set (element, "labels-location", location, NULL); /* says nothing yet */
    g_assert_false (gst_bus_have_pending (bus));
    g_assert_cmpint (
        gst_element_set_state (element, GST_STATE_PAUSED), ==, GST_STATE_CHANGE_FAILURE);
    assert_error (bus, (const gchar *[]){location, cause, NULL});
    gst_element_set_state (element, GST_STATE_NULL);
    gst_element_set_bus (element, NULL); /* whose messages hold the element */
    gst_object_unref (element);
    test_dir_remove (dir);
  }
}

/* A MiB exactly is not too large. */
static void
test_largest_file (void)
{
  gchar *dir = test_dir_new ();
  g_autofree gchar *text = g_strnfill (1 << 20, 'a');
  g_autofree gchar *location = file_new (dir, text, 1 << 20);
  Fixture f = fixture_new (location, "1", "25/1");
  g_autofree gchar *label = NULL;

  g_assert_cmpint (push (&f, (const gfloat[]){1}, 1, 0, FRAME), ==, GST_FLOW_OK);
  label = pull (&f, NULL, NULL);
  g_assert_cmpuint (strlen (label), ==, (1 << 20) + 5);
  fixture_clear (&f);
  test_dir_remove (dir);
}

/* Caps that do not fit the labels or the element. */
static void
test_bad_caps (void)
{
  static const struct {
    const gchar *dimensions, *parts[4];
  } cases[] = {
      {"2:1", {"labels.txt", "expected 3 scores", "found 2"}},
      {"4:1", {"labels.txt", "expected 3 scores", "found 4"}},
      {"3:1:2", {"expected 1 stream", "found 2"}},
      {"3:1:1:2", {"dimensions"}},
      {"3:x", {"dimensions"}},
  };
  gchar *dir = test_dir_new ();
  g_autofree gchar *location = file_new (dir, LABELS, -1);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    Fixture f = fixture_new (location, cases[i].dimensions, "25/1");

    for (guint k = 0; k < 2; k++) /* the caps are offered again with the second buffer */
      g_assert_cmpint (
          push (&f, (const gfloat[4]){0}, 3, k * FRAME, FRAME), ==, GST_FLOW_NOT_NEGOTIATED);
    assert_error (f.bus, cases[i].parts);
    g_assert_null (gst_bus_pop_filtered (f.bus, GST_MESSAGE_ERROR));
    fixture_clear (&f);
  }
  test_dir_remove (dir);
}

/* After refused caps those before work as before, and the same refused ones are an error again. */
static void
test_caps_return (void)
{
  g_autoptr (GstCaps) good = NULL, wrong = NULL;
  gchar *dir = test_dir_new ();
  g_autofree gchar *location = file_new (dir, LABELS, -1);
  Fixture f = fixture_new (location, "3:1", "25/1");
  GstPad *pad = gst_element_get_static_pad (f.h->element, "sink");

  g_assert_cmpint (push (&f, (const gfloat[3]){0, 1, 0}, 3, 0, FRAME), ==, GST_FLOW_OK);
  good = gst_pad_get_current_caps (pad);
  wrong = gst_caps_copy (good);
  gst_caps_set_simple (wrong, "dimensions", G_TYPE_STRING, "4:2", NULL);
  for (guint k = 1; k < 3; k++) {
    g_autofree gchar *text = NULL;

    g_free (pull (&f, NULL, NULL));
    gst_harness_push_event (f.h, gst_event_new_caps (wrong));
    assert_error (f.bus, (const gchar *[]){"expected 3 scores", "found 4", NULL});
    gst_harness_push_event (f.h, gst_event_new_caps (good));
    g_assert_cmpint (
        push (&f, (const gfloat[3]){k == 1, 0, k == 2}, 3, k * FRAME, FRAME), ==, GST_FLOW_OK);
    text = pull (&f, NULL, NULL);
    g_assert_cmpstr (text, ==, k == 1 ? "still 1.00" : "zoom-in 1.00");
  }
  gst_object_unref (pad);
  fixture_clear (&f);
  test_dir_remove (dir);
}

/* A buffer of another size than its caps: an error, and the next one is read again. */
static void
test_bad_buffers (void)
{
  static const guint sizes[] = {0, 1, 2, 4, 7};

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++) {
    Fixture f = fixture_new (NULL, "3:1", "25/1");
    g_autofree gchar *text = NULL;

    g_assert_cmpint (push (&f, (const gfloat[7]){0}, sizes[i], 0, FRAME), ==, GST_FLOW_ERROR);
    assert_error (f.bus, (const gchar *[]){"expected 12 bytes", NULL});
    g_assert_cmpint (push (&f, (const gfloat[3]){0}, 3, 0, FRAME), ==, GST_FLOW_OK);
    text = pull (&f, NULL, NULL);
    g_assert_cmpstr (text, ==, "0 0.00");
    fixture_clear (&f);
  }
}

/* One tensor may lie in several memories. */
static void
test_split_memory (void)
{
  static const gfloat scores[] = {0, 0, 1};
  Fixture f = fixture_new (NULL, "3:1", "25/1");
  GstBuffer *buffer = gst_buffer_new_memdup (scores, 8);
  g_autofree gchar *text = NULL;

  buffer = gst_buffer_append (buffer, gst_buffer_new_memdup (scores + 2, 4));
  g_assert_cmpint (gst_harness_push (f.h, gst_buffer_ref (buffer)), ==, GST_FLOW_OK);
  text = pull (&f, NULL, NULL);
  g_assert_cmpstr (text, ==, "2 1.00");
  g_assert_cmpint (GST_MINI_OBJECT_REFCOUNT_VALUE (buffer), ==, 1); /* done with it */
  gst_buffer_unref (buffer);
  fixture_clear (&f);
}

/* A downstream that goes away in the middle of a buffer leaves nothing behind. */
static GstPadProbeReturn
refuse_once (GstPad *pad, GstPadProbeInfo *info, gpointer calls)
{
  if (++*(guint *) calls != 2)
    return GST_PAD_PROBE_OK;
  gst_clear_buffer ((GstBuffer **) &info->data);
  GST_PAD_PROBE_INFO_FLOW_RETURN (info) = GST_FLOW_NOT_LINKED;
  return GST_PAD_PROBE_HANDLED;
}

static void
test_refused (void)
{
  static const gfloat scores[] = {1, 0, 1, 0, 1, 0, 0, 1, 0, 1, 0, 1};
  Fixture f = fixture_new (NULL, "2:3", "25/1");
  g_autoptr (GstPad) src = gst_element_get_static_pad (f.h->element, "src");
  guint calls = 0;

  gst_pad_add_probe (src, GST_PAD_PROBE_TYPE_BUFFER, refuse_once, &calls, NULL);
  g_assert_cmpint (push (&f, scores, 6, 0, 3 * FRAME), ==, GST_FLOW_NOT_LINKED);
  g_assert_cmpint (push (&f, scores + 6, 6, 3 * FRAME, 3 * FRAME), ==, GST_FLOW_OK);
  for (guint i = 0; i < 4; i++) {
    g_autofree gchar *text = pull (&f, NULL, NULL);

    g_assert_cmpstr (text, ==, i == 0 ? "0 1.00" : "1 1.00");
  }
  g_assert_null (pull (&f, NULL, NULL));
  fixture_clear (&f);
}

/* Frames to text, as an application would; a threshold that leaves out some or all. */
static void
test_pipeline (void)
{
  static const gchar *thresholds[] = {"0", "0.93", "2"};

  for (guint i = 0; i < G_N_ELEMENTS (thresholds); i++) {
    g_autofree gchar *error = NULL;

    if (!test_launch (&error,
            "videotestsrc num-buffers=30 pattern=ball ! video/x-raw,width=64,height=48 ! "
            "lstmfeatures width=4 height=3 ! lstmlabel threshold=%s ! fakesink async=true",
            thresholds[i]))
      g_error ("%s", error);
  }
}

static void
test_textoverlay (void)
{
  g_autoptr (GstElementFactory) factory = gst_element_factory_find ("textoverlay");
  static const gchar *thresholds[] = {"0", "0.93", "2"};

  if (!factory) {
    g_test_skip ("no textoverlay here");
    return;
  }
  for (guint i = 0; i < G_N_ELEMENTS (thresholds); i++) {
    g_autofree gchar *error = NULL;

    if (!test_launch (&error,
            "textoverlay name=o ! fakesink videotestsrc num-buffers=30 pattern=ball ! "
            "video/x-raw,width=64,height=48 ! tee name=t ! queue ! o.video_sink "
            "t. ! queue ! lstmfeatures width=4 height=3 ! lstmlabel threshold=%s ! o.text_sink",
            thresholds[i]))
      g_error ("%s", error);
  }
}

static void
test_states (void)
{
  gchar *dir = test_dir_new ();
  g_autofree gchar *location = file_new (dir, LABELS, -1);
  g_autofree gchar *line = g_strdup_printf ("videotestsrc ! lstmfeatures width=3 height=1 ! "
                                            "lstmlabel labels-location=%s ! fakesink",
      location);

  test_state_cycles (line, 100);
  test_dir_remove (dir);
}

static void
test_properties (void)
{
  static const TestProperty properties[] = {
      {"labels-location", NULL, "/some/where", GST_PARAM_MUTABLE_READY},
      {"threshold", "0", "-1.5", GST_PARAM_MUTABLE_PLAYING},
      {"qos", "false", "true", 0},
  };

  test_properties_of ("lstmlabel", properties, G_N_ELEMENTS (properties));
}

/* An element that is passed through would hand on allocation queries for tensors as text. */
static void
test_not_passed_through (void)
{
  GstHarness *h = gst_harness_new ("lstmlabel");

  g_assert_false (gst_base_transform_is_passthrough (GST_BASE_TRANSFORM (h->element)));
  gst_harness_teardown (h);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/lstmlabel/vectors", test_vectors);
  g_test_add_func ("/lstmlabel/message", test_message);
  g_test_add_func ("/lstmlabel/changes", test_changes);
  g_test_add_func ("/lstmlabel/forgets", test_forgets);
  g_test_add_func ("/lstmlabel/steps", test_steps);
  g_test_add_func ("/lstmlabel/single-step", test_single_step);
  g_test_add_func ("/lstmlabel/files", test_files);
  g_test_add_func ("/lstmlabel/bad-files", test_bad_files);
  g_test_add_func ("/lstmlabel/largest-file", test_largest_file);
  g_test_add_func ("/lstmlabel/bad-caps", test_bad_caps);
  g_test_add_func ("/lstmlabel/bad-buffers", test_bad_buffers);
  g_test_add_func ("/lstmlabel/split-memory", test_split_memory);
  g_test_add_func ("/lstmlabel/refused", test_refused);
  g_test_add_func ("/lstmlabel/caps-return", test_caps_return);
  g_test_add_func ("/lstmlabel/pipeline", test_pipeline);
  g_test_add_func ("/lstmlabel/textoverlay", test_textoverlay);
  g_test_add_func ("/lstmlabel/states", test_states);
  g_test_add_func ("/lstmlabel/not-passed-through", test_not_passed_through);
  g_test_add_func ("/lstmlabel/properties", test_properties);
  return g_test_run ();
}
