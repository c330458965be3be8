/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "layers/fingerprint.h"
#include "util/small-floats.h"

static void
add_array (GString *text, const LstmArray *array)
{
  guint64 sums[LSTM_DIGEST_SUMS];
  LstmDigest digest;
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
  if (array->values) {
    lstm_digest_init (&digest);
    lstm_digest_add (&digest, array->values, n);
  }
  lstm_digest_finish (array->values ? &digest : &array->digest, sums);
  g_string_append (text, " ]");
  for (guint k = 0; k < LSTM_DIGEST_SUMS; k++)
    g_string_append_printf (text, " %016" G_GINT64_MODIFIER "x", sums[k]);
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
  g_string_append_printf (text, " %08x", lstm_float_to_bits (value));
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
