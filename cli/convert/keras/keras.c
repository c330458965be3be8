/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "keras/keras.h"
#include "container/json.h"
#include "keras/classes.h"
#include "keras/custom-objects.h"
#include "keras/graph.h"
#include "keras/json.h"
#include "keras/shape.h"
#include "keras/weights.h"
#include <string.h>

#define MAX_CONFIG_DEPTH 100 /* nested models, each of about twelve levels */

static void
layer_free (void *data)
{
  KerasLayer *layer = data;

  g_free (layer->group);
  g_free (layer);
}

static void
datasets_free (void *data)
{
  KerasDatasets *datasets = data;

  g_ptr_array_unref (datasets->paths);
  g_free (datasets);
}

static void
model_free (void *data)
{
  KerasModel *model = data;

  g_ptr_array_unref (model->layers);
  g_free (model);
}

/* Sets the version from @version or from the configuration. Without either, a key "module" next to
 * the class indicates Keras 3. Other files count as 2.3.0, the version in which the default of
 * recurrent_activation changed. */
static void
set_version (KerasReader *reader, const char *version, JsonNode *root)
{
  JsonObject *object = lstm_json_get_object (root);
  gint64 parts[3] = {0};
  const char *at;

  if (!version)
    version = keras_get_string (object, "keras_version");
  if (!version)
    version = object && json_object_has_member (object, "module") ? "3.0.0" : "2.3.0-tf";
  at = version;
  for (guint i = 0; i < G_N_ELEMENTS (parts) && g_ascii_isdigit (*at); i++) {
    char *end;

    parts[i] = MIN (g_ascii_strtoll (at, &end, 10), 99);
    at = *end == '.' ? end + 1 : end;
  }
  reader->version = (gint) (parts[0] * 10000 + parts[1] * 100 + parts[2]);
  reader->is_tf_keras = reader->version >= 20400 || strstr (version, "-tf") != NULL;
}

/* Checks that the layer sees the mask of the reader, if there is one. */
static gboolean
check_mask (KerasReader *reader, const KerasLayer *layer)
{
  KerasClassFlags flags = layer->class->flags;

  if (!reader->mask_layer)
    return TRUE;
  if (flags & KERAS_DROPS_MASK)
    return keras_fail (reader, layer, CONVERT_ERROR_UNSUPPORTED,
        "input: expected steps without a mask, because %s uses masked steps and ends the mask, "
        "found the mask of layer \"%s\"",
        layer->class->name, reader->mask_layer);
  if (flags & KERAS_USES_MASK && reader->has_uncertain_mask)
    return keras_fail (reader, layer, CONVERT_ERROR_UNSUPPORTED,
        "input: expected steps without a mask, because recurrent layers of Keras 3.16 and "
        "later "
        "end the mask and those of earlier versions do not, found the mask of layer \"%s\"",
        reader->mask_layer);
  return TRUE;
}

static gboolean
check_input_kind (KerasReader *reader, const KerasLayer *layer)
{
  KerasClassFlags flags = layer->class->flags;
  const char *expected = NULL;
  g_autofree char *found = NULL;

  if (reader->shape.kind == KERAS_RESHAPED && !(flags & KERAS_ACCEPTS_RESHAPED))
    expected = "a sequence or a vector";
  else if (reader->shape.kind != KERAS_SEQUENCE && flags & KERAS_NEEDS_SEQUENCE)
    expected = "a sequence";
  if (!expected)
    return TRUE;
  found = keras_describe_shape (&reader->shape);
  return keras_fail (reader, layer, CONVERT_ERROR_UNSUPPORTED, "input: expected %s, found %s",
      expected, found);
}

/* The first layer of a Sequential model may have the shape of the input instead of an InputLayer.
 * The shape may also be missing. */
static gboolean
convert_layer (KerasReader *reader, KerasLayer *layer)
{
  gboolean is_first = reader->index == 0, is_input = layer->class->flags & KERAS_IS_INPUT;
  gboolean has_shape = keras_get_member (layer->config, "batch_input_shape") != NULL;

  if (is_input && !is_first) /* of a nested model */
    return TRUE;
  if (is_first && has_shape && !is_input && !keras_read_input_shape (reader, layer))
    return FALSE;
  return check_input_kind (reader, layer) && check_mask (reader, layer)
         && layer->class->convert (reader, layer) && keras_check_weights_used (reader, layer);
}

gboolean
keras_convert_chain (KerasReader *reader)
{
  for (reader->index = 0; reader->index < reader->chain->len; reader->index++)
    if (!convert_layer (reader, g_ptr_array_index (reader->chain, reader->index)))
      return FALSE;
  if (reader->chain->len == 0)
    return keras_fail (
        reader, NULL, CONVERT_ERROR_UNSUPPORTED, "layers: expected at least one, found none");
  return keras_check_nested_weights_used (reader);
}

gboolean
keras_reader_open (KerasReader *reader, const KerasSource *source, const KerasClass *classes)
{
  g_autofree char *name = g_strdup_printf ("%s: configuration", source->input->path);

  *reader = (KerasReader){.input = source->input,
      .classes = classes,
      .h5 = source->h5,
      .npz = source->npz,
      .layers = g_ptr_array_new_with_free_func (layer_free),
      .models = g_ptr_array_new_with_free_func (model_free),
      .chain = g_ptr_array_new (),
      .datasets = g_ptr_array_new_with_free_func (datasets_free),
      .flat_groups = g_ptr_array_new_with_free_func (g_free),
      .model = convert_model_new (),
      .shape = {KERAS_SEQUENCE, KERAS_UNKNOWN, KERAS_UNKNOWN}};
  reader->config = lstm_json_parse (
      source->config, source->config_size, MAX_CONFIG_DEPTH, name, &reader->error);
  if (!reader->config)
    return FALSE;
  keras_mark_custom_objects (reader->config);
  set_version (reader, source->version, reader->config);
  return TRUE;
}

void
keras_reader_clear (KerasReader *reader)
{
  g_clear_pointer (&reader->config, json_node_unref);
  g_ptr_array_unref (reader->layers);
  g_ptr_array_unref (reader->models);
  g_ptr_array_unref (reader->chain);
  g_ptr_array_unref (reader->datasets);
  g_ptr_array_unref (reader->flat_groups);
  g_clear_pointer (&reader->model, convert_model_free);
  g_clear_error (&reader->error);
}

static gpointer
read_model (const KerasSource *source, GError **error)
{
  g_auto (KerasReader) reader = {NULL};

  /* Builds the chain first, so that an error names an unsupported class instead of its weights. */
  if (keras_reader_open (&reader, source, keras_classes) && keras_build_chain (&reader)
      && keras_open_weights (&reader) && keras_convert_chain (&reader))
    return g_steal_pointer (&reader.model);
  g_propagate_error (error, g_steal_pointer (&reader.error));
  return NULL;
}

ConvertModel *
convert_read_keras (const ConvertInput *input, GError **error)
{
  return keras_read_file (input, read_model, error);
}
