/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "load/pytorch/modules.h"
#include "container/metadata-keys.h"
#include "lstm/lstm.h"
#include "util/text.h"
#include <string.h>

#define REVERSE "_reverse"

/* Names of the tensors of nn.LSTM, nn.GRU and nn.RNN without the suffix "_l0", and of their cells
 */
static const char *const recurrent_tensors[] = {"weight_ih", "weight_hh", "bias_ih", "bias_hh",
    "weight_hr", "weight_peephole", "initial_h", "initial_c"};
/* Names of the tensors of other modules, after a dot */
static const char *const plain_tensors[] = {
    "weight", "bias", "running_mean", "running_var", "num_batches_tracked"};

/* The kind of module that the suffix of a tensor's name shows: nn.LSTM, nn.GRU or nn.RNN, a
 * cell, or another class */
typedef enum { STACK = 's', CELL = 'c', PLAIN = 'p', UNKNOWN = 'u' } Family;

void
lstm_module_free (LstmModule *module)
{
  g_free (module->prefix);
  g_free (module->name);
  g_free (module);
}

/* --- Names --- */

/* Returns the length of the first @end bytes of @name without the first of @suffixes that matches;
 * @end if no suffix matches. */
static gsize
strip_suffix (const char *name, gsize end, const char *const *suffixes, guint n_suffixes)
{
  for (guint i = 0; i < n_suffixes; i++) {
    const gsize length = strlen (suffixes[i]);

    if (end >= length && memcmp (name + end - length, suffixes[i], length) == 0)
      return end - length;
  }
  return end;
}

/* Splits a name of the form PREFIXname_l0 or PREFIXname_l0_reverse (STACK), PREFIXname (CELL), or
 * PREFIX.name (PLAIN). Sets @length to the length of the prefix. */
static Family
split_name (const char *name, gsize *length)
{
  const gsize size = strlen (name);
  gsize end = g_str_has_suffix (name, REVERSE) ? size - strlen (REVERSE) : size;
  const gsize number_end = end;

  while (end > 0 && g_ascii_isdigit (name[end - 1]))
    end--;
  if (end < number_end && end >= 2 && memcmp (name + end - 2, "_l", 2) == 0) {
    *length = strip_suffix (name, end - 2, recurrent_tensors, G_N_ELEMENTS (recurrent_tensors));
    return *length < end - 2 ? STACK : UNKNOWN;
  }
  *length = strip_suffix (name, size, recurrent_tensors, G_N_ELEMENTS (recurrent_tensors));
  if (*length < size)
    return CELL;
  *length = strip_suffix (name, size, plain_tensors, G_N_ELEMENTS (plain_tensors));
  return *length < size && (*length == 0 || name[*length - 1] == '.') ? PLAIN : UNKNOWN;
}

static const LstmTensor *
find_tensor (
    const LstmSafetensors *st, const LstmModule *module, const char *name, const char *number)
{
  g_autofree char *full = g_strconcat (module->prefix, name, number, NULL);

  return lstm_safetensors_find (st, full);
}

gboolean
lstm_modules_drop_tensor (const char *module_chain, const char *name)
{
  g_auto (GStrv) items = g_strsplit (module_chain ? module_chain : "", ",", -1);

  for (char **item = items; *item; item++) {
    const char *module = g_strstrip (*item);
    gsize length, ignored;

    if (*module != '-')
      continue;
    module = g_strchug ((char *) module + 1);
    length = strlen (module);
    if (length > 0 && g_str_has_prefix (name, module)
        && (name[length] == '.' || (!name[length] && split_name (name, &ignored) == UNKNOWN)))
      return TRUE;
  }
  return FALSE;
}

/* --- Errors --- */

gboolean
lstm_modules_set_error (const LstmSafetensors *st, GError **error, const char *format, ...)
{
  g_autofree char *problem = NULL;
  va_list args;

  va_start (args, format);
  problem = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error (error, LSTM_ERROR, LSTM_ERROR_LAYER, "%s: %s", st->file, problem);
  return FALSE;
}

