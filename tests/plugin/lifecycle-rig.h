/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * An element between a pad that a test pushes from and one that keeps what leaves, while its state
 * changes. */
#pragma once
#include "../array.h"
#include "npy-files.h"

#define VECTOR(size)                                                                           \
  "other/tensors,format=static,num_tensors=1,types=float32,framerate=30/1,dimensions=(string)" \
  "" size ":1:1"

/* An element with a sink pad */
typedef struct {
  const gchar *name, *line; /* {m}: a model, {d}: a folder */
  const gchar *caps;        /* what it takes, */
  guint floats;             /* in buffers of so many */
  gboolean loads;           /* a model, for as long as a test wants */
} Row;

static const Row rows[] = {
    {"lstm", "lstm model-location={m}", VECTOR ("1"), 1, TRUE},
    {"lstmfeatures", "lstmfeatures",
        "video/x-raw,format=GRAY8,width=32,height=24,framerate=30/1", 32 * 24 / 4, FALSE},
    {"lstmlabel", "lstmlabel", VECTOR ("4"), 4, FALSE},
    {"npysink", "npysink async=false location={d}/npysink.npy", VECTOR ("4"), 4, FALSE},
};

typedef struct {
  const Row *row;
  const gchar *dir;
  GstFormat format; /* of the segment */
  GstElement *element;
  GstPad *in;   /* the element's sink pad */
  GstPad *from; /* what is linked to it, or to what stands before it */
  GstPad *to;   /* what is linked to its source pad, if there is one */
  GMutex lock;  /* of all that follows */
  GCond changed;
  GPtrArray *came;  /* buffers that the element's pad let in */
  GByteArray *left; /* the content of those that left; */
  guint n_left;     /* their number */
  guint n_items;    /* buffers, events and queries that the pad let in */
} Rig;

/* Returns: (transfer full) */
static inline GstElement *
row_new_element (const Row *row, const gchar *model, const gchar *dir)
{
  g_autoptr (GString) line = g_string_new (row->line);
  g_autoptr (GError) error = NULL;
  GstElement *element;

  g_string_replace (line, "{m}", model, 0);
  g_string_replace (line, "{d}", dir, 0);
  element = gst_object_ref_sink (gst_parse_launch (line->str, &error));
  g_assert_no_error (error);
  return element;
}

/* The @i-th of a stream that never ends. Returns: (transfer full) */
static inline GstBuffer *
row_buffer (const Row *row, guint i)
{
  gfloat *items = g_new (gfloat, row->floats);
  GstBuffer *buffer;

  for (guint k = 0; k < row->floats; k++)
    items[k] = (gfloat) ((i * 7 + k * 3) % 11) / 8;
  buffer = gst_buffer_new_wrapped (items, row->floats * sizeof (gfloat));
  GST_BUFFER_PTS (buffer) = i * (GST_SECOND / 30);
  GST_BUFFER_DURATION (buffer) = GST_SECOND / 30;
  return buffer;
}

/* A buffer that was on its way while the pad was deactivated and activated comes without events and
 * is of no account: GStreamer's warning of it neither ends the test nor counts. */
static inline gboolean
rig_is_fatal (const gchar *domain, GLogLevelFlags level, const gchar *message, gpointer data)
{
  return !strstr (message, "Got data flow before");
}

static inline void
rig_on_warning (const gchar *domain, GLogLevelFlags level, const gchar *message, gpointer data)
{
  if (rig_is_fatal (domain, level, message, data))
    g_log_default_handler (domain, level, message, data);
}

static inline void
rig_allow_data_before_events (void)
{
  g_log_set_handler ("GStreamer", G_LOG_LEVEL_WARNING | G_LOG_FLAG_FATAL, rig_on_warning, NULL);
  g_test_log_set_fatal_handler (rig_is_fatal, NULL);
}

static inline GstPadProbeReturn
rig_on_item (GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  const gboolean is_known = gst_pad_has_current_caps (pad);
  Rig *rig = data;

  g_mutex_lock (&rig->lock);
  rig->n_items++;
  if (GST_IS_BUFFER (info->data) && is_known)
    g_ptr_array_add (rig->came, gst_buffer_ref (info->data));
  g_cond_broadcast (&rig->changed);
  g_mutex_unlock (&rig->lock);
  return GST_PAD_PROBE_OK;
}

static inline GstFlowReturn
rig_on_output (GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  Rig *rig = gst_pad_get_element_private (pad);
  GstMapInfo map;

  g_assert_true (gst_buffer_map (buffer, &map, GST_MAP_READ));
  g_mutex_lock (&rig->lock);
  g_byte_array_append (rig->left, map.data, (guint) map.size);
  rig->n_left++;
  g_cond_broadcast (&rig->changed);
  g_mutex_unlock (&rig->lock);
  gst_buffer_unmap (buffer, &map);
  gst_buffer_unref (buffer);
  return GST_FLOW_OK;
}

