/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The interface between the parts of lstm-convert. A reader parses a file into a ConvertModel,
 * which consists of the layers from input to output, as docs/formats.md describes them, and of
 * their tensors. model.c writes a ConvertModel as safetensors. */
#pragma once

#include "container/safetensors-writer.h"
#include <json-glib/json-glib.h>

#define CONVERT_ERROR (g_quark_from_static_string ("lstm-convert"))

typedef enum {
  CONVERT_ERROR_FILE,        /* the file cannot be read, is cut short or broken */
  CONVERT_ERROR_UNSUPPORTED, /* the file is well-formed, and liblstm cannot run the model */
} ConvertError;

typedef struct {
  const char *path; /* for messages */
  LstmContent *content;
  const guint8 *data; /* all bytes of the content; NULL in a reader that reads on demand */
  gsize size;         /* bytes */
  const char *config; /* --config: a path; nullable */
  const char *output; /* --output: the name of the output to convert; nullable */
  const char *module_chain; /* --module-chain: the modules of a PyTorch model; nullable */
  guint steps;              /* --steps: T of a window of a video model; 0: not stated */
  guint frame_size[2];      /* --size: height and width of a frame; 0: not stated */
  const char *axes;         /* --axes: the axes of the input of a video model; nullable */
} ConvertInput;

typedef struct _ConvertModel ConvertModel;

ConvertModel *convert_model_new (void);
void convert_model_free (ConvertModel *model);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ConvertModel, convert_model_free)

/* Appends {"type": @type, "name": @name}. A number makes the name unique. @name: (nullable): no
 * name.
 * Returns: (transfer none): the object, to which the caller adds the other keys */
JsonObject *convert_model_add_layer (ConvertModel *model, const char *type, const char *name);

/* Replaces the layers of @model by @layers. */
void convert_model_set_layers (ConvertModel *model, JsonArray *layers);

/* Adds the tensor NAME.@suffix of @layer. @values: (transfer full): row-major; freed with
 * g_free() */
void convert_model_add_tensor (ConvertModel *model, JsonObject *layer, const char *suffix,
    guint n_dims, const gsize *shape, float *values);

/* Adds a tensor like convert_model_add_tensor(). Its values are those of @parts, which stay in their
 * files. @parts: (transfer none) */
void convert_model_add_stored_tensor (ConvertModel *model, JsonObject *layer,
    const char *suffix, guint n_dims, const gsize *shape, const LstmTensorPart *parts,
    guint n_parts);

/* Sets the number of steps per second, such as the sample rate of the audio that trained the model
 * of an amplifier; above 0, at most LSTM_MAX_RATE. */
void convert_model_set_rate (ConvertModel *model, double rate);

/* Adds a line to the description of @model. */
void convert_model_add_note (ConvertModel *model, const char *line);

/* Returns: (nullable): the name of a tensor that contains infinity or NaN */
const char *convert_model_find_infinite (const ConvertModel *model);

/* Returns: (nullable) (transfer none): the name of the activation of the last layer; NULL if that
 * layer has none */
const char *convert_model_find_activation (const ConvertModel *model);

/* Writes @model as a safetensors file. @begin: called once before the first call of @write, with the
 * size of the file; nullable. Returns FALSE with @error. */
gboolean convert_model_write (const ConvertModel *model,
    gboolean (*begin) (gpointer target, gsize size, GError **error), LstmWrite write,
    gpointer target, GError **error);

/* Returns: (transfer full) (nullable): @model as a safetensors file; NULL if a file that contains
 * values cannot be read */
GBytes *convert_model_to_bytes (const ConvertModel *model);

/* Describes @model for the user: a line for each layer, with the shapes of its tensors, then the
 * notes.
 * Returns: (transfer full) */
char *convert_model_describe (const ConvertModel *model);

/* --- The readers, one for each row in cli/meson.build --- */

/* Read a file. Return: (transfer full): NULL with @error, whose message begins with the path and
 * states the layer or node, the field, what was expected and what was found */
ConvertModel *convert_read_safetensors (const ConvertInput *input, GError **error);
ConvertModel *convert_read_keras (const ConvertInput *input, GError **error);
ConvertModel *convert_read_pytorch (const ConvertInput *input, GError **error);
ConvertModel *convert_read_onnx (const ConvertInput *input, GError **error);
ConvertModel *convert_read_rtneural (const ConvertInput *input, GError **error);
ConvertModel *convert_read_nam (const ConvertInput *input, GError **error);

/* --- readers.c --- */

/* Reads a file of any format. @format_name: set to the name of the format, for messages.
 * Returns: (transfer full): NULL with @error */
ConvertModel *convert_read_model (
    const ConvertInput *input, const char **format_name, GError **error);

/* Returns: (transfer full): the names of the readers in this build, separated by commas */
char *convert_list_readers (void);

/* Returns: (transfer full): the version, then a line for each reader: "included" or the reason why
 * the reader is left out */
char *convert_describe_build (void);
