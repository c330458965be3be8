/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Flow returns, events, buffers and memory between `lstm` and its neighbours. */
#include "lstm-rig.h"

#define STACK "variants/torch-bidirectional-stacked" /* needs complete sequences */
#define LAST                                                                                   \
  "variants/keras-backwards-last" /* needs complete sequences, has one output vector */

/* All modes in which outputs are pushed */
static const struct {
  const gchar *folder, *properties;
  guint
      first_output; /* number of the step that pushes the first output; 0: an event pushes it */
} modes[] = {
    {"seed-1x30", "", 1},
    {"seed-1x30", "emit=output+cell", 1},
    {"seed-1x30", "output-mode=window window-length=2", 2},
    {STACK, "output-mode=window window-length=3", 3},
    {"seed-1x30", "output-mode=final", 0},
    {STACK, "", 0},
    {STACK, "output-mode=final", 0},
    {LAST, "", 0},
};

static void
push_stream_and_segment (Rig *rig)
{
  rig_push_stream_start (rig);
  rig_push_segment (rig);
}

static GstFlowReturn
push_step (Rig *rig, gsize first)
{
  return gst_harness_push (rig->harness, rig_buffer_new (rig, first));
}

/* --- Flow --- */

/* A downstream that returns OK for @n_good buffers and @flow for all later ones */
typedef struct {
  guint n_good, n_seen;
  GstFlowReturn flow;
} Downstream;

static GstFlowReturn
on_buffer (GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  Downstream *downstream = g_object_get_data (G_OBJECT (pad), "downstream");

  gst_buffer_unref (buffer);
  return downstream->n_seen++ < downstream->n_good ? GST_FLOW_OK : downstream->flow;
}

static void
set_downstream (Rig *rig, Downstream *downstream)
{
  g_object_set_data (G_OBJECT (rig->harness->sinkpad), "downstream", downstream);
  gst_pad_set_chain_function (rig->harness->sinkpad, on_buffer);
}

/* Begins a stream in mode @i. */
static void
begin_mode (Rig *rig, guint i, Downstream *downstream)
{
  rig_init (rig, modes[i].folder, modes[i].properties);
  set_downstream (rig, downstream);
  rig_begin_stream (rig);
}

static const GstFlowReturn flows[] = {
    GST_FLOW_EOS, GST_FLOW_FLUSHING, GST_FLOW_ERROR, GST_FLOW_CUSTOM_ERROR};

/* A buffer returns the flow of its outputs. */
static void
check_flow_at_once (guint i, GstFlowReturn flow)
{
  Downstream downstream = {.flow = flow};
  Rig rig;

  begin_mode (&rig, i, &downstream);
  rig_push_steps (&rig, 0, modes[i].first_output - 1);
  g_assert_cmpint (push_step (&rig, modes[i].first_output - 1), ==, flow);
  g_assert_cmpuint (downstream.n_seen, ==, 1);
  downstream.flow = GST_FLOW_OK;
  g_assert_cmpint (push_step (&rig, modes[i].first_output), ==, GST_FLOW_OK);
  g_assert_cmpuint (downstream.n_seen, ==, 2);
  rig_clear (&rig);
}

/* If an event pushes outputs, the next buffer returns their flow, once. The steps of this buffer
 * are run. */
static void
check_flow_later (guint i, GstFlowReturn flow)
{
  Downstream downstream = {.flow = flow};
  Rig rig;

  begin_mode (&rig, i, &downstream);
  rig_push_steps (&rig, 0, 3);
  g_assert_cmpuint (downstream.n_seen, ==, 0);
  rig_push_segment (&rig);
  g_assert_cmpuint (downstream.n_seen, ==, 1); /* the next output is not pushed */
  g_assert_cmpint (push_step (&rig, 3), ==, flow);
  g_assert_cmpint (push_step (&rig, 4), ==, GST_FLOW_OK);
  rig_push_segment (&rig);
  g_assert_cmpuint (downstream.n_seen, ==, 2);
  g_assert_cmpuint (rig_get_steps (&rig), ==, 5);
  rig_clear (&rig);
}

