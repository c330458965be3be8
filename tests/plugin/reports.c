/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Checks that the log of a pipeline has each fact once and at its level, and that a dump of the
 * pipeline has the property model-info. */
#include "log-rig.h"
#include "slow-models.h"
#include <lstm/lstm.h>
#include <string.h>

#define INFO GST_LEVEL_INFO
#define DEBUG GST_LEVEL_DEBUG
#define LOG GST_LEVEL_LOG
#define MAX_FACTS 16

/* In a line, $V is the folder of the model head, $M the folder of the demo's model, and $T a temporary
 * folder that all pipelines of a row share. */
typedef struct {
  const gchar *name;
  const gchar *lines[2]; /* gst-launch lines; the facts are those of the last one */
  LogFact facts[MAX_FACTS];
} Report;

#define NPY "npysrc location=$V/x.npy steps-per-buffer=0 ! "
#define HEAD "lstm model-location=$V/model.safetensors "
#define KEPT NPY HEAD "state-location=$T/state ! npysink location=$T/y.npy"

static const Report reports[] = {
    {"/reports/files", {KEPT},
        {
            {"lstm", INFO, "loads */head/model.safetensors in *.* ms: safetensors"},
            {"lstm", INFO,
                "model: d=12 m=30+30+16 n=7 mode=sequence emit=output, 17419 parameters, "
                "float32, *"},
            {"lstm", INFO, "input caps: other/tensors*12:60:2*30/1"},
            {"lstm", INFO, "output caps: other/tensors*7:60:2*30/1*"},
            {"lstm", INFO, "segment, a new sequence: time segment start=0:00:00*"},
            {"lstm", INFO,
                "state saved to */state: * bytes, 60 steps, next step at 0:00:02.0*"},
            {"lstm", INFO, "reset after 60 steps: eos"},
            {"lstm", INFO, "stopped: steps=60 outputs=1 resets=1 gaps=0 errors=0 *"},
            {"lstm", DEBUG, "received *eos*"},
            {"lstm", LOG, "ok, 60 steps of *pts 0:00:00*, output *pts 0:00:00*"},
            {"npysrc", INFO,
                "opens */x.npy: <f4 [2, 60, 12], 30/1 steps per second, 60 steps*"},
            {"npysrc", INFO, "closes */x.npy after step 60 of 60"},
            {"npysink", INFO, "opens */y.npy: <f4 [2, 0, 7]"},
            {"npysink", INFO, "completes */y.npy: <f4 [2, 60, 7]"},
            {"npysink", INFO, "input caps: *7:60:2*"},
            {"npysink", LOG, "writes *pts 0:00:00*"},
        }},
    {"/reports/restored", {KEPT, KEPT},
        {
            {"lstm", INFO,
                "state restored from */state: * bytes, 60 steps, next step at 0:00:02.0*"},
            {"lstm", INFO, "state saved to */state: * bytes, 120 steps, *"},
            {"lstm", INFO, "reset after 120 steps: eos"},
            {"lstm", DEBUG, "no reset, h and c are the restored state: segment"},
            {"npysrc", INFO, "output caps: *12:60:2*"},
            {"npysrc", DEBUG, "seek: steps 0 to 60 of 60"},
            {"npysrc", LOG, "steps from 0: *"},
            {"npysink", DEBUG, "received *eos*"},
        }},
    {"/reports/shared",
        {NPY "tee name=t ! queue ! " HEAD "! fakesink t. ! queue ! " HEAD "! fakesink"},
        {
            {"lstm", INFO, "loads */head/model.safetensors in *"},
            {"lstm", INFO, "shares */head/model.safetensors with another element: safetensors"},
        }},
    {"/reports/outputs",
        {NPY HEAD
            "precision=bfloat16 output-mode=window window-length=20 window-hop=20 ! fakesink"},
        {
            {"lstm", INFO, "model: * n=7 mode=window emit=output, * parameters, bfloat16, *"},
            {"lstm", INFO, "output caps: *7:1:2*"},
            {"lstm", INFO, "stopped: steps=60 outputs=3 *"},
            {"lstm", LOG, "queued output: *pts 0:00:00.63*"},
        }},
    {"/reports/stateful", {NPY HEAD "stateful=true emit=output+cell ! fakesink"},
        {
            {"lstm", INFO, "model: * emit=output+cell, *"},
            {"lstm", DEBUG, "no reset, the element is stateful: eos"},
        }},
    {"/reports/bytes",
        {"filesrc location=$V/x.npy blocksize=48 num-buffers=4 ! other/tensors,format=static,"
         "num_tensors=1,types=float32,dimensions=(string)12,framerate=10/1 ! " HEAD
         "! fakesink"},
        {
            {"lstm", INFO, "segment, a new sequence: bytes segment *"},
            {"lstm", INFO, "segment in time: time segment *"},
            {"lstm", INFO, "reset after 4 steps: eos"},
        }},
    {"/reports/video",
        {"videotestsrc num-buffers=2 ! lstmfeatures ! lstm "
         "model-location=$M/motion.safetensors ! "
         "lstmlabel labels-location=$M/motion.labels threshold=-1 ! fakesink"},
        {
            {"lstmfeatures", INFO, "input caps: video/x-raw*I420*"},
            {"lstmfeatures", INFO, "output caps: *192:1*"},
            {"lstmfeatures", INFO, "grid: 16x12 cells of luma, d=192, 0 conversions*"},
            {"lstmfeatures", DEBUG, "received *eos*"},
            {"lstmfeatures", LOG, "ok, frame *pts 0:00:00.0000*, vector *"},
            {"lstmlabel", INFO, "labels: 7 from */motion.labels"},
            {"lstmlabel", INFO, "input caps: *7:1*"},
            {"lstmlabel", INFO, "output caps: text/x-raw*"},
            {"lstmlabel", DEBUG, "received *eos*"},
            {"lstmlabel", DEBUG, "new label at 0:00:00.00*"},
            {"lstmlabel", LOG, "scores: *pts 0:00:00.0000*"},
            {"lstmlabel", LOG, "step at 0:00:00.0000*: label *, score *"},
        }},
};

