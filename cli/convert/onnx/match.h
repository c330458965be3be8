/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Recognition of recurrent layers in the body of a loop: the expressions (step.h) of the states
 * after a step must equal the equations of an LSTM, a GRU or an RNN. */
#pragma once

#include "onnx/step.h"

/* A state that the body of a loop computes from step to step */
typedef struct {
  gsize n;                   /* features */
  const OnnxTensor *initial; /* rows of (n) */
  const OnnxAffine *after;   /* the state after a step that counts */
  const OnnxAffine
      *output;        /* the state after a step, which a mask may keep as before the step */
  gboolean is_masked; /* whether a masked step keeps the state */
} OnnxLoopState;

/* A recurrent layer in the body of a loop */
typedef struct {
  guint h, c;            /* numbers of the states; c only for an LSTM */
  const OnnxAtom *input; /* ONNX_ATOM_INPUT, or h after the step of another layer */
  OnnxCell *cell;
} OnnxLoopLayer;

/* Recognizes the layer whose hidden state is state @h. Returns FALSE with *problem, "expected X,
 * found Y", if the state is no hidden state of a layer. */
gboolean onnx_match_layer (OnnxReader *reader, const OnnxLoopState *states, guint n_states,
    guint h, OnnxLoopLayer *layer, const char **problem);
