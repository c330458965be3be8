/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/model.h"

struct _LstmState {
  gatomicrefcount refs;
  LstmModel *model;
  gsize streams;
  gsize chunk;        /* steps run together: streams * chunk rows of scratch */
  gboolean whole;     /* every call is a sequence from beginning to end */
  gsize max_steps;    /* of it */
  float *floats;      /* all of what follows, in one piece */
  gsize n_memory;     /* floats of h, h_next and c, which stand first */
  LstmMemory *memory; /* one per LSTM layer */
  float *between[2];  /* (streams, chunk, widest layer): what layers hand to each other */
  float *scratch;     /* (streams, chunk, widest scratch row) */
  float *held;        /* (streams, widest c_stride), and */
  guint8 *mask;       /* (streams, chunk) */
};

/* As lstm_state_new(), for calls of at most @chunk steps. */
LstmState *lstm_state_new_chunked (
    LstmModel *model, gsize streams, gsize chunk, GError **error);

/* A value of h or c that is NaN or infinite */
typedef struct {
  guint layer; /* among the LSTM layers */
  gboolean cell;
  gsize unit;
  float value;
} LstmFlaw;

/* The first one in row @row of h and c; FALSE if all are finite. */
gboolean lstm_state_find_flaw (const LstmState *state, gsize row, LstmFlaw *flaw);
