/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "npy-files.h"
#include <glib/gstdio.h>
#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

/* A pipeline `npysrc ! fakesink`, with what left the source's pad as lines of text:
 *
 *   caps DIMENSIONS
 *   segment START-STOP
 *   buffer OFFSET-OFFSET_END PTS+DURATION
 *   flush, eos
 */
typedef struct {
  GstElement *pipeline, *src;
  GstBus *bus;
  GMutex lock;
  GString *log;
  GArray *floats;
  const gchar *truncate; /* a file to shorten behind the first buffer, to so many bytes */
  goffset truncate_to;
} Run;

static void
log_caps (Run *run, GstEvent *event)
{
  GstCaps *caps;

  gst_event_parse_caps (event, &caps);
  g_string_append_printf (run->log, "caps %s\n",
      gst_structure_get_string (gst_caps_get_structure (caps, 0), "dimensions"));
}

static void
log_event (Run *run, GstEvent *event)
{
  const GstSegment *segment;

  switch (GST_EVENT_TYPE (event)) {
  case GST_EVENT_CAPS:
    log_caps (run, event);
    break;
  case GST_EVENT_SEGMENT:
    gst_event_parse_segment (event, &segment);
    g_assert_cmpint (segment->format, ==, GST_FORMAT_TIME);
    g_assert_cmpuint (segment->time, ==, segment->start);
    g_string_append_printf (run->log, "segment %" G_GUINT64_FORMAT, segment->start);
    if (GST_CLOCK_TIME_IS_VALID (segment->stop))
      g_string_append_printf (run->log, "-%" G_GUINT64_FORMAT, segment->stop);
    g_string_append_c (run->log, '\n');
    break;
  case GST_EVENT_FLUSH_STOP:
    g_string_append (run->log, "flush\n");
    break;
  case GST_EVENT_EOS:
    g_string_append (run->log, "eos\n");
    break;
  default:
    break;
  }
}

static void
log_buffer (Run *run, GstBuffer *buffer)
{
  GstMapInfo map;

  g_string_append_printf (run->log, "buffer %" G_GUINT64_FORMAT "-%" G_GUINT64_FORMAT,
      GST_BUFFER_OFFSET (buffer), GST_BUFFER_OFFSET_END (buffer));
  if (GST_BUFFER_PTS_IS_VALID (buffer))
    g_string_append_printf (run->log, " %" G_GUINT64_FORMAT "+%" G_GUINT64_FORMAT,
        GST_BUFFER_PTS (buffer), GST_BUFFER_DURATION (buffer));
  g_string_append_c (run->log, '\n');
  g_assert_true (gst_buffer_map (buffer, &map, GST_MAP_READ));
  g_array_append_vals (run->floats, map.data, (guint) (map.size / sizeof (gfloat)));
  gst_buffer_unmap (buffer, &map);
  if (run->truncate)
    g_assert_cmpint (truncate (run->truncate, run->truncate_to), ==, 0);
}

static GstPadProbeReturn
on_data (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  Run *run = user_data;

  g_mutex_lock (&run->lock);
  if (GST_PAD_PROBE_INFO_TYPE (info) & GST_PAD_PROBE_TYPE_BUFFER)
    log_buffer (run, GST_PAD_PROBE_INFO_BUFFER (info));
  else
    log_event (run, GST_PAD_PROBE_INFO_EVENT (info));
  g_mutex_unlock (&run->lock);
  return GST_PAD_PROBE_OK;
}

static void run_init (Run *run, const gchar *path, const gchar *rest, ...) G_GNUC_PRINTF (3, 4);

/* @rest: properties, and what stands between source and sink. */
static void
run_init (Run *run, const gchar *path, const gchar *rest, ...)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GstPad) pad = NULL;
  g_autofree gchar *properties = NULL;
  g_autofree gchar *line = NULL;
  va_list args;

  va_start (args, rest);
  properties = g_strdup_vprintf (rest, args);
  va_end (args);
  line = g_strdup_printf ("npysrc name=src location=%s %s ! fakesink", path, properties);
  *run = (Run){NULL};
  run->pipeline = gst_parse_launch (line, &error);
  g_assert_no_error (error);
  run->src = gst_bin_get_by_name (GST_BIN (run->pipeline), "src");
  run->bus = gst_element_get_bus (run->pipeline);
  run->log = g_string_new (NULL);
  run->floats = g_array_new (FALSE, FALSE, sizeof (gfloat));
  g_mutex_init (&run->lock);
  pad = gst_element_get_static_pad (run->src, "src");
  gst_pad_add_probe (pad,
      GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM
          | GST_PAD_PROBE_TYPE_EVENT_FLUSH,
      on_data, run, NULL);
}

/* To @state, which must be reached. */
static void
run_to (Run *run, GstState state)
{
  gst_element_set_state (run->pipeline, state);
  g_assert_cmpint (gst_element_get_state (run->pipeline, NULL, NULL, GST_CLOCK_TIME_NONE), ==,
      GST_STATE_CHANGE_SUCCESS);
}

/* Plays until a message of @type, which must come before any error. */
static void
run_until (Run *run, GstMessageType type)
{
  g_autoptr (GstMessage) message = NULL;

  gst_element_set_state (run->pipeline, GST_STATE_PLAYING);
  message = gst_bus_timed_pop_filtered (
      run->bus, GST_CLOCK_TIME_NONE, type | GST_MESSAGE_ERROR);
  g_assert_cmpstr (GST_MESSAGE_TYPE_NAME (message), ==, gst_message_type_get_name (type));
}

static void
run_clear (Run *run)
{
  gst_element_set_state (run->pipeline, GST_STATE_NULL);
  gst_clear_object (&run->src);
  gst_clear_object (&run->bus);
  gst_clear_object (&run->pipeline);
  g_string_free (run->log, TRUE);
  g_array_unref (run->floats);
  g_mutex_clear (&run->lock);
}

