/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * per-object=true: random objects that come, go and return. Each output is, to the bit, that of
 * liblstm for the object alone. */
#include "objects-rig.h"
#include <string.h>

#define N_IDS 40
#define N_FRAMES 120
#define MAX_VALUES (4 * OBJECT_M)
#define TIMEOUT (6 * OBJECT_FRAME)

/* --- The objects, each run alone --- */

typedef struct {
  LstmState *state;   /* nullable: the object is not known */
  LstmWindow *window; /* nullable */
  GstClockTime last_seen;
  gboolean has_box, has_final;
  gfloat box[4];
  guint64 n_steps;
  gfloat outputs[4][MAX_VALUES]; /* of the last step: output, hidden, cell, gates */
  gboolean has_output;           /* of the last step */
} Object;

typedef struct {
  const gchar *properties;
  const gchar *mode;     /* sequence, final or window */
  guint length, hop;     /* of windows */
  guint n_tensors;       /* output, hidden, cell, gates */
  ObjectTensors tensors; /* OBJECT_NO_TENSORS: boxes */
  gboolean zero_steps, resets_on_gap, stateful;
} Case;

static const Case cases[] = {
    {"", "sequence", .n_tensors = 1, .tensors = OBJECT_OWN_TENSORS},
    {"", "sequence", .n_tensors = 1, .tensors = OBJECT_ROWS},
    {"", "sequence", .n_tensors = 1, .tensors = OBJECT_ROWS_MTD},
    {"object-features=box", "sequence", .n_tensors = 1},
    {"emit=output+hidden+cell+gates", "sequence", .n_tensors = 4,
        .tensors = OBJECT_OWN_TENSORS},
    {"gap-policy=zero-step", "sequence", .n_tensors = 1, .tensors = OBJECT_ROWS,
        .zero_steps = TRUE},
    {"gap-policy=zero-step object-features=box", "sequence", .n_tensors = 1,
        .zero_steps = TRUE},
    {"reset-on=gap", "sequence", .n_tensors = 1, .tensors = OBJECT_OWN_TENSORS,
        .resets_on_gap = TRUE},
    {"reset-on=gap gap-policy=zero-step object-features=box", "sequence", .n_tensors = 1,
        .zero_steps = TRUE, .resets_on_gap = TRUE},
    {"stateful=true input-tensor-id=rows", "sequence", .n_tensors = 1, .tensors = OBJECT_ROWS,
        .stateful = TRUE},
    {"", "final", .n_tensors = 1, .tensors = OBJECT_OWN_TENSORS},
    {"gap-policy=zero-step", "final", .n_tensors = 1, .tensors = OBJECT_ROWS,
        .zero_steps = TRUE},
    {"stateful=true object-features=box", "final", .n_tensors = 1, .stateful = TRUE},
    {"reset-on=gap", "final", .n_tensors = 1, .tensors = OBJECT_ROWS, .resets_on_gap = TRUE},
    {"", "window", 5, 1, .n_tensors = 1, .tensors = OBJECT_OWN_TENSORS},
    {"", "window", 4, 3, .n_tensors = 1, .tensors = OBJECT_ROWS},
    {"object-features=box", "window", 3, 5, .n_tensors = 1},
    {"gap-policy=zero-step", "window", 5, 2, .n_tensors = 1, .tensors = OBJECT_OWN_TENSORS,
        .zero_steps = TRUE},
    {"reset-on=gap input-tensor-id=features", "window", 3, 1, .n_tensors = 1,
        .tensors = OBJECT_OWN_TENSORS, .resets_on_gap = TRUE},
};

static void
forget (Object *object)
{
  g_clear_pointer (&object->state, lstm_state_unref);
  g_clear_pointer (&object->window, lstm_window_unref);
  *object = (Object){0};
}

static gboolean
is_known (const Object *object)
{
  return object->state || object->window;
}

static void
begin (Object *object, LstmModel *model, const Case *c)
{
  if (g_str_equal (c->mode, "window"))
    object->window = lstm_window_new (model, 1, c->length, c->hop, NULL);
  else
    object->state = lstm_state_new (model, 1, NULL);
}

static void
reset (Object *object)
{
  if (object->window)
    lstm_window_reset (object->window);
  else
    lstm_state_reset (object->state);
  object->n_steps = 0;
  object->has_box = object->has_final = FALSE;
}

static void
step (Object *object, const gfloat *x)
{
  const LstmRun run = {
      .size = sizeof run,
      .steps = 1,
      .input = x,
      .output = object->outputs[0],
      .hidden = object->outputs[1],
      .cell = object->outputs[2],
      .gates = object->outputs[3],
  };

  object->has_output = TRUE;
  if (object->window)
    object->has_output = lstm_window_run (object->window, 1, x, object->outputs[0]) > 0;
  else
    lstm_state_run_full (object->state, &run);
  object->n_steps++;
  object->has_final = TRUE;
}

