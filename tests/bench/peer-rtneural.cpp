/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Engine of RTNeural with its Eigen backend. The sizes of its fastest layers are fixed at compile
 * time, so each size of the benchmark is a class. */
#define EIGEN_STACK_ALLOCATION_LIMIT 0 /* the layers are on the heap */
#include <RTNeural/RTNeural.h>
#include "bench.h"
#include <cstring>
#include <memory>
#include <vector>

namespace {

/* Runs a layer step by step. */
class Runner
{
public:
  virtual ~Runner () = default;
  virtual void set_weights (const Job *job) = 0;
  virtual void run (const float *x, gsize steps, float *y) = 0;
};

using Matrix = std::vector<std::vector<float>>;

/* Returns the transposed matrix [k, n] of w [n, k], with the gates in the order of Keras. */
Matrix
order_matrix (const float *w, gsize m, gsize k, const gsize *order, gsize n_gates)
{
  Matrix result (k, std::vector<float> (n_gates * m));

  for (gsize g = 0; g < n_gates; g++)
    for (gsize u = 0; u < m; u++)
      for (gsize i = 0; i < k; i++)
        result[i][g * m + u] = w[(order[g] * m + u) * k + i];
  return result;
}

/* The order of the gates: z r n of a GRU, i f g o of an LSTM. A GRU has a second bias, 0. */
const gsize gru_order[] = {1, 0, 2}, lstm_order[] = {0, 1, 2, 3};

template <typename Layer>
void
set_layer_weights (Layer &layer, const Job *job)
{
  const bool is_gru = job->n_gates == 3;
  const gsize *order = is_gru ? gru_order : lstm_order;
  Matrix bias = order_matrix (job->bias, job->m, 1, order, job->n_gates);

  layer.setWVals (order_matrix (job->w_x, job->m, job->d, order, job->n_gates));
  layer.setUVals (order_matrix (job->w_h, job->m, job->m, order, job->n_gates));
  if constexpr (std::is_same_v<Layer, RTNeural::GRULayerT<float, Layer::in_size, Layer::out_size>>) {
    bias.push_back (std::vector<float> (3 * job->m));
    layer.setBVals (bias);
  } else {
    layer.setBVals (bias[0]);
  }
}

template <int D, int M, typename Layer>
class SizedRunner : public Runner
{
public:
  void
  set_weights (const Job *job) override
  {
    set_layer_weights (model.template get<0> (), job);
    model.reset ();
  }

  void
  run (const float *x, gsize steps, float *y) override
  {
    for (gsize t = 0; t < steps; t++) {
      std::memcpy (input, x + t * D, sizeof input);
      model.forward (input);
      std::memcpy (y + t * M, model.getOutputs (), M * sizeof *y);
    }
  }

private:
  alignas (64) RTNeural::ModelT<float, D, M, Layer> model;
  alignas (64) float input[D];
};

template <int D, int M>
std::unique_ptr<Runner>
make_runner (bool is_gru)
{
  if (is_gru)
    return std::make_unique<SizedRunner<D, M, RTNeural::GRULayerT<float, D, M>>> ();
  return std::make_unique<SizedRunner<D, M, RTNeural::LSTMLayerT<float, D, M>>> ();
}

const struct {
  gsize d, m;
  std::unique_ptr<Runner> (*make) (bool is_gru);
} sizes[] = {
#define SIZE(d, m) {d, m, make_runner<d, m>}
    SIZE (1, 8), SIZE (1, 16), SIZE (1, 30), SIZE (1, 32), SIZE (1, 64), SIZE (8, 8),
    SIZE (16, 16), SIZE (32, 32), SIZE (64, 64), SIZE (128, 128), SIZE (256, 256),
    SIZE (512, 512), SIZE (1024, 1024),
#undef SIZE
};

struct Rtneural {
  std::unique_ptr<Runner> runner;
  std::vector<float> x, y;
  gsize steps;
};

gpointer
rtneural_create (const Job *job, GError **error)
{
  if (job->c->streams == 1)
    for (const auto &size : sizes) {
      if (size.d != job->d || size.m != job->m)
        continue;
      auto self = new Rtneural{size.make (job->n_gates == 3),
          std::vector<float> (job->x, job->x + job->c->steps * job->d),
          std::vector<float> (job->c->steps * job->m), job->c->steps};
      self->runner->set_weights (job);
      return self;
    }
  g_set_error (error, BENCH_ERROR, BENCH_UNSUPPORTED,
      "RTNeural: expected one stream and a size that is compiled, found %zu streams and %zux%zu",
      job->c->streams, job->d, job->m);
  return nullptr;
}

void
rtneural_run (gpointer data)
{
  auto self = static_cast<Rtneural *> (data);

  self->runner->run (self->x.data (), self->steps, self->y.data ());
}

void
rtneural_output (gpointer data, float *y)
{
  auto self = static_cast<Rtneural *> (data);

  std::memcpy (y, self->y.data (), self->y.size () * sizeof *y);
}

void
rtneural_free (gpointer data)
{
  delete static_cast<Rtneural *> (data);
}

} // namespace

const Engine peer_rtneural = {"rtneural", BENCH_BIT (CASE_CARRIED),
    BENCH_BIT (LSTM_PRECISION_FLOAT32), rtneural_create, rtneural_run, rtneural_output,
    rtneural_free};
const Engine peer_rtneural_gru = {"rtneural", BENCH_BIT (CASE_GRU),
    BENCH_BIT (LSTM_PRECISION_FLOAT32), rtneural_create, rtneural_run, rtneural_output,
    rtneural_free};
