/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "layers/layer.h"

const LstmLayerKind *const lstm_layer_kinds[] = {
#define X(kind) &lstm_kind_##kind,
    LSTM_LAYER_KINDS (X)
#undef X
        NULL,
};

const char *
lstm_layer_kind_get_label (const LstmLayerKind *kind)
{
  static const char *const labels[] = {
#define X(kind) #kind,
      LSTM_LAYER_KINDS (X)
#undef X
  };
  guint i = 0;

  while (lstm_layer_kinds[i] != kind)
    i++;
  return labels[i];
}
