/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "keras/recurrent.h"
#include "container/json.h"
#include "keras/activations.h"
#include "keras/json.h"
#include "util/text.h"

static const KerasRecurrentKind kinds[] = {
    /* i, f, c, o in both */
    {"LSTMCell", "lstm", 4, {0, 1, 2, 3}, "gcc", {"sigmoid", "tanh"}, 2},
    /* z, r, h in Keras; r, z, n in PyTorch */
    {"GRUCell", "gru", 3, {1, 0, 2}, "gc", {"sigmoid", "tanh"}, 1, TRUE},
    {"SimpleRNNCell", "rnn", 1, {0}, "c", {NULL, "tanh"}, 1},
};

static void
cell_free (void *data)
{
  KerasCell *cell = data;

  g_clear_pointer (&cell->gate, json_node_unref);
  g_clear_pointer (&cell->candidate, json_node_unref);
  g_free (cell);
}

void
keras_recurrent_clear (KerasRecurrent *recurrent)
{
  g_clear_pointer (&recurrent->cells, g_ptr_array_unref);
}

static const KerasRecurrentKind *
find_kind (const char *cell)
{
  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    if (g_strcmp0 (kinds[i].cell, cell) == 0)
      return &kinds[i];
  return NULL;
}

/* Returns: (nullable): the cells of an RNN; NULL if the RNN has one cell */
static JsonArray *
get_stacked_cells (JsonObject *cell)
{
  return g_strcmp0 (keras_get_string (cell, "class_name"), "StackedRNNCells") == 0
             ? keras_get_array (keras_get_object (cell, "config"), "cells")
             : NULL;
}

static gboolean
fail_cell (KerasReader *reader, const KerasLayer *layer, const char *found)
{
  g_autoptr (GString) names = g_string_new (NULL);

  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    lstm_text_append_item (names, kinds[i].cell);
  return keras_fail (reader, layer, CONVERT_ERROR_UNSUPPORTED,
      "cell: expected one of %s, or StackedRNNCells of these, found %s", names->str,
      found ? found : "no class");
}

/* recurrent_activation is hard_sigmoid before Keras 2.3, except in the classes of CuDNN. */
static const char *
get_default_gate (const KerasReader *reader, const KerasClass *class)
{
  gboolean is_hard = reader->version < 20300 && !(class->flags & KERAS_HAS_CUDNN_DEFAULTS);

  return is_hard ? "hard_sigmoid" : "sigmoid";
}

/* reset_after is TRUE in the classes of CuDNN. Its default is TRUE in TensorFlow 2 and Keras 3, and
 * FALSE in the package keras before 2.4. */
static gboolean
parse_reset_after (KerasReader *reader, const KerasLayer *layer, const KerasClass *class,
    JsonObject *config, KerasCell *cell)
{
  gboolean is_cudnn = (class->flags & KERAS_HAS_CUDNN_DEFAULTS) != 0;
  gboolean is_default = is_cudnn || (reader->is_tf_keras && reader->version >= 20300);

  cell->is_reset_after_missing = !is_cudnn && !keras_get_member (config, "reset_after");
  return keras_read_bool (
      reader, layer, config, "reset_after", is_default, &cell->is_reset_after);
}

static gboolean
parse_cell (KerasReader *reader, const KerasLayer *layer, const KerasClass *class,
    const char *name, JsonObject *config, KerasRecurrent *recurrent)
{
  KerasCell *cell = g_new0 (KerasCell, 1);

  g_ptr_array_add (recurrent->cells, cell);
  cell->kind = find_kind (name);
  if (!cell->kind)
    return fail_cell (reader, layer, name);
  if (!keras_read_count (reader, layer, config, "units", &cell->units)
      || !keras_read_bool (reader, layer, config, "use_bias", TRUE, &cell->has_bias)
      || (cell->kind->has_reset_after
          && !parse_reset_after (reader, layer, class, config, cell)))
    return FALSE;
  cell->candidate = keras_get_activation (reader, layer, config, "activation", "tanh");
  if (cell->candidate && cell->kind->default_activations[0])
    cell->gate = keras_get_activation (
        reader, layer, config, "recurrent_activation", get_default_gate (reader, class));
  return cell->candidate && (cell->gate || !cell->kind->default_activations[0]);
}

static gboolean
parse_cells (KerasReader *reader, const KerasLayer *layer, const KerasClass *class,
    JsonObject *config, KerasRecurrent *recurrent)
{
  JsonObject *cell = class->cell ? NULL : keras_get_object (config, "cell");
  JsonArray *stacked = get_stacked_cells (cell);
  guint n = stacked ? json_array_get_length (stacked) : 0;

  recurrent->cells = g_ptr_array_new_with_free_func (cell_free);
  recurrent->is_stacked = stacked != NULL;
  if (class->cell)
    return parse_cell (reader, layer, class, class->cell, config, recurrent);
  if (!stacked)
    return parse_cell (reader, layer, class, keras_get_string (cell, "class_name"),
        keras_get_object (cell, "config"), recurrent);
  for (guint i = 0; i < n; i++) {
    JsonObject *each = lstm_json_get_object (json_array_get_element (stacked, i));

    if (!parse_cell (reader, layer, class, keras_get_string (each, "class_name"),
            keras_get_object (each, "config"), recurrent))
      return FALSE;
  }
  return n > 0
         || keras_fail (reader, layer, CONVERT_ERROR_FILE,
             "cell: cells: expected at least one cell, found none");
}

