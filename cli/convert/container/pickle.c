/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "container/pickle.h"
#include "container/pickle-machine.h"
#include "convert.h"
#include <string.h>

#define MAX_SIZE ((gsize) 64 << 20) /* bytes of a pickle */
#define MAX_VALUES (2u << 20)       /* values that are pushed or memoized, in one pickle */
#define MAX_SHOWN 60                /* bytes of a text in a message */

struct _Pickle {
  char *source;
  GPtrArray *values; /* PickleValue */
  GPtrArray *texts;
  GPtrArray *persistent; /* PickleValue, not owned */
};

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
  pickle->persistent = g_ptr_array_new ();
  return pickle;
}

void
pickle_free (Pickle *pickle)
{
  g_ptr_array_unref (pickle->values);
  g_ptr_array_unref (pickle->texts);
  g_ptr_array_unref (pickle->persistent);
  g_free (pickle->source);
  g_free (pickle);
}

const GPtrArray *
pickle_get_persistent (const Pickle *pickle)
{
  return pickle->persistent;
}

/* --- The machine --- */

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
  if (kind == PICKLE_PERSISTENT)
    g_ptr_array_add (machine->pickle->persistent, value);
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

/* --- Operands --- */

static gboolean
read_number (PickleMachine *machine, guint n_bytes, guint64 *number)
{
  if (machine->size - machine->at < n_bytes)
    return pickle_fail (
        machine, "expected %u bytes of an operand, found the end of the pickle", n_bytes);
  *number = 0;
  for (guint i = 0; i < n_bytes; i++)
    *number |= (guint64) machine->data[machine->at++] << 8 * i;
  return TRUE;
}

static gboolean
read_bytes (PickleMachine *machine, guint n_bytes, PickleOperand *operand)
{
  if (!read_number (machine, n_bytes, &operand->number))
    return FALSE;
  if (operand->number > machine->size - machine->at)
    return pickle_fail (machine,
        "expected %" G_GUINT64_FORMAT " bytes of an operand, found %" G_GSIZE_FORMAT
        " before the end of the pickle",
        operand->number, machine->size - machine->at);
  operand->data = machine->data + machine->at;
  operand->length = (gsize) operand->number;
  machine->at += operand->length;
  return TRUE;
}

static gboolean
read_line (PickleMachine *machine, const guint8 **line, gsize *length)
{
  const guint8 *end;

  *line = machine->data + machine->at;
  end = memchr (*line, '\n', machine->size - machine->at);
  if (!end)
    return pickle_fail (machine, "expected a line, found the end of the pickle");
  *length = (gsize) (end - *line);
  machine->at += *length + 1;
  return TRUE;
}

static gboolean
read_operand (PickleMachine *machine, PickleOperandKind kind, PickleOperand *operand)
{
  switch (kind) {
  case PICKLE_OPERAND_UINT1:
    return read_number (machine, 1, &operand->number);
  case PICKLE_OPERAND_UINT2:
    return read_number (machine, 2, &operand->number);
  case PICKLE_OPERAND_UINT4:
    return read_number (machine, 4, &operand->number);
  case PICKLE_OPERAND_UINT8:
    return read_number (machine, 8, &operand->number);
  case PICKLE_OPERAND_BYTES1:
    return read_bytes (machine, 1, operand);
  case PICKLE_OPERAND_BYTES4:
    return read_bytes (machine, 4, operand);
  case PICKLE_OPERAND_BYTES8:
    return read_bytes (machine, 8, operand);
  case PICKLE_OPERAND_LINE:
    return read_line (machine, &operand->data, &operand->length);
  case PICKLE_OPERAND_LINES:
    return read_line (machine, &operand->data, &operand->length)
           && read_line (machine, &operand->second, &operand->second_length);
  case PICKLE_OPERAND_NONE:
    break;
  }
  return TRUE;
}

static gboolean
run_opcode (PickleMachine *machine)
{
  PickleOperand operand = {0};
  const PickleOpcode *opcode;

  machine->begin = machine->at;
  machine->opcode = NULL;
  if (machine->at == machine->size)
    return pickle_fail (machine, "expected an opcode, found the end of the pickle");
  opcode = pickle_find_opcode (machine->data[machine->at]);
  if (!opcode)
    return pickle_fail (machine, "expected an opcode of a pickle, found byte 0x%02x",
        machine->data[machine->at]);
  machine->at++;
  machine->opcode = opcode->name;
  return read_operand (machine, opcode->operand, &operand) && opcode->run (machine, &operand);
}

const PickleValue *
pickle_read (Pickle *pickle, const guint8 *data, gsize size, gsize *end, GError **error)
{
  g_autoptr (GPtrArray) stack = g_ptr_array_new ();
  g_autoptr (GArray) marks = g_array_new (FALSE, FALSE, sizeof (gsize));
  g_autoptr (GHashTable) memo = g_hash_table_new (NULL, NULL);
  PickleMachine machine = {.pickle = pickle,
      .data = data,
      .size = MIN (size, MAX_SIZE),
      .stack = stack,
      .marks = marks,
      .memo = memo,
      .error = error};

  while (!machine.result)
    if (!run_opcode (&machine))
      return NULL;
  *end = machine.at;
  return machine.result;
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
