/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Outputs as tensors of media. */
#pragma once

#include "common/axes.h"
#include "common/tensors.h"
#include <gst/analytics/analytics.h>

/* Returns output @i of @out as a float32 tensor with @id, whose axes are those of the input. @data
 * (transfer full) has one or more blocks of (streams, steps, rows, size), each of which has the
 * steps that follow the steps of the block before it. Returns: (transfer full) */
GstTensor *gst_lstm_output_tensor_new (
    const GstLstmTensors *out, guint i, GstLstmAxes axes, GQuark id, GstBuffer *data);
