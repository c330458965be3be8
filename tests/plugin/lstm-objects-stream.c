/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * per-object=true: events, resets, shared buffers, frames of many objects, and the element
 * ioutracker. */
#include "objects-rig.h"
#include <math.h>
#include <string.h>

#define MANY 300

static const ObjectSpec one = {.id = 4, .box = {10, 20, 30, 40}, .x = {1, -1, 0.5f, 2}};

/* Runs a step of @one with liblstm, and asserts that @frame has the same output. */
static void
assert_output (GstBuffer *frame, LstmState *state)
{
  gfloat expected[OBJECT_N], values[OBJECT_N];

  lstm_state_run (state, 1, one.x, expected);
  g_assert_cmpuint (objects_read_output (frame, 0, "lstm-output", values), ==, OBJECT_N);
  g_assert_cmpmem (values, sizeof values, expected, sizeof expected);
}

/* Pushes a frame with the object, and asserts that the output is that of the next step of
 * @state. */
static void
push_and_assert (ObjectsRig *rig, GstClockTime pts, LstmState *state)
{
  GstBuffer *out = objects_rig_push (
      rig, objects_frame_new (rig, pts, &one, 1, OBJECT_OWN_TENSORS));

  assert_output (out, state);
  gst_buffer_unref (out);
}

static void
push_segment (ObjectsRig *rig, GstClockTime start, GstClockTime base)
{
  GstSegment segment;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  segment.start = segment.time = start;
  segment.base = base;
  gst_harness_push_event (rig->harness, gst_event_new_segment (&segment));
}

/* --- Resets --- */

static void
push_flush (ObjectsRig *rig)
{
  gst_harness_push_event (rig->harness, gst_event_new_flush_start ());
  gst_harness_push_event (rig->harness, gst_event_new_flush_stop (TRUE));
  push_segment (rig, 0, 0);
}

static void
push_new_segment (ObjectsRig *rig)
{
  rig->base = 2 * OBJECT_FRAME;
  push_segment (rig, 0, rig->base);
}

static void
push_same_segment (ObjectsRig *rig)
{
  push_segment (rig, 0, 0);
}

static void
push_eos_and_stream_start (ObjectsRig *rig)
{
  gst_harness_push_event (rig->harness, gst_event_new_eos ());
  objects_rig_begin_stream (rig, OBJECT_VIDEO);
}

static void
push_caps (ObjectsRig *rig)
{
  g_autoptr (GstCaps) caps = gst_caps_from_string ("video/x-raw,format=RGB,width=8,height=8");

  gst_harness_push_event (rig->harness, gst_event_new_caps (caps));
}

static void
emit_reset (ObjectsRig *rig)
{
  g_signal_emit_by_name (rig->lstm, "reset");
}

static void
push_gap (ObjectsRig *rig)
{
  gst_harness_push_event (rig->harness, gst_event_new_gap (2 * OBJECT_FRAME, 2 * OBJECT_FRAME));
}

static void
push_long_gap (ObjectsRig *rig)
{
  gst_harness_push_event (rig->harness, gst_event_new_gap (2 * OBJECT_FRAME, 2 * GST_SECOND));
}

static void
push_empty_frame (ObjectsRig *rig)
{
  objects_rig_push_specs (rig, 2 * OBJECT_FRAME, NULL, 0, OBJECT_NO_TENSORS);
}

static void
push_nan (ObjectsRig *rig)
{
  ObjectSpec spec = one;

  spec.x[3] = NAN;
  objects_rig_push_specs (rig, 2 * OBJECT_FRAME, &spec, 1, OBJECT_OWN_TENSORS);
  assert_warning_posted (
      rig->bus, "object 4: expected finite h and c, found NaN*they were reset");
}

static void
push_discont (ObjectsRig *rig)
{
  GstBuffer *frame = objects_frame_new (rig, 2 * OBJECT_FRAME, NULL, 0, OBJECT_NO_TENSORS);

  GST_BUFFER_FLAG_SET (frame, GST_BUFFER_FLAG_DISCONT);
  gst_buffer_unref (objects_rig_push (rig, frame));
}

