/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Streams whose axes move: the steps stay what they are. */
#include "onnx/onnx.h"
#include <string.h>

OnnxStep *
onnx_step_new (
    OnnxReader *reader, const OnnxNode *node, OnnxStepKind kind, const OnnxStep *parent)
{
  OnnxStep *step = g_new0 (OnnxStep, 1);
  const char *name = node->proto->name;

  g_ptr_array_add (reader->arena, step);
  step->kind = kind;
  step->parent = parent;
  if (parent) {
    step->open = parent->open;
    step->features = parent->features;
  }
  step->label = node->label;
  step->name = onnx_text (
      reader, g_utf8_make_valid (name && *name ? name : node->proto->op_type, -1));
  return step;
}

OnnxStep *
onnx_step_copy (OnnxReader *reader, const OnnxStep *step)
{
  OnnxStep *copy = g_memdup2 (step, sizeof *step);

  g_ptr_array_add (reader->arena, copy);
  return copy;
}

/* A stream with the axes of @like */
OnnxValue *
onnx_stream_new (
    OnnxReader *reader, const OnnxNode *node, const OnnxValue *like, OnnxStep *step)
{
  OnnxValue *value = onnx_value_copy (reader, like);

  value->kind = ONNX_STREAM;
  value->final = ONNX_FINAL_NONE;
  value->step = step;
  return value;
}

gboolean
onnx_axis_equal (const OnnxAxis *a, const OnnxAxis *b)
{
  return a->n == b->n && memcmp (a->atoms, b->atoms, a->n * sizeof *a->atoms) == 0;
}

gboolean
onnx_axis_append (OnnxAxis *axis, const OnnxAxis *more)
{
  if (axis->n + more->n > ONNX_MAX_ATOMS)
    return FALSE;
  memcpy (axis->atoms + axis->n, more->atoms, more->n * sizeof *more->atoms);
  axis->n += more->n;
  return TRUE;
}

/* Atoms of size 1 are left out. */
OnnxAxis
onnx_axis_of (OnnxReader *reader, gint64 size, OnnxRole role)
{
  OnnxAxis axis = {0};

  if (size != 1)
    axis.atoms[axis.n++] = onnx_atom_new (reader, size, role);
  return axis;
}

/* FALSE if an atom is known to be something else */
gboolean
onnx_bind (OnnxReader *reader, const OnnxAxis *axis, OnnxRole role)
{
  for (guint i = 0; i < axis->n; i++) {
    OnnxAtom *atom = onnx_atom (reader, axis->atoms[i]);

    if (atom->role != ONNX_ROLE_OPEN && atom->role != role)
      return FALSE;
    atom->role = role;
  }
  return TRUE;
}

OnnxValue *
onnx_value_drop (OnnxReader *reader, const OnnxValue *value, guint axis)
{
  OnnxValue *result = onnx_value_copy (reader, value);

  result->n_axes--;
  for (guint i = axis; i < result->n_axes; i++)
    result->axes[i] = value->axes[i + 1];
  if (result->kind == ONNX_PACK && axis < value->axis)
    result->axis--;
  return result;
}

OnnxValue *
onnx_stream_identity (OnnxReader *reader, OnnxNode *node)
{
  gint64 to = onnx_get_int (node, "to", ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT);
  gboolean is_int;

  if (!onnx_find_type (to, &is_int) || is_int)
    return onnx_bad (
        reader, node, "expected a cast to real numbers, found one to type %d", (int) to);
  return node->in[0];
}

/* Nothing when a model is used: before opset 7 by is_test, since opset 12 by an input */
OnnxValue *
onnx_stream_dropout (OnnxReader *reader, OnnxNode *node)
{
  const OnnxTensor *training = onnx_in_tensor (node, 2);
  gboolean given = node->n_in > 2 && node->in[2];
  gboolean known = !given || (training && training->is_int && training->n == 1);

  if (!known || (given && (training->i[0].atom != ONNX_NUMBER || training->i[0].offset))
      || (reader->opset < 7 && !onnx_get_int (node, "is_test", 0)))
    return onnx_bad (reader, node, "expected a model to be used, found one in training");
  return node->in[0];
}

