/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * `lstm` with batches of streams. Random streams run as batches, and each stream alone through an
 * element of its own: outputs, messages and statistics are equal. */
#include "batch-rig.h"
#include <math.h>

#define N_STREAMS 5
#define N_BATCHES 30
#define FRAME (GST_SECOND / 30)

static const gchar *const ids[] = {
    "lstm-output", "lstm-output-hidden", "lstm-output-cell", "lstm-output-gates"};

/* A stream, as the combiner knows it */
typedef struct {
  Rig rig;                                /* runs the stream alone */
  GstEvent *start, *caps, *segment, *eos; /* nullable: sticky events */
  guint n_segments;
  guint64 pts;
} Stream;

/* Probabilities of the objects of a stream, of 100 */
typedef struct {
  const gchar *properties;
  gboolean one_step; /* each buffer has one step */
  gint no_tensor, bad, nan, gap, discont, segment, new_stream, segment_done, flush, list;
} Mix;

typedef struct {
  Stream streams[N_STREAMS];
  Rig rig; /* runs the batches */
  GRand *rand;
  const Mix *mix;
  GPtrArray *shared; /* GstBuffer: buffers of batches that have a second reference */
} Test;

/* --- Objects of streams --- */

static gboolean
hit (Test *test, gint percent)
{
  return g_rand_int_range (test->rand, 0, 100) < percent;
}

/* Returns: (transfer full): the next frame of @stream, of random kind */
static GstBuffer *
make_buffer (Test *test, Stream *stream)
{
  const gsize steps = test->mix->one_step ? 1 : (gsize) g_rand_int_range (test->rand, 1, 4);
  const gsize first = (gsize) g_rand_int_range (test->rand, 0, 900);
  const gsize dims[] = {steps, D}, bad_dims[] = {steps, D + 1};
  GstBuffer *buffer = frame_new (stream->pts++);
  gfloat x[4 * D];

  memcpy (x, stream->rig.x.items + first * D, steps * D * sizeof *x);
  if (hit (test, test->mix->nan))
    x[1] = NAN;
  if (hit (test, test->mix->discont))
    GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DISCONT);
  if (hit (test, test->mix->no_tensor))
    return buffer;
  add_tensor (
      buffer, tensor_new ("features", GST_TENSOR_DATA_TYPE_FLOAT32, x, steps * D * sizeof *x, 2,
                  hit (test, test->mix->bad) ? bad_dims : dims));
  return buffer;
}

/* Returns: (transfer full): a segment that begins a new sequence */
static GstEvent *
make_segment (Stream *stream)
{
  GstSegment segment;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  segment.base = stream->n_segments++ * 3600 * GST_SECOND;
  return gst_event_new_segment (&segment);
}

/* Appends the next objects of @stream to @objects. */
static void
make_objects (Test *test, Stream *stream, GPtrArray *objects)
{
  const Mix *mix = test->mix;

  if (hit (test, mix->segment_done))
    g_ptr_array_add (objects, gst_event_new_segment_done (GST_FORMAT_TIME, 0));
  if (hit (test, mix->flush)) {
    g_ptr_array_add (objects, gst_event_new_flush_stop (TRUE));
    g_ptr_array_add (objects, make_segment (stream));
  }
  if (hit (test, mix->segment))
    g_ptr_array_add (objects, make_segment (stream));
  if (hit (test, mix->new_stream)) {
    if (hit (test, 50))
      g_ptr_array_add (objects, gst_event_new_eos ());
    g_ptr_array_add (objects, gst_event_new_stream_start ("another"));
    g_ptr_array_add (objects, make_segment (stream));
  }
  if (hit (test, mix->gap))
    g_ptr_array_add (
        objects, gst_event_new_gap (stream->pts++ * 1000,
                     mix->one_step ? FRAME * (guint) g_rand_int_range (test->rand, 0, 3)
                                   : GST_CLOCK_TIME_NONE));
  if (hit (test, mix->list)) {
    GstBufferList *list = gst_buffer_list_new ();

    gst_buffer_list_add (list, make_buffer (test, stream));
    gst_buffer_list_add (list, make_buffer (test, stream));
    g_ptr_array_add (objects, list);
  }
  if (hit (test, 80))
    g_ptr_array_add (objects, make_buffer (test, stream));
}

/* --- Expected outputs --- */

/* Asserts that the float32 values have the same bits. The sign of a NaN differs between kernels. */
static void
assert_same_values (const GstMapInfo *found, const GstMapInfo *expected)
{
  const guint32 *a = (const guint32 *) (gpointer) found->data;
  const guint32 *b = (const guint32 *) (gpointer) expected->data;

  g_assert_cmpuint (found->size, ==, expected->size);
  for (gsize i = 0; i < found->size / sizeof *a; i++)
    if (!isnan (((const gfloat *) a)[i]) || !isnan (((const gfloat *) b)[i]))
      g_assert_cmphex (a[i], ==, b[i]);
}

