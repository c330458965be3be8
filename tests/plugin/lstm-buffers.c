/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The memory of input and output buffers of `lstm`: an output overwrites an input that only `lstm` has,
 * and no other. */
#include "lstm-rig.h"

#define HEAD "head"      /* 12 inputs, 7 outputs, so that the output fits in the input */
#define SEED "seed-1x30" /* 1 input, 30 outputs, so that the output does not fit */

static Rig rig;

static void
begin (const gchar *folder, guint n_steps)
{
  rig_init (&rig, folder, "");
  rig.n_steps = n_steps;
  rig_begin_stream (&rig);
}

/* Returns a copy of the values of @buffer. */
static GBytes *
copy_values (GstBuffer *buffer)
{
  GstMapInfo map;
  GBytes *bytes;

  g_assert_true (gst_buffer_map (buffer, &map, GST_MAP_READ));
  bytes = g_bytes_new (map.data, map.size);
  gst_buffer_unmap (buffer, &map);
  return bytes;
}

static void
assert_values (GstBuffer *buffer, GBytes *expected)
{
  g_autoptr (GBytes) found = copy_values (buffer);

  g_assert_true (g_bytes_equal (found, expected));
}

/* Pushes @buffer (transfer full), which is a buffer of the steps from @first on, and asserts that the
 * outputs are correct. Returns: (transfer full): the output */
static GstBuffer *
push_buffer (GstBuffer *buffer, gsize first)
{
  GstBuffer *out;

  g_assert_cmpint (gst_harness_push (rig.harness, buffer), ==, GST_FLOW_OK);
  rig_expect_outputs (&rig, first, rig.n_steps, rig.n_steps);
  rig_assert_outputs (&rig);
  out = gst_harness_pull (rig.harness);
  g_assert_true (gst_buffer_is_all_memory_writable (out));
  g_assert_true (gst_buffer_is_writable (out));
  return out;
}

/* Asserts that the values of @buffer, of the steps from @first on, are not overwritten while the test
 * has another reference to them in @buffer or in @other (nullable). Frees all. */
static void
assert_input_stays (GstBuffer *buffer, gsize first, GstBuffer *other)
{
  GstBuffer *pushed = other ? other : gst_buffer_ref (buffer);
  g_autoptr (GBytes) before = copy_values (buffer);
  g_autoptr (GstBuffer) out = push_buffer (pushed, first);

  g_assert_true (gst_buffer_peek_memory (out, 0) != gst_buffer_peek_memory (buffer, 0));
  assert_values (buffer, before);
  gst_buffer_unref (buffer);
}

/* An output has the memory of its input if only the element has the input, and the size of the
 * output. */
static void
test_overwritten_input (void)
{
  begin (HEAD, 2);
  for (gsize first = 0; first < 8; first += 2) {
    GstBuffer *buffer = rig_buffer_new (&rig, first);
    const GstMemory *memory = gst_buffer_peek_memory (buffer, 0);
    g_autoptr (GstBuffer) out = NULL;

    GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_GAP | GST_BUFFER_FLAG_MARKER);
    GST_BUFFER_OFFSET (buffer) = first;
    out = push_buffer (buffer, first);
    g_assert_true (gst_buffer_peek_memory (out, 0) == memory);
    g_assert_cmpuint (gst_buffer_get_size (out), ==, 7 * 2 * rig.n_streams * sizeof (gfloat));
    g_assert_cmpuint (GST_BUFFER_PTS (out), ==, first * 1000);
    g_assert_cmpuint (GST_BUFFER_OFFSET (out), ==, first);
    g_assert_true (GST_BUFFER_FLAG_IS_SET (out, GST_BUFFER_FLAG_MARKER));
    g_assert_false (GST_BUFFER_FLAG_IS_SET (out, GST_BUFFER_FLAG_GAP));
  }
  rig_clear (&rig);
}

/* Values that the test has, too, are not overwritten. */
static void
test_shared_input (void)
{
  GstBuffer *buffer;
  GstMemory *memory;
  GstMapInfo map;

  begin (HEAD, 1);
  assert_input_stays (rig_buffer_new (&rig, 0), 0, NULL); /* the buffer */
  buffer = rig_buffer_new (&rig, 1);
  assert_input_stays (buffer, 1, gst_buffer_copy (buffer)); /* its memory */
  buffer = rig_buffer_new (&rig, 2);
  assert_input_stays (
      buffer, 2, gst_buffer_copy_region (buffer, GST_BUFFER_COPY_MEMORY, 0, -1));
  buffer = rig_buffer_new (&rig, 3);
  memory = gst_memory_ref (gst_buffer_peek_memory (buffer, 0));
  g_assert_true (gst_memory_map (memory, &map, GST_MAP_READ)); /* a map */
  {
    g_autofree guint8 *before = g_memdup2 (map.data, map.size);

    gst_buffer_unref (push_buffer (buffer, 3));
    g_assert_cmpmem (map.data, map.size, before, map.size);
  }
  gst_memory_unmap (memory, &map);
  gst_memory_unref (memory);
  rig_clear (&rig);
}

