/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The opcodes of pickles, as Python's pickletools describes them. */
#include "container/pickle-machine.h"

#define MAX_PROTOCOL 5
#define MAX_MARKS 65536 /* containers within each other */

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
    ['F'] = {"FLOAT", OPERAND (LINE), pickle_push_decimal_float},
    ['I'] = {"INT", OPERAND (LINE), pickle_push_decimal},
    ['J'] = {"BININT", OPERAND (UINT4), pickle_push_signed},
    ['K'] = {"BININT1", OPERAND (UINT1), pickle_push_unsigned},
    ['L'] = {"LONG", OPERAND (LINE), pickle_push_decimal},
    ['M'] = {"BININT2", OPERAND (UINT2), pickle_push_unsigned},
    ['N'] = {"NONE", OPERAND (NONE), pickle_push_none},
    ['P'] = {"PERSID", OPERAND (LINE), pickle_push_persistent_line},
    ['Q'] = {"BINPERSID", OPERAND (NONE), pickle_push_persistent},
    ['R'] = {"REDUCE", OPERAND (NONE), pickle_call_with_args},
    ['S'] = {"STRING", OPERAND (LINE), pickle_push_quoted},
    ['T'] = {"BINSTRING", OPERAND (BYTES4), pickle_push_text},
    ['U'] = {"SHORT_BINSTRING", OPERAND (BYTES1), pickle_push_text},
    ['V'] = {"UNICODE", OPERAND (LINE), pickle_push_text},
    ['X'] = {"BINUNICODE", OPERAND (BYTES4), pickle_push_text},
    ['a'] = {"APPEND", OPERAND (NONE), pickle_append_item},
    ['b'] = {"BUILD", OPERAND (NONE), pickle_set_state},
    ['c'] = {"GLOBAL", OPERAND (LINES), pickle_push_global},
    ['d'] = {"DICT", OPERAND (NONE), pickle_push_dict},
    ['}'] = {"EMPTY_DICT", OPERAND (NONE), pickle_push_empty_dict},
    ['e'] = {"APPENDS", OPERAND (NONE), pickle_append_items},
    ['g'] = {"GET", OPERAND (LINE), get_line},
    ['h'] = {"BINGET", OPERAND (UINT1), get_number},
    ['i'] = {"INST", OPERAND (LINES), pickle_call_instance},
    ['j'] = {"LONG_BINGET", OPERAND (UINT4), get_number},
    ['l'] = {"LIST", OPERAND (NONE), pickle_push_list},
    [']'] = {"EMPTY_LIST", OPERAND (NONE), pickle_push_empty_list},
    ['o'] = {"OBJ", OPERAND (NONE), pickle_call_object},
    ['p'] = {"PUT", OPERAND (LINE), put_line},
    ['q'] = {"BINPUT", OPERAND (UINT1), put_number},
    ['r'] = {"LONG_BINPUT", OPERAND (UINT4), put_number},
    ['s'] = {"SETITEM", OPERAND (NONE), pickle_set_item},
    ['t'] = {"TUPLE", OPERAND (NONE), pickle_push_tuple},
    [')'] = {"EMPTY_TUPLE", OPERAND (NONE), pickle_push_empty_tuple},
    ['u'] = {"SETITEMS", OPERAND (NONE), pickle_set_items},
    ['G'] = {"BINFLOAT", OPERAND (UINT8), pickle_push_binary_float},
    [0x80] = {"PROTO", OPERAND (UINT1), check_protocol},
    [0x81] = {"NEWOBJ", OPERAND (NONE), pickle_call_with_args},
    [0x85] = {"TUPLE1", OPERAND (NONE), pickle_push_tuple_1},
    [0x86] = {"TUPLE2", OPERAND (NONE), pickle_push_tuple_2},
    [0x87] = {"TUPLE3", OPERAND (NONE), pickle_push_tuple_3},
    [0x88] = {"NEWTRUE", OPERAND (NONE), pickle_push_true},
    [0x89] = {"NEWFALSE", OPERAND (NONE), pickle_push_false},
    [0x8a] = {"LONG1", OPERAND (BYTES1), pickle_push_long},
    [0x8b] = {"LONG4", OPERAND (BYTES4), pickle_push_long},
    ['B'] = {"BINBYTES", OPERAND (BYTES4), pickle_push_bytes},
    ['C'] = {"SHORT_BINBYTES", OPERAND (BYTES1), pickle_push_bytes},
    [0x8c] = {"SHORT_BINUNICODE", OPERAND (BYTES1), pickle_push_text},
    [0x8d] = {"BINUNICODE8", OPERAND (BYTES8), pickle_push_text},
    [0x8e] = {"BINBYTES8", OPERAND (BYTES8), pickle_push_bytes},
    [0x8f] = {"EMPTY_SET", OPERAND (NONE), pickle_push_empty_set},
    [0x90] = {"ADDITEMS", OPERAND (NONE), pickle_add_items},
    [0x91] = {"FROZENSET", OPERAND (NONE), pickle_push_frozen_set},
    [0x92] = {"NEWOBJ_EX", OPERAND (NONE), pickle_call_with_keywords},
    [0x93] = {"STACK_GLOBAL", OPERAND (NONE), pickle_push_stack_global},
    [0x94] = {"MEMOIZE", OPERAND (NONE), put_next},
    [0x95] = {"FRAME", OPERAND (UINT8), skip_frame},
    [0x96] = {"BYTEARRAY8", OPERAND (BYTES8), pickle_push_bytes},
};
/* clang-format on */

const PickleOpcode *
pickle_find_opcode (guint8 code)
{
  return opcodes[code].run ? &opcodes[code] : NULL;
}
