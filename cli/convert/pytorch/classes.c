/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The classes of torch.nn that liblstm runs. */
#include "pytorch/classes.h"
#include "load/pytorch/torch-activations.h"
#include "pytorch/attributes.h"
#include "pytorch/script.h"
#include <math.h>
#include <string.h>

/* A module whose record is made */
typedef struct {
  const TorchFile *file;
  const PickleValue *module;
  JsonObject *layer;
  int dim;
} Module;

/* Reads a number. Returns FALSE if the file does not show @name. */
static gboolean
get_number (const Module *module, const char *name, double *number)
{
  g_autofree char *text = torch_module_get_attribute (module->file, module->module, name);
  char *end;

  if (!text)
    return FALSE;
  *number = g_ascii_strtod (text, &end);
  return end > text && !*end && isfinite (*number);
}

static gboolean
has_number (const Module *module, const char *name, double expected)
{
  double number;

  return get_number (module, name, &number) && fabs (number - expected) < 1e-12;
}

/* @argument: of a class in the table below; nullable */
static gboolean
set_type (Module *module, const char *type)
{
  json_object_set_string_member (module->layer, "type", type);
  return TRUE;
}

static gboolean
describe_rnn (Module *module, const char *attribute)
{
  g_autofree char *text = torch_module_get_attribute (module->file, module->module, attribute);
  const char *nonlinearity = !text ? NULL
                             : g_ascii_strcasecmp (text, "tanh") == 0
                                     || g_str_equal (text, "RNN_TANH")
                                 ? "tanh"
                             : g_ascii_strcasecmp (text, "relu") == 0
                                     || g_str_equal (text, "RNN_RELU")
                                 ? "relu"
                                 : NULL;
  JsonArray *activations;

  if (!nonlinearity)
    return FALSE;
  activations = json_array_new ();
  json_array_add_string_element (activations, nonlinearity);
  json_object_set_array_member (module->layer, "activations", activations);
  return set_type (module, "rnn");
}

static gboolean
set_epsilon (Module *module)
{
  double epsilon;

  if (!get_number (module, "eps", &epsilon) || epsilon < 0)
    return FALSE;
  json_object_set_double_member (module->layer, "epsilon", epsilon);
  return TRUE;
}

/* The shape must have one axis. TorchScript does not always show the shape; the reader of the
 * tensors then checks that of the weight. */
static gboolean
describe_layer_norm (Module *module, const char *argument)
{
  const PickleValue *state = module->module->state;
  const PickleValue *shape = pickle_get (state, "normalized_shape");
  const PickleValue *weight = pickle_get (
      module->file->is_script ? state : pickle_get (state, "_parameters"), "weight");

  return (shape ? pickle_count (shape) == 1 : weight && weight->kind != PICKLE_NONE)
         && set_epsilon (module) && set_type (module, "layer_normalization");
}

/* nn.BatchNorm1d uses the mean of the batch without running_mean, and if it was traced in training
 * mode. */
static gboolean
describe_batch_norm (Module *module, const char *argument)
{
  const PickleValue *state = module->module->state;
  const PickleValue *mean = pickle_get (
      module->file->is_script ? state : pickle_get (state, "_buffers"), "running_mean");
  g_autofree char *traced = torch_module_get_attribute (
      module->file, module->module, TORCH_SCRIPT_TRACED_TRAINING);

  return g_strcmp0 (traced, "True") != 0 && mean && mean->kind != PICKLE_NONE
         && set_epsilon (module) && set_type (module, "batch_normalization");
}

/* --- Activations --- */

/* @keyword: as in a module chain */
static gboolean
set_activation (Module *module, const char *keyword)
{
  JsonNode *node = lstm_torch_activation_parse (keyword);

  if (!node)
    return FALSE;
  json_object_set_member (module->layer, "activation", node);
  return set_type (module, "activation");
}

/* Sets the activation @keyword with the attribute @name as its argument. */
static gboolean
set_activation_of (Module *module, const char *keyword, const char *name)
{
  char number[G_ASCII_DTOSTR_BUF_SIZE];
  g_autofree char *text = NULL;
  double argument;

  if (!get_number (module, name, &argument))
    return FALSE;
  text = g_strdup_printf ("%s(%s)", keyword, g_ascii_dtostr (number, sizeof number, argument));
  return set_activation (module, text);
}

static gboolean
describe_leaky_relu (Module *module, const char *keyword)
{
  return set_activation_of (module, keyword, "negative_slope");
}

static gboolean
describe_elu (Module *module, const char *keyword)
{
  return set_activation_of (module, keyword, "alpha");
}

static gboolean
describe_celu (Module *module, const char *keyword)
{
  return has_number (module, "alpha", 1) && set_activation (module, keyword);
}

static gboolean
describe_softplus (Module *module, const char *keyword)
{
  return has_number (module, "beta", 1) && has_number (module, "threshold", 20)
         && set_activation (module, keyword);
}

static gboolean
describe_hard_tanh (Module *module, const char *keyword)
{
  if (has_number (module, "min_val", 0) && has_number (module, "max_val", 6))
    return set_activation (module, "relu6");
  return has_number (module, "min_val", -1) && has_number (module, "max_val", 1)
         && set_activation (module, keyword);
}

/* PyTorch before 1.12 has only the exact function. */
static gboolean
describe_gelu (Module *module, const char *keyword)
{
  g_autofree char *text = torch_module_get_attribute (
      module->file, module->module, "approximate");

  return (text || !module->file->is_script)
         && set_activation (module, g_strcmp0 (text, "tanh") == 0 ? "gelu_tanh" : keyword);
}

