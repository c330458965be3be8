/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lstm/lstm.h"
#include "onnx/check.h"
#include "onnx/ops.h"
#include "onnx/outputs.h"
#include "split/onnx/cut.h"
#include "split/onnx/features.h"
#include "split/onnx/input.h"
#include "split/onnx/metadata.h"
#include "split/onnx/rest.h"
#include "split/onnx/run.h"
#include "split/split.h"

#define MIN_OPSET 7 /* of ONNX Runtime */
#define MAX_OPSET 25

/* The part of the memory limit in bytes that does not grow with the file */
#define MAX_MEMORY (256 * 1024 * 1024ul)

static void
splitter_init (Splitter *splitter, const ConvertInput *input, const Onnx__ModelProto *model)
{
  OnnxReader *reader = &splitter->reader;

  *splitter = (Splitter){.reader = {input, model}};
  reader->opset = 1;
  for (gsize i = 0; i < model->n_opset_import; i++) {
    const char *domain = onnx_string (model->opset_import[i]->domain);

    if (!*domain || g_str_equal (domain, "ai.onnx"))
      reader->opset = model->opset_import[i]->version;
  }
  reader->arena = g_ptr_array_new_with_free_func (g_free);
  reader->factors = g_array_new (FALSE, FALSE, sizeof (OnnxFactor));
  reader->state_inputs = g_hash_table_new (g_str_hash, g_str_equal);
  reader->length_inputs = g_hash_table_new (g_str_hash, g_str_equal);
  reader->external_files = g_hash_table_new (g_str_hash, g_str_equal);
  reader->notes = g_ptr_array_new_with_free_func (g_free);
  reader->memory_left = MAX_MEMORY
                        + MIN (input->size, G_MAXSIZE / 2 / ONNX_MEMORY_PER_BYTE)
                              * ONNX_MEMORY_PER_BYTE;
  reader->work_left = ONNX_MAX_WORK;
  reader->length_factor = onnx_factor_new (reader, -1, ONNX_ROLE_TIME);
  reader->batch_factor = onnx_factor_new (reader, -1, ONNX_ROLE_BATCH);
  splitter->unknown = onnx_value_new (reader, ONNX_VALUE_UNSUPPORTED);
  splitter->captured = g_ptr_array_new_with_free_func ((GDestroyNotify) g_ptr_array_unref);
  splitter->names = g_hash_table_new (g_str_hash, g_str_equal);
  splitter->nodes = g_ptr_array_new ();
  splitter->memory_nodes = g_hash_table_new (NULL, NULL);
  splitter->top = (SplitScope){NULL, g_hash_table_new (g_str_hash, g_str_equal), "", 0};
  splitter->scope = &splitter->top;
}

static void
splitter_clear (Splitter *splitter)
{
  OnnxReader *reader = &splitter->reader;

  g_hash_table_unref (splitter->top.values);
  g_ptr_array_unref (splitter->nodes);
  g_hash_table_unref (splitter->memory_nodes);
  g_hash_table_unref (splitter->names);
  g_ptr_array_unref (splitter->captured);
  g_ptr_array_unref (reader->notes);
  g_hash_table_unref (reader->external_files);
  g_hash_table_unref (reader->length_inputs);
  g_hash_table_unref (reader->state_inputs);
  g_array_unref (reader->factors);
  g_ptr_array_unref (reader->arena);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Splitter, splitter_clear)

/* Sets @error to the path and @problem. Returns: NULL */
static ConvertSplit *
set_problem (const Splitter *splitter, GError **error, const char *problem)
{
  onnx_set_error (&splitter->reader, CONVERT_ERROR_UNSUPPORTED, error, "%s", problem);
  return NULL;
}

/* Returns the number of outputs of @memory. */
static gsize
count_outputs (const ConvertModel *memory, GError **error)
{
  g_autoptr (GBytes) bytes = convert_model_to_bytes (memory);
  g_autoptr (LstmModel) model = lstm_model_load_bytes (bytes, "memory", error);

  return model ? lstm_model_get_output_size (model) : 0;
}

/* Sets the labels of @split if their number is that of the outputs. */
static gboolean
set_labels (Splitter *splitter, ConvertSplit *split, GError **error)
{
  const char *unread;
  g_auto (GStrv) labels = onnx_split_read_labels (splitter->reader.model, &unread);
  gsize n = labels ? count_outputs (split->memory, error) : 0;

  if (labels && !n)
    return FALSE;
  if (labels && g_strv_length (labels) == n)
    split->labels = g_steal_pointer (&labels);
  else if (labels)
    onnx_split_add_note (splitter,
        "metadata_props: %u labels are left out, because the model has %" G_GSIZE_FORMAT
        " outputs",
        g_strv_length (labels), n);
  else if (unread)
    onnx_split_add_note (splitter,
        "metadata_props: %s: expected an array of names, or an object from the numbers 0, 1, … "
        "to the names or from the names to the numbers, found another form; no labels are "
        "written",
        unread);
  return TRUE;
}

