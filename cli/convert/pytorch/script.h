/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Constants in the code of TorchScript. */
#pragma once

#include "pytorch/torch-file.h"

/* Finds the constant @name of the class @class (MODULE.NAME as in the pickle): a Final attribute,
 * or an argument of the only call in forward (). Returns: (transfer full) (nullable): its text */
char *torch_script_get_constant (const TorchFile *file, const char *class, const char *name);
