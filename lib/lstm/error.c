/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lstm/lstm.h"

/* Not G_DEFINE_QUARK: clang-format treats the hyphens in its argument as minus signs. The string
 * is copied, because the quark can outlive the library. */
GQuark
lstm_error_quark (void)
{
  return g_quark_from_string ("lstm-error-quark");
}
