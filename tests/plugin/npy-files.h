/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * .npy files put together by hand, and messages of elements: what the tests of npysrc and
 * npysink share. */
#pragma once
#include "testutil.h"
#include <string.h>

/* Magic, version, length and text of a header of the given text. Returns: (transfer full) */
static inline GByteArray *
npy_header (guint8 version, const gchar *text)
{
  GByteArray *bytes = g_byte_array_new ();
  const guint8 start[] = {0x93, 'N', 'U', 'M', 'P', 'Y', version, 0};
  const gsize length = strlen (text);
  const guint8 length_le[4] = {length & 0xff, length >> 8 & 0xff, length >> 16 & 0xff};

  g_byte_array_append (bytes, start, sizeof start);
  g_byte_array_append (bytes, length_le, version == 1 ? 2 : 4);
  g_byte_array_append (bytes, (const guint8 *) text, (guint) length);
  return bytes;
}

static inline void
npy_put (const gchar *path, GByteArray *bytes)
{
  g_autoptr (GError) error = NULL;

  g_file_set_contents (path, (const gchar *) bytes->data, bytes->len, &error);
  g_assert_no_error (error);
  g_byte_array_unref (bytes);
}

/* A float32 file of version 1.0 with @shape, "(4, 3)". */
static inline void
npy_put_floats (const gchar *path, const gchar *shape, const gfloat *items, gsize n)
{
  g_autofree gchar *text = g_strdup_printf (
      "{'descr': '<f4', 'fortran_order': False, 'shape': %s, }\n", shape);
  GByteArray *bytes = npy_header (1, text);

  for (gsize i = 0; i < n; i++) {
    guint8 item[4];

    GST_WRITE_FLOAT_LE (item, items[i]);
    g_byte_array_append (bytes, item, sizeof item);
  }
  npy_put (path, bytes);
}

/* Items 0, 1, 2 … */
static inline void
npy_put_numbers (const gchar *path, const gchar *shape, gsize n)
{
  g_autofree gfloat *items = g_new (gfloat, n + 1);

  for (gsize i = 0; i < n; i++)
    items[i] = (gfloat) i;
  npy_put_floats (path, shape, items, n);
}

static inline void
assert_matches (const gchar *text, const gchar *pattern)
{
  if (!text || !g_pattern_match_simple (pattern, text))
    g_error ("expected '%s', got '%s'", pattern, text ? text : "(nothing)");
}

/* The first error on @bus, which there must be: it is posted by the time of the call. */
static inline void
assert_error_posted (GstBus *bus, const gchar *pattern)
{
  g_autoptr (GstMessage) message = gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR);
  g_autoptr (GError) error = NULL;

  if (!message)
    g_error ("expected '%s', got no error", pattern);
  gst_message_parse_error (message, &error, NULL);
  assert_matches (error->message, pattern);
}
