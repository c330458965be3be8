/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "elements.h"

static gboolean
plugin_init (GstPlugin *plugin)
{
  gboolean ok = FALSE;

#define ELEMENT(id) ok |= GST_ELEMENT_REGISTER (id, plugin);
  GST_LSTM_ELEMENTS (ELEMENT)
#undef ELEMENT
  return ok;
}

GST_PLUGIN_DEFINE (GST_VERSION_MAJOR, GST_VERSION_MINOR, lstm,
    "Recurrent networks over feature vectors: h and c are kept between buffers", plugin_init,
    PACKAGE_VERSION, "LGPL", GST_PACKAGE_NAME, GST_PACKAGE_ORIGIN)
