/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "layers/bidirectional.h"
#include "layers/source.h"
#include <math.h>

/* --- Options --- */

/* The options of a recurrent layer, which all layers of a stack share. A key that the kind does not
 * list is refused before, so that its option has the default. */
typedef struct {
  LstmRecurrentParams directions[2];
  guint direction; /* index of direction_names */
  guint merge;     /* LstmMerge */
} Options;

static const char *const direction_names[] = {"forward", "reverse", "bidirectional", NULL};
enum { FORWARD, REVERSE, BIDIRECTIONAL };

/* Returns: FALSE */
static gboolean
refuse_activations (
    const LstmLayerSource *source, guint n, gboolean is_bidirectional, GError **error)
{
  g_autofree char *expected = is_bidirectional ? g_strdup_printf (
                                  "an array of %u or %u activations", n, 2 * n)
                                               : g_strdup_printf ("an array of %u activation%s",
                                                   n, n > 1 ? "s" : "");

  return lstm_layer_source_refuse_value (
      source, source->object, "activations", expected, error);
}

/* Reads the activations of the cell for both directions, or for each direction. */
static gboolean
read_activations (const LstmLayerSource *source, Options *options, GError **error)
{
  const LstmCellType *type = source->kind->cell_type;
  const guint n = type->n_activations;
  JsonNode *node = json_object_get_member (source->object, "activations");
  JsonArray *array = node && JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;
  const guint length = array ? json_array_get_length (array) : 0;
  const gboolean is_bidirectional = options->direction == BIDIRECTIONAL;

  if (node && length != n && !(length == 2 * n && is_bidirectional))
    return refuse_activations (source, n, is_bidirectional, error);
  for (guint i = 0; i < 2 * n; i++) {
    JsonNode *element = array ? json_array_get_element (array, i % length) : NULL;

    if (!lstm_layer_source_read_activation (source, element, type->activations[i % n],
            &options->directions[i / n].activations[i % n], error))
      return FALSE;
  }
  return TRUE;
}

/* Sets @value to the bound above 0 under @key, or to infinity if the layer has no @key. */
static gboolean
read_bound (const LstmLayerSource *source, const char *key, float *value, GError **error)
{
  if (!lstm_layer_source_read_number (source, key, INFINITY, value, error))
    return FALSE;
  return *value > 0
         || lstm_layer_source_refuse_value (
             source, source->object, key, "a number above 0", error);
}

static gboolean
read_direction_options (
    const LstmLayerSource *source, LstmRecurrentParams *params, GError **error)
{
  static const char *const return_names[] = {"sequence", "last", NULL};
  static const char *const order_names[] = {"time", "processed", NULL};
  guint returns, order;

  if (!lstm_layer_source_read_choice (source, "return", return_names, &returns, error)
      || !lstm_layer_source_read_choice (source, "order", order_names, &order, error))
    return FALSE;
  params->type = source->kind->cell_type;
  params->returns_last = returns == 1;
  params->keep_processing_order = order == 1;
  return read_bound (source, "clip", &params->clip, error)
         && read_bound (source, "cell_clip", &params->cell_clip, error)
         && lstm_layer_source_read_boolean (
             source, "input_forget", FALSE, &params->input_forget, error)
         && lstm_layer_source_read_boolean (
             source, "reset_after", TRUE, &params->reset_after, error)
         && lstm_layer_source_read_boolean (
             source, "zero_masked", FALSE, &params->zero_masked, error);
}

static gboolean
read_options (const LstmLayerSource *source, Options *options, GError **error)
{
  static const char *const merge_names[] = {
      "concat", "sum", "mul", "ave", NULL}; /* LstmMerge */

  if (!lstm_layer_source_read_choice (
          source, "direction", direction_names, &options->direction, error)
      || !lstm_layer_source_read_choice (source, "merge", merge_names, &options->merge, error))
    return FALSE;
  for (guint k = 0; k < 2; k++)
    if (!read_direction_options (source, &options->directions[k], error))
      return FALSE;
  options->directions[0].reverse = options->direction == REVERSE;
  options->directions[1].reverse = TRUE;
  return read_activations (source, options, error);
}

/* --- Tensors --- */

/* The names of the tensors of a direction, without the number of the layer. The first two tensors
 * are required. The values of a matrix stay in the file until the matrix is packed. */
