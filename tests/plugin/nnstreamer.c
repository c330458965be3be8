/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Pipelines of `lstm` and a real NNStreamer, and their numbers. The tests are skipped if there is
 * no NNStreamer. docs/neighbours.md describes the pipelines. A new pipeline is a row. */
#include "lstm-rig.h"

#define FOLDER "long-no-bias" /* d = 3, n = 16 */
#define D 3
#define N 16
#define STEPS 64
#define FPS "30/1"
#define HEADER_BYTES 128

/* Sources of the steps: 12 bytes each. $x is a file of floats, $n is the .npy file. tensor_mux
 * drops buffers without timestamps, so its source is NPY. */
#define OCTETS(bytes, dim)                                                                     \
  "filesrc location=$x blocksize=" bytes " ! application/octet-stream ! "                      \
  "tensor_converter input-type=float32 input-dim=" dim
#define ONE OCTETS ("12", "3:1:1:1")
#define FOUR OCTETS ("48", "3:4:1:1")
#define NPY "npysrc location=$n"
#define LSTM " ! lstm model-location=$m "
#define INDEX(i) " ! lstm model-location=$m input-tensor-index=" i " "
#define OUT " ! filesink location=$o"
#define STATIC(dimensions)                                                                     \
  "other/tensors,format=static,num_tensors=1,types=float32,dimensions=(string)" dimensions
#define FLEXIBLE " ! other/tensors,format=flexible"
#define AGGREGATE(frames, dim)                                                                 \
  " ! tensor_aggregator frames-out=" frames " frames-flush=" frames " frames-dim=" dim
#define CODED(mode) " ! tensor_decoder mode=" mode " ! tensor_converter"
#define TWICE(element) element " ! mux.sink_0 " element " ! mux.sink_1"

static gfloat
keep_value (gfloat x)
{
  return x;
}

static gfloat
scale_value (gfloat x)
{
  return x * 2.0f + 0.5f;
}

static gfloat
round_value (gfloat x)
{
  return (gfloat) (gint32) (x * 10.0f);
}

typedef struct {
  const gchar *name, *line;
  gfloat (*convert) (gfloat x); /* what the pipeline does to each value of the input */
  guint flexible_steps;         /* of a buffer of flexible output; 0: static output */
  guint first_step;             /* of which the output is compared */
} Row;

