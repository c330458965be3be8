/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "container/pickle-machine.h"
#include "convert.h"
#include <string.h>

#define MAX_VALUES (2u << 20) /* values that are pushed or memoized, in one pickle */

gboolean
pickle_fail (PickleMachine *machine, const char *format, ...)
{
  g_autofree char *problem = NULL;
  va_list args;

  va_start (args, format);
  problem = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error (machine->error, CONVERT_ERROR, CONVERT_ERROR_FILE,
      "%s: byte %" G_GSIZE_FORMAT "%s%s: %s", machine->pickle->source, machine->begin,
      machine->opcode ? ", opcode " : "", machine->opcode ? machine->opcode : "", problem);
  return FALSE;
}

PickleValue *
pickle_make_value (PickleMachine *machine, PickleKind kind)
{
  PickleValue *value = g_slice_new0 (PickleValue);

  value->kind = kind;
  if (kind == PICKLE_LIST || kind == PICKLE_TUPLE || kind == PICKLE_SET || kind == PICKLE_DICT)
    value->items = g_ptr_array_new ();
  g_ptr_array_add (machine->pickle->values, value);
  return value;
}

void
pickle_set_text (PickleMachine *machine, PickleValue *value, const void *text, gsize length)
{
  char *copy = g_malloc (length + 1);

  if (length)
    memcpy (copy, text, length);
  copy[length] = 0;
  g_ptr_array_add (machine->pickle->texts, copy);
  value->text = copy;
  value->length = length;
}

static gboolean
count_value (PickleMachine *machine)
{
  return ++machine->n_values <= MAX_VALUES
         || pickle_fail (machine, "expected at most %u values, found more", MAX_VALUES);
}

gboolean
pickle_push (PickleMachine *machine, PickleValue *value)
{
  if (!count_value (machine))
    return FALSE;
  g_ptr_array_add (machine->stack, value);
  return TRUE;
}

PickleValue *
pickle_peek (PickleMachine *machine)
{
  const gsize bottom = machine->marks->len
                           ? g_array_index (machine->marks, gsize, machine->marks->len - 1)
                           : 0;

  if (machine->stack->len > bottom)
    return g_ptr_array_index (machine->stack, machine->stack->len - 1);
  pickle_fail (machine, "expected a value on the stack, found none");
  return NULL;
}

PickleValue *
pickle_pop (PickleMachine *machine)
{
  PickleValue *value = pickle_peek (machine);

  if (value)
    g_ptr_array_set_size (machine->stack, (gint) machine->stack->len - 1);
  return value;
}

GPtrArray *
pickle_pop_mark (PickleMachine *machine)
{
  GPtrArray *values;
  gsize bottom;

  if (!machine->marks->len) {
    pickle_fail (machine, "expected a mark on the stack, found none");
    return NULL;
  }
  bottom = g_array_index (machine->marks, gsize, machine->marks->len - 1);
  g_array_set_size (machine->marks, machine->marks->len - 1);
  values = g_ptr_array_sized_new ((guint) (machine->stack->len - bottom));
  for (gsize i = bottom; i < machine->stack->len; i++)
    g_ptr_array_add (values, g_ptr_array_index (machine->stack, i));
  g_ptr_array_set_size (machine->stack, (gint) bottom);
  return values;
}

gboolean
pickle_memoize (PickleMachine *machine, guint64 number, PickleValue *value)
{
  if (number > G_MAXUINT32)
    return pickle_fail (
        machine, "expected a number below 2^32, found %" G_GUINT64_FORMAT, number);
  if (!count_value (machine))
    return FALSE;
  g_hash_table_insert (machine->memo, GSIZE_TO_POINTER ((gsize) number), value);
  return TRUE;
}
