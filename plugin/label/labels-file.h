/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The file that names the labels: UTF-8 text with one label per line. */
#pragma once
#include <glib.h>

/* Reads the labels of @location. Blanks at the end of a line, blank lines at the end of the file
 * and a byte order mark are ignored. Returns: (transfer full) (nullable): the labels, or NULL
 * with @error */
GStrv gst_lstm_labels_file_read (const gchar *location, GError **error);
