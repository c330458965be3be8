/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common/steps.h"
#include "common/errors.h"

gboolean
gst_lstm_steps_convert (
    GstLstmSteps *steps, const GstLstmType *type, gconstpointer values, gsize n, GError **error)
{
  if (type->number == GST_LSTM_TYPE_FLOAT32 && (guintptr) values % sizeof (gfloat) == 0) {
    steps->x = values;
    return TRUE;
  }
  if (n > steps->capacity) {
    g_free (steps->converted);
    steps->converted = g_try_new (gfloat, n);
    steps->capacity = steps->converted ? n : 0;
    if (!steps->converted)
      return gst_lstm_fail (error, GST_LSTM_RESOURCE (NO_SPACE_LEFT),
          "no memory for %" G_GSIZE_FORMAT " float32 values of a buffer", n);
  }
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
  steps->capacity = 0;
}
