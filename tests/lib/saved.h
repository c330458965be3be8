/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Saved states and windows for tests, and what can be done to such files. */
#pragma once
#include "network.h"
#include "testutil.h"

enum { SAVED_N_NETWORKS = 5 };

typedef struct {
  const char *name;
  gsize bs;
  TestNetwork network;
} SavedNetwork;

extern const SavedNetwork saved_networks[SAVED_N_NETWORKS];

LstmModel *saved_model (guint network, const char *isa, LstmPrecision precision);

/* The file of a state or window of three streams after seven steps */
GBytes *saved_make (LstmModel *model, gboolean of_window);

/* Loads and frees; FALSE with the error. */
gboolean saved_loads (LstmModel *model, gboolean of_window, GBytes *file, GError **error);

/* What is saved of @file when it was loaded */
GBytes *saved_load_and_save (LstmModel *model, gboolean of_window, GBytes *file);

/* @file as it was written before there were digests */
GBytes *saved_without_digest (GBytes *file);

/* @file with @value instead of its number @index */
GBytes *saved_with_value (GBytes *file, gsize index, float value);
