/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common/metadata.h"

void
gst_lstm_set_metadata (GstElementClass *klass, const gchar *name, const gchar *long_name,
    const gchar *classification, const gchar *description)
{
  g_autofree gchar *page = g_strdup_printf ("%s/element-%s.html", DOCS_URL, name);

  gst_element_class_set_metadata (
      klass, long_name, classification, description, "The gst-lstm developers");
  gst_element_class_add_metadata (klass, GST_ELEMENT_METADATA_DOC_URI, page);
}
