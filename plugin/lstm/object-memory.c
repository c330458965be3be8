/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lstm/object-memory.h"
#include "common/errors.h"
#include <string.h>

/* Sets the sizes of the outputs. Final outputs have only the first emitted tensor, which is that of
 * the message lstm-final. */
static void
set_output_sizes (GstLstmObjectMemory *memory, const GstLstmSequenceConfig *config)
{
  const gboolean final = config->mode == GST_LSTM_OUTPUT_FINAL;

  for (guint kind = 0; kind < GST_LSTM_N_TENSORS; kind++) {
    if (!gst_lstm_sequence_config_emits (config, kind))
      continue;
    memory->n_values[kind] = gst_lstm_sequence_config_get_step_values (config, kind);
    if (!final)
      continue;
    memory->final_kind = kind;
    memory->final_values = memory->n_values[kind];
    return;
  }
}

GstLstmObjectMemory *
gst_lstm_object_memory_new (const GstLstmSequenceConfig *config)
{
  GstLstmObjectMemory *memory = g_new0 (GstLstmObjectMemory, 1);

  gst_lstm_rows_init (&memory->rows, config);
  memory->d = lstm_model_get_input_size (config->model);
  set_output_sizes (memory, config);
  return memory;
}

void
gst_lstm_object_memory_free (GstLstmObjectMemory *memory)
{
  gst_lstm_rows_clear (&memory->rows);
  for (guint kind = 0; kind < GST_LSTM_N_TENSORS; kind++)
    g_free (memory->outputs[kind]);
  g_free (memory->known);
  g_free (memory->finals);
  g_free (memory->list);
  g_free (memory->ids);
  g_free (memory->detections);
  g_free (memory->x);
  g_free (memory->is_complete);
  g_free (memory);
}

/* Changes *@array to @n items of @size bytes, if the size is not 0. Returns FALSE if memory is
 * insufficient; *@array stays in that case. */
static gboolean
resize_array (gpointer array, gsize n, gsize size)
{
  gpointer *values = array;
  gpointer resized = size ? g_try_realloc_n (*values, n, size) : NULL;

  if (resized)
    *values = resized;
  return resized || !size;
}

/* Allocates the arrays for as many objects as there are rows. */
static gboolean
reserve_arrays (GstLstmObjectMemory *memory, GError **error)
{
  const gsize n = memory->rows.capacity;
  gboolean ok;

  if (n <= memory->capacity)
    return TRUE;
  ok = resize_array (&memory->known, n, sizeof *memory->known)
       && resize_array (&memory->finals, n, memory->final_values * sizeof (gfloat))
       && resize_array (&memory->list, n, sizeof *memory->list)
       && resize_array (&memory->ids, n, sizeof *memory->ids)
       && resize_array (&memory->detections, n, sizeof *memory->detections)
       && resize_array (&memory->x, n, memory->d * sizeof (gfloat))
       && resize_array (&memory->is_complete, n, sizeof *memory->is_complete);
  for (guint kind = 0; kind < GST_LSTM_N_TENSORS; kind++)
    ok = ok
         && resize_array (&memory->outputs[kind], n, memory->n_values[kind] * sizeof (gfloat));
  if (!ok)
    return gst_lstm_fail (
        error, LSTM_ERROR, LSTM_ERROR_MEMORY, "no memory for %" G_GSIZE_FORMAT " objects", n);
  memory->capacity = n;
  return TRUE;
}

/* --- Objects --- */

void
gst_lstm_object_memory_forget (GstLstmObjectMemory *memory, guint i)
{
  gst_lstm_rows_remove (&memory->rows, i);
}

void
gst_lstm_object_memory_forget_all (GstLstmObjectMemory *memory)
{
  gst_lstm_rows_remove_all (&memory->rows);
}

void
gst_lstm_object_memory_reset (GstLstmObjectMemory *memory, gsize row)
{
  GstLstmKnownObject *known = &memory->known[row];

  gst_lstm_rows_reset_row (&memory->rows, row);
  known->n_steps = 0;
  known->has_final = known->has_box = FALSE;
}

/* --- Frames --- */

void
gst_lstm_object_memory_begin_frame (GstLstmObjectMemory *memory)
{
  memory->frame++;
  memory->n = memory->n_present = 0;
}

void
gst_lstm_object_memory_mark (GstLstmObjectMemory *memory, guint64 id, GstClockTime now)
{
  gsize row;

  if (!gst_lstm_rows_find (&memory->rows, id, &row))
    return;
  memory->known[row].last_seen = now;
  memory->known[row].last_frame = memory->frame;
}

/* Writes @box and its change since the last frame of the object @known to @x. */
static void
write_box (GstLstmKnownObject *known, const gfloat *box, gfloat *x)
{
  for (guint i = 0; i < GST_LSTM_BOX_SIZE; i++) {
    x[i] = box[i];
    x[GST_LSTM_BOX_SIZE + i] = known->has_box ? box[i] - known->box[i] : 0;
    known->box[i] = box[i];
  }
  known->has_box = TRUE;
}

gboolean
gst_lstm_object_memory_add_present (GstLstmObjectMemory *memory, guint64 id, guint detection,
    const gfloat *x, gboolean is_box, GError **error)
{
  const gsize n = memory->n;
  gsize row;

  if (!gst_lstm_rows_find (&memory->rows, id, &row)) {
    if (!gst_lstm_rows_add (&memory->rows, id, &row, error))
      return FALSE;
    if (!reserve_arrays (memory, error)) {
      gst_lstm_rows_remove_all (&memory->rows); /* the row of @id has no data */
      return FALSE;
    }
    memory->known[row] = (GstLstmKnownObject){.span = GST_LSTM_SPAN_NONE};
  }
  memory->list[n] = row;
  memory->ids[n] = id;
  memory->detections[n] = detection;
  if (is_box)
    write_box (&memory->known[row], x, memory->x + n * memory->d);
  else
    memcpy (memory->x + n * memory->d, x, memory->d * sizeof (gfloat));
  memory->known[row].step_frame = memory->frame;
  memory->n_present = memory->n = n + 1;
  return TRUE;
}

void
gst_lstm_object_memory_add_zeros (GstLstmObjectMemory *memory, const GstLstmRowEntry *entry)
{
  const gsize n = memory->n++;

  memory->ids[n] = entry->key;
  memory->list[n] = entry->row;
  memset (memory->x + n * memory->d, 0, memory->d * sizeof (gfloat));
}

void
gst_lstm_object_memory_run (GstLstmObjectMemory *memory, const GstLstmSpan *span)
{
  const gfloat *values = memory->outputs[memory->final_kind];
  const gsize size = memory->final_values;

  gst_lstm_rows_run (
      &memory->rows, memory->list, memory->n, memory->x, memory->outputs, memory->is_complete);
  for (gsize i = 0; i < memory->n; i++) {
    const gsize row = memory->list[i];
    GstLstmKnownObject *known = &memory->known[row];

    known->n_steps++;
    known->span = *span;
    known->has_final = size > 0;
    if (size > 0)
      memcpy (memory->finals + row * size, values + i * size, size * sizeof (gfloat));
  }
}
