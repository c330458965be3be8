/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Constants in the code of TorchScript. */
#pragma once

#include "pytorch/torch-file.h"

/* A constant: "True" if torch.jit.trace () traced an nn.BatchNorm1d in training mode, which calling
 * eval () does not change */
#define TORCH_SCRIPT_TRACED_TRAINING "traced training"

/* Finds the constant @name of the class @class (MODULE.NAME as in the pickle): a Final attribute,
 * or an argument of the only call in forward (). Returns: (transfer full) (nullable): its text */
char *torch_script_get_constant (const TorchFile *file, const char *class, const char *name);
