/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The debug category of the element. */
#include "lstm/element.h"

GST_DEBUG_CATEGORY (gst_lstm_debug);