static const Row rows[] = {
    /* Dimensions */
    {"d", OCTETS ("12", "3") LSTM OUT, keep_value},
    {"d-1", OCTETS ("12", "3:1") LSTM OUT, keep_value},
    {"d-1-1-1", ONE LSTM OUT, keep_value},
    {"1-1-d", OCTETS ("12", "1:1:3") LSTM OUT, keep_value},
    {"1-1-d-1", OCTETS ("12", "1:1:3:1") LSTM OUT, keep_value},
    {"rank-16", OCTETS ("12", "3:1:1:1:1:1:1:1:1:1:1:1:1:1:1:1") LSTM OUT, keep_value},
    {"d-t", OCTETS ("48", "3:4") LSTM OUT, keep_value},
    {"1-1-d-t", OCTETS ("48", "1:1:3:4") LSTM OUT, keep_value},
    {"d-1-1-t", OCTETS ("48", "3:1:1:4") LSTM OUT, keep_value},
    {"one-buffer", OCTETS ("768", "3:64") LSTM OUT, keep_value},
    {"aggregator-1", ONE AGGREGATE ("16", "1") LSTM OUT, keep_value},
    {"aggregator-3", ONE AGGREGATE ("16", "3") LSTM OUT, keep_value},
    {"aggregator-of-1-1-d", OCTETS ("12", "1:1:3:1") AGGREGATE ("16", "3") LSTM OUT,
        keep_value},
    {"aggregator-splits",
        FOUR " ! tensor_aggregator frames-in=4 frames-out=1 frames-dim=1" LSTM OUT, keep_value},

    /* Input formats */
    {"old-name", ONE " ! other/tensor" LSTM OUT, keep_value},
    {"old-name-t", FOUR " ! other/tensor,type=float32" LSTM OUT, keep_value},
    {"flexible", ONE FLEXIBLE LSTM OUT, keep_value},
    {"flexible-t", FOUR FLEXIBLE LSTM OUT, keep_value},
    {"flexible-d-1-1-t", OCTETS ("48", "3:1:1:4") FLEXIBLE LSTM OUT, keep_value},
    {"flexible-aggregator", ONE AGGREGATE ("8", "3") " ! tensor_mux" FLEXIBLE LSTM OUT,
        keep_value},
    {"flexible-to-static", ONE FLEXIBLE " ! tensor_converter" LSTM OUT, keep_value},
    {"flexbuf", ONE CODED ("flexbuf") LSTM OUT, keep_value},
    {"flexbuf-t", FOUR CODED ("flexbuf") LSTM OUT, keep_value},
    {"protobuf", ONE CODED ("protobuf") LSTM OUT, keep_value},
    {"protobuf-t", FOUR CODED ("protobuf") LSTM OUT, keep_value},
    {"flatbuf", ONE CODED ("flatbuf") LSTM OUT, keep_value},
    {"flatbuf-t", FOUR CODED ("flatbuf") LSTM OUT, keep_value},
    {"sparse",
        NPY " ! tensor_sparse_enc ! other/tensors,format=sparse,framerate=" FPS
            " ! tensor_sparse_dec ! " STATIC ("3") ",framerate=" FPS LSTM OUT,
        keep_value},

    /* Types and values */
    {"float64", ONE " ! tensor_transform mode=typecast option=float64" LSTM OUT, keep_value},
    {"arithmetic", ONE " ! tensor_transform mode=arithmetic option=mul:2.0,add:0.5" LSTM OUT,
        scale_value},
    {"int32",
        ONE " ! tensor_transform mode=arithmetic option=mul:10.0 ! "
            "tensor_transform mode=typecast option=int32" LSTM OUT,
        round_value},
    {"int8",
        ONE " ! tensor_transform mode=arithmetic option=mul:10.0 ! "
            "tensor_transform mode=typecast option=int8" LSTM OUT,
        round_value},

    /* Several tensors */
    {"mux-0", "tensor_mux name=mux" INDEX ("0") OUT " " TWICE (NPY), keep_value},
    {"mux-1", "tensor_mux name=mux" INDEX ("1") OUT " " TWICE (NPY), keep_value},
    {"mux-flexible", "tensor_mux name=mux" FLEXIBLE INDEX ("1") OUT " " TWICE (NPY),
        keep_value},
    {"demux", "tensor_mux name=mux ! tensor_demux tensorpick=1" LSTM OUT " " TWICE (NPY),
        keep_value},

    /* Output */
    {"transform", ONE LSTM " ! tensor_transform mode=typecast option=float32" OUT, keep_value},
    {"rank-4", ONE LSTM " ! other/tensors,dimensions=(string)16:1:1:1" OUT, keep_value},
    {"rank-5-filter", ONE LSTM " ! other/tensors,dimensions=(string)16:1:1:1:1" OUT,
        keep_value},
    {"old-name-out", ONE LSTM " ! other/tensor" OUT, keep_value},
    {"flexible-out", ONE LSTM FLEXIBLE OUT, keep_value, 1},
    {"flexible-out-t", FOUR LSTM FLEXIBLE OUT, keep_value, 4},
    {"flexible-out-converter", FOUR LSTM FLEXIBLE " ! tensor_converter" OUT, keep_value},
    {"flexible-out-transform",
        ONE LSTM FLEXIBLE " ! tensor_transform mode=typecast option=float32" OUT, keep_value,
        1},
    {"pick-output", ONE LSTM "emit=output+cell ! tensor_demux tensorpick=0" OUT, keep_value},
    {"aggregator-out", ONE LSTM AGGREGATE ("4", "1") OUT, keep_value},
    {"crop",
        "tensor_crop name=crop ! filesink location=$o  " NPY LSTM
        " ! other/tensors,dimensions=(string)16:1:1:1 ! crop.raw  filesrc location=$i "
        "blocksize=16 ! application/octet-stream ! tensor_converter input-dim=4:1 "
        "input-type=uint32 ! crop.info",
        keep_value, 1},
    {"final", ONE LSTM "output-mode=final" OUT, keep_value, 0, STEPS - 1},
    {"final-flexible", ONE LSTM "output-mode=final" FLEXIBLE OUT, keep_value, 1, STEPS - 1},
};

