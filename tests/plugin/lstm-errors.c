/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Errors of `lstm`: each is posted once, with the expected and the found value, by the element
 * alone and in a pipeline. The stream stops. A new error is a new row. */
#include "lstm-rig.h"
#include "testutil.h"
#include <gmodule.h>

/* Tests request more memory than exists: malloc() must return NULL. */
#if defined(__SANITIZE_ADDRESS__)
G_MODULE_EXPORT const char *__asan_default_options (void);
const char *
__asan_default_options (void)
{
  return "allocator_may_return_null=1";
}
#elif defined(__SANITIZE_THREAD__)
G_MODULE_EXPORT const char *__tsan_default_options (void);
const char *
__tsan_default_options (void)
{
  return "allocator_may_return_null=1";
}
#endif

/* --- Allocators that fail ------------------------------------------------------------------ */

typedef GstAllocator Failing;
typedef GstAllocatorClass FailingClass;
static GType failing_get_type (void);
G_DEFINE_TYPE (Failing, failing, GST_TYPE_ALLOCATOR)

static GstMemory *
failing_alloc (GstAllocator *allocator, gsize size, GstAllocationParams *params)
{
  return NULL;
}

static void
failing_free (GstAllocator *allocator, GstMemory *memory)
{
  g_free (memory);
}

static gpointer
failing_map (GstMemory *memory, gsize size, GstMapFlags flags)
{
  return NULL;
}

static void
failing_class_init (FailingClass *klass)
{
  klass->alloc = failing_alloc;
  klass->free = failing_free;
}

static void
failing_init (Failing *failing)
{
  failing->mem_type = "failing";
  failing->mem_map = failing_map;
}

/* Returns: (transfer full): a buffer of @bytes bytes that cannot be mapped */
static GstBuffer *
unmappable_buffer_new (gsize bytes)
{
  g_autoptr (GstAllocator)
      allocator = gst_object_ref_sink (g_object_new (failing_get_type (), NULL));
  GstMemory *memory = g_new0 (GstMemory, 1);
  GstBuffer *buffer = gst_buffer_new ();

  gst_memory_init (memory, GST_MEMORY_FLAG_NO_SHARE, allocator, NULL, bytes, 0, 0, bytes);
  gst_buffer_append_memory (buffer, memory);
  return buffer;
}

/* --- Messages --------------------------------------------------------------------------- */

static void
assert_error (const GError *error, GQuark domain, gint code, const gchar *pattern)
{
  if (!g_pattern_match_simple (pattern, error->message))
    g_error ("expected '%s', found '%s'", pattern, error->message);
  g_assert_error (error, domain, code);
}

/* Asserts that the bus has exactly one error of @source. @source: (nullable): NULL for any
 * source */
static void
assert_one_error (
    GstBus *bus, const gchar *source, GQuark domain, gint code, const gchar *pattern)
{
  GstMessage *message;
  guint n = 0;

  while ((message = gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR))) {
    g_autoptr (GError) error = NULL;

    gst_message_parse_error (message, &error, NULL);
    if (!source || g_str_equal (GST_MESSAGE_SRC_NAME (message), source)) {
      assert_error (error, domain, code, pattern);
      n++;
    }
    gst_message_unref (message);
  }
  g_assert_cmpuint (n, ==, 1);
}

/* Replaces {v} by the directory of the vectors. Returns: (transfer full) */
static gchar *
replace_paths (const gchar *text)
{
  GString *line = g_string_new (text);

  g_string_replace (line, "{v}", g_getenv ("LSTM_TEST_VECTORS"), 0);
  return g_string_free (line, FALSE);
}

#define OPEN gst_resource_error_quark, GST_RESOURCE_ERROR_OPEN_READ
#define SETTINGS gst_library_error_quark, GST_LIBRARY_ERROR_SETTINGS
#define FORMAT gst_stream_error_quark, GST_STREAM_ERROR_FORMAT
#define FAILED gst_stream_error_quark, GST_STREAM_ERROR_FAILED
#define MEMORY lstm_error_quark, LSTM_ERROR_MEMORY

#define HEAD "model-location={v}/lstm/head/model.safetensors "
#define STATELESS "model-location={v}/lstm/no-memory/model.safetensors "
#define NON_CAUSAL "model-location={v}/variants/keras-bidirectional-concat/model.safetensors "
#define NON_CAUSAL_LAST                                                                           \
  "model-location={v}/variants/keras-bidirectional-mul-last/model.safetensors "

/* --- READY to PAUSED -------------------------------------------------------------------- */

