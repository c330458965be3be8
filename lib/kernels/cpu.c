/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Selects the instruction sets that this machine has. This file is compiled for the baseline,
 * because it runs before the instruction set is known. LSTM_ISAS (X) is the table in meson.build,
 * best first: X (name, condition). */
#include "kernels/kernels.h"
#include "isas.h"
#ifdef __aarch64__
# include <sys/auxv.h>
#endif

#define X(isa, is_supported) extern const LstmKernels lstm_kernels_##isa;
LSTM_ISAS (X)
#undef X

const LstmKernels *
lstm_kernels_at (unsigned i)
{
#define X(isa, is_supported) \
  if ((is_supported) && i-- == 0) \
    return &lstm_kernels_##isa;
  LSTM_ISAS (X)
#undef X
  return NULL;
}
