/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "container/json-file.h"
#include "container/json.h"
#include "container/metadata-keys.h"
#include <string.h>

#define MAX_DEPTH 32
#define MIN_RATE 1 /* Hz */
#define BYTE_ORDER_MARK "\xef\xbb\xbf"

gboolean
json_file_open (JsonFile *file, const ConvertInput *input)
{
  const char *text = (const char *) input->data;
  g_autofree char *found = NULL;
  gsize size = input->size;

  *file = (JsonFile){.path = input->path};
  if (size >= strlen (BYTE_ORDER_MARK)
      && memcmp (text, BYTE_ORDER_MARK, strlen (BYTE_ORDER_MARK)) == 0) {
    text += strlen (BYTE_ORDER_MARK);
    size -= strlen (BYTE_ORDER_MARK);
  }
  while (size && text[size - 1] == 0)
    size--;
  file->root = lstm_json_parse (text, size, MAX_DEPTH, input->path, &file->error);
  if (!file->root)
    return FALSE;
  file->object = lstm_json_get_object (file->root);
  if (!file->object)
    found = lstm_json_describe (file->root);
  return file->object
         || json_file_fail (
             file, CONVERT_ERROR_FILE, "", "expected a JSON object, found %s", found);
}

void
json_file_clear (JsonFile *file)
{
  g_clear_pointer (&file->root, json_node_unref);
  g_clear_error (&file->error);
}

gboolean
json_file_fail (JsonFile *file, ConvertError code, const char *field, const char *format, ...)
{
  g_autofree char *text = NULL, *problem = NULL, *valid = NULL;
  va_list args;

  if (file->error)
    return FALSE;
  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  problem = g_strconcat (field, *field ? ": " : "", text, NULL);
  valid = g_utf8_make_valid (problem, -1); /* an octal escape of json-glib may be any byte */
  g_set_error (&file->error, CONVERT_ERROR, code, "%s: %s", file->path, valid);
  return FALSE;
}

char *
json_file_get_field (JsonPart part, const char *key)
{
  return g_strconcat (part.field, *part.field ? "." : "", key, NULL);
}

JsonNode *
json_file_find (JsonPart part, const char *key)
{
  JsonNode *node = json_object_get_member (part.object, key);

  return node && !JSON_NODE_HOLDS_NULL (node) ? node : NULL;
}

gboolean
json_file_fail_member (
    JsonFile *file, JsonPart part, const char *key, ConvertError code, const char *expected)
{
  g_autofree char *found = lstm_json_describe (json_object_get_member (part.object, key));
  g_autofree char *field = json_file_get_field (part, key);

  return json_file_fail (file, code, field, "expected %s, found %s", expected, found);
}

JsonObject *
json_file_get_object (JsonFile *file, JsonPart part, const char *key)
{
  JsonObject *object = lstm_json_get_object (json_file_find (part, key));

  if (!object)
    json_file_fail_member (file, part, key, CONVERT_ERROR_FILE, "an object");
  return object;
}

JsonArray *
json_file_get_array (JsonFile *file, JsonPart part, const char *key)
{
  JsonArray *array = lstm_json_get_array (json_file_find (part, key));

  if (!array)
    json_file_fail_member (file, part, key, CONVERT_ERROR_FILE, "an array");
  return array;
}

const char *
json_file_get_string (JsonFile *file, JsonPart part, const char *key)
{
  const char *string = lstm_json_get_string (json_file_find (part, key));

  if (!string)
    json_file_fail_member (file, part, key, CONVERT_ERROR_FILE, "a string");
  return string;
}

gboolean
json_file_read_count (
    JsonFile *file, JsonPart part, const char *key, gsize default_value, gsize *value)
{
  JsonNode *node = json_file_find (part, key);

  *value = default_value;
  if (!node && default_value)
    return TRUE;
  return (lstm_json_get_size (node, value) && *value >= 1 && *value <= G_MAXINT32)
         || json_file_fail_member (
             file, part, key, CONVERT_ERROR_FILE, "an integer from 1 to 2147483647");
}

