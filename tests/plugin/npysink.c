/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "npy-files.h"
#include <glib/gstdio.h>
#include <sys/resource.h>

#define CAPS(n, types, dimensions)                                                             \
  "other/tensors,format=static,num_tensors=(int)" #n ",types=(string)\"" types                 \
  "\",dimensions=(string)\"" dimensions "\",framerate=(fraction)0/1"
#define CAPS_1(dimensions) CAPS (1, "float32", dimensions)

typedef struct {
  gchar *dir, *path;
  GstHarness *harness; /* of an npysink with location=path */
  GstBus *bus;
} Fixture;

static void
set_location (Fixture *fixture, const gchar *name)
{
  g_free (fixture->path);
  fixture->path = g_build_filename (fixture->dir, name, NULL);
  g_object_set (fixture->harness->element, "location", fixture->path, NULL);
}

/* A sink that has not been started. */
static void
set_up (Fixture *fixture, gconstpointer data)
{
  GstElement *element = gst_object_ref_sink (gst_element_factory_make ("npysink", NULL));

  fixture->dir = test_dir_new ();
  fixture->path = g_build_filename (fixture->dir, "y.npy", NULL);
  fixture->bus = gst_bus_new ();
  g_object_set (element, "location", fixture->path, NULL);
  fixture->harness = gst_harness_new_with_element (element, "sink", NULL);
  gst_element_set_bus (element, fixture->bus);
  gst_element_set_state (element, GST_STATE_NULL); /* the harness has started it */
  gst_object_unref (element);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  gst_element_set_bus (fixture->harness->element, NULL); /* whose messages hold the element */
  gst_harness_teardown (fixture->harness);
  gst_object_unref (fixture->bus);
  g_free (fixture->path);
  test_dir_remove (fixture->dir);
}

/* Whether the sink takes them is the caller's to find out. */
static void
push_caps (Fixture *fixture, const gchar *caps)
{
  g_autoptr (GstCaps) parsed = gst_caps_from_string (caps);

  g_assert_nonnull (parsed);
  gst_harness_push_event (fixture->harness, gst_event_new_caps (parsed));
}

static void
push_segment (Fixture *fixture)
{
  GstSegment segment;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_harness_push_event (fixture->harness, gst_event_new_segment (&segment));
}

static void
push_flush (Fixture *fixture)
{
  gst_harness_push_event (fixture->harness, gst_event_new_flush_start ());
  gst_harness_push_event (fixture->harness, gst_event_new_flush_stop (TRUE));
  push_segment (fixture);
}

/* @caps: NULL for a stream without */
static void
start (Fixture *fixture, const gchar *caps)
{
  GstPad *pad = fixture->harness->srcpad;

  gst_pad_set_active (pad, FALSE); /* forgets an EOS and other caps */
  gst_pad_set_active (pad, TRUE);
  gst_element_set_state (fixture->harness->element, GST_STATE_PLAYING);
  gst_harness_push_event (fixture->harness, gst_event_new_stream_start ("npysink"));
  if (caps)
    push_caps (fixture, caps);
  push_segment (fixture);
}

static void
stop (Fixture *fixture)
{
  gst_element_set_state (fixture->harness->element, GST_STATE_READY);
}

/* Items @first, @first + 1, … of a memory of their own. */
static void
append_numbers (GstBuffer *buffer, gint first, guint n)
{
  GstMemory *memory = gst_allocator_alloc (NULL, n * sizeof (gfloat), NULL);
  GstMapInfo map;

  g_assert_true (gst_memory_map (memory, &map, GST_MAP_WRITE));
  for (guint i = 0; i < n; i++)
    ((gfloat *) map.data)[i] = (gfloat) (first + (gint) i);
  gst_memory_unmap (memory, &map);
  gst_buffer_append_memory (buffer, memory);
}

static GstFlowReturn
push (Fixture *fixture, gint first, guint n)
{
  GstBuffer *buffer = gst_buffer_new ();

  append_numbers (buffer, first, n);
  return gst_harness_push (fixture->harness, buffer);
}

static void
push_eos (Fixture *fixture)
{
  g_assert_true (gst_harness_push_event (fixture->harness, gst_event_new_eos ()));
}

static gfloat
get_float (const gchar *contents, gsize i)
{
  return GST_READ_FLOAT_LE ((const guint8 *) contents + 128 + i * sizeof (gfloat));
}

