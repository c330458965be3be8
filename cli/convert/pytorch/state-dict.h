/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Finds the tensors of a model, with their names, in the object that torch.save() wrote. */
#pragma once

#include "pytorch/module.h"

/* The tensors of a model */
typedef struct {
  GPtrArray *entries; /* TorchEntry */
  GPtrArray *records; /* LstmModuleRecord; NULL for a state dict */
} TorchModel;

void torch_model_free (TorchModel *model);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TorchModel, torch_model_free)

/* Finds the model in @file: a state dict or a module. Several of them become one model, in which
 * the path of each, the keys from the saved object to it, precedes the names. @notes:
 * (element-type utf8): lines for the user are added. Returns: (transfer full): NULL with @error */
TorchModel *torch_find_model (const TorchFile *file, GPtrArray *notes, GError **error);
