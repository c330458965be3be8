/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "onnx/reshape.h"
#include "onnx/args.h"
#include <string.h>

typedef struct {
  guint n;
  int factors[ONNX_MAX_DIMS * ONNX_MAX_FACTORS]; /* (n), of all axes in order */
  guint begin[ONNX_MAX_DIMS + 1];                /* where each axis begins in factors */
} FactorList;

/* The division of the factors of an input among new axes */
typedef struct {
  const OnnxReader *reader;
  const OnnxValue *in;
  FactorList list;
  guint first, last; /* [first, last) in the list: the factors that no new axis has */
  gboolean from_end; /* the end from which the next new axis gets its factors */
} Regrouping;

/* Returns whether @factor is a batch of unknown size. */
static gboolean
is_unknown_batch (const OnnxReader *reader, int factor)
{
  const OnnxFactor *found = onnx_get_factor (reader, factor);

  return found->role == ONNX_ROLE_BATCH && found->size < 0;
}

/* Lists the factors of @value. @is_single: except a batch of unknown size */
static void
list_factors (
    const OnnxReader *reader, const OnnxValue *value, gboolean is_single, FactorList *list)
{
  list->n = 0;
  for (guint i = 0; i < value->n_axes; i++) {
    list->begin[i] = list->n;
    for (guint k = 0; k < value->axes[i].n; k++)
      if (!is_single || !is_unknown_batch (reader, value->axes[i].factors[k]))
        list->factors[list->n++] = value->axes[i].factors[k];
  }
  list->begin[value->n_axes] = list->n;
}

/* Moves the next factor of the list to @axis. */
static void
move_factor (Regrouping *regrouping, OnnxAxis *axis)
{
  if (regrouping->from_end) {
    memmove (axis->factors + 1, axis->factors, axis->n * sizeof *axis->factors);
    axis->factors[0] = regrouping->list.factors[--regrouping->last];
  } else {
    axis->factors[axis->n] = regrouping->list.factors[regrouping->first++];
  }
  axis->n++;
}

/* Moves the next factors to @axis. Returns FALSE if the product of the factors is not @size. */
static gboolean
move_size (Regrouping *regrouping, OnnxInt size, OnnxAxis *axis)
{
  gint64 product = 1;

  axis->n = 0;
  while (size.factor != ONNX_NO_FACTOR ? axis->n == 0 : product < size.offset) {
    gint64 n;
    int factor;

    if (regrouping->first == regrouping->last || axis->n == ONNX_MAX_FACTORS)
      return FALSE;
    factor = regrouping->list
                 .factors[regrouping->from_end ? regrouping->last - 1 : regrouping->first];
    n = onnx_get_factor (regrouping->reader, factor)->size;
    if (size.factor != ONNX_NO_FACTOR
        && (factor != size.factor || size.coefficient != 1 || size.offset))
      return FALSE;
    if (size.factor == ONNX_NO_FACTOR
        && (n < 0 ? axis->n : n == 0 || product > size.offset / n))
      return FALSE;
    product = n < 0 ? size.offset : product * n;
    move_factor (regrouping, axis);
  }
  return size.factor != ONNX_NO_FACTOR || product == size.offset;
}

/* Copies axis @i of the input, as size 0 requests. Returns FALSE if the factors of the axis are not
 * the next factors. */
static gboolean
copy_axis (Regrouping *regrouping, guint i, OnnxAxis *axis)
{
  const guint *begin = regrouping->list.begin;

  if (i >= regrouping->in->n_axes
      || (regrouping->from_end ? begin[i + 1] != regrouping->last
                               : begin[i] != regrouping->first)
      || begin[i + 1] > regrouping->last || begin[i] < regrouping->first)
    return FALSE;
  *axis = regrouping->in->axes[i];
  if (regrouping->from_end)
    regrouping->last = begin[i];
  else
    regrouping->first = begin[i + 1];
  return TRUE;
}

/* Makes new axis @i. Returns FALSE if its size does not follow from @size. */
static gboolean
make_axis (Regrouping *regrouping, OnnxInt size, guint i, OnnxAxis *axis)
{
  if (size.factor == ONNX_NO_FACTOR && size.offset == 0)
    return copy_axis (regrouping, i, axis);
  return size.factor != ONNX_UNKNOWN_FACTOR && size.offset >= 0
         && move_size (regrouping, size, axis);
}

/* Divides the factors of @in among @n axes: first from the first axis on, then from the last axis
 * back. The only axis of unknown size gets the remaining factors. */
