/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "statedict.h"
#include "order.h"
#include <string.h>

#define PROGRAM "lstm-convert --head"

/* A module in its place, and the activation behind it: NULL for none */
typedef struct {
  const LstmModule *module;
  char *activation;
} Link;

typedef struct {
  const LstmSafetensors *st;
  GPtrArray *modules; /* LstmModule, all of the file's */
  GArray *chain;      /* Link, from input to output */
} Reader;

static void
link_clear (void *data)
{
  Link *link = data;

  g_free (link->activation);
}

static gboolean fail (const Reader *reader, GError **error, const char *format, ...)
    G_GNUC_PRINTF (3, 4);

static gboolean
fail (const Reader *reader, GError **error, const char *format, ...)
{
  g_autofree char *problem = NULL;
  va_list args;

  va_start (args, format);
  problem = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error (error, LSTM_ERROR, LSTM_ERROR_LAYER, "%s: %s", reader->st->file, problem);
  return FALSE;
}

static char *
list_modules (const Reader *reader)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < reader->modules->len; i++) {
    const LstmModule *module = g_ptr_array_index (reader->modules, i);

    g_string_append_printf (text, "%s%s [%" G_GSIZE_FORMAT " → %" G_GSIZE_FORMAT "]",
        i ? ", " : "", module->name, module->in, module->out);
  }
  return g_string_free (text, FALSE);
}

/* --- The order by sizes --- */

/* Puts @modules, if they have one order, before what is in the chain already. */
static LstmOrder
insert_ordered (Reader *reader, const GPtrArray *modules)
{
  const gboolean has_tail = reader->chain->len > 0;
  const LstmModule end = {.name = (char *) "",
      .in = has_tail ? g_array_index (reader->chain, Link, 0).module->in : 0,
      .out = G_MAXSIZE};
  const LstmModule *modules_and_end[LSTM_MAX_MODULES + 1] = {NULL};
  LstmOrder order;

  for (guint i = 0; i < modules->len; i++)
    modules_and_end[i] = g_ptr_array_index (modules, i);
  modules_and_end[modules->len] = &end;
  order = lstm_order_modules (modules_and_end, modules->len + has_tail);
  for (guint i = 0; order == LSTM_ORDER_ONE && i < modules->len; i++) {
    const Link link = {modules_and_end[i], NULL};

    g_array_insert_val (reader->chain, i, link);
  }
  return order;
}

static gboolean
check_order (const Reader *reader, LstmOrder order, GError **error)
{
  g_autofree char *list = list_modules (reader);

  if (order == LSTM_ORDER_ONE)
    return TRUE;
  return fail (reader, error,
      order == LSTM_ORDER_NONE
          ? "expected modules that each take what the one before gives, found %s; say their "
            "order with " PROGRAM " \"…\""
          : "expected one order of the modules, found several: %s; say it with " PROGRAM
            " \"…\"",
      list);
}

/* What --head could be for the chain, from its @first module on */
static char *
suggest_head (const Reader *reader, guint first)
{
  GString *text = g_string_new (NULL);

  for (guint i = first; i < reader->chain->len; i++) {
    const LstmModule *module = g_array_index (reader->chain, Link, i).module;
    const gboolean last = i == reader->chain->len - 1;

    g_string_append_printf (text, "%s%s", module->name,
        last                                 ? ""
        : module->kind == LSTM_MODULE_LINEAR ? " ACTIVATION, "
                                             : ", ");
  }
  return g_string_free (text, FALSE);
}

/* A Linear that is not the last one mostly has an activation behind it, which is no tensor. */
static gboolean
check_activations (const Reader *reader, GError **error)
{
  guint first = reader->chain->len;

  for (guint i = 0; i < reader->chain->len; i++) {
    const LstmModule *module = g_array_index (reader->chain, Link, i).module;
    const gboolean linear = module->kind == LSTM_MODULE_LINEAR;

    if (linear && i < first)
      first = i;
    else if (module->kind == LSTM_MODULE_LSTM && first < i)
      first = 0; /* then the whole chain has to be said */
  }
  if (first + 1 >= reader->chain->len)
    return TRUE;
  for (guint i = first;; i++) {
    const LstmModule *module = g_array_index (reader->chain, Link, i).module;
    g_autofree char *head = NULL;

    if (module->kind != LSTM_MODULE_LINEAR)
      continue;
    head = suggest_head (reader, first);
    return fail (reader, error,
        "a state dict does not say which activation is behind \"%s\" [%" G_GSIZE_FORMAT
        " → %" G_GSIZE_FORMAT "]; say it with " PROGRAM " \"%s\"",
        module->name, module->in, module->out, head);
  }
}

