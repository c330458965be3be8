/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common/tensor-id.h"
#include "common/errors.h"
#include "common/tensors.h"
#include <string.h>

#define ID_CHARACTERS G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "-_.:+/"

gboolean
gst_lstm_tensor_id_check (const gchar *property, const gchar *id, GError **error)
{
  g_autofree gchar *text = NULL;

  if (!id || (*id && !id[strspn (id, ID_CHARACTERS)]))
    return TRUE;
  text = g_utf8_make_valid (id, -1);
  return gst_lstm_fail (error, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS,
      "property %s: expected one or more of the characters A-Z, a-z, 0-9 and -_.:+/, which caps "
      "keep, found '%s'",
      property, text);
}

GQuark
gst_lstm_tensor_id_make (const gchar *output_id, const gchar *name)
{
  const gchar *prefix = output_id ? output_id : GST_LSTM_TENSOR_ID;
  g_autofree gchar *id = NULL;

  if (g_str_equal (name, "output"))
    return g_quark_from_string (prefix);
  id = g_strdup_printf ("%s-%s", prefix, name);
  return g_quark_from_string (id);
}
