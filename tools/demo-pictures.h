/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Pictures for the virtual camera, drawn at run time. The same seed draws the same picture. The
 * kinds of pictures differ from the textures that the model is trained on (noise, scattered flat
 * shapes, periodic patterns). */
#pragma once
#include <cairo.h>
#include <glib.h>

#define DEMO_PICTURE_WIDTH 2400
#define DEMO_PICTURE_HEIGHT 1800

/* The kinds of pictures. A kind is one line here and a painter demo_paint_<id>. */
#define DEMO_PICTURES(PICTURE)                                                                 \
  PICTURE (julia)                                                                              \
  PICTURE (mandelbrot)                                                                         \
  PICTURE (relief)                                                                             \
  PICTURE (ripples)                                                                            \
  PICTURE (coral)                                                                              \
  PICTURE (spheres)                                                                            \
  PICTURE (skyline)                                                                            \
  PICTURE (streets)                                                                            \
  PICTURE (newspaper)                                                                          \
  PICTURE (forest)                                                                             \
  PICTURE (circuit)                                                                            \
  PICTURE (bookshelf)                                                                          \
  PICTURE (sunflowers)                                                                         \
  PICTURE (farmland)

/* A painter fills @surface, RGB24 of DEMO_PICTURE_WIDTH × DEMO_PICTURE_HEIGHT, and takes every
 * random number from @rand. Painters run in several threads at once. */
#define PICTURE(id) void demo_paint_##id (cairo_surface_t *surface, GRand *rand);
DEMO_PICTURES (PICTURE)
#undef PICTURE

guint demo_picture_kinds (void);
const gchar *demo_picture_name (guint kind);

/* Returns: (transfer full): the picture of @kind for @seed */
cairo_surface_t *demo_picture_new (guint kind, guint32 seed);

/* --- Shared by the painters --- */

typedef struct {
  gdouble r, g, b; /* 0 … 1 */
} DemoColor;

DemoColor demo_hsv (gdouble hue, gdouble saturation, gdouble value);
DemoColor demo_mix (DemoColor a, DemoColor b, gdouble t);

/* Returns a color of a smooth cyclic palette: three cosines over @t, whose phases differ by @spread
 * and are shifted by @hue. */
DemoColor demo_palette (gdouble t, gdouble hue, gdouble spread);

gdouble demo_random (GRand *rand, gdouble low, gdouble high);

/* Return lattice noise without gradients in −1 … 1, and the sum of @octaves of such noise. */
gdouble demo_noise (gdouble x, gdouble y, guint32 seed);
gdouble demo_noise_sum (gdouble x, gdouble y, guint32 seed, guint octaves);

/* A function that returns the color at (@x, @y), with y in 0 … 1 and x in 0 … 4/3. */
typedef DemoColor (*DemoShader) (gdouble x, gdouble y, gconstpointer data);

void demo_shade (cairo_surface_t *surface, DemoShader shader, gconstpointer data);

void demo_set_color (cairo_t *cr, DemoColor color);
void demo_fill (cairo_t *cr, DemoColor color);
