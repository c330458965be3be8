/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernels/pack.h"
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define ALIGNMENT 64            /* bytes: a cache line, and the widest vector */
#define HUGE_PAGE (2 * 1024 * 1024) /* bytes: one entry of the TLB instead of 512 */

float *
lstm_floats_new (gsize n, GError **error)
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
    madvise (floats, bytes, MADV_HUGEPAGE); /* a wish: nothing is lost where it is not granted */
#endif
  return memset (floats, 0, bytes);
}

/* Packs the inputs of one output, values [k], down a lane of its panel. x and weights become
 * words by the same function; what it added to bytes for x is taken off again. */
static void
pack_lane (float *lane, const LstmKernels *kernels, const LstmProduct *product,
    const LstmPackPart *part, gsize column, float *words)
{
  const float *values = part->values + column * part->k;
  const gsize n = lstm_n_words (product, part->k);
  guint32 start = 0; /* -offset times the sum of the weights, modulo 2^32 as the product */
  float factor;

  if (product->to_words)
    product->to_words (values, 0, 1, part->k, words, 0, &factor);
  if (product->head) {
    gint8 *bytes = (gint8 *) words;

    for (gsize i = 0; i < n * product->per_word; i++) {
      bytes[i] = (gint8) (guint8) (bytes[i] - kernels->byte_offset);
      start -= (guint32) (bytes[i] * kernels->byte_offset);
    }
    lane[0] = factor;
    memcpy (lane + kernels->panel, &start, sizeof start);
    lane += product->head * kernels->panel;
  }
  for (gsize i = 0; i < n; i++)
    memcpy (lane + i * kernels->panel, (product->to_words ? words : values) + i, sizeof *lane);
}

void
lstm_pack (float *to, const LstmKernels *kernels, const LstmProduct *product, gsize panels,
    const gsize *columns, const float *bias, const float *bias2, const LstmPackPart *parts,
    guint n_parts)
{
  const gsize panel = kernels->panel;
  g_autofree float *words = NULL;
  gsize most = 0;

  for (guint i = 0; i < n_parts; i++)
    most = MAX (most, lstm_n_words (product, parts[i].k));
  words = g_new (float, most);
  for (gsize p = 0; p < panels; p++, columns += panel) {
    for (gsize lane = 0; lane < panel; lane++)
      if (columns[lane] != G_MAXSIZE)
        to[lane] = (bias ? bias[columns[lane]] : 0) + (bias2 ? bias2[columns[lane]] : 0);
    to += panel;
    for (guint i = 0; i < n_parts; i++) {
      for (gsize lane = 0; lane < panel; lane++)
        if (columns[lane] != G_MAXSIZE)
          pack_lane (to + lane, kernels, product, &parts[i], columns[lane], words);
      to += lstm_pack_rows (product, parts[i].k) * panel;
    }
  }
}
