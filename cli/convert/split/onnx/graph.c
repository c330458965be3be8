/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "split/onnx/graph.h"
#include "onnx/args.h"
#include "onnx/decode.h"
#include "split/onnx/op.h"

#define MAX_ARGUMENT (G_GINT64_CONSTANT (1) << 31) /* magnitude of an integer argument */

SplitValue *
onnx_split_find_in (const SplitScope *scope, const char *name)
{
  SplitValue *value = NULL;

  for (; scope && !value; scope = scope->parent)
    value = g_hash_table_lookup (scope->values, name);
  return value;
}

SplitValue *
onnx_split_find (const Splitter *splitter, const char *name)
{
  return onnx_split_find_in (splitter->scope, name);
}

SplitValue *
onnx_split_find_unique (const Splitter *splitter, const char *name)
{
  return g_hash_table_lookup (splitter->names, name);
}

SplitValue *
onnx_split_add_value (Splitter *splitter, SplitKind kind, const char *name)
{
  SplitValue *value = onnx_alloc (&splitter->reader, 1, sizeof *value);

  if (!value)
    return NULL;
  value->kind = kind;
  value->name = name;
  value->step = -1;
  while (g_hash_table_contains (splitter->names, value->name))
    value->name = onnx_own_text (
        &splitter->reader, g_strconcat (splitter->scope->prefix, "/", value->name, NULL));
  g_hash_table_insert (splitter->names, (gpointer) value->name, value);
  g_hash_table_insert (splitter->scope->values, (gpointer) name, value);
  return value;
}

void
onnx_split_set_initializer (
    Splitter *splitter, SplitValue *value, const Onnx__TensorProto *proto)
{
  SplitDims dims = {(guint) MIN (proto->n_dims, ONNX_MAX_DIMS)};
  gint64 n;

  value->kind = SPLIT_CONSTANT;
  value->type = proto->data_type;
  value->constant = onnx_value_new (&splitter->reader, ONNX_VALUE_UNDECODED);
  value->constant->proto = proto;
  for (guint i = 0; i < dims.n; i++)
    dims.axes[i] = onnx_split_plain_axis (proto->dims[i]);
  if (proto->n_dims <= ONNX_MAX_DIMS && onnx_split_dims_n_values (&dims, &n))
    value->dims = onnx_split_keep_dims (splitter, &dims);
}

const SplitDims *
onnx_split_keep_dims (Splitter *splitter, const SplitDims *dims)
{
  SplitDims *copy = onnx_alloc (&splitter->reader, 1, sizeof *copy);

  if (copy)
    *copy = *dims;
  return copy;
}

SplitValue *
onnx_split_get_input (const SplitNode *node, guint i)
{
  return i < node->base.n_inputs ? node->inputs[i] : NULL;
}

const SplitDims *
onnx_split_get_dims (const SplitNode *node, guint i)
{
  const SplitValue *value = onnx_split_get_input (node, i);

  return value ? value->dims : NULL;
}

gboolean
onnx_split_is_clip (const SplitNode *node, guint i)
{
  const SplitValue *value = onnx_split_get_input (node, i);

  return value && value->kind == SPLIT_CLIP;
}

const OnnxTensor *
onnx_split_get_tensor (Splitter *splitter, SplitValue *value)
{
  OnnxValue *constant = value ? value->constant : NULL;
  const char *problem = NULL;

  if (onnx_value_is (constant, ONNX_VALUE_UNDECODED)) {
    constant->tensor = onnx_decode_tensor (&splitter->reader, constant->proto, &problem);
    constant->kind = constant->tensor ? ONNX_VALUE_TENSOR : ONNX_VALUE_UNSUPPORTED;
    if (problem)
      value->problem = onnx_own_text (
          &splitter->reader, g_strdup_printf ("tensor \"%s\": %s", value->name, problem));
  }
  return onnx_value_is (constant, ONNX_VALUE_TENSOR) ? constant->tensor : NULL;
}

