/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "keras/recurrent.h"
#include "keras/activations.h"
#include "keras/converters.h"
#include "keras/json.h"
#include "keras/shape.h"
#include "keras/weights.h"
#include "util/text.h"
#include <string.h>

/* --- Weights --- */

/* The weights of one direction of a cell */
typedef struct {
  KerasArray kernel, recurrent, bias;
  guint n_biases;    /* of the kernel, and of the recurrent kernel */
  gboolean is_cudnn; /* the kernels have the layout of CuDNN */
} CellWeights;

static void
cell_weights_clear (CellWeights *weights)
{
  keras_array_clear (&weights->kernel);
  keras_array_clear (&weights->recurrent);
  keras_array_clear (&weights->bias);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (CellWeights, cell_weights_clear)

/* Returns: (transfer full): the shapes of a bias that @cell accepts, for a message */
static char *
describe_biases (const KerasCell *cell)
{
  const gsize n = cell->kind->n_gates * cell->units, n_cudnn = 2 * n, pair[] = {2, n};
  gboolean is_pair = cell->is_reset_after, is_gru = cell->kind->has_reset_after;
  g_autofree char *one = lstm_text_shape (1, &n), *two = lstm_text_shape (2, pair);
  g_autofree char *cudnn = lstm_text_shape (1, &n_cudnn);

  if (cell->kind->n_gates == 1)
    return g_steal_pointer (&one);
  if (is_gru && !is_pair && !cell->is_reset_after_missing)
    return g_strconcat (one, " because reset_after is false", NULL);
  return g_strconcat (is_pair ? two : one, ", or ", cudnn, " of CuDNN",
      is_gru && !cell->is_reset_after_missing ? ", because reset_after is true" : "", NULL);
}

/* Determines the layout of the weights from the shape of the bias. A bias of CuDNN has two parts of
 * length n: the bias of the kernel and the bias of the recurrent kernel. A GRU with reset_after has
 * them as two rows. Files before Keras 2.1.3 do not have the key reset_after. */
static gboolean
check_bias (KerasReader *reader, const KerasLayer *layer, KerasCell *cell, CellWeights *weights)
{
  const KerasArray *bias = &weights->bias;
  const gsize n = cell->kind->n_gates * cell->units, size = bias->shape[0];
  gboolean is_gru = cell->kind->has_reset_after;
  gboolean is_pair = is_gru && bias->n_found_dims == 2 && bias->found_shape[0] == 2;
  g_autofree char *expected = NULL, *found = NULL;

  if (!bias->values)
    return TRUE;
  weights->is_cudnn = cell->kind->n_gates > 1 && bias->n_found_dims == 1 && size == 2 * n;
  weights->n_biases = is_pair || weights->is_cudnn ? 2 : 1;
  if (cell->is_reset_after_missing)
    cell->is_reset_after = weights->n_biases == 2;
  if (size == weights->n_biases * n && (is_pair || bias->n_found_dims == 1)
      && (!is_gru || cell->is_reset_after == (weights->n_biases == 2)))
    return TRUE;
  expected = describe_biases (cell);
  found = lstm_text_shape (bias->n_found_dims, bias->found_shape);
  return keras_fail (
      reader, layer, CONVERT_ERROR_FILE, "bias: expected shape %s, found %s", expected, found);
}

/* Reads the weights of @cell. @part: the subgroup of the cell in an archive. */
static gboolean
read_cell (KerasReader *reader, KerasLayer *layer, const char *part, KerasCell *cell,
    CellWeights *weights)
{
  const gsize m = cell->units, n = cell->kind->n_gates * m;
  KerasArray arrays[] = {
      {"kernel", 2, {0, n}}, {"recurrent_kernel", 2, {m, n}}, {.name = "bias"}};
  gboolean is_read = keras_read_weights (reader, layer, part, arrays, cell->has_bias ? 3 : 2);

  *weights = (CellWeights){arrays[0], arrays[1], arrays[2]};
  return is_read && check_bias (reader, layer, cell, weights)
         && keras_check_width (reader, layer, "kernel", weights->kernel.shape[0]);
}

/* Returns: (transfer full): @kernel [d, gates · m] as [gates · m, d], with the gates in the order of
 * PyTorch. In a kernel of CuDNN, the [d, m] values of a gate are the gate's [m, d] matrix in
 * row-major order. */
static float *
reorder_kernel (
    const KerasRecurrentKind *kind, const float *kernel, gsize d, gsize m, gboolean is_cudnn)
{
  const gsize n = kind->n_gates * m;
  float *weight = g_new (float, n *d);

  for (guint gate = 0; gate < kind->n_gates; gate++) {
    const float *from = kernel + kind->gates[gate] * m;
    float *to = weight + gate * m * d;

    for (gsize i = 0; i < d; i++)
      if (is_cudnn)
        memcpy (to + i * m, from + i * n, m * sizeof *to);
      else
        for (gsize j = 0; j < m; j++)
          to[j * d + i] = from[i * n + j];
  }
  return weight;
}

/* Adds the tensor @name_l0@suffix. @n_columns: 0 for a vector */
static void
add_tensor (KerasReader *reader, JsonObject *object, const char *name, const char *suffix,
    gsize n_rows, gsize n_columns, float *values)
{
  g_autofree char *full = g_strconcat (name, "_l0", suffix, NULL);
  const gsize shape[] = {n_rows, n_columns};

  convert_model_add_tensor (reader->model, object, full, n_columns ? 2 : 1, shape, values);
}

/* Adds the weights of one direction. @part: the subgroup of the direction in an archive */
static gboolean
add_direction (KerasReader *reader, KerasLayer *layer, const char *part, KerasCell *cell,
    JsonObject *object, const char *suffix)
{
  static const char *const biases[] = {"bias_ih", "bias_hh"};
  const KerasRecurrentKind *kind = cell->kind;
  const gsize m = cell->units, n = kind->n_gates * m;
  g_auto (CellWeights) weights = {0};
  gsize d;

  if (!read_cell (reader, layer, part, cell, &weights))
    return FALSE;
  d = weights.kernel.shape[0];
  add_tensor (reader, object, "weight_ih", suffix, n, d,
      reorder_kernel (kind, weights.kernel.values, d, m, weights.is_cudnn));
  add_tensor (reader, object, "weight_hh", suffix, n, m,
      reorder_kernel (kind, weights.recurrent.values, m, m, weights.is_cudnn));
  for (guint i = 0; i < weights.n_biases; i++)
    add_tensor (reader, object, biases[i], suffix, n, 0,
        reorder_kernel (kind, weights.bias.values + i * n, 1, m, FALSE));
  return TRUE;
}

/* --- Layers --- */

/* Returns the activation of @cell for @letter, a character of KerasRecurrentKind.activations. */
static JsonNode *
get_activation (const KerasCell *cell, char letter)
{
  return letter == 'g' ? cell->gate : cell->candidate;
}

static gboolean
has_default_activations (const KerasCell *cell)
{
  for (const char *letter = cell->kind->activations; *letter; letter++)
    if (!keras_activation_is (get_activation (cell, *letter),
            cell->kind->default_activations[*letter == 'g' ? 0 : 1]))
      return FALSE;
  return TRUE;
}

static gboolean
has_same_activations (const KerasCell *a, const KerasCell *b)
{
  for (const char *letter = a->kind->activations; *letter; letter++)
    if (!json_node_equal (get_activation (a, *letter), get_activation (b, *letter)))
      return FALSE;
  return TRUE;
}

static void
add_activations (JsonArray *array, const KerasCell *cell)
{
  for (const char *letter = cell->kind->activations; *letter; letter++)
    json_array_add_element (array, json_node_copy (get_activation (cell, *letter)));
}

/* Sets the activations, unless they are the defaults. @backward: (nullable): the second
 * direction */
static void
set_activations (JsonObject *object, const KerasCell *cell, const KerasCell *backward)
{
  JsonArray *array;

  if (has_default_activations (cell) && (!backward || has_default_activations (backward)))
    return;
  array = json_array_new ();
  add_activations (array, cell);
  if (backward && !has_same_activations (cell, backward))
    add_activations (array, backward);
  json_object_set_array_member (object, "activations", array);
}

/* Sets the keys that the weights of @cell may determine. */
static void
set_variant (JsonObject *object, const KerasCell *cell)
{
  if (cell->kind->has_reset_after && !cell->is_reset_after)
    json_object_set_boolean_member (object, "reset_after", FALSE);
}

/* Sets the keys of the layer's output, and its shape. @zero_masked: the output of a step is 0 if a
 * Masking layer or the caller masks the step. */
static void
set_output (KerasReader *reader, JsonObject *object, gboolean sequences, gboolean zero_masked,
    gsize width)
{
  if (!sequences)
    json_object_set_string_member (object, "return", "last");
  if (zero_masked)
    json_object_set_boolean_member (object, "zero_masked", TRUE);
  if (!sequences)
    keras_end_sequence (reader);
  reader->has_uncertain_mask = reader->version >= 31600;
  reader->shape.width = (gint64) width;
}

gboolean
keras_check_recurrent (KerasReader *reader, const KerasLayer *layer)
{
  g_auto (KerasRecurrent) recurrent = {0};

  return keras_parse_recurrent (reader, layer, layer->class, layer->config, &recurrent);
}

/* Adds the layer of the cell @index. Cells of an RNN become consecutive layers. In an RNN that goes
 * backwards, the outputs of all cells except the last one keep the order of time, because a mask
 * has this order. */
static gboolean
add_cell (KerasReader *reader, KerasLayer *layer, const KerasRecurrent *recurrent, guint index,
    const char *part)
{
  KerasCell *cell = g_ptr_array_index (recurrent->cells, index);
  gboolean is_last = index + 1 == recurrent->cells->len;
  JsonObject *object = convert_model_add_layer (reader->model, cell->kind->type, layer->name);

  set_activations (object, cell, NULL);
  if (recurrent->is_backward) {
    json_object_set_string_member (object, "direction", "reverse");
    if (is_last)
      json_object_set_string_member (object, "order", "processed");
  }
  if (!add_direction (reader, layer, part, cell, object, ""))
    return FALSE;
  set_variant (object, cell);
  set_output (reader, object, recurrent->returns_sequences || !is_last,
      recurrent->has_zero_masked && is_last, cell->units);
  return TRUE;
}

/* Returns the number of earlier cells of the same class. */
static guint
get_cell_rank (const GPtrArray *cells, guint index)
{
  const KerasCell *cell = g_ptr_array_index (cells, index);
  guint rank = 0;

  for (guint i = 0; i < index; i++)
    rank += ((const KerasCell *) g_ptr_array_index (cells, i))->kind == cell->kind;
  return rank;
}

gboolean
keras_convert_recurrent (KerasReader *reader, KerasLayer *layer)
{
  g_auto (KerasRecurrent) recurrent = {0};

  if (!keras_parse_recurrent (reader, layer, layer->class, layer->config, &recurrent))
    return FALSE;
  if (!recurrent.is_stacked)
    return add_cell (reader, layer, &recurrent, 0, layer->class->part);
  for (guint i = 0; i < recurrent.cells->len; i++) {
    const KerasCell *cell = g_ptr_array_index (recurrent.cells, i);
    g_autofree char *group = keras_get_group_name (
        cell->kind->cell, get_cell_rank (recurrent.cells, i));
    g_autofree char *part = g_strconcat (layer->class->part, "/cells/", group, NULL);

    if (!add_cell (reader, layer, &recurrent, i, part))
      return FALSE;
  }
  return TRUE;
}

/* Returns: (nullable): NULL with an error */
static const char *
get_merge_mode (KerasReader *reader, const KerasLayer *layer)
{
  static const char *const modes[] = {"concat", "sum", "mul", "ave"};
  const char *mode = keras_get_string (layer->config, "merge_mode");
  g_autoptr (GString) names = g_string_new (NULL);
  g_autofree char *found = NULL;

  if (!json_object_has_member (layer->config, "merge_mode"))
    return "concat";
  for (guint i = 0; i < G_N_ELEMENTS (modes); i++) {
    if (g_strcmp0 (mode, modes[i]) == 0)
      return modes[i];
    lstm_text_append_item (names, modes[i]);
  }
  found = keras_describe_member (layer->config, "merge_mode");
  keras_fail (reader, layer, CONVERT_ERROR_UNSUPPORTED,
      "merge_mode: expected one of %s, found %s", names->str, found);
  return NULL;
}

/* Bidirectional sets zero_output_for_mask to return_sequences, except in the package keras before
 * 2.4. */
static gboolean
has_zero_masked (const KerasReader *reader, const KerasRecurrent *recurrent)
{
  return reader->is_tf_keras && recurrent->returns_sequences;
}

gboolean
keras_check_bidirectional (KerasReader *reader, const KerasLayer *layer)
{
  g_auto (KerasRecurrent) forward = {0}, backward = {0};

  return keras_parse_directions (reader, layer, &forward, &backward)
         && get_merge_mode (reader, layer);
}

/* Adds both directions, which read the same input. */
static gboolean
add_directions (KerasReader *reader, KerasLayer *layer, KerasCell *forward, KerasCell *backward,
    JsonObject *object)
{
  if (!add_direction (reader, layer, "forward_layer/cell", forward, object, "")
      || !add_direction (reader, layer, "backward_layer/cell", backward, object, "_reverse"))
    return FALSE;
  if (forward->is_reset_after != backward->is_reset_after)
    return keras_fail (reader, layer, CONVERT_ERROR_FILE,
        "bias: expected the same shape in layer and backward_layer, found different shapes");
  set_variant (object, forward);
  return TRUE;
}

gboolean
keras_convert_bidirectional (KerasReader *reader, KerasLayer *layer)
{
  const char *merge = get_merge_mode (reader, layer);
  g_auto (KerasRecurrent) forward = {0}, backward = {0};
  KerasCell *cell, *backward_cell;
  JsonObject *object;
  gboolean is_concat;

  if (!merge || !keras_parse_directions (reader, layer, &forward, &backward))
    return FALSE;
  is_concat = g_str_equal (merge, "concat");
  cell = g_ptr_array_index (forward.cells, 0);
  backward_cell = g_ptr_array_index (backward.cells, 0);
  object = convert_model_add_layer (reader->model, cell->kind->type, layer->name);
  set_activations (object, cell, backward_cell);
  json_object_set_string_member (object, "direction", "bidirectional");
  if (!is_concat)
    json_object_set_string_member (object, "merge", merge);
  if (!add_directions (reader, layer, cell, backward_cell, object))
    return FALSE;
  set_output (reader, object, forward.returns_sequences, has_zero_masked (reader, &forward),
      (is_concat ? 2 : 1) * cell->units);
  return TRUE;
}