static const struct {
  const char *name;
  gsize offset;     /* of the pointer in LstmRecurrentParams */
  gboolean of_lstm; /* other types of layers do not have the tensor */
  gboolean is_matrix;
} tensor_table[] = {
    {"weight_ih", G_STRUCT_OFFSET (LstmRecurrentParams, weight_ih), FALSE, TRUE},
    {"weight_hh", G_STRUCT_OFFSET (LstmRecurrentParams, weight_hh), FALSE, TRUE},
    {"bias_ih", G_STRUCT_OFFSET (LstmRecurrentParams, bias_ih), FALSE},
    {"bias_hh", G_STRUCT_OFFSET (LstmRecurrentParams, bias_hh), FALSE},
    {"weight_peephole", G_STRUCT_OFFSET (LstmRecurrentParams, peephole), TRUE},
    {"weight_hr", G_STRUCT_OFFSET (LstmRecurrentParams, projection), TRUE, TRUE},
    {"initial_h", G_STRUCT_OFFSET (LstmRecurrentParams, initial_h), FALSE},
    {"initial_c", G_STRUCT_OFFSET (LstmRecurrentParams, initial_c), TRUE},
};
#define N_REQUIRED_TENSORS 2

/* A direction, and the arrays that its params refer to */
typedef struct {
  LstmArray arrays[G_N_ELEMENTS (tensor_table)];
  LstmRecurrentParams params;
} Direction;

static void
direction_clear (Direction *direction)
{
  for (guint i = 0; i < G_N_ELEMENTS (tensor_table); i++)
    lstm_array_clear (&direction->arrays[i]);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Direction, direction_clear)

/* @number: "_l0", "_l1" …, or "" for nn.LSTMCell, followed by "_reverse" for the reverse
 * direction */
static gboolean
read_tensors (const LstmLayerSource *source, const char *number, const char *name,
    Direction *direction, GError **error)
{
  direction->params.name = name;
  for (guint i = 0; i < G_N_ELEMENTS (tensor_table); i++) {
    g_autofree char *tensor = g_strconcat (tensor_table[i].name, number, NULL);
    LstmArray *array = &direction->arrays[i];
    gboolean found = TRUE;

    if (tensor_table[i].of_lstm && !direction->params.type->has_c)
      continue;
    if (!(tensor_table[i].is_matrix ? lstm_layer_source_open_tensor
                                    : lstm_layer_source_read_tensor) (
            source, tensor, i < N_REQUIRED_TENSORS ? NULL : &found, array, error))
      return FALSE;
    if (found)
      G_STRUCT_MEMBER (LstmArray *, &direction->params, tensor_table[i].offset) = array;
  }
  return TRUE;
}

/* --- Layers --- */

static gboolean
append_layer (const LstmLayerSource *source, const char *number, const Options *options,
    gboolean returns_last, GError **error)
{
  LstmBuilder *builder = source->builder;
  g_autofree char *name = *number ? g_strconcat (source->prefix, number + 1, NULL)
                                  : g_strdup (source->name);
  g_autofree char *reverse = g_strconcat (number, "_reverse", NULL);
  g_auto (Direction) a = {.params = options->directions[0]};
  g_auto (Direction) b = {.params = options->directions[1]};

  a.params.returns_last = b.params.returns_last = returns_last;
  if (!read_tensors (source, number, name, &a, error))
    return FALSE;
  if (options->direction != BIDIRECTIONAL)
    return lstm_builder_append (
        builder, lstm_recurrent_layer_new (source->kind, builder, &a.params, error), error);
  return read_tensors (source, reverse, name, &b, error)
         && lstm_bidirectional_append (
             builder, source->kind, &a.params, &b.params, (LstmMerge) options->merge, error);
}

static gboolean
has_layer (const LstmLayerSource *source, const char *number)
{
  g_autofree char *name = g_strconcat (tensor_table[0].name, number, NULL);

  return lstm_layer_source_has_tensor (source, name);
}

/* Appends the layers _l0, _l1 … of a stack. Only the last of them can output its last step
 * alone. */
static gboolean
append_stack (const LstmLayerSource *source, const Options *options, GError **error)
{
  const gboolean returns_last = options->directions[0].returns_last;

  for (guint k = 0;; k++) {
    g_autofree char *number = g_strdup_printf ("_l%u", k);
    g_autofree char *next = g_strdup_printf ("_l%u", k + 1);
    const gboolean is_last = !has_layer (source, next);

    if (!append_layer (source, number, options, returns_last && is_last, error))
      return FALSE;
    if (is_last)
      return TRUE;
  }
}

gboolean
lstm_recurrent_load (const LstmLayerSource *source, GError **error)
{
  Options options = {0};

  if (!read_options (source, &options, error))
    return FALSE;
  if (!has_layer (source, "_l0") && has_layer (source, ""))
    return append_layer (source, "", &options, options.directions[0].returns_last, error);
  return append_stack (source, &options, error);
}
