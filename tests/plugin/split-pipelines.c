/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Parses the pipelines that lstm-convert --split prints, and runs those of this GStreamer over the
 * frames of a test case: the scores of each window are the outputs of the uncut model. */
#include "../array.h"
#include "testutil.h"
#include <string.h>
#include <sys/wait.h>

#define PROMPT "gst-launch-1.0 -m "
#define RECORDING                                                                              \
  "filesrc location=RECORDING.mp4 ! decodebin ! videoconvert ! videoflip "                     \
  "video-direction=auto ! "
#define END " ! fakesink"

/* The frames are rounded to bytes, which changes a value by at most half of the range / 255. */
#define TOLERANCE 0.02

typedef struct {
  const gchar *name, *arguments; /* of the case in tests/vectors/split */
  gdouble low[3], high[3];       /* the values of the pixels 0 and 255 */
  gboolean is_bgr;
} Row;

static const Row rows[] = {
    {"torch-bytes", "", {0, 0, 0}, {255, 255, 255}, FALSE},
    {"torch-bytes", "--colors bgr", {0, 0, 0}, {255, 255, 255}, TRUE},
    {"torch-channels-first", "--steps 4 --normalize 0..1", {0, 0, 0}, {1, 1, 1}, FALSE},
    {"torch-channels-first", "--steps 4 --normalize '-0.1,1;0,1.1;0,1' --colors bgr",
        {-0.1, 0, 0}, {1, 1.1, 1}, TRUE},
    {"torch-channels-last", "--normalize=-1..1", {-1, -1, -1}, {1, 1, 1}, FALSE},
    {"torch-channels-last", "--normalize '0,1;-0.2,1;0,1.2'", {0, -0.2, 0}, {1, 1, 1.2}, FALSE},
    {"torch-grey", "--normalize 0..1", {0}, {1}, FALSE},
};

/* Runs lstm-convert --split. Returns: (transfer full): what it prints */
static gchar *
print_pipelines (const Row *row, const gchar *folder)
{
  g_autofree gchar *dir = test_vector_path ("split"), *line = NULL, *errors = NULL;
  g_autoptr (GError) error = NULL;
  gchar *written;
  gint status;

  line = g_strdup_printf ("'%s' --split '%s/%s/model.onnx' -o '%s' %s",
      g_getenv ("LSTM_CONVERT"), dir, row->name, folder, row->arguments);
  g_assert_true (g_spawn_command_line_sync (line, &written, &errors, &status, &error));
  g_test_message ("%s", errors);
  g_assert_cmpint (status, ==, 0);
  return written;
}

/* Returns: (transfer full): the pipelines in @text, each as one line */
static GPtrArray *
list_pipelines (const gchar *text)
{
  GPtrArray *pipelines = g_ptr_array_new_with_free_func (g_free);
  g_auto (GStrv) parts = g_strsplit (text, " \\\n   ", -1);
  g_autofree gchar *joined = g_strjoinv ("", parts);
  g_auto (GStrv) lines = g_strsplit (joined, "\n", -1);

  for (guint i = 0; lines[i]; i++)
    if (g_str_has_prefix (lines[i], PROMPT))
      g_ptr_array_add (pipelines, g_strdup (lines[i] + strlen (PROMPT)));
  return pipelines;
}

/* --- Parsing ---------------------------------------------------------------------------------- */

static const guint onnx_versions[] = {28, 26}; /* of the pipelines for 1.28 and 1.26 */

static guint
get_minor_version (void)
{
  guint major, minor, micro, nano;

  gst_version (&major, &minor, &micro, &nano);
  return minor;
}

/* Returns whether pipeline @i of a source is for this version of GStreamer. The other onnxinference
 * has other properties. */
static gboolean
is_for_this_version (guint i)
{
  g_autoptr (GstElementFactory) factory = gst_element_factory_find ("onnxinference");

  return !factory || i >= G_N_ELEMENTS (onnx_versions)
         || (onnx_versions[i] == 28) == (get_minor_version () >= 28);
}

/* Parses @line like gst-launch-1.0 does. Elements that this system lacks are the only fault. */
static void
check_parsing (const gchar *line)
{
  g_auto (GStrv) words = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GstElement) pipeline = NULL;

  g_test_message ("%s", line);
  g_assert_true (g_shell_parse_argv (line, NULL, &words, NULL));
  pipeline = gst_parse_launchv ((const gchar **) words, &error);
  if (error && error->code == GST_PARSE_ERROR_NO_SUCH_ELEMENT
      && (strstr (error->message, "\"tensor_") || strstr (error->message, "\"onnxinference\"")))
    g_clear_error (&error);
  g_assert_no_error (error);
}

static void
test_parsing (void)
{
  gchar *dir = test_dir_new ();

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autofree gchar *text = print_pipelines (&rows[i], dir);
    g_autoptr (GPtrArray) pipelines = list_pipelines (text);

    g_assert_cmpuint (pipelines->len, ==, 6);
    for (guint k = 0; k < pipelines->len; k++)
      if (is_for_this_version (k % 3))
        check_parsing (g_ptr_array_index (pipelines, k));
  }
  test_dir_remove (dir);
}

/* --- Running ---------------------------------------------------------------------------------- */

#if HAVE_ANALYTICS
#  include <gst/analytics/analytics.h>