/* The flow of one stream is not returned in the next stream. */
static void
check_flow_cleared (guint i, GstFlowReturn flow, void (*begin_stream) (Rig *rig))
{
  Downstream downstream = {.flow = flow};
  Rig rig;

  begin_mode (&rig, i, &downstream);
  rig_push_steps (&rig, 0, 3);
  rig_push_segment (&rig);
  begin_stream (&rig);
  downstream.flow = GST_FLOW_OK;
  rig_push_steps (&rig, 0, 3);
  g_assert_cmpuint (downstream.n_seen, ==, 1);
  rig_push_eos (&rig);
  g_assert_cmpuint (downstream.n_seen, >, 1);
  rig_clear (&rig);
}

static void
test_flow (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (modes); i++)
    for (guint k = 0; k < G_N_ELEMENTS (flows); k++) {
      g_test_message ("mode %u, %s", i, gst_flow_get_name (flows[k]));
      if (modes[i].first_output) {
        check_flow_at_once (i, flows[k]);
        continue;
      }
      check_flow_later (i, flows[k]);
      check_flow_cleared (i, flows[k], rig_push_flush);
      check_flow_cleared (i, flows[k], push_stream_and_segment);
    }
}

/* Outputs that downstream refused are not pushed in the next stream. */
static void
test_refused_outputs (void)
{
  Downstream downstream = {.n_good = 1, .flow = GST_FLOW_EOS};
  Rig rig;

  rig_init (&rig, STACK, "stateful=true");
  set_downstream (&rig, &downstream);
  rig_begin_stream (&rig);
  rig_push_steps (&rig, 0, 5);
  rig_push_segment (&rig);
  g_assert_cmpuint (downstream.n_seen, ==, 2);
  push_stream_and_segment (&rig);
  downstream.n_good = G_MAXUINT;
  g_string_truncate (rig.log, 0);
  rig_push_steps (&rig, 0, 2);
  rig_assert_log (&rig, "gap 0+1000, gap 1000+1000");
  rig_push_eos (&rig);
  rig_assert_log (&rig, "buffer 0+1000, buffer 1000+1000, eos");
  rig_clear (&rig);
}

/* --- Order --- */

/* Outputs and gaps follow STREAM_START, CAPS and SEGMENT. */
static void
test_order (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (modes); i++) {
    Rig rig;

    g_test_message ("mode %u", i);
    rig_init (&rig, modes[i].folder, modes[i].properties);
    rig_push_stream_start (&rig);
    g_assert_true (rig_push_caps (&rig));
    rig_push_segment (&rig);
    rig_push_steps (&rig, 0, 3);
    assert_matches (rig.log->str, "stream-start, caps *, segment 0, *");
    g_assert_null (strstr (strstr (rig.log->str, "segment"), "caps"));
    rig_clear (&rig);
  }
}

/* Without caps no event causes an output. */
static void
test_no_caps (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (modes); i++) {
    Rig rig;

    g_test_message ("mode %u", i);
    rig_init (&rig, modes[i].folder, modes[i].properties);
    gst_util_set_object_arg (G_OBJECT (rig.lstm), "gap-policy", "zero-step");
    rig_push_stream_start (&rig);
    g_signal_emit_by_name (rig.lstm, "reset");
    rig_push_segment (&rig);
    rig_push_event (&rig, gst_event_new_gap (0, GST_SECOND));
    rig_push_event (&rig, gst_event_new_segment_done (GST_FORMAT_TIME, 0));
    rig_push_eos (&rig);
    rig_push_event (&rig, gst_event_new_flush_start ());
    rig_push_event (&rig, gst_event_new_flush_stop (TRUE));
    g_assert_null (strstr (rig.log->str, "buffer"));
    g_assert_null (strstr (rig.log->str, "caps"));
    rig_clear (&rig);
  }
}

