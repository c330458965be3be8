/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The classes of layers that the Keras reader supports. */
#pragma once

#include "keras/reader.h"

/* One row per class. The last row has no name. */
extern const KerasClass keras_classes[];
