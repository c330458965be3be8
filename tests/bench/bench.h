/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Shared types of the benchmark. A job is a network, an input and a kind of call; an engine is one
 * implementation of that call. */
#pragma once

#include <lstm/lstm.h>

G_BEGIN_DECLS

#define BENCH_ERROR (g_quark_from_static_string ("bench"))
#define BENCH_UNSUPPORTED                                                                      \
  1 /* code of BENCH_ERROR: the engine has no implementation of the job */
#define BENCH_BIT(i) (1u << (i))
#define BENCH_ALL_STREAMS 1000 /* of a state that runs lists of streams */

/* Kinds of calls. Each engine lists the kinds that it implements. */
typedef enum {
  CASE_CARRIED,   /* steps that continue from the previous call */
  CASE_WINDOW,    /* one frame: the output of the last `steps` frames from a state of zero */
  CASE_STACK,     /* steps of several layers that continue from the previous call */
  CASE_GRU,       /* steps of a GRU layer that continue from the previous call */
  CASE_DENSE,     /* steps of a layer and a Dense layer of one unit, as CASE_CARRIED */
  CASE_GRU_DENSE, /* steps of a GRU layer and a Dense layer of one unit, as CASE_GRU */
  CASE_LISTED,    /* steps of `streams` streams of a state of BENCH_ALL_STREAMS streams */
  CASE_SILENCE, /* steps of a layer with a bias of the forget gate only, so that c decays slowly */
} CaseKind;

/* The inputs and the units of a layer */
typedef struct {
  gsize d, m;
} Size;

typedef struct {
  const char *name;
  CaseKind kind;
  gsize streams, steps;
  const Size *sizes; /* terminated by d = 0 */
} Case;

typedef struct {
  const Case *c;
  gsize d, m, n; /* n: outputs per step */
  LstmPrecision precision;
  LstmModel *model; /* in the precision of the job */
  gsize n_gates;    /* 4, or 3 for a GRU */
  /* The weights of model in float32, with the gates in the order i f g o or r z n: [g m, d],
   * [g m, m], [g m], where g is n_gates. NULL if the model has several layers. */
  const float *w_x, *w_h, *bias;
  const float *w_dense; /* [m + 1]: the weights and the bias of the Dense layer; NULL: none */
  const float *x;       /* [steps, streams, d] */
} Job;

typedef struct {
  const char *name;
  guint kinds, precisions; /* sets of BENCH_BIT() */
  /* Allocates all memory for the runs and converts the weights and x to the engine's own
   * types and layouts, which is not timed. h and c are zero. */
  gpointer (*create) (const Job *job, GError **error);
  void (*run) (gpointer self);
  /* Sets @y to the output of the last run: [steps, streams, n], and for a window only the last
   * step. NULL: the engine has no output to compare. */
  void (*output) (gpointer self, float *y);
  void (*free) (gpointer self);
  /* The backend and the compiler options. NULL: the engine has one variant. Of the variants of an
   * engine, the output has only the fastest of each job. */
  const char *variant;
} Engine;

/* One line of the output */
typedef struct {
  const char *engine, *kind, *precision;
  gsize d, m, streams, steps;
  double median, min; /* ns */
} Result;

/* cases.c */
extern const Case bench_cases[];
extern const gsize bench_n_cases;

static inline gboolean
bench_is_gru (CaseKind kind)
{
  return kind == CASE_GRU || kind == CASE_GRU_DENSE;
}

static inline gboolean
bench_has_dense (CaseKind kind)
{
  return kind == CASE_DENSE || kind == CASE_GRU_DENSE;
}

/* engine-*.c, peer-*.c */
extern const Engine engine_lstm, engine_window, engine_recompute, engine_silence, engine_sound,
    engine_listed, engine_unlisted, engine_read;
extern const Engine peer_onednn, peer_openblas, peer_onnxruntime;
extern const Engine peer_onednn_gru, peer_openblas_gru, peer_onnxruntime_gru;

/* modules.c: loads a module, which is a shared object with one engine. Modules are the engines whose
 * source is compiled with several compiler options. The module remains loaded. */
const Engine *bench_load_module (const char *path, GError **error);

/* module-*.cpp */
const Engine *bench_module_engine (void);

/* network.c: random weights, which depend on the sizes only */
typedef struct {
  GBytes *file;                      /* safetensors */
  float *w_x, *w_h, *bias, *w_dense; /* as in Job */
} Network;

Network *network_new (CaseKind kind, gsize d, gsize m);
void network_free (Network *network);
/* Returns: (transfer full): the @n gates of @w, blocks of @block values, in the order @order */
float *network_order_gates (const float *w, gsize block, const gsize *order, gsize n);
/* Returns: (transfer full): @w [rows, columns] as [columns, rows] */
float *network_transpose (const float *w, gsize rows, gsize columns);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Network, network_free)

/* plot.c: draws each case as a diagram, with sizes along x and a line for each engine and
 * precision */
gboolean plot_write (const Result *results, gsize n, const char *path, GError **error);

G_END_DECLS
