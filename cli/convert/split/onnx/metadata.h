/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The names of the outputs in the metadata of an ONNX model. */
#pragma once

#include "onnx.pb-c.h"
#include <glib.h>

/* @unread: (nullable): set to the key of an entry that has another form
 * Returns: (transfer full) (nullable): the names, or NULL if @model has none */
char **onnx_split_read_labels (const Onnx__ModelProto *model, const char **unread);