/* The header that the file must have, as NumPy pads it, and then @n numbers from @first. */
static void
assert_file (const gchar *path, const gchar *shape, gint first, gsize n)
{
  g_autoptr (GError) error = NULL;
  g_autofree gchar *contents = NULL;
  g_autofree gchar *text = g_strdup_printf (
      "\x93NUMPY\x01%cv%c{'descr': '<f4', 'fortran_order': False, 'shape': %s, }", 1, 1, shape);
  g_autofree gchar *header = g_strdup_printf ("%-127s\n", text);
  gsize length;

  header[7] = header[9] = '\0'; /* minor version, and the length's upper half */
  g_file_get_contents (path, &contents, &length, &error);
  g_assert_no_error (error);
  g_assert_cmpmem (contents, MIN (length, 128), header, 128);
  g_assert_cmpuint (length, ==, 128 + n * sizeof (gfloat));
  for (gsize i = 0; i < n; i++)
    g_assert_cmpfloat (get_float (contents, i), ==, (gfloat) (first + (gint) i));
}

static guint
count_files (const gchar *dir)
{
  g_autoptr (GDir) entries = g_dir_open (dir, 0, NULL);
  guint n = 0;

  while (g_dir_read_name (entries))
    n++;
  return n;
}

static void
assert_files (Fixture *fixture, guint n)
{
  g_assert_cmpuint (count_files (fixture->dir), ==, n);
}

/* Round trips */

/* Any bits at all, NaNs with payloads too. */
static void
put_random (const gchar *path, const gchar *shape, gsize n)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (504);
  g_autofree gchar *text = g_strdup_printf (
      "{'descr': '<f4', 'fortran_order': False, 'shape': %s, }", shape);
  g_autofree gchar *padded = g_strdup_printf ("%-117s\n", text);
  GByteArray *bytes = npy_header_new (1, padded);

  for (gsize i = 0; i < n; i++) {
    guint32 bits = g_rand_int (rand);

    g_byte_array_append (bytes, (const guint8 *) &bits, sizeof bits);
  }
  npy_write (path, bytes);
}

static void
check_round_trip (Fixture *fixture, const gchar *in, guint steps)
{
  g_autofree gchar *error = NULL;

  if (!test_launch (&error, "npysrc location=%s steps-per-buffer=%u ! npysink location=%s", in,
          steps, fixture->path))
    g_error ("%s", error);
  test_assert_same_file (in, fixture->path);
}

static void
test_round_trip (Fixture *fixture, gconstpointer data)
{
  static const struct {
    const gchar *shape;
    gsize n;
  } shapes[] = {
      {"(20, 3)", 60},
      {"(5, 20, 3)", 300},
      {"(5, 1, 3)", 15},
      {"(20, 1)", 20},
      {"(5, 0, 3)", 0},
      /* Several blocks when regrouped, and a step that is more than one. */
      {"(5, 3001, 40)", 600200},
      {"(3, 8, 90000)", 2160000},
  };
  static const guint steps[] = {1, 7, 0};
  g_autofree gchar *in = g_build_filename (fixture->dir, "in.npy", NULL);

  for (guint i = 0; i < G_N_ELEMENTS (shapes); i++) {
    put_random (in, shapes[i].shape, shapes[i].n);
    for (guint k = 0; k < G_N_ELEMENTS (steps); k++)
      check_round_trip (fixture, in, steps[k]);
  }
  assert_files (fixture, 2);
}

/* Byte by byte what NumPy wrote. */
static void
test_numpy (Fixture *fixture, gconstpointer data)
{
  static const gchar *const names[] = {"npy/f4-4x3.npy", "npy/f4-2x4x3.npy", "npy/f4-0x3.npy"};

  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    g_autofree gchar *in = test_vector_path (names[i]);

    check_round_trip (fixture, in, 1);
  }
}

/* When a file appears */

static void
test_eos (Fixture *fixture, gconstpointer data)
{
  start (fixture, CAPS_1 ("3:2"));
  g_assert_cmpint (push (fixture, 0, 6), ==, GST_FLOW_OK);
  g_assert_cmpint (push (fixture, 6, 6), ==, GST_FLOW_OK);
  assert_files (fixture, 0); /* until it is complete it has no name */
  push_eos (fixture);
  assert_file (fixture->path, "(4, 3)", 0, 12);
  assert_files (fixture, 1);
  stop (fixture);
  assert_file (fixture->path, "(4, 3)", 0, 12);
}

