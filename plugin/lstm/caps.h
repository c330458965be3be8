/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The caps of the pads. */
#pragma once

#include "lstm/element.h"

/* Implements the transform_caps of the base class. */
GstCaps *gst_lstm_transform_caps (
    GstLstm *self, GstPadDirection direction, GstCaps *caps, GstCaps *filter);

/* Returns whether the pad of @direction can have @caps with the current properties. */
gboolean gst_lstm_can_have_caps (GstLstm *self, GstPadDirection direction, const GstCaps *caps);

/* Returns the sink caps that are possible with downstream's caps. Returns: (transfer full) */
GstCaps *gst_lstm_get_sink_caps (GstLstm *self, GstCaps *filter);

/* Returns @caps (transfer full) without tensors that are not @out (nullable: unknown):
 * intersections with caps of downstream may have any dimensions. Returns: (transfer full) */
GstCaps *gst_lstm_remove_misfits (GstCaps *caps, const GstLstmTensors *out);

/* Implements the fixate_caps of the base class for @other (transfer full), caps of the other pad
 * for @caps. Returns: (transfer full) */
GstCaps *gst_lstm_fixate_caps (
    GstLstm *self, GstPadDirection direction, const GstCaps *caps, GstCaps *other);

/* Returns all source caps for fixed sink caps @sink and output @out. @attached_shape: of the
 * tensors that are attached to media. Returns: (transfer full) */
GstCaps *gst_lstm_make_src_caps (GstLstm *self, const GstCaps *sink, const GstLstmTensors *out,
    GstLstmTensorShape attached_shape);

/* Returns the source caps for the current sink caps, if these are tensors that fit the model.
 * Returns: (transfer full) (nullable) */
GstCaps *gst_lstm_get_known_src_caps (GstLstm *self, GstCaps *filter);

/* Refuses sink caps @caps, for which the base class found no source caps, if downstream accepts no
 * tensors, but the output for @caps cannot be media. */
void gst_lstm_refuse_media (GstLstm *self, GstCaps *caps);

/* Returns the properties and @model (nullable) as the context of caps kinds. The context owns
 * nothing. */
GstLstmCapsContext gst_lstm_make_caps_context (const GstLstm *self, const LstmModel *model);

/* Initializes @input for sink caps @s. If each buffer has its own shape, also with the previous
 * caps, the shape stays. A restored state determines the streams until the first buffer. Returns
 * FALSE and sets @error if the model cannot run such input. */
gboolean gst_lstm_parse_sink_caps (
    const GstLstm *self, GstLstmInput *input, const GstStructure *s, GError **error);

/* Returns whether buffers with the caps of @input continue to have the shape of the previous
 * buffers: each buffer has its own shape, and the caps state the same as the previous caps. */
gboolean gst_lstm_keeps_shape (const GstLstm *self, const GstLstmInput *input);

/* Returns whether outputs are attached to the buffers of @kind, if the source caps are @src. */
gboolean gst_lstm_attaches_outputs (const GstLstmCapsKind *kind, const GstCaps *src);