static const struct {
  const gchar *properties;
  GQuark (*domain) (void);
  gint code;
  const gchar *pattern;
} start_rows[] = {
    {"", OPEN, "property model-location: expected a path, found none"},
    {"model-location={v}/none", OPEN, "*/none: *No such file or directory"},
    {"model-location={v}", OPEN, "*: expected a file, found a directory"},
    {"model-location={v}/lstm/head/x.npy", OPEN, "*/x.npy: expected *"},
    {"model-location={v}/torch/relu/model.safetensors", OPEN,
        "*/model.safetensors: *module-chain=\"lstm, fc\" or lstm-convert --module-chain "
        "\"lstm, fc\"*"},
    {"model-location={v}/torch/relu/model.safetensors module-chain=\"lstm last rely, fc\"",
        OPEN, "*/model.safetensors: module-chain: *found \"rely\" in \"lstm last rely\"*"},
    {"model-location={v}/convert/keras-k210/model.h5 module-chain=\"lstm, fc\"", OPEN,
        "*/model.h5: module-chain is supported only for a PyTorch model; found *HDF5*"},
    {HEAD "module-chain=out", OPEN,
        "*/model.safetensors: module-chain is supported only for a PyTorch state dict; found *layers*"},
    {HEAD "emit=0", SETTINGS, "property emit: expected at least one of *, found none"},
    {STATELESS "emit=cell", SETTINGS, "property emit: expected only output, *, found cell"},
    {HEAD "emit=gates output-mode=window", SETTINGS,
        "property emit: expected only output, because output-mode is window, found *"},
    {NON_CAUSAL_LAST "emit=hidden", SETTINGS, "property emit: expected only output, *, found hidden"},
    {HEAD "emit=hidden emit-layer=3", SETTINGS,
        "property emit-layer: expected -1 to 2, the recurrent layers of the model, found 3"},
    {HEAD "emit-layer=3", SETTINGS, "property emit-layer: expected -1 to 2, *, found 3"},
    {HEAD "state-location={v}/lstm/head/x.npy", SETTINGS, "*/x.npy: expected *, found *"},
    {HEAD "state-location={v}/lstm/head/model.safetensors", SETTINGS,
        "*/model.safetensors: *expected 1, found none"},
    {HEAD "state-location={v}", SETTINGS,
        "property state-location: *: expected a file, found a directory"},
    {HEAD "state-location=/dev/zero", SETTINGS,
        "property state-location: /dev/zero: expected a file, found a character device"},
    {HEAD "state-location={v}/none/state", SETTINGS,
        "property state-location: */none/state: expected a directory to write in, */none: No "
        "*"},
    {HEAD "state-location={v}/lstm/head/x.npy/state", SETTINGS,
        "property state-location: */x.npy/state: *Not a directory"},
    {HEAD "state-location=/proc/state", SETTINGS, "property state-location: /proc/state: *"},
    {NON_CAUSAL "state-location={v}/none", SETTINGS,
        "property state-location: expected none, *, found */none"},
    {NON_CAUSAL "output-mode=window window-length=5 max-steps=4", SETTINGS,
        "property window-length: expected at most 4 *, found 5"},
};

/* Each change to PAUSED fails with one error. The change to NULL succeeds. */
static void
check_start (GstElement *element, GstBus *bus, guint i)
{
  for (guint k = 0; k < 2; k++) {
    g_assert_cmpint (
        gst_element_set_state (element, GST_STATE_PAUSED), ==, GST_STATE_CHANGE_FAILURE);
    assert_one_error (
        bus, "lstm", start_rows[i].domain (), start_rows[i].code, start_rows[i].pattern);
    g_assert_cmpint (
        gst_element_set_state (element, GST_STATE_NULL), ==, GST_STATE_CHANGE_SUCCESS);
  }
}

static void
test_start (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (start_rows); i++) {
    g_autofree gchar *properties = replace_paths (start_rows[i].properties);
    g_autofree gchar *alone = g_strdup_printf ("lstm name=lstm %s", properties);
    g_autofree gchar *pipe = g_strdup_printf (
        "npysrc location=%s/lstm/head/x.npy ! lstm name=lstm %s ! fakesink",
        g_getenv ("LSTM_TEST_VECTORS"), properties);
    g_autoptr (GstElement) lstm = gst_object_ref_sink (gst_parse_launch (alone, NULL));
    g_autoptr (GstElement) pipeline = gst_parse_launch (pipe, NULL);
    g_autoptr (GstBus) bus = gst_bus_new ();
    g_autoptr (GstBus) pipeline_bus = gst_element_get_bus (pipeline);

    g_test_message ("%s", properties);
    gst_element_set_bus (lstm, bus);
    check_start (lstm, bus, i);
    gst_element_set_bus (lstm, NULL);
    check_start (pipeline, pipeline_bus, i);
  }
}

