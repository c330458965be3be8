/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "demo-stage.h"
#include <math.h>

#define W DEMO_STAGE_WIDTH
#define H DEMO_STAGE_HEIGHT
#define EASE 0.25        /* share of the way to a new speed that a frame covers */
#define EDGE_ERROR 0.008 /* standard deviation of an edge of a box, in heights of the figure */
#define LEAST_VISIBLE 0.35 /* share of a figure that is detected */
#define MAX_FIGURES 7
#define MAX_AGE 420   /* frames after which a figure leaves */
#define PAUSE 30      /* frames between two entrances, on average */
#define REHEARSAL 150 /* frames before the first frame of the film */

static const gchar *const action_names[DEMO_N_ACTIONS] = {
    "stand", "walk", "run", "turn", "fall", "lie", "rise"};

typedef struct {
  guint number;
  DemoClothes clothes;
  DemoPose pose;
  gdouble x, depth;              /* 0: far, 1: near */
  gdouble walk_speed, run_speed; /* in heights per frame */
  gdouble speed;                 /* in heights per frame */
  gint facing;                   /* −1: left, 1: right */
  DemoAction action;
  gint frames, length; /* of the action: passed, and in total */
  gint age;            /* in frames */
} Figure;

struct _DemoStage {
  GRand *rand;
  GArray *figures;    /* of Figure, from far to near */
  GArray *detections; /* of DemoDetection */
  guint n_entered;
  guint32 place_seed;
  cairo_surface_t *place; /* (nullable): NULL before the first drawing */
};

const gchar *
demo_action_name (DemoAction action)
{
  return action_names[action];
}

/* --- Actions --- */

/* The probability of each next action in percent, and the least and greatest number of frames of
 * the action itself */
static const struct {
  guint8 next[DEMO_N_ACTIONS];
  gint least, most;
} actions[DEMO_N_ACTIONS] = {
    [DEMO_STAND] = {{[DEMO_WALK] = 45, [DEMO_RUN] = 20, [DEMO_TURN] = 25, [DEMO_FALL] = 10}, 30,
        80},
    [DEMO_WALK] = {{[DEMO_STAND] = 35, [DEMO_RUN] = 25, [DEMO_TURN] = 25, [DEMO_FALL] = 15}, 45,
        110},
    [DEMO_RUN] = {{[DEMO_STAND] = 25, [DEMO_WALK] = 30, [DEMO_TURN] = 15, [DEMO_FALL] = 30}, 25,
        60},
    [DEMO_TURN] = {{[DEMO_STAND] = 20, [DEMO_WALK] = 50, [DEMO_RUN] = 30}, 24, 36},
    [DEMO_FALL] = {{[DEMO_LIE] = 100}, 15, 22},
    [DEMO_LIE] = {{[DEMO_RISE] = 100}, 40, 80},
    [DEMO_RISE] = {{[DEMO_STAND] = 50, [DEMO_WALK] = 50}, 28, 40},
};

static void
begin_action (Figure *figure, DemoAction action, GRand *rand)
{
  figure->action = action;
  figure->frames = 0;
  figure->length = g_rand_int_range (rand, actions[action].least, actions[action].most + 1);
}

static void
choose_action (Figure *figure, GRand *rand)
{
  const gboolean is_central = figure->x > 0.12 * W && figure->x < 0.88 * W;
  gint roll = g_rand_int_range (rand, 0, 100);
  guint action = 0;

  while (roll >= actions[figure->action].next[action])
    roll -= actions[figure->action].next[action++];
  if (figure->action == DEMO_TURN)
    figure->facing = -figure->facing;
  /* A figure walks on at the edges of the picture, and an old figure walks until it has left. */
  if ((!is_central || figure->age > MAX_AGE) && figure->action != DEMO_FALL
      && figure->action != DEMO_LIE)
    action = DEMO_WALK;
  begin_action (figure, action, rand);
}

/* Returns the progress of the action in 0 … 1, which begins and ends slowly. */
static gdouble
ease_action (const Figure *figure)
{
  return 0.5 - 0.5 * cos (G_PI * MIN (1, (gdouble) figure->frames / figure->length));
}