/* Returns the number type of output @i of @node, or 0 if it is unknown. */
static gint32
find_type (const SplitNode *node, guint i)
{
  static const gint32 types[] = {[SPLIT_TYPE_BOOL] = ONNX__TENSOR_PROTO__DATA_TYPE__BOOL,
      [SPLIT_TYPE_INT32] = ONNX__TENSOR_PROTO__DATA_TYPE__INT32,
      [SPLIT_TYPE_INT64] = ONNX__TENSOR_PROTO__DATA_TYPE__INT64,
      [SPLIT_TYPE_FLOAT] = ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT,
      [SPLIT_TYPE_VALUE] = ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT};
  const Onnx__AttributeProto *value = onnx_find_attribute (&node->base, "value");
  const SplitValue *in;
  SplitType type;

  if (!node->op)
    return 0;
  type = i ? node->op->next_type : node->op->type;
  if (type == SPLIT_TYPE_TO)
    return (gint32) onnx_get_int (&node->base, "to", 0);
  if (type == SPLIT_TYPE_VALUE && value && value->t)
    return value->t->data_type;
  if (type > SPLIT_TYPE_INPUT_2)
    return types[type];
  in = onnx_split_get_input (node, type);
  return in ? in->type : 0;
}

/* Returns: (nullable): the problem of a tensor that depends on frames, "expected X, found Y" */
static const char *
check_clip (Splitter *splitter, const SplitNode *node, const SplitDims *dims)
{
  guint n = onnx_split_dims_count (dims, SPLIT_TAG_TIME);

  if (n > 1)
    return onnx_own_text (&splitter->reader,
        g_strdup_printf ("expected frames that do not meet each other, found each frame with "
                         "each other frame in %s",
            onnx_split_dims_describe (&splitter->reader, dims)));
  if (onnx_split_dims_count (dims, SPLIT_TAG_BATCH) > 1)
    return "expected sequences of a batch that do not meet each other, found two axes of it";
  if (n == 0 && node->step < 0)
    return "expected a tensor of each frame, found one that all frames share";
  if (n && node->step >= 0)
    return "expected a tensor of one frame, found one of all frames";
  return NULL;
}

OnnxValue *
onnx_split_set_output (Splitter *splitter, SplitNode *node, guint i, const SplitDims *dims)
{
  SplitValue *value = i < node->base.n_outputs ? node->outputs[i] : NULL;
  const char *problem = node->is_clip ? check_clip (splitter, node, dims) : NULL;
  gint64 n;

  if (problem)
    return onnx_unsupported (&splitter->reader, &node->base, "output %u: %s", i, problem);
  if (!onnx_split_dims_n_values (dims, &n))
    return onnx_unsupported (&splitter->reader, &node->base,
        "output %u: expected sizes of 1 or more that fit in memory, found %s", i,
        onnx_split_dims_describe (&splitter->reader, dims));
  if (!value)
    return NULL;
  value->kind = node->is_clip ? SPLIT_CLIP : SPLIT_CONSTANT;
  value->step = node->is_clip ? node->step : -1;
  value->is_from_shape = node->is_from_shape && !node->is_clip;
  value->memory_problem = node->is_clip ? node->memory_problem : NULL;
  value->type = find_type (node, i);
  value->dims = onnx_split_keep_dims (splitter, dims);
  if (!value->dims)
    return onnx_unsupported (&splitter->reader, &node->base,
        "output %u: expected tensors that fit in memory, found more", i);
  return NULL;
}

OnnxValue *
onnx_split_set_outputs (Splitter *splitter, SplitNode *node, const SplitDims *dims)
{
  OnnxValue *unsupported = NULL;

  for (guint i = 0; !unsupported && i < node->base.n_outputs; i++)
    unsupported = onnx_split_set_output (splitter, node, i, dims);
  return unsupported;
}

OnnxValue *
onnx_split_check_constant (Splitter *splitter, const SplitNode *node, guint i)
{
  if (!onnx_split_is_clip (node, i))
    return NULL;
  return onnx_unsupported (&splitter->reader, &node->base,
      "input %u: expected a constant, found %s from frames", i,
      onnx_split_dims_describe (&splitter->reader, onnx_split_get_dims (node, i)));
}

OnnxValue *
onnx_split_refuse_axis (
    Splitter *splitter, const SplitNode *node, guint i, guint axis, const char *verb)
{
  const SplitDims *dims = onnx_split_get_dims (node, i);
  gboolean is_time = onnx_split_axis_has_tag (&dims->axes[axis], SPLIT_TAG_TIME);

  return onnx_unsupported (&splitter->reader, &node->base,
      "input %u: expected frames that do not meet each other, found a node that %s %s, "
      "axis %u of %s",
      i, verb, is_time ? "time" : "the batch", axis,
      onnx_split_dims_describe (&splitter->reader, dims));
}

