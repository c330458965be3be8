/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * SECTION:element-lstmfeatures
 * @title: lstmfeatures
 * @short_description: a video frame to a feature vector
 *
 * Averages each frame down to a coarse grid of luma or RGB cells and gives the cells as one
 * vector of float32: the input of a recurrent network that watches video. A cell is a tent two
 * cells wide over the frame, so that its value moves smoothly when the picture does.
 *
 * The vector holds the rows from the top, in a row the cells from the left, in a cell the
 * channels (one, or R G B), each (value - mean) * scale with value from 0 (black) to 1 (white).
 *
 * Frames of any format and size are taken, with limited or full range. The alpha channel is
 * ignored, interlaced frames are taken as if they were progressive.
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 filesrc location=film.webm ! decodebin ! lstmfeatures width=16 height=12 !
 *   lstm model-location=motion.safetensors ! lstmlabel labels-location=motion.labels !
 *   fakesink dump=true
 * ]| A label for the camera's motion at every frame.
 */
#include "elements.h"
#include "common/errors.h"
#include "common/gate.h"
#include "features/grid.h"
#include "common/tensors.h"
#include <gst/base/gstbasetransform.h>
#include <gst/video/video.h>

GST_DEBUG_CATEGORY_STATIC (lstmfeatures_debug);
#define GST_CAT_DEFAULT lstmfeatures_debug

#define DEFAULT_WIDTH 16
#define DEFAULT_HEIGHT 12
#define MAX_CELLS 1024 /* along a side */
#define DEFAULT_MEAN 0.0
#define DEFAULT_SCALE 1.0

typedef enum {
  GST_LSTM_COLOR_GRAY,
  GST_LSTM_COLOR_RGB,
} GstLstmColor;
#define DEFAULT_COLOR GST_LSTM_COLOR_GRAY

/* What properties say; the object lock guards it. */
typedef struct {
  guint width, height;
  GstLstmColor color;
  gdouble mean, scale;
} Settings;

/* One conversion, to a frame of the same size that is kept. */
typedef struct {
  GstVideoConverter *converter;
  GstVideoFrame out;
} Step;

/* From a frame of some caps to the cells */
typedef struct {
  GstVideoInfo info; /* of the frame */
  Step steps[2];     /* to the picture of 8 bits that is averaged, GRAY8 or RGB */
  guint n_steps;     /* 0: the frame's own first plane is that picture */
  gint black, range; /* of the picture: white is black + range */
  GstLstmGrid grid;
} Conversion;

struct _GstLstmFeatures {
  GstBaseTransform parent;
  Settings settings;

  /* of the streaming thread */
  GstCaps *refused;      /* caps whose error is posted */
  Conversion conversion; /* of the caps that were taken last */
};

#define GST_TYPE_LSTM_FEATURES (gst_lstm_features_get_type ())
G_DECLARE_FINAL_TYPE (GstLstmFeatures, gst_lstm_features, GST, LSTM_FEATURES, GstBaseTransform)
G_DEFINE_TYPE (GstLstmFeatures, gst_lstm_features, GST_TYPE_BASE_TRANSFORM)
GST_ELEMENT_REGISTER_DEFINE (
    lstmfeatures, "lstmfeatures", GST_RANK_NONE, GST_TYPE_LSTM_FEATURES)

enum {
  PROP_0,
  PROP_WIDTH,
  PROP_HEIGHT,
  PROP_COLOR,
  PROP_MEAN,
  PROP_SCALE,
};

/* As videoscale: no frame that exists is larger, and sizes stay far from overflow. */
#define SIDE "(int) [ 1, 32767 ]"
static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE ("sink", GST_PAD_SINK,
    GST_PAD_ALWAYS,
    GST_STATIC_CAPS ("video/x-raw, format = (string) " GST_VIDEO_FORMATS_ALL ", width = " SIDE
                     ", height = " SIDE ", framerate = " GST_VIDEO_FPS_RANGE));
static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE (
    "src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS (GST_LSTM_TENSOR_CAPS));

#define GST_TYPE_LSTM_COLOR (gst_lstm_color_get_type ())
static GType
gst_lstm_color_get_type (void)
{
  static const GEnumValue values[] = {
      {GST_LSTM_COLOR_GRAY, "Luma, one value per cell", "gray"},
      {GST_LSTM_COLOR_RGB, "Red, green and blue, three values per cell", "rgb"},
      {0, NULL, NULL},
  };
  static gsize type;

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_enum_register_static ("GstLstmColor", values));
  return type;
}

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
settings_channels (const Settings *settings)
{
  return settings->color == GST_LSTM_COLOR_RGB ? 3 : 1;
}

