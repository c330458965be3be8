/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Opcodes that push numbers and texts. */
#include "container/pickle-machine.h"
#include <string.h>

gboolean
pickle_push_none (PickleMachine *machine, const PickleOperand *operand)
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

gboolean
pickle_push_true (PickleMachine *machine, const PickleOperand *operand)
{
  return push_bool (machine, TRUE);
}

gboolean
pickle_push_false (PickleMachine *machine, const PickleOperand *operand)
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

gboolean
pickle_push_unsigned (PickleMachine *machine, const PickleOperand *operand)
{
  return push_number (machine, (gint64) operand->number);
}

gboolean
pickle_push_signed (PickleMachine *machine, const PickleOperand *operand)
{
  return push_number (machine, (gint32) (guint32) operand->number);
}

/* Pushes an integer in two's complement, little-endian. */
gboolean
pickle_push_long (PickleMachine *machine, const PickleOperand *operand)
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
gboolean
pickle_push_decimal (PickleMachine *machine, const PickleOperand *operand)
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

gboolean
pickle_push_decimal_float (PickleMachine *machine, const PickleOperand *operand)
{
  g_autofree char *text = g_strndup ((const char *) operand->data, operand->length);
  char *end;
  const double number = g_ascii_strtod (text, &end);

  if (end == text || *end)
    return pickle_fail (machine, "expected a number, found \"%.20s\"", text);
  return push_float (machine, number);
}

/* Pushes a big-endian double. */
gboolean
pickle_push_binary_float (PickleMachine *machine, const PickleOperand *operand)
{
  const guint64 bits = GUINT64_SWAP_LE_BE (operand->number);
  double number;

  memcpy (&number, &bits, sizeof number);
  return push_float (machine, number);
}

gboolean
pickle_push_text (PickleMachine *machine, const PickleOperand *operand)
{
  PickleValue *value = pickle_make_value (machine, PICKLE_STRING);

  pickle_set_text (machine, value, operand->data, operand->length);
  return pickle_push (machine, value);
}

/* Pushes a text in quotes, with the escapes of Python 2. */
gboolean
pickle_push_quoted (PickleMachine *machine, const PickleOperand *operand)
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

gboolean
pickle_push_bytes (PickleMachine *machine, const PickleOperand *operand)
{
  PickleValue *value = pickle_make_value (machine, PICKLE_BYTES);

  value->text = (const char *) operand->data;
  value->length = operand->length;
  return pickle_push (machine, value);
}
