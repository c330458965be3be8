/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Writes an ONNX model. The builder owns copies of all names and values. */
#pragma once

#include <glib.h>

#include "onnx.pb-c.h"

typedef struct _OnnxBuilder OnnxBuilder;

/* @opset: of the domain ai.onnx */
OnnxBuilder *onnx_builder_new (gint64 opset, const char *graph_name);
void onnx_builder_free (OnnxBuilder *builder);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (OnnxBuilder, onnx_builder_free)

/* Adds the opset of another domain. */
void onnx_builder_add_opset (OnnxBuilder *builder, const char *domain, gint64 version);

/* Add the input or an output of the graph. @type: of TensorProto.DataType.
 * @shape: a size below 0 is unknown */
void onnx_builder_add_input (
    OnnxBuilder *builder, const char *name, gint32 type, guint n_dims, const gint64 *shape);
void onnx_builder_add_output (
    OnnxBuilder *builder, const char *name, gint32 type, guint n_dims, const gint64 *shape);

/* Adds a copy of @node, which belongs to another model. The copy has all fields of @node, also the
 * fields that this version of ONNX does not define.
 * Returns: (transfer none): the copy, whose inputs and outputs onnx_builder_set_string()
 * replaces */
Onnx__NodeProto *onnx_builder_copy_node (OnnxBuilder *builder, const Onnx__NodeProto *node);

/* Replaces *@place, a string of a node of @builder, by a copy of @text. */
void onnx_builder_set_string (OnnxBuilder *builder, char **place, const char *text);

/* Adds a node. @inputs, @outputs: NULL-terminated; "" omits an input.
 * Returns: (transfer none) */
Onnx__NodeProto *onnx_builder_add_node (OnnxBuilder *builder, const char *op_type,
    const char *name, const char *const *inputs, const char *const *outputs);

/* Set an attribute of @node, a node of @builder. The value replaces the previous value of @name. */
void onnx_builder_set_int (
    OnnxBuilder *builder, Onnx__NodeProto *node, const char *name, gint64 value);
void onnx_builder_set_float (
    OnnxBuilder *builder, Onnx__NodeProto *node, const char *name, float value);
void onnx_builder_set_text (
    OnnxBuilder *builder, Onnx__NodeProto *node, const char *name, const char *value);
void onnx_builder_set_ints (OnnxBuilder *builder, Onnx__NodeProto *node, const char *name,
    const gint64 *values, gsize n);

/* Add an initializer, row-major. A second initializer of one name replaces the first.
 * @n_dims: 0: a scalar. @tensor: belongs to another model; its name does not count */
void onnx_builder_add_floats (OnnxBuilder *builder, const char *name, guint n_dims,
    const gint64 *shape, const float *values);
void onnx_builder_add_ints (OnnxBuilder *builder, const char *name, guint n_dims,
    const gint64 *shape, const gint64 *values);
void onnx_builder_add_tensor (
    OnnxBuilder *builder, const char *name, const Onnx__TensorProto *tensor);

/* Adds an entry of metadata_props. */
void onnx_builder_add_metadata (OnnxBuilder *builder, const char *key, const char *value);

/* Returns: (transfer full): the model, serialized */
GBytes *onnx_builder_to_bytes (const OnnxBuilder *builder);
