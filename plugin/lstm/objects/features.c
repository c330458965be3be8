/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lstm/objects/features.h"
#include "common/analytics-tensor.h"
#include "common/errors.h"
#include <string.h>

#define FORMAT GST_LSTM_STREAM (FORMAT)
#define VECTORS_FORMAT "[%" G_GSIZE_FORMAT "] or [1, %" G_GSIZE_FORMAT "]"

void
gst_lstm_feature_reader_init (GstLstmFeatureReader *reader, gsize d, GQuark tensor_id)
{
  *reader = (GstLstmFeatureReader){.d = d, .tensor_id = tensor_id};
}

void
gst_lstm_feature_reader_clear (GstLstmFeatureReader *reader)
{
  g_clear_pointer (&reader->x, g_free);
  g_clear_pointer (&reader->objects, g_free);
  reader->capacity = 0;
  gst_lstm_steps_clear (&reader->steps);
}

/* Allocates memory for the features of @n objects, and marks them as missing. */
static gboolean
reserve_objects (GstLstmFeatureReader *reader, gsize n, GError **error)
{
  if (n > reader->capacity) {
    const gsize capacity = MAX (n, 2 * reader->capacity);

    gst_lstm_feature_reader_clear (reader);
    reader->x = g_try_malloc_n (capacity, reader->d * sizeof (gfloat));
    reader->objects = g_try_new (GstLstmCandidate, capacity);
    if (!reader->x || !reader->objects) {
      gst_lstm_feature_reader_clear (reader);
      return gst_lstm_fail (error, GST_LSTM_RESOURCE (NO_SPACE_LEFT),
          "no memory for the features of %" G_GSIZE_FORMAT " objects", capacity);
    }
    reader->capacity = capacity;
  }
  if (n > 0)
    memset (reader->objects, 0, n * sizeof *reader->objects);
  return TRUE;
}

/* --- Tensors of objects --- */

/* Opens @tensor, whose vectors are the rows of `steps`. */
static gboolean
open_tensor (GstLstmFeatureReader *reader, const GstTensor *tensor, GError **error)
{
  reader->steps.map.memory = NULL;
  return gst_lstm_analytics_tensor_open (
      tensor, GST_LSTM_AXES_STREAMS, &reader->d, &reader->steps, error);
}

/* Returns whether @tensor has exactly one vector of d values. */
static gboolean
has_one_vector (const GstTensor *tensor, gsize d)
{
  GstLstmAxesShape shape;

  return gst_lstm_axes_read_dims (
             GST_LSTM_AXES_STREAMS, tensor->dims, tensor->num_dims, d, &shape)
         && shape.n_streams == 1;
}

/* The search for the tensors of the objects */
typedef struct {
  GstLstmFeatureReader *reader;
  const GstLstmObjectFrame *frame;
  GError **error;
} Search;

/* Checks that @tensor of @detection does not have the id of an output, which would be attached next
 * to it. */
static gboolean
check_id (const Search *search, const GstLstmDetection *detection, const GstTensor *tensor)
{
  g_autofree gchar *text = NULL;
  const GQuark *id = search->reader->output_ids;

  while (*id && *id != tensor->id)
    id++;
  if (!*id || !detection->is_tracked)
    return TRUE;
  text = gst_lstm_analytics_tensor_describe (tensor);
  return gst_lstm_fail (search->error, FORMAT,
      "object %" G_GUINT64_FORMAT
      ": buffer: expected no tensor %s, which is the id of the output, found %s; property "
      "output-tensor-id sets another id",
      detection->id, g_quark_to_string (tensor->id), text);
}

/* Checks the tensor @mtd of an object, and remembers it if it matches. */
static gboolean
compare_tensor (guint i, const GstAnalyticsMtd *mtd, gpointer data)
{
  const Search *search = data;
  const GstLstmFeatureReader *reader = search->reader;
  const GstTensor *tensor = gst_analytics_tensor_mtd_get_tensor (mtd);
  const GstLstmDetection *detection = &g_array_index (
      search->frame->detections, GstLstmDetection, i);
  GstLstmCandidate *candidate;

  if (!check_id (search, detection, tensor))
    return FALSE;
  if (!detection->is_tracked
      || !(reader->tensor_id ? tensor->id == reader->tensor_id
                             : has_one_vector (tensor, reader->d)))
    return TRUE;
  candidate = &reader->objects[detection->object];
  candidate->previous = candidate->tensor;
  candidate->tensor = tensor;
  return TRUE;
}

