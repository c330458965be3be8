/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Painters of places, drawn with cairo. Lengths are in pixels. */
#include "demo-pictures.h"
#include <math.h>

#define W DEMO_PICTURE_WIDTH
#define H DEMO_PICTURE_HEIGHT

static const DemoColor black = {0, 0, 0};
static const DemoColor white = {1, 1, 1};

/* Fills a rectangle with a gradient from color @top to color @bottom. */
static void
fill_shaded (
    cairo_t *cr, gdouble x, gdouble y, gdouble w, gdouble h, DemoColor top, DemoColor bottom)
{
  cairo_pattern_t *shade = cairo_pattern_create_linear (0, y, 0, y + h);

  cairo_pattern_add_color_stop_rgb (shade, 0, top.r, top.g, top.b);
  cairo_pattern_add_color_stop_rgb (shade, 1, bottom.r, bottom.g, bottom.b);
  cairo_set_source (cr, shade);
  cairo_rectangle (cr, x, y, w, h);
  cairo_fill (cr);
  cairo_pattern_destroy (shade);
}

/* --- skyline: a city at night --- */

static void
draw_moon_and_stars (cairo_t *cr, GRand *rand)
{
  gdouble x = demo_random (rand, 300, W - 300), y = demo_random (rand, 130, 300);

  for (guint i = 0; i < 500; i++) {
    cairo_arc (cr, demo_random (rand, 0, W), demo_random (rand, 0, H * 0.6),
        demo_random (rand, 1, 4.5), 0, 2 * G_PI);
    demo_fill (cr, demo_hsv (demo_random (rand, 0.1, 0.7), 0.2, demo_random (rand, 0.5, 1)));
  }
  cairo_arc (cr, x, y, 95, 0, 2 * G_PI);
  demo_fill (cr, (DemoColor){0.98, 0.95, 0.82});
  for (guint i = 0; i < 9; i++) {
    gdouble angle = demo_random (rand, 0, 2 * G_PI), d = demo_random (rand, 0, 65);

    cairo_arc (
        cr, x + d * cos (angle), y + d * sin (angle), demo_random (rand, 6, 22), 0, 2 * G_PI);
    demo_fill (cr, (DemoColor){0.85, 0.81, 0.68});
  }
}

/* Draws the windows. Some floors are lit, some are dark, and the others are mixed. */
static void
draw_windows (cairo_t *cr, GRand *rand, gdouble x, gdouble y, gdouble w, gdouble near)
{
  gdouble size = 9 + 9 * near, pitch = 1.9 * size;
  DemoColor glow = demo_hsv (demo_random (rand, 0.09, 0.16), demo_random (rand, 0.2, 0.7), 1);

  if (g_rand_int_range (rand, 0, 5) == 0)
    glow = demo_hsv (0.55, 0.35, 1);
  for (gdouble wy = y + pitch; wy < H; wy += pitch * 1.25) {
    gdouble lit = pow (demo_random (rand, 0, 1), 1.3);

    for (gdouble wx = x + 0.5 * pitch; wx < x + w - size; wx += pitch) {
      if (demo_random (rand, 0, 1) > lit)
        continue;
      cairo_rectangle (cr, wx, wy, size, size * 1.5);
      demo_fill (cr, demo_mix (black, glow, demo_random (rand, 0.55, 1)));
    }
  }
}

static void
draw_tower (cairo_t *cr, GRand *rand, gdouble x, gdouble y, gdouble w, gdouble near)
{
  DemoColor wall = demo_hsv (demo_random (rand, 0.55, 0.78), demo_random (rand, 0.2, 0.6),
      (1 - near) * 0.42 + demo_random (rand, 0.04, 0.16));
  gint roof = g_rand_int_range (rand, 0, 4);

  if (roof == 0) { /* a spire */
    cairo_move_to (cr, x, y);
    cairo_line_to (cr, x + w / 2, y - w * 1.3);
    cairo_line_to (cr, x + w, y);
    demo_fill (cr, wall);
  } else if (roof == 1) { /* a dome */
    cairo_arc (cr, x + w / 2, y, w / 2, G_PI, 2 * G_PI);
    demo_fill (cr, wall);
  } else if (roof == 2) { /* a mast with its lamp */
    cairo_rectangle (cr, x + w / 2 - 4, y - w, 8, w);
    demo_fill (cr, wall);
    cairo_arc (cr, x + w / 2, y - w, 12, 0, 2 * G_PI);
    demo_fill (cr, (DemoColor){1, 0.15, 0.1});
  }
  fill_shaded (cr, x, y, w, H - y, wall, demo_mix (wall, black, 0.5));
  draw_windows (cr, rand, x, y, w, near);
}