/* Writes the eight values of a box: fractions of the picture, and their change. */
static void
make_box_features (Object *object, const gint box[4], gfloat *x)
{
  const gfloat size[] = {OBJECT_WIDTH, OBJECT_HEIGHT, OBJECT_WIDTH, OBJECT_HEIGHT};

  for (guint i = 0; i < 4; i++) {
    x[i] = (gfloat) box[i] / size[i];
    x[4 + i] = object->has_box ? x[i] - object->box[i] : 0;
    object->box[i] = x[i];
  }
  object->has_box = TRUE;
}

/* --- Frames --- */

typedef struct {
  ObjectsRig rig;
  const Case *c;
  GRand *rand;
  Object objects[N_IDS];
  gboolean present[N_IDS];
  ObjectSpec specs[3 * N_IDS];
  guint n_specs;
  guint64 n_steps, n_outputs, n_gaps; /* expected statistics */
} Run;

static guint64
get_id (guint i)
{
  return i % 2 ? i : G_MAXUINT64 - i; /* also ids that do not fit in 32 bits */
}

/* Makes the detections of a frame: each object stays or is absent for some frames. Some detections
 * are not tracked, and some tracking data are lost or old. */
static void
make_specs (Run *run)
{
  GRand *rand = run->rand;

  run->n_specs = 0;
  for (guint i = 0; i < N_IDS; i++) {
    const guint kind = (guint) g_rand_int_range (rand, 0, 12);
    ObjectSpec *spec;

    if (g_rand_int_range (rand, 0, run->present[i] ? 8 : 6) == 0)
      run->present[i] = !run->present[i];
    if (!run->present[i] && kind > 2)
      continue;
    spec = &run->specs[run->n_specs++];
    *spec = (ObjectSpec){.id = get_id (i), .from_track = g_rand_boolean (rand)};
    for (guint k = 0; k < 4; k++)
      spec->box[k] = g_rand_int_range (rand, -20, 300);
    for (guint k = 0; k < OBJECT_D; k++)
      spec->x[k] = (gfloat) g_rand_double_range (rand, -2, 2);
    if (run->present[i])
      continue;
    spec->untracked = kind == 0;
    spec->lost = kind == 1;
    spec->unseen_for = kind == 2 ? 2 * OBJECT_FRAME : 0;
  }
  for (guint i = run->n_specs; i-- > 1;) {
    const guint k = (guint) g_rand_int_range (rand, 0, (gint32) i + 1);
    const ObjectSpec spec = run->specs[i];

    run->specs[i] = run->specs[k];
    run->specs[k] = spec;
  }
}

/* Asserts that the next message is that of object @i. */
static void
assert_final (Run *run, guint i)
{
  const Object *object = &run->objects[i];
  g_autoptr (GstMessage) final = objects_rig_pop_final (&run->rig);
  const GstStructure *s = final ? gst_message_get_structure (final) : NULL;
  gfloat values[MAX_VALUES];
  guint64 id, steps;

  g_assert_nonnull (final);
  g_assert_true (gst_structure_get_uint64 (s, "object", &id));
  g_assert_true (gst_structure_get_uint64 (s, "steps", &steps));
  g_assert_cmpuint (id, ==, get_id (i));
  g_assert_cmpuint (steps, ==, object->n_steps);
  g_assert_cmpuint (objects_read_final (final, "output", values), ==, OBJECT_N);
  g_assert_cmpmem (
      values, sizeof (gfloat[OBJECT_N]), object->outputs[0], sizeof (gfloat[OBJECT_N]));
}

/* Returns the index of the object whose id is the @k-th in the order of the ids. */
static guint
get_index_in_order (guint k)
{
  return k < N_IDS / 2 ? 2 * k + 1 : 2 * (N_IDS - 1 - k);
}

/* Expects the messages of all objects that @forgets selects, and forgets them. */
static void
expect_finals (Run *run, gboolean all, GstClockTime now)
{
  const gboolean final = g_str_equal (run->c->mode, "final");

  for (guint k = 0; k < N_IDS; k++) {
    const guint i = get_index_in_order (k);
    Object *object = &run->objects[i];

    if (!is_known (object) || !(all || now - object->last_seen > TIMEOUT))
      continue;
    if (final && object->has_final)
      assert_final (run, i);
    object->has_final = FALSE;
    if (!all || !run->c->stateful)
      forget (object);
  }
}

