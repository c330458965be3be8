/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The opcodes of pickles, as Python's pickletools describes them. */
#include "container/pickle-machine.h"
#include <math.h>
#include <string.h>

#define MAX_PROTOCOL 5
#define MAX_MARKS 65536 /* containers within each other */

/* --- Plain values --- */

static gboolean
push_none (PickleMachine *machine, const PickleOperand *operand)
{
  return pickle_push (machine, pickle_make_value (machine, PICKLE_NONE));
}

static gboolean
push_bool (PickleMachine *machine, gboolean is_true)
{
  PickleValue *value = pickle_make_value (machine, PICKLE_BOOL);

  value->integer = is_true;
  return pickle_push (machine, value);
}

static gboolean
push_true (PickleMachine *machine, const PickleOperand *operand)
{
  return push_bool (machine, TRUE);
}

static gboolean
push_false (PickleMachine *machine, const PickleOperand *operand)
{
  return push_bool (machine, FALSE);
}

static gboolean
push_number (PickleMachine *machine, gint64 integer)
{
  PickleValue *value = pickle_make_value (machine, PICKLE_INT);

  value->integer = integer;
  return pickle_push (machine, value);
}

static gboolean
push_unsigned (PickleMachine *machine, const PickleOperand *operand)
{
  return push_number (machine, (gint64) operand->number);
}

static gboolean
push_signed (PickleMachine *machine, const PickleOperand *operand)
{
  return push_number (machine, (gint32) (guint32) operand->number);
}

/* Pushes an integer in two's complement, little-endian. */
static gboolean
push_long (PickleMachine *machine, const PickleOperand *operand)
{
  const gsize n = operand->length;
  guint64 bits = n && operand->data[n - 1] & 0x80 ? G_MAXUINT64 : 0;
  PickleValue *value;

  if (n > sizeof bits) {
    value = pickle_make_value (machine, PICKLE_BIG_INT);
    value->text = (const char *) operand->data;
    value->length = n;
    return pickle_push (machine, value);
  }
  for (gsize i = n; i > 0; i--)
    bits = bits << 8 | operand->data[i - 1];
  return push_number (machine, (gint64) bits);
}

/* Pushes an integer in decimal digits, or a boolean, which is written as 00 or 01. */
static gboolean
push_decimal (PickleMachine *machine, const PickleOperand *operand)
{
  g_autofree char *text = g_strndup ((const char *) operand->data, operand->length);
  char *end;
  gint64 number;

  if (g_str_equal (text, "00") || g_str_equal (text, "01"))
    return push_bool (machine, text[1] == '1');
  number = g_ascii_strtoll (text, &end, 10);
  if (end == text || (*end && !g_str_equal (end, "L")))
    return pickle_fail (machine, "expected an integer, found \"%.20s\"", text);
  return push_number (machine, number);
}

static gboolean
push_float (PickleMachine *machine, double number)
{
  PickleValue *value = pickle_make_value (machine, PICKLE_FLOAT);

  value->number = number;
  return pickle_push (machine, value);
}

static gboolean
push_decimal_float (PickleMachine *machine, const PickleOperand *operand)
{
  g_autofree char *text = g_strndup ((const char *) operand->data, operand->length);
  char *end;
  const double number = g_ascii_strtod (text, &end);

  if (end == text || *end)
    return pickle_fail (machine, "expected a number, found \"%.20s\"", text);
  return push_float (machine, number);
}

/* Pushes a big-endian double. */
static gboolean
push_binary_float (PickleMachine *machine, const PickleOperand *operand)
{
  const guint64 bits = GUINT64_SWAP_LE_BE (operand->number);
  double number;

  memcpy (&number, &bits, sizeof number);
  return push_float (machine, number);
}

static gboolean
push_text (PickleMachine *machine, const PickleOperand *operand)
{
  PickleValue *value = pickle_make_value (machine, PICKLE_STRING);

  pickle_set_text (machine, value, operand->data, operand->length);
  return pickle_push (machine, value);
}

/* Pushes a text in quotes, with the escapes of Python 2. */
static gboolean
push_quoted (PickleMachine *machine, const PickleOperand *operand)
{
  PickleValue *value = pickle_make_value (machine, PICKLE_STRING);
  g_autofree char *text = NULL, *plain = NULL;

  if (operand->length < 2)
    return pickle_fail (
        machine, "expected a text in quotes, found %" G_GSIZE_FORMAT " bytes", operand->length);
  text = g_strndup ((const char *) operand->data + 1, operand->length - 2);
  plain = g_strcompress (text);
  pickle_set_text (machine, value, plain, strlen (plain));
  return pickle_push (machine, value);
}

