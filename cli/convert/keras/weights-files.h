/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The layouts of the weights in files, for weights.c. An archive has a group for each layer. The
 * name of the group is the class of the layer and its rank. A legacy file also has a group for each
 * layer. The name of the group is the name of the layer, and the attribute weight_names of the
 * group lists the datasets. */
#pragma once

#include "keras/weights.h"

/* --- archive-groups.c --- */

/* Finds the groups whose names contain backslashes. */
gboolean keras_read_flat_groups (KerasReader *reader);

/* Return whether a group exists, whether it contains a dataset anywhere, and the names of the
 * groups in it. @path: names separated by "/" */
gboolean keras_has_group (const KerasReader *reader, const char *path);
gboolean keras_group_has_data (const KerasReader *reader, const char *path);
GPtrArray *keras_list_groups (const KerasReader *reader, const char *path, GError **error);

/* Returns: (transfer full): the path of a group in the file */
char *keras_get_group_path (const KerasReader *reader, const char *path);

/* --- weights-archive.c --- */

/* Returns whether the file has a group of layers. */
gboolean keras_has_archive_groups (const KerasReader *reader);

/* Sets the groups of the layers of @model. */
gboolean keras_assign_archive_groups (KerasReader *reader, const KerasModel *model);

/* Appends the paths of the datasets for @arrays [n] in @part of the layer's group. */
gboolean keras_find_archive_datasets (KerasReader *reader, const KerasLayer *layer,
    const char *part, const KerasArray *arrays, guint n, GPtrArray *paths);

/* --- weights-legacy.c --- */

/* Reads an attribute of strings of the group that contains the layers' groups.
 * @strings: (transfer full): set to NULL if there is no such attribute */
gboolean keras_read_root_attribute (KerasReader *reader, const char *name, GPtrArray **strings);

/* Sets the datasets of the layers of @model. */
gboolean keras_assign_legacy_datasets (KerasReader *reader, const KerasModel *model);

/* Returns the number of weights of @layer, whose class has weights in its row.
 * @has_weight: [KERAS_MAX_WEIGHTS], set for each weight of the row */
guint keras_count_weights (KerasReader *reader, const KerasLayer *layer, gboolean has_weight[]);

/* Returns whether the weights of @layer are in the file. */
gboolean keras_expects_weights (const KerasLayer *layer);

/* Adds an empty list of datasets to @reader. Returns: (transfer none) */
KerasDatasets *keras_add_datasets (KerasReader *reader);

/* Appends the paths of the layer's next @n datasets. */
gboolean keras_find_legacy_datasets (
    KerasReader *reader, KerasLayer *layer, guint n, GPtrArray *paths);

/* --- weights-npz.c --- */

/* Sets the arrays of all layers, which become their datasets. */
gboolean keras_assign_npz_arrays (KerasReader *reader);
