/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Tests whether h and c are finite. Each test reads one state row, because only some of the state
 * rows belong to open windows. */
#include "model/window.h"
#include <string.h>

#define GROUP 16 /* values that are tested together, in vectors */
#define FLAW 0x80000000u

/* Returns a number with the bit FLAW if @value has the exponent of NaN and infinity. */
static inline guint32
get_flaw (const float *value)
{
  guint32 bits;

  memcpy (&bits, value, sizeof bits);
  return (bits & 0x7fffffff) + 0x00800000;
}

static gboolean
are_finite (const float *values, gsize n)
{
  guint32 flaws[GROUP] = {0}, any = 0;
  gsize i = 0;

  for (; i + GROUP <= n; i += GROUP)
    for (guint k = 0; k < GROUP; k++)
      flaws[k] |= get_flaw (values + i + k);
  for (; i < n; i++)
    any |= get_flaw (values + i);
  for (guint k = 0; k < GROUP; k++)
    any |= flaws[k];
  return !(any & FLAW);
}

static gboolean
find_flaw_in_row (const float *values, gsize n, LstmFlaw *flaw)
{
  if (are_finite (values, n))
    return FALSE;
  flaw->unit = 0;
  while (are_finite (values + flaw->unit, 1))
    flaw->unit++;
  flaw->value = values[flaw->unit];
  return TRUE;
}

gboolean
lstm_state_find_flaw (const LstmState *state, gsize row, LstmFlaw *flaw)
{
  for (guint i = 0; i < state->model->memory_layouts->len; i++) {
    const LstmMemory *memory = &state->memory[i];
    const LstmMemoryLayout *layout = lstm_model_get_memory_layout (state->model, i);
    const gboolean in_h = find_flaw_in_row (
        memory->h + row * memory->h_stride, layout->n_h, flaw);

    if (in_h || find_flaw_in_row (memory->c + row * memory->c_stride, layout->n_c, flaw)) {
      flaw->memory = i;
      flaw->is_in_c = !in_h;
      return TRUE;
    }
  }
  return FALSE;
}

/* Finds a value that is not finite in the slots of the open windows of @stream. */
static gboolean
find_flaw_of_stream (const LstmWindow *window, gsize stream, gsize *row, LstmFlaw *flaw)
{
  const gsize n_open = lstm_window_count_open (window, stream);
  const gsize first = window->clocks[stream].complete_slot;

  for (gsize i = 0; i < n_open; i++) {
    *row = stream * window->n_slots + (first + i) % window->n_slots;
    if (lstm_state_find_flaw (window->state, *row, flaw))
      return TRUE;
  }
  return FALSE;
}

gboolean
lstm_window_find_flaw (const LstmWindow *window, gsize *row, LstmFlaw *flaw)
{
  for (gsize s = 0; s < window->streams; s++)
    if (find_flaw_of_stream (window, s, row, flaw))
      return TRUE;
  return FALSE;
}

gboolean
lstm_state_is_stream_finite (const LstmState *state, gsize stream)
{
  LstmFlaw flaw;

  g_return_val_if_fail (stream < state->streams, FALSE);
  return !lstm_state_find_flaw (state, stream, &flaw);
}

gboolean
lstm_state_is_finite (const LstmState *state)
{
  for (gsize s = 0; s < state->streams; s++)
    if (!lstm_state_is_stream_finite (state, s))
      return FALSE;
  return TRUE;
}

gboolean
lstm_window_is_finite (const LstmWindow *window)
{
  LstmFlaw flaw;
  gsize row;

  return !lstm_window_find_flaw (window, &row, &flaw);
}

gboolean
lstm_window_is_stream_finite (const LstmWindow *window, gsize stream)
{
  LstmFlaw flaw;
  gsize row;

  g_return_val_if_fail (stream < window->streams, FALSE);
  return !find_flaw_of_stream (window, stream, &row, &flaw);
}