/* Two steps, an action, and a step. */
static const struct {
  const gchar *properties;
  void (*act) (ObjectsRig *rig);
  gboolean resets;
  guint zeros;   /* steps of zeros that the action adds */
  guint n_steps; /* expected statistics after the last step */
  guint n_resets, n_gaps;
} actions[] = {
    {"", push_flush, TRUE, 0, 3, 1, 0},
    {"stateful=true", push_flush, TRUE, 0, 3, 1, 0},
    {"", push_new_segment, TRUE, 0, 3, 1, 0},
    {"stateful=true", push_new_segment, FALSE, 0, 3, 0, 0},
    {"", push_same_segment, FALSE, 0, 3, 0, 0},
    {"", push_eos_and_stream_start, TRUE, 0, 3, 1, 0},
    {"stateful=true", push_eos_and_stream_start, FALSE, 0, 3, 0, 0},
    {"", push_caps, FALSE, 0, 3, 0, 0},
    {"", emit_reset, TRUE, 0, 3, 1, 0},
    {"", push_gap, FALSE, 0, 3, 0, 2},
    {"gap-policy=zero-step", push_gap, FALSE, 2, 5, 0, 2},
    {"reset-on=gap", push_gap, TRUE, 0, 3, 1, 2},
    {"reset-on=gap gap-policy=zero-step", push_gap, TRUE, 1, 5, 2, 2},
    {"gap-policy=zero-step", push_long_gap, TRUE, 0, 33, 0, 30},
    {"gap-policy=zero-step object-timeout=5000000000", push_long_gap, FALSE, 60, 63, 0, 60},
    {"gap-policy=zero-step", push_empty_frame, FALSE, 1, 4, 0, 1},
    {"", push_empty_frame, FALSE, 0, 3, 0, 1},
    {"", push_discont, FALSE, 0, 3, 0, 1},
    {"reset-on=discont", push_discont, TRUE, 0, 3, 1, 0},
    {"reset-on=nan", push_nan, TRUE, 0, 4, 1, 0},
};

static void
test_actions (void)
{
  const gfloat zeros[OBJECT_D] = {0};
  gfloat output[OBJECT_N];

  for (guint i = 0; i < G_N_ELEMENTS (actions); i++) {
    g_autoptr (LstmState) state = NULL;
    ObjectsRig rig;

    g_test_message ("row %u: %s", i, actions[i].properties);
    objects_rig_init (&rig, actions[i].properties);
    state = lstm_state_new (rig.model, 1, NULL);
    push_and_assert (&rig, 0, state);
    push_and_assert (&rig, OBJECT_FRAME, state);
    actions[i].act (&rig);
    if (actions[i].resets)
      lstm_state_reset (state);
    for (guint k = 0; k < actions[i].zeros; k++)
      lstm_state_run (state, 1, zeros, output);
    push_and_assert (
        &rig, 4 * OBJECT_FRAME + (actions[i].act == push_long_gap ? 2 * GST_SECOND : 0), state);
    g_assert_cmpuint (objects_rig_get_stat (&rig, "steps"), ==, actions[i].n_steps);
    g_assert_cmpuint (objects_rig_get_stat (&rig, "resets"), ==, actions[i].n_resets);
    g_assert_cmpuint (objects_rig_get_stat (&rig, "gaps"), ==, actions[i].n_gaps);
    objects_rig_clear (&rig);
  }
}

/* With reset-on=nan a step after NaN is the first step of the object. */
static void
test_steps_after_nan (void)
{
  GstMessage *final;
  guint64 n_steps;
  ObjectsRig rig;

  objects_rig_init (&rig, "output-mode=final reset-on=nan");
  objects_rig_push_specs (&rig, 0, &one, 1, OBJECT_OWN_TENSORS);
  push_nan (&rig);
  objects_rig_push_specs (&rig, 3 * OBJECT_FRAME, &one, 1, OBJECT_OWN_TENSORS);
  gst_harness_push_event (rig.harness, gst_event_new_eos ());
  final = objects_rig_pop_final (&rig);
  g_assert_true (
      gst_structure_get_uint64 (gst_message_get_structure (final), "steps", &n_steps));
  g_assert_cmpuint (n_steps, ==, 1);
  gst_message_unref (final);
  objects_rig_clear (&rig);
}

