/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "demo-pictures.h"
#include <math.h>

typedef struct {
  const gchar *name;
  void (*paint) (cairo_surface_t *surface, GRand *rand);
} DemoPainter;

#define PICTURE(id) {#id, demo_paint_##id},
static const DemoPainter painters[] = {DEMO_PICTURES (PICTURE)};
#undef PICTURE

guint
demo_picture_kinds (void)
{
  return G_N_ELEMENTS (painters);
}

const gchar *
demo_picture_name (guint kind)
{
  return painters[kind].name;
}

cairo_surface_t *
demo_picture_new (guint kind, guint32 seed)
{
  cairo_surface_t *surface = cairo_image_surface_create (
      CAIRO_FORMAT_RGB24, DEMO_PICTURE_WIDTH, DEMO_PICTURE_HEIGHT);
  g_autoptr (GRand) rand = g_rand_new_with_seed (seed * 1009 + kind);

  painters[kind].paint (surface, rand);
  cairo_surface_flush (surface);
  return surface;
}

DemoColor
demo_hsv (gdouble hue, gdouble saturation, gdouble value)
{
  gdouble h = 6 * (hue - floor (hue));
  gdouble r = CLAMP (fabs (h - 3) - 1, 0, 1);
  gdouble g = CLAMP (2 - fabs (h - 2), 0, 1);
  gdouble b = CLAMP (2 - fabs (h - 4), 0, 1);

  return (DemoColor){value * (1 - saturation * (1 - r)), value * (1 - saturation * (1 - g)),
      value * (1 - saturation * (1 - b))};
}

DemoColor
demo_mix (DemoColor a, DemoColor b, gdouble t)
{
  t = CLAMP (t, 0, 1);
  return (DemoColor){a.r + t * (b.r - a.r), a.g + t * (b.g - a.g), a.b + t * (b.b - a.b)};
}

DemoColor
demo_palette (gdouble t, gdouble hue, gdouble spread)
{
  return (DemoColor){0.5 + 0.48 * cos (2 * G_PI * (t + hue)),
      0.5 + 0.48 * cos (2 * G_PI * (t + hue + spread)),
      0.5 + 0.48 * cos (2 * G_PI * (t + hue + 2 * spread))};
}

gdouble
demo_random (GRand *rand, gdouble low, gdouble high)
{
  return g_rand_double_range (rand, low, high);
}

/* Returns a number in −1 … 1 for a point of the lattice. */
static gdouble
get_lattice_value (gint x, gint y, guint32 seed)
{
  guint32 h = (guint32) x * 0x8da6b343u ^ (guint32) y * 0xd8163841u ^ seed * 0xcb1ab31fu;

  h = (h ^ (h >> 15)) * 0x2c1b3c6du;
  h = (h ^ (h >> 12)) * 0x297a2d39u;
  return (h ^ (h >> 15)) / 2147483647.5 - 1;
}

gdouble
demo_noise (gdouble x, gdouble y, guint32 seed)
{
  gint ix = (gint) floor (x), iy = (gint) floor (y);
  gdouble u = x - ix, v = y - iy, a, b;

  u = u * u * u * (u * (u * 6 - 15) + 10);
  v = v * v * v * (v * (v * 6 - 15) + 10);
  a = get_lattice_value (ix, iy, seed) * (1 - u) + get_lattice_value (ix + 1, iy, seed) * u;
  b = get_lattice_value (ix, iy + 1, seed) * (1 - u)
      + get_lattice_value (ix + 1, iy + 1, seed) * u;
  return a * (1 - v) + b * v;
}

gdouble
demo_noise_sum (gdouble x, gdouble y, guint32 seed, guint octaves)
{
  gdouble sum = 0, weight = 0.5;

  for (guint i = 0; i < octaves; i++, weight /= 2) {
    gdouble turned = 0.8 * x
                     - 0.6 * y; /* rotates the lattice, so that two octaves never line up */

    sum += weight * demo_noise (x, y, seed + i);
    y = 2.03 * (0.6 * x + 0.8 * y);
    x = 2.03 * turned;
  }
  return sum;
}

static guint32
pixel_from_color (DemoColor color)
{
  guint32 r = (guint32) (255 * CLAMP (color.r, 0, 1) + 0.5);
  guint32 g = (guint32) (255 * CLAMP (color.g, 0, 1) + 0.5);
  guint32 b = (guint32) (255 * CLAMP (color.b, 0, 1) + 0.5);

  return r << 16 | g << 8 | b;
}

void
demo_shade (cairo_surface_t *surface, DemoShader shader, gconstpointer data)
{
  gint width = cairo_image_surface_get_width (surface);
  gint height = cairo_image_surface_get_height (surface);
  gint stride = cairo_image_surface_get_stride (surface);

  cairo_surface_flush (surface);
  for (gint y = 0; y < height; y++) {
    guint32 *row = (guint32 *) (cairo_image_surface_get_data (surface) + (gsize) y * stride);

    for (gint x = 0; x < width; x++)
      row[x] = pixel_from_color (shader ((x + 0.5) / height, (y + 0.5) / height, data));
  }
  cairo_surface_mark_dirty (surface);
}

void
demo_set_color (cairo_t *cr, DemoColor color)
{
  cairo_set_source_rgb (cr, color.r, color.g, color.b);
}

void
demo_fill (cairo_t *cr, DemoColor color)
{
  demo_set_color (cr, color);
  cairo_fill (cr);
}
