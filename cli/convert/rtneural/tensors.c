/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * State dicts of PyTorch in JSON: {"lstm.weight_ih_l0": [[…]], …, "dense.bias": […]}. RTNeural reads
 * such files by torch_helpers.h, where the program selects the layers. The tensors become
 * safetensors in memory, from which load/pytorch derives the layers. */
#include "rtneural/rtneural.h"
#include "container/json.h"
#include "container/safetensors-writer.h"
#include "load/pytorch/statedict.h"
#include "pytorch/model.h"
#include <string.h>

#define MAX_DIMS 4
#define COUNTER "num_batches_tracked" /* a number of nn.BatchNorm1d that only training uses */

/* Members that are no tensors; rtneural.c reads the rate. */
static const char *const settings[] = {
    "samplerate", "sample_rate", "metadata", "version", NULL};

/* Sets @shape to the lengths of the first arrays in each level of @node.
 * Returns: the number of levels, or 0 if @node is not nested arrays of numbers */
static guint
measure_arrays (JsonNode *node, gsize *shape)
{
  JsonArray *array;
  guint n = 0;

  for (; (array = lstm_json_get_array (node)) && n < MAX_DIMS; n++) {
    if (!(shape[n] = json_array_get_length (array)))
      return 0;
    node = json_array_get_element (array, 0);
  }
  return array ? 0 : n;
}

static gboolean
add_tensor (JsonFile *file, const char *name, GArray *views, GPtrArray *owned)
{
  const JsonPart root = {file->object, ""};
  JsonNode *node = json_object_get_member (file->object, name);
  gsize shape[MAX_DIMS];
  LstmTensorView view = {.name = name, .n_dims = measure_arrays (node, shape)};

  if (g_str_has_suffix (name, COUNTER) || g_strv_contains (settings, name))
    return TRUE;
  if (!view.n_dims)
    return json_file_fail_member (
        file, root, name, CONVERT_ERROR_FILE, "a tensor of one to four dimensions");
  if (!(view.values = json_file_read_tensor (file, node, name, view.n_dims, shape)))
    return FALSE;
  view.shape = g_memdup2 (shape, view.n_dims * sizeof *shape);
  g_ptr_array_add (owned, (gpointer) view.values);
  g_ptr_array_add (owned, (gpointer) view.shape);
  g_array_append_val (views, view);
  return TRUE;
}

/* Returns: (transfer full): the tensors of the file as safetensors; NULL with an error */
static LstmSafetensors *
read_tensors (JsonFile *file)
{
  static const char *const no_metadata[] = {NULL};
  g_autoptr (GArray) views = g_array_new (FALSE, FALSE, sizeof (LstmTensorView));
  g_autoptr (GPtrArray) owned = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GList) names = json_object_get_members (file->object);
  g_autoptr (GBytes) bytes = NULL;

  for (GList *l = names; l; l = l->next)
    if (!add_tensor (file, l->data, views, owned))
      return NULL;
  bytes = lstm_safetensors_write (
      no_metadata, (const LstmTensorView *) (gpointer) views->data, views->len);
  return lstm_safetensors_new_from_bytes (bytes, file->path, &file->error);
}

gboolean
rt_convert_tensors (RtReader *reader)
{
  JsonFile *file = reader->file;
  g_autoptr (LstmSafetensors) st = read_tensors (file);
  g_autoptr (JsonArray) layers = NULL;
  ConvertModel *model;

  if (!st
      || !(layers = lstm_statedict_get_layers (st, NULL, reader->module_chain, &file->error))
      || !(model = torch_make_model (st, layers, FALSE, &file->error)))
    return FALSE;
  convert_model_free (reader->model);
  reader->model = model;
  return TRUE;
}
