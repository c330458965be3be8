/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Every activation, once. EACH (id, name in files, y as an expression of the vector x) works
 * feature by feature; ROW (id, name in files) is a function of its own over a step's features.
 * Enum, name look-up and kernels expand from here. */
#pragma once

#define LSTM_ACTIVATIONS(EACH, ROW) \
  EACH (LINEAR, "linear", x) \
  EACH (RELU, "relu", vf_select (x < 0, vf_set (0), x)) \
  EACH (TANH, "tanh", vf_tanh (x)) \
  EACH (SIGMOID, "sigmoid", vf_sigmoid (x)) \
  ROW (SOFTMAX, "softmax")

typedef enum {
#define EACH(id, name, expression) LSTM_ACTIVATION_##id,
#define ROW(id, name) LSTM_ACTIVATION_##id,
  LSTM_ACTIVATIONS (EACH, ROW)
#undef EACH
#undef ROW
  LSTM_N_ACTIVATIONS
} LstmActivation;
