/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "load/pytorch/modules.h"

/* The number of orders in which the output size of each module is the input size of the next one */
typedef enum {
  LSTM_CHAIN_NONE,
  LSTM_CHAIN_UNIQUE,
  LSTM_CHAIN_AMBIGUOUS,
} LstmChainResult;

/* Sorts @modules, at most LSTM_MAX_MODULES, so that the output size of each module is the input
 * size of the next one. Chooses the most likely order by kinds and names if there are several;
 * the order is undefined if no order fits. */
LstmChainResult lstm_chain_order_modules (const LstmModule **modules, guint n);
