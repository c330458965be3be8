/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Engine of OpenBLAS and libm: one matrix product for all inputs of a call, and for each step the
 * recurrent product and the gates by expf and tanhf. */
#include "bench.h"
#include <cblas.h>
#include <math.h>
#include <string.h>

typedef struct {
  gsize streams, steps, d, m, n_gates;
  gboolean from_zero;
  const float *x, *bias;
  float *w_x, *w_h;     /* [d, g m], [m, g m]; g is n_gates */
  float *gates, *h, *c; /* [steps, streams, g m], [streams, m] twice */
  float *recurrent;     /* of a GRU: h U, [streams, 3m] */
  float *y;             /* [steps, streams, m] */
} Openblas;

static gpointer
openblas_create (const Job *job, GError **error)
{
  gsize streams = job->c->streams, steps = job->c->steps, m = job->m, n = job->n_gates * m;
  Openblas *self = g_new (Openblas, 1);

  openblas_set_num_threads (1);
  *self = (Openblas){streams, steps, job->d, m, job->n_gates, job->c->kind == CASE_WINDOW,
      job->x, job->bias, network_transpose (job->w_x, n, job->d),
      network_transpose (job->w_h, n, m), g_new (float, steps *streams *n),
      g_new0 (float, streams *m), g_new0 (float, streams *m), g_new (float, streams *n),
      g_new (float, steps *streams *m)};
  return self;
}

/* Computes y [rows, n] += x [rows, k] w [k, n]. */
static void
add_product (gsize rows, gsize k, gsize n, const float *x, const float *w, float *y)
{
  if (rows == 1)
    cblas_sgemv (CblasRowMajor, CblasTrans, (int) k, (int) n, 1, w, (int) n, x, 1, 1, y, 1);
  else
    cblas_sgemm (CblasRowMajor, CblasNoTrans, CblasNoTrans, (int) rows, (int) n, (int) k, 1, x,
        (int) k, w, (int) n, 1, y, (int) n);
}

static float
compute_sigmoid (float x)
{
  return 1 / (1 + expf (-x));
}

/* Computes h [m] and c [m] of a stream from its gates [4m]. */
static void
compute_cells (gsize m, const float *gates, float *h, float *c)
{
  for (gsize i = 0; i < m; i++) {
    c[i] = compute_sigmoid (gates[m + i]) * c[i]
           + compute_sigmoid (gates[i]) * tanhf (gates[2 * m + i]);
    h[i] = compute_sigmoid (gates[3 * m + i]) * tanhf (c[i]);
  }
}

/* Computes h [m] of a stream of a GRU from bias + x W and from h U, both [3m]. */
static void
compute_gru_cells (gsize m, const float *x, const float *u, float *h)
{
  for (gsize i = 0; i < m; i++) {
    const float r = compute_sigmoid (x[i] + u[i]), z = compute_sigmoid (x[m + i] + u[m + i]);

    h[i] = (1 - z) * tanhf (x[2 * m + i] + r * u[2 * m + i]) + z * h[i];
  }
}

/* Runs a step of all streams from bias + x W. */
static void
run_step (Openblas *self, float *gates)
{
  gsize m = self->m, rows = self->streams, n = self->n_gates * m;

  if (self->n_gates == 4) {
    add_product (rows, m, n, self->h, self->w_h, gates);
    for (gsize i = 0; i < rows; i++)
      compute_cells (m, gates + i * n, self->h + i * m, self->c + i * m);
    return;
  }
  memset (self->recurrent, 0, rows * n * sizeof (float));
  add_product (rows, m, n, self->h, self->w_h, self->recurrent);
  for (gsize i = 0; i < rows; i++)
    compute_gru_cells (m, gates + i * n, self->recurrent + i * n, self->h + i * m);
}

static void
openblas_run (gpointer data)
{
  Openblas *self = data;
  gsize m = self->m, rows = self->streams, size = rows * m, n = self->n_gates * m;

  if (self->from_zero) {
    memset (self->h, 0, size * sizeof (float));
    memset (self->c, 0, size * sizeof (float));
  }
  for (gsize i = 0; i < self->steps * rows; i++)
    memcpy (self->gates + i * n, self->bias, n * sizeof (float));
  add_product (self->steps * rows, self->d, n, self->x, self->w_x, self->gates);
  for (gsize t = 0; t < self->steps; t++) {
    run_step (self, self->gates + t * rows * n);
    memcpy (self->y + t * size, self->h, size * sizeof (float));
  }
}

static void
openblas_output (gpointer data, float *y)
{
  Openblas *self = data;

  memcpy (y, self->y, self->steps * self->streams * self->m * sizeof *y);
}

static void
openblas_free (gpointer data)
{
  Openblas *self = data;

  g_free (self->w_x);
  g_free (self->w_h);
  g_free (self->gates);
  g_free (self->h);
  g_free (self->c);
  g_free (self->recurrent);
  g_free (self->y);
  g_free (self);
}

const Engine peer_openblas = {"openblas", BENCH_BIT (CASE_CARRIED) | BENCH_BIT (CASE_WINDOW),
    BENCH_BIT (LSTM_PRECISION_FLOAT32), openblas_create, openblas_run, openblas_output,
    openblas_free};
const Engine peer_openblas_gru = {"openblas", BENCH_BIT (CASE_GRU),
    BENCH_BIT (LSTM_PRECISION_FLOAT32), openblas_create, openblas_run, openblas_output,
    openblas_free};
