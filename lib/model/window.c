/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Windows that overlap, in ceil (length / hop) slots a stream: each slot is a row of one state, a
 * window runs in the slot that the window before it in that slot has left, and all slots take
 * the same x. */
#include "model/window.h"
#include "kernels/float-mode.h"

#define NONE G_MAXSIZE

G_DEFINE_BOXED_TYPE (LstmWindow, lstm_window, lstm_window_ref, lstm_window_unref)

LstmWindow *
lstm_window_new (LstmModel *model, gsize streams, gsize length, gsize hop, GError **error)
{
  LstmWindow *window;
  LstmState *state;
  gsize slots, rows;

  g_return_val_if_fail (model != NULL, NULL);
  g_return_val_if_fail (streams > 0 && length > 0 && hop > 0, NULL);
  if (!lstm_model_is_causal (model)) {
    g_set_error (error, LSTM_ERROR, LSTM_ERROR_LAYER,
        "expected a model whose every step depends on the steps before it only, found one that "
        "needs whole sequences");
    return NULL;
  }
  slots = lstm_window_n_slots (length, hop);
  if (!g_size_checked_mul (&rows, streams, slots))
    rows = G_MAXSIZE;
  if (!(state = lstm_state_new_chunked (model, rows, 1, error)))
    return NULL;
  window = g_new0 (LstmWindow, 1);
  g_atomic_ref_count_init (&window->refs);
  window->state = state;
  window->streams = streams;
  window->length = length;
  window->hop = hop;
  window->slots = slots;
  window->first = window->last = NONE;
  for (guint i = 0; i < model->layers->len; i++) {
    if (lstm_model_layer (model, i)->kind->n_memories) {
      window->first = MIN (window->first, i);
      window->last = i;
    }
  }
  lstm_window_reset (window);
  return window;
}

LstmWindow *
lstm_window_ref (LstmWindow *window)
{
  g_atomic_ref_count_inc (&window->refs);
  return window;
}

void
lstm_window_unref (LstmWindow *window)
{
  if (!g_atomic_ref_count_dec (&window->refs))
    return;
  lstm_state_unref (window->state);
  g_free (window);
}

gsize
lstm_window_get_streams (const LstmWindow *window)
{
  return window->streams;
}

void
lstm_window_set_position (LstmWindow *window, gsize position)
{
  const gsize length = window->length, hop = window->hop;
  const gsize begun = position / hop + (position % hop != 0);

  window->begins = position % hop ? hop - position % hop : 0;
  window->next = begun % window->slots;
  window->ends = position < length ? length - position : hop - (position - length) % hop;
  window->complete = position < length ? 0 : (1 + (position - length) / hop) % window->slots;
}

/* That of the window which is complete next, at its last step, less the steps until then */
gsize
lstm_window_get_position (const LstmWindow *window)
{
  const gboolean between = window->ends > window->length; /* one window and the next */

  return window->length + (window->complete + between) * window->hop - window->ends;
}

gsize
lstm_window_n_positions (gsize length, gsize hop)
{
  const gsize last = (lstm_window_n_slots (length, hop) - 1) * hop;
  gsize position;

  return g_size_checked_add (&position, MAX (length, hop), last) ? position : G_MAXSIZE;
}

gsize
lstm_window_n_open (const LstmWindow *window)
{
  const gsize length = window->length, hop = window->hop;
  const gsize position = lstm_window_get_position (window);
  const gsize begun = position / hop + (position % hop != 0);

  return begun - (position < length ? 0 : 1 + (position - length) / hop);
}

void
lstm_window_reset (LstmWindow *window)
{
  lstm_window_set_position (window, 0);
}

gsize
lstm_window_get_n_outputs (const LstmWindow *window, gsize steps)
{
  return steps < window->ends ? 0 : 1 + (steps - window->ends) / window->hop;
}

/* Rows of h, or what a layer between made of it, of the slot that is complete */
static void
select_slot (const LstmWindow *window, gsize slot, const float **x, gsize *x_stride)
{
  *x += slot * *x_stride;
  *x_stride *= window->slots;
}

