/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Data of the Keras reader. graph.c orders the layers of a model's configuration into a chain,
 * weights.c finds the datasets of each layer, and the function of the layer's row in classes.c
 * converts the layer. A function that returns FALSE or NULL for an error has called
 * keras_fail(). */
#pragma once

#include "convert.h"
#include "container/h5.h"
#include "container/npz.h"

#define KERAS_UNKNOWN (-1)

typedef struct _KerasReader KerasReader;
typedef struct _KerasLayer KerasLayer;
typedef struct _KerasModel KerasModel;

typedef enum {
  KERAS_HAS_WEIGHTS = 1 << 0,
  KERAS_NEEDS_SEQUENCE = 1 << 1,      /* reads steps, not one vector */
  KERAS_ACCEPTS_RESHAPED = 1 << 2,    /* may follow a Reshape to more than a vector */
  KERAS_IN_TIME_DISTRIBUTED = 1 << 3, /* TimeDistributed may wrap the layer */
  KERAS_IN_BIDIRECTIONAL = 1 << 4,    /* Bidirectional may wrap the layer */
  KERAS_IS_INPUT = 1 << 5,            /* declares the shape of the model's input */
  KERAS_MAKES_MASK = 1 << 6,          /* computes the mask of the layers that follow */
  KERAS_HAS_CUDNN_DEFAULTS = 1 << 7,  /* recurrent_activation is sigmoid in every version */
  KERAS_USES_MASK = 1 << 8,           /* masked steps do not count */
  KERAS_DROPS_MASK = 1 << 9,          /* uses masked steps, and does not pass the mask on */
} KerasClassFlags;

/* A weight of a class of layers */
typedef struct {
  const char *name; /* of the variable in Keras: "kernel", "moving_mean" */
  const char *
      key; /* of the configuration: the weight exists if the value is true, which is the default;
                    * NULL: always */
  gboolean is_constant; /* training does not change the weight; follows all other weights */
} KerasWeight;

#define KERAS_MAX_WEIGHTS 4

/* A class of layers: a row in classes.c */
typedef struct {
  const char *name;
  KerasClassFlags flags;
  gboolean (*convert) (KerasReader *reader, KerasLayer *layer);

  /* Checks the parts of the configuration that decide whether the layer is supported. Needs no
   * weights. Nullable. */
  gboolean (*check) (KerasReader *reader, const KerasLayer *layer);

  /* Returns: (transfer full): the activation that @config describes. Nullable: the class is not an
   * activation. */
  JsonNode *(*get_activation) (
      KerasReader *reader, const KerasLayer *layer, JsonObject *config);

  const char *cell;        /* class of the cell of a recurrent layer; nullable */
  const char *part;        /* subgroup of the variables in an archive; nullable */
  const char *aliases[2];  /* names of the class in TensorFlow 1.13 and 1.14; nullable */
  const char *weights_key; /* configuration key that replaces the weights; nullable */
  guint n_constants;       /* weights that training does not change, after all other weights */
  guint n_unread;          /* variables after the weights, which the converter does not read */
  guint n_wrapped;         /* layers that a wrapper runs; 0: the class is not a wrapper */

  /* [KERAS_MAX_WEIGHTS], in the order of Keras, of a class that can process one frame of a video.
   * NULL: only the converter of the class knows the weights */
  const KerasWeight *weights;
} KerasClass;

/* The datasets of a layer in a legacy file, in the order of Keras. The layers of a nested model
 * share the datasets of the model, in which the constants of all layers follow all trained
 * weights. */
typedef struct {
  GPtrArray *paths;
  guint position;                  /* of the next dataset to read */
  guint n_constants;               /* of a nested model */
  guint n_frozen;                  /* weights of frozen layers of a nested model */
  guint constant_position;         /* of the next constant to read, among the constants */
  gboolean has_trained;            /* layers of a nested model */
  gboolean has_uncounted;          /* frozen layers whose weights are not in n_frozen */
  gboolean is_frozen;              /* the weights are in the order of the layers */
  const KerasLayer *weights_layer; /* of a nested model: a layer with weights; nullable */
} KerasDatasets;

