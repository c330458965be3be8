/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "demo-camera.h"
#include "demo-pictures.h"
#include <math.h>

static const gchar *const motion_names[DEMO_N_MOTIONS] = {
    "still", "pan-left", "pan-right", "tilt-up", "tilt-down", "zoom-in", "zoom-out"};

const gchar *
demo_motion_name (DemoMotion motion)
{
  return motion_names[motion];
}

DemoMove
demo_move (DemoMotion motion, gdouble pan, gdouble zoom)
{
  const DemoMove moves[DEMO_N_MOTIONS] = {
      [DEMO_PAN_LEFT] = {.pan = -pan},
      [DEMO_PAN_RIGHT] = {.pan = pan},
      [DEMO_TILT_UP] = {.tilt = -pan},
      [DEMO_TILT_DOWN] = {.tilt = pan},
      [DEMO_ZOOM_IN] = {.zoom = zoom},
      [DEMO_ZOOM_OUT] = {.zoom = -zoom},
  };

  return moves[motion];
}

/* Returns an approximately normal random number with mean 0 and standard deviation @deviation. */
static gdouble
random_normal (GRand *rand, gdouble deviation)
{
  gdouble sum = -6;

  for (guint i = 0; i < 12; i++)
    sum += g_rand_double (rand);
  return deviation * sum;
}

void
demo_hand_init (DemoHand *hand, GRand *rand)
{
  const gdouble keep = 0.8; /* share of the shake of the previous frame */
  const gdouble fresh = sqrt (1 - keep * keep);
  gdouble tremble = g_rand_double_range (rand, 0.0002, 0.0012);
  gdouble uneven = g_rand_double_range (rand, 0.0, 0.15);
  gdouble x = 0, y = 0, speed = 0;

  for (guint i = 0; i < DEMO_MAX_FRAMES; i++) {
    x = keep * x + random_normal (rand, fresh * tremble);
    y = keep * y + random_normal (rand, fresh * tremble);
    speed = keep * speed + random_normal (rand, fresh * uneven);
    hand->x[i] = x;
    hand->y[i] = y;
    hand->speed[i] = 1 + speed;
  }
  hand->drift.pan = random_normal (rand, 0.0002);
  hand->drift.tilt = random_normal (rand, 0.0002);
  hand->drift.zoom = random_normal (rand, 0.0002);
  hand->skew = random_normal (rand, 0.07);
  hand->zoom_x = g_rand_double_range (rand, -0.1, 0.1);
  hand->zoom_y = g_rand_double_range (rand, -0.075, 0.075);
}

static DemoMove
move_hand (const DemoHand *hand, DemoMove move, guint i)
{
  gdouble pan = hand->speed[i] * move.pan, tilt = hand->speed[i] * move.tilt;
  gdouble zoom = hand->speed[i] * move.zoom + hand->drift.zoom;

  return (DemoMove){
      .pan = pan + hand->skew * tilt + hand->drift.pan + hand->zoom_x * expm1 (zoom),
      .tilt = tilt + hand->skew * pan + hand->drift.tilt + hand->zoom_y * expm1 (zoom),
      .zoom = zoom,
  };
}

void
demo_camera_path (
    const DemoHand *hand, const DemoMove *moves, guint n, DemoView last, DemoView *views)
{
  DemoView view = last;

  for (guint i = n; i-- > 0;) {
    DemoMove move = move_hand (hand, moves[i], i);

    views[i] = view;
    views[i].x += hand->x[i] * view.width;
    views[i].y += hand->y[i] * view.width;
    view.x -= move.pan * view.width;
    view.y -= move.tilt * view.width;
    view.width *= exp (move.zoom);
  }
}

gboolean
demo_camera_inside (const DemoView *views, guint n)
{
  for (guint i = 0; i < n; i++) {
    gdouble half = 0.5 * views[i].width;

    if (views[i].x < half || views[i].x > DEMO_PICTURE_WIDTH - half || views[i].y < 0.75 * half
        || views[i].y > DEMO_PICTURE_HEIGHT - 0.75 * half)
      return FALSE;
  }
  return TRUE;
}

void
demo_camera_shoot (cairo_surface_t *picture, DemoView view, cairo_surface_t *frame)
{
  cairo_t *cr = cairo_create (frame);
  gdouble zoom = cairo_image_surface_get_width (frame) / view.width;

  cairo_scale (cr, zoom, zoom);
  cairo_translate (cr, 0.5 * view.width - view.x, 0.375 * view.width - view.y);
  cairo_set_source_surface (cr, picture, 0, 0);
  cairo_pattern_set_filter (cairo_get_source (cr), CAIRO_FILTER_GOOD);
  cairo_paint (cr);
  cairo_destroy (cr);
  cairo_surface_flush (frame);
}
