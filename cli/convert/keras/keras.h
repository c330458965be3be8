/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The Keras reader. A model's configuration becomes a chain of layers (keras-graph.c), each
 * layer finds its weights by position (keras-weights.c), and a row per class says what a layer
 * becomes (keras-layers.c). Functions that return FALSE or NULL have called keras_fail(), and the
 * first error stays. */
#pragma once

#include "convert.h"
#include "container/h5.h"

#define KERAS_UNKNOWN (-1)

typedef struct _KerasReader KerasReader;
typedef struct _KerasLayer KerasLayer;

typedef struct {
  const char *name;
  const char *part;  /* where in a layer's group of an archive its variables are */
  gboolean weights;  /* has weights */
  gboolean sequence; /* reads steps, not one vector */
  gboolean shaped;   /* may follow a Reshape that is more than a vector */
  gboolean inner;    /* may be in TimeDistributed */
  gboolean (*convert) (KerasReader *reader, KerasLayer *layer);
  /* Of layers that are an activation. Returns: (transfer full) */
  JsonNode *(*activation) (KerasReader *reader, const KerasLayer *layer, JsonObject *config);
  /* Whether the configuration asks for nothing but what is supported, where the layer is more than
   * its class */
  gboolean (*check) (KerasReader *reader, const KerasLayer *layer);
} KerasClass;

/* The datasets of a layer in Keras's order. Several layers share a nested model's, where those that
 * training leaves alone are behind all others. */
typedef struct {
  GPtrArray *paths;
  guint at;              /* the next to be read */
  guint n_constant;      /* of a nested model: how many training leaves alone, */
  guint constant_at;     /* and the next of them to be read */
  gboolean has[2];       /* layers of a nested model that are frozen; that are trained */
  const KerasLayer *any; /* a layer that reads them, for messages */
} KerasDatasets;

struct _KerasLayer {
  const char *class_name;
  const KerasClass *class; /* NULL: not supported */
  JsonObject *object;
  JsonObject *config;
  const char *name;        /* the model's own, for messages and tensors */
  char *group;             /* archive: the layer's group; NULL if not found */
  KerasDatasets *datasets; /* legacy file: NULL if there are none */
  gboolean nested;         /* shares its datasets */
};

typedef enum {
  KERAS_SEQUENCE, /* (steps, width) */
  KERAS_VECTOR,   /* (width), of one step or the last */
  KERAS_SHAPED,   /* a vector that a Reshape gave dimensions */
} KerasKind;

typedef struct {
  KerasKind kind;
  gint64 steps; /* or KERAS_UNKNOWN */
  gint64 width; /* features, or KERAS_UNKNOWN */
} KerasShape;

/* A model whose layers are in the chain */
typedef struct {
  const KerasLayer *owner; /* the layer that the model is; NULL: the file's own */
  GPtrArray *layers;       /* KerasLayer, not owned */
} KerasModel;

struct _KerasReader {
  const ConvertInput *input;
  GError *error;
  gint version;         /* 2.12.1 is 21201 */
  gboolean is_tf_keras; /* not the package keras before 2.4 */
  H5 *h5;
  const char *root;  /* group of the weights in @h5 */
  gboolean legacy;   /* groups by layer name, not by class */
  GPtrArray *layers; /* KerasLayer, all that there are */
  GPtrArray *models; /* KerasModel, each before those within it */
  GPtrArray *chain;  /* KerasLayer from input to output, not owned */
  guint index;       /* in the chain */
  GPtrArray *shared; /* KerasDatasets */

  ConvertModel *model;
  KerasShape shape; /* of what the next layer reads */
};

/* A weight to read: @shape is what is expected, 0 where anything goes, and then what was found. */
typedef struct {
  const char *what; /* for messages, and its name where variables are not numbered */
  guint n_dims;     /* 0: any, flattened to one */
  gsize shape[2];
  float *values;
} KerasArray;

void keras_array_clear (KerasArray *array);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (KerasArray, keras_array_clear)

/* keras.c: reads @config (JSON) and the weights in @h5.
 * @version: what the file says, or NULL */
ConvertModel *keras_read (const ConvertInput *input, const char *config, gsize size,
    const char *version, H5 *h5, GError **error);
gboolean keras_fail (KerasReader *reader, const KerasLayer *layer, ConvertError code,
    const char *format, ...) G_GNUC_PRINTF (4, 5);

/* keras-json.c: members of an object. Missing ones and null are the default, others of another
 * type an error. keras_get() is NULL for null. */
