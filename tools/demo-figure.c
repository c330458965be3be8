/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "demo-figure.h"
#include <math.h>

#define THIGH 0.25
#define SHIN 0.25
#define FOOT 0.07
#define TRUNK 0.3
#define NECK 0.11 /* from the shoulders to the centre of the head */
#define HEAD 0.065
#define UPPER_ARM 0.16
#define FOREARM 0.15
#define HIP_WIDTH 0.05      /* from the centre of the body */
#define SHOULDER_WIDTH 0.11 /* from the centre of the body */
#define LIMB 0.028          /* half the thickness of a limb */
#define BODY 0.062          /* half the thickness of the trunk */

typedef struct {
  gdouble x, y; /* y points up */
} Point;

/* The joints of a side of the body */
typedef struct {
  Point hip, knee, ankle, toe, shoulder, elbow, hand;
  gboolean is_near; /* the camera */
} Side;

typedef struct {
  Side sides[2];
  Point waist, neck, head;
} Body;

/* Returns the point at @length and @angle from @from. 0 points down, π/2 points forward. */
static Point
go_from (Point from, gdouble length, gdouble angle)
{
  return (Point){from.x + length * sin (angle), from.y - length * cos (angle)};
}

/* Sets the joints of a side in the plane of the gait, with x forward and the waist at (0, 0). */
static void
bend_side (const DemoPose *pose, gdouble phase, Point shoulder, Side *side)
{
  const gdouble thigh = pose->stride * sin (phase);
  const gdouble knee = pose->stride * (0.3 + 1.1 * MAX (0, sin (phase + 1.2)));
  const gdouble arm = -0.9 * thigh;
  const gdouble elbow = 0.15 + 1.8 * MAX (0, pose->stride - 0.35);

  side->hip = (Point){0, 0};
  side->knee = go_from (side->hip, THIGH, thigh);
  side->ankle = go_from (side->knee, SHIN, thigh - knee);
  side->toe = go_from (side->ankle, FOOT, thigh - knee + 0.5 * G_PI);
  side->shoulder = shoulder;
  side->elbow = go_from (shoulder, UPPER_ARM, arm);
  side->hand = go_from (side->elbow, FOREARM, arm + elbow);
}

/* Turns a point of the gait's plane, @lateral from it, to the camera, and then to the ground. */
static Point
turn_point (const DemoPose *pose, Point p, gdouble lateral)
{
  const gdouble forward = sin (pose->yaw);
  const gdouble angle = (forward < 0 ? -0.5 : 0.5) * G_PI * pose->lying;
  const Point turned = {p.x * forward + lateral * cos (pose->yaw), p.y};

  return (Point){turned.x * cos (angle) + turned.y * sin (angle),
      turned.y * cos (angle) - turned.x * sin (angle)};
}

static void
turn_side (const DemoPose *pose, gdouble direction, Side *side)
{
  Point *legs[] = {&side->hip, &side->knee, &side->ankle, &side->toe};
  Point *arms[] = {&side->shoulder, &side->elbow, &side->hand};

  for (guint i = 0; i < G_N_ELEMENTS (legs); i++)
    *legs[i] = turn_point (pose, *legs[i], direction * HIP_WIDTH);
  for (guint i = 0; i < G_N_ELEMENTS (arms); i++)
    *arms[i] = turn_point (pose, *arms[i], direction * (SHOULDER_WIDTH + (i ? 0.02 : 0)));
  side->is_near = direction * sin (pose->yaw) > 0;
}

static Body
make_body (const DemoPose *pose)
{
  const gdouble up = G_PI - 0.25 * MAX (0, pose->stride - 0.3); /* leans forward in a run */
  const Point waist = {0, 0};
  Body body = {.waist = waist};

  body.neck = go_from (waist, TRUNK, up);
  body.head = go_from (body.neck, NECK, up);
  for (guint i = 0; i < 2; i++) {
    bend_side (pose, pose->phase + i * G_PI, body.neck, &body.sides[i]);
    turn_side (pose, i ? 1 : -1, &body.sides[i]);
  }
  body.waist = turn_point (pose, body.waist, 0);
  body.neck = turn_point (pose, body.neck, 0);
  body.head = turn_point (pose, body.head, 0);
  return body;
}

static void
extend (DemoExtents *extents, Point p, gdouble radius)
{
  extents->left = MIN (extents->left, p.x - radius);
  extents->right = MAX (extents->right, p.x + radius);
  extents->top = MIN (extents->top, -p.y - radius);
  extents->bottom = MAX (extents->bottom, -p.y + radius);
}

/* Returns the extents of @body with the waist at (0, 0). */
static DemoExtents
measure_body (const Body *body)
{
  DemoExtents extents = {G_MAXDOUBLE, G_MAXDOUBLE, -G_MAXDOUBLE, -G_MAXDOUBLE};

  extend (&extents, body->head, HEAD);
  extend (&extents, body->neck, BODY);
  extend (&extents, body->waist, BODY);
  for (guint i = 0; i < 2; i++) {
    const Side *side = &body->sides[i];
    const Point points[] = {
        side->knee, side->ankle, side->toe, side->shoulder, side->elbow, side->hand};

    for (guint j = 0; j < G_N_ELEMENTS (points); j++)
      extend (&extents, points[j], LIMB);
  }
  return extents;
}

DemoExtents
demo_figure_get_extents (const DemoPose *pose)
{
  const Body body = make_body (pose);
  DemoExtents extents = measure_body (&body);

  extents.top -= extents.bottom; /* the lowest point is on the ground */
  extents.bottom = 0;
  return extents;
}

/* --- Drawing --- */

