/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A module is an edge from its input size to its output size, and a chain of all modules is an
 * Euler trail. Degree counts and connectivity decide whether the remaining modules form a trail,
 * so the search needs no backtracking, however many modules have equal sizes. The search starts
 * at the output, because the kinds of modules identify the last module better than the first. */
#include "load/pytorch/module-chain.h"
#include <stdlib.h>
#include <string.h>

/* Returns the number of modules with output size @size minus the number with input size @size. */
static int
get_balance (const LstmModule *const *modules, guint n, gsize size)
{
  int balance = 0;

  for (guint i = 0; i < n; i++)
    balance += (modules[i]->out == size) - (modules[i]->in == size);
  return balance;
}

/* Counts the modules that have a path to @size. */
static guint
count_connected (const LstmModule *const *modules, guint n, gsize size)
{
  gboolean counted[LSTM_MAX_MODULES] = {FALSE};
  gsize sizes[LSTM_MAX_MODULES + 1] = {size};
  guint count = 0;

  for (guint k = 0; k <= count; k++) {
    for (guint i = 0; i < n; i++) {
      if (counted[i] || modules[i]->out != sizes[k])
        continue;
      counted[i] = TRUE;
      sizes[++count] = modules[i]->in;
    }
  }
  return count;
}

/* Returns whether all @modules form a chain whose output size is @size. */
static gboolean
can_form_chain (const LstmModule *const *modules, guint n, gsize size)
{
  for (guint i = 0; i < n; i++) {
    const gsize sizes[] = {modules[i]->in, modules[i]->out};

    for (guint k = 0; k < G_N_ELEMENTS (sizes); k++) {
      const int balance = get_balance (modules, n, sizes[k]);

      if (balance != 0 && balance != (sizes[k] == size ? 1 : -1))
        return FALSE;
    }
  }
  return count_connected (modules, n, size) == n;
}

/* Sorts modules in their likely order: a Linear follows the other kinds, and a lower number in a
 * name precedes a higher number. */
static int
compare_modules (gconstpointer a, gconstpointer b)
{
  const LstmModule *x = *(LstmModule *const *) a, *y = *(LstmModule *const *) b;
  const int later = (x->kind == LSTM_MODULE_LINEAR) - (y->kind == LSTM_MODULE_LINEAR);
  g_autofree char *x_key = g_utf8_collate_key_for_filename (x->name, -1);
  g_autofree char *y_key = g_utf8_collate_key_for_filename (y->name, -1);

  return later ? later : strcmp (x_key, y_key);
}

/* Moves the last module that can end the chain to the end of @modules. The other modules keep their
 * order. Unless @next is NULL, the output size of the module is the input size of @next.
 * Returns: the number of modules that can end the chain */
static guint
choose_last (const LstmModule **modules, guint n, const LstmModule *next)
{
  const LstmModule *chosen;
  guint n_fit = 0, at = n - 1;

  for (guint i = n; i-- > 0;) {
    const LstmModule *rest[LSTM_MAX_MODULES];

    memcpy (rest, modules, n * sizeof *rest);
    rest[i] = rest[n - 1];
    if ((next && modules[i]->out != next->in) || !can_form_chain (rest, n - 1, modules[i]->in))
      continue;
    if (n_fit++ == 0)
      at = i;
  }
  chosen = modules[at];
  memmove (modules + at, modules + at + 1, (n - 1 - at) * sizeof *modules);
  modules[n - 1] = chosen;
  return n_fit;
}

LstmChainResult
lstm_chain_order_modules (const LstmModule **modules, guint n)
{
  LstmChainResult result = LSTM_CHAIN_UNIQUE;
  const LstmModule *next = NULL;

  qsort (modules, n, sizeof *modules, compare_modules);
  for (; n > 0; next = modules[--n]) {
    const guint n_fit = choose_last (modules, n, next);

    if (n_fit == 0)
      return LSTM_CHAIN_NONE;
    if (n_fit > 1)
      result = LSTM_CHAIN_AMBIGUOUS;
  }
  return result;
}
