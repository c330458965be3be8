/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "load/pytorch/statedict.h"
#include "load/pytorch/chain-parser.h"
#include "load/pytorch/module-chain.h"
#include "load/pytorch/shared-tensors.h"
#include "util/text.h"
#include <string.h>

/* Returns whether the tensors show all that a layer needs to know about @module. */
static gboolean
is_certain (const LstmModule *module)
{
  return module->kind != LSTM_MODULE_RNN;
}

/* Proposes a module chain of modules, ordered by sizes, kinds and names, and of @dropped, which is
 * nullable. The result is LSTM_CHAIN_NONE if a module may be an nn.Embedding. Returns: (transfer full) */
static char *
propose_chain (const GPtrArray *modules, const char *dropped, LstmChainResult *result)
{
  const LstmModule *ordered[LSTM_MAX_MODULES];
  GString *module_chain = g_string_new (NULL);
  gboolean kinds_are_known = TRUE;

  for (guint i = 0; i < modules->len; i++) {
    ordered[i] = g_ptr_array_index (modules, i);
    kinds_are_known &= ordered[i]->kind != LSTM_MODULE_LINEAR || ordered[i]->has_bias;
  }
  *result = kinds_are_known ? lstm_chain_order_modules (ordered, modules->len)
                            : LSTM_CHAIN_NONE;
  if (*result == LSTM_CHAIN_NONE)
    return g_string_free (g_string_append (module_chain, "…"), FALSE);
  for (guint i = 0; i < modules->len; i++) {
    g_autofree char *item = g_strconcat (
        lstm_chain_get_name (ordered[i]), is_certain (ordered[i]) ? "" : "(tanh)", NULL);

    lstm_text_append_item (module_chain, item);
  }
  if (dropped)
    lstm_text_append_item (module_chain, dropped);
  return g_string_free (module_chain, FALSE);
}

/* Marks the tensors that @module_chain drops as used. @module_chain: (nullable). @has_items: set to
 * whether @module_chain has other items. Returns FALSE with @error if an item drops no tensor. */
static gboolean
drop_modules (
    const LstmSafetensors *st, const char *module_chain, gboolean *has_items, GError **error)
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
    if (!is_found)
      return lstm_modules_set_error (st, error,
          "module-chain: expected the name of a module to drop, found \"%s\"", *item);
  }
  return TRUE;
}

/* @dropped: (nullable): items of a module chain that has no other items */
static void
ask_for_chain (
    const LstmSafetensors *st, const GPtrArray *modules, const char *dropped, GError **error)
{
  static const char *const notes[] = {
      [LSTM_CHAIN_NONE] = "kinds and sizes show no order of",
      [LSTM_CHAIN_UNIQUE] = "this is the only order that fits the sizes of",
      [LSTM_CHAIN_AMBIGUOUS] = "this is one of several orders that fit the sizes of",
  };
  LstmChainResult result;
  g_autofree char *module_chain = propose_chain (modules, dropped, &result);
  g_autofree char *list = lstm_chain_list_modules (modules);

  lstm_modules_set_error (st, error,
      "a state dict does not show the chain of its modules; state it with module-chain=\"%s\" "
      "or lstm-convert --module-chain \"%s\", and add activations, last, h_n, mean, max, sum "
      "and repeat N where they run; %s %s",
      module_chain, module_chain, notes[result], list);
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

JsonArray *
lstm_statedict_get_layers (const LstmSafetensors *st, const char *module_chain, GError **error)
{
  g_autoptr (GPtrArray) modules = NULL;
  gboolean has_items;

  if (!lstm_shared_tensors_add (st, error)
      || !drop_modules (st, module_chain, &has_items, error)
      || !(modules = lstm_modules_find (st, error)))
    return NULL;
  if (!has_items && modules->len == 1 && is_certain (g_ptr_array_index (modules, 0)))
    return lstm_chain_parse (st, modules, NULL, error);
  if (!check_names (st, modules, error))
    return NULL;
  if (has_items)
    return lstm_chain_parse (st, modules, module_chain, error);
  ask_for_chain (st, modules, module_chain, error);
  return NULL;
}
