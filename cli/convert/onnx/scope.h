/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The names that are visible in a graph: the names of the graph and of the graphs around it. */
#pragma once

#include "onnx/node.h"

struct _OnnxScope {
  const OnnxScope *parent; /* nullable */
  GHashTable *values;      /* name to OnnxValue */
  guint depth;
};

/* Returns the value of @name, or an unsupported value if the scope has no such name. Decodes an
 * initializer when it is found for the first time. */
OnnxValue *onnx_scope_find (OnnxReader *reader, const OnnxScope *scope, const char *name);

/* Returns the value of @name like onnx_scope_find(), and leaves the values of a large initializer in
 * the file; see onnx_open_tensor(). */
OnnxValue *onnx_scope_open (OnnxReader *reader, const OnnxScope *scope, const char *name);

/* Adds the initializers of @graph. Returns: (nullable): a name that two initializers have, or
 * NULL */
const char *onnx_scope_add_initializers (
    OnnxReader *reader, OnnxScope *scope, const Onnx__GraphProto *graph);
