/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "modules.h"

#define LSTM_MAX_MODULES 64

typedef enum {
  LSTM_ORDER_NONE,
  LSTM_ORDER_ONE,
  LSTM_ORDER_SEVERAL,
} LstmOrder;

/* Puts @modules, at most LSTM_MAX_MODULES and one more, in the one order in which each takes what
 * the one before gives; their order is any unless the answer is LSTM_ORDER_ONE. */
LstmOrder lstm_order_modules (const LstmModule **modules, guint n);