static gboolean
regroup_known_factors (const OnnxReader *reader, const OnnxValue *in, gboolean is_single,
    const OnnxInt *sizes, guint n, OnnxAxis *axes)
{
  Regrouping regrouping = {.reader = reader, .in = in};
  guint first = 0, last = n;

  list_factors (reader, in, is_single, &regrouping.list);
  regrouping.last = regrouping.list.n;
  for (; first < last; first++) {
    guint before = regrouping.first;

    if (!make_axis (&regrouping, sizes[first], first, &axes[first])) {
      regrouping.first = before;
      break;
    }
  }
  regrouping.from_end = TRUE;
  for (; last > first + 1; last--)
    if (!make_axis (&regrouping, sizes[last - 1], last - 1, &axes[last - 1]))
      return FALSE;
  if (first == last)
    return regrouping.first == regrouping.last;
  /* A known size that make_axis() has rejected contradicts the remaining factors. */
  if (regrouping.last - regrouping.first > ONNX_MAX_FACTORS
      || (sizes[first].factor == ONNX_NO_FACTOR && sizes[first].offset >= 0))
    return FALSE;
  axes[first].n = regrouping.last - regrouping.first;
  memcpy (axes[first].factors, regrouping.list.factors + regrouping.first,
      axes[first].n * sizeof *axes->factors);
  return TRUE;
}

/* Divides the factors of @in among @n axes. An export with a batch of 1 may contain this 1, and is
 * then valid only for this batch. */
static gboolean
regroup_factors (const OnnxReader *reader, const OnnxValue *in, const OnnxInt *sizes, guint n,
    OnnxAxis *axes)
{
  gboolean has_single = FALSE;

  for (guint i = 0; i < n; i++)
    has_single |= sizes[i].factor == ONNX_NO_FACTOR && sizes[i].offset == 1;
  return regroup_known_factors (reader, in, FALSE, sizes, n, axes)
         || (has_single && regroup_known_factors (reader, in, TRUE, sizes, n, axes));
}

/* Reshapes a concatenation of final states along axis 0 to (layers, directions, batch, units), as
 * exports of PyTorch do. Each part gets an additional axis 0. Returns NULL for another shape. */
static OnnxValue *
reshape_concat (OnnxReader *reader, OnnxNode *node, const OnnxInt *sizes, guint n)
{
  const OnnxValue *in = node->inputs[0];
  OnnxValue *value = onnx_value_copy (reader, in);

  value->parts = onnx_alloc (reader, in->n_parts, sizeof *value->parts);
  if (!value->parts || in->concat_axis != 0 || n < 2 || sizes[0].factor != ONNX_NO_FACTOR
      || (sizes[0].offset != -1 && sizes[0].offset != in->n_parts))
    return NULL;
  for (guint i = 0; i < in->n_parts; i++) {
    OnnxValue *part = onnx_value_copy (reader, in->parts[i]);

    if (!regroup_factors (reader, in->parts[i], sizes + 1, n - 1, part->axes + 1))
      return NULL;
    part->axes[0].n = 0;
    part->n_axes = n;
    value->parts[i] = part;
  }
  value->n_axes = n;
  for (guint i = 0; i < n; i++)
    value->axes[i] = value->parts[0]->axes[i];
  return value;
}

OnnxValue *
onnx_apply_reshape (OnnxReader *reader, OnnxNode *node)
{
  OnnxValue *in = node->inputs[0], *value;
  const OnnxInt *sizes;
  gsize n;

  if (!onnx_get_ints (reader, node, "shape", 1, &sizes, &n) || n > ONNX_MAX_DIMS || !sizes)
    return onnx_unsupported_argument (reader, node, "shape", "shape", 1,
        "at most 8 sizes that follow from constants and known sizes");
  for (gsize i = 0; onnx_get_int (node, "allowzero", 0) && i < n; i++)
    if (sizes[i].factor == ONNX_NO_FACTOR && sizes[i].offset == 0)
      return onnx_unsupported_argument (
          reader, node, "shape", "shape", 1, "no size of 0, because allowzero is 1");
  value = in->kind == ONNX_VALUE_CONCAT ? reshape_concat (reader, node, sizes, (guint) n)
                                        : NULL;
  if (value)
    return value;
  value = onnx_value_copy (reader, in);
  value->n_axes = (guint) n;
  if (in->kind != ONNX_VALUE_SIGNAL
      || !regroup_factors (reader, in, sizes, (guint) n, value->axes))
    return onnx_unsupported (reader, node,
        "shape: expected sizes that keep time, batch and features apart, found %s for %s",
        onnx_describe_argument (reader, node, "shape", 1),
        onnx_describe_input (reader, node, 0));
  return value;
}
