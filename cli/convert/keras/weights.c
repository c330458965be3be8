/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Which datasets are which layer's. Archives have a group per layer, named by class and rank;
 * legacy files a group by the layer's name, whose attribute lists the datasets. */
#include "keras/keras.h"
#include "util/text.h"
#include <math.h>
#include <string.h>

/* What archives call the group of a model's layers, newest first. */
static const char *const containers[] = {"layers", "_layer_checkpoint_dependencies"};

void
keras_array_clear (KerasArray *array)
{
  g_clear_pointer (&array->values, g_free);
}

/* HDF5's error becomes the reader's. */
static gboolean
take_error (KerasReader *reader, const KerasLayer *layer, GError *cause)
{
  const char *message = cause->message;
  gsize length = strlen (reader->input->path);

  /* keras_fail() says the path */
  if (g_str_has_prefix (message, reader->input->path) && message[length] == ':')
    message += length + 2;
  keras_fail (reader, layer, CONVERT_ERROR_FILE, "%s", message);
  g_error_free (cause);
  return FALSE;
}

static gboolean
get_strings (KerasReader *reader, const char *group, const char *name, GPtrArray **strings)
{
  GError *cause = NULL;

  *strings = h5_get_strings (reader->h5, group, name, &cause);
  return !cause || take_error (reader, NULL, cause);
}

/* LSTM → lstm, TimeDistributed → time_distributed, as Keras does it */
static char *
to_snake_case (const char *name)
{
  GString *snake = g_string_new (NULL);

  for (const char *c = name; *c; c++) {
    if (c > name && g_ascii_isupper (*c) && (g_ascii_islower (c[1]) || g_ascii_islower (c[-1])))
      g_string_append_c (snake, '_');
    if (g_ascii_isalnum (*c) || *c == '_')
      g_string_append_c (snake, g_ascii_tolower (*c));
  }
  return g_string_free (snake, FALSE);
}

/* The number of the group @name of a class: 0 for lstm, 2 for lstm_2; -1: of another class */
static gint64
get_number (const char *name, const char *snake)
{
  gsize length = strlen (snake);
  guint64 number;

  if (!g_str_has_prefix (name, snake))
    return -1;
  if (name[length] == '\0')
    return 0;
  if (name[length] != '_'
      || !g_ascii_string_to_unsigned (name + length + 1, 10, 1, G_MAXINT32, &number, NULL))
    return -1;
  return (gint64) number;
}

static int
compare_numbers (gconstpointer a, gconstpointer b, gpointer snake)
{
  gint64 x = get_number (*(char *const *) a, snake), y = get_number (*(char *const *) b, snake);

  return (x > y) - (x < y);
}

/* The groups of a class in order: those that hold data, if they are @n, else all. */
static GPtrArray *
get_groups (
    KerasReader *reader, const char *container, GPtrArray *members, char *snake, guint n)
{
  g_autoptr (GPtrArray) all = g_ptr_array_new (), full = g_ptr_array_new ();

  for (guint i = 0; i < members->len; i++) {
    char *name = g_ptr_array_index (members, i);
    g_autofree char *path = g_strconcat (container, "/", name, NULL);

    if (get_number (name, snake) < 0)
      continue;
    g_ptr_array_add (all, name);
    if (h5_has_data (reader->h5, path))
      g_ptr_array_add (full, name);
  }
  g_ptr_array_sort_with_data (all, compare_numbers, snake);
  g_ptr_array_sort_with_data (full, compare_numbers, snake);
  return g_ptr_array_ref (full->len == n ? full : all);
}

/* 2.12 counts a layer with weights twice, so that the second LSTM's group is lstm_2: where as
 * many groups as layers are found, rank tells; else only the very name does. */
