/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Caps of NNStreamer at `lstm`: placeholders before the real caps, the older name other/tensor,
 * flexible output, dimensions of any rank, and odd caps. */
#include "lstm-rig.h"

#define FOLDER "long-no-bias" /* d = 3, n = 16 */
#define D 3
#define N 16
#define PLACEHOLDER CAPS ("1:1:1:1", ",framerate=30/1")
#define OLD(dimension) "other/tensor,type=float32,framerate=30/1,dimension=(string)" dimension
#define HEADER_FIELDS 32 /* 32-bit fields of a header of flexible tensors */

/* --- Placeholders ------------------------------------------------------------------------ */

static const struct {
  const gchar *placeholder, *caps;
} placeholders[] = {
    {"other/tensors,format=static,num_tensors=1,types=uint8,dimensions=(string)1:1:1:1,"
     "framerate=0/1",
        CAPS ("3:2", ",framerate=30/1")},
    {"other/tensor,type=uint8,dimension=(string)1:1:1:1,framerate=0/1", OLD ("3:2:1:1")},
    {PLACEHOLDER, CAPS ("1:1:3:2", ",framerate=30/1")},
    {CAPS ("5", ""), CAPS ("3:1:1:2", "")},
    {"other/tensors,format=static,num_tensors=17,types=uint8,dimensions=(string)1",
        CAPS ("3:2", "")},
};

/* The first caps do not fit, and no buffer follows them. No error is posted. CAPS precedes SEGMENT
 * at the source pad. */
static void
test_placeholder (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (placeholders); i++) {
    Rig rig;

    g_test_message ("%s, %s", placeholders[i].placeholder, placeholders[i].caps);
    rig_init (&rig, FOLDER, "");
    rig.n_steps = 2;
    rig_push_stream_start (&rig);
    for (guint k = 0; k < 2; k++)
      g_assert_false (rig_push_caps_text (&rig, placeholders[i].placeholder));
    rig_push_segment (&rig);
    rig_push_event (&rig, gst_event_new_gap (0, GST_SECOND));
    rig_assert_log (&rig, "stream-start");
    g_assert_true (rig_push_caps_text (&rig, placeholders[i].caps));
    rig_assert_log (&rig, "caps 16:2, segment 0");
    rig_push_and_expect (&rig, 0, 4);
    rig_assert_outputs (&rig);
    rig_clear (&rig);
  }
}

/* A stream of no buffers ends without an error. */
static void
test_placeholder_at_end (void)
{
  Rig rig;

  rig_init (&rig, FOLDER, "");
  rig_push_stream_start (&rig);
  g_assert_false (rig_push_caps_text (&rig, PLACEHOLDER));
  rig_push_segment (&rig);
  rig_push_event (&rig, gst_event_new_eos ());
  rig_assert_log (&rig, "stream-start, eos");
  rig_clear (&rig);
}

/* A flush discards the segment that waits for caps. */
static void
test_placeholder_and_flush (void)
{
  Rig rig;

  rig_init (&rig, FOLDER, "");
  rig_push_stream_start (&rig);
  g_assert_false (rig_push_caps_text (&rig, PLACEHOLDER));
  rig_push_segment (&rig);
  rig_push_event (&rig, gst_event_new_flush_start ());
  rig_push_event (&rig, gst_event_new_flush_stop (TRUE));
  rig_assert_log (&rig, "stream-start, flush-start, flush-stop");
  g_assert_true (rig_push_caps (&rig));
  rig_assert_log (&rig, "caps 16:1");
  rig_push_segment (&rig);
  rig_assert_log (&rig, "segment 0");
  rig_push_and_expect (&rig, 0, 4);
  rig_assert_outputs (&rig);
  rig_clear (&rig);
}

/* --- Links ------------------------------------------------------------------------------- */

#define STATIC "format=static,num_tensors=1,types=float32,"
#define TWO "emit=output+hidden"

