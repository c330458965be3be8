/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Batches of streams (GstAnalyticsBatchMeta), as GStreamer's analyticscombiner makes them. */
#pragma once
#include "media-rig.h"

#define BATCH_CAPS "multistream/x-analytics-batch(meta:GstAnalyticsBatchMeta)"

/* Returns: (transfer full): a batch of @n_streams streams without objects, whose indices are their
 * positions */
GstBuffer *batch_new (guint n_streams);

/* Appends @object (transfer full) to stream @i of @batch. */
void batch_add_object (GstBuffer *batch, guint i, GstMiniObject *object);

/* Appends @event (transfer full) to the sticky events of stream @i of @batch. */
void batch_add_sticky_event (GstBuffer *batch, guint i, GstEvent *event);

/* Returns: (transfer none): object @k of stream @i of @batch */
GstMiniObject *batch_get_object (GstBuffer *batch, guint i, guint k);
