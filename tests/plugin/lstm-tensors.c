/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Tensors as NNStreamer pushes them: numbers of every type, several tensors in a buffer, and
 * flexible tensors, which have a header. */
#include "lstm-rig.h"

#define FOLDER "long-no-bias" /* d = 3 */
#define D 3
#define TENSORS "other/tensors,framerate=30/1,"

/* Types of NNStreamer, and files of vectors/npy that NumPy wrote: shape (4, 3), item i is first +
 * i */
static const struct {
  const gchar *name; /* in caps */
  guint32 number;    /* in headers */
  const gchar *file; /* FILE-4x3.npy */
  gsize size;        /* of an item, in bytes */
  gfloat first;      /* item 0: -3, or 0 for unsigned types */
} types[] = {
    {"int32", 0, "i4", 4, -3},
    {"uint32", 1, "u4", 4, 0},
    {"int16", 2, "i2", 2, -3},
    {"uint16", 3, "u2", 2, 0},
    {"int8", 4, "i1", 1, -3},
    {"uint8", 5, "u1", 1, 0},
    {"float64", 6, "f8", 8, -3},
    {"float32", 7, "f4", 4, -3},
    {"int64", 8, "i8", 8, -3},
    {"uint64", 9, "u8", 8, 0},
    {"float16", 10, "f2", 2, -3},
};

static guint
find_type (const gchar *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    if (g_str_equal (types[i].name, name))
      return i;
  g_error ("no type %s", name);
}

