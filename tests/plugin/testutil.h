/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <gst/check/gstharness.h>
#include <gst/gst.h>

/* A program of tests: what its main() gives back. */
typedef struct {
  const gchar *name;
  void (*run) (void);
} TestRow;
int test_main (int argc, char **argv, const TestRow *tests, guint n);

/* Where the vectors and the models stand. Returns: (transfer full) */
gchar *test_vector_path (const gchar *name);
gchar *test_source_path (const gchar *name);

/* A new directory of the test's own, removed with all its files by test_dir_remove().
 * Returns: (transfer full) */
gchar *test_dir_new (void);
void test_dir_remove (gchar *dir);

/* Both files have the same bytes. */
void test_assert_same_file (const gchar *a, const gchar *b);

/* Runs a gst-launch line until EOS or the first error, as gst-launch-1.0 would: FALSE and the
 * message's text (error and its source's name) when it fails. @format is printf's. */
gboolean test_launch (gchar **error, const gchar *format, ...) G_GNUC_PRINTF (2, 3);

/* A property, its value in a new element (NULL: no string), one that it takes, and flags. */
typedef struct {
  const gchar *name, *initial, *other;
  GParamFlags flags;
} TestProperty;
void test_properties_of (const gchar *element, const TestProperty *properties, guint n);

/* Cycles of a gst-launch line between NULL or READY and PAUSED or PLAYING, sometimes without
 * waiting until a state is reached. The line must play for ever. */
void test_state_cycles (const gchar *line, guint n);
