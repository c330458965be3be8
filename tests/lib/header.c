/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The public header alone: compiled as C and, by header.cpp, as C++. */
#include <lstm/lstm.h>

GType test_header (void);

GType
test_header (void)
{
  return LSTM_TYPE_MODEL;
}
