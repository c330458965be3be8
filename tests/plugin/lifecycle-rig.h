/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * An element between two pads of a test. The test pushes into one pad; the rig records what the
 * other one receives while the element changes its state. */
#pragma once
#include "npy-files.h"

/* Caps of a float32 vector with @size values */
#define VECTOR(size)                                                                           \
  "other/tensors,format=static,num_tensors=1,types=float32,framerate=30/1,dimensions=(string)" \
  "" size ":1:1"

/* An element with a sink pad */
typedef struct {
  const gchar *name;
  const gchar *line;    /* gst-launch line; {m} is replaced by a model, {d} by a directory */
  const gchar *caps;    /* input caps */
  guint n_floats;       /* 32-bit items of an input buffer */
  gboolean loads_model; /* start() loads a model */
} LifecycleElement;

/* All elements with a sink pad, `lstm` first */
#define N_LIFECYCLE_ELEMENTS 4
extern const LifecycleElement lifecycle_elements[N_LIFECYCLE_ELEMENTS];

typedef struct {
  const LifecycleElement *kind;
  const gchar *dir;
  GstFormat segment_format;
  GstElement *element;
  GstPad *sink_pad; /* sink pad of the element */
  GstPad
      *test_src; /* pad of the test that is linked to the element or to an element before it */
  GstPad *test_sink; /* (nullable): pad of the test that is linked to the source pad */
  GMutex lock;       /* guards the fields below */
  GCond changed;
  GPtrArray *inputs;        /* GstBuffer: input buffers that arrived after caps */
  GByteArray *output_bytes; /* content of the output buffers */
  guint n_outputs;          /* output buffers */
  guint n_items;            /* buffers, events and queries that arrived at the sink pad */
} LifecycleRig;

/* Returns: (transfer full): buffer @i of a stream without end */
GstBuffer *lifecycle_buffer_new (const LifecycleElement *kind, guint i);

/* Ignores GStreamer's warning of a buffer that arrives before the events of its stream. Such a
 * buffer was already being pushed when the pad was deactivated and activated again. */
void lifecycle_allow_data_before_events (void);

/* Initializes @rig without an element. */
void lifecycle_rig_init (LifecycleRig *rig, const LifecycleElement *kind, const gchar *dir);
void lifecycle_rig_clear (LifecycleRig *rig);

/* Creates an element in state NULL and links its source pad to the rig. */
void lifecycle_rig_add_element (LifecycleRig *rig, const gchar *model);

/* Sets the element to NULL and frees it. */
void lifecycle_rig_remove_element (LifecycleRig *rig);

/* Links the pad of the test to the sink pad of the element. */
void lifecycle_rig_link (LifecycleRig *rig);

/* Pushes stream-start, caps and segment. GStreamer pushes them again to each pad that is linked or
 * activated later. */
void lifecycle_rig_push_events (LifecycleRig *rig);

/* Clears the records of inputs and outputs. */
void lifecycle_rig_clear_records (LifecycleRig *rig);

/* Asserts that the outputs are, to the last byte, those of a second element that receives the same
 * inputs without interruption. The element has stopped. */
void lifecycle_rig_assert_complete (LifecycleRig *rig, const gchar *model);
