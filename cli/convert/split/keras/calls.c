/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "split/keras/calls.h"
#include "container/json.h"
#include "keras/graph.h"
#include "keras/json.h"
#include "split/keras/model-calls.h"

static gboolean read_model (KerasReader *reader, JsonObject *object, KerasLayer *owner);

static gboolean
is_time_distributed (const KerasLayer *layer)
{
  return layer->class && layer->class->n_wrapped == 1;
}

/* Reads the layers of the model that @layer is, or that it wraps. */
static gboolean
read_nested (KerasReader *reader, KerasLayer *layer)
{
  if (keras_is_model_class (layer->class_name))
    return read_model (reader, layer->object, layer);
  if (!is_time_distributed (layer))
    return TRUE;
  layer->inner = keras_new_layer (
      reader, layer, keras_get_member (layer->config, "layer"), "layer");
  return layer->inner && read_nested (reader, layer->inner);
}

/* @owner: (nullable): the layer that is the model */
static gboolean
read_model (KerasReader *reader, JsonObject *object, KerasLayer *owner)
{
  const KerasModel *model = keras_read_layers (reader, object, owner);

  if (!model)
    return FALSE;
  if (owner)
    owner->model = model;
  for (guint i = 0; i < model->layers->len; i++)
    if (!read_nested (reader, g_ptr_array_index (model->layers, i)))
      return FALSE;
  return TRUE;
}

static void
call_free (void *data)
{
  KerasCall *call = data;

  g_array_unref (call->inputs);
  g_free (call);
}

KerasCall *
keras_calls_get (const KerasCalls *calls, guint index)
{
  return g_ptr_array_index (calls->calls, index);
}

gboolean
keras_calls_add_weighted (KerasCalls *calls, KerasLayer *layer)
{
  gboolean has_weights = layer->model
                         || (layer->class && layer->class->flags & KERAS_HAS_WEIGHTS);

  return !has_weights || g_hash_table_add (calls->weighted, layer)
         || keras_fail (calls->reader, layer, CONVERT_ERROR_UNSUPPORTED,
             "inbound_nodes: expected one call of a layer that has weights, found more");
}

guint
keras_calls_add (KerasCalls *calls, const ModelCall *source, GArray *inputs)
{
  KerasCall *call = g_new0 (KerasCall, 1);

  call->layer = source->layer;
  call->outer = source->outer ? source->outer : source->layer;
  call->node = source->node;
  call->n_outer = source->n_outer;
  call->inputs = g_array_ref (inputs);
  g_ptr_array_add (calls->calls, call);
  return calls->calls->len - 1;
}

guint
keras_calls_append_input (KerasCalls *calls, KerasLayer *layer)
{
  g_autoptr (GArray) none = g_array_new (FALSE, FALSE, sizeof (guint));
  const ModelCall source = {layer, .n_outer = 2};

  return keras_calls_add (calls, &source, none);
}

gboolean
keras_calls_read (KerasCalls *calls, KerasReader *reader)
{
  JsonObject *root = keras_get_root (reader);

  *calls = (KerasCalls){.reader = reader,
      .calls = g_ptr_array_new_with_free_func (call_free),
      .weighted = g_hash_table_new (NULL, NULL)};
  return root && read_model (reader, root, NULL);
}

void
keras_calls_clear (KerasCalls *calls)
{
  g_clear_pointer (&calls->calls, g_ptr_array_unref);
  g_clear_pointer (&calls->weighted, g_hash_table_unref);
}
