/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The fields of one layer in "layers". Functions that return FALSE or NULL for an error have called
 * json_file_fail(). */
#pragma once

#include "rtneural/rtneural.h"

typedef struct {
  RtReader *reader;
  JsonPart part;
  JsonArray *weights; /* nullable */
  gsize in, out;      /* features */
} RtLayer;

/* Sets @size to the last dimension of the shape in the member @key. */
gboolean rt_read_last_size (JsonFile *file, JsonPart part, const char *key, gsize *size);

/* Checks the number of arrays in "weights". */
gboolean rt_check_n_weights (const RtLayer *layer, guint min, guint max);

/* Checks that the layer has as many outputs as inputs. */
gboolean rt_check_same_size (const RtLayer *layer);

/* Returns: (transfer full) (nullable): the tensor @i of "weights" */
float *rt_read_weights (const RtLayer *layer, guint i, guint n_dims, const gsize *shape);

/* Returns: (transfer full) (nullable): the matrix @i of "weights", [rows, columns] in the file, as
 * [columns, rows] */
float *rt_read_transposed (const RtLayer *layer, guint i, gsize rows, gsize columns);

/* Reads the vector @i of "weights", [layer->out], as the tensor @suffix of @object. */
gboolean rt_add_vector (const RtLayer *layer, guint i, JsonObject *object, const char *suffix);
