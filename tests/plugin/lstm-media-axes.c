/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Property axes of `lstm`: tensors of media with several steps and streams. Each stream is compared
 * with the stream alone. */
#include "media-rig.h"

#define MAX_STREAMS 3
#define MAX_DIMS 6
#define N_KINDS 4

/* The tensors that are emitted, and their values per step */
static const struct {
  const gchar *id;
  gsize n_rows;
} kinds[N_KINDS] = {{"y", 1}, {"y-hidden", 1}, {"y-cell", 1}, {"y-gates", 4}};

/* The streams alone: stream s has the steps of the input from 100 s on. */
typedef struct {
  LstmState *states[MAX_STREAMS];
  gsize n_done;
} Streams;

static const gfloat *
get_step (const Rig *rig, gsize stream, gsize step)
{
  return rig->x.items + (100 * stream + step) * D;
}

/* Frees the states. The next step begins new sequences. */
static void
clear_streams (Streams *streams)
{
  for (guint s = 0; s < MAX_STREAMS; s++)
    g_clear_pointer (&streams->states[s], lstm_state_unref);
}

/* Runs the next step of @stream. Sets @values to the values of each kind. */
static void
run_step (Rig *rig, Streams *streams, gsize stream, gsize step, gfloat values[N_KINDS][4 * N])
{
  LstmState **state = &streams->states[stream];
  LstmRun run = {.size = sizeof run,
      .steps = 1,
      .stream_stride = 1,
      .input = get_step (rig, stream, step),
      .output = values[0],
      .hidden = values[1],
      .cell = values[2],
      .gates = values[3]};

  if (!*state)
    *state = lstm_state_new (lstm_state_get_model (rig->state), 1, NULL);
  lstm_state_run_full (*state, &run);
}

typedef struct {
  gsize n, sizes[MAX_DIMS];
} Dims;

/* Returns: (transfer full): a frame of the next @n_steps steps of @n_streams streams, in which the
 * steps are outermost if @steps_first */
static GstBuffer *
make_frame (Rig *rig, const Dims *dims, gsize n_steps, gsize n_streams, gboolean steps_first,
    gsize done)
{
  const gsize bytes = n_steps * n_streams * D * sizeof (gfloat);
  g_autofree gfloat *x = g_malloc (bytes);
  GstBuffer *buffer = frame_new (done);

  for (gsize s = 0; s < n_streams; s++)
    for (gsize t = 0; t < n_steps; t++)
      memcpy (x + (steps_first ? t * n_streams + s : s * n_steps + t) * D,
          get_step (rig, s, done + t), D * sizeof *x);
  add_tensor (buffer,
      tensor_new ("features", GST_TENSOR_DATA_TYPE_FLOAT32, x, bytes, dims->n, dims->sizes));
  return buffer;
}

/* Asserts that tensor @kind of @frame has the dimensions @dims, before its rows, and size. */
static const gfloat *
check_tensor (GstBuffer *frame, guint kind, const Dims *dims, GstMapInfo *map)
{
  const GstTensor *tensor = find_tensor (frame, kinds[kind].id);
  gsize n = dims->n;

  g_assert_nonnull (tensor);
  for (gsize i = 0; i < n; i++)
    g_assert_cmpuint (tensor->dims[i], ==, dims->sizes[i]);
  if (kinds[kind].n_rows > 1)
    g_assert_cmpuint (tensor->dims[n++], ==, kinds[kind].n_rows);
  g_assert_cmpuint (tensor->dims[n++], ==, N);
  g_assert_cmpuint (tensor->num_dims, ==, n);
  g_assert_true (gst_buffer_map (tensor->data, map, GST_MAP_READ));
  return (const gfloat *) (gpointer) map->data;
}

/* Asserts that @frame has the outputs of the next @n_steps steps of each stream. */
static void
check_frame (Rig *rig, Streams *streams, GstBuffer *frame, const Dims *dims, gsize n_steps,
    gsize n_streams, gboolean steps_first)
{
  const gfloat *found[N_KINDS];
  GstMapInfo maps[N_KINDS];

  for (guint k = 0; k < N_KINDS; k++)
    found[k] = check_tensor (frame, k, dims, &maps[k]);
  for (gsize s = 0; s < n_streams; s++)
    for (gsize t = 0; t < n_steps; t++) {
      const gsize i = steps_first ? t * n_streams + s : s * n_steps + t;
      gfloat values[N_KINDS][4 * N];

      run_step (rig, streams, s, streams->n_done + t, values);
      for (guint k = 0; k < N_KINDS; k++) {
        const gsize n = kinds[k].n_rows * N;

        g_assert_cmpmem (found[k] + i * n, n * sizeof (gfloat), values[k], n * sizeof (gfloat));
      }
    }
  for (guint k = 0; k < N_KINDS; k++)
    gst_buffer_unmap (find_tensor (frame, kinds[k].id)->data, &maps[k]);
}

