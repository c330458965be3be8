/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "keras/reader.h"
#include "util/text.h"
#include <string.h>

gboolean
keras_fail (
    KerasReader *reader, const KerasLayer *layer, ConvertError code, const char *format, ...)
{
  g_autofree char *problem = NULL;
  va_list args;

  if (reader->error)
    return FALSE;
  va_start (args, format);
  problem = g_strdup_vprintf (format, args);
  va_end (args);
  if (layer)
    g_set_error (&reader->error, CONVERT_ERROR, code, "%s: layer \"%s\" (%s): %s",
        reader->input->path, layer->name, layer->class_name, problem);
  else
    g_set_error (&reader->error, CONVERT_ERROR, code, "%s: %s", reader->input->path, problem);
  return FALSE;
}

gboolean
keras_fail_with_cause (KerasReader *reader, const KerasLayer *layer, GError *cause)
{
  const char *message = cause->message;
  gsize length = strlen (reader->input->path);

  /* keras_fail() writes the path. */
  if (g_str_has_prefix (message, reader->input->path) && message[length] == ':')
    message += length + 2;
  keras_fail (reader, layer, CONVERT_ERROR_FILE, "%s", message);
  g_error_free (cause);
  return FALSE;
}

gboolean
keras_fail_class (KerasReader *reader, const KerasLayer *layer, const char *field,
    KerasClassFlags flags, const char *class_name)
{
  g_autoptr (GString) names = g_string_new (NULL);

  for (const KerasClass *class = reader->classes; class->name; class ++)
    if (!flags || class->flags & flags)
      lstm_text_append_item (names, class->name);
  return keras_fail (reader, layer, CONVERT_ERROR_UNSUPPORTED,
      "%s: expected a supported class, found %s (supported: %s)", field,
      class_name ? class_name : "none", names->str);
}

static gboolean
has_name (const KerasClass *class, const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (class->aliases); i++)
    if (g_strcmp0 (class->aliases[i], name) == 0)
      return TRUE;
  return g_str_equal (class->name, name);
}

const KerasClass *
keras_find_class (const KerasReader *reader, const char *name)
{
  for (const KerasClass *class = reader->classes; name && class->name; class ++)
    if (has_name (class, name))
      return class;
  return NULL;
}

char *
keras_describe_shape (const KerasShape *shape)
{
  static const char *const names[] = {"a sequence", "a vector", "a reshaped vector"};
  const gint64 sizes[] = {shape->steps, shape->width};
  guint first = shape->kind == KERAS_SEQUENCE ? 0 : 1, n = 0;
  gsize known[G_N_ELEMENTS (sizes)];
  g_autofree char *text = NULL;

  for (guint i = first; i < G_N_ELEMENTS (sizes); i++)
    known[n++] = sizes[i] == KERAS_UNKNOWN ? LSTM_TEXT_ANY_SIZE : (gsize) sizes[i];
  text = lstm_text_shape (n, known);
  return g_strdup_printf ("%s of shape %s", names[shape->kind], text);
}

char *
keras_list_members (KerasReader *reader, const char *group)
{
  g_autoptr (GPtrArray) members = h5_list (reader->h5, group, NULL);
  GString *names = g_string_new (NULL);

  for (guint i = 0; members && i < members->len; i++)
    lstm_text_append_item (names, g_ptr_array_index (members, i));
  if (!names->len)
    g_string_append (names, members ? "an empty group" : "no group");
  return g_string_free (names, FALSE);
}
