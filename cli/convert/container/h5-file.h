/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Reads HDF5 files with libhdf5. Only h5.c calls these functions, in a separate process. The
 * function h5_file_X() does what h5.h documents for h5_X(). */
#pragma once

#include "container/h5.h"
#include <hdf5.h>

typedef struct {
  char *path; /* for messages */
  gsize size; /* of the file, bytes */
  hid_t file;
} H5File;

H5File *h5_file_open (const char *path, const guint8 *data, gsize size, GError **error);
void h5_file_close (H5File *h5);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (H5File, h5_file_close)

gboolean h5_file_exists (H5File *h5, const char *path);
gboolean h5_file_has_data (H5File *h5, const char *path);
GPtrArray *h5_file_list (H5File *h5, const char *path, GError **error);
GPtrArray *h5_file_get_strings (H5File *h5, const char *path, const char *name, GError **error);
gboolean h5_file_read (H5File *h5, const char *path, H5Array *array, GError **error);

/* --- For h5-file.c and h5-dataset.c --- */

static inline void
h5_clear_id (hid_t *id)
{
  if (*id >= 0)
    H5Idec_ref (*id);
}

/* An identifier that loses its reference at the end of the scope. Negative: no identifier */
#define H5_AUTO_ID __attribute__ ((cleanup (h5_clear_id))) hid_t

/* Sets @error to "FILE: HDF5 "/PATH": MESSAGE". Returns: FALSE */
gboolean h5_fail (const H5File *h5, const char *path, GError **error, const char *format, ...)
    G_GNUC_PRINTF (4, 5);

/* Returns: an identifier for H5_AUTO_ID, negative with @error */
hid_t h5_open_object (const H5File *h5, const char *path, GError **error);

/* Return the name of the class of @type or of the kind of @object, for messages. */
const char *h5_get_type_name (hid_t type);
const char *h5_get_object_name (hid_t object);
