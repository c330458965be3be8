/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Networks of random weights as model files in memory, and what they compute in float64. */
#pragma once

#include <lstm/lstm.h>

#define TEST_MAX_LAYERS 5

/* What every normalization of a test takes: (x - mean) * scale */
#define TEST_MEAN 0.5
#define TEST_SCALE 4.

typedef enum {
  TEST_END,
  TEST_NORMALIZATION,
  TEST_DENSE,
  TEST_LSTM,
} TestLayerKind;

typedef struct {
  TestLayerKind kind;
  gsize out;
  const char *activation; /* of a dense layer */
  const char *name;       /* what its tensors begin with, in a model file that exists */
} TestLayer;

typedef struct {
  gsize d;
  TestLayer layers[TEST_MAX_LAYERS + 1]; /* up to TEST_END */
  double gain; /* weights of an LSTM layer are within gain / sqrt (m), PyTorch's for 1; 0: 1 */
  guint32 seed;
} TestNetwork;

/* The safetensors file of a network; the same for the same values. */
GBytes *test_network_file (const TestNetwork *network);

/* n, the size of the last layer */
gsize test_network_out (const TestNetwork *network);

/* Runs one stream in float64, from h and c zero: x [steps, d] to y [steps, n]. */
void test_network_run (
    const TestNetwork *network, GBytes *file, gsize steps, const float *x, double *y);