JsonNode *keras_get (JsonObject *object, const char *key);
const char *keras_peek_string (JsonObject *object, const char *key);
JsonObject *keras_peek_object (JsonObject *object, const char *key);
JsonArray *keras_peek_array (JsonObject *object, const char *key);
/* Renames somebody's own classes and functions below @node to PACKAGE>NAME, whatever they are
 * called, as no class or function of Keras is. */
void keras_mark_own (JsonNode *node);
gboolean keras_is_number (JsonNode *node);
gboolean keras_get_bool (KerasReader *reader, const KerasLayer *layer, JsonObject *config,
    const char *key, gboolean otherwise, gboolean *value);
gboolean keras_get_number (KerasReader *reader, const KerasLayer *layer, JsonObject *config,
    const char *key, double otherwise, double *value);
/* A whole number from 1 on, which must be there. */
gboolean keras_get_count (KerasReader *reader, const KerasLayer *layer, JsonObject *config,
    const char *key, gsize *value);
/* Whether "axis" is the features alone: -1, the last dimension's number, or an array of that. */
gboolean keras_axis_is_last (const KerasReader *reader, JsonNode *axis);

/* keras-graph.c: fills reader->layers, models and chain from the model's object. All layers of the
 * chain are of supported classes then. */
gboolean keras_build_chain (KerasReader *reader, JsonNode *root);

/* keras-weights.c: gives each layer of the models its weights. */
gboolean keras_weights_open (KerasReader *reader);
/* @part: below the layer's group; @extra: how many more variables there may be */
gboolean keras_weights_read (KerasReader *reader, KerasLayer *layer, const char *part,
    KerasArray *arrays, guint n, guint extra);
/* Steps over variables that nobody needs; then nothing may be left of the layer's own. */
gboolean keras_weights_check_used (KerasReader *reader, const KerasLayer *layer);
/* The same of nested models. */
gboolean keras_weights_check_all (KerasReader *reader);
/* kernel [d, n] to weight [n, d] */
float *keras_transpose (const float *kernel, gsize d, gsize n);

/* keras-layers.c */
const KerasClass *keras_find_class (const char *name);
/* Returns whether the layer, and what it wraps, is of a supported class. Needs no weights. */
gboolean keras_check_class (KerasReader *reader, const KerasLayer *layer);
gboolean keras_convert_layer (KerasReader *reader, KerasLayer *layer);

/* keras-lstm.c */
gboolean keras_check_lstm (KerasReader *reader, const KerasLayer *layer);
gboolean keras_convert_lstm (KerasReader *reader, KerasLayer *layer);
gboolean keras_check_bidirectional (KerasReader *reader, const KerasLayer *layer);
gboolean keras_convert_bidirectional (KerasReader *reader, KerasLayer *layer);

/* keras-norm.c */
gboolean keras_convert_batch_normalization (KerasReader *reader, KerasLayer *layer);
gboolean keras_convert_layer_normalization (KerasReader *reader, KerasLayer *layer);
gboolean keras_convert_normalization (KerasReader *reader, KerasLayer *layer);
gboolean keras_convert_rescaling (KerasReader *reader, KerasLayer *layer);

/* keras-shape.c */
gboolean keras_convert_input (KerasReader *reader, KerasLayer *layer);
gboolean keras_convert_reshape (KerasReader *reader, KerasLayer *layer);
gboolean keras_convert_flatten (KerasReader *reader, KerasLayer *layer);
gboolean keras_convert_repeat_vector (KerasReader *reader, KerasLayer *layer);
/* The width that a layer reads, from its weights' shape. */
gboolean keras_check_width (
    KerasReader *reader, const KerasLayer *layer, const char *what, gsize width);

/* keras-activations.c: the ACTIVATION that @config says under @key.
 * Returns: (transfer full): or NULL; the string "linear" is no activation */
JsonNode *keras_get_activation (KerasReader *reader, const KerasLayer *layer,
    JsonObject *config, const char *key, const char *otherwise);
gboolean keras_activation_is (JsonNode *activation, const char *name);
JsonNode *keras_relu (KerasReader *reader, const KerasLayer *layer, JsonObject *config);
JsonNode *keras_leaky_relu (KerasReader *reader, const KerasLayer *layer, JsonObject *config);
JsonNode *keras_elu (KerasReader *reader, const KerasLayer *layer, JsonObject *config);
JsonNode *keras_thresholded_relu (
    KerasReader *reader, const KerasLayer *layer, JsonObject *config);
JsonNode *keras_softmax (KerasReader *reader, const KerasLayer *layer, JsonObject *config);
JsonNode *keras_activation (KerasReader *reader, const KerasLayer *layer, JsonObject *config);
