/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "load/pytorch/chain-parser.h"
#include "layers/repeat-vector.h"
#include "load/pytorch/torch-activations.h"
#include "util/text.h"
#include <string.h>

/* Sets @error to a message that names the file and the module chain. Returns: FALSE */
#define refuse_chain(chain, error, ...)                                                        \
  lstm_modules_set_error ((chain)->st, (error), "module-chain: " __VA_ARGS__)

/* The parsed part of a module chain */
typedef struct {
  const LstmSafetensors *st;
  const GPtrArray *modules;
  gboolean is_named[LSTM_MAX_MODULES]; /* for each of @modules */
  JsonArray *layers;
  gboolean outputs_one_step; /* rather than a sequence */
} Chain;

/* An item of a module chain, and its remaining keywords */
typedef struct {
  const char *text;
  char **keywords;
} Item;

/* --- Modules --- */

static const struct {
  const char *class_name; /* in torch.nn */
  const char *layer_type; /* in docs/formats.md */
} module_kinds[] = {
    [LSTM_MODULE_LSTM] = {"LSTM", "lstm"},
    [LSTM_MODULE_GRU] = {"GRU", "gru"},
    [LSTM_MODULE_RNN] = {"RNN", "rnn"},
    [LSTM_MODULE_LINEAR] = {"Linear", "dense"},
    [LSTM_MODULE_LAYER_NORM] = {"LayerNorm", "layer_normalization"},
    [LSTM_MODULE_BATCH_NORM] = {"BatchNorm1d", "batch_normalization"},
    [LSTM_MODULE_RECORD] = {"Module", NULL},
};

const char *
lstm_chain_get_name (const LstmModule *module)
{
  return *module->name ? module->name : ".";
}

/* Returns what the file does not state about @module, for messages. */
static const char *
get_doubt (const LstmModule *module)
{
  if (module->record)
    return "";
  if (module->kind == LSTM_MODULE_RNN)
    return " (tanh or relu, which a state dict does not show; the default of PyTorch is tanh)";
  if (module->kind == LSTM_MODULE_LINEAR && !module->has_bias)
    return " (no bias: it may be an nn.Embedding, which is not supported)";
  if (module->kind == LSTM_MODULE_LAYER_NORM)
    return " (or " LSTM_CHAIN_NOT_LAYER_NORM ", which are not supported)";
  return "";
}

char *
lstm_chain_list_modules (const GPtrArray *modules)
{
  GString *list = g_string_new (NULL);

  for (guint i = 0; i < modules->len; i++) {
    const LstmModule *module = g_ptr_array_index (modules, i);
    g_autofree char *sizes = module->in ? g_strdup_printf (" [%" G_GSIZE_FORMAT
                                                           " → %" G_GSIZE_FORMAT "]",
                                 module->in, module->out)
                                        : g_strdup ("");
    g_autofree char *item = NULL;

    if (module->record && module->record->kind != LSTM_RECORD_LAYER
        && module->record->kind != LSTM_RECORD_ACTIVATION)
      continue;
    item = module->record ? g_strdup_printf (
               "%s: %s%s", lstm_chain_get_name (module), module->record->class_name, sizes)
                          : g_strdup_printf ("%s: nn.%s%s%s", lstm_chain_get_name (module),
                              module_kinds[module->kind].class_name, sizes, get_doubt (module));
    lstm_text_append_item (list, item);
  }
  return g_string_free (list, FALSE);
}

gboolean
lstm_chain_is_inside (const LstmModule *module, const LstmModule *parent, gboolean is_deep)
{
  const gsize length = strlen (parent->name);
  const char *rest = module->name + length;

  if (!g_str_has_prefix (module->name, parent->name) || (length && *rest != '.'))
    return FALSE;
  rest += length ? 1 : 0;
  return *rest && (is_deep || !strchr (rest, '.'));
}

/* Returns whether @module is an nn.LSTMCell, nn.GRUCell or nn.RNNCell. */
static gboolean
is_cell (const LstmModule *module)
{
  return lstm_module_kind_is_recurrent (module->kind)
         && g_str_has_suffix (module->record->class_name, "Cell");
}