static char *
find_group (KerasReader *reader, const char *container, GPtrArray *members, GPtrArray *layers,
    guint index)
{
  const KerasLayer *layer = g_ptr_array_index (layers, index);
  g_autofree char *snake = to_snake_case (layer->class_name);
  g_autofree char *exact = NULL;
  g_autoptr (GPtrArray) groups = NULL;
  guint n = 0, rank = 0;

  for (guint i = 0; i < layers->len; i++) {
    const KerasLayer *other = g_ptr_array_index (layers, i);
    gboolean same = g_str_equal (other->class_name, layer->class_name);

    n += same;
    rank += same && i < index;
  }
  groups = get_groups (reader, container, members, snake, n);
  if (groups->len == n)
    return g_strconcat (container, "/", g_ptr_array_index (groups, rank), NULL);
  exact = rank ? g_strdup_printf ("%s_%u", snake, rank) : g_strdup (snake);
  return g_strconcat (container, "/", exact, NULL);
}

static gboolean
assign_groups (KerasReader *reader, const KerasLayer *owner, GPtrArray *layers)
{
  for (guint i = 0; i < G_N_ELEMENTS (containers); i++) {
    g_autofree char *container = g_strconcat (
        owner ? owner->group : "", owner ? "/" : "", containers[i], NULL);
    g_autoptr (GPtrArray) members = NULL;
    GError *cause = NULL;

    if (!h5_exists (reader->h5, container))
      continue;
    members = h5_list (reader->h5, container, &cause);
    if (!members)
      return take_error (reader, owner, cause);
    for (guint k = 0; k < layers->len; k++) {
      KerasLayer *layer = g_ptr_array_index (layers, k);

      layer->group = find_group (reader, container, members, layers, k);
    }
    return TRUE;
  }
  return keras_fail (reader, owner, CONVERT_ERROR_FILE,
      "expected a group of layers in \"/%s\", found none", owner ? owner->group : "");
}

static KerasDatasets *
read_datasets (KerasReader *reader, const char *name)
{
  g_autofree char *group = g_strconcat (reader->root, *reader->root ? "/" : "", name, NULL);
  g_autoptr (GPtrArray) names = NULL;
  KerasDatasets *datasets;

  if (!get_strings (reader, group, "weight_names", &names))
    return NULL;
  datasets = g_new0 (KerasDatasets, 1);
  datasets->paths = g_ptr_array_new_with_free_func (g_free);
  g_ptr_array_add (reader->shared, datasets);
  for (guint i = 0; names && i < names->len; i++)
    g_ptr_array_add (
        datasets->paths, g_strconcat (group, "/", (char *) g_ptr_array_index (names, i), NULL));
  return datasets;
}

static gboolean
expects_weights (const KerasLayer *layer)
{
  if (!layer->class)
    return !g_str_equal (layer->class_name, "InputLayer");
  return layer->class->weights && !keras_get (layer->config, "mean");
}

/* Where the names do not match, as with weights that another model wrote: the n-th layer that
 * has weights has the n-th group that holds some. */
static gboolean
assign_by_rank (KerasReader *reader, GPtrArray *layers, GPtrArray *names)
{
  g_autoptr (GPtrArray) full = g_ptr_array_new ();
  guint n = 0;

  for (guint i = 0; i < names->len; i++) {
    KerasDatasets *datasets = read_datasets (reader, g_ptr_array_index (names, i));

    if (!datasets)
      return FALSE;
    if (datasets->paths->len > 0)
      g_ptr_array_add (full, datasets);
  }
  for (guint i = 0; i < layers->len; i++) {
    KerasLayer *layer = g_ptr_array_index (layers, i);

    if (expects_weights (layer) && n++ < full->len)
      layer->datasets = g_ptr_array_index (full, n - 1);
  }
  return n == full->len
         || keras_fail (reader, NULL, CONVERT_ERROR_FILE,
             "expected weights for %u layers by the configuration, found them for %u", n,
             full->len);
}

