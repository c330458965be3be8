/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The graph of a video model while it is cut: a value for each name, and a node for each node of
 * the file. The reader's memory owns values and nodes. */
#pragma once

#include "onnx/scope.h"
#include "split/onnx/dims.h"
#include "split/split.h"

typedef enum {
  SPLIT_CONSTANT, /* depends on initializers and on shapes alone */
  SPLIT_CLIP,     /* depends on frames */
  SPLIT_LATER,    /* depends on a recurrence, or on another input of the model */
  SPLIT_REFUSED,  /* depends on frames in a way that the features cannot compute */
} SplitKind;

typedef struct _SplitNode SplitNode;
typedef struct _SplitOp SplitOp;

typedef struct _SplitValue SplitValue;
struct _SplitValue {
  SplitKind kind;
  const char *name;      /* unique among the values */
  gint32 type;           /* of TensorProto.DataType; 0 if unknown */
  const SplitDims *dims; /* CLIP, CONSTANT; NULL of a constant whose shape is unknown */
  gint step;             /* CLIP: the frame, if time is unrolled; -1: all frames */
  OnnxValue
      *constant; /* CONSTANT: a tensor, an initializer that is not decoded, or unsupported */
  gboolean is_from_shape;     /* CONSTANT: depends on the shape of a clip */
  const char *problem;        /* REFUSED, and CONSTANT of unknown shape or numbers */
  const SplitNode *node;      /* that computes the value; NULL of initializers and inputs */
  guint output;               /* of @node */
  const char *memory_problem; /* CLIP: why only the memory can compute the value; else NULL */
  gboolean is_joined; /* output of a Concat of T equal branches; the features compute input 0 */
  const guint8 *key;  /* of onnx_split_get_key(); NULL: not computed */
  /* (n_steps): the frames that ScatterND writes along parts_axis, NULL for other frames;
   * nullable */
  SplitValue **parts;
  guint parts_axis;
};

struct _SplitNode {
  OnnxNode base;     /* base.inputs: the constants */
  const SplitOp *op; /* NULL: the table has no such operator */
  gint step;         /* of the inputs that depend on frames */
  gboolean is_recurrent;
  gboolean is_clip;           /* an input depends on frames */
  gboolean is_from_shape;     /* an input depends on the shape of a clip */
  const char *memory_problem; /* of the outputs */
  SplitValue **inputs;        /* (base.n_inputs), NULL for an omitted input */
  SplitValue **outputs;       /* (base.n_outputs), NULL for an omitted output */
  GPtrArray *captured;        /* SplitValue that graphs within the node read; nullable */
  const guint8 *key; /* of onnx_split_get_node_key() with all inputs; NULL: not computed */
  guint32
      *uniform_axes; /* (base.n_inputs): axes of a constant that are reduced to the first row */
};

/* The names that are visible in a graph */
typedef struct _SplitScope SplitScope;
struct _SplitScope {
  const SplitScope *parent; /* nullable */
  GHashTable *values;       /* name in the graph to SplitValue */
  const char *prefix;       /* of names that exist in another graph already */
  guint depth;
};

typedef struct {
  OnnxReader reader;
  OnnxValue *unknown;  /* input of a node whose numbers are unknown */
  GPtrArray *captured; /* of the nodes, to free them */
  SplitScope top;
  SplitScope *scope; /* of the graph that is being read */
  GHashTable *names; /* name to SplitValue, of all graphs */
  GPtrArray *nodes;  /* SplitNode, in the order in which they run */
  SplitValue *clip;  /* the input of frames */
  const Onnx__ValueInfoProto *clip_info;
  gint batch_axis;   /* of the clip; -1: none */
  gint time_axis;    /* of the clip */
  gboolean is_inner; /* the time axis has the channels of each frame as well */
  gint64 n_batch, n_steps;
  gboolean is_channels_first;      /* of a frame */
  gsize n_channels, height, width; /* of a frame */
  gboolean has_colours;            /* an axis of a frame has 1 or 3 values */
  const SplitNode *recurrent;      /* the first recurrent node that depends on frames */
  SplitValue *cut;                 /* the features of all frames */
  GHashTable *memory_nodes;        /* SplitNode between the cut and the recurrent nodes */
  gboolean is_time_first;          /* of the cut */
  gint64 n_features;
} Splitter;