/* --- The stream ------------------------------------------------------------------------- */

#define STATIC "other/tensors,format=static,num_tensors=1,types=float32,framerate=30/1,"
#define LONG "lstm/long-no-bias"
#define BOTH_WAYS "variants/keras-bidirectional-concat"

/* Errors in a stream; the input size of the models is 3 */
static const struct {
  const gchar *folder, *properties, *dimensions;
  gsize bytes; /* of a buffer */
  GstFlowReturn flow;
  GQuark (*domain) (void);
  gint code;
  const gchar *pattern;
} stream_rows[] = {
    {LONG, "", "4", 16, GST_FLOW_NOT_NEGOTIATED, FORMAT,
        "caps field dimensions: expected vectors of 3 values*, found 4"},
    {LONG, "", "3:0", 12, GST_FLOW_NOT_NEGOTIATED, FORMAT,
        "caps field dimensions: expected d, d:T or d:T:bs*, found '3:0'"},
    {LONG, "", "3:2147483647:2147483647", 12, GST_FLOW_NOT_NEGOTIATED, FORMAT,
        "caps field dimensions: *"},
    {LONG, "gap-policy=zero-step", "3:2147483647:100000000", 12, GST_FLOW_NOT_NEGOTIATED,
        MEMORY, "no memory for 2147483647 steps of 100000000 streams"},
    {LONG, "gap-policy=zero-step output-mode=final", "3:2147483647:100000000", 12,
        GST_FLOW_NOT_NEGOTIATED, MEMORY, "no memory for *"},
    {BOTH_WAYS, "gap-policy=zero-step", "3:2147483647:100000000", 12, GST_FLOW_NOT_NEGOTIATED,
        MEMORY, "no memory for *"},
    {LONG, "", "3:2", 23, GST_FLOW_ERROR, FORMAT,
        "buffer: tensor 0: expected 24 bytes (float32, dimensions 3:2:1), found 23"},
    {LONG, "output-mode=final", "3", 16, GST_FLOW_ERROR, FORMAT,
        "buffer: *12 bytes*, found 16"},
    {LONG, "output-mode=window window-length=2", "3", 1, GST_FLOW_ERROR, FORMAT,
        "buffer: tensor 0: expected 12 bytes *, found 1"},
    {BOTH_WAYS, "", "3", 11, GST_FLOW_ERROR, FORMAT, "buffer: *12 bytes*, found 11"},
    {BOTH_WAYS, "max-steps=4", "3:5", 60, GST_FLOW_ERROR, FAILED,
        "sequence: expected at most 4 steps*, found 5 or more"},
};

static gboolean
push_dimensions (Rig *rig, const gchar *dimensions)
{
  g_autofree gchar *caps = g_strconcat (STATIC "dimensions=(string)", dimensions, NULL);

  return rig_push_caps_text (rig, caps);
}

/* All buffers and events after the error are refused without a further message. */
static void
check_refused_stream (Rig *rig, GstFlowReturn flow, gsize bytes)
{
  for (guint k = 0; k < 3; k++) {
    GstBuffer *buffer = gst_buffer_new_allocate (NULL, bytes, NULL);

    GST_BUFFER_PTS (buffer) = k * GST_SECOND;
    g_assert_cmpint (gst_harness_push (rig->harness, buffer), ==, flow);
    rig_push_event (rig, gst_event_new_gap (k * GST_SECOND, GST_SECOND / 10));
  }
  rig_push_event (rig, gst_event_new_eos ());
  g_assert_cmpuint (rig->outputs->len, ==, 0);
}

/* The next stream is not affected. */
static void
check_recovery (Rig *rig)
{
  rig_begin_stream (rig);
  rig_push_and_expect (rig, 0, 4);
  rig_push_segment (rig);
  rig_assert_outputs (rig);
}