static gdouble
get_height (const Figure *figure)
{
  return 75 + 115 * figure->depth;
}

static gdouble
get_ground (const Figure *figure)
{
  return H * (0.52 + 0.44 * figure->depth);
}

/* Moves the figure by one frame of its action. */
static void
move_figure (Figure *figure)
{
  const gdouble targets[DEMO_N_ACTIONS] = {
      [DEMO_WALK] = figure->walk_speed, [DEMO_RUN] = figure->run_speed};
  const gdouble side = 0.5 * G_PI * figure->facing;
  DemoPose *pose = &figure->pose;

  figure->speed += EASE * (targets[figure->action] - figure->speed);
  figure->x += figure->facing * figure->speed * get_height (figure);
  /* A stride covers a length that grows with the speed. */
  pose->stride = MIN (0.85, 2.6 * sqrt (figure->speed) - 0.05 * figure->speed);
  if (figure->speed < 0.004)
    pose->stride *= figure->speed / 0.004;
  pose->phase += G_PI * figure->speed / MAX (0.35, 0.75 * pose->stride * 1.3);
  pose->yaw = side;
  if (figure->action == DEMO_TURN)
    pose->yaw *= cos (G_PI * figure->frames / figure->length);
  if (figure->action == DEMO_FALL)
    pose->lying = ease_action (figure);
  else if (figure->action == DEMO_RISE)
    pose->lying = 1 - ease_action (figure);
  else
    pose->lying = figure->action == DEMO_LIE;
}

/* --- Entrances and exits --- */

static Figure
make_figure (DemoStage *stage)
{
  GRand *rand = stage->rand;
  const gboolean runs = g_rand_int_range (rand, 0, 3) == 0;
  Figure figure = {
      .number = stage->n_entered++,
      .clothes = demo_clothes_choose (rand),
      .pose = {.phase = demo_random (rand, 0, 2 * G_PI)},
      .depth = demo_random (rand, 0, 1),
      .walk_speed = demo_random (rand, 0.02, 0.032),
      .run_speed = demo_random (rand, 0.055, 0.08),
      .facing = g_rand_boolean (rand) ? 1 : -1,
  };

  figure.speed = runs ? figure.run_speed : figure.walk_speed;
  figure.x = figure.facing > 0 ? -0.3 * get_height (&figure) : W + 0.3 * get_height (&figure);
  begin_action (&figure, runs ? DEMO_RUN : DEMO_WALK, rand);
  return figure;
}

static gboolean
has_left (const Figure *figure)
{
  const gdouble margin = 0.5 * get_height (figure);

  return figure->x < -margin || figure->x > W + margin;
}

/* Adds a figure at random times, and keeps the figures in the order of their depth. */
static void
add_figure (DemoStage *stage)
{
  Figure figure;
  guint i = 0;

  if (stage->figures->len == MAX_FIGURES || g_rand_int_range (stage->rand, 0, PAUSE) > 0)
    return;
  figure = make_figure (stage);
  while (
      i < stage->figures->len && g_array_index (stage->figures, Figure, i).depth < figure.depth)
    i++;
  g_array_insert_val (stage->figures, i, figure);
}

/* --- The detector --- */

typedef struct {
  gdouble left, top, right, bottom; /* in pixels */
} Box;

static Box
get_box (const Figure *figure)
{
  const DemoExtents extents = demo_figure_get_extents (&figure->pose);
  const gdouble height = get_height (figure), ground = get_ground (figure);

  return (Box){figure->x + height * extents.left, ground + height * extents.top,
      figure->x + height * extents.right, ground + height * extents.bottom};
}

/* Returns the greatest share of the width of @box that the picture or a nearer figure hides. */
static gdouble
get_hidden_share (const DemoStage *stage, guint index, const Box *box)
{
  const gdouble width = box->right - box->left;
  gdouble hidden = 1 - (MIN (W, box->right) - MAX (0, box->left)) / width;

  for (guint i = index + 1; i < stage->figures->len; i++) {
    const Box near = get_box (&g_array_index (stage->figures, Figure, i));
    const gdouble overlap = MIN (near.right, box->right) - MAX (near.left, box->left);

    if (near.top < box->top + 0.2 * (box->bottom - box->top))
      hidden = MAX (hidden, overlap / width);
  }
  return hidden;
}

