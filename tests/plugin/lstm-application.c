/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The interface of `lstm` to applications: messages, statistics, properties, and shared models. */
#include "lstm-rig.h"
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/stat.h>

#define STACK "variants/torch-bidirectional-stacked" /* needs complete sequences */
/* Needs complete sequences and has one output vector */
#define LAST "variants/keras-backwards-last"

/* --- lstm-final --- */

static void
assert_uint64 (const GstStructure *s, const gchar *field, guint64 expected)
{
  guint64 found = 0;

  g_assert_true (gst_structure_get_uint64 (s, field, &found));
  if (found != expected)
    g_error (
        "%s: expected %" G_GUINT64_FORMAT ", found %" G_GUINT64_FORMAT, field, expected, found);
}

/* Asserts that the next message has these fields and the last output values. */
static void
assert_final (Rig *rig, guint64 pts, guint64 duration, guint64 stream, guint64 running,
    guint64 steps, const gchar *name)
{
  g_autoptr (GstMessage) message = gst_bus_pop_filtered (rig->bus, GST_MESSAGE_ELEMENT);
  const GstStructure *s;
  const GValue *values;

  g_assert_nonnull (message);
  g_assert_true (GST_MESSAGE_SRC (message) == GST_OBJECT (rig->lstm));
  s = gst_message_get_structure (message);
  g_assert_cmpstr (gst_structure_get_name (s), ==, "lstm-final");
  assert_uint64 (s, "timestamp", pts);
  assert_uint64 (s, "duration", duration);
  assert_uint64 (s, "stream-time", stream);
  assert_uint64 (s, "running-time", running);
  assert_uint64 (s, "steps", steps);
  values = gst_structure_get_value (s, name);
  g_assert_nonnull (values);
  g_assert_cmpuint (gst_value_array_get_size (values), ==, rig->outputs->len);
  for (guint i = 0; i < rig->outputs->len; i++)
    g_assert_true (g_value_get_float (gst_value_array_get_value (values, i))
                   == g_array_index (rig->outputs, gfloat, i));
  g_array_set_size (rig->outputs, 0);
}

static void
test_message (void)
{
  static const struct {
    const gchar *folder, *properties, *name;
    guint streams;
  } cases[] = {
      {"seed-1x30", "output-mode=final", "output", 1},
      {"head", "output-mode=final", "output", 2},
      {"head", "output-mode=final emit=hidden", "hidden", 2},
      {STACK, "output-mode=final", "output", 2},
      {LAST, "output-mode=final", "output", 1},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    GstSegment segment;
    Rig rig;

    g_test_message ("case %u", i);
    rig_init (&rig, cases[i].folder, cases[i].properties);
    rig.n_streams = cases[i].streams;
    rig.framerate = "0/1";
    rig_begin_stream (&rig);
    gst_segment_init (&segment, GST_FORMAT_TIME);
    segment.start = 1000;
    segment.time = 50000;
    segment.base = 70000;
    segment.stop = 4500;
    rig_push_event (&rig, gst_event_new_segment (&segment));
    rig_push_steps (&rig, 0, 5); /* the first step is outside of the segment */
    g_assert_null (gst_bus_pop_filtered (rig.bus, GST_MESSAGE_ELEMENT));
    rig_push_event (&rig, gst_event_new_segment_done (GST_FORMAT_TIME, 0));
    assert_final (&rig, 4000, 500, 53000, 73000, 4, cases[i].name);
    rig_push_eos (&rig);
    g_assert_null (gst_bus_pop_filtered (rig.bus, GST_MESSAGE_ELEMENT));
    rig_clear (&rig);
  }
}

