/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Ids of tensors in metas of media. */
#pragma once

#include <glib.h>

/* Sets @error, which names @property and @id, unless @id (nullable: not set) survives a conversion
 * of caps to a string and back. From GStreamer 1.28 on, caps contain ids as strings, and as names
 * of tensor groups, which strings of caps do not quote. */
gboolean gst_lstm_tensor_id_check (const gchar *property, const gchar *id, GError **error);

/* Returns the id of the output tensor @name (`output`, `hidden`, `cell` or `gates`), if the id of
 * `output` is @output_id (nullable: the default). */
GQuark gst_lstm_tensor_id_make (const gchar *output_id, const gchar *name);
