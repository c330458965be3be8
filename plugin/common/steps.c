/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common/steps.h"
#include "common/errors.h"

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
  if (steps->buffer)
    gst_buffer_unmap (steps->buffer, &steps->map);
}

void
gst_lstm_steps_clear (GstLstmSteps *steps)
{
  g_clear_pointer (&steps->converted, g_free);
  g_clear_pointer (&steps->rearranged, g_free);
  g_clear_pointer (&steps->ambiguous_tensor, g_free);
  steps->capacity = steps->rearranged_capacity = 0;
}
