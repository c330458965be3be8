/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Painters of pictures that are computed point by point. */
#include "demo-pictures.h"
#include <math.h>

/* --- julia, mandelbrot --- */

typedef struct {
  gboolean julia;
  gdouble cx, cy;   /* julia: the constant; mandelbrot: the centre of the view */
  gdouble scale;    /* height of the view in the plane */
  gdouble cos, sin; /* rotation of the view */
  gdouble hue, spread, frequency;
} Fractal;

static DemoColor
shade_fractal (gdouble x, gdouble y, gconstpointer data)
{
  const Fractal *f = data;
  gdouble px = (x - 2. / 3) * f->scale, py = (y - 0.5) * f->scale;
  gdouble zx = px * f->cos - py * f->sin, zy = px * f->sin + py * f->cos;
  gdouble cx = f->cx, cy = f->cy, trap = 1e9;
  guint n;

  if (!f->julia) {
    cx += zx;
    cy += zy;
    zx = zy = 0;
  }
  for (n = 0; n < 250 && zx * zx + zy * zy < 400; n++) {
    gdouble t = zx * zx - zy * zy + cx;

    zy = 2 * zx * zy + cy;
    zx = t;
    trap = MIN (trap, fabs (zx * zx + zy * zy - 0.25));
  }
  if (n == 250) /* the orbit is bounded: the color shows its least distance from a circle */
    return demo_palette (2 * sqrt (trap), f->hue + 0.5, f->spread);
  {
    gdouble smooth = n + 1 - log2 (log (zx * zx + zy * zy) / 2);

    return demo_palette (f->frequency * log (smooth + 2), f->hue, f->spread);
  }
}

static void
turn_fractal (Fractal *f, GRand *rand)
{
  gdouble angle = demo_random (rand, 0, 2 * G_PI);

  f->cos = cos (angle);
  f->sin = sin (angle);
  f->hue = demo_random (rand, 0, 1);
  f->spread = demo_random (rand, 0.06, 0.13);
}

void
demo_paint_julia (cairo_surface_t *surface, GRand *rand)
{
  static const gdouble constants[][2] = {{-0.8, 0.156}, {-0.7269, 0.1889}, {-0.835, -0.2321},
      {-0.70176, -0.3842}, {0.285, 0.01}, {-0.4, 0.6}};
  guint i = g_rand_int_range (rand, 0, G_N_ELEMENTS (constants));
  Fractal f = {.julia = TRUE, .cx = constants[i][0], .cy = constants[i][1]};

  turn_fractal (&f, rand);
  f.scale = demo_random (rand, 1.0, 1.3);
  f.frequency = demo_random (rand, 1.8, 2.4);
  demo_shade (surface, shade_fractal, &f);
}

void
demo_paint_mandelbrot (cairo_surface_t *surface, GRand *rand)
{
  static const gdouble views[][3] = {{-0.743644, 0.131826, 0.006}, {-0.7453, 0.1127, 0.0065},
      {-0.722, 0.246, 0.025}, {-0.235125, 0.827215, 0.02}, {0.001644, -0.822468, 0.02},
      {-0.16070, 1.03757, 0.02}};
  guint i = g_rand_int_range (rand, 0, G_N_ELEMENTS (views));
  Fractal f = {.cx = views[i][0], .cy = views[i][1], .scale = views[i][2]};

  turn_fractal (&f, rand);
  f.frequency = demo_random (rand, 2.5, 3.5);
  demo_shade (surface, shade_fractal, &f);
}

/* --- relief: a landscape from above, lit from the north-west --- */

typedef struct {
  guint32 seed;
  gdouble scale;
} Relief;

/* Returns a height of about −1 … 1. The sea is below 0. Ridges run along the zeros of the noise. */
static gdouble
get_relief_height (const Relief *r, gdouble x, gdouble y)
{
  gdouble u = x * r->scale, v = y * r->scale;
  gdouble bend = 0.6 * demo_noise (u * 0.9, v * 0.9, r->seed + 40);
  gdouble land = demo_noise_sum (u + bend, v - bend, r->seed, 4);
  gdouble ridge = 0.5 - fabs (demo_noise_sum (u * 1.7 + bend, v * 1.7, r->seed + 20, 4));

  return 0.08 + land + 0.7 * ridge * CLAMP (land + 0.25, 0, 1);
}

static gdouble
get_river_distance (const Relief *r, gdouble x, gdouble y)
{
  gdouble u = x * r->scale, v = y * r->scale;

  return fabs (demo_noise_sum (u * 0.8 + 7, v * 0.8, r->seed + 60, 3));
}