/* Returns: (transfer full): a memory with the items of a type, which begin at byte @offset */
static GstMemory *
items_memory_new (guint type, gsize offset)
{
  g_autofree gchar *name = g_strdup_printf ("npy/%s-4x3.npy", types[type].file);
  g_autofree gchar *path = test_vector_path (name);
  const gsize bytes = 4 * D * types[type].size;
  g_autofree gchar *content = NULL;
  g_autoptr (GError) error = NULL;
  gsize length;
  guint8 *data = g_malloc0 (offset + bytes);

  g_file_get_contents (path, &content, &length, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (length, >, bytes);
  memcpy (data + offset, content + length - bytes, bytes);
  return gst_memory_new_wrapped (0, data, offset + bytes, offset, bytes, data, g_free);
}

/* Runs liblstm over @steps steps of @streams streams with these items and appends the outputs to
 * the expected ones. */
static void
expect_items (Rig *rig, guint type, guint steps, guint streams)
{
  const gsize n = lstm_model_get_output_size (lstm_state_get_model (rig->state));
  gfloat x[4 * D], y[4 * 64];

  g_assert_cmpuint (steps * streams, <=, 4);
  g_assert_cmpuint (n, <=, 64);
  for (guint i = 0; i < 4 * D; i++)
    x[i] = types[type].first + (gfloat) i;
  if (rig->n_streams != streams) {
    rig->n_streams = streams;
    rig_expect_reset (rig);
  }
  lstm_state_run (rig->state, steps, x, y);
  g_array_append_vals (rig->expected_outputs, y, (guint) (steps * streams * n));
}

/* Pushes caps with the fields @more. Returns whether the element accepts them. */
static gboolean
push_caps (Rig *rig, const gchar *more)
{
  g_autofree gchar *text = g_strconcat (TENSORS, more, NULL);

  return rig_push_caps_text (rig, text);
}

static void
begin_tensors (Rig *rig, const gchar *properties, const gchar *caps)
{
  g_autofree gchar *text = g_strconcat (TENSORS, caps, NULL);

  rig_init (rig, FOLDER, properties);
  rig_begin_stream_with_caps (rig, text);
}

/* --- Types --- */

static void
test_types (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    for (gsize offset = 0; offset < 2;
         offset++) { /* aligned; unaligned and with leading dimensions of 1 */
      g_autofree gchar *caps = g_strdup_printf (
          "format=static,num_tensors=1,types=%s,dimensions=(string)%s3:4", types[i].name,
          offset ? "1:1:" : "");
      GstBuffer *buffer = gst_buffer_new ();
      Rig rig;

      begin_tensors (&rig, "", caps);
      gst_buffer_append_memory (buffer, items_memory_new (i, offset));
      g_assert_cmpint (gst_harness_push (rig.harness, buffer), ==, GST_FLOW_OK);
      expect_items (&rig, i, 4, 1);
      rig_assert_outputs (&rig);
      rig_clear (&rig);
    }
}

/* --- Several tensors --- */

#define THREE                                                                                  \
  "format=static,num_tensors=3,types=(string)\"uint8,float16, float32\","                      \
  "dimensions=(string)\"12:1:1:1,3:4.3:2:2\""

static const struct {
  gint index; /* input-tensor-index */
  const gchar *type;
  guint steps, streams;
} picks[] = {{1, "float16", 4, 1}, {2, "float32", 2, 2}};

static void
test_several (void)
{
  static const gchar *const pushed[] = {"uint8", "float16", "float32"};

  for (guint i = 0; i < G_N_ELEMENTS (picks); i++) {
    g_autofree gchar *property = g_strdup_printf ("input-tensor-index=%d", picks[i].index);
    GstBuffer *buffer = gst_buffer_new ();
    Rig rig;

    begin_tensors (&rig, property, THREE);
    for (guint k = 0; k < G_N_ELEMENTS (pushed); k++)
      gst_buffer_append_memory (buffer, items_memory_new (find_type (pushed[k]), 0));
    g_assert_cmpint (gst_harness_push (rig.harness, buffer), ==, GST_FLOW_OK);
    expect_items (&rig, find_type (picks[i].type), picks[i].steps, picks[i].streams);
    rig_assert_outputs (&rig);
    rig_clear (&rig);
  }
}

/* --- Caps that are refused --- */

static const struct {
  const gchar *properties, *caps, *pattern;
} refused_caps[] = {
    {"", THREE,
        "caps field num_tensors: expected 1 if property input-tensor-index is not set, found "
        "3"},
    {"input-tensor-index=3", THREE,
        "caps field num_tensors: expected at least 4 *-index 3, found 3"},
    {"input-tensor-index=0", THREE, "caps field dimensions: expected vectors of 3 *, found 12"},
    {"", "format=static,num_tensors=1,types=complex64,dimensions=(string)3",
        "caps field types: expected float16, *, found 'complex64'"},
    {"", "format=static,num_tensors=1,types=uint8,dimensions=(string)4",
        "caps field dimensions: expected vectors of 3 values*, found 4"},
    {"", "format=static,num_tensors=1,types=(string)\"uint8,uint8\",dimensions=(string)3",
        "caps field types: expected 1 entries *, found 'uint8,uint8'"},
    {"", "format=static,num_tensors=1,types=uint8",
        "caps field dimensions: expected a string*, found nothing"},
    {"", "format=static,num_tensors=1,types=uint8,dimensions=3",
        "caps field dimensions: expected a string, as dimensions=(string)?*, found gint"},
    {"", "format=static,num_tensors=1,types=int8,dimensions=(string)3:2147483647:2147483647",
        "caps field dimensions: expected a tensor that fits into memory, found '*'"},
};

static void
test_refused_caps (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (refused_caps); i++) {
    Rig rig;

    rig_init (&rig, FOLDER, refused_caps[i].properties);
    rig_push_stream_start (&rig);
    g_assert_false (push_caps (&rig, refused_caps[i].caps));
    rig_assert_caps_error (&rig, refused_caps[i].pattern);
    rig_clear (&rig);
  }
}

/* --- Flexible tensors --- */

/* A change of a header that makes it invalid */
typedef struct {
  gint index;    /* of a 32-bit field; -1: no change */
  guint32 value; /* new value of the field */
} Change;

/* Returns: (transfer full): a memory with a header and the items of the tensor. @dimensions: 0 ends
 * them.
 * @change: (nullable) */
