/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "layers/parallel.h"

/* Two panels of units fill at least a cache line of h, so threads rarely write to the same line. */
#define ITEM_PANELS ((gsize) 2)

static gsize
count_items (gsize n_panels)
{
  return (n_panels + ITEM_PANELS - 1) / ITEM_PANELS;
}

static gsize
count_panels (gsize first_item, gsize n_items, gsize n_panels)
{
  return MIN (n_items * ITEM_PANELS, n_panels - first_item * ITEM_PANELS);
}

/* --- Products --- */

typedef struct {
  LstmAffine affine;
  gsize panel; /* lanes of a panel */
  void (*run) (const LstmAffine *affine);
} AffineJob;

_Static_assert(
    sizeof (AffineJob) <= LSTM_MAX_JOB_DATA, "the data of a job has space for AffineJob");

static void
run_affine_items (gconstpointer data, gsize first, gsize n)
{
  const AffineJob *job = data;
  const gsize panel = first * ITEM_PANELS, lane = panel * job->panel;
  LstmAffine affine = job->affine;

  affine.n_panels = count_panels (first, n, affine.n_panels);
  affine.w += panel * affine.w_stride;
  affine.y += lane;
  if (affine.base)
    affine.base += lane;
  job->run (&affine);
}

void
lstm_parallel_share_affine (
    LstmThreads *threads, const LstmMatrix *matrix, const LstmAffine *affine, gsize cost)
{
  const AffineJob job = {*affine, matrix->panel, matrix->run_affine};
  const LstmJob items = {
      .run = run_affine_items,
      .data = &job,
      .data_size = sizeof job,
      .n_items = count_items (affine->n_panels),
      .cost = cost,
      .backwards = affine->backwards,
  };

  lstm_threads_run (threads, &items);
}

/* --- Fused steps --- */

typedef struct {
  LstmStep step;
  gsize panel, gate_width; /* lanes and units of a panel */
  void (*run) (const LstmStep *step);
} StepJob;

_Static_assert(
    sizeof (StepJob) <= LSTM_MAX_JOB_DATA, "the data of a job has space for StepJob");

static void
run_step_items (gconstpointer data, gsize first, gsize n)
{
  const StepJob *job = data;
  const gsize panel = first * ITEM_PANELS, unit = panel * job->gate_width;
  const gsize lane = panel * job->panel;
  LstmStep step = job->step;

  step.n_panels = count_panels (first, n, step.n_panels);
  step.w += panel * step.w_stride;
  step.z += lane;
  if (step.gates)
    step.gates += lane;
  step.h_values += unit;
  step.h_next += unit;
  step.c += unit;
  job->run (&step);
}

void
lstm_parallel_share_step (
    LstmThreads *threads, const LstmRecurrent *recurrent, const LstmStep *step, gsize cost)
{
  const StepJob job = {
      *step, recurrent->matrix.panel, recurrent->gate_width, recurrent->run_fused};
  const LstmJob items = {
      .run = run_step_items,
      .data = &job,
      .data_size = sizeof job,
      .n_items = count_items (step->n_panels),
      .cost = cost,
      .backwards = step->backwards,
  };

  lstm_threads_run (threads, &items);
}