static gboolean
refuse_tensor (const LstmSafetensors *st, const LstmTensor *tensor, GError **error)
{
  g_autofree char *shape = lstm_text_shape (tensor->n_dims, tensor->shape);

  g_set_error (error, LSTM_ERROR, LSTM_ERROR_TENSOR,
      "%s: tensor \"%s\" %s belongs to no layer: expected tensors of nn.LSTM, nn.GRU, nn.RNN, "
      "their cells, nn.Linear, nn.LayerNorm and nn.BatchNorm1d, or \"" KEY_LAYERS
      "\" in __metadata__; if its module does not run, drop the module with an item -MODULE of "
      "the module chain",
      st->file, tensor->name, shape);
  return FALSE;
}

/* Returns a tensor whose shape determines a size of @module; NULL with @error if the tensor is
 * missing or does not have @n_dims dimensions. */
static const LstmTensor *
require_tensor (const LstmSafetensors *st, const LstmModule *module, const char *name,
    const char *number, guint n_dims, GError **error)
{
  const LstmTensor *tensor = find_tensor (st, module, name, number);

  if (tensor && tensor->n_dims == n_dims)
    return tensor;
  if (tensor) {
    g_autofree char *shape = lstm_text_shape (tensor->n_dims, tensor->shape);

    g_set_error (error, LSTM_ERROR, LSTM_ERROR_SHAPE,
        "%s: tensor \"%s\": expected %u dimensions, found %s", st->file, tensor->name, n_dims,
        shape);
  } else {
    g_set_error (error, LSTM_ERROR, LSTM_ERROR_TENSOR,
        "%s: expected a tensor \"%s%s%s\", found none of that name", st->file, module->prefix,
        name, number);
  }
  return NULL;
}

/* --- Modules --- */

gboolean
lstm_module_kind_is_recurrent (LstmModuleKind kind)
{
  return kind == LSTM_MODULE_LSTM || kind == LSTM_MODULE_GRU || kind == LSTM_MODULE_RNN;
}

/* Returns the kind of a recurrent module. The tensors of nn.GRU and nn.RNN have the names of
 * nn.LSTM, with 3 m and m matrix rows instead of 4 m. Only nn.LSTM has a projection, without which
 * the matrix @hh has m columns. The builder checks all sizes. */
static LstmModuleKind
get_recurrent_kind (const LstmSafetensors *st, const LstmModule *module, const LstmTensor *hh,
    const char *number)
{
  const gsize rows = hh->shape[0], m = hh->shape[1];

  if (find_tensor (st, module, "weight_hr", number) || m == 0)
    return LSTM_MODULE_LSTM;
  return rows == m                        ? LSTM_MODULE_RNN
         : rows % m == 0 && rows / m == 3 ? LSTM_MODULE_GRU
                                          : LSTM_MODULE_LSTM;
}

/* Returns the output size of one direction of the last layer of a stack. @first: the output size
 * of the first layer */
static gsize
get_last_size (const LstmSafetensors *st, const LstmModule *module, gsize first)
{
  gsize size = first;

  for (guint k = 1;; k++) {
    g_autofree char *number = g_strdup_printf ("_l%u", k);
    const LstmTensor *hh = find_tensor (st, module, "weight_hh", number);

    if (!hh || hh->n_dims != 2)
      return size;
    size = hh->shape[1];
  }
}

static gboolean
read_recurrent (
    const LstmSafetensors *st, LstmModule *module, const char *number, GError **error)
{
  const LstmTensor *ih = require_tensor (st, module, "weight_ih", number, 2, error);
  const LstmTensor *hh = ih ? require_tensor (st, module, "weight_hh", number, 2, error) : NULL;

  if (!hh)
    return FALSE;
  module->kind = get_recurrent_kind (st, module, hh, number);
  module->in = ih->shape[1];
  module->out = hh->shape[1];
  if (!*number)
    return TRUE;
  module->is_bidirectional = find_tensor (st, module, "weight_ih_l0", REVERSE) != NULL;
  module->out = get_last_size (st, module, module->out) * (module->is_bidirectional ? 2 : 1);
  return TRUE;
}

static gboolean
read_batch_norm (const LstmSafetensors *st, LstmModule *module, GError **error)
{
  const LstmTensor *mean = require_tensor (st, module, "running_mean", "", 1, error);

  if (!mean)
    return FALSE;
  module->kind = LSTM_MODULE_BATCH_NORM;
  module->in = module->out = mean->shape[0];
  return TRUE;
}