/* --- Times --- */

/* Trackers write the running time of the frame, or its PTS. */
static void
test_last_seen (void)
{
  static const struct {
    GstClockTime start, base, pts, unseen_for;
    gboolean is_seen;
  } cases[] = {
      {0, 0, 5000, 0, TRUE},
      {0, 7000, 5000, 0, TRUE},    /* running time */
      {0, 7000, 5000, 7000, TRUE}, /* PTS */
      {0, 7000, 5000, 6999, FALSE},
      {4000, 0, 5000, 0, TRUE},
      {4000, 9000, 5000, 9000 - 4000, TRUE},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    ObjectSpec spec = one;
    ObjectsRig rig;

    objects_rig_init (&rig, "");
    push_segment (&rig, cases[i].start, cases[i].base);
    rig.base = cases[i].base - cases[i].start;
    spec.unseen_for = cases[i].unseen_for;
    objects_rig_push_specs (&rig, cases[i].pts, &spec, 1, OBJECT_OWN_TENSORS);
    g_assert_cmpuint (objects_rig_get_stat (&rig, "steps"), ==, cases[i].is_seen);
    if (!cases[i].is_seen)
      assert_warning_posted (rig.bus, "buffer: object 4: expected tracking data *");
    objects_rig_clear (&rig);
  }
}

/* The running time of a new stream is less than that of the previous one. An object that stays,
 * because the element is stateful, is forgotten object-timeout after the beginning of the new
 * stream. */
static void
test_earlier_running_time (void)
{
  for (guint n_absent = 3; n_absent <= 4; n_absent++) {
    g_autoptr (LstmState) state = NULL;
    g_autofree gchar *properties = g_strdup_printf (
        "stateful=true object-timeout=%" G_GUINT64_FORMAT, (guint64) (3 * OBJECT_FRAME));
    ObjectsRig rig;

    objects_rig_init (&rig, properties);
    push_segment (&rig, 0, 100 * GST_SECOND);
    rig.base = 100 * GST_SECOND;
    state = lstm_state_new (rig.model, 1, NULL);
    push_and_assert (&rig, 0, state);
    gst_harness_push_event (rig.harness, gst_event_new_eos ());
    rig.base = 0;
    objects_rig_begin_stream (&rig, OBJECT_VIDEO);
    for (guint i = 0; i < n_absent; i++)
      objects_rig_push_specs (&rig, i * OBJECT_FRAME, NULL, 0, OBJECT_NO_TENSORS);
    if (n_absent > 3)
      lstm_state_reset (state);
    push_and_assert (&rig, n_absent * OBJECT_FRAME, state);
    objects_rig_clear (&rig);
  }
}

/* A frame outside of the segment passes, and runs nothing. */
static void
test_outside_segment (void)
{
  ObjectsRig rig;

  objects_rig_init (&rig, "");
  push_segment (&rig, GST_SECOND, 0);
  rig.base = -GST_SECOND;
  objects_rig_push_specs (&rig, 0, &one, 1, OBJECT_OWN_TENSORS);
  g_assert_cmpuint (objects_rig_get_stat (&rig, "steps"), ==, 0);
  objects_rig_push_specs (&rig, GST_SECOND, &one, 1, OBJECT_OWN_TENSORS);
  g_assert_cmpuint (objects_rig_get_stat (&rig, "steps"), ==, 1);
  objects_rig_clear (&rig);
}

/* --- Buffers --- */

static guint
count_mtds (GstBuffer *frame)
{
  return (guint) gst_analytics_relation_get_length (
      gst_buffer_get_analytics_relation_meta (frame));
}

