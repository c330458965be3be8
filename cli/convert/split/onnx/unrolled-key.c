/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "split/onnx/unrolled-key.h"
#include <string.h>

static void
add_bytes (GChecksum *sum, gconstpointer data, gsize size)
{
  while (size) {
    const gsize n = MIN (size, G_MAXINT);

    g_checksum_update (sum, data, (gssize) n);
    data = (const guint8 *) data + n;
    size -= n;
  }
}

static void
add_number (GChecksum *sum, gint64 number)
{
  add_bytes (sum, &number, sizeof number);
}

/* Adds the text with the NUL byte at its end. */
static void
add_text (GChecksum *sum, const char *text)
{
  add_bytes (sum, onnx_string (text), strlen (onnx_string (text)) + 1);
}

static const guint8 *
finish_key (Splitter *splitter, GChecksum *sum)
{
  gsize size = SPLIT_KEY_SIZE;
  guint8 *key = onnx_alloc (&splitter->reader, 1, SPLIT_KEY_SIZE);

  if (key)
    g_checksum_get_digest (sum, key, &size);
  g_checksum_free (sum);
  return key;
}

gboolean
onnx_split_keys_equal (const guint8 *a, const guint8 *b)
{
  return a && b && memcmp (a, b, SPLIT_KEY_SIZE) == 0;
}

/* Adds a message, packed. */
static void
add_message (GChecksum *sum, const ProtobufCMessage *message)
{
  const gsize size = protobuf_c_message_get_packed_size (message);
  g_autofree guint8 *bytes = g_malloc (size);

  protobuf_c_message_pack (message, bytes);
  add_number (sum, (gint64) size);
  add_bytes (sum, bytes, size);
}

/* Adds type, shape and numbers of a tensor of the file. Tensors of different fields differ. */
static void
add_proto (GChecksum *sum, const Onnx__TensorProto *proto)
{
  Onnx__TensorProto copy = *proto;

  copy.name = copy.doc_string = NULL;
  copy.has_raw_data = FALSE;
  add_message (sum, &copy.base);
  add_number (sum, proto->has_raw_data ? (gint64) proto->raw_data.len : -1);
  if (proto->has_raw_data)
    add_bytes (sum, proto->raw_data.data, proto->raw_data.len);
}

static void
add_tensor (GChecksum *sum, const OnnxTensor *tensor)
{
  add_number (sum, tensor->is_int);
  add_number (sum, tensor->n_dims);
  for (guint i = 0; i < tensor->n_dims; i++)
    add_number (sum, (gint64) tensor->shape[i]);
  if (!tensor->is_int)
    add_bytes (sum, tensor->reals, tensor->n_values * sizeof *tensor->reals);
  for (gsize i = 0; tensor->is_int && i < tensor->n_values; i++) {
    add_number (sum, tensor->ints[i].offset);
    add_number (sum, tensor->ints[i].coefficient);
    add_number (sum, tensor->ints[i].factor);
  }
}

/* Returns whether @value is one frame of a tensor of all frames. */
static gboolean
is_pick (const SplitValue *value)
{
  const SplitValue *source = value->node ? onnx_split_get_input (value->node, 0) : NULL;

  return value->kind == SPLIT_CLIP && value->step >= 0 && source && source->kind == SPLIT_CLIP
         && source->step < 0;
}

/* Returns whether the key of @value follows from those of the inputs of its node. */
static gboolean
is_computed (const SplitValue *value)
{
  if (!value->node)
    return FALSE;
  if (value->kind == SPLIT_CONSTANT)
    return !value->constant
           || (!value->constant->proto && !onnx_value_is (value->constant, ONNX_VALUE_TENSOR));
  return value->kind == SPLIT_CLIP && value->step >= 0 && !is_pick (value);
}

/* Returns whether @value can be a shape, which one frame may have as an initializer and another
 * frame from Shape. Decodes the initializer. */
static gboolean
is_shape (Splitter *splitter, SplitValue *value)
{
  return value->type == ONNX__TENSOR_PROTO__DATA_TYPE__INT64 && value->dims
         && value->dims->n == 1 && onnx_split_axis_size (&value->dims->axes[0]) <= ONNX_MAX_DIMS
         && onnx_split_get_tensor (splitter, value);
}

static const guint8 *
make_leaf_key (Splitter *splitter, SplitValue *value)
{
  GChecksum *sum = g_checksum_new (G_CHECKSUM_SHA256);

  if (value->kind == SPLIT_CONSTANT && value->constant && value->constant->proto
      && !is_shape (splitter, value)) {
    add_text (sum, "initializer");
    add_proto (sum, value->constant->proto);
  } else if (value->kind == SPLIT_CONSTANT
             && onnx_value_is (value->constant, ONNX_VALUE_TENSOR)) {
    add_text (sum, "tensor");
    add_number (sum, value->type);
    add_tensor (sum, value->constant->tensor);
  } else if (is_pick (value)) {
    add_text (sum, "frame of");
    add_text (sum, value->node->inputs[0]->name);
    for (guint i = 0; i < value->dims->n; i++)
      add_number (sum, onnx_split_axis_size (&value->dims->axes[i]));
  } else {
    add_text (sum, "value");
    add_text (sum, value->name);
  }
  return finish_key (splitter, sum);
}