static gboolean
push_bytes (PickleMachine *machine, const PickleOperand *operand)
{
  PickleValue *value = pickle_make_value (machine, PICKLE_BYTES);

  value->text = (const char *) operand->data;
  value->length = operand->length;
  return pickle_push (machine, value);
}

/* --- Containers --- */

static gboolean
push_empty_list (PickleMachine *machine, const PickleOperand *operand)
{
  return pickle_push (machine, pickle_make_value (machine, PICKLE_LIST));
}

static gboolean
push_empty_tuple (PickleMachine *machine, const PickleOperand *operand)
{
  return pickle_push (machine, pickle_make_value (machine, PICKLE_TUPLE));
}

static gboolean
push_empty_dict (PickleMachine *machine, const PickleOperand *operand)
{
  return pickle_push (machine, pickle_make_value (machine, PICKLE_DICT));
}

static gboolean
push_empty_set (PickleMachine *machine, const PickleOperand *operand)
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

static gboolean
push_list (PickleMachine *machine, const PickleOperand *operand)
{
  return push_marked (machine, PICKLE_LIST);
}

static gboolean
push_tuple (PickleMachine *machine, const PickleOperand *operand)
{
  return push_marked (machine, PICKLE_TUPLE);
}

static gboolean
push_dict (PickleMachine *machine, const PickleOperand *operand)
{
  return push_marked (machine, PICKLE_DICT);
}

static gboolean
push_frozen_set (PickleMachine *machine, const PickleOperand *operand)
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

static gboolean
push_tuple_1 (PickleMachine *machine, const PickleOperand *operand)
{
  return push_tuple_of (machine, 1);
}

static gboolean
push_tuple_2 (PickleMachine *machine, const PickleOperand *operand)
{
  return push_tuple_of (machine, 2);
}

static gboolean
push_tuple_3 (PickleMachine *machine, const PickleOperand *operand)
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

static gboolean
append_items (PickleMachine *machine, const PickleOperand *operand)
{
  return append_marked (machine, PICKLE_LIST);
}

static gboolean
add_items (PickleMachine *machine, const PickleOperand *operand)
{
  return append_marked (machine, PICKLE_SET);
}

static gboolean
set_items (PickleMachine *machine, const PickleOperand *operand)
{
  return append_marked (machine, PICKLE_DICT);
}

static gboolean
append_item (PickleMachine *machine, const PickleOperand *operand)
{
  PickleValue *item = pickle_pop (machine);
  GPtrArray *array = item ? get_array (machine, PICKLE_LIST, FALSE) : NULL;

  if (!array)
    return FALSE;
  g_ptr_array_add (array, item);
  return TRUE;
}

static gboolean
set_item (PickleMachine *machine, const PickleOperand *operand)
{
  PickleValue *item = pickle_pop (machine), *key = item ? pickle_pop (machine) : NULL;
  GPtrArray *array = key ? get_array (machine, PICKLE_DICT, TRUE) : NULL;

  if (!array)
    return FALSE;
  g_ptr_array_add (array, key);
  g_ptr_array_add (array, item);
  return TRUE;
}

/* --- Stack and memo --- */

static gboolean
add_mark (PickleMachine *machine, const PickleOperand *operand)
{
  const gsize size = machine->stack->len;

  if (machine->marks->len == MAX_MARKS)
    return pickle_fail (machine, "expected at most %d marks, found more", MAX_MARKS);
  g_array_append_val (machine->marks, size);
  return TRUE;
}

static gboolean
drop_value (PickleMachine *machine, const PickleOperand *operand)
{
  return pickle_pop (machine) != NULL;
}

static gboolean
drop_mark (PickleMachine *machine, const PickleOperand *operand)
{
  g_autoptr (GPtrArray) values = pickle_pop_mark (machine);

  return values != NULL;
}

static gboolean
duplicate_value (PickleMachine *machine, const PickleOperand *operand)
{
  PickleValue *value = pickle_peek (machine);

  return value && pickle_push (machine, value);
}

static gboolean
memoize_value (PickleMachine *machine, guint64 number)
{
  PickleValue *value = pickle_peek (machine);

  return value && pickle_memoize (machine, number, value);
}

static gboolean
put_number (PickleMachine *machine, const PickleOperand *operand)
{
  return memoize_value (machine, operand->number);
}

static gboolean
put_next (PickleMachine *machine, const PickleOperand *operand)
{
  return memoize_value (machine, g_hash_table_size (machine->memo));
}

