/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The pictures that the virtual camera looks at: drawn at run time, the same for the same seed,
 * and of another kind than the textures that the model is trained on (noise, scattered flat
 * shapes, periodic patterns). */
#pragma once
#include <cairo.h>
#include <glib.h>

#define DEMO_PICTURE_WIDTH 2400
#define DEMO_PICTURE_HEIGHT 1800

/* Every kind of picture; one line here and a painter demo_paint_<id> add one. */
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

/* A painter fills @surface, RGB24 of DEMO_PICTURE_WIDTH × DEMO_PICTURE_HEIGHT, taking every
 * random choice from @rand. Painters run in several threads at once. */
#define PICTURE(id) void demo_paint_##id (cairo_surface_t *surface, GRand *rand);
DEMO_PICTURES (PICTURE)
#undef PICTURE

guint demo_picture_kinds (void);
const gchar *demo_picture_name (guint kind);

/* Returns: (transfer full): the picture of that kind and seed. */
cairo_surface_t *demo_picture_new (guint kind, guint32 seed);

/* --- what painters share --- */

typedef struct {
  gdouble r, g, b; /* 0 … 1 */
} DemoColor;

DemoColor demo_hsv (gdouble hue, gdouble saturation, gdouble value);
DemoColor demo_mix (DemoColor a, DemoColor b, gdouble t);

/* A smooth cyclic palette: three cosines over @t, apart in phase by @spread, turned by @hue. */
DemoColor demo_palette (gdouble t, gdouble hue, gdouble spread);

gdouble demo_random (GRand *rand, gdouble low, gdouble high);

/* Gradient-free lattice noise in −1 … 1, and the sum of @octaves of it. */
gdouble demo_noise (gdouble x, gdouble y, guint32 seed);
gdouble demo_noise_sum (gdouble x, gdouble y, guint32 seed, guint octaves);

/* The color at (@x, @y), where y runs over 0 … 1 and x over 0 … 4/3. */
typedef DemoColor (*DemoShader) (gdouble x, gdouble y, gconstpointer data);

void demo_shade (cairo_surface_t *surface, DemoShader shader, gconstpointer data);

void demo_set_color (cairo_t *cr, DemoColor color);
void demo_fill (cairo_t *cr, DemoColor color);
