/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Tensors as an ONNX file stores them. */
#pragma once

#include "onnx/tensor.h"

/* Finds whether the numbers of an ONNX data type are integers.
 * Returns FALSE if @data_type is not a type of numbers. */
gboolean onnx_find_data_type (gint64 data_type, gboolean *is_int);

/* Returns the size in bytes of a number of an ONNX data type, or 0 if @data_type is not a type of
 * numbers. */
guint onnx_get_type_size (gint64 data_type);

/* Returns: (nullable): the tensor, or NULL with *problem, "FIELD: expected X, found Y" */
OnnxTensor *onnx_decode_tensor (
    OnnxReader *reader, const Onnx__TensorProto *proto, const char **problem);

/* Opens a float32 tensor whose values stay in the file: result->stored is set. Only the weights of
 * recurrent nodes are read in this way.
 * Returns: (nullable): NULL if the tensor has another type, few values or a problem, which
 * onnx_decode_tensor() reports */
OnnxTensor *onnx_open_tensor (OnnxReader *reader, const Onnx__TensorProto *proto);