void
demo_paint_skyline (cairo_surface_t *surface, GRand *rand)
{
  cairo_t *cr = cairo_create (surface);
  gdouble hue = demo_random (rand, 0.6, 0.85);

  fill_shaded (
      cr, 0, 0, W, H, demo_hsv (hue - 0.04, 0.85, 0.2), demo_hsv (hue + 0.2, 0.6, 0.9));
  draw_moon_and_stars (cr, rand);
  for (guint layer = 0; layer < 4; layer++) {
    gdouble near = layer / 3., x = -60;

    while (x < W) {
      gdouble w = demo_random (rand, 90, 170) * (0.8 + 0.7 * near);
      gdouble y = H * (0.03 + 0.62 * near) + demo_random (rand, 0, 0.3) * H;

      draw_tower (cr, rand, x, y, w, near);
      x += w * demo_random (rand, 1, 1.3 + 0.5 * near);
    }
  }
  cairo_destroy (cr);
}

/* --- streets: a town's map --- */

static void
draw_houses (cairo_t *cr, GRand *rand, gdouble x, gdouble y, gdouble w, gdouble h)
{
  gdouble hue = demo_random (rand, 0.02, 0.12), px = x + 10;

  while (px < x + w - 30) {
    gdouble bw = MIN (demo_random (rand, 28, 90), x + w - 10 - px);
    gdouble depth = demo_random (rand, 0.25, 0.42) * h;
    DemoColor roof = demo_hsv (
        hue, demo_random (rand, 0.2, 0.65), demo_random (rand, 0.4, 0.8));

    cairo_rectangle (cr, px, y + 10, bw, depth);
    demo_fill (cr, roof);
    cairo_rectangle (cr, px, y + h - 10 - depth, bw, depth);
    demo_fill (cr, demo_mix (roof, black, 0.15));
    px += bw + demo_random (rand, 4, 26);
  }
}

static void
draw_park (cairo_t *cr, GRand *rand, gdouble x, gdouble y, gdouble w, gdouble h)
{
  cairo_rectangle (cr, x, y, w, h);
  demo_fill (cr, (DemoColor){0.55, 0.76, 0.42});
  for (guint i = 0; i < w * h / 900; i++) {
    gdouble r = demo_random (rand, 7, 17);

    cairo_arc (cr, demo_random (rand, x + r, x + w - r), demo_random (rand, y + r, y + h - r),
        r, 0, 2 * G_PI);
    demo_fill (
        cr, demo_hsv (demo_random (rand, 0.28, 0.38), 0.65, demo_random (rand, 0.3, 0.5)));
  }
}

static void
draw_block (cairo_t *cr, GRand *rand, gdouble x, gdouble y, gdouble w, gdouble h)
{
  gint use = g_rand_int_range (rand, 0, 10);

  if (use == 0) {
    draw_park (cr, rand, x, y, w, h);
    return;
  }
  cairo_rectangle (cr, x, y, w, h);
  demo_fill (
      cr, demo_hsv (demo_random (rand, 0.08, 0.3), 0.12, demo_random (rand, 0.72, 0.93)));
  if (use == 1) { /* one large building with its yard */
    cairo_rectangle (cr, x + 0.12 * w, y + 0.12 * h, 0.76 * w, 0.76 * h);
    cairo_rectangle (cr, x + 0.38 * w, y + 0.38 * h, 0.24 * w, 0.24 * h);
    cairo_set_fill_rule (cr, CAIRO_FILL_RULE_EVEN_ODD);
    demo_fill (cr, demo_hsv (demo_random (rand, 0, 1), 0.4, 0.55));
  } else {
    draw_houses (cr, rand, x, y, w, h);
  }
}

/* Splits a rectangle by streets until it is a block. Deeper levels have narrower streets. */
static void
draw_quarter (cairo_t *cr, GRand *rand, gdouble x, gdouble y, gdouble w, gdouble h, guint depth)
{
  gdouble street = depth < 2 ? 34 : depth < 4 ? 22 : 13;
  gdouble cut = demo_random (rand, 0.36, 0.64);

  if (w < 300 && h < 240) {
    draw_block (cr, rand, x, y, w, h);
  } else if (w > 1.2 * h) {
    draw_quarter (cr, rand, x, y, cut * w - street / 2, h, depth + 1);
    draw_quarter (
        cr, rand, x + cut * w + street / 2, y, (1 - cut) * w - street / 2, h, depth + 1);
  } else {
    draw_quarter (cr, rand, x, y, w, cut * h - street / 2, depth + 1);
    draw_quarter (
        cr, rand, x, y + cut * h + street / 2, w, (1 - cut) * h - street / 2, depth + 1);
  }
}

static void
stroke_path (cairo_t *cr, gdouble width, DemoColor color)
{
  cairo_set_line_width (cr, width);
  demo_set_color (cr, color);
  cairo_stroke_preserve (cr);
}