OnnxValue *
onnx_split_check_axes (
    Splitter *splitter, const SplitNode *node, guint i, guint32 mask, const char *verb)
{
  const SplitDims *dims = onnx_split_get_dims (node, i);

  for (guint k = 0; k < dims->n; k++)
    if (!(mask & 1u << k) && onnx_split_axis_is_tagged (&dims->axes[k]))
      return onnx_split_refuse_axis (splitter, node, i, k, verb);
  return NULL;
}

static gboolean
are_equal_numbers (const OnnxReader *reader, const OnnxTensor *tensor, gsize a, gsize b)
{
  return tensor->is_int ? onnx_int_equal (reader, tensor->ints[a], tensor->ints[b])
                        : tensor->reals[a] == tensor->reals[b];
}

/* Returns the first index along @axis whose numbers differ from those of index 0, or 0. */
static gsize
find_other_row (const OnnxReader *reader, const OnnxTensor *tensor, guint axis)
{
  gssize strides[ONNX_MAX_DIMS];
  gsize stride, size = tensor->shape[axis];

  onnx_tensor_get_strides (tensor, strides);
  stride = (gsize) strides[axis];
  for (gsize k = 0; k < tensor->n_values; k++)
    if (!are_equal_numbers (reader, tensor, k, k - k / stride % size * stride))
      return k / stride % size;
  return 0;
}

OnnxValue *
onnx_split_reduce_rows (Splitter *splitter, SplitNode *node, guint i, guint axis)
{
  OnnxReader *reader = &splitter->reader;
  const OnnxTensor *tensor = onnx_split_get_tensor (splitter, node->inputs[i]);
  gsize other;

  if (node->uniform_axes[i] & 1u << axis)
    return NULL;
  if (!tensor || axis >= tensor->n_dims || tensor->is_repeated)
    return onnx_unsupported (reader, &node->base,
        "input %u: expected known numbers of the constant \"%s\", which has a row for each "
        "frame, found %s",
        i, onnx_shorten_text (reader, node->inputs[i]->name),
        node->inputs[i]->problem ? node->inputs[i]->problem : "numbers that a node computes");
  reader->work_left -= MIN (tensor->n_values, reader->work_left);
  if (!reader->work_left)
    return onnx_unsupported (reader, &node->base,
        "input %u: expected constants of fewer values for all nodes, found more than the limit",
        i);
  other = find_other_row (reader, tensor, axis);
  if (other)
    return onnx_unsupported (reader, &node->base,
        "input %u: expected equal rows for all frames in the constant \"%s\", found a row "
        "%" G_GSIZE_FORMAT " that differs from row 0",
        i, onnx_shorten_text (reader, node->inputs[i]->name), other);
  node->uniform_axes[i] |= 1u << axis;
  return NULL;
}

OnnxValue *
onnx_split_get_ints (Splitter *splitter, SplitNode *node, const char *name, guint i,
    const gint64 **ints, gsize *n)
{
  OnnxReader *reader = &splitter->reader;
  const OnnxInt *found;
  gint64 *copy;

  *ints = NULL;
  if (onnx_split_get_input (node, i))
    onnx_split_get_tensor (splitter, node->inputs[i]);
  if (!onnx_get_ints (reader, &node->base, name, i, &found, n))
    return onnx_unsupported (reader, &node->base,
        "%s: expected a list of constant integers, found %s", name,
        onnx_describe_argument (reader, &node->base, name, i));
  if (!found)
    return NULL;
  if (!(copy = onnx_alloc (reader, *n, sizeof *copy)))
    return onnx_value_from_tensor (reader, &node->base, NULL);
  for (gsize k = 0; k < *n; k++) {
    if (found[k].factor != ONNX_NO_FACTOR || found[k].offset > MAX_ARGUMENT
        || found[k].offset < -MAX_ARGUMENT)
      return onnx_unsupported (reader, &node->base,
          "%s: expected integers of at most 2^31, found %s", name,
          onnx_ints_describe (reader, found, *n));
    copy[k] = found[k].offset;
  }
  *ints = copy;
  return NULL;
}

const char *
onnx_split_describe_step (Splitter *splitter, gint step)
{
  return step < 0 ? "all frames"
                  : onnx_own_text (&splitter->reader, g_strdup_printf ("frame %d", step));
}

void
onnx_split_add_note (Splitter *splitter, const char *format, ...)
{
  va_list args;
  g_autofree char *text = NULL;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  g_ptr_array_add (splitter->reader.notes, g_utf8_make_valid (text, -1));
}
