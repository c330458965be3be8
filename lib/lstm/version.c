/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lstm/lstm-version.h"

#define TEXT_(number) #number
#define TEXT(number) TEXT_ number
#define VERSION                                                                                \
  TEXT (LSTM_MAJOR_VERSION) "." TEXT (LSTM_MINOR_VERSION) "." TEXT (LSTM_MICRO_VERSION)

const char *
lstm_check_version (guint major, guint minor, guint micro)
{
  static const guint version[] = {LSTM_MAJOR_VERSION, LSTM_MINOR_VERSION, LSTM_MICRO_VERSION};
  const guint required[] = {major, minor, micro};
  guint i = 0;

  while (i + 1 < G_N_ELEMENTS (version) && version[i] == required[i])
    i++;
  return version[i] >= required[i] ? NULL : "liblstm is too old: its version is " VERSION;
}

const char *
lstm_get_version (void)
{
  return VERSION;
}
