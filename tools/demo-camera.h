/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A virtual camera over a picture: where it looks at each frame, and what it sees there. */
#pragma once
#include <cairo.h>
#include <glib.h>

#define DEMO_FPS 30

/* What the camera does. pan-right: it turns right, so the picture moves left in the frame. */
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

/* How the view changes from one frame to the next: by pan and tilt in its own widths; zoom is
 * the logarithm by which it shrinks. */
typedef struct {
  gdouble pan, tilt, zoom;
} DemoStep;

/* The step of a motion at @pan widths, or @zoom, per frame. */
DemoStep demo_step (DemoMotion motion, gdouble pan, gdouble zoom);

/* A hand that holds the camera: the same for every motion that is tried with it. */
#define DEMO_MAX_FRAMES 192

typedef struct {
  gdouble x[DEMO_MAX_FRAMES], y[DEMO_MAX_FRAMES]; /* shake, in widths of the view */
  gdouble speed[DEMO_MAX_FRAMES];                 /* factor, about 1 */
  DemoStep drift;                                 /* per frame, whatever the motion */
  gdouble skew;           /* a pan tilts and a tilt pans by this share */
  gdouble zoom_x, zoom_y; /* where a zoom aims, in widths off the centre */
} DemoHand;

void demo_hand_init (DemoHand *hand, GRand *rand);

/* Fills @views, where steps[i] leads from views[i − 1] to views[i], backwards from @last; so
 * where a path ends says nothing of the motion. */
void demo_camera_path (
    const DemoHand *hand, const DemoStep *steps, guint n, DemoView last, DemoView *views);

/* Whether every view lies inside of the picture. */
gboolean demo_camera_inside (const DemoView *views, guint n);

/* Draws the view of @picture, filtered to the size of @frame. */
void demo_camera_shoot (cairo_surface_t *picture, DemoView view, cairo_surface_t *frame);