OnnxValue *
onnx_stream_transpose (OnnxReader *reader, OnnxNode *node)
{
  const OnnxValue *in = node->in[0];
  OnnxValue *value = onnx_value_copy (reader, in);
  guint perm[ONNX_MAX_DIMS];

  if (in->kind != ONNX_STREAM || !onnx_get_perm (node, in->n_axes, perm))
    return onnx_bad (reader, node, "expected one tensor of %zu dimensions, found %u",
        onnx_attribute (node, "perm") ? onnx_attribute (node, "perm")->n_ints : 0, in->n_axes);
  for (guint i = 0; i < in->n_axes; i++)
    value->axes[i] = in->axes[perm[i]];
  return value;
}

/* An axis of unknown size that is squeezed has size 1; time must be known to. */
static gboolean
can_drop (const OnnxReader *reader, const OnnxAxis *axis, gboolean given)
{
  for (guint i = 0; i < axis->n; i++) {
    const OnnxAtom *atom = onnx_atom (reader, axis->atoms[i]);

    if (!given || atom->size >= 0 || atom->role == ONNX_ROLE_TIME)
      return FALSE;
  }
  return TRUE;
}

OnnxValue *
onnx_stream_squeeze (OnnxReader *reader, OnnxNode *node)
{
  OnnxValue *value = node->in[0];
  gboolean given;
  guint32 mask;

  if (!onnx_get_axes (reader, node, value->n_axes, &mask, &given))
    return onnx_bad (reader, node, "expected constant axes of its input, found others");
  for (guint i = value->n_axes; i-- > 0;) {
    gboolean packed = value->kind == ONNX_PACK && i == value->axis;
    gboolean can = !packed && can_drop (reader, &value->axes[i], given);

    if (given && (mask >> i) & 1 && !can)
      return onnx_bad (reader, node, "expected size 1 along axis %u, found more", i);
    if (can && (!given || (mask >> i) & 1))
      value = onnx_value_drop (reader, value, i);
  }
  return value;
}

OnnxValue *
onnx_stream_unsqueeze (OnnxReader *reader, OnnxNode *node)
{
  const OnnxValue *in = node->in[0];
  OnnxValue *value = onnx_value_copy (reader, in);
  const OnnxInt *ints;
  gboolean given;
  guint32 mask;
  gsize n;

  if (!onnx_get_ints (reader, node, "axes", 1, &ints, &n) || n > ONNX_MAX_DIMS - in->n_axes
      || !onnx_get_axes (reader, node, in->n_axes + (guint) n, &mask, &given))
    return onnx_bad (reader, node, "expected constant axes, found others");
  value->n_axes = in->n_axes + (guint) n;
  for (guint i = 0, from = 0; i < value->n_axes; i++) {
    if ((mask >> i) & 1) {
      value->axes[i].n = 0;
      continue;
    }
    if (in->kind == ONNX_PACK && from == in->axis)
      value->axis = i;
    value->axes[i] = in->axes[from++];
  }
  return value;
}

OnnxValue *
onnx_stream_flatten (OnnxReader *reader, OnnxNode *node)
{
  const OnnxValue *in = node->in[0];
  OnnxValue *value = onnx_value_copy (reader, in);
  gint64 given = onnx_get_int (node, "axis", 1);
  guint axis = in->n_axes;

  if (in->kind != ONNX_STREAM
      || (given != in->n_axes && !onnx_get_axis (given, in->n_axes, &axis)))
    return onnx_bad (reader, node, "expected an axis of its input, found another");
  value->n_axes = 2;
  value->axes[0].n = value->axes[1].n = 0;
  for (guint i = 0; i < in->n_axes; i++)
    if (!onnx_axis_append (&value->axes[i < axis ? 0 : 1], &in->axes[i]))
      return onnx_bad (reader, node, "expected fewer dimensions, found %u", in->n_axes);
  return value;
}