typedef struct {
  TestArray film;     /* (n, c, h, w) or (n, h, w, c) */
  TestArray expected; /* (windows, 1, m) */
  gsize channels, side;
  gboolean is_channels_first;
} Film;

static void
load_film (Film *film, const Row *row)
{
  g_autofree gchar *name = g_build_filename ("split", row->name, NULL);
  g_autofree gchar *dir = test_vector_path (name);

  film->film = test_array_load (dir, "film.npy");
  film->expected = test_array_load (dir, "expected.npy");
  film->side = film->film.shape[2];
  film->is_channels_first = film->film.shape[3] == film->side;
  film->channels = film->film.shape[film->is_channels_first ? 1 : 3];
  g_assert_cmpuint (film->expected.shape[1], ==, 1);
}

/* Returns: (transfer full): frame @i as video, interleaved, in the order red, green, blue */
static GstBuffer *
make_frame (const Film *film, const Row *row, gsize i)
{
  const gsize c = film->channels, area = film->side * film->side;
  const float *values = film->film.values + i * c * area;
  guint8 *pixels = g_malloc (c * area);
  GstBuffer *buffer;

  for (gsize k = 0; k < c; k++)
    for (gsize p = 0; p < area; p++) {
      const float value = values[film->is_channels_first ? k * area + p : p * c + k];
      const gdouble pixel = (value - row->low[k]) / (row->high[k] - row->low[k]) * 255;

      g_assert_true (pixel > -0.5 && pixel < 255.5);
      pixels[p * c + (row->is_bgr ? c - 1 - k : k)] = (guint8) (pixel + 0.5);
    }
  buffer = gst_buffer_new_wrapped (pixels, c * area);
  GST_BUFFER_PTS (buffer) = gst_util_uint64_scale (i, GST_SECOND, 30);
  GST_BUFFER_DURATION (buffer) = GST_SECOND / 30;
  return buffer;
}

/* Asserts that the scores of @buffer are those of window @w; below 0: that there are none. */
static void
check_scores (GstBuffer *buffer, const Film *film, gssize w)
{
  const gsize m = film->expected.shape[2];
  gpointer state = NULL;
  gboolean has_scores = FALSE;
  GstMeta *meta;

  while ((meta = gst_buffer_iterate_meta_filtered (buffer, &state, GST_TENSOR_META_API_TYPE))) {
    const GstTensor *tensor = ((const GstTensorMeta *) meta)->tensors[0];
    GstMapInfo map;

    if (tensor->id != g_quark_from_string ("lstm-output"))
      continue;
    has_scores = TRUE;
    g_assert_cmpint (w, >=, 0);
    g_assert_true (gst_buffer_map (tensor->data, &map, GST_MAP_READ));
    g_assert_cmpuint (map.size, ==, m * sizeof (float));
    g_assert_cmpfloat (
        test_error ((const float *) map.data, film->expected.values + (gsize) w * m, m), <,
        TOLERANCE);
    gst_buffer_unmap (tensor->data, &map);
  }
  g_assert_true (has_scores == (w >= 0));
}

/* Runs the elements of @line after the decoder. */
static void
run_line (const gchar *line, const Row *row)
{
  g_autofree gchar *elements = g_strdup (line + strlen (RECORDING)), *caps = NULL;
  GstHarness *harness;
  Film film;

  load_film (&film, row);
  g_assert_true (g_str_has_suffix (elements, END));
  elements[strlen (elements) - strlen (END)] = 0;
  harness = gst_harness_new_parse (elements);
  caps = g_strdup_printf ("video/x-raw,format=%s,width=%" G_GSIZE_FORMAT
                          ",height=%" G_GSIZE_FORMAT ",framerate=30/1",
      film.channels == 1 ? "GRAY8" : "RGB", film.side, film.side);
  gst_harness_set_src_caps_str (harness, caps);
  for (gsize i = 0; i < film.film.shape[0]; i++) {
    g_autoptr (GstBuffer)
        buffer = gst_harness_push_and_pull (harness, make_frame (&film, row, i));

    check_scores (
        buffer, &film, (gssize) i - (gssize) (film.film.shape[0] - film.expected.shape[0]));
  }
  gst_harness_teardown (harness);
  test_array_clear (&film.film);
  test_array_clear (&film.expected);
}

static void
test_running (void)
{
  g_autoptr (GstElementFactory) factory = gst_element_factory_find ("onnxinference");
  gchar *dir;

  if (!factory) {
    g_test_skip ("there is no onnxinference");
    return;
  }
  dir = test_dir_new ();
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autofree gchar *text = print_pipelines (&rows[i], dir);
    g_autoptr (GPtrArray) pipelines = list_pipelines (text);
    const gchar *line = g_ptr_array_index (pipelines, get_minor_version () >= 28 ? 3 : 4);

    g_test_message ("%s", line);
    g_assert_true (g_str_has_prefix (line, RECORDING));
    run_line (line, &rows[i]);
  }
  test_dir_remove (dir);
}
#endif

int
main (int argc, char **argv)
{
  static const TestRow tests[] = {
    {"/split-pipelines/parsing", test_parsing},
#if HAVE_ANALYTICS
    {"/split-pipelines/running", test_running},
#endif
  };

  return test_main (argc, argv, tests, G_N_ELEMENTS (tests));
}