gboolean
lstm_chain_is_sequence (const GPtrArray *modules, const LstmModule *module)
{
  gboolean has_recurrent = FALSE;

  if (module->lacks_modules)
    return FALSE;
  for (guint i = 0; i < modules->len; i++) {
    const LstmModule *child = g_ptr_array_index (modules, i);

    if (!lstm_chain_is_inside (child, module, FALSE))
      continue;
    if (has_recurrent || is_cell (child) || child->record->kind == LSTM_RECORD_CUSTOM
        || (child->record->kind == LSTM_RECORD_SEQUENCE
            && !lstm_chain_is_sequence (modules, child)))
      return FALSE;
    has_recurrent = lstm_module_kind_is_recurrent (child->kind);
  }
  return TRUE;
}

static gboolean is_function_keyword (const char *name);

/* Refuses @name, the last part of the name of @module, if @name is also a keyword for another
 * function than that of @module. */
static gboolean
check_short_name (
    const Chain *chain, const char *name, const LstmModule *module, GError **error)
{
  const LstmModuleRecord *record = module->record;
  g_autoptr (JsonNode) activation = NULL;

  if (!record
      || (record->kind != LSTM_RECORD_ACTIVATION && record->kind != LSTM_RECORD_NOTHING))
    return TRUE;
  activation = lstm_torch_activation_parse (name);
  if (!activation && !is_function_keyword (name))
    return TRUE;
  if (activation && record->layer
      && json_node_equal (activation, json_object_get_member (record->layer, "activation")))
    return TRUE;
  return refuse_chain (chain, error,
      "expected the name of a module or a keyword, found \"%s\", which may be the module "
      "\"%s\", "
      "an %s, or the keyword; write the name \"%s\", another spelling of an activation as in "
      "ReLU, or drop the module with an item \"-%s\"",
      name, module->name, record->class_name, module->name, module->name);
}

/* Finds the module named @name, or the only module whose name ends with "." and @name. Sets
 * @index to the number of modules if no module matches. Returns FALSE with @error if several
 * modules match. */
static gboolean
find_module (const Chain *chain, const char *name, guint *index, GError **error)
{
  const guint none = chain->modules->len;
  g_autofree char *suffix = g_strconcat (".", name, NULL);

  *index = none;
  for (guint i = 0; i < none; i++) {
    if (g_str_equal (lstm_chain_get_name (g_ptr_array_index (chain->modules, i)), name)) {
      *index = i;
      return TRUE;
    }
  }
  for (guint i = 0; i < none; i++) {
    const LstmModule *module = g_ptr_array_index (chain->modules, i);

    if (!g_str_has_suffix (module->name, suffix))
      continue;
    if (*index < none)
      return refuse_chain (chain, error,
          "expected the name of one module, found \"%s\", which may be \"%s\" or \"%s\"", name,
          lstm_chain_get_name (g_ptr_array_index (chain->modules, *index)), module->name);
    *index = i;
  }
  return *index == none
         || check_short_name (chain, name, g_ptr_array_index (chain->modules, *index), error);
}

/* --- Layers --- */

/* Returns: (transfer none) */
static JsonObject *
add_layer (Chain *chain, const char *type)
{
  JsonObject *layer = json_object_new ();

  json_object_set_string_member (layer, "type", type);
  json_array_add_object_element (chain->layers, layer);
  return layer;
}

static gboolean
is_type (JsonObject *layer, const char *type)
{
  return g_str_equal (json_object_get_string_member (layer, "type"), type);
}

static gboolean
is_recurrent (JsonObject *layer)
{
  return is_type (layer, "lstm") || is_type (layer, "gru") || is_type (layer, "rnn");
}

/* Returns: (transfer none) (nullable): the layer @back places before the last layer */
static JsonObject *
get_layer (const Chain *chain, guint back)
{
  const guint n = json_array_get_length (chain->layers);

  return back < n ? json_array_get_object_element (chain->layers, n - 1 - back) : NULL;
}