static GstMemory *
flexible_memory_new (guint type, const guint32 *dimensions, const Change *change)
{
  g_autoptr (GstMemory) items = items_memory_new (type, 0);
  guint32 fields[32] = {0xfeedcced, 0xde001000, types[type].number, [19] = 1, [20] = 4};
  guint8 *data = g_malloc (sizeof fields + 4 * D * sizeof (gdouble));
  gsize bytes = types[type].size;
  GstMapInfo map;

  for (guint i = 0; i < 4; i++) {
    fields[3 + i] = dimensions[i];
    bytes *= MAX (dimensions[i], 1);
  }
  if (change && change->index >= 0)
    fields[change->index] = change->value;
  g_assert_true (gst_memory_map (items, &map, GST_MAP_READ));
  g_assert_cmpuint (bytes, <=, map.size);
  memcpy (data, fields, sizeof fields);
  memcpy (data + sizeof fields, map.data, bytes);
  gst_memory_unmap (items, &map);
  return gst_memory_new_wrapped (
      0, data, sizeof fields + bytes, 0, sizeof fields + bytes, data, g_free);
}

/* Each buffer specifies steps, streams and type. The caps of the output follow. */
static const struct {
  const gchar *type;
  guint32 dimensions[4 + 2]; /* zeros follow those of the header */
  const gchar *log;          /* output before the buffer */
} flexible[] = {
    {"float32", {3}, ""},
    {"float32", {3, 1, 1, 1}, ""},
    {"uint8", {3, 4}, "caps 16:4, "},
    {"float16", {3, 4, 1}, ""},
    {"int64", {3, 2, 1}, "caps 16:2, "},
    {"float64", {3, 1}, "caps 16:1, "},
    {"float32", {3, 2, 2, 1}, "caps 16:2:2, "},
    {"float32", {3, 1, 3, 1}, "caps 16:1:3, "},
    {"float32", {1, 1, 3, 4}, "caps 16:4, "},
    {"float32", {1, 3, 2, 2}, "caps 16:2:2, "},
    {"float32", {3, 1, 1, 4}, "caps 16:4, "},
};

static void
test_flexible (void)
{
  Rig rig;

  begin_tensors (&rig, "", "format=flexible");
  for (guint i = 0; i < G_N_ELEMENTS (flexible); i++) {
    const guint type = find_type (flexible[i].type);
    const guint32 *d = flexible[i].dimensions;
    g_autofree gchar *log = g_strconcat (flexible[i].log, "buffer", NULL);
    GstBuffer *buffer = gst_buffer_new ();

    gst_buffer_append_memory (buffer, flexible_memory_new (type, d, NULL));
    g_assert_cmpint (gst_harness_push (rig.harness, buffer), ==, GST_FLOW_OK);
    rig_assert_log (&rig, log);
    while (*d == 1)
      d++;
    expect_items (&rig, type, MAX (d[1], 1) * MAX (d[3], 1), MAX (d[2], 1));
    rig_assert_outputs (&rig);
  }
  rig_clear (&rig);
}

/* A model with input size 1 reads leading dimensions of 1 as vectors of one value. */
static void
test_flexible_scalars (void)
{
  static const guint32 scalars[] = {1, 1, 3, 0};
  GstBuffer *buffer = gst_buffer_new ();
  Rig rig;

  rig_init (&rig, "seed-1x30", "");
  rig_begin_stream_with_caps (&rig, TENSORS "format=flexible");
  gst_buffer_append_memory (buffer, flexible_memory_new (find_type ("float32"), scalars, NULL));
  g_assert_cmpint (gst_harness_push (rig.harness, buffer), ==, GST_FLOW_OK);
  rig_assert_log (&rig, "caps 30:1:3, buffer");
  rig_clear (&rig);
}

/* Earlier static caps do not affect flexible tensors. */
static void
test_flexible_after_static (void)
{
  g_autoptr (GstCaps) caps = NULL;
  Rig rig;

  begin_tensors (
      &rig, "", "format=static,num_tensors=1,types=float32,dimensions=(string)3:4:5");
  g_assert_true (push_caps (&rig, "format=flexible"));
  caps = rig_get_src_caps (&rig);
  g_assert_cmpstr (
      gst_structure_get_string (gst_caps_get_structure (caps, 0), "dimensions"), ==, "16:1");
  rig_clear (&rig);
}

