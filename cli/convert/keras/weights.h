/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The weights of the layers, in the HDF5 file of an archive or in a legacy HDF5 file. */
#pragma once

#include "keras/reader.h"

/* A weight */
typedef struct {
  const char *name;   /* for messages; also of the dataset in an archive without numbers */
  guint n_dims;       /* 0: any, flattened to one dimension */
  gsize shape[2];     /* expected, 0 for any size; after reading, the shape of the dataset */
  float *values;      /* row-major */
  guint n_found_dims; /* after reading: dimensions of the dataset */
  gsize found_shape[H5_MAX_DIMS]; /* after reading: shape of the dataset */
} KerasArray;

void keras_array_clear (KerasArray *array);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (KerasArray, keras_array_clear)

/* Finds the weights of each layer of the models. */
gboolean keras_open_weights (KerasReader *reader);

/* Reads the dataset @path into @array. The caller frees the values, also after an error. */
gboolean keras_read_array (
    KerasReader *reader, const KerasLayer *layer, const char *path, KerasArray *array);

/* Reads the next weights of @layer into @arrays [n], in the order of Keras. @part: (nullable): the
 * subgroup in the layer's group of an archive. The caller frees the values of @arrays, also after
 * an error. */
gboolean keras_read_weights (
    KerasReader *reader, KerasLayer *layer, const char *part, KerasArray *arrays, guint n);

/* Returns: (transfer full): the name in an archive of the group of the object of @class_name that
 * follows @rank objects of the same class: lstm_2 for rank 2 */
char *keras_get_group_name (const char *class_name, guint rank);

/* Skips the variables that the converter of @layer does not read.
 * Returns FALSE with an error if the layer has more variables. */
gboolean keras_check_weights_used (KerasReader *reader, const KerasLayer *layer);

/* Checks that the layers of each nested model have read all weights of the model. */
gboolean keras_check_nested_weights_used (KerasReader *reader);

/* Transposes @kernel [d, n]. Returns: (transfer full): [n, d] */
float *keras_transpose_kernel (const float *kernel, gsize d, gsize n);
