/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The machine itself: the time in which the same thread merely reads the packed weights. */
#include "bench.h"
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define HUGE_PAGE (2 * 1024 * 1024)

typedef struct {
  guint64 *packed; /* as many bytes as the packed weights have */
  gsize length, times;
  volatile guint64 sink;
} Read;

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

/* Memory as the library has it for weights, on huge pages where there are any, so that the floor is
 * not above what stands on it; written to, or all of it would be one page of zeros. */
static guint64 *
allocate (gsize bytes)
{
  gpointer memory;

  if (posix_memalign (&memory, bytes < HUGE_PAGE ? 64 : HUGE_PAGE, bytes) != 0)
    return NULL;
  if (bytes >= HUGE_PAGE)
    madvise (memory, bytes, MADV_HUGEPAGE);
  memset (memory, 1, bytes);
  return memory;
}

/* Once per step of a stream: what a step that keeps nothing in the cache has to read. Once per
 * frame of a window: the least that a frame has to read, however its steps share the weights. */
static gpointer
read_create (const Job *job, GError **error)
{
  gsize bytes = lstm_model_get_packed_size (job->model);
  guint64 *packed = allocate (bytes);
  Read *self;

  if (!packed) {
    g_set_error (error, BENCH_ERROR, 0, "no memory for %zu bytes", bytes);
    return NULL;
  }
  self = g_new0 (Read, 1);
  self->packed = packed;
  self->length = bytes / sizeof *packed;
  self->times = job->c->kind == CASE_WINDOW ? 1 : job->c->streams * job->c->steps;
  return self;
}

static void
read_run (gpointer data)
{
  Read *self = data;

  for (gsize i = 0; i < self->times; i++)
    self->sink ^= read_all (self->packed, self->length);
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
