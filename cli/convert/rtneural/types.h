/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The types of layers in "layers". */
#pragma once

#include "rtneural/layer.h"

typedef struct {
  const char *name;

  /* Appends the layer to the model. Returns FALSE with an error. */
  gboolean (*convert) (const RtLayer *layer);
} RtType;

extern const RtType rt_types[]; /* the last row has no name */
