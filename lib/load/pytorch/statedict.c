/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "load/pytorch/statedict.h"
#include "load/pytorch/chain-parser.h"
#include "load/pytorch/module-chain.h"
#include "load/pytorch/shared-tensors.h"
#include "util/text.h"
#include <string.h>

static const LstmModuleRecord *
get_record (const GPtrArray *records, guint i)
{
  return g_ptr_array_index (records, i);
}

/* Returns whether the tensors show all that a layer needs to know about @module. */
static gboolean
is_certain (const LstmModule *module)
{
  return module->record || module->kind != LSTM_MODULE_RNN;
}

/* --- The proposal of a module chain --- */

/* Returns whether the output size of each module is the input size of the next one. */
static gboolean
fits_sizes (const GPtrArray *modules)
{
  gsize size = 0;

  for (guint i = 0; i < modules->len; i++) {
    const LstmModule *module = g_ptr_array_index (modules, i);

    if (!module->in)
      continue;
    if (size && module->in != size)
      return FALSE;
    size = module->out;
  }
  return TRUE;
}

/* Appends the modules in the order of their records. An nn.Sequential replaces the modules in it.
 */
static void
append_recorded (const GPtrArray *modules, GString *module_chain)
{
  const LstmModule *sequence = NULL;

  for (guint i = 0; i < modules->len; i++) {
    const LstmModule *module = g_ptr_array_index (modules, i);
    const LstmRecordKind kind = module->record->kind;

    if ((sequence && lstm_chain_is_inside (module, sequence, TRUE))
        || kind == LSTM_RECORD_CUSTOM || kind == LSTM_RECORD_NOTHING
        || (kind == LSTM_RECORD_SEQUENCE && !lstm_chain_is_sequence (modules, module)))
      continue;
    if (kind == LSTM_RECORD_SEQUENCE)
      sequence = module;
    lstm_text_append_item (module_chain, lstm_chain_get_name (module));
  }
}

/* Sets @sized to copies of the modules that have sizes. A saved nn.Sequential replaces the modules
 * in it, because it also contains their activations. Returns their number. */
static guint
list_sized (const GPtrArray *modules, LstmModule *sized)
{
  const LstmModule *sequence = NULL;
  guint n = 0;

  for (guint i = 0; i < modules->len; i++) {
    const LstmModule *module = g_ptr_array_index (modules, i);

    if (sequence && lstm_chain_is_inside (module, sequence, TRUE)) {
      if (module->in && !sized[n - 1].in)
        sized[n - 1].in = module->in;
      if (module->in)
        sized[n - 1].out = module->out;
      continue;
    }
    sequence = NULL;
    if (module->record && module->record->kind == LSTM_RECORD_SEQUENCE
        && lstm_chain_is_sequence (modules, module))
      sequence = module;
    if (module->in || sequence)
      sized[n++] = *module;
  }
  return n;
}

static void
append_module (GString *module_chain, const LstmModule *module)
{
  g_autofree char *item = g_strconcat (
      lstm_chain_get_name (module), is_certain (module) ? "" : "(tanh)", NULL);

  lstm_text_append_item (module_chain, item);
}

/* Appends the modules that have sizes, ordered by sizes, kinds and names. Returns LSTM_CHAIN_NONE
 * if a module may be an nn.Embedding. */
static LstmChainResult
append_ordered (const GPtrArray *modules, GString *module_chain)
{
  LstmModule sized[LSTM_MAX_MODULES];
  const LstmModule *ordered[LSTM_MAX_MODULES];
  const guint n = list_sized (modules, sized);
  LstmChainResult result;
  guint n_ordered = 0;

  for (guint i = 0; i < n; i++) {
    if (sized[i].kind == LSTM_MODULE_LINEAR && !sized[i].has_bias && !sized[i].record)
      return LSTM_CHAIN_NONE;
    if (sized[i].in)
      ordered[n_ordered++] = &sized[i];
  }
  result = lstm_chain_order_modules (ordered, n_ordered);
  for (guint i = 0; result != LSTM_CHAIN_NONE && i < n_ordered; i++)
    append_module (module_chain, ordered[i]);
  return result;
}