static gboolean
describe_softmax (Module *module, const char *keyword)
{
  g_autofree char *text = torch_module_get_attribute (module->file, module->module, "dim");
  double dim;

  if (g_strcmp0 (text, "None") == 0)
    module->dim = LSTM_RECORD_NO_DIM;
  else if (get_number (module, "dim", &dim) && fabs (dim) < 8)
    module->dim = (int) dim;
  else
    return FALSE;
  return set_activation (module, keyword);
}

/* @argument: of describe */
static const struct {
  const char *name; /* in torch.nn */
  LstmRecordKind kind;
  gboolean (*describe) (Module *module, const char *argument); /* NULL: there is no layer */
  const char *argument;
} classes[] = {
    {"LSTM", LSTM_RECORD_LAYER, set_type, "lstm"},
    {"LSTMCell", LSTM_RECORD_LAYER, set_type, "lstm"},
    {"GRU", LSTM_RECORD_LAYER, set_type, "gru"},
    {"GRUCell", LSTM_RECORD_LAYER, set_type, "gru"},
    {"RNN", LSTM_RECORD_LAYER, describe_rnn, "mode"},
    {"RNNCell", LSTM_RECORD_LAYER, describe_rnn, "nonlinearity"},
    {"Linear", LSTM_RECORD_LAYER, set_type, "dense"},
    {"LayerNorm", LSTM_RECORD_LAYER, describe_layer_norm, NULL},
    {"BatchNorm1d", LSTM_RECORD_LAYER, describe_batch_norm, NULL},
    {"Sequential", LSTM_RECORD_SEQUENCE, NULL, NULL},
    {"ModuleList", LSTM_RECORD_CUSTOM, NULL, NULL},
    {"ModuleDict", LSTM_RECORD_CUSTOM, NULL, NULL},
    {"ReLU", LSTM_RECORD_ACTIVATION, set_activation, "relu"},
    {"ReLU6", LSTM_RECORD_ACTIVATION, set_activation, "relu6"},
    {"LeakyReLU", LSTM_RECORD_ACTIVATION, describe_leaky_relu, "leaky_relu"},
    {"ELU", LSTM_RECORD_ACTIVATION, describe_elu, "elu"},
    {"CELU", LSTM_RECORD_ACTIVATION, describe_celu, "celu"},
    {"SELU", LSTM_RECORD_ACTIVATION, set_activation, "selu"},
    {"GELU", LSTM_RECORD_ACTIVATION, describe_gelu, "gelu"},
    {"SiLU", LSTM_RECORD_ACTIVATION, set_activation, "silu"},
    {"Mish", LSTM_RECORD_ACTIVATION, set_activation, "mish"},
    {"Sigmoid", LSTM_RECORD_ACTIVATION, set_activation, "sigmoid"},
    {"Tanh", LSTM_RECORD_ACTIVATION, set_activation, "tanh"},
    {"Hardtanh", LSTM_RECORD_ACTIVATION, describe_hard_tanh, "hard_tanh"},
    {"Hardsigmoid", LSTM_RECORD_ACTIVATION, set_activation, "hard_sigmoid"},
    {"Hardswish", LSTM_RECORD_ACTIVATION, set_activation, "hardswish"},
    {"Softplus", LSTM_RECORD_ACTIVATION, describe_softplus, "softplus"},
    {"Softsign", LSTM_RECORD_ACTIVATION, set_activation, "softsign"},
    {"Softmax", LSTM_RECORD_ACTIVATION, describe_softmax, "softmax"},
    {"LogSoftmax", LSTM_RECORD_ACTIVATION, describe_softmax, "log_softmax"},
    {"Dropout", LSTM_RECORD_NOTHING, NULL, NULL},
    {"Dropout1d", LSTM_RECORD_NOTHING, NULL, NULL},
    {"Dropout2d", LSTM_RECORD_NOTHING, NULL, NULL},
    {"AlphaDropout", LSTM_RECORD_NOTHING, NULL, NULL},
    {"FeatureAlphaDropout", LSTM_RECORD_NOTHING, NULL, NULL},
    {"Identity", LSTM_RECORD_NOTHING, NULL, NULL},
};

LstmModuleRecord *
torch_class_make_record (
    const TorchFile *file, const PickleValue *module, const char *class_name, const char *name)
{
  const char *short_name = strrchr (class_name, '.') + 1;
  g_autofree char *shown = g_strconcat ("nn.", short_name, NULL), *problem = NULL;
  g_autoptr (JsonObject) layer = json_object_new ();
  Module made = {file, module, layer, -1};
  guint i = 0;

  while (i < G_N_ELEMENTS (classes) && !g_str_equal (classes[i].name, short_name))
    i++;
  if (i < G_N_ELEMENTS (classes)
      && (!classes[i].describe || classes[i].describe (&made, classes[i].argument))) {
    LstmModuleRecord *record = lstm_module_record_new (
        classes[i].kind, name, shown, classes[i].describe ? json_object_ref (layer) : NULL);

    record->dim = made.dim;
    return record;
  }
  problem = i < G_N_ELEMENTS (classes) ? g_strconcat (shown,
                " with arguments that liblstm cannot run, or that the file does "
                "not show",
                NULL)
                                       : g_strdup (shown);
  return lstm_module_record_new (LSTM_RECORD_UNSUPPORTED, name, problem, NULL);
}
