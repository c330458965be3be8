/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * .npy files for tests. */
#pragma once
#include "testutil.h"

/* Returns: (transfer full): magic, version, length and @text of a .npy header */
GByteArray *npy_header_new (guint8 version, const gchar *text);

/* Writes @bytes to the file @path. @bytes: (transfer full) */
void npy_write (const gchar *path, GByteArray *bytes);

/* Writes a float32 file of version 1.0 with @n items in the shape @shape, for example "(4, 3)". */
void npy_write_floats (const gchar *path, const gchar *shape, const gfloat *items, gsize n);

/* Writes the items 0, 1, … @n - 1 as npy_write_floats() does. */
void npy_write_numbers (const gchar *path, const gchar *shape, gsize n);

/* A test fixture: a directory, and the path of a file x.npy in this directory */
typedef struct {
  gchar *dir, *path;
} NpyFile;

/* A test with this fixture */
typedef struct {
  const gchar *name;
  void (*run) (NpyFile *file, gconstpointer data);
} NpyFileTest;

/* Creates the directory. The file does not exist yet. */
void npy_file_init (NpyFile *file, gconstpointer data);

/* Removes the directory with all its files. */
void npy_file_clear (NpyFile *file, gconstpointer data);
