/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A Rig with a model that needs complete sequences. */
#pragma once
#include "lstm-rig.h"

/* Outputs of a sequence */
typedef struct {
  gsize steps, size;
  gfloat *items; /* (streams, steps, size) */
} SequenceOutput;

/* Initializes @rig with a folder of vectors/variants and without a framerate. */
void rig_init_non_causal (Rig *rig, const gchar *folder, const gchar *properties);

/* Sets the steps of a buffer and its duration, 1 us for each step. */
void rig_set_buffer_steps (Rig *rig, guint steps);

/* Runs liblstm over the @n steps from @first on as a sequence. The caller frees the items with
 * g_free(). */
SequenceOutput rig_run_sequence (Rig *rig, gsize first, gsize n);

/* Expects the @n output steps from @first on in one buffer. */
void rig_expect_output_steps (Rig *rig, const SequenceOutput *y, gsize first, gsize n);

/* Expects the outputs of the sequence of @n steps from @first on: in buffers of one step for the
 * first @single steps, then in buffers of n_steps; or in one buffer if the number of output steps
 * is fixed. */
void rig_expect_buffers (Rig *rig, gsize first, gsize n, gsize single);

/* Expects the outputs of the sequence of @n steps from @first on in buffers of n_steps. */
void rig_expect_sequence (Rig *rig, gsize first, gsize n);