/* Memory that may only be read is not overwritten. */
static void
test_read_only_input (void)
{
  g_autofree gfloat *items = NULL;
  g_autofree gfloat *before = NULL;
  gsize bytes;

  begin (HEAD, 1);
  bytes = rig.n_streams * 12 * sizeof (gfloat);
  items = step_array_copy (&rig.x, rig.n_streams, 0, 1);
  before = g_memdup2 (items, bytes);
  gst_buffer_unref (push_buffer (gst_buffer_new_wrapped_full (GST_MEMORY_FLAG_READONLY, items,
                                     bytes, 0, bytes, NULL, NULL),
      0));
  g_assert_cmpmem (items, bytes, before, bytes);
  rig_clear (&rig);
}

/* Buffers with metas, and of several memories, have an output of their own. The output does not have
 * metas that describe the memory of the input. */
static void
test_other_inputs (void)
{
  static const gchar *const memory_tags[] = {GST_META_TAG_MEMORY_STR, NULL};
  GstBuffer *buffer, *other;
  g_autoptr (GstBuffer) out = NULL;
  g_autoptr (GstCaps) reference = gst_caps_new_empty_simple ("timestamp/x-test");

  begin (HEAD, 1);
  buffer = rig_buffer_new (&rig, 0);
  gst_buffer_add_reference_timestamp_meta (buffer, reference, 42, GST_CLOCK_TIME_NONE);
  out = push_buffer (buffer, 0);
  g_assert_cmpuint (
      gst_buffer_get_reference_timestamp_meta (out, reference)->timestamp, ==, 42);
  gst_clear_buffer (&out);

  gst_meta_register_custom ("LstmTestMemory", (const gchar **) memory_tags, NULL, NULL, NULL);
  buffer = rig_buffer_new (&rig, 1);
  gst_buffer_add_custom_meta (buffer, "LstmTestMemory");
  out = push_buffer (buffer, 1);
  g_assert_null (gst_buffer_get_custom_meta (out, "LstmTestMemory"));
  gst_clear_buffer (&out);

  other = rig_buffer_new (&rig, 2);
  buffer = gst_buffer_copy_region (other, GST_BUFFER_COPY_ALL | GST_BUFFER_COPY_DEEP, 0, 20);
  buffer = gst_buffer_append (buffer,
      gst_buffer_copy_region (other, GST_BUFFER_COPY_MEMORY | GST_BUFFER_COPY_DEEP, 20, -1));
  gst_buffer_unref (other);
  g_assert_cmpuint (gst_buffer_n_memory (buffer), ==, 2);
  out = push_buffer (buffer, 2);
  rig_clear (&rig);
}

/* A pool of upstream with a limit does not run out of buffers while downstream has the outputs. */
static void
test_upstream_pool (void)
{
  g_autoptr (GstBufferPool) pool = gst_buffer_pool_new ();
  GstStructure *config = gst_buffer_pool_get_config (pool);
  GstBufferPoolAcquireParams params = {.flags = GST_BUFFER_POOL_ACQUIRE_FLAG_DONTWAIT};
  GQueue outputs = G_QUEUE_INIT;
  guint bytes;

  begin (HEAD, 1);
  bytes = (guint) (rig.n_streams * 12 * sizeof (gfloat));
  gst_buffer_pool_config_set_params (config, NULL, bytes, 0, 2);
  g_assert_true (gst_buffer_pool_set_config (pool, config));
  g_assert_true (gst_buffer_pool_set_active (pool, TRUE));
  for (gsize i = 0; i < 10; i++) {
    g_autofree gfloat *items = step_array_copy (&rig.x, rig.n_streams, i, 1);
    GstBuffer *buffer;

    g_assert_cmpint (gst_buffer_pool_acquire_buffer (pool, &buffer, &params), ==, GST_FLOW_OK);
    gst_buffer_fill (buffer, 0, items, bytes);
    g_queue_push_tail (&outputs, push_buffer (buffer, i));
  }
  g_queue_clear_full (&outputs, (GDestroyNotify) gst_buffer_unref);
  gst_buffer_pool_set_active (pool, FALSE);
  rig_clear (&rig);
}

