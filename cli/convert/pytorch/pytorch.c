/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Reads the files of torch.save (). The tensors become safetensors in memory, from which
 * load/pytorch derives the layers. */
#include "container/safetensors-writer.h"
#include "load/pytorch/modules.h"
#include "load/pytorch/statedict.h"
#include "pytorch/model.h"
#include "pytorch/state-dict.h"
#include "pytorch/tensor.h"
#include "util/text.h"
#include <string.h>

#define COUNTER "num_batches_tracked" /* a tensor of nn.BatchNorm1d that only training uses */
#define MAX_BYTES ((gsize) 64 << 20)  /* of all weights as float32, for a small file */
#define MAX_BYTES_PER_BYTE 4          /* of all weights as float32, for each byte of the file */

/* Tensors that are converted to float32 */
typedef struct {
  TorchFile *file;
  const char *module_chain;
  GArray *views;     /* LstmTensorView */
  GPtrArray *values; /* owners of shapes and numbers */
  GHashTable *names;
  gsize bytes_left;
} Tensors;

static gboolean
check_name (Tensors *tensors, const char *name, GError **error)
{
  if (!g_utf8_validate (name, -1, NULL) || g_str_equal (name, "__metadata__"))
    return torch_file_fail (tensors->file, CONVERT_ERROR_UNSUPPORTED, error,
        "tensor \"%s\": name: expected UTF-8 and no name of safetensors, found this name",
        name);
  return g_hash_table_add (tensors->names, (char *) name)
         || torch_file_fail (tensors->file, CONVERT_ERROR_FILE, error,
             "tensor \"%s\": expected distinct names, found two tensors of this name", name);
}

/* Adds a tensor without numbers, because the library checks that each dropped module exists. */
static gboolean
add_dropped (Tensors *tensors, const TorchEntry *entry, GError **error)
{
  static const gsize shape[] = {0};
  const LstmTensorView view = {.name = entry->name, .n_dims = 1, .shape = shape};

  if (!check_name (tensors, entry->name, error))
    return FALSE;
  g_array_append_val (tensors->views, view);
  return TRUE;
}

static gboolean
add_tensor (Tensors *tensors, const TorchEntry *entry, GError **error)
{
  TorchTensor tensor;
  LstmTensorView view = {.name = entry->name};
  gsize bytes;

  if (g_str_has_suffix (entry->name, COUNTER))
    return TRUE;
  if (lstm_modules_drop_tensor (tensors->module_chain, entry->name))
    return add_dropped (tensors, entry, error);
  if (!check_name (tensors, entry->name, error)
      || !torch_tensor_parse (tensors->file, entry->name, entry->value, &tensor, error))
    return FALSE;
  if (!g_size_checked_mul (&bytes, tensor.n, sizeof (float)) || bytes > tensors->bytes_left)
    return torch_file_fail (tensors->file, CONVERT_ERROR_UNSUPPORTED, error,
        "tensor \"%s\": expected at most %" G_GSIZE_FORMAT
        " bytes of weights, found %" G_GSIZE_FORMAT " numbers more",
        entry->name, tensors->bytes_left, tensor.n);
  tensors->bytes_left -= bytes;
  view.values = torch_tensor_read (tensors->file, entry->name, &tensor, error);
  if (!view.values)
    return FALSE;
  g_ptr_array_add (tensors->values, (gpointer) view.values);
  view.n_dims = tensor.n_dims;
  view.shape = g_memdup2 (tensor.shape, sizeof tensor.shape);
  g_ptr_array_add (tensors->values, (gpointer) view.shape);
  g_array_append_val (tensors->views, view);
  return TRUE;
}

/* Returns: (transfer full): the tensors of @entries as safetensors; NULL with @error */
static LstmSafetensors *
read_tensors (TorchFile *file, const GPtrArray *entries, GError **error)
{
  static const char *const no_metadata[] = {NULL};
  const ConvertInput *input = file->input;
  g_autoptr (GArray) views = g_array_new (FALSE, FALSE, sizeof (LstmTensorView));
  g_autoptr (GPtrArray) values = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GHashTable) names = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GBytes) bytes = NULL;
  Tensors tensors = {file, input->module_chain, views, values, names,
      MAX_BYTES + MIN (input->size, G_MAXSIZE / 2 / MAX_BYTES_PER_BYTE) * MAX_BYTES_PER_BYTE};

  for (guint i = 0; i < entries->len; i++)
    if (!add_tensor (&tensors, g_ptr_array_index (entries, i), error))
      return NULL;
  bytes = lstm_safetensors_write (
      no_metadata, (const LstmTensorView *) (gpointer) views->data, views->len);
  return lstm_safetensors_new_from_bytes (bytes, input->path, error);
}

ConvertModel *
convert_read_pytorch (const ConvertInput *input, GError **error)
{
  g_autoptr (TorchFile) file = torch_file_open (input, error);
  g_autoptr (GPtrArray) notes = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (TorchModel) found = file ? torch_find_model (file, notes, error) : NULL;
  g_autoptr (LstmSafetensors) st = found ? read_tensors (file, found->entries, error) : NULL;
  g_autoptr (JsonArray) layers = NULL;
  ConvertModel *model;

  g_clear_pointer (&file, torch_file_close);
  if (!st
      || !(layers = lstm_statedict_get_layers (st, found->records, input->module_chain, error)))
    return NULL;
  model = torch_make_model (st, layers, found->records != NULL, error);
  for (guint i = 0; model && i < notes->len; i++)
    convert_model_add_note (model, g_ptr_array_index (notes, i));
  return model;
}
