/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lstm/input/caps-kinds.h"
#include "common/errors.h"
#include "util/text.h"

#define CAPS_KIND_ROW(name) &gst_lstm_caps_##name,
static const GstLstmCapsKind *const kinds[] = {GST_LSTM_CAPS_KINDS (CAPS_KIND_ROW)};

/* Returns whether the element may have caps of @kind. Only media have objects. */
static gboolean
is_enabled (const GstLstmCapsKind *kind, const GstLstmCapsContext *context)
{
  return !context || !context->per_object || kind->has_objects;
}

static const GstLstmCapsKind *
find_kind (const GstStructure *s, const GstLstmCapsContext *context)
{
  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    if (is_enabled (kinds[i], context) && kinds[i]->matches (s, context))
      return kinds[i];
  return NULL;
}

static gboolean
fail_without_kind (const GstStructure *s, const GstLstmCapsContext *context, GError **error)
{
  g_autoptr (GString) media_types = g_string_new (NULL);

  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    if (is_enabled (kinds[i], context))
      lstm_text_append_item (media_types, kinds[i]->media_type);
  return gst_lstm_fail (error, GST_LSTM_STREAM (FORMAT), "caps: expected one of %s, found %s",
      media_types->str, gst_structure_get_name (s));
}

/* Reads the size of the picture, of which boxes are fractions. */
static gboolean
parse_picture_size (GstLstmInput *input, const GstStructure *s, GError **error)
{
  const struct {
    const gchar *field;
    gint *size;
  } fields[] = {{"width", &input->picture_width}, {"height", &input->picture_height}};

  for (guint i = 0; i < G_N_ELEMENTS (fields); i++)
    if (!gst_structure_get_int (s, fields[i].field, fields[i].size) || *fields[i].size < 1)
      return gst_lstm_fail (error, GST_LSTM_STREAM (FORMAT),
          "caps field %s: expected the size of the picture in pixels, because property "
          "object-features is box, found %d",
          fields[i].field, *fields[i].size);
  return TRUE;
}

gboolean
gst_lstm_input_parse (GstLstmInput *input, const GstStructure *s,
    const GstLstmCapsContext *context, GError **error)
{
  *input = (GstLstmInput){.kind = find_kind (s, context)};
  if (!input->kind)
    return fail_without_kind (s, context, error);
  if (!input->kind->parse_caps (input, s, context, error)
      || (context->has_boxes && !parse_picture_size (input, s, error)))
    return FALSE;
  return context->n_parameters == input->n_parameters
         || gst_lstm_fail (error, GST_LSTM_STREAM (FORMAT),
             "property parameters: expected none for %s, found %u values",
             gst_structure_get_name (s), context->n_parameters);
}

gboolean
gst_lstm_input_open (
    const GstLstmInput *input, GstBuffer *buffer, GstLstmSteps *steps, GError **error)
{
  steps->x = NULL;
  steps->map.memory = NULL;
  steps->only_objects_have_tensor = FALSE;
  return input->kind->open_buffer (input, buffer, steps, error);
}

GstCaps *
gst_lstm_caps_kinds_get_template_caps (
    GstPadDirection direction, const GstLstmCapsContext *context)
{
  GstCaps *caps = gst_caps_new_empty ();

  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    if (is_enabled (kinds[i], context))
      caps = gst_caps_merge (caps, kinds[i]->get_template_caps (direction, context));
  return caps;
}

GstCaps *
gst_lstm_caps_kinds_get_src_caps (
    const GstCaps *sink, const GstLstmTensors *out, const GstLstmCapsContext *context)
{
  const GstLstmCapsKind *kind = find_kind (gst_caps_get_structure (sink, 0), context);

  return kind ? kind->get_src_caps (sink, out, context) : gst_caps_new_empty ();
}

GstCaps *
gst_lstm_caps_kinds_get_sink_caps (const GstCaps *source, const GstLstmCapsContext *context)
{
  GstCaps *caps = gst_caps_new_empty ();

  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    if (is_enabled (kinds[i], context))
      caps = gst_caps_merge (caps, kinds[i]->get_sink_caps (source, context));
  return caps;
}
