/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Painters of things, drawn with cairo. Lengths are in pixels. */
#include "demo-pictures.h"
#include <math.h>

#define W DEMO_PICTURE_WIDTH
#define H DEMO_PICTURE_HEIGHT

static const DemoColor black = {0, 0, 0};
static const DemoColor white = {1, 1, 1};

static const gchar *const words[] = {"camera", "harbour", "memory", "of", "the", "river", "and",
    "market", "night", "a", "signal", "over", "garden", "motion", "in", "city", "new", "light",
    "stream", "to", "theatre", "winter", "state", "cell", "railway", "gate", "after",
    "festival"};

static const gchar *
random_word (GRand *rand)
{
  return words[g_rand_int_range (rand, 0, G_N_ELEMENTS (words))];
}

static void
select_font (cairo_t *cr, const gchar *family, cairo_font_weight_t weight, gdouble size)
{
  cairo_select_font_face (cr, family, CAIRO_FONT_SLANT_NORMAL, weight);
  cairo_set_font_size (cr, size);
}

/* Draws words from (@x, @y) until the line of width @w is full. */
static void
draw_line (cairo_t *cr, GRand *rand, gdouble x, gdouble y, gdouble w)
{
  cairo_text_extents_t extents;
  gdouble end = x + w;

  while (TRUE) {
    g_autofree gchar *word = g_strconcat (random_word (rand), " ", NULL);

    cairo_text_extents (cr, word, &extents);
    if (x + extents.width > end)
      break;
    cairo_move_to (cr, x, y);
    cairo_show_text (cr, word);
    x += extents.x_advance;
  }
}

/* --- newspaper --- */

/* Draws a picture in the newspaper: hills, sky and sun in one ink. */
static void
draw_photo (cairo_t *cr, GRand *rand, gdouble x, gdouble y, gdouble w, gdouble h)
{
  DemoColor ink = demo_hsv (demo_random (rand, 0, 1), demo_random (rand, 0.2, 0.7), 0.85);

  cairo_save (cr);
  cairo_rectangle (cr, x, y, w, h);
  cairo_clip (cr);
  demo_set_color (cr, demo_mix (ink, white, 0.3));
  cairo_paint (cr);
  cairo_arc (cr, x + w * demo_random (rand, 0.2, 0.8), y + h * demo_random (rand, 0.2, 0.4),
      h * demo_random (rand, 0.1, 0.2), 0, 2 * G_PI);
  demo_fill (cr, white);
  for (guint i = 1; i <= 4; i++) {
    guint32 seed = g_rand_int (rand) & 0xffff;

    cairo_move_to (cr, x, y + h);
    for (gdouble px = 0; px <= w; px += 6)
      cairo_line_to (
          cr, x + px, y + h * (0.2 + 0.17 * i + 0.25 * demo_noise_sum (px / 130, i, seed, 4)));
    cairo_line_to (cr, x + w, y + h);
    demo_fill (cr, demo_mix (ink, black, 0.22 * i));
  }
  cairo_restore (cr);
}

static void
draw_headline (cairo_t *cr, GRand *rand, gdouble x, gdouble y, gdouble w, gdouble size)
{
  select_font (cr, "serif", CAIRO_FONT_WEIGHT_BOLD, size);
  draw_line (cr, rand, x, y + size, w);
}

static void
draw_text (cairo_t *cr, GRand *rand, gdouble x, gdouble y, gdouble w, gdouble bottom)
{
  gdouble size = 17;

  select_font (cr, "serif", CAIRO_FONT_WEIGHT_NORMAL, size);
  for (y += size * 1.3; y < bottom; y += size * 1.3)
    draw_line (cr, rand, x, y, g_rand_int_range (rand, 0, 7) ? w : 0.5 * w);
}

static gdouble
draw_advertisement (cairo_t *cr, GRand *rand, gdouble x, gdouble y, gdouble w)
{
  gdouble h = demo_random (rand, 90, 190), hue = demo_random (rand, 0, 1);

  cairo_rectangle (cr, x, y, w, h);
  demo_fill (cr, demo_hsv (hue, 0.8, demo_random (rand, 0.25, 0.75)));
  select_font (cr, "sans", CAIRO_FONT_WEIGHT_BOLD, h * 0.36);
  demo_set_color (cr, demo_hsv (hue + 0.15, 0.3, 1));
  draw_line (cr, rand, x + 14, y + h * 0.45, w - 20);
  draw_line (cr, rand, x + 14, y + h * 0.85, w - 20);
  return h;
}

