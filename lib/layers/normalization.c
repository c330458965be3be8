/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "layers/layer.h"
#include <math.h>

/* weights: mean, scale and offset, [in] each */
static void
run (const LstmLayer *layer, const LstmKernels *kernels, const LstmBlock *b)
{
  const float *mean = layer->weights, *scale = mean + layer->in, *offset = scale + layer->in;

  if (!b->y)
    return;
  for (gsize s = 0; s < b->streams; s++)
    kernels->normalize (b->y + s * b->y_stride, layer->out, b->x + s * b->x_stride, layer->in,
        mean, scale, offset, b->steps, layer->in);
}

/* Over a step's features (Ba, Kiros and Hinton 2016); weights: gamma and beta, [in] each */
static void
normalize_step (const LstmLayer *layer, const float *x, float *y)
{
  const float *gamma = layer->weights, *beta = gamma + layer->in;
  double mean = 0, variance = 0, scale;

  for (gsize i = 0; i < layer->in; i++)
    mean += x[i];
  mean /= (double) layer->in;
  for (gsize i = 0; i < layer->in; i++)
    variance += (x[i] - mean) * (x[i] - mean);
  scale = 1 / sqrt (variance / (double) layer->in + layer->epsilon);
  for (gsize i = 0; i < layer->in; i++)
    y[i] = (float) ((x[i] - mean) * scale * gamma[i] + beta[i]);
}

static void
run_steps (const LstmLayer *layer, const LstmKernels *kernels, const LstmBlock *b)
{
  (void) kernels;
  for (gsize s = 0; b->y && s < b->streams; s++)
    for (gsize t = 0; t < b->steps; t++)
      normalize_step (layer, b->x + s * b->x_stride + t * layer->in,
          b->y + s * b->y_stride + t * layer->in);
}

const LstmLayerKind lstm_layer_normalization = {
    .run = run,
};

const LstmLayerKind lstm_layer_layer_normalization = {
    .run = run_steps,
};