/* Returns: (nullable): the value of @name in the graph that is being read */
SplitValue *onnx_split_find (const Splitter *splitter, const char *name);

/* Returns: (nullable): the value of @name in @scope */
SplitValue *onnx_split_find_in (const SplitScope *scope, const char *name);

/* Returns: (nullable): the value with the unique name @name, also in another graph */
SplitValue *onnx_split_find_unique (const Splitter *splitter, const char *name);

/* Adds a value to the graph that is being read.
 * Returns: (nullable): NULL if memory is insufficient */
SplitValue *onnx_split_add_value (Splitter *splitter, SplitKind kind, const char *name);

/* Sets dimensions and type of a constant. @proto, in memory of the file, has its numbers. */
void onnx_split_set_initializer (
    Splitter *splitter, SplitValue *value, const Onnx__TensorProto *proto);

/* Returns: (nullable): a copy of @dims that is freed with @splitter */
const SplitDims *onnx_split_keep_dims (Splitter *splitter, const SplitDims *dims);

/* Returns: (nullable): input @i of @node, or NULL if it is omitted */
SplitValue *onnx_split_get_input (const SplitNode *node, guint i);

/* Returns: (nullable): the dimensions of input @i of @node */
const SplitDims *onnx_split_get_dims (const SplitNode *node, guint i);

/* Returns whether input @i of @node depends on frames. */
gboolean onnx_split_is_clip (const SplitNode *node, guint i);

/* Returns: (nullable): the numbers of a constant, or NULL if they are unknown. Decodes an
 * initializer. */
const OnnxTensor *onnx_split_get_tensor (Splitter *splitter, SplitValue *value);

/* Sets the dimensions and the type of output @i of @node. Returns NULL, or an unsupported value. */
OnnxValue *onnx_split_set_output (
    Splitter *splitter, SplitNode *node, guint i, const SplitDims *dims);

/* Does the same for all outputs of @node. */
OnnxValue *onnx_split_set_outputs (Splitter *splitter, SplitNode *node, const SplitDims *dims);

/* Returns an unsupported value if input @i of @node is not a constant or not omitted, and NULL
 * otherwise. */
OnnxValue *onnx_split_check_constant (Splitter *splitter, const SplitNode *node, guint i);

/* Returns an unsupported value: @node does what @verb states along @axis of input @i, which has
 * batch or time. */
OnnxValue *onnx_split_refuse_axis (
    Splitter *splitter, const SplitNode *node, guint i, guint axis, const char *verb);

/* Returns an unsupported value if an axis of input @i of @node has batch or time and is not in
 * @mask, and NULL otherwise. */
OnnxValue *onnx_split_check_axes (
    Splitter *splitter, const SplitNode *node, guint i, guint32 mask, const char *verb);

/* Reduces @axis of the constant input @i of @node to the first row. Returns NULL, or an unsupported
 * value if the rows differ. */
OnnxValue *onnx_split_reduce_rows (Splitter *splitter, SplitNode *node, guint i, guint axis);

/* Sets *ints, (n), to the integers of the attribute @name or else of input @i, which are at most
 * 2^31 in magnitude. *ints is NULL if @node has neither. Returns NULL, or an unsupported value. */
OnnxValue *onnx_split_get_ints (Splitter *splitter, SplitNode *node, const char *name, guint i,
    const gint64 **ints, gsize *n);

/* Returns "frame 3", or "all frames" if @step is below 0. */
const char *onnx_split_describe_step (Splitter *splitter, gint step);

/* Adds a line for the user. */
void onnx_split_add_note (Splitter *splitter, const char *format, ...) G_GNUC_PRINTF (2, 3);
