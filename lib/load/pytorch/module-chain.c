/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A module is an edge from its input size to its output size, and a chain of all modules is an
 * Euler trail. Degree counts and connectivity decide whether the remaining modules form a trail,
 * so the search needs no backtracking, however many modules have equal sizes. The search starts
 * at the output, because the kinds of modules identify the last module better than the first. */
#include "load/pytorch/module-chain.h"
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

/* --- The likely order --- */

/* Returns the length of @name up to the first component after @at bytes that is a number, and sets
 * @number to the number. Sets @number to -1, and returns the length of @name, if there is none. */
static gsize
find_number (const char *name, gsize at, gint64 *number)
{
  while (name[at]) {
    const gsize length = strcspn (name + at, ".");

    if (strspn (name + at, "0123456789") == length && length > 0 && length < 10
        && (length == 1 || name[at] != '0')) {
      *number = g_ascii_strtoll (name + at, NULL, 10);
      return at;
    }
    at += length + (name[at + length] == '.');
  }
  *number = -1;
  return at;
}

/* Returns whether some modules are a head: an nn.Linear, perhaps with a normalization, and no
 * recurrent module. The names of these modules begin with the first @length bytes of @name, or are
 * equal to @name if it has no more bytes. */
static gboolean
is_head (const LstmModule *const *modules, guint n, const char *name, gsize length)
{
  const gsize compared = name[length] ? length : length + 1;
  gboolean has_linear = FALSE;

  for (guint i = 0; i < n; i++) {
    if (strncmp (modules[i]->name, name, compared) != 0)
      continue;
    if (lstm_module_kind_is_recurrent (modules[i]->kind))
      return FALSE;
    has_linear |= modules[i]->kind == LSTM_MODULE_LINEAR;
  }
  return has_linear;
}

/* Compares modules by their likely order. Numbers after the same prefix are the order in an
 * nn.Sequential or nn.ModuleList. Otherwise a head follows the other modules, and a lower number in
 * a name precedes a higher number. @at: the length of the prefix with equal numbers, which both
 * names have */
static int
compare_modules (const LstmModule *const *modules, guint n, const LstmModule *x,
    const LstmModule *y, gsize at)
{
  gint64 x_number, y_number;
  const gsize x_length = find_number (x->name, at, &x_number);
  const gsize y_length = find_number (y->name, at, &y_number);
  g_autofree char *x_key = g_utf8_collate_key_for_filename (x->name, (gssize) x_length);
  g_autofree char *y_key = g_utf8_collate_key_for_filename (y->name, (gssize) y_length);
  int later;

  if (x_number >= 0 && y_number >= 0 && x_length == y_length
      && memcmp (x->name, y->name, x_length) == 0) {
    if (x_number != y_number)
      return x_number < y_number ? -1 : 1;
    return compare_modules (
        modules, n, x, y, x_length + strspn (x->name + x_length, "0123456789"));
  }
  later = is_head (modules, n, x->name, x_length) - is_head (modules, n, y->name, y_length);
  return later ? later : strcmp (x_key, y_key);
}

/* Sorts modules in their likely order. */
static void
sort_modules (const LstmModule **modules, guint n)
{
  const LstmModule *all[LSTM_MAX_MODULES];

  memcpy (all, modules, n * sizeof *all);
  for (guint i = 1; i < n; i++) {
    const LstmModule *module = modules[i];
    guint at = i;

    for (; at > 0 && compare_modules (all, n, module, modules[at - 1], 0) < 0; at--)
      modules[at] = modules[at - 1];
    modules[at] = module;
  }
}

/* --- Orders that fit the sizes --- */

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

  sort_modules (modules, n);
  for (; n > 0; next = modules[--n]) {
    const guint n_fit = choose_last (modules, n, next);

    if (n_fit == 0)
      return LSTM_CHAIN_NONE;
    if (n_fit > 1)
      result = LSTM_CHAIN_AMBIGUOUS;
  }
  return result;
}
