/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "batch-rig.h"

GstBuffer *
batch_new (guint n_streams)
{
  GstBuffer *batch = gst_buffer_new ();
  GstAnalyticsBatchMeta *meta = gst_buffer_add_analytics_batch_meta (batch);

  meta->streams = g_new0 (GstAnalyticsBatchStream, n_streams);
  meta->n_streams = n_streams;
  for (guint i = 0; i < n_streams; i++)
    meta->streams[i].index = i;
  return batch;
}

static GstAnalyticsBatchStream *
get_stream (GstBuffer *batch, guint i)
{
  GstAnalyticsBatchMeta *meta = gst_buffer_get_analytics_batch_meta (batch);

  g_assert_cmpuint (i, <, meta->n_streams);
  return &meta->streams[i];
}

void
batch_add_object (GstBuffer *batch, guint i, GstMiniObject *object)
{
  GstAnalyticsBatchStream *stream = get_stream (batch, i);

  stream->objects = g_renew (GstMiniObject *, stream->objects, stream->n_objects + 1);
  stream->objects[stream->n_objects++] = object;
}

void
batch_add_sticky_event (GstBuffer *batch, guint i, GstEvent *event)
{
  GstAnalyticsBatchStream *stream = get_stream (batch, i);

  stream->sticky_events = g_renew (
      GstEvent *, stream->sticky_events, stream->n_sticky_events + 1);
  stream->sticky_events[stream->n_sticky_events++] = event;
}

GstMiniObject *
batch_get_object (GstBuffer *batch, guint i, guint k)
{
  const GstAnalyticsBatchStream *stream = get_stream (batch, i);

  g_assert_cmpuint (k, <, stream->n_objects);
  return stream->objects[k];
}
