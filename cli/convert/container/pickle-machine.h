/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The machine that runs the opcodes of a pickle: a stack of values, marks in the stack, and a memo
 * of values by number. */
#pragma once

#include "container/pickle.h"

/* The owner of values */
struct _Pickle {
  char *source;      /* for messages */
  GPtrArray *values; /* PickleValue */
  GPtrArray *texts;  /* of values */
};

/* Operand that follows an opcode in the pickle */
typedef enum {
  PICKLE_OPERAND_NONE,
  PICKLE_OPERAND_UINT1, /* unsigned integers of 1, 2, 4 and 8 bytes */
  PICKLE_OPERAND_UINT2,
  PICKLE_OPERAND_UINT4,
  PICKLE_OPERAND_UINT8,
  PICKLE_OPERAND_BYTES1, /* bytes after their number, which has 1, 4 or 8 bytes */
  PICKLE_OPERAND_BYTES4,
  PICKLE_OPERAND_BYTES8,
  PICKLE_OPERAND_LINE,  /* text up to a line break */
  PICKLE_OPERAND_LINES, /* two lines */
} PickleOperandKind;

typedef struct {
  guint64 number;     /* UINT */
  const guint8 *data; /* BYTES, LINE, the first of LINES */
  gsize length;
  const guint8 *second; /* the second of LINES */
  gsize second_length;
} PickleOperand;

typedef struct {
  Pickle *pickle;
  const guint8 *data;
  gsize size;
  gsize at;           /* of the next opcode, in bytes */
  gsize begin;        /* of the current opcode, in bytes */
  const char *opcode; /* name of the current opcode; NULL before the first one */
  GPtrArray *stack;   /* PickleValue */
  GArray *marks;      /* gsize: sizes of the stack */
  GHashTable *memo;   /* number → PickleValue */
  guint n_values;     /* pushed and memoized values */
  const PickleValue *result;
  GError **error;
} PickleMachine;

typedef struct {
  const char *name;
  PickleOperandKind operand;
  gboolean (*run) (PickleMachine *machine, const PickleOperand *operand);
} PickleOpcode;

/* Returns: (transfer none) (nullable): the opcode with the byte @code */
const PickleOpcode *pickle_find_opcode (guint8 code);

/* Sets the error of @machine to @format, after the source, byte and opcode. Returns: FALSE */
gboolean pickle_fail (PickleMachine *machine, const char *format, ...) G_GNUC_PRINTF (2, 3);

/* Returns: (transfer none): a value that @machine's pickle owns */
PickleValue *pickle_make_value (PickleMachine *machine, PickleKind kind);

/* Sets the text of @value to a copy of @length bytes. */
void pickle_set_text (
    PickleMachine *machine, PickleValue *value, const void *text, gsize length);

gboolean pickle_push (PickleMachine *machine, PickleValue *value);

/* Return the last value, and pickle_pop() also removes it. They return NULL with an error if no
 * value is above the last mark. */
PickleValue *pickle_peek (PickleMachine *machine);
PickleValue *pickle_pop (PickleMachine *machine);

/* Removes the last mark, and the values above it. Returns: (transfer full) (nullable): the values;
 * NULL with an error if there is no mark */
GPtrArray *pickle_pop_mark (PickleMachine *machine);

/* Stores @value as number @number. */
gboolean pickle_memoize (PickleMachine *machine, guint64 number, PickleValue *value);

/* --- Opcodes --- */

/* Run an opcode. They return FALSE with an error. */
gboolean pickle_push_none (PickleMachine *machine, const PickleOperand *operand);
gboolean pickle_push_true (PickleMachine *machine, const PickleOperand *operand);
gboolean pickle_push_false (PickleMachine *machine, const PickleOperand *operand);
gboolean pickle_push_unsigned (PickleMachine *machine, const PickleOperand *operand);
gboolean pickle_push_signed (PickleMachine *machine, const PickleOperand *operand);
gboolean pickle_push_long (PickleMachine *machine, const PickleOperand *operand);
gboolean pickle_push_decimal (PickleMachine *machine, const PickleOperand *operand);
gboolean pickle_push_decimal_float (PickleMachine *machine, const PickleOperand *operand);
gboolean pickle_push_binary_float (PickleMachine *machine, const PickleOperand *operand);
gboolean pickle_push_text (PickleMachine *machine, const PickleOperand *operand);
gboolean pickle_push_quoted (PickleMachine *machine, const PickleOperand *operand);
gboolean pickle_push_bytes (PickleMachine *machine, const PickleOperand *operand);

gboolean pickle_push_empty_list (PickleMachine *machine, const PickleOperand *operand);
gboolean pickle_push_empty_tuple (PickleMachine *machine, const PickleOperand *operand);
gboolean pickle_push_empty_dict (PickleMachine *machine, const PickleOperand *operand);
gboolean pickle_push_empty_set (PickleMachine *machine, const PickleOperand *operand);
gboolean pickle_push_list (PickleMachine *machine, const PickleOperand *operand);
gboolean pickle_push_tuple (PickleMachine *machine, const PickleOperand *operand);
gboolean pickle_push_dict (PickleMachine *machine, const PickleOperand *operand);
gboolean pickle_push_frozen_set (PickleMachine *machine, const PickleOperand *operand);
gboolean pickle_push_tuple_1 (PickleMachine *machine, const PickleOperand *operand);
gboolean pickle_push_tuple_2 (PickleMachine *machine, const PickleOperand *operand);
gboolean pickle_push_tuple_3 (PickleMachine *machine, const PickleOperand *operand);
gboolean pickle_append_items (PickleMachine *machine, const PickleOperand *operand);
gboolean pickle_add_items (PickleMachine *machine, const PickleOperand *operand);
gboolean pickle_set_items (PickleMachine *machine, const PickleOperand *operand);
gboolean pickle_append_item (PickleMachine *machine, const PickleOperand *operand);
gboolean pickle_set_item (PickleMachine *machine, const PickleOperand *operand);

gboolean pickle_push_global (PickleMachine *machine, const PickleOperand *operand);
gboolean pickle_push_stack_global (PickleMachine *machine, const PickleOperand *operand);
gboolean pickle_call_with_args (PickleMachine *machine, const PickleOperand *operand);
gboolean pickle_call_with_keywords (PickleMachine *machine, const PickleOperand *operand);
gboolean pickle_call_instance (PickleMachine *machine, const PickleOperand *operand);
gboolean pickle_call_object (PickleMachine *machine, const PickleOperand *operand);
gboolean pickle_set_state (PickleMachine *machine, const PickleOperand *operand);
gboolean pickle_push_persistent (PickleMachine *machine, const PickleOperand *operand);
gboolean pickle_push_persistent_line (PickleMachine *machine, const PickleOperand *operand);
