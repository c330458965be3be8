/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Models of which no step is known before the sequence's last one has come: it is kept, and run
 * when it ends, or window by window. */
#include "lstm/sequence.h"
#include "common/errors.h"
#include <string.h>

static gsize
row_size (const GstLstmSequence *sequence)
{
  return (gsize) sequence->in.streams * sequence->in.size[0];
}

static const GstLstmSpan *
span_at (const GstLstmSequence *sequence, gsize step)
{
  return &g_array_index (sequence->whole.spans, GstLstmSpan, step);
}

void
gst_lstm_whole_init (GstLstmSequence *sequence)
{
  sequence->whole = (GstLstmWhole){
      .input = g_array_new (FALSE, FALSE, sizeof (gfloat)),
      .spans = g_array_new (FALSE, FALSE, sizeof (GstLstmSpan)),
      .pieces = g_array_new (FALSE, FALSE, sizeof (GstLstmItem)),
  };
}

void
gst_lstm_whole_clear (GstLstmSequence *sequence)
{
  g_array_unref (sequence->whole.input);
  g_array_unref (sequence->whole.spans);
  g_array_unref (sequence->whole.pieces);
}

void
gst_lstm_whole_forget (GstLstmSequence *sequence)
{
  GstLstmWhole *whole = &sequence->whole;

  g_array_set_size (whole->input, 0);
  g_array_set_size (whole->spans, 0);
  g_array_set_size (whole->pieces, 0);
  whole->skip = 0;
}

/* Appends (streams, steps, d) as (steps, streams, d), but for the first @skip steps. */
static void
append (GstLstmSequence *sequence, const gfloat *x, gsize steps, gsize skip)
{
  GArray *input = sequence->whole.input;
  const gsize d = sequence->in.size[0], streams = sequence->in.streams;

  for (gsize t = skip; t < steps; t++)
    for (gsize s = 0; s < streams; s++)
      g_array_append_vals (input, x + (s * steps + t) * d, (guint) d);
}

gboolean
gst_lstm_whole_add (GstLstmSequence *sequence, const gfloat *x, guint steps,
    const GstLstmSpan *span, gboolean leaves, GError **error)
{
  GstLstmWhole *whole = &sequence->whole;
  const gsize skip = MIN (whole->skip, steps);
  const GstLstmItem piece = {whole->spans->len, steps, *span};

  if (sequence->mode != GST_LSTM_OUTPUT_WINDOW
      && whole->spans->len + steps > sequence->max_steps)
    return gst_lstm_fail (error, GST_LSTM_STREAM (FAILED),
        "sequence: expected at most %u steps (property max-steps), for the model needs all of "
        "them at once, got more",
        sequence->max_steps);
  /* GArray counts elements with 32 bits, and aborts beyond. */
  if ((whole->spans->len + (gsize) steps) * row_size (sequence) > G_MAXUINT / sizeof (gfloat))
    return gst_lstm_fail (error, LSTM_ERROR, LSTM_ERROR_MEMORY,
        "sequence: expected less than 4 GiB, got %u steps of %" G_GSIZE_FORMAT " values",
        whole->spans->len + steps, row_size (sequence));
  append (sequence, x, steps, skip);
  for (guint t = (guint) skip; t < steps; t++) {
    const GstLstmSpan at = gst_lstm_tensors_part (&sequence->in, span, steps, t, 1);

    g_array_append_val (whole->spans, at);
  }
  whole->skip -= skip;
  if (leaves && sequence->mode != GST_LSTM_OUTPUT_WINDOW)
    g_array_append_val (whole->pieces, piece);
  return TRUE;
}

gboolean
gst_lstm_whole_proceeds (gpointer data)
{
  GstLstmSequence *sequence = data;
  GstLstmWhole *whole = &sequence->whole;

  if (!whole->interrupted && whole->proceed)
    whole->interrupted = !whole->proceed (whole->data) || whole->spans->len == 0;
  return !whole->interrupted;
}