#define READ_AS_STEPS                                                                          \
  "buffer: tensor: expected ?T, d?, or property axes*, found features ?*? float32, which is "  \
  "read as steps of one stream"

/* Dimensions of the input, and those of the output before its rows and size */
static const struct {
  const gchar *axes;
  Dims in, out;
  gsize n_steps, n_streams;
  gboolean steps_first;
  const gchar *warning; /* nullable */
} shapes[] = {
    {"auto", {1, {3}}, {1, {1}}, 1, 1, FALSE, NULL},
    {"auto", {2, {4, 3}}, {1, {4}}, 4, 1, FALSE, NULL},
    {"auto", {3, {1, 1, 3}}, {1, {1}}, 1, 1, FALSE, NULL},
    {"auto", {3, {2, 3, 1}}, {1, {2}}, 2, 1, FALSE, NULL},
    {"auto", {3, {2, 1, 3}}, {1, {2}}, 2, 1, FALSE, READ_AS_STEPS},
    {"auto", {3, {1, 2, 3}}, {1, {2}}, 2, 1, FALSE, READ_AS_STEPS},
    {"auto", {4, {1, 1, 2, 3}}, {1, {2}}, 2, 1, FALSE, READ_AS_STEPS},
    {"steps", {3, {2, 1, 3}}, {1, {2}}, 2, 1, FALSE, NULL},
    {"steps", {2, {4, 3}}, {1, {4}}, 4, 1, FALSE, NULL},
    {"streams", {1, {3}}, {1, {1}}, 1, 1, FALSE, NULL},
    {"streams", {2, {3, 3}}, {1, {3}}, 1, 3, FALSE, NULL},
    {"streams", {3, {2, 1, 3}}, {1, {2}}, 1, 2, FALSE, NULL},
    {"streams", {4, {1, 2, 3, 1}}, {1, {2}}, 1, 2, FALSE, NULL},
    {"steps-streams", {3, {4, 2, 3}}, {2, {4, 2}}, 4, 2, TRUE, NULL},
    {"steps-streams", {3, {1, 2, 3}}, {2, {1, 2}}, 1, 2, TRUE, NULL},
    {"steps-streams", {3, {2, 1, 3}}, {2, {2, 1}}, 2, 1, TRUE, NULL},
    {"steps-streams", {6, {1, 3, 1, 2, 3, 1}}, {2, {3, 2}}, 3, 2, TRUE, NULL},
    {"steps-streams", {1, {3}}, {2, {1, 1}}, 1, 1, TRUE, NULL},
    {"streams-steps", {3, {3, 4, 3}}, {2, {3, 4}}, 4, 3, FALSE, NULL},
    {"streams-steps", {3, {1, 2, 3}}, {2, {1, 2}}, 2, 1, FALSE, NULL},
    {"streams-steps", {3, {2, 1, 3}}, {2, {2, 1}}, 1, 2, FALSE, NULL},
};

static void
test_shapes (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (shapes); i++) {
    g_autofree gchar *properties = g_strdup_printf (
        "output-tensor-id=y emit=output+hidden+cell+gates axes=%s", shapes[i].axes);
    const gsize n_steps = shapes[i].n_steps;
    Streams streams = {0};
    Rig rig;

    g_test_message ("row %u", i);
    media_rig_begin (&rig, properties);
    for (; streams.n_done < 3 * n_steps; streams.n_done += n_steps) {
      GstBuffer *frame = make_frame (&rig, &shapes[i].in, n_steps, shapes[i].n_streams,
          shapes[i].steps_first, streams.n_done);

      g_assert_cmpint (gst_harness_push (rig.harness, frame), ==, GST_FLOW_OK);
      frame = gst_harness_pull (rig.harness);
      check_frame (&rig, &streams, frame, &shapes[i].out, n_steps, shapes[i].n_streams,
          shapes[i].steps_first);
      gst_buffer_unref (frame);
    }
    if (shapes[i].warning)
      assert_warning_posted (rig.bus, shapes[i].warning);
    g_assert_null (gst_bus_pop_filtered (rig.bus, GST_MESSAGE_WARNING));
    clear_streams (&streams);
    rig_clear (&rig);
  }
}

