/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lstm/resets.h"

const gchar *
gst_lstm_get_reset_text (GstLstmReset reason)
{
  static const gchar *const texts[] = {
#define TEXT(name, text) [GST_LSTM_RESET_##name] = text,
      GST_LSTM_RESETS (TEXT)
#undef TEXT
  };

  return texts[reason];
}
