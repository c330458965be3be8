/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "lstm/lstm.h"

/* The safetensors file that lstm-convert makes of the file at @path, in a process of its own with
 * limits of memory and time, which does not outlive this one. It is found by LSTM_CONVERT in the
 * environment, as of environment.h, or where it was installed. NULL with the converter's message, of domain LSTM_ERROR. */
GBytes *lstm_convert (const char *path, gsize size, GError **error);