static const struct {
  const gchar *axes;
  Dims in;
  const gchar *error;
} refused[] = {
    {"auto", {3, {2, 2, 3}},
        "buffer: tensor: expected ?3? or ?T, 3?, or property axes to name steps and streams, "
        "found "
        "features ?2, 2, 3? float32"},
    {"steps", {3, {2, 2, 3}}, "*expected ?3? or ?T, 3?, found features ?2, 2, 3? float32"},
    {"streams", {3, {2, 2, 3}}, "*expected ?3? or ?bs, 3?, found features ?2, 2, 3? float32"},
    {"steps-streams", {2, {2, 3}},
        "*expected ?3? or ?T, bs, 3?, found features ?2, 3? float32"},
    {"steps-streams", {4, {1, 2, 1, 3}},
        "*expected ?3? or ?T, bs, 3?, found features ?1, 2, 1, 3?*"},
    {"streams-steps", {2, {2, 3}},
        "*expected ?3? or ?bs, T, 3?, found features ?2, 3? float32"},
    {"streams-steps", {4, {2, 2, 2, 3}}, "*or ?bs, T, 3?, found features ?2, 2, 2, 3? float32"},
    {"streams-steps", {3, {0, 2, 3}}, "*or ?bs, T, 3?, found features ?0, 2, 3? float32"},
};

static void
test_refused (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (refused); i++) {
    g_autofree gchar *properties = g_strdup_printf (
        "input-tensor-id=features axes=%s", refused[i].axes);
    Rig rig;

    g_test_message ("row %u", i);
    media_rig_begin (&rig, properties);
    g_assert_cmpint (
        gst_harness_push (rig.harness, make_frame (&rig, &refused[i].in, 4, 2, FALSE, 0)), ==,
        GST_FLOW_ERROR);
    assert_error_posted (rig.bus, refused[i].error);
    rig_clear (&rig);
  }
}

/* Without a tensor id, the error also names the property that could read the tensor. */
static void
test_refused_without_id (void)
{
  Rig rig;

  media_rig_begin (&rig, "");
  g_assert_cmpint (
      gst_harness_push (rig.harness, make_frame (&rig, &(Dims){3, {4, 2, 3}}, 4, 2, FALSE, 0)),
      ==, GST_FLOW_ERROR);
  assert_error_posted (rig.bus,
      "buffer: expected one tensor of ?3? or ?T, 3?, or property input-tensor-id to name "
      "another "
      "tensor, or property axes to name steps and streams, found features ?4, 2, 3? float32");
  rig_clear (&rig);
}

/* Another number of streams begins new sequences, like another number of streams in caps. */
static void
test_streams_change (void)
{
  static const struct {
    Dims in, out;
    gsize n_steps, n_streams;
    gboolean resets;
  } frames[] = {
      {{3, {2, 3, 3}}, {2, {2, 3}}, 3, 2, FALSE},
      {{3, {2, 1, 3}}, {2, {2, 1}}, 1, 2, FALSE},
      {{3, {3, 2, 3}}, {2, {3, 2}}, 2, 3, TRUE},
      {{3, {1, 2, 3}}, {2, {1, 2}}, 2, 1, TRUE},
  };
  guint n_resets = 0;
  Streams streams = {0};
  Rig rig;

  media_rig_begin (&rig, "output-tensor-id=y emit=output+hidden+cell+gates axes=streams-steps");
  for (guint i = 0; i < G_N_ELEMENTS (frames); i++) {
    GstBuffer *frame = make_frame (
        &rig, &frames[i].in, frames[i].n_steps, frames[i].n_streams, FALSE, streams.n_done);

    if (frames[i].resets) {
      clear_streams (&streams);
      n_resets++;
    }
    g_assert_cmpint (gst_harness_push (rig.harness, frame), ==, GST_FLOW_OK);
    frame = gst_harness_pull (rig.harness);
    check_frame (
        &rig, &streams, frame, &frames[i].out, frames[i].n_steps, frames[i].n_streams, FALSE);
    streams.n_done += frames[i].n_steps;
    g_assert_cmpuint (rig_get_stat (&rig, "resets"), ==, n_resets);
    gst_buffer_unref (frame);
  }
  clear_streams (&streams);
  rig_clear (&rig);
}

/* Returns: (transfer full): the output of the window of @length steps from @first of @stream */
static gfloat *
run_window (Rig *rig, gsize stream, gsize first, gsize length)
{
  gfloat *y = g_new (gfloat, length * N);
  LstmState *state = lstm_state_new (lstm_state_get_model (rig->state), 1, NULL);

  lstm_state_run (state, length, get_step (rig, stream, first), y);
  lstm_state_unref (state);
  memmove (y, y + (length - 1) * N, N * sizeof *y);
  return y;
}

