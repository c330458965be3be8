/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The input caps of `lstm`, and the steps of its input buffers. A caps kind is a file and a table
 * row of GST_LSTM_CAPS_KINDS. */
#pragma once

#include "common/axes.h"
#include "common/steps.h"
#include "common/tensors.h"
#include <lstm/lstm.h>

/* The caps kinds, in the order in which they are tried */
#define GST_LSTM_CAPS_KINDS(ROW)                                                               \
  ROW (tensors)                                                                                \
  ROW (audio)                                                                                  \
  GST_LSTM_CAPS_KINDS_WITH_ANALYTICS (ROW)
#if HAVE_OBJECTS
#  define GST_LSTM_CAPS_KINDS_WITH_ANALYTICS(ROW) ROW (batch) ROW (media)
#elif HAVE_ANALYTICS
#  define GST_LSTM_CAPS_KINDS_WITH_ANALYTICS(ROW) ROW (media)
#else
#  define GST_LSTM_CAPS_KINDS_WITH_ANALYTICS(ROW)
#endif

/* The media type of a batch of several streams, from GStreamer 1.28 on */
#define GST_LSTM_BATCH_MEDIA_TYPE "multistream/x-analytics-batch"

typedef struct _GstLstmInput GstLstmInput;

/* The number of tensors that the element can attach to media */
#define GST_LSTM_MAX_ATTACHED 4

/* The shape of tensors of media. steps 0: unknown */
typedef struct {
  guint steps, streams;
} GstLstmTensorShape;

/* The properties and the model that caps depend on */
typedef struct {
  const LstmModel *model;       /* nullable: no model is loaded */
  const gchar *input_tensor_id; /* nullable: not set */
  gint input_tensor_index;      /* -1: not set */
  GstLstmAxes axes;             /* of tensors of media */
  guint n_parameters;           /* values of the property parameters */
  gboolean per_object;          /* only media have objects */
  gboolean has_boxes;           /* the features of objects are fractions of the picture */
  gboolean only_output;         /* output buffers contain the tensor `output` and no other */
  gboolean output_per_step;     /* output-mode=sequence */

  /* Of the tensors that the element attaches to media, in the order of the output tensors. 0: no
   * more tensors. The last outputs of sequences (output-mode=final) are not attached. */
  GQuark tensor_ids[GST_LSTM_MAX_ATTACHED];
  GstLstmTensorShape attached_shape;
} GstLstmCapsContext;

typedef struct {
  const gchar *media_type; /* for messages */

  gboolean has_objects; /* buffers may be frames with objects */

  /* Returns whether caps @s are of this kind. Kinds of earlier table rows do not match @s. */
  gboolean (*matches) (const GstStructure *s, const GstLstmCapsContext *context);

  /* Returns all caps that the pad of @direction may have, for any properties if @context
   * (nullable) is NULL. Returns: (transfer full) */
  GstCaps *(*get_template_caps) (GstPadDirection direction, const GstLstmCapsContext *context);

  /* Implements gst_lstm_input_parse(). The fields of @input except its kind are zero. */
  gboolean (*parse_caps) (GstLstmInput *input, const GstStructure *s,
      const GstLstmCapsContext *context, GError **error);

  /* Implements gst_lstm_input_open(). @steps have neither values nor a buffer. */
  gboolean (*open_buffer) (
      const GstLstmInput *input, GstBuffer *buffer, GstLstmSteps *steps, GError **error);

  /* Implements gst_lstm_caps_kinds_get_src_caps(). */
  GstCaps *(*get_src_caps) (
      const GstCaps *sink, const GstLstmTensors *out, const GstLstmCapsContext *context);

  /* Returns the sink caps of this kind that are possible with source caps @source, one structure.
   * Returns: (transfer full) */
  GstCaps *(*get_sink_caps) (const GstCaps *source, const GstLstmCapsContext *context);

  /* Adds the memories of @output to @media (transfer full). If @out has several tensors, each
   * memory is a tensor, or else all memories are the steps of the only tensor. The element works in
   * place if the function is set and the source caps are media. Otherwise outputs have buffers of
   * their own. Returns: (transfer full) */
  GstBuffer *(*attach_output) (GstBuffer *media, GstBuffer *output, const GstLstmTensors *out,
      const GstLstmCapsContext *context);

  /* Returns FALSE and sets @error, which names the id, if sink caps @s already have a tensor with
   * one of @ids. Set like `attach_output`. */
  gboolean (*check_ids) (
      const GstStructure *s, const GQuark ids[GST_LSTM_MAX_ATTACHED], GError **error);

  /* Sets the dimensions of the attached tensors in @caps, source caps, to those that they have in
   * @possible, if they have these tensors. Set like `attach_output`. */
  void (*copy_attached_dims) (
      GstCaps *caps, const GstCaps *possible, const GstLstmCapsContext *context);
} GstLstmCapsKind;

