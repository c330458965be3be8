/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Modules are edges from one size to another, and an order that uses each of them once is an Euler
 * trail. Whether what is left has one can be told by counting, so that nothing is tried in vain,
 * however many modules of one size a file has. It is found from its end, of which kinds tell more
 * than of its beginning. */
#include "load/pytorch/module-chain.h"
#include <string.h>

/* Modules that arrive at @size less those that leave there */
static int
get_balance (const LstmModule *const *modules, guint n, gsize size)
{
  int balance = 0;

  for (guint i = 0; i < n; i++)
    balance += (modules[i]->out == size) - (modules[i]->in == size);
  return balance;
}

/* Modules from which a way leads to @size */
static guint
count_leading (const LstmModule *const *modules, guint n, gsize size)
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

/* Returns whether all @modules can come before a layer that takes @size */
static gboolean
can_lead (const LstmModule *const *modules, guint n, gsize size)
{
  for (guint i = 0; i < n; i++) {
    const gsize sizes[] = {modules[i]->in, modules[i]->out};

    for (guint k = 0; k < G_N_ELEMENTS (sizes); k++) {
      const int balance = get_balance (modules, n, sizes[k]);

      if (balance != 0 && balance != (sizes[k] == size ? 1 : -1))
        return FALSE;
    }
  }
  return count_leading (modules, n, size) == n;
}

/* Which of two modules is the likelier to come first: a Linear comes behind the others, and a lower
 * number in a name before a higher one. */
static int
compare (gconstpointer a, gconstpointer b)
{
  const LstmModule *x = *(LstmModule *const *) a, *y = *(LstmModule *const *) b;
  const int later = (x->kind == LSTM_MODULE_LINEAR) - (y->kind == LSTM_MODULE_LINEAR);
  g_autofree char *x_key = g_utf8_collate_key_for_filename (x->name, -1);
  g_autofree char *y_key = g_utf8_collate_key_for_filename (y->name, -1);

  return later ? later : strcmp (x_key, y_key);
}

/* Brings to the end the last of @modules that can come last, before @behind unless that is NULL.
 * The others keep their order. Returns: how many can come last */
static guint
choose_last (const LstmModule **modules, guint n, const LstmModule *behind)
{
  const LstmModule *chosen;
  guint n_fit = 0, at = n - 1;

  for (guint i = n; i-- > 0;) {
    const LstmModule *rest[LSTM_MAX_MODULES];

    memcpy (rest, modules, n * sizeof *rest);
    rest[i] = rest[n - 1];
    if ((behind && modules[i]->out != behind->in) || !can_lead (rest, n - 1, modules[i]->in))
      continue;
    if (n_fit++ == 0)
      at = i;
  }
  chosen = modules[at];
  memmove (modules + at, modules + at + 1, (n - 1 - at) * sizeof *modules);
  modules[n - 1] = chosen;
  return n_fit;
}

LstmOrder
lstm_order_modules (const LstmModule **modules, guint n)
{
  LstmOrder order = LSTM_ORDER_ONE;
  const LstmModule *behind = NULL;

  qsort (modules, n, sizeof *modules, compare);
  for (; n > 0; behind = modules[--n]) {
    const guint n_fit = choose_last (modules, n, behind);

    if (n_fit == 0)
      return LSTM_ORDER_NONE;
    if (n_fit > 1)
      order = LSTM_ORDER_SEVERAL;
  }
  return order;
}
