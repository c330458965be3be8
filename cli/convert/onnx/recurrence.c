/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "onnx/recurrence.h"

const OnnxRecurrence onnx_recurrence_lstm = {
    .op = "LSTM",
    .layer = "lstm",
    .n_gates = 4,
    .gates = {0, 2, 3, 1},
    .n_functions = 3,
    .functions = {"sigmoid", "tanh", "tanh"},
    .has_cell = TRUE,
};

const OnnxRecurrence onnx_recurrence_gru = {
    .op = "GRU",
    .layer = "gru",
    .n_gates = 3,
    .gates = {1, 0, 2},
    .n_functions = 2,
    .functions = {"sigmoid", "tanh"},
};

const OnnxRecurrence onnx_recurrence_rnn = {
    .op = "RNN",
    .layer = "rnn",
    .n_gates = 1,
    .gates = {0},
    .n_functions = 1,
    .functions = {"tanh"},
};
