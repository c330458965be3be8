/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Files of Neural Amp Modeler: {"version": "0.5.4", "architecture": "LSTM", "config": {"num_layers":
 * 1, "input_size": 1, "hidden_size": m}, "weights": […], "sample_rate": 48000}. "weights" has, for
 * each layer, a matrix [4m, in + m] with the gates i, f, g, o, the bias [4m], and the initial h and
 * c, [m] each; then the weight [n, m] and the bias [n] of the head. lstm.cpp of NeuralAmpModelerCore
 * is the reference. */
#include "convert.h"
#include "container/json-file.h"
#include "container/json.h"
#include <stdlib.h>
#include <string.h>

/* The versions of the format that NeuralAmpModelerCore reads */
#define FIRST_MINOR 5
#define LAST_MINOR 7

typedef struct {
  JsonFile *file;
  ConvertModel *model;
  gsize n_layers, input_size, hidden_size, output_size;
  float *values; /* "weights" */
  gsize at;      /* the next number to read */
} NamReader;

static gboolean
check_version (JsonFile *file, JsonPart root)
{
  const char *version = json_file_get_string (file, root, "version");
  g_auto (GStrv) parts = NULL;
  guint64 minor;

  if (!version)
    return FALSE;
  parts = g_strsplit (version, ".", 3);
  if (g_strv_length (parts) >= 2 && g_str_equal (parts[0], "0")
      && g_ascii_string_to_unsigned (parts[1], 10, FIRST_MINOR, LAST_MINOR, &minor, NULL))
    return TRUE;
  return json_file_fail_member (
      file, root, "version", CONVERT_ERROR_UNSUPPORTED, "0.5.0 to 0.7");
}

static gboolean
check_architecture (JsonFile *file, JsonPart root)
{
  const char *name = json_file_get_string (file, root, "architecture");

  return name
         && (g_str_equal (name, "LSTM")
             || json_file_fail_member (file, root, "architecture", CONVERT_ERROR_UNSUPPORTED,
                 "\"LSTM\", because liblstm runs recurrent networks"));
}

/* The trainer writes no numbers of channels. They are then the input size, and one output. */
static gboolean
read_config (NamReader *reader, JsonPart config)
{
  gsize n_inputs;

  if (!json_file_read_count (reader->file, config, "num_layers", 0, &reader->n_layers)
      || !json_file_read_count (reader->file, config, "input_size", 0, &reader->input_size)
      || !json_file_read_count (reader->file, config, "hidden_size", 0, &reader->hidden_size)
      || !json_file_read_count (
          reader->file, config, "in_channels", reader->input_size, &n_inputs)
      || !json_file_read_count (reader->file, config, "out_channels", 1, &reader->output_size))
    return FALSE;
  if (n_inputs == reader->input_size)
    return TRUE;
  return json_file_fail (reader->file, CONVERT_ERROR_UNSUPPORTED, "config.in_channels",
      "expected %zu, the input_size, found %zu", reader->input_size, n_inputs);
}

/* Returns the numbers that the layers need, or G_MAXSIZE if they are too many for a file. */
static gsize
count_weights (const NamReader *reader)
{
  const double m = (double) reader->hidden_size, d = (double) reader->input_size,
               n = (double) reader->output_size, layers = (double) reader->n_layers;
  const double total = 4 * m * (d + m + 1) + 2 * m
                       + (layers - 1) * (4 * m * (2 * m + 1) + 2 * m) + n * (m + 1);

  return total < (double) G_MAXINT64 ? (gsize) total : G_MAXSIZE;
}

static gboolean
read_weights (NamReader *reader, JsonPart root)
{
  JsonArray *array = json_file_get_array (reader->file, root, "weights");
  const gsize n = count_weights (reader);

  return array
         && (reader->values = json_file_read_tensor (
                 reader->file, json_file_find (root, "weights"), "weights", 1, &n));
}

/* Adds a tensor that begins at the next number. Rows of the tensor are @stride numbers apart, and
 * begin at the number @first of a row. */
static void
add_tensor (NamReader *reader, JsonObject *layer, const char *suffix, gsize rows, gsize columns,
    gsize first, gsize stride)
{
  const gsize shape[] = {rows, columns};
  float *to = g_new (float, rows *columns);

  for (gsize r = 0; r < rows; r++)
    memcpy (to + r * columns, reader->values + reader->at + r * stride + first,
        columns * sizeof (float));
  convert_model_add_tensor (reader->model, layer, suffix, 2, shape, to);
}

static void
add_vector (NamReader *reader, JsonObject *layer, const char *suffix, gsize n)
{
  convert_model_add_tensor (reader->model, layer, suffix, 1, &n,
      g_memdup2 (reader->values + reader->at, n * sizeof (float)));
  reader->at += n;
}

/* Adds the tensors of layer @k of the stack. */
static void
add_recurrent_tensors (NamReader *reader, JsonObject *layer, guint k)
{
  const gsize m = reader->hidden_size, in = k ? m : reader->input_size;
  g_autofree char *weight_ih = g_strdup_printf ("weight_ih_l%u", k),
                  *weight_hh = g_strdup_printf ("weight_hh_l%u", k),
                  *bias = g_strdup_printf ("bias_ih_l%u", k),
                  *initial_h = g_strdup_printf ("initial_h_l%u", k),
                  *initial_c = g_strdup_printf ("initial_c_l%u", k);

  add_tensor (reader, layer, weight_ih, 4 * m, in, 0, in + m);
  add_tensor (reader, layer, weight_hh, 4 * m, m, in, in + m);
  reader->at += 4 * m * (in + m);
  add_vector (reader, layer, bias, 4 * m);
  add_vector (reader, layer, initial_h, m);
  add_vector (reader, layer, initial_c, m);
}

static void
add_head (NamReader *reader)
{
  const gsize m = reader->hidden_size, n = reader->output_size;
  JsonObject *layer = convert_model_add_layer (reader->model, "dense", "head");

  add_tensor (reader, layer, "weight", n, m, 0, m);
  reader->at += n * m;
  add_vector (reader, layer, "bias", n);
}

static gboolean
convert_file (NamReader *reader)
{
  const JsonPart root = {reader->file->object, ""};
  JsonPart config = {NULL, "config"};
  JsonObject *layer;

  if (!check_architecture (reader->file, root) || !check_version (reader->file, root)
      || !(config.object = json_file_get_object (reader->file, root, "config"))
      || !read_config (reader, config) || !read_weights (reader, root))
    return FALSE;
  layer = convert_model_add_layer (reader->model, "lstm", "lstm");
  for (guint k = 0; k < reader->n_layers; k++)
    add_recurrent_tensors (reader, layer, k);
  add_head (reader);
  json_file_read_rate (root, "sample_rate", reader->model);
  return json_file_check_finite (reader->file, reader->model);
}

ConvertModel *
convert_read_nam (const ConvertInput *input, GError **error)
{
  g_autoptr (ConvertModel) model = convert_model_new ();
  g_auto (JsonFile) file = {0};
  NamReader reader = {.file = &file, .model = model};
  gboolean ok = json_file_open (&file, input) && convert_file (&reader);

  g_free (reader.values);
  if (ok)
    return g_steal_pointer (&model);
  g_propagate_error (error, g_steal_pointer (&file.error));
  return NULL;
}