/* The field steps counts the steps since h and c were reset. */
static void
test_message_steps (void)
{
  Rig rig;

  rig_init (&rig, "seed-1x30", "output-mode=final stateful=true gap-policy=zero-step");
  rig.framerate = "0/1";
  rig_begin_stream (&rig);
  rig_push_steps (&rig, 0, 3);
  rig_push_segment_range (&rig, GST_SECOND, GST_CLOCK_TIME_NONE);
  assert_final (&rig, 2000, 1000, 2000, 2000, 3, "output");
  rig_push_event (&rig, gst_event_new_gap (3000, 7));
  rig_push_segment_range (&rig, 2 * GST_SECOND, GST_CLOCK_TIME_NONE);
  assert_final (&rig, 3000, 7, 3000, GST_SECOND + 3000, 4, "output");
  rig_push_steps (&rig, 4, 2);
  rig.n_streams = 2; /* resets h and c */
  g_assert_true (rig_push_caps (&rig));
  assert_final (&rig, 5000, 1000, 5000, 2 * GST_SECOND + 5000, 6, "output");
  rig_push_steps (&rig, 6, 2);
  rig_push_eos (&rig);
  assert_final (&rig, 7000, 1000, 7000, 2 * GST_SECOND + 7000, 2, "output");
  rig_clear (&rig);
}

/* Outputs that an event pushes cause no message in other modes. */
static void
test_no_message (void)
{
  static const struct {
    const gchar *folder, *properties;
  } others[] = {
      {"seed-1x30", ""},
      {"seed-1x30", "output-mode=window window-length=2 gap-policy=zero-step"},
      {STACK, ""},
      {LAST, ""},
  };

  for (guint i = 0; i < G_N_ELEMENTS (others); i++) {
    Rig rig;

    rig_init (&rig, others[i].folder, others[i].properties);
    rig_begin_stream (&rig);
    rig_push_steps (&rig, 0, 5);
    rig_push_event (&rig, gst_event_new_gap (5000, 1000));
    rig_push_eos (&rig);
    g_assert_cmpuint (rig.outputs->len, >, 0);
    g_assert_null (gst_bus_pop_filtered (rig.bus, GST_MESSAGE_ELEMENT));
    rig_clear (&rig);
  }
}

/* --- Statistics --- */

static void
push_gap (Rig *rig)
{
  rig_push_event (rig, gst_event_new_gap (0, 100 * GST_MSECOND)); /* three frames */
}

static void
change_streams (Rig *rig)
{
  rig->n_streams = 3;
  g_assert_true (rig_push_caps (rig));
}

/* Statistics after six steps in three buffers, an action twice, and EOS */
static const struct {
  const gchar *folder, *properties;
  void (*act) (Rig *rig);
  guint64 steps, outputs, resets, gaps;
} statistics[] = {
    {"seed-1x30", "", rig_push_segment, 6, 3, 1, 0},
    {"seed-1x30", "", rig_emit_reset, 6, 3, 1, 0},
    {"seed-1x30", "", rig_push_flush, 6, 3, 1, 0},
    {"seed-1x30", "", change_streams, 6, 3, 1, 0},
    {"seed-1x30", "stateful=true", rig_push_segment, 6, 3, 0, 0},
    {"seed-1x30", "stateful=true", push_gap, 6, 3, 0, 2},
    {"seed-1x30", "stateful=true reset-on=gap", push_gap, 6, 3, 1, 2},
    {"seed-1x30", "stateful=true gap-policy=zero-step", push_gap, 12, 3, 0, 2},
    {"seed-1x30", "stateful=true gap-policy=zero-step reset-on=gap", push_gap, 12, 3, 2, 2},
    {"seed-1x30", "", rig_restart, 0, 0, 0, 0},
    {"seed-1x30", "output-mode=final", rig_push_segment, 6, 1, 1, 0},
    {"seed-1x30", "output-mode=window window-length=2", rig_emit_reset, 6, 5, 1, 0},
    {STACK, "", rig_push_segment, 6, 3, 1, 0},
    {STACK, "output-mode=final gap-policy=zero-step", push_gap, 12, 1, 1, 2},
    {LAST, "", rig_emit_reset, 6, 0, 1, 0},
};