/* Sets the activation of a dense layer, or adds an activation layer after any other layer.
 * @activation: (transfer full) */
static void
set_activation (Chain *chain, JsonNode *activation)
{
  JsonObject *layer = get_layer (chain, 0);

  if (!layer || !is_type (layer, "dense") || json_object_has_member (layer, "activation"))
    layer = add_layer (chain, "activation");
  json_object_set_member (layer, "activation", activation);
}

/* Returns: (nullable): the nonlinearity that the record of an nn.RNN states */
static const char *
get_recorded_nonlinearity (const LstmModule *module)
{
  JsonObject *layer = module->record ? module->record->layer : NULL;

  return layer && json_object_has_member (layer, "activations")
             ? json_array_get_string_element (
                 json_object_get_array_member (layer, "activations"), 0)
             : NULL;
}

/* Sets the activations of an nn.RNN. @nonlinearity: (nullable): as the item states it */
static gboolean
set_nonlinearity (Chain *chain, const LstmModule *module, const char *nonlinearity,
    JsonObject *layer, GError **error)
{
  const char *name = lstm_chain_get_name (module), *known = get_recorded_nonlinearity (module);
  JsonArray *activations;

  if (module->kind != LSTM_MODULE_RNN)
    return !nonlinearity
           || refuse_chain (chain, error,
               "\"%s(%s)\" is supported only for an nn.RNN; found an nn.%s", name, nonlinearity,
               module_kinds[module->kind].class_name);
  if (!nonlinearity)
    nonlinearity = known;
  if (known && !g_str_equal (known, nonlinearity))
    return refuse_chain (chain, error,
        "nonlinearity of an nn.RNN: expected \"%s(%s)\", found \"%s\"", name, known,
        nonlinearity);
  if (g_strcmp0 (nonlinearity, "tanh") != 0 && g_strcmp0 (nonlinearity, "relu") != 0)
    return refuse_chain (chain, error,
        "nonlinearity of an nn.RNN: expected \"%s(tanh)\", the default of PyTorch, or "
        "\"%s(relu)\", found %s",
        name, name, nonlinearity ? nonlinearity : "none");
  activations = json_array_new ();
  for (int i = 0; i < (module->is_bidirectional ? 2 : 1); i++)
    json_array_add_string_element (activations, nonlinearity);
  json_object_set_array_member (layer, "activations", activations);
  return TRUE;
}

/* Adds the layer that the tensors or the record of @module state. @nonlinearity: (nullable) */
static gboolean
add_module_layer (
    Chain *chain, const LstmModule *module, const char *nonlinearity, GError **error)
{
  JsonObject *recorded = module->record ? module->record->layer : NULL, *layer;
  const char *type = recorded ? json_object_get_string_member (recorded, "type") : NULL;
  g_autoptr (GList) keys = recorded ? json_object_get_members (recorded) : NULL;

  if (type && module->kind != LSTM_MODULE_RECORD
      && !g_str_equal (type, module_kinds[module->kind].layer_type))
    return refuse_chain (chain, error,
        "\"%s\": expected the tensors of its class %s, found those of an nn.%s",
        lstm_chain_get_name (module), module->record->class_name,
        module_kinds[module->kind].class_name);
  layer = add_layer (chain, type ? type : module_kinds[module->kind].layer_type);
  for (GList *key = keys; key; key = key->next)
    json_object_set_member (layer, key->data, json_object_dup_member (recorded, key->data));
  if (*module->name)
    json_object_set_string_member (layer, "name", module->name);
  if (*module->prefix && (!*module->name || module->prefix[strlen (module->name)] != '.'))
    json_object_set_string_member (layer, "prefix", module->prefix);
  if (module->is_bidirectional)
    json_object_set_string_member (layer, "direction", "bidirectional");
  return set_nonlinearity (chain, module, nonlinearity, layer, error);
}

/* Adds a recorded activation. A softmax must be over the features, which are the second axis of
 * one step [bs, n] and the third axis of a sequence [bs, T, n]. */
