/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The list of all activations, from which the enum, the table of names and the kernels expand.
 *
 * EACH (id, name in model files, default alpha, default beta, expression) computes each feature
 * by itself: the expression is y, from the vector x and the numbers alpha and beta. Rare
 * functions call the C library lane by lane. ROW (id, name in model files, function) computes all
 * features of a step together: the function of kernels.c replaces the n values of a row. */
#pragma once

#define LSTM_ACTIVATIONS(EACH, ROW) \
  EACH (LINEAR, "linear", 0, 0, x) \
  EACH (RELU, "relu", 0, 0, vf_select (x < 0, vf_set (0), x)) \
  EACH (TANH, "tanh", 0, 0, vf_tanh (x)) \
  EACH (SIGMOID, "sigmoid", 0, 0, vf_sigmoid (x)) \
  EACH (HARD_SIGMOID, "hard_sigmoid", 0.2f, 0.5f, vf_clip (alpha * x + beta, 0, 1)) \
  EACH (LEAKY_RELU, "leaky_relu", 0.01f, 0, vf_select (x < 0, alpha * x, x)) \
  EACH (THRESHOLDED_RELU, "thresholded_relu", 1, 0, vf_select (x <= alpha, vf_set (0), x)) \
  EACH (RELU_CAPPED, "relu_capped", 6, 0, vf_clip (x, 0, alpha)) \
  EACH (HARD_TANH, "hard_tanh", 0, 0, vf_clip (x, -1, 1)) \
  EACH (SCALED_TANH, "scaled_tanh", 1, 1, alpha * vf_tanh (beta * x)) \
  EACH (AFFINE, "affine", 1, 0, alpha * x + beta) \
  EACH (SOFTSIGN, "softsign", 0, 0, x / (1 + vf_abs (x))) \
  EACH (SILU, "silu", 0, 0, x *vf_sigmoid (x)) \
  EACH (HARD_SILU, "hard_silu", 0, 0, x *vf_clip (x / 6 + 0.5f, 0, 1)) \
  EACH (GELU_TANH, "gelu_tanh", 0, 0, \
      0.5f * x * (1 + vf_tanh (0.7978845608f * (x + 0.044715f * (x * x * x))))) \
  EACH (GELU, "gelu", 0, 0, 0.5f * x * (1 + vf_map (erff, 0.70710678118f * x))) \
  EACH (EXPONENTIAL, "exponential", 0, 0, vf_map (expf, x)) \
  EACH (ELU, "elu", 1, 0, vf_select (x < 0, alpha * vf_map (expm1f, x), x)) \
  EACH (SELU, "selu", 0, 0, \
      1.05070098f * vf_select (x < 0, 1.67326324f * vf_map (expm1f, x), x)) \
  EACH (SOFTPLUS, "softplus", 0, 0, vf_map (compute_softplus, x)) \
  EACH (MISH, "mish", 0, 0, x *vf_tanh (vf_map (compute_softplus, x))) \
  ROW (SOFTMAX, "softmax", softmax_row) \
  ROW (LOG_SOFTMAX, "log_softmax", log_softmax_row)

typedef enum {
#define EACH(id, name, alpha, beta, expression) LSTM_ACTIVATION_##id,
#define ROW(id, name, function) LSTM_ACTIVATION_##id,
  LSTM_ACTIVATIONS (EACH, ROW)
#undef EACH
#undef ROW
  LSTM_N_ACTIVATIONS
} LstmActivationKind;

typedef struct {
  LstmActivationKind kind;
  float alpha, beta;
} LstmActivation;

/* Returns the name of @kind in model files. */
const char *lstm_activation_get_name (LstmActivationKind kind);

/* Sets @activation to the activation that model files call @name, with its default alpha and beta.
 * Returns 1, or 0 if no activation has this name. */
int lstm_activation_find (const char *name, LstmActivation *activation);