/* Takes what was logged so far. */
static void
assert_log (Run *run, const gchar *expected)
{
  g_mutex_lock (&run->lock);
  g_assert_cmpstr (run->log->str, ==, expected);
  g_string_truncate (run->log, 0);
  g_mutex_unlock (&run->lock);
}

static gfloat
get_float (Run *run, guint i)
{
  return g_array_index (run->floats, gfloat, i);
}

typedef struct {
  gchar *dir, *path;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->dir = test_dir_new ();
  fixture->path = g_build_filename (fixture->dir, "x.npy", NULL);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  g_free (fixture->path);
  test_dir_remove (fixture->dir);
}

/* Types */

typedef struct {
  const gchar *descr;
  gsize item_size;
  struct {
    guint8 bytes[8];
    gfloat expected;
  } items[12]; /* unused ones are zero, which every type has */
} TypeCase;

static const TypeCase type_cases[] = {
    {"<f4", 4,
        {{{0, 0, 0x80, 0x3f}, 1}, {{0, 0, 0x20, 0xc1}, -10},
            {{0xff, 0xff, 0x7f, 0x7f}, G_MAXFLOAT}, {{1, 0, 0, 0}, 0x1p-149f},
            {{0, 0, 0x80, 0x7f}, INFINITY}, {{1, 0, 0xc0, 0x7f}, NAN}}},
    {"<f8", 8,
        {{{0, 0, 0, 0, 0, 0, 0xf0, 0x3f}, 1},
            {{0x9a, 0x99, 0x99, 0x99, 0x99, 0x99, 0xb9, 0x3f}, 0.1f},
            {{0, 0, 0, 0, 0, 0, 0xf0, 0x7f}, INFINITY}, {{0, 0, 0, 0, 0, 0, 0xf8, 0xff}, NAN},
            {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xef, 0x7f}, INFINITY}}},
    {"<f2", 2,
        {{{0x00, 0x3c}, 1}, {{0x00, 0xc0}, -2}, {{0xff, 0x7b}, 65504}, {{0x00, 0x04}, 0x1p-14f},
            {{0xff, 0x03}, 0x3ffp-24f}, {{0x01, 0x00}, 0x1p-24f}, {{0x01, 0x80}, -0x1p-24f},
            {{0x00, 0x80}, -0.0f}, {{0x00, 0x7c}, INFINITY}, {{0x00, 0xfc}, -INFINITY},
            {{0x00, 0x7e}, NAN}, {{0x55, 0x35}, 0x1.554p-2f}}},
    {"|b1", 1, {{{0}, 0}, {{1}, 1}, {{1}, 1}}},
    {"|i1", 1, {{{0x7f}, 127}, {{0x80}, -128}, {{0xff}, -1}}},
    {"|u1", 1, {{{0x7f}, 127}, {{0x80}, 128}, {{0xff}, 255}}},
    {"<i2", 2, {{{1, 2}, 513}, {{0xff, 0xff}, -1}, {{0, 0x80}, -32768}}},
    {"<u2", 2, {{{1, 2}, 513}, {{0xff, 0xff}, 65535}, {{0, 0x80}, 32768}}},
    {"<i4", 4,
        {{{1, 2, 3, 4}, 67305984}, {{0xff, 0xff, 0xff, 0xff}, -1},
            {{0, 0, 0, 0x80}, -0x1p31f}}},
    {"<u4", 4,
        {{{1, 2, 3, 4}, 67305984}, {{0xff, 0xff, 0xff, 0xff}, 0x1p32f},
            {{0, 0, 0, 0x80}, 0x1p31f}}},
    {"<i8", 8,
        {{{1, 2}, 513}, {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, -1},
            {{0, 0, 0, 0, 0, 0, 0, 0x80}, -0x1p63f}}},
    {"<u8", 8,
        {{{1, 2}, 513}, {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, 0x1p64f},
            {{0, 0, 0, 0, 0, 0, 0, 0x80}, 0x1p63f}}},
};

static void
assert_same_float (gfloat a, gfloat b)
{
  guint32 bits_a, bits_b;

  memcpy (&bits_a, &a, sizeof a);
  memcpy (&bits_b, &b, sizeof b);
  if (!(isnan (a) && isnan (b)))
    g_assert_cmphex (bits_a, ==, bits_b);
}

static void
check_type (const gchar *path, const TypeCase *type, guint8 version)
{
  g_autofree gchar *text = g_strdup_printf (
      "{'descr': '%s', 'fortran_order': False, 'shape': (4, 3), }\n", type->descr);
  GByteArray *bytes = npy_header (version, text);
  Run run;

  for (guint i = 0; i < G_N_ELEMENTS (type->items); i++)
    g_byte_array_append (bytes, type->items[i].bytes, (guint) type->item_size);
  npy_put (path, bytes);
  run_init (&run, path, " ");
  run_until (&run, GST_MESSAGE_EOS);
  g_assert_cmpuint (run.floats->len, ==, G_N_ELEMENTS (type->items));
  for (guint i = 0; i < run.floats->len; i++)
    assert_same_float (get_float (&run, i), type->items[i].expected);
  run_clear (&run);
}

static void
test_types (Fixture *fixture, gconstpointer data)
{
  for (guint i = 0; i < G_N_ELEMENTS (type_cases); i++)
    for (guint8 version = 1; version <= 3; version++)
      check_type (fixture->path, &type_cases[i], version);
}

/* More items than are converted at once. */
static void
test_long_rows (Fixture *fixture, gconstpointer data)
{
  Run run;

  npy_put_numbers (fixture->path, "(2, 3, 5001)", 30006);
  run_init (&run, fixture->path, "steps-per-buffer=3");
  run_until (&run, GST_MESSAGE_EOS);
  g_assert_cmpuint (run.floats->len, ==, 30006);
  for (guint i = 0; i < run.floats->len; i++)
    g_assert_cmpfloat (get_float (&run, i), ==, i);
  run_clear (&run);
}

