/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "layers/fingerprint.h"
#include <string.h>

#define LANES 4

static guint64
get_bits (float value)
{
  guint32 bits;

  memcpy (&bits, &value, sizeof bits);
  return bits;
}

/* Returns the bits of two floats with the first float in the low half, as little-endian CPUs load
 * them. */
static guint64
order_halves (guint64 word)
{
  return G_BYTE_ORDER == G_LITTLE_ENDIAN ? word : word << 32 | word >> 32;
}

/* Runs a round of xxHash, which is as fast as memory is read; a cryptographic hash would need
 * longer than the rest of loading. The round is one-to-one in either argument: a single different
 * weight changes the lane. */
static guint64
mix_word (guint64 lane, guint64 word)
{
  lane += word * G_GUINT64_CONSTANT (0xC2B2AE3D27D4EB4F);
  lane = lane << 31 | lane >> 33;
  return lane * G_GUINT64_CONSTANT (0x9E3779B185EBCA87);
}

static void
digest_values (const float *values, gsize n, guint64 lanes[LANES])
{
  guint64 at[LANES] = {1, 2, 3, 4};
  gsize i = 0;

  for (; n - i >= 2 * LANES; i += 2 * LANES) {
    guint64 words[LANES];

    memcpy (words, values + i, sizeof words);
#pragma GCC unroll 4 /* keeps the lanes in registers */
    for (guint k = 0; k < LANES; k++)
      at[k] = mix_word (at[k], order_halves (words[k]));
  }
  for (; i < n; i++)
    at[0] = mix_word (at[0], get_bits (values[i]));
  memcpy (lanes, at, sizeof at);
}

static void
add_array (GString *text, const LstmArray *array)
{
  guint64 lanes[LANES];
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
  digest_values (array->values, n, lanes);
  g_string_append (text, " ]");
  for (guint k = 0; k < LANES; k++)
    g_string_append_printf (text, " %016" G_GINT64_MODIFIER "x", lanes[k]);
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