/* A buffer that another element still uses does not change. */
static void
test_shared_buffer (void)
{
  g_autoptr (LstmState) state = NULL;
  GstBuffer *frame, *out;
  ObjectsRig rig;

  objects_rig_init (&rig, "");
  state = lstm_state_new (rig.model, 1, NULL);
  frame = objects_frame_new (&rig, 0, &one, 1, OBJECT_OWN_TENSORS);
  out = objects_rig_push (&rig, gst_buffer_ref (frame));
  g_assert_true (out != frame);
  g_assert_cmpuint (count_mtds (frame), ==, 3);
  g_assert_cmpuint (count_mtds (out), ==, 4);
  g_assert_true (gst_buffer_peek_memory (out, 0) == gst_buffer_peek_memory (frame, 0));
  assert_output (out, state);
  gst_buffer_unref (frame);
  gst_buffer_unref (out);
  frame = objects_frame_new (&rig, OBJECT_FRAME, &one, 1, OBJECT_OWN_TENSORS);
  out = objects_rig_push (&rig, frame);
  g_assert_true (out == frame);
  assert_output (out, state);
  gst_buffer_unref (out);
  objects_rig_clear (&rig);
}

/* The output of many objects does not fit into a relation meta of the default size. The detections,
 * the tracking data and the relations stay. */
static void
test_many_objects (void)
{
  g_autofree ObjectSpec *specs = g_new0 (ObjectSpec, MANY);
  g_autoptr (LstmState) state = NULL;
  gfloat x[MANY * OBJECT_D], expected[MANY * OBJECT_N], values[OBJECT_N];
  GstBuffer *out;
  ObjectsRig rig;

  objects_rig_init (&rig, "");
  state = lstm_state_new (rig.model, MANY, NULL);
  for (guint i = 0; i < MANY; i++) {
    specs[i] = one;
    specs[i].id = 1000 - i;
    specs[i].x[0] = (gfloat) i / MANY;
    memcpy (x + i * OBJECT_D, specs[i].x, sizeof specs[i].x);
  }
  for (guint f = 0; f < 3; f++) {
    out = objects_rig_push (
        &rig, objects_frame_new (&rig, f * OBJECT_FRAME, specs, MANY, OBJECT_ROWS));
    lstm_state_run (state, 1, x, expected);
    g_assert_cmpuint (count_mtds (out), ==, 3 * MANY);
    g_assert_nonnull (gst_buffer_get_tensor_meta (out));
    g_assert_cmpuint (gst_buffer_get_size (out), ==, 4);
    g_assert_cmpuint (GST_BUFFER_PTS (out), ==, f * OBJECT_FRAME);
    for (guint i = 0; i < MANY; i++) {
      g_assert_cmpuint (objects_read_output (out, i, "lstm-output", values), ==, OBJECT_N);
      g_assert_cmpmem (values, sizeof values, expected + i * OBJECT_N, sizeof values);
      g_assert_cmpuint (objects_read_id (out, i), ==, specs[i].id);
    }
    gst_buffer_unref (out);
  }
  objects_rig_clear (&rig);
}

/* --- ioutracker --- */

#define WALKERS 6
#define WALK_FRAMES 60

typedef struct {
  gint x, y, dx, dy;
  gboolean is_absent;
} Walker;

static void
walk (Walker *walker, GRand *rand)
{
  walker->x += walker->dx;
  walker->y += walker->dy;
  if (walker->x < 0 || walker->x > OBJECT_WIDTH - 40)
    walker->dx = -walker->dx;
  if (walker->y < 0 || walker->y > OBJECT_HEIGHT - 60)
    walker->dy = -walker->dy;
  if (g_rand_int_range (rand, 0, walker->is_absent ? 3 : 12) == 0)
    walker->is_absent = !walker->is_absent;
}

/* The memory of each object that ioutracker has numbered, by its id */
typedef struct {
  LstmState *state;
  gfloat box[4];
} Tracked;

static void
free_tracked (gpointer data)
{
  Tracked *tracked = data;

  lstm_state_unref (tracked->state);
  g_free (tracked);
}