/* Runs a step of each object of the frame alone. */
static void
expect_steps (Run *run, GstClockTime now)
{
  gboolean seen[N_IDS] = {FALSE};

  for (guint k = 0; k < run->n_specs; k++) {
    const ObjectSpec *spec = &run->specs[k];
    const guint i = (guint) (spec->id < N_IDS ? spec->id : G_MAXUINT64 - spec->id);
    Object *object = &run->objects[i];
    gfloat box[OBJECT_D];

    if (spec->untracked || spec->lost || spec->unseen_for)
      continue;
    seen[i] = TRUE;
    if (!is_known (object))
      begin (object, run->rig.model, run->c);
    object->last_seen = now;
    if (run->c->tensors == OBJECT_NO_TENSORS)
      make_box_features (object, spec->box, box);
    step (object, run->c->tensors == OBJECT_NO_TENSORS ? box : spec->x);
    run->n_steps++;
    run->n_outputs += object->has_output && !g_str_equal (run->c->mode, "final");
  }
  for (guint i = 0; i < N_IDS; i++) {
    const gfloat zeros[OBJECT_D] = {0};
    Object *object = &run->objects[i];

    if (seen[i] || !is_known (object))
      continue;
    run->n_gaps++;
    if (run->c->resets_on_gap)
      reset (object);
    if (run->c->zero_steps)
      step (object, zeros);
    run->n_steps += run->c->zero_steps;
  }
}

/* Asserts that the objects of @buffer have the expected outputs, and no other detection has one. */
static void
assert_outputs (Run *run, GstBuffer *buffer)
{
  static const gchar *const ids[] = {
      "lstm-output", "lstm-output-hidden", "lstm-output-cell", "lstm-output-gates"};
  static const gsize sizes[] = {OBJECT_N, OBJECT_M, OBJECT_M, 4 * OBJECT_M};
  const gboolean final = g_str_equal (run->c->mode, "final");

  for (guint k = 0; k < run->n_specs; k++) {
    const ObjectSpec *spec = &run->specs[k];
    const Object *object = &run->objects[spec->id < N_IDS ? spec->id : G_MAXUINT64 - spec->id];
    const gboolean expected = !final && !spec->untracked && !spec->lost && !spec->unseen_for
                              && object->has_output;

    for (guint t = 0; t < G_N_ELEMENTS (ids); t++) {
      gfloat values[MAX_VALUES];
      const gsize n = objects_read_output (buffer, k, ids[t], values);

      g_assert_cmpuint (n, ==, expected && t < run->c->n_tensors ? sizes[t] : 0);
      g_assert_cmpmem (values, n * sizeof (gfloat), object->outputs[t], n * sizeof (gfloat));
    }
  }
}

/* Pushes frames at running times from @base on. */
static void
push_frames (Run *run, GstClockTime base)
{
  for (guint f = 0; f < N_FRAMES; f++) {
    const GstClockTime pts = f * OBJECT_FRAME;
    GstBuffer *out;

    make_specs (run);
    out = objects_rig_push (&run->rig,
        objects_frame_new (&run->rig, pts, run->specs, run->n_specs, run->c->tensors));
    expect_finals (run, FALSE, base + pts);
    expect_steps (run, base + pts);
    assert_outputs (run, out);
    g_assert_null (objects_rig_pop_final (&run->rig));
    gst_buffer_unref (out);
  }
}

static void
discard_warnings (ObjectsRig *rig)
{
  GstMessage *warning;

  while ((warning = gst_bus_pop_filtered (rig->bus, GST_MESSAGE_WARNING)))
    gst_message_unref (warning);
}

static void
push_segment (ObjectsRig *rig, GstClockTime base)
{
  GstSegment segment;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  segment.base = rig->base = base;
  gst_harness_push_event (rig->harness, gst_event_new_segment (&segment));
}

static void
run_case (const Case *c, guint32 seed)
{
  const GstClockTime base = N_FRAMES * OBJECT_FRAME;
  g_autofree gchar *properties = g_strdup_printf (
      "output-mode=%s window-length=%u window-hop=%u object-timeout=%" G_GUINT64_FORMAT " %s",
      c->mode, MAX (c->length, 1), MAX (c->hop, 1), (guint64) TIMEOUT, c->properties);
  Run run = {.c = c, .rand = g_rand_new_with_seed (seed)};

  objects_rig_init (&run.rig, properties);
  push_frames (&run, 0);
  push_segment (&run.rig, base);
  expect_finals (&run, TRUE, base);
  push_frames (&run, base);
  gst_harness_push_event (run.rig.harness, gst_event_new_eos ());
  expect_finals (&run, TRUE, 2 * base);
  g_assert_null (objects_rig_pop_final (&run.rig));
  g_assert_cmpuint (objects_rig_get_stat (&run.rig, "steps"), ==, run.n_steps);
  g_assert_cmpuint (objects_rig_get_stat (&run.rig, "outputs"), ==, run.n_outputs);
  g_assert_cmpuint (objects_rig_get_stat (&run.rig, "gaps"), ==, run.n_gaps);
  for (guint i = 0; i < N_IDS; i++)
    forget (&run.objects[i]);
  discard_warnings (&run.rig); /* about tracking data that are old */
  objects_rig_clear (&run.rig);
  g_rand_free (run.rand);
}

static void
test_random (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_test_message ("%s %s", cases[i].mode, cases[i].properties);
    run_case (&cases[i], i);
  }
}

int
main (int argc, char **argv)
{
  static const TestRow tests[] = {
      {"/lstm-objects/random", test_random},
  };

  return test_main (argc, argv, tests, G_N_ELEMENTS (tests));
}