/* Files that NumPy wrote; vectors/npy/README.md says how. */

static void
check_vector (const gchar *name, gint first, gint modulo, guint n)
{
  g_autofree gchar *file = g_strconcat ("npy/", name, ".npy", NULL);
  g_autofree gchar *path = test_vector_path (file);
  Run run;

  g_test_message ("%s", name);
  run_init (&run, path, "steps-per-buffer=0");
  run_until (&run, GST_MESSAGE_EOS);
  g_assert_cmpuint (run.floats->len, ==, n);
  for (guint i = 0; i < n; i++)
    g_assert_cmpfloat (get_float (&run, i), ==, (first + (gint) i) % modulo);
  run_clear (&run);
}

static void
test_numpy (void)
{
  static const gchar types[][3] = {
      "f2", "f4", "f8", "b1", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8"};

  for (guint i = 0; i < G_N_ELEMENTS (types); i++) {
    g_autofree gchar *name = g_strconcat (types[i], "-4x3", NULL);
    gboolean is_bool = types[i][0] == 'b';

    check_vector (name, is_bool || types[i][0] == 'u' ? 0 : -3, is_bool ? 2 : 1000, 12);
  }
  check_vector ("f4-4x3-v2", -3, 1000, 12);
  check_vector ("f4-4x3-v3", -3, 1000, 12);
  check_vector ("f4-3", -3, 1000, 3);
  check_vector ("f4-2x4x3", -3, 1000, 24);
  check_vector ("f4-0x3", -3, 1000, 0);
}

static void
test_numpy_refused (void)
{
  static const struct {
    const gchar *name, *pattern;
  } cases[] = {
      {"fortran", "*fortran_order: expected False*got 'True'"},
      {"big-endian", "*descr: expected little-endian*got '>f4' (big-endian)"},
      {"complex", "*descr: *got '<c8' (complex)"},
      {"string", "*descr: *got '<U1' (strings)"},
      {"object", "*descr: *got '|O' (objects)"},
      {"structure", "*descr: *got a structure"},
      {"time", "*descr: *got '<M8[s]' (times)"},
      {"longdouble", "*descr: *got '<f16' (unknown)"},
      {"0d", "*shape: expected 1 to 3 dimensions*got 0"},
      {"4d", "*shape: expected 1 to 3 dimensions*got 4"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree gchar *file = g_strconcat ("npy/refused-", cases[i].name, ".npy", NULL);
    g_autofree gchar *path = test_vector_path (file);
    g_autofree gchar *pattern = g_strconcat ("src: ", path, ": ", cases[i].pattern, NULL);
    g_autofree gchar *error = NULL;

    g_assert_false (test_launch (&error, "npysrc name=src location=%s ! fakesink", path));
    assert_matches (error, pattern);
  }
}

/* Refusals */

#define HEADER(descr, order, shape)                                                            \
  "{'descr': " descr ", 'fortran_order': " order ", 'shape': " shape ", }\n"
#define GOOD HEADER ("'<f4'", "False", "(2, 3)")

static const struct {
  const gchar *header;
  guint8 version;
  guint data_size;
  const gchar *pattern;
} refused[] = {
    {GOOD, 0, 24, "*version: expected 1.0, 2.0 or 3.0, got 0.0"},
    {GOOD, 4, 24, "*version: expected 1.0, 2.0 or 3.0, got 4.0"},
    {GOOD, 1, 23,
        "*file size: expected 94 bytes (header of 70, then 1 x 2 x 3 of <f4), got 93"},
    {GOOD, 1, 25, "*file size: expected 94 bytes (header of 70, *), got 95"},
    {GOOD, 1, 0, "*file size: expected 94 bytes *, got 70"},
    {HEADER ("'<f4'", "True", "(2, 3)"), 1, 24, "*fortran_order: expected False *, got 'True'"},
    {HEADER ("'<f4'", "0", "(2, 3)"), 1, 24, "*fortran_order: expected False, got '0' at *"},
    {HEADER ("'>f4'", "False", "(2, 3)"), 1, 24, "*got '>f4' (big-endian)"},
    {HEADER ("'|O'", "False", "(2, 3)"), 1, 24, "*got '|O' (objects)"},
    {HEADER ("'|S4'", "False", "(2, 3)"), 1, 24, "*got '|S4' (strings)"},
    {HEADER ("'|V4'", "False", "(2, 3)"), 1, 24, "*got '|V4' (a structure)"},
    {HEADER ("'<c8'", "False", "(2, 3)"), 1, 48, "*got '<c8' (complex)"},
    {HEADER ("''", "False", "(2, 3)"), 1, 24, "*got '' (unknown)"},
    {HEADER ("'<f4\\n%s'", "False", "(2, 3)"), 1, 24, "*descr: *unknown)"},
    {HEADER ("[('a', '<f4')]", "False", "(2, 3)"), 1, 24, "*descr: *got a structure"},
    {HEADER ("4", "False", "(2, 3)"), 1, 24, "*descr: expected a type *, got '4' at *"},
    {HEADER ("'<f4'", "False", "()"), 1, 4, "*shape: expected 1 to 3 dimensions *, got 0"},
    {HEADER ("'<f4'", "False", "(1, 1, 2, 3)"), 1, 24, "*1 to 3 dimensions *, got 4"},
    {HEADER ("'<f4'", "False", "(6)"), 1, 24, "*shape: expected a tuple, got a number"},
    {HEADER ("'<f4'", "False", "6"), 1, 24, "*shape: expected '(', got '6' at *"},
    {HEADER ("'<f4'", "False", "(2, -3)"), 1, 24, "*shape: expected a number, got '-' at *"},
    {HEADER ("'<f4'", "False", "(2, 3.0)"), 1, 24, "*shape: expected *"},
    {HEADER ("'<f4'", "False", "(2, 3L)"), 1, 24, "*shape: expected *"},
    {HEADER ("'<f4'", "False", "(2, 0x3)"), 1, 24, "*shape: expected *"},
    {HEADER ("'<f4'", "False", "(2 3)"), 1, 24, "*shape: expected ',' or ')', got '3' at *"},
    {HEADER ("'<f4'", "False", "(,)"), 1, 24, "*shape: expected a number, got ',' at *"},
    {HEADER ("'<f4'", "False", "(2, 0)"), 1, 0,
        "*shape: expected a size from 1 to 2147483647, got 0"},
    {HEADER ("'<f4'", "False", "(0, 2, 3)"), 1, 0,
        "*shape: expected streams from 1 to *, got 0"},
    {HEADER ("'<f4'", "False", "(1, 2147483648)"), 1, 0, "*size from 1 to *, got 2147483648"},
    {HEADER ("'<f4'", "False", "(4294967297, 1, 3)"), 1, 12, "*streams *, got 4294967297"},
    /* Products of 2^64 + 24 bytes and the like, and numbers that are no 64 bits. */
    {HEADER ("'<f4'", "False", "(4611686018427387906, 3)"), 1, 24,
        "*shape: expected what a file can hold*"},
    {HEADER ("'|u1'", "False", "(6148914691236517206, 3)"), 1, 2,
        "*shape: expected what a file can hold*"},
    {HEADER ("'<f8'", "False", "(2305843009213693952, 1)"), 1, 0,
        "*shape: expected what a file can hold*"},
    {HEADER ("'|u1'", "False", "(18446744073709551615, 1)"), 1, 67,
        "*shape: expected what a file can hold*"},
    {HEADER ("'|u1'", "False", "(99999999999999999999999, 2)"), 1, 0,
        "*shape: expected what a file can hold*"},
    {HEADER ("'|u1'", "False", "(2, 18446744073709551619)"), 1, 6,
        "*size from 1 to 2147483647, got *"},
    {"{'descr': '<f4', 'fortran_order': False}", 1, 24, "*expected key 'shape', got none"},
    {"{'fortran_order': False, 'shape': (2, 3)}", 1, 24, "*expected key 'descr', got none"},
    {"{'descr': '<f4', 'shape': (2, 3)}", 1, 24, "*expected key 'fortran_order', got none"},
    {"{'descr': '<f4', 'descr': '<f4'}", 1, 24, "*expected key 'descr' once, got it again"},
    {"{'descr': '<f4', 'order': 'C'}", 1, 24, "*expected keys *, got 'order'"},
    {"{'descr' '<f4'}", 1, 24, "*expected ':', got '<f4' at *"},
    {"{descr: '<f4'}", 1, 24, "*expected a key, got 'descr' at *"},
    {"{'descr': '<f4' 'fortran_order': False}", 1, 24,
        "*expected ',' or '}', got 'fortran_order' *"},
    {"{,}", 1, 24, "*expected a key, got ',' at *"},
    {"{'descr': '<f4", 1, 24, "*descr: expected a type *"},
    {"{'descr': '<f4'", 1, 24, "*expected ',' or '}', got the end at *"},
    {"", 1, 24, "*expected '{', got the end at *"},
    {"# {}\n", 1, 24, "*expected '{', got something else at *"},
    {"('descr', '<f4')", 1, 24, "*expected '{', got '(' at *"},
    {GOOD "x", 1, 24, "*expected nothing after '}', got 'x' at *"},
};

static void
assert_refused (const gchar *path, const gchar *pattern)
{
  g_autofree gchar *error = NULL;
  g_autofree gchar *full = g_strconcat ("src: ", path, ": ", pattern, NULL);

  g_assert_false (test_launch (&error, "npysrc name=src location=%s ! fakesink", path));
  assert_matches (error, full);
}

static void
test_refused (Fixture *fixture, gconstpointer data)
{
  for (guint i = 0; i < G_N_ELEMENTS (refused); i++) {
    GByteArray *bytes = npy_header (refused[i].version, refused[i].header);
    const guint8 zeros[100] = {0};

    g_byte_array_append (bytes, zeros, refused[i].data_size);
    npy_put (fixture->path, bytes);
    assert_refused (fixture->path, refused[i].pattern);
  }
}

static void
assert_bytes_refused (Fixture *fixture, const gchar *bytes, gsize n, const gchar *pattern)
{
  g_assert_true (g_file_set_contents (fixture->path, bytes, (gssize) n, NULL));
  assert_refused (fixture->path, pattern);
}

static void
test_no_npy_file (Fixture *fixture, gconstpointer data)
{
  g_autofree gchar *error = NULL;

  assert_refused (fixture->path, "expected a .npy file, got No such file or directory");
  assert_refused (fixture->dir, "expected a .npy file, got a directory");
  g_assert_cmpint (mkfifo (fixture->path, 0600), ==, 0);
  assert_refused (fixture->path, "expected a .npy file, got something that is no file");
  g_unlink (fixture->path);
  g_assert_false (test_launch (&error, "npysrc name=src ! fakesink"));
  assert_matches (error, "src: property location: expected a .npy file, got nothing");

  assert_bytes_refused (fixture, "", 0, "magic: expected 6 bytes at byte 0, got 0: *truncated");
  assert_bytes_refused (fixture, "\x93NUM", 4, "magic: expected 6 bytes at byte 0, got 4: *");
  assert_bytes_refused (
      fixture, "PK\3\4 zip", 8, "magic: expected '\\223NUMPY' (*), got 'PK*'");
  assert_bytes_refused (
      fixture, "\x93NUMPY\1\0\x10", 9, "version: expected 10 bytes *, got 9: *");
  assert_bytes_refused (
      fixture, "\x93NUMPY\2\0\x10\0\0", 11, "header length: expected 12 bytes *, got 11: *");
  assert_bytes_refused (
      fixture, "\x93NUMPY\1\0\x10\0{}", 12, "header: expected 16 bytes at byte 10, got 2: *");
  assert_bytes_refused (fixture, "\x93NUMPY\2\0\1\0\1\0{}", 14,
      "header length: expected at most 65536 bytes, got 65537");
  assert_bytes_refused (
      fixture, "\x93NUMPY\1\0\3\0{\0}", 13, "header: expected text, got a NUL character");
  assert_bytes_refused (fixture, "\x93NUMPY\1\1\2\0{}", 12, "version: *, got 1.1");
}

/* What Python and NumPy's own reader would take. */
static void
test_spellings (Fixture *fixture, gconstpointer data)
{
  static const gchar *const headers[] = {
      "{'descr':'<f4','fortran_order':False,'shape':(2,3)}",
      "{'shape': (2, 3,), 'fortran_order': False, 'descr': '<f4'}\n",
      " {\"shape\": ( 2 ,3 ) ,\n\t\"descr\": \"<f4\" , \"fortran_order\": False , } \n\n",
      "{'shape': (1, 2, 3), 'descr': '<f4', 'fortran_order': False,}",
  };
  g_autofree gchar *padding = g_strnfill (60000, ' ');

  for (guint i = 0; i < G_N_ELEMENTS (headers); i++) {
    g_autofree gchar *text = g_strconcat (headers[i], padding, NULL);
    GByteArray *bytes = npy_header (i % 3 + 1, text);
    const guint8 zeros[24] = {0};
    Run run;

    g_byte_array_append (bytes, zeros, sizeof zeros);
    npy_put (fixture->path, bytes);
    run_init (&run, fixture->path, "framerate=0/1");
    run_until (&run, GST_MESSAGE_EOS);
    assert_log (&run, "caps 3:1\nsegment 0\nbuffer 0-1\nbuffer 1-2\neos\n");
    run_clear (&run);
  }
}

static void
test_truncated_meanwhile (Fixture *fixture, gconstpointer data)
{
  Run run;
  g_autoptr (GstMessage) message = NULL;
  g_autoptr (GError) error = NULL;

  npy_put_numbers (fixture->path, "(4, 3)", 12);
  run_init (&run, fixture->path, " ");
  run.truncate = fixture->path;
  run.truncate_to = 70 + 12 + 8;
  gst_element_set_state (run.pipeline, GST_STATE_PLAYING);
  message = gst_bus_timed_pop_filtered (
      run.bus, GST_CLOCK_TIME_NONE, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  g_assert_cmpint (GST_MESSAGE_TYPE (message), ==, GST_MESSAGE_ERROR);
  gst_message_parse_error (message, &error, NULL);
  assert_matches (error->message, "*/x.npy: items: expected 12 bytes at byte 82, got 8: *");
  run_clear (&run);
}

/* Buffers */

typedef struct {
  const gchar *shape;
  guint n;
  const gchar *properties;
  const gchar *log;
} LogCase;

static const LogCase log_cases[] = {
    {"(3,)", 3, "framerate=10/1", "caps 3:1\nsegment 0\nbuffer 0-1 0+100000000\neos\n"},
    {"(2, 3)", 6, "framerate=0/1", "caps 3:1\nsegment 0\nbuffer 0-1\nbuffer 1-2\neos\n"},
    /* The times of steps do not add up roundings. */
    {"(4, 1)", 4, "framerate=30/1",
        "caps 1:1\nsegment 0\nbuffer 0-1 0+33333333\nbuffer 1-2 33333333+33333333\n"
        "buffer 2-3 66666666+33333334\nbuffer 3-4 100000000+33333333\neos\n"},
    {"(2, 1)", 2, "framerate=30000/1001",
        "caps 1:1\nsegment 0\nbuffer 0-1 0+33366666\nbuffer 1-2 33366666+33366667\neos\n"},
    {"(2, 1)", 2, "framerate=1/5",
        "caps 1:1\nsegment 0\nbuffer 0-1 0+5000000000\nbuffer 1-2 "
        "5000000000+5000000000\neos\n"},
    /* Steps that the buffers' do not divide. */
    {"(10, 3)", 30, "framerate=10/1 steps-per-buffer=4",
        "caps 3:4\nsegment 0\nbuffer 0-4 0+400000000\nbuffer 4-8 400000000+400000000\n"
        "caps 3:2\nbuffer 8-10 800000000+200000000\neos\n"},
    {"(8, 3)", 24, "framerate=0/1 steps-per-buffer=4",
        "caps 3:4\nsegment 0\nbuffer 0-4\nbuffer 4-8\neos\n"},
    {"(3, 3)", 9, "framerate=0/1 steps-per-buffer=4", "caps 3:3\nsegment 0\nbuffer 0-3\neos\n"},
    {"(3, 3)", 9, "framerate=0/1 steps-per-buffer=0", "caps 3:3\nsegment 0\nbuffer 0-3\neos\n"},
    {"(2, 4, 3)", 24, "framerate=0/1 steps-per-buffer=3",
        "caps 3:3:2\nsegment 0\nbuffer 0-3\ncaps 3:1:2\nbuffer 3-4\neos\n"},
    {"(2, 2, 3)", 12, "framerate=0/1", "caps 3:1:2\nsegment 0\nbuffer 0-1\nbuffer 1-2\neos\n"},
    {"(1, 2, 3)", 6, "framerate=0/1 steps-per-buffer=0",
        "caps 3:2\nsegment 0\nbuffer 0-2\neos\n"},
    /* Nothing but caps. */
    {"(0, 3)", 0, "steps-per-buffer=4", "caps 3:1\neos\n"},
    {"(2, 0, 3)", 0, "steps-per-buffer=0", "caps 3:1:2\neos\n"},
    /* The base class's own. */
    {"(9, 3)", 27, "framerate=0/1 num-buffers=1", "caps 3:1\nsegment 0\nbuffer 0-1\neos\n"},
};

static void
test_buffers (Fixture *fixture, gconstpointer data)
{
  for (guint i = 0; i < G_N_ELEMENTS (log_cases); i++) {
    Run run;

    npy_put_numbers (fixture->path, log_cases[i].shape, log_cases[i].n);
    run_init (&run, fixture->path, "%s", log_cases[i].properties);
    run_until (&run, GST_MESSAGE_EOS);
    assert_log (&run, log_cases[i].log);
    run_clear (&run);
  }
}

/* (streams, length, size) in the file, (streams, steps, size) in a buffer. */
static void
test_streams (Fixture *fixture, gconstpointer data)
{
  enum { STREAMS = 3, LENGTH = 7, SIZE = 2 };
  static const guint steps_per_buffer[] = {1, 2, 3, 7, 0, 100};

  npy_put_numbers (fixture->path, "(3, 7, 2)", STREAMS * LENGTH * SIZE);
  for (guint k = 0; k < G_N_ELEMENTS (steps_per_buffer); k++) {
    Run run;
    guint i = 0;
    guint max_steps = steps_per_buffer[k] > 0 ? steps_per_buffer[k] : LENGTH;

    run_init (&run, fixture->path, "steps-per-buffer=%u", steps_per_buffer[k]);
    run_until (&run, GST_MESSAGE_EOS);
    g_assert_cmpuint (run.floats->len, ==, STREAMS * LENGTH * SIZE);
    for (guint first = 0; first < LENGTH; first += max_steps)
      for (guint s = 0; s < STREAMS; s++)
        for (guint t = first; t < MIN (first + max_steps, LENGTH); t++)
          for (guint j = 0; j < SIZE; j++)
            g_assert_cmpfloat (
                get_float (&run, i++), ==, (gfloat) ((s * LENGTH + t) * SIZE + j));
    run_clear (&run);
  }
}

/* Caps */

static void
test_caps (Fixture *fixture, gconstpointer data)
{
  Run run;
  g_autoptr (GstPad) pad = NULL;
  g_autoptr (GstCaps) caps = NULL;
  g_autoptr (GstCaps) expected = gst_caps_from_string (
      "other/tensors, format = (string) static, num_tensors = (int) 1, types = (string) "
      "float32, dimensions = (string) 3:1:1:1, framerate = (fraction) 25/2");

  npy_put_numbers (fixture->path, "(2, 3)", 6);
  run_init (&run, fixture->path, "framerate=25/2 ! other/tensors,dimensions=(string)3:1:1:1");
  run_to (&run, GST_STATE_PAUSED);
  pad = gst_element_get_static_pad (run.src, "src");
  caps = gst_pad_get_current_caps (pad);
  g_assert_true (gst_caps_is_equal (caps, expected));
  run_clear (&run);
}

/* The rest goes out with the spelling that downstream takes, or is an error. */
static void
test_caps_of_rest (Fixture *fixture, gconstpointer data)
{
  Run run;
  g_autofree gchar *error = NULL;

  npy_put_numbers (fixture->path, "(3, 3)", 9);
  run_init (&run, fixture->path,
      "framerate=0/1 steps-per-buffer=2 ! other/tensors,dimensions=(string){3:2:1,3:1:1}");
  run_until (&run, GST_MESSAGE_EOS);
  assert_log (&run, "caps 3:2:1\nsegment 0\nbuffer 0-2\ncaps 3:1:1\nbuffer 2-3\neos\n");
  run_clear (&run);

  g_assert_false (test_launch (&error,
      "npysrc name=src location=%s steps-per-buffer=2 ! other/tensors,dimensions=(string)3:2 ! "
      "fakesink",
      fixture->path));
  assert_matches (
      error, "src: */x.npy: expected a downstream that takes a buffer of 1 of the 3 *");
}

/* Seeking */

static gboolean
seek (Run *run, GstFormat format, GstSeekFlags flags, gint64 start, gint64 stop)
{
  return gst_element_seek (run->pipeline, 1.0, format, flags, GST_SEEK_TYPE_SET, start,
      stop < 0 ? GST_SEEK_TYPE_NONE : GST_SEEK_TYPE_SET, stop);
}

static const struct {
  GstFormat format;
  gint64 start, stop;
  const gchar *log;
} seeks[] = {
    {GST_FORMAT_TIME, 0, -1,
        "flush\nsegment 0\nbuffer 0-2 0+200000000\nbuffer 2-4 200000000+200000000\n"
        "caps 1:1\nbuffer 4-5 400000000+100000000\neos\n"},
    /* In the midst of a step: from its beginning. */
    {GST_FORMAT_TIME, 199999999, -1,
        "flush\nsegment 100000000\nbuffer 1-3 100000000+200000000\n"
        "buffer 3-5 300000000+200000000\neos\n"},
    {GST_FORMAT_TIME, 200000000, -1,
        "flush\nsegment 200000000\nbuffer 2-4 200000000+200000000\n"
        "caps 1:1\nbuffer 4-5 400000000+100000000\neos\n"},
    /* Steps that begin before the stop. */
    {GST_FORMAT_TIME, 100000000, 300000001,
        "flush\nsegment 100000000-300000001\nbuffer 1-3 100000000+200000000\n"
        "caps 1:1\nbuffer 3-4 300000000+100000000\neos\n"},
    {GST_FORMAT_TIME, 100000000, 300000000,
        "flush\nsegment 100000000-300000000\nbuffer 1-3 100000000+200000000\neos\n"},
    /* At and beyond the end, where the base class has no buffer to put a segment before. */
    {GST_FORMAT_TIME, 500000000, -1, "flush\neos\n"},
    {GST_FORMAT_TIME, 100 * GST_SECOND, -1, "flush\neos\n"},
    {GST_FORMAT_TIME, 0, 0, "flush\neos\n"},
    {GST_FORMAT_DEFAULT, 3, -1,
        "flush\nsegment 300000000\nbuffer 3-5 300000000+200000000\neos\n"},
    {GST_FORMAT_DEFAULT, 1, 3,
        "flush\nsegment 100000000-300000000\nbuffer 1-3 100000000+200000000\neos\n"},
};

static void
test_seek (Fixture *fixture, gconstpointer data)
{
  npy_put_numbers (fixture->path, "(5, 1)", 5);
  for (guint i = 0; i < G_N_ELEMENTS (seeks); i++) {
    Run run;

    run_init (&run, fixture->path, "framerate=10/1 steps-per-buffer=2");
    run_to (&run, GST_STATE_PAUSED);
    assert_log (&run, "caps 1:2\nsegment 0\nbuffer 0-2 0+200000000\n");
    g_assert_true (
        seek (&run, seeks[i].format, GST_SEEK_FLAG_FLUSH, seeks[i].start, seeks[i].stop));
    run_until (&run, GST_MESSAGE_EOS);
    assert_log (&run, seeks[i].log);
    run_clear (&run);
  }
}

/* Every step can be reached by its rounded time. */
static void
test_seek_rounding (Fixture *fixture, gconstpointer data)
{
  Run run;

  npy_put_numbers (fixture->path, "(100, 1)", 100);
  run_init (&run, fixture->path, "framerate=30000/1001");
  run_to (&run, GST_STATE_PAUSED);
  for (gint64 i = 0; i < 100; i++) {
    gint64 time, step;
    gint64 expected = (gint64) gst_util_uint64_scale ((guint64) i, 1001 * GST_SECOND, 30000);

    g_assert_true (
        gst_element_query_convert (run.src, GST_FORMAT_DEFAULT, i, GST_FORMAT_TIME, &time));
    g_assert_cmpint (time, ==, expected);
    g_assert_true (
        gst_element_query_convert (run.src, GST_FORMAT_TIME, time, GST_FORMAT_DEFAULT, &step));
    g_assert_cmpint (step, ==, i);
    if (i > 0) {
      g_assert_true (gst_element_query_convert (
          run.src, GST_FORMAT_TIME, time - 1, GST_FORMAT_DEFAULT, &step));
      g_assert_cmpint (step, ==, i - 1);
    }
  }
  run_clear (&run);
}

/* Loops without a flush, and back from the shorter last buffer. */
static void
test_segment_seek (Fixture *fixture, gconstpointer data)
{
  Run run;

  npy_put_numbers (fixture->path, "(3, 1)", 3);
  run_init (&run, fixture->path, "framerate=10/1 steps-per-buffer=2");
  run_to (&run, GST_STATE_PAUSED);
  g_assert_true (
      seek (&run, GST_FORMAT_TIME, GST_SEEK_FLAG_FLUSH | GST_SEEK_FLAG_SEGMENT, 0, -1));
  run_until (&run, GST_MESSAGE_SEGMENT_DONE);
  assert_log (&run,
      "caps 1:2\nsegment 0\nbuffer 0-2 0+200000000\nflush\nsegment 0\nbuffer 0-2 0+200000000\n"
      "caps 1:1\nbuffer 2-3 200000000+100000000\n");
  g_assert_true (seek (&run, GST_FORMAT_TIME, GST_SEEK_FLAG_SEGMENT, 0, 200000000));
  run_until (&run, GST_MESSAGE_SEGMENT_DONE);
  assert_log (&run, "caps 1:2\nsegment 0-200000000\nbuffer 0-2 0+200000000\n");
  g_assert_true (seek (&run, GST_FORMAT_TIME, GST_SEEK_FLAG_NONE, 200000000, -1));
  run_until (&run, GST_MESSAGE_EOS);
  run_clear (&run);
}

/* Refused before anything is flushed, by the pad's way and the element's. */
static void
test_seek_refused (Fixture *fixture, gconstpointer data)
{
  Run run;
  const GstSeekFlags flags = GST_SEEK_FLAG_FLUSH;
  const GstSeekType set = GST_SEEK_TYPE_SET, none = GST_SEEK_TYPE_NONE;

  npy_put_numbers (fixture->path, "(2, 1)", 2);
  run_init (&run, fixture->path, "framerate=10/1");
  run_to (&run, GST_STATE_PAUSED);
  g_assert_false (
      gst_element_seek (run.pipeline, -1.0, GST_FORMAT_TIME, flags, set, 0, set, 100));
  g_assert_false (gst_element_seek (run.src, -1.0, GST_FORMAT_TIME, flags, set, 0, set, 100));
  g_assert_false (gst_element_seek (run.src, 2.0, GST_FORMAT_TIME, flags, set, 0, none, -1));
  g_assert_false (seek (&run, GST_FORMAT_BYTES, flags, 0, -1));
  run_until (&run, GST_MESSAGE_EOS);
  assert_log (&run,
      "caps 1:1\nsegment 0\nbuffer 0-1 0+100000000\nbuffer 1-2 100000000+100000000\neos\n");
  run_clear (&run);

  run_init (&run, fixture->path, "framerate=0/1");
  run_to (&run, GST_STATE_PAUSED);
  g_assert_false (seek (&run, GST_FORMAT_TIME, flags, 0, -1));
  g_assert_false (gst_element_seek (run.src, 1.0, GST_FORMAT_TIME, flags, set, 0, none, -1));
  run_until (&run, GST_MESSAGE_EOS);
  assert_log (&run, "caps 1:1\nsegment 0\nbuffer 0-1\nbuffer 1-2\neos\n");
  run_clear (&run);
}

/* A seek that waits for the start. */
static void
test_seek_in_ready (Fixture *fixture, gconstpointer data)
{
  Run run;

  npy_put_numbers (fixture->path, "(3, 1)", 3);
  run_init (&run, fixture->path, "framerate=10/1");
  run_to (&run, GST_STATE_READY);
  g_assert_true (gst_element_seek (run.src, 1.0, GST_FORMAT_TIME, GST_SEEK_FLAG_FLUSH,
      GST_SEEK_TYPE_END, -100000000, GST_SEEK_TYPE_NONE, -1));
  run_until (&run, GST_MESSAGE_EOS);
  assert_log (
      &run, "flush\ncaps 1:1\nsegment 200000000\nbuffer 2-3 200000000+100000000\neos\n");
  run_clear (&run);
}

static void
test_queries (Fixture *fixture, gconstpointer data)
{
  Run run;
  gint64 value;
  g_autoptr (GstQuery) seeking = gst_query_new_seeking (GST_FORMAT_TIME);
  gboolean seekable;
  gint64 end;

  npy_put_numbers (fixture->path, "(7, 1)", 7);
  run_init (&run, fixture->path, "framerate=10/1 steps-per-buffer=2");
  run_to (&run, GST_STATE_PAUSED);
  g_assert_true (gst_element_query_duration (run.src, GST_FORMAT_TIME, &value));
  g_assert_cmpint (value, ==, 700000000);
  g_assert_true (gst_element_query_duration (run.src, GST_FORMAT_DEFAULT, &value));
  g_assert_cmpint (value, ==, 7);
  g_assert_true (gst_element_query (run.src, seeking));
  gst_query_parse_seeking (seeking, NULL, &seekable, NULL, &end);
  g_assert_true (seekable);
  g_assert_cmpint (end, ==, 700000000);
  run_until (&run, GST_MESSAGE_EOS);
  g_assert_true (gst_element_query_position (run.src, GST_FORMAT_TIME, &value));
  g_assert_cmpint (value, ==, 700000000);
  g_assert_true (gst_element_query_position (run.src, GST_FORMAT_DEFAULT, &value));
  g_assert_cmpint (value, ==, 7);
  run_clear (&run);
}

/* State changes */

static void
test_cycles (Fixture *fixture, gconstpointer data)
{
  static const GstState states[] = {GST_STATE_PAUSED, GST_STATE_PLAYING, GST_STATE_PAUSED,
      GST_STATE_READY, GST_STATE_PLAYING, GST_STATE_READY, GST_STATE_PAUSED, GST_STATE_NULL};
  Run run;

  npy_put_numbers (fixture->path, "(2, 500, 3)", 3000);
  run_init (&run, fixture->path, "steps-per-buffer=7");
  for (guint i = 0; i < 100; i++)
    for (guint k = 0; k < G_N_ELEMENTS (states); k++)
      run_to (&run, states[k]);
  g_array_set_size (run.floats, 0);
  g_string_truncate (run.log, 0);
  run_until (&run, GST_MESSAGE_EOS);
  g_assert_cmpuint (run.floats->len, ==, 3000);
  run_clear (&run);
}

/* Another file, another rate: what the properties say at the next start. */
static void
test_restart (Fixture *fixture, gconstpointer data)
{
  Run run;

  npy_put_numbers (fixture->path, "(3, 2)", 6);
  run_init (&run, fixture->path, "framerate=10/1 steps-per-buffer=2");
  run_until (&run, GST_MESSAGE_EOS);
  run_to (&run, GST_STATE_READY);
  g_string_truncate (run.log, 0);
  npy_put_numbers (fixture->path, "(1, 4)", 4);
  g_object_set (run.src, "steps-per-buffer", 1, NULL);
  gst_util_set_object_arg (G_OBJECT (run.src), "framerate", "1/1");
  run_until (&run, GST_MESSAGE_EOS);
  assert_log (&run, "caps 4:1\nsegment 0\nbuffer 0-1 0+1000000000\neos\n");
  run_clear (&run);
}

static void
test_properties (void)
{
  g_autoptr (GstElement)
      element = gst_object_ref_sink (gst_element_factory_make ("npysrc", NULL));
  g_autofree gchar *location = NULL;
  guint steps;
  GValue framerate = G_VALUE_INIT;

  g_object_get (element, "location", &location, "steps-per-buffer", &steps, NULL);
  g_assert_null (location);
  g_assert_cmpuint (steps, ==, 1);
  g_object_get_property (G_OBJECT (element), "framerate", &framerate);
  g_assert_cmpint (gst_value_get_fraction_numerator (&framerate), ==, 30);
  g_assert_cmpint (gst_value_get_fraction_denominator (&framerate), ==, 1);
  g_value_unset (&framerate);
  g_object_set (element, "location", "a.npy", "steps-per-buffer", 7, NULL);
  g_object_get (element, "location", &location, "steps-per-buffer", &steps, NULL);
  g_assert_cmpstr (location, ==, "a.npy");
  g_assert_cmpuint (steps, ==, 7);
}

int
main (int argc, char **argv)
{
  static const struct {
    const gchar *name;
    void (*run) (Fixture *fixture, gconstpointer data);
  } tests[] = {
      {"/npysrc/types", test_types},
      {"/npysrc/long-rows", test_long_rows},
      {"/npysrc/refused", test_refused},
      {"/npysrc/no-npy-file", test_no_npy_file},
      {"/npysrc/spellings", test_spellings},
      {"/npysrc/truncated-meanwhile", test_truncated_meanwhile},
      {"/npysrc/buffers", test_buffers},
      {"/npysrc/streams", test_streams},
      {"/npysrc/caps", test_caps},
      {"/npysrc/caps-of-rest", test_caps_of_rest},
      {"/npysrc/seek", test_seek},
      {"/npysrc/seek-rounding", test_seek_rounding},
      {"/npysrc/segment-seek", test_segment_seek},
      {"/npysrc/seek-refused", test_seek_refused},
      {"/npysrc/seek-in-ready", test_seek_in_ready},
      {"/npysrc/queries", test_queries},
      {"/npysrc/cycles", test_cycles},
      {"/npysrc/restart", test_restart},
  };

  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (tests); i++)
    g_test_add (tests[i].name, Fixture, NULL, set_up, tests[i].run, tear_down);
  g_test_add_func ("/npysrc/numpy", test_numpy);
  g_test_add_func ("/npysrc/numpy-refused", test_numpy_refused);
  g_test_add_func ("/npysrc/properties", test_properties);
  return g_test_run ();
}
