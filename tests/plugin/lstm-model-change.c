/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The properties model-location and model of a running `lstm`: the output changes to the new model
 * without a click. */
#include "testutil.h"
#include <lstm/lstm.h>
#include <math.h>
#include <string.h>

#define AUDIO(channels)                                                                        \
  "audio/x-raw,format=F32LE,layout=interleaved,rate=48000,channels=" channels
#define VECTORS "tests/vectors/"
#define FIRST "models/overdrive.safetensors"           /* one input, one output */
#define SECOND VECTORS "lstm/effect/model.safetensors" /* the same sizes */
#define THIRD VECTORS "variants/torch-residual/model.safetensors"
#define N_FRAMES 4800
#define CHANGE 960  /* the frame at which the model changes */
#define LENGTH 1920 /* frames of the change, 40 ms; the second half fades */

typedef struct {
  GstHarness *harness;
  GstElement *lstm;
  GstBus *bus;
  gsize n_channels;
  gfloat x[N_FRAMES * 2]; /* (frames, channels) */
  gfloat y[N_FRAMES * 2]; /* the output */
  gsize n;                /* frames that were pushed */
} Rig;

static LstmModel *
load_model (const gchar *path)
{
  g_autofree gchar *location = test_source_path (path);
  LstmModel *model = lstm_model_load (location, NULL);

  g_assert_nonnull (model);
  return model;
}

static void
rig_init (Rig *rig, const gchar *path, const gchar *properties, const gchar *caps, gsize n)
{
  g_autofree gchar *location = test_source_path (path);
  g_autofree gchar *line = g_strdup_printf ("lstm model-location=%s %s", location, properties);

  *rig = (Rig){.n_channels = n};
  rig->harness = gst_harness_new_parse (line);
  rig->lstm = gst_harness_find_element (rig->harness, "lstm");
  rig->bus = gst_bus_new ();
  gst_element_set_bus (rig->lstm, rig->bus);
  for (gsize i = 0; i < N_FRAMES * n;
       i++) /* a tone of 220 Hz, whose phase differs by channel */
    rig->x[i] = .3f * sinf ((gfloat) (i / n) * .0288f + (gfloat) (i % n));
  gst_harness_set_src_caps_str (rig->harness, caps);
}

static void
rig_clear (Rig *rig)
{
  g_assert_null (gst_bus_pop_filtered (rig->bus, GST_MESSAGE_ERROR | GST_MESSAGE_WARNING));
  gst_element_set_bus (rig->lstm, NULL);
  gst_object_unref (rig->bus);
  gst_object_unref (rig->lstm);
  gst_harness_teardown (rig->harness);
}

static void
set_location (Rig *rig, const gchar *path)
{
  g_autofree gchar *location = test_source_path (path);

  g_object_set (rig->lstm, "model-location", location, NULL);
}

/* Pushes frames up to @end, in buffers of @piece. */
static void
push_until (Rig *rig, gsize end, gsize piece)
{
  while (rig->n < end) {
    const gsize n = MIN (piece, end - rig->n), at = rig->n * rig->n_channels;
    GstBuffer *buffer = gst_buffer_new_memdup (rig->x + at, n * rig->n_channels * 4);

    GST_BUFFER_PTS (buffer) = gst_util_uint64_scale (rig->n, GST_SECOND, 48000);
    g_assert_cmpint (gst_harness_push (rig->harness, buffer), ==, GST_FLOW_OK);
    buffer = gst_harness_pull (rig->harness);
    gst_buffer_extract (buffer, 0, rig->y + at, n * rig->n_channels * 4);
    gst_buffer_unref (buffer);
    rig->n += n;
  }
}

/* Runs frames [first, first + n) of channel @c, with a model that starts from its initial state at
 * frame @start. */
static void
run_model (const Rig *rig, const gchar *path, gsize c, gsize start, gfloat *y)
{
  g_autoptr (LstmModel) model = load_model (path);
  g_autoptr (LstmState) state = lstm_state_new (model, 1, NULL);

  for (gsize t = start; t < N_FRAMES; t++)
    lstm_state_run (state, 1, rig->x + t * rig->n_channels + c, y + t);
}

/* Asserts that frames [from, to) of channel @c are, to the bit, those of @y. */
static void
assert_frames (const Rig *rig, gsize c, gsize from, gsize to, const gfloat *y)
{
  for (gsize t = from; t < to; t++)
    if (rig->y[t * rig->n_channels + c] != y[t])
      g_error ("frame %" G_GSIZE_FORMAT ": expected %.9g, found %.9g", t, (gdouble) y[t],
          (gdouble) rig->y[t * rig->n_channels + c]);
}

