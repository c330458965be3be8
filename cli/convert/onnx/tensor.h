/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Constants of an ONNX graph: row-major tensors of real numbers or of integers. */
#pragma once

#include "container/safetensors-writer.h"
#include "onnx/axis.h"

/* Indices of the sequences of a batch, in batch-order.h */
typedef enum {
  ONNX_BATCH_ORDER_NONE,
  ONNX_BATCH_ORDER_RANGE,   /* from 0 to the size of the batch */
  ONNX_BATCH_ORDER_SORTED,  /* sort the sequences by length */
  ONNX_BATCH_ORDER_RESTORED /* restore the order of a sorted batch */
} OnnxBatchOrder;

typedef struct {
  gboolean is_int;
  gint32 data_type;     /* in the file, or 0 of a tensor that is computed */
  gboolean is_repeated; /* along axes of unknown size, which have size 1 in shape */
  OnnxBatchOrder order;
  guint n_dims;
  gsize shape[ONNX_MAX_DIMS];   /* (n_dims) */
  gsize n_values;               /* the product of shape */
  float *reals;                 /* (n_values), unless is_int or stored */
  OnnxInt *ints;                /* (n_values), if is_int */
  const LstmTensorPart *stored; /* real numbers that stay in a file; see onnx_open_tensor() */
} OnnxTensor;

/* The following functions return NULL if the tensor does not fit in the memory of @reader. */

/* Returns a tensor of zeros. */
OnnxTensor *onnx_tensor_new (
    OnnxReader *reader, gboolean is_int, guint n_dims, const gsize *shape);

/* Returns a tensor of one axis. */
OnnxTensor *onnx_tensor_from_ints (OnnxReader *reader, const gint64 *values, gsize n);
OnnxTensor *onnx_tensor_from_reals (OnnxReader *reader, const float *values, gsize n);

/* Returns a tensor of another shape and the same size that shares the values of @tensor. */
OnnxTensor *onnx_tensor_alias (
    OnnxReader *reader, const OnnxTensor *tensor, guint n_dims, const gsize *shape);

/* Returns a copy whose value at index k is value start + strides · k of @tensor. */
OnnxTensor *onnx_tensor_view (OnnxReader *reader, const OnnxTensor *tensor, guint n_dims,
    const gsize *shape, gsize start, const gssize *strides);

/* Copies @n values of @tensor from index @from on to index @to of @result. */
void onnx_tensor_copy_values (
    OnnxTensor *result, gsize to, const OnnxTensor *tensor, gsize from, gsize n);

/* Counts the values of @shape. Returns FALSE if their size in bytes would overflow. */
gboolean onnx_count_values (guint n_dims, const gsize *shape, gsize *n);
void onnx_tensor_get_strides (const OnnxTensor *tensor, gssize *strides);
const char *onnx_tensor_describe_shape (OnnxReader *reader, const OnnxTensor *tensor);

/* Describes @tensor for a message: type and values of a short list, otherwise type and shape. */
const char *onnx_tensor_describe (OnnxReader *reader, const OnnxTensor *tensor);
