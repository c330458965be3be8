/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the parts of lstm-convert know of each other. A reader turns a file's content into a
 * ConvertModel, layers from input to output in the words of docs/formats.md; one place writes that
 * as safetensors. */
#pragma once

#include <json-glib/json-glib.h>

#define CONVERT_ERROR (g_quark_from_static_string ("lstm-convert"))

typedef enum {
  CONVERT_ERROR_FILE,        /* cannot be read, is cut short or broken */
  CONVERT_ERROR_UNSUPPORTED, /* well-formed, but holds what liblstm cannot run */
} ConvertError;

typedef struct {
  const char *path; /* for messages */
  const guint8 *data;
  gsize size;
  const char *config; /* --config: a path, or NULL */
  const char *output; /* --output: the model's output to take, or NULL */
  const char *module_chain;   /* --module-chain: the chain of a state dict's modules, or NULL */
} ConvertInput;

typedef struct _ConvertModel ConvertModel;

ConvertModel *convert_model_new (void);
void convert_model_free (ConvertModel *model);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ConvertModel, convert_model_free)

/* Appends {"type": type, "name": a name made unique from @name, or none if NULL}.
 * Returns: (transfer none): the object, for further keys */
JsonObject *convert_model_add_layer (ConvertModel *model, const char *type, const char *name);

/* Takes layers as they are, instead of any that were added. */
void convert_model_set_layers (ConvertModel *model, JsonArray *layers);

/* A tensor NAME.suffix of @layer, row-major. @values: (transfer full) by g_free() */
void convert_model_add_tensor (ConvertModel *model, JsonObject *layer, const char *suffix,
    guint n_dims, const gsize *shape, float *values);

/* A line for people, of what is no layer. */
void convert_model_add_note (ConvertModel *model, const char *line);

/* The name of a tensor that has values not finite, or NULL */
const char *convert_model_find_infinite (const ConvertModel *model);

/* The safetensors file. */
GBytes *convert_model_to_bytes (const ConvertModel *model);

/* For people: a line per layer, with the shapes of its tensors, and the notes. */
char *convert_model_describe (const ConvertModel *model);

/* The readers of one format. Returns: (transfer full): a model, or NULL with @error, whose message
 * begins with the path and names layer or node, what was expected and what was found */
ConvertModel *convert_read_safetensors (const ConvertInput *input, GError **error);
ConvertModel *convert_read_keras (const ConvertInput *input, GError **error);
ConvertModel *convert_read_onnx (const ConvertInput *input, GError **error);

/* readers.c: reads a file of any format. @name: set to the format's */
ConvertModel *convert_read (const ConvertInput *input, const char **name, GError **error);
/* The formats that are included, for a message */
char *convert_list_formats (void);
/* The version, and which formats are included or why they are not: a line each */
char *convert_describe_build (void);