/* Returns the largest difference of successive outputs of channel 0. */
static gfloat
get_largest_step (const gfloat *y, gsize n_channels, gsize from, gsize to)
{
  gfloat largest = 0;

  for (gsize t = from; t < to; t++)
    largest = MAX (largest, fabsf (y[t * n_channels] - y[(t - 1) * n_channels]));
  return largest;
}

/* The output is that of the previous model for 20 ms, and that of the new model after 40 ms. It does
 * not depend on the sizes of buffers. */
static void
test_change (void)
{
  static const gsize pieces[] = {480, 1, 7, 64, N_FRAMES};

  for (gsize n_channels = 1; n_channels <= 2; n_channels++) {
    gfloat reference[N_FRAMES * 2];

    for (guint i = 0; i < G_N_ELEMENTS (pieces); i++) {
      Rig rig;

      rig_init (&rig, FIRST, "",
          n_channels == 1 ? AUDIO ("1") : AUDIO ("2,channel-mask=(bitmask)3"), n_channels);
      push_until (&rig, CHANGE, pieces[i]);
      set_location (&rig, SECOND);
      push_until (&rig, N_FRAMES, pieces[i]);
      for (gsize c = 0; c < n_channels; c++) {
        gfloat before[N_FRAMES], after[N_FRAMES];

        run_model (&rig, FIRST, c, 0, before);
        run_model (&rig, SECOND, c, CHANGE, after);
        assert_frames (&rig, c, 0, CHANGE + LENGTH / 2, before);
        assert_frames (&rig, c, CHANGE + LENGTH, N_FRAMES, after);
      }
      if (i == 0)
        memcpy (reference, rig.y, sizeof reference);
      g_assert_cmpmem (rig.y, sizeof rig.y, reference, sizeof reference);
      rig_clear (&rig);
    }
  }
}

/* Successive outputs differ no more during the change than before and after it. If one model simply
 * replaced the other one, they would. */
static void
test_no_click (void)
{
  gfloat before[N_FRAMES], after[N_FRAMES], largest;
  Rig rig;

  rig_init (&rig, FIRST, "", AUDIO ("1"), 1);
  push_until (&rig, CHANGE, 480);
  set_location (&rig, SECOND);
  push_until (&rig, N_FRAMES, 480);
  run_model (&rig, FIRST, 0, 0, before);
  run_model (&rig, SECOND, 0, CHANGE, after);
  largest = MAX (get_largest_step (before, 1, 480, N_FRAMES),
      get_largest_step (after, 1, CHANGE + LENGTH, N_FRAMES));
  g_test_message ("largest step: %g, in the change %g, of a switch %g", (gdouble) largest,
      (gdouble) get_largest_step (rig.y, 1, CHANGE, CHANGE + LENGTH + 1),
      (gdouble) fabsf (after[CHANGE] - before[CHANGE - 1]));
  g_assert_cmpfloat (
      get_largest_step (rig.y, 1, CHANGE, CHANGE + LENGTH + 1), <, 1.05f * largest);
  g_assert_cmpfloat (fabsf (after[CHANGE] - before[CHANGE - 1]), >, 2 * largest);
  rig_clear (&rig);
}

/* A change during another one begins when that one ends, within a buffer. Only the last of several such
 * changes takes place. */
static void
test_further_changes (void)
{
  static const gsize pieces[] = {64, 1, 48, 1500};
  gfloat before[N_FRAMES], third[N_FRAMES], reference[N_FRAMES];

  for (guint i = 0; i < G_N_ELEMENTS (pieces); i++) {
    Rig rig;

    rig_init (&rig, FIRST, "", AUDIO ("1"), 1);
    push_until (&rig, CHANGE / 2, pieces[i]);
    set_location (&rig, SECOND);
    push_until (&rig, CHANGE / 2 + 48, pieces[i]);
    set_location (&rig, FIRST);
    set_location (&rig, THIRD);
    push_until (&rig, N_FRAMES, pieces[i]);
    run_model (&rig, FIRST, 0, 0, before);
    run_model (&rig, THIRD, 0, CHANGE / 2 + LENGTH, third);
    assert_frames (&rig, 0, 0, CHANGE / 2 + LENGTH / 2, before);
    assert_frames (&rig, 0, CHANGE / 2 + 2 * LENGTH, N_FRAMES, third);
    if (i == 0)
      memcpy (reference, rig.y, sizeof reference);
    g_assert_cmpmem (rig.y, sizeof reference, reference, sizeof reference);
    rig_clear (&rig);
  }
}

