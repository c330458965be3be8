/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Functions that all tests of the plugin use. */
#pragma once
#include <gst/check/gstharness.h>
#include <gst/gst.h>
#include <sys/resource.h>

/* --- Programs --- */

typedef struct {
  const gchar *name;
  void (*run) (void);
} TestRow;

/* Initializes GStreamer and GLib's test framework. */
void test_init (int *argc, char ***argv);

/* Runs @tests. Returns the exit status of main(). */
int test_main (int argc, char **argv, const TestRow *tests, guint n);

/* Adds each row of @tests, an array of {name, run}, as a test with a fixture of type @Fixture. */
#define TEST_ADD_FIXTURE_ROWS(tests, Fixture, init, clear)                                     \
  for (guint test_i = 0; test_i < G_N_ELEMENTS (tests); test_i++)                              \
  g_test_add (tests[test_i].name, Fixture, NULL, init, tests[test_i].run, clear)

/* --- Files --- */

/* Returns: (transfer full): the path of a file in tests/vectors */
gchar *test_vector_path (const gchar *name);

/* Returns: (transfer full): the path of a file in the source tree */
gchar *test_source_path (const gchar *name);

/* Creates a temporary directory. Returns: (transfer full) */
gchar *test_dir_new (void);

/* Removes @dir with all its files. @dir: (transfer full) */
void test_dir_remove (gchar *dir);

/* Asserts that both files have the same bytes. */
void test_assert_same_file (const gchar *a, const gchar *b);

/* Limits the size of files that this process writes: beyond @limit bytes a write fails, as on a
 * full disk. */
void test_set_file_size_limit (rlim_t limit);

/* --- Messages --- */

/* Asserts that @text matches the glob @pattern. */
void assert_matches (const gchar *text, const gchar *pattern);

/* Pops the first error from @bus and asserts that its text matches @pattern. Does not wait. */
void assert_error_posted (GstBus *bus, const gchar *pattern);

/* Does the same with the first warning. */
void assert_warning_posted (GstBus *bus, const gchar *pattern);

/* --- Pipelines --- */

/* Returns: (transfer full): the pipeline or element of a gst-launch line. @format: printf format of
 * the line */
GstElement *parse_pipeline (const gchar *format, ...) G_GNUC_PRINTF (1, 2);

/* Discards all messages on the bus. */
void discard_messages (GstElement *pipeline);

/* Plays until EOS, asserts that no error precedes it, and sets the pipeline to NULL. */
void play_to_eos (GstElement *pipeline);

/* Runs a gst-launch line until EOS or the first error. Returns whether the pipeline reached EOS.
 * @error: (out) (nullable): "SOURCE: TEXT" of the error message, or the text of a parse error
 * @format: printf format of the line */
gboolean test_launch (gchar **error, const gchar *format, ...) G_GNUC_PRINTF (2, 3);

/* Adds a probe to the pad @name of @element. */
void add_pad_probe (GstElement *element, const gchar *name, GstPadProbeType type,
    GstPadProbeCallback callback, gpointer data);

/* Changes the state of a pipeline @n times between NULL or READY and PAUSED or PLAYING, sometimes
 * without waiting for the state. @line: gst-launch line of a pipeline that never ends */
void test_state_cycles (const gchar *line, guint n);

/* --- Properties --- */

typedef struct {
  const gchar *name;
  const gchar *initial; /* value in a new element; NULL if it is no string */
  const gchar *other;   /* another valid value */
  GParamFlags flags;    /* flags that the property must have */
} TestProperty;

/* Asserts that a new element @name has the properties @properties. */
void test_properties_of (const gchar *name, const TestProperty *properties, guint n);