static void
test_stream (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (stream_rows); i++) {
    g_autofree gchar *folder = g_strconcat ("./", stream_rows[i].folder, NULL);
    Rig rig;

    g_test_message ("%s %s %s", folder, stream_rows[i].properties, stream_rows[i].dimensions);
    rig_init (&rig, folder, stream_rows[i].properties);
    rig_push_stream_start (&rig);
    push_dimensions (&rig, stream_rows[i].dimensions);
    rig_push_segment (&rig);
    check_refused_stream (&rig, stream_rows[i].flow, stream_rows[i].bytes);
    assert_one_error (
        rig.bus, NULL, stream_rows[i].domain (), stream_rows[i].code, stream_rows[i].pattern);
    if (rig.x.streams == 1 && !strstr (stream_rows[i].properties, "output-mode"))
      check_recovery (&rig);
    rig_clear (&rig);
  }
}

/* Runs @n steps of zeros in liblstm, as the element does for a gap of @n frames. */
static void
expect_zero_steps (Rig *rig, gsize n)
{
  g_autofree gfloat *zeros = g_new0 (gfloat, n * rig->x.size);

  lstm_state_run (rig->state, n, zeros, NULL);
}

/* After refused caps the caps before work as before, and the same wrong caps are an error again.
 */
static void
test_caps_return (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (stream_rows); i++) {
    Rig rig;

    if (stream_rows[i].flow != GST_FLOW_NOT_NEGOTIATED
        || strcmp (stream_rows[i].folder, LONG) != 0)
      continue;
    g_test_message ("%s", stream_rows[i].dimensions);
    rig_init (&rig, LONG, "gap-policy=zero-step");
    rig_begin_stream (&rig);
    rig_push_and_expect (&rig, 0, 2);
    for (guint k = 0; k < 2; k++) {
      push_dimensions (&rig, stream_rows[i].dimensions);
      g_assert_cmpint (
          gst_harness_push (rig.harness, gst_buffer_new_allocate (NULL, 12, NULL)), ==,
          GST_FLOW_NOT_NEGOTIATED);
      assert_one_error (
          rig.bus, NULL, stream_rows[i].domain (), stream_rows[i].code, stream_rows[i].pattern);
      rig_push_caps (&rig);
      if (stream_rows[i].domain == lstm_error_quark)
        rig_expect_reset (&rig); /* another number of streams ends the sequence */
      rig_push_event (&rig, gst_event_new_gap (0, 3 * GST_SECOND / 30));
      expect_zero_steps (&rig, 3);
      rig_push_and_expect (&rig, 2 + k, 1);
    }
    rig_assert_outputs (&rig);
    rig_clear (&rig);
  }
}

/* A source pushes buffers that do not match their caps, and EOS. */
static void
test_pipeline (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (stream_rows); i++) {
    g_autofree gchar *line = g_strdup_printf (
        "npysrc location=%s/" LONG "/x.npy steps-per-buffer=%s ! capssetter replace=true "
        "caps=\"" STATIC "dimensions=(string)%s\" ! "
        "lstm name=lstm model-location=%s/%s/model.safetensors %s ! fakesink async=false",
        g_getenv ("LSTM_TEST_VECTORS"),
        stream_rows[i].code == GST_STREAM_ERROR_FAILED ? "5" : "7", stream_rows[i].dimensions,
        g_getenv ("LSTM_TEST_VECTORS"), stream_rows[i].folder, stream_rows[i].properties);
    g_autoptr (GError) error = NULL;
    g_autoptr (GstElement) pipeline = gst_parse_launch (line, &error);
    g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
    g_autoptr (GstBus) copy = gst_bus_new ();
    GstMessage *message;
    gboolean at_eos = FALSE;

    g_assert_no_error (error);
    g_test_message ("%s", line);
    gst_element_set_state (pipeline, GST_STATE_PLAYING);
    while (!at_eos) {
      message = gst_bus_timed_pop_filtered (
          bus, GST_CLOCK_TIME_NONE, GST_MESSAGE_ERROR | GST_MESSAGE_EOS);
      at_eos = GST_MESSAGE_TYPE (message) == GST_MESSAGE_EOS;
      gst_bus_post (copy, message);
    }
    gst_element_set_state (pipeline, GST_STATE_NULL);
    assert_one_error (copy, "lstm", stream_rows[i].domain (), stream_rows[i].code,
        stream_rows[i].code == GST_STREAM_ERROR_FORMAT && stream_rows[i].flow == GST_FLOW_ERROR
            ? "buffer: tensor 0: expected * bytes *, found 84"
            : stream_rows[i].pattern);
  }
}

/* Memory cannot be allocated or mapped, in a mode that pushes outputs at once and in one that
 * queues them. */
