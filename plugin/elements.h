/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <gst/gst.h>

/* The elements of the plugin. A line here registers an element. */
#define GST_LSTM_ELEMENTS(ELEMENT) \
  ELEMENT (lstm) \
  ELEMENT (lstmfeatures) \
  ELEMENT (lstmlabel) \
  ELEMENT (npysink) \
  ELEMENT (npysrc)

#define ELEMENT(id) GST_ELEMENT_REGISTER_DECLARE (id);
GST_LSTM_ELEMENTS (ELEMENT)
#undef ELEMENT
