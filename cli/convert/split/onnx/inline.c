/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "split/onnx/inline.h"
#include "split/onnx/input.h"

/* Returns: FALSE */
static gboolean
set_memory_error (Splitter *splitter, const Onnx__NodeProto *proto, GError **error)
{
  return onnx_set_error (&splitter->reader, CONVERT_ERROR_FILE, error,
      "%s: expected a graph that fits in memory, found a larger one",
      onnx_label_node (&splitter->reader, proto));
}

/* Makes the graph that replaces @proto the current graph. @parent: (nullable): the graph whose
 * names the new graph reads. Returns FALSE with @error. */
static gboolean
enter_scope (Splitter *splitter, const Onnx__NodeProto *proto, const SplitScope *parent,
    SplitInner *inner, GError **error)
{
  const char *name = onnx_string (proto->name);

  if (inner->n_outputs < proto->n_output)
    return onnx_set_error (&splitter->reader, CONVERT_ERROR_FILE, error,
        "%s: expected %" G_GSIZE_FORMAT " outputs of the graph within, found %" G_GSIZE_FORMAT,
        onnx_label_node (&splitter->reader, proto), proto->n_output, inner->n_outputs);
  if (splitter->scope->depth == ONNX_MAX_DEPTH)
    return onnx_set_error (&splitter->reader, CONVERT_ERROR_UNSUPPORTED, error,
        "%s: expected graphs nested at most %d deep, found more",
        onnx_label_node (&splitter->reader, proto), ONNX_MAX_DEPTH);
  inner->scope = (SplitScope){parent, g_hash_table_new (g_str_hash, g_str_equal),
      *name ? name : onnx_string (proto->output[0]), splitter->scope->depth + 1};
  inner->outer = splitter->scope;
  splitter->scope = &inner->scope;
  return TRUE;
}

/* Returns the branch of @proto, an If, that a known condition selects, or NULL. */
static const Onnx__GraphProto *
find_branch (Splitter *splitter, const Onnx__NodeProto *proto)
{
  SplitValue *condition = proto->n_input
                              ? onnx_split_find (splitter, onnx_string (proto->input[0]))
                              : NULL;
  const OnnxTensor *tensor = onnx_split_get_tensor (splitter, condition);
  const char *name;

  if (!tensor || !tensor->is_int || tensor->n_values != 1
      || tensor->ints[0].factor != ONNX_NO_FACTOR)
    return NULL;
  name = tensor->ints[0].offset ? "then_branch" : "else_branch";
  for (gsize a = 0; a < proto->n_attribute; a++)
    if (g_str_equal (onnx_string (proto->attribute[a]->name), name))
      return proto->attribute[a]->g;
  return NULL;
}

static gboolean
enter_branch (Splitter *splitter, const Onnx__NodeProto *proto, const Onnx__GraphProto *graph,
    SplitInner *inner, GError **error)
{
  inner->graph = *graph;
  inner->n_outputs = graph->n_output;
  inner->outputs = onnx_alloc (&splitter->reader, graph->n_output, sizeof *inner->outputs);
  if (!inner->outputs)
    return set_memory_error (splitter, proto, error);
  for (gsize i = 0; i < graph->n_output; i++)
    inner->outputs[i] = onnx_string (graph->output[i]->name);
  return enter_scope (splitter, proto, splitter->scope, inner, error)
         && onnx_split_add_initializers (splitter, graph, error);
}

static const Onnx__FunctionProto *
find_function (const Splitter *splitter, const Onnx__NodeProto *proto)
{
  const Onnx__ModelProto *model = splitter->reader.model;

  for (gsize i = 0; i < model->n_functions; i++)
    if (g_str_equal (onnx_string (model->functions[i]->name), onnx_string (proto->op_type))
        && g_str_equal (onnx_string (model->functions[i]->domain), onnx_string (proto->domain)))
      return model->functions[i];
  return NULL;
}

static const Onnx__AttributeProto *
find_attribute (Onnx__AttributeProto *const *list, gsize n, const char *name)
{
  for (gsize i = 0; i < n; i++)
    if (g_str_equal (onnx_string (list[i]->name), name))
      return list[i];
  return NULL;
}

/* Returns @node with the attributes of @call in place of references to attributes of the function,
 * or NULL with @error. Releases of ONNX before 1.13 have no defaults of such attributes. */
