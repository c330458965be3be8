/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Descriptions of elements, which gst-inspect-1.0 shows. */
#pragma once
#include <gst/gst.h>

/* Sets the metadata of the element @name. @classification contains words like "Filter/Audio". The
 * author and the address of the documentation have the same form for each element. */
void gst_lstm_set_metadata (GstElementClass *klass, const gchar *name, const gchar *long_name,
    const gchar *classification, const gchar *description);
