/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "layers/lstm.h"

typedef enum {
  LSTM_MERGE_CONCAT,
  LSTM_MERGE_SUM,
  LSTM_MERGE_MUL,
  LSTM_MERGE_AVE,
} LstmMerge;

/* Appends two LSTM layers with the same input, of which @reverse runs backwards.
 * @lstm: the kind of LSTM layers */
gboolean lstm_bidirectional_append (LstmBuilder *builder, const LstmLayerKind *lstm,
    const LstmLstmParams *forward, const LstmLstmParams *reverse, LstmMerge merge,
    GError **error);