static inline void
rig_forget (Rig *rig)
{
  g_mutex_lock (&rig->lock);
  g_ptr_array_set_size (rig->came, 0);
  g_byte_array_set_size (rig->left, 0);
  rig->n_left = rig->n_items = 0;
  g_mutex_unlock (&rig->lock);
}

/* From here on the rig has an element, in NULL, whose source pad is linked. */
static inline void
rig_set_element (Rig *rig, const gchar *model)
{
  static GstStaticPadTemplate any = GST_STATIC_PAD_TEMPLATE (
      "to", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);
  g_autoptr (GstPad) out = NULL;

  rig->element = row_new_element (rig->row, model, rig->dir);
  rig->in = gst_element_get_static_pad (rig->element, "sink");
  gst_pad_add_probe (rig->in,
      GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM
          | GST_PAD_PROBE_TYPE_EVENT_FLUSH | GST_PAD_PROBE_TYPE_QUERY_DOWNSTREAM
          | GST_PAD_PROBE_TYPE_PUSH,
      rig_on_item, rig, NULL);
  out = gst_element_get_static_pad (rig->element, "src");
  if (!out)
    return;
  rig->to = gst_pad_new_from_static_template (&any, "to");
  gst_pad_set_element_private (rig->to, rig);
  gst_pad_set_chain_function (rig->to, rig_on_output);
  gst_pad_set_active (rig->to, TRUE);
  g_assert_cmpint (gst_pad_link (out, rig->to), ==, GST_PAD_LINK_OK);
}

static inline void
rig_clear_element (Rig *rig)
{
  gst_element_set_state (rig->element, GST_STATE_NULL);
  if (rig->to)
    gst_pad_set_active (rig->to, FALSE);
  g_clear_pointer (&rig->to, gst_object_unref);
  g_clear_pointer (&rig->in, gst_object_unref);
  g_clear_pointer (&rig->element, gst_object_unref);
}

/* Events that GStreamer sends once more to whatever is linked to the pad, and activated. */
static inline void
rig_push_events (Rig *rig)
{
  g_autoptr (GstCaps) caps = gst_caps_from_string (rig->row->caps);
  GstSegment segment;

  gst_segment_init (&segment, rig->format);
  gst_pad_push_event (rig->from, gst_event_new_stream_start ("stream"));
  gst_pad_push_event (rig->from, gst_event_new_caps (caps));
  gst_pad_push_event (rig->from, gst_event_new_segment (&segment));
}

static inline void
rig_init (Rig *rig, const Row *row, const gchar *dir)
{
  *rig = (Rig){.row = row,
      .dir = dir,
      .format = GST_FORMAT_TIME,
      .came = g_ptr_array_new_with_free_func ((GDestroyNotify) gst_buffer_unref),
      .left = g_byte_array_new ()};
  g_mutex_init (&rig->lock);
  g_cond_init (&rig->changed);
  rig_allow_data_before_events ();
  rig->from = gst_pad_new ("from", GST_PAD_SRC);
  gst_pad_set_active (rig->from, TRUE);
}

static inline void
rig_clear (Rig *rig)
{
  if (rig->element)
    rig_clear_element (rig);
  gst_pad_set_active (rig->from, FALSE);
  gst_object_unref (rig->from);
  g_ptr_array_unref (rig->came);
  g_byte_array_unref (rig->left);
  g_mutex_clear (&rig->lock);
  g_cond_clear (&rig->changed);
}

/* The file of a sink that has stopped is what left it. */
static inline void
rig_read_file (Rig *rig)
{
  g_autofree gchar *path = g_build_filename (rig->dir, "npysink.npy", NULL);
  g_autofree gchar *content = NULL;
  gsize size;

  if (rig->to)
    return;
  g_assert_true (g_file_get_contents (path, &content, &size, NULL));
  g_byte_array_append (rig->left, (const guint8 *) content, (guint) size);
}

/* The element has stopped: what left is what leaves another one that is left in peace and gets the
 * same, to the last byte. */
static inline void
rig_assert_complete (Rig *rig, const gchar *model)
{
  Rig calm;

  g_assert_cmpuint (rig->came->len, >, 0);
  rig_read_file (rig);
  rig_init (&calm, rig->row, rig->dir);
  calm.format = rig->format;
  rig_set_element (&calm, model);
  g_assert_cmpint (gst_pad_link (calm.from, calm.in), ==, GST_PAD_LINK_OK);
  g_assert_cmpint (
      gst_element_set_state (calm.element, GST_STATE_PLAYING), !=, GST_STATE_CHANGE_FAILURE);
  rig_push_events (&calm);
  for (guint i = 0; i < rig->came->len; i++)
    g_assert_cmpint (
        gst_pad_push (calm.from, gst_buffer_ref (rig->came->pdata[i])), ==, GST_FLOW_OK);
  gst_element_set_state (calm.element, GST_STATE_READY);
  rig_read_file (&calm);
  g_assert_cmpuint (rig->n_left, ==, calm.n_left);
  g_assert_cmpmem (rig->left->data, rig->left->len, calm.left->data, calm.left->len);
  rig_clear (&calm);
}
