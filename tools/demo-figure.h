/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A walking figure: its pose, its extents, and its drawing. Lengths are in heights of the
 * figure. */
#pragma once
#include "demo-pictures.h"

typedef struct {
  gdouble phase;  /* of the gait, in radians */
  gdouble stride; /* greatest angle of a thigh; 0: stands */
  gdouble yaw;    /* −π/2: faces left, 0: faces the camera, π/2: faces right */
  gdouble lying; /* 0: upright, 1: lies on the ground, in the direction that the figure faces */
} DemoPose;

typedef struct {
  DemoColor skin, hair, shirt, trousers;
} DemoClothes;

/* The extents of the figure around the point on the ground below its hips. y points down. */
typedef struct {
  gdouble left, top, right, bottom;
} DemoExtents;

DemoClothes demo_clothes_choose (GRand *rand);

DemoExtents demo_figure_get_extents (const DemoPose *pose);

/* Draws the figure, @height pixels tall, with (@x, @y) as the point on the ground. */
void demo_figure_draw (cairo_t *cr, const DemoPose *pose, const DemoClothes *clothes, gdouble x,
    gdouble y, gdouble height);
