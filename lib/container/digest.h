/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A digest of float32 values, which may arrive in parts. */
#pragma once

#include <glib.h>

#define LSTM_DIGEST_SUMS 4 /* independent, so that a CPU computes them in parallel */
#define LSTM_DIGEST_GROUP (2 * LSTM_DIGEST_SUMS) /* values: each sum takes a pair */

typedef struct {
  guint64 sums[LSTM_DIGEST_SUMS];
  float rest[LSTM_DIGEST_GROUP]; /* values after the last complete group */
  gsize n_rest;
} LstmDigest;

void lstm_digest_init (LstmDigest *digest);

/* Adds @n values. The digest depends only on the sequence of all values, not on its parts. */
void lstm_digest_add (LstmDigest *digest, const float *values, gsize n);

/* Sets @sums to the digest of all values that were added. */
void lstm_digest_finish (const LstmDigest *digest, guint64 sums[LSTM_DIGEST_SUMS]);