/* Outputs that downstream has are independent of later outputs. */
static void
check_kept_outputs (const gchar *folder)
{
  GstBuffer *outputs[30];
  GBytes *values[30];

  begin (folder, 1);
  for (gsize i = 0; i < G_N_ELEMENTS (outputs); i++) {
    outputs[i] = push_buffer (rig_buffer_new (&rig, i), i);
    values[i] = copy_values (outputs[i]);
  }
  for (gsize i = 0; i < G_N_ELEMENTS (outputs); i++) {
    assert_values (outputs[i], values[i]);
    gst_buffer_memset (outputs[i], 0, 0xff, gst_buffer_get_size (outputs[i]));
    g_bytes_unref (values[i]);
    values[i] = copy_values (outputs[i]);
  }
  for (gsize i = 0; i < G_N_ELEMENTS (outputs); i++) {
    assert_values (outputs[i], values[i]);
    gst_buffer_unref (outputs[i]);
    g_bytes_unref (values[i]);
  }
  rig_clear (&rig);
}

static void
test_kept_outputs (void)
{
  check_kept_outputs (HEAD);
  check_kept_outputs (SEED);
}

/* Other numbers of steps and of streams have buffers of their own sizes. */
static void
test_sizes (void)
{
  static const guint sizes[] = {1, 3, 1, 5, 2};

  begin (HEAD, 1);
  for (guint i = 0; i < 2 * G_N_ELEMENTS (sizes); i++) {
    g_autoptr (GstBuffer) out = NULL;

    if (i == G_N_ELEMENTS (sizes)) {
      rig.n_streams = 2;
      rig_expect_reset (&rig);
    }
    rig.n_steps = sizes[i % G_N_ELEMENTS (sizes)];
    g_test_message ("%u streams, %u steps", rig.n_streams, rig.n_steps);
    g_assert_true (rig_push_caps (&rig));
    out = push_buffer (rig_buffer_new (&rig, 0), 0);
    g_assert_cmpuint (
        gst_buffer_get_size (out), ==, rig.n_steps * rig.n_streams * 7 * sizeof (gfloat));
  }
  rig_clear (&rig);
}

/* The answer of a downstream to the allocation query */
typedef struct {
  GstAllocator *allocator;
  GstAllocationParams params;
} Answer;

static Answer answer;

static gboolean
on_query (GstPad *pad, GstObject *parent, GstQuery *query)
{
  if (GST_QUERY_TYPE (query) != GST_QUERY_ALLOCATION)
    return gst_pad_query_default (pad, parent, query);
  gst_query_add_allocation_param (query, answer.allocator, &answer.params);
  return TRUE;
}

/* An allocator whose memory is system memory of another type */
typedef GstAllocator TestAllocator;
typedef GstAllocatorClass TestAllocatorClass;
GType test_allocator_get_type (void);
G_DEFINE_TYPE (TestAllocator, test_allocator, GST_TYPE_ALLOCATOR)
static guint n_allocated;

static GstMemory *
allocate (GstAllocator *allocator, gsize size, GstAllocationParams *params)
{
  n_allocated++;
  return gst_allocator_alloc (NULL, size, params);
}

static void
test_allocator_class_init (TestAllocatorClass *klass)
{
  klass->alloc = allocate;
}

static void
test_allocator_init (TestAllocator *self)
{
}

/* Downstream's allocator and alignment are used. */
static void
test_allocation (void)
{
  for (guint i = 0; i < 3; i++) {
    g_autoptr (GstBuffer) out = NULL;
    GstMapInfo map;

    answer = (Answer){0};
    gst_allocation_params_init (&answer.params);
    n_allocated = 0;
    if (i == 0)
      answer.params.align = 4095;
    else if (i == 1)
      answer.params.prefix = 64;
    else
      answer.allocator = gst_object_ref_sink (g_object_new (test_allocator_get_type (), NULL));
    rig_init (&rig, HEAD, "");
    rig.n_steps = 1;
    gst_pad_set_query_function (rig.harness->sinkpad, on_query);
    rig_begin_stream (&rig);
    out = push_buffer (rig_buffer_new (&rig, 0), 0);
    g_assert_true (gst_buffer_map (out, &map, GST_MAP_READ));
    if (i == 0)
      g_assert_cmpuint ((guintptr) map.data % 4096, ==, 0);
    if (i == 1)
      g_assert_cmpuint (gst_buffer_peek_memory (out, 0)->offset, >=, 64);
    gst_buffer_unmap (out, &map);
    g_assert_cmpuint (n_allocated, ==, i == 2);
    rig_clear (&rig);
    gst_clear_object (&answer.allocator);
  }
}

int
main (int argc, char **argv)
{
  static const TestRow tests[] = {
      {"/lstm-buffers/overwritten-input", test_overwritten_input},
      {"/lstm-buffers/shared-input", test_shared_input},
      {"/lstm-buffers/read-only-input", test_read_only_input},
      {"/lstm-buffers/other-inputs", test_other_inputs},
      {"/lstm-buffers/upstream-pool", test_upstream_pool},
      {"/lstm-buffers/kept-outputs", test_kept_outputs},
      {"/lstm-buffers/sizes", test_sizes},
      {"/lstm-buffers/allocation", test_allocation},
  };

  return test_main (argc, argv, tests, G_N_ELEMENTS (tests));
}