static void
assert_same_tensors (GstBuffer *found, GstBuffer *expected)
{
  for (guint i = 0; i < G_N_ELEMENTS (ids); i++) {
    const GstTensor *a = find_tensor (found, ids[i]), *b = find_tensor (expected, ids[i]);
    GstMapInfo map_a, map_b;

    g_assert_true ((a != NULL) == (b != NULL));
    if (!a)
      continue;
    g_assert_cmpmem (
        a->dims, a->num_dims * sizeof *a->dims, b->dims, b->num_dims * sizeof *b->dims);
    g_assert_true (gst_buffer_map (a->data, &map_a, GST_MAP_READ));
    g_assert_true (gst_buffer_map (b->data, &map_b, GST_MAP_READ));
    assert_same_values (&map_a, &map_b);
    gst_buffer_unmap (a->data, &map_a);
    gst_buffer_unmap (b->data, &map_b);
  }
}

/* Pushes a copy of @buffer to the element of @stream. Returns: (transfer full): its output */
static GstBuffer *
run_alone (Stream *stream, GstBuffer *buffer)
{
  g_assert_cmpint (
      gst_harness_push (stream->rig.harness, gst_buffer_copy (buffer)), ==, GST_FLOW_OK);
  return gst_harness_pull (stream->rig.harness);
}

/* Pushes @object to the element of @stream. Appends the output of each buffer to @outputs. */
static void
run_object_alone (Stream *stream, GstMiniObject *object, GPtrArray *outputs)
{
  if (GST_IS_BUFFER (object)) {
    g_ptr_array_add (outputs, run_alone (stream, GST_BUFFER (object)));
  } else if (GST_IS_BUFFER_LIST (object)) {
    for (guint i = 0; i < gst_buffer_list_length (GST_BUFFER_LIST (object)); i++)
      g_ptr_array_add (
          outputs, run_alone (stream, gst_buffer_list_get (GST_BUFFER_LIST (object), i)));
  } else {
    if (GST_EVENT_TYPE (object) == GST_EVENT_FLUSH_STOP)
      rig_push_event (&stream->rig, gst_event_new_flush_start ());
    rig_push_event (&stream->rig, gst_event_ref (GST_EVENT (object)));
  }
}

/* --- Batches --- */

/* Stores @event as a sticky event of @stream, like the combiner. Returns whether it is sticky. */
static gboolean
store_sticky (Stream *stream, GstMiniObject *object)
{
  GstEvent **place = NULL;

  if (!GST_IS_EVENT (object))
    return FALSE;
  if (GST_EVENT_TYPE (object) == GST_EVENT_STREAM_START) {
    gst_clear_event (&stream->eos);
    place = &stream->start;
  } else if (GST_EVENT_TYPE (object) == GST_EVENT_SEGMENT) {
    place = &stream->segment;
  } else if (GST_EVENT_TYPE (object) == GST_EVENT_EOS) {
    place = &stream->eos;
  }
  return place && (gst_event_replace (place, GST_EVENT (object)), TRUE);
}

static void
add_sticky_events (GstBuffer *batch, guint i, const Stream *stream)
{
  GstEvent *const events[] = {stream->start, stream->caps, stream->segment, stream->eos};

  for (guint k = 0; k < G_N_ELEMENTS (events); k++)
    if (events[k])
      batch_add_sticky_event (batch, i, gst_event_ref (events[k]));
}

/* Adds @objects to stream @i of @batch. Sticky events before the first other object become sticky
 * events of the batch. */
static void
add_objects (Test *test, GstBuffer *batch, guint i, GPtrArray *objects)
{
  Stream *stream = &test->streams[i];
  guint first = 0;

  while (first < objects->len && store_sticky (stream, objects->pdata[first]))
    gst_mini_object_unref (objects->pdata[first++]);
  add_sticky_events (batch, i, stream);
  for (guint k = first; k < objects->len; k++) {
    GstMiniObject *object = objects->pdata[k];

    store_sticky (stream, object);
    if (hit (test, 20)) /* the element must not write to it */
      g_ptr_array_add (test->shared, gst_mini_object_ref (object));
    batch_add_object (batch, i, object);
  }
}

