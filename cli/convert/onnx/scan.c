/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "onnx/args.h"
#include "onnx/body.h"
#include "onnx/directions.h"
#include "onnx/loop.h"
#include "onnx/trace.h"

/* Returns value @i of the list of integers @name, or 0 if the node has no such list. */
static gint64
get_listed (const OnnxNode *node, const char *name, gsize i)
{
  const Onnx__AttributeProto *attribute = onnx_find_attribute (node, name);

  return attribute && i < attribute->n_ints ? attribute->ints[i] : 0;
}

/* Adds the current step of scan input @k, which is input @in of the node and input @body_in of the
 * body. */
static gboolean
add_scan_input (OnnxBody *body, gsize k, guint in, gsize body_in)
{
  OnnxNode *node = body->node;
  OnnxValue *value = onnx_get_input (node, in);
  guint axis;

  if (!onnx_value_is (value, ONNX_VALUE_SIGNAL)
      || !onnx_resolve_axis (get_listed (node, "scan_input_axes", k), value->n_axes, &axis))
    return onnx_body_fail (body, "input %u: expected a sequence, found %s", in,
        onnx_describe_input (body->reader, node, in));
  if (get_listed (node, "scan_input_directions", k))
    value = onnx_signal_flip (body->reader, node, value, axis);
  if (value->kind == ONNX_VALUE_SIGNAL)
    value = onnx_trace_step (body->reader, node, value, axis);
  if (value->kind == ONNX_VALUE_UNSUPPORTED) {
    body->unsupported = value;
    return FALSE;
  }
  onnx_body_add_value (body, onnx_string (body->graph->input[body_in]->name), value);
  return TRUE;
}

static gboolean
check_sizes (OnnxBody *body, gint64 n_scan)
{
  const OnnxNode *node = body->node;
  const Onnx__GraphProto *graph = body->graph;
  gsize n_inputs = node->proto->n_input;

  if (body->reader->opset < 9)
    return onnx_body_fail (body,
        "opset: Scan is supported only from opset 9 on; found %" G_GINT64_FORMAT,
        body->reader->opset);
  if (n_scan < 1 || (gsize) n_scan > n_inputs || graph->n_input != n_inputs
      || graph->n_output != node->n_outputs || graph->n_output < n_inputs - (gsize) n_scan)
    return onnx_body_fail (body,
        "body: expected %" G_GSIZE_FORMAT " inputs and %u outputs, found %" G_GSIZE_FORMAT
        " and %" G_GSIZE_FORMAT,
        n_inputs, node->n_outputs, graph->n_input, graph->n_output);
  return onnx_body_alloc_variables (body, (guint) (n_inputs - (gsize) n_scan));
}

static gboolean
read_scan (OnnxBody *body, OnnxNode *node)
{
  gint64 n_scan = onnx_get_int (node, "num_scan_inputs", 0);

  if (!check_sizes (body, n_scan))
    return FALSE;
  for (guint i = 0; i < body->n_variables; i++)
    if (!onnx_body_set_variable (body, i, i, i, i))
      return FALSE;
  for (guint k = 0; k < (guint) n_scan; k++)
    if (!add_scan_input (body, k, body->n_variables + k, body->n_variables + k))
      return FALSE;
  return onnx_body_run (body);
}

/* Returns scan output @k, which is output @i of the node. */
static OnnxValue *
collect_output (OnnxBody *body, gsize k, guint i)
{
  OnnxValue *value = onnx_body_collect_output (body, i), *moved;
  guint axis;

  if (value->kind != ONNX_VALUE_SIGNAL)
    return value;
  if (get_listed (body->node, "scan_output_directions", k))
    value = onnx_signal_flip (body->reader, body->node, value, 0);
  if (!onnx_resolve_axis (get_listed (body->node, "scan_output_axes", k), value->n_axes, &axis))
    return onnx_unsupported (body->reader, body->node,
        "scan_output_axes: expected an axis of %u dimensions, found %" G_GINT64_FORMAT,
        value->n_axes, get_listed (body->node, "scan_output_axes", k));
  moved = onnx_value_copy (body->reader, value);
  for (guint a = 0; a < axis; a++)
    moved->axes[a] = value->axes[a + 1];
  moved->axes[axis] = value->axes[0];
  return moved;
}

OnnxValue *
onnx_apply_scan (OnnxReader *reader, OnnxNode *node)
{
  OnnxBody body;

  if (onnx_body_init (&body, reader, node) && read_scan (&body, node))
    for (guint i = 0; i < node->n_outputs; i++)
      node->outputs[i] = i < body.n_variables ? onnx_body_get_variable (&body, i)
                                              : collect_output (&body, i - body.n_variables, i);
  onnx_body_clear (&body);
  return body.unsupported ? body.unsupported : node->outputs[0];
}
