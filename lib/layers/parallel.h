/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Products and steps that the threads of a state share. A thread computes a range of the panels,
 * so that the results have the same bits with any number of threads. */
#pragma once

#include "layers/recurrent.h"
#include "layers/threads.h"

/* A job of less cost takes 2 to 8 µs. Sharing a job costs about 1 to 2 µs, in which the job, h and
 * the words pass from the cache of one core to the cache of another core. */
#define LSTM_MIN_SHARED_COST ((gsize) 1 << 17)

void lstm_parallel_share_affine (
    LstmThreads *threads, const LstmMatrix *matrix, const LstmAffine *affine, gsize cost);
void lstm_parallel_share_step (
    LstmThreads *threads, const LstmRecurrent *recurrent, const LstmStep *step, gsize cost);

/* Runs @affine, a product of @matrix. @threads: nullable */
static inline void
lstm_parallel_run_affine (
    LstmThreads *threads, const LstmMatrix *matrix, const LstmAffine *affine)
{
  const gsize cost = affine->n_rows * affine->n_panels * matrix->panel * affine->x.n;

  if (G_UNLIKELY (threads) && cost >= LSTM_MIN_SHARED_COST)
    lstm_parallel_share_affine (threads, matrix, affine, cost);
  else
    matrix->run_affine (affine);
}

/* Runs a fused step of @recurrent. @threads: nullable */
static inline void
lstm_parallel_run_step (
    LstmThreads *threads, const LstmRecurrent *recurrent, const LstmStep *step)
{
  const gsize n_words = step->h.n + (step->x.words ? step->x.n : 0);
  const gsize cost = step->n_rows * step->n_panels * recurrent->matrix.panel * n_words;

  if (G_UNLIKELY (threads) && cost >= LSTM_MIN_SHARED_COST)
    lstm_parallel_share_step (threads, recurrent, step, cost);
  else
    recurrent->run_fused (step);
}
