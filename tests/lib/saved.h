/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Saved states and windows for tests, and functions that change such files. */
#pragma once
#include "network.h"
#include "testutil.h"

enum { SAVED_N_NETWORKS = 6 };

typedef struct {
  const char *name;
  gsize bs;
  TestNetwork network;
} SavedNetwork;

extern const SavedNetwork saved_networks[SAVED_N_NETWORKS];

/* Loads a network of saved_networks. Returns NULL if this machine lacks the instruction set. */
LstmModel *saved_model (guint network, const char *isa, LstmPrecision precision);

/* Returns: (transfer full): the file of a state or window of three streams after seven steps */
GBytes *saved_make (LstmModel *model, gboolean of_window);

/* Returns whether @file loads; else sets @error. */
gboolean saved_loads (LstmModel *model, gboolean of_window, GBytes *file, GError **error);

/* Loads @file and saves the result. Returns: (transfer full): the new file */
GBytes *saved_load_and_save (LstmModel *model, gboolean of_window, GBytes *file);

/* Returns: (transfer full): @file without its digest, as older versions wrote it */
GBytes *saved_without_digest (GBytes *file);

/* Returns: (transfer full): @file with @value as the float @index of its data */
GBytes *saved_with_value (GBytes *file, gsize index, float value);