/* Files in a temporary directory, and the steps in them */
typedef struct {
  gchar *dir;
  StepArray x;
} Files;

static void
write_file (const Files *files, const gchar *name, gconstpointer data, gsize bytes)
{
  g_autofree gchar *path = g_build_filename (files->dir, name, NULL);
  g_autoptr (GError) error = NULL;

  g_file_set_contents (path, data, (gssize) bytes, &error);
  g_assert_no_error (error);
}

static void
files_init (Files *files)
{
  g_autofree gchar *source = get_vector_path (FOLDER, "x.npy");
  g_autoptr (GString) labels = g_string_new (NULL);
  guint32 regions[STEPS][4]; /* x, y, width and height of tensor_crop */
  g_autofree gchar *npy = NULL;

  files->dir = test_dir_new ();
  files->x = step_array_load (source);
  npy = g_build_filename (files->dir, "n", NULL);
  npy_write_floats (npy, "(64, 3)", files->x.items, STEPS * D);
  write_file (files, "x", files->x.items, STEPS * D * sizeof (gfloat));
  for (guint i = 0; i < STEPS; i++)
    memcpy (regions[i], (const guint32[]){0, 0, 1, 1}, sizeof regions[i]);
  write_file (files, "i", regions, sizeof regions);
  for (guint i = 0; i < N; i++)
    g_string_append_printf (labels, "label%u\n", i);
  write_file (files, "l", labels->str, labels->len);
}

static void
files_clear (Files *files)
{
  g_free (files->x.items);
  test_dir_remove (files->dir);
}

/* Runs @line, in which $ and a letter is replaced by the path of a file. Returns: (transfer full)
 * (array): the file $o, which the pipeline wrote */
static GByteArray *
run_line (const Files *files, const gchar *line)
{
  g_autofree gchar *model = get_vector_path (FOLDER, "model.safetensors");
  g_autoptr (GString) text = g_string_new (line);
  g_autofree gchar *prefix = g_strconcat (files->dir, G_DIR_SEPARATOR_S, NULL);
  g_autofree gchar *path = g_build_filename (files->dir, "o", NULL);
  g_autofree gchar *error = NULL;
  g_autoptr (GError) read_error = NULL;
  gchar *content;
  gsize bytes;

  g_string_replace (text, "$m", model, 0);
  g_string_replace (text, "$", prefix, 0);
  if (!test_launch (&error, "%s", text->str))
    g_error ("%s: %s", line, error);
  g_file_get_contents (path, &content, &bytes, &read_error);
  g_assert_no_error (read_error);
  return g_byte_array_new_take ((guint8 *) content, bytes);
}

/* Returns: (transfer full): the outputs of liblstm for the steps of @files, converted by
 * @convert */
static GArray *
compute_outputs (const Files *files, gfloat (*convert) (gfloat x))
{
  g_autofree gchar *path = get_vector_path (FOLDER, "model.safetensors");
  g_autoptr (LstmModel) model = lstm_model_load (path, NULL);
  g_autoptr (LstmState) state = lstm_state_new (model, 1, NULL);
  GArray *outputs = g_array_new (FALSE, FALSE, sizeof (gfloat));
  gfloat x[STEPS * D];

  for (guint i = 0; i < STEPS * D; i++)
    x[i] = convert (files->x.items[i]);
  g_array_set_size (outputs, STEPS * N);
  lstm_state_run (state, STEPS, x, (gfloat *) (gpointer) outputs->data);
  return outputs;
}

