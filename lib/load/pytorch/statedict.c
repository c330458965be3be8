/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "load/pytorch/statedict.h"
#include "load/pytorch/chain-parser.h"
#include "load/pytorch/module-chain.h"
#include "util/text.h"
#include <string.h>

static gboolean refuse_file (const LstmSafetensors *st, GError **error, const char *format, ...)
    G_GNUC_PRINTF (3, 4);

static gboolean
refuse_file (const LstmSafetensors *st, GError **error, const char *format, ...)
{
  g_autofree char *problem = NULL;
  va_list args;

  va_start (args, format);
  problem = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error (error, LSTM_ERROR, LSTM_ERROR_LAYER, "%s: %s", st->file, problem);
  return FALSE;
}

/* Proposes a module chain as if nothing ran besides the modules, by their sizes, kinds and names; no order
 * where a module may be an nn.Embedding. Returns: (transfer full) */
static char *
propose_chain (const GPtrArray *modules, LstmOrder *order)
{
  const LstmModule *ordered[LSTM_MAX_MODULES];
  GString *module_chain = g_string_new (NULL);
  gboolean sure = TRUE;

  for (guint i = 0; i < modules->len; i++) {
    ordered[i] = g_ptr_array_index (modules, i);
    sure &= ordered[i]->kind != LSTM_MODULE_LINEAR || ordered[i]->has_bias;
  }
  *order = sure ? lstm_order_modules (ordered, modules->len) : LSTM_ORDER_NONE;
  if (*order == LSTM_ORDER_NONE)
    return g_string_free (g_string_append (module_chain, "…"), FALSE);
  for (guint i = 0; i < modules->len; i++)
    lstm_text_append_item (module_chain, lstm_chain_get_name (ordered[i]));
  return g_string_free (module_chain, FALSE);
}

static void
ask_for_head (const LstmSafetensors *st, const GPtrArray *modules, GError **error)
{
  static const char *const notes[] = {
      [LSTM_ORDER_NONE] = "kinds and sizes show no order of",
      [LSTM_ORDER_ONE] = "this is the only order that fits the sizes of",
      [LSTM_ORDER_SEVERAL] = "this is one of several orders that fit the sizes of",
  };
  LstmOrder order;
  g_autofree char *module_chain = propose_chain (modules, &order);
  g_autofree char *list = lstm_chain_list_modules (modules);

  refuse_file (st, error,
      "a state dict does not show the chain of its modules; state it with module-chain=\"%s\" or "
      "lstm-convert --module-chain \"%s\", and add activations, last, h_n and repeat N where they run; "
      "%s "
      "%s",
      module_chain, module_chain, notes[order], list);
}

/* A module chain has to be able to name them. */
static gboolean
check_names (const LstmSafetensors *st, const GPtrArray *modules, GError **error)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);

  if (modules->len > LSTM_MAX_MODULES)
    return refuse_file (
        st, error, "expected at most %d modules, found %u", LSTM_MAX_MODULES, modules->len);
  for (guint i = 0; i < modules->len; i++) {
    const char *name = lstm_chain_get_name (g_ptr_array_index (modules, i));

    if (strpbrk (name, " \t\r\n\v\f,\""))
      return refuse_file (st, error,
          "expected names of modules without spaces, commas and quotes, found \"%s\"; rename "
          "its "
          "tensors",
          name);
    if (!g_hash_table_add (seen, (char *) name))
      return refuse_file (st, error,
          "expected one module to a name, found two that are called \"%s\"; rename the tensors "
          "of "
          "one",
          name);
  }
  return TRUE;
}

JsonArray *
lstm_statedict_describe (const LstmSafetensors *st, const char *module_chain, GError **error)
{
  g_autoptr (GPtrArray) modules = lstm_modules_find (st, error);

  if (!modules)
    return NULL;
  if (!module_chain && modules->len == 1)
    return lstm_chain_parse (st, modules, NULL, error);
  if (!check_names (st, modules, error))
    return NULL;
  if (module_chain)
    return lstm_chain_parse (st, modules, module_chain, error);
  ask_for_head (st, modules, error);
  return NULL;
}