static gboolean
assign_datasets (KerasReader *reader, GPtrArray *layers)
{
  g_autoptr (GHashTable) known = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GPtrArray) names = NULL;
  gboolean all_known = TRUE;

  if (!get_strings (reader, reader->root, "layer_names", &names))
    return FALSE;
  for (guint i = 0; i < names->len; i++)
    g_hash_table_add (known, g_ptr_array_index (names, i));
  for (guint i = 0; i < layers->len; i++) {
    const KerasLayer *layer = g_ptr_array_index (layers, i);

    all_known &= !expects_weights (layer) || g_hash_table_contains (known, layer->name);
  }
  if (!all_known)
    return assign_by_rank (reader, layers, names);
  for (guint i = 0; i < layers->len; i++) {
    KerasLayer *layer = g_ptr_array_index (layers, i);

    if (!g_hash_table_contains (known, layer->name))
      continue;
    layer->datasets = read_datasets (reader, layer->name);
    if (!layer->datasets)
      return FALSE;
  }
  return TRUE;
}

/* The layer's class, or that of the one which TimeDistributed or Bidirectional wraps, and its
 * configuration */
static const KerasClass *
get_inner (const KerasLayer *layer, JsonObject **config)
{
  static const char *const wrappers[] = {"Bidirectional", "TimeDistributed", NULL};
  gboolean wraps = layer->class && g_strv_contains (wrappers, layer->class->name);
  JsonObject *inner = wraps ? keras_peek_object (layer->config, "layer") : NULL;
  const char *name = keras_peek_string (inner, "class_name");

  *config = name ? keras_peek_object (inner, "config") : layer->config;
  return name ? keras_find_class (name) : layer->class;
}

/* Weights that training leaves alone, the last ones of a layer. @extra: how many more variables of
 * the kind nobody reads: Normalization's count, or what h and c are where Keras 3 keeps them */
static guint
count_constants (const KerasReader *reader, const KerasLayer *layer, guint *extra)
{
  JsonObject *config;
  const KerasClass *class = get_inner (layer, &config);
  JsonNode *stateful = keras_get (config, "stateful");

  *extra = 0;
  if (class && class->convert == keras_convert_normalization) {
    *extra = keras_get (config, "mean") ? 0 : 1;
    return *extra ? 2 : 0;
  }
  if (class && class->convert == keras_convert_lstm && reader->version >= 30000 && stateful
      && JSON_NODE_HOLDS_VALUE (stateful) && json_node_get_boolean (stateful))
    *extra = layer->class == class ? 2 : 4;
  return class && class->convert == keras_convert_batch_normalization ? 2 : 0;
}

/* In a nested model frozen layers' weights count as those that training leaves alone: if they all
 * are, the order is the layers' own. */
static gboolean
add_nested (KerasReader *reader, KerasLayer *layer)
{
  KerasDatasets *datasets = layer->datasets;
  gboolean trained;
  guint extra;

  if (!datasets || !layer->class || !expects_weights (layer))
    return TRUE;
  if (!keras_get_bool (reader, layer, layer->config, "trainable", TRUE, &trained))
    return FALSE;
  datasets->any = layer;
  datasets->has[trained] = TRUE;
  if (datasets->has[0] && datasets->has[1])
    return keras_fail (reader, layer, CONVERT_ERROR_UNSUPPORTED,
        "some layers of a nested model are frozen and others are not, which leaves the order "
        "of "
        "its weights in HDF5 unclear (save it as .keras)");
  if (trained)
    datasets->n_constant += count_constants (reader, layer, &extra) + extra;
  return TRUE;
}

static gboolean
assign_weights (KerasReader *reader, const KerasModel *model)
{
  const KerasLayer *owner = model->owner;

  if (!reader->legacy)
    return assign_groups (reader, owner, model->layers);
  if (!owner)
    return assign_datasets (reader, model->layers);
  for (guint i = 0; i < model->layers->len; i++) {
    KerasLayer *layer = g_ptr_array_index (model->layers, i);

    layer->datasets = owner->datasets;
    layer->nested = TRUE;
    if (!add_nested (reader, layer))
      return FALSE;
  }
  return TRUE;
}

