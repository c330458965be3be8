/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The place in which the figures act: a square in front of a park. */
#include "demo-stage.h"
#include <math.h>

#define W DEMO_STAGE_WIDTH
#define H DEMO_STAGE_HEIGHT
#define HORIZON (0.4 * H)
#define SQUARE (0.5 * H) /* top of the square */

static void
fill_gradient (cairo_t *cr, gdouble top, gdouble bottom, DemoColor from, DemoColor to)
{
  cairo_pattern_t *gradient = cairo_pattern_create_linear (0, top, 0, bottom);

  cairo_pattern_add_color_stop_rgb (gradient, 0, from.r, from.g, from.b);
  cairo_pattern_add_color_stop_rgb (gradient, 1, to.r, to.g, to.b);
  cairo_set_source (cr, gradient);
  cairo_rectangle (cr, 0, top, W, bottom - top);
  cairo_fill (cr);
  cairo_pattern_destroy (gradient);
}

static void
draw_cloud (cairo_t *cr, GRand *rand)
{
  const gdouble x = demo_random (rand, 0, W), y = demo_random (rand, 20, 0.6 * HORIZON);
  const gdouble size = demo_random (rand, 10, 22);

  for (guint i = 0; i < 9; i++)
    for (guint puff = 0; puff < 2; puff++) {
      cairo_arc (cr, x + size * 0.7 * ((gdouble) i - 4), y - (puff ? 0.35 * size : 0),
          size * demo_random (rand, 0.4, 0.9) * (1 - fabs ((gdouble) i - 4) / 6), 0, 2 * G_PI);
      cairo_set_source_rgba (cr, 1, 1, 1, 0.5);
      cairo_fill (cr);
    }
}

/* Draws hills, whose outline is noise. */
static void
draw_hills (cairo_t *cr, guint32 seed, gdouble base, gdouble rise, DemoColor color)
{
  cairo_move_to (cr, 0, SQUARE);
  for (gint x = 0; x <= W; x += 4)
    cairo_line_to (cr, x, base - rise * (0.5 + demo_noise_sum (x / 150., base, seed, 3)));
  cairo_line_to (cr, W, SQUARE);
  cairo_close_path (cr);
  demo_fill (cr, color);
}

static void
draw_tree (cairo_t *cr, GRand *rand, gdouble x, gdouble ground, gdouble size)
{
  const DemoColor leaves = demo_hsv (demo_random (rand, 0.24, 0.36),
      demo_random (rand, 0.4, 0.6), demo_random (rand, 0.4, 0.6));

  cairo_rectangle (cr, x - 0.04 * size, ground - 0.45 * size, 0.08 * size, 0.45 * size);
  demo_fill (cr, (DemoColor){0.33, 0.24, 0.17});
  for (guint i = 0; i < 40; i++) {
    const gdouble angle = demo_random (rand, 0, 2 * G_PI), r = sqrt (demo_random (rand, 0, 1));
    const gdouble light = 0.5 - 0.5 * r * sin (angle);

    cairo_arc (cr, x + 0.28 * size * r * cos (angle),
        ground - 0.68 * size + 0.26 * size * r * sin (angle), 0.09 * size, 0, 2 * G_PI);
    demo_fill (cr, demo_mix (demo_mix (leaves, (DemoColor){0, 0.1, 0.05}, 0.35),
                       demo_mix (leaves, (DemoColor){1, 1, 0.6}, 0.25), light));
  }
}

/* Draws the slabs of the square: rows that grow towards the camera, and lines to a vanishing
 * point. */
static void
draw_slabs (cairo_t *cr, GRand *rand)
{
  gdouble top = SQUARE;

  for (guint row = 0; top < H; row++) {
    const gdouble height = 5 + 0.2 * (top - SQUARE), near = (top - HORIZON) / (H - HORIZON);

    for (gint i = -24; i < 24; i++) {
      const gdouble width = 150 * near, shade = demo_random (rand, -0.025, 0.025);
      const gdouble left = W / 2. + (i + 0.5 * (row % 2)) * width;

      cairo_rectangle (cr, left, top, width, height);
      cairo_set_source_rgb (cr, 0.74 + shade, 0.71 + shade, 0.66 + shade);
      cairo_fill_preserve (cr);
      cairo_set_source_rgba (cr, 0.45, 0.42, 0.4, 0.35);
      cairo_set_line_width (cr, 0.6 + near);
      cairo_stroke (cr);
    }
    top += height;
  }
}

static void
draw_lamp (cairo_t *cr, gdouble x, gdouble ground, gdouble size)
{
  cairo_rectangle (cr, x - 0.012 * size, ground - size, 0.024 * size, size);
  cairo_rectangle (cr, x - 0.04 * size, ground - 0.03 * size, 0.08 * size, 0.03 * size);
  demo_fill (cr, (DemoColor){0.2, 0.22, 0.25});
  cairo_arc (cr, x, ground - size, 0.06 * size, 0, 2 * G_PI);
  demo_fill (cr, (DemoColor){0.98, 0.96, 0.85});
}

void
demo_place_draw (cairo_surface_t *surface, guint32 seed)
{
  GRand *rand = g_rand_new_with_seed (seed);
  cairo_t *cr = cairo_create (surface);

  fill_gradient (cr, 0, SQUARE, (DemoColor){0.45, 0.66, 0.9}, (DemoColor){0.9, 0.94, 0.97});
  for (guint i = 0; i < 4; i++)
    draw_cloud (cr, rand);
  draw_hills (cr, seed, HORIZON - 10, 60, (DemoColor){0.62, 0.72, 0.78});
  draw_hills (cr, seed, HORIZON + 15, 35, (DemoColor){0.5, 0.64, 0.5});
  fill_gradient (
      cr, HORIZON + 25, SQUARE, (DemoColor){0.5, 0.66, 0.4}, (DemoColor){0.4, 0.58, 0.32});
  for (guint i = 0; i < 11; i++)
    draw_tree (cr, rand, 64. * i + demo_random (rand, -25, 25),
        SQUARE - demo_random (rand, 2, 14), demo_random (rand, 70, 120));
  draw_slabs (cr, rand);
  for (guint i = 0; i < 3; i++)
    draw_lamp (cr, W * (0.16 + 0.34 * i), SQUARE + 6, 120);
  cairo_destroy (cr);
  g_rand_free (rand);
}
