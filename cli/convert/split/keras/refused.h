/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "keras/reader.h"

/* Reports that @layer cannot process one frame. @n_outer: as in FrameCall. @is_known: in
 * TimeDistributed the class is supported. Returns: FALSE */
gboolean keras_refuse_class (
    KerasReader *reader, const KerasLayer *layer, guint n_outer, gboolean is_known);
