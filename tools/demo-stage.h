/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A stage on which figures enter, act and leave, and a detector that sees their boxes. */
#pragma once
#include "demo-figure.h"

#define DEMO_STAGE_WIDTH 640
#define DEMO_STAGE_HEIGHT 480

typedef enum {
  DEMO_STAND,
  DEMO_WALK,
  DEMO_RUN,
  DEMO_TURN,
  DEMO_FALL,
  DEMO_LIE,
  DEMO_RISE,
  DEMO_N_ACTIONS
} DemoAction;

const gchar *demo_action_name (DemoAction action);

/* A detected figure. The box is in pixels and inside of the picture. */
typedef struct {
  guint figure; /* number of the figure, from 0, in the order of their entrances */
  DemoAction action;
  gint x, y, width, height;
} DemoDetection;

typedef struct _DemoStage DemoStage;

/* Creates the stage before its first frame. The same seed gives the same film.
 * Returns: (transfer full) */
DemoStage *demo_stage_new (guint32 seed);
void demo_stage_free (DemoStage *stage);

/* Moves the figures to the next frame, and detects them.
 * Returns: (transfer none): the detections, which are valid until the next call
 * @n: (out): their number */
const DemoDetection *demo_stage_step (DemoStage *stage, guint *n);

/* Draws the frame. */
void demo_stage_draw (DemoStage *stage, cairo_surface_t *frame);

/* Draws the place in which the figures act. */
void demo_place_draw (cairo_surface_t *surface, guint32 seed);