gboolean
keras_parse_recurrent (KerasReader *reader, const KerasLayer *layer, const KerasClass *class,
    JsonObject *config, KerasRecurrent *recurrent)
{
  gboolean is_time_major;

  if (!keras_read_bool (
          reader, layer, config, "return_sequences", FALSE, &recurrent->returns_sequences)
      || !keras_read_bool (
          reader, layer, config, "go_backwards", FALSE, &recurrent->is_backward)
      || !keras_read_bool (
          reader, layer, config, "zero_output_for_mask", FALSE, &recurrent->has_zero_masked)
      || !keras_read_bool (reader, layer, config, "time_major", FALSE, &is_time_major))
    return FALSE;
  if (is_time_major)
    return keras_fail (reader, layer, CONVERT_ERROR_UNSUPPORTED,
        "time_major: expected false, [batch, steps, features], found true");
  return parse_cells (reader, layer, class, config, recurrent);
}

/* --- Bidirectional --- */

/* Parses the layer of a direction, which the configuration has under @key. */
static gboolean
parse_direction (
    KerasReader *reader, const KerasLayer *layer, const char *key, KerasRecurrent *recurrent)
{
  JsonObject *object = keras_get_object (layer->config, key);
  const char *name = keras_get_string (object, "class_name");
  const KerasClass *class = keras_find_class (reader, name);

  if (!class || !(class->flags & KERAS_IN_BIDIRECTIONAL))
    return keras_fail_class (reader, layer, key, KERAS_IN_BIDIRECTIONAL, name);
  if (!keras_parse_recurrent (
          reader, layer, class, keras_get_object (object, "config"), recurrent))
    return FALSE;
  return !recurrent->is_stacked
         || keras_fail (reader, layer, CONVERT_ERROR_UNSUPPORTED,
             "%s: cell: expected one cell, found StackedRNNCells of %u cells", key,
             recurrent->cells->len);
}

static const char *
get_bool_name (gboolean value)
{
  return value ? "true" : "false";
}

/* Describes what both directions must have in common. Returns: (transfer full) */
static char *
describe_direction (const KerasRecurrent *recurrent)
{
  const KerasCell *cell = g_ptr_array_index (recurrent->cells, 0);

  return g_strdup_printf ("%s, %" G_GSIZE_FORMAT ", %s, %s", cell->kind->cell, cell->units,
      get_bool_name (recurrent->returns_sequences), get_bool_name (cell->is_reset_after));
}

gboolean
keras_parse_directions (KerasReader *reader, const KerasLayer *layer, KerasRecurrent *forward,
    KerasRecurrent *backward)
{
  gboolean has_backward = keras_get_object (layer->config, "backward_layer") != NULL;
  g_autofree char *first = NULL, *second = NULL;

  if (!parse_direction (reader, layer, "layer", forward)
      || !parse_direction (reader, layer, has_backward ? "backward_layer" : "layer", backward))
    return FALSE;
  /* Without a backward_layer, the backward direction is a copy of the forward direction with
   * go_backwards inverted. */
  if (!has_backward)
    backward->is_backward = !forward->is_backward;
  if (forward->is_backward || !backward->is_backward)
    return keras_fail (reader, layer, CONVERT_ERROR_UNSUPPORTED,
        "go_backwards: expected false in layer and true in backward_layer, found %s and %s",
        get_bool_name (forward->is_backward), get_bool_name (backward->is_backward));
  first = describe_direction (forward);
  second = describe_direction (backward);
  return g_str_equal (first, second)
         || keras_fail (reader, layer, CONVERT_ERROR_UNSUPPORTED,
             "cell, units, return_sequences, reset_after: expected the same values in layer "
             "and "
             "backward_layer, found %s and %s",
             first, second);
}

/* --- States --- */

static guint
count_cell_states (const char *name)
{
  const KerasRecurrentKind *kind = find_kind (name);

  return kind ? kind->n_states : 0;
}

guint
keras_count_states (const KerasClass *class, JsonObject *config)
{
  JsonObject *cell = keras_get_object (config, "cell");
  JsonArray *stacked = get_stacked_cells (cell);
  guint n = 0;

  if (class->cell || !stacked)
    return count_cell_states (
        class->cell ? class->cell : keras_get_string (cell, "class_name"));
  for (guint i = 0; i < json_array_get_length (stacked); i++) {
    JsonObject *each = lstm_json_get_object (json_array_get_element (stacked, i));

    n += count_cell_states (keras_get_string (each, "class_name"));
  }
  return n;
}
