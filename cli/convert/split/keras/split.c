/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Cuts a Keras video model before its first recurrent layer. */
#include "keras/keras.h"
#include "keras/weights.h"
#include "split/keras/features.h"
#include "split/keras/input.h"
#include "split/keras/memory.h"

static gboolean
check_weights_file (KerasReader *reader)
{
  return !reader->npz
         || keras_fail (reader, NULL, CONVERT_ERROR_UNSUPPORTED,
             "weights: expected a video model in .keras or .h5, because the arrays in .npz "
             "have "
             "no names of layers, found .npz");
}

static gboolean
convert_memory (KerasReader *reader, ConvertSplit *split)
{
  reader->shape = (KerasShape){
      KERAS_SEQUENCE, (gint64) split->n_steps, (gint64) split->n_features};
  if (!keras_convert_chain (reader))
    return FALSE;
  split->memory = g_steal_pointer (&reader->model);
  return TRUE;
}

static void
add_note (ConvertSplit *split, const KerasCalls *calls, guint index)
{
  const KerasLayer *last = keras_calls_get (calls, index)->outer;
  const KerasLayer *next = g_ptr_array_index (calls->reader->chain, 0);

  g_ptr_array_add (split->notes,
      g_strdup_printf ("the model is cut between layer \"%s\" (%s) and layer \"%s\" (%s)",
          last->name, last->class_name, next->name, next->class_name));
}

static gboolean
split_model (KerasReader *reader, ConvertSplit *split)
{
  g_auto (KerasCalls) calls = {NULL};
  FrameValue frame;
  guint index;

  if (!check_weights_file (reader) || !keras_calls_open (&calls, reader)
      || !keras_find_memory (&calls, &index) || !keras_check_features (&calls)
      || !keras_read_frame_shape (&calls, split, &frame))
    return FALSE;
  split->range = keras_find_range (&calls);
  add_note (split, &calls, index);
  return keras_open_weights (reader) && keras_emit_features (&calls, &frame, index, split)
         && convert_memory (reader, split);
}

static gpointer
read_split (const KerasSource *source, GError **error)
{
  g_autoptr (GArray) classes = keras_list_video_classes ();
  g_autoptr (ConvertSplit) split = convert_split_new ();
  g_auto (KerasReader) reader = {NULL};

  if (keras_reader_open (&reader, source, &g_array_index (classes, KerasClass, 0))
      && split_model (&reader, split))
    return g_steal_pointer (&split);
  g_propagate_error (error, g_steal_pointer (&reader.error));
  return NULL;
}

ConvertSplit *
convert_split_keras (const ConvertInput *input, GError **error)
{
  return keras_read_file (input, read_split, error);
}