#define GST_LSTM_CAPS_KIND_DECLARATION(name) extern const GstLstmCapsKind gst_lstm_caps_##name;
GST_LSTM_CAPS_KINDS (GST_LSTM_CAPS_KIND_DECLARATION)

/* The steps that input buffers of certain caps contain */
struct _GstLstmInput {
  const GstLstmCapsKind *kind;
  GstLstmTensors tensors;      /* one tensor, as float32 */
  gboolean shape_per_buffer;   /* each buffer has its own numbers of steps and streams */
  GstLstmTensorRef tensor_ref; /* for other/tensors; type NULL: each buffer has its own type */
  GQuark tensor_id;            /* for media; 0: the only tensor of vectors of d values */
  GstLstmAxes axes;            /* for media */
  GstLstmTensorShape caps_shape; /* for media: of the input tensor in the caps */
  GQuark
      attached_ids[GST_LSTM_MAX_ATTACHED]; /* for media: of tensors that are attached; then 0 */
  gsize step_bytes;         /* of a step of all streams as upstream sends it; 0: unknown */
  guint n_channels;         /* of audio; 0: no audio */
  const gfloat *parameters; /* of audio: the last values of each step; not owned */
  guint n_parameters;

  /* of media, in pixels; 0: not needed */
  gint picture_width, picture_height;
};

/* Initializes @input for caps @s. A framerate that is not fixed is read as 0/1. @context must have
 * a model. Returns FALSE and sets @error, which names the caps field, if no kind matches or if the
 * steps are not what the model needs. */
gboolean gst_lstm_input_parse (GstLstmInput *input, const GstStructure *s,
    const GstLstmCapsContext *context, GError **error);

/* Returns the tensor of a buffer of @n_steps steps of @n_streams streams, if each buffer has
 * its own shape. */
static inline GstLstmTensors
gst_lstm_input_get_shape (const GstLstmInput *input, guint n_steps, guint n_streams)
{
  GstLstmTensors in = input->tensors;

  in.steps = n_steps;
  in.streams = n_streams;
  if (input->kind->attach_output && n_steps > 1)
    in.fps_n = 0; /* the media's framerate: the steps share the duration of a buffer */
  return in;
}

/* Reads the values of @buffer as float32. @buffer must outlive the opened @steps. If that is
 * impossible, returns FALSE and sets @error, which names the tensor and sizes. @steps need not be
 * closed in that case. */
gboolean gst_lstm_input_open (
    const GstLstmInput *input, GstBuffer *buffer, GstLstmSteps *steps, GError **error);

/* Returns whether each audio channel is a stream of its own, because the model has one input and
 * one output. */
static inline gboolean
gst_lstm_input_has_channel_streams (const GstLstmInput *input)
{
  return input->n_channels > 0 && input->tensors.streams > 1;
}

/* Returns the source caps of tensors @out (nullable: any), in the order of preference:
 * other/tensors in each spelling, static tensors without dimensions, flexible tensors. Returns:
 * (transfer full) */
GstCaps *gst_lstm_caps_make_tensors (const GstLstmTensors *out);

/* Returns: (transfer full): audio of the rate of @model, or empty caps if the rate is unknown */
GstCaps *gst_lstm_input_get_rate_caps (const LstmModel *model);

/* Sets @error if the audio of @input may have channels in place of the parameters of @model, which
 * has one output and no parameters. Returns whether the channels are certain. */
gboolean gst_lstm_input_check_parameters (
    const GstLstmInput *input, const LstmModel *model, GError **error);

/* Sets @error if the audio of @input does not have the rate of @model. Returns whether it has. */
gboolean gst_lstm_input_check_rate (
    const GstLstmInput *input, const LstmModel *model, GError **error);

/* Returns the caps of all kinds for the pad of @direction, for any properties if @context
 * (nullable) is NULL. Returns: (transfer full) */
GstCaps *gst_lstm_caps_kinds_get_template_caps (
    GstPadDirection direction, const GstLstmCapsContext *context);

/* Returns the source caps that are possible with sink caps @sink, one structure. @out
 * (nullable) is the model's output for them, if it is known. Returns: (transfer full) */
GstCaps *gst_lstm_caps_kinds_get_src_caps (
    const GstCaps *sink, const GstLstmTensors *out, const GstLstmCapsContext *context);

/* Returns the sink caps that are possible with source caps @source, one structure.
 * Returns: (transfer full) */
GstCaps *gst_lstm_caps_kinds_get_sink_caps (
    const GstCaps *source, const GstLstmCapsContext *context);
