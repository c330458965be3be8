/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * State dicts of CoreAudioML, the training program of GuitarML: {"model_data": {"model":
 * "SimpleRNN", "input_size": d, "skip": 1, "output_size": n, "unit_type": "LSTM", "num_layers": 1,
 * "hidden_size": m, "bias_fl": true}, "state_dict": {"rec.weight_ih_l0": [[…]], …}}. The tensors
 * have the names and the layout of PyTorch: "rec" is an nn.LSTM, nn.GRU or nn.RNN, "lin" an
 * nn.Linear. */
#include "rtneural/rtneural.h"
#include "container/json.h"
#include "util/text.h"

typedef struct {
  const char *name; /* "unit_type" */
  const char *type; /* of a layer */
  gsize n_gates;
} Unit;

typedef struct {
  RtReader *reader;
  JsonPart tensors; /* "state_dict" */
  guint n_read;     /* tensors */
  const Unit *unit;
  gsize input_size, hidden_size, n_layers, output_size;
  gboolean skips, has_bias;
} StateDict;

static const Unit *
read_unit (JsonFile *file, JsonPart part)
{
  static const Unit units[] = {{"LSTM", "lstm", 4}, {"GRU", "gru", 3}, {"RNN", "rnn", 1}};
  const char *name = json_file_get_string (file, part, "unit_type");

  for (guint i = 0; name && i < G_N_ELEMENTS (units); i++)
    if (g_str_equal (units[i].name, name))
      return &units[i];
  json_file_fail_member (
      file, part, "unit_type", CONVERT_ERROR_UNSUPPORTED, "\"LSTM\", \"GRU\" or \"RNN\"");
  return NULL;
}

/* Reads "model_data". The defaults are those of the class SimpleRNN. */
static gboolean
read_model_data (StateDict *dict, JsonPart part)
{
  JsonFile *file = dict->reader->file;
  const char *model = json_file_get_string (file, part, "model");

  if (model && !g_str_equal (model, "SimpleRNN"))
    json_file_fail_member (file, part, "model", CONVERT_ERROR_UNSUPPORTED, "\"SimpleRNN\"");
  if (file->error || !(dict->unit = read_unit (file, part))
      || !json_file_read_count (file, part, "input_size", 1, &dict->input_size)
      || !json_file_read_count (file, part, "output_size", 1, &dict->output_size)
      || !json_file_read_count (file, part, "hidden_size", 0, &dict->hidden_size)
      || !json_file_read_count (file, part, "num_layers", 1, &dict->n_layers)
      || !json_file_read_flag (file, part, "skip", TRUE, &dict->skips)
      || !json_file_read_flag (file, part, "bias_fl", TRUE, &dict->has_bias))
    return FALSE;
  return !dict->skips || dict->output_size == 1
         || json_file_fail_member (file, part, "output_size", CONVERT_ERROR_UNSUPPORTED,
             "1 with a skip, which adds one feature of the input");
}

/* Adds the tensor PREFIX.SUFFIX of the file to @layer. */
static gboolean
add_tensor (StateDict *dict, JsonObject *layer, const char *prefix, const char *suffix,
    guint n_dims, const gsize *shape)
{
  g_autofree char *key = g_strconcat (prefix, ".", suffix, NULL);
  g_autofree char *field = g_strdup_printf ("state_dict[\"%s\"]", key);
  float *values = json_file_read_tensor (
      dict->reader->file, json_file_find (dict->tensors, key), field, n_dims, shape);

  if (values)
    convert_model_add_tensor (dict->reader->model, layer, suffix, n_dims, shape, values);
  dict->n_read++;
  return values != NULL;
}

/* Adds the tensors of layer @k of the stack. */
static gboolean
add_recurrent_tensors (StateDict *dict, JsonObject *layer, guint k)
{
  const gsize rows = dict->unit->n_gates * dict->hidden_size;
  const gsize input[] = {rows, k ? dict->hidden_size : dict->input_size};
  const gsize hidden[] = {rows, dict->hidden_size};
  const struct {
    const char *name;
    guint n_dims;
    const gsize *shape;
  } tensors[] = {{"weight_ih", 2, input}, {"weight_hh", 2, hidden}, {"bias_ih", 1, &rows},
      {"bias_hh", 1, &rows}};

  for (guint i = 0; i < G_N_ELEMENTS (tensors); i++) {
    g_autofree char *suffix = g_strdup_printf ("%s_l%u", tensors[i].name, k);

    if (!add_tensor (dict, layer, "rec", suffix, tensors[i].n_dims, tensors[i].shape))
      return FALSE;
  }
  return TRUE;
}

static gboolean
add_linear (StateDict *dict)
{
  const gsize shape[] = {dict->output_size, dict->hidden_size};
  JsonObject *layer = convert_model_add_layer (dict->reader->model, "dense", "lin");

  return add_tensor (dict, layer, "lin", "weight", 2, shape)
         && (!dict->has_bias || add_tensor (dict, layer, "lin", "bias", 1, shape));
}

/* Checks that the file has no other tensors, because they belong to a part that is not read. */
static gboolean
check_all_read (StateDict *dict)
{
  g_autoptr (GList) keys = NULL;
  g_autoptr (GString) names = g_string_new (NULL);

  if (json_object_get_size (dict->tensors.object) == dict->n_read)
    return TRUE;
  keys = json_object_get_members (dict->tensors.object);
  for (GList *l = keys; l; l = l->next)
    lstm_text_append_item (names, l->data);
  return json_file_fail (dict->reader->file, CONVERT_ERROR_UNSUPPORTED, "state_dict",
      "expected the %u tensors of \"rec\" and \"lin\", found %s", dict->n_read, names->str);
}

gboolean
rt_convert_state_dict (RtReader *reader)
{
  JsonFile *file = reader->file;
  const JsonPart root = {file->object, ""};
  const JsonPart data = {json_file_get_object (file, root, "model_data"), "model_data"};
  StateDict dict = {
      .reader = reader, .tensors = {json_file_get_object (file, root, "state_dict"), ""}};
  JsonObject *layer;

  if (!data.object || !dict.tensors.object || !read_model_data (&dict, data))
    return FALSE;
  layer = convert_model_add_layer (reader->model, dict.unit->type, "rec");
  for (guint k = 0; k < dict.n_layers; k++)
    if (!add_recurrent_tensors (&dict, layer, k))
      return FALSE;
  if (!add_linear (&dict) || !check_all_read (&dict))
    return FALSE;
  if (dict.skips)
    convert_model_add_layer (reader->model, "residual", NULL);
  return TRUE;
}