static guint
settings_size (const Settings *settings)
{
  return settings->width * settings->height * settings_channels (settings);
}

static GstCaps *
settings_to_caps (const Settings *settings)
{
  const GstLstmTensors tensors = {
      .n_tensors = 1,
      .size = {settings_size (settings)},
      .rows = {1},
      .steps = 1,
      .streams = 1,
      .fps_d = 1,
  };

  return gst_lstm_tensors_to_caps (&tensors);
}

static void
conversion_clear (Conversion *conversion)
{
  while (conversion->n_steps > 0) {
    Step *step = &conversion->steps[--conversion->n_steps];

    gst_video_frame_unmap (&step->out);
    gst_video_converter_free (step->converter);
  }
  gst_lstm_grid_clear (&conversion->grid);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Conversion, conversion_clear)

/* From @in to @out. All is the converter's default but what would touch pixels that have the
 * right value already: dither, and chroma interpolated between pixels. */
static gboolean
add_step (Conversion *conversion, const GstVideoInfo *in, const GstVideoInfo *out)
{
  Step *step = &conversion->steps[conversion->n_steps];
  g_autoptr (GstBuffer) buffer = gst_buffer_new_allocate (NULL, out->size, NULL);

  if (!buffer || !gst_video_frame_map (&step->out, out, buffer, GST_MAP_READWRITE))
    return FALSE;
  step->converter = gst_video_converter_new (in, out,
      gst_structure_new ("options", GST_VIDEO_CONVERTER_OPT_DITHER_METHOD,
          GST_TYPE_VIDEO_DITHER_METHOD, GST_VIDEO_DITHER_NONE,
          GST_VIDEO_CONVERTER_OPT_CHROMA_MODE, GST_TYPE_VIDEO_CHROMA_MODE,
          GST_VIDEO_CHROMA_MODE_NONE, NULL));
  if (!step->converter) {
    gst_video_frame_unmap (&step->out);
    return FALSE;
  }
  conversion->n_steps++;
  return TRUE;
}

/* @out: the size and rate of @in in @format, with its colorimetry, or else the format's own. */
static gboolean
describe (
    GstVideoInfo *out, const GstVideoInfo *in, GstVideoFormat format, gboolean same_colors)
{
  if (!gst_video_info_set_format (out, format, (guint) in->width, (guint) in->height))
    return FALSE;
  out->fps_n = in->fps_n;
  out->fps_d = in->fps_d;
  if (same_colors)
    out->colorimetry = in->colorimetry;
  return TRUE;
}

/* How a frame becomes the picture of @color. */
static gboolean
prepare_steps (Conversion *conversion, GstLstmColor color)
{
  GstVideoInfo in = conversion->info, wide, out;
  gboolean is_rgb = GST_VIDEO_INFO_IS_RGB (&in), rgb = color == GST_LSTM_COLOR_RGB;
  gboolean carried = rgb == is_rgb; /* values remain, with their range, only bits are cut off */
  gboolean full_range = in.colorimetry.range != GST_VIDEO_COLOR_RANGE_16_235;
  gint offset[GST_VIDEO_MAX_COMPONENTS], scale[GST_VIDEO_MAX_COMPONENTS];

  if (!describe (&out, &in, rgb ? GST_VIDEO_FORMAT_RGB : GST_VIDEO_FORMAT_GRAY8, carried))
    return FALSE;
  gst_video_color_range_offsets (out.colorimetry.range, out.finfo, offset, scale);
  conversion->black = offset[0];
  conversion->range = scale[0];

  if (rgb ? in.finfo->format == GST_VIDEO_FORMAT_RGB
          : carried && !GST_VIDEO_FORMAT_INFO_IS_COMPLEX (in.finfo)
                && GST_VIDEO_INFO_COMP_DEPTH (&in, 0) == 8
                && GST_VIDEO_INFO_COMP_PSTRIDE (&in, 0) == 1)
    return TRUE;
  /* The converter's matrices for 8 bits are good enough from RGB of full range only; the others
   * are wrong by up to 6 grey levels, mostly too dark. Those for 16 bits: by up to 2.2. */
  if (!carried && !(is_rgb && full_range) && GST_VIDEO_INFO_COMP_DEPTH (&in, 0) <= 8) {
    if (!describe (&wide, &in, is_rgb ? GST_VIDEO_FORMAT_ARGB64 : GST_VIDEO_FORMAT_AYUV64, TRUE)
        || !add_step (conversion, &in, &wide))
      return FALSE;
    in = wide;
  }
  return add_step (conversion, &in, &out);
}