/* Returns whether the names of @modules are sorted. Programs that write safetensors sort the names.
 * Any other order is the order in which the program created the modules. */
static gboolean
is_sorted (const GPtrArray *modules)
{
  for (guint i = 1; i < modules->len; i++)
    if (strcmp (((LstmModule *) g_ptr_array_index (modules, i - 1))->name,
            ((LstmModule *) g_ptr_array_index (modules, i))->name)
        > 0)
      return FALSE;
  return TRUE;
}

/* Proposes a module chain. @dropped: (nullable): its last items. @note: set to a note about the
 * proposal. Returns: (transfer full) */
static char *
propose_chain (const GPtrArray *modules, const char *dropped, const char **note)
{
  static const char *const notes[] = {
      [LSTM_CHAIN_NONE] = "kinds and sizes show no order of",
      [LSTM_CHAIN_UNIQUE] = "this is the only order that fits the sizes of",
      [LSTM_CHAIN_AMBIGUOUS] = "this is one of several orders that fit the sizes of",
  };
  GString *module_chain = g_string_new (NULL);
  LstmChainResult result = LSTM_CHAIN_AMBIGUOUS;

  if (modules->len && ((LstmModule *) g_ptr_array_index (modules, 0))->record
      && fits_sizes (modules)) {
    append_recorded (modules, module_chain);
    *note = "this is the order in which the program creates";
  } else {
    result = append_ordered (modules, module_chain);
    *note = notes[result];
    if (result == LSTM_CHAIN_AMBIGUOUS && !is_sorted (modules) && fits_sizes (modules)) {
      g_string_truncate (module_chain, 0);
      for (guint i = 0; i < modules->len; i++)
        append_module (module_chain, g_ptr_array_index (modules, i));
      *note = "this is the order in the file, one of several orders that fit the sizes of";
    }
  }
  if (result == LSTM_CHAIN_NONE)
    g_string_assign (module_chain, "…");
  else if (dropped)
    lstm_text_append_item (module_chain, dropped);
  return g_string_free (module_chain, FALSE);
}

/* @dropped: (nullable): items of a module chain that has no other items */
static void
ask_for_chain (const LstmSafetensors *st, const GPtrArray *modules, gboolean has_records,
    const char *dropped, GError **error)
{
  const char *note;
  g_autofree char *module_chain = propose_chain (modules, dropped, &note);
  g_autofree char *list = lstm_chain_list_modules (modules);

  lstm_modules_set_error (st, error,
      "%s does not show the chain of its modules; state it with module-chain=\"%s\" "
      "or lstm-convert --module-chain \"%s\", and add activations, last, h_n, mean, max, sum "
      "and repeat N where they run; %s %s%s",
      has_records ? "a saved module" : "a state dict", module_chain, module_chain, note, list,
      g_str_has_prefix (module_chain, "…") ? "; modules that do not run one after another, "
                                             "such as branches or attention, are not "
                                             "supported"
                                           : "");
}

/* --- Modules --- */

/* Returns whether the item "-MODULE" @item drops the module @name and the modules in it. */
static gboolean
drops_module (const char *item, const char *name)
{
  g_autofree char *tensor = g_strconcat (name, ".weight", NULL);

  return lstm_modules_drop_tensor (item, tensor);
}

/* Marks the tensors that @module_chain drops as used. @module_chain: (nullable). @has_items: set to
 * whether @module_chain has other items. Returns FALSE with @error if an item drops no tensor. */
