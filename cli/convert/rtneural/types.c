/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Each function computes what model_loader.h of RTNeural computes for the type. The weights have
 * the layout of Keras: a matrix is [in, out], the gates of an LSTM are i, f, g, o, those of a GRU
 * z, r, n. */
#include "rtneural/types.h"
#include "container/json.h"

#define MAX_SLOPES ((gsize) 1024) /* of PReLU; their matrices have 4 · 1024² numbers */

/* --- Activations --- */

/* Adds the activation of a layer, unless it is linear. */
static gboolean
add_activation (const RtLayer *layer)
{
  static const char *const names[] = {"tanh", "relu", "sigmoid", "softmax", "elu", NULL};
  JsonNode *node = json_file_find (layer->part, "activation");
  const char *name = node ? lstm_json_get_string (node) : "";
  JsonObject *object;

  if (g_strcmp0 (name, "") == 0 || g_strcmp0 (name, "linear") == 0)
    return TRUE;
  if (!name || !g_strv_contains (names, name))
    return json_file_fail_member (layer->reader->file, layer->part, "activation",
        CONVERT_ERROR_UNSUPPORTED, "tanh, relu, sigmoid, softmax, elu or \"\"");
  object = convert_model_add_layer (layer->reader->model, "activation", NULL);
  json_object_set_string_member (object, "activation", name);
  return TRUE;
}

static gboolean
convert_activation (const RtLayer *layer)
{
  return rt_check_same_size (layer) && rt_check_n_weights (layer, 0, 0)
         && add_activation (layer);
}

static void
add_leaky_relu (const RtLayer *layer, double slope)
{
  JsonObject *object = convert_model_add_layer (layer->reader->model, "activation", NULL);
  JsonObject *activation = json_object_new ();

  json_object_set_string_member (activation, "name", "leaky_relu");
  json_object_set_double_member (activation, "alpha", slope);
  json_object_set_object_member (object, "activation", activation);
}

/* Adds a dense layer from n to 2n features (x, −x) with a relu, and a dense layer that subtracts
 * the second half, each feature multiplied by its slope. */
static void
add_slopes (const RtLayer *layer, const float *slopes)
{
  ConvertModel *model = layer->reader->model;
  const gsize n = layer->out, split[] = {2 * n, n}, join[] = {n, 2 * n};
  JsonObject *first = convert_model_add_layer (model, "dense", "prelu"),
             *second = convert_model_add_layer (model, "dense", "prelu");
  float *signs = g_new0 (float, 2 * n * n), *scales = g_new0 (float, 2 * n * n);

  for (gsize i = 0; i < n; i++) {
    signs[i * n + i] = 1;
    signs[(n + i) * n + i] = -1;
    scales[i * 2 * n + i] = 1;
    scales[i * 2 * n + n + i] = -slopes[i];
  }
  json_object_set_string_member (first, "activation", "relu");
  convert_model_add_tensor (model, first, "weight", 2, split, signs);
  convert_model_add_tensor (model, second, "weight", 2, join, scales);
}

/* "weights" is [[[slope, …]]], with one slope or a slope for each feature. */
static gboolean
convert_prelu (const RtLayer *layer)
{
  g_autofree char *field = g_strconcat (layer->part.field, ".weights[0]", NULL);
  JsonFile *file = layer->reader->file;
  g_autofree float *slopes = NULL;
  JsonArray *outer, *inner = NULL;
  gsize shape[2] = {1, layer->out};

  if (!rt_check_same_size (layer) || !rt_check_n_weights (layer, 1, 1))
    return FALSE;
  outer = lstm_json_get_array (json_array_get_element (layer->weights, 0));
  if (outer && json_array_get_length (outer) == 1)
    inner = lstm_json_get_array (json_array_get_element (outer, 0));
  if (inner && json_array_get_length (inner) == 1)
    shape[1] = 1;
  if (!(slopes = rt_read_weights (layer, 0, 2, shape)))
    return FALSE;
  if (shape[1] == 1)
    add_leaky_relu (layer, (double) slopes[0]);
  else if (shape[1] <= MAX_SLOPES)
    add_slopes (layer, slopes);
  else
    return json_file_fail (file, CONVERT_ERROR_UNSUPPORTED, field,
        "expected at most %zu slopes, found %zu", MAX_SLOPES, shape[1]);
  return TRUE;
}

/* --- Dense and normalization --- */

static gboolean
convert_dense (const RtLayer *layer)
{
  ConvertModel *model = layer->reader->model;
  const gsize shape[] = {layer->out, layer->in};
  JsonObject *object;
  float *weight;

  if (!rt_check_n_weights (layer, 1, 2)
      || !(weight = rt_read_transposed (layer, 0, layer->in, layer->out)))
    return FALSE;
  object = convert_model_add_layer (model, "dense", "dense");
  convert_model_add_tensor (model, object, "weight", 2, shape, weight);
  return (json_array_get_length (layer->weights) == 1
             || rt_add_vector (layer, 1, object, "bias"))
         && add_activation (layer);
}