/* Without EOS the file holds what came. */
static void
test_stop (Fixture *fixture, gconstpointer data)
{
  for (guint i = 0; i < 3; i++) {
    start (fixture, CAPS_1 ("3"));
    for (guint k = 0; k <= i; k++)
      g_assert_cmpint (push (fixture, (gint) (i + 3 * k), 3), ==, GST_FLOW_OK);
    stop (fixture);
    g_assert_null (gst_bus_pop_filtered (fixture->bus, GST_MESSAGE_ERROR));
    assert_files (fixture, 1);
  }
  assert_file (fixture->path, "(3, 3)", 2, 9);
}

static void
test_stop_streams (Fixture *fixture, gconstpointer data)
{
  static const gfloat expected[] = {0, 1, 2, 100, 3, 4, 5, 101};
  g_autofree gchar *contents = NULL;
  gsize length;

  start (fixture, CAPS_1 ("1:3:2"));
  g_assert_cmpint (push (fixture, 0, 6), ==, GST_FLOW_OK);
  push_caps (fixture, CAPS_1 ("1:1:2"));
  g_assert_cmpint (push (fixture, 100, 2), ==, GST_FLOW_OK);
  stop (fixture);
  assert_files (fixture, 1);
  g_assert_true (g_file_get_contents (fixture->path, &contents, &length, NULL));
  g_assert_nonnull (strstr (contents + 10, "(2, 4, 1)"));
  g_assert_cmpuint (length, ==, 128 + sizeof expected);
  for (guint i = 0; i < G_N_ELEMENTS (expected); i++)
    g_assert_cmpfloat (get_float (contents, i), ==, expected[i]);
}

static void
test_replace (Fixture *fixture, gconstpointer data)
{
  npy_write_numbers (fixture->path, "(1, 3)", 3);
  start (fixture, CAPS_1 ("3"));
  g_assert_cmpint (push (fixture, 7, 3), ==, GST_FLOW_OK);
  {
    g_autofree gchar *contents = NULL;
    gsize length;

    g_assert_true (g_file_get_contents (fixture->path, &contents, &length, NULL));
    g_assert_cmpuint (length, ==, 70 + 12);
  }
  push_eos (fixture);
  assert_file (fixture->path, "(1, 3)", 7, 3);
  assert_files (fixture, 1);
}

static void
test_nothing (Fixture *fixture, gconstpointer data)
{
  /* No caps: nothing at all. */
  start (fixture, NULL);
  g_assert_cmpint (push (fixture, 0, 3), ==, GST_FLOW_NOT_NEGOTIATED);
  push_eos (fixture);
  stop (fixture);
  assert_files (fixture, 0);

  /* Caps alone: a file of no length, but no file if merely stopped. */
  start (fixture, CAPS_1 ("3:1:2"));
  stop (fixture);
  assert_files (fixture, 0);
  start (fixture, CAPS_1 ("3:1:2"));
  push_eos (fixture);
  assert_file (fixture->path, "(2, 0, 3)", 0, 0);
  assert_files (fixture, 1);
  stop (fixture);

  /* Caps of a former run do not count. */
  start (fixture, NULL);
  g_assert_cmpint (push (fixture, 0, 6), ==, GST_FLOW_NOT_NEGOTIATED);
}

/* What comes after EOS begins anew. */
static void
test_after_eos (Fixture *fixture, gconstpointer data)
{
  start (fixture, CAPS_1 ("3"));
  g_assert_cmpint (push (fixture, 0, 3), ==, GST_FLOW_OK);
  push_eos (fixture);
  assert_file (fixture->path, "(1, 3)", 0, 3);
  push_flush (fixture);
  g_assert_cmpint (push (fixture, 5, 3), ==, GST_FLOW_OK);
  assert_file (fixture->path, "(1, 3)", 0, 3);
  push_eos (fixture);
  assert_file (fixture->path, "(1, 3)", 5, 3);
  assert_files (fixture, 1);
}

/* Neither takes steps back nor adds any. */
static void
test_gap_and_flush (Fixture *fixture, gconstpointer data)
{
  start (fixture, CAPS_1 ("3"));
  g_assert_cmpint (push (fixture, 0, 3), ==, GST_FLOW_OK);
  gst_harness_push_event (fixture->harness, gst_event_new_gap (0, GST_SECOND));
  g_assert_cmpint (push (fixture, 3, 3), ==, GST_FLOW_OK);
  push_flush (fixture);
  g_assert_cmpint (push (fixture, 6, 3), ==, GST_FLOW_OK);
  push_eos (fixture);
  assert_file (fixture->path, "(3, 3)", 0, 9);
}

