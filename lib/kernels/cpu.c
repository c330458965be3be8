/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Which instruction sets this machine has. Compiled for the baseline: it runs before the answer
 * is known. LSTM_ISAS (X) is the table in meson.build: X (name, condition), best first. */
#include "kernels/kernels.h"
#include "isas.h"
#ifdef __aarch64__
# include <sys/auxv.h>
#endif

#define X(isa, able) extern const LstmKernels lstm_kernels_##isa;
LSTM_ISAS (X)
#undef X

const LstmKernels *
lstm_kernels_at (unsigned i)
{
#define X(isa, able) \
  if ((able) && i-- == 0) \
    return &lstm_kernels_##isa;
  LSTM_ISAS (X)
#undef X
  return NULL;
}
