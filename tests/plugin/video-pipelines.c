/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The pipelines that `lstm-convert --split` prints for onnxinference. The tests replace their
 * source and their sink. The expected numbers are the outputs of ONNX Runtime, which ran the
 * complete model over each window of frames. */
#include "../array.h"
#include "testutil.h"
#include <gst/analytics/analytics.h>
#include <string.h>

#define TOLERANCE 1e-4
#define PADDING 200
#define FIRST_PICTURE "videoconvert" /* the element that follows the source */
#define SINK " ! fakesink"

typedef struct {
  gchar *
      name; /* of a folder in vectors/pipelines, and of the folder of the model in vectors/split */
  TestArray frames;   /* [n, h, w, c] */
  TestArray expected; /* [n - T + 1, steps, m] */
} Case;

static void
case_clear (Case *c)
{
  g_free (c->name);
  test_array_clear (&c->frames);
  test_array_clear (&c->expected);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Case, case_clear)

static void
case_init (Case *c, const gchar *name)
{
  g_autofree gchar *below = g_build_filename ("pipelines", name, NULL);
  g_autofree gchar *dir = test_vector_path (below);

  c->name = g_strdup (name);
  c->frames = test_array_load (dir, "frames.npy");
  c->expected = test_array_load (dir, "expected.npy");
}

/* Returns: (transfer full): the path of the model */
static gchar *
find_model (const Case *c)
{
  g_autofree gchar *own = g_build_filename ("pipelines", c->name, "model.onnx", NULL);
  g_autofree gchar *shared = g_build_filename ("split", c->name, "model.onnx", NULL);
  gchar *path = test_vector_path (own);

  if (g_file_test (path, G_FILE_TEST_EXISTS))
    return path;
  g_free (path);
  return test_vector_path (shared);
}

/* Runs lstm-convert. Returns: (transfer full): what it printed to standard output */
static gchar *
split_model (const Case *c, const gchar *folder)
{
  g_autofree gchar *below = g_build_filename ("pipelines", c->name, NULL);
  g_autofree gchar *dir = test_vector_path (below);
  g_autofree gchar *arguments = test_read_text (dir, "arguments.txt");
  g_autofree gchar *model = find_model (c);
  g_autofree gchar *line = g_strdup_printf (
      "'%s' --split '%s' -o '%s' %s", g_getenv ("LSTM_CONVERT"), model, folder, arguments);
  g_autoptr (GError) error = NULL;
  g_autofree gchar *message = NULL;
  gchar *printed;
  gint status;

  g_spawn_command_line_sync (line, &printed, &message, &status, &error);
  g_assert_no_error (error);
  if (status != 0)
    g_error ("%s", message);
  return printed;
}

/* Returns: (transfer full): the elements between source and sink of the pipeline after a line that
 * begins with
 * @title, as a gst-launch line */
static gchar *
find_pipeline (const gchar *printed, const gchar *title)
{
  const gchar *begin = strstr (printed, title);
  const gchar *end;
  g_autofree gchar *command = NULL, *line = NULL;
  g_auto (GStrv) words = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_nonnull (begin);
  begin = strstr (begin, "\ngst-launch-1.0 ");
  g_assert_nonnull (begin);
  end = strstr (begin, SINK "\n");
  g_assert_nonnull (end);
  command = g_strndup (begin, (gsize) (end - begin));
  g_shell_parse_argv (command, NULL, &words, &error);
  g_assert_no_error (error);
  line = g_strjoinv (" ", words);
  begin = strstr (line, FIRST_PICTURE);
  g_assert_nonnull (begin);
  return g_strdup (begin);
}

/* Returns: (transfer full): frame @i, whose rows GStreamer pads to a multiple of four bytes */
static GstBuffer *
frame_new (const Case *c, gsize i)
{
  const gsize rows = c->frames.shape[1], n = c->frames.shape[2] * c->frames.shape[3];
  const gsize stride = GST_ROUND_UP_4 (n);
  const float *values = c->frames.values + i * rows * n;
  guint8 *pixels = g_malloc (rows * stride);
  GstBuffer *buffer;

  memset (pixels, PADDING, rows * stride);
  for (gsize y = 0; y < rows; y++)
    for (gsize k = 0; k < n; k++)
      pixels[y * stride + k] = (guint8) values[y * n + k];
  buffer = gst_buffer_new_wrapped (pixels, rows * stride);
  GST_BUFFER_PTS (buffer) = gst_util_uint64_scale (i, GST_SECOND, 30);
  GST_BUFFER_DURATION (buffer) = GST_SECOND / 30;
  return buffer;
}

