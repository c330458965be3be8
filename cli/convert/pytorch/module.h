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

/* Returns whether @value is the record of a module. */
gboolean torch_is_module (const TorchFile *file, const PickleValue *value);

/* Appends the tensors of @module and of the modules in it to @entries (TorchEntry), and their
 * records to @records (LstmModuleRecord). */
gboolean torch_module_read (const TorchFile *file, const PickleValue *module,
    GPtrArray *entries, GPtrArray *records, GError **error);

/* Returns: (transfer full) (nullable): the class of @value, MODULE.NAME without the parts that
 * TorchScript adds, such as "torch.nn.modules.rnn.LSTM"; NULL if @value is no object */
char *torch_module_get_class (const PickleValue *value);

/* Returns: (transfer full) (nullable): the attribute @name of @module as Python prints it; NULL if
 * the file does not show the attribute */
char *torch_module_get_attribute (
    const TorchFile *file, const PickleValue *module, const char *name);
