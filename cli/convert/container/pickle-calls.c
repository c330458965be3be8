/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Opcodes that name classes and functions, and call them. A call is recorded, not run. */
#include "container/pickle-machine.h"
#include <string.h>

static PickleValue *
make_global (PickleMachine *machine, const void *module, gsize module_length, const void *name,
    gsize name_length)
{
  PickleValue *value = pickle_make_value (machine, PICKLE_GLOBAL);
  g_autofree char *text = g_strdup_printf ("%.*s.%.*s", (int) module_length,
      (const char *) module, (int) name_length, (const char *) name);

  pickle_set_text (machine, value, text, strlen (text));
  return value;
}

gboolean
pickle_push_global (PickleMachine *machine, const PickleOperand *operand)
{
  return pickle_push (machine, make_global (machine, operand->data, operand->length,
                                   operand->second, operand->second_length));
}

gboolean
pickle_push_stack_global (PickleMachine *machine, const PickleOperand *operand)
{
  const PickleValue *name = pickle_pop (machine), *module = name ? pickle_pop (machine) : NULL;

  if (!module)
    return FALSE;
  if (name->kind != PICKLE_STRING || module->kind != PICKLE_STRING) {
    g_autofree char *found = pickle_describe (module->kind != PICKLE_STRING ? module : name);

    return pickle_fail (machine, "expected the texts of a module and a name, found %s", found);
  }
  return pickle_push (
      machine, make_global (machine, module->text, module->length, name->text, name->length));
}

static const char *const dict_classes[] = {"collections.OrderedDict", "collections.defaultdict",
    "builtins.dict", "__builtin__.dict", NULL};
static const char *const set_classes[] = {
    "builtins.set", "builtins.frozenset", "__builtin__.set", "__builtin__.frozenset", NULL};

/* Adds the pairs of @list to @dict, as OrderedDict (list) does. */
static void
add_pairs (PickleValue *dict, const PickleValue *list)
{
  for (guint i = 0; i < pickle_count (list); i++) {
    const PickleValue *pair = pickle_get_item (list, i);

    if (pickle_count (pair) != 2)
      continue;
    for (guint k = 0; k < 2; k++)
      g_ptr_array_add (dict->items, (gpointer) pickle_get_item (pair, k));
  }
}

/* Pushes the result of a call: a container of Python, or the record of the call. */
static gboolean
push_call (PickleMachine *machine, const PickleValue *callable, const PickleValue *args)
{
  const char *name = callable->kind == PICKLE_GLOBAL ? callable->text : "";
  const PickleValue *first = pickle_get_item (args, 0);
  PickleValue *value;

  if (g_strv_contains (dict_classes, name)) {
    value = pickle_make_value (machine, PICKLE_DICT);
    add_pairs (value, first);
  } else if (g_strv_contains (set_classes, name)) {
    value = pickle_make_value (machine, PICKLE_SET);
    for (guint i = 0; i < pickle_count (first); i++)
      g_ptr_array_add (value->items, (gpointer) pickle_get_item (first, i));
  } else {
    value = pickle_make_value (machine, PICKLE_OBJECT);
    value->callable = callable;
    value->args = args;
  }
  machine->n_values += pickle_count (first);
  return pickle_push (machine, value);
}

gboolean
pickle_call_with_args (PickleMachine *machine, const PickleOperand *operand)
{
  const PickleValue *args = pickle_pop (machine);
  const PickleValue *callable = args ? pickle_pop (machine) : NULL;

  return callable && push_call (machine, callable, args);
}

gboolean
pickle_call_with_keywords (PickleMachine *machine, const PickleOperand *operand)
{
  return pickle_pop (machine) && pickle_call_with_args (machine, operand);
}

/* Pushes the record of a call whose arguments are @values from @first on. */
static gboolean
push_marked_call (
    PickleMachine *machine, const PickleValue *callable, const GPtrArray *values, guint first)
{
  PickleValue *args = pickle_make_value (machine, PICKLE_TUPLE);

  for (guint i = first; i < values->len; i++)
    g_ptr_array_add (args->items, g_ptr_array_index (values, i));
  return push_call (machine, callable, args);
}

gboolean
pickle_call_instance (PickleMachine *machine, const PickleOperand *operand)
{
  g_autoptr (GPtrArray) values = pickle_pop_mark (machine);

  return values
         && push_marked_call (machine,
             make_global (machine, operand->data, operand->length, operand->second,
                 operand->second_length),
             values, 0);
}

gboolean
pickle_call_object (PickleMachine *machine, const PickleOperand *operand)
{
  g_autoptr (GPtrArray) values = pickle_pop_mark (machine);

  if (!values)
    return FALSE;
  if (!values->len)
    return pickle_fail (machine, "expected a class, found none");
  return push_marked_call (machine, g_ptr_array_index (values, 0), values, 1);
}

gboolean
pickle_set_state (PickleMachine *machine, const PickleOperand *operand)
{
  const PickleValue *state = pickle_pop (machine);
  PickleValue *value = state ? pickle_peek (machine) : NULL;
  g_autofree char *found = NULL;

  if (!value)
    return FALSE;
  if (value->kind == PICKLE_OBJECT || value->kind == PICKLE_DICT || value->kind == PICKLE_LIST
      || value->kind == PICKLE_SET) {
    value->state = state;
    return TRUE;
  }
  found = pickle_describe (value);
  return pickle_fail (machine, "expected an object, found %s", found);
}

gboolean
pickle_push_persistent (PickleMachine *machine, const PickleOperand *operand)
{
  const PickleValue *id = pickle_pop (machine);
  PickleValue *value;

  if (!id)
    return FALSE;
  value = pickle_make_value (machine, PICKLE_PERSISTENT);
  value->args = id;
  return pickle_push (machine, value);
}

gboolean
pickle_push_persistent_line (PickleMachine *machine, const PickleOperand *operand)
{
  return pickle_push_text (machine, operand) && pickle_push_persistent (machine, operand);
}