static gboolean
find_root (KerasReader *reader)
{
  static const char *const roots[] = {"model_weights", ""};
  g_autoptr (GPtrArray) names = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (roots) && !names; i++) {
    if (*roots[i] && !h5_exists (reader->h5, roots[i]))
      continue;
    reader->root = roots[i];
    if (!get_strings (reader, roots[i], "layer_names", &names))
      return FALSE;
  }
  reader->legacy = names != NULL;
  for (guint i = 0; i < G_N_ELEMENTS (containers); i++)
    if (reader->legacy || h5_exists (reader->h5, containers[i]))
      return TRUE;
  return keras_fail (reader, NULL, CONVERT_ERROR_FILE,
      "expected an HDF5 file of Keras, with an attribute layer_names or a group layers, found "
      "neither");
}

gboolean
keras_weights_open (KerasReader *reader)
{
  if (!find_root (reader))
    return FALSE;
  for (guint i = 0; i < reader->models->len; i++)
    if (!assign_weights (reader, g_ptr_array_index (reader->models, i)))
      return FALSE;
  return TRUE;
}

static char *
get_vars (const KerasLayer *layer, const char *part)
{
  return g_strconcat (layer->group, "/", *part ? part : "", *part ? "/" : "", "vars", NULL);
}

/* The @n datasets of an archive's group: 0, 1 … or by name. */
static gboolean
find_in_group (KerasReader *reader, const KerasLayer *layer, const char *part,
    const KerasArray *arrays, guint n, guint extra, GPtrArray *paths)
{
  g_autofree char *vars = get_vars (layer, part);
  GError *cause = NULL;
  g_autoptr (GPtrArray) members = h5_list (reader->h5, vars, &cause);
  gboolean numbered;

  if (!members)
    return take_error (reader, layer, cause);
  numbered = g_ptr_array_find_with_equal_func (members, "0", g_str_equal, NULL);
  if (members->len < n || members->len > n + extra)
    return keras_fail (reader, layer, CONVERT_ERROR_FILE,
        "expected %u weights by the configuration, found %u in \"/%s\"", n, members->len, vars);
  for (guint i = 0; i < n; i++)
    g_ptr_array_add (paths, numbered ? g_strdup_printf ("%s/%u", vars, i)
                                     : g_strdup_printf ("%s/%s", vars, arrays[i].what));
  return TRUE;
}

static gboolean
find_in_list (KerasReader *reader, KerasLayer *layer, guint n, GPtrArray *paths)
{
  KerasDatasets *datasets = layer->datasets;
  guint rest = datasets ? datasets->paths->len - datasets->at : 0, constants = 0, extra;

  if (datasets && datasets->n_constant > 0)
    constants = count_constants (reader, layer, &extra);
  if (rest < n || rest < n - constants + datasets->n_constant
      || datasets->n_constant - datasets->constant_at < constants)
    return keras_fail (reader, layer, CONVERT_ERROR_FILE,
        "expected %u weights by the configuration, found %u", n, rest);
  for (guint i = 0; i < n; i++) {
    guint at = i < n - constants
                   ? datasets->at++
                   : datasets->paths->len - datasets->n_constant + datasets->constant_at++;

    g_ptr_array_add (paths, g_strdup (g_ptr_array_index (datasets->paths, at)));
  }
  return TRUE;
}

/* @shape as text, in which 0 is a size that is not known */
static char *
format_shape (guint n_dims, const gsize *shape)
{
  gsize sizes[H5_MAX_DIMS];

  for (guint i = 0; i < n_dims; i++)
    sizes[i] = shape[i] ? shape[i] : LSTM_TEXT_ANY_SIZE;
  return lstm_text_shape (n_dims, sizes);
}