/* Finds the tensors of all objects of @frame. */
static gboolean
find_tensors (GstLstmFeatureReader *reader, GstLstmObjectFrame *frame, GError **error)
{
  Search search = {reader, frame, error};

  return reserve_objects (reader, frame->objects->len, error)
         && gst_lstm_object_frame_visit_related (
             frame, gst_analytics_tensor_mtd_get_mtd_type (), compare_tensor, &search);
}

static gboolean
fail_with_several (
    const gchar *expected, const GstTensor *a, const GstTensor *b, GError **error)
{
  g_autofree gchar *text_a = gst_lstm_analytics_tensor_describe (a);
  g_autofree gchar *text_b = gst_lstm_analytics_tensor_describe (b);

  return gst_lstm_fail (error, FORMAT,
      "buffer: expected one tensor of %s, or property input-tensor-id to select one, found %s, "
      "%s",
      expected, text_a, text_b);
}

/* Checks that @tensor, which matches by its id, has one vector. */
static gboolean
check_one_vector (const GstTensor *tensor, gsize d, GError **error)
{
  g_autofree gchar *text = NULL;

  if (has_one_vector (tensor, d))
    return TRUE;
  text = gst_lstm_analytics_tensor_describe (tensor);
  return gst_lstm_fail (
      error, FORMAT, "buffer: tensor: expected " VECTORS_FORMAT ", found %s", d, d, text);
}

/* Reads the tensor of the object @i, if it has one. */
static gboolean
read_object_tensor (GstLstmFeatureReader *reader, guint i, GError **error)
{
  GstLstmCandidate *candidate = &reader->objects[i];
  const gsize d = reader->d;
  g_autofree gchar *expected = NULL;

  if (!candidate->tensor)
    return TRUE;
  if (candidate->previous && !reader->tensor_id) {
    expected = g_strdup_printf (VECTORS_FORMAT, d, d);
    return fail_with_several (expected, candidate->previous, candidate->tensor, error);
  }
  if (!check_one_vector (candidate->tensor, d, error)
      || !open_tensor (reader, candidate->tensor, error))
    return FALSE;
  memcpy (reader->x + i * d, reader->steps.x, d * sizeof (gfloat));
  gst_lstm_steps_close (&reader->steps);
  candidate->has_features = TRUE;
  return TRUE;
}

/* --- Tensors of the frame --- */

/* Remembers @tensor, which belongs to no object, if it matches. */
static void
compare_frame_tensor (
    const GstLstmFeatureReader *reader, const GstTensor *tensor, GstLstmCandidate *found)
{
  if (reader->tensor_id
          ? tensor->id != reader->tensor_id
          : !gst_lstm_analytics_tensor_has_steps (tensor, GST_LSTM_AXES_STREAMS, reader->d))
    return;
  found->previous = found->tensor;
  found->tensor = tensor;
}

/* Sets @found to the tensors of @buffer that match: in the relation meta, or in a GstTensorMeta.
 * The tensors of all objects were searched before. */
static void
find_frame_tensor (const GstLstmFeatureReader *reader, const GstLstmObjectFrame *frame,
    GstBuffer *buffer, GstLstmCandidate *found)
{
  const GstAnalyticsMtdType type = gst_analytics_tensor_mtd_get_mtd_type ();
  gpointer state = NULL;
  GstAnalyticsMtd mtd;
  GstMeta *meta;

  while (frame->relations
         && gst_analytics_relation_meta_iterate (frame->relations, &state, type, &mtd))
    if (!frame->matched->data[mtd.id])
      compare_frame_tensor (reader, gst_analytics_tensor_mtd_get_tensor (&mtd), found);
  state = NULL;
  while ((meta = gst_buffer_iterate_meta_filtered (buffer, &state, GST_TENSOR_META_API_TYPE))) {
    const GstTensorMeta *tensors = (const GstTensorMeta *) meta;

    for (gsize i = 0; i < tensors->num_tensors; i++)
      compare_frame_tensor (reader, tensors->tensors[i], found);
  }
}

