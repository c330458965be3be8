/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Protocol between liblstm and lstm-convert --answer. The converter writes a line to standard output
 * that states whether it writes a model or an error, and the size in bytes. A safetensors file or
 * the error message follows. liblstm reads the file while the converter writes it. A crash leaves
 * no such line, or fewer bytes than the line states. The exit status cannot replace the line,
 * because an application that ignores SIGCHLD or waits for all of its children consumes the
 * status. */
#pragma once

#include <glib.h>

#define LSTM_ANSWER_MODEL "model"
#define LSTM_ANSWER_ERROR "error"
#define LSTM_ANSWER_PREFIX "lstm-convert "
#define LSTM_ANSWER_LINE                                                                       \
  LSTM_ANSWER_PREFIX "%s %020" G_GSIZE_FORMAT "\n" /* the kind and the size */
#define LSTM_ANSWER_LINE_SIZE (sizeof "lstm-convert model 01234567890123456789\n" - 1)
