/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * NNStreamer's caps of static tensors: other/tensors with format=static, num_tensors, types,
 * dimensions (innermost first) and framerate, and other/tensor, the older name, with one tensor,
 * type, dimension and framerate. */
#pragma once
#include "common/types.h"
#include <gst/gst.h>

#define GST_LSTM_MAX_TENSORS 16

/* Template caps of sink pads: one tensor, any number of tensors, one tensor of the older name, and
 * flexible tensors, of which each buffer contains the description. More than GST_LSTM_MAX_TENSORS
 * tensors, and types that the element does not accept, are errors that state what was expected. */
#define GST_LSTM_ONE_TENSOR_CAPS                                                               \
  "other/tensors, format = (string) static, num_tensors = (int) 1"
#define GST_LSTM_TENSORS_SINK_CAPS                                                             \
  "other/tensors, format = (string) static, num_tensors = (int) [ 1, max ]"
#define GST_LSTM_FLEXIBLE_CAPS "other/tensors, format = (string) flexible"
#define GST_LSTM_ANY_OLD_TENSOR_CAPS "other/tensor"

/* Template caps of source pads, which always have a framerate: one float32 tensor, and at most
 * GST_LSTM_MAX_TENSORS tensors */
#define GST_LSTM_ANY_FRAMERATE ", framerate = (fraction) [ 0, max ]"
#define GST_LSTM_TENSOR_CAPS                                                                   \
  GST_LSTM_ONE_TENSOR_CAPS ", types = (string) float32" GST_LSTM_ANY_FRAMERATE
#define GST_LSTM_TENSORS_CAPS                                                                  \
  "other/tensors, format = (string) static, "                                                  \
  "num_tensors = (int) [ 1, 16 ]" GST_LSTM_ANY_FRAMERATE

#define GST_LSTM_GATES "gates" /* the name of a tensor of 3 (GRU) or 4 (LSTM) rows per step */

/* The default id of the output of `lstm` in a GstTensorMeta */
#define GST_LSTM_TENSOR_ID "lstm-output"

/* The float32 tensors of one buffer. A tensor is [streams, steps, size] in memory and
 * `size:steps:streams` in caps; gates are [streams, steps, n_rows, size] and
 * `size:n_rows:steps:streams`. All tensors have the same numbers of steps and streams. */
typedef struct {
  guint n_tensors;
  guint size[GST_LSTM_MAX_TENSORS];
  guint n_rows[GST_LSTM_MAX_TENSORS]; /* per step: 3 or 4 in a tensor named gates, else 1 */
  const gchar *name[GST_LSTM_MAX_TENSORS]; /* interned; NULL: the caps have no names */
  guint steps;
  guint streams;
  gint fps_n, fps_d; /* 0/1: unknown or variable */
} GstLstmTensors;

/* Returns whether @s has one of the media types, with any fields. */
gboolean gst_lstm_tensors_matches (const GstStructure *s);

/* Returns the name of the field of dimensions of @s, which has one of the media types. */
const gchar *gst_lstm_tensors_get_dimensions_field (const GstStructure *s);

/* Reads fixed caps of float32 tensors with at most three dimensions, or four for gates. A missing
 * framerate is read as 0/1. Returns FALSE and sets @error, which names the caps field, if @caps are
 * anything else. */
gboolean gst_lstm_tensors_from_caps (
    GstLstmTensors *tensors, const GstCaps *caps, GError **error);

/* Initializes @tensors as one tensor of one step of one stream, with @size values and the framerate
 * of @s, or 0/1 if @s has no fixed framerate. */
void gst_lstm_tensors_init (GstLstmTensors *tensors, guint size, const GstStructure *s);

/* The memory of one tensor in a buffer, and the type of its values */
typedef struct {
  const GstLstmType *type; /* a type that NNStreamer has */
  guint index;             /* of the memory, which is the tensor's index in caps */
  guint n_tensors;         /* in the buffer; 1: several memories may contain the only tensor */
} GstLstmTensorRef;

/* Reads tensor @index (-1: the only tensor) of static caps @s, whose vectors have @d values, into
 * @tensor as if its values were float32, and into @ref. A framerate that is not fixed is read as
 * 0/1. Leading dimensions of 1, `1:1:d`, which convolutional networks output, are ignored unless d
 * is 1. */
gboolean gst_lstm_tensors_select (GstLstmTensors *tensor, GstLstmTensorRef *ref,
    const GstStructure *s, gint index, gsize d, GError **error);

/* Returns caps with one structure for each spelling of the dimensions up to rank 4, `N:1` first,
 * because caps intersection compares text and elements differ in the spelling that they accept.
 * Returns: (transfer full) */
GstCaps *gst_lstm_tensors_to_caps (const GstLstmTensors *tensors);

/* Returns caps without dimensions, as other/tensors and, if there is one tensor, as other/tensor,
 * which is also spelled `N:1`. Their intersection with caps of downstream may have any dimensions,
 * which gst_lstm_tensors_fit() compares. Returns: (transfer full) */
GstCaps *gst_lstm_tensors_to_open_caps (const GstLstmTensors *tensors);

/* Returns whether @s, static tensors with dimensions in any spelling, are @tensors. */
gboolean gst_lstm_tensors_fit (const GstLstmTensors *tensors, const GstStructure *s);

/* Returns the intersection of @caps (transfer full) and @filter (nullable), in the order of
 * @filter. Returns: (transfer full) */
GstCaps *gst_lstm_caps_filter (GstCaps *caps, GstCaps *filter);

/* Returns the number of bytes of tensor @i in a buffer. gst_lstm_tensors_from_caps() has checked
 * that the number does not overflow. */
static inline gsize
gst_lstm_tensors_get_bytes (const GstLstmTensors *tensors, guint i)
{
  return (gsize) tensors->size[i] * tensors->n_rows[i] * tensors->steps * tensors->streams
         * sizeof (gfloat);
}

/* Returns the time from the first step to step @i in ns, rounded once, or 0 if the framerate is
 * unknown. */
GstClockTime gst_lstm_tensors_get_step_offset (const GstLstmTensors *tensors, guint64 i);

/* Checks that @buffer has one memory per tensor, and that the memory of @ref has the size of
 * tensor @i. Otherwise returns FALSE and sets @error, which names the tensor and both sizes. */
gboolean gst_lstm_tensors_check_memory (const GstLstmTensors *tensors, guint i,
    const GstLstmTensorRef *ref, GstBuffer *buffer, GError **error);

/* Checks the memories of all tensors, as float32 and in order, like
 * gst_lstm_tensors_check_memory(). */
gboolean gst_lstm_tensors_check_buffer (
    const GstLstmTensors *tensors, GstBuffer *buffer, GError **error);