gboolean
json_file_read_number (
    JsonFile *file, JsonPart part, const char *key, double default_value, double *value)
{
  JsonNode *node = json_file_find (part, key);

  *value = default_value;
  return !node || lstm_json_get_number (node, value)
         || json_file_fail_member (file, part, key, CONVERT_ERROR_FILE, "a number");
}

gboolean
json_file_read_flag (
    JsonFile *file, JsonPart part, const char *key, gboolean default_value, gboolean *value)
{
  JsonNode *node = json_file_find (part, key);
  double number = default_value;

  *value = default_value;
  if (!node || lstm_json_get_boolean (node, value))
    return TRUE;
  if (!lstm_json_get_number (node, &number) || (number != 0 && number != 1))
    return json_file_fail_member (file, part, key, CONVERT_ERROR_UNSUPPORTED, "0 or 1");
  *value = number != 0;
  return TRUE;
}

/* --- Tensors --- */

static gboolean
fail_length (
    JsonFile *file, JsonNode *node, const char *field, guint n_dims, const gsize *shape)
{
  JsonArray *array = lstm_json_get_array (node);
  g_autofree char *expected = n_dims == 1 ? g_strdup_printf ("%zu numbers", shape[0])
                                          : g_strdup_printf (
                                              "%zu arrays of %zu numbers", shape[0], shape[1]);
  g_autofree char *found = array ? g_strdup_printf ("%u", json_array_get_length (array))
                                 : lstm_json_describe (node);

  return json_file_fail (
      file, CONVERT_ERROR_FILE, field, "expected %s, found %s", expected, found);
}

/* Appends the numbers of @node, an array of @n_dims dimensions, to @numbers. */
static gboolean
append_numbers (JsonFile *file, JsonNode *node, const char *field, guint n_dims,
    const gsize *shape, GArray *numbers)
{
  JsonArray *array = lstm_json_get_array (node);
  double number;
  float value;

  if (!array || json_array_get_length (array) != shape[0])
    return fail_length (file, node, field, n_dims, shape);
  for (guint i = 0; i < shape[0]; i++) {
    JsonNode *element = json_array_get_element (array, i);

    if (n_dims == 1 && lstm_json_get_number (element, &number)) {
      value = (float) number;
      g_array_append_val (numbers, value);
    } else {
      g_autofree char *name = g_strdup_printf ("%s[%u]", field, i), *found = NULL;

      if (n_dims > 1) {
        if (!append_numbers (file, element, name, n_dims - 1, shape + 1, numbers))
          return FALSE;
        continue;
      }
      found = lstm_json_describe (element);
      return json_file_fail (
          file, CONVERT_ERROR_FILE, name, "expected a number, found %s", found);
    }
  }
  return TRUE;
}

float *
json_file_read_tensor (
    JsonFile *file, JsonNode *node, const char *field, guint n_dims, const gsize *shape)
{
  GArray *numbers = g_array_new (FALSE, FALSE, sizeof (float));

  if (append_numbers (file, node, field, n_dims, shape, numbers))
    return (float *) g_array_free (numbers, FALSE);
  g_array_free (numbers, TRUE);
  return NULL;
}

gboolean
json_file_check_finite (JsonFile *file, const ConvertModel *model)
{
  const char *name = convert_model_find_infinite (model);

  return !name
         || json_file_fail (file, CONVERT_ERROR_UNSUPPORTED, "",
             "tensor \"%s\" of the layers: values: expected finite numbers, found infinity",
             name);
}

/* --- Sample rate --- */

void
json_file_read_rate (JsonPart part, const char *key, ConvertModel *model)
{
  JsonNode *node = json_file_find (part, key);
  const char *text = lstm_json_get_string (node);
  g_autofree char *found = NULL, *field = NULL, *note = NULL;
  double rate = 0;
  char *end = NULL;

  if (!node)
    return;
  if (text)
    rate = g_ascii_strtod (text, &end);
  if ((text ? end != text && !*end : lstm_json_get_number (node, &rate)) && rate >= MIN_RATE
      && rate <= LSTM_MAX_RATE) {
    convert_model_set_rate (model, rate);
    return;
  }
  found = lstm_json_describe (node);
  field = json_file_get_field (part, key);
  note = g_strdup_printf (
      "%s: expected a rate in Hz, found %s: the rate is unknown", field, found);
  convert_model_add_note (model, note);
}
