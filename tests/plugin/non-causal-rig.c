/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "non-causal-rig.h"

SequenceOutput
rig_run_sequence (Rig *rig, gsize first, gsize n)
{
  g_autofree gfloat *x = step_array_copy (&rig->x, rig->n_streams, first, n);
  SequenceOutput y = {0};

  rig_expect_reset (rig);
  y.steps = lstm_state_get_output_steps (rig->state, n);
  y.size = lstm_model_get_output_size (lstm_state_get_model (rig->state));
  y.items = g_new (gfloat, rig->n_streams * y.steps * y.size);
  lstm_state_run (rig->state, n, x, y.items);
  return y;
}

void
rig_expect_output_steps (Rig *rig, const SequenceOutput *y, gsize first, gsize n)
{
  for (gsize s = 0; s < rig->n_streams; s++)
    g_array_append_vals (rig->expected_outputs, y->items + (s * y->steps + first) * y->size,
        (guint) (n * y->size));
}

void
rig_expect_buffers (Rig *rig, gsize first, gsize n, gsize single)
{
  SequenceOutput y = rig_run_sequence (rig, first, n);
  const gboolean has_fixed_steps = lstm_state_get_output_steps (rig->state, 1)
                                   == lstm_state_get_output_steps (rig->state, 2);
  gsize n_buffer;

  for (gsize t = 0; t < y.steps; t += n_buffer) {
    n_buffer = has_fixed_steps ? y.steps : t < single ? 1 : rig->n_steps;
    rig_expect_output_steps (rig, &y, t, n_buffer);
  }
  g_free (y.items);
}

void
rig_expect_sequence (Rig *rig, gsize first, gsize n)
{
  rig_expect_buffers (rig, first, n, 0);
}

void
rig_init_non_causal (Rig *rig, const gchar *folder, const gchar *properties)
{
  g_autofree gchar *path = g_strconcat ("variants/", folder, NULL);

  rig_init (rig, path, properties);
  g_assert_false (lstm_model_is_causal (lstm_state_get_model (rig->state)));
  rig->framerate = "0/1";
}

void
rig_set_buffer_steps (Rig *rig, guint steps)
{
  rig->n_steps = steps;
  rig->duration = steps * 1000;
}