static void
test_other_steps (Fixture *fixture, gconstpointer data)
{
  start (fixture, CAPS_1 ("3:2"));
  g_assert_cmpint (push (fixture, 0, 6), ==, GST_FLOW_OK);
  push_caps (fixture, CAPS_1 ("3:1:1:1"));
  g_assert_cmpint (push (fixture, 6, 3), ==, GST_FLOW_OK);
  push_eos (fixture);
  assert_file (fixture->path, "(3, 3)", 0, 9);
}

/* One tensor that lies in two memories. */
static void
test_split_memory (Fixture *fixture, gconstpointer data)
{
  GstBuffer *buffer = gst_buffer_new ();

  append_numbers (buffer, 0, 2);
  append_numbers (buffer, 2, 4);
  start (fixture, CAPS_1 ("3:2"));
  g_assert_cmpint (gst_harness_push (fixture->harness, buffer), ==, GST_FLOW_OK);
  push_eos (fixture);
  assert_file (fixture->path, "(2, 3)", 0, 6);
}

/* Names */

static const struct {
  const gchar *location, *names;
  const gchar *files[3];
} name_cases[] = {
    {"%s.npy", "output,hidden,cell", {"output.npy", "hidden.npy", "cell.npy"}},
    {"y-%s.npy", NULL, {"y-0.npy", "y-1.npy", "y-2.npy"}},
    {"y-%s.npy", ",b,", {"y-0.npy", "y-b.npy", "y-2.npy"}},
    {"%d%n-%s-%s%%s%", "a,b,c", {"%d%n-a-a%a%", "%d%n-b-b%b%", "%d%n-c-c%c%"}},
    {"%s", "%s,%d,..", {"%s", "%d", NULL}},
};

static gboolean
push_three (Fixture *fixture)
{
  GstBuffer *buffer = gst_buffer_new ();

  append_numbers (buffer, 0, 2);
  append_numbers (buffer, 10, 6);
  append_numbers (buffer, 20, 2);
  return gst_harness_push (fixture->harness, buffer) == GST_FLOW_OK;
}

static gchar *
caps_of_three (const gchar *names)
{
  return g_strdup_printf ("%s%s%s%s", CAPS (3, "float32,float32,float32", "1:2,3:2,1:2"),
      names ? ",names=(string)\"" : "", names ? names : "", names ? "\"" : "");
}

static void
test_names (Fixture *fixture, gconstpointer data)
{
  for (guint i = 0; i < G_N_ELEMENTS (name_cases); i++) {
    g_autofree gchar *caps = caps_of_three (name_cases[i].names);
    gboolean good = name_cases[i].files[2] != NULL;

    set_location (fixture, name_cases[i].location);
    start (fixture, caps);
    g_assert_true (push_three (fixture) == good);
    stop (fixture);
    if (!good) /* ".." is a directory */
      assert_error_posted (fixture->bus, "*expected a file to write, found a directory");
    for (guint k = 0; good && k < 3; k++) {
      g_autofree gchar *path = g_build_filename (fixture->dir, name_cases[i].files[k], NULL);

      assert_file (path, k == 1 ? "(2, 3)" : "(2, 1)", (gint) k * 10, k == 1 ? 6 : 2);
      g_assert_cmpint (g_unlink (path), ==, 0);
    }
    assert_files (fixture, 0);
  }
}

static void
test_name_of_one (Fixture *fixture, gconstpointer data)
{
  g_autofree gchar *named = g_build_filename (fixture->dir, "y-hidden", NULL);
  g_autofree gchar *by_index = g_build_filename (fixture->dir, "y-0", NULL);

  set_location (fixture, "y-%s");
  start (fixture, CAPS_1 ("3") ",names=(string)hidden");
  g_assert_cmpint (push (fixture, 0, 3), ==, GST_FLOW_OK);
  stop (fixture);
  assert_file (named, "(1, 3)", 0, 3);
  start (fixture, CAPS_1 ("3"));
  g_assert_cmpint (push (fixture, 0, 3), ==, GST_FLOW_OK);
  stop (fixture);
  assert_file (by_index, "(1, 3)", 0, 3);
  assert_files (fixture, 2);
}

/* Errors: each with a message, and no file. */