/* Asserts that the buffers of stream @i of @batch have the tensors of @expected. */
static void
compare_stream (GstBuffer *batch, guint i, GPtrArray *expected)
{
  const GstAnalyticsBatchStream *stream =
      &gst_buffer_get_analytics_batch_meta (batch)->streams[i];
  guint n = 0;

  for (gsize k = 0; k < stream->n_objects; k++) {
    GstMiniObject *object = stream->objects[k];

    if (GST_IS_BUFFER (object))
      assert_same_tensors (GST_BUFFER (object), expected->pdata[n++]);
    else if (GST_IS_BUFFER_LIST (object))
      for (guint l = 0; l < gst_buffer_list_length (GST_BUFFER_LIST (object)); l++)
        assert_same_tensors (
            gst_buffer_list_get (GST_BUFFER_LIST (object), l), expected->pdata[n++]);
  }
  g_assert_cmpuint (n, ==, expected->len);
}

/* Asserts that no buffer of @batch has an output: the element has changed a copy. */
static void
assert_unchanged (GstBuffer *batch)
{
  const GstAnalyticsBatchMeta *meta = gst_buffer_get_analytics_batch_meta (batch);

  for (gsize i = 0; i < meta->n_streams; i++)
    for (gsize k = 0; k < meta->streams[i].n_objects; k++)
      if (GST_IS_BUFFER (meta->streams[i].objects[k]))
        for (guint id = 0; id < G_N_ELEMENTS (ids); id++)
          g_assert_null (find_tensor (GST_BUFFER (meta->streams[i].objects[k]), ids[id]));
}

/* Makes the next objects of all streams, which run alone, and as a batch. */
static void
run_batch (Test *test)
{
  GPtrArray *expected[N_STREAMS];
  GstBuffer *batch = batch_new (N_STREAMS), *out;
  const gboolean is_shared = hit (test, 20);

  for (guint i = 0; i < N_STREAMS; i++) {
    g_autoptr (GPtrArray) objects = g_ptr_array_new ();

    expected[i] = g_ptr_array_new_with_free_func ((GDestroyNotify) gst_buffer_unref);
    for (gint n = g_rand_int_range (test->rand, 0, 4); n > 0; n--)
      make_objects (test, &test->streams[i], objects);
    for (guint k = 0; k < objects->len; k++)
      run_object_alone (&test->streams[i], objects->pdata[k], expected[i]);
    add_objects (test, batch, i, objects);
  }
  if (is_shared)
    gst_buffer_ref (batch);
  g_assert_cmpint (gst_harness_push (test->rig.harness, batch), ==, GST_FLOW_OK);
  out = gst_harness_pull (test->rig.harness);
  if (is_shared) {
    assert_unchanged (batch);
    gst_buffer_unref (batch);
  }
  for (guint i = 0; i < N_STREAMS; i++) {
    compare_stream (out, i, expected[i]);
    g_ptr_array_unref (expected[i]);
  }
  gst_buffer_unref (out);
}

/* --- Tests --- */

static void
init_stream (Stream *stream, const Mix *mix)
{
  g_autofree gchar *properties = g_strdup_printf (
      "input-tensor-id=features %s", mix->properties);
  g_autoptr (GstCaps) caps = gst_caps_from_string (VIDEO);

  rig_init (&stream->rig, FOLDER, properties);
  stream->start = gst_event_new_stream_start ("first");
  stream->caps = gst_event_new_caps (caps);
  stream->segment = make_segment (stream);
  rig_push_event (&stream->rig, gst_event_ref (stream->start));
  rig_push_event (&stream->rig, gst_event_ref (stream->caps));
  rig_push_event (&stream->rig, gst_event_ref (stream->segment));
}

static void
clear_stream (Stream *stream)
{
  gst_clear_event (&stream->start);
  gst_clear_event (&stream->caps);
  gst_clear_event (&stream->segment);
  gst_clear_event (&stream->eos);
  gst_bus_set_flushing (stream->rig.bus, TRUE);
  rig_clear (&stream->rig);
}

/* Returns: (transfer full): the messages lstm-final of @rig, one in a line; with @stream only those
 * of that stream of the batch, without the field stream */
static gchar *
list_messages (GPtrArray *messages, gint stream)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < messages->len; i++) {
    g_autoptr (GstStructure)
        s = gst_structure_copy (gst_message_get_structure (messages->pdata[i]));
    g_autofree gchar *line = NULL;
    guint index;

    if (!gst_structure_has_name (s, "lstm-final"))
      continue;
    if (stream >= 0) {
      g_assert_true (gst_structure_get_uint (s, "stream", &index));
      if (index != (guint) stream)
        continue;
      gst_structure_remove_field (s, "stream");
    }
    line = gst_structure_to_string (s);
    g_string_append_printf (text, "%s\n", line);
  }
  return g_string_free (text, FALSE);
}

static GPtrArray *
pop_messages (Rig *rig)
{
  GPtrArray *messages = g_ptr_array_new_with_free_func ((GDestroyNotify) gst_message_unref);
  GstMessage *message;

  while ((message = gst_bus_pop_filtered (rig->bus, GST_MESSAGE_ELEMENT)))
    g_ptr_array_add (messages, message);
  return messages;
}

