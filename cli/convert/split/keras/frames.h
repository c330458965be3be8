/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The layers of a Keras model that process one frame, as nodes of an ONNX graph. graph.c walks the
 * layers in the order of computation, reads their weights, and calls the function of each layer's
 * row in layers.c, which adds the nodes of the layer. A function that returns FALSE or NULL for an
 * error has called keras_fail(). */
#pragma once

#include "keras/reader.h"
#include "split/builder.h"

#define FRAME_MAX_DIMS 6
/* The opset of the domain ai.onnx, which ONNX Runtime of Debian 13 and of Debian 14 reads */
#define FRAME_OPSET 17

/* A value of one frame. In ONNX each value has one axis more, the batch of size 1, which precedes
 * the others. */
typedef struct {
  const char *name; /* in the graph */
  guint n_dims;
  gint64 shape[FRAME_MAX_DIMS]; /* as in Keras, without the batch and without the time */
  gboolean is_moved; /* in ONNX the last axis of shape follows the batch: [1, c, h, w] */
} FrameValue;

typedef struct _FrameGraph FrameGraph;

/* One call of a layer */
typedef struct {
  KerasLayer *layer;        /* the inner layer of a TimeDistributed */
  const FrameValue *inputs; /* at least one */
  guint n_inputs;
  guint n_outer; /* axes of Keras that precede those of a FrameValue: 1, the batch, in a
                  * TimeDistributed; 2, batch and time, outside */
  H5Array weights[KERAS_MAX_WEIGHTS]; /* of the row; without values: does not exist */
  JsonNode *node;                     /* of the call in inbound_nodes; nullable */
} FrameCall;

typedef enum {
  /* A call outside TimeDistributed is supported. The layer then processes the frames independently,
   * as its function checks with call->n_outer. */
  FRAME_IN_CLIP = 1 << 0,
  FRAME_MERGES = 1 << 1, /* has one or more inputs; other layers have one */
} FrameFlags;

/* A class of layers: a row in layers.c */
typedef struct {
  const char *name;
  FrameFlags flags;

  /* Adds the nodes of the layer, and sets name, n_dims, shape and is_moved of @output. */
  gboolean (*emit) (FrameGraph *graph, const FrameCall *call, FrameValue *output);
  KerasWeight weights[KERAS_MAX_WEIGHTS]; /* in the order of Keras; graph.c reads the weights */
} FrameLayer;

/* --- layers.c --- */

extern const FrameLayer frame_layers[]; /* the last row has no name */

/* --- layers-activations.c --- */

/* Adds the nodes of @activation, which keras_get_activation() or KerasClass.get_activation
 * returned, and replaces @value by the result. Softmax computes over the last axis of the shape. */
gboolean frame_add_activation (
    FrameGraph *graph, const FrameCall *call, JsonNode *activation, FrameValue *value);

/* --- frames.c --- */

struct _FrameGraph {
  KerasReader *reader;
  OnnxBuilder *builder;
  gint64 n_steps;    /* frames of the window */
  GHashTable *names; /* of nodes, initializers and values */
  GHashTable *moved; /* name of a value → name of the value in the other order of its axes */
  guint n_names;     /* names with a number */
};

/* Returns: (transfer none): a name that the graph does not have: LAYER/@suffix */
const char *frame_new_name (FrameGraph *graph, const FrameCall *call, const char *suffix);

/* Adds a node with one output. @inputs: NULL-terminated; "" omits an input. @node: (nullable): set
 * to the node, for its attributes.
 * Returns: (transfer none): the name of the output */
const char *frame_add_node (FrameGraph *graph, const FrameCall *call, const char *op_type,
    const char *const *inputs, Onnx__NodeProto **node);

/* Add an initializer. Return: (transfer none): its name */
const char *frame_add_floats (FrameGraph *graph, const FrameCall *call, const char *suffix,
    guint n_dims, const gint64 *shape, const float *values);
const char *frame_add_ints (FrameGraph *graph, const FrameCall *call, const char *suffix,
    guint n_dims, const gint64 *shape, const gint64 *values);
const char *frame_add_scalar (
    FrameGraph *graph, const FrameCall *call, const char *suffix, float value);

/* Returns the axis in ONNX of the axis @index of value->shape. */
gint64 frame_get_onnx_axis (const FrameValue *value, guint index);

/* Adds an initializer that broadcasts to @value. @shape [n_dims of @value] and @values are in the
 * order of Keras. Returns: (transfer none): its name */
const char *frame_add_factor (FrameGraph *graph, const FrameCall *call, const char *suffix,
    const FrameValue *value, const gint64 *shape, const float *values);

/* Return @value with its axes in ONNX in the order of the shape, or moved. Add a Transpose if it is
 * necessary and the graph does not have it. A value of one dimension has one order. */
FrameValue frame_order_axes (FrameGraph *graph, const FrameCall *call, const FrameValue *value);
FrameValue frame_move_axes (FrameGraph *graph, const FrameCall *call, const FrameValue *value);

/* Adds a Reshape of @value to @shape [n_dims], in the order of Keras. */
void frame_add_reshape (FrameGraph *graph, const FrameCall *call, const FrameValue *value,
    guint n_dims, const gint64 *shape, FrameValue *output);

/* Sets @index to the axis of value->shape that the axis @axis of Keras is: negative from the end,
 * or counted from the batch. Returns FALSE with an error for the batch, the time and any other
 * number. */
gboolean frame_find_axis (FrameGraph *graph, const FrameCall *call, const char *key,
    const FrameValue *value, gint64 axis, guint *index);

/* Checks the shape of weight @index, whose sizes are @shape; 0: any size. */
gboolean frame_check_weight (FrameGraph *graph, const FrameCall *call, const char *name,
    guint index, guint n_dims, const gint64 *shape);

/* Returns: (transfer full): the shape of @value, for a message */
char *frame_describe_shape (const FrameValue *value);

/* Returns the number of values, or -1 if the number is above G_MAXINT32. */
gint64 frame_get_size (guint n_dims, const gint64 *shape);
