/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the parts of the benchmark know of each other: a job is a network, an input and the way
 * in which one call takes it; an engine is one way of doing that call. */
#pragma once

#include <lstm/lstm.h>

#define BENCH_ERROR (g_quark_from_static_string ("bench"))
#define BENCH_BIT(i) (1u << (i))

/* What a call does; an engine says which of these it can do. */
typedef enum {
  CASE_CARRIED, /* steps that go on from the call before */
  CASE_WINDOW,  /* a frame, and the outcome of the last `steps` of them from a state of zero */
  CASE_STACK,   /* as CASE_CARRIED, with several layers */
  CASE_SILENCE, /* as CASE_CARRIED, of a layer that forgets slowly and has no bias else */
} CaseKind;

typedef struct {
  const char *name;
  CaseKind kind;
  gsize streams, steps;
  const char *only; /* the one size, "DxM", that the case is about; NULL: all */
} Case;

typedef struct {
  const Case *c;
  gsize d, m, n; /* n outputs a step */
  LstmPrecision precision;
  LstmModel *model; /* in that precision */
  /* The same weights for engines that read no model files, gates in PyTorch's order i f g o:
   * [4m, d], [4m, m], [4m]. NULL where there is more than one layer. */
  const float *w_x, *w_h, *bias;
  const float *x; /* [steps, streams, d] */
} Job;

typedef struct {
  const char *name;
  guint kinds, precisions; /* sets of BENCH_BIT() */
  /* Allocates everything that running takes and converts the weights and x into the engine's own
   * types and layouts, which is not timed. h and c are zero. */
  gpointer (*create) (const Job *job, GError **error);
  void (*run) (gpointer self);
  /* What the last run computed: [steps, streams, n], of a window only the last step. NULL: the
   * engine computes nothing that could be compared. */
  void (*output) (gpointer self, float *y);
  void (*free) (gpointer self);
} Engine;

/* One line of the table. */
typedef struct {
  const char *engine, *kind, *precision;
  gsize d, m, streams, steps;
  double median, min; /* ns */
} Result;

/* engine-*.c, peer-*.c */
extern const Engine engine_lstm, engine_window, engine_recompute, engine_silence, engine_sound,
    engine_read;
extern const Engine peer_onednn, peer_openblas, peer_onnxruntime;

/* network.c: random weights; the same for the same sizes */
typedef struct {
  GBytes *file;            /* safetensors */
  float *w_x, *w_h, *bias; /* as in Job */
} Network;

Network *network_new (CaseKind kind, gsize d, gsize m);
void network_free (Network *network);
float *network_transposed (const float *w, gsize rows, gsize columns); /* [columns, rows] */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Network, network_free)

/* plot.c: cases as panels, sizes along x, a line for each engine and precision */
gboolean plot_write (const Result *results, gsize n, const char *path, GError **error);