static DemoColor
choose_relief_color (gdouble height)
{
  static const DemoColor tints[] = {{0.80, 0.74, 0.52}, {0.35, 0.55, 0.25}, {0.24, 0.42, 0.18},
      {0.52, 0.45, 0.28}, {0.48, 0.40, 0.36}, {0.96, 0.96, 0.98}, {1, 1, 1}};
  gdouble t = CLAMP (height * 9, 0, 5.99);

  return demo_mix (tints[(guint) t], tints[(guint) t + 1], t - floor (t));
}

static DemoColor
shade_relief (gdouble x, gdouble y, gconstpointer data)
{
  const Relief *r = data;
  gdouble e = 0.002, h = get_relief_height (r, x, y);
  gdouble slope = get_relief_height (r, x + e, y + e) - h;
  gdouble light = CLAMP (0.75 - 22 * slope, 0.25, 1.25);
  const DemoColor river = {0.16, 0.38, 0.62}, black = {0, 0, 0};
  DemoColor color;

  if (h < 0) {
    color = demo_mix ((DemoColor){0.25, 0.60, 0.70}, (DemoColor){0.03, 0.14, 0.36}, -5 * h);
    return demo_mix (color, (DemoColor){0.9, 0.95, 0.95}, 0.6 - 60 * -h);
  }
  color = demo_mix (choose_relief_color (h), black, 1 - light);
  if (light > 1)
    color = demo_mix (color, (DemoColor){1, 1, 1}, light - 1);
  return demo_mix (river, color, (get_river_distance (r, x, y) - 0.006 * (1 - h)) * 300);
}

void
demo_paint_relief (cairo_surface_t *surface, GRand *rand)
{
  Relief r = {.seed = g_rand_int (rand) & 0xffff, .scale = demo_random (rand, 3.5, 5)};

  demo_shade (surface, shade_relief, &r);
}

/* --- ripples: rain on a pond over pebbles --- */

#define N_DROPS 14

typedef struct {
  gdouble x[N_DROPS], y[N_DROPS], length[N_DROPS], reach[N_DROPS];
  guint32 seed;
  gdouble hue;
} Ripples;

/* Computes the slope of the water along x and y: rings of sines under a bell curve. */
static void
compute_slope (const Ripples *p, gdouble x, gdouble y, gdouble *sx, gdouble *sy)
{
  *sx = *sy = 0;
  for (guint i = 0; i < N_DROPS; i++) {
    gdouble dx = x - p->x[i], dy = y - p->y[i], d = sqrt (dx * dx + dy * dy) + 1e-9;
    gdouble off = d / p->reach[i] - 0.8, phase = 2 * G_PI * d / p->length[i];
    gdouble steep;

    if (fabs (off) > 1.3)
      continue;
    steep = exp (-3 * off * off)
            * (2 * G_PI * cos (phase) - 6 * off * p->length[i] / p->reach[i] * sin (phase));
    *sx += steep * dx / d;
    *sy += steep * dy / d;
  }
}

static DemoColor
shade_ripples (gdouble x, gdouble y, gconstpointer data)
{
  const Ripples *p = data;
  gdouble sx, sy, tone, stones;
  DemoColor deep = demo_hsv (p->hue, 0.75, 0.16), sky = demo_hsv (p->hue + 0.04, 0.25, 0.95);
  DemoColor bed;

  compute_slope (p, x, y, &sx, &sy);
  tone = 0.5 + 0.045 * (sx + 1.2 * sy);
  stones = demo_noise_sum (x * 9 + 0.02 * sx, y * 9 + 0.02 * sy, p->seed, 3);
  bed = demo_hsv (p->hue - 0.45 + 0.1 * stones, 0.35, 0.45 + 0.5 * stones);

  return demo_mix (demo_mix (deep, bed, 0.45), sky, tone * tone * 1.5);
}

void
demo_paint_ripples (cairo_surface_t *surface, GRand *rand)
{
  Ripples p = {.seed = g_rand_int (rand) & 0xffff, .hue = demo_random (rand, 0.48, 0.62)};

  for (guint i = 0; i < N_DROPS; i++) {
    p.x[i] = demo_random (rand, 0, 4. / 3);
    p.y[i] = demo_random (rand, 0, 1);
    p.length[i] = demo_random (rand, 0.05, 0.1);
    p.reach[i] = demo_random (rand, 0.12, 0.45);
  }
  demo_shade (surface, shade_ripples, &p);
}