/* Notes the axes that were found. */
static void
add_axes_note (Splitter *splitter)
{
  const char *shape = onnx_split_describe_input (splitter);

  if (splitter->is_inner)
    onnx_split_add_note (splitter,
        "batch is axis %d of %s; axis %d has the channels of %" G_GINT64_FORMAT " frames",
        splitter->batch_axis, shape, splitter->time_axis, splitter->n_steps);
  else if (splitter->batch_axis < 0)
    onnx_split_add_note (splitter, "time is axis %d of %s", splitter->time_axis, shape);
  else
    onnx_split_add_note (splitter, "batch and time are axes %d and %d of %s",
        splitter->batch_axis, splitter->time_axis, shape);
}

static const struct {
  gint32 type;
  ConvertFrameRange range;
} frame_types[] = {{CONVERT_FRAME_FLOAT32, CONVERT_RANGE_UNKNOWN},
    {CONVERT_FRAME_FLOAT16, CONVERT_RANGE_UNKNOWN}, {CONVERT_FRAME_UINT8, CONVERT_RANGE_BYTES}};

/* Sets what @split states of a frame. Returns: (nullable): the problem */
static const char *
set_frame (Splitter *splitter, ConvertSplit *split)
{
  guint i = 0;

  while (i < G_N_ELEMENTS (frame_types) && frame_types[i].type != splitter->clip->type)
    i++;
  if (i == G_N_ELEMENTS (frame_types))
    return onnx_own_text (&splitter->reader,
        g_strdup_printf (
            "input \"%s\": data type: expected float32, float16 or uint8, found ONNX "
            "data type %d",
            onnx_shorten_text (&splitter->reader, splitter->clip->name), splitter->clip->type));
  split->type = (ConvertFrameType) frame_types[i].type;
  split->range = frame_types[i].range;
  split->is_channels_first = splitter->is_channels_first;
  split->n_channels = splitter->n_channels;
  split->height = splitter->height;
  split->width = splitter->width;
  split->n_features = (gsize) splitter->n_features;
  split->n_steps = (gsize) splitter->n_steps;
  return NULL;
}

/* Reads the part that follows the cut with the reader of ONNX. */
static ConvertModel *
read_memory (Splitter *splitter, GError **error)
{
  ConvertInput input = *splitter->reader.input;
  g_autoptr (LstmContent) content = NULL;
  const char *problem;
  g_autoptr (GBytes) bytes = onnx_split_write_rest (splitter, &problem);

  if (!bytes) {
    set_problem (splitter, error, problem);
    return NULL;
  }
  input.content = content = lstm_content_new (bytes);
  return convert_read_onnx (&input, error);
}

/* Cuts the model whose nodes have run. */
static ConvertSplit *
cut_model (Splitter *splitter, GError **error)
{
  g_autoptr (ConvertSplit) split = convert_split_new ();
  const char *problem;

  if ((problem = onnx_split_find_cut (splitter)) || (problem = set_frame (splitter, split)))
    return set_problem (splitter, error, problem);
  if (!(split->features = onnx_split_write_features (splitter, &problem)))
    return set_problem (splitter, error, problem);
  if (!(split->memory = read_memory (splitter, error)))
    return NULL;
  add_axes_note (splitter);
  if (!set_labels (splitter, split, error))
    return NULL;
  for (guint i = 0; i < splitter->reader.notes->len; i++)
    g_ptr_array_add (split->notes, g_strdup (g_ptr_array_index (splitter->reader.notes, i)));
  return g_steal_pointer (&split);
}

static gboolean
graph_has_recurrence (const Onnx__GraphProto *graph)
{
  for (gsize i = 0; i < graph->n_node; i++) {
    const Onnx__NodeProto *node = graph->node[i];
    const OnnxOp *op = onnx_find_op (onnx_string (node->op_type));

    if (op && (op->recurrence || op->is_loop))
      return TRUE;
    for (gsize a = 0; a < node->n_attribute; a++)
      if (node->attribute[a]->g && graph_has_recurrence (node->attribute[a]->g))
        return TRUE;
  }
  return FALSE;
}

/* Returns whether the model may have a recurrent node: a function may contain one. */
static gboolean
has_recurrent_node (const Onnx__ModelProto *model)
{
  return model->n_functions || graph_has_recurrence (model->graph);
}

/* Returns the problem of the first node that the features cannot compute, or NULL. *recurrent: set
 * to the first recurrent node before it, or NULL */
static const char *
find_problem (const Splitter *splitter, const SplitNode **recurrent)
{
  *recurrent = NULL;
  for (guint i = 0; i < splitter->nodes->len; i++) {
    const SplitNode *node = g_ptr_array_index (splitter->nodes, i);

    if (node->outputs[0] && node->outputs[0]->kind == SPLIT_REFUSED)
      return node->outputs[0]->problem;
    if (!*recurrent && node->is_recurrent)
      *recurrent = node;
  }
  return NULL;
}