/* Fills a column with articles, pictures and advertisements from top to bottom. */
static void
draw_column (cairo_t *cr, GRand *rand, gdouble x, gdouble y, gdouble w)
{
  while (y < H - 60) {
    gint what = g_rand_int_range (rand, 0, 4);
    gdouble h = demo_random (rand, 110, 260);

    if (what == 0) {
      draw_photo (cr, rand, x, y, w, h);
    } else if (what == 1) {
      h = draw_advertisement (cr, rand, x, y, w);
    } else {
      demo_set_color (cr, demo_hsv (0, 0, 0.08));
      draw_headline (cr, rand, x, y, w, 44);
      draw_headline (cr, rand, x, y + 48, w, 44);
      draw_text (cr, rand, x, y + 100, w, y + h + 60);
      h += 60;
    }
    y += h + 26;
  }
}

void
demo_paint_newspaper (cairo_surface_t *surface, GRand *rand)
{
  cairo_t *cr = cairo_create (surface);
  guint columns = 6;
  gdouble pitch = (gdouble) (W - 40) / columns;

  demo_set_color (cr, demo_hsv (0.12, demo_random (rand, 0.05, 0.2), 0.93));
  cairo_paint (cr);
  demo_set_color (cr, black);
  draw_headline (cr, rand, 50, 10, W - 80, 170);
  cairo_rectangle (cr, 40, 218, W - 80, 12);
  cairo_fill (cr);
  for (guint i = 0; i < columns; i++)
    draw_column (cr, rand, 40 + i * pitch, 260 + demo_random (rand, 0, 20), pitch - 36);
  cairo_destroy (cr);
}

/* --- circuit: a printed board with its parts --- */

/* Draws a bus of parallel traces with two straight parts and a part at 45° between them. */
static void
draw_traces (cairo_t *cr, GRand *rand, DemoColor copper)
{
  guint n = g_rand_int_range (rand, 3, 9);
  gdouble x = demo_random (rand, 0, W), y = demo_random (rand, 0, H);
  gdouble a = demo_random (rand, 80, 400),
          d = demo_random (rand, 60, 300) * (g_rand_boolean (rand) ? 1 : -1);
  gboolean upright = g_rand_boolean (rand);

  for (guint i = 0; i < n; i++) {
    gdouble o = i * 22.;
    gdouble points[][2] = {{0, o}, {a, o}, {a + fabs (d), o + d}, {2 * a + fabs (d), o + d}};

    for (guint k = 0; k < 4; k++)
      cairo_line_to (cr, x + points[k][upright], y + points[k][!upright]);
    cairo_set_line_width (cr, 10);
    demo_set_color (cr, copper);
    cairo_stroke (cr);
    for (guint k = 0; k < 4; k += 3) {
      cairo_arc (cr, x + points[k][upright], y + points[k][!upright], 10, 0, 2 * G_PI);
      demo_fill (cr, (DemoColor){0.85, 0.8, 0.6});
    }
  }
}

static void
draw_chip (cairo_t *cr, GRand *rand)
{
  gdouble w = demo_random (rand, 90, 330), h = demo_random (rand, 70, 260);
  gdouble x = demo_random (rand, 0, W - w), y = demo_random (rand, 0, H - h);

  for (gdouble p = 14; p < w - 10; p += 24) {
    cairo_rectangle (cr, x + p, y - 22, 12, h + 44);
    demo_fill (cr, (DemoColor){0.82, 0.83, 0.86});
  }
  cairo_rectangle (cr, x, y, w, h);
  demo_fill (cr, demo_hsv (0.6, 0.15, demo_random (rand, 0.08, 0.2)));
  cairo_arc (cr, x + 22, y + h - 22, 9, 0, 2 * G_PI);
  demo_fill (cr, (DemoColor){0.5, 0.5, 0.5});
  demo_set_color (cr, (DemoColor){0.75, 0.75, 0.75});
  select_font (cr, "sans", CAIRO_FONT_WEIGHT_NORMAL, 24);
  draw_line (cr, rand, x + 20, y + h / 2, w - 30);
}