/* Caps filters upstream and downstream of the element */
static const struct {
  const gchar *in;
  gsize bytes; /* of a buffer */
  const gchar *properties, *out;
  const gchar *pattern; /* of the error; NULL: the pipeline runs */
} links[] = {
    {"other/tensor,type=float32,dimension=(string)3", 12, "", "other/tensor", NULL},
    {"other/tensor,type=float32,dimension=(string)3:2:1:1", 24, "",
        "other/tensor,type=float32,dimension=(string)16:2:1:1", NULL},
    {"other/tensor,type=uint8,dimension=(string)1:1:3:4,framerate=30/1", 12, "",
        "other/tensor,dimension=(string)16:4:1:1:1:1:1:1", NULL},
    {"other/tensor,type=float16,dimension=(string)3:1:1:4", 24, "", "other/tensors", NULL},
    {"other/tensor,type=float32,dimension=(string)3", 12, "output-mode=final", "other/tensor",
        NULL},
    {"other/tensor,type=float32,dimension=(string)4", 16, "", "other/tensor",
        "lstm*: caps field dimension: expected vectors of 3 *, found 4"},
    {"other/tensor,type=float32,dimension=(string)3:2:2:2", 96, "", "other/tensor",
        "lstm*: caps field dimension: expected d, d:T or d:T:bs *, found '3:2:2:2'"},
    {"other/tensor,type=complex64,dimension=(string)3", 24, "", "other/tensor",
        "lstm*: caps field type: expected float16, *, found 'complex64'"},
    {"other/tensor,type=float32", 12, "", "other/tensor",
        "lstm*: caps field dimension: expected a string, *, found nothing"},
    {"other/tensor,type=float32,dimension=3", 12, "", "other/tensor",
        "lstm*: caps field dimension: expected a string, *, found gint"},
    {"other/tensor,dimension=(string)3", 12, "", "other/tensor",
        "lstm*: caps field type: expected a string, *, found nothing"},
    {"other/tensor,type=float32,dimension=(string)3", 12, TWO, "other/tensor", "*"},
    {"other/tensors," STATIC "dimensions=(string)3", 12, "", "other/tensors,format=flexible",
        NULL},
    {"other/tensors," STATIC "dimensions=(string)3:2", 24, TWO, "other/tensors,format=flexible",
        NULL},
    {"other/tensors," STATIC "dimensions=(string)3", 12, "output-mode=final",
        "other/tensors,format=flexible", NULL},
    {"other/tensors," STATIC "dimensions=(string)3", 12, "", "other/tensors,format=sparse",
        "could not link *"},
    {"other/tensors," STATIC "dimensions=(string)3", 12, "",
        "other/tensors,types=(string)uint8", "*"},
    {"other/tensors," STATIC "dimensions=(string)3", 12, TWO,
        "other/tensors,dimensions=(string)\"16:1,16:1\"", NULL},
    {"other/tensors," STATIC "dimensions=(string)3", 12, TWO,
        "other/tensors,dimensions=(string)\"16,16\"", NULL},
    {"other/tensors," STATIC "dimensions=(string)3", 12, TWO,
        "other/tensors,dimensions=(string)\"16:1:1:1:1:1.16:1:1:1:1:1\"", NULL},
    {"other/tensors," STATIC "dimensions=(string)3", 12, TWO,
        "other/tensors,dimensions=(string)\"16.16\"", NULL},
    {"other/tensors," STATIC "dimensions=(string)3", 12, TWO,
        "other/tensors,dimensions=(string)\"16.17\"", "*"},
    {"other/tensors," STATIC "dimensions=(string)3", 12, "emit=gates",
        "other/tensors,dimensions=(string)16:4:1:1", NULL},
    {"other/tensors," STATIC "dimensions=(string)3", 12, "emit=output+gates",
        "other/tensors,dimensions=(string)\"16:1:1:1:1,16:4:1:1:1\"", NULL},
    {"other/tensors," STATIC "dimensions=(string)3", 12, "emit=output+gates",
        "other/tensors,dimensions=(string)\"16:1,16:4:1\"", NULL},
};

static void
test_links (void)
{
  g_autofree gchar *model = get_vector_path (FOLDER, "model.safetensors");

  for (guint i = 0; i < G_N_ELEMENTS (links); i++) {
    g_autofree gchar *error = NULL;
    gboolean runs = test_launch (&error,
        "fakesrc num-buffers=2 filltype=zero sizetype=fixed sizemax=%" G_GSIZE_FORMAT
        " ! %s ! lstm model-location=%s %s ! %s ! fakesink",
        links[i].bytes, links[i].in, model, links[i].properties, links[i].out);

    g_test_message ("%s ! lstm %s ! %s: %s", links[i].in, links[i].properties, links[i].out,
        error ? error : "runs");
    g_assert_true (runs == !links[i].pattern);
    if (links[i].pattern)
      assert_matches (error, links[i].pattern);
  }
}

/* Once caps arrive, the source pad offers the vectors that result from them, whatever upstream
 * answers. */
