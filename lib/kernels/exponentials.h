/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * exp, sigmoid and tanh of vectors, without branches. sigmoid and tanh are quotients. A kernel that
 * multiplies several of them needs a single division for the product. */
#pragma once

#include "kernels/vec.h"

/* The constants are operands in memory if the registers are few. gcc would copy them to the stack in
 * each call of a kernel, so that the compiler must not know the pointer to the constants. */
#if defined(__x86_64__) && !defined(__AVX512F__)
typedef vf VfConstant;
#  if VF_WIDTH == 8
#    define VF_CONSTANT(x)                                                                     \
      {                                                                                        \
        x, x, x, x, x, x, x, x                                                                 \
      }
#  else
#    define VF_CONSTANT(x)                                                                     \
      {                                                                                        \
        x, x, x, x                                                                             \
      }
#  endif
#  define VF_OPERAND(name) (vf_get_constants ()->name)
#  define VF_HIDE(pointer) __asm__("" : "+r"(pointer))
#else
typedef float VfConstant;
#  define VF_CONSTANT(x) x
#  define VF_OPERAND(name) vf_set (vf_constants.name)
#  define VF_HIDE(pointer)
#endif

#define EXP_STEP (8 * 1.44269502f) /* 8 / ln 2, rounded */
#define TANH_STEP (2415 / 4096.f)  /* few bits, so that n TANH_STEP is exact */

/* The polynomials have the least relative errors of 2^(r / 8) and of tanh r. */
typedef struct {
  float powers[16];    /* 2^(j / 8) minus j << 20 of its bits, twice */
  float multiples[16]; /* tanh (n TANH_STEP) */
  VfConstant integer, one, sign;
  VfConstant exp_low, exp_high, exp_step, exp_rest, exp1, exp2, exp3;
  VfConstant tanh_high, tanh_inverse, tanh_step, tanh1, tanh2;
} VfConstants;

#define POWERS                                                                                 \
  1, 0x1.f72b84p-1f, 0x1.f06fep-1f, 0x1.ebfdaep-1f, 0x1.ea09e6p-1f, 0x1.eace54p-1f,            \
      0x1.ee89fap-1f, 0x1.f5818ep-1f

static const VfConstants vf_constants = {
    .powers = {POWERS, POWERS},
    .multiples = {0, 0x1.0f28bap-1f, 0x1.a7869ep-1f, 0x1.e30f8p-1f, 0x1.f6ec3ap-1f,
        0x1.fd30f8p-1f, 0x1.ff2276p-1f, 0x1.ffbbd4p-1f, 0x1.ffeb08p-1f, 0x1.fff98ep-1f,
        0x1.fffe04p-1f, 0x1.ffff64p-1f, 0x1.ffffdp-1f, 0x1.fffff2p-1f, 0x1.fffffcp-1f, 1},
    .integer = VF_CONSTANT (VF_INTEGER),
    .one = VF_CONSTANT (1),
    .sign = VF_CONSTANT (-0.f),
    .exp_low = VF_CONSTANT (-88.67f),
    .exp_high = VF_CONSTANT (87.3f),
    .exp_step = VF_CONSTANT (-EXP_STEP),
    .exp_rest = VF_CONSTANT (-1.33497586e-8f),
    .exp1 = VF_CONSTANT (0.0866434011f),
    .exp2 = VF_CONSTANT (0.00375412614f),
    .exp3 = VF_CONSTANT (0.00010839629f),
    .tanh_high = VF_CONSTANT (9),
    .tanh_inverse = VF_CONSTANT (1 / TANH_STEP),
    .tanh_step = VF_CONSTANT (-TANH_STEP),
    .tanh1 = VF_CONSTANT (0.333326966f),
    .tanh2 = VF_CONSTANT (-0.0219800975f),
};

static inline const VfConstants *
vf_get_constants (void)
{
  const VfConstants *constants = &vf_constants;

  VF_HIDE (constants);
  return constants;
}