/* Returns the problem of a graph in which no recurrent node reads features of frames alone. */
static const char *
describe_missing (Splitter *splitter)
{
  const SplitNode *recurrent;
  const SplitValue *input;
  const char *problem = find_problem (splitter, &recurrent);

  if (!has_recurrent_node (splitter->reader.model))
    return onnx_own_text (&splitter->reader,
        g_strdup_printf ("graph: expected an " ONNX_RECURRENT
                         " node, found none among %" G_GSIZE_FORMAT " nodes%s%s",
            splitter->reader.model->graph->n_node, problem ? "; frames meet in " : "",
            problem ? problem : ""));
  if (problem)
    return problem;
  if (!recurrent)
    return "graph: expected an " ONNX_RECURRENT " node, found none";
  input = onnx_split_get_input (recurrent, 0);
  if (input && input->problem)
    return input->problem;
  return onnx_unsupported (&splitter->reader, &recurrent->base,
      "input 0: expected features that depend on frames alone, found %s",
      input && input->kind == SPLIT_CONSTANT
          ? "a constant"
          : "features that also depend on another input, such as the lengths of sequences")
      ->problem;
}

/* Tries one choice of axes. *has_colours: whether a frame has an axis of 1 or 3 values */
static ConvertSplit *
try_axes (const ConvertInput *input, const Onnx__ModelProto *model, SplitAxes axes,
    gboolean *has_colours, GError **error)
{
  g_auto (Splitter) splitter = {0};
  const char *problem;

  splitter_init (&splitter, input, model);
  if (!onnx_split_add_inputs (&splitter, error))
    return NULL;
  problem = onnx_split_set_axes (&splitter, axes);
  *has_colours = splitter.has_colours;
  if (problem)
    return set_problem (&splitter, error, problem);
  if (!onnx_split_run_graph (&splitter, model->graph, error))
    return NULL;
  if (!splitter.recurrent)
    return set_problem (&splitter, error, describe_missing (&splitter));
  return cut_model (&splitter, error);
}

/* Tries the axes that exporters use. The error is that of the first choice that leaves an axis of
 * colours in a frame, or else that of the first choice. */
static ConvertSplit *
guess_axes (const ConvertInput *input, const Onnx__ModelProto *model, GError **error)
{
  g_autoptr (GError) best = NULL;
  gboolean best_has_colours = FALSE;

  for (guint i = 0; i < SPLIT_N_GUESSES; i++) {
    gboolean has_colours = FALSE;
    g_autoptr (GError) problem = NULL;
    ConvertSplit *split = try_axes (
        input, model, onnx_split_guesses[i], &has_colours, &problem);

    if (split)
      return split;
    if (best && (best_has_colours || !has_colours))
      continue;
    g_clear_error (&best);
    best = g_steal_pointer (&problem);
    best_has_colours = has_colours;
  }
  g_propagate_error (error, g_steal_pointer (&best));
  return NULL;
}

/* Checks what does not depend on the axes. */
static gboolean
check_model (const ConvertInput *input, const Onnx__ModelProto *model, GError **error)
{
  g_auto (Splitter) splitter = {0};

  splitter_init (&splitter, input, model);
  if (!model->graph)
    return onnx_set_error (
        &splitter.reader, CONVERT_ERROR_FILE, error, "graph: expected a graph, found none");
  if (splitter.reader.opset < MIN_OPSET || splitter.reader.opset > MAX_OPSET)
    return onnx_set_error (&splitter.reader, CONVERT_ERROR_UNSUPPORTED, error,
        "opset: expected %d to %d, found %" G_GINT64_FORMAT, MIN_OPSET, MAX_OPSET,
        splitter.reader.opset);
  return onnx_check_output (&splitter.reader, error)
         && onnx_split_add_inputs (&splitter, error);
}

static ConvertSplit *
split_model (const ConvertInput *input, const Onnx__ModelProto *model, GError **error)
{
  gboolean has_colours;
  SplitAxes axes;

  if (!check_model (input, model, error))
    return NULL;
  if (!input->axes)
    return guess_axes (input, model, error);
  return onnx_split_parse_axes (input, &axes, error)
             ? try_axes (input, model, axes, &has_colours, error)
             : NULL;
}

ConvertSplit *
convert_split_onnx (const ConvertInput *input, GError **error)
{
  GByteArray *copy = onnx_copy_model (input, NULL, error);
  Onnx__ModelProto *model;
  ConvertSplit *split;

  if (!copy)
    return NULL;
  model = onnx__model_proto__unpack (NULL, copy->len, copy->data);
  g_byte_array_unref (copy);
  if (!model) {
    g_set_error (error, CONVERT_ERROR, CONVERT_ERROR_FILE,
        "%s: content: expected an ONNX model, found a broken message", input->path);
    return NULL;
  }
  split = split_model (input, model, error);
  onnx__model_proto__free_unpacked (model, NULL);
  return split;
}