static void
test_memory (void)
{
  static const gchar *const modes[] = {"", "output-mode=window window-length=1"};

  for (guint i = 0; i < 2 * G_N_ELEMENTS (modes); i++) {
    const gboolean unmappable = i % 2;
    Rig rig;

    rig_init (&rig, "long-no-bias", modes[i / 2]);
    if (!unmappable)
      gst_harness_set_propose_allocator (
          rig.harness, gst_object_ref_sink (g_object_new (failing_get_type (), NULL)), NULL);
    rig_begin_stream (&rig);
    g_assert_cmpint (gst_harness_push (rig.harness,
                         unmappable ? unmappable_buffer_new (12) : rig_buffer_new (&rig, 0)),
        ==, GST_FLOW_ERROR);
    check_refused_stream (&rig, GST_FLOW_ERROR, 12);
    if (unmappable)
      assert_one_error (rig.bus, NULL, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_FAILED,
          "buffer: expected memory that can be mapped for reading, found 12 bytes that cannot be mapped");
    else
      assert_one_error (rig.bus, NULL, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NO_SPACE_LEFT,
          "buffer: expected 64 bytes from *, found none");
    rig_clear (&rig);
  }
}

/* After an error the file has h and c of the last correct step. */
static void
test_state_stays (void)
{
  gchar *dir = test_dir_new ();
  g_autofree gchar *location = g_build_filename (dir, "state", NULL);
  g_autofree gchar *properties = g_strconcat ("state-location=", location, NULL);
  g_autofree gchar *content = NULL;
  g_autoptr (GBytes) bytes = NULL;
  gsize size;
  Rig rig;

  rig_init (&rig, "long-no-bias", properties);
  rig_begin_stream (&rig);
  rig_push_steps (&rig, 0, 5);
  g_signal_emit_by_name (rig.lstm, "get-state", &bytes);
  g_assert_cmpint (gst_harness_push (rig.harness, gst_buffer_new_allocate (NULL, 1, NULL)), ==,
      GST_FLOW_ERROR);
  gst_element_set_state (rig.lstm, GST_STATE_NULL);
  assert_one_error (rig.bus, NULL, GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT, "buffer: *");
  g_assert_true (g_file_get_contents (location, &content, &size, NULL));
  g_assert_cmpmem (content, size, g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
  rig_clear (&rig);
  test_dir_remove (dir);
}

/* --- Names that are not UTF-8 ----------------------------------------------------------- */

/* Properties with values that are not valid UTF-8, as all messages must be */
static const struct {
  const gchar *element, *property, *value;
} named[] = {
    {"lstm", "model-location", "/nonexistent/\xff"},
    {"lstm", "state-location", "/nonexistent/\xff"},
    {"lstm", "module-chain", "\xff"},
    {"lstmlabel", "labels-location", "/nonexistent/\xff"},
    {"npysrc", "location", "/nonexistent/\xff"},
};

static void
test_utf8 (void)
{
  g_autofree gchar *model = test_vector_path ("lstm/head/model.safetensors");

  for (gsize i = 0; i < G_N_ELEMENTS (named); i++) {
    g_autoptr (GstElement) pipeline = gst_pipeline_new (NULL);
    g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
    GstElement *element = gst_element_factory_make (named[i].element, NULL);
    g_autoptr (GstMessage) message = NULL;
    g_autoptr (GError) error = NULL;

    gst_bin_add (GST_BIN (pipeline), element);
    if (g_object_class_find_property (G_OBJECT_GET_CLASS (element), "model-location"))
      g_object_set (element, "model-location", model, NULL);
    g_object_set (element, named[i].property, named[i].value, NULL);
    gst_element_set_state (pipeline, GST_STATE_PAUSED);
    message = gst_bus_timed_pop_filtered (bus, GST_CLOCK_TIME_NONE, GST_MESSAGE_ERROR);
    gst_message_parse_error (message, &error, NULL);
    g_assert_true (g_utf8_validate (error->message, -1, NULL));
    gst_element_set_state (pipeline, GST_STATE_NULL);
  }
}

int
main (int argc, char **argv)
{
  static const TestRow tests[] = {
      {"/lstm-errors/start", test_start},
      {"/lstm-errors/stream", test_stream},
      {"/lstm-errors/caps-return", test_caps_return},
      {"/lstm-errors/pipeline", test_pipeline},
      {"/lstm-errors/memory", test_memory},
      {"/lstm-errors/state-stays", test_state_stays},
      {"/lstm-errors/utf8", test_utf8},
  };

  return test_main (argc, argv, tests, G_N_ELEMENTS (tests));
}