static gboolean
push_memoized (PickleMachine *machine, guint64 number)
{
  PickleValue *value = g_hash_table_lookup (machine->memo, GSIZE_TO_POINTER ((gsize) number));

  if (!value)
    return pickle_fail (machine,
        "expected a memoized value, found none with number "
        "%" G_GUINT64_FORMAT,
        number);
  return pickle_push (machine, value);
}

static gboolean
get_number (PickleMachine *machine, const PickleOperand *operand)
{
  return push_memoized (machine, operand->number);
}

/* Reads the number of a memoized value from a line. */
static gboolean
parse_line_number (PickleMachine *machine, const PickleOperand *operand, guint64 *number)
{
  g_autofree char *text = g_strndup ((const char *) operand->data, operand->length);

  return g_ascii_string_to_unsigned (text, 10, 0, G_MAXUINT32, number, NULL)
         || pickle_fail (machine, "expected a number, found \"%.20s\"", text);
}

static gboolean
put_line (PickleMachine *machine, const PickleOperand *operand)
{
  guint64 number;

  return parse_line_number (machine, operand, &number) && memoize_value (machine, number);
}

static gboolean
get_line (PickleMachine *machine, const PickleOperand *operand)
{
  guint64 number;

  return parse_line_number (machine, operand, &number) && push_memoized (machine, number);
}

/* --- Globals and records --- */

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

static gboolean
push_global (PickleMachine *machine, const PickleOperand *operand)
{
  return pickle_push (machine, make_global (machine, operand->data, operand->length,
                                   operand->second, operand->second_length));
}

static gboolean
push_stack_global (PickleMachine *machine, const PickleOperand *operand)
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

static gboolean
call_with_args (PickleMachine *machine, const PickleOperand *operand)
{
  const PickleValue *args = pickle_pop (machine);
  const PickleValue *callable = args ? pickle_pop (machine) : NULL;

  return callable && push_call (machine, callable, args);
}

