/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What torch.save() writes: a program for Python's pickle machine, which is not run here. */
#define _GNU_SOURCE
#include "convert.h"
#include <string.h>

#define MEMBER "data.pkl" /* of the zip that torch.save() writes since 1.6 */
#define PROTOCOL 0x80     /* the first instruction; the next byte is its number, from 2 to 5 */

static gboolean
probe (const ConvertInput *input)
{
  if (input->size < 4)
    return FALSE;
  if (memcmp (input->data, "PK\3\4", 4) == 0)
    return memmem (input->data, input->size, MEMBER, strlen (MEMBER)) != NULL;
  return input->data[0] == PROTOCOL && input->data[1] >= 2 && input->data[1] <= 5;
}

static ConvertModel *
read_model (const ConvertInput *input, GError **error)
{
  g_autofree char *name = g_path_get_basename (input->path);
  char *dot = strrchr (name, '.');

  g_set_error (error, CONVERT_ERROR, CONVERT_ERROR_UNSUPPORTED,
      "%s: expected a state dict as safetensors, found a pickle of PyTorch, which is a "
      "program; "
      "make one of it in Python: import torch; from safetensors.torch import save_file; "
      "save_file (torch.load (\"%s\", map_location=\"cpu\"), \"%.*s.safetensors\"), with "
      ".state_dict () behind "
      "torch.load (…) if that is a module",
      input->path, name, (int) (dot ? dot - name : (gssize) strlen (name)), name);
  return NULL;
}

const ConvertFormat convert_pickle = {"PyTorch pickle", probe, read_model};