/* A step that is masked is so for all slots of its stream. */
static void
spread_mask (const LstmWindow *window, guint8 *mask)
{
  for (gsize row = window->streams * window->slots; row-- > 0;)
    mask[row] = mask[row / window->slots];
}

/* Rows of h, but 0 where the step is masked */
static const float *
zero_masked (const LstmWindow *window, const float *h, gsize stride, const guint8 *mask,
    gsize fan, float *to)
{
  memcpy (to, h, window->streams * window->slots * stride * sizeof (float));
  for (gsize row = 0; row < window->streams * window->slots; row++)
    if (mask[row / fan])
      memset (to + row * stride, 0, stride * sizeof (float));
  return to;
}

/* One step x [streams, d] of all slots: layers up to the first LSTM run once a stream, layers up
 * to the last one once a slot, those behind it only for the @slot that is complete. */
static void
step (LstmWindow *window, const float *x, gsize x_stride, gsize slot, float *y, gsize y_stride)
{
  LstmState *state = window->state;
  const LstmModel *model = state->model;
  const gsize n_layers = slot == NONE ? window->last + 1 : model->layers->len;
  LstmMemory *memory = state->memory;
  guint8 *mask = NULL;

  for (gsize i = 0; i < n_layers; i++) {
    const LstmLayer *layer = lstm_model_layer (model, (guint) i);
    const gboolean inside = i > window->first && i <= window->last;
    const gboolean last = i + 1 == model->layers->len;
    const LstmBlock block = {
        .streams = window->streams * (inside ? window->slots : 1),
        .fan = i == window->first ? window->slots : 1,
        .steps = 1,
        .x = x,
        .x_stride = x_stride,
        .y = layer->kind->n_memories ? NULL
             : last                  ? y
                                     : state->between[i % 2],
        .y_stride = last ? y_stride : layer->out,
        .scratch = state->scratch,
        .mask = layer->kind->masks ? state->mask : mask,
        .held = state->held,
        .memory = memory,
    };

    layer->kind->run (layer, model->kernels, &block);
    x = block.y;
    x_stride = block.y_stride;
    if (layer->kind->n_memories) {
      x = memory->h;
      x_stride = memory->h_stride;
      memory++;
    }
    if (layer->zero_masked && block.mask)
      x = zero_masked (window, x, x_stride, block.mask, block.fan, state->between[i % 2]);
    mask = layer->returns_last ? NULL : block.mask;
    if (i == window->first && mask)
      spread_mask (window, mask);
    if (i == window->last && slot != NONE)
      select_slot (window, slot, &x, &x_stride);
  }
  if (slot != NONE && lstm_model_layer (model, model->layers->len - 1)->kind->n_memories)
    for (gsize s = 0; s < window->streams; s++)
      memcpy (y + s * y_stride, x + s * x_stride, model->out * sizeof (float));
}

static void
advance (gsize *countdown, gsize *slot, const LstmWindow *window)
{
  *countdown = window->hop;
  *slot = (*slot + 1) % window->slots;
}

gsize
lstm_window_run (LstmWindow *window, gsize steps, const float *input, float *output)
{
  const gsize d = window->state->model->in, n = window->state->model->out;
  const gsize count = lstm_window_get_n_outputs (window, steps);
  const LstmFloatMode caller = lstm_float_mode_enter (LSTM_FLOAT_FLUSH);

  for (gsize t = 0; t < steps; t++) {
    gsize slot = NONE;

    if (window->begins == 0) {
      for (gsize s = 0; s < window->streams; s++)
        lstm_state_reset_stream (window->state, s * window->slots + window->next);
      advance (&window->begins, &window->next, window);
    }
    window->begins--;
    if (--window->ends == 0) {
      slot = window->complete;
      advance (&window->ends, &window->complete, window);
    }
    step (window, input + t * d, steps * d, slot, output, count * n);
    if (slot != NONE)
      output += n;
  }
  lstm_float_mode_leave (caller);
  return count;
}
