/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common/steps.h"
#include "common/errors.h"
#include <string.h>

/* Replaces *@values by memory for @n values, unless *@capacity values suffice. */
static gboolean
reserve_values (gfloat **values, gsize *capacity, gsize n, GError **error)
{
  if (n <= *capacity)
    return TRUE;
  g_free (*values);
  *values = g_try_new (gfloat, n);
  *capacity = *values ? n : 0;
  return *values
         || gst_lstm_fail (error, GST_LSTM_RESOURCE (NO_SPACE_LEFT),
             "no memory for %" G_GSIZE_FORMAT " float32 values of a buffer", n);
}

gboolean
gst_lstm_steps_reserve (GstLstmSteps *steps, gsize n, GError **error)
{
  return reserve_values (&steps->rearranged, &steps->rearranged_capacity, n, error);
}

/* Maps @memory. Writing is impossible while another thread has mapped the memory for reading. */
static gboolean
map_memory (GstLstmSteps *steps, GstMemory *memory)
{
  steps->is_merged = FALSE;
  steps->is_writable = steps->wants_access
                       && gst_memory_map (memory, &steps->map, GST_MAP_READWRITE);
  return steps->is_writable || gst_memory_map (memory, &steps->map, GST_MAP_READ);
}

gboolean
gst_lstm_steps_map (GstLstmSteps *steps, GstBuffer *buffer, guint index, GError **error)
{
  gboolean ok;

  if (index != GST_LSTM_ONLY_TENSOR || gst_buffer_n_memory (buffer) == 1) {
    ok = map_memory (
        steps, gst_buffer_peek_memory (buffer, index == GST_LSTM_ONLY_TENSOR ? 0 : index));
  } else {
    ok = gst_buffer_map (buffer, &steps->map, GST_MAP_READ);
    steps->is_merged = TRUE;
    steps->is_writable = FALSE;
  }
  if (ok)
    return TRUE;
  steps->map.memory = NULL;
  return gst_lstm_fail_to_map (
      error, GST_LSTM_RESOURCE (FAILED), "for reading", gst_buffer_get_size (buffer));
}

gboolean
gst_lstm_steps_move (GstLstmSteps *steps, gsize n, GError **error)
{
  if (steps->x == steps->converted || steps->x == steps->rearranged)
    return TRUE;
  if (!reserve_values (&steps->converted, &steps->capacity, n, error))
    return FALSE;
  memcpy (steps->converted, steps->x, n * sizeof (gfloat));
  steps->x = steps->converted;
  return TRUE;
}

gboolean
gst_lstm_steps_convert (
    GstLstmSteps *steps, const GstLstmType *type, gconstpointer values, gsize n, GError **error)
{
  if (type->number == GST_LSTM_TYPE_FLOAT32 && (guintptr) values % sizeof (gfloat) == 0) {
    steps->x = values;
    return TRUE;
  }
  if (!reserve_values (&steps->converted, &steps->capacity, n, error))
    return FALSE;
  type->to_float (steps->converted, values, n);
  steps->x = steps->converted;
  return TRUE;
}

void
gst_lstm_steps_close (GstLstmSteps *steps)
{
  if (!steps->map.memory)
    return;
  gst_memory_unmap (steps->map.memory, &steps->map);
  if (steps->is_merged)
    gst_memory_unref (steps->map.memory);
  steps->map.memory = NULL;
}

void
gst_lstm_steps_clear (GstLstmSteps *steps)
{
  g_clear_pointer (&steps->converted, g_free);
  g_clear_pointer (&steps->rearranged, g_free);
  g_clear_pointer (&steps->ambiguous_tensor, g_free);
  steps->capacity = steps->rearranged_capacity = 0;
}
