/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "container/safetensors.h"
#include "convert.h"

/* Makes a model of @layers and of the tensors of @st, and checks that liblstm loads the model.
 * @has_classes: whether the file states the class of each layer. If not, the model has a note about
 * each nn.LayerNorm.
 * Returns: (transfer full): NULL with @error */
ConvertModel *torch_make_model (
    const LstmSafetensors *st, JsonArray *layers, gboolean has_classes, GError **error);
