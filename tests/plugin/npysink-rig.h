/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * An element `npysink` that a test feeds through a pad, with a bus. */
#pragma once
#include "npy-files.h"

#define TENSOR_CAPS(n, types, dimensions)                                                      \
  "other/tensors,format=static,num_tensors=(int)" #n ",types=(string)\"" types                 \
  "\",dimensions=(string)\"" dimensions "\",framerate=(fraction)0/1"
#define CAPS_1(dimensions) TENSOR_CAPS (1, "float32", dimensions)

typedef struct {
  gchar *dir, *path;
  GstHarness *harness; /* of an npysink that writes to path */
  GstBus *bus;
} SinkRig;

/* A test with this fixture */
typedef struct {
  const gchar *name;
  void (*run) (SinkRig *rig, gconstpointer data);
} SinkRigTest;

/* Creates a sink in NULL that writes to y.npy in a new directory. */
void sink_rig_init (SinkRig *rig, gconstpointer data);
void sink_rig_clear (SinkRig *rig, gconstpointer data);

/* Sets the property location to @name in the directory. */
void sink_rig_set_location (SinkRig *rig, const gchar *name);

/* Starts the sink and a stream. @caps: (nullable): NULL for a stream without caps */
void sink_rig_start (SinkRig *rig, const gchar *caps);

/* Sets the sink to READY. */
void sink_rig_stop (SinkRig *rig);

/* Pushes caps, which the sink may refuse. */
void sink_rig_push_caps (SinkRig *rig, const gchar *caps);
void sink_rig_push_segment (SinkRig *rig);

/* Pushes FLUSH_START, FLUSH_STOP and a segment. */
void sink_rig_push_flush (SinkRig *rig);
void sink_rig_push_eos (SinkRig *rig);

/* Appends a memory with the items @first, @first + 1, … */
void append_numbers (GstBuffer *buffer, gint first, guint n);

/* Pushes a buffer with the items @first, @first + 1, … */
GstFlowReturn sink_rig_push_numbers (SinkRig *rig, gint first, guint n);

/* Returns item @i of a file with a header of 128 bytes. */
gfloat get_npy_float (const gchar *contents, gsize i);

/* Asserts that a file has the header that NumPy writes, and @n numbers from @first on. */
void assert_npy_file (const gchar *path, const gchar *shape, gint first, gsize n);

/* Asserts that the directory has @n files. */
void sink_rig_assert_n_files (SinkRig *rig, guint n);
