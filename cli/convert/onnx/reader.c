/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "onnx/reader.h"

#define MAX_TEXT 80 /* characters of a name within a message */

gpointer
onnx_alloc (OnnxReader *reader, gsize n, gsize size)
{
  gsize bytes;
  gpointer memory;

  if (!g_size_checked_mul (&bytes, MAX (n, 1), size) || bytes > reader->memory_left)
    return NULL;
  memory = g_try_malloc0 (bytes);
  if (!memory)
    return NULL;
  reader->memory_left -= bytes;
  g_ptr_array_add (reader->arena, memory);
  return memory;
}

const char *
onnx_own_text (OnnxReader *reader, char *text)
{
  g_ptr_array_add (reader->arena, text);
  return text;
}

const char *
onnx_shorten_text (OnnxReader *reader, const char *text)
{
  g_autofree char *start = g_strndup (text, 4 * MAX_TEXT); /* a character has up to 4 bytes */
  g_autofree char *valid = g_utf8_make_valid (start, -1);
  gboolean is_long = g_utf8_strlen (valid, -1) > MAX_TEXT;

  if (is_long)
    *g_utf8_offset_to_pointer (valid, MAX_TEXT) = 0;
  return onnx_own_text (reader, g_strconcat (valid, is_long ? "…" : NULL, NULL));
}

const char *
onnx_string (const char *string)
{
  return string ? string : "";
}

gboolean
onnx_set_error (
    const OnnxReader *reader, ConvertError code, GError **error, const char *format, ...)
{
  g_autofree char *problem = NULL, *valid = NULL;
  va_list args;

  va_start (args, format);
  problem = g_strdup_vprintf (format, args);
  va_end (args);
  valid = g_utf8_make_valid (problem, -1);
  g_set_error (error, CONVERT_ERROR, (int) code, "%s: %s", reader->input->path, valid);
  return FALSE;
}