static const struct {
  const gchar *location, *caps;
  guint n; /* numbers pushed, 0: refused before */
  const gchar *next_caps;
  const gchar *pattern;
} error_cases[] = {
    {"y", CAPS (2, "float32,float32", "3,3"), 0, NULL,
        "property location: expected %s for the names of 2 tensors, found '*/y'"},
    {"%s", CAPS (2, "float32,float32", "3,3") ",names=(string)\"a,b/../c\"", 0, NULL,
        "caps field names: expected names without '/', found 'b/../c'"},
    {"%s", CAPS (2, "float32,float32", "3,3") ",names=(string)\"a,a\"", 0, NULL,
        "caps field names: expected a different file for each tensor, found */a twice"},
    {"none/y", CAPS_1 ("3"), 0, NULL,
        "*/none/y: expected a directory to write in, */none: No such file or directory"},
    {".", CAPS_1 ("3"), 0, NULL, "*/.: expected a file to write, found a directory"},
    {"y", CAPS (1, "uint8", "3"), 0, NULL, "caps field types: expected float32, found 'uint8'"},
    {"y", CAPS_1 ("3:2"), 3, NULL, "buffer: tensor 0: expected 24 bytes *, found 12"},
    {"y", CAPS_1 ("3"), 3, CAPS_1 ("4"),
        "caps field dimensions: tensor 0: expected size 3 within a file, found 4"},
    {"y", CAPS_1 ("3:1:2"), 6, CAPS_1 ("3:1:4"),
        "caps field dimensions: expected 2 streams within a file, found 4"},
    {"%s", CAPS_1 ("3"), 3, CAPS (2, "float32,float32", "3,3"),
        "caps field num_tensors: expected 1 within a file, found 2"},
    {"%s", CAPS_1 ("3") ",names=(string)a", 3, CAPS_1 ("3") ",names=(string)b",
        "caps field names: tensor 0: expected 'a' within a file, found 'b'"},
};

static void
test_errors (Fixture *fixture, gconstpointer data)
{
  for (guint i = 0; i < G_N_ELEMENTS (error_cases); i++) {
    set_location (fixture, error_cases[i].location);
    start (fixture, error_cases[i].caps);
    if (error_cases[i].n > 0)
      push (fixture, 0, error_cases[i].n);
    if (error_cases[i].next_caps)
      push_caps (fixture, error_cases[i].next_caps);
    assert_files (fixture, 0);
    assert_error_posted (fixture->bus, error_cases[i].pattern);
    /* What follows is no file either, nor another error. */
    g_assert_cmpint (push (fixture, 0, 3), !=, GST_FLOW_OK);
    gst_harness_push_event (fixture->harness, gst_event_new_eos ());
    stop (fixture);
    assert_files (fixture, 0);
    g_assert_null (gst_bus_pop_filtered (fixture->bus, GST_MESSAGE_ERROR));
  }
  /* The next start is a new one. */
  set_location (fixture, "y");
  start (fixture, CAPS_1 ("3"));
  g_assert_cmpint (push (fixture, 0, 3), ==, GST_FLOW_OK);
  stop (fixture);
  assert_file (fixture->path, "(1, 3)", 0, 3);
}

/* One tensor's name is no matter where it names no file. */
static void
test_other_name (Fixture *fixture, gconstpointer data)
{
  start (fixture, CAPS_1 ("3") ",names=(string)a");
  g_assert_cmpint (push (fixture, 0, 3), ==, GST_FLOW_OK);
  push_caps (fixture, CAPS_1 ("3") ",names=(string)b");
  g_assert_cmpint (push (fixture, 3, 3), ==, GST_FLOW_OK);
  push_eos (fixture);
  assert_file (fixture->path, "(2, 3)", 0, 6);
}

static void
test_no_location (Fixture *fixture, gconstpointer data)
{
  static const gchar *const locations[] = {NULL, ""};

  for (guint i = 0; i < G_N_ELEMENTS (locations); i++) {
    g_object_set (fixture->harness->element, "location", locations[i], NULL);
    g_assert_cmpint (gst_element_set_state (fixture->harness->element, GST_STATE_PAUSED), ==,
        GST_STATE_CHANGE_FAILURE);
    assert_error_posted (
        fixture->bus, "property location: expected a path, found none");
    gst_element_set_state (fixture->harness->element, GST_STATE_NULL);
  }
}

/* The kernel refuses to write beyond a size, as a full disk would: with streams the steps
 * written already fit, but are too much again once stdio's buffer is empty at the end. */
