/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pytorch/script.h"
#include <string.h>

/* Arguments of the functions that traced modules call. The code omits the last arguments of a call
 * if they are the defaults of the function. */
static const struct {
  const char *constant, *function;
  guint index;
  const char *value; /* the default; NULL: none */
} arguments[] = {
    {"eps", "layer_norm", 4, "1e-05"},
    {"eps", "batch_norm", 7, NULL},
    {TORCH_SCRIPT_TRACED_TRAINING, "batch_norm", 5, NULL},
    {"negative_slope", "leaky_relu", 1, "0.01"},
    {"alpha", "elu", 1, "1"},
    {"alpha", "celu", 1, "1"},
    {"approximate", "gelu", 1, "none"},
    {"dim", "softmax", 1, NULL},
    {"dim", "log_softmax", 1, NULL},
    {"beta", "softplus", 1, "1"},
    {"threshold", "softplus", 2, "20"},
    {"min_val", "hardtanh", 1, "-1"},
    {"max_val", "hardtanh", 2, "1"},
};

/* Functions that show a constant by their names */
static const struct {
  const char *constant, *function, *value;
} functions[] = {
    {"mode", "torch.rnn_tanh(", "RNN_TANH"},
    {"mode", "torch.rnn_relu(", "RNN_RELU"},
    {"nonlinearity", "torch.rnn_tanh_cell(", "tanh"},
    {"nonlinearity", "torch.rnn_relu_cell(", "relu"},
};

/* Returns: (transfer full) (nullable): the code of @class */
static char *
get_code (const TorchFile *file, const char *class)
{
  const char *dot = strrchr (class, '.');
  g_autofree char *module = dot ? g_strndup (class, (gsize) (dot - class)) : NULL;
  g_autofree char *path = NULL, *text = NULL, *head = NULL;
  g_autoptr (GBytes) bytes = NULL;
  char *begin, *end;

  if (!module)
    return NULL;
  g_strdelimit (module, ".", '/');
  path = g_strconcat (file->folder, "code/", module, ".py", NULL);
  bytes = archive_has_path (file->archive, path) ? archive_read_path (file->archive, path, NULL)
                                                 : NULL;
  if (!bytes)
    return NULL;
  text = g_strndup (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
  head = g_strconcat ("class ", dot + 1, "(", NULL);
  begin = strstr (text, head);
  if (!begin || (begin > text && begin[-1] != '\n'))
    return NULL;
  end = strstr (begin, "\nclass ");
  return end ? g_strndup (begin, (gsize) (end - begin)) : g_strdup (begin);
}

/* Removes the quotes of a text. */
static void
strip_quotes (char *text)
{
  const gsize length = strlen (text);

  if (*text != '"' || length < 2)
    return;
  text[length - 1] = 0;
  memmove (text, text + 1, length - 1);
}

/* Returns: (transfer full) (nullable): the value in the line "  @name : Final[…] = VALUE" */
static char *
get_final (const char *code, const char *name)
{
  g_autofree char *head = g_strconcat ("\n  ", name, " : Final[", NULL);
  const char *line = strstr (code, head), *value;
  char *text;

  if (!line)
    return NULL;
  line++;
  value = strstr (line, "] = ");
  if (!value || memchr (line, '\n', (gsize) (value - line)))
    return NULL;
  value += strlen ("] = ");
  text = g_strndup (value, strcspn (value, "\n"));
  strip_quotes (text);
  return text;
}

/* Returns: (transfer full): the value of an argument "VALUE" or "@name=VALUE" */
static char *
parse_argument (const char *begin, gsize length, const char *name)
{
  char *text = g_strstrip (g_strndup (begin, length));
  const gsize skipped = strlen (name);

  if (g_str_has_prefix (text, name) && text[skipped] == '=')
    memmove (text, text + skipped + 1, strlen (text) - skipped);
  strip_quotes (text);
  return text;
}

/* Returns: (transfer full) (nullable): argument @row of the only call of its function */
static char *
get_argument (const char *code, guint row)
{
  g_autofree char *head = g_strconcat ("torch.", arguments[row].function, "(", NULL);
  const char *call = strstr (code, head), *begin;
  guint n = 0;
  int depth = 0;

  if (!call || strstr (call + 1, head))
    return NULL;
  begin = call + strlen (head);
  for (const char *c = begin; *c && *c != '\n'; c++) {
    if (depth == 0 && (*c == ',' || *c == ')')) {
      if (n++ == arguments[row].index)
        return parse_argument (begin, (gsize) (c - begin), arguments[row].constant);
      if (*c == ')')
        return g_strdup (arguments[row].value);
      begin = c + 1;
    }
    depth += (*c == '(' || *c == '[') - (*c == ')' || *c == ']');
  }
  return NULL;
}

char *
torch_script_get_constant (const TorchFile *file, const char *class, const char *name)
{
  g_autofree char *code = get_code (file, class);
  char *value = code ? get_final (code, name) : NULL;

  for (guint i = 0; code && !value && i < G_N_ELEMENTS (arguments); i++)
    if (g_str_equal (arguments[i].constant, name))
      value = get_argument (code, i);
  for (guint i = 0; code && !value && i < G_N_ELEMENTS (functions); i++)
    if (g_str_equal (functions[i].constant, name) && strstr (code, functions[i].function))
      value = g_strdup (functions[i].value);
  return value;
}
