/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Classes and attributes of saved modules. */
#pragma once

#include "pytorch/torch-file.h"

/* Returns whether @value is the record of a module. */
gboolean torch_is_module (const TorchFile *file, const PickleValue *value);

/* Returns: (transfer none) (nullable): the class of @value, MODULE.NAME as in the pickle; NULL if
 * @value is no object */
const char *torch_get_class_text (const PickleValue *value);

/* Returns: (transfer full) (nullable): the class of @value, MODULE.NAME without the parts that
 * TorchScript adds, such as "torch.nn.modules.rnn.LSTM"; NULL if @value is no object */
char *torch_module_get_class (const PickleValue *value);

/* Returns: (transfer full) (nullable): the attribute @name of @module as Python prints it; NULL if
 * the file does not show the attribute */
char *torch_module_get_attribute (
    const TorchFile *file, const PickleValue *module, const char *name);