/* A buffer has two tensors. The one that is not selected need not be a vector. */
static void
test_flexible_several (void)
{
  static const guint32 other[] = {2, 1, 1, 2}, vectors[] = {3, 4, 0, 0};
  GstBuffer *buffer = gst_buffer_new ();
  Rig rig;

  begin_tensors (&rig, "input-tensor-index=1", "format=flexible");
  gst_buffer_append_memory (buffer, flexible_memory_new (find_type ("int8"), other, NULL));
  gst_buffer_append_memory (buffer, flexible_memory_new (find_type ("int16"), vectors, NULL));
  g_assert_cmpint (gst_harness_push (rig.harness, buffer), ==, GST_FLOW_OK);
  expect_items (&rig, find_type ("int16"), 4, 1);
  rig_assert_outputs (&rig);
  rig_clear (&rig);
}

static const struct {
  const gchar *properties;
  guint n_memories;
  guint32 dimensions[4];
  Change change;
  gssize bytes; /* size to which the memory is cut; -1: complete */
  const gchar *pattern;
} refused_buffers[] = {
    {"", 2, {3}, {-1}, -1, "buffer: expected 1 tensor *input-tensor-index *, found 2"},
    {"input-tensor-index=1", 1, {3}, {-1}, -1,
        "buffer: expected at least 2 *-index 1, found 1"},
    {"", 1, {3}, {-1}, 127,
        "buffer: tensor 0: expected a header of 128 bytes, found 127 bytes"},
    {"", 1, {3}, {-1}, 1, "buffer: tensor 0: expected a header of 128 bytes, found 1 bytes"},
    {"", 1, {3}, {-1}, 139,
        "buffer: tensor 0: expected float32 *3:1:1 after *, found 11 bytes"},
    {"", 1, {3}, {-1}, 128, "buffer: tensor 0: expected float32 *3:1:1 after *, found 0 bytes"},
    {"", 1, {3, 2}, {4, 1}, -1, "buffer: tensor 0: *3:1:1 after the header, found 24 bytes"},
    {"", 1, {3}, {4, 0x7fffffff}, -1, "buffer: *3:2147483647:1 after *, found 12 bytes"},
    {"", 1, {3}, {4, 0x80000000}, -1, "*header field dimension: *, found 3:2147483648:1"},
    {"", 1, {3, 1, 1}, {5, 0xffffffff}, -1, "*header field dimension: *, found 3:1:4294967295"},
    {"", 1, {3}, {3, 4}, -1, "*dimension: expected vectors of 3 *, found 4:1:1"},
    {"", 1, {3}, {3, 0}, -1, "*dimension: expected vectors of 3 *, found 0:1:1"},
    {"", 1, {1, 1, 1, 1}, {-1}, -1, "*dimension: expected vectors of 3 *, found 1:1:1"},
    {"", 1, {1, 2, 3}, {-1}, -1, "*dimension: expected vectors of 3 *, found 2:3:1"},
    {"", 1, {3, 2, 1, 2}, {-1}, -1,
        "*dimension: expected 1 after d:T:bs, found 2 as dimension 3"},
    {"", 1, {3}, {0, 0}, -1, "*begins with feedcced de001000, found 00000000 de001000"},
    {"", 1, {3}, {0, 0xf00dc0de}, -1, "buffer: expected at most 16 tensors, found 23"},
    {"", 1, {3}, {1, 0xde002000}, -1, "*begins with *, found feedcced de002000"},
    {"", 1, {3}, {2, 11}, -1, "*header field type: expected 0 to 10, found 11"},
    {"", 1, {3}, {2, 0xffffffff}, -1, "*header field type: expected 0 to 10, found 4294967295"},
    {"", 1, {3}, {19, 2}, -1, "*header field format: expected *, found 2 (sparse)"},
    {"", 1, {3}, {19, 3}, -1, "*header field format: expected *, found 3"},
};