/* Draws a resistor or a capacitor. */
static void
draw_part (cairo_t *cr, GRand *rand)
{
  gdouble x = demo_random (rand, 0, W), y = demo_random (rand, 0, H);

  if (g_rand_boolean (rand)) {
    gdouble r = demo_random (rand, 22, 62);

    cairo_arc (cr, x + 8, y + 8, r, 0, 2 * G_PI);
    demo_fill (cr, (DemoColor){0.02, 0.12, 0.08});
    cairo_arc (cr, x, y, r, 0, 2 * G_PI);
    demo_fill (cr, demo_hsv (demo_random (rand, 0.5, 0.75), 0.5, 0.4));
    cairo_arc (cr, x, y, r * 0.8, 0, 2 * G_PI);
    demo_fill (cr, (DemoColor){0.8, 0.82, 0.85});
    return;
  }
  cairo_rectangle (cr, x - 60, y + 12, 180, 8);
  demo_fill (cr, (DemoColor){0.8, 0.8, 0.8});
  cairo_rectangle (cr, x, y, 66, 32);
  demo_fill (cr, (DemoColor){0.85, 0.72, 0.5});
  for (guint i = 0; i < 4; i++) {
    cairo_rectangle (cr, x + 6 + 15 * i, y, 8, 32);
    demo_fill (cr, demo_hsv (demo_random (rand, 0, 1), 0.9, 0.6));
  }
}

void
demo_paint_circuit (cairo_surface_t *surface, GRand *rand)
{
  cairo_t *cr = cairo_create (surface);
  gdouble hue = demo_random (rand, 0.33, 0.62);

  demo_set_color (cr, demo_hsv (hue, 0.85, 0.3));
  cairo_paint (cr);
  for (guint i = 0; i < 150; i++)
    draw_traces (cr, rand, demo_hsv (hue + 0.02, 0.65, demo_random (rand, 0.45, 0.7)));
  for (guint i = 0; i < 42; i++)
    draw_chip (cr, rand);
  for (guint i = 0; i < 150; i++)
    draw_part (cr, rand);
  cairo_destroy (cr);
}

/* --- bookshelf --- */

/* Writes the title along the spine. */
static void
draw_spine (cairo_t *cr, GRand *rand, gdouble x, gdouble y, gdouble w, gdouble h)
{
  DemoColor cloth = demo_hsv (
      demo_random (rand, 0, 1), demo_random (rand, 0.25, 0.8), demo_random (rand, 0.12, 0.92));
  DemoColor gold = cloth.g > 0.45 ? demo_mix (cloth, black, 0.7) : demo_hsv (0.13, 0.45, 0.95);
  cairo_pattern_t *round = cairo_pattern_create_linear (x, 0, x + w, 0);

  cairo_pattern_add_color_stop_rgb (round, 0, cloth.r * 0.5, cloth.g * 0.5, cloth.b * 0.5);
  cairo_pattern_add_color_stop_rgb (round, 0.35, cloth.r, cloth.g, cloth.b);
  cairo_pattern_add_color_stop_rgb (round, 1, cloth.r * 0.4, cloth.g * 0.4, cloth.b * 0.4);
  cairo_rectangle (cr, x, y, w, h);
  cairo_set_source (cr, round);
  cairo_fill (cr);
  cairo_pattern_destroy (round);
  for (guint i = 0; i < 2; i++) {
    cairo_rectangle (cr, x, y + h * (0.08 + 0.8 * i), w, 9);
    demo_fill (cr, gold);
  }
  cairo_save (cr);
  cairo_translate (cr, x + w * 0.66, y + h * 0.85);
  cairo_rotate (cr, -G_PI / 2);
  select_font (cr, g_rand_boolean (rand) ? "serif" : "sans", CAIRO_FONT_WEIGHT_BOLD, w * 0.5);
  demo_set_color (cr, gold);
  draw_line (cr, rand, 0, 0, h * 0.72);
  cairo_restore (cr);
}

static void
draw_shelf (cairo_t *cr, GRand *rand, gdouble y, gdouble height)
{
  for (gdouble x = -20; x < W;) {
    gdouble w = demo_random (rand, 34, 105), h = height * demo_random (rand, 0.55, 0.95);

    if (g_rand_int_range (rand, 0, 9) > 0)
      draw_spine (cr, rand, x, y + height - h, w, h);
    x += w + 2;
  }
  cairo_rectangle (cr, 0, y + height, W, 36);
  demo_fill (cr, (DemoColor){0.55, 0.36, 0.2});
  cairo_rectangle (cr, 0, y + height + 26, W, 10);
  demo_fill (cr, (DemoColor){0.25, 0.15, 0.08});
}

void
demo_paint_bookshelf (cairo_surface_t *surface, GRand *rand)
{
  cairo_t *cr = cairo_create (surface);
  guint shelves = 5;
  gdouble pitch = (gdouble) H / shelves;

  demo_set_color (cr, (DemoColor){0.13, 0.08, 0.05});
  cairo_paint (cr);
  for (guint i = 0; i < shelves; i++)
    draw_shelf (cr, rand, i * pitch, pitch - 36);
  cairo_destroy (cr);
}

