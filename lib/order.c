/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Modules are edges from one size to another, and an order that uses each of them once is an Euler
 * trail. Whether what is left has one can be told by counting, so that nothing is tried in vain,
 * however many modules of one size a file has. */
#include "order.h"

/* Modules that leave @size less those that arrive there */
static int
get_balance (const LstmModule *const *modules, guint n, gsize size)
{
  int balance = 0;

  for (guint i = 0; i < n; i++)
    balance += (modules[i]->in == size) - (modules[i]->out == size);
  return balance;
}

static guint
count_reached (const LstmModule *const *modules, guint n, gsize size)
{
  gboolean reached[LSTM_MAX_MODULES + 1] = {FALSE};
  gsize sizes[LSTM_MAX_MODULES + 2] = {size};
  guint n_reached = 0;

  for (guint k = 0; k <= n_reached; k++) {
    for (guint i = 0; i < n; i++) {
      if (reached[i] || modules[i]->in != sizes[k])
        continue;
      reached[i] = TRUE;
      sizes[++n_reached] = modules[i]->out;
    }
  }
  return n_reached;
}

/* Whether all @modules can follow on a layer that gives @size */
static gboolean
can_follow (const LstmModule *const *modules, guint n, gsize size)
{
  for (guint i = 0; i < n; i++) {
    const gsize sizes[] = {modules[i]->in, modules[i]->out};

    for (guint k = 0; k < G_N_ELEMENTS (sizes); k++) {
      const int balance = get_balance (modules, n, sizes[k]);

      if (balance != 0 && balance != (sizes[k] == size ? 1 : -1))
        return FALSE;
    }
  }
  return count_reached (modules, n, size) == n;
}

/* Below 0 if @a comes first: names that are alike up to a number, "lstm1" and "lstm2" or
 * "layers.0.rnn" and "layers.1.rnn", come in its order. 0: the names do not say. */
static int
compare_names (const char *a, const char *b)
{
  gsize at = 0;
  guint64 x, y;

  while (a[at] && a[at] == b[at])
    at++;
  while (at > 0 && g_ascii_isdigit (a[at - 1]))
    at--;
  if (!g_ascii_isdigit (a[at]) || !g_ascii_isdigit (b[at]))
    return 0;
  x = g_ascii_strtoull (a + at, NULL, 10);
  y = g_ascii_strtoull (b + at, NULL, 10);
  return (x > y) - (x < y);
}

static void
swap (const LstmModule **a, const LstmModule **b)
{
  const LstmModule *kept = *a;

  *a = *b;
  *b = kept;
}

/* Brings to the front which of @modules comes next, behind @before unless that is NULL. Where sizes
 * allow several, @by_name is set and their names have to say. */
static LstmOrder
choose (const LstmModule **modules, guint n, const LstmModule *before, gboolean *by_name)
{
  const LstmModule *best = NULL;
  guint at = 0;

  for (guint i = 0; i < n; i++) {
    int order = -1;
    gboolean fits;

    swap (&modules[0], &modules[i]); /* the others are behind it */
    fits = (!before || modules[0]->in == before->out)
           && can_follow (modules + 1, n - 1, modules[0]->out);
    if (fits && best) {
      *by_name = TRUE;
      order = compare_names (modules[0]->name, best->name);
    }
    if (fits && order == 0)
      return LSTM_ORDER_SEVERAL;
    if (fits && order < 0) {
      best = modules[0];
      at = i;
    }
    swap (&modules[0], &modules[i]);
  }
  swap (&modules[0], &modules[at]);
  return best ? LSTM_ORDER_ONE : LSTM_ORDER_NONE;
}

LstmOrder
lstm_order_modules (const LstmModule **modules, guint n)
{
  gboolean by_name = FALSE;

  for (guint i = 0; i < n; i++) {
    const LstmOrder order = choose (
        modules + i, n - i, i > 0 ? modules[i - 1] : NULL, &by_name);

    if (order != LSTM_ORDER_ONE)
      return order;
  }
  /* Names have a say only if they agree with all of the order. */
  for (guint i = 0; by_name && i < n; i++)
    for (guint k = i + 1; k < n; k++)
      if (compare_names (modules[k]->name, modules[i]->name) < 0)
        return LSTM_ORDER_SEVERAL;
  return LSTM_ORDER_ONE;
}
