/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * SECTION:element-lstmfeatures
 * @title: lstmfeatures
 * @short_description: converts a video frame to a feature vector
 *
 * Averages each frame to a coarse grid of luma or RGB cells and pushes the cells as one float32
 * vector, the input of a recurrent network for video. The weights of a cell form a tent that is two
 * cells wide, so that the value of the cell changes smoothly when the picture moves.
 *
 * The vector contains the rows of the grid from the top, the cells of a row from the left, and the
 * channels of a cell (one, or R, G, B). Each value is (value - mean) * scale, with value from 0
 * (black) to 1 (white).
 *
 * The element accepts frames of any format and size, with limited or full range. It ignores the
 * alpha channel and processes interlaced frames like progressive frames.
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 filesrc location=film.webm ! decodebin ! lstmfeatures width=16 height=12 !
 *   lstm model-location=motion.safetensors ! lstmlabel labels-location=motion.labels !
 *   fakesink dump=true
 * ]| Prints a label for the camera's motion in every frame.
 */
#include "elements.h"
#include "common/errors.h"
#include "common/gate.h"
#include "common/metadata.h"
#include "common/properties.h"
#include "common/refusal.h"
#include "common/tensors.h"
#include "features/conversion.h"
#include "features/formats.h"
#include <gst/base/gstbasetransform.h>

GST_DEBUG_CATEGORY_STATIC (lstmfeatures_debug);
#define GST_CAT_DEFAULT lstmfeatures_debug

#define MAX_CELLS 1024 /* along a side */

typedef enum {
  GST_LSTM_COLOR_GRAY,
  GST_LSTM_COLOR_RGB,
} GstLstmColor;

/* Values of properties */
typedef struct {
  guint width, height; /* in cells */
  gint color;          /* GstLstmColor */
  gdouble mean, scale;
} Settings;
#define MEMBER(name) G_STRUCT_OFFSET (Settings, name)

struct _GstLstmFeatures {
  GstBaseTransform parent;
  Settings settings; /* protected by the object lock */

  /* Used by the streaming thread */
  GstLstmRefusal refusal;       /* of the last caps */
  GstLstmConversion conversion; /* from the last caps that were accepted */
};

#define GST_TYPE_LSTM_FEATURES (gst_lstm_features_get_type ())
G_DECLARE_FINAL_TYPE (GstLstmFeatures, gst_lstm_features, GST, LSTM_FEATURES, GstBaseTransform)
G_DEFINE_TYPE (GstLstmFeatures, gst_lstm_features, GST_TYPE_BASE_TRANSFORM)
GST_ELEMENT_REGISTER_DEFINE (
    lstmfeatures, "lstmfeatures", GST_RANK_NONE, GST_TYPE_LSTM_FEATURES)

