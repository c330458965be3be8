/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A hundred pipelines in one process: what a further one costs beside the model, which they share.
 * The figures of docs/elements/lstm.md: run with --verbose. */
#include "npy-files.h"
#include <lstm/lstm.h>
#include <malloc.h>

#define N 100

static const struct {
  guint units, d;
  gsize most; /* bytes of a further element that runs, as documented */
} rows[] = {
    {64, 64, 128 * 1024},
    {256, 256, 432 * 1024},
};

/* One LSTM layer, as safetensors: weights that are zero weigh the same. */
static void
write_model (const gchar *path, guint units, guint d)
{
  const guint64 w = 16ull * units * d, u = 16ull * units * units;
  g_autofree gchar *header = g_strdup_printf (
      "{\"weight_ih_l0\":{\"dtype\":\"F32\",\"shape\":[%u,%u],\"data_offsets\":[0,"
      "%" G_GUINT64_FORMAT "]},\"weight_hh_l0\":{\"dtype\":\"F32\",\"shape\":[%u,%u],\"data_"
      "offsets\":[%" G_GUINT64_FORMAT ",%" G_GUINT64_FORMAT "]}}",
      4 * units, d, w, 4 * units, units, w, w + u);
  const guint64 length = GUINT64_TO_LE (strlen (header));
  GByteArray *file = g_byte_array_new ();
  guint offset;

  g_byte_array_append (file, (const guint8 *) &length, sizeof length);
  g_byte_array_append (file, (const guint8 *) header, (guint) strlen (header));
  offset = file->len;
  g_byte_array_set_size (file, (guint) (offset + w + u));
  memset (file->data + offset, 0, w + u);
  g_assert_true (g_file_set_contents (path, (const gchar *) file->data, file->len, NULL));
  g_byte_array_unref (file);
}

/* Bytes that malloc() has given; blocks of pages of their own count too. */
static gsize
bytes_in_use (void)
{
  const struct mallinfo2 info = mallinfo2 ();

  return info.uordblks + info.hblkhd;
}

/* A pipeline that has run a step and waits. Returns: (transfer full) */
static GstHarness *
harness_new (const gchar *path, guint d)
{
  g_autofree gchar *line = g_strdup_printf ("lstm model-location=%s", path);
  g_autofree gchar *caps = g_strdup_printf (
      "other/tensors,format=static,num_tensors=1,types=float32,dimensions=(string)%u:1,"
      "framerate=30/1",
      d);
  GstHarness *harness = gst_harness_new_parse (line);
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, d * sizeof (gfloat), NULL);

  gst_buffer_memset (buffer, 0, 0, d * sizeof (gfloat));
  GST_BUFFER_PTS (buffer) = 0;
  gst_harness_set_src_caps_str (harness, caps);
  g_assert_cmpint (gst_harness_push (harness, buffer), ==, GST_FLOW_OK);
  gst_buffer_unref (gst_harness_pull (harness));
  return harness;
}

/* Bytes in use with so many pipelines, and with none again */
typedef struct {
  gsize none, one, all, end;
} Use;

static Use
use_of (const gchar *path, guint d)
{
  GstHarness *harnesses[N];
  Use use = {.none = bytes_in_use ()};

  harnesses[0] = harness_new (path, d);
  use.one = bytes_in_use ();
  for (guint k = 1; k < N; k++)
    harnesses[k] = harness_new (path, d);
  use.all = bytes_in_use ();
  for (guint k = 0; k < N; k++)
    gst_harness_teardown (harnesses[k]);
  use.end = bytes_in_use ();
  return use;
}

/* The first one has the model, the others a state; with the last one all of it goes, but what GLib
 * keeps for the next hundred. */
static void
test_bytes (void)
{
  gchar *dir = test_dir_new ();
  g_autofree gchar *path = g_build_filename (dir, "model.safetensors", NULL);

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    const gsize weights = 16 * (gsize) rows[i].units * (rows[i].units + rows[i].d);
    Use use, again;

    write_model (path, rows[i].units, rows[i].d);
    gst_harness_teardown (harness_new (path, rows[i].d)); /* what is made once */
    use = use_of (path, rows[i].d);
    again = use_of (path, rows[i].d);
    g_test_message ("%u units: %" G_GSIZE_FORMAT
                    " bytes for the first pipeline, %" G_GSIZE_FORMAT " for each further one",
        rows[i].units, use.one - use.none, (use.all - use.one) / (N - 1));
    g_assert_cmpuint (use.one - use.none, >=, weights);
    g_assert_cmpuint (use.all - use.one, <=, (N - 1) * rows[i].most);
    g_assert_cmpuint (again.end, <, use.end + weights / 2);
  }
  test_dir_remove (dir);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  if (bytes_in_use () > 0) /* sanitizers have a malloc() that does not count */
    g_test_add_func ("/lstm-sharing/bytes", test_bytes);
  return g_test_run ();
}
