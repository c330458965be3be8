/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Tests the process in which lstm-convert runs libhdf5, with a libhdf5 that never returns. The
 * process does not outlive lstm-convert, however lstm-convert ends. lstm-convert does not need the
 * exit status of the process. */
#include "container/h5-file.h"
#include "convert.h"
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const hangs = "hangs", *const crashes = "crashes";
static int ready; /* the writing end of a pipe, which all processes inherit */

H5File *
h5_file_open (const char *path, const guint8 *data, gsize size, GError **error)
{
  if (g_str_equal (path, crashes))
    abort ();
  if (write (ready, "", 1) == 1)
    for (;;)
      pause ();
  return NULL;
}

void
h5_file_close (H5File *h5)
{
}

gboolean
h5_file_exists (H5File *h5, const char *path)
{
  return FALSE;
}

gboolean
h5_file_has_data (H5File *h5, const char *path)
{
  return FALSE;
}

GPtrArray *
h5_file_list (H5File *h5, const char *path, GError **error)
{
  return NULL;
}

GPtrArray *
h5_file_get_strings (H5File *h5, const char *path, const char *name, GError **error)
{
  return NULL;
}

gboolean
h5_file_read (H5File *h5, const char *path, H5Array *array, GError **error)
{
  return FALSE;
}

/* Ends lstm-convert with @signal_number while it waits for libhdf5. */
static void
test_killed (gconstpointer signal_number)
{
  int ends[2];
  pid_t converter;
  char byte;

  g_assert_cmpint (pipe (ends), ==, 0);
  ready = ends[1];
  converter = fork ();
  if (converter == 0) {
    h5_open (hangs, NULL, 0, NULL);
    _exit (1);
  }
  close (ends[1]);
  g_assert_cmpint (read (ends[0], &byte, 1), ==, 1);
  g_assert_cmpint (kill (converter, GPOINTER_TO_INT (signal_number)), ==, 0);
  g_assert_cmpint (waitpid (converter, NULL, 0), ==, converter);
  g_assert_cmpint (read (ends[0], &byte, 1), ==, 0);
  close (ends[0]);
}

static void
test_ignored_children (void)
{
  void (*before) (int) = signal (SIGCHLD, SIG_IGN);
  g_autoptr (GError) error = NULL;

  g_assert_null (h5_open (crashes, NULL, 0, &error));
  g_assert_error (error, CONVERT_ERROR, CONVERT_ERROR_FILE);
  g_assert_true (g_str_has_prefix (error->message, "crashes: "));
  signal (SIGCHLD, before);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_data_func ("/h5/killed/kill", GINT_TO_POINTER (SIGKILL), test_killed);
  g_test_add_data_func ("/h5/killed/term", GINT_TO_POINTER (SIGTERM), test_killed);
  g_test_add_func ("/h5/ignored-children", test_ignored_children);
  return g_test_run ();
}
