/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Layers outside TimeDistributed that change the shape of all frames. The frames do not mix if the
 * time stays the first axis. */
#include "split/keras/clip.h"
#include "container/json.h"
#include "keras/json.h"
#include "keras/shape.h"
#include "util/text.h"

static gboolean
fail_time (FrameGraph *graph, const FrameCall *call, const char *key)
{
  g_autofree char *found = keras_describe_member (call->layer->config, key);
  g_autofree char *shape = frame_describe_shape (&call->inputs[0]);

  return keras_fail (graph->reader, call->layer, CONVERT_ERROR_UNSUPPORTED,
      "%s: expected the time as the first axis, which keeps each of the %" G_GINT64_FORMAT
      " frames of shape %s apart, found %s",
      key, graph->n_steps, shape, found);
}

/* Replaces the unknown size of @sizes [@n], if there is one, so that the product is @size. Returns
 * FALSE without an error if that is impossible. */
static gboolean
complete_sizes (gint64 *sizes, guint n, gint64 size)
{
  gint64 known = 1, *unknown = NULL;

  for (guint i = 0; i < n; i++) {
    if (sizes[i] == KERAS_UNKNOWN && unknown)
      return FALSE;
    if (sizes[i] == KERAS_UNKNOWN)
      unknown = &sizes[i];
    else if (sizes[i] > size / known)
      return FALSE;
    else
      known *= sizes[i];
  }
  if (unknown)
    *unknown = size / known;
  return unknown ? size % known == 0 : size == known;
}

static gboolean
emit_reshape (FrameGraph *graph, const FrameCall *call, FrameValue *output)
{
  const FrameValue *value = &call->inputs[0];
  gint64 size = frame_get_size (value->n_dims, value->shape) * graph->n_steps;
  gint64 sizes[KERAS_MAX_DIMS];
  int n = keras_parse_shape (keras_get_array (call->layer->config, "target_shape"), 0, sizes);

  if (n < 2 || n - 1 > FRAME_MAX_DIMS || !complete_sizes (sizes, (guint) n, size)
      || sizes[0] != graph->n_steps)
    return fail_time (graph, call, "target_shape");
  frame_add_reshape (graph, call, value, (guint) n - 1, sizes + 1, output);
  return TRUE;
}

const FrameLayer clip_layers[] = {
    {"Reshape", 0, emit_reshape},
    {NULL},
};
