/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Painters of simulated pictures: a reaction with diffusion, and rays of light. */
#include "demo-pictures.h"
#include <math.h>

/* --- coral: the Gray-Scott reaction, lit as if it were raised --- */

#define CORAL_W 200
#define CORAL_H 150

typedef struct {
  gfloat v[CORAL_H][CORAL_W]; /* the concentration that the reaction feeds */
  gdouble hue;
} Coral;

static void
react_cells (gfloat (*u)[CORAL_W], gfloat (*v)[CORAL_W], gfloat (*nu)[CORAL_W],
    gfloat (*nv)[CORAL_W], gfloat feed, gfloat kill)
{
  for (guint y = 0; y < CORAL_H; y++) {
    guint n = (y + CORAL_H - 1) % CORAL_H, s = (y + 1) % CORAL_H;

    for (guint x = 0; x < CORAL_W; x++) {
      guint w = (x + CORAL_W - 1) % CORAL_W, e = (x + 1) % CORAL_W;
      gfloat a = u[y][x], b = v[y][x], r = a * b * b;
      gfloat du = 0.2f * (u[n][x] + u[s][x] + u[y][w] + u[y][e])
                  + 0.05f * (u[n][w] + u[n][e] + u[s][w] + u[s][e]) - a;
      gfloat dv = 0.2f * (v[n][x] + v[s][x] + v[y][w] + v[y][e])
                  + 0.05f * (v[n][w] + v[n][e] + v[s][w] + v[s][e]) - b;

      nu[y][x] = a + 0.9f * du - r + feed * (1 - a);
      nv[y][x] = b + 0.45f * dv + r - (feed + kill) * b;
    }
  }
}

static void
grow_coral (Coral *coral, GRand *rand, gfloat feed, gfloat kill)
{
  gsize cells = (gsize) CORAL_W * CORAL_H;
  g_autofree gfloat *memory = g_new (gfloat, 4 * cells);
  gfloat (*a)[CORAL_W] = (gpointer) memory, (*b)[CORAL_W] = (gpointer) (memory + cells);
  gfloat (*c)[CORAL_W] = (gpointer) (memory + 2 * cells);
  gfloat (*d)[CORAL_W] = (gpointer) (memory + 3 * cells);

  for (gsize i = 0; i < cells; i++) {
    memory[i] = 1;
    memory[cells + i] = 0;
  }
  for (guint i = 0; i < 60; i++) {
    gint x = g_rand_int_range (rand, 3, CORAL_W - 3);
    gint y = g_rand_int_range (rand, 3, CORAL_H - 3);

    for (gint j = 0; j < 36; j++)
      b[y + j / 6 - 3][x + j % 6 - 3] = 0.5f;
  }
  for (guint i = 0; i < 3500; i++) {
    react_cells (a, b, c, d, feed, kill);
    react_cells (c, d, a, b, feed, kill);
  }
  memcpy (coral->v, b, sizeof coral->v);
}

/* Returns the concentration between the cells by a quadratic B-spline, which has no corners. */
static gdouble
get_coral_height (const Coral *coral, gdouble x, gdouble y)
{
  gdouble px = x * CORAL_H, py = y * CORAL_H;
  gint ix = (gint) floor (px), iy = (gint) floor (py);
  gdouble fx = px - ix, fy = py - iy, sum = 0;
  gdouble wx[3] = {0.5 * (1 - fx) * (1 - fx), 0.5 + fx * (1 - fx), 0.5 * fx * fx};
  gdouble wy[3] = {0.5 * (1 - fy) * (1 - fy), 0.5 + fy * (1 - fy), 0.5 * fy * fy};

  for (gint j = 0; j < 3; j++)
    for (gint i = 0; i < 3; i++)
      sum += wy[j] * wx[i]
             * coral->v[(iy + j - 1 + CORAL_H) % CORAL_H][(ix + i - 1 + CORAL_W) % CORAL_W];
  return sum;
}

static DemoColor
shade_coral (gdouble x, gdouble y, gconstpointer data)
{
  const Coral *coral = data;
  gdouble e = 0.002, h = get_coral_height (coral, x, y);
  gdouble slope = get_coral_height (coral, x + e, y + e) - h;
  gdouble depth = demo_noise_sum (x * 3, y * 3, 5, 3);
  DemoColor sea = demo_hsv (coral->hue + 0.5 + 0.1 * depth, 0.8, 0.25 + 0.25 * depth);
  DemoColor flesh = demo_hsv (coral->hue + 0.25 * h + 0.05 * depth, 0.75, 0.95);
  DemoColor color = demo_mix (sea, flesh, (h - 0.16) * 12);

  return slope < 0 ? demo_mix (color, (DemoColor){1, 1, 1}, -5 * slope)
                   : demo_mix (color, (DemoColor){0.05, 0, 0.1}, 7 * slope);
}

void
demo_paint_coral (cairo_surface_t *surface, GRand *rand)
{
  static const gfloat kinds[][2] = {{0.0545f, 0.062f}, {0.037f, 0.06f}, {0.029f, 0.057f}};
  guint i = g_rand_int_range (rand, 0, G_N_ELEMENTS (kinds));
  g_autofree Coral *coral = g_new (Coral, 1);

  coral->hue = demo_random (rand, 0.9, 1.15);
  grow_coral (coral, rand, kinds[i][0], kinds[i][1]);
  demo_shade (surface, shade_coral, coral);
}

