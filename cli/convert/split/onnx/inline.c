/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "split/onnx/inline.h"
#include "split/onnx/input.h"
#include "split/onnx/run.h"

/* Makes a scope for the graph that replaces @proto. @parent: nullable; whose names it reads
 * Returns FALSE with @error. */
static gboolean
enter_scope (Splitter *splitter, const Onnx__NodeProto *proto, const SplitScope *parent,
    SplitScope *scope, GError **error)
{
  const char *name = onnx_string (proto->name);

  *scope = (SplitScope){
      parent, NULL, *name ? name : onnx_string (proto->output[0]), splitter->scope->depth + 1};
  if (scope->depth > ONNX_MAX_DEPTH)
    return onnx_set_error (&splitter->reader, CONVERT_ERROR_UNSUPPORTED, error,
        "%s: expected graphs nested at most %d deep, found more",
        onnx_label_node (&splitter->reader, proto), ONNX_MAX_DEPTH);
  scope->values = g_hash_table_new (g_str_hash, g_str_equal);
  return TRUE;
}

/* Adds output @i of @proto, which has the value @inner of the graph that replaces @proto, to the
 * current scope. */
static gboolean
add_output (Splitter *splitter, const Onnx__NodeProto *proto, gsize i, SplitValue *inner,
    GError **error)
{
  const char *name = onnx_string (proto->output[i]);

  if (!*name)
    return TRUE;
  if (!inner)
    return onnx_set_error (&splitter->reader, CONVERT_ERROR_FILE, error,
        "%s: output %" G_GSIZE_FORMAT ": expected a value of the graph within, found none",
        onnx_label_node (&splitter->reader, proto), i);
  g_hash_table_insert (splitter->scope->values, (gpointer) name, inner);
  return TRUE;
}

/* Runs @graph, whose outputs are those of @proto, in @scope. */
static gboolean
run_in_scope (Splitter *splitter, const Onnx__NodeProto *proto, SplitScope *scope,
    const Onnx__GraphProto *graph, char *const *outputs, gsize n_outputs, GError **error)
{
  SplitScope *outer = splitter->scope;
  g_autofree SplitValue **values = g_new0 (SplitValue *, n_outputs + 1);
  gboolean is_run;

  if (n_outputs < proto->n_output)
    return onnx_set_error (&splitter->reader, CONVERT_ERROR_FILE, error,
        "%s: expected %" G_GSIZE_FORMAT " outputs of the graph within, found %" G_GSIZE_FORMAT,
        onnx_label_node (&splitter->reader, proto), proto->n_output, n_outputs);
  splitter->scope = scope;
  is_run = onnx_split_add_initializers (splitter, graph, error)
           && onnx_split_run_graph (splitter, graph, error);
  for (gsize i = 0; i < proto->n_output; i++)
    values[i] = onnx_split_find (splitter, onnx_string (outputs[i]));
  splitter->scope = outer;
  for (gsize i = 0; is_run && i < proto->n_output; i++)
    is_run = add_output (splitter, proto, i, values[i], error);
  return is_run;
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
run_branch (Splitter *splitter, const Onnx__NodeProto *proto, const Onnx__GraphProto *graph,
    GError **error)
{
  g_autofree char **outputs = g_new0 (char *, graph->n_output + 1);
  gboolean is_run;
  SplitScope scope;

  if (!enter_scope (splitter, proto, splitter->scope, &scope, error))
    return FALSE;
  for (gsize i = 0; i < graph->n_output; i++)
    outputs[i] = graph->output[i]->name;
  is_run = run_in_scope (splitter, proto, &scope, graph, outputs, graph->n_output, error);
  g_hash_table_unref (scope.values);
  return is_run;
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

/* Returns: NULL */
static Onnx__NodeProto *
set_memory_error (Splitter *splitter, const Onnx__NodeProto *call, GError **error)
{
  onnx_set_error (&splitter->reader, CONVERT_ERROR_FILE, error,
      "%s: expected a function that fits in memory, found a larger one",
      onnx_label_node (&splitter->reader, call));
  return NULL;
}

/* Returns @node with the attributes of @call in place of references to attributes of the function, or
 * NULL with @error. Releases of ONNX before 1.13 have no defaults of such attributes. */
static Onnx__NodeProto *
bind_attributes (
    Splitter *splitter, Onnx__NodeProto *node, const Onnx__NodeProto *call, GError **error)
{
  OnnxReader *reader = &splitter->reader;
  Onnx__NodeProto *copy = onnx_alloc (reader, 1, sizeof *copy);
  Onnx__AttributeProto *attributes = onnx_alloc (reader, node->n_attribute, sizeof *attributes);

  if (!copy || !attributes)
    return set_memory_error (splitter, call, error);
  *copy = *node;
  copy->attribute = onnx_alloc (reader, node->n_attribute, sizeof *copy->attribute);
  for (gsize i = 0; copy->attribute && i < node->n_attribute; i++) {
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
  return copy->attribute ? copy : set_memory_error (splitter, call, error);
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
run_function (Splitter *splitter, const Onnx__NodeProto *proto,
    const Onnx__FunctionProto *function, GError **error)
{
  g_autofree Onnx__NodeProto **nodes = g_new0 (Onnx__NodeProto *, function->n_node + 1);
  Onnx__GraphProto graph = ONNX__GRAPH_PROTO__INIT;
  gboolean is_run = TRUE;
  SplitScope scope;

  if (!check_function (splitter, proto, function, error)
      || !enter_scope (splitter, proto, NULL, &scope, error))
    return FALSE;
  for (gsize i = 0; i < proto->n_input; i++) {
    SplitValue *value = onnx_split_find (splitter, onnx_string (proto->input[i]));

    if (value)
      g_hash_table_insert (scope.values, (gpointer) onnx_string (function->input[i]), value);
  }
  for (gsize i = 0; is_run && i < function->n_node; i++)
    is_run = (nodes[i] = bind_attributes (splitter, function->node[i], proto, error)) != NULL;
  graph.n_node = function->n_node;
  graph.node = nodes;
  is_run = is_run
           && run_in_scope (
               splitter, proto, &scope, &graph, function->output, function->n_output, error);
  g_hash_table_unref (scope.values);
  return is_run;
}

gboolean
onnx_split_inline_node (
    Splitter *splitter, const Onnx__NodeProto *proto, gboolean *is_inlined, GError **error)
{
  const Onnx__FunctionProto *function = find_function (splitter, proto);
  const Onnx__GraphProto *branch = NULL;

  if (!function && !*onnx_string (proto->domain)
      && g_str_equal (onnx_string (proto->op_type), "If"))
    branch = find_branch (splitter, proto);
  *is_inlined = (function || branch) && proto->n_output;
  if (!*is_inlined)
    return TRUE;
  return function ? run_function (splitter, proto, function, error)
                  : run_branch (splitter, proto, branch, error);
}
