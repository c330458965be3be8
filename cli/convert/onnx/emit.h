/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Converts stages to layers. Stages that belong together become one layer, such as a product, its
 * bias and its activation, or a recurrent layer and the selection of its last step. */
#pragma once

#include "onnx/stage.h"

/* Returns: (transfer full): the layers up to @last, or NULL with @error */
ConvertModel *onnx_emit_layers (
    const OnnxReader *reader, const OnnxStage *last, GError **error);
