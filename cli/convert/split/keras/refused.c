/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "split/keras/refused.h"
#include "split/keras/frames.h"
#include "util/text.h"

/* The reasons why a layer cannot process one frame after the other. The first row applies whose
 * text is the beginning of the name of the class, or its end after a *. */
static const struct {
  const char *pattern;
  gboolean is_anywhere; /* also in TimeDistributed */
  const char *reason;
} reasons[] = {
    {"ConvLSTM", TRUE, "whose state is a picture"},
    {"Lambda", TRUE, "whose code is in the Python program of the model"},
    {"*Conv3D", FALSE, "which slides over the frames"},
    {"*Conv3DTranspose", FALSE, "which slides over the frames"},
    {"*3D", FALSE, "which processes several frames at once"},
    {"*Conv1D", FALSE, "which slides over the frames"},
    {"*Pooling1D", FALSE, "which joins several frames"},
    {"*1D", FALSE, "which processes several frames at once"},
    {"*Attention", FALSE, "which compares the frames"},
    {"Flatten", FALSE, "which joins all frames"},
    {"RepeatVector", FALSE, "which repeats frames"},
    {"Permute", FALSE, "which may move the time axis"},
};

static gboolean
matches_pattern (const char *name, const char *pattern)
{
  return *pattern == '*' ? g_str_has_suffix (name, pattern + 1)
                         : g_str_has_prefix (name, pattern);
}

/* Returns: (transfer full) */
static char *
list_classes (void)
{
  GString *names = g_string_new (NULL);

  for (const FrameLayer *row = frame_layers; row->name; row++)
    lstm_text_append_item (names, row->name);
  return g_string_free (names, FALSE);
}

gboolean
keras_refuse_class (
    KerasReader *reader, const KerasLayer *layer, guint n_outer, gboolean is_known)
{
  const char *name = layer->class_name, *reason = NULL;
  g_autofree char *names = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (reasons) && !reason; i++)
    if ((n_outer == 2 || reasons[i].is_anywhere) && matches_pattern (name, reasons[i].pattern))
      reason = reasons[i].reason;
  if (reason)
    return keras_fail (reader, layer, CONVERT_ERROR_UNSUPPORTED,
        "class: expected a layer that processes each frame alone before the recurrent layer, "
        "found %s, %s",
        name, reason);
  if (is_known)
    return keras_fail (reader, layer, CONVERT_ERROR_UNSUPPORTED,
        "class: expected TimeDistributed (%s), which processes each frame alone, found %s on "
        "all frames",
        name, name);
  names = list_classes ();
  return keras_fail (reader, layer, CONVERT_ERROR_UNSUPPORTED,
      "class: expected a supported class before the recurrent layer, found %s (supported: %s)",
      name, names);
}
