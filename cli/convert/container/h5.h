/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * HDF5 files that nobody vouches for, from memory: only what Keras writes is followed, hard links
 * to groups and to datasets inside the file, and sizes are checked before memory is taken. Paths
 * begin at the root group, "" is the root itself. */
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

/* @path: for messages. @data must stay as long as the file is open. */
H5 *h5_open (const char *path, const guint8 *data, gsize size, GError **error);
void h5_close (H5 *h5);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (H5, h5_close)

gboolean h5_exists (H5 *h5, const char *path);

/* Whether a dataset lies anywhere below @path. */
gboolean h5_has_data (H5 *h5, const char *path);

/* Returns: (transfer full): the names in a group, or NULL with @error */
GPtrArray *h5_list (H5 *h5, const char *path, GError **error);

/* The strings of an attribute, a single one is an array of one. An array that was too long for
 * one attribute, and is NAME0, NAME1 … then, is put together.
 * Returns: (transfer full): NULL without @error where there is no such attribute */
GPtrArray *h5_get_strings (H5 *h5, const char *path, const char *name, GError **error);

/* A dataset of floating-point numbers as float32; free array->values with g_free(). */
gboolean h5_read (H5 *h5, const char *path, H5Array *array, GError **error);