/* FALSE unless the caps are of a video and of the grid that @settings ask for. */
static gboolean
conversion_init (Conversion *conversion, Settings settings, GstCaps *in_caps, GstCaps *out_caps,
    GError **error)
{
  GstLstmTensors tensors;

  if (!gst_lstm_tensors_from_caps (&tensors, out_caps, error))
    return FALSE;
  if (tensors.size[0] != settings_size (&settings))
    return gst_lstm_fail (error, GST_LSTM_STREAM (FORMAT),
        "caps field dimensions: expected the grid's %u values, got %u: it was changed "
        "meanwhile",
        settings_size (&settings), tensors.size[0]);
  if (!gst_video_info_from_caps (&conversion->info, in_caps))
    return gst_lstm_fail (error, GST_LSTM_STREAM (FORMAT), "caps: expected those of a video");

  /* Fields are lines of one picture, and gray needs some matrix to become RGB. */
  GST_VIDEO_INFO_INTERLACE_MODE (&conversion->info) = GST_VIDEO_INTERLACE_MODE_PROGRESSIVE;
  if (GST_VIDEO_INFO_IS_GRAY (&conversion->info))
    conversion->info.colorimetry.matrix = GST_VIDEO_COLOR_MATRIX_BT601;
  if (!prepare_steps (conversion, settings.color))
    return gst_lstm_fail (
        error, GST_LSTM_STREAM (FORMAT), "caps: no conversion of this video is known");
  gst_lstm_grid_init (&conversion->grid, (guint) GST_VIDEO_INFO_WIDTH (&conversion->info),
      (guint) GST_VIDEO_INFO_HEIGHT (&conversion->info), settings.width, settings.height,
      settings_channels (&settings));
  return TRUE;
}

static gboolean
gst_lstm_features_set_caps (GstBaseTransform *trans, GstCaps *in_caps, GstCaps *out_caps)
{
  GstLstmFeatures *self = GST_LSTM_FEATURES (trans);
  g_auto (Conversion) next = {.n_steps = 0}, last = {.n_steps = 0};
  g_autoptr (GError) error = NULL;

  if (!conversion_init (&next, get_settings (self), in_caps, out_caps, &error)) {
    gst_lstm_refuse_caps (self, &self->refused, in_caps, error);
    return FALSE;
  }
  last = self->conversion;
  self->conversion = next;
  next = (Conversion){.n_steps = 0};
  GST_DEBUG_OBJECT (self, "%ux%u cells of %" GST_PTR_FORMAT ", %u conversions",
      self->conversion.grid.columns.cells, self->conversion.grid.rows.cells, in_caps,
      self->conversion.n_steps);
  return TRUE;
}

/* The framerate is the same at both sides; nothing else of one side says anything of the
 * other, but that vectors of another size come from no video. */
static GstCaps *
gst_lstm_features_transform_caps (
    GstBaseTransform *trans, GstPadDirection direction, GstCaps *caps, GstCaps *filter)
{
  Settings settings = get_settings (GST_LSTM_FEATURES (trans));
  GstPad *other_pad = direction == GST_PAD_SINK ? trans->srcpad : trans->sinkpad;
  g_autoptr (GstCaps) vectors = settings_to_caps (&settings);
  g_autoptr (GstCaps) template = gst_pad_get_pad_template_caps (other_pad);
  g_autoptr (GstCaps) from = NULL;
  GstCaps *result = gst_caps_new_empty ();

  gst_caps_set_simple (vectors, "framerate", GST_TYPE_FRACTION_RANGE, 0, 1, G_MAXINT, 1, NULL);
  from = direction == GST_PAD_SINK ? gst_caps_ref (caps) : gst_caps_intersect (caps, vectors);
  for (guint i = 0; i < gst_caps_get_size (from); i++) {
    const GValue *framerate = gst_structure_get_value (
        gst_caps_get_structure (from, i), "framerate");
    GstCaps *to = gst_caps_copy (direction == GST_PAD_SINK ? vectors : template);

    if (framerate)
      gst_caps_set_value (to, "framerate", framerate);
    result = gst_caps_merge (result, to);
  }
  result = gst_lstm_caps_filter (result, filter);
  GST_LOG_OBJECT (trans, "%" GST_PTR_FORMAT " to %" GST_PTR_FORMAT, caps, result);
  return result;
}

