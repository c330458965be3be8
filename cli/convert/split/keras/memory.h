/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The layers of a video model from its first recurrent layer on. */
#pragma once

#include "split/keras/calls.h"

/* Sets is_memory and is_used of all calls, appends the layers of the memory to reader->chain, and
 * sets
 * @features to the call whose result the first of these layers reads. */
gboolean keras_find_memory (KerasCalls *calls, guint *features);