/* Returns an edge with a random error, rounded to pixels, in 0 … @limit. */
static gint
detect_edge (GRand *rand, gdouble edge, gdouble height, gint limit)
{
  gdouble sum = -6;

  for (guint i = 0; i < 12; i++)
    sum += g_rand_double (rand);
  return CLAMP ((gint) lround (edge + sum * EDGE_ERROR * height), 0, limit);
}

/* Appends a detection of figure @index, unless the figure is hidden. */
static void
detect_figure (DemoStage *stage, guint index)
{
  const Figure *figure = &g_array_index (stage->figures, Figure, index);
  const gdouble height = get_height (figure);
  const Box box = get_box (figure);
  DemoDetection detection = {.figure = figure->number, .action = figure->action};
  gint right, bottom;

  detection.x = detect_edge (stage->rand, box.left, height, W);
  detection.y = detect_edge (stage->rand, box.top, height, H);
  right = detect_edge (stage->rand, box.right, height, W);
  bottom = detect_edge (stage->rand, box.bottom, height, H);
  detection.width = right - detection.x;
  detection.height = bottom - detection.y;
  if (detection.width > 0 && detection.height > 0
      && get_hidden_share (stage, index, &box) < 1 - LEAST_VISIBLE)
    g_array_append_val (stage->detections, detection);
}

/* --- The stage --- */

/* Moves the figures to the next frame. */
static void
move_figures (DemoStage *stage)
{
  add_figure (stage);
  for (guint i = 0; i < stage->figures->len;) {
    Figure *figure = &g_array_index (stage->figures, Figure, i);

    if (figure->frames++ == figure->length)
      choose_action (figure, stage->rand);
    figure->age++;
    move_figure (figure);
    if (has_left (figure))
      g_array_remove_index (stage->figures, i);
    else
      i++;
  }
}

DemoStage *
demo_stage_new (guint32 seed)
{
  DemoStage *stage = g_new0 (DemoStage, 1);

  stage->rand = g_rand_new_with_seed (seed);
  stage->figures = g_array_new (FALSE, FALSE, sizeof (Figure));
  stage->detections = g_array_new (FALSE, FALSE, sizeof (DemoDetection));
  stage->place_seed = seed;
  for (guint i = 0; i < REHEARSAL; i++)
    move_figures (stage);
  return stage;
}

void
demo_stage_free (DemoStage *stage)
{
  g_rand_free (stage->rand);
  g_array_unref (stage->figures);
  g_array_unref (stage->detections);
  g_clear_pointer (&stage->place, cairo_surface_destroy);
  g_free (stage);
}

const DemoDetection *
demo_stage_step (DemoStage *stage, guint *n)
{
  move_figures (stage);
  g_array_set_size (stage->detections, 0);
  for (guint i = 0; i < stage->figures->len; i++)
    detect_figure (stage, i);
  *n = stage->detections->len;
  return (const DemoDetection *) stage->detections->data;
}

void
demo_stage_draw (DemoStage *stage, cairo_surface_t *frame)
{
  cairo_t *cr = cairo_create (frame);

  if (!stage->place) {
    stage->place = cairo_image_surface_create (CAIRO_FORMAT_RGB24, W, H);
    demo_place_draw (stage->place, stage->place_seed);
  }
  cairo_set_source_surface (cr, stage->place, 0, 0);
  cairo_paint (cr);
  for (guint i = 0; i < stage->figures->len; i++) {
    const Figure *figure = &g_array_index (stage->figures, Figure, i);

    demo_figure_draw (cr, &figure->pose, &figure->clothes, figure->x, get_ground (figure),
        get_height (figure));
  }
  cairo_destroy (cr);
  cairo_surface_flush (frame);
}