/* --- spheres: traced rays, mirrors on a tiled floor --- */

#define N_SPHERES 34

typedef struct {
  gdouble x, y, z;
} Vector;

typedef struct {
  Vector centre;
  gdouble radius, shine;
  DemoColor color;
} Sphere;

typedef struct {
  Sphere spheres[N_SPHERES];
  DemoColor tiles[2];
} Scene;

static gdouble
dot_product (Vector a, Vector b)
{
  return a.x * b.x + a.y * b.y + a.z * b.z;
}

static Vector
point_along (Vector from, Vector direction, gdouble t)
{
  return (Vector){from.x + t * direction.x, from.y + t * direction.y, from.z + t * direction.z};
}

static Vector
unit_vector (Vector v)
{
  return point_along ((Vector){0, 0, 0}, v, 1 / sqrt (dot_product (v, v)));
}

/* Returns the nearest sphere that the ray meets, or NULL, and stores its distance in @t. */
static const Sphere *
find_sphere (const Scene *scene, Vector from, Vector direction, gdouble *t)
{
  const Sphere *hit = NULL;

  *t = 1e9;
  for (guint i = 0; i < N_SPHERES; i++) {
    const Sphere *s = &scene->spheres[i];
    Vector to = point_along (from, s->centre, -1); /* from − centre */
    gdouble b = dot_product (to, direction), c = dot_product (to, to) - s->radius * s->radius;
    gdouble root = b * b - c;

    if (root > 0 && -b - sqrt (root) > 1e-4 && -b - sqrt (root) < *t) {
      *t = -b - sqrt (root);
      hit = s;
    }
  }
  return hit;
}

static DemoColor
light_point (const Scene *scene, Vector point, Vector normal, DemoColor color)
{
  static const Vector sun = {-0.48, 0.64, -0.6};
  gdouble t, light = MAX (dot_product (normal, sun), 0);

  if (light > 0 && find_sphere (scene, point, sun, &t))
    light = 0;
  return demo_mix ((DemoColor){0, 0, 0.03}, color, 0.28 + 0.78 * light);
}

/* Returns the color that a ray sees. The floor is y = 0; an upward ray without a sphere sees a
 * bright sky. */
static DemoColor
shade_floor (const Scene *scene, Vector from, Vector direction)
{
  Vector point;
  gdouble joint;
  gint tile;

  if (direction.y > -1e-3)
    return demo_mix ((DemoColor){0.75, 0.85, 1}, (DemoColor){0.1, 0.25, 0.6}, direction.y);
  point = point_along (from, direction, -from.y / direction.y);
  tile = (gint) floor (point.x) + (gint) floor (point.z);
  joint = MIN (fabs (point.x - round (point.x)), fabs (point.z - round (point.z)));
  return light_point (scene, point, (Vector){0, 1, 0},
      demo_mix ((DemoColor){0.1, 0.1, 0.1}, scene->tiles[tile & 1], 30 * joint));
}

static DemoColor
trace_ray (const Scene *scene, Vector from, Vector direction, guint depth)
{
  gdouble t;
  const Sphere *s = find_sphere (scene, from, direction, &t);
  Vector point, normal, mirrored;
  DemoColor color;

  if (!s)
    return shade_floor (scene, from, direction);
  point = point_along (from, direction, t);
  normal = unit_vector (point_along (point, s->centre, -1));
  mirrored = point_along (direction, normal, -2 * dot_product (direction, normal));
  color = light_point (scene, point, normal, s->color);
  if (depth > 0)
    color = demo_mix (color, trace_ray (scene, point, mirrored, depth - 1), s->shine);
  return color;
}

static DemoColor
shade_scene (gdouble x, gdouble y, gconstpointer data)
{
  static const Vector eye = {0, 9, -9};
  gdouble u = 0.95 * (x - 2. / 3), v = 0.95 * (0.5 - y);

  /* The camera looks down by 48°. */
  return trace_ray (data, eye, unit_vector ((Vector){u, 0.67 * v - 0.74, 0.74 * v + 0.67}), 2);
}

void
demo_paint_spheres (cairo_surface_t *surface, GRand *rand)
{
  Scene scene;
  gdouble hue = demo_random (rand, 0, 1);

  for (guint i = 0; i < N_SPHERES; i++) {
    Sphere *s = &scene.spheres[i];

    s->radius = demo_random (rand, 0.35, 1.15);
    s->centre = (Vector){demo_random (rand, -7.5, 7.5), s->radius, demo_random (rand, -6.5, 7)};
    s->shine = demo_random (rand, 0.1, 0.6);
    s->color = demo_hsv (demo_random (rand, 0, 1), 0.8, demo_random (rand, 0.5, 1));
  }
  scene.tiles[0] = demo_hsv (hue, 0.25, 0.92);
  scene.tiles[1] = demo_hsv (hue + 0.1, 0.5, 0.42);
  demo_shade (surface, shade_scene, &scene);
}
