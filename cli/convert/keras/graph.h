/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "keras/reader.h"

/* --- model.c --- */

/* Returns: (transfer none) (nullable): the configuration of the model of the file; NULL with an
 * error */
JsonObject *keras_get_root (KerasReader *reader);

/* Returns whether @name is a class of models. @name: (nullable) */
gboolean keras_is_model_class (const char *name);

/* Reads the layers of the model @object, and adds them to reader->layers and the model to
 * reader->models. @owner: (nullable): the layer that is the model.
 * Returns: (transfer none) (nullable): NULL with an error */
KerasModel *keras_read_layers (KerasReader *reader, JsonObject *object, KerasLayer *owner);

/* Adds the layer @node to reader->layers. @owner, @field: for messages.
 * Returns: (transfer none) (nullable): NULL with an error */
KerasLayer *keras_new_layer (
    KerasReader *reader, const KerasLayer *owner, JsonNode *node, const char *field);

/* Returns whether @layer is an operation on tensors, such as x + y, which Keras saves among the
 * layers. */
gboolean keras_is_operation (const KerasLayer *layer);

/* --- graph.c --- */

/* A reference to a tensor, which an input of a layer contains */
typedef struct {
  const char *layer;    /* that computes the tensor */
  gint64 node;          /* index of that layer's call */
  gint64 tensor;        /* index of that layer's output */
  const char *argument; /* that receives the tensor; NULL: the input */
} KerasRef;

/* The layers of a functional model */
typedef struct {
  KerasReader *reader;
  GHashTable *by_name; /* from keras_index_layers() */
} KerasGraph;

/* Reads the configuration, and fills reader->layers, reader->models and reader->chain. Afterwards
 * each layer of the chain has a supported class. */
gboolean keras_build_chain (KerasReader *reader);

/* Appends @layer, or the layers of the model that it is, to reader->chain. Returns FALSE with an
 * error if a class is not supported. */
gboolean keras_append_layer (KerasReader *reader, KerasLayer *layer);

/* Returns: (transfer full): the layers of @model by their names in the graph, not owned */
GHashTable *keras_index_layers (const KerasModel *model);

/* Appends a reference for each tensor that @node names to @refs, an array of KerasRef.
 * @argument: (nullable): that receives the tensors */
void keras_collect_refs (JsonNode *node, const char *argument, GArray *refs);

/* Returns: (transfer full): the tensors that @layer reads, an array of KerasRef */
GArray *keras_get_inputs (const KerasLayer *layer);

/* Returns whether @ref is the mask of a Masking layer, which the layer's own input implies. */
gboolean keras_is_implied_mask (const KerasGraph *graph, const KerasRef *ref);

/* Returns: (nullable): the layer of the output @wanted, or of the only output; NULL with an error.
 * @wanted: (nullable) */
KerasLayer *keras_choose_output (
    const KerasGraph *graph, JsonObject *config, const char *wanted);

/* Returns: (nullable): the last layer of a Sequential model, whose name is @wanted; NULL with an
 * error, or without layers. @wanted: (nullable) */
KerasLayer *keras_get_last_layer (
    KerasReader *reader, const KerasModel *model, const char *wanted);
