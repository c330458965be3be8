/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The mean, maximum or sum of the steps of a sequence. Each step outputs the value of the steps up
 * to it. A state row remembers in + 1 numbers, each as the sum of a float of h and a float of c:
 * the sum or maximum of each feature, and the number of steps. Two floats have 48 bits, so that a
 * number of steps up to 2^48 is exact. */
#include "layers/fingerprint.h"
#include "layers/source.h"
#include <math.h>
#include <string.h>

typedef enum { POOLING_MEAN, POOLING_MAX, POOLING_SUM } PoolingFunction;

typedef struct {
  LstmMemoryLayout memory_layout;
  PoolingFunction function;
  gboolean counts_masked; /* a masked step is a step like the others */
} LstmPooling;

static const char *const function_names[] = {"mean", "max", "sum", NULL}; /* PoolingFunction */

static gboolean
read_function (const LstmLayerSource *source, guint *function, GError **error)
{
  if (!json_object_has_member (source->object, "function"))
    return lstm_layer_source_refuse_value (
        source, source->object, "function", "one of mean, max, sum", error);
  return lstm_layer_source_read_choice (source, "function", function_names, function, error);
}

static gboolean
set_pooling_size (LstmLayer *layer, const LstmKernels *kernels, gsize n, GError **error)
{
  LstmPooling *pooling = layer->data;
  LstmMemoryLayout *layout = &pooling->memory_layout;

  layout->n_h = layout->n_c = n + 1;
  layout->h_stride = layout->c_stride = (n + kernels->panel) / kernels->panel * kernels->panel;
  return TRUE;
}

static gboolean
load_pooling (const LstmLayerSource *source, GError **error)
{
  const gsize n = lstm_builder_get_output_size (source->builder);
  LstmPooling *pooling;
  LstmLayer *layer;
  guint function;
  gboolean counts_masked;

  if (!read_function (source, &function, error)
      || !lstm_layer_source_read_boolean (source, "count_masked", FALSE, &counts_masked, error)
      || !lstm_builder_check_steps (source->builder, source->name, error))
    return FALSE;
  lstm_fingerprint_add_layer (source->builder->fingerprint, "pooling", NULL, 0);
  g_string_append_printf (source->builder->fingerprint, " %s%s", function_names[function],
      counts_masked ? " count_masked" : "");
  pooling = g_new0 (LstmPooling, 1);
  pooling->function = (PoolingFunction) function;
  pooling->counts_masked = counts_masked;
  layer = lstm_layer_new (&lstm_kind_pooling, n, n, pooling);
  layer->n_output_steps = 1;
  layer->returns_last = layer->ends_mask = TRUE;
  return lstm_builder_append (source->builder, layer, error);
}

/* Adds @value to the sum @high + @low. A double has the bits of both floats. */
static void
add_value (float *high, float *low, float value)
{
  const double sum = (double) *high + (double) *low + (double) value;

  *high = (float) sum;
  *low = isfinite (*high) ? (float) (sum - (double) *high) : 0;
}

/* Adds the step @x to the memory of a state row. */
static void
add_step (PoolingFunction function, const float *x, gsize n, float *high, float *low)
{
  const gboolean is_first = high[n] == 0;

  for (gsize i = 0; i < n; i++) {
    if (function != POOLING_MAX)
      add_value (high + i, low + i, x[i]);
    else if (is_first || x[i] > high[i] || isnan (x[i]))
      high[i] = x[i];
  }
  add_value (high + n, low + n, 1);
}

/* Writes the value of the steps in the memory of a state row to @y. The value of no step is 0. */
static void
write_value (PoolingFunction function, const float *high, const float *low, gsize n, float *y)
{
  const double steps = (double) high[n] + (double) low[n];
  const double divisor = function == POOLING_MEAN && steps > 0 ? steps : 1;

  for (gsize i = 0; i < n; i++)
    y[i] = (float) (((double) high[i] + (double) low[i]) / divisor);
}

/* Runs all steps of the state row @row. */
static void
run_row (const LstmLayer *layer, const LstmBlock *b, gsize row)
{
  const LstmPooling *pooling = layer->data;
  const gsize n = layer->in, stream = row / b->rows_per_input;
  const float *x = b->x + stream * b->x_stride;
  float *high = b->memory->h + row * b->memory->h_stride;
  float *low = b->memory->c + row * b->memory->c_stride;

  for (gsize t = 0; t < b->steps; t++) {
    if (pooling->counts_masked || !b->mask || !b->mask[stream * b->steps + t])
      add_step (pooling->function, x + t * n, n, high, low);
    if (!b->y)
      continue;
    if (!b->is_complete_sequence)
      write_value (pooling->function, high, low, n, b->y + row * b->y_stride + t * n);
    else if (t + 1 == b->steps)
      write_value (pooling->function, high, low, n, b->y + row * b->y_stride);
  }
}

static void
run_pooling (const LstmLayer *layer, const LstmKernels *kernels, const LstmBlock *b)
{
  for (gsize row = 0; row < b->streams * b->rows_per_input; row++) {
    if (!lstm_block_should_continue (b))
      return;
    run_row (layer, b, row);
  }
}

static const LstmMemoryLayout *
get_memory_layout (const LstmLayer *layer, guint index)
{
  const LstmPooling *pooling = layer->data;

  return &pooling->memory_layout;
}

const LstmLayerKind lstm_kind_pooling = {
    .name = "pooling",
    .keys = {"function", "count_masked"},
    .load = load_pooling,
    .set_size = set_pooling_size,
    .free = g_free,
    .n_memories = 1,
    .get_memory_layout = get_memory_layout,
    .is_pooling = TRUE,
    .run = run_pooling,
};
