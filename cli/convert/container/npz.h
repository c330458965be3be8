/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Reads untrusted .npz files in memory: zip archives of NumPy arrays, as numpy.savez() writes them.
 * https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html */
#pragma once

#include "container/h5.h"

typedef struct _Npz Npz;

/* Opens the file in @data. The caller keeps @data until npz_close(). @path: for messages.
 * Returns: (transfer full): NULL with @error */
Npz *npz_open (const char *path, const guint8 *data, gsize size, GError **error);
void npz_close (Npz *npz);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Npz, npz_close)

/* Returns: (transfer full): the names of the arrays, in the order of the file */
GPtrArray *npz_list (Npz *npz);

/* Reads an array of floating-point numbers as float32. @array: the caller frees the values */
gboolean npz_read (Npz *npz, const char *name, H5Array *array, GError **error);
