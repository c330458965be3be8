/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Reads untrusted HDF5 files in memory, each in a child process. Reads groups and datasets that
 * hard links in the file connect, as Keras writes them. Checks sizes before it allocates memory. A
 * path begins at the root group, which is "". */
#pragma once

#include <glib.h>

#define H5_MAX_DIMS 8

typedef struct _H5 H5;

typedef struct {
  guint n_dims;
  gsize shape[H5_MAX_DIMS];
  gsize size;    /* product of shape */
  float *values; /* row-major */
} H5Array;

/* Opens the file in @data. The caller keeps @data until h5_close(). @path: for messages.
 * Returns: (transfer full): NULL with @error */
H5 *h5_open (const char *path, const guint8 *data, gsize size, GError **error);
void h5_close (H5 *h5);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (H5, h5_close)

gboolean h5_exists (H5 *h5, const char *path);

/* Returns whether a dataset exists at @path or anywhere below. */
gboolean h5_has_data (H5 *h5, const char *path);

/* Returns: (transfer full): the names of the members of a group, or NULL with @error */
GPtrArray *h5_list (H5 *h5, const char *path, GError **error);

/* Reads an attribute: an array of strings, or one string. Joins the attributes NAME0, NAME1 … into
 * which Keras splits an array that is too long for one attribute.
 * Returns: (transfer full): the strings; NULL without @error if there is no such attribute */
GPtrArray *h5_get_strings (H5 *h5, const char *path, const char *name, GError **error);

/* Reads a dataset of floating-point numbers as float32. @array: the caller frees the values */
gboolean h5_read (H5 *h5, const char *path, H5Array *array, GError **error);
