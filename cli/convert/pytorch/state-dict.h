/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Finds the tensors of a model, with their names, in the object that torch.save() wrote. */
#pragma once

#include "pytorch/torch-file.h"

typedef struct {
  char *name;
  const PickleValue *value; /* a tensor */
} TorchEntry;

/* A state dict in the file */
typedef struct {
  char *path; /* the keys from the saved object to the state dict, with dots; may be "" */
  GPtrArray *entries; /* TorchEntry */
} TorchPart;

/* Finds the state dicts of the model in @file. Several state dicts become one, in which the path
 * of each precedes the names. @notes: (element-type utf8): lines for the user are added.
 * Returns: (transfer full) (element-type TorchEntry): NULL with @error */
GPtrArray *torch_find_tensors (const TorchFile *file, GPtrArray *notes, GError **error);
