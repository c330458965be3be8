/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A pipeline `npysrc ! fakesink` with a log of the buffers and events that the source pushes. Lines
 * of the log:
 *
 *   caps DIMENSIONS
 *   segment START-STOP
 *   buffer OFFSET-OFFSET_END PTS+DURATION
 *   flush
 *   eos */
#pragma once
#include "npy-files.h"

typedef struct {
  GstElement *pipeline, *src;
  GstBus *bus;
  GMutex lock; /* guards log and items */
  GString *log;
  GArray *items;               /* float: content of the buffers */
  const gchar *truncated_path; /* (nullable): file to truncate after each buffer */
  goffset truncated_size;      /* in bytes */
} NpysrcRig;

/* @rest: printf format of the properties, and of elements between source and sink */
void npysrc_rig_init (NpysrcRig *rig, const gchar *path, const gchar *rest, ...)
    G_GNUC_PRINTF (3, 4);
/* Initializes @rig with @properties and sets the pipeline to PAUSED. */
void npysrc_rig_init_paused (NpysrcRig *rig, const gchar *path, const gchar *properties);
void npysrc_rig_clear (NpysrcRig *rig);

/* Sets the pipeline to @state and asserts that it arrives there. */
void npysrc_rig_set_state (NpysrcRig *rig, GstState state);

/* Plays until a message of @type and asserts that no error precedes it. */
void npysrc_rig_play_until (NpysrcRig *rig, GstMessageType type);

/* Plays until EOS, asserts that the log is @expected, and clears @rig. */
void npysrc_rig_finish (NpysrcRig *rig, const gchar *expected);

/* Asserts that the log is @expected, and clears it. */
void npysrc_rig_assert_log (NpysrcRig *rig, const gchar *expected);

/* Returns item @i of the buffers. */
gfloat npysrc_rig_get_float (NpysrcRig *rig, guint i);
