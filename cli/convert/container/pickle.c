/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "container/pickle.h"
#include "container/pickle-machine.h"
#include <string.h>

#define MAX_SHOWN 60 /* bytes of a text in a message */

static void
value_free (gpointer data)
{
  PickleValue *value = data;

  g_clear_pointer (&value->items, g_ptr_array_unref);
  g_clear_pointer (&value->entries, g_ptr_array_unref);
  g_slice_free (PickleValue, value);
}

Pickle *
pickle_new (const char *source)
{
  Pickle *pickle = g_new0 (Pickle, 1);

  pickle->source = g_strdup (source);
  pickle->values = g_ptr_array_new_with_free_func (value_free);
  pickle->texts = g_ptr_array_new_with_free_func (g_free);
  return pickle;
}

void
pickle_free (Pickle *pickle)
{
  g_ptr_array_unref (pickle->values);
  g_ptr_array_unref (pickle->texts);
  g_free (pickle->source);
  g_free (pickle);
}

const GPtrArray *
pickle_get_values (const Pickle *pickle)
{
  return pickle->values;
}

/* --- Values --- */

const PickleValue *
pickle_get (const PickleValue *dict, const char *key)
{
  if (!dict || dict->kind != PICKLE_DICT)
    return NULL;
  for (guint i = dict->items->len; i >= 2; i -= 2) { /* Python uses the last value of a key. */
    const PickleValue *found = g_ptr_array_index (dict->items, i - 2);

    if (found->kind == PICKLE_STRING && g_str_equal (found->text, key))
      return g_ptr_array_index (dict->items, i - 1);
  }
  return NULL;
}

guint
pickle_count (const PickleValue *value)
{
  return value
                 && (value->kind == PICKLE_LIST || value->kind == PICKLE_TUPLE
                     || value->kind == PICKLE_SET)
             ? value->items->len
             : 0;
}

const PickleValue *
pickle_get_item (const PickleValue *value, guint i)
{
  return i < pickle_count (value) ? g_ptr_array_index (value->items, i) : NULL;
}

gboolean
pickle_is_global (const PickleValue *value, const char *name)
{
  return value && value->kind == PICKLE_GLOBAL && g_str_equal (value->text, name);
}

static char *
describe_text (const PickleValue *value)
{
  g_autofree char *text = g_strndup (value->text, MIN (value->length, MAX_SHOWN));
  g_autofree char *valid = g_utf8_make_valid (text, -1);

  return g_strdup_printf ("\"%s\"%s", valid, value->length > MAX_SHOWN ? "…" : "");
}

char *
pickle_describe (const PickleValue *value)
{
  static const char *const kinds[] = {
      [PICKLE_NONE] = "None",
      [PICKLE_BIG_INT] = "an integer beyond 64 bits",
      [PICKLE_BYTES] = "bytes",
      [PICKLE_LIST] = "a list",
      [PICKLE_TUPLE] = "a tuple",
      [PICKLE_SET] = "a set",
      [PICKLE_DICT] = "a dict",
      [PICKLE_PERSISTENT] = "a reference to a storage",
  };

  if (!value)
    return g_strdup ("none");
  switch (value->kind) {
  case PICKLE_BOOL:
    return g_strdup (value->integer ? "True" : "False");
  case PICKLE_INT:
    return g_strdup_printf ("%" G_GINT64_FORMAT, value->integer);
  case PICKLE_FLOAT:
    return g_strdup_printf ("%g", value->number);
  case PICKLE_STRING:
  case PICKLE_GLOBAL:
    return describe_text (value);
  case PICKLE_OBJECT: {
    g_autofree char *callable = value->callable->kind == PICKLE_GLOBAL
                                    ? describe_text (value->callable)
                                    : g_strdup ("an unnamed class");

    return g_strdup_printf ("an object of %s", callable);
  }
  default:
    return g_strdup (kinds[value->kind]);
  }
}
