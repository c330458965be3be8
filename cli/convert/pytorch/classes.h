/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "load/pytorch/records.h"
#include "pytorch/torch-file.h"

/* Makes the record of @module, whose class is torch.nn.modules.…. @name: of the module.
 * Returns: (transfer full): a record of the kind UNSUPPORTED if liblstm cannot run the module */
LstmModuleRecord *torch_class_make_record (
    const TorchFile *file, const PickleValue *module, const char *class_name, const char *name);