static void
draw_river_and_roads (cairo_t *cr, GRand *rand)
{
  gdouble y = demo_random (rand, -0.3, 0.3) * H, turn = demo_random (rand, 0.2, 0.6) * H;

  cairo_move_to (cr, -W, y);
  cairo_curve_to (cr, -W * 0.3, y - 2 * turn, W * 0.3, y + 2 * turn, W, y);
  stroke_path (cr, 150, (DemoColor){0.62, 0.72, 0.55});
  stroke_path (cr, 120, (DemoColor){0.30, 0.55, 0.80});
  cairo_new_path (cr);
  for (guint i = 0; i < 4; i++) {
    gdouble from = demo_random (rand, -0.7, 0.7) * W,
            to = from + demo_random (rand, -0.4, 0.4) * W;

    cairo_move_to (cr, from, -H);
    cairo_line_to (cr, to, H);
    stroke_path (cr, 46, (DemoColor){0.55, 0.30, 0.12});
    stroke_path (cr, 36, demo_hsv (demo_random (rand, 0.1, 0.15), 0.7, 1));
    cairo_new_path (cr);
  }
}

void
demo_paint_streets (cairo_surface_t *surface, GRand *rand)
{
  cairo_t *cr = cairo_create (surface);

  demo_set_color (cr, (DemoColor){0.30, 0.31, 0.34}); /* the streets between the blocks */
  cairo_paint (cr);
  cairo_translate (cr, W / 2, H / 2);
  cairo_rotate (cr, demo_random (rand, -0.5, 0.5));
  draw_quarter (cr, rand, -1700, -1500, 3400, 3000, 0);
  draw_river_and_roads (cr, rand);
  cairo_destroy (cr);
}

/* --- forest --- */

static void
draw_branch (cairo_t *cr, GRand *rand, gdouble x, gdouble y, gdouble angle, gdouble length,
    DemoColor bark, DemoColor leaf)
{
  gdouble ex = x + length * sin (angle), ey = y - length * cos (angle);

  cairo_move_to (cr, x, y);
  cairo_line_to (cr, ex, ey);
  cairo_set_line_width (cr, length * 0.17);
  demo_set_color (cr, bark);
  cairo_stroke (cr);
  if (length < 30) {
    cairo_arc (cr, ex, ey, demo_random (rand, 8, 18), 0, 2 * G_PI);
    demo_fill (
        cr, demo_mix (leaf, g_rand_boolean (rand) ? black : white, demo_random (rand, 0, 0.4)));
    return;
  }
  for (guint i = 0; i < 3; i++)
    draw_branch (cr, rand, ex, ey, angle + demo_random (rand, -0.75, 0.75),
        length * demo_random (rand, 0.6, 0.8), bark, leaf);
}

static void
draw_fir (cairo_t *cr, GRand *rand, gdouble x, gdouble y, gdouble height, DemoColor green)
{
  guint tiers = 7;

  cairo_rectangle (cr, x - height * 0.025, y - height * 0.2, height * 0.05, height * 0.2);
  demo_fill (cr, demo_mix ((DemoColor){0.3, 0.2, 0.1}, green, 0.2));
  for (guint i = 0; i < tiers; i++) {
    gdouble base = y - height * (0.1 + 0.12 * i), half = height * 0.24 * (1 - 0.12 * i);

    cairo_move_to (cr, x - half, base);
    cairo_line_to (cr, x, base - height * 0.25);
    cairo_line_to (cr, x + half, base);
    demo_fill (cr, demo_mix (green, black, demo_random (rand, 0, 0.5)));
  }
}

/* Draws a tree. Mist hides distant trees: @near is 0 for the most distant tree, 1 for the nearest
 * tree. */
static void
draw_tree (cairo_t *cr, GRand *rand, gdouble near, DemoColor mist)
{
  gdouble x = demo_random (rand, 0, W);
  gdouble y = H * (0.14 + 0.91 * near) + demo_random (rand, -60, 60);
  DemoColor leaf = demo_hsv (demo_random (rand, 0.03, 0.33), demo_random (rand, 0.6, 0.95),
      demo_random (rand, 0.3, 0.85));
  DemoColor bark = demo_hsv (0.07, 0.4, demo_random (rand, 0.1, 0.35));
  gdouble veil = 0.75 * (1 - near);

  if (g_rand_int_range (rand, 0, 3) == 0)
    draw_fir (cr, rand, x, y, 260 + 420 * near,
        demo_mix (demo_hsv (demo_random (rand, 0.33, 0.45), 0.7, 0.38), mist, veil));
  else
    draw_branch (cr, rand, x, y, demo_random (rand, -0.15, 0.15), 80 + 90 * near,
        demo_mix (bark, mist, veil), demo_mix (leaf, mist, veil));
}