static void
test_statistics (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (statistics); i++) {
    Rig rig;

    g_test_message ("case %u", i);
    rig_init (&rig, statistics[i].folder, statistics[i].properties);
    rig.n_steps = 2;
    rig_begin_stream (&rig);
    rig_push_steps (&rig, 0, 6);
    statistics[i].act (&rig);
    statistics[i].act (&rig);
    rig_push_eos (&rig);
    g_assert_cmpuint (rig_get_stat (&rig, "steps"), ==, statistics[i].steps);
    g_assert_cmpuint (rig_get_stat (&rig, "outputs"), ==, statistics[i].outputs);
    g_assert_cmpuint (rig_get_stat (&rig, "resets"), ==, statistics[i].resets);
    g_assert_cmpuint (rig_get_stat (&rig, "gaps"), ==, statistics[i].gaps);
    g_assert_true ((rig_get_stat (&rig, "max-step-time") > 0) == (statistics[i].steps > 0));
    g_assert_cmpuint (
        rig_get_stat (&rig, "mean-step-time"), <=, rig_get_stat (&rig, "max-step-time"));
    rig_clear (&rig);
  }
}

/* --- Properties --- */

/* Sets the property to a value that is not its default. */
static void
set_other_value (GstElement *lstm, const GParamSpec *spec)
{
  if (spec->value_type == LSTM_TYPE_MODEL) {
    g_autofree gchar *path = get_vector_path ("head", "model.safetensors");
    g_autoptr (LstmModel) model = lstm_model_load (path, NULL);

    g_object_set (lstm, "model", model, NULL);
  } else {
    /* An array has as many values as before: none. An enum may have only two values. */
    const gchar *value = "2";

    if (spec->value_type == GST_TYPE_ARRAY)
      value = "<>";
    else if (spec->value_type == G_TYPE_BOOLEAN)
      value = "true";
    else if (G_IS_PARAM_SPEC_ENUM (spec))
      value = "1";
    gst_util_set_object_arg (G_OBJECT (lstm), spec->name, value);
  }
}

/* Properties that are read at the start cannot be changed later. The element logs a warning. */
static void
test_properties (void)
{
  guint n = 0, refused = 0;
  g_autofree GParamSpec **specs = NULL;
  Rig rig;

  rig_init (&rig, "seed-1x30", "");
  specs = g_object_class_list_properties (G_OBJECT_GET_CLASS (rig.lstm), &n);
  for (guint i = 0; i < n; i++) {
    const gboolean late = (specs[i]->flags & GST_PARAM_MUTABLE_READY) != 0;
    g_autofree gchar *message = g_strdup_printf (
        "*property %s: expected state NULL or READY, "
        "found the element running",
        specs[i]->name);
    GValue before = G_VALUE_INIT, after = G_VALUE_INIT;

    if (!late && !(specs[i]->flags & GST_PARAM_MUTABLE_PLAYING))
      continue;
    g_value_init (&before, specs[i]->value_type);
    g_value_init (&after, specs[i]->value_type);
    g_object_get_property (G_OBJECT (rig.lstm), specs[i]->name, &before);
    if (late)
      g_test_expect_message ("lstm", G_LOG_LEVEL_WARNING, message);
    set_other_value (rig.lstm, specs[i]);
    g_test_assert_expected_messages ();
    g_object_get_property (G_OBJECT (rig.lstm), specs[i]->name, &after);
    if (late && specs[i]->value_type == LSTM_TYPE_MODEL)
      g_assert_true (g_value_get_boxed (&before) == g_value_get_boxed (&after));
    else if (late)
      g_assert_cmpint (gst_value_compare (&before, &after), ==, GST_VALUE_EQUAL);
    refused += late;
    g_value_unset (&before);
    g_value_unset (&after);
  }
  g_assert_cmpuint (refused, >=, 9);
  gst_element_set_state (rig.lstm, GST_STATE_READY);
  g_object_set (rig.lstm, "max-steps", 5, NULL);
  g_object_get (rig.lstm, "max-steps", &n, NULL);
  g_assert_cmpuint (n, ==, 5);
  rig_clear (&rig);
}