static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE (
    "src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS (GST_LSTM_TENSOR_CAPS));

static GType gst_lstm_color_get_type (void);
G_DEFINE_ENUM_TYPE (GstLstmColor, gst_lstm_color,
    GST_LSTM_ENUM_VALUE (GST_LSTM_COLOR_GRAY, "gray", "Luma, one value per cell"),
    GST_LSTM_ENUM_VALUE (
        GST_LSTM_COLOR_RGB, "rgb", "Red, green and blue, three values per cell"))

static Settings
get_settings (GstLstmFeatures *self)
{
  Settings settings;

  GST_OBJECT_LOCK (self);
  settings = self->settings;
  GST_OBJECT_UNLOCK (self);
  return settings;
}

static guint
count_channels (const Settings *settings)
{
  return settings->color == GST_LSTM_COLOR_RGB ? 3 : 1;
}

static guint
count_values (const Settings *settings)
{
  return settings->width * settings->height * count_channels (settings);
}

static GstCaps *
make_vector_caps (const Settings *settings)
{
  const GstLstmTensors tensors = {
      .n_tensors = 1,
      .size = {count_values (settings)},
      .n_rows = {1},
      .steps = 1,
      .streams = 1,
      .fps_d = 1,
  };

  return gst_lstm_tensors_to_caps (&tensors);
}

/* Returns FALSE and sets @error if the properties have changed since the negotiation of @caps. */
static gboolean
check_vector_caps (const Settings *settings, GstCaps *caps, GError **error)
{
  GstLstmTensors tensors;

  if (!gst_lstm_tensors_from_caps (&tensors, caps, error))
    return FALSE;
  return tensors.size[0] == count_values (settings)
         || gst_lstm_fail (error, GST_LSTM_STREAM (FORMAT),
             "caps field dimensions: expected the %u values of the grid, found %u: the "
             "properties of the grid have changed",
             count_values (settings), tensors.size[0]);
}

static gboolean
gst_lstm_features_set_caps (GstBaseTransform *trans, GstCaps *in_caps, GstCaps *out_caps)
{
  GstLstmFeatures *self = GST_LSTM_FEATURES (trans);
  const Settings settings = get_settings (self);
  g_auto (GstLstmConversion) next = {.n_stages = 0}, last = {.n_stages = 0};
  g_autoptr (GError) error = NULL;

  if (!check_vector_caps (&settings, out_caps, &error)
      || !gst_lstm_conversion_init (&next, in_caps, settings.width, settings.height,
          settings.color == GST_LSTM_COLOR_RGB, &error)) {
    gst_lstm_refusal_set (&self->refusal, in_caps, g_steal_pointer (&error));
    return FALSE;
  }
  last = self->conversion;
  self->conversion = next;
  next = (GstLstmConversion){.n_stages = 0};
  GST_INFO_OBJECT (self, "input caps: %" GST_PTR_FORMAT, in_caps);
  GST_INFO_OBJECT (self, "output caps: %" GST_PTR_FORMAT, out_caps);
  GST_INFO_OBJECT (self, "grid: %ux%u cells of %s, d=%u, %u conversions of a frame",
      settings.width, settings.height,
      settings.color == GST_LSTM_COLOR_RGB ? "red, green and blue" : "luma",
      count_values (&settings), self->conversion.n_stages);
  return TRUE;
}

/* Returns the intersection of @caps (transfer full) and @filter (nullable). The structures have the
 * order of @filter, but the formats have the order of @caps: the element prefers a fast format to
 * the first format of upstream. Returns: (transfer full) */
static GstCaps *
filter_video_caps (GstCaps *caps, GstCaps *filter)
{
  GstCaps *result;

  if (!filter)
    return caps;
  result = gst_caps_intersect_full (caps, filter, GST_CAPS_INTERSECT_FIRST);
  gst_caps_unref (caps);
  return result;
}

/* Both pads have the same framerate. Other fields of one pad do not restrict the other pad, except
 * that the source pad accepts only vectors of the size of the grid. */
static GstCaps *
gst_lstm_features_transform_caps (
    GstBaseTransform *trans, GstPadDirection direction, GstCaps *caps, GstCaps *filter)
{
  Settings settings = get_settings (GST_LSTM_FEATURES (trans));
  g_autoptr (GstCaps) vectors = make_vector_caps (&settings);
  g_autoptr (GstCaps) from = NULL;
  GstCaps *result = gst_caps_new_empty ();

  gst_caps_set_simple (vectors, "framerate", GST_TYPE_FRACTION_RANGE, 0, 1, G_MAXINT, 1, NULL);
  from = direction == GST_PAD_SINK ? gst_caps_ref (caps) : gst_caps_intersect (caps, vectors);
  for (guint i = 0; i < gst_caps_get_size (from); i++) {
    const GValue *framerate = gst_structure_get_value (
        gst_caps_get_structure (from, i), "framerate");
    GstCaps *to = gst_caps_copy (
        direction == GST_PAD_SINK
            ? vectors
            : gst_lstm_formats_get_caps (settings.color == GST_LSTM_COLOR_RGB));

    if (framerate)
      gst_caps_set_value (to, "framerate", framerate);
    result = gst_caps_merge (result, to);
  }
  if (direction == GST_PAD_SRC)
    result = filter_video_caps (result, filter);
  else
    result = gst_lstm_caps_filter (result, filter);
  return result;
}

static gboolean
gst_lstm_features_transform_size (GstBaseTransform *trans, GstPadDirection direction,
    GstCaps *caps, gsize size, GstCaps *other_caps, gsize *other_size)
{
  GstLstmFeatures *self = GST_LSTM_FEATURES (trans);

  if (direction != GST_PAD_SINK)
    return FALSE; /* the size of the frame does not follow from the vector */
  *other_size = gst_lstm_conversion_get_size (&self->conversion) * sizeof (gfloat);
  return TRUE;
}

static gboolean
gst_lstm_features_propose_allocation (
    GstBaseTransform *trans, GstQuery *decide_query, GstQuery *query)
{
  if (!GST_BASE_TRANSFORM_CLASS (gst_lstm_features_parent_class)
           ->propose_allocation (trans, decide_query, query))
    return FALSE;
  gst_query_add_allocation_meta (query, GST_VIDEO_META_API_TYPE, NULL);
  return TRUE;
}

static void
gst_lstm_features_before_transform (GstBaseTransform *trans, GstBuffer *buffer)
{
  GstClockTime time = GST_CLOCK_TIME_NONE;

  if (trans->segment.format == GST_FORMAT_TIME)
    time = gst_segment_to_stream_time (
        &trans->segment, GST_FORMAT_TIME, GST_BUFFER_PTS (buffer));
  if (GST_CLOCK_TIME_IS_VALID (time))
    gst_object_sync_values (GST_OBJECT (trans), time);
}

/* Posts @error with a description of @buffer. Returns ERROR. */
static GstFlowReturn
post_buffer_error (GstLstmFeatures *self, const GError *error, GstBuffer *buffer)
{
  g_autofree gchar *debug = gst_info_strdup_printf ("%" GST_PTR_FORMAT, buffer);

  gst_lstm_post_error (self, error, debug);
  return GST_FLOW_ERROR;
}

static gboolean
map_frame (GstLstmFeatures *self, GstBuffer *buffer, GstVideoFrame *frame, GError **error)
{
  GstVideoInfo *info = &self->conversion.info;

  return gst_video_frame_map (frame, info, buffer, GST_MAP_READ)
         || gst_lstm_fail (error, GST_LSTM_STREAM (FORMAT),
             "buffer: expected a %dx%d %s frame, found %" G_GSIZE_FORMAT " bytes",
             GST_VIDEO_INFO_WIDTH (info), GST_VIDEO_INFO_HEIGHT (info), info->finfo->name,
             gst_buffer_get_size (buffer));
}

/* Maps the first bytes of @buffer: a downstream pool may allocate larger buffers than a vector
 * needs. */
static gboolean
map_vector (GstLstmFeatures *self, GstBuffer *buffer, GstMapInfo *map, GError **error)
{
  const gsize expected = gst_lstm_conversion_get_size (&self->conversion) * sizeof (gfloat);
  const gsize found = gst_buffer_get_size (buffer);

  if (found < expected)
    return gst_lstm_fail (error, GST_LSTM_RESOURCE (WRITE),
        "buffer: expected at least %" G_GSIZE_FORMAT
        " bytes from downstream's pool, found %" G_GSIZE_FORMAT,
        expected, found);
  gst_buffer_set_size (buffer, (gssize) expected);
  return gst_buffer_map (buffer, map, GST_MAP_WRITE)
         || gst_lstm_fail_to_map (error, GST_LSTM_RESOURCE (WRITE), "for writing", expected);
}

/* Writes the vector of @frame to @features. */
static void
compute_features (GstLstmFeatures *self, GstVideoFrame *frame, gfloat *features)
{
  const guint size = gst_lstm_conversion_get_size (&self->conversion);
  const Settings settings = get_settings (self);

  gst_lstm_conversion_run (&self->conversion, frame, features);
  for (guint i = 0; i < size; i++)
    features[i] = (gfloat) ((features[i] - settings.mean) * settings.scale);
}

static GstFlowReturn
gst_lstm_features_transform (GstBaseTransform *trans, GstBuffer *in, GstBuffer *out)
{
  GstLstmFeatures *self = GST_LSTM_FEATURES (trans);
  GstFlowReturn flow = GST_FLOW_OK;
  g_autoptr (GError) error = NULL;
  GstVideoFrame frame;
  GstMapInfo map;

  if (!map_frame (self, in, &frame, &error))
    return post_buffer_error (self, error, in);
  if (map_vector (self, out, &map, &error)) {
    compute_features (self, &frame, (gfloat *) map.data);
    gst_buffer_unmap (out, &map);
  } else {
    flow = post_buffer_error (self, error, out);
  }
  gst_video_frame_unmap (&frame);
  GST_LOG_OBJECT (self, "%s, frame %" GST_PTR_FORMAT ", vector %" GST_PTR_FORMAT,
      gst_flow_get_name (flow), in, out);
  return flow;
}

static gboolean
gst_lstm_features_sink_event (GstBaseTransform *trans, GstEvent *event)
{
  GST_DEBUG_OBJECT (trans, "received %" GST_PTR_FORMAT, event);
  return gst_lstm_refusal_handle_event (&GST_LSTM_FEATURES (trans)->refusal, trans, event,
      GST_BASE_TRANSFORM_CLASS (gst_lstm_features_parent_class)->sink_event);
}

static GstFlowReturn
gst_lstm_features_submit_input_buffer (
    GstBaseTransform *trans, gboolean is_discont, GstBuffer *buffer)
{
  return gst_lstm_refusal_submit_buffer (&GST_LSTM_FEATURES (trans)->refusal, trans, is_discont,
      buffer, GST_BASE_TRANSFORM_CLASS (gst_lstm_features_parent_class)->submit_input_buffer);
}

static gboolean
gst_lstm_features_stop (GstBaseTransform *trans)
{
  GstLstmFeatures *self = GST_LSTM_FEATURES (trans);

  gst_lstm_conversion_clear (&self->conversion);
  gst_lstm_refusal_clear (&self->refusal);
  return TRUE;
}

static void
install_properties (GObjectClass *object_class)
{
  const GParamFlags ready = GST_LSTM_PARAM_READY;
  const GParamFlags playing = GST_LSTM_PARAM_PLAYING | GST_PARAM_CONTROLLABLE;
  const GstLstmProperty properties[] = {
      {g_param_spec_uint (
           "width", "Width", "Columns of the grid, in cells", 1, MAX_CELLS, 16, ready),
          MEMBER (width)},
      {g_param_spec_uint (
           "height", "Height", "Rows of the grid, in cells", 1, MAX_CELLS, 12, ready),
          MEMBER (height)},
      {g_param_spec_enum ("color", "Color",
           "Channels of a cell: luma, or red, green and blue side by side",
           gst_lstm_color_get_type (), GST_LSTM_COLOR_GRAY, ready),
          MEMBER (color)},
      {g_param_spec_double ("mean", "Mean",
           "Number that is subtracted from each value, which is from 0 (black) to 1 (white)",
           -G_MAXFLOAT, G_MAXFLOAT, 0.0, playing),
          MEMBER (mean)},
      {g_param_spec_double ("scale", "Scale",
           "Factor by which each value is multiplied after mean is subtracted", -G_MAXFLOAT,
           G_MAXFLOAT, 1.0, playing),
          MEMBER (scale)},
  };

  gst_lstm_properties_install (object_class, G_STRUCT_OFFSET (GstLstmFeatures, settings),
      properties, G_N_ELEMENTS (properties));
}

static void
add_sink_template (GstElementClass *element_class)
{
  gst_element_class_add_pad_template (
      element_class, gst_pad_template_new ("sink", GST_PAD_SINK, GST_PAD_ALWAYS,
                         gst_lstm_formats_get_caps (FALSE)));
}

static void
gst_lstm_features_class_init (GstLstmFeaturesClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  GstBaseTransformClass *transform_class = GST_BASE_TRANSFORM_CLASS (klass);

  GST_DEBUG_CATEGORY_INIT (lstmfeatures_debug, "lstmfeatures", 0, "video to feature vectors");
  install_properties (object_class);
  add_sink_template (element_class);
  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_lstm_set_metadata (element_class, "lstmfeatures", "LSTM features", "Converter/Video",
      "Averages each video frame to a small grid, as the input of a recurrent network");
  transform_class->transform_caps = gst_lstm_features_transform_caps;
  transform_class->set_caps = gst_lstm_features_set_caps;
  transform_class->transform_size = gst_lstm_features_transform_size;
  transform_class->propose_allocation = gst_lstm_features_propose_allocation;
  transform_class->before_transform = gst_lstm_features_before_transform;
  transform_class->transform = gst_lstm_features_transform;
  transform_class->sink_event = gst_lstm_features_sink_event;
  transform_class->submit_input_buffer = gst_lstm_features_submit_input_buffer;
  transform_class->stop = gst_lstm_features_stop;
}

static void
gst_lstm_features_init (GstLstmFeatures *self)
{
  gst_lstm_properties_init (self);
  gst_lstm_gate_install (GST_BASE_TRANSFORM_SINK_PAD (self));
}