/* The last step @n times, along an axis of size 1 */
static OnnxValue *
repeat (OnnxReader *reader, OnnxNode *node, const OnnxValue *in, guint axis, OnnxInt n)
{
  OnnxStep *step = onnx_step_new (reader, node, ONNX_STEP_REPEAT, in->step);
  OnnxValue *value = onnx_stream_new (reader, node, in, step);

  for (guint i = 0; i < in->n_axes; i++)
    for (guint k = 0; k < in->axes[i].n; k++)
      if (onnx_atom (reader, in->axes[i].atoms[k])->role == ONNX_ROLE_TIME)
        return onnx_bad (reader, node, "expected to repeat a single step, found a sequence");
  if (in->kind != ONNX_STREAM || n.atom != ONNX_NUMBER || n.offset < 1 || in->axes[axis].n)
    return onnx_bad (
        reader, node, "expected a constant number of repeats of one step, found another");
  step->n = (gsize) n.offset;
  value->axes[axis] = onnx_axis_of (reader, n.offset, ONNX_ROLE_TIME);
  return value;
}

OnnxValue *
onnx_stream_expand (OnnxReader *reader, OnnxNode *node)
{
  OnnxValue *value = node->in[0];
  const OnnxInt *sizes;
  gsize n;

  if (!onnx_get_ints (reader, node, NULL, 1, &sizes, &n) || !sizes || n > ONNX_MAX_DIMS
      || value->kind != ONNX_STREAM)
    return onnx_bad (
        reader, node, "expected a shape known from constants and sizes, found another");
  if (n > value->n_axes) {
    OnnxValue *more = onnx_value_copy (reader, value);
    guint before = (guint) n - value->n_axes;

    more->n_axes = (guint) n;
    for (guint i = 0; i < n; i++)
      more->axes[i] = i < before ? (OnnxAxis){0} : value->axes[i - before];
    value = more;
  }
  for (guint i = value->n_axes - (guint) n; i < value->n_axes; i++) {
    OnnxInt size = sizes[i - (value->n_axes - n)];

    if ((size.atom == ONNX_NUMBER && size.offset == 1)
        || onnx_int_equal (reader, onnx_axis_size (reader, &value->axes[i]), size))
      continue;
    value = repeat (reader, node, value, i, size);
    if (value->kind == ONNX_BAD)
      break;
  }
  return value;
}

OnnxValue *
onnx_stream_tile (OnnxReader *reader, OnnxNode *node)
{
  OnnxValue *value = node->in[0];
  const OnnxInt *repeats;
  gsize n;

  if (!onnx_get_ints (reader, node, NULL, 1, &repeats, &n) || n != value->n_axes || !repeats
      || value->kind != ONNX_STREAM)
    return onnx_bad (reader, node, "expected a constant repeat for each axis, found others");
  for (guint i = 0; i < n && value->kind != ONNX_BAD; i++)
    if (repeats[i].atom != ONNX_NUMBER || repeats[i].offset != 1)
      value = repeat (reader, node, value, i, repeats[i]);
  return value;
}

OnnxValue *
onnx_stream_shape (OnnxReader *reader, OnnxNode *node)
{
  const OnnxValue *in = node->in[0];
  gint64 n_dims = in->n_axes, start = onnx_get_int (node, "start", 0);
  gint64 end = onnx_get_int (node, "end", G_MAXINT64);
  OnnxTensor *tensor;
  gsize n;

  start = CLAMP (start < 0 ? start + n_dims : start, 0, n_dims);
  end = CLAMP (end < 0 ? end + n_dims : end, start, n_dims);
  n = (gsize) (end - start);
  if (in->kind != ONNX_STREAM)
    return onnx_bad (reader, node, "expected one tensor, found several behind each other");
  if (!(tensor = onnx_tensor_new (reader, TRUE, 1, &n)))
    return onnx_value_tensor (reader, node, NULL);
  for (gsize i = 0; i < n; i++)
    tensor->i[i] = onnx_axis_size (reader, &in->axes[(gsize) start + i]);
  return onnx_value_tensor (reader, node, tensor);
}
