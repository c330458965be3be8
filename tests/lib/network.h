/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Networks of random weights, as model files in memory and computed in float64. */
#pragma once

#include <lstm/lstm.h>

#define TEST_MAX_LAYERS 8

/* The numbers of each normalization: (x - mean) * scale */
#define TEST_MEAN 0.5
#define TEST_SCALE 4.

typedef enum {
  TEST_END,
  TEST_NORMALIZATION,
  TEST_DENSE,
  TEST_LSTM,
  TEST_GRU,
  TEST_RNN,
  TEST_POOLING,  /* not computed in float64 */
  TEST_RESIDUAL, /* not computed in float64 */
} TestLayerKind;

typedef struct {
  TestLayerKind kind;
  gsize out;
  const char *activation; /* of a dense layer; the function of a pooling layer */
  const char *name; /* of the layer in an existing model file, the prefix of its tensors */
} TestLayer;

typedef struct {
  gsize d;
  TestLayer layers[TEST_MAX_LAYERS + 1]; /* up to TEST_END */
  /* The weights of recurrent layers are within ± gain / sqrt (m). 0 means 1, as in PyTorch. */
  double gain;
  guint32 seed;
} TestNetwork;

/* Returns the number of gates of a recurrent layer in files; 0 for other kinds. */
gsize test_layer_count_gates (TestLayerKind kind);

/* Returns the safetensors file of a network. Equal networks have equal files. */
GBytes *test_network_file (const TestNetwork *network);

/* Returns the number of outputs of @layer, which has @in inputs. */
gsize test_layer_out (const TestLayer *layer, gsize in);

/* Returns n, the size of the last layer. */
gsize test_network_out (const TestNetwork *network);

/* Runs a stream in float64 from zero h and c: x [steps, d] to y [steps, n]. */
void test_network_run (
    const TestNetwork *network, GBytes *file, gsize steps, const float *x, double *y);
