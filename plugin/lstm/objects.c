/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lstm/objects.h"
#include "common/errors.h"
#include "common/tensor-id.h"
#include "lstm/bad-input.h"
#include "lstm/object-steps.h"
#include "lstm/objects/attach.h"
#include "lstm/objects/features.h"
#include "lstm/times.h"

#define GST_CAT_DEFAULT gst_lstm_debug
#define FORMAT GST_LSTM_STREAM (FORMAT)

/* Only the streaming thread uses these fields. */
struct _GstLstmObjectInput {
  GstLstmObjectFrame frame;
  GstLstmFeatureReader reader;
  gboolean has_boxes;                                      /* features are boxes */
  GstLstmObjectTensors tensors[GST_LSTM_OBJECT_MAX_KINDS]; /* of the emitted kinds */
  guint kinds[GST_LSTM_N_TENSORS];                         /* GstLstmTensorKind of each */
  guint n_kinds;
  gboolean warned_untracked, warned_stale, warned_no_features, warned_timeout;
};

/* --- Start --- */

/* Describes the output tensors of an object. In final mode nothing is attached. */
static void
init_tensors (GstLstm *self, GstLstmObjectInput *input)
{
  const GstLstmSequenceConfig *config = &self->sequence.config;
  const GstLstmTensors one = {.steps = 1, .streams = 1};
  GstLstmTensors out;
  guint kind = 0;

  gst_lstm_sequence_config_describe_output (config, &one, &out);
  for (guint i = 0; i < out.n_tensors && config->mode != GST_LSTM_OUTPUT_FINAL; i++, kind++) {
    GstLstmObjectTensors *tensors = &input->tensors[i];

    while (!gst_lstm_sequence_config_emits (config, kind))
      kind++;
    input->kinds[i] = kind;
    tensors->id = gst_lstm_tensor_id_make (self->settings.output_tensor_id, out.name[i]);
    tensors->dims[tensors->n_dims++] = 1;
    if (out.n_rows[i] > 1)
      tensors->dims[tensors->n_dims++] = out.n_rows[i];
    tensors->dims[tensors->n_dims++] = out.size[i];
    tensors->n_values = (gsize) out.n_rows[i] * out.size[i];
    input->reader.output_ids[input->n_kinds++] = tensors->id;
  }
}

void
gst_lstm_objects_start (GstLstm *self)
{
  const GstLstmSettings *settings = &self->settings;
  GstLstmObjectMemory *memory;
  GstLstmObjectInput *input;

  if (!settings->per_object)
    return;
  memory = gst_lstm_object_memory_new (&self->sequence.config);
  input = g_new0 (GstLstmObjectInput, 1);
  gst_lstm_object_frame_init (&input->frame);
  gst_lstm_feature_reader_init (
      &input->reader, memory->d, g_quark_from_string (settings->input_tensor_id));
  input->has_boxes = settings->object_features == GST_LSTM_OBJECT_FEATURES_BOX;
  init_tensors (self, input);
  gst_lstm_lock (self);
  self->object_memory = memory;
  gst_lstm_unlock (self);
  self->object_input = input;
}

void
gst_lstm_objects_stop (GstLstm *self)
{
  GstLstmObjectInput *input = self->object_input;

  gst_lstm_lock (self);
  g_clear_pointer (&self->object_memory, gst_lstm_object_memory_free);
  gst_lstm_unlock (self);
  if (!input)
    return;
  gst_lstm_object_frame_clear (&input->frame);
  gst_lstm_feature_reader_clear (&input->reader);
  g_clear_pointer (&self->object_input, g_free);
}

/* --- Frames --- */

/* Checks that the frame has a running time, by which its objects are timed. */
static gboolean
check_time (const GstLstm *self, const GstLstmSpan *span, GError **error)
{
  const GstFormat format = GST_BASE_TRANSFORM (self)->segment.format;

  if (format != GST_FORMAT_TIME)
    return gst_lstm_fail (error, FORMAT,
        "segment: expected format time, in which objects are timed, found %s",
        gst_format_get_name (format));
  return GST_CLOCK_TIME_IS_VALID (span->pts)
         || gst_lstm_fail (error, FORMAT,
             "buffer: expected a timestamp, by which objects are timed, found none");
}