/* Asserts that the tensor of `lstm` in @buffer, the frame @i, is the output of the window that ends
 * there, and that no tensor precedes the first window. */
static void
check_frame (const Case *c, GstBuffer *buffer, gsize i)
{
  const gsize first = c->frames.shape[0] - c->expected.shape[0];
  const gsize n = c->expected.shape[1] * c->expected.shape[2];
  const GstTensor *found = NULL;
  gpointer state = NULL;
  GstMeta *meta;
  GstMapInfo map;

  while ((meta = gst_buffer_iterate_meta_filtered (buffer, &state, GST_TENSOR_META_API_TYPE))) {
    const GstTensor *tensor = ((const GstTensorMeta *) meta)->tensors[0];

    if (tensor->id == g_quark_from_string ("lstm-output"))
      found = tensor;
  }
  g_assert_true ((found != NULL) == (i >= first));
  if (!found)
    return;
  g_assert_true (gst_buffer_map (found->data, &map, GST_MAP_READ));
  g_assert_cmpuint (map.size, ==, n * sizeof (float));
  g_assert_cmpfloat (
      test_error ((const float *) map.data, c->expected.values + (i - first) * n, n), <,
      TOLERANCE);
  gst_buffer_unmap (found->data, &map);
}

static void
check_pipeline (const Case *c, const gchar *printed, const gchar *source)
{
  guint major, minor, micro, nano;
  g_autofree gchar *title = NULL, *line = NULL, *caps = NULL;
  GstHarness *harness;

  gst_version (&major, &minor, &micro, &nano);
  title = g_strdup_printf (
      "# %s, with onnxinference of GStreamer 1.%u ", source, minor < 27 ? 26 : 28);
  line = find_pipeline (printed, title);
  g_test_message ("%s", line);
  harness = gst_harness_new_parse (line);
  caps = g_strdup_printf ("video/x-raw,format=%s,width=%" G_GSIZE_FORMAT
                          ",height=%" G_GSIZE_FORMAT ",framerate=30/1,pixel-aspect-ratio=1/1",
      c->frames.shape[3] == 1 ? "GRAY8" : "RGB", c->frames.shape[2], c->frames.shape[1]);
  gst_harness_set_src_caps_str (harness, caps);
  for (gsize i = 0; i < c->frames.shape[0]; i++) {
    GstBuffer *buffer = gst_harness_push_and_pull (harness, frame_new (c, i));

    check_frame (c, buffer, i);
    gst_buffer_unref (buffer);
  }
  gst_harness_teardown (harness);
}

static void
test_case (gconstpointer name)
{
  g_autoptr (GstElementFactory) factory = gst_element_factory_find ("onnxinference");
  g_autofree gchar *printed = NULL;
  g_auto (Case) c = {0};
  gchar *folder;

  if (!factory) {
    g_test_skip ("there is no onnxinference");
    return;
  }
  folder = test_dir_new ();
  case_init (&c, name);
  printed = split_model (&c, folder);
  check_pipeline (&c, printed, "A camera");
  check_pipeline (&c, printed, "A recording");
  test_dir_remove (folder);
}

int
main (int argc, char **argv)
{
  g_autofree gchar *root = NULL;
  g_autoptr (GDir) folders = NULL;
  const gchar *name;

  test_init (&argc, &argv);
  root = test_vector_path ("pipelines");
  folders = g_dir_open (root, 0, NULL);
  g_assert_nonnull (folders);
  while ((name = g_dir_read_name (folders))) {
    g_autofree gchar *path = g_strconcat ("/video-pipelines/", name, NULL);

    g_test_add_data_func_full (path, g_strdup (name), test_case, g_free);
  }
  return g_test_run ();
}