struct _KerasLayer {
  const char *class_name;
  const KerasClass *class; /* NULL: not supported */
  JsonObject *object;
  JsonObject *config;
  const char *name;        /* for messages and tensors */
  char *group;             /* of the layer in an archive; NULL: not found */
  KerasDatasets *datasets; /* in a legacy file; NULL: none */
  gboolean is_nested;      /* shares its datasets with other layers */

  /* Only in a video model: */
  KerasLayer *inner;       /* the layer that TimeDistributed wraps; nullable */
  const KerasModel *model; /* the layer is a model; nullable */
};

typedef enum {
  KERAS_SEQUENCE, /* [steps, width] */
  KERAS_VECTOR,   /* [width], of one step or of the last step */
  KERAS_RESHAPED, /* a vector that a Reshape has divided into more dimensions */
} KerasShapeKind;

/* A shape without the dimension of the batch */
typedef struct {
  KerasShapeKind kind;
  gint64 steps; /* or KERAS_UNKNOWN */
  gint64 width; /* features, or KERAS_UNKNOWN */
} KerasShape;

/* A model */
struct _KerasModel {
  KerasLayer *owner;      /* the layer that is the model; NULL: the model of the file */
  JsonObject *config;     /* NULL: the configuration is the array of layers */
  gboolean is_functional; /* FALSE: each layer reads the output of the previous one */
  GPtrArray *layers;      /* KerasLayer, not owned */
};

struct _KerasReader {
  const ConvertInput *input;
  const KerasClass *classes; /* the last row has no name */
  JsonNode *config;          /* JSON of the model */
  GError *error;             /* the first error */
  gint version;              /* 2.12.1 is 21201 */
  gboolean is_tf_keras;      /* FALSE: the package keras before 2.4 */
  H5 *h5;                    /* NULL if the weights are in npz */
  Npz *npz;                  /* nullable */
  const char *root;          /* group of the weights in @h5 */
  gboolean is_legacy;        /* the groups have the names of layers, not of classes */
  GPtrArray *flat_groups;    /* groups whose names are paths, see archive-groups.c */
  GPtrArray *layers;         /* KerasLayer, of all models */
  GPtrArray *models;         /* KerasModel, each before the models that are nested in it */
  GPtrArray *chain;          /* KerasLayer from input to output, not owned */
  guint index;               /* of the current layer in @chain */
  GPtrArray *datasets;       /* KerasDatasets, of all layers */

  ConvertModel *model;
  KerasShape shape;            /* of the current layer's input */
  const char *mask_layer;      /* that masks steps of the input; NULL: none */
  gboolean has_uncertain_mask; /* Keras 3.16 may not pass the mask on */
};

/* Sets reader->error, unless it is set, to "PATH: layer "NAME" (CLASS): MESSAGE". @layer: nullable.
 * Returns: FALSE */
gboolean keras_fail (KerasReader *reader, const KerasLayer *layer, ConvertError code,
    const char *format, ...) G_GNUC_PRINTF (4, 5);

/* Sets reader->error, unless it is set, to @cause, an error of h5.h. @cause: (transfer full).
 * Returns: FALSE */
gboolean keras_fail_with_cause (KerasReader *reader, const KerasLayer *layer, GError *cause);

/* Reports that @field expects another class than @class_name. The message lists the classes that
 * have @flags, or all classes if @flags is 0. @class_name: (nullable). Returns: FALSE */
gboolean keras_fail_class (KerasReader *reader, const KerasLayer *layer, const char *field,
    KerasClassFlags flags, const char *class_name);

/* Returns: (nullable): the class called @name. @name: (nullable) */
const KerasClass *keras_find_class (const KerasReader *reader, const char *name);

/* Describes @shape for a message. Returns: (transfer full) */
char *keras_describe_shape (const KerasShape *shape);

/* Lists the members of a group of the HDF5 file for a message. Returns: (transfer full) */
char *keras_list_members (KerasReader *reader, const char *group);