/* --- sunflowers --- */

static void
draw_petals (cairo_t *cr, GRand *rand, gdouble radius, DemoColor color)
{
  guint n = g_rand_int_range (rand, 15, 24);

  for (guint i = 0; i < n; i++) {
    cairo_save (cr);
    cairo_rotate (cr, 2 * G_PI * (i + demo_random (rand, -0.3, 0.3)) / n);
    cairo_move_to (cr, radius * 0.3, 0);
    cairo_curve_to (cr, radius * 0.6, -radius * 0.22, radius * 0.8, -radius * 0.16, radius, 0);
    cairo_curve_to (
        cr, radius * 0.8, radius * 0.16, radius * 0.6, radius * 0.22, radius * 0.3, 0);
    demo_fill (cr, demo_mix (color, (DemoColor){0.6, 0.2, 0}, demo_random (rand, 0, 0.5)));
    cairo_restore (cr);
  }
}

/* Draws the seeds in a spiral of the golden angle. */
static void
draw_flower (cairo_t *cr, GRand *rand, gdouble x, gdouble y, gdouble radius)
{
  DemoColor yellow = demo_hsv (
      demo_random (rand, 0.1, 0.16), 0.95, demo_random (rand, 0.85, 1));
  guint seeds = 130;

  cairo_save (cr);
  cairo_translate (cr, x, y);
  cairo_rotate (cr, demo_random (rand, 0, G_PI));
  cairo_scale (cr, 1, demo_random (rand, 0.65, 1)); /* turned away a little */
  draw_petals (cr, rand, radius, demo_mix (yellow, black, 0.2));
  draw_petals (cr, rand, radius * 0.9, yellow);
  cairo_arc (cr, 0, 0, radius * 0.42, 0, 2 * G_PI);
  demo_fill (cr, (DemoColor){0.22, 0.12, 0.05});
  for (guint i = 0; i < seeds; i++) {
    gdouble r = radius * 0.4 * sqrt ((gdouble) i / seeds), angle = i * 2.399963;

    cairo_arc (cr, r * cos (angle), r * sin (angle), radius * 0.017, 0, 2 * G_PI);
    demo_fill (cr, demo_hsv (0.09, 0.7, 0.35 + 0.5 * i / seeds));
  }
  cairo_restore (cr);
}

static void
draw_leaf (cairo_t *cr, GRand *rand, gdouble x, gdouble y, gdouble size)
{
  cairo_save (cr);
  cairo_translate (cr, x, y);
  cairo_rotate (cr, demo_random (rand, 0, 2 * G_PI));
  cairo_move_to (cr, 0, 0);
  cairo_curve_to (cr, size * 0.2, -size * 0.6, size * 0.7, -size * 0.4, size, 0);
  cairo_curve_to (cr, size * 0.7, size * 0.4, size * 0.2, size * 0.6, 0, 0);
  demo_fill (
      cr, demo_hsv (demo_random (rand, 0.24, 0.38), 0.75, demo_random (rand, 0.15, 0.6)));
  cairo_move_to (cr, 0, 0);
  cairo_line_to (cr, size * 0.9, 0);
  cairo_set_line_width (cr, 3);
  demo_set_color (cr, demo_hsv (0.25, 0.4, 0.7));
  cairo_stroke (cr);
  cairo_restore (cr);
}

/* Draws the distant flowers small and dense at the top, the near ones large at the bottom. */
void
demo_paint_sunflowers (cairo_surface_t *surface, GRand *rand)
{
  cairo_t *cr = cairo_create (surface);

  demo_set_color (cr, demo_hsv (0.33, 0.8, 0.14));
  cairo_paint (cr);
  for (gdouble y = -40; y < H + 150;) {
    gdouble size = 40 + 105 * (y + 40) / H;

    for (gdouble x = -50; x < W + 50; x += size * demo_random (rand, 0.35, 0.7))
      draw_leaf (cr, rand, x, y + demo_random (rand, -1, 1) * size, size * 1.5);
    for (gdouble x = -50; x < W + 50; x += size * demo_random (rand, 1.5, 3.4))
      draw_flower (cr, rand, x, y + demo_random (rand, -0.5, 0.5) * size,
          size * demo_random (rand, 0.8, 1.15));
    y += size * 1.15;
  }
  cairo_destroy (cr);
}