static Onnx__NodeProto *
bind_attributes (
    Splitter *splitter, Onnx__NodeProto *node, const Onnx__NodeProto *call, GError **error)
{
  OnnxReader *reader = &splitter->reader;
  Onnx__NodeProto *copy = onnx_alloc (reader, 1, sizeof *copy);
  Onnx__AttributeProto *attributes = onnx_alloc (reader, node->n_attribute, sizeof *attributes),
                       **list;

  if (!copy || !attributes
      || !(copy->attribute = onnx_alloc (reader, node->n_attribute, sizeof *copy->attribute))) {
    set_memory_error (splitter, call, error);
    return NULL;
  }
  list = copy->attribute;
  *copy = *node;
  copy->attribute = list;
  for (gsize i = 0; i < node->n_attribute; i++) {
    const char *name = onnx_string (node->attribute[i]->ref_attr_name);
    const Onnx__AttributeProto *found = node->attribute[i];

    if (*name)
      found = find_attribute (call->attribute, call->n_attribute, name);
    if (!found) {
      onnx_set_error (reader, CONVERT_ERROR_UNSUPPORTED, error,
          "%s: attribute \"%s\": expected a value for the function, found none",
          onnx_label_node (reader, call), onnx_shorten_text (reader, name));
      return NULL;
    }
    attributes[i] = *found;
    attributes[i].name = node->attribute[i]->name;
    copy->attribute[i] = &attributes[i];
  }
  return copy;
}

/* Checks that the nodes of @function mean what they mean in the graph. */
static gboolean
check_function (Splitter *splitter, const Onnx__NodeProto *proto,
    const Onnx__FunctionProto *function, GError **error)
{
  for (gsize i = 0; i < function->n_opset_import; i++) {
    const char *domain = onnx_string (function->opset_import[i]->domain);

    if ((!*domain || g_str_equal (domain, "ai.onnx"))
        && function->opset_import[i]->version != splitter->reader.opset)
      return onnx_set_error (&splitter->reader, CONVERT_ERROR_UNSUPPORTED, error,
          "%s: opset of the function: expected %" G_GINT64_FORMAT
          ", as the model has, found %" G_GINT64_FORMAT,
          onnx_label_node (&splitter->reader, proto), splitter->reader.opset,
          function->opset_import[i]->version);
  }
  if (proto->n_input <= function->n_input)
    return TRUE;
  return onnx_set_error (&splitter->reader, CONVERT_ERROR_FILE, error,
      "%s: expected at most %" G_GSIZE_FORMAT " inputs, as the function has, found "
      "%" G_GSIZE_FORMAT,
      onnx_label_node (&splitter->reader, proto), function->n_input, proto->n_input);
}

static gboolean
enter_function (Splitter *splitter, const Onnx__NodeProto *proto,
    const Onnx__FunctionProto *function, SplitInner *inner, GError **error)
{
  const SplitScope *outer = splitter->scope;
  Onnx__NodeProto **nodes = onnx_alloc (&splitter->reader, function->n_node, sizeof *nodes);

  inner->outputs = onnx_alloc (&splitter->reader, function->n_output, sizeof *inner->outputs);
  if (!nodes || !inner->outputs)
    return set_memory_error (splitter, proto, error);
  onnx__graph_proto__init (&inner->graph);
  inner->graph.n_node = function->n_node;
  inner->graph.node = nodes;
  inner->n_outputs = function->n_output;
  for (gsize i = 0; i < function->n_output; i++)
    inner->outputs[i] = onnx_string (function->output[i]);
  for (gsize i = 0; i < function->n_node; i++)
    if (!(nodes[i] = bind_attributes (splitter, function->node[i], proto, error)))
      return FALSE;
  if (!check_function (splitter, proto, function, error)
      || !enter_scope (splitter, proto, NULL, inner, error))
    return FALSE;
  for (gsize i = 0; i < proto->n_input; i++) {
    SplitValue *value = onnx_split_find_in (outer, onnx_string (proto->input[i]));

    if (value)
      g_hash_table_insert (
          inner->scope.values, (gpointer) onnx_string (function->input[i]), value);
  }
  return TRUE;
}

gboolean
onnx_split_enter_graph (
    Splitter *splitter, const Onnx__NodeProto *proto, SplitInner *inner, GError **error)
{
  const Onnx__FunctionProto *function = find_function (splitter, proto);
  const Onnx__GraphProto *branch = NULL;

  *inner = (SplitInner){.is_found = FALSE};
  if (!function && !*onnx_string (proto->domain)
      && g_str_equal (onnx_string (proto->op_type), "If"))
    branch = find_branch (splitter, proto);
  inner->is_found = (function || branch) && proto->n_output;
  if (!inner->is_found)
    return TRUE;
  return function ? enter_function (splitter, proto, function, inner, error)
                  : enter_branch (splitter, proto, branch, inner, error);
}

void
onnx_split_leave_graph (Splitter *splitter, const Onnx__NodeProto *proto, SplitInner *inner)
{
  if (!inner->outer)
    return;
  splitter->scope = inner->outer;
  for (gsize i = 0; i < proto->n_output; i++) {
    SplitValue *value = onnx_split_find_in (&inner->scope, inner->outputs[i]);

    if (value && *onnx_string (proto->output[i]))
      g_hash_table_insert (splitter->scope->values, proto->output[i], value);
  }
  g_hash_table_unref (inner->scope.values);
}
