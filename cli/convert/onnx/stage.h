/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Stages: the operations that compute a signal from the model's input. The parent of a stage
 * computes the input of the stage. Several signals may share a stage. */
#pragma once

#include "onnx/recurrence.h"
#include "onnx/tensor.h"

typedef struct {
  const char *name; /* in lstm.layers, or NULL */
  gboolean has_alpha, has_beta;
  gboolean is_explicit; /* whether lstm.layers states alpha even if alpha is the default */
  float alpha, beta;
} OnnxActivation;

/* One direction of a recurrent node, in the layouts of PyTorch, with g gates */
typedef struct {
  const OnnxRecurrence *recurrence;
  gsize d, m;
  float *weight_ih, *weight_hh; /* (g m, d), (g m, m); NULL: the values stay in a file */
  LstmTensorPart *stored_ih, *stored_hh; /* (g): a gate each; NULL: the values are in memory */
  float *bias_ih, *bias_hh;              /* (g m), nullable */
  float *peephole;                       /* (3 m), nullable */
  float *h, *c;                          /* (m), nullable */
  OnnxActivation activations[ONNX_MAX_FUNCTIONS];
  float clip; /* 0: no clip */
  gboolean input_forget;
  gboolean resets_before; /* GRU: r multiplies h before the matrix product, not the product */
} OnnxCell;

typedef enum {
  ONNX_STAGE_INPUT,
  ONNX_STAGE_RECURRENT,
  ONNX_STAGE_DENSE,
  ONNX_STAGE_AFFINE,
  ONNX_STAGE_ACTIVATION,
  ONNX_STAGE_LAYER_NORM,
  ONNX_STAGE_SELECT,     /* one step of a sequence */
  ONNX_STAGE_FLIP,       /* reverses time */
  ONNX_STAGE_REPEAT,     /* repeats one step */
  ONNX_STAGE_POOL,       /* reduces all steps to one */
  ONNX_STAGE_MASKING,    /* multiplies the features by their mask, and masks the steps */
  ONNX_STAGE_COMPARISON, /* an intermediate result of a mask */
  ONNX_STAGE_MOMENT,     /* an intermediate result of a layer normalization in several nodes */
  ONNX_N_STAGES
} OnnxStageKind;

/* The steps of a sequence that a signal consists of */
typedef enum {
  ONNX_SELECT_ALL,
  ONNX_SELECT_OWN_LAST, /* for each direction the step that it processes last */
  ONNX_SELECT_LAST,     /* the last step in time */
  ONNX_SELECT_FIRST,    /* the first step in time */
  ONNX_SELECT_STEP,     /* another step */
} OnnxSelection;

/* The intermediate results of a layer normalization of x. The parent of their stages computes x. */
typedef enum {
  ONNX_MOMENT_NONE,
  ONNX_MOMENT_MEAN,
  ONNX_MOMENT_CENTRED, /* x − mean */
  ONNX_MOMENT_SQUARED, /* (x − mean)² */
  ONNX_MOMENT_VARIANCE,
  ONNX_MOMENT_VARIANCE_EPSILON, /* variance + epsilon */
  ONNX_MOMENT_DEVIATION,        /* √(variance + epsilon) */
  ONNX_MOMENT_INVERSE_DEVIATION,
  ONNX_MOMENT_NEGATIVE_MEAN,
  ONNX_MOMENT_FACTOR,      /* gamma / deviation */
  ONNX_MOMENT_SCALED,      /* x · factor */
  ONNX_MOMENT_SCALED_MEAN, /* mean · factor */
  ONNX_MOMENT_SHIFT,       /* beta − mean · factor */
} OnnxMoment;

/* The intermediate results of a mask. The parent of their stages computes x, and the operand is the
 * constant. */
typedef enum {
  ONNX_COMPARISON_NONE,
  ONNX_COMPARISON_EQUAL,     /* features that equal the constant */
  ONNX_COMPARISON_NOT_EQUAL, /* features that do not */
  ONNX_COMPARISON_COUNT,     /* their number */
  ONNX_COMPARISON_ANY,       /* the mask: steps with such a feature */
  ONNX_COMPARISON_LARGE,     /* features at which softplus (x) = x in float32 */
} OnnxComparison;

typedef struct _OnnxStage OnnxStage;
struct _OnnxStage {
  OnnxStageKind kind;
  const OnnxStage *parent;
  const char *name;      /* of the layer that the stage becomes */
  const char *label;     /* for messages: node "NAME" (Op) */
  gboolean has_features; /* FALSE while the axis of the features is unknown */
  OnnxAxis features;     /* the factors of a step's feature vector, in order */

  const OnnxCell *cells[2];   /* RECURRENT: forward, reverse; one may be NULL */
  OnnxSelection selection;    /* RECURRENT, SELECT */
  gsize step;                 /* SELECT: of ONNX_SELECT_STEP */
  OnnxAxis time;              /* RECURRENT, SELECT of one step: the time of all steps */
  const OnnxStage *all_steps; /* RECURRENT of one step: the stage of all steps, or NULL */
  gboolean selects_by_length; /* RECURRENT, SELECT: the step at length − 1 */
  gboolean is_masked; /* RECURRENT: Y is 0 after the end of a sequence, by an input's lengths */
  const char *merge;  /* RECURRENT with two cells: "sum", "mul", or NULL to concatenate */
  const OnnxTensor *weight;  /* DENSE: (n, d) */
  const OnnxTensor *bias;    /* DENSE: (n); LAYER_NORM, MOMENT: beta (d); nullable */
  gboolean is_unscaled;      /* DENSE: a factor that follows becomes a part of the weights */
  const OnnxTensor *scale;   /* LAYER_NORM, MOMENT: gamma (d); nullable */
  char arithmetic;           /* AFFINE: one of - * / + */
  const OnnxTensor *operand; /* AFFINE: (1) or (d); COMPARISON, MASKING: (1) */
  OnnxActivation activation; /* ACTIVATION */
  OnnxMoment moment;         /* MOMENT */
  const OnnxStage *factor;   /* MOMENT: the FACTOR or INVERSE_DEVIATION of a product */
  OnnxComparison comparison; /* COMPARISON */
  const OnnxStage *mask;     /* RECURRENT: the COMPARISON that masks its steps, or NULL */
  double epsilon;            /* LAYER_NORM, MOMENT */
  gsize n_repeats;           /* REPEAT */
  const char *pooling;       /* POOL: "mean", "max" or "sum" */
  OnnxInt n_pooled;          /* POOL: the number of steps */
  gboolean counts_masked;    /* POOL: masked steps count */
};

/* Returns the first stage of a chain, with unknown features. @label: name of the stage in
 * messages */
OnnxStage *onnx_stage_new_input (OnnxReader *reader, const char *label);
OnnxStage *onnx_stage_copy (OnnxReader *reader, const OnnxStage *stage);

/* Returns whether @axis consists of the features of @stage in order. If the features of the chain
 * are unknown, @axis becomes the features of the chain. */
gboolean onnx_stage_bind_features (OnnxReader *reader, OnnxStage *stage, const OnnxAxis *axis);

/* Returns whether @stage is a recurrent layer of two directions. */
gboolean onnx_stage_has_both_directions (const OnnxStage *stage);
