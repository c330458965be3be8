/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Copies constants and nodes into a new model. */
#pragma once

#include "split/builder.h"
#include "split/onnx/graph.h"

#define SPLIT_MAX_IR_VERSION 10

typedef struct {
  Splitter *splitter;
  OnnxBuilder *builder;
  GHashTable *values;  /* SplitValue that the new model has or needs */
  GHashTable *nodes;   /* SplitNode that the new model needs */
  GPtrArray *stack;    /* SplitValue whose nodes are not yet followed */
  GHashTable *renamed; /* name to another name: names that the new model uses itself */
  guint n_names;       /* numbers in new names */
  const char *problem; /* the first problem, or NULL */
} SplitEmitter;

/* @reserved: a NULL-terminated list of names that the new model uses itself */
void onnx_split_emitter_init (
    SplitEmitter *emitter, Splitter *splitter, const char *graph, const char *const *reserved);
void onnx_split_emitter_clear (SplitEmitter *emitter);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (SplitEmitter, onnx_split_emitter_clear)

/* Returns a name of the form @base that no value has. */
const char *onnx_split_new_name (SplitEmitter *emitter, const char *base, const char *suffix);

/* Returns the name of @value in the new model. */
const char *onnx_split_get_name (const SplitEmitter *emitter, const SplitValue *value);

/* Sets emitter->problem, unless it is set. */
void onnx_split_set_problem (SplitEmitter *emitter, const char *format, ...)
    G_GNUC_PRINTF (2, 3);

/* Adds @value to the values that the new model needs, and a constant to the model. */
void onnx_split_need (SplitEmitter *emitter, SplitValue *value);

/* Adds a constant list of integers with a new name. Returns: the name */
const char *onnx_split_add_list (
    SplitEmitter *emitter, const char *base, const char *suffix, guint n, const gint64 *ints);

/* Adds a copy of @node with the names of the new model. A constant of which one row suffices is
 * reduced. Returns: (transfer none): the copy */
Onnx__NodeProto *onnx_split_copy_node (SplitEmitter *emitter, const SplitNode *node);