/* Returns: (transfer full): the gst-launch line @line with its folders */
static gchar *
expand_line (const gchar *line, const gchar *dir)
{
  g_autofree gchar *head = test_vector_path ("lstm/head");
  g_autofree gchar *models = test_source_path ("models");
  GString *text = g_string_new (line);

  g_string_replace (text, "$V", head, 0);
  g_string_replace (text, "$M", models, 0);
  g_string_replace (text, "$T", dir, 0);
  return g_string_free (text, FALSE);
}

static void
run_line (const gchar *line, const gchar *dir)
{
  g_autofree gchar *text = expand_line (line, dir);
  GstElement *pipeline = parse_pipeline ("%s", text);

  play_to_eos (pipeline);
  gst_object_unref (pipeline);
}

static void
test_report (gconstpointer data)
{
  const Report *report = data;
  gchar *dir = test_dir_new ();
  const gchar *last = report->lines[1] ? report->lines[1] : report->lines[0];

  if (report->lines[1])
    run_line (report->lines[0], dir);
  log_begin ();
  run_line (last, dir);
  for (guint i = 0; i < MAX_FACTS && report->facts[i].category; i++)
    log_assert (&report->facts[i]);
  log_end (0);
  test_dir_remove (dir);
}

/* The log has the command line and the time of lstm-convert. */
static void
test_converter (void)
{
  static const LogFact fact = {"lstm", INFO,
      "loads */model.keras in *.* ms: a Keras archive, converted in * ms by */convert "
      "*model.keras"};
  g_autofree gchar *safetensors = test_vector_path ("lstm/head/model.safetensors");
  gchar *dir = test_dir_new ();
  SlowModel model;
  g_autofree gchar *line = NULL;

  slow_converter_install (dir);
  slow_model_init (&model, dir, "model.keras", safetensors);
  line = g_strdup_printf (
      "npysrc location=$V/x.npy ! lstm model-location=%s ! fakesink", model.path);
  log_begin ();
  run_line (line, dir);
  log_assert (&fact);
  log_end (0);
  slow_model_clear (&model);
  test_dir_remove (dir);
}