const guint8 *
onnx_split_get_node_key (Splitter *splitter, SplitNode *node, guint32 mask)
{
  const Onnx__NodeProto *proto = node->base.proto;
  GChecksum *sum = g_checksum_new (G_CHECKSUM_SHA256);

  add_text (sum, "node");
  add_text (sum, proto->domain);
  add_text (sum, proto->op_type);
  add_number (sum, (gint64) proto->n_attribute);
  for (gsize i = 0; i < proto->n_attribute; i++)
    add_message (sum, &proto->attribute[i]->base);
  for (guint i = 0; i < node->base.n_inputs; i++) {
    const guint8 *key;

    if (i < 32 && !(mask & 1u << i))
      continue;
    key = node->inputs[i] ? onnx_split_get_key (splitter, node->inputs[i]) : NULL;
    add_number (sum, node->inputs[i] ? 1 : 0);
    if (key)
      add_bytes (sum, key, SPLIT_KEY_SIZE);
  }
  return finish_key (splitter, sum);
}

/* Returns whether @node passes its input. PyTorch writes the weights of one frame as initializers,
 * and those of the other frames as Identity of the former. */
static gboolean
is_identity (const SplitNode *node)
{
  const char *domain = onnx_string (node->base.proto->domain);

  return (!*domain || g_str_equal (domain, "ai.onnx"))
         && g_str_equal (onnx_string (node->base.proto->op_type), "Identity")
         && node->base.n_inputs == 1 && node->inputs[0];
}

/* Sets the key of @value, whose inputs have keys. */
static gboolean
set_key (Splitter *splitter, SplitValue *value)
{
  SplitNode *node = (SplitNode *) value->node;
  GChecksum *sum;

  if (!is_computed (value))
    return (value->key = make_leaf_key (splitter, value)) != NULL;
  if (is_identity (node))
    return (value->key = node->inputs[0]->key) != NULL;
  if (!node->key && !(node->key = onnx_split_get_node_key (splitter, node, G_MAXUINT32)))
    return FALSE;
  sum = g_checksum_new (G_CHECKSUM_SHA256);
  add_text (sum, "output");
  add_bytes (sum, node->key, SPLIT_KEY_SIZE);
  add_number (sum, value->output);
  return (value->key = finish_key (splitter, sum)) != NULL;
}

/* Adds the inputs of @value that have no key to @stack. Returns whether there are such. */
static gboolean
push_inputs (GPtrArray *stack, const SplitValue *value)
{
  const guint before = stack->len;

  for (guint i = 0; is_computed (value) && !value->node->key && i < value->node->base.n_inputs;
       i++)
    if (value->node->inputs[i] && !value->node->inputs[i]->key)
      g_ptr_array_add (stack, value->node->inputs[i]);
  return stack->len > before;
}

const guint8 *
onnx_split_get_key (Splitter *splitter, SplitValue *value)
{
  g_autoptr (GPtrArray) stack = NULL;

  if (value->key)
    return value->key;
  stack = g_ptr_array_new ();
  g_ptr_array_add (stack, value);
  while (stack->len) {
    SplitValue *top = g_ptr_array_index (stack, stack->len - 1);

    if (!top->key && push_inputs (stack, top))
      continue;
    if (!top->key && !set_key (splitter, top))
      return NULL;
    g_ptr_array_set_size (stack, (gint) stack->len - 1);
  }
  return value->key;
}

const char *
onnx_split_describe_difference (Splitter *splitter, SplitValue *value, SplitValue *first)
{
  for (;;) {
    const SplitNode *node = value->node, *other = first->node;
    guint i = 0;

    if (!is_computed (value) || !is_computed (first)
        || node->base.n_inputs != other->base.n_inputs
        || !g_str_equal (
            onnx_string (node->base.proto->op_type), onnx_string (other->base.proto->op_type)))
      break;
    while (i < node->base.n_inputs
           && (!node->inputs[i] || !other->inputs[i]
               || onnx_split_keys_equal (onnx_split_get_key (splitter, node->inputs[i]),
                   onnx_split_get_key (splitter, other->inputs[i]))))
      i++;
    if (i == node->base.n_inputs)
      break;
    value = node->inputs[i];
    first = other->inputs[i];
  }
  if (value->node)
    return value->node->base.label;
  return onnx_own_text (&splitter->reader,
      g_strdup_printf ("tensor \"%s\"", onnx_shorten_text (&splitter->reader, value->name)));
}