DemoClothes
demo_clothes_choose (GRand *rand)
{
  static const DemoColor skins[] = {
      {0.98, 0.85, 0.72}, {0.91, 0.72, 0.55}, {0.66, 0.46, 0.32}, {0.42, 0.28, 0.2}};
  static const DemoColor hairs[] = {
      {0.12, 0.09, 0.08}, {0.35, 0.2, 0.1}, {0.75, 0.55, 0.25}, {0.55, 0.53, 0.52}};

  return (DemoClothes){
      .skin = skins[g_rand_int_range (rand, 0, G_N_ELEMENTS (skins))],
      .hair = hairs[g_rand_int_range (rand, 0, G_N_ELEMENTS (hairs))],
      .shirt = demo_hsv (demo_random (rand, 0, 1), demo_random (rand, 0.5, 0.85),
          demo_random (rand, 0.65, 0.95)),
      .trousers = demo_hsv (demo_random (rand, 0.5, 0.75), demo_random (rand, 0.2, 0.6),
          demo_random (rand, 0.2, 0.45)),
  };
}

static void
draw_line (cairo_t *cr, const Point *points, guint n, gdouble width, DemoColor color)
{
  cairo_move_to (cr, points[0].x, -points[0].y);
  for (guint i = 1; i < n; i++)
    cairo_line_to (cr, points[i].x, -points[i].y);
  cairo_set_line_width (cr, 2 * width);
  demo_set_color (cr, color);
  cairo_stroke (cr);
}

/* Returns the color of a limb, which is darker on the far side. */
static DemoColor
shade_limb (DemoColor color, gboolean is_near)
{
  return is_near ? color : demo_mix (color, (DemoColor){0, 0, 0}, 0.3);
}

static void
draw_leg (cairo_t *cr, const Side *side, const DemoClothes *clothes)
{
  const Point leg[] = {side->hip, side->knee, side->ankle};
  const Point shoe[] = {side->ankle, side->toe};

  draw_line (cr, leg, 3, LIMB * 1.15, shade_limb (clothes->trousers, side->is_near));
  draw_line (cr, shoe, 2, LIMB * 0.8, (DemoColor){0.15, 0.13, 0.13});
}

static void
draw_arm (cairo_t *cr, const Side *side, const DemoClothes *clothes)
{
  const Point sleeve[] = {side->shoulder, side->elbow};
  const Point arm[] = {side->elbow, side->hand};

  draw_line (cr, arm, 2, LIMB * 0.75, shade_limb (clothes->skin, side->is_near));
  draw_line (cr, sleeve, 2, LIMB,
      shade_limb (demo_mix (clothes->shirt, clothes->skin, 0.1), side->is_near));
}

static void
draw_trunk (cairo_t *cr, const Body *body, const DemoClothes *clothes)
{
  const Side *sides = body->sides;
  const Point outline[] = {sides[0].shoulder, sides[1].shoulder, sides[1].hip, sides[0].hip};

  cairo_move_to (cr, outline[0].x, -outline[0].y);
  for (guint i = 1; i < G_N_ELEMENTS (outline); i++)
    cairo_line_to (cr, outline[i].x, -outline[i].y);
  cairo_close_path (cr);
  demo_set_color (cr, clothes->shirt);
  cairo_set_line_width (cr, 1.5 * BODY);
  cairo_stroke_preserve (cr);
  cairo_fill (cr);
}

static void
draw_head (cairo_t *cr, const Body *body, const DemoPose *pose, const DemoClothes *clothes)
{
  const Point head = body->head;
  const Point throat[] = {body->neck, head};
  const Point back = {head.x - 0.022 * sin (pose->yaw), head.y + 0.012};

  draw_line (cr, throat, 2, LIMB * 0.9, clothes->skin);
  cairo_arc (cr, back.x, -back.y, HEAD, 0, 2 * G_PI);
  demo_fill (cr, clothes->hair);
  cairo_arc (cr, head.x + 0.008 * sin (pose->yaw), -head.y + 0.008, HEAD * 0.88, 0, 2 * G_PI);
  demo_fill (cr, clothes->skin);
}

static void
draw_shadow (cairo_t *cr, const DemoExtents *extents)
{
  cairo_save (cr);
  cairo_translate (cr, 0.5 * (extents->left + extents->right), 0);
  cairo_scale (cr, 0.55 * (extents->right - extents->left), 0.035);
  cairo_arc (cr, 0, 0, 1, 0, 2 * G_PI);
  cairo_restore (cr);
  cairo_set_source_rgba (cr, 0, 0, 0, 0.25);
  cairo_fill (cr);
}

void
demo_figure_draw (cairo_t *cr, const DemoPose *pose, const DemoClothes *clothes, gdouble x,
    gdouble y, gdouble height)
{
  const Body body = make_body (pose);
  const DemoExtents extents = measure_body (&body);
  const guint near = body.sides[1].is_near ? 1 : 0;

  cairo_save (cr);
  cairo_translate (cr, x, y);
  cairo_scale (cr, height, height);
  draw_shadow (cr, &extents);
  cairo_translate (cr, 0, -extents.bottom);
  cairo_set_line_cap (cr, CAIRO_LINE_CAP_ROUND);
  cairo_set_line_join (cr, CAIRO_LINE_JOIN_ROUND);
  draw_arm (cr, &body.sides[!near], clothes);
  draw_leg (cr, &body.sides[!near], clothes);
  draw_leg (cr, &body.sides[near], clothes);
  draw_trunk (cr, &body, clothes);
  draw_head (cr, &body, pose, clothes);
  draw_arm (cr, &body.sides[near], clothes);
  cairo_restore (cr);
}