/* Sets *@n to the number of notifications. */
static void
count_notification (GObject *object, GParamSpec *spec, gpointer n)
{
  ++*(guint *) n;
}

/* Creates a pipeline in PAUSED with the element `lstm` named lstm. @model: (nullable) */
static GstElement *
create_paused_pipeline (const gchar *line, LstmModel *model, guint *n_notifications)
{
  g_autofree gchar *text = expand_line (line, "");
  GstElement *pipeline = parse_pipeline ("%s", text);
  g_autoptr (GstElement) lstm = gst_bin_get_by_name (GST_BIN (pipeline), "lstm");

  g_signal_connect (
      lstm, "notify::model-info", G_CALLBACK (count_notification), n_notifications);
  g_object_set (lstm, "model", model, NULL);
  gst_element_set_state (pipeline, GST_STATE_PAUSED);
  g_assert_cmpint (gst_element_get_state (pipeline, NULL, NULL, GST_CLOCK_TIME_NONE), ==,
      GST_STATE_CHANGE_SUCCESS);
  return pipeline;
}

static void
assert_model_info (GstElement *pipeline, const gchar *expected)
{
  g_autoptr (GstElement) lstm = gst_bin_get_by_name (GST_BIN (pipeline), "lstm");
  g_autofree gchar *info = NULL;

  g_object_get (lstm, "model-info", &info, NULL);
  g_assert_cmpstr (info, ==, expected);
}

/* model-info is set, and is notified, while the element has a model. */
static void
check_model_info (const gchar *line, LstmModel *model, const gchar *expected)
{
  guint n_notifications = 0;
  g_autoptr (GstElement) pipeline = create_paused_pipeline (line, model, &n_notifications);
  g_autofree gchar *dump = gst_debug_bin_to_dot_data (
      GST_BIN (pipeline), GST_DEBUG_GRAPH_SHOW_NON_DEFAULT_PARAMS);

  g_assert_cmpuint (n_notifications, ==, 1);
  assert_model_info (pipeline, expected);
  g_assert_nonnull (strstr (dump, "model-info=\\\""));
  g_assert_nonnull (strstr (dump, expected));
  gst_element_set_state (pipeline, GST_STATE_NULL);
  g_assert_cmpuint (n_notifications, ==, 2);
  assert_model_info (pipeline, NULL);
}

static void
test_model_info (void)
{
  g_autofree gchar *path = test_vector_path ("lstm/head/model.safetensors");
  g_autoptr (GError) error = NULL;
  g_autoptr (LstmModel) model = lstm_model_load (path, &error);

  g_assert_no_error (error);
  check_model_info (NPY HEAD "name=lstm ! fakesink", NULL,
      "d=12 m=30+30+16 n=7 mode=sequence model=model.safetensors");
  check_model_info (NPY HEAD "name=lstm output-mode=window ! fakesink", NULL,
      "d=12 m=30+30+16 n=7 mode=window model=model.safetensors");
  check_model_info (NPY "lstm name=lstm ! fakesink", model,
      "d=12 m=30+30+16 n=7 mode=sequence model=(application)");
}

/* The log names the model of the application. */
static void
test_application (void)
{
  static const LogFact fact = {"lstm", INFO, "uses the model of the application: safetensors"};
  g_autofree gchar *path = test_vector_path ("lstm/head/model.safetensors");
  g_autoptr (LstmModel) model = lstm_model_load (path, NULL);
  guint n_notifications = 0;
  g_autoptr (GstElement) pipeline = NULL;

  log_begin ();
  pipeline = create_paused_pipeline (NPY "lstm name=lstm ! fakesink", model, &n_notifications);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  log_assert (&fact);
  log_end (0);
}

int
main (int argc, char **argv)
{
  log_init (&argc, &argv);
  for (guint i = 0; i < G_N_ELEMENTS (reports); i++)
    g_test_add_data_func (reports[i].name, &reports[i], test_report);
  g_test_add_func ("/reports/converter", test_converter);
  g_test_add_func ("/reports/application", test_application);
  g_test_add_func ("/reports/model-info", test_model_info);
  return g_test_run ();
}