static void
test_not_negotiated (void)
{
  Rig rig;

  rig_init (&rig, "seed-1x30", "");
  rig_push_stream_start (&rig);
  rig_push_segment (&rig);
  g_assert_cmpint (push_step (&rig, 0), ==, GST_FLOW_NOT_NEGOTIATED);
  g_assert_null (strstr (rig.log->str, "buffer"));
  rig_clear (&rig);
}

/* --- Memory --- */

/* A pool that can emit `reset` whenever a buffer is acquired */
typedef struct {
  GstBufferPool parent;
  GstElement *reset_element; /* (nullable): element to reset */
  guint n_acquired;
} TestPool;
typedef GstBufferPoolClass TestPoolClass;
GType test_pool_get_type (void);
G_DEFINE_TYPE (TestPool, test_pool, GST_TYPE_BUFFER_POOL)

static GstFlowReturn
acquire_buffer (GstBufferPool *pool, GstBuffer **buffer, GstBufferPoolAcquireParams *params)
{
  TestPool *self = (TestPool *) pool;

  self->n_acquired++;
  if (self->reset_element)
    g_signal_emit_by_name (self->reset_element, "reset");
  return GST_BUFFER_POOL_CLASS (test_pool_parent_class)->acquire_buffer (pool, buffer, params);
}

static void
test_pool_class_init (TestPoolClass *klass)
{
  klass->acquire_buffer = acquire_buffer;
}

static void
test_pool_init (TestPool *self)
{
}

static gboolean
on_query (GstPad *pad, GstObject *parent, GstQuery *query)
{
  if (GST_QUERY_TYPE (query) != GST_QUERY_ALLOCATION)
    return gst_pad_query_default (pad, parent, query);
  gst_query_add_allocation_pool (query, g_object_get_data (G_OBJECT (pad), "pool"),
      GPOINTER_TO_UINT (g_object_get_data (G_OBJECT (pad), "bytes")), 0, 0);
  return TRUE;
}

/* Makes downstream offer @pool, whose buffers have @bytes bytes. */
static void
offer_pool (Rig *rig, TestPool *pool, guint bytes)
{
  GObject *pad = G_OBJECT (rig->harness->sinkpad);

  g_object_set_data (pad, "pool", pool);
  g_object_set_data (pad, "bytes", GUINT_TO_POINTER (bytes));
  gst_pad_set_query_function (rig->harness->sinkpad, on_query);
}

/* An output buffer is from the pool of downstream, if the buffers are large enough and have one
 * tensor. */
static void
check_pool (guint i, guint more, gboolean is_used)
{
  const gsize n = g_str_has_prefix (modes[i].folder, "seed") ? 30 : i == 7 ? 17 : 10;
  const gsize tensors = strchr (modes[i].properties, '+') ? 2 : 1;
  TestPool *pool = g_object_new (test_pool_get_type (), NULL);
  GstBuffer *out;
  guint n_seen = 0;
  Rig rig;

  g_test_message ("mode %u, %u bytes more", i, more);
  rig_init (&rig, modes[i].folder, modes[i].properties);
  offer_pool (&rig, pool, (guint) (n * 4) + more);
  rig_begin_stream (&rig);
  rig_push_steps (&rig, 0, 4);
  rig_push_eos (&rig);
  for (; (out = gst_harness_try_pull (rig.harness)); n_seen++) {
    if (tensors == 1 && i != 3)
      g_assert_cmpuint (gst_buffer_get_size (out), ==, n * 4);
    g_assert_true ((out->pool == (GstBufferPool *) pool) == is_used);
    gst_buffer_unref (out);
  }
  g_assert_cmpuint (n_seen, >, 0);
  rig_clear (&rig);
  gst_object_unref (pool);
}

