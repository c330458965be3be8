/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Includes only the public header. The build compiles this file as C and, in header.cpp, as
 * C++. */
#include <lstm/lstm.h>

GType test_header (void);

GType
test_header (void)
{
  return LSTM_TYPE_MODEL;
}
