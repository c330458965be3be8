/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "container/digest.h"
#include "util/small-floats.h"
#include <string.h>

/* Returns the bits of a pair of floats with the first float in the low half, as little-endian CPUs
 * load them. */
static guint64
order_halves (guint64 pair)
{
  return G_BYTE_ORDER == G_LITTLE_ENDIAN ? pair : pair << 32 | pair >> 32;
}

/* Runs a round of xxHash, which is as fast as memory is read; a cryptographic hash would need
 * longer than the rest of loading. The round is one-to-one in either argument: a single different
 * weight changes the sum. */
static guint64
mix_pair (guint64 sum, guint64 pair)
{
  sum += pair * G_GUINT64_CONSTANT (0xC2B2AE3D27D4EB4F);
  sum = sum << 31 | sum >> 33;
  return sum * G_GUINT64_CONSTANT (0x9E3779B185EBCA87);
}

/* Adds @n_groups groups of values. */
static void
add_groups (LstmDigest *digest, const float *values, gsize n_groups)
{
  guint64 sums[LSTM_DIGEST_SUMS];

  memcpy (sums, digest->sums, sizeof sums);
  for (; n_groups > 0; n_groups--, values += LSTM_DIGEST_GROUP) {
    guint64 pairs[LSTM_DIGEST_SUMS];

    memcpy (pairs, values, sizeof pairs);
#pragma GCC unroll 4 /* keeps the sums in registers */
    for (guint k = 0; k < LSTM_DIGEST_SUMS; k++)
      sums[k] = mix_pair (sums[k], order_halves (pairs[k]));
  }
  memcpy (digest->sums, sums, sizeof sums);
}

void
lstm_digest_init (LstmDigest *digest)
{
  *digest = (LstmDigest){.sums = {1, 2, 3, 4}};
}

void
lstm_digest_add (LstmDigest *digest, const float *values, gsize n)
{
  gsize n_groups;

  if (digest->n_rest) {
    const gsize n_first = MIN (n, LSTM_DIGEST_GROUP - digest->n_rest);

    memcpy (digest->rest + digest->n_rest, values, n_first * sizeof *values);
    digest->n_rest += n_first;
    values += n_first;
    n -= n_first;
    if (digest->n_rest < LSTM_DIGEST_GROUP)
      return;
    add_groups (digest, digest->rest, 1);
  }
  n_groups = n / LSTM_DIGEST_GROUP;
  add_groups (digest, values, n_groups);
  digest->n_rest = n % LSTM_DIGEST_GROUP;
  memcpy (digest->rest, values + n_groups * LSTM_DIGEST_GROUP, digest->n_rest * sizeof *values);
}

void
lstm_digest_finish (const LstmDigest *digest, guint64 sums[LSTM_DIGEST_SUMS])
{
  memcpy (sums, digest->sums, sizeof digest->sums);
  for (gsize i = 0; i < digest->n_rest; i++)
    sums[0] = mix_pair (sums[0], lstm_float_to_bits (digest->rest[i]));
}
