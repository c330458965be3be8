/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "layers/fingerprint.h"
#include <string.h>

#define N_SUMS 4 /* independent sums, so that a CPU computes them in parallel */

static guint64
get_bits (float value)
{
  guint32 bits;

  memcpy (&bits, &value, sizeof bits);
  return bits;
}

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

static void
digest_values (const float *values, gsize n, guint64 digest[N_SUMS])
{
  guint64 sums[N_SUMS] = {1, 2, 3, 4};
  gsize i = 0;

  for (; n - i >= 2 * N_SUMS; i += 2 * N_SUMS) {
    guint64 pairs[N_SUMS];

    memcpy (pairs, values + i, sizeof pairs);
#pragma GCC unroll 4 /* keeps the sums in registers */
    for (guint k = 0; k < N_SUMS; k++)
      sums[k] = mix_pair (sums[k], order_halves (pairs[k]));
  }
  for (; i < n; i++)
    sums[0] = mix_pair (sums[0], get_bits (values[i]));
  memcpy (digest, sums, sizeof sums);
}

static void
add_array (GString *text, const LstmArray *array)
{
  guint64 digest[N_SUMS];
  gsize n = 1;

  if (!array) {
    g_string_append (text, " none");
    return;
  }
  g_string_append (text, " [");
  for (guint i = 0; i < array->n_dims; i++) {
    lstm_fingerprint_add_size (text, array->shape[i]);
    n *= array->shape[i];
  }
  digest_values (array->values, n, digest);
  g_string_append (text, " ]");
  for (guint k = 0; k < N_SUMS; k++)
    g_string_append_printf (text, " %016" G_GINT64_MODIFIER "x", digest[k]);
}

void
lstm_fingerprint_add_layer (
    GString *text, const char *type, const LstmArray *const *arrays, guint n_arrays)
{
  g_string_append_printf (text, "\n%s", type);
  for (guint i = 0; i < n_arrays; i++)
    add_array (text, arrays[i]);
}

void
lstm_fingerprint_add_size (GString *text, gsize value)
{
  g_string_append_printf (text, " %" G_GSIZE_FORMAT, value);
}

void
lstm_fingerprint_add_number (GString *text, float value)
{
  g_string_append_printf (text, " %08" G_GINT64_MODIFIER "x", get_bits (value));
}

void
lstm_fingerprint_add_boolean (GString *text, gboolean value)
{
  g_string_append (text, value ? " yes" : " no");
}

void
lstm_fingerprint_add_activation (GString *text, const LstmActivation *activation)
{
  /* by name, because the values of an enum may change */
  g_string_append_printf (text, " %s", lstm_activation_get_name (activation->kind));
  lstm_fingerprint_add_number (text, activation->alpha);
  lstm_fingerprint_add_number (text, activation->beta);
}

char *
lstm_fingerprint_make (const GString *text)
{
  return g_compute_checksum_for_string (G_CHECKSUM_SHA256, text->str, (gssize) text->len);
}