static gboolean
convert_batchnorm (const RtLayer *layer)
{
  static const char *const suffixes[] = {"weight", "bias", "running_mean", "running_var"};
  const guint n = layer->weights ? json_array_get_length (layer->weights) : 0;
  JsonObject *object;
  double epsilon;

  /* Without gamma and beta, only mean and variance are in the file. */
  if (!rt_check_same_size (layer) || (n != 2 && !rt_check_n_weights (layer, 4, 4))
      || !json_file_read_number (layer->reader->file, layer->part, "epsilon", -1, &epsilon))
    return FALSE;
  if (epsilon < 0)
    return json_file_fail_member (
        layer->reader->file, layer->part, "epsilon", CONVERT_ERROR_FILE, "a number ≥ 0");
  object = convert_model_add_layer (layer->reader->model, "batch_normalization", "batchnorm");
  json_object_set_double_member (object, "epsilon", epsilon);
  for (guint i = 0; i < n; i++)
    if (!rt_add_vector (layer, i, object, suffixes[4 - n + i]))
      return FALSE;
  return TRUE;
}

/* --- Recurrent layers --- */

/* RTNeural ignores this activation, and computes the default of Keras. */
static gboolean
check_recurrent_activation (const RtLayer *layer)
{
  JsonNode *node = json_file_find (layer->part, "activation");
  const char *name = node ? lstm_json_get_string (node) : "";

  return g_strcmp0 (name, "") == 0 || g_strcmp0 (name, "tanh") == 0
         || json_file_fail_member (layer->reader->file, layer->part, "activation",
             CONVERT_ERROR_UNSUPPORTED, "tanh or \"\", because RTNeural computes tanh");
}

/* Swaps the first two gates, of @n numbers each. */
static void
swap_gates (float *values, gsize n)
{
  for (gsize i = 0; i < n; i++) {
    const float first = values[i];

    values[i] = values[n + i];
    values[n + i] = first;
  }
}

/* Appends a layer with the kernels of @n_gates gates.
 * Returns: (transfer none) (nullable): its object */
static JsonObject *
add_kernels (const RtLayer *layer, const char *type, gsize n_gates, gboolean swaps)
{
  static const char *const suffixes[] = {"weight_ih", "weight_hh"};
  const gsize sizes[] = {layer->in, layer->out};
  ConvertModel *model = layer->reader->model;
  JsonObject *object = convert_model_add_layer (model, type, type);

  for (guint i = 0; i < G_N_ELEMENTS (suffixes); i++) {
    const gsize shape[] = {n_gates * layer->out, sizes[i]};
    float *values = rt_read_transposed (layer, i, sizes[i], shape[0]);

    if (!values)
      return NULL;
    if (swaps)
      swap_gates (values, layer->out * sizes[i]);
    convert_model_add_tensor (model, object, suffixes[i], 2, shape, values);
  }
  return object;
}

static gboolean
convert_lstm (const RtLayer *layer)
{
  const gsize n = 4 * layer->out;
  JsonObject *object;
  float *bias;

  if (!check_recurrent_activation (layer) || !rt_check_n_weights (layer, 2, 3)
      || !(object = add_kernels (layer, "lstm", 4, FALSE)))
    return FALSE;
  if (json_array_get_length (layer->weights) == 2)
    return TRUE;
  if (!(bias = rt_read_weights (layer, 2, 1, &n)))
    return FALSE;
  convert_model_add_tensor (layer->reader->model, object, "bias_ih", 1, &n, bias);
  return TRUE;
}

/* Adds the biases of a GRU, [3m] each, with the gates r and z in the order of liblstm. */
static void
add_gru_biases (const RtLayer *layer, JsonObject *object, const float *from, guint n_biases)
{
  static const char *const suffixes[] = {"bias_ih", "bias_hh"};
  const gsize n = 3 * layer->out;

  for (guint i = 0; i < n_biases; i++) {
    float *values = g_memdup2 (from + i * n, n * sizeof (float));

    swap_gates (values, layer->out);
    convert_model_add_tensor (layer->reader->model, object, suffixes[i], 1, &n, values);
  }
}

/* The bias of Keras is [2, 3m] with reset_after, and [3m] without. A GRU without a bias does not
 * show reset_after. */
static gboolean
convert_gru (const RtLayer *layer)
{
  const gsize n = 3 * layer->out, shape[] = {2, n};
  g_autofree float *bias = NULL;
  gboolean resets_after;
  JsonArray *biases;
  JsonObject *object;

  if (!check_recurrent_activation (layer) || !rt_check_n_weights (layer, 3, 3)
      || !(object = add_kernels (layer, "gru", 3, TRUE)))
    return FALSE;
  biases = lstm_json_get_array (json_array_get_element (layer->weights, 2));
  resets_after = !biases || json_array_get_length (biases) != n;
  bias = resets_after ? rt_read_weights (layer, 2, 2, shape)
                      : rt_read_weights (layer, 2, 1, &n);
  if (!bias)
    return FALSE;
  add_gru_biases (layer, object, bias, resets_after ? 2 : 1);
  if (!resets_after)
    json_object_set_boolean_member (object, "reset_after", FALSE);
  return TRUE;
}

const RtType rt_types[] = {
    {"dense", convert_dense},
    {"time-distributed-dense", convert_dense},
    {"lstm", convert_lstm},
    {"gru", convert_gru},
    {"activation", convert_activation},
    {"prelu", convert_prelu},
    {"batchnorm", convert_batchnorm},
    {NULL},
};