static void
test_pool (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (modes); i++) {
    const gboolean one = !strchr (modes[i].properties, '+');

    check_pool (i, 0, one && i != 3); /* mode 3 has windows of three steps */
    check_pool (i, 4096, one);
    check_pool (i, (guint) -4, FALSE);
  }
}

/* A reset between two output buffers drops the rest of the outputs and nothing else. */
static void
test_reset_while_pushing (void)
{
  for (guint i = 2; i < G_N_ELEMENTS (modes); i++) {
    TestPool *pool = g_object_new (test_pool_get_type (), NULL);
    Rig rig;

    g_test_message ("mode %u", i);
    rig_init (&rig, modes[i].folder, modes[i].properties);
    offer_pool (&rig, pool, 4096);
    rig_begin_stream (&rig);
    pool->reset_element = rig.lstm;
    rig_push_steps (&rig, 0, 4);
    rig_push_segment (&rig);
    g_assert_cmpuint (pool->n_acquired, >, 0);
    g_assert_cmpuint (rig.outputs->len, ==, 0);
    pool->reset_element = NULL;
    rig_push_steps (&rig, 0, 4);
    rig_push_eos (&rig);
    g_assert_cmpuint (rig.outputs->len, >, 0);
    g_assert_cmpuint (gst_harness_buffers_received (rig.harness), ==,
        modes[i].first_output ? 5 - modes[i].first_output
                              : rig.outputs->len
                                    / (i == 7    ? 17
                                        : i == 4 ? 30
                                                 : 10));
    rig_clear (&rig);
    gst_object_unref (pool);
  }
}

/* The element does not change read-only memory, nor buffers with a second reference. */
static void
test_input_untouched (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (modes); i++) {
    g_autofree gfloat *copy = NULL;
    GstBuffer *buffers[4];
    Rig rig;

    g_test_message ("mode %u", i);
    rig_init (&rig, modes[i].folder, modes[i].properties);
    rig_begin_stream (&rig);
    copy = step_array_copy (&rig.x, 1, 0, 4);
    for (guint k = 0; k < 4; k++) {
      const gsize bytes = rig.x.size * sizeof (gfloat);

      buffers[k] = gst_buffer_new_wrapped_full (
          GST_MEMORY_FLAG_READONLY, rig.x.items + k * rig.x.size, bytes, 0, bytes, NULL, NULL);
      GST_BUFFER_PTS (buffers[k]) = k;
      g_assert_cmpint (
          gst_harness_push (rig.harness, gst_buffer_ref (buffers[k])), ==, GST_FLOW_OK);
    }
    rig_push_eos (&rig);
    g_assert_cmpuint (rig.outputs->len, >, 0);
    g_assert_cmpmem (rig.x.items, 16 * rig.x.size, copy, 16 * rig.x.size);
    for (guint k = 0; k < 4; k++) {
      g_assert_cmpuint (GST_BUFFER_PTS (buffers[k]), ==, k);
      g_assert_cmpuint (GST_BUFFER_DURATION (buffers[k]), ==, GST_CLOCK_TIME_NONE);
      g_assert_cmpuint (GST_BUFFER_OFFSET (buffers[k]), ==, GST_BUFFER_OFFSET_NONE);
      gst_buffer_unref (buffers[k]);
    }
    rig_clear (&rig);
  }
}

int
main (int argc, char **argv)
{
  static const TestRow tests[] = {
      {"/lstm-flow/flow", test_flow},
      {"/lstm-flow/flow-leaves-nothing", test_refused_outputs},
      {"/lstm-flow/order", test_order},
      {"/lstm-flow/no-caps", test_no_caps},
      {"/lstm-flow/not-negotiated", test_not_negotiated},
      {"/lstm-flow/pool", test_pool},
      {"/lstm-flow/reset-while-leaving", test_reset_while_pushing},
      {"/lstm-flow/input-untouched", test_input_untouched},
  };

  return test_main (argc, argv, tests, G_N_ELEMENTS (tests));
}
