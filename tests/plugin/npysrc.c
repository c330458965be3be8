/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Files that `npysrc` reads, their numbers, and files that it refuses. */
#include "npysrc-rig.h"
#include <glib/gstdio.h>
#include <math.h>
#include <sys/stat.h>

/* --- Types --- */

typedef struct {
  const gchar *descr;
  gsize item_size;
  struct {
    guint8 bytes[8];
    gfloat expected;
  } items[12]; /* unused items are zero in every type */
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
assert_equal_float (gfloat a, gfloat b)
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
  GByteArray *bytes = npy_header_new (version, text);
  NpysrcRig rig;

  for (guint i = 0; i < G_N_ELEMENTS (type->items); i++)
    g_byte_array_append (bytes, type->items[i].bytes, (guint) type->item_size);
  npy_write (path, bytes);
  npysrc_rig_init (&rig, path, " ");
  npysrc_rig_play_until (&rig, GST_MESSAGE_EOS);
  g_assert_cmpuint (rig.items->len, ==, G_N_ELEMENTS (type->items));
  for (guint i = 0; i < rig.items->len; i++)
    assert_equal_float (npysrc_rig_get_float (&rig, i), type->items[i].expected);
  npysrc_rig_clear (&rig);
}

static void
test_types (NpyFile *file, gconstpointer data)
{
  for (guint i = 0; i < G_N_ELEMENTS (type_cases); i++)
    for (guint8 version = 1; version <= 3; version++)
      check_type (file->path, &type_cases[i], version);
}

/* A buffer has more items than are converted at once. */
static void
test_long_rows (NpyFile *file, gconstpointer data)
{
  NpysrcRig rig;

  npy_write_numbers (file->path, "(2, 3, 5001)", 30006);
  npysrc_rig_init (&rig, file->path, "steps-per-buffer=3");
  npysrc_rig_play_until (&rig, GST_MESSAGE_EOS);
  g_assert_cmpuint (rig.items->len, ==, 30006);
  for (guint i = 0; i < rig.items->len; i++)
    g_assert_cmpfloat (npysrc_rig_get_float (&rig, i), ==, i);
  npysrc_rig_clear (&rig);
}

/* --- Files that NumPy wrote; vectors/npy/README.md has the program --- */