static gboolean
check_biases (const Reader *reader, GError **error)
{
  for (guint i = 0; i < reader->modules->len; i++) {
    const LstmModule *module = g_ptr_array_index (reader->modules, i);

    if (module->kind == LSTM_MODULE_LINEAR && !module->has_bias)
      return fail (reader, error,
          "tensor \"%sweight\" [%" G_GSIZE_FORMAT ", %" G_GSIZE_FORMAT
          "] without a bias may be an nn.Embedding, which is not supported; if it is an "
          "nn.Linear, say so with " PROGRAM " \"%s\"",
          module->prefix, module->out, module->in, module->name);
  }
  return TRUE;
}

/* Where the only Linear can be the last module, it is: a model may give what it takes, and
 * sizes alone would let it begin anywhere. Not if it is square, for then nobody would notice. */
static gboolean
find_output (Reader *reader)
{
  g_autoptr (GPtrArray) rest = g_ptr_array_new ();
  const LstmModule *output = NULL;
  Link link = {NULL};

  for (guint i = 0; i < reader->modules->len; i++) {
    LstmModule *module = g_ptr_array_index (reader->modules, i);

    if (module->kind != LSTM_MODULE_LINEAR)
      g_ptr_array_add (rest, module);
    else if (output || module->in == module->out)
      return FALSE;
    else
      output = module;
  }
  if (!output)
    return FALSE;
  link.module = output;
  g_array_append_val (reader->chain, link);
  if (insert_ordered (reader, rest) == LSTM_ORDER_ONE)
    return TRUE;
  g_array_set_size (reader->chain, 0);
  return FALSE;
}

static gboolean
find_chain (Reader *reader, GError **error)
{
  if (!check_biases (reader, error))
    return FALSE;
  return find_output (reader)
         || (check_order (reader, insert_ordered (reader, reader->modules), error)
             && check_activations (reader, error));
}

/* --- --head --- */

static gboolean
is_named (const char *name, const char *wanted)
{
  const gsize size = strlen (name), length = strlen (wanted);

  return g_str_has_suffix (name, wanted) && (size == length || name[size - length - 1] == '.');
}

/* The module of that name, or the only one whose name ends with it behind a dot */
static const LstmModule *
find_module (const Reader *reader, const char *wanted, GError **error)
{
  const LstmModule *found = NULL, *other = NULL;
  g_autofree char *list = NULL;

  for (guint i = 0; i < reader->modules->len; i++) {
    const LstmModule *module = g_ptr_array_index (reader->modules, i);

    if (g_str_equal (module->name, wanted))
      return module;
    if (!is_named (module->name, wanted))
      continue;
    other = found;
    found = module;
  }
  if (found && !other)
    return found;
  list = list_modules (reader);
  if (other)
    fail (reader, error, "--head: \"%s\" may be \"%s\" and \"%s\"; say more of its name",
        wanted, other->name, found->name);
  else
    fail (reader, error, "--head: expected one of the modules %s, found \"%s\"", list, wanted);
  return NULL;
}

static gboolean
in_chain (const Reader *reader, const LstmModule *module)
{
  for (guint i = 0; i < reader->chain->len; i++)
    if (g_array_index (reader->chain, Link, i).module == module)
      return TRUE;
  return FALSE;
}

/* "MODULE" or "MODULE ACTIVATION" */
static gboolean
parse_item (Reader *reader, char *item, GError **error)
{
  char *name = g_strstrip (item), *activation = name + strcspn (name, " \t");
  const LstmModule *module;
  Link link;

  if (*activation) {
    *activation = '\0';
    activation = g_strchug (activation + 1);
  }
  if (!*name || strpbrk (activation, " \t"))
    return fail (reader, error,
        "--head: expected \"MODULE ACTIVATION, MODULE ACTIVATION\" …, found \"%s%s%s\"", name,
        *activation ? " " : "", activation);
  module = find_module (reader, name, error);
  if (!module)
    return FALSE;
  if (in_chain (reader, module))
    return fail (reader, error, "--head: \"%s\" stands there twice", module->name);
  link = (Link){module, *activation ? g_strdup (activation) : NULL};
  g_array_append_val (reader->chain, link);
  return TRUE;
}