void
demo_paint_forest (cairo_surface_t *surface, GRand *rand)
{
  cairo_t *cr = cairo_create (surface);
  DemoColor mist = demo_hsv (demo_random (rand, 0.08, 0.6), 0.18, 0.92);
  DemoColor ground = demo_hsv (demo_random (rand, 0.08, 0.25), 0.6, 0.35);
  guint trees = 110;

  fill_shaded (cr, 0, 0, W, H, demo_mix (mist, (DemoColor){0.3, 0.5, 0.8}, 0.6), ground);
  cairo_set_line_cap (cr, CAIRO_LINE_CAP_ROUND);
  for (guint i = 0; i < trees; i++)
    draw_tree (cr, rand, (gdouble) i / trees, mist);
  cairo_destroy (cr);
}

/* --- farmland: fields seen from an aeroplane --- */

static void
draw_furrows (cairo_t *cr, GRand *rand, gdouble size)
{
  DemoColor soil = demo_hsv (demo_random (rand, 0.07, 0.33), demo_random (rand, 0.35, 0.8),
      demo_random (rand, 0.35, 0.9));
  DemoColor row = demo_mix (
      soil, g_rand_boolean (rand) ? black : white, demo_random (rand, 0.15, 0.4));
  gdouble pitch = demo_random (rand, 14, 46);
  gboolean round = g_rand_int_range (rand, 0, 4) == 0;

  demo_set_color (cr, soil);
  cairo_paint (cr);
  cairo_rotate (cr, demo_random (rand, 0, G_PI));
  for (gdouble x = pitch; x < size; x += pitch) {
    if (round) { /* watered from a centre */
      cairo_new_path (cr);
      cairo_arc (cr, 0, 0, x, 0, 2 * G_PI);
    } else {
      cairo_move_to (cr, x, -size);
      cairo_line_to (cr, x, size);
      cairo_move_to (cr, -x, -size);
      cairo_line_to (cr, -x, size);
    }
    cairo_set_line_width (cr, pitch * 0.45);
    demo_set_color (cr, row);
    cairo_stroke (cr);
  }
}

/* Sets the path to the four corners of one field of the grid. Neighbours share corners. */
static void
set_field_path (cairo_t *cr, gint x, gint y, gdouble pitch, guint32 seed)
{
  static const gint corners[][2] = {{0, 0}, {1, 0}, {1, 1}, {0, 1}};

  cairo_new_path (cr);
  for (guint i = 0; i < 4; i++) {
    gint cx = x + corners[i][0], cy = y + corners[i][1];

    cairo_line_to (cr, pitch * (cx + 0.33 * demo_noise (cx, cy, seed)),
        0.8 * pitch * (cy + 0.33 * demo_noise (cx, cy, seed + 1)));
  }
  cairo_close_path (cr);
}

static void
draw_field (cairo_t *cr, GRand *rand, gint x, gint y, gdouble pitch, guint32 seed)
{
  set_field_path (cr, x, y, pitch, seed);
  cairo_save (cr);
  cairo_clip (cr);
  cairo_translate (cr, (x + 0.5) * pitch, (y + 0.5) * 0.8 * pitch);
  draw_furrows (cr, rand, 1.2 * pitch);
  cairo_restore (cr);
  set_field_path (cr, x, y, pitch, seed);
  cairo_set_line_width (cr, demo_random (rand, 6, 20));
  demo_set_color (cr, demo_hsv (0.3, 0.5, demo_random (rand, 0.15, 0.3)));
  cairo_stroke (cr);
}

void
demo_paint_farmland (cairo_surface_t *surface, GRand *rand)
{
  cairo_t *cr = cairo_create (surface);
  guint32 seed = g_rand_int (rand) & 0xffff;
  gdouble pitch = demo_random (rand, 240, 330);

  cairo_translate (cr, W / 2, H / 2);
  cairo_rotate (cr, demo_random (rand, -0.6, 0.6));
  for (gint y = -8; y < 8; y++)
    for (gint x = -7; x < 7; x++)
      draw_field (cr, rand, x, y, pitch, seed);
  for (guint i = 0; i < 260; i++) { /* trees and their shadows */
    gdouble x = demo_random (rand, -W, W) * 0.65, y = demo_random (rand, -H, H) * 0.75;
    gdouble r = demo_random (rand, 9, 24);

    cairo_arc (cr, x + r * 0.6, y + r * 0.6, r, 0, 2 * G_PI);
    demo_fill (cr, (DemoColor){0.1, 0.14, 0.06});
    cairo_arc (cr, x, y, r, 0, 2 * G_PI);
    demo_fill (
        cr, demo_hsv (demo_random (rand, 0.25, 0.36), 0.7, demo_random (rand, 0.3, 0.5)));
  }
  cairo_destroy (cr);
}
