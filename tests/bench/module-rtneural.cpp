/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Module with the engine of RTNeural. The build defines the backend and BENCH_VARIANT, the name of
 * the backend and of the compiler options. The sizes of the fastest layers of RTNeural are fixed at
 * compile time, so each size of the benchmark is a class. */
#define EIGEN_STACK_ALLOCATION_LIMIT 0 /* the layers are on the heap */
#if defined(__AVX512F__) && defined(RTNEURAL_USE_XSIMD)
#  define RTNEURAL_DEFAULT_ALIGNMENT 64
#else
#  define RTNEURAL_DEFAULT_ALIGNMENT 32
#endif
#include <RTNeural/RTNeural.h>
#include "bench.h"
#include <cstring>
#include <memory>
#include <type_traits>
#include <vector>

namespace
{

/* RTNeural has no batch: each stream is a network of its own, with its own weights. */
constexpr gsize max_streams = 20;

/* Runs a network of one stream step by step. */
class Runner
{
public:
  virtual ~Runner () = default;
  virtual void set_weights (const Job *job) = 0;
  /* Reads x [steps, d] with @x_pitch values from step to step, and writes y [steps, n] likewise. */
  virtual void run (const float *x, gsize x_pitch, gsize steps, float *y, gsize y_pitch) = 0;
};

using Matrix = std::vector<std::vector<float> >;

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
  constexpr bool is_gru =
      std::is_same_v<Layer, RTNeural::GRULayerT<float, Layer::in_size, Layer::out_size> >;
  const gsize *order = is_gru ? gru_order : lstm_order;
  Matrix bias = order_matrix (job->bias, job->m, 1, order, job->n_gates);

  layer.setWVals (order_matrix (job->w_x, job->m, job->d, order, job->n_gates));
  layer.setUVals (order_matrix (job->w_h, job->m, job->m, order, job->n_gates));
  if constexpr (is_gru) {
    bias.push_back (std::vector<float> (3 * job->m));
    layer.setBVals (bias);
  } else {
    layer.setBVals (bias[0]);
  }
}

/* Runs the recurrent layer Layer, and if N is 1 a Dense layer of one unit after Layer. */
template <int D, int M, int N, typename Layer, typename... Dense>
class SizedRunner : public Runner
{
public:
  void
  set_weights (const Job *job) override
  {
    set_layer_weights (model.template get<0> (), job);
    if constexpr (sizeof...(Dense) > 0) {
      model.template get<1> ().setWeights (Matrix{{job->w_dense, job->w_dense + M}});
      model.template get<1> ().setBias (job->w_dense + M);
    }
    model.reset ();
  }

  void
  run (const float *x, gsize x_pitch, gsize steps, float *y, gsize y_pitch) override
  {
    for (gsize t = 0; t < steps; t++) {
      std::memcpy (input, x + t * x_pitch, D * sizeof *x);
      model.forward (input);
      std::memcpy (y + t * y_pitch, model.getOutputs (), N * sizeof *y);
    }
  }

private:
  alignas (64) RTNeural::ModelT<float, D, N, Layer, Dense...> model;
  alignas (64) float input[(D + 15) / 16 * 16] = {0}; /* of complete vectors */
};

template <int D, int M>
std::unique_ptr<Runner>
make_runner (bool is_gru)
{
  if (is_gru)
    return std::make_unique<SizedRunner<D, M, M, RTNeural::GRULayerT<float, D, M> > > ();
  return std::make_unique<SizedRunner<D, M, M, RTNeural::LSTMLayerT<float, D, M> > > ();
}

template <int D, int M>
std::unique_ptr<Runner>
make_dense_runner (bool is_gru)
{
  using Dense = RTNeural::DenseT<float, M, 1>;

  if (is_gru)
    return std::make_unique<SizedRunner<D, M, 1, RTNeural::GRULayerT<float, D, M>, Dense> > ();
  return std::make_unique<SizedRunner<D, M, 1, RTNeural::LSTMLayerT<float, D, M>, Dense> > ();
}

const struct {
  gsize d, m;
  bool has_dense;
  std::unique_ptr<Runner> (*make) (bool is_gru);
} sizes[] = {
#define SIZE(d, m)                                                                             \
  {                                                                                            \
    d, m, false, make_runner<d, m>                                                             \
  }
#define DENSE_SIZE(d, m)                                                                       \
  {                                                                                            \
    d, m, true, make_dense_runner<d, m>                                                        \
  }
    SIZE (1, 8),
    SIZE (1, 16),
    SIZE (1, 30),
    SIZE (1, 32),
    SIZE (1, 64),
    SIZE (8, 8),
    SIZE (9, 9),
    SIZE (16, 16),
    SIZE (17, 17),
    SIZE (32, 32),
    SIZE (33, 33),
    SIZE (64, 64),
    SIZE (128, 128),
    SIZE (256, 256),
    SIZE (512, 512),
    SIZE (1024, 1024),
    DENSE_SIZE (1, 8),
    DENSE_SIZE (1, 12),
    DENSE_SIZE (1, 16),
    DENSE_SIZE (1, 20),
    DENSE_SIZE (1, 24),
    DENSE_SIZE (1, 30),
    DENSE_SIZE (1, 32),
    DENSE_SIZE (1, 40),
    DENSE_SIZE (1, 64),
    DENSE_SIZE (16, 16),
#undef SIZE
#undef DENSE_SIZE
};

struct Rtneural {
  std::vector<std::unique_ptr<Runner> > runners; /* of each stream */
  std::vector<float> x, y;
  gsize steps, d, n;
};

gpointer
rtneural_create (const Job *job, GError **error)
{
  const gsize streams = job->c->streams, steps = job->c->steps;

  for (const auto &size : sizes) {
    if (size.d != job->d || size.m != job->m || size.has_dense != (job->w_dense != nullptr)
        || streams > max_streams)
      continue;
    auto self = new Rtneural{{}, std::vector<float> (job->x, job->x + steps * streams * job->d),
        std::vector<float> (steps * streams * job->n), steps, job->d, job->n};
    for (gsize i = 0; i < streams; i++) {
      self->runners.push_back (size.make (job->n_gates == 3));
      self->runners[i]->set_weights (job);
    }
    return self;
  }
  g_set_error (error, BENCH_ERROR, BENCH_UNSUPPORTED,
      "RTNeural: expected at most %zu streams and a size that is compiled, found %zu streams "
      "and "
      "%zux%zu",
      max_streams, streams, job->d, job->m);
  return nullptr;
}

void
rtneural_run (gpointer data)
{
  auto self = static_cast<Rtneural *> (data);
  const gsize streams = self->runners.size (), d = self->d, n = self->n;

  for (gsize i = 0; i < streams; i++)
    self->runners[i]->run (
        &self->x[i * d], streams * d, self->steps, &self->y[i * n], streams * n);
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

const Engine engine = {"rtneural",
    BENCH_BIT (CASE_CARRIED) | BENCH_BIT (CASE_GRU) | BENCH_BIT (CASE_DENSE)
        | BENCH_BIT (CASE_GRU_DENSE),
    BENCH_BIT (LSTM_PRECISION_FLOAT32), rtneural_create, rtneural_run, rtneural_output,
    rtneural_free, BENCH_VARIANT};

} // namespace

extern "C" __attribute__ ((visibility ("default"))) const Engine *
bench_module_engine (void)
{
  return &engine;
}