/* Copies the rows of @tensor, one for each object detection, to the objects. */
static gboolean
read_rows (GstLstmFeatureReader *reader, const GstLstmObjectFrame *frame,
    const GstTensor *tensor, GError **error)
{
  const guint n_rows = reader->steps.n_streams, n_detections = frame->detections->len;
  const gsize d = reader->d;
  g_autofree gchar *text = NULL;

  if (n_rows != n_detections) {
    text = gst_lstm_analytics_tensor_describe (tensor);
    return gst_lstm_fail (error, FORMAT,
        "buffer: tensor %s: expected %u rows, one for each object detection of the frame, "
        "found %u",
        text, n_detections, n_rows);
  }
  for (guint i = 0; i < frame->objects->len; i++) {
    const GstLstmObject *object = &g_array_index (frame->objects, GstLstmObject, i);

    memcpy (reader->x + i * d, reader->steps.x + object->detection * d, d * sizeof (gfloat));
    reader->objects[i].has_features = TRUE;
  }
  return TRUE;
}

static gboolean
is_empty (const GstTensor *tensor)
{
  return !tensor->data || gst_buffer_get_size (tensor->data) == 0;
}

static gboolean
read_frame_tensor (GstLstmFeatureReader *reader, const GstLstmObjectFrame *frame,
    GstBuffer *buffer, GError **error)
{
  GstLstmCandidate found = {NULL};
  g_autofree gchar *expected = NULL;
  gboolean ok;

  find_frame_tensor (reader, frame, buffer, &found);
  if (!found.tensor || (frame->detections->len == 0 && is_empty (found.tensor)))
    return TRUE;
  if (found.previous && !reader->tensor_id) {
    expected = g_strdup_printf ("[%u, %" G_GSIZE_FORMAT "]", frame->detections->len, reader->d);
    return fail_with_several (expected, found.previous, found.tensor, error);
  }
  if (!open_tensor (reader, found.tensor, error))
    return FALSE;
  ok = read_rows (reader, frame, found.tensor, error);
  gst_lstm_steps_close (&reader->steps);
  return ok;
}

gboolean
gst_lstm_feature_reader_read_tensors (
    GstLstmFeatureReader *reader, GstLstmObjectFrame *frame, GstBuffer *buffer, GError **error)
{
  gboolean has_object_tensor = FALSE;

  if (!find_tensors (reader, frame, error))
    return FALSE;
  for (guint i = 0; i < frame->objects->len; i++) {
    if (!read_object_tensor (reader, i, error)) {
      g_prefix_error (error, "object %" G_GUINT64_FORMAT ": ",
          g_array_index (frame->objects, GstLstmObject, i).id);
      return FALSE;
    }
    has_object_tensor |= reader->objects[i].has_features;
  }
  return has_object_tensor || read_frame_tensor (reader, frame, buffer, error);
}

/* --- Boxes --- */

gboolean
gst_lstm_feature_reader_read_boxes (GstLstmFeatureReader *reader, GstLstmObjectFrame *frame,
    gint width, gint height, GError **error)
{
  if (!find_tensors (reader, frame, error))
    return FALSE;
  for (guint i = 0; i < frame->objects->len; i++) {
    const GstAnalyticsODMtd mtd = {
        .id = g_array_index (frame->objects, GstLstmObject, i).mtd, .meta = frame->relations};
    gfloat *box = reader->x + i * reader->d;
    gint x, y, w, h;

    if (!gst_analytics_od_mtd_get_location (&mtd, &x, &y, &w, &h, NULL))
      continue;
    box[0] = (gfloat) x / (gfloat) width;
    box[1] = (gfloat) y / (gfloat) height;
    box[2] = (gfloat) w / (gfloat) width;
    box[3] = (gfloat) h / (gfloat) height;
    reader->objects[i].has_features = TRUE;
  }
  return TRUE;
}