static gboolean
add_recorded_activation (Chain *chain, const LstmModule *module, GError **error)
{
  const int dim = module->record->dim;
  g_autofree char *found = NULL;

  if (dim == -1 || dim == 2
      || (chain->outputs_one_step && (dim == 1 || dim == LSTM_RECORD_NO_DIM))) {
    set_activation (chain, json_object_dup_member (module->record->layer, "activation"));
    return TRUE;
  }
  found = dim == LSTM_RECORD_NO_DIM ? g_strdup ("None") : g_strdup_printf ("%d", dim);
  return refuse_chain (chain, error,
      "\"%s\": dim of %s: expected the features, found %s for %s; write \"last\" before it if "
      "it runs on one step, or \"softmax\" instead of it if it runs over the features",
      lstm_chain_get_name (module), module->record->class_name, found,
      chain->outputs_one_step ? "one step" : "a sequence");
}

static gboolean add_module (
    Chain *chain, guint index, const char *nonlinearity, GError **error);

/* Adds the modules in an nn.Sequential. */
static gboolean
add_sequence (Chain *chain, const LstmModule *module, GError **error)
{
  if (module->record->kind == LSTM_RECORD_CUSTOM
      || !lstm_chain_is_sequence (chain->modules, module))
    return refuse_chain (chain, error,
        "\"%s\": expected the modules in it, because %s %s runs them, found \"%s\"",
        lstm_chain_get_name (module),
        module->lacks_modules ? "an item drops one of them, and the file does not show how"
                              : "the file does not show how",
        module->record->class_name, lstm_chain_get_name (module));
  for (guint i = 0; i < chain->modules->len; i++)
    if (lstm_chain_is_inside (g_ptr_array_index (chain->modules, i), module, FALSE)
        && !add_module (chain, i, NULL, error))
      return FALSE;
  return TRUE;
}

/* @nonlinearity: (nullable): of an nn.RNN */
static gboolean
add_module (Chain *chain, guint index, const char *nonlinearity, GError **error)
{
  const LstmModule *module = g_ptr_array_index (chain->modules, index);

  if (module->record && module->record->kind == LSTM_RECORD_NOTHING)
    return TRUE;
  if (module->record && module->record->kind == LSTM_RECORD_ACTIVATION)
    return add_recorded_activation (chain, module, error);
  if (module->record && module->record->kind != LSTM_RECORD_LAYER)
    return add_sequence (chain, module, error);
  if (chain->is_named[index])
    return refuse_chain (chain, error, "expected each module once, found \"%s\" twice",
        lstm_chain_get_name (module));
  if (lstm_module_kind_is_recurrent (module->kind) && chain->outputs_one_step)
    return refuse_chain (chain, error,
        "\"%s\": expected a sequence before an nn.%s, found the one step of \"last\"; write "
        "\"repeat N\" between them",
        lstm_chain_get_name (module), module_kinds[module->kind].class_name);
  chain->is_named[index] = TRUE;
  return add_module_layer (chain, module, nonlinearity, error);
}

/* --- Keywords --- */

/* Adds output[:, -1]. A forward layer returns its last step by itself, which needs no complete
 * sequence. A bidirectional layer cannot: its "last" returns the first step of the reverse
 * direction. All layers between the recurrent layer and the end of the chain process each step
 * alone, so they may run after the selection. */
static gboolean
add_last (Chain *chain, Item *item, GError **error)
{
  JsonObject *layer;
  guint back = 0;

  if (chain->outputs_one_step)
    return refuse_chain (chain, error,
        "\"%s\": expected a sequence before \"last\", found one step", item->text);
  chain->outputs_one_step = TRUE;
  do
    layer = get_layer (chain, back++);
  while (layer && !is_recurrent (layer) && !is_type (layer, "repeat_vector"));
  if (layer && is_recurrent (layer) && !json_object_has_member (layer, "direction"))
    json_object_set_string_member (layer, "return", "last");
  else
    json_object_set_int_member (add_layer (chain, "repeat_vector"), "n", 1);
  return TRUE;
}

/* Adds h_n of the last layer of a recurrent module, the forward direction before the reverse
 * direction. */
