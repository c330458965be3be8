/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "split/onnx/dims.h"
#include "util/text.h"

SplitAxis
onnx_split_axis (gint64 size, SplitTag tag)
{
  SplitAxis axis = {0};

  if (size != 1)
    axis.atoms[axis.n++] = (SplitAtom){size, tag};
  return axis;
}

SplitAxis
onnx_split_plain_axis (gint64 size)
{
  return onnx_split_axis (size, SPLIT_TAG_NONE);
}

gboolean
onnx_split_axis_append (SplitAxis *axis, SplitAtom atom)
{
  SplitAtom *last = axis->n ? &axis->atoms[axis->n - 1] : NULL;

  if (atom.size == 1)
    return TRUE;
  if (last && last->tag == SPLIT_TAG_NONE && atom.tag == SPLIT_TAG_NONE)
    return !__builtin_mul_overflow (last->size, atom.size, &last->size);
  if (axis->n == SPLIT_MAX_ATOMS)
    return FALSE;
  axis->atoms[axis->n++] = atom;
  return TRUE;
}

/* onnx_split_dims_n_values() has checked that the product does not overflow. */
gint64
onnx_split_axis_size (const SplitAxis *axis)
{
  gint64 size = 1;

  for (guint i = 0; i < axis->n; i++)
    size *= axis->atoms[i].size;
  return size;
}

gint64
onnx_split_axis_frame_size (const SplitAxis *axis)
{
  gint64 size = 1;

  for (guint i = 0; i < axis->n; i++)
    if (axis->atoms[i].tag == SPLIT_TAG_NONE)
      size *= axis->atoms[i].size;
  return size;
}

gboolean
onnx_split_axis_has_tag (const SplitAxis *axis, SplitTag tag)
{
  for (guint i = 0; i < axis->n; i++)
    if (axis->atoms[i].tag == tag)
      return TRUE;
  return FALSE;
}

gboolean
onnx_split_axis_is_tagged (const SplitAxis *axis)
{
  return onnx_split_axis_has_tag (axis, SPLIT_TAG_BATCH)
         || onnx_split_axis_has_tag (axis, SPLIT_TAG_TIME);
}

gboolean
onnx_split_axis_is_time (const SplitAxis *axis)
{
  return axis->n == 1 && axis->atoms[0].tag == SPLIT_TAG_TIME;
}

gboolean
onnx_split_axis_equal (const SplitAxis *a, const SplitAxis *b)
{
  gboolean equal = a->n == b->n;

  for (guint i = 0; equal && i < a->n; i++)
    equal = a->atoms[i].size == b->atoms[i].size && a->atoms[i].tag == b->atoms[i].tag;
  return equal;
}

guint
onnx_split_dims_count (const SplitDims *dims, SplitTag tag)
{
  guint count = 0;

  for (guint i = 0; i < dims->n; i++)
    for (guint k = 0; k < dims->axes[i].n; k++)
      count += dims->axes[i].atoms[k].tag == tag;
  return count;
}

gboolean
onnx_split_dims_n_values (const SplitDims *dims, gint64 *n)
{
  *n = 1;
  for (guint i = 0; i < dims->n; i++)
    for (guint k = 0; k < dims->axes[i].n; k++)
      if (dims->axes[i].atoms[k].size < 1
          || __builtin_mul_overflow (*n, dims->axes[i].atoms[k].size, n)
          || *n > G_MAXINT64 / 64)
        return FALSE;
  return TRUE;
}

/* Moves atoms of @list, from index *@at on, to @axis until @axis has the size @size.
 * Returns: (nullable): the problem */
static const char *
fill_axis (SplitAxis *axis, gint64 size, SplitAtom *list, guint n, guint *at)
{
  while (size > 1) {
    SplitAtom *atom = &list[*at], part;

    if (*at == n)
      return "expected as many values as the input has, found more";
    if (size % atom->size == 0) {
      part = *atom;
      ++*at;
    } else if (atom->tag == SPLIT_TAG_NONE && atom->size % size == 0) {
      part = (SplitAtom){size, SPLIT_TAG_NONE};
      atom->size /= size;
    } else {
      return atom->tag == SPLIT_TAG_NONE
                 ? "expected an axis that has no part of time, found one that mixes frames"
                 : "expected an axis with all steps or one with none, found a part of time";
    }
    size /= part.size;
    if (!onnx_split_axis_append (axis, part))
      return "expected batch and time once in an axis, found them more often";
  }
  return NULL;
}

const char *
onnx_split_dims_regroup (
    const SplitDims *dims, guint n, const gint64 *target, SplitDims *result)
{
  SplitAtom list[ONNX_MAX_DIMS * SPLIT_MAX_ATOMS];
  const char *problem = NULL;
  guint n_atoms = 0, at = 0;

  for (guint i = 0; i < dims->n; i++) {
    for (guint k = 0; k < dims->axes[i].n; k++) {
      SplitAtom atom = dims->axes[i].atoms[k];

      if (n_atoms && atom.tag == SPLIT_TAG_NONE && list[n_atoms - 1].tag == SPLIT_TAG_NONE)
        list[n_atoms - 1].size *= atom.size;
      else
        list[n_atoms++] = atom;
    }
  }
  *result = (SplitDims){n};
  for (guint i = 0; !problem && i < n; i++)
    problem = target[i] < 1 ? "expected sizes of 1 or more, found a smaller size"
                            : fill_axis (&result->axes[i], target[i], list, n_atoms, &at);
  if (!problem && at < n_atoms)
    problem = "expected as many values as the input has, found fewer";
  return problem;
}

static void
describe_axis (GString *text, const SplitAxis *axis)
{
  static const char *const prefixes[SPLIT_N_TAGS] = {"", "B=", "T="};

  if (!axis->n)
    g_string_append (text, "1");
  for (guint k = 0; k < axis->n; k++)
    g_string_append_printf (text, "%s%s%" G_GINT64_FORMAT, k ? "·" : "",
        prefixes[axis->atoms[k].tag], axis->atoms[k].size);
}

const char *
onnx_split_dims_describe (OnnxReader *reader, const SplitDims *dims)
{
  g_autoptr (GString) list = g_string_new ("[");

  for (guint i = 0; i < dims->n; i++) {
    if (i)
      g_string_append (list, ", ");
    describe_axis (list, &dims->axes[i]);
  }
  g_string_append_c (list, ']');
  return onnx_own_text (reader, g_strdup (list->str));
}