/* Splits e^-x into (1 + p) s, where s = 2^(n / 8): returns p. n is the nearest integer of -8 x / ln 2,
 * and p = 2^(r / 8) - 1 of the rest r. x is at least -88.67, so that s is finite, and at most 87.5.
 * For x > 87.3 s can be below the least normal number. NaN stays NaN. */
static inline vf
vf_exp_split (vf x, vf *s)
{
  const vf t = vf_fma (x, VF_OPERAND (exp_step), VF_OPERAND (integer));
  const vf n = t - VF_OPERAND (integer);
#if VF_HAS_FMA
  const vf r = vf_fma (x, VF_OPERAND (exp_step), -n);
  const vf rest = x * VF_OPERAND (exp_rest); /* due to the rounding of the step */
#else
  const vf rest = {0};
  vf r = -x - n * vf_set (0.693359375f / 8); /* exact: ln 2 to 9 bits */

  r = (r + n * vf_set (2.12194440e-4f / 8)) * vf_set (EXP_STEP);
#endif

  *s = (vf) ((vu) vf_lookup8 (vf_get_constants ()->powers, (vi) t) + ((vu) t << 20));
  return vf_fma (vf_fma (VF_OPERAND (exp3), r, VF_OPERAND (exp2)), r * r,
      vf_fma (VF_OPERAND (exp1), r, rest));
}

/* Returns e^y for y <= 0, and 0 if e^y is below the least normal number. The factor 2^64 keeps
 * s p above that number. */
static inline vf
vf_exp (vf y)
{
  vf s;
  const vf p = vf_exp_split (-vf_at_least (y, vf_set (-87.5f)), &s);

  s = (vf) ((vu) s + (64u << 23));
  return vf_divide_from (vf_fma (s, p, s), vf_set (0x1p64f), y, vf_set (-87.33654f));
}

/* Returns 1 + e^-x, the divisor of sigmoid x = 1 / (1 + e^-x). For x < -88.67 the result is 3.2e38,
 * whose inverse is below the least normal number. */
static inline vf
vf_sigmoid_divisor (vf x)
{
  vf s;
  const vf p = vf_exp_split (
      vf_at_most (vf_at_least (x, VF_OPERAND (exp_low)), VF_OPERAND (exp_high)), &s);

  return vf_fma (s, p, VF_OPERAND (one) + s);
}

/* Returns 1 / (1 + e^-x), and 0 for x < -87.336, where the exact result is below the least normal
 * number. */
static inline vf
vf_sigmoid (vf x)
{
  return VF_OPERAND (one) / vf_sigmoid_divisor (x);
}

/* Returns the dividend of tanh x, and sets @divisor. With |x| = n h + r and m = tanh (n h), the
 * addition theorem states tanh |x| = (m + tanh r) / (1 + m tanh r). With tanh r = r / q this is
 * (m q + r) / (q + m r), which never exceeds 1. The dividend has the sign of x, also of -0. The
 * divisor is between 0.7 and 1.4. */
static inline vf
vf_tanh_parts (vf x, vf *divisor)
{
  const vf sign = (vf) ((vi) x & (vi) VF_OPERAND (sign));
  const vf a = vf_at_most (vf_abs (x), VF_OPERAND (tanh_high));
  const vf t = vf_fma (a, VF_OPERAND (tanh_inverse), VF_OPERAND (integer));
  const vf m = vf_lookup16 (vf_get_constants ()->multiples, (vi) t);
  const vf r = vf_fma (t - VF_OPERAND (integer), VF_OPERAND (tanh_step), a);
  const vf u = r * r;
  const vf q = vf_fma (vf_fma (VF_OPERAND (tanh2), u, VF_OPERAND (tanh1)), u, VF_OPERAND (one));

  *divisor = vf_fma (m, r, q);
  return (vf) ((vi) vf_fma (m, q, r) | (vi) sign);
}

static inline vf
vf_tanh (vf x)
{
  vf divisor;
  const vf dividend = vf_tanh_parts (x, &divisor);

  return dividend / divisor;
}
