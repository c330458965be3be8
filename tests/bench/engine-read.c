/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Engine that only reads the packed weights, as the lower bound of a step in one thread, with the
 * vectors of the instruction set of the library. */
#include "bench.h"
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define HUGE_PAGE (2 * 1024 * 1024)

typedef guint64 (*ReadFunction) (const guint64 *p, gsize n);

typedef struct {
  ReadFunction read_all;
  guint64 *packed; /* as large as the packed weights */
  gsize length, n_reads;
  volatile guint64 sink;
} Read;

/* Defines a function that reads @n words from @p with the widest vectors of @target. */
#define DEFINE_READ(name, target)                                                              \
  target static guint64 name (const guint64 *restrict p, gsize n)                              \
  {                                                                                            \
    guint64 sums[64] = {0}; /* independent sums for the widest vectors */                      \
                                                                                               \
    for (gsize i = 0; i + 64 <= n; i += 64)                                                    \
      for (gsize k = 0; k < 64; k++)                                                           \
        sums[k] ^= p[i + k];                                                                   \
    for (gsize k = 1; k < 64; k++)                                                             \
      sums[0] ^= sums[k];                                                                      \
    return sums[0];                                                                            \
  }

DEFINE_READ (read_base, )
#if defined(__x86_64__)
DEFINE_READ (read_avx2, __attribute__ ((target ("avx2"))))
DEFINE_READ (read_avx512, __attribute__ ((target ("avx512f"))))
#endif

/* Returns the function for the instruction set of the kernels of @model. */
static ReadFunction
find_function (const LstmModel *model)
{
#if defined(__x86_64__)
  const char *isa = lstm_model_get_isa (model);

  if (g_str_has_prefix (isa, "avx512"))
    return read_avx512;
  if (g_str_has_prefix (isa, "avx2"))
    return read_avx2;
#else
  (void) model;
#endif
  return read_base;
}

/* Allocates memory as the library does for its weights, on huge pages if possible, so that the
 * bound is not too high. Writes the memory once, because otherwise all pages would be the same page
 * of zeros. */
static guint64 *
allocate_packed (gsize bytes)
{
  gpointer memory;

  if (posix_memalign (&memory, bytes < HUGE_PAGE ? 64 : HUGE_PAGE, bytes) != 0)
    return NULL;
  if (bytes >= HUGE_PAGE)
    madvise (memory, bytes, MADV_HUGEPAGE);
  memset (memory, 1, bytes);
  return memory;
}

/* Makes an engine that reads the weights once per step of a stream, as a step does without a cache.
 * For a window the engine reads the weights once per frame, which is the minimum. */
static gpointer
read_create (const Job *job, GError **error)
{
  gsize bytes = lstm_model_get_packed_size (job->model);
  guint64 *packed = allocate_packed (bytes);
  Read *self;

  if (!packed) {
    g_set_error (error, BENCH_ERROR, 0,
        "weights: expected memory for %zu bytes, found too little", bytes);
    return NULL;
  }
  self = g_new0 (Read, 1);
  self->read_all = find_function (job->model);
  self->packed = packed;
  self->length = bytes / sizeof *packed;
  self->n_reads = job->c->kind == CASE_WINDOW ? 1 : job->c->streams * job->c->steps;
  return self;
}

static void
read_run (gpointer data)
{
  Read *self = data;

  for (gsize i = 0; i < self->n_reads; i++)
    self->sink ^= self->read_all (self->packed, self->length);
}

static void
read_free (gpointer data)
{
  Read *self = data;

  free (self->packed);
  g_free (self);
}

const Engine engine_read = {
    "read", (guint) -1, (guint) -1, read_create, read_run, NULL, read_free};