/* --- Models --- */

/* Writes @content to @path, in place or as a new file, and sets the time of the file to second
 * @time. */
static void
write_model_file (const gchar *path, GBytes *content, gboolean in_place, gint64 time)
{
  const struct timespec times[2] = {{.tv_sec = time}, {.tv_sec = time}};
  g_autoptr (GError) error = NULL;

  g_file_set_contents_full (path, g_bytes_get_data (content, NULL),
      (gssize) g_bytes_get_size (content),
      in_place ? G_FILE_SET_CONTENTS_NONE : G_FILE_SET_CONTENTS_CONSISTENT, 0644, &error);
  g_assert_no_error (error);
  g_assert_cmpint (utimensat (AT_FDCWD, path, times, 0), ==, 0);
}

/* Starts an element with the model file @path and expects the outputs of the model @content. */
static void
start_model (Rig *rig, const gchar *path, const gchar *properties, GBytes *content)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (LstmModel) model = lstm_model_load_bytes (content, "content", &error);

  g_assert_no_error (error);
  rig_init (rig, "seed-1x30", properties);
  gst_element_set_state (rig->lstm, GST_STATE_READY);
  g_object_set (rig->lstm, "model-location", path, NULL);
  gst_element_set_state (rig->lstm, GST_STATE_PLAYING);
  lstm_state_unref (rig->state);
  rig->state = rig_state_new (rig, model);
  rig_begin_stream (rig);
  rig_push_and_expect (rig, 0, 5);
}

/* Replacements of the model file between the starts of two elements */
static const struct {
  const gchar *name;
  gboolean in_place;    /* written in place, not as a new file */
  gboolean first_stops; /* the first element stops before the replacement */
  gint64 time;
} replacements[] = {
    {"the same time, as cp -p", TRUE, FALSE, 1000},
    {"later", TRUE, FALSE, 1001},
    {"earlier", TRUE, FALSE, 999},
    {"another file", FALSE, FALSE, 1000},
    {"the same time, stopped", TRUE, TRUE, 1000},
};

static void
check_replacement (guint i, const gchar *path, GBytes *a, GBytes *b)
{
  Rig rigs[3];

  g_test_message ("%s", replacements[i].name);
  g_unlink (path);
  write_model_file (path, a, TRUE, 1000);
  start_model (&rigs[0], path, "", a);
  if (replacements[i].first_stops)
    gst_element_set_state (rigs[0].lstm, GST_STATE_NULL);
  write_model_file (path, b, replacements[i].in_place, replacements[i].time);
  start_model (&rigs[1], path, "", b);
  rig_assert_outputs (&rigs[1]);
  rig_assert_outputs (&rigs[0]);
  gst_element_set_state (rigs[0].lstm, GST_STATE_NULL);
  start_model (&rigs[2], path, "", b);
  rig_assert_outputs (&rigs[2]);
  for (guint k = 0; k < 3; k++)
    rig_clear (&rigs[k]);
}

/* A model of the same size replaces the file while an element has it open. The next element loads
 * the new model. */
static void
test_replaced_model (void)
{
  g_autofree gchar *path = get_vector_path ("seed-1x30", "model.safetensors");
  g_autofree gchar *content = NULL;
  g_autofree gchar *copy = NULL;
  g_autoptr (GBytes) a = NULL;
  g_autoptr (GBytes) b = NULL;
  gchar *dir = test_dir_new ();
  gsize size;

  g_assert_true (g_file_get_contents (path, &content, &size, NULL));
  a = g_bytes_new (content, size);
  for (guint i = 0; i < 400; i += 4)
    ((guint8 *) content)[size - 1 - i] ^= 0x80; /* changes the signs of weights */
  b = g_bytes_new (content, size);
  copy = g_build_filename (dir, "model.safetensors", NULL);
  for (guint i = 0; i < G_N_ELEMENTS (replacements); i++)
    check_replacement (i, copy, a, b);
  test_dir_remove (dir);
}

