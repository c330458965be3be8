/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One function per type of layer: from its JSON object and its tensors to the builder. */
#include "load/loader.h"
#include "util/text.h"
#include <math.h>
#include <string.h>

/* A layer while it is read: where messages say it is, its object, and the prefix of its tensors */
typedef struct {
  const LstmLoader *loader;
  const char *where, *prefix;
  JsonObject *object;
} Source;

static void
array_clear (LstmArray *array)
{
  g_free (array->values);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (LstmArray, array_clear)

/* --- Tensors --- */

/* Reads the tensor whose name is the prefix and @name. A missing one is an error, or, where
 * @found is given, said there. */
static gboolean
read_tensor (const LstmLoader *loader, const char *prefix, const char *name, gboolean *found,
    LstmArray *array, GError **error)
{
  g_autofree char *full = g_strconcat (prefix, name, NULL);
  LstmTensor *tensor = lstm_safetensors_find (loader->st, full);

  if (found)
    *found = tensor != NULL;
  if (tensor)
    return lstm_safetensors_read (loader->st, tensor, array, error);
  if (found)
    return TRUE;
  g_set_error (error, LSTM_ERROR, LSTM_ERROR_TENSOR,
      "%s: expected a tensor \"%s\", found none of that name", loader->st->file, full);
  return FALSE;
}

/* --- Values of the description --- */

static gboolean
refuse_value (const Source *source, const char *key, const char *expected, GError **error)
{
  g_set_error (error, LSTM_ERROR, LSTM_ERROR_LAYER, "%s: %s: expected %s for \"%s\"",
      source->loader->st->file, source->where, expected, key);
  return FALSE;
}

/* What an object says under @key, or NULL */
static const char *
get_string (JsonObject *object, const char *key)
{
  JsonNode *node = json_object_get_member (object, key);

  return node && JSON_NODE_HOLDS_VALUE (node) ? json_node_get_string (node) : NULL;
}

static gboolean
read_number (const Source *source, JsonObject *object, const char *key, double otherwise,
    float *value, GError **error)
{
  JsonNode *node = json_object_get_member (object, key);
  GType type = node && JSON_NODE_HOLDS_VALUE (node) ? json_node_get_value_type (node)
                                                    : G_TYPE_NONE;

  *value = (float) otherwise;
  if (!node)
    return TRUE;
  if (type != G_TYPE_INT64 && type != G_TYPE_DOUBLE)
    return refuse_value (source, key, "a number", error);
  *value = (float) json_node_get_double (node);
  return TRUE;
}

/* A number above 0 that bounds, or infinity where the key is missing */
static gboolean
read_bound (const Source *source, const char *key, float *value, GError **error)
{
  if (!read_number (source, source->object, key, INFINITY, value, error))
    return FALSE;
  return *value > 0 || refuse_value (source, key, "a number above 0", error);
}

static gboolean
read_boolean (const Source *source, const char *key, gboolean *value, GError **error)
{
  JsonNode *node = json_object_get_member (source->object, key);

  *value = FALSE;
  if (!node)
    return TRUE;
  if (!JSON_NODE_HOLDS_VALUE (node) || json_node_get_value_type (node) != G_TYPE_BOOLEAN)
    return refuse_value (source, key, "true or false", error);
  *value = json_node_get_boolean (node);
  return TRUE;
}

/* A number of the description, or the tensor of that name: either way one array. */
static gboolean
read_row (
    const Source *source, const char *key, double otherwise, LstmArray *array, GError **error)
{
  gboolean found = FALSE;

  if (!json_object_has_member (source->object, key)
      && !read_tensor (source->loader, source->prefix, key, &found, array, error))
    return FALSE;
  if (found)
    return TRUE;
  *array = (LstmArray){.name = key, .values = g_new (float, 1)};
  return read_number (source, source->object, key, otherwise, array->values, error);
}

/* An activation: its name, or an object of name, alpha and beta */
static gboolean
read_activation (
    const Source *source, JsonNode *node, LstmActivation *activation, GError **error)
{
  JsonObject *object = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
  const char *name = object                         ? get_string (object, "name")
                     : JSON_NODE_HOLDS_VALUE (node) ? json_node_get_string (node)
                                                    : NULL;
  g_autoptr (GList) members = object ? json_object_get_members (object) : NULL;

  if (!name)
    return refuse_value (source, "activation", "a string, or an object with a name", error);
  for (GList *l = members; l; l = l->next)
    if (!g_str_equal (l->data, "name") && !g_str_equal (l->data, "alpha")
        && !g_str_equal (l->data, "beta"))
      return refuse_value (source, l->data, "name, alpha and beta only, found a value", error);
  if (!lstm_builder_find_activation (
          source->loader->builder, source->where, name, activation, error))
    return FALSE;
  return !object
         || (read_number (
                 source, object, "alpha", (double) activation->alpha, &activation->alpha, error)
             && read_number (
                 source, object, "beta", (double) activation->beta, &activation->beta, error));
}

/* --- Layers --- */

/* Which of @words, NULL at the end, stands under @key; the first where none does */
static gboolean
read_word (const Source *source, const char *key, const char *const *words, guint *index,
    GError **error)
{
  const char *word = get_string (source->object, key);
  g_autofree char *expected = g_strjoinv (", ", (char **) words);

  if (!word && json_object_has_member (source->object, key))
    return refuse_value (source, key, expected, error);
  for (*index = 0; words[*index]; ++*index)
    if (!word || g_str_equal (word, words[*index]))
      return TRUE;
  return refuse_value (source, key, expected, error);
}

/* An LSTM layer's options, which all layers of a stack share */
typedef struct {
  LstmRecurrent directions[2];
  guint direction; /* of direction_words */
  guint merge;     /* LstmMerge */
} Options;

static const char *const direction_words[] = {"forward", "reverse", "bidirectional", NULL};
enum { FORWARD, REVERSE, BIDIRECTIONAL };

/* Three activations for both directions, or three for each */
static gboolean
read_activations (const Source *source, Options *options, GError **error)
{
  static const char *const usual[] = {"sigmoid", "tanh", "tanh"};
  JsonNode *node = json_object_get_member (source->object, "activations");
  JsonArray *array = node && JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;
  const guint length = array ? json_array_get_length (array) : 0;

  if (node && length != 3 && !(length == 6 && options->direction == BIDIRECTIONAL))
    return refuse_value (
        source, "activations", "an array of three, or of two times three", error);
  for (guint i = 0; i < 6; i++) {
    LstmActivation *activation = &options->directions[i / 3].activations[i % 3];

    if (array ? !read_activation (
            source, json_array_get_element (array, i % length), activation, error)
              : !lstm_builder_find_activation (
                  source->loader->builder, source->where, usual[i % 3], activation, error))
      return FALSE;
  }
  return TRUE;
}

static gboolean
read_direction_options (const Source *source, LstmRecurrent *r, GError **error)
{
  static const char *const returns[] = {"sequence", "last", NULL};
  static const char *const orders[] = {"time", "processed", NULL};
  guint returned, order;

  if (!read_word (source, "return", returns, &returned, error)
      || !read_word (source, "order", orders, &order, error))
    return FALSE;
  r->gates = "ifgo";
  r->returns_last = returned == 1;
  r->processed = order == 1;
  return read_bound (source, "clip", &r->clip, error)
         && read_bound (source, "cell_clip", &r->cell_clip, error)
         && read_boolean (source, "input_forget", &r->input_forget, error)
         && read_boolean (source, "zero_masked", &r->zero_masked, error);
}

static gboolean
read_options (const Source *source, Options *options, GError **error)
{
  static const char *const merges[] = {"concat", "sum", "mul", "ave", NULL}; /* LstmMerge */

  if (!read_word (source, "direction", direction_words, &options->direction, error)
      || !read_word (source, "merge", merges, &options->merge, error))
    return FALSE;
  for (guint k = 0; k < 2; k++)
    if (!read_direction_options (source, &options->directions[k], error))
      return FALSE;
  options->directions[0].reverse = options->direction == REVERSE;
  options->directions[1].reverse = TRUE;
  return read_activations (source, options, error);
}

/* Tensors of an LSTM layer: the first two have to be there. */
typedef struct {
  const char *name;
  gsize offset; /* of the pointer in LstmRecurrent */
} TensorRow;

static const TensorRow tensor_rows[] = {
    {"weight_ih", G_STRUCT_OFFSET (LstmRecurrent, weight_ih)},
    {"weight_hh", G_STRUCT_OFFSET (LstmRecurrent, weight_hh)},
    {"bias_ih", G_STRUCT_OFFSET (LstmRecurrent, bias_ih)},
    {"bias_hh", G_STRUCT_OFFSET (LstmRecurrent, bias_hh)},
    {"weight_peephole", G_STRUCT_OFFSET (LstmRecurrent, peephole)},
    {"weight_hr", G_STRUCT_OFFSET (LstmRecurrent, projection)},
    {"initial_h", G_STRUCT_OFFSET (LstmRecurrent, initial_h)},
    {"initial_c", G_STRUCT_OFFSET (LstmRecurrent, initial_c)},
};
#define REQUIRED_TENSORS 2

/* Arrays of a direction, to which its LstmRecurrent points */
typedef struct {
  LstmArray arrays[G_N_ELEMENTS (tensor_rows)];
  LstmRecurrent r;
} Direction;

static void
direction_clear (Direction *direction)
{
  for (guint i = 0; i < G_N_ELEMENTS (tensor_rows); i++)
    array_clear (&direction->arrays[i]);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Direction, direction_clear)

/* @number: "_l0" and so on, or nothing for nn.LSTMCell; "_reverse" behind it backwards */
static gboolean
read_direction (const LstmLoader *loader, const char *prefix, const char *number,
    const char *name, Direction *direction, GError **error)
{
  direction->r.name = name;
  for (guint i = 0; i < G_N_ELEMENTS (tensor_rows); i++) {
    g_autofree char *tensor = g_strconcat (tensor_rows[i].name, number, NULL);
    LstmArray *array = &direction->arrays[i];
    gboolean found = TRUE;

    if (!read_tensor (
            loader, prefix, tensor, i < REQUIRED_TENSORS ? NULL : &found, array, error))
      return FALSE;
    if (found)
      G_STRUCT_MEMBER (const LstmArray *, &direction->r, tensor_rows[i].offset) = array;
  }
  return TRUE;
}

static gboolean
add_layer (const Source *source, const char *number, const Options *options,
    gboolean returns_last, GError **error)
{
  const LstmLoader *loader = source->loader;
  g_autofree char *name = *number ? g_strconcat (source->prefix, number + 1, NULL)
                                  : g_strdup (source->where);
  g_autofree char *reverse = g_strconcat (number, "_reverse", NULL);
  g_auto (Direction) a = {.r = options->directions[0]}, b = {.r = options->directions[1]};

  a.r.returns_last = b.r.returns_last = returns_last;
  if (!read_direction (loader, source->prefix, number, name, &a, error))
    return FALSE;
  if (options->direction != BIDIRECTIONAL)
    return lstm_builder_add_lstm (loader->builder, &a.r, error);
  return read_direction (loader, source->prefix, reverse, name, &b, error)
         && lstm_builder_add_bidirectional (
             loader->builder, &a.r, &b.r, (LstmMerge) options->merge, error);
}

static gboolean
has_layer (const Source *source, const char *number)
{
  g_autofree char *name = g_strconcat (source->prefix, tensor_rows[0].name, number, NULL);

  return lstm_safetensors_find (source->loader->st, name) != NULL;
}

static gboolean
load_lstm (const Source *source, GError **error)
{
  Options options = {0};

  if (!read_options (source, &options, error))
    return FALSE;
  if (!has_layer (source, "_l0") && has_layer (source, ""))
    return add_layer (source, "", &options, options.directions[0].returns_last, error);
  for (guint k = 0;; k++) {
    g_autofree char *number = g_strdup_printf ("_l%u", k);
    g_autofree char *next = g_strdup_printf ("_l%u", k + 1);
    gboolean last = !has_layer (source, next);

    if (!add_layer (
            source, number, &options, options.directions[0].returns_last && last, error))
      return FALSE;
    if (last)
      return TRUE;
  }
}

static gboolean
load_repeat (const Source *source, GError **error)
{
  float n;

  if (!read_number (source, source->object, "n", 0, &n, error))
    return FALSE;
  if (!(n >= 1 && n <= LSTM_MAX_REPEAT && n == floorf (n)))
    return refuse_value (source, "n", "a whole number from 1 to 65536", error);
  return lstm_builder_add_repeat (source->loader->builder, source->where, (gsize) n, error);
}

static gboolean
read_own_activation (const Source *source, LstmActivation *activation, GError **error)
{
  JsonNode *node = json_object_get_member (source->object, "activation");

  return node ? read_activation (source, node, activation, error)
              : lstm_builder_find_activation (
                  source->loader->builder, source->where, "linear", activation, error);
}

static gboolean
load_dense (const Source *source, GError **error)
{
  g_auto (LstmArray) weight = {0}, bias = {0};
  LstmActivation activation;
  gboolean has_bias;

  if (!read_tensor (source->loader, source->prefix, "weight", NULL, &weight, error)
      || !read_tensor (source->loader, source->prefix, "bias", &has_bias, &bias, error)
      || !read_own_activation (source, &activation, error))
    return FALSE;
  return lstm_builder_add_dense (source->loader->builder, source->where, &weight,
      has_bias ? &bias : NULL, &activation, error);
}

static gboolean
load_activation (const Source *source, GError **error)
{
  LstmActivation activation;

  return read_own_activation (source, &activation, error)
         && lstm_builder_add_activation (
             source->loader->builder, source->where, &activation, error);
}

static gboolean
load_normalization (const Source *source, GError **error)
{
  g_auto (LstmArray) mean = {0}, scale = {0}, offset = {0};

  return read_row (source, "mean", 0, &mean, error)
         && read_row (source, "scale", 1, &scale, error)
         && read_row (source, "offset", 0, &offset, error)
         && lstm_builder_add_normalization (
             source->loader->builder, source->where, &mean, &scale, &offset, error);
}

/* Our name of a tensor, or PyTorch's where the file has that */
static const char *
choose_name (const Source *source, const char *ours, const char *theirs)
{
  g_autofree char *name = g_strconcat (source->prefix, theirs, NULL);

  return lstm_safetensors_find (source->loader->st, name) ? theirs : ours;
}

static gboolean
load_layer_normalization (const Source *source, GError **error)
{
  g_auto (LstmArray) gamma = {0}, beta = {0};
  float epsilon;

  return read_row (source, choose_name (source, "gamma", "weight"), 1, &gamma, error)
         && read_row (source, choose_name (source, "beta", "bias"), 0, &beta, error)
         && read_number (source, source->object, "epsilon", 1e-5, &epsilon, error)
         && lstm_builder_add_layer_normalization (
             source->loader->builder, source->where, (double) epsilon, &gamma, &beta, error);
}

/* A single value, or as long as @variance */
static gboolean
check_scale (
    const Source *source, const LstmArray *variance, const LstmArray *weight, GError **error)
{
  const gboolean flat = variance->n_dims == 1;
  const gboolean alike = weight->n_dims == 1 && weight->shape[0] == variance->shape[0];
  const LstmArray *wrong = flat ? weight : variance;
  g_autofree char *expected = lstm_text_shape (variance->n_dims, variance->shape);
  g_autofree char *found = lstm_text_shape (wrong->n_dims, wrong->shape);

  if (flat && (alike || !weight->n_dims))
    return TRUE;
  g_set_error (error, LSTM_ERROR, LSTM_ERROR_SHAPE,
      "%s: tensor \"%s\": expected shape %s, found %s", source->loader->st->file, wrong->name,
      flat ? expected : "[d]", found);
  return FALSE;
}

/* Makes weight / sqrt (variance + epsilon) of a variance. */
static gboolean
make_scale (const Source *source, LstmArray *variance, const LstmArray *weight, float epsilon,
    GError **error)
{
  if (!check_scale (source, variance, weight, error))
    return FALSE;
  for (gsize i = 0; i < variance->shape[0]; i++) {
    const double value = (double) variance->values[i];

    variance->values[i] = (float) ((double) weight->values[weight->n_dims ? i : 0]
                                   / sqrt (value + (double) epsilon));
    if (isfinite (variance->values[i]))
      continue;
    g_set_error (error, LSTM_ERROR, LSTM_ERROR_VALUE,
        "%s: tensor \"%s\": expected a variance, found %g at index %" G_GSIZE_FORMAT,
        source->loader->st->file, variance->name, value, i);
    return FALSE;
  }
  return TRUE;
}

static gboolean
load_batch_normalization (const Source *source, GError **error)
{
  const LstmLoader *loader = source->loader;
  g_autofree char *counter = g_strconcat (source->prefix, "num_batches_tracked", NULL);
  LstmTensor *batches = lstm_safetensors_find (loader->st, counter);
  g_auto (LstmArray) mean = {0}, variance = {0}, weight = {0}, bias = {0};
  float epsilon;

  if (batches)
    batches->used = TRUE; /* it counts in training only */
  return read_tensor (loader, source->prefix, "running_mean", NULL, &mean, error)
         && read_tensor (loader, source->prefix, "running_var", NULL, &variance, error)
         && read_row (source, "weight", 1, &weight, error)
         && read_row (source, "bias", 0, &bias, error)
         && read_number (source, source->object, "epsilon", 1e-5, &epsilon, error)
         && make_scale (source, &variance, &weight, epsilon, error)
         && lstm_builder_add_normalization (
             loader->builder, source->where, &mean, &variance, &bias, error);
}

static gboolean
load_masking (const Source *source, GError **error)
{
  float value;

  return read_number (source, source->object, "mask_value", 0, &value, error)
         && lstm_builder_add_masking (
             source->loader->builder, source->where, (double) value, error);
}

/* One row per type of layer: the keys that it has beside "type", "name" and "prefix". */
static const struct {
  const char *type;
  const char *keys[10];
  gboolean (*load) (const Source *source, GError **error);
} layer_types[] = {
    {"lstm",
        {"activations", "clip", "cell_clip", "input_forget", "zero_masked", "return",
            "direction", "merge", "order"},
        load_lstm},
    {"dense", {"activation"}, load_dense},
    {"activation", {"activation"}, load_activation},
    {"normalization", {"mean", "scale", "offset"}, load_normalization},
    {"layer_normalization", {"epsilon"}, load_layer_normalization},
    {"batch_normalization", {"epsilon"}, load_batch_normalization},
    {"masking", {"mask_value"}, load_masking},
    {"repeat_vector", {"n"}, load_repeat},
};

/* A key that nobody reads would be an option silently ignored. */
static gboolean
check_keys (const Source *source, const char *const *keys, GError **error)
{
  g_autoptr (GList) members = json_object_get_members (source->object);

  for (GList *l = members; l; l = l->next) {
    const char *key = l->data;
    gboolean general = g_str_equal (key, "type") || g_str_equal (key, "name")
                       || g_str_equal (key, "prefix");

    if (!general && !g_strv_contains (keys, key)) {
      g_set_error (error, LSTM_ERROR, LSTM_ERROR_LAYER,
          "%s: %s: the key \"%s\" is not supported", source->loader->st->file, source->where,
          key);
      return FALSE;
    }
    if (general && !get_string (source->object, key))
      return refuse_value (source, key, "a string", error);
  }
  return TRUE;
}

gboolean
lstm_loader_add_layer (const LstmLoader *loader, JsonNode *node, guint index, GError **error)
{
  JsonObject *object = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
  const char *type = object ? get_string (object, "type") : NULL;
  const char *name = object ? get_string (object, "name") : NULL;
  g_autofree char *where = name ? g_strdup (name) : g_strdup_printf (KEY_LAYERS "[%u]", index);
  g_autofree char *prefix = object ? lstm_layer_config_get_prefix (object) : NULL;
  const Source source = {loader, where, prefix, object};
  g_autoptr (GString) types = g_string_new (NULL);

  for (guint i = 0; i < G_N_ELEMENTS (layer_types); i++) {
    if (g_strcmp0 (type, layer_types[i].type) == 0)
      return check_keys (&source, layer_types[i].keys, error)
             && layer_types[i].load (&source, error);
    lstm_text_append_item (types, layer_types[i].type);
  }
  g_set_error (error, LSTM_ERROR, LSTM_ERROR_LAYER,
      "%s: %s: expected an object whose \"type\" is one of %s, found %s", loader->st->file,
      where, types->str, type ? type : "none");
  return FALSE;
}
