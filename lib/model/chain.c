/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/chain.h"
#include <string.h>

/* The input of the next layer */
typedef struct {
  gsize layer; /* its index */
  gsize streams, steps;
  const float *x;
  gsize x_stride;
  guint8 *mask;             /* nullable */
  gboolean has_caller_mask; /* the mask of a masking layer is combined with the caller's mask */
  gsize rows_per_model_input; /* see LstmBlock */
  const gsize *model_rows;
} LayerInput;

/* --- Masks --- */

/* Adds to @mask [streams, steps] the steps that the caller masks. */
static void
add_caller_mask (const LstmPass *pass, gsize steps, guint8 *mask)
{
  for (gsize s = 0; s < pass->streams; s++)
    for (gsize t = 0; t < steps; t++)
      mask[s * steps + t] |= !pass->mask[s * pass->stream_stride + t];
}

static void
set_caller_mask (LstmState *state, const LstmPass *pass, LayerInput *at)
{
  if (!pass->mask)
    return;
  memset (state->mask, 0, pass->streams * pass->steps);
  add_caller_mask (pass, pass->steps, state->mask);
  at->mask = state->mask;
  at->has_caller_mask = TRUE;
}

/* Copies the mask of each stream to its slots. */
static void
broadcast_mask (const LstmPass *pass, guint8 *mask)
{
  const gsize n_slots = pass->slots->n_slots;

  for (gsize row = pass->streams * n_slots; row-- > 0;)
    mask[row] = mask[row / n_slots];
}

/* --- One layer --- */

/* Returns the buffer for the output of the layer @at, or NULL if the output is not needed or is
 * read in the memory. Compact memory is not read there, because the next layer overwrites it. */
static float *
choose_output (
    const LstmState *state, const LstmPass *pass, const LstmLayer *layer, const LayerInput *at)
{
  const gboolean is_last = at->layer + 1 == state->model->layers->len;

  if (pass->slots && layer->kind->n_memories && layer->output_is_h && !pass->rows)
    return NULL;
  return is_last && !pass->slots ? pass->output : state->layer_buffers[at->layer % 2];
}

/* Writes all fields at once: fields that are changed later would be reloaded before the stores
 * are complete, which costs more than the rest of the chain. */
static inline void
set_block (const LstmState *state, const LstmPass *pass, const LstmLayer *layer,
    const LayerInput *at, LstmBlock *block)
{
  const LstmSlots *slots = pass->slots;
  const gboolean is_complete_sequence = state->runs_complete_sequences;
  const gboolean is_first_lstm = slots && at->layer == slots->first_lstm;
  const gboolean is_last = at->layer + 1 == state->model->layers->len;
  const gsize output_steps = lstm_layer_get_output_steps (
      layer, at->steps, is_complete_sequence);
  float *const y = choose_output (state, pass, layer, at);

  *block = (LstmBlock){
      .streams = at->streams,
      .steps = at->steps,
      .rows_per_input = is_first_lstm ? slots->n_slots : 1,
      .x = at->x,
      .x_stride = at->x_stride,
      .y = y,
      .y_stride = is_last && y == pass->output && pass->output_stride
                      ? pass->output_stride
                      : output_steps * layer->out,
      .is_complete_sequence = is_complete_sequence,
      .scratch = state->scratch,
      .mask = layer->kind->writes_mask ? state->mask : at->mask,
      .model_input = pass->input,
      .model_in = state->model->in,
      .model_input_stride = pass->stream_stride * state->model->in,
      .rows_per_model_input = at->rows_per_model_input,
      .model_rows = at->model_rows,
      .saved_c = state->saved_c,
      .memory = layer->kind->n_memories ? &state->memory[layer->memory] : NULL,
      .should_continue = pass->should_continue,
      .should_continue_data = pass->should_continue_data,
      .threads = state->threads,
  };
}

/* Makes @block write the trace of the LSTM layer or direction @direction. */
static void
request_trace (const LstmState *state, const LstmPass *pass, guint direction, LstmBlock *block)
{
  const LstmTrace *trace = pass->trace;
  const LstmMemoryLayout *layout = lstm_model_get_memory_layout (state->model, trace->layer);
  const gsize steps = block->is_complete_sequence ? block->steps : pass->stream_stride;

  block->hidden = trace->hidden;
  block->cell = trace->cell;
  block->gates = trace->gates;
  block->hidden_stride = steps * layout->n_h;
  block->cell_stride = steps * layout->n_c;
  block->gates_stride = steps * layout->n_gates * layout->n_units;
  block->traced_direction = direction;
}

/* Runs @block in compact memory, which contains h and c of the listed streams. */
static void
run_listed_streams (
    LstmState *state, const LstmPass *pass, const LstmLayer *layer, const LstmBlock *block)
{
  const gsize n_slots = pass->slots ? pass->slots->n_slots : 1;
  LstmMemory compact[LSTM_MAX_MEMORIES];
  LstmBlock listed = *block;

  listed.memory = compact;
  lstm_state_gather (state, layer, pass->rows, pass->streams, n_slots, compact);
  layer->kind->run (layer, state->model->kernels, &listed);
  lstm_state_scatter (state, layer, pass->rows, pass->streams, n_slots, compact);
}

