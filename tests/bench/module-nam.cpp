/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Module with the engine of NeuralAmpModelerCore: an LSTM layer and its head, which is a Dense layer
 * of one unit. Contains the sources of the library, so that BENCH_VARIANT, the compiler options,
 * concerns them too. */
#define NAM_SAMPLE_FLOAT
#include <NAM/activations.cpp>
#include <NAM/dsp.cpp>
#include <NAM/lstm.cpp>
#include "bench.h"

namespace
{

struct Nam {
  nam::lstm::LSTM lstm;
  std::vector<float> x, y;
};

/* Returns the weights in the order of the library: each row [W U] of the gates i f g o, the bias,
 * h and c, and the Dense layer. */
std::vector<float>
order_weights (const Job *job)
{
  const gsize d = job->d, m = job->m;
  std::vector<float> weights;

  for (gsize i = 0; i < 4 * m; i++) {
    weights.insert (weights.end (), job->w_x + i * d, job->w_x + (i + 1) * d);
    weights.insert (weights.end (), job->w_h + i * m, job->w_h + (i + 1) * m);
  }
  weights.insert (weights.end (), job->bias, job->bias + 4 * m);
  weights.insert (weights.end (), 2 * m, 0);
  weights.insert (weights.end (), job->w_dense, job->w_dense + m + 1);
  return weights;
}

gpointer
nam_create (const Job *job, GError **error)
{
  const int d = static_cast<int> (job->d), m = static_cast<int> (job->m);

  if (d != 1) {
    g_set_error (error, BENCH_ERROR, BENCH_UNSUPPORTED,
        "NeuralAmpModelerCore: expected 1 input, found %d", d);
    return nullptr;
  }
  std::vector<float> weights = order_weights (job);
  return new Nam{nam::lstm::LSTM (1, 1, 1, d, m, weights),
      std::vector<float> (job->x, job->x + job->c->steps), std::vector<float> (job->c->steps)};
}

void
nam_run (gpointer data)
{
  auto self = static_cast<Nam *> (data);
  float *x = self->x.data (), *y = self->y.data ();

  self->lstm.process (&x, &y, static_cast<int> (self->x.size ()));
}

void
nam_output (gpointer data, float *y)
{
  auto self = static_cast<Nam *> (data);

  std::copy (self->y.begin (), self->y.end (), y);
}

void
nam_free (gpointer data)
{
  delete static_cast<Nam *> (data);
}

const Engine engine = {"nam", BENCH_BIT (CASE_DENSE), BENCH_BIT (LSTM_PRECISION_FLOAT32),
    nam_create, nam_run, nam_output, nam_free, BENCH_VARIANT};

} // namespace

extern "C" __attribute__ ((visibility ("default"))) const Engine *
bench_module_engine (void)
{
  return &engine;
}