static void
test_short_write (Fixture *fixture, gconstpointer data)
{
  static const struct {
    const gchar *caps;
    guint n;
    rlim_t limit;
  } cases[] = {
      {CAPS_1 ("30000"), 30000, 60000},
      {CAPS_1 ("3"), 3, 136},
      {CAPS_1 ("1:3:2"), 6, 130},
      {CAPS_1 ("30000:1:2"), 60000, 130000},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    npy_write_numbers (fixture->path, "(1, 3)", 3);
    start (fixture, cases[i].caps);
    test_set_file_size_limit (cases[i].limit);
    push (fixture, 0, cases[i].n);
    gst_harness_push_event (fixture->harness, gst_event_new_eos ());
    test_set_file_size_limit (RLIM_INFINITY);
    assert_error_posted (fixture->bus, "*/y.npy: writing: File too large");
    stop (fixture);
    g_assert_null (gst_bus_pop_filtered (fixture->bus, GST_MESSAGE_ERROR));
    assert_files (fixture, 1); /* the one before, untouched */
    g_assert_cmpint (g_unlink (fixture->path), ==, 0);
  }
}

/* Of several files the ones that are complete stay. */
static void
test_error_at_end (Fixture *fixture, gconstpointer data)
{
  g_autofree gchar *caps = caps_of_three ("a,b,c");
  g_autofree gchar *a = g_build_filename (fixture->dir, "a", NULL);
  g_autofree gchar *b = g_build_filename (fixture->dir, "b", NULL);

  set_location (fixture, "%s");
  start (fixture, caps);
  g_assert_true (push_three (fixture));
  g_assert_cmpint (g_mkdir (b, 0700), ==, 0); /* cannot be replaced by a file */
  g_assert_false (gst_harness_push_event (fixture->harness, gst_event_new_eos ()));
  assert_error_posted (fixture->bus, "*/b: replacing it: Is a directory");
  assert_file (a, "(2, 1)", 0, 2);
  assert_files (fixture, 2);
  stop (fixture);
  assert_files (fixture, 2);
  g_assert_cmpint (g_rmdir (b), ==, 0);
}

/* State changes */

static void
test_cycles (Fixture *fixture, gconstpointer data)
{
  static const GstState states[] = {GST_STATE_READY, GST_STATE_PAUSED, GST_STATE_PLAYING,
      GST_STATE_READY, GST_STATE_PLAYING, GST_STATE_NULL};

  for (guint i = 0; i < 100; i++) {
    for (guint k = 0; k < G_N_ELEMENTS (states); k++) {
      gst_element_set_state (fixture->harness->element, states[k]);
      if (states[k] == GST_STATE_PLAYING) {
        start (fixture, CAPS_1 ("3:1:2"));
        g_assert_cmpint (push (fixture, 0, 6), ==, GST_FLOW_OK);
      }
    }
    assert_file (fixture->path, "(2, 1, 3)", 0, 6);
    assert_files (fixture, 1);
  }
}

static void
test_properties (void)
{
  g_autoptr (GstElement)
      element = gst_object_ref_sink (gst_element_factory_make ("npysink", NULL));
  g_autofree gchar *location = NULL;
  gboolean sync;

  g_object_get (element, "location", &location, "sync", &sync, NULL);
  g_assert_null (location);
  g_assert_false (sync);
  g_object_set (element, "location", "a.npy", NULL);
  g_object_get (element, "location", &location, NULL);
  g_assert_cmpstr (location, ==, "a.npy");
}

int
main (int argc, char **argv)
{
  static const struct {
    const gchar *name;
    void (*run) (Fixture *fixture, gconstpointer data);
  } tests[] = {
      {"/npysink/round-trip", test_round_trip},
      {"/npysink/numpy", test_numpy},
      {"/npysink/eos", test_eos},
      {"/npysink/stop", test_stop},
      {"/npysink/stop-streams", test_stop_streams},
      {"/npysink/replace", test_replace},
      {"/npysink/nothing", test_nothing},
      {"/npysink/after-eos", test_after_eos},
      {"/npysink/gap-and-flush", test_gap_and_flush},
      {"/npysink/other-steps", test_other_steps},
      {"/npysink/split-memory", test_split_memory},
      {"/npysink/names", test_names},
      {"/npysink/name-of-one", test_name_of_one},
      {"/npysink/other-name", test_other_name},
      {"/npysink/errors", test_errors},
      {"/npysink/no-location", test_no_location},
      {"/npysink/short-write", test_short_write},
      {"/npysink/error-at-end", test_error_at_end},
      {"/npysink/cycles", test_cycles},
  };

  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (tests); i++)
    g_test_add (tests[i].name, Fixture, NULL, set_up, tests[i].run, tear_down);
  g_test_add_func ("/npysink/properties", test_properties);
  return g_test_run ();
}