static void
test_known_caps (void)
{
  static const struct {
    const gchar *in, *dimensions;
  } cases[] = {
      {CAPS ("3:4", ",framerate=30/1"), "16:4"},
      {OLD ("3:1:1:1"), "16:1"},
      {"other/tensors,format=flexible,framerate=30/1", "16:1"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GstPad) pad = NULL;
    g_autoptr (GstCaps) caps = NULL;
    const GstStructure *s;
    gint fps_n, fps_d;
    Rig rig;

    rig_init (&rig, FOLDER, "");
    rig_begin_stream_with_caps (&rig, cases[i].in);
    pad = gst_element_get_static_pad (rig.lstm, "src");
    caps = gst_pad_query_caps (pad, NULL);
    s = gst_caps_get_structure (caps, 0);
    g_assert_cmpstr (gst_structure_get_string (s, "dimensions"), ==, cases[i].dimensions);
    g_assert_true (gst_structure_get_fraction (s, "framerate", &fps_n, &fps_d));
    g_assert_cmpint (fps_n, ==, 30);
    rig_clear (&rig);
  }
}

/* --- Flexible output --------------------------------------------------------------------- */

/* Checks the headers of the memories of @buffer, and appends the values to @values. */
static void
read_flexible (GstBuffer *buffer, guint n_tensors, guint steps, guint streams, GArray *values)
{
  g_assert_cmpuint (gst_buffer_n_memory (buffer), ==, n_tensors);
  for (guint i = 0; i < n_tensors; i++) {
    const guint32 expected[HEADER_FIELDS] = {
        0xfeedcced, 0xde001000, 7, N, steps, streams, [19] = 1, [20] = 4};
    GstMemory *memory = gst_buffer_peek_memory (buffer, i);
    GstMapInfo map;

    g_assert_true (gst_memory_map (memory, &map, GST_MAP_READ));
    g_assert_cmpuint (map.size, ==, sizeof expected + steps * streams * N * sizeof (gfloat));
    g_assert_cmpmem (map.data, sizeof expected, expected, sizeof expected);
    g_array_append_vals (values, map.data + sizeof expected, steps * streams * N);
    gst_memory_unmap (memory, &map);
  }
}

/* Output buffers begin with a header, and their values are those of static tensors. */
static void
test_flexible_output (void)
{
  static const struct {
    const gchar *properties, *in;
    guint n_tensors, n_in, n_out; /* steps of a buffer */
  } cases[] = {
      {"", CAPS ("3:2", ",framerate=30/1"), 1, 2, 2},
      {"emit=output+hidden", CAPS ("3:1", ""), 2, 1, 1},
      {"output-mode=final", CAPS ("3:2", ""), 1, 2, 1},
      {"output-mode=window window-length=4 window-hop=2", CAPS ("3:4", ""), 1, 4, 1},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GArray) values = g_array_new (FALSE, FALSE, sizeof (gfloat));
    GArray *outputs;
    GstBuffer *buffer;
    Rig rig, plain;

    g_test_message ("%s %s", cases[i].properties, cases[i].in);
    rig_init (&rig, FOLDER, cases[i].properties);
    rig_init (&plain, FOLDER, cases[i].properties);
    gst_harness_set_sink_caps_str (rig.harness, "other/tensors,format=flexible");
    rig.n_steps = plain.n_steps = cases[i].n_in;
    rig_begin_stream_with_caps (&rig, cases[i].in);
    rig_begin_stream_with_caps (&plain, cases[i].in);
    rig_push_steps (&rig, 0, 8);
    rig_push_steps (&plain, 0, 8);
    rig_push_eos (&rig);
    rig_push_eos (&plain);
    while ((buffer = gst_harness_try_pull (rig.harness))) {
      read_flexible (buffer, cases[i].n_tensors, cases[i].n_out, 1, values);
      gst_buffer_unref (buffer);
    }
    outputs = plain.outputs;
    g_assert_cmpuint (outputs->len, >, 0);
    assert_same_bits (values, outputs);
    rig_clear (&rig);
    rig_clear (&plain);
  }
}

