/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Checks how a model file is read: with little memory, and with an error if the file changes while
 * it is read. This program replaces pread() by a function that can change the file first. */
#define _GNU_SOURCE
#include "../safetensors.h"
#include <glib/gstdio.h>
#include <lstm/lstm.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef __has_feature
#  define __has_feature(feature) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)                              \
    || __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)                     \
    || __has_feature(memory_sanitizer)
#  define HAS_SANITIZER 1
#else
#  define HAS_SANITIZER 0
#endif

#define UNITS 1448 /* of a layer with as many inputs, whose weights have 67 MB */
#define MEGABYTE (1024 * 1024)

static void (*change_file) (const char *path);
static const char *changed_path;
static guint n_reads,
    change_read; /* calls of pread(), and the call before which the file changes */

__attribute__ ((visibility ("default"))) ssize_t pread64 (
    int descriptor, void *to, size_t size, off64_t offset);

ssize_t
pread64 (int descriptor, void *to, size_t size, off64_t offset)
{
  if (change_file && n_reads++ == change_read)
    change_file (changed_path);
  return syscall (SYS_pread64, descriptor, to, size, offset);
}

/* Writes a file of an LSTM layer with @m inputs and units, whose weights are a hole of zeros. */
static void
write_model (const char *path, gsize m)
{
  const gsize n = 4 * m * m * sizeof (float);
  g_autofree char *header = g_strdup_printf (
      "{\"weight_ih_l0\":{\"dtype\":\"F32\",\"shape\":[%" G_GSIZE_FORMAT ",%" G_GSIZE_FORMAT
      "],\"data_offsets\":[0,%" G_GSIZE_FORMAT "]},"
      "\"weight_hh_l0\":{\"dtype\":\"F32\",\"shape\":[%" G_GSIZE_FORMAT ",%" G_GSIZE_FORMAT
      "],\"data_offsets\":[%" G_GSIZE_FORMAT ",%" G_GSIZE_FORMAT "]}}",
      4 * m, m, n, 4 * m, m, n, 2 * n);
  g_autoptr (GBytes) begin = test_safetensors_join (header, NULL, 0);
  gsize size;
  const char *content = g_bytes_get_data (begin, &size);

  g_assert_true (g_file_set_contents (path, content, (gssize) size, NULL));
  g_assert_cmpint (truncate (path, (off_t) (size + 2 * n)), ==, 0);
}

/* --- Memory --- */

/* Returns the peak of the resident memory of this process in bytes. */
static gsize
read_peak (void)
{
  g_autofree char *status = NULL;
  const char *line;

  g_assert_true (g_file_get_contents ("/proc/self/status", &status, NULL, NULL));
  line = strstr (status, "VmHWM:");
  g_assert_nonnull (line);
  return (gsize) g_ascii_strtoull (line + strlen ("VmHWM:"), NULL, 10) * 1024;
}

/* Returns whether loading needs the memory of the packed weights and at most a tenth of the file. */
static gboolean
loads_with_little_memory (const char *path, LstmPrecision precision, guint bytes_per_weight)
{
  const gsize n_weights = (gsize) 8 * UNITS * UNITS, before = read_peak ();
  g_autoptr (LstmModel) model = lstm_model_load_full (path, precision, NULL, NULL);
  const gsize used = read_peak () - before;
  const gsize limit = n_weights * bytes_per_weight + n_weights * sizeof (float) / 10;

  printf (
      "# %.1f MB of at most %.1f MB\n", (double) used / MEGABYTE, (double) limit / MEGABYTE);
  return model && used <= limit;
}

/* Each precision is loaded in a process of its own, because a peak never falls. */
static void
test_memory (void)
{
  static const struct {
    LstmPrecision precision;
    guint bytes;
  } precisions[] = {
      {LSTM_PRECISION_FLOAT32, 4}, {LSTM_PRECISION_BFLOAT16, 2}, {LSTM_PRECISION_INT8, 1}};
  g_autofree char *dir = g_dir_make_tmp ("lstm-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (dir, "big.safetensors", NULL);

  write_model (path, UNITS);
  for (gsize i = 0; !HAS_SANITIZER && i < G_N_ELEMENTS (precisions); i++) {
    const pid_t pid = fork ();
    int status;

    if (pid == 0) {
      const gboolean ok = loads_with_little_memory (
          path, precisions[i].precision, precisions[i].bytes);

      fflush (stdout);
      _exit (ok ? 0 : 1);
    }
    g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
    g_assert_cmpint (status, ==, 0);
  }
  g_unlink (path);
  g_rmdir (dir);
}

/* --- Changes --- */

static void
cut_file (const char *path)
{
  g_assert_cmpint (truncate (path, 4000), ==, 0);
}

static void
cut_to_nothing (const char *path)
{
  g_assert_cmpint (truncate (path, 0), ==, 0);
}

/* Overwrites a weight, and sets a time that differs even if the clock of the file system is coarse. */
static void
overwrite_file (const char *path)
{
  const struct timespec times[] = {{1, 0}, {1, 0}};
  const int descriptor = open (path, O_WRONLY);
  const float weight = 1;

  g_assert_cmpint (pwrite (descriptor, &weight, sizeof weight, 6000), ==, sizeof weight);
  g_assert_cmpint (futimens (descriptor, times), ==, 0);
  close (descriptor);
}

static const struct {
  void (*change) (const char *path);
  const char *message;
} changes[] = {
    {cut_file, " bytes, found 4000; the file was truncated"},
    {cut_to_nothing, " bytes, found 0; the file was truncated"},
    {overwrite_file, "expected a file that does not change while it is read, found a change"},
};

/* Changes the file before each of the calls of pread(). */
static void
check_change (const char *path, gsize change)
{
  for (change_read = 0;; change_read++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (LstmModel) model = NULL;

    write_model (path, 24);
    n_reads = 0;
    changed_path = path;
    change_file = changes[change].change;
    model = lstm_model_load (path, &error);
    change_file = NULL;
    if (n_reads <= change_read) {
      g_assert_no_error (error);
      break;
    }
    g_assert_null (model);
    g_assert_nonnull (error);
    g_assert_true (error->domain == LSTM_ERROR);
    g_assert_true (g_str_has_prefix (error->message, path));
    if (change_read < 2) /* A file whose format cannot be read is one for lstm-convert. */
      continue;
    g_test_message ("%s", error->message);
    g_assert_error (error, LSTM_ERROR, LSTM_ERROR_FILE);
    g_assert_nonnull (strstr (error->message, changes[change].message));
  }
  g_assert_cmpuint (change_read, >, 3);
}

static void
test_changes (void)
{
  g_autofree char *dir = g_dir_make_tmp ("lstm-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (dir, "model.safetensors", NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (changes); i++)
    check_change (path, i);
  g_unlink (path);
  g_rmdir (dir);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/reading/memory", test_memory);
  g_test_add_func ("/reading/changes", test_changes);
  return g_test_run ();
}