static void
check_vector (const gchar *name, gint first, gint modulo, guint n)
{
  g_autofree gchar *file = g_strconcat ("npy/", name, ".npy", NULL);
  g_autofree gchar *path = test_vector_path (file);
  NpysrcRig rig;

  g_test_message ("%s", name);
  npysrc_rig_init (&rig, path, "steps-per-buffer=0");
  npysrc_rig_play_until (&rig, GST_MESSAGE_EOS);
  g_assert_cmpuint (rig.items->len, ==, n);
  for (guint i = 0; i < n; i++)
    g_assert_cmpfloat (npysrc_rig_get_float (&rig, i), ==, (first + (gint) i) % modulo);
  npysrc_rig_clear (&rig);
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
      {"fortran", "*fortran_order: expected False*found 'True'"},
      {"big-endian", "*descr: expected little-endian*found '>f4' (big-endian)"},
      {"complex", "*descr: *found '<c8' (complex)"},
      {"string", "*descr: *found '<U1' (strings)"},
      {"object", "*descr: *found '|O' (objects)"},
      {"structure", "*descr: *found a structure"},
      {"time", "*descr: *found '<M8[s]' (times)"},
      {"longdouble", "*descr: *found '<f16' (unknown)"},
      {"0d", "*shape: expected 1 to 3 dimensions*found 0"},
      {"4d", "*shape: expected 1 to 3 dimensions*found 4"},
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

/* --- Refused files --- */

#define HEADER(descr, order, shape)                                                            \
  "{'descr': " descr ", 'fortran_order': " order ", 'shape': " shape ", }\n"
#define GOOD HEADER ("'<f4'", "False", "(2, 3)")

static const struct {
  const gchar *header; /* text */
  guint8 version;
  guint data_size;      /* bytes after the header */
  const gchar *pattern; /* of the error */
} refused[] = {
    {GOOD, 0, 24, "*version: expected 1.0, 2.0 or 3.0, found 0.0"},
    {GOOD, 4, 24, "*version: expected 1.0, 2.0 or 3.0, found 4.0"},
    {GOOD, 1, 23,
        "*file size: expected 94 bytes (header of 70, then 1 x 2 x 3 of <f4), found 93"},
    {GOOD, 1, 25, "*file size: expected 94 bytes (header of 70, *), found 95"},
    {GOOD, 1, 0, "*file size: expected 94 bytes *, found 70"},
    {HEADER ("'<f4'", "True", "(2, 3)"), 1, 24, "*fortran_order: expected False *, found 'True'"},
    {HEADER ("'<f4'", "0", "(2, 3)"), 1, 24, "*fortran_order: expected False, found '0' at *"},
    {HEADER ("'>f4'", "False", "(2, 3)"), 1, 24, "*found '>f4' (big-endian)"},
    {HEADER ("'|O'", "False", "(2, 3)"), 1, 24, "*found '|O' (objects)"},
    {HEADER ("'|S4'", "False", "(2, 3)"), 1, 24, "*found '|S4' (strings)"},
    {HEADER ("'|V4'", "False", "(2, 3)"), 1, 24, "*found '|V4' (a structure)"},
    {HEADER ("'<c8'", "False", "(2, 3)"), 1, 48, "*found '<c8' (complex)"},
    {HEADER ("''", "False", "(2, 3)"), 1, 24, "*found '' (unknown)"},
    {HEADER ("'<f4\\n%s'", "False", "(2, 3)"), 1, 24, "*descr: *unknown)"},
    {HEADER ("[('a', '<f4')]", "False", "(2, 3)"), 1, 24, "*descr: *found a structure"},
    {HEADER ("4", "False", "(2, 3)"), 1, 24, "*descr: expected a type *, found '4' at *"},
    {HEADER ("'<f4'", "False", "()"), 1, 4, "*shape: expected 1 to 3 dimensions *, found 0"},
    {HEADER ("'<f4'", "False", "(1, 1, 2, 3)"), 1, 24, "*1 to 3 dimensions *, found 4"},
    {HEADER ("'<f4'", "False", "(6)"), 1, 24, "*shape: expected a tuple, found the number 6"},
    {HEADER ("'<f4'", "False", "6"), 1, 24, "*shape: expected '(', found '6' at *"},
    {HEADER ("'<f4'", "False", "(2, -3)"), 1, 24, "*shape: expected a number, found '-' at *"},
    {HEADER ("'<f4'", "False", "(2, 3.0)"), 1, 24, "*shape: expected *"},
    {HEADER ("'<f4'", "False", "(2L, 3L)"), 3, 24, "*shape: expected a number, found *"},
    {HEADER ("'<f4'", "False", "(2, 3l)"), 1, 24, "*shape: expected a number, found *"},
    {HEADER ("'<f4'", "False", "(2, 3LL)"), 2, 24, "*shape: expected a number, found *"},
    {HEADER ("'<f4'", "False", "(2, 3L4)"), 1, 24, "*shape: expected a number, found *"},
    {HEADER ("'<f4'", "False", "(2, 3.0L)"), 1, 24, "*shape: expected *"},
    {HEADER ("'<f4'", "False", "(2, L)"), 1, 24, "*shape: expected a number, found 'L' at *"},
    {HEADER ("'<f4'", "False", "(2\nL, 3)"), 1, 24,
        "*shape: expected ',' or ')', found 'L' at *"},
    {HEADER ("'<f4'", "False", "(6L)"), 1, 24, "*shape: expected a tuple, found the number 6"},
    {HEADER ("'4L'", "False", "(2L, 3L)"), 1, 24, "*descr: *found '4L' (unknown)"},
    {HEADER ("'<f4'", "False", "(2, 0x3)"), 1, 24, "*shape: expected *"},
    {HEADER ("'<f4'", "False", "(2 3)"), 1, 24, "*shape: expected ',' or ')', found '3' at *"},
    {HEADER ("'<f4'", "False", "(,)"), 1, 24, "*shape: expected a number, found ',' at *"},
    {HEADER ("'<f4'", "False", "(2, 0)"), 1, 0,
        "*shape: expected a size from 1 to 2147483647, found 0"},
    {HEADER ("'<f4'", "False", "(0, 2, 3)"), 1, 0,
        "*shape: expected streams from 1 to *, found 0"},
    {HEADER ("'<f4'", "False", "(1, 2147483648)"), 1, 0, "*size from 1 to *, found 2147483648"},
    {HEADER ("'<f4'", "False", "(4294967297, 1, 3)"), 1, 12, "*streams *, found 4294967297"},
    /* Sizes whose products exceed 64 bits, such as 2^64 + 24 bytes, and numbers of more than 64
     * bits */
    {HEADER ("'<f4'", "False", "(4611686018427387906, 3)"), 1, 24,
        "*shape: expected a file of less than 2^64 bytes, found *"},
    {HEADER ("'|u1'", "False", "(6148914691236517206, 3)"), 1, 2,
        "*shape: expected a file of less than 2^64 bytes, found *"},
    {HEADER ("'<f8'", "False", "(2305843009213693952, 1)"), 1, 0,
        "*shape: expected a file of less than 2^64 bytes, found *"},
    {HEADER ("'|u1'", "False", "(18446744073709551615, 1)"), 1, 67,
        "*shape: expected a file of less than 2^64 bytes, found *"},
    {HEADER ("'|u1'", "False", "(99999999999999999999999, 2)"), 1, 0,
        "*shape: expected a file of less than 2^64 bytes, found *"},
    {HEADER ("'|u1'", "False", "(2, 18446744073709551619)"), 1, 6,
        "*size from 1 to 2147483647, found *"},
    {"{'descr': '<f4', 'fortran_order': False}", 1, 24, "*expected key 'shape', found none"},
    {"{'fortran_order': False, 'shape': (2, 3)}", 1, 24, "*expected key 'descr', found none"},
    {"{'descr': '<f4', 'shape': (2, 3)}", 1, 24, "*expected key 'fortran_order', found none"},
    {"{'descr': '<f4', 'descr': '<f4'}", 1, 24, "*expected key 'descr' once, found it twice"},
    {"{'descr': '<f4', 'order': 'C'}", 1, 24, "*expected keys *, found 'order'"},
    {"{'descr' '<f4'}", 1, 24, "*expected ':', found '<f4' at *"},
    {"{descr: '<f4'}", 1, 24, "*expected a key, found 'descr' at *"},
    {"{'descr': '<f4' 'fortran_order': False}", 1, 24,
        "*expected ',' or '}', found 'fortran_order' *"},
    {"{,}", 1, 24, "*expected a key, found ',' at *"},
    {"{'descr': '<f4", 1, 24, "*descr: expected a type *"},
    {"{'descr': '<f4'", 1, 24, "*expected ',' or '}', found the end at *"},
    {"", 1, 24, "*expected '{', found the end at *"},
    {"# {}\n", 1, 24, "*expected '{', found a comment at *"},
    {"('descr', '<f4')", 1, 24, "*expected '{', found '(' at *"},
    {GOOD "x", 1, 24, "*expected nothing after '}', found 'x' at *"},
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
test_refused (NpyFile *file, gconstpointer data)
{
  for (guint i = 0; i < G_N_ELEMENTS (refused); i++) {
    GByteArray *bytes = npy_header_new (refused[i].version, refused[i].header);
    const guint8 zeros[100] = {0};

    g_byte_array_append (bytes, zeros, refused[i].data_size);
    npy_write (file->path, bytes);
    assert_refused (file->path, refused[i].pattern);
  }
}

static void
assert_bytes_refused (NpyFile *file, const gchar *bytes, gsize n, const gchar *pattern)
{
  g_assert_true (g_file_set_contents (file->path, bytes, (gssize) n, NULL));
  assert_refused (file->path, pattern);
}

static void
test_no_npy_file (NpyFile *file, gconstpointer data)
{
  g_autofree gchar *error = NULL;

  assert_refused (file->path, "No such file or directory");
  assert_refused (file->dir, "expected a file, found a directory");
  g_assert_cmpint (mkfifo (file->path, 0600), ==, 0);
  assert_refused (file->path, "expected a file, found a FIFO");
  g_unlink (file->path);
  g_assert_false (test_launch (&error, "npysrc name=src ! fakesink"));
  assert_matches (error, "src: property location: expected a path, found none");

  assert_bytes_refused (file, "", 0, "magic: expected 6 bytes at byte 0, found 0: *truncated");
  assert_bytes_refused (file, "\x93NUM", 4, "magic: expected 6 bytes at byte 0, found 4: *");
  assert_bytes_refused (file, "PK\3\4 zip", 8, "magic: expected '\\223NUMPY' (*), found 'PK*'");
  assert_bytes_refused (file, "\x93NUMPY\1\0\x10", 9, "version: expected 10 bytes *, found 9: *");
  assert_bytes_refused (
      file, "\x93NUMPY\2\0\x10\0\0", 11, "header length: expected 12 bytes *, found 11: *");
  assert_bytes_refused (
      file, "\x93NUMPY\1\0\x10\0{}", 12, "header: expected 16 bytes at byte 10, found 2: *");
  assert_bytes_refused (file, "\x93NUMPY\2\0\1\0\1\0{}", 14,
      "header length: expected at most 65536 bytes, found 65537");
  assert_bytes_refused (
      file, "\x93NUMPY\1\0\3\0{\0}", 13, "header: expected text, found a NUL character");
  assert_bytes_refused (file, "\x93NUMPY\1\1\2\0{}", 12, "version: *, found 1.1");
}

/* Headers that Python and the reader of NumPy accept. Python 2, which wrote the first two versions,
 * has long integers. */
static void
test_spellings (NpyFile *file, gconstpointer data)
{
  static const struct {
    guint8 version;
    const gchar *text;
  } headers[] = {
      {1, "{'descr':'<f4','fortran_order':False,'shape':(2,3)}"},
      {2, "{'shape': (2, 3,), 'fortran_order': False, 'descr': '<f4'}\n"},
      {3, " {\"shape\": ( 2 ,3 ) ,\n\t\"descr\": \"<f4\" , \"fortran_order\": False , } \n\n"},
      {1, "{'shape': (1, 2, 3), 'descr': '<f4', 'fortran_order': False,}"},
      {1, HEADER ("'<f4'", "False", "(2L, 3L)")},
      {2, HEADER ("'<f4'", "False", "(1L, 2, 3L,)")},
      {1, "{'shape':(2 L,3\tL L), \"descr\": \"<f4\", 'fortran_order': False}"},
  };
  g_autofree gchar *padding = g_strnfill (60000, ' ');

  for (guint i = 0; i < G_N_ELEMENTS (headers); i++) {
    g_autofree gchar *text = g_strconcat (headers[i].text, padding, NULL);
    GByteArray *bytes = npy_header_new (headers[i].version, text);
    const guint8 zeros[24] = {0};
    NpysrcRig rig;

    g_byte_array_append (bytes, zeros, sizeof zeros);
    npy_write (file->path, bytes);
    npysrc_rig_init (&rig, file->path, "framerate=0/1");
    npysrc_rig_finish (&rig, "caps 3:1\nsegment 0\nbuffer 0-1\nbuffer 1-2\neos\n");
  }
}

static void
test_truncated_meanwhile (NpyFile *file, gconstpointer data)
{
  NpysrcRig rig;
  g_autoptr (GstMessage) message = NULL;
  g_autoptr (GError) error = NULL;

  npy_write_numbers (file->path, "(4, 3)", 12);
  npysrc_rig_init (&rig, file->path, " ");
  rig.truncated_path = file->path;
  rig.truncated_size = 70 + 12 + 8;
  gst_element_set_state (rig.pipeline, GST_STATE_PLAYING);
  message = gst_bus_timed_pop_filtered (
      rig.bus, GST_CLOCK_TIME_NONE, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  g_assert_cmpint (GST_MESSAGE_TYPE (message), ==, GST_MESSAGE_ERROR);
  gst_message_parse_error (message, &error, NULL);
  assert_matches (error->message, "*/x.npy: items: expected 12 bytes at byte 82, found 8: *");
  npysrc_rig_clear (&rig);
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
  static const NpyFileTest tests[] = {
      {"/npysrc/types", test_types},
      {"/npysrc/long-rows", test_long_rows},
      {"/npysrc/refused", test_refused},
      {"/npysrc/no-npy-file", test_no_npy_file},
      {"/npysrc/spellings", test_spellings},
      {"/npysrc/truncated-meanwhile", test_truncated_meanwhile},
  };

  test_init (&argc, &argv);
  TEST_ADD_FIXTURE_ROWS (tests, NpyFile, npy_file_init, npy_file_clear);
  g_test_add_func ("/npysrc/numpy", test_numpy);
  g_test_add_func ("/npysrc/numpy-refused", test_numpy_refused);
  g_test_add_func ("/npysrc/properties", test_properties);
  return g_test_run ();
}