/* A model of the application, and the notification of model-info */
static void
test_model_property (void)
{
  g_autoptr (LstmModel) model = load_model (SECOND);
  g_autofree gchar *info = NULL;
  gfloat after[N_FRAMES];
  Rig rig;

  rig_init (&rig, FIRST, "", AUDIO ("1"), 1);
  push_until (&rig, CHANGE, 480);
  g_object_set (rig.lstm, "model", model, NULL);
  push_until (&rig, N_FRAMES, 480);
  run_model (&rig, SECOND, 0, CHANGE, after);
  assert_frames (&rig, 0, CHANGE + LENGTH, N_FRAMES, after);
  g_object_get (rig.lstm, "model-info", &info, NULL);
  g_assert_cmpstr (info, ==, "d=1 m=40 n=1 mode=sequence model=(application)");
  rig_clear (&rig);
}

/* A reset during a change ends the change: the new model runs alone, from its initial state. */
static void
test_reset (void)
{
  gfloat after[N_FRAMES];
  Rig rig;

  rig_init (&rig, FIRST, "", AUDIO ("1"), 1);
  push_until (&rig, CHANGE, 480);
  set_location (&rig, SECOND);
  push_until (&rig, CHANGE + 480, 480);
  g_signal_emit_by_name (rig.lstm, "reset");
  push_until (&rig, N_FRAMES, 480);
  run_model (&rig, SECOND, 0, CHANGE + 480, after);
  assert_frames (&rig, 0, CHANGE + 480, N_FRAMES, after);
  rig_clear (&rig);
}

/* Another number of channels ends the change, too. */
static void
test_channels (void)
{
  gfloat after[N_FRAMES];
  Rig rig;

  rig_init (&rig, FIRST, "", AUDIO ("2,channel-mask=(bitmask)3"), 2);
  push_until (&rig, CHANGE, 480);
  set_location (&rig, SECOND);
  push_until (&rig, CHANGE + 480, 480);
  gst_harness_set_src_caps_str (rig.harness, AUDIO ("1"));
  rig.n_channels = 1;
  rig.n = CHANGE;
  push_until (&rig, N_FRAMES, 480);
  run_model (&rig, SECOND, 0, CHANGE, after);
  assert_frames (&rig, 0, CHANGE, N_FRAMES, after);
  rig_clear (&rig);
}

/* A change before the first buffer and before the caps */
static void
test_before_caps (void)
{
  g_autofree gchar *first = test_source_path (FIRST);
  gfloat after[N_FRAMES];
  Rig rig;

  rig_init (&rig, FIRST, "", AUDIO ("1"), 1);
  gst_harness_teardown (rig.harness);
  gst_object_unref (rig.lstm);
  {
    g_autofree gchar *line = g_strdup_printf ("lstm model-location=%s", first);

    rig.harness = gst_harness_new_parse (line);
  }
  rig.lstm = gst_harness_find_element (rig.harness, "lstm");
  gst_element_set_bus (rig.lstm, rig.bus);
  set_location (&rig, SECOND);
  gst_harness_set_src_caps_str (rig.harness, AUDIO ("1"));
  push_until (&rig, N_FRAMES, 480);
  run_model (&rig, SECOND, 0, 0, after);
  assert_frames (&rig, 0, 0, N_FRAMES, after);
  rig_clear (&rig);
}