static gboolean
call_with_keywords (PickleMachine *machine, const PickleOperand *operand)
{
  return pickle_pop (machine) && call_with_args (machine, operand);
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

static gboolean
call_instance (PickleMachine *machine, const PickleOperand *operand)
{
  g_autoptr (GPtrArray) values = pickle_pop_mark (machine);

  return values
         && push_marked_call (machine,
             make_global (machine, operand->data, operand->length, operand->second,
                 operand->second_length),
             values, 0);
}

static gboolean
call_object (PickleMachine *machine, const PickleOperand *operand)
{
  g_autoptr (GPtrArray) values = pickle_pop_mark (machine);

  if (!values)
    return FALSE;
  if (!values->len)
    return pickle_fail (machine, "expected a class, found none");
  return push_marked_call (machine, g_ptr_array_index (values, 0), values, 1);
}

static gboolean
set_state (PickleMachine *machine, const PickleOperand *operand)
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

static gboolean
push_persistent (PickleMachine *machine, const PickleOperand *operand)
{
  const PickleValue *id = pickle_pop (machine);
  PickleValue *value;

  if (!id)
    return FALSE;
  value = pickle_make_value (machine, PICKLE_PERSISTENT);
  value->args = id;
  return pickle_push (machine, value);
}

static gboolean
push_persistent_line (PickleMachine *machine, const PickleOperand *operand)
{
  return push_text (machine, operand) && push_persistent (machine, operand);
}

/* --- Control --- */

static gboolean
check_protocol (PickleMachine *machine, const PickleOperand *operand)
{
  return operand->number <= MAX_PROTOCOL
         || pickle_fail (machine, "expected protocol 0 to %d, found %" G_GUINT64_FORMAT,
             MAX_PROTOCOL, operand->number);
}

static gboolean
skip_frame (PickleMachine *machine, const PickleOperand *operand)
{
  return TRUE;
}

static gboolean
stop_machine (PickleMachine *machine, const PickleOperand *operand)
{
  return (machine->result = pickle_pop (machine)) != NULL;
}

#define OPERAND(kind) PICKLE_OPERAND_##kind

/* clang-format off */
static const PickleOpcode opcodes[256] = {
    ['('] = {"MARK", OPERAND (NONE), add_mark},
    ['.'] = {"STOP", OPERAND (NONE), stop_machine},
    ['0'] = {"POP", OPERAND (NONE), drop_value},
    ['1'] = {"POP_MARK", OPERAND (NONE), drop_mark},
    ['2'] = {"DUP", OPERAND (NONE), duplicate_value},
    ['F'] = {"FLOAT", OPERAND (LINE), push_decimal_float},
    ['I'] = {"INT", OPERAND (LINE), push_decimal},
    ['J'] = {"BININT", OPERAND (UINT4), push_signed},
    ['K'] = {"BININT1", OPERAND (UINT1), push_unsigned},
    ['L'] = {"LONG", OPERAND (LINE), push_decimal},
    ['M'] = {"BININT2", OPERAND (UINT2), push_unsigned},
    ['N'] = {"NONE", OPERAND (NONE), push_none},
    ['P'] = {"PERSID", OPERAND (LINE), push_persistent_line},
    ['Q'] = {"BINPERSID", OPERAND (NONE), push_persistent},
    ['R'] = {"REDUCE", OPERAND (NONE), call_with_args},
    ['S'] = {"STRING", OPERAND (LINE), push_quoted},
    ['T'] = {"BINSTRING", OPERAND (BYTES4), push_text},
    ['U'] = {"SHORT_BINSTRING", OPERAND (BYTES1), push_text},
    ['V'] = {"UNICODE", OPERAND (LINE), push_text},
    ['X'] = {"BINUNICODE", OPERAND (BYTES4), push_text},
    ['a'] = {"APPEND", OPERAND (NONE), append_item},
    ['b'] = {"BUILD", OPERAND (NONE), set_state},
    ['c'] = {"GLOBAL", OPERAND (LINES), push_global},
    ['d'] = {"DICT", OPERAND (NONE), push_dict},
    ['}'] = {"EMPTY_DICT", OPERAND (NONE), push_empty_dict},
    ['e'] = {"APPENDS", OPERAND (NONE), append_items},
    ['g'] = {"GET", OPERAND (LINE), get_line},
    ['h'] = {"BINGET", OPERAND (UINT1), get_number},
    ['i'] = {"INST", OPERAND (LINES), call_instance},
    ['j'] = {"LONG_BINGET", OPERAND (UINT4), get_number},
    ['l'] = {"LIST", OPERAND (NONE), push_list},
    [']'] = {"EMPTY_LIST", OPERAND (NONE), push_empty_list},
    ['o'] = {"OBJ", OPERAND (NONE), call_object},
    ['p'] = {"PUT", OPERAND (LINE), put_line},
    ['q'] = {"BINPUT", OPERAND (UINT1), put_number},
    ['r'] = {"LONG_BINPUT", OPERAND (UINT4), put_number},
    ['s'] = {"SETITEM", OPERAND (NONE), set_item},
    ['t'] = {"TUPLE", OPERAND (NONE), push_tuple},
    [')'] = {"EMPTY_TUPLE", OPERAND (NONE), push_empty_tuple},
    ['u'] = {"SETITEMS", OPERAND (NONE), set_items},
    ['G'] = {"BINFLOAT", OPERAND (UINT8), push_binary_float},
    [0x80] = {"PROTO", OPERAND (UINT1), check_protocol},
    [0x81] = {"NEWOBJ", OPERAND (NONE), call_with_args},
    [0x85] = {"TUPLE1", OPERAND (NONE), push_tuple_1},
    [0x86] = {"TUPLE2", OPERAND (NONE), push_tuple_2},
    [0x87] = {"TUPLE3", OPERAND (NONE), push_tuple_3},
    [0x88] = {"NEWTRUE", OPERAND (NONE), push_true},
    [0x89] = {"NEWFALSE", OPERAND (NONE), push_false},
    [0x8a] = {"LONG1", OPERAND (BYTES1), push_long},
    [0x8b] = {"LONG4", OPERAND (BYTES4), push_long},
    ['B'] = {"BINBYTES", OPERAND (BYTES4), push_bytes},
    ['C'] = {"SHORT_BINBYTES", OPERAND (BYTES1), push_bytes},
    [0x8c] = {"SHORT_BINUNICODE", OPERAND (BYTES1), push_text},
    [0x8d] = {"BINUNICODE8", OPERAND (BYTES8), push_text},
    [0x8e] = {"BINBYTES8", OPERAND (BYTES8), push_bytes},
    [0x8f] = {"EMPTY_SET", OPERAND (NONE), push_empty_set},
    [0x90] = {"ADDITEMS", OPERAND (NONE), add_items},
    [0x91] = {"FROZENSET", OPERAND (NONE), push_frozen_set},
    [0x92] = {"NEWOBJ_EX", OPERAND (NONE), call_with_keywords},
    [0x93] = {"STACK_GLOBAL", OPERAND (NONE), push_stack_global},
    [0x94] = {"MEMOIZE", OPERAND (NONE), put_next},
    [0x95] = {"FRAME", OPERAND (UINT8), skip_frame},
    [0x96] = {"BYTEARRAY8", OPERAND (BYTES8), push_bytes},
};
/* clang-format on */

const PickleOpcode *
pickle_find_opcode (guint8 code)
{
  return opcodes[code].run ? &opcodes[code] : NULL;
}