gsize
gst_lstm_sequence_get_wanted_steps (const GstLstmSequence *sequence)
{
  const GstLstmWhole *whole = &sequence->whole;
  const gboolean window = sequence->mode == GST_LSTM_OUTPUT_WINDOW;
  const gsize steps = window ? sequence->window_length : whole->spans->len;

  if (!sequence->needs_whole || steps > whole->spans->len || steps <= whole->room)
    return 0;
  return steps;
}

void
gst_lstm_sequence_set_whole_state (GstLstmSequence *sequence, LstmState *state, gsize steps)
{
  g_clear_pointer (&sequence->state, lstm_state_unref);
  sequence->state = state;
  sequence->whole.room = state ? steps : 0;
}

/* The first @steps steps that are kept, into the store; or drops them, if the run was interrupted. */
static gboolean
run (GstLstmSequence *sequence, gsize steps, GError **error)
{
  GstLstmWhole *whole = &sequence->whole;
  const gsize d = sequence->in.size[0], streams = sequence->in.streams;
  const gfloat *x = (const gfloat *) whole->input->data;
  g_autofree gfloat *by_stream = NULL;

  sequence->store_steps = lstm_state_get_output_steps (sequence->state, steps);
  if (!gst_lstm_sequence_reserve (sequence, sequence->store_steps, error))
    return FALSE;
  if (streams > 1) {
    by_stream = g_try_new (gfloat, streams * steps * d);
    if (!by_stream)
      return gst_lstm_fail (error, LSTM_ERROR, LSTM_ERROR_MEMORY,
          "no memory for %" G_GSIZE_FORMAT " steps", steps);
    for (gsize t = 0; t < steps; t++)
      for (gsize s = 0; s < streams; s++)
        memcpy (by_stream + (s * steps + t) * d, x + (t * streams + s) * d, d * sizeof *x);
    x = by_stream;
  }
  whole->interrupted = FALSE;
  gst_lstm_sequence_run_state (sequence, x, steps, 0, sequence->store);
  if (whole->interrupted)
    gst_lstm_whole_forget (sequence);
  return TRUE;
}

/* The outputs of the first @steps steps together: one stands at the last step, several from the
 * first one to the last. */
static void
add_together (GstLstmSequence *sequence, gsize steps)
{
  const GstLstmSpan all = gst_lstm_span_join (
      span_at (sequence, 0), span_at (sequence, steps - 1));
  const gsize n = sequence->store_steps;

  gst_lstm_sequence_add_item (sequence, 0, n, n == 1 ? span_at (sequence, steps - 1) : &all);
}

gboolean
gst_lstm_whole_finish (GstLstmSequence *sequence, GError **error)
{
  GstLstmWhole *whole = &sequence->whole;
  const gsize steps = whole->spans->len;

  if (steps == 0 || sequence->mode == GST_LSTM_OUTPUT_WINDOW)
    return TRUE;
  if (!run (sequence, steps, error))
    return FALSE;
  if (whole->interrupted)
    return TRUE;
  if (sequence->mode == GST_LSTM_OUTPUT_FINAL)
    gst_lstm_sequence_add_item (
        sequence, sequence->store_steps - 1, 1, span_at (sequence, steps - 1));
  else if (sequence->given)
    add_together (sequence, steps);
  else
    for (guint i = 0; i < whole->pieces->len; i++) {
      const GstLstmItem *piece = &g_array_index (whole->pieces, GstLstmItem, i);

      gst_lstm_sequence_add_item (sequence, piece->first, piece->steps, &piece->span);
    }
  gst_lstm_whole_forget (sequence);
  return TRUE;
}

gboolean
gst_lstm_whole_next_window (GstLstmSequence *sequence, GError **error)
{
  GstLstmWhole *whole = &sequence->whole;
  const gsize length = sequence->window_length;
  gsize passed;

  if (sequence->mode != GST_LSTM_OUTPUT_WINDOW || whole->spans->len < length)
    return TRUE;
  if (!run (sequence, length, error))
    return FALSE;
  if (whole->interrupted)
    return TRUE;
  add_together (sequence, length);
  passed = MIN (sequence->window_hop, whole->spans->len);
  whole->skip = sequence->window_hop - passed;
  g_array_remove_range (whole->spans, 0, (guint) passed);
  g_array_remove_range (whole->input, 0, (guint) (passed * row_size (sequence)));
  return TRUE;
}
