/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The CPU's floating-point mode while the library computes, whatever the caller has set: rounding
 * to nearest and no traps, and for running also numbers below 2^-126 taken and given as 0, as on
 * many CPUs each of those costs a step more than all else it does, and c may hold them for ever.
 *
 * The compiler does not know that arithmetic depends on the mode. What holds it is the "memory"
 * clobber of both functions: kernels take their numbers from memory and leave them there, so that
 * neither loads nor stores, nor what lies between them, can move past a change of the mode, even
 * where all is inlined. A function that calls both must do no arithmetic of its own.
 *
 * It needs no GLib, as kernels and their tests do not. */
#pragma once

#include <stdint.h>

/* The control bits, and the exceptions that have occurred, as the caller had them */
typedef struct {
  uint64_t control, status;
} LstmFloatMode;

#if defined(__x86_64__)
#  define LSTM_FLOAT_EXACT 0x1f80u                      /* all exceptions masked */
#  define LSTM_FLOAT_FLUSH (LSTM_FLOAT_EXACT | 0x8040u) /* FTZ and DAZ */

static inline LstmFloatMode
lstm_float_mode_enter (uint32_t mode)
{
  uint32_t caller;

  __asm__ volatile("stmxcsr %0" : "=m"(caller) : : "memory");
  __asm__ volatile("ldmxcsr %0" : : "m"(mode) : "memory");
  return (LstmFloatMode){.control = caller}; /* which holds the status as well */
}

static inline void
lstm_float_mode_leave (LstmFloatMode caller)
{
  const uint32_t mode = (uint32_t) caller.control;

  __asm__ volatile("ldmxcsr %0" : : "m"(mode) : "memory");
}
#elif defined(__aarch64__)
#  define LSTM_FLOAT_EXACT 0
#  define LSTM_FLOAT_FLUSH (1u << 24) /* FZ */

static inline LstmFloatMode
lstm_float_mode_enter (uint32_t mode)
{
  LstmFloatMode caller;

  __asm__ volatile("mrs %0, fpcr" : "=r"(caller.control) : : "memory");
  __asm__ volatile("mrs %0, fpsr" : "=r"(caller.status) : : "memory");
  __asm__ volatile("msr fpcr, %0" : : "r"((uint64_t) mode) : "memory");
  return caller;
}

static inline void
lstm_float_mode_leave (LstmFloatMode caller)
{
  __asm__ volatile("msr fpcr, %0" : : "r"(caller.control) : "memory");
  __asm__ volatile("msr fpsr, %0" : : "r"(caller.status) : "memory");
}
#else
#  define LSTM_FLOAT_EXACT 0
#  define LSTM_FLOAT_FLUSH 0

static inline LstmFloatMode
lstm_float_mode_enter (uint32_t mode)
{
  (void) mode;
  return (LstmFloatMode){0};
}

static inline void
lstm_float_mode_leave (LstmFloatMode caller)
{
  (void) caller;
}
#endif