/* A buffer may complete several windows of each stream. */
static void
test_windows (void)
{
  static const struct {
    const gchar *axes;
    Dims in, out;
    gboolean steps_first;
  } cases[] = {
      {"steps-streams", {3, {7, 2, 3}}, {2, {3, 2}}, TRUE},
      {"streams-steps", {3, {2, 7, 3}}, {2, {2, 3}}, FALSE},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree gchar *properties = g_strdup_printf (
        "output-mode=window window-length=3 window-hop=2 output-tensor-id=y axes=%s",
        cases[i].axes);
    GstBuffer *frame;
    const gfloat *found;
    GstMapInfo map;
    Rig rig;

    media_rig_begin (&rig, properties);
    g_assert_cmpint (gst_harness_push (rig.harness,
                         make_frame (&rig, &cases[i].in, 7, 2, cases[i].steps_first, 0)),
        ==, GST_FLOW_OK);
    frame = gst_harness_pull (rig.harness);
    found = check_tensor (frame, 0, &cases[i].out, &map);
    for (gsize s = 0; s < 2; s++)
      for (gsize w = 0; w < 3; w++) {
        g_autofree gfloat *y = run_window (&rig, s, 2 * w, 3);

        g_assert_cmpmem (found + (cases[i].steps_first ? w * 2 + s : s * 3 + w) * N,
            N * sizeof *y, y, N * sizeof *y);
      }
    gst_buffer_unmap (find_tensor (frame, "y")->data, &map);
    gst_buffer_unref (frame);
    rig_clear (&rig);
  }
}

/* The message has the last output of each stream. */
static void
test_final (void)
{
  g_autoptr (GstMessage) message = NULL;
  const GValue *values;
  Rig rig;

  media_rig_begin (&rig, "output-mode=final axes=steps-streams");
  g_assert_cmpint (
      gst_harness_push (rig.harness, make_frame (&rig, &(Dims){3, {4, 2, 3}}, 4, 2, TRUE, 0)),
      ==, GST_FLOW_OK);
  rig_push_eos (&rig);
  message = gst_bus_pop_filtered (rig.bus, GST_MESSAGE_ELEMENT);
  values = gst_structure_get_value (gst_message_get_structure (message), "output");
  g_assert_cmpuint (gst_value_array_get_size (values), ==, 2 * N);
  for (guint i = 0; i < 2 * N; i++) {
    g_autofree gfloat *y = run_window (&rig, i / N, 0, 4);

    g_assert_cmpfloat (g_value_get_float (gst_value_array_get_value (values, i)), ==, y[i % N]);
  }
  rig_clear (&rig);
}

/* A saved state of several streams continues, although the caps do not state the streams. */
static void
test_saved_state (void)
{
  static const Dims in = {2, {3, 3}}, out = {1, {3}};
  gchar *dir = test_dir_new ();
  g_autofree gchar *properties = g_strdup_printf (
      "output-tensor-id=y emit=output+hidden+cell+gates axes=streams state-location=%s/state",
      dir);
  Streams streams = {0};

  for (; streams.n_done < 3; streams.n_done++) {
    GstBuffer *frame;
    Rig rig;

    media_rig_begin (&rig, properties);
    frame = make_frame (&rig, &in, 1, 3, FALSE, streams.n_done);
    g_assert_cmpint (gst_harness_push (rig.harness, frame), ==, GST_FLOW_OK);
    frame = gst_harness_pull (rig.harness);
    check_frame (&rig, &streams, frame, &out, 1, 3, FALSE);
    gst_buffer_unref (frame);
    rig_push_eos (&rig);
    rig_clear (&rig);
  }
  clear_streams (&streams);
  test_dir_remove (dir);
}

int
main (int argc, char **argv)
{
  static const TestRow tests[] = {
      {"/lstm-media-axes/shapes", test_shapes},
      {"/lstm-media-axes/refused", test_refused},
      {"/lstm-media-axes/refused-without-id", test_refused_without_id},
      {"/lstm-media-axes/streams-change", test_streams_change},
      {"/lstm-media-axes/windows", test_windows},
      {"/lstm-media-axes/final", test_final},
      {"/lstm-media-axes/saved-state", test_saved_state},
  };

  return test_main (argc, argv, tests, G_N_ELEMENTS (tests));
}
