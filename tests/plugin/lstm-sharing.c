/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A hundred pipelines in one process share a model. The test measures the memory of each further
 * pipeline and prints, with --verbose, the figures of docs/elements/lstm.md. */
#include "npy-files.h"
#include <lstm/lstm.h>
#include <malloc.h>

#define N 100

static const struct {
  guint units, d;
  gsize max_bytes; /* documented memory of each further element */
} models[] = {
    {64, 64, 32 * 1024},
    {256, 256, 40 * 1024},
};

/* Writes a model with one LSTM layer, whose weights are zero, in safetensors. */
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

/* Returns the bytes that malloc() has allocated, including mapped blocks. */
static gsize
count_used_bytes (void)
{
  const struct mallinfo2 info = mallinfo2 ();

  return info.uordblks + info.hblkhd;
}

/* Returns: (transfer full): an element that has run one step */
static GstHarness *
lstm_harness_new (const gchar *path, guint d)
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

/* Bytes in use with 0, 1, N and again 0 elements */
typedef struct {
  gsize none, one, all, end;
} MemoryUse;

static MemoryUse
measure_use (const gchar *path, guint d)
{
  GstHarness *harnesses[N];
  MemoryUse use = {.none = count_used_bytes ()};

  harnesses[0] = lstm_harness_new (path, d);
  use.one = count_used_bytes ();
  for (guint k = 1; k < N; k++)
    harnesses[k] = lstm_harness_new (path, d);
  use.all = count_used_bytes ();
  for (guint k = 0; k < N; k++)
    gst_harness_teardown (harnesses[k]);
  use.end = count_used_bytes ();
  return use;
}

/* The first element loads the model, the others add only a state. When the last element is freed,
 * all memory is freed, except for what GLib keeps for later allocations. */
static void
test_bytes (void)
{
  gchar *dir = test_dir_new ();
  g_autofree gchar *path = g_build_filename (dir, "model.safetensors", NULL);

  for (guint i = 0; i < G_N_ELEMENTS (models); i++) {
    const gsize weights = 16 * (gsize) models[i].units * (models[i].units + models[i].d);
    MemoryUse use, again;

    write_model (path, models[i].units, models[i].d);
    gst_harness_teardown (
        lstm_harness_new (path, models[i].d)); /* allocates what is allocated once */
    use = measure_use (path, models[i].d);
    again = measure_use (path, models[i].d);
    g_test_message ("%u units: %" G_GSIZE_FORMAT
                    " bytes for the first pipeline, %" G_GSIZE_FORMAT " for each further one",
        models[i].units, use.one - use.none, (use.all - use.one) / (N - 1));
    g_assert_cmpuint (use.one - use.none, >=, weights);
    g_assert_cmpuint (use.all - use.one, <=, (N - 1) * models[i].max_bytes);
    g_assert_cmpuint (again.end, <, use.end + weights / 2);
  }
  test_dir_remove (dir);
}

int
main (int argc, char **argv)
{
  test_init (&argc, &argv);
  if (count_used_bytes () > 0) /* the malloc() of sanitizers does not count */
    g_test_add_func ("/lstm-sharing/bytes", test_bytes);
  return g_test_run ();
}
