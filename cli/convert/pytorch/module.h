/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Modules that torch.save (model) or TorchScript wrote. Their records show the classes and the
 * arguments of the modules, but not how the program runs them. */
#pragma once

#include "pytorch/torch-file.h"

typedef struct {
  char *name;
  const PickleValue *value; /* a tensor */
} TorchEntry;

TorchEntry *torch_entry_new (const char *name, const PickleValue *value);
void torch_entry_free (TorchEntry *entry);

/* Appends the tensors of @module and of the modules in it to @entries (TorchEntry), and their
 * records to @records (LstmModuleRecord). */
gboolean torch_module_read (const TorchFile *file, const PickleValue *module,
    GPtrArray *entries, GPtrArray *records, GError **error);

/* Returns: (transfer none) (nullable): the module that torch.compile () compiled, if @value is the
 * record of a call that PyTorch 2.14 saves instead of a module */
const PickleValue *torch_module_get_compiled (const PickleValue *value);
