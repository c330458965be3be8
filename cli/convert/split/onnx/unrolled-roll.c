/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "split/onnx/unrolled-key.h"
#include "split/onnx/unrolled-state.h"
#include "split/onnx/unrolled.h"

#define N_STATES 2
#define WEIGHTS (1u << 1 | 1u << 2 | 1u << 3 | 1u << 7) /* W, R, B and the peepholes */

typedef struct {
  SplitEmitter *emitter;
  Splitter *splitter;
  SplitRolled *rolled;
  GHashTable *states;    /* of onnx_split_find_states() */
  GHashTable *followers; /* SplitNode to the recurrent node that reads h, or to @ambiguous */
  SplitNode *ambiguous;
  GHashTable *replaced; /* SplitNode of the rows */
  SplitNode **row;      /* (n_steps): the recurrent nodes of a layer */
} Roller;

static OnnxValue *refuse_node (Roller *roller, const SplitNode *node, const char *format, ...)
    G_GNUC_PRINTF (3, 4);

static OnnxValue *
refuse_node (Roller *roller, const SplitNode *node, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  return onnx_unsupported (&roller->splitter->reader, &node->base, "%s", text);
}

/* Returns: (nullable): the block that input @i of @node consists of */
static const SplitBlock *
get_block (const Roller *roller, const SplitNode *node, guint i)
{
  const SplitValue *value = onnx_split_get_input (node, i);
  const SplitState *state = value ? g_hash_table_lookup (roller->states, value) : NULL;

  return state && state->n == 1 ? state->blocks : NULL;
}

/* --- The rows: a recurrent node for each step
 * -------------------------------------------------- */

static OnnxValue *
find_first_row (Roller *roller)
{
  const Splitter *splitter = roller->splitter;
  gint64 n = 0;

  for (guint i = 0; i < splitter->nodes->len; i++) {
    SplitNode *node = g_ptr_array_index (splitter->nodes, i);
    const gint step = onnx_split_is_clip (node, 0) ? node->inputs[0]->step : -1;

    if (!onnx_split_is_recurrent (node) || !onnx_split_is_clip (node, 0))
      continue;
    if (step < 0 || step >= splitter->n_steps || roller->row[step])
      return refuse_node (roller, node,
          "input 0: expected the features of a frame that no other recurrent node reads, found "
          "%s",
          onnx_split_describe_step (roller->splitter, step));
    roller->row[step] = node;
    n++;
  }
  if (n == splitter->n_steps)
    return NULL;
  return refuse_node (roller, splitter->recurrent,
      "expected a recurrent node for each of %" G_GINT64_FORMAT
      " frames, found %" G_GINT64_FORMAT " nodes",
      splitter->n_steps, n);
}

/* Replaces the row by the recurrent nodes that read h of the row, step by step. *n: their number */
static OnnxValue *
find_next_row (Roller *roller, gint64 *n)
{
  const gint64 n_steps = roller->splitter->n_steps;

  *n = 0;
  for (gint64 t = 0; t < n_steps; t++) {
    SplitNode *next = g_hash_table_lookup (roller->followers, roller->row[t]);

    if (next == roller->ambiguous)
      return refuse_node (roller, roller->row[t],
          "outputs: expected one recurrent node that reads them, found more");
    *n += next != NULL;
  }
  if (*n == 1 && g_hash_table_lookup (roller->followers, roller->row[n_steps - 1]))
    *n = 0; /* a layer that reads the last step */
  if (*n && *n != n_steps)
    return refuse_node (roller, roller->row[0],
        "outputs: expected a recurrent node for each of %" G_GINT64_FORMAT
        " steps that reads them, found %" G_GINT64_FORMAT " nodes",
        n_steps, *n);
  for (gint64 t = 0; *n && t < n_steps; t++)
    roller->row[t] = g_hash_table_lookup (roller->followers, roller->row[t]);
  return NULL;
}

static void
find_followers (Roller *roller)
{
  for (guint i = 0; i < roller->splitter->nodes->len; i++) {
    SplitNode *node = g_ptr_array_index (roller->splitter->nodes, i);
    const SplitBlock *block = onnx_split_is_recurrent (node) ? get_block (roller, node, 0)
                                                             : NULL;
    gpointer known = block ? g_hash_table_lookup (roller->followers, block->node) : NULL;

    if (block)
      g_hash_table_insert (roller->followers, (gpointer) block->node,
          known || block->is_cell ? roller->ambiguous : node);
  }
}

/* --- The checks
 * --------------------------------------------------------------------------------- */

