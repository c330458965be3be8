/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Opcodes that push and fill containers. */
#include "container/pickle-machine.h"

gboolean
pickle_push_empty_list (PickleMachine *machine, const PickleOperand *operand)
{
  return pickle_push (machine, pickle_make_value (machine, PICKLE_LIST));
}

gboolean
pickle_push_empty_tuple (PickleMachine *machine, const PickleOperand *operand)
{
  return pickle_push (machine, pickle_make_value (machine, PICKLE_TUPLE));
}

gboolean
pickle_push_empty_dict (PickleMachine *machine, const PickleOperand *operand)
{
  return pickle_push (machine, pickle_make_value (machine, PICKLE_DICT));
}

gboolean
pickle_push_empty_set (PickleMachine *machine, const PickleOperand *operand)
{
  return pickle_push (machine, pickle_make_value (machine, PICKLE_SET));
}

/* Pushes a container of the values above the last mark. */
static gboolean
push_marked (PickleMachine *machine, PickleKind kind)
{
  GPtrArray *values = pickle_pop_mark (machine);
  PickleValue *value;

  if (!values)
    return FALSE;
  value = pickle_make_value (machine, kind);
  g_ptr_array_unref (value->items);
  value->items = values;
  if (kind == PICKLE_DICT && values->len % 2)
    return pickle_fail (machine, "expected keys and values, found %u values", values->len);
  return pickle_push (machine, value);
}

gboolean
pickle_push_list (PickleMachine *machine, const PickleOperand *operand)
{
  return push_marked (machine, PICKLE_LIST);
}

gboolean
pickle_push_tuple (PickleMachine *machine, const PickleOperand *operand)
{
  return push_marked (machine, PICKLE_TUPLE);
}

gboolean
pickle_push_dict (PickleMachine *machine, const PickleOperand *operand)
{
  return push_marked (machine, PICKLE_DICT);
}

gboolean
pickle_push_frozen_set (PickleMachine *machine, const PickleOperand *operand)
{
  return push_marked (machine, PICKLE_SET);
}

static gboolean
push_tuple_of (PickleMachine *machine, guint n)
{
  PickleValue *value = pickle_make_value (machine, PICKLE_TUPLE);

  for (guint i = 0; i < n; i++) {
    PickleValue *item = pickle_pop (machine);

    if (!item)
      return FALSE;
    g_ptr_array_insert (value->items, 0, item);
  }
  return pickle_push (machine, value);
}

gboolean
pickle_push_tuple_1 (PickleMachine *machine, const PickleOperand *operand)
{
  return push_tuple_of (machine, 1);
}

gboolean
pickle_push_tuple_2 (PickleMachine *machine, const PickleOperand *operand)
{
  return push_tuple_of (machine, 2);
}

gboolean
pickle_push_tuple_3 (PickleMachine *machine, const PickleOperand *operand)
{
  return push_tuple_of (machine, 3);
}

/* Returns: (transfer none) (nullable): the array to which a value of one of @kinds, or an object,
 * appends items or entries; NULL with an error */
static GPtrArray *
get_array (PickleMachine *machine, PickleKind kind, gboolean has_entries)
{
  PickleValue *value = pickle_peek (machine);
  g_autofree char *found = NULL;

  if (!value)
    return NULL;
  if (value->kind == kind)
    return value->items;
  if (value->kind == PICKLE_OBJECT) {
    GPtrArray **array = has_entries ? &value->entries : &value->items;

    if (!*array)
      *array = g_ptr_array_new ();
    return *array;
  }
  found = pickle_describe (value);
  pickle_fail (machine, "expected a %s, found %s",
      kind == PICKLE_LIST  ? "list"
      : kind == PICKLE_SET ? "set"
                           : "dict",
      found);
  return NULL;
}

/* Appends the values above the last mark to the container below the mark. */
static gboolean
append_marked (PickleMachine *machine, PickleKind kind)
{
  g_autoptr (GPtrArray) values = pickle_pop_mark (machine);
  GPtrArray *array = values ? get_array (machine, kind, kind == PICKLE_DICT) : NULL;

  if (!array)
    return FALSE;
  if (kind == PICKLE_DICT && values->len % 2)
    return pickle_fail (machine, "expected keys and values, found %u values", values->len);
  for (guint i = 0; i < values->len; i++)
    g_ptr_array_add (array, g_ptr_array_index (values, i));
  return TRUE;
}

gboolean
pickle_append_items (PickleMachine *machine, const PickleOperand *operand)
{
  return append_marked (machine, PICKLE_LIST);
}

gboolean
pickle_add_items (PickleMachine *machine, const PickleOperand *operand)
{
  return append_marked (machine, PICKLE_SET);
}

gboolean
pickle_set_items (PickleMachine *machine, const PickleOperand *operand)
{
  return append_marked (machine, PICKLE_DICT);
}

gboolean
pickle_append_item (PickleMachine *machine, const PickleOperand *operand)
{
  PickleValue *item = pickle_pop (machine);
  GPtrArray *array = item ? get_array (machine, PICKLE_LIST, FALSE) : NULL;

  if (!array)
    return FALSE;
  g_ptr_array_add (array, item);
  return TRUE;
}

gboolean
pickle_set_item (PickleMachine *machine, const PickleOperand *operand)
{
  PickleValue *item = pickle_pop (machine), *key = item ? pickle_pop (machine) : NULL;
  GPtrArray *array = key ? get_array (machine, PICKLE_DICT, TRUE) : NULL;

  if (!array)
    return FALSE;
  g_ptr_array_add (array, key);
  g_ptr_array_add (array, item);
  return TRUE;
}