static guint
vector_size (GstLstmFeatures *self)
{
  const GstLstmGrid *grid = &self->conversion.grid;

  return grid->rows.cells * grid->columns.cells * grid->channels;
}

static gboolean
gst_lstm_features_transform_size (GstBaseTransform *trans, GstPadDirection direction,
    GstCaps *caps, gsize size, GstCaps *other_caps, gsize *other_size)
{
  GstLstmFeatures *self = GST_LSTM_FEATURES (trans);

  if (direction != GST_PAD_SINK)
    return FALSE; /* a vector does not tell how large the frame was */
  *other_size = vector_size (self) * sizeof (gfloat);
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

/* A downstream pool may give larger buffers than a vector needs, but not smaller ones. */
static gboolean
map_vector (GstLstmFeatures *self, GstBuffer *buffer, GstMapInfo *map)
{
  gsize size = vector_size (self) * sizeof (gfloat);

  if (gst_buffer_get_size (buffer) >= size) {
    gst_buffer_set_size (buffer, (gssize) size);
    if (gst_buffer_map (buffer, map, GST_MAP_WRITE))
      return TRUE;
  }
  GST_ELEMENT_ERROR (self, RESOURCE, WRITE, ("The vector's memory cannot be written."),
      ("%" GST_PTR_FORMAT, buffer));
  return FALSE;
}

/* @features: (vector_size), of one frame. */
static void
make_features (GstLstmFeatures *self, GstVideoFrame *frame, gfloat *features)
{
  Settings settings = get_settings (self);
  const GstVideoFrame *picture = frame;

  frame->flags = GST_VIDEO_FRAME_FLAG_NONE; /* a meta may say that it is interlaced */
  for (guint i = 0; i < self->conversion.n_steps; picture = &self->conversion.steps[i++].out)
    gst_video_converter_frame (
        self->conversion.steps[i].converter, picture, &self->conversion.steps[i].out);
  gst_lstm_grid_average (&self->conversion.grid, GST_VIDEO_FRAME_COMP_DATA (picture, 0),
      GST_VIDEO_FRAME_COMP_STRIDE (picture, 0), features);
  for (guint i = 0; i < vector_size (self); i++) {
    gfloat value = (features[i] - self->conversion.black) / self->conversion.range;

    features[i] = (gfloat) ((CLAMP (value, 0.0f, 1.0f) - settings.mean) * settings.scale);
  }
}

static GstFlowReturn
gst_lstm_features_transform (GstBaseTransform *trans, GstBuffer *in, GstBuffer *out)
{
  GstLstmFeatures *self = GST_LSTM_FEATURES (trans);
  GstFlowReturn flow = GST_FLOW_ERROR;
  GstVideoFrame frame;
  GstMapInfo map;

  if (!gst_video_frame_map (&frame, &self->conversion.info, in, GST_MAP_READ)) {
    GST_ELEMENT_ERROR (self, STREAM, FORMAT,
        ("A buffer of %" G_GSIZE_FORMAT " bytes does not hold the %dx%d %s frame of its caps.",
            gst_buffer_get_size (in), GST_VIDEO_INFO_WIDTH (&self->conversion.info),
            GST_VIDEO_INFO_HEIGHT (&self->conversion.info), self->conversion.info.finfo->name),
        ("%" GST_PTR_FORMAT, in));
    return GST_FLOW_ERROR;
  }
  if (map_vector (self, out, &map)) {
    make_features (self, &frame, (gfloat *) map.data);
    gst_buffer_unmap (out, &map);
    flow = GST_FLOW_OK;
  }
  gst_video_frame_unmap (&frame);
  return flow;
}

static gboolean
gst_lstm_features_sink_event (GstBaseTransform *trans, GstEvent *event)
{
  gst_lstm_forget_refused_caps (&GST_LSTM_FEATURES (trans)->refused, event);
  return GST_BASE_TRANSFORM_CLASS (gst_lstm_features_parent_class)->sink_event (trans, event);
}

static gboolean
gst_lstm_features_stop (GstBaseTransform *trans)
{
  GstLstmFeatures *self = GST_LSTM_FEATURES (trans);

  conversion_clear (&self->conversion);
  gst_caps_replace (&self->refused, NULL);
  return TRUE;
}

static void
gst_lstm_features_set_property (
    GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  Settings *settings = &GST_LSTM_FEATURES (object)->settings;

  GST_OBJECT_LOCK (object);
  switch (id) {
  case PROP_WIDTH:
    settings->width = g_value_get_uint (value);
    break;
  case PROP_HEIGHT:
    settings->height = g_value_get_uint (value);
    break;
  case PROP_COLOR:
    settings->color = g_value_get_enum (value);
    break;
  case PROP_MEAN:
    settings->mean = g_value_get_double (value);
    break;
  case PROP_SCALE:
    settings->scale = g_value_get_double (value);
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
  GST_OBJECT_UNLOCK (object);
}

static void
gst_lstm_features_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  Settings settings = get_settings (GST_LSTM_FEATURES (object));

  switch (id) {
  case PROP_WIDTH:
    g_value_set_uint (value, settings.width);
    break;
  case PROP_HEIGHT:
    g_value_set_uint (value, settings.height);
    break;
  case PROP_COLOR:
    g_value_set_enum (value, settings.color);
    break;
  case PROP_MEAN:
    g_value_set_double (value, settings.mean);
    break;
  case PROP_SCALE:
    g_value_set_double (value, settings.scale);
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
}

static void
install_properties (GObjectClass *object_class)
{
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS;
  const GParamFlags ready = flags | GST_PARAM_MUTABLE_READY;
  const GParamFlags any = flags | GST_PARAM_CONTROLLABLE | GST_PARAM_MUTABLE_PLAYING;

  g_object_class_install_property (object_class, PROP_WIDTH,
      g_param_spec_uint ("width", "Width", "Columns of the grid, in cells", 1, MAX_CELLS,
          DEFAULT_WIDTH, ready));
  g_object_class_install_property (object_class, PROP_HEIGHT,
      g_param_spec_uint ("height", "Height", "Rows of the grid, in cells", 1, MAX_CELLS,
          DEFAULT_HEIGHT, ready));
  g_object_class_install_property (object_class, PROP_COLOR,
      g_param_spec_enum ("color", "Color",
          "Channels of a cell: luma, or red, green and blue side by side", GST_TYPE_LSTM_COLOR,
          DEFAULT_COLOR, ready));
  g_object_class_install_property (object_class, PROP_MEAN,
      g_param_spec_double ("mean", "Mean",
          "Taken from each value, which is from 0 (black) to 1 (white)", -G_MAXFLOAT,
          G_MAXFLOAT, DEFAULT_MEAN, any));
  g_object_class_install_property (object_class, PROP_SCALE,
      g_param_spec_double ("scale", "Scale",
          "Factor for each value, after mean has been taken from it", -G_MAXFLOAT, G_MAXFLOAT,
          DEFAULT_SCALE, any));
}

static void
gst_lstm_features_class_init (GstLstmFeaturesClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  GstBaseTransformClass *transform_class = GST_BASE_TRANSFORM_CLASS (klass);

  GST_DEBUG_CATEGORY_INIT (lstmfeatures_debug, "lstmfeatures", 0, "video to feature vectors");
  object_class->set_property = gst_lstm_features_set_property;
  object_class->get_property = gst_lstm_features_get_property;
  install_properties (object_class);
  gst_type_mark_as_plugin_api (GST_TYPE_LSTM_COLOR, 0);
  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_element_class_set_static_metadata (element_class, "LSTM features", "Converter/Video",
      "Averages each video frame down to a small grid, as the input of a recurrent network",
      "The gst-lstm developers");
  transform_class->transform_caps = gst_lstm_features_transform_caps;
  transform_class->set_caps = gst_lstm_features_set_caps;
  transform_class->transform_size = gst_lstm_features_transform_size;
  transform_class->propose_allocation = gst_lstm_features_propose_allocation;
  transform_class->before_transform = gst_lstm_features_before_transform;
  transform_class->transform = gst_lstm_features_transform;
  transform_class->sink_event = gst_lstm_features_sink_event;
  transform_class->stop = gst_lstm_features_stop;
}

static void
gst_lstm_features_init (GstLstmFeatures *self)
{
  self->settings = (Settings){
      DEFAULT_WIDTH, DEFAULT_HEIGHT, DEFAULT_COLOR, DEFAULT_MEAN, DEFAULT_SCALE};
  gst_lstm_gate_install (GST_BASE_TRANSFORM_SINK_PAD (self));
}