static void
test_refused_buffers (void)
{
  const guint type = find_type ("float32");

  for (guint i = 0; i < G_N_ELEMENTS (refused_buffers); i++) {
    GstBuffer *buffer = gst_buffer_new ();
    Rig rig;

    begin_tensors (&rig, refused_buffers[i].properties, "format=flexible");
    for (guint k = 0; k < refused_buffers[i].n_memories; k++) {
      GstMemory *memory = flexible_memory_new (
          type, refused_buffers[i].dimensions, &refused_buffers[i].change);

      if (refused_buffers[i].bytes >= 0)
        gst_memory_resize (memory, 0, (gsize) refused_buffers[i].bytes);
      gst_buffer_append_memory (buffer, memory);
    }
    g_assert_cmpint (gst_harness_push (rig.harness, buffer), ==, GST_FLOW_ERROR);
    assert_error_posted (rig.bus, refused_buffers[i].pattern);
    g_assert_cmpuint (rig.outputs->len, ==, 0);
    rig_clear (&rig);
  }
}

/* --- Links --- */

static const struct {
  const gchar *caps;
  gsize bytes;          /* of a buffer */
  const gchar *pattern; /* of the error; NULL: the pipeline runs */
} links[] = {
    {"format=static,num_tensors=1,types=float32,dimensions=(string)3,framerate=30/1", 12, NULL},
    {"format=static,num_tensors=1,types=float32,dimensions=(string)3", 12, NULL},
    {"format=static,num_tensors=1,types=float32,dimensions=(string)3,framerate=0/1", 12, NULL},
    {"format=static,num_tensors=1,types=float32,dimensions=(string)3:1:1:1", 12, NULL},
    {"format=static,num_tensors=1,types=float32,dimensions=(string)3:1:1:1:1:1:1:1", 12, NULL},
    {"format=static,num_tensors=1,types=float32,dimensions=(string)3:1:1:4", 48, NULL},
    {"format=static,num_tensors=1,types=float32,dimensions=(string)1:1:3:1:1:4", 48, NULL},
    {"format=static,num_tensors=1,types=float32,dimensions=(string)3:1:1:1:1:1:1:1:1:1:1:1:1:1:"
     "1:4",
        48, NULL},
    {"format=static,num_tensors=1,types=float32,dimensions=(string)3:2", 24, NULL},
    {"format=static,num_tensors=1,types=uint8,dimensions=(string)3:2:2:1", 12, NULL},
    {"format=static,num_tensors=1,types=float16,dimensions=(string)3", 6, NULL},
    {"format=static,num_tensors=1,types=float32,dimensions=(string)1:1:3:1", 12, NULL},
    {"format=static,num_tensors=1,types=float32,dimensions=(string)1:3:2:2", 48, NULL},
    {"format=static,num_tensors=1,types=uint8,dimensions=(string)1:1:1:1:3", 3, NULL},
    {"format=static,num_tensors=1,types=float32,dimensions=(string)1:1:1:1", 4,
        "lstm*: *dimensions: expected vectors of 3 *, found 1"},
    {"format=static,num_tensors=1,types=float32,dimensions=(string)2:3", 24,
        "lstm*: *dimensions: expected vectors of 3 *, found 2"},
    {"format=static,num_tensors=1,types=float32,dimensions=(string)1:7:7:3", 588,
        "lstm*: *dimensions: expected vectors of 3 *, found 7"},
    {"format=static,types=float32,dimensions=(string)3", 12, "capsfilter*"},
    {"format=static,num_tensors=17,types=float32,dimensions=(string)3", 12,
        "lstm*: caps field num_tensors: expected 1 to 16, found 17"},
    {"format=static,num_tensors=1,types=float32,dimensions=(string)3:1:2:2", 48,
        "lstm*: *dimensions: expected d, d:T or d:T:bs *, found '3:1:2:2'"},
    {"format=sparse", 12, "could not link *lstm*"},
};