/* Reads the objects of @media and their features. */
static gboolean
read_frame (GstLstm *self, GstBuffer *media, GError **error)
{
  const GstSegment *segment = &GST_BASE_TRANSFORM (self)->segment;
  GstLstmObjectInput *input = self->object_input;
  const GstClockTime running_time = gst_segment_to_running_time (
      segment, GST_FORMAT_TIME, GST_BUFFER_PTS (media));

  if (!gst_lstm_object_frame_read (&input->frame, media, running_time, error))
    return FALSE;
  return input->has_boxes ? gst_lstm_feature_reader_read_boxes (&input->reader, &input->frame,
             self->input.picture_width, self->input.picture_height, error)
                          : gst_lstm_feature_reader_read_tensors (
                              &input->reader, &input->frame, media, error);
}

/* Adds the objects of the frame to the memory, as seen at the running time @now. Needs `lock`. */
static gboolean
add_objects (GstLstm *self, GstClockTime now, GError **error)
{
  const GstLstmObjectInput *input = self->object_input;
  const GArray *objects = input->frame.objects;
  GstLstmObjectMemory *memory = self->object_memory;

  for (guint i = 0; i < objects->len; i++) {
    const GstLstmObject *object = &g_array_index (objects, GstLstmObject, i);

    if (input->reader.objects[i].has_features
        && !gst_lstm_object_memory_add_present (memory, object->id, object->detection,
            input->reader.x + i * memory->d, input->has_boxes, error))
      return FALSE;
    gst_lstm_object_memory_mark (memory, object->id, now);
  }
  return TRUE;
}

/* Logs the steps of the frame. Needs `lock`. */
static void
log_steps (GstLstm *self)
{
  const GstLstmObjectMemory *memory = self->object_memory;

  if (gst_debug_category_get_threshold (GST_CAT_DEFAULT) < GST_LEVEL_LOG)
    return;
  for (gsize i = 0; i < memory->n_present; i++)
    GST_LOG_OBJECT (self, "object %" G_GUINT64_FORMAT ": step %" G_GUINT64_FORMAT "%s",
        memory->ids[i], memory->known[memory->list[i]].n_steps,
        memory->is_complete[i] ? "" : ", no output");
}

/* The messages and warnings of a frame, which are posted after `lock` is unlocked */
typedef struct {
  GQueue messages; /* lstm-final of forgotten objects */
  guint n_recent;  /* forgotten objects that the previous frame had */
  gboolean is_flawed;
  guint64 flawed; /* tracking id of an object whose h or c is not finite */
} FrameReport;

/* Runs a step of each object of the frame. Returns FALSE and sets @error if memory is insufficient.
 * Needs `lock`. */
static gboolean
run_objects (GstLstm *self, const GstLstmSpan *span, gboolean discont, FrameReport *report,
    GError **error)
{
  const GstClockTime now = gst_lstm_objects_get_running_time (self, span);
  const GstLstmObjectMemory *memory = self->object_memory;

  if (discont && gst_lstm_resets_on (self, GST_LSTM_RESET_ON_DISCONT))
    gst_lstm_reset_unless_restored (self, GST_LSTM_RESET_DISCONT);
  gst_lstm_object_memory_begin_frame (self->object_memory);
  report->n_recent = gst_lstm_objects_forget_expired (self, now, &report->messages);
  if (!add_objects (self, now, error))
    return FALSE;
  gst_lstm_objects_add_missing (self);
  report->is_flawed = gst_lstm_objects_run_rows (self, span, &report->flawed);
  for (gsize i = 0; i < memory->n_present && self->object_input->n_kinds > 0; i++)
    self->stats.outputs += memory->is_complete[i] != 0;
  log_steps (self);
  return TRUE;
}

/* Attaches the outputs of the frame to @media (transfer full). Only the streaming thread changes
 * the outputs, so the function needs no lock. Returns: (transfer full) */
static GstBuffer *
attach_outputs (GstLstm *self, GstBuffer *media)
{
  const GstLstmObjectMemory *memory = self->object_memory;
  GstLstmObjectInput *input = self->object_input;

  for (guint i = 0; i < input->n_kinds; i++)
    input->tensors[i].values = memory->outputs[input->kinds[i]];
  return input->n_kinds == 0
             ? media
             : gst_lstm_object_tensors_attach (media, memory->detections, memory->n_present,
                 memory->is_complete, input->tensors, input->n_kinds);
}

/* --- Warnings --- */

/* Posts a warning if object detections of the frame have no tracking data of this frame, which may
 * be a mistake. */
