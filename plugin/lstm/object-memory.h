/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The known objects of a video: h and c of each object, and the data that the element keeps with
 * them. This structure does not depend on pads or threads. */
#pragma once

#include "lstm/rows.h"
#include "lstm/span.h"

/* The data of a state row */
typedef struct {
  guint64 n_steps;        /* since h and c were reset */
  GstClockTime last_seen; /* running time of the last frame that has the object */
  guint64 last_frame;     /* number of that frame */
  guint64 step_frame;     /* number of the last frame for which the object has a row */
  GstLstmSpan span;       /* of the last step */
  gboolean has_final;     /* a step has run since the last message lstm-final */
  gboolean has_box;
  gfloat box[GST_LSTM_BOX_SIZE]; /* of the last frame that has the object */
} GstLstmKnownObject;

/* All zeros, except `rows`, `d` and the sizes, before the first object */
typedef struct {
  GstLstmRows rows; /* the keys are tracking ids */
  gsize d;
  gsize n_values[GST_LSTM_N_TENSORS]; /* of an output; 0: not computed */
  GstLstmKnownObject *known;          /* (rows.capacity) */
  gfloat *finals; /* (rows.capacity, final_values); NULL unless outputs are final */
  gsize final_values;
  guint final_kind; /* GstLstmTensorKind of `finals` */
  guint64 frame;    /* number of the present frame */
  gsize capacity;   /* of `known`, `finals` and the fields below, in rows */

  /* The step of the present frame: first the objects of the frame, then the objects that it
   * lacks */
  gsize n;                             /* rows that run */
  gsize n_present;                     /* of these, objects of the frame */
  gsize *list;                         /* (n): the rows */
  guint64 *ids;                        /* (n): tracking ids */
  guint *detections;                   /* (n_present): see GstLstmObject */
  gfloat *x;                           /* (n, d) */
  gfloat *outputs[GST_LSTM_N_TENSORS]; /* (n, n_values); NULL: not computed */
  guint8 *is_complete;                 /* (n): the step has an output */
} GstLstmObjectMemory;

/* @config must outlive the memory. Returns: (transfer full) */
GstLstmObjectMemory *gst_lstm_object_memory_new (const GstLstmSequenceConfig *config);
void gst_lstm_object_memory_free (GstLstmObjectMemory *memory);

static inline guint
gst_lstm_object_memory_get_n_objects (const GstLstmObjectMemory *memory)
{
  return memory->rows.entries->len;
}

/* Returns the tracking id and the state row of known object @i, in the order of the ids. */
static inline const GstLstmRowEntry *
gst_lstm_object_memory_get_entry (const GstLstmObjectMemory *memory, guint i)
{
  return &g_array_index (memory->rows.entries, GstLstmRowEntry, i);
}

/* Forgets known object @i. The objects after it move down. */
void gst_lstm_object_memory_forget (GstLstmObjectMemory *memory, guint i);
void gst_lstm_object_memory_forget_all (GstLstmObjectMemory *memory);

/* Sets h and c of @row to the model's initial state, as of a new object. */
void gst_lstm_object_memory_reset (GstLstmObjectMemory *memory, gsize row);

/* Begins the step of a frame, without rows. */
void gst_lstm_object_memory_begin_frame (GstLstmObjectMemory *memory);

/* Marks @id, if it is known, as seen at the running time @now in the present frame, so that it is
 * not missing. */
void gst_lstm_object_memory_mark (GstLstmObjectMemory *memory, guint64 id, GstClockTime now);

/* Adds a row with the features @x for object @id at @detection, which the frame has. An unknown
 * object begins with the model's initial state. @is_box: the first half of @x is a box, and the
 * function writes the change of the box to the second half of the row. Returns FALSE and sets
 * @error if memory is insufficient. */
gboolean gst_lstm_object_memory_add_present (GstLstmObjectMemory *memory, guint64 id,
    guint detection, const gfloat *x, gboolean is_box, GError **error);

/* Adds a row of zeros for the known object @entry, which has no features in the frame. */
void gst_lstm_object_memory_add_zeros (
    GstLstmObjectMemory *memory, const GstLstmRowEntry *entry);

/* Runs the rows, a step of @span, in one product. */
void gst_lstm_object_memory_run (GstLstmObjectMemory *memory, const GstLstmSpan *span);
