/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "load/pytorch/modules.h"

typedef enum {
  LSTM_ORDER_NONE,
  LSTM_ORDER_ONE,
  LSTM_ORDER_SEVERAL,
} LstmOrder;

/* Puts @modules, at most LSTM_MAX_MODULES, in an order in which each takes what the one before
 * gives, and says how many such orders there are: of several, in the likeliest by kinds and names;
 * in any if there is none. */
LstmOrder lstm_order_modules (const LstmModule **modules, guint n);
