/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A virtual camera over a picture: its view in each frame, and the frame that it films. */
#pragma once
#include <cairo.h>
#include <glib.h>

#define DEMO_FPS 30

/* Motions of the camera. In pan-right the camera turns right, so the picture moves left in the
 * frame. */
typedef enum {
  DEMO_STILL,
  DEMO_PAN_LEFT,
  DEMO_PAN_RIGHT,
  DEMO_TILT_UP,
  DEMO_TILT_DOWN,
  DEMO_ZOOM_IN,
  DEMO_ZOOM_OUT,
  DEMO_N_MOTIONS
} DemoMotion;

const gchar *demo_motion_name (DemoMotion motion);

/* The part of the picture in the frame, 4:3: its centre and width, in pixels of the picture. */
typedef struct {
  gdouble x, y, width;
} DemoView;

/* The change of the view from one frame to the next. Pan and tilt are in widths of the view; zoom
 * is the logarithm of the factor by which the view shrinks. */
typedef struct {
  gdouble pan, tilt, zoom;
} DemoMove;

/* Returns the move of a motion at @pan widths, or @zoom, per frame. */
DemoMove demo_move (DemoMotion motion, gdouble pan, gdouble zoom);

/* The shake, speed and drift of a hand that carries the camera. They do not depend on the
 * motion. */
#define DEMO_MAX_FRAMES 192

typedef struct {
  gdouble x[DEMO_MAX_FRAMES], y[DEMO_MAX_FRAMES]; /* shake, in widths of the view */
  gdouble speed[DEMO_MAX_FRAMES];                 /* factor, about 1 */
  DemoMove drift;                                 /* per frame, in addition to each motion */
  gdouble skew;           /* share of a pan that also tilts, and of a tilt that also pans */
  gdouble zoom_x, zoom_y; /* centre of a zoom, in widths from the centre of the view */
} DemoHand;

void demo_hand_init (DemoHand *hand, GRand *rand);

/* Fills @views backwards from @last: moves[i] leads from views[i − 1] to views[i]. The last view
 * is independent of the motion, so it does not reveal the motion. */
void demo_camera_path (
    const DemoHand *hand, const DemoMove *moves, guint n, DemoView last, DemoView *views);

/* Returns whether all views are inside the picture. */
gboolean demo_camera_inside (const DemoView *views, guint n);

/* Draws the view of @picture, filtered to the size of @frame. */
void demo_camera_shoot (cairo_surface_t *picture, DemoView view, cairo_surface_t *frame);