static gboolean
drop_modules (const LstmSafetensors *st, const GPtrArray *records, const char *module_chain,
    gboolean *has_items, GError **error)
{
  g_auto (GStrv) items = module_chain ? g_strsplit (*module_chain ? module_chain : " ", ",", -1)
                                      : g_new0 (char *, 1);

  *has_items = FALSE;
  for (char **item = items; *item; item++) {
    gboolean is_found = FALSE;

    if (*g_strstrip (*item) != '-') {
      *has_items = TRUE;
      continue;
    }
    for (guint i = 0; i < st->tensors->len; i++) {
      LstmTensor *tensor = g_ptr_array_index (st->tensors, i);

      if (lstm_modules_drop_tensor (*item, tensor->name))
        is_found = tensor->is_used = TRUE;
    }
    for (guint i = 0; records && i < records->len; i++)
      is_found |= drops_module (*item, get_record (records, i)->name);
    if (!is_found)
      return lstm_modules_set_error (st, error,
          "module-chain: expected the name of a module to drop, found \"%s\"", *item);
  }
  return TRUE;
}

/* Checks that a module chain can name each module. */
static gboolean
check_names (const LstmSafetensors *st, const GPtrArray *modules, GError **error)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);

  if (modules->len > LSTM_MAX_MODULES)
    return lstm_modules_set_error (
        st, error, "expected at most %d modules, found %u", LSTM_MAX_MODULES, modules->len);
  for (guint i = 0; i < modules->len; i++) {
    const char *name = lstm_chain_get_name (g_ptr_array_index (modules, i));

    if (strpbrk (name, " \t\r\n\v\f,\""))
      return lstm_modules_set_error (st, error,
          "expected module names without spaces, commas and quotes, found \"%s\"; rename the "
          "tensors of the module",
          name);
    if (!g_hash_table_add (seen, (char *) name))
      return lstm_modules_set_error (st, error,
          "expected distinct module names, found two modules named \"%s\"; rename the tensors "
          "of one module",
          name);
  }
  return TRUE;
}

/* Returns whether @module_chain drops all modules that have records. */
static gboolean
drops_records (const GPtrArray *records, const char *module_chain)
{
  for (guint i = 0; i < records->len; i++)
    if (!drops_module (module_chain, get_record (records, i)->name))
      return FALSE;
  return TRUE;
}

/* Checks that liblstm can run each class, except those of dropped modules. */
static gboolean
check_classes (const LstmSafetensors *st, const GPtrArray *records, const char *module_chain,
    GError **error)
{
  for (guint i = 0; i < records->len; i++) {
    const LstmModuleRecord *record = get_record (records, i);

    if (record->kind != LSTM_RECORD_UNSUPPORTED || drops_module (module_chain, record->name))
      continue;
    return lstm_modules_set_error (st, error,
        "module \"%s\": class: expected a supported class of torch.nn, found %s%s%s%s",
        *record->name ? record->name : ".", record->class_name,
        *record->name
            ? "; if it does not run, or if keywords of the module chain state what it "
              "does, drop it with an item \"-"
            : "",
        record->name, *record->name ? "\" of the module chain" : "");
  }
  return TRUE;
}

/* Returns: (transfer full) (nullable): the module with the name of @record, which is removed from
 * @modules; without tensors, a module of the kind RECORD */
static LstmModule *
take_module (GPtrArray *modules, const LstmModuleRecord *record)
{
  LstmModule *module = NULL;

  for (guint i = 0; !module && i < modules->len; i++)
    if (g_str_equal (((LstmModule *) g_ptr_array_index (modules, i))->name, record->name))
      module = g_ptr_array_steal_index (modules, i);
  if (!module) {
    module = g_new0 (LstmModule, 1);
    module->kind = LSTM_MODULE_RECORD;
    module->name = g_strdup (record->name);
    module->prefix = *record->name ? g_strconcat (record->name, ".", NULL) : g_strdup ("");
  }
  module->record = record;
  return module;
}

