/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <gst/gst.h>

/* Every element of the plugin; one line here registers it. */
#define GST_LSTM_ELEMENTS(ELEMENT) \
  ELEMENT (lstm) \
  ELEMENT (lstmfeatures) \
  ELEMENT (lstmlabel) \
  ELEMENT (npysink) \
  ELEMENT (npysrc)

#define ELEMENT(id) GST_ELEMENT_REGISTER_DECLARE (id);
GST_LSTM_ELEMENTS (ELEMENT)
#undef ELEMENT