/* Modules that --head does not name: what runs before it, if it does not name an LSTM. */
static GPtrArray *
find_rest (const Reader *reader, GError **error)
{
  g_autoptr (GPtrArray) rest = g_ptr_array_new ();
  gboolean whole = FALSE;

  for (guint i = 0; i < reader->chain->len; i++)
    whole |= g_array_index (reader->chain, Link, i).module->kind == LSTM_MODULE_LSTM;
  for (guint i = 0; i < reader->modules->len; i++) {
    LstmModule *module = g_ptr_array_index (reader->modules, i);

    if (in_chain (reader, module))
      continue;
    if (whole || module->kind == LSTM_MODULE_LINEAR) {
      fail (reader, error,
          "--head: \"%s\" [%" G_GSIZE_FORMAT " → %" G_GSIZE_FORMAT
          "] is not in it; name every module, and leave out of the file what does not run",
          module->name, module->in, module->out);
      return NULL;
    }
    g_ptr_array_add (rest, module);
  }
  return g_steal_pointer (&rest);
}

static gboolean
follow_head (Reader *reader, const char *head, GError **error)
{
  g_auto (GStrv) items = g_strsplit (*head ? head : " ", ",", -1);
  g_autoptr (GPtrArray) rest = NULL;

  for (char **item = items; *item; item++)
    if (!parse_item (reader, *item, error))
      return FALSE;
  rest = find_rest (reader, error);
  return rest && check_order (reader, insert_ordered (reader, rest), error);
}

/* --- Layers --- */

static JsonObject *
describe_module (const LstmModule *module)
{
  static const char *const types[] = {
      [LSTM_MODULE_LSTM] = "lstm",
      [LSTM_MODULE_LINEAR] = "dense",
      [LSTM_MODULE_LAYER_NORM] = "layer_normalization",
      [LSTM_MODULE_BATCH_NORM] = "batch_normalization",
  };
  const gsize length = strlen (module->name);
  JsonObject *layer = json_object_new ();

  json_object_set_string_member (layer, "type", types[module->kind]);
  if (*module->name)
    json_object_set_string_member (layer, "name", module->name);
  if (*module->prefix && (!*module->name || module->prefix[length] != '.'))
    json_object_set_string_member (layer, "prefix", module->prefix);
  if (module->bidirectional)
    json_object_set_string_member (layer, "direction", "bidirectional");
  return layer;
}

static JsonArray *
describe_chain (const Reader *reader)
{
  JsonArray *layers = json_array_new ();

  for (guint i = 0; i < reader->chain->len; i++) {
    const Link *link = &g_array_index (reader->chain, Link, i);
    JsonObject *layer = describe_module (link->module);

    json_array_add_object_element (layers, layer);
    if (!link->activation)
      continue;
    if (link->module->kind != LSTM_MODULE_LINEAR) {
      layer = json_object_new ();
      json_object_set_string_member (layer, "type", "activation");
      json_array_add_object_element (layers, layer);
    }
    json_object_set_string_member (layer, "activation", link->activation);
  }
  return layers;
}

JsonArray *
lstm_statedict_describe (const LstmSafetensors *st, const char *head, GError **error)
{
  g_autoptr (GPtrArray) modules = lstm_modules_find (st, error);
  g_autoptr (GArray) chain = g_array_new (FALSE, FALSE, sizeof (Link));
  Reader reader = {st, modules, chain};

  g_array_set_clear_func (chain, link_clear);
  if (!modules)
    return NULL;
  if (modules->len > LSTM_MAX_MODULES) {
    fail (&reader, error, "expected at most %d modules, found %u", LSTM_MAX_MODULES,
        modules->len);
    return NULL;
  }
  if (!(head ? follow_head (&reader, head, error) : find_chain (&reader, error)))
    return NULL;
  return describe_chain (&reader);
}
