/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/fingerprint.h"
#include <string.h>

#define LANES 4

static guint64
get_bits (float value)
{
  guint32 bits;

  memcpy (&bits, &value, sizeof bits);
  return bits;
}

/* Two floats' bits, the first one's in the low half, which is how little endian reads them. */
static guint64
in_order (guint64 word)
{
  return G_BYTE_ORDER == G_LITTLE_ENDIAN ? word : word << 32 | word >> 32;
}

/* A round of xxHash, which takes weights as fast as memory gives them, where a cryptographic hash
 * would take longer than all else of loading. It is one-to-one in either argument: a single
 * weight that differs makes another lane. */
static guint64
mix (guint64 lane, guint64 word)
{
  lane += word * G_GUINT64_CONSTANT (0xC2B2AE3D27D4EB4F);
  lane = lane << 31 | lane >> 33;
  return lane * G_GUINT64_CONSTANT (0x9E3779B185EBCA87);
}

static void
digest (const float *values, gsize n, guint64 lanes[LANES])
{
  guint64 at[LANES] = {1, 2, 3, 4};
  gsize i = 0;

  for (; n - i >= 2 * LANES; i += 2 * LANES) {
    guint64 words[LANES];

    memcpy (words, values + i, sizeof words);
#pragma GCC unroll 4 /* or the lanes are memory, not registers */
    for (guint k = 0; k < LANES; k++)
      at[k] = mix (at[k], in_order (words[k]));
  }
  for (; i < n; i++)
    at[0] = mix (at[0], get_bits (values[i]));
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
    lstm_fingerprint_size (text, array->shape[i]);
    n *= array->shape[i];
  }
  digest (array->values, n, lanes);
  g_string_append (text, " ]");
  for (guint k = 0; k < LANES; k++)
    g_string_append_printf (text, " %016" G_GINT64_MODIFIER "x", lanes[k]);
}

void
lstm_fingerprint_layer (
    GString *text, const char *type, const LstmArray *const *arrays, guint n_arrays)
{
  g_string_append_printf (text, "\n%s", type);
  for (guint i = 0; i < n_arrays; i++)
    add_array (text, arrays[i]);
}

void
lstm_fingerprint_size (GString *text, gsize value)
{
  g_string_append_printf (text, " %" G_GSIZE_FORMAT, value);
}

void
lstm_fingerprint_number (GString *text, float value)
{
  g_string_append_printf (text, " %08" G_GINT64_MODIFIER "x", get_bits (value));
}

void
lstm_fingerprint_activation (GString *text, const LstmActivation *activation)
{
  /* in words, for numbers of an enum may change */
  g_string_append_printf (text, " %s", lstm_activation_get_name (activation->kind));
  lstm_fingerprint_number (text, activation->alpha);
  lstm_fingerprint_number (text, activation->beta);
}

void
lstm_fingerprint_recurrent (GString *text, const LstmRecurrent *r)
{
  const LstmArray *const arrays[] = {r->weight_ih, r->weight_hh, r->bias_ih, r->bias_hh,
      r->peephole, r->projection, r->initial_h, r->initial_c};
  const gboolean options[] = {
      r->input_forget, r->zero_masked, r->returns_last, r->reverse, r->processed};

  lstm_fingerprint_layer (text, "lstm", arrays, G_N_ELEMENTS (arrays));
  g_string_append_printf (text, " %s", r->gates);
  for (guint i = 0; i < G_N_ELEMENTS (r->activations); i++)
    lstm_fingerprint_activation (text, &r->activations[i]);
  lstm_fingerprint_number (text, r->clip);
  lstm_fingerprint_number (text, r->cell_clip);
  for (guint i = 0; i < G_N_ELEMENTS (options); i++)
    g_string_append (text, options[i] ? " yes" : " no");
}

char *
lstm_fingerprint_make (const GString *text)
{
  return g_compute_checksum_for_string (G_CHECKSUM_SHA256, text->str, (gssize) text->len);
}