/* Puts the shape that was found in @array, if it is the one that was expected. */
static gboolean
check_shape (
    KerasReader *reader, const KerasLayer *layer, const H5Array *found, KerasArray *array)
{
  g_autofree char *expected = format_shape (array->n_dims, array->shape);
  g_autofree char *shape = format_shape (found->n_dims, found->shape);
  gboolean fits = array->n_dims == 0 || array->n_dims == found->n_dims;

  for (guint i = 0; fits && i < array->n_dims; i++)
    fits = found->shape[i] > 0 && (array->shape[i] == 0 || array->shape[i] == found->shape[i]);
  if (!fits || found->size == 0)
    return keras_fail (reader, layer, CONVERT_ERROR_FILE, "%s: expected shape %s, found %s",
        array->what, array->n_dims ? expected : "with values", shape);
  array->shape[0] = array->n_dims ? found->shape[0] : found->size;
  if (array->n_dims == 2)
    array->shape[1] = found->shape[1];
  return TRUE;
}

static gboolean
read_array (KerasReader *reader, const KerasLayer *layer, const char *path, KerasArray *array)
{
  GError *cause = NULL;
  H5Array found;

  if (!h5_read (reader->h5, path, &found, &cause))
    return take_error (reader, layer, cause);
  array->values = found.values;
  if (!check_shape (reader, layer, &found, array))
    return FALSE;
  for (gsize i = 0; i < found.size; i++)
    if (!isfinite (array->values[i]))
      return keras_fail (reader, layer, CONVERT_ERROR_FILE,
          "%s (\"/%s\"): expected finite float32 values, found %g at index %" G_GSIZE_FORMAT,
          array->what, path, (double) array->values[i], i);
  return TRUE;
}

gboolean
keras_weights_read (KerasReader *reader, KerasLayer *layer, const char *part,
    KerasArray *arrays, guint n, guint extra)
{
  g_autoptr (GPtrArray) paths = g_ptr_array_new_with_free_func (g_free);

  if (!(reader->legacy ? find_in_list (reader, layer, n, paths)
                       : find_in_group (reader, layer, part, arrays, n, extra, paths)))
    return FALSE;
  for (guint i = 0; i < n; i++)
    if (!read_array (reader, layer, g_ptr_array_index (paths, i), &arrays[i]))
      return FALSE;
  return TRUE;
}

static gboolean
fail_unused (KerasReader *reader, const KerasLayer *layer, const KerasDatasets *datasets)
{
  return keras_fail (reader, layer, CONVERT_ERROR_FILE,
      "expected %u weights by the configuration, found %u", datasets->at + datasets->n_constant,
      datasets->paths->len);
}

gboolean
keras_weights_check_used (KerasReader *reader, const KerasLayer *layer)
{
  KerasDatasets *datasets = layer->datasets;
  guint extra;

  if (!datasets)
    return TRUE;
  count_constants (reader, layer, &extra);
  if (datasets->n_constant > 0)
    datasets->constant_at += extra;
  else
    datasets->at = MIN (datasets->at + extra, datasets->paths->len);
  return layer->nested || datasets->at == datasets->paths->len
         || fail_unused (reader, layer, datasets);
}

gboolean
keras_weights_check_all (KerasReader *reader)
{
  for (guint i = 0; i < reader->shared->len; i++) {
    const KerasDatasets *datasets = g_ptr_array_index (reader->shared, i);

    if (datasets->any && datasets->at + datasets->n_constant != datasets->paths->len)
      return fail_unused (reader, datasets->any, datasets);
  }
  return TRUE;
}

float *
keras_transpose (const float *kernel, gsize d, gsize n)
{
  float *weight = g_new (float, d *n);

  for (gsize i = 0; i < d; i++)
    for (gsize j = 0; j < n; j++)
      weight[j * d + i] = kernel[i * n + j];
  return weight;
}
