/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Times a step of the library against the machine itself: the time in which the same thread
 * merely reads the packed weights. One line a measurement, fields separated by tabs; ns are per
 * stream and step. Engines take turns within a round, so that what disturbs the machine disturbs
 * all of them. */
#include <lstm/lstm.h>
#include <sched.h>
#include <string.h>
#include <time.h>

#define MIN_ROUNDS 5
#define MAX_ROUNDS 301
#define SLICE_NS 1e6 /* least time of one measurement: the clock's grain vanishes in it */

typedef struct {
  const char *name;
  gsize streams, steps;
  const char *only; /* the one size, "DxM", that the case is about; NULL: all */
} Case;

static const Case cases[] = {
    {"stream", 1, 1, NULL},
    {"sequence", 1, 60, NULL},
    {"batch", 64, 1, NULL},
    {"seed", 5, 60, "1x30"},
    {"stack", 1, 1, "128x64"},
};

static const struct {
  gsize d, m;
} sizes[] = {{1, 30}, {16, 16}, {64, 64}, {128, 64}, {128, 128}, {256, 256}, {512, 512},
    {1024, 1024}, {2048, 512}, {1662, 64}};

/* What one measurement needs; engines share it. */
typedef struct {
  LstmState *state;
  gsize steps;
  float *x, *y;    /* [streams, steps, d], [streams, steps, n] */
  guint64 *packed; /* as many bytes as the packed weights have */
  gsize n_packed;
  volatile guint64 sink;
} Job;

static void
run_lstm (Job *job)
{
  lstm_state_run (job->state, job->steps, job->x, job->y);
}

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
__attribute__ ((target_clones ("avx512f", "avx2", "default"), optimize ("O3")))
#endif
static guint64
read_all (const guint64 *restrict p, gsize n)
{
  guint64 sums[64] = {0}; /* enough independent chains for the widest vectors */

  for (gsize i = 0; i + 64 <= n; i += 64)
    for (gsize k = 0; k < 64; k++)
      sums[k] ^= p[i + k];
  for (gsize k = 1; k < 64; k++)
    sums[0] ^= sums[k];
  return sums[0];
}

/* Once per step of a stream: what a step that keeps nothing in the cache would have to read. */
static void
run_read (Job *job)
{
  gsize times = job->steps * lstm_state_get_streams (job->state);

  for (gsize i = 0; i < times; i++)
    job->sink ^= read_all (job->packed, job->n_packed);
}

static const struct {
  const char *name;
  void (*run) (Job *job);
} engines[] = {{"lstm", run_lstm}, {"read", run_read}};

static double
now (void)
{
  struct timespec t;

  clock_gettime (CLOCK_MONOTONIC, &t);
  return (double) t.tv_sec * 1e9 + (double) t.tv_nsec;
}

/* --- Models --- */

/* Tensors of random weights, put together as a safetensors file. */
typedef struct {
  GString *header;
  GByteArray *data;
  GRand *rand;
} Writer;

static void
add_tensor (Writer *writer, const char *name, gsize rows, gsize columns)
{
  gsize begin = writer->data->len;

  for (gsize i = 0; i < rows * MAX (columns, 1); i++) {
    float value = (float) g_rand_double_range (writer->rand, -0.1, 0.1);

    g_byte_array_append (writer->data, (guint8 *) &value, sizeof value);
  }
  g_string_append_printf (
      writer->header, ",\"%s\":{\"dtype\":\"F32\",\"shape\":[%zu", name, rows);
  if (columns)
    g_string_append_printf (writer->header, ",%zu", columns);
  g_string_append_printf (
      writer->header, "],\"data_offsets\":[%zu,%zu]}", begin, (gsize) writer->data->len);
}

static void
add_lstm (Writer *writer, const char *prefix, gsize d, gsize m)
{
  static const char *const names[] = {"weight_ih_l0", "weight_hh_l0", "bias_ih_l0"};
  const gsize columns[] = {d, m, 0};

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++) {
    g_autofree char *name = g_strconcat (prefix, names[i], NULL);

    add_tensor (writer, name, 4 * m, columns[i]);
  }
}