static gboolean
add_final_state (Chain *chain, Item *item, GError **error)
{
  JsonObject *layer = get_layer (chain, 0);

  if (!layer || !is_recurrent (layer) || chain->outputs_one_step)
    return refuse_chain (chain, error,
        "\"%s\": h_n is supported only directly after an nn.LSTM, nn.GRU or nn.RNN; found %s",
        item->text,
        !layer                    ? "no layer"
        : chain->outputs_one_step ? "one step"
                                  : json_object_get_string_member (layer, "type"));
  chain->outputs_one_step = TRUE;
  json_object_set_string_member (layer, "return", "last");
  return TRUE;
}

static gboolean
add_repeat (Chain *chain, Item *item, GError **error)
{
  const char *keyword = *item->keywords ? *item->keywords++ : "";
  guint64 n;

  if (!g_ascii_string_to_unsigned (keyword, 10, 1, LSTM_MAX_REPEAT, &n, NULL))
    return refuse_chain (chain, error,
        "\"%s\": expected repeat and a number from 1 to %d, found \"%s\"", item->text,
        LSTM_MAX_REPEAT, keyword);
  if (!chain->outputs_one_step)
    return refuse_chain (chain, error,
        "\"%s\": expected one step before \"repeat\", found a sequence; "
        "write \"last\" before it",
        item->text);
  chain->outputs_one_step = FALSE;
  json_object_set_int_member (add_layer (chain, "repeat_vector"), "n", (gint64) n);
  return TRUE;
}

/* Adds output.mean (1) or a similar function over the steps. */
static gboolean
add_pooling (Chain *chain, Item *item, const char *function, GError **error)
{
  if (chain->outputs_one_step)
    return refuse_chain (chain, error,
        "\"%s\": expected a sequence before \"%s\", found one step", item->text, function);
  chain->outputs_one_step = TRUE;
  json_object_set_string_member (add_layer (chain, "pooling"), "function", function);
  return TRUE;
}

static gboolean
add_mean (Chain *chain, Item *item, GError **error)
{
  return add_pooling (chain, item, "mean", error);
}

static gboolean
add_max (Chain *chain, Item *item, GError **error)
{
  return add_pooling (chain, item, "max", error);
}

static gboolean
add_sum (Chain *chain, Item *item, GError **error)
{
  return add_pooling (chain, item, "sum", error);
}

static const struct {
  const char *keyword;
  gboolean (*add) (Chain *chain, Item *item, GError **error);
} keywords[] = {
    {"last", add_last},
    {"h_n", add_final_state},
    {"repeat", add_repeat},
    {"mean", add_mean},
    {"max", add_max},
    {"sum", add_sum},
};

static gboolean
is_function_keyword (const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (keywords); i++)
    if (g_str_equal (name, keywords[i].keyword))
      return TRUE;
  return FALSE;
}

static gboolean
refuse_keyword (const Chain *chain, const Item *item, const char *keyword, GError **error)
{
  g_autofree char *modules = lstm_chain_list_modules (chain->modules);
  g_autofree char *activations = lstm_torch_activation_list ();

  return refuse_chain (chain, error,
      "expected items MODULE, ACTIVATION, last, h_n, mean, max, sum, repeat N or -MODULE, with "
      "keywords after a MODULE, as in \"lstm last, fc1 relu, fc2\", found \"%s\" in \"%s\"; "
      "modules are %s; "
      "activations are %s",
      keyword, item->text, modules, activations);
}

static gboolean
add_activation (Chain *chain, const Item *item, const char *keyword, GError **error)
{
  JsonNode *activation = lstm_torch_activation_parse (keyword);

  if (!activation)
    return refuse_keyword (chain, item, keyword, error);
  set_activation (chain, activation);
  return TRUE;
}

/* Returns whether @index is a module that an item may name after another module, because the module
 * has no tensors. */
static gboolean
is_function_module (const Chain *chain, guint index)
{
  const LstmModule *module = index < chain->modules->len
                                 ? g_ptr_array_index (chain->modules, index)
                                 : NULL;

  return module && module->record
         && (module->record->kind == LSTM_RECORD_ACTIVATION
             || module->record->kind == LSTM_RECORD_NOTHING);
}

