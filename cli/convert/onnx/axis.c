/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "onnx/axis.h"
#include "util/text.h"
#include <string.h>

#define MAX_LISTED 8 /* integers in a message */

OnnxInt
onnx_int_constant (gint64 value)
{
  return (OnnxInt){value, 0, ONNX_NO_FACTOR};
}

static gboolean
has_role (const OnnxReader *reader, OnnxInt a, OnnxRole role)
{
  return a.factor > 0 && onnx_get_factor (reader, a.factor)->role == role;
}

/* Returns whether the factor of one integer is a length of the sequences and the factor of the
 * other integer is the size of time: a stream has no steps beyond its sequence. The same applies to
 * the number of lengths and the size of the batch. */
static gboolean
are_equal_lengths (const OnnxReader *reader, OnnxInt a, OnnxInt b)
{
  if (a.factor == reader->length_factor || b.factor == reader->length_factor)
    return has_role (reader, a, ONNX_ROLE_TIME) && has_role (reader, b, ONNX_ROLE_TIME);
  if (a.factor == reader->batch_factor || b.factor == reader->batch_factor)
    return has_role (reader, a, ONNX_ROLE_BATCH) && has_role (reader, b, ONNX_ROLE_BATCH);
  return FALSE;
}

gboolean
onnx_int_equal (const OnnxReader *reader, OnnxInt a, OnnxInt b)
{
  const gboolean same_factor = a.factor == b.factor || are_equal_lengths (reader, a, b);

  return a.factor != ONNX_UNKNOWN_FACTOR && same_factor && a.offset == b.offset
         && (a.factor == ONNX_NO_FACTOR || a.coefficient == b.coefficient);
}

const char *
onnx_ints_describe (OnnxReader *reader, const OnnxInt *ints, gsize n)
{
  g_autoptr (GString) list = g_string_new (NULL);

  for (gsize i = 0; i < MIN (n, MAX_LISTED); i++) {
    g_autofree char *number = g_strdup_printf ("%" G_GINT64_FORMAT, ints[i].offset);

    lstm_text_append_item (list, ints[i].factor == ONNX_NO_FACTOR ? number : "?");
  }
  if (n > MAX_LISTED)
    lstm_text_append_item (list, "…");
  return onnx_own_text (reader, g_strdup_printf ("[%s]", list->str));
}

int
onnx_factor_new (OnnxReader *reader, gint64 size, OnnxRole role)
{
  const OnnxFactor factor = {size, role};

  g_array_append_val (reader->factors, factor);
  return (int) reader->factors->len;
}

OnnxFactor *
onnx_get_factor (const OnnxReader *reader, int factor)
{
  return &g_array_index (reader->factors, OnnxFactor, factor - 1);
}

OnnxAxis
onnx_axis_new (OnnxReader *reader, gint64 size, OnnxRole role)
{
  OnnxAxis axis = {0};

  if (size != 1)
    axis.factors[axis.n++] = onnx_factor_new (reader, size, role);
  return axis;
}

OnnxInt
onnx_axis_size (const OnnxReader *reader, const OnnxAxis *axis)
{
  OnnxInt size = onnx_int_constant (1);

  for (guint i = 0; i < axis->n; i++) {
    gint64 n = onnx_get_factor (reader, axis->factors[i])->size;

    if (n < 0 && size.factor == ONNX_NO_FACTOR)
      size = (OnnxInt){0, size.offset, axis->factors[i]};
    else if (n < 0 || __builtin_mul_overflow (size.coefficient, n, &size.coefficient)
             || __builtin_mul_overflow (size.offset, n, &size.offset))
      return (OnnxInt){0, 0, ONNX_UNKNOWN_FACTOR};
  }
  return size;
}

gboolean
onnx_axis_equal (const OnnxAxis *a, const OnnxAxis *b)
{
  return a->n == b->n && memcmp (a->factors, b->factors, a->n * sizeof *a->factors) == 0;
}

gboolean
onnx_axis_append (OnnxAxis *axis, const OnnxAxis *more)
{
  if (axis->n + more->n > ONNX_MAX_FACTORS)
    return FALSE;
  memcpy (axis->factors + axis->n, more->factors, more->n * sizeof *more->factors);
  axis->n += more->n;
  return TRUE;
}

gboolean
onnx_axis_bind (OnnxReader *reader, const OnnxAxis *axis, OnnxRole role)
{
  for (guint i = 0; i < axis->n; i++) {
    OnnxFactor *factor = onnx_get_factor (reader, axis->factors[i]);

    if (factor->role != ONNX_ROLE_UNKNOWN && factor->role != role)
      return FALSE;
    factor->role = role;
  }
  return TRUE;
}

gboolean
onnx_axis_is_time (const OnnxReader *reader, const OnnxAxis *axis)
{
  return axis->n == 1 && onnx_get_factor (reader, axis->factors[0])->role == ONNX_ROLE_TIME;
}

gboolean
onnx_axis_set_size (OnnxReader *reader, const OnnxAxis *axis, gsize n)
{
  OnnxInt size = onnx_axis_size (reader, axis);

  if (size.factor == ONNX_NO_FACTOR)
    return size.offset >= 0 && (gsize) size.offset == n;
  if (size.factor == ONNX_UNKNOWN_FACTOR || !size.coefficient || n % (gsize) size.coefficient)
    return FALSE;
  onnx_get_factor (reader, size.factor)->size = (gint64) (n / (gsize) size.coefficient);
  return TRUE;
}

/* Returns the size of @axis for lstm_text_shape(). */
static gsize
get_printed_size (const OnnxReader *reader, const OnnxAxis *axis)
{
  OnnxInt size = onnx_axis_size (reader, axis);

  return size.factor == ONNX_NO_FACTOR ? (gsize) size.offset : LSTM_TEXT_ANY_SIZE;
}

const char *
onnx_axis_describe (OnnxReader *reader, const OnnxAxis *axis)
{
  static const char *const roles[] = {"an axis", "time", "batch", "features"};
  gsize size = get_printed_size (reader, axis);
  g_autoptr (GString) names = g_string_new (NULL);
  OnnxRole last = ONNX_ROLE_UNKNOWN;

  for (guint i = 0; i < axis->n; i++) {
    OnnxRole role = onnx_get_factor (reader, axis->factors[i])->role;

    if (i == 0 || role != last)
      g_string_append_printf (names, i == 0 ? "%s" : " and %s", roles[role]);
    last = role;
  }
  if (size == LSTM_TEXT_ANY_SIZE)
    g_string_append (names, " of unknown size");
  else
    g_string_append_printf (
        names, "%s of size %" G_GSIZE_FORMAT, axis->n ? "" : roles[ONNX_ROLE_UNKNOWN], size);
  return onnx_own_text (reader, g_strdup (names->str));
}

const char *
onnx_axes_describe (OnnxReader *reader, const OnnxAxis *axes, guint n)
{
  gsize sizes[ONNX_MAX_DIMS];

  for (guint i = 0; i < n; i++)
    sizes[i] = get_printed_size (reader, &axes[i]);
  return onnx_own_text (reader, lstm_text_shape (n, sizes));
}