/* If the new model cannot be used, the previous one runs on, and the property keeps its value. */
static void
test_failures (void)
{
  static const struct {
    const gchar *path, *properties, *pattern;
  } cases[] = {
      {"nonexistent.safetensors", "", "the previous model stays: *nonexistent*"},
      {VECTORS "lstm/stereo/model.safetensors", "",
          "the previous model stays: property model-location: expected a model of 1 inputs and "
          "1 "
          "outputs *, found 2 and 2"},
      {VECTORS "variants/torch-bidirectional-one/model.safetensors", "",
          "the previous model stays: property model-location: expected a causal model*"},
      {SECOND, "output-mode=final",
          "the previous model stays: property model-location: expected state NULL or READY*"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree gchar *expected = test_source_path (FIRST), *found = NULL;
    gfloat before[N_FRAMES];
    Rig rig;

    rig_init (&rig, FIRST, cases[i].properties, AUDIO ("1"), 1);
    if (!*cases[i].properties)
      push_until (&rig, CHANGE, 480);
    set_location (&rig, cases[i].path);
    assert_warning_posted (rig.bus, cases[i].pattern);
    g_object_get (rig.lstm, "model-location", &found, NULL);
    g_assert_cmpstr (found, ==, expected);
    if (!*cases[i].properties) {
      push_until (&rig, N_FRAMES, 480);
      run_model (&rig, FIRST, 0, 0, before);
      assert_frames (&rig, 0, 0, N_FRAMES, before);
    }
    rig_clear (&rig);
  }
}

/* A model of tensors changes at once. */
static void
test_tensors (void)
{
  gfloat before[N_FRAMES], after[N_FRAMES];
  Rig rig;

  rig_init (&rig, FIRST, "",
      "other/tensors,format=static,num_tensors=1,types=float32,dimensions=(string)1:480,"
      "framerate=100/1",
      1);
  push_until (&rig, CHANGE, 480);
  set_location (&rig, SECOND);
  push_until (&rig, N_FRAMES, 480);
  run_model (&rig, FIRST, 0, 0, before);
  run_model (&rig, SECOND, 0, CHANGE, after);
  assert_frames (&rig, 0, 0, CHANGE, before);
  assert_frames (&rig, 0, CHANGE, N_FRAMES, after);
  rig_clear (&rig);
}

/* A thread changes the model, resets h and c and reads the state, until `done` */
typedef struct {
  GstElement *lstm;
  LstmModel *models[3];
  gint done;
} Changer;

static gpointer
change_models (gpointer data)
{
  Changer *changer = data;

  for (guint i = 0; !g_atomic_int_get (&changer->done); i++) {
    g_autoptr (GBytes) state = NULL;
    g_autofree gchar *info = NULL;

    g_object_set (changer->lstm, "model", changer->models[i % 3], NULL);
    if (i % 7 == 0)
      g_signal_emit_by_name (changer->lstm, "reset");
    g_signal_emit_by_name (changer->lstm, "get-state", &state);
    g_object_get (changer->lstm, "model-info", &info, NULL);
    g_thread_yield ();
  }
  return NULL;
}

/* The output of the last model is correct after many changes by another thread. */
static void
test_threads (void)
{
  Changer changer = {.models = {load_model (FIRST), load_model (SECOND), load_model (THIRD)}};
  gfloat after[N_FRAMES];
  GThread *thread;
  Rig rig;

  rig_init (&rig, FIRST, "", AUDIO ("1"), 1);
  changer.lstm = rig.lstm;
  thread = g_thread_new (NULL, change_models, &changer);
  for (guint i = 0; i < 20; i++) {
    gst_harness_set_src_caps_str (
        rig.harness, i % 2 ? AUDIO ("1") : AUDIO ("2,channel-mask=(bitmask)3"));
    rig.n_channels = 2 - i % 2;
    rig.n = 0;
    push_until (&rig, N_FRAMES / 2, 100 + i);
  }
  g_atomic_int_set (&changer.done, TRUE);
  g_thread_join (thread);
  g_object_set (rig.lstm, "model", changer.models[1], NULL);
  g_signal_emit_by_name (rig.lstm, "reset");
  rig.n = 0;
  push_until (&rig, N_FRAMES, 480);
  run_model (&rig, SECOND, 0, 0, after);
  assert_frames (&rig, 0, 0, N_FRAMES, after);
  for (guint i = 0; i < G_N_ELEMENTS (changer.models); i++)
    lstm_model_unref (changer.models[i]);
  rig_clear (&rig);
}

int
main (int argc, char **argv)
{
  static const TestRow tests[] = {
      {"/lstm-model-change/change", test_change},
      {"/lstm-model-change/no-click", test_no_click},
      {"/lstm-model-change/further-changes", test_further_changes},
      {"/lstm-model-change/model-property", test_model_property},
      {"/lstm-model-change/reset", test_reset},
      {"/lstm-model-change/channels", test_channels},
      {"/lstm-model-change/before-caps", test_before_caps},
      {"/lstm-model-change/failures", test_failures},
      {"/lstm-model-change/tensors", test_tensors},
      {"/lstm-model-change/threads", test_threads},
  };

  return test_main (argc, argv, tests, G_N_ELEMENTS (tests));
}