/* Marks the modules that contain the dropped module of @record. */
static void
mark_dropped (const GPtrArray *modules, const LstmModuleRecord *record)
{
  const LstmModule dropped = {.name = record->name};

  for (guint i = 0; record->kind != LSTM_RECORD_NOTHING && i < modules->len; i++) {
    LstmModule *module = g_ptr_array_index (modules, i);

    module->lacks_modules |= lstm_chain_is_inside (&dropped, module, TRUE);
  }
}

/* Sorts @modules in the order of their records, and adds the modules without tensors. Returns:
 * (transfer full): NULL with @error if a module has no record */
static GPtrArray *
add_records (const LstmSafetensors *st, GPtrArray *modules, const GPtrArray *records,
    const char *module_chain, GError **error)
{
  g_autoptr (GPtrArray)
      sorted = g_ptr_array_new_with_free_func ((GDestroyNotify) lstm_module_free);

  for (guint i = 0; i < records->len; i++) {
    const LstmModuleRecord *record = get_record (records, i);

    if (drops_module (module_chain, record->name))
      mark_dropped (sorted, record);
    else if (record->kind != LSTM_RECORD_UNSUPPORTED)
      g_ptr_array_add (sorted, take_module (modules, record));
  }
  if (modules->len == 0)
    return g_steal_pointer (&sorted);
  lstm_modules_set_error (st, error,
      "module \"%s\": expected the class of a module with these tensors, found a state dict "
      "beside "
      "a saved module; drop one of the two with an item -MODULE of the module chain",
      lstm_chain_get_name (g_ptr_array_index (modules, 0)));
  return NULL;
}

/* Returns: (transfer none) (nullable): the only module that can run, an nn.Sequential or a module
 * with tensors; NULL if there are several, or if a class of the program runs it, whose code may
 * change the output of the module */
static const LstmModule *
find_only_module (const GPtrArray *modules)
{
  const LstmModule *only = NULL;

  for (guint i = 0; i < modules->len; i++) {
    const LstmModule *module = g_ptr_array_index (modules, i);
    const LstmRecordKind kind = module->record ? module->record->kind : LSTM_RECORD_LAYER;

    if (kind == LSTM_RECORD_CUSTOM)
      return NULL;
    if (kind == LSTM_RECORD_NOTHING)
      continue;
    if (only && only->record && only->record->kind == LSTM_RECORD_SEQUENCE
        && lstm_chain_is_inside (module, only, TRUE)) {
      if (module->kind == LSTM_MODULE_BATCH_NORM) /* whose second axis is not the features */
        return NULL;
      continue;
    }
    if (only || (kind == LSTM_RECORD_SEQUENCE && !lstm_chain_is_sequence (modules, module)))
      return NULL;
    only = module;
  }
  return only && is_certain (only) ? only : NULL;
}

JsonArray *
lstm_statedict_get_layers (const LstmSafetensors *st, const GPtrArray *records,
    const char *module_chain, GError **error)
{
  g_autoptr (GPtrArray) modules = NULL, plain = NULL;
  const LstmModule *only;
  gboolean has_items;

  if (!lstm_shared_tensors_add (st, error)
      || !drop_modules (st, records, module_chain, &has_items, error))
    return NULL;
  if (records && drops_records (records, module_chain)) /* a state dict remains */
    records = NULL;
  if ((records && !check_classes (st, records, module_chain, error))
      || !(plain = lstm_modules_find (st, records, error)))
    return NULL;
  modules = records ? add_records (st, plain, records, module_chain, error)
                    : g_steal_pointer (&plain);
  if (!modules)
    return NULL;
  only = has_items ? NULL : find_only_module (modules);
  if (only && !records)
    return lstm_chain_parse (st, modules, NULL, error);
  if (!check_names (st, modules, error))
    return NULL;
  if (has_items || only)
    return lstm_chain_parse (
        st, modules, only ? lstm_chain_get_name (only) : module_chain, error);
  ask_for_chain (st, modules, records != NULL, module_chain, error);
  return NULL;
}