static LstmModel *
finish_model (Writer *writer, GError **error)
{
  GByteArray *file = g_byte_array_new ();
  g_autoptr (GBytes) bytes = NULL;
  guint64 length;

  g_string_append_c (writer->header, '}');
  length = GUINT64_TO_LE ((guint64) writer->header->len);
  g_byte_array_append (file, (guint8 *) &length, sizeof length);
  g_byte_array_append (file, (guint8 *) writer->header->str, (guint) writer->header->len);
  g_byte_array_append (file, writer->data->data, writer->data->len);
  g_string_free (writer->header, TRUE);
  g_byte_array_unref (writer->data);
  g_rand_free (writer->rand);
  bytes = g_byte_array_free_to_bytes (file);
  return lstm_model_load_bytes (bytes, "bench", error);
}

/* One layer d → m, or for `stack` three of 128, 128 and 64 units and a dense layer of 10. */
static LstmModel *
make_model (const Case *c, gsize d, gsize m, GError **error)
{
  Writer writer = {g_string_new ("{"), g_byte_array_new (), g_rand_new_with_seed (1)};

  if (!g_str_equal (c->name, "stack")) {
    g_string_append (writer.header, "\"__metadata__\":{\"made\":\"for timing\"}");
    add_lstm (&writer, "", d, m);
    return finish_model (&writer, error);
  }
  g_string_append (writer.header, "\"__metadata__\":{\"lstm.version\":\"1\",\"lstm.layers\":\"["
                                  "{\\\"type\\\":\\\"lstm\\\",\\\"name\\\":\\\"a\\\"},"
                                  "{\\\"type\\\":\\\"lstm\\\",\\\"name\\\":\\\"b\\\"},"
                                  "{\\\"type\\\":\\\"lstm\\\",\\\"name\\\":\\\"c\\\"},"
                                  "{\\\"type\\\":\\\"dense\\\",\\\"name\\\":\\\"head\\\"}]\"}");
  add_lstm (&writer, "a.", d, 128);
  add_lstm (&writer, "b.", 128, 128);
  add_lstm (&writer, "c.", 128, m);
  add_tensor (&writer, "head.weight", 10, m);
  add_tensor (&writer, "head.bias", 10, 0);
  return finish_model (&writer, error);
}

/* --- Measuring --- */

static int
compare (const void *a, const void *b)
{
  double x = *(const double *) a, y = *(const double *) b;

  return (x > y) - (x < y);
}

static double
time_once (gsize engine, Job *job, gsize times)
{
  double start = now ();

  for (gsize i = 0; i < times; i++)
    engines[engine].run (job);
  return (now () - start) / (double) times;
}

/* How often an engine has to run to fill a slice; warms up on the way. */
static gsize
calibrate (gsize engine, Job *job)
{
  gsize times = 1;

  while (time_once (engine, job, times) * (double) times < SLICE_NS)
    times *= 2;
  return times;
}

static void
measure (const Case *c, gsize d, gsize m, Job *job, double seconds, GPatternSpec *only)
{
  gsize times[G_N_ELEMENTS (engines)], rounds = 0;
  double ns[G_N_ELEMENTS (engines)][MAX_ROUNDS], start;
  double per = (double) (c->streams * c->steps);

  for (gsize e = 0; e < G_N_ELEMENTS (engines); e++)
    times[e] = calibrate (e, job);
  start = now ();
  while (rounds < MIN_ROUNDS || (rounds < MAX_ROUNDS && now () - start < seconds * 1e9)) {
    for (gsize e = 0; e < G_N_ELEMENTS (engines); e++)
      ns[e][rounds] = time_once (e, job, times[e]) / per;
    rounds++;
  }
  for (gsize e = 0; e < G_N_ELEMENTS (engines); e++) {
    g_autofree char *key = g_strdup_printf ("%s %s %zux%zu", engines[e].name, c->name, d, m);

    if (only && !g_pattern_spec_match_string (only, key))
      continue;
    qsort (ns[e], rounds, sizeof ns[e][0], compare);
    g_print ("%s\t%s\t%zu\t%zu\tfloat32\t%zu\t%zu\t%.1f\t%.1f\n", engines[e].name, c->name, d,
        m, c->streams, c->steps, ns[e][rounds / 2], ns[e][0]);
  }
}

