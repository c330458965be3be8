/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Tensors that share their values. safetensors.torch.save_model() writes such values once, under
 * the name of one tensor. __metadata__ maps the name of each other tensor to that name. */
#pragma once

#include "container/safetensors.h"

/* Adds the other tensors to @st, in the order of their names.
 * Returns FALSE with LSTM_ERROR_TENSOR if they would need much more memory than the file. */
gboolean lstm_shared_tensors_add (const LstmSafetensors *st, GError **error);
