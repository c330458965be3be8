/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The floating-point mode of the CPU while the library computes. It does not depend on the mode
 * of the caller: rounding is to nearest, and exceptions do not trap. In LSTM_FLOAT_FLUSH, numbers
 * below 2^-126 are also 0, as operands and as results: on many CPUs each denormal costs more than
 * the rest of a step, and c can stay denormal for ever.
 *
 * lstm_float_mode_enter() sets a mode and returns the mode of the caller, which
 * lstm_float_mode_leave() restores. The compiler assumes that arithmetic does not depend on the
 * mode. The "memory" clobber of both functions keeps the order: kernels load their operands from
 * memory and store their results there, so that neither loads nor stores, nor the arithmetic
 * between them, move past a change of the mode, even in inlined code. A function that calls both
 * functions must do no arithmetic of its own.
 *
 * This header needs no GLib: kernels and their tests do not use GLib. */
#pragma once

#include <stdint.h>

/* The control bits of the caller, and its exception flags */
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
  return (LstmFloatMode){.control = caller}; /* the register contains the status too */
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
