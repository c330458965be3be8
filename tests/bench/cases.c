/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Tables of the cases and their sizes. */
#include "bench.h"

static const Size sizes[] = {{1, 30}, {16, 16}, {64, 64}, {128, 128}, {256, 256}, {512, 512},
    {1024, 1024}, {2048, 512}, {1662, 64}, {0, 0}};
/* With sizes of one unit more than a multiple of the vectors */
static const Size step_sizes[] = {{1, 30}, {8, 8}, {9, 9}, {16, 16}, {17, 17}, {32, 32},
    {33, 33}, {64, 64}, {128, 128}, {256, 256}, {512, 512}, {1024, 1024}, {2048, 512},
    {1662, 64}, {0, 0}};
static const Size gru_sizes[] = {{1, 8}, {1, 16}, {1, 32}, {1, 64}, {8, 8}, {16, 16}, {32, 32},
    {64, 64}, {128, 128}, {256, 256}, {512, 512}, {1024, 1024}, {0, 0}};
static const Size audio_sizes[] = {
    {1, 8}, {1, 12}, {1, 16}, {1, 20}, {1, 24}, {1, 32}, {1, 40}, {1, 64}, {0, 0}};
static const Size dense_sizes[] = {{16, 16}, {1, 30}, {0, 0}};
static const Size streams_sizes[] = {{64, 64}, {256, 256}, {0, 0}};
static const Size seed_sizes[] = {{1, 30}, {0, 0}};
static const Size stack_sizes[] = {{128, 64}, {0, 0}};
static const Size listed_sizes[] = {{64, 64}, {0, 0}};

#define STREAMS(n)                                                                             \
  {                                                                                            \
    "streams-" #n, CASE_CARRIED, n, 1, streams_sizes                                           \
  }
#define SEQUENCES(n)                                                                           \
  {                                                                                            \
    "sequences-" #n, CASE_CARRIED, n, 60, streams_sizes                                        \
  }
#define GRU_STREAMS(n)                                                                         \
  {                                                                                            \
    "gru-streams-" #n, CASE_GRU, n, 1, streams_sizes                                           \
  }

const Case bench_cases[] = {
    {"stream", CASE_CARRIED, 1, 1, step_sizes},
    {"sequence", CASE_CARRIED, 1, 60, step_sizes},
    {"batch", CASE_CARRIED, 64, 1, sizes},
    {"seed", CASE_CARRIED, 5, 60, seed_sizes},
    {"window", CASE_WINDOW, 1, 30, sizes},
    {"stack", CASE_STACK, 1, 1, stack_sizes},
    {"dense-stream", CASE_DENSE, 1, 1, dense_sizes},
    {"audio-64", CASE_DENSE, 1, 64, audio_sizes},
    {"audio-480", CASE_DENSE, 1, 480, audio_sizes},
    STREAMS (1),
    STREAMS (2),
    STREAMS (3),
    STREAMS (4),
    STREAMS (5),
    STREAMS (6),
    STREAMS (7),
    STREAMS (8),
    STREAMS (9),
    STREAMS (10),
    STREAMS (11),
    STREAMS (12),
    STREAMS (13),
    STREAMS (14),
    STREAMS (15),
    STREAMS (16),
    STREAMS (20),
    SEQUENCES (1),
    SEQUENCES (2),
    SEQUENCES (3),
    SEQUENCES (4),
    SEQUENCES (5),
    SEQUENCES (6),
    SEQUENCES (7),
    SEQUENCES (8),
    SEQUENCES (12),
    SEQUENCES (16),
    SEQUENCES (20),
    {"silence", CASE_SILENCE, 1, 1, sizes},
    {"listed-10", CASE_LISTED, BENCH_ALL_STREAMS / 10, 1, listed_sizes},
    {"listed-50", CASE_LISTED, BENCH_ALL_STREAMS / 2, 1, listed_sizes},
    {"listed-100", CASE_LISTED, BENCH_ALL_STREAMS, 1, listed_sizes},
    {"gru-stream", CASE_GRU, 1, 1, gru_sizes},
    {"gru-sequence", CASE_GRU, 1, 60, gru_sizes},
    {"gru-batch", CASE_GRU, 64, 1, gru_sizes},
    {"gru-dense-stream", CASE_GRU_DENSE, 1, 1, dense_sizes},
    {"gru-audio-64", CASE_GRU_DENSE, 1, 64, audio_sizes},
    {"gru-audio-480", CASE_GRU_DENSE, 1, 480, audio_sizes},
    GRU_STREAMS (1),
    GRU_STREAMS (2),
    GRU_STREAMS (3),
    GRU_STREAMS (4),
    GRU_STREAMS (5),
    GRU_STREAMS (6),
    GRU_STREAMS (7),
    GRU_STREAMS (8),
    GRU_STREAMS (16),
    GRU_STREAMS (20),
};

const gsize bench_n_cases = G_N_ELEMENTS (bench_cases);
