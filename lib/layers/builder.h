/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Collects the layers of a model from input to output. The layer kinds check their own arrays;
 * the builder checks that each layer fits the previous one. */
#pragma once

#include "container/array.h"
#include "layers/layer.h"
#include "lstm/lstm.h"

typedef struct {
  char *file; /* the beginning of messages */
  const LstmKernels *kernels;
  LstmPrecision precision; /* of the weights of LSTM layers; other weights are float32 */
  GPtrArray *layers;       /* LstmLayer */
  GString *fingerprint;    /* its text, see fingerprint.h */
  gsize n_fingerprint;     /* bytes of the text when the last layer was appended */
  gsize n_parameters;      /* values of the tensors that were read since then */
} LstmBuilder;

/* Returns: (transfer full) (nullable): NULL with LSTM_ERROR_CPU if the instruction set of
 * LSTM_ISA is not available */
LstmBuilder *lstm_builder_new (const char *file, LstmPrecision precision, GError **error);
void lstm_builder_free (LstmBuilder *builder);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (LstmBuilder, lstm_builder_free)

/* @data: (transfer full): freed by @kind */
LstmLayer *lstm_layer_new (const LstmLayerKind *kind, gsize in, gsize out, gpointer data);
void lstm_layer_free (LstmLayer *layer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (LstmLayer, lstm_layer_free)

/* Returns the number of features that the last layer outputs; 0: no layer, or not known yet. */
gsize lstm_builder_get_output_size (const LstmBuilder *builder);

/* Returns the number of features of the model's input; 0: no layer, or not known yet. */
gsize lstm_builder_get_input_size (const LstmBuilder *builder);

/* Returns: (nullable): the last layer that changes the number of steps of a complete sequence */
const LstmLayer *lstm_builder_find_step_change (const LstmBuilder *builder);

/* Checks that the last layer does not output only one step of a sequence. A layer with memory after
 * it would keep its memory from step to step of a stream, but begin with the initial memory in a
 * complete sequence. @name: of the layer with memory, for the message */
gboolean lstm_builder_check_steps (
    const LstmBuilder *builder, const char *name, GError **error);

/* Returns whether a layer that masks steps was appended. */
gboolean lstm_builder_has_mask (const LstmBuilder *builder);

/* Returns whether @array has exactly this shape of @n_dims sizes; else sets @error. */
gboolean lstm_builder_check_shape (const LstmBuilder *builder, const LstmArray *array,
    guint n_dims, gsize n_rows, gsize n_columns, GError **error);

/* Returns whether a layer of these sizes fits the last layer; else sets @error. @name is the name
 * of the layer in messages. */
gboolean lstm_builder_check_sizes (
    const LstmBuilder *builder, const char *name, gsize in, gsize out, GError **error);

/* Appends @layer, whose sizes fit or are 0 (not known yet). @layer: (transfer full) (nullable):
 * NULL if @error is set already; the function returns FALSE */
gboolean lstm_builder_append (LstmBuilder *builder, LstmLayer *layer, GError **error);

/* Returns: (transfer full) (element-type LstmLayer): all layers; @builder has none afterwards */
GPtrArray *lstm_builder_steal_layers (LstmBuilder *builder);
