/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Values of the names in an ONNX graph. Most names have a constant or a signal as their value. A
 * constant is known when the file is converted. A signal depends on the model's input. It
 * consists of the chain of stages (stage.h) that compute it, and of axes (axis.h), which describe
 * the layout of its numbers. The outputs of a node that cannot be converted are unsupported
 * values. They are an error only if the output of the model depends on them. */
#pragma once

#include "onnx/stage.h"

typedef enum {
  ONNX_VALUE_UNSUPPORTED,
  ONNX_VALUE_UNDECODED, /* an initializer that no node has read */
  ONNX_VALUE_TENSOR,    /* a constant */
  ONNX_VALUE_SIGNAL,
  ONNX_VALUE_CONCAT, /* signals that are concatenated along an axis */
  ONNX_VALUE_STEP,   /* features of the current step, in the body of a loop */
  ONNX_VALUE_STATE,  /* an initial state that is an input of the model */
} OnnxValueKind;

/* The part of a final state that a value consists of. _CELL: c, or h and c */
typedef enum {
  ONNX_STATE_PART_NONE,
  ONNX_STATE_PART_HIDDEN,
  ONNX_STATE_PART_CELL
} OnnxStatePart;

typedef struct _OnnxAffine OnnxAffine;
typedef struct _OnnxValue OnnxValue;
struct _OnnxValue {
  OnnxValueKind kind;
  OnnxStatePart state_part;
  const char *problem; /* UNSUPPORTED, CONCAT: the error if the output depends on the value */
  const Onnx__TensorProto *proto; /* of an initializer, or NULL */
  const OnnxTensor *tensor;       /* TENSOR */
  OnnxStage *stage;               /* SIGNAL: the last stage of the chain */
  const OnnxAffine *affine;       /* STEP */
  gboolean is_sorted;             /* SIGNAL: the sequences of the batch are sorted by length */
  guint n_axes;
  OnnxAxis axes[ONNX_MAX_DIMS]; /* (n_axes) */
  guint n_parts, concat_axis;   /* CONCAT */
  OnnxValue **parts;            /* (n_parts) */
};

OnnxValue *onnx_value_new (OnnxReader *reader, OnnxValueKind kind);
OnnxValue *onnx_value_copy (OnnxReader *reader, const OnnxValue *value);

/* Returns whether @value is not NULL and has the kind @kind. */
gboolean onnx_value_is (const OnnxValue *value, OnnxValueKind kind);

/* Returns a copy of @value without one axis, which must have size 1. */
OnnxValue *onnx_value_drop_axis (OnnxReader *reader, const OnnxValue *value, guint axis);

/* Returns a copy of @value with @n axes. The additional axes are the first axes and have size 1. */
OnnxValue *onnx_value_prepend_axes (OnnxReader *reader, const OnnxValue *value, guint n);

/* Describes @value for a message. @value: (nullable) */
const char *onnx_value_describe (OnnxReader *reader, const OnnxValue *value);
