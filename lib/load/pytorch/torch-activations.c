/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "load/pytorch/torch-activations.h"
#include "kernels/activations.h"
#include <math.h>
#include <string.h>

typedef struct {
  const char *name, *ours;
  double alpha, beta; /* NAN: the default of ours */
  gboolean argument;  /* "NAME(alpha)" */
} Row;

/* Names and formulas in which PyTorch differs from liblstm come first. */
/* clang-format off */
static const Row rows[] = {
    {"celu", "elu", NAN, NAN, FALSE},
    {"elu", "elu", NAN, NAN, TRUE},
    {"exp", "exponential", NAN, NAN, FALSE},
    {"hard_sigmoid", "hard_sigmoid", 1. / 6, .5, FALSE},
    {"hardswish", "hard_silu", NAN, NAN, FALSE},
    {"identity", "linear", NAN, NAN, FALSE},
    {"leaky_relu", "leaky_relu", NAN, NAN, TRUE},
    {"relu6", "relu_capped", NAN, NAN, FALSE},
    {"swish", "silu", NAN, NAN, FALSE},
#define EACH(id, name, alpha, beta, expression) {name, name, NAN, NAN, FALSE},
#define ROW(id, name) {name, name, NAN, NAN, FALSE},
    LSTM_ACTIVATIONS (EACH, ROW)
#undef EACH
#undef ROW
};
/* clang-format on */

/* Returns whether the first @length bytes of @word are @name, without regard to case and "_":
 * LeakyReLU is leaky_relu. */
static gboolean
is_alike (const char *word, gsize length, const char *name)
{
  const char *end = word + length;

  for (;; word++, name++) {
    while (word < end && *word == '_')
      word++;
    while (*name == '_')
      name++;
    if (word == end || !*name)
      return word == end && !*name;
    if (g_ascii_tolower (*word) != *name)
      return FALSE;
  }
}

static const Row *
find_row (const char *word, gsize length)
{
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    if (is_alike (word, length, rows[i].name))
      return &rows[i];
  return NULL;
}

/* "(x)" */
static gboolean
parse_argument (const char *text, double *value)
{
  char *end;

  *value = g_ascii_strtod (text + 1, &end);
  return end > text + 1 && g_str_equal (end, ")") && isfinite (*value);
}

JsonNode *
lstm_torch_activation_parse (const char *word)
{
  const gsize length = strcspn (word, "(");
  const Row *row = find_row (word, length);
  double alpha = row ? row->alpha : (double) NAN;
  JsonNode *node = NULL;
  JsonObject *object;

  if (!row || (word[length] && !(row->argument && parse_argument (word + length, &alpha))))
    return NULL;
  node = json_node_alloc ();
  if (isnan (alpha))
    return json_node_init_string (node, row->ours);
  object = json_object_new ();
  json_object_set_string_member (object, "name", row->ours);
  json_object_set_double_member (object, "alpha", alpha);
  if (!isnan (row->beta))
    json_object_set_double_member (object, "beta", row->beta);
  json_node_init (node, JSON_NODE_OBJECT);
  json_node_take_object (node, object);
  return node;
}

char *
lstm_torch_activation_list (void)
{
  GString *names = g_string_new (NULL);

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    const Row *row = find_row (rows[i].name, strlen (rows[i].name));

    if (row == &rows[i])
      g_string_append_printf (
          names, "%s%s%s", i ? ", " : "", row->name, row->argument ? "(alpha)" : "");
  }
  return g_string_free (names, FALSE);
}
