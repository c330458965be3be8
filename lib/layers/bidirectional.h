/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "layers/recurrent.h"

typedef enum {
  LSTM_MERGE_CONCAT,
  LSTM_MERGE_SUM,
  LSTM_MERGE_MUL,
  LSTM_MERGE_AVE,
} LstmMerge;

/* Appends two recurrent layers with the same input, of which @reverse runs backwards.
 * @kind: the kind of the two layers */
gboolean lstm_bidirectional_append (LstmBuilder *builder, const LstmLayerKind *kind,
    const LstmRecurrentParams *forward, const LstmRecurrentParams *reverse, LstmMerge merge,
    GError **error);