static void
compare_messages (Test *test)
{
  g_autoptr (GPtrArray) all = pop_messages (&test->rig);

  for (guint i = 0; i < N_STREAMS; i++) {
    g_autoptr (GPtrArray) alone = pop_messages (&test->streams[i].rig);
    g_autofree gchar *found = list_messages (all, (gint) i);
    g_autofree gchar *expected = list_messages (alone, -1);

    g_assert_cmpstr (found, ==, expected);
  }
}

static void
compare_stats (Test *test)
{
  static const gchar *const fields[] = {
      "steps", "outputs", "resets", "gaps", "errors", "non-finite"};

  for (guint k = 0; k < G_N_ELEMENTS (fields); k++) {
    guint64 expected = 0;

    for (guint i = 0; i < N_STREAMS; i++)
      expected += rig_get_stat (&test->streams[i].rig, fields[k]);
    g_test_message ("%s: %" G_GUINT64_FORMAT, fields[k], expected);
    g_assert_cmpuint (rig_get_stat (&test->rig, fields[k]), ==, expected);
  }
}

static const Mix mixes[] = {
    {.properties = "", .segment = 5, .new_stream = 5, .segment_done = 5, .list = 20},
    {.properties = "emit=output+hidden+cell+gates", .segment = 5, .flush = 5, .no_tensor = 10},
    {.properties = "stateful=true",
        .segment = 10,
        .new_stream = 10,
        .segment_done = 5,
        .flush = 5},
    {.properties = "gap-policy=zero-step",
        .one_step = TRUE,
        .gap = 20,
        .no_tensor = 20,
        .segment = 5},
    {.properties = "gap-policy=zero-step output-mode=window window-length=3",
        .gap = 20,
        .no_tensor = 20},
    {.properties = "gap-policy=zero-step output-mode=final",
        .one_step = TRUE,
        .gap = 20,
        .no_tensor = 10,
        .segment = 10,
        .new_stream = 10,
        .flush = 5},
    {.properties = "reset-on=gap+discont", .gap = 20, .no_tensor = 10, .discont = 20},
    {.properties = "reset-on=nan", .nan = 10, .list = 20},
    {.properties = "", .nan = 3, .segment = 10},
    {.properties = "max-errors=-1 reset-on=discont", .bad = 20, .list = 10},
    {.properties = "output-mode=window window-length=4 window-hop=2", .segment = 5, .list = 20},
    {.properties = "output-mode=window window-length=2 stateful=true", .segment = 20},
    {.properties = "output-mode=final",
        .segment = 10,
        .new_stream = 10,
        .segment_done = 10,
        .flush = 5},
    {.properties = "output-mode=final stateful=true emit=hidden+cell", .segment = 10},
};

static void
init_test (Test *test, const Mix *mix, guint32 seed)
{
  g_autofree gchar *properties = g_strdup_printf (
      "input-tensor-id=features %s", mix->properties);

  *test = (Test){.mix = mix, .rand = g_rand_new_with_seed (seed)};
  test->shared = g_ptr_array_new_with_free_func ((GDestroyNotify) gst_mini_object_unref);
  rig_init (&test->rig, FOLDER, properties);
  rig_begin_stream_with_caps (&test->rig, BATCH_CAPS);
  for (guint i = 0; i < N_STREAMS; i++)
    init_stream (&test->streams[i], mix);
}

static void
clear_test (Test *test)
{
  for (guint i = 0; i < test->shared->len; i++)
    if (GST_IS_BUFFER (test->shared->pdata[i]))
      g_assert_null (find_tensor (test->shared->pdata[i], "lstm-output"));
  g_ptr_array_unref (test->shared);
  for (guint i = 0; i < N_STREAMS; i++)
    clear_stream (&test->streams[i]);
  rig_clear (&test->rig);
  g_rand_free (test->rand);
}

static void
test_random (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (mixes); i++) {
    Test test;

    g_test_message ("row %u: %s", i, mixes[i].properties);
    init_test (&test, &mixes[i], i + 1);
    for (guint k = 0; k < N_BATCHES; k++)
      run_batch (&test);
    rig_push_eos (&test.rig);
    for (guint s = 0; s < N_STREAMS; s++)
      rig_push_eos (&test.streams[s].rig);
    compare_messages (&test);
    compare_stats (&test);
    clear_test (&test);
  }
}

int
main (int argc, char **argv)
{
  static const TestRow tests[] = {
      {"/lstm-batch-random/streams", test_random},
  };

  return test_main (argc, argv, tests, G_N_ELEMENTS (tests));
}
