/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Streams whose axes are cut and joined: their atoms are given out anew. */
#include "onnx/onnx.h"
#include <string.h>

/* All atoms of a stream in order, and where its axes begin among them */
typedef struct {
  guint n;
  int atoms[ONNX_MAX_DIMS * ONNX_MAX_ATOMS];
  guint begin[ONNX_MAX_DIMS + 1];
} Atoms;

static void
list_atoms (const OnnxValue *value, Atoms *atoms)
{
  atoms->n = 0;
  for (guint i = 0; i < value->n_axes; i++) {
    atoms->begin[i] = atoms->n;
    for (guint k = 0; k < value->axes[i].n; k++)
      atoms->atoms[atoms->n++] = value->axes[i].atoms[k];
  }
  atoms->begin[value->n_axes] = atoms->n;
}

/* Takes atoms from @left on (or before @right, if @back) that make up @size.
 * FALSE if none do; *axis is what they are */
static gboolean
take_size (const OnnxReader *reader, const Atoms *atoms, guint *left, guint *right,
    gboolean back, OnnxInt size, OnnxAxis *axis)
{
  gint64 product = 1;

  axis->n = 0;
  while (size.atom != ONNX_NUMBER ? axis->n == 0 : product < size.offset) {
    gint64 n;
    int atom;

    if (*left == *right || axis->n == ONNX_MAX_ATOMS)
      return FALSE;
    atom = atoms->atoms[back ? *right - 1 : *left];
    n = onnx_atom (reader, atom)->size;
    if (size.atom != ONNX_NUMBER && (atom != size.atom || size.factor != 1 || size.offset))
      return FALSE;
    if (size.atom == ONNX_NUMBER && (n < 0 ? axis->n : n == 0 || product > size.offset / n))
      return FALSE;
    product = n < 0 ? size.offset : product * n;
    if (back) {
      memmove (axis->atoms + 1, axis->atoms, axis->n * sizeof *axis->atoms);
      axis->atoms[0] = atom;
      --*right;
    } else {
      axis->atoms[axis->n] = atom;
      ++*left;
    }
    axis->n++;
  }
  return size.atom != ONNX_NUMBER || product == size.offset;
}

/* One size of a new shape; 0 copies. FALSE if it must wait for what remains */
static gboolean
take (const OnnxReader *reader, const OnnxValue *in, const Atoms *atoms, guint *left,
    guint *right, gboolean back, OnnxInt size, guint i, OnnxAxis *axis)
{
  if (size.atom == ONNX_NUMBER && size.offset == 0) {
    if (i >= in->n_axes || (back ? atoms->begin[i + 1] != *right : atoms->begin[i] != *left)
        || atoms->begin[i + 1] > *right || atoms->begin[i] < *left)
      return FALSE;
    *axis = in->axes[i];
    *(back ? right : left) = atoms->begin[back ? i : i + 1];
    return TRUE;
  }
  return size.atom != ONNX_UNKNOWN && size.offset >= 0
         && take_size (reader, atoms, left, right, back, size, axis);
}

/* Gives out atoms from both ends; the one size that is left unsaid takes the rest. */
static gboolean
regroup (const OnnxReader *reader, const OnnxValue *in, const OnnxInt *sizes, guint n,
    OnnxAxis *axes)
{
  guint first = 0, last = n, left = 0, right;
  Atoms atoms;

  list_atoms (in, &atoms);
  right = atoms.n;
  for (; first < last; first++) {
    guint from = left;

    if (!take (reader, in, &atoms, &left, &right, FALSE, sizes[first], first, &axes[first])) {
      left = from;
      break;
    }
  }
  for (; last > first + 1; last--)
    if (!take (reader, in, &atoms, &left, &right, TRUE, sizes[last - 1], last - 1,
            &axes[last - 1]))
      return FALSE;
  if (first == last)
    return left == right;
  /* what is left for a size that is said must not contradict it */
  if (right - left > ONNX_MAX_ATOMS
      || (sizes[first].atom == ONNX_NUMBER && sizes[first].offset >= 0))
    return FALSE;
  axes[first].n = right - left;
  memcpy (axes[first].atoms, atoms.atoms + left, (right - left) * sizeof *axes->atoms);
  return TRUE;
}

/* PyTorch's view (layers, directions, batch, units) of all final states: each tensor of a pack on
 * its own, behind an axis that counts them */
static OnnxValue *
reshape_pack (OnnxReader *reader, OnnxNode *node, const OnnxInt *sizes, guint n)
{
  const OnnxValue *in = node->in[0];
  OnnxValue *value = onnx_value_copy (reader, in);

  value->parts = onnx_alloc (reader, in->n_parts, sizeof *value->parts);
  if (!value->parts || in->axis != 0 || n < 2 || sizes[0].atom != ONNX_NUMBER
      || (sizes[0].offset != -1 && sizes[0].offset != in->n_parts))
    return NULL;
  for (guint i = 0; i < in->n_parts; i++) {
    OnnxValue *part = onnx_value_copy (reader, in->parts[i]);

    if (!regroup (reader, in->parts[i], sizes + 1, n - 1, part->axes + 1))
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
onnx_stream_reshape (OnnxReader *reader, OnnxNode *node)
{
  OnnxValue *in = node->in[0], *value;
  const OnnxInt *sizes;
  gsize n;

  if (!onnx_get_ints (reader, node, "shape", 1, &sizes, &n) || n > ONNX_MAX_DIMS || !sizes)
    return onnx_bad (
        reader, node, "expected a shape known from constants and sizes, found another");
  for (gsize i = 0; onnx_get_int (node, "allowzero", 0) && i < n; i++)
    if (sizes[i].atom == ONNX_NUMBER && sizes[i].offset == 0)
      return onnx_bad (reader, node, "expected a shape without 0, found one with allowzero");
  value = in->kind == ONNX_PACK ? reshape_pack (reader, node, sizes, (guint) n) : NULL;
  if (value)
    return value;
  value = onnx_value_copy (reader, in);
  value->n_axes = (guint) n;
  if (in->kind != ONNX_STREAM || !regroup (reader, in, sizes, (guint) n, value->axes))
    return onnx_bad (reader, node,
        "expected a new layout of time, batch and features, found what mixes them");
  return value;
}
