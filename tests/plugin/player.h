/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * An application that plays pipelines with `lstm` and one state file. The outputs are recorded by
 * step. */
#pragma once
#include "lstm-rig.h"

#define QUEUE "queue max-size-time=0 !" /* has room for a complete stream */

/* The pipeline of a player */
typedef struct {
  const gchar *folder, *framerate, *properties;
  guint steps;           /* of a buffer */
  guint stride;          /* steps between two positions at which the stream is interrupted */
  gboolean in_bytes;     /* filesrc instead of npysrc: one stream, and only full buffers */
  const gchar *elements; /* (nullable): gst-launch text between `lstm` and the sink */
} PlayerSetup;

typedef struct {
  const PlayerSetup *setup;
  StepArray x; /* input */
  gchar *dir, *state_path, *model_path;
  GstElement *pipeline, *source, *lstm;
  GstBus *bus;
  GMutex lock; /* guards the fields below */
  GCond cond;
  GPtrArray *outputs;      /* GBytes: the output of each step, (streams, n) */
  gboolean element_at_eos; /* `lstm` has received EOS */
  gboolean sink_at_eos;    /* the sink has received EOS */
} Player;

void player_init (Player *player, const PlayerSetup *setup);
void player_clear (Player *player);

/* Writes the first @steps steps of the input in the format of the source.
 * Returns: (transfer full): the path */
gchar *player_write_input (const Player *player, gsize steps);

/* Creates a pipeline in READY. @path: input file. @keep_state: whether to set state-location */
void player_open (Player *player, const gchar *path, gboolean keep_state);

/* Sets the pipeline to PAUSED and waits for the preroll. */
void player_pause (Player *player);

/* Seeks with a flush. */
void player_seek (Player *player, GstFormat format, guint64 position);

/* Sets the pipeline to NULL, asserts that no error or warning was posted, and frees the
 * pipeline. */
void player_close (Player *player);

/* Plays until EOS and closes the pipeline. */
void player_finish (Player *player);

/* Plays a file of the first @steps steps from its beginning to its end. */
void player_play_file (Player *player, gsize steps, gboolean keep_state);

/* Returns: (transfer full): the outputs of the complete input without interruption. @keep_state: as
 * in player_open() */
GPtrArray *player_run_undisturbed (Player *player, gboolean keep_state);

/* Reads the fields of the next message lstm-restored: the position at which the stream
 * continues. */
void player_read_restored (Player *player, guint64 *time, guint64 *steps);

/* Returns the number @key in the metadata of a state file. */
guint64 read_metadata_number (const gchar *path, const gchar *key);
