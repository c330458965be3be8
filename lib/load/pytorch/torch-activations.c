/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "load/pytorch/torch-activations.h"
#include "activations/activations.h"
#include "util/text.h"
#include <math.h>
#include <string.h>

typedef struct {
  const char *name;        /* in a module chain */
  const char *lstm_name;   /* in docs/formats.md */
  double alpha, beta;      /* NAN: the default in activations/activations.h */
  gboolean takes_argument; /* "NAME(alpha)" */
} TorchActivation;

/* The first match counts, so names and parameters in which PyTorch differs from liblstm precede
 * the names of liblstm. The hard sigmoid of PyTorch is x / 6 + 1/2. */
/* clang-format off */
static const TorchActivation activations[] = {
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
#define ROW(id, name, function) {name, name, NAN, NAN, FALSE},
    LSTM_ACTIVATIONS (EACH, ROW)
#undef EACH
#undef ROW
};
/* clang-format on */

/* Returns whether the first @length bytes of @keyword are @name. The comparison ignores case and
 * "_": LeakyReLU is leaky_relu. */
static gboolean
is_same_name (const char *keyword, gsize length, const char *name)
{
  const char *end = keyword + length;

  for (;; keyword++, name++) {
    while (keyword < end && *keyword == '_')
      keyword++;
    while (*name == '_')
      name++;
    if (keyword == end || !*name)
      return keyword == end && !*name;
    if (g_ascii_tolower (*keyword) != *name)
      return FALSE;
  }
}

static const TorchActivation *
find_activation (const char *keyword, gsize length)
{
  for (guint i = 0; i < G_N_ELEMENTS (activations); i++)
    if (is_same_name (keyword, length, activations[i].name))
      return &activations[i];
  return NULL;
}

/* Parses "(x)", where x is finite as float32. */
static gboolean
parse_argument (const char *text, double *value)
{
  char *end;

  *value = g_ascii_strtod (text + 1, &end);
  return end > text + 1 && g_str_equal (end, ")") && isfinite ((float) *value);
}

JsonNode *
lstm_torch_activation_parse (const char *keyword)
{
  const gsize length = strcspn (keyword, "(");
  const TorchActivation *activation = find_activation (keyword, length);
  double alpha = activation ? activation->alpha : (double) NAN;
  JsonNode *node = NULL;
  JsonObject *object;

  if (!activation
      || (keyword[length]
          && !(activation->takes_argument && parse_argument (keyword + length, &alpha))))
    return NULL;
  node = json_node_alloc ();
  if (isnan (alpha))
    return json_node_init_string (node, activation->lstm_name);
  object = json_object_new ();
  json_object_set_string_member (object, "name", activation->lstm_name);
  json_object_set_double_member (object, "alpha", alpha);
  if (!isnan (activation->beta))
    json_object_set_double_member (object, "beta", activation->beta);
  json_node_init (node, JSON_NODE_OBJECT);
  json_node_take_object (node, object);
  return node;
}

char *
lstm_torch_activation_list (void)
{
  GString *list = g_string_new (NULL);

  for (guint i = 0; i < G_N_ELEMENTS (activations); i++) {
    const char *name = activations[i].name;
    g_autofree char *item = g_strconcat (
        name, activations[i].takes_argument ? "(alpha)" : "", NULL);

    if (find_activation (name, strlen (name)) == &activations[i])
      lstm_text_append_item (list, item);
  }
  return g_string_free (list, FALSE);
}