static gboolean
add_keyword (Chain *chain, Item *item, GError **error)
{
  const char *keyword = *item->keywords++;
  const gboolean has_records = ((LstmModule *) g_ptr_array_index (chain->modules, 0))->record
                               != NULL;
  guint module = chain->modules->len;

  if (has_records && !find_module (chain, keyword, &module, error))
    return FALSE;
  if (is_function_module (chain, module))
    return add_module (chain, module, NULL, error);
  for (guint i = 0; i < G_N_ELEMENTS (keywords); i++)
    if (g_str_equal (keyword, keywords[i].keyword))
      return keywords[i].add (chain, item, error);
  return add_activation (chain, item, keyword, error);
}

/* --- Items --- */

/* Returns: (transfer full): the keywords of @text, which spaces separate */
static char **
split_keywords (const char *text)
{
  char **parts = g_strsplit_set (text, " \t\r\n", -1);
  guint n = 0;

  for (guint i = 0; parts[i]; i++) {
    if (*parts[i])
      parts[n++] = parts[i];
    else
      g_free (parts[i]);
  }
  parts[n] = NULL;
  return parts;
}

/* Adds the module that the first keyword of @item names, as "MODULE" or "MODULE(NONLINEARITY)", and
 * removes the keyword. The keyword may also name no module. */
static gboolean
add_named_module (Chain *chain, Item *item, GError **error)
{
  const char *keyword = *item->keywords, *open = strchr (keyword, '(');
  const guint none = chain->modules->len;
  g_autofree char *name = NULL, *nonlinearity = NULL;
  guint module;

  if (!find_module (chain, keyword, &module, error))
    return FALSE;
  if (module == none && open && g_str_has_suffix (open, ")")) {
    name = g_strndup (keyword, (gsize) (open - keyword));
    nonlinearity = g_strndup (open + 1, strlen (open) - 2);
    if (!find_module (chain, name, &module, error))
      return FALSE;
  }
  if (module == none)
    return TRUE;
  item->keywords++;
  return add_module (chain, module, nonlinearity, error);
}

static gboolean
add_item (Chain *chain, const char *text, GError **error)
{
  g_auto (GStrv) split = split_keywords (text);
  Item item = {text, split};

  if (!*split)
    return refuse_keyword (chain, &item, "", error);
  if (!add_named_module (chain, &item, error))
    return FALSE;
  while (*item.keywords)
    if (!add_keyword (chain, &item, error))
      return FALSE;
  return TRUE;
}

/* Refuses a chain that omits a module, because the model would silently lack a part. */
static gboolean
check_all_named (const Chain *chain, GError **error)
{
  for (guint i = 0; i < chain->modules->len; i++) {
    const LstmModule *module = g_ptr_array_index (chain->modules, i);

    if (!chain->is_named[i] && (!module->record || module->record->kind == LSTM_RECORD_LAYER))
      return refuse_chain (chain, error,
          "expected every module of the file, found no \"%s\" [%" G_GSIZE_FORMAT
          " → %" G_GSIZE_FORMAT
          "]; name every module, and drop a module that does not run with an item \"-%s\"",
          lstm_chain_get_name (module), module->in, module->out, lstm_chain_get_name (module));
  }
  return TRUE;
}

JsonArray *
lstm_chain_parse (const LstmSafetensors *st, const GPtrArray *modules, const char *module_chain,
    GError **error)
{
  g_autoptr (JsonArray) layers = json_array_new ();
  Chain chain = {.st = st, .modules = modules, .layers = layers};
  g_auto (GStrv)
      items = g_strsplit (module_chain && *module_chain ? module_chain : " ", ",", -1);

  if (!module_chain)
    return add_module (&chain, 0, NULL, error) ? g_steal_pointer (&layers) : NULL;
  for (char **item = items; *item; item++)
    if (*g_strstrip (*item) != '-' && !add_item (&chain, *item, error))
      return NULL;
  return check_all_named (&chain, error) ? g_steal_pointer (&layers) : NULL;
}