/* Returns whether @records, which may be NULL, state that @module is an nn.LayerNorm. */
static gboolean
is_recorded_norm (const GPtrArray *records, const LstmModule *module)
{
  for (guint i = 0; records && i < records->len; i++) {
    const LstmModuleRecord *record = g_ptr_array_index (records, i);

    if (g_str_equal (record->name, module->name))
      return g_str_equal (record->class_name, "nn.LayerNorm");
  }
  return FALSE;
}

/* Recognizes the kind of a module by the shapes of its tensors. @first is any of its tensors. A
 * weight vector without a bias is refused without the record of an nn.LayerNorm, because it may
 * belong to an nn.PReLU. */
static gboolean
read_plain_module (const LstmSafetensors *st, const GPtrArray *records, LstmModule *module,
    const LstmTensor *first, GError **error)
{
  const LstmTensor *weight = find_tensor (st, module, "weight", ""),
                   *bias = find_tensor (st, module, "bias", "");

  for (guint i = 2; i < G_N_ELEMENTS (plain_tensors); i++)
    if (find_tensor (st, module, plain_tensors[i], ""))
      return read_batch_norm (st, module, error);
  if (!weight || weight->n_dims < 1 || weight->n_dims > 2
      || (weight->n_dims == 1 && !bias && !is_recorded_norm (records, module)))
    return refuse_tensor (st, weight ? weight : first, error);
  if (bias && bias->n_dims != 1)
    return refuse_tensor (st, bias, error);
  module->kind = weight->n_dims == 2 ? LSTM_MODULE_LINEAR : LSTM_MODULE_LAYER_NORM;
  module->in = weight->shape[weight->n_dims - 1];
  module->out = weight->shape[0];
  module->has_bias = bias != NULL;
  return TRUE;
}

static LstmModule *
module_new (const LstmSafetensors *st, const GPtrArray *records, const LstmTensor *first,
    Family family, gsize length, GError **error)
{
  g_autoptr (LstmModule) module = g_new0 (LstmModule, 1);

  module->prefix = g_strndup (first->name, length);
  module->name = g_strndup (
      module->prefix, length - (length > 0 && module->prefix[length - 1] == '.'));
  if (!(family == PLAIN ? read_plain_module (st, records, module, first, error)
                        : read_recurrent (st, module, family == STACK ? "_l0" : "", error)))
    return NULL;
  return g_steal_pointer (&module);
}

/* Checks that the file contains a recurrent module. */
static gboolean
check_has_recurrent (const LstmSafetensors *st, GError **error)
{
  for (guint i = 0; i < st->tensors->len; i++) {
    const LstmTensor *tensor = g_ptr_array_index (st->tensors, i);
    gsize length;
    const Family family = split_name (tensor->name, &length);

    if ((family == STACK || family == CELL) && !tensor->is_used)
      return TRUE;
  }
  return lstm_modules_set_error (st, error,
      "expected \"" KEY_LAYERS
      "\" in __metadata__, or a tensor \"weight_ih_l0\" of an nn.LSTM, nn.GRU or nn.RNN, "
      "found neither");
}

GPtrArray *
lstm_modules_find (const LstmSafetensors *st, const GPtrArray *records, GError **error)
{
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GPtrArray)
      modules = g_ptr_array_new_with_free_func ((GDestroyNotify) lstm_module_free);

  if (!check_has_recurrent (st, error))
    return NULL;
  for (guint i = 0; i < st->tensors->len; i++) {
    const LstmTensor *tensor = g_ptr_array_index (st->tensors, i);
    LstmModule *module;
    gsize length;
    const Family family = split_name (tensor->name, &length);

    if (tensor->is_used)
      continue;
    if (family == UNKNOWN) {
      refuse_tensor (st, tensor, error);
      return NULL;
    }
    /* Modules of several families may have the same prefix. */
    if (!g_hash_table_add (
            seen, g_strdup_printf ("%c%.*s", family, (int) length, tensor->name)))
      continue;
    if (!(module = module_new (st, records, tensor, family, length, error)))
      return NULL;
    g_ptr_array_add (modules, module);
  }
  return g_steal_pointer (&modules);
}