/* Removes the headers of flexible tensors of @steps steps from @bytes. */
static void
remove_headers (GByteArray *bytes, guint steps)
{
  const guint tensor_bytes = steps * N * sizeof (gfloat);

  for (guint at = 0; at < bytes->len; at += tensor_bytes) {
    g_assert_cmpuint (at + HEADER_BYTES, <=, bytes->len);
    g_byte_array_remove_range (bytes, at, HEADER_BYTES);
  }
}

static void
test_row (gconstpointer data)
{
  const Row *row = data;
  g_autoptr (GByteArray) bytes = NULL;
  g_autoptr (GArray) expected = NULL, found = g_array_new (FALSE, FALSE, sizeof (gfloat));
  Files files;

  files_init (&files);
  bytes = run_line (&files, row->line);
  if (row->flexible_steps > 0)
    remove_headers (bytes, row->flexible_steps);
  expected = compute_outputs (&files, row->convert);
  g_array_remove_range (expected, 0, row->first_step * N);
  g_array_append_vals (found, bytes->data, bytes->len / sizeof (gfloat));
  assert_same_bits (found, expected);
  files_clear (&files);
}

/* --- Labels and errors ------------------------------------------------------------------- */

/* The decoder labels vectors of dimensions n:1 only. */
static void
test_labels (void)
{
  static const gchar *const lines[] = {
      NPY LSTM " ! tensor_decoder mode=image_labeling option1=$l" OUT,
      NPY " steps-per-buffer=4" LSTM
          " ! tensor_aggregator frames-in=4 frames-out=1 frames-dim=1 ! "
          "tensor_decoder mode=image_labeling option1=$l" OUT,
  };

  for (guint i = 0; i < G_N_ELEMENTS (lines); i++) {
    g_autoptr (GString) expected = g_string_new (NULL);
    g_autoptr (GByteArray) found = NULL;
    g_autoptr (GArray) outputs = NULL;
    Files files;

    files_init (&files);
    found = run_line (&files, lines[i]);
    outputs = compute_outputs (&files, keep_value);
    for (guint k = 0; k < STEPS; k++) {
      const gfloat *y = &g_array_index (outputs, gfloat, k * N);
      guint best = 0;

      for (guint j = 1; j < N; j++)
        best = y[j] > y[best] ? j : best;
      g_string_append_printf (
          expected, "label%u%c", best, '\0'); /* each text ends with a NUL */
    }
    g_assert_cmpmem (found->data, found->len, expected->str, expected->len);
    files_clear (&files);
  }
}

/* Elements other than `lstm` read what NNStreamer converts. */
static void
test_other_elements (void)
{
  static const gchar *const lines[] = {
      NPY " ! tensor_transform mode=typecast option=float32 ! npysink location=$o",
      ONE CODED ("flexbuf") " ! npysink location=$o",
      ONE CODED ("protobuf") " ! npysink location=$o",
      FOUR CODED ("flatbuf") " ! npysink location=$o",
      FOUR FLEXIBLE " ! npysink location=$o",
      ONE " ! other/tensor ! npysink location=$o",
  };
  g_autoptr (GByteArray) text = NULL;
  Files files;

  files_init (&files);
  for (guint i = 0; i < G_N_ELEMENTS (lines); i++) {
    g_autoptr (GByteArray) found = run_line (&files, lines[i]);

    g_assert_cmpmem (found->data + 128, found->len - 128, files.x.items, STEPS * D * 4);
  }
  text = run_line (
      &files, NPY LSTM CODED ("flexbuf") " ! lstmlabel labels-location=$l threshold=-1" OUT);
  g_assert_true (g_str_has_prefix ((const gchar *) text->data, "label"));
  files_clear (&files);
}

