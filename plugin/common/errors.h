/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Functions that set the errors of elements and post them on the bus. */
#pragma once
#include <gst/gst.h>

/* The domain and the code of a GError, as two arguments */
#define GST_LSTM_STREAM(code) GST_STREAM_ERROR, GST_STREAM_ERROR_##code
#define GST_LSTM_RESOURCE(code) GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_##code

/* Sets @error. @format may contain GST_PTR_FORMAT. Returns FALSE, so that a caller can return the
 * result. */
gboolean gst_lstm_fail (GError **error, GQuark domain, gint code, const gchar *format, ...)
    G_GNUC_PRINTF (4, 5);

/* Sets @error for @bytes of memory that cannot be mapped. @purpose completes "memory that can be
 * mapped …", such as "for reading". Returns FALSE. */
gboolean gst_lstm_fail_to_map (
    GError **error, GQuark domain, gint code, const gchar *purpose, gsize bytes);

/* Sets @error to the message of @cause, an error of util/input-file.h, as a resource error. Returns
 * FALSE. */
gboolean gst_lstm_fail_to_read_file (GError **error, const GError *cause);

/* Posts @error as an error of @element, with the debug text @debug (nullable). The object lock must
 * be unlocked. */
void gst_lstm_post_error (gpointer element, const GError *error, const gchar *debug);

/* Posts @error as a warning of @element. The object lock must be unlocked. */
void gst_lstm_post_warning (gpointer element, const GError *error);