/* Caps that a user writes after a source of bytes */
static void
test_links (void)
{
  g_autofree gchar *model = get_vector_path (FOLDER, "model.safetensors");

  for (guint i = 0; i < G_N_ELEMENTS (links); i++) {
    g_autofree gchar *error = NULL;
    gboolean runs = test_launch (&error,
        "fakesrc num-buffers=2 filltype=zero sizetype=fixed sizemax=%" G_GSIZE_FORMAT
        " ! other/tensors,%s ! lstm model-location=%s ! fakesink",
        links[i].bytes, links[i].caps, model);

    g_test_message ("%s: %s", links[i].caps, error ? error : "runs");
    g_assert_true (runs == !links[i].pattern);
    if (links[i].pattern)
      assert_matches (error, links[i].pattern);
  }
}

/* Dimensions 1:4 of gates are m = 1 and four gates, not a vector of four values after a leading
 * one. */
static void
test_gates_of_one_unit (void)
{
  g_autofree gchar *x = get_vector_path ("one-unit", "x.npy");
  g_autofree gchar *gates = get_vector_path ("one-unit", "model.safetensors");
  g_autofree gchar *takes_four = test_vector_path ("torch/cell/model.safetensors");
  g_autofree gchar *error = NULL;
  gboolean runs = test_launch (&error,
      "npysrc location=%s ! lstm model-location=%s emit=gates ! lstm model-location=%s ! "
      "fakesink",
      x, gates, takes_four);

  g_assert_cmpstr (error, ==, NULL);
  g_assert_true (runs);
}

/* The gates of a GRU have three rows. */
static void
test_gates_of_gru (void)
{
  g_autofree gchar *x = test_vector_path ("variants/gru-plain/x.npy");
  g_autofree gchar *model = test_vector_path ("variants/gru-plain/model.safetensors");
  g_autofree gchar *error = NULL;
  const gchar *dimensions[] = {"5:3:1:2", "5:4:1:2"};

  for (guint i = 0; i < G_N_ELEMENTS (dimensions); i++) {
    g_clear_pointer (&error, g_free);
    g_assert_true (test_launch (&error,
                       "npysrc location=%s ! lstm model-location=%s emit=gates ! "
                       "other/tensors,dimensions=(string)%s ! fakesink",
                       x, model, dimensions[i])
                   == (i == 0));
  }
}

/* The caps for upstream do not depend on the dimensions of downstream, whose vectors have another
 * size. */
static void
test_query_upstream (void)
{
  g_autoptr (GstPad) pad = NULL;
  g_autoptr (GstCaps) caps = NULL;
  Rig rig;

  rig_init (&rig, FOLDER, "");
  gst_harness_set_sink_caps_str (rig.harness, CAPS ("16:1", ",framerate=30/1"));
  pad = gst_element_get_static_pad (rig.lstm, "sink");
  caps = gst_pad_query_caps (pad, NULL);
  for (guint i = 0; i < gst_caps_get_size (caps); i++)
    g_assert_false (gst_structure_has_field (gst_caps_get_structure (caps, i), "dimensions"));
  rig_clear (&rig);
}

int
main (int argc, char **argv)
{
  static const TestRow tests[] = {
      {"/lstm-tensors/types", test_types},
      {"/lstm-tensors/several", test_several},
      {"/lstm-tensors/refused-caps", test_refused_caps},
      {"/lstm-tensors/flexible", test_flexible},
      {"/lstm-tensors/flexible-scalars", test_flexible_scalars},
      {"/lstm-tensors/flexible-after-static", test_flexible_after_static},
      {"/lstm-tensors/flexible-several", test_flexible_several},
      {"/lstm-tensors/refused-buffers", test_refused_buffers},
      {"/lstm-tensors/links", test_links},
      {"/lstm-tensors/gates-of-one-unit", test_gates_of_one_unit},
      {"/lstm-tensors/gates-of-gru", test_gates_of_gru},
      {"/lstm-tensors/query-upstream", test_query_upstream},
  };

  return test_main (argc, argv, tests, G_N_ELEMENTS (tests));
}
