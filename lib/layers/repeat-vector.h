/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#define LSTM_MAX_REPEAT 65536 /* output steps of a repeat vector */
