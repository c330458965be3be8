/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Readers of the lstm-convert that the build made, and of the one that LSTM_CONVERT_WITHOUT
 * names, which lacks every reader that a build can leave out. */
#pragma once

#include <glib.h>

typedef struct {
  const char *name;
  const char *reason; /* why the build leaves the reader out; NULL: it is included */
} TestReader;

/* All readers; the name is NULL at the end. */
extern const TestReader test_readers[];
extern const TestReader test_readers_without[];

/* Returns the reader named @name, or NULL. */
const TestReader *test_find_reader (const TestReader *readers, const char *name);

/* Returns whether the build leaves out the reader of the model file at @path. */
gboolean test_is_left_out (const char *path);

/* Returns the result of test_is_left_out(). If it is TRUE, skips the running test. */
gboolean test_skip_left_out (const char *path);