/* Errors of the element. The line of a pipeline that does not fit has no output. */
static void
test_errors (void)
{
  static const struct {
    const gchar *line, *pattern;
  } cases[] = {
      {OCTETS ("16", "4:1:1:1") LSTM " ! fakesink",
          "lstm*: * expected vectors of 3 *, found 4*"},
      {OCTETS ("16", "4:1:1:1") CODED ("protobuf") LSTM " ! fakesink",
          "lstm*: * expected vectors of 3 *, found 4*"},
      {ONE AGGREGATE ("16", "0") LSTM " ! fakesink",
          "lstm*: * expected vectors of 3 *, found 48"},
      {"tensor_mux name=mux" LSTM " ! fakesink " TWICE (NPY),
          "lstm*: caps field num_tensors: expected 1 *input-tensor-index*, found 2"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree gchar *model = get_vector_path (FOLDER, "model.safetensors");
    g_autoptr (GString) text = g_string_new (cases[i].line);
    g_autofree gchar *error = NULL, *prefix = NULL;
    Files files;

    files_init (&files);
    prefix = g_strconcat (files.dir, G_DIR_SEPARATOR_S, NULL);
    g_string_replace (text, "$m", model, 0);
    g_string_replace (text, "$", prefix, 0);
    g_assert_false (test_launch (&error, "%s", text->str));
    assert_matches (error, cases[i].pattern);
    files_clear (&files);
  }
}

/* Runs a buffer of 17 tensors, whose caps pass through @filter. Returns: (transfer full): the
 * error */
static gchar *
run_many_tensors (const gchar *filter)
{
  g_autofree gchar *model = get_vector_path (FOLDER, "model.safetensors");
  g_autoptr (GString) line = g_string_new ("tensor_mux name=mux ! ");
  gchar *error;

  g_string_append_printf (
      line, "%slstm input-tensor-index=15 model-location=%s ! fakesink ", filter, model);
  for (guint i = 0; i < 17; i++)
    g_string_append_printf (line, "npysrc location=%s/lstm/" FOLDER "/x.npy ! mux.sink_%u ",
        g_getenv ("LSTM_TEST_VECTORS"), i);
  g_assert_false (test_launch (&error, "%s", line->str));
  return error;
}

/* A buffer of 17 tensors is more than the element accepts. */
static void
test_many_tensors (void)
{
  g_autofree gchar *fixed = run_many_tensors ("");
  g_autofree gchar *flexible = run_many_tensors ("other/tensors,format=flexible ! ");

  assert_matches (fixed, "lstm*: caps field num_tensors: expected 1 to 16, found 17");
  assert_matches (flexible, "lstm*: buffer: expected at most 16 tensors, found 17");
}

static void
skip_all (void)
{
  g_test_skip ("there is no NNStreamer");
}

int
main (int argc, char **argv)
{
  g_autoptr (GstElementFactory) factory = NULL;

  test_init (&argc, &argv);
  g_log_set_always_fatal (
      G_LOG_LEVEL_CRITICAL | G_LOG_FATAL_MASK); /* NNStreamer logs warnings */
  factory = gst_element_factory_find ("tensor_converter");
  if (!factory) {
    g_test_add_func ("/nnstreamer", skip_all);
    return g_test_run ();
  }
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autofree gchar *path = g_strconcat ("/nnstreamer/", rows[i].name, NULL);

    g_test_add_data_func (path, &rows[i], test_row);
  }
  g_test_add_func ("/nnstreamer/labels", test_labels);
  g_test_add_func ("/nnstreamer/other-elements", test_other_elements);
  g_test_add_func ("/nnstreamer/errors", test_errors);
  g_test_add_func ("/nnstreamer/many-tensors", test_many_tensors);
  return g_test_run ();
}