/* Whether any engine's line of this case and size is wanted. */
static gboolean
is_wanted (const Case *c, gsize d, gsize m, GPatternSpec *only)
{
  g_autofree char *size = g_strdup_printf ("%zux%zu", d, m);
  gboolean wanted = only == NULL;

  if (c->only ? !g_str_equal (c->only, size) : d == 128 && m == 64)
    return FALSE;
  for (gsize e = 0; e < G_N_ELEMENTS (engines) && !wanted; e++) {
    g_autofree char *key = g_strdup_printf ("%s %s %s", engines[e].name, c->name, size);

    wanted = g_pattern_spec_match_string (only, key);
  }
  return wanted;
}

static gboolean
run_case (const Case *c, gsize d, gsize m, double seconds, GPatternSpec *only, GError **error)
{
  g_autoptr (LstmModel) model = make_model (c, d, m, error);
  g_autoptr (LstmState) state = model ? lstm_state_new (model, c->streams, error) : NULL;
  gsize rows = c->streams * c->steps;
  Job job = {.state = state, .steps = c->steps};

  if (!state)
    return FALSE;
  job.n_packed = lstm_model_get_packed_size (model) / sizeof *job.packed;
  job.packed = g_new0 (guint64, job.n_packed);
  job.x = g_new (float, rows *d);
  job.y = g_new (float, rows *lstm_model_get_output_size (model));
  for (gsize i = 0; i < rows * d; i++)
    job.x[i] = (float) (i % 13) / 13 - 0.5f;
  measure (c, d, m, &job, seconds, only);
  g_free (job.packed);
  g_free (job.x);
  g_free (job.y);
  return TRUE;
}

static gboolean
pin (int cpu)
{
  cpu_set_t set;

  CPU_ZERO (&set);
  CPU_SET (cpu, &set);
  return cpu < 0 || sched_setaffinity (0, sizeof set, &set) == 0;
}

int
main (int argc, char **argv)
{
  double seconds = 0.3;
  int cpu = -1;
  g_autofree char *pattern = NULL;
  const GOptionEntry options[] = {{"only", 0, 0, G_OPTION_ARG_STRING, &pattern,
                                      "Lines that match, such as 'lstm stream *'", "GLOB"},
      {"cpu", 0, 0, G_OPTION_ARG_INT, &cpu, "Stay on this CPU", "N"},
      {"seconds", 0, 0, G_OPTION_ARG_DOUBLE, &seconds, "Time for each case and size (0.3)",
          "S"},
      {NULL}};
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  g_autoptr (GPatternSpec) only = NULL;
  g_autoptr (GError) error = NULL;

  g_option_context_add_main_entries (context, options, NULL);
  if (!g_option_context_parse (context, &argc, &argv, &error) || argc > 1 || !pin (cpu)) {
    g_printerr ("bench: %s\n", error ? error->message : "see --help");
    return 2;
  }
  only = pattern ? g_pattern_spec_new (pattern) : NULL;
  g_print ("engine\tcase\td\tm\tprecision\tstreams\tsteps\tns_median\tns_min\n");
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    for (gsize k = 0; k < G_N_ELEMENTS (sizes); k++)
      if (is_wanted (&cases[i], sizes[k].d, sizes[k].m, only)
          && !run_case (&cases[i], sizes[k].d, sizes[k].m, seconds, only, &error)) {
        g_printerr ("bench: %s\n", error->message);
        return 1;
      }
  return 0;
}