static void
warn_without_objects (GstLstm *self, GstClockTime pts)
{
  GstLstmObjectInput *input = self->object_input;
  const GstLstmObjectFrame *frame = &input->frame;

  if (frame->n_stale > 0 && !input->warned_stale) {
    input->warned_stale = TRUE;
    GST_ELEMENT_WARNING (self, STREAM, FORMAT,
        ("buffer: object %" G_GUINT64_FORMAT
         ": expected tracking data that were last seen in this frame, at %" GST_TIME_FORMAT
         " (running time) or %" GST_TIME_FORMAT " (PTS), found %" GST_TIME_FORMAT
         "; the object takes no step",
            frame->stale_id,
            GST_TIME_ARGS (gst_segment_to_running_time (
                &GST_BASE_TRANSFORM (self)->segment, GST_FORMAT_TIME, pts)),
            GST_TIME_ARGS (pts), GST_TIME_ARGS (frame->stale_last_seen)),
        (NULL));
  }
  if (input->warned_untracked || frame->detections->len == 0)
    return;
  /* Only the first frame that has object detections is checked. */
  input->warned_untracked = TRUE;
  if (frame->objects->len == 0 && frame->n_stale == 0)
    GST_ELEMENT_WARNING (self, STREAM, FORMAT,
        ("buffer: expected object detections that are related to tracking data, as ioutracker "
         "relates them, found %u without",
            frame->detections->len),
        (NULL));
}

/* Posts a warning once if an object has no features. */
static void
warn_without_features (GstLstm *self)
{
  GstLstmObjectInput *input = self->object_input;
  const GstLstmObjectFrame *frame = &input->frame;
  const gchar *id = g_quark_to_string (input->reader.tensor_id);
  const gsize d = input->reader.d;

  for (guint i = 0; i < frame->objects->len && !input->warned_no_features; i++) {
    if (input->reader.objects[i].has_features)
      continue;
    input->warned_no_features = TRUE;
    GST_ELEMENT_WARNING (self, STREAM, FORMAT,
        ("buffer: object %" G_GUINT64_FORMAT ": expected a related tensor %s%s[%" G_GSIZE_FORMAT
         "], or a tensor [%u, %" G_GSIZE_FORMAT "] with a row for each object detection of the "
         "frame, found none, which counts as a gap",
            g_array_index (frame->objects, GstLstmObject, i).id, id ? id : "", id ? " " : "", d,
            frame->detections->len, d),
        (NULL));
  }
}

/* Posts a warning once if objects are forgotten from one frame to the next. */
static void
warn_about_timeout (GstLstm *self)
{
  guint64 timeout;

  if (self->object_input->warned_timeout)
    return;
  self->object_input->warned_timeout = TRUE;
  GST_OBJECT_LOCK (self);
  timeout = self->settings.object_timeout;
  GST_OBJECT_UNLOCK (self);
  GST_ELEMENT_WARNING (self, LIBRARY, SETTINGS,
      ("property object-timeout: expected more than the time between two frames, found "
       "%" G_GUINT64_FORMAT " ns, so objects of the previous frame are forgotten",
          timeout),
      (NULL));
}

static void
post_report (GstLstm *self, const GstLstmSpan *span, FrameReport *report)
{
  gst_lstm_objects_post_messages (self, &report->messages);
  if (report->is_flawed)
    gst_lstm_objects_warn_non_finite (self, report->flawed, span);
  if (report->n_recent > 0)
    warn_about_timeout (self);
  warn_without_objects (self, span->pts);
  warn_without_features (self);
}

GstFlowReturn
gst_lstm_objects_run_frame (GstLstm *self, GstBuffer **media, GError **error)
{
  const GstLstmSpan span = gst_lstm_get_buffer_span (self, *media, 1);
  const gboolean discont = self->input_discont
                           || GST_BUFFER_FLAG_IS_SET (*media, GST_BUFFER_FLAG_DISCONT);
  FrameReport report = {.messages = G_QUEUE_INIT};
  g_autoptr (GError) memory_error = NULL;
  gboolean ok;

  if (gst_lstm_is_outside_segment (self, &span)) {
    GST_LOG_OBJECT (self, "dropped, outside the segment: %" GST_PTR_FORMAT, *media);
    return GST_FLOW_OK;
  }
  if (!check_time (self, &span, error) || !read_frame (self, *media, error))
    return GST_FLOW_OK;
  gst_lstm_lock (self);
  ok = run_objects (self, &span, discont, &report, &memory_error);
  gst_lstm_unlock (self);
  post_report (self, &span, &report);
  if (!ok)
    return gst_lstm_fail_sequence (self, memory_error);
  *media = attach_outputs (self, *media);
  self->input_discont = FALSE;
  gst_lstm_count_good_buffer (self);
  GST_LOG_OBJECT (
      self, "%u objects of %" GST_PTR_FORMAT, self->object_input->frame.objects->len, *media);
  return GST_FLOW_OK;
}