/* Checks the nodes that a row consists of, and the features of the first row. */
static OnnxValue *
check_row (Roller *roller, gboolean is_first)
{
  Splitter *splitter = roller->splitter;
  SplitNode *const *row = roller->row;
  const guint32 mask = WEIGHTS | (is_first ? 1u : 0);
  const guint8 *key = onnx_split_get_node_key (splitter, row[0], mask);
  g_autofree char *direction = onnx_get_string (&row[0]->base, "direction", "forward");

  if (!g_str_equal (direction, "forward"))
    return refuse_node (roller, row[0],
        "direction: expected forward in a loop over the steps, found %s", direction);
  if (onnx_split_get_input (row[0], 4))
    return refuse_node (roller, row[0],
        "sequence_lens: expected no lengths of one step, found \"%s\"",
        onnx_shorten_text (&splitter->reader, row[0]->inputs[4]->name));
  for (gint64 t = 1; t < splitter->n_steps; t++)
    if (!onnx_split_keys_equal (onnx_split_get_node_key (splitter, row[t], mask), key))
      return refuse_node (roller, row[t],
          "expected the attributes, the weights and the features of %s, found others for frame "
          "%" G_GINT64_FORMAT,
          row[0]->base.label, t);
  return NULL;
}

/* Checks that the state of each step is that of the step before. */
static OnnxValue *
check_states (Roller *roller)
{
  static const char *const names[N_STATES] = {"initial_h", "initial_c"};
  const gboolean has_cell = g_str_equal (roller->row[0]->base.proto->op_type, "LSTM");

  for (guint k = 0; k < (has_cell ? N_STATES : 1); k++) {
    if (onnx_split_is_clip (roller->row[0], 5 + k))
      return refuse_node (roller, roller->row[0],
          "%s: expected a state that does not depend on frames, found \"%s\"", names[k],
          onnx_shorten_text (&roller->splitter->reader, roller->row[0]->inputs[5 + k]->name));
    for (gint64 t = 1; t < roller->splitter->n_steps; t++) {
      const SplitBlock *block = get_block (roller, roller->row[t], 5 + k);
      const SplitValue *value = onnx_split_get_input (roller->row[t], 5 + k);

      if (!block || block->node != roller->row[t - 1] || block->is_cell != (k == 1))
        return refuse_node (roller, roller->row[t],
            "%s: expected the state that %s returns, found %s%s", names[k],
            roller->row[t - 1]->base.label,
            block                  ? "another output of "
            : value && value->node ? "a result of "
                                   : "none",
            block                  ? block->node->base.label
            : value && value->node ? value->node->base.label
                                   : "");
    }
  }
  return NULL;
}

/* Checks that no recurrent nodes of one step remain that pass a state to each other. */
static OnnxValue *
check_others (Roller *roller)
{
  for (guint i = 0; i < roller->splitter->nodes->len; i++) {
    SplitNode *node = g_ptr_array_index (roller->splitter->nodes, i);
    const SplitBlock *block = onnx_split_is_recurrent (node) ? get_block (roller, node, 5)
                                                             : NULL;

    if (block && !g_hash_table_contains (roller->replaced, node)
        && !g_hash_table_contains (roller->replaced, block->node))
      return refuse_node (roller, node,
          "input 0: expected h of a recurrent node of the same step, found a result of %s",
          node->inputs[0] && node->inputs[0]->node ? node->inputs[0]->node->base.label
                                                   : "no node");
  }
  return NULL;
}

/* --- The nodes that replace a row
 * --------------------------------------------------------------- */

/* Adds a node whose argument @argument is an input since @opset, and an attribute before. */
static Onnx__NodeProto *
add_node_with_axes (Roller *roller, const char *op, gint64 opset, const char *from,
    const char *to, const char *argument, gint64 value)
{
  SplitEmitter *emitter = roller->emitter;
  const gboolean is_input = roller->splitter->reader.opset >= opset;
  const char *list = is_input ? onnx_split_add_list (emitter, to, "_axes", 1, &value) : NULL;
  Onnx__NodeProto *node = onnx_builder_add_node (emitter->builder, op, to,
      (const char *const[]){from, list, NULL}, (const char *const[]){to, NULL});

  if (!is_input)
    onnx_builder_set_ints (emitter->builder, node, argument, &value, 1);
  return node;
}

static void
add_squeeze (Roller *roller, const char *from, const char *to, gint64 axis)
{
  add_node_with_axes (roller, "Squeeze", 13, from, to, "axes", axis);
}

