/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "container/pickle-machine.h"
#include <string.h>

#define MAX_SIZE ((gsize) 64 << 20) /* bytes of a pickle */

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
