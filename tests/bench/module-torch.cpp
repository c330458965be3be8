/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Module with the engine of PyTorch's C++ library: the modules LSTM, GRU and Linear in inference
 * mode, with one thread. */
#include <torch/torch.h>
#include "bench.h"
#include <cstring>

namespace
{

struct Torch {
  torch::nn::LSTM lstm{nullptr}; /* or gru */
  torch::nn::GRU gru{nullptr};
  torch::nn::Linear dense{nullptr}; /* empty: none */
  torch::Tensor x, y, h, c;
};

void
set_values (torch::Tensor &tensor, const float *values)
{
  std::memcpy (
      tensor.data_ptr<float> (), values, static_cast<gsize> (tensor.numel ()) * sizeof *values);
}

/* Sets the weights. The order of the gates is the order of PyTorch. The second bias is 0. */
void
set_weights (std::vector<torch::Tensor> tensors, const Job *job)
{
  set_values (tensors[0], job->w_x);
  set_values (tensors[1], job->w_h);
  set_values (tensors[2], job->bias);
  tensors[3].zero_ ();
}

gpointer
torch_create (const Job *job, GError **)
{
  torch::InferenceMode guard;
  const auto d = static_cast<int64_t> (job->d), m = static_cast<int64_t> (job->m),
             steps = static_cast<int64_t> (job->c->steps),
             streams = static_cast<int64_t> (job->c->streams);
  auto self = new Torch;

  at::set_num_threads (1);
  if (job->n_gates == 4) {
    self->lstm = torch::nn::LSTM (d, m);
    set_weights (self->lstm->parameters (), job);
  } else {
    self->gru = torch::nn::GRU (d, m);
    set_weights (self->gru->parameters (), job);
  }
  if (job->w_dense) {
    self->dense = torch::nn::Linear (m, 1);
    set_values (self->dense->weight, job->w_dense);
    set_values (self->dense->bias, job->w_dense + m);
  }
  self->x = torch::empty ({steps, streams, d});
  set_values (self->x, job->x);
  self->h = torch::zeros ({1, streams, m});
  self->c = torch::zeros ({1, streams, m});
  return self;
}

void
torch_run (gpointer data)
{
  torch::InferenceMode guard;
  auto self = static_cast<Torch *> (data);

  if (self->lstm) {
    auto [y, state] = self->lstm->forward (self->x, std::make_tuple (self->h, self->c));
    self->y = y;
    std::tie (self->h, self->c) = state;
  } else {
    std::tie (self->y, self->h) = self->gru->forward (self->x, self->h);
  }
  if (self->dense)
    self->y = self->dense->forward (self->y);
}

void
torch_output (gpointer data, float *y)
{
  auto self = static_cast<Torch *> (data);

  std::memcpy (y, self->y.contiguous ().data_ptr<float> (),
      static_cast<gsize> (self->y.numel ()) * sizeof *y);
}

void
torch_free (gpointer data)
{
  delete static_cast<Torch *> (data);
}

const Engine engine = {"torch",
    BENCH_BIT (CASE_CARRIED) | BENCH_BIT (CASE_GRU) | BENCH_BIT (CASE_DENSE)
        | BENCH_BIT (CASE_GRU_DENSE),
    BENCH_BIT (LSTM_PRECISION_FLOAT32), torch_create, torch_run, torch_output, torch_free,
    nullptr};

} // namespace

extern "C" __attribute__ ((visibility ("default"))) const Engine *
bench_module_engine (void)
{
  return &engine;
}