/* The steps of a buffer may change. The caps do not, and the headers follow. */
static void
test_flexible_steps (void)
{
  static const guint steps[] = {1, 4, 2};
  g_autoptr (GArray) values = g_array_new (FALSE, FALSE, sizeof (gfloat));
  gsize first = 0;
  Rig rig;

  rig_init (&rig, FOLDER, "");
  gst_harness_set_sink_caps_str (rig.harness, "other/tensors,format=flexible");
  rig_push_stream_start (&rig);
  for (guint i = 0; i < G_N_ELEMENTS (steps); i++) {
    g_autoptr (GstBuffer) buffer = NULL;

    rig.n_steps = steps[i];
    g_assert_true (rig_push_caps (&rig));
    if (i == 0)
      rig_push_segment (&rig);
    rig_push_and_expect (&rig, first, steps[i]);
    first += steps[i];
    buffer = gst_harness_pull (rig.harness);
    read_flexible (buffer, 1, steps[i], 1, values);
  }
  assert_same_bits (values, rig.expected_outputs);
  g_array_set_size (rig.outputs, 0);
  g_array_set_size (rig.expected_outputs, 0);
  rig_clear (&rig);
}

/* --- Odd caps ---------------------------------------------------------------------------- */

/* Fields of other/tensors, format=static that no buffer fits; each one is an error. */
static const gchar *const odd_caps[] = {
    "num_tensors=1,types=float32,dimensions=(string)\"\"",
    "num_tensors=1,types=float32,dimensions=(string)\":\"",
    "num_tensors=1,types=float32,dimensions=(string)\"3:\"",
    "num_tensors=1,types=float32,dimensions=(string)\":3\"",
    "num_tensors=1,types=float32,dimensions=(string)\"3::1\"",
    "num_tensors=1,types=float32,dimensions=(string)\"3:+1\"",
    "num_tensors=1,types=float32,dimensions=(string)\"3:1x\"",
    "num_tensors=1,types=float32,dimensions=(string)\"3:1.5\"",
    "num_tensors=1,types=float32,dimensions=(string)\"3,\"",
    "num_tensors=1,types=float32,dimensions=(string)\",3\"",
    "num_tensors=1,types=float32,dimensions=(string)4294967299",
    "num_tensors=1,types=float32,dimensions=(string)18446744073709551619",
    "num_tensors=1,types=float32,dimensions=(string)99999999999999999999999999999",
    "num_tensors=1,types=float32,dimensions=(string)3:2147483648",
    "num_tensors=1,types=float32,dimensions=(string)3:1:1:2147483648",
    "num_tensors=1,types=float32,dimensions=(string)0:3",
    "num_tensors=1,types=float32,dimensions=(string)1:1:1:0",
    "num_tensors=1,types=float32,dimensions=(float)3.0",
    "num_tensors=1,types=float32,dimensions=(string)1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1",
    "num_tensors=1,types=(string)\"\",dimensions=(string)3",
    "num_tensors=1,types=7,dimensions=(string)3",
    "num_tensors=1,types=(string)FLOAT32,dimensions=(string)3",
    "num_tensors=1,types=float32,dimensions=(string)3,names=(string)\"a,b\"",
    "num_tensors=1,types=float32,dimensions=(string)3,names=5",
    "num_tensors=1,types=float32,dimensions=(string)3:1,names=(string)gates",
    "num_tensors=2,types=float32,dimensions=(string)3",
    "num_tensors=2,types=(string)\"float32,float32\",dimensions=(string)3",
    "num_tensors=16,types=float32,dimensions=(string)3",
    "num_tensors=2147483647,types=float32,dimensions=(string)3",
};

static void
test_odd_caps (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (odd_caps); i++) {
    g_autofree gchar *text = g_strconcat ("other/tensors,format=static,", odd_caps[i], NULL);
    Rig rig;

    g_test_message ("%s", text);
    rig_init (&rig, FOLDER, "");
    rig_push_stream_start (&rig);
    g_assert_false (rig_push_caps_text (&rig, text));
    rig_assert_caps_error (&rig, "caps field *");
    rig_clear (&rig);
  }
}

int
main (int argc, char **argv)
{
  static const TestRow tests[] = {
      {"/lstm-tensor-caps/placeholder", test_placeholder},
      {"/lstm-tensor-caps/placeholder-at-end", test_placeholder_at_end},
      {"/lstm-tensor-caps/placeholder-and-flush", test_placeholder_and_flush},
      {"/lstm-tensor-caps/links", test_links},
      {"/lstm-tensor-caps/known-caps", test_known_caps},
      {"/lstm-tensor-caps/flexible-output", test_flexible_output},
      {"/lstm-tensor-caps/flexible-steps", test_flexible_steps},
      {"/lstm-tensor-caps/odd-caps", test_odd_caps},
  };

  return test_main (argc, argv, tests, G_N_ELEMENTS (tests));
}