/* Runs a step of object @id with its box at @walker alone, and compares. */
static void
assert_walker (GHashTable *objects, LstmModel *model, guint64 id, const Walker *walker,
    const gfloat *output)
{
  const gfloat box[] = {(gfloat) walker->x / OBJECT_WIDTH, (gfloat) walker->y / OBJECT_HEIGHT,
      40.f / OBJECT_WIDTH, 60.f / OBJECT_HEIGHT};
  Tracked *tracked = g_hash_table_lookup (objects, &id);
  const gboolean is_new = !tracked;
  gfloat x[OBJECT_D], expected[OBJECT_N];

  if (is_new) {
    tracked = g_new0 (Tracked, 1);
    tracked->state = lstm_state_new (model, 1, NULL);
    g_hash_table_insert (objects, g_memdup2 (&id, sizeof id), tracked);
  }
  for (guint i = 0; i < 4; i++) {
    x[i] = box[i];
    x[4 + i] = is_new ? 0 : box[i] - tracked->box[i];
    tracked->box[i] = box[i];
  }
  lstm_state_run (tracked->state, 1, x, expected);
  g_assert_cmpmem (output, sizeof expected, expected, sizeof expected);
}

static void
test_ioutracker (void)
{
  g_autoptr (GHashTable)
      objects = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, free_tracked);
  g_autoptr (GstElement) tracker = gst_element_factory_make ("ioutracker", NULL);
  GRand *rand = g_rand_new_with_seed (3);
  Walker walkers[WALKERS];
  guint n_steps = 0;
  ObjectsRig rig;

  if (!tracker) {
    g_test_skip ("expected element ioutracker, found none");
    g_rand_free (rand);
    return;
  }
  gst_object_ref_sink (tracker);
  objects_rig_create (&rig, "object-features=box");
  rig.base = GST_SECOND; /* ioutracker writes running times, which are no PTS here */
  objects_rig_start_after (&rig, tracker);
  for (guint i = 0; i < WALKERS; i++)
    walkers[i] = (Walker){
        .x = (gint) i * 45, .y = (gint) i * 25, .dx = (gint) i % 3 - 1, .dy = 2};
  for (guint f = 0; f < WALK_FRAMES; f++) {
    ObjectSpec specs[WALKERS];
    guint present[WALKERS], n = 0;
    GstBuffer *out;

    for (guint i = 0; i < WALKERS; i++) {
      walk (&walkers[i], rand);
      if (walkers[i].is_absent)
        continue;
      specs[n] = (ObjectSpec){.box = {walkers[i].x, walkers[i].y, 40, 60}, .untracked = TRUE};
      present[n++] = i;
    }
    out = objects_rig_push (
        &rig, objects_frame_new (&rig, f * OBJECT_FRAME, specs, n, OBJECT_NO_TENSORS));
    for (guint k = 0; k < n; k++) {
      gfloat output[OBJECT_N];

      g_assert_cmpuint (objects_read_output (out, k, "lstm-output", output), ==, OBJECT_N);
      assert_walker (
          objects, rig.model, objects_read_id (out, k), &walkers[present[k]], output);
    }
    n_steps += n;
    gst_buffer_unref (out);
  }
  g_assert_cmpuint (objects_rig_get_stat (&rig, "steps"), ==, n_steps);
  g_assert_cmpuint (objects_rig_get_stat (&rig, "gaps"), >, 0);
  g_assert_cmpuint (g_hash_table_size (objects), >, WALKERS);
  objects_rig_clear (&rig);
  g_rand_free (rand);
}

int
main (int argc, char **argv)
{
  static const TestRow tests[] = {
      {"/lstm-objects-stream/actions", test_actions},
      {"/lstm-objects-stream/steps-after-nan", test_steps_after_nan},
      {"/lstm-objects-stream/last-seen", test_last_seen},
      {"/lstm-objects-stream/earlier-running-time", test_earlier_running_time},
      {"/lstm-objects-stream/outside-segment", test_outside_segment},
      {"/lstm-objects-stream/shared-buffer", test_shared_buffer},
      {"/lstm-objects-stream/many-objects", test_many_objects},
      {"/lstm-objects-stream/ioutracker", test_ioutracker},
  };

  return test_main (argc, argv, tests, G_N_ELEMENTS (tests));
}
