/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "split/keras/memory.h"
#include "keras/graph.h"
#include "util/text.h"

/* Returns whether the memory begins with @call: a recurrent layer, or the mask of one. */
static gboolean
begins_memory (const KerasCall *call)
{
  const KerasClass *class = call->layer->class;

  return call->n_outer == 2 && class
         && (class->flags & (KERAS_IN_BIDIRECTIONAL | KERAS_MAKES_MASK)
             || class->n_wrapped == 2);
}

static void
mark_memory (KerasCalls *calls)
{
  for (guint i = 0; i < calls->calls->len; i++) {
    KerasCall *call = keras_calls_get (calls, i);

    call->is_memory = begins_memory (call);
    for (guint k = 0; k < call->inputs->len; k++)
      call->is_memory |=
          keras_calls_get (calls, g_array_index (call->inputs, guint, k))->is_memory;
  }
}

/* Marks the calls that call @features depends on. */
static void
mark_used (KerasCalls *calls, guint features)
{
  keras_calls_get (calls, features)->is_used = TRUE;
  for (guint i = features + 1; i-- > 0;) {
    const KerasCall *call = keras_calls_get (calls, i);

    for (guint k = 0; call->is_used && k < call->inputs->len; k++)
      keras_calls_get (calls, g_array_index (call->inputs, guint, k))->is_used = TRUE;
  }
}

static gboolean
fail_no_memory (KerasCalls *calls)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GString) names = g_string_new (NULL);

  for (guint i = 0; i < calls->calls->len; i++) {
    const char *name = keras_calls_get (calls, i)->layer->class_name;

    if (g_hash_table_add (seen, (char *) name))
      lstm_text_append_item (names, name);
  }
  return keras_fail (calls->reader, NULL, CONVERT_ERROR_UNSUPPORTED,
      "layers: expected a recurrent layer after the layers that process the frames, found %s",
      names->str);
}

/* Appends the layers from call @index back to the first one of the memory to @path. */
static gboolean
find_path (KerasCalls *calls, guint index, GPtrArray *path, guint *features)
{
  KerasCall *call = keras_calls_get (calls, index);

  while (call->is_memory) {
    if (call->inputs->len != 1)
      return keras_fail (calls->reader, call->layer, CONVERT_ERROR_UNSUPPORTED,
          "inputs: expected one layer, as in a chain from the first recurrent layer on, found "
          "%u; an input that is computed from a frame cannot bypass the recurrent layer",
          call->inputs->len);
    g_ptr_array_add (path, call);
    index = g_array_index (call->inputs, guint, 0);
    call = keras_calls_get (calls, index);
  }
  *features = index;
  return TRUE;
}

/* Appends the layer of @call to the chain. The layers of a model in TimeDistributed are refused, as
 * the class of TimeDistributed does. */
static gboolean
append_call (KerasCalls *calls, const KerasCall *call)
{
  GPtrArray *chain = calls->reader->chain;
  gboolean is_known = chain->len > 0
                      && g_ptr_array_index (chain, chain->len - 1) == call->outer;

  return is_known || keras_append_layer (calls->reader, call->outer);
}

gboolean
keras_find_memory (KerasCalls *calls, guint *features)
{
  g_autoptr (GPtrArray) path = g_ptr_array_new ();

  mark_memory (calls);
  if (!keras_calls_get (calls, calls->output)->is_memory)
    return fail_no_memory (calls);
  if (!find_path (calls, calls->output, path, features))
    return FALSE;
  for (guint i = path->len; i-- > 0;)
    if (!append_call (calls, g_ptr_array_index (path, i)))
      return FALSE;
  mark_used (calls, *features);
  return TRUE;
}