/* Adds the selection of step @t along @axis. */
static void
add_step (Roller *roller, const char *from, const char *to, gint64 axis, gint64 t)
{
  SplitEmitter *emitter = roller->emitter;
  const char *index = onnx_split_add_list (emitter, to, "_step", 1, &t);
  Onnx__NodeProto *node = onnx_builder_add_node (emitter->builder, "Gather", to,
      (const char *const[]){from, index, NULL}, (const char *const[]){to, NULL});

  onnx_builder_set_int (emitter->builder, node, "axis", axis);
}

/* Makes Y and Y_h of each step from Y of all steps. */
static void
write_outputs (Roller *roller, const char *all, gint64 time_axis)
{
  for (gint64 t = 0; t < roller->splitter->n_steps; t++) {
    const SplitNode *node = roller->row[t];
    const gboolean is_last = t + 1 == roller->splitter->n_steps;

    for (guint i = 0; i < node->base.n_outputs; i++) {
      const char *name = node->outputs[i]
                             ? onnx_split_get_name (roller->emitter, node->outputs[i])
                             : NULL;

      if (!name)
        continue;
      g_hash_table_add (i == 2 && !is_last ? roller->rolled->gone : roller->rolled->made,
          (gpointer) node->outputs[i]->name);
      if (i == 0)
        add_step (roller, all, name, time_axis, t);
      else if (i == 1 && !is_last) {
        const char *step = onnx_split_new_name (roller->emitter, name, "_of_step");

        add_step (roller, all, step, time_axis, t);
        add_squeeze (roller, step, name, time_axis);
      }
    }
  }
}

/* Adds a node over all steps of @features. Returns: the name of its output Y */
static const char *
write_node (Roller *roller, const char *features)
{
  SplitEmitter *emitter = roller->emitter;
  const SplitNode *first = roller->row[0], *last = roller->row[roller->splitter->n_steps - 1];
  Onnx__NodeProto *copy = onnx_builder_copy_node (emitter->builder, last->base.proto);
  const char *all = onnx_split_new_name (emitter, first->base.label, " steps");

  for (guint i = 0; i < copy->n_input; i++) {
    SplitValue *value = onnx_split_get_input (first, i);

    if (value && i > 0)
      onnx_split_need (emitter, value);
    onnx_builder_set_string (emitter->builder, &copy->input[i],
        i == 0  ? features
        : value ? onnx_split_get_name (emitter, value)
                : "");
  }
  for (guint i = 1; i < last->base.n_outputs; i++)
    if (last->outputs[i])
      onnx_builder_set_string (
          emitter->builder, &copy->output[i], onnx_split_get_name (emitter, last->outputs[i]));
  onnx_builder_set_string (emitter->builder, &copy->output[0], all);
  return all;
}

static OnnxValue *
roll_layers (Roller *roller)
{
  const gint64 time_axis = onnx_get_int (&roller->splitter->recurrent->base, "layout", 0) != 0;
  const char *features = onnx_split_get_name (roller->emitter, roller->splitter->cut);
  OnnxValue *unsupported = find_first_row (roller);
  gint64 n = roller->splitter->n_steps;

  for (guint k = 0; !unsupported && n; k++) {
    const char *all;

    if ((unsupported = check_row (roller, k == 0)) || (unsupported = check_states (roller)))
      break;
    for (gint64 t = 0; t < roller->splitter->n_steps; t++)
      g_hash_table_add (roller->replaced, roller->row[t]);
    all = write_node (roller, features);
    write_outputs (roller, all, time_axis);
    if ((unsupported = find_next_row (roller, &n)) || !n)
      break;
    features = onnx_split_new_name (roller->emitter, all, "_features");
    add_squeeze (roller, all, features, time_axis + 1);
  }
  return unsupported ? unsupported : check_others (roller);
}

OnnxValue *
onnx_split_roll (SplitEmitter *emitter, SplitRolled *rolled)
{
  Splitter *splitter = emitter->splitter;
  SplitNode ambiguous;
  Roller roller = {emitter, splitter, rolled, .states = onnx_split_find_states (splitter),
      .followers = g_hash_table_new (NULL, NULL), .ambiguous = &ambiguous,
      .replaced = g_hash_table_new (NULL, NULL),
      .row = g_new0 (SplitNode *, (gsize) splitter->n_steps)};
  OnnxValue *unsupported;

  find_followers (&roller);
  unsupported = roll_layers (&roller);
  g_free (roller.row);
  g_hash_table_unref (roller.replaced);
  g_hash_table_unref (roller.followers);
  g_hash_table_unref (roller.states);
  return unsupported;
}
