/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "layers/floats.h"
#include "lstm/lstm.h"
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define ALIGNMENT 64                /* bytes: a cache line, and the widest vector */
#define HUGE_PAGE (2 * 1024 * 1024) /* bytes: one entry of the TLB instead of 512 */

float *
lstm_floats_allocate (gsize n, GError **error)
{
  void *floats = NULL;
  const gsize bytes = MAX (n, 1) * sizeof (float);

  if (n > G_MAXSSIZE / sizeof (float)
      || posix_memalign (&floats, bytes < HUGE_PAGE ? ALIGNMENT : HUGE_PAGE, bytes) != 0) {
    g_set_error (error, LSTM_ERROR, LSTM_ERROR_MEMORY,
        "no memory for %" G_GSIZE_FORMAT " float32 values", n);
    return NULL;
  }
#ifdef MADV_HUGEPAGE
  if (bytes >= HUGE_PAGE)
    madvise (floats, bytes, MADV_HUGEPAGE); /* only advice: a failure changes nothing else */
#endif
  return floats;
}

float *
lstm_floats_new (gsize n, GError **error)
{
  float *floats = lstm_floats_allocate (n, error);

  return floats ? memset (floats, 0, MAX (n, 1) * sizeof *floats) : NULL;
}
