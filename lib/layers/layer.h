/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A layer of a model, and the kinds of layers. A kind is one file in this folder, and one name in
 * the list layer_kinds of meson.build. */
#pragma once

#include <glib.h>
#include "kernels/kernels.h"
#include "layers/threads.h"
#include "layer-kinds.h" /* LSTM_LAYER_KINDS (X), generated from the list in meson.build */

typedef struct _LstmLayer LstmLayer;
typedef struct _LstmLayerSource LstmLayerSource;

/* The shape of h and c of a recurrent layer, of one of its directions or of a pooling layer, and
 * their initial values */
typedef struct {
  const char *type;             /* the "type" of the layer in model files */
  gsize n_h, n_c;               /* p, m; n_c is 0 if the layer has no c */
  gsize n_units;                /* m */
  guint n_gates;                /* that can be traced, of each unit */
  gsize h_stride, c_stride;     /* floats of a state row, padded to full panels */
  float *initial_h, *initial_c; /* (h_stride), (c_stride); NULL: zeros */
} LstmMemoryLayout;

/* The part of a state that belongs to one recurrent layer or direction, or to a pooling layer */
typedef struct {
  float *h, *h_next; /* (state rows, h_stride) */
  float *c;          /* (state rows, c_stride) */
  gsize h_stride, c_stride;
  /* The order of the panels alternates from step to step, so that a step begins with the panels
   * that the previous step left in the cache. In one fixed order, weights larger than the cache
   * would always be evicted before their next use. */
  gboolean backwards;
} LstmMemory;

/* The steps × streams that one call of a layer kind processes. The steps of a stream are adjacent
 * rows of in (out) features. */
typedef struct {
  gsize streams, steps;
  gsize rows_per_input; /* state rows that process the same x; above 1 only for a single step */
  const float *x;       /* (streams, steps, in) */
  gsize x_stride;       /* floats from the first row of a stream to that of the next */
  float *y; /* (streams * rows_per_input, output steps, out); NULL: only the memory is needed */
  gsize y_stride;
  /* The trace of a recurrent layer: (streams, steps, p, m or n_gates m), nullable; rows_per_input
   * is 1 */
  float *hidden, *cell, *gates;
  gsize hidden_stride, cell_stride, gates_stride;
  gsize traced_direction;
  gboolean is_complete_sequence;
  float *scratch; /* (streams * rows_per_input * steps, scratch_row of the layer) */
  guint8 *mask;   /* (streams, steps), 1 for a masked step; NULL: no step is masked */
  /* The input of the model at the same steps, unless a layer has changed the number of steps:
   * stream s has the row model_rows[s] / rows_per_model_input of (rows, steps, model_in) */
  const float *model_input;
  gsize model_in, model_input_stride, rows_per_model_input;
  const gsize *model_rows; /* (streams); NULL: model_rows[s] is s */
  float *saved_c;     /* (streams * rows_per_input, widest c_stride), used with a mask */
  LstmMemory *memory; /* (n_memories of the kind) */
  gboolean (*should_continue) (gpointer user_data); /* of LstmRun, nullable */
  gpointer should_continue_data;
  LstmThreads *threads; /* of the state; NULL: only the calling thread */
} LstmBlock;

/* Returns whether the caller needs the remaining steps. After FALSE the result stays FALSE. */
static inline gboolean
lstm_block_should_continue (const LstmBlock *block)
{
  return !block->should_continue || block->should_continue (block->should_continue_data);
}

/* The largest n_memories of a layer kind */
#define LSTM_MAX_MEMORIES 2

typedef struct {
  const char *name;     /* the "type" in model files; NULL: no file names this kind */
  const char *keys[10]; /* of its JSON object, besides "type", "name" and "prefix" */
  /* Reads the layer, or a stack of layers, and appends it to the builder of @source. */
  gboolean (*load) (const LstmLayerSource *source, GError **error);
  /* Adapts the data of a layer with @n inputs and @n outputs. Called once, as soon as @n is known;
   * NULL: no data depends on @n. */
  gboolean (*set_size) (LstmLayer *layer, const LstmKernels *kernels, gsize n, GError **error);
  void (*free) (gpointer data); /* frees the data of a layer */
  guint n_memories;             /* recurrent layers or directions, or 1 of a pooling layer */
  const LstmMemoryLayout *(*get_memory_layout) (const LstmLayer *layer, guint index);
  const struct _LstmCellType *cell_type; /* of recurrent layers; NULL for other kinds */
  gboolean is_pooling;  /* its memory is not that of a recurrent layer: callers cannot read it */
  gboolean writes_mask; /* run() writes the mask of a block, which later layers honour */
  void (*run) (const LstmLayer *layer, const LstmKernels *kernels, const LstmBlock *block);
} LstmLayerKind;

struct _LstmLayer {
  const LstmLayerKind *kind;
  gpointer data;      /* of the kind */
  guint memory;       /* index of its first memory in a state, if the kind has memories */
  gsize in, out;      /* features; 0: not known yet */
  gsize scratch_row;  /* floats of scratch memory per row */
  gsize n_weights;    /* floats of packed weights */
  gsize n_parameters; /* values of its tensors in the model file */
  gboolean needs_complete_sequence;
  gsize n_output_steps;  /* of a complete sequence; 0: as many as its input has */
  gboolean returns_last; /* of a complete sequence, only the last step is output */
  gboolean ends_mask;   /* later layers have no mask, because steps are not output one by one */
  gboolean output_is_h; /* the output of a step is h: a caller can read it in the memory */
};

/* Returns the number of output steps for @steps input steps. */
static inline gsize
lstm_layer_get_output_steps (const LstmLayer *layer, gsize steps, gboolean is_complete_sequence)
{
  return is_complete_sequence && layer->n_output_steps ? layer->n_output_steps : steps;
}

#define X(kind) extern const LstmLayerKind lstm_kind_##kind;
LSTM_LAYER_KINDS (X)
#undef X

/* Returns the name of @kind in lib/meson.build, which exists for each kind. */
const char *lstm_layer_kind_get_label (const LstmLayerKind *kind);

/* All kinds, NULL at the end */
extern const LstmLayerKind *const lstm_layer_kinds[];
