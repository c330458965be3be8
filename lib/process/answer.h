/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * lstm-convert --answer writes a safetensors file or a message to standard output, and a line behind
 * it that says which of the two it is and how many bytes it has. A crash leaves no such line. The
 * exit status cannot say that: an application that ignores SIGCHLD or waits for all of its children
 * takes it away. */
#pragma once

#include <glib.h>

#define LSTM_ANSWER_MODEL "model"
#define LSTM_ANSWER_ERROR "error"
#define LSTM_ANSWER_LINE "lstm-convert %s %020" G_GSIZE_FORMAT "\n"
#define LSTM_ANSWER_LINE_SIZE (sizeof "lstm-convert model 01234567890123456789\n" - 1)
