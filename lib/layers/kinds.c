/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "layers/layer.h"

const LstmLayerKind *const lstm_layer_kinds[] = {
#define X(kind) &lstm_kind_##kind,
    LSTM_LAYER_KINDS (X)
#undef X
        NULL,
};
