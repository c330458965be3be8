/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Protocol between liblstm and lstm-convert --answer. The converter writes a safetensors file or
 * an error message to standard output, then a line that states which of the two it wrote and its
 * size in bytes. A crash leaves no such line. The exit status cannot replace the line, because an
 * application that ignores SIGCHLD or waits for all of its children consumes the status. */
#pragma once

#include <glib.h>

#define LSTM_ANSWER_MODEL "model"
#define LSTM_ANSWER_ERROR "error"
#define LSTM_ANSWER_LINE "lstm-convert %s %020" G_GSIZE_FORMAT "\n" /* the kind and the size */
#define LSTM_ANSWER_LINE_SIZE (sizeof "lstm-convert model 01234567890123456789\n" - 1)
