/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <lstm/lstm-visibility.h>

G_BEGIN_DECLS

/* The domain of all errors of liblstm, "lstm-error-quark" */
#define LSTM_ERROR (lstm_error_quark ())

/**
 * LstmError:
 * @LSTM_ERROR_FILE: the file cannot be read: it is missing, a directory or not readable
 * @LSTM_ERROR_FORMAT: the file is not a well-formed safetensors file, or lstm-convert refused it
 * @LSTM_ERROR_TENSOR: a tensor is missing, belongs to no layer, or has an unsupported type
 * @LSTM_ERROR_SHAPE: a tensor's shape does not fit its layer, a layer's input size differs from the
 *   output size of the previous layer, or a layer is too wide for the precision
 * @LSTM_ERROR_LAYER: a layer description is invalid or unsupported, or the model is not causal
 * @LSTM_ERROR_VALUE: a weight or a value of a saved state is NaN or infinite
 * @LSTM_ERROR_MEMORY: memory allocation failed
 * @LSTM_ERROR_CPU: the instruction set that LSTM_ISA names is not available on this CPU
 * @LSTM_ERROR_STATE: a saved state is damaged, belongs to another model, or has bad metadata
 * @LSTM_ERROR_THREAD: the system refused to create a thread
 *
 * Error codes of the functions that create a model, a state or a window. The message names the file
 * and the tensor or layer, what was expected and what was found. Running a state cannot fail,
 * because everything is checked when the model is loaded and the state is created.
 */
typedef enum {
  LSTM_ERROR_FILE,
  LSTM_ERROR_FORMAT,
  LSTM_ERROR_TENSOR,
  LSTM_ERROR_SHAPE,
  LSTM_ERROR_LAYER,
  LSTM_ERROR_VALUE,
  LSTM_ERROR_MEMORY,
  LSTM_ERROR_CPU,
  LSTM_ERROR_STATE,
  LSTM_ERROR_THREAD,
} LstmError;

/**
 * lstm_error_quark:
 *
 * Returns: the domain of all errors of liblstm, "lstm-error-quark"
 */
LSTM_API GQuark lstm_error_quark (void);

G_END_DECLS