/* Elements with different precisions do not share weights. */
static void
test_shared_precision (void)
{
  Rig rigs[2];

  for (guint i = 0; i < 2; i++) {
    rig_init (&rigs[i], "seed-1x30", i ? "precision=int8" : "");
    rig_begin_stream (&rigs[i]);
    rig_push_and_expect (&rigs[i], 0, 5);
  }
  rig_assert_outputs (&rigs[0]);
  g_assert_cmpuint (rigs[1].outputs->len, ==, rigs[1].expected_outputs->len);
  g_assert_true (
      memcmp (rigs[1].outputs->data, rigs[1].expected_outputs->data, rigs[1].outputs->len * 4));
  for (guint i = 0; i < 2; i++)
    rig_clear (&rigs[i]);
}

/* Asserts that @file has the outputs of the library for the input of @folder with @module_chain. */
static void
assert_output (
    const gchar *folder, const gchar *module_chain, const gchar *dir, const gchar *file)
{
  g_autofree gchar *path = get_vector_path (folder, "model.safetensors");
  g_autofree gchar *x_path = get_vector_path (folder, "x.npy");
  g_auto (TestArray) x = test_array_load (x_path, NULL), y = test_array_load (dir, file);
  g_autoptr (GError) error = NULL;
  g_autoptr (LstmModel)
      model = lstm_model_load_full (path, LSTM_PRECISION_FLOAT32, module_chain, &error);
  g_autoptr (LstmState) state = model ? lstm_state_new (model, x.shape[0], &error) : NULL;
  g_autofree gfloat *expected = g_new0 (gfloat, y.n);

  g_assert_no_error (error);
  g_assert_cmpuint (y.n, ==, x.shape[0] * x.shape[1] * lstm_model_get_output_size (model));
  lstm_state_run (state, x.shape[1], x.values, expected);
  g_assert_cmpmem (y.values, y.n * sizeof (gfloat), expected, y.n * sizeof (gfloat));
}

/* Elements with different module chains do not share the model of a file. */
static void
test_shared_module_chain (void)
{
  static const gchar *const heads[] = {"lstm last relu, fc", "lstm, fc"};
  g_autofree gchar *model = get_vector_path ("torch/relu", "model.safetensors");
  g_autofree gchar *x = get_vector_path ("torch/relu", "x.npy");
  g_autofree gchar *error = NULL;
  gchar *dir = test_dir_new ();

  if (!test_launch (&error,
          "npysrc location=%s ! tee name=t "
          "t. ! queue ! lstm model-location=%s module-chain=\"%s\" ! npysink location=%s/0.npy "
          "t. ! queue ! lstm model-location=%s module-chain=\"%s\" ! npysink location=%s/1.npy",
          x, model, heads[0], dir, model, heads[1], dir))
    g_error ("%s", error);
  assert_output ("torch/relu", heads[0], dir, "0.npy");
  assert_output ("torch/relu", heads[1], dir, "1.npy");
  test_dir_remove (dir);
}

int
main (int argc, char **argv)
{
  static const TestRow tests[] = {
      {"/lstm-application/message", test_message},
      {"/lstm-application/message-steps", test_message_steps},
      {"/lstm-application/no-message", test_no_message},
      {"/lstm-application/statistics", test_statistics},
      {"/lstm-application/properties", test_properties},
      {"/lstm-application/replaced-model", test_replaced_model},
      {"/lstm-application/shared-precision", test_shared_precision},
      {"/lstm-application/shared-module-chain", test_shared_module_chain},
  };

  return test_main (argc, argv, tests, G_N_ELEMENTS (tests));
}