/* Makes the outputs [n] of the complete windows the input of the next layer. */
static void
select_complete_rows (const LstmState *state, const LstmSlots *slots, gsize n, LayerInput *at)
{
  float *rows = state->layer_buffers[at->layer % 2];

  for (gsize i = 0; i < slots->n_complete; i++)
    memmove (rows + i * n, at->x + slots->complete_rows[i] * at->x_stride, n * sizeof (float));
  at->x = rows;
  at->x_stride = n;
  at->streams = slots->n_complete;
  at->model_rows = slots->complete_rows;
}

/* Makes the outputs of a layer with slots the input of the next layer. */
static void
select_slots (const LstmState *state, const LstmPass *pass, const LstmLayer *layer,
    const LstmBlock *block, LayerInput *at)
{
  const LstmSlots *slots = pass->slots;

  if (!block->y) {
    at->x = block->memory->h;
    at->x_stride = block->memory->h_stride;
  }
  if (at->layer == slots->first_lstm) {
    at->streams = pass->streams * slots->n_slots;
    at->rows_per_model_input = slots->n_slots;
    if (at->mask)
      broadcast_mask (pass, at->mask);
  }
  if (at->layer == slots->last_lstm)
    select_complete_rows (state, slots, layer->out, at);
}

/* Makes the output of @layer the input of the next layer. */
static void
advance_to_next_layer (const LstmState *state, const LstmPass *pass, const LstmLayer *layer,
    const LstmBlock *block, LayerInput *at)
{
  at->steps = lstm_layer_get_output_steps (layer, at->steps, block->is_complete_sequence);
  if (layer->kind->writes_mask && at->has_caller_mask)
    add_caller_mask (pass, at->steps, block->mask);
  at->has_caller_mask &= !layer->ends_mask;
  at->mask = layer->ends_mask ? NULL : block->mask;
  at->x = block->y;
  at->x_stride = block->y_stride;
  if (pass->slots)
    select_slots (state, pass, layer, block, at);
  at->layer++;
}

/* Copies the outputs [n] of the streams whose windows are complete. A model without memory outputs
 * a row for each stream. */
static void
store_complete_outputs (const LstmPass *pass, const LayerInput *at, gsize n)
{
  const LstmSlots *slots = pass->slots;

  for (gsize i = 0; i < slots->n_complete; i++) {
    const gsize stream = slots->complete_rows[i] / slots->n_slots;
    const gsize row = at->model_rows ? i : stream;

    memcpy (pass->output + stream * pass->output_stride, at->x + row * at->x_stride,
        n * sizeof (float));
  }
}

/* --- The chain --- */

/* The first layer reads the input of @pass, the last layer writes its output, and the other
 * layers write to the two buffers in turn. */
void
lstm_chain_run (LstmState *state, const LstmPass *pass)
{
  const LstmModel *model = state->model;
  const LstmSlots *slots = pass->slots;
  const gboolean has_output = !slots || slots->n_complete > 0;
  const gsize n_layers = has_output ? model->layers->len : slots->last_lstm + 1;
  LayerInput at = {.streams = pass->streams,
      .steps = pass->steps,
      .x = pass->input,
      .x_stride = pass->stream_stride * model->in,
      .rows_per_model_input = 1};

  lstm_threads_begin_pass (state->threads);
  set_caller_mask (state, pass, &at);
  while (at.layer < n_layers) {
    const LstmLayer *layer = lstm_model_get_layer (model, (guint) at.layer);
    LstmBlock block;

    set_block (state, pass, layer, &at, &block);
    if (!lstm_block_should_continue (&block))
      return;
    if (pass->trace && pass->trace->layer - layer->memory < layer->kind->n_memories)
      request_trace (state, pass, pass->trace->layer - layer->memory, &block);
    if (G_UNLIKELY (pass->rows) && layer->kind->n_memories)
      run_listed_streams (state, pass, layer, &block);
    else
      layer->kind->run (layer, model->kernels, &block);
    advance_to_next_layer (state, pass, layer, &block, &at);
  }
  if (slots && has_output)
    store_complete_outputs (pass, &at, model->out);
}

void
lstm_chain_run_plain (
    LstmState *state, gsize steps, gsize stream_stride, const float *input, float *output)
{
  const LstmModel *model = state->model;
  const guint n_layers = model->layers->len;
  LstmBlock block = {
      .streams = state->streams,
      .steps = steps,
      .rows_per_input = 1,
      .x = input,
      .x_stride = stream_stride * model->in,
      .scratch = state->scratch,
      .model_input = input,
      .model_in = model->in,
      .model_input_stride = stream_stride * model->in,
      .rows_per_model_input = 1,
      .saved_c = state->saved_c,
      .threads = state->threads,
  };

  lstm_threads_begin_pass (state->threads);
  for (guint i = 0; i < n_layers; i++) {
    const LstmLayer *layer = lstm_model_get_layer (model, i);
    const gboolean is_last = i + 1 == n_layers;

    block.y = is_last ? output : state->layer_buffers[i % 2];
    block.y_stride = (is_last ? stream_stride : steps) * layer->out;
    block.memory = layer->kind->n_memories ? &state->memory[layer->memory] : NULL;
    layer->kind->run (layer, model->kernels, &block);
    block.x = block.y;
    block.x_stride = block.y_stride;
  }
}
