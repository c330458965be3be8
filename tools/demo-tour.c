/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Films a tour: one continuous recording in which the virtual camera performs every motion over a
 * few pictures. A key file lists the motions and their frames. The long tour is the film of the
 * demo, the short tour becomes video/camera.webm. */
#include "demo-camera.h"
#include "demo-film.h"
#include "demo-pictures.h"
#include <string.h>

#define WIDTH 640
#define HEIGHT 480
#define KBIT_PER_SECOND 2500
#define EASE 10   /* frames of the transition from one motion to the next */
#define PAN 0.013 /* of the frame's width, per frame */
#define ZOOM 0.013
#define ATTEMPTS 100000

#define MOTIONS_PER_SCENE 2

typedef struct {
  const gchar *picture;
  guint32 seed;
  DemoMotion motions[MOTIONS_PER_SCENE];
  gdouble width; /* of the last view, in pixels of the picture */
} Scene;

typedef struct {
  const Scene *scenes;
  guint n_scenes;
  guint motion_frames; /* of one motion, at most DEMO_MAX_FRAMES / MOTIONS_PER_SCENE */
} Tour;

static const Scene long_scenes[] = {
    {"sunflowers", 5, {DEMO_PAN_RIGHT, DEMO_ZOOM_IN}, 450},
    {"streets", 5, {DEMO_TILT_DOWN, DEMO_PAN_LEFT}, 800},
    {"spheres", 5, {DEMO_ZOOM_OUT, DEMO_STILL}, 1500},
    {"skyline", 5, {DEMO_TILT_UP, DEMO_PAN_RIGHT}, 850},
    {"coral", 5, {DEMO_ZOOM_IN, DEMO_TILT_DOWN}, 650},
    {"bookshelf", 5, {DEMO_STILL, DEMO_ZOOM_OUT}, 1600},
};
static const Tour long_tour = {long_scenes, G_N_ELEMENTS (long_scenes), 72};

static const Scene short_scenes[] = {
    {"skyline", 5, {DEMO_PAN_RIGHT, DEMO_TILT_UP}, 850},
    {"spheres", 5, {DEMO_ZOOM_OUT, DEMO_STILL}, 1500},
    {"farmland", 5, {DEMO_PAN_LEFT, DEMO_ZOOM_IN}, 700},
    {"mandelbrot", 5, {DEMO_TILT_DOWN, DEMO_PAN_RIGHT}, 700},
};
static const Tour short_tour = {short_scenes, G_N_ELEMENTS (short_scenes), 42};

static guint
find_picture_kind (const gchar *name)
{
  guint kind = 0;

  while (strcmp (demo_picture_name (kind), name) != 0)
    kind++;
  return kind;
}

/* Sets each move to the mean of the target moves around it, so that the camera accelerates
 * smoothly. */
static void
compute_moves (const Tour *tour, const Scene *scene, DemoMove *moves)
{
  gint frames = tour->motion_frames;

  for (gint i = 0; i < MOTIONS_PER_SCENE * frames; i++) {
    moves[i] = (DemoMove){0};
    for (gint j = i - EASE / 2; j < i + EASE / 2; j++) {
      guint part = CLAMP (j / frames, 0, MOTIONS_PER_SCENE - 1);
      DemoMove target = demo_move (scene->motions[part], PAN, ZOOM);

      moves[i].pan += target.pan / EASE;
      moves[i].tilt += target.tilt / EASE;
      moves[i].zoom += target.zoom / EASE;
    }
  }
}

static gboolean
choose_path (const Tour *tour, const Scene *scene, GRand *rand, DemoView *views, GError **error)
{
  guint n_frames = MOTIONS_PER_SCENE * tour->motion_frames;
  DemoMove moves[DEMO_MAX_FRAMES];
  DemoHand hand;

  compute_moves (tour, scene, moves);
  for (guint i = 0; i < ATTEMPTS; i++) {
    DemoView last = {.x = g_rand_double_range (rand, 0, DEMO_PICTURE_WIDTH),
        .y = g_rand_double_range (rand, 0, DEMO_PICTURE_HEIGHT),
        .width = scene->width};

    demo_hand_init (&hand, rand);
    demo_camera_path (&hand, moves, n_frames, last, views);
    if (demo_camera_inside (views, n_frames))
      return TRUE;
  }
  g_set_error (error, GST_CORE_ERROR, GST_CORE_ERROR_FAILED,
      "picture %s: expected a path inside the picture, found none in %d attempts",
      scene->picture, ATTEMPTS);
  return FALSE;
}

static gboolean
shoot_scene (const Tour *tour, const Scene *scene, GRand *rand, DemoFilm *film,
    cairo_surface_t *frame, GError **error)
{
  cairo_surface_t *picture;
  DemoView views[DEMO_MAX_FRAMES];

  if (!choose_path (tour, scene, rand, views, error))
    return FALSE;
  picture = demo_picture_new (find_picture_kind (scene->picture), scene->seed);
  for (guint i = 0; i < MOTIONS_PER_SCENE * tour->motion_frames; i++) {
    demo_camera_shoot (picture, views[i], frame);
    demo_film_add (film, frame);
  }
  cairo_surface_destroy (picture);
  return TRUE;
}

static gboolean
shoot_tour (const Tour *tour, const gchar *path, guint32 seed, GError **error)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (seed);
  DemoFilm *film = demo_film_new (path, WIDTH, HEIGHT, KBIT_PER_SECOND, error);
  cairo_surface_t *frame;
  gboolean good = TRUE;

  if (!film)
    return FALSE;
  frame = cairo_image_surface_create (CAIRO_FORMAT_RGB24, WIDTH, HEIGHT);
  for (guint i = 0; good && i < tour->n_scenes; i++)
    good = shoot_scene (tour, &tour->scenes[i], rand, film, frame, error);
  cairo_surface_destroy (frame);
  return demo_film_close (film, good ? error : NULL) && good;
}

/* Writes a group for each motion, in order: `start` and `end` in frames, `motion`, `picture`. */
static gboolean
write_key (const Tour *tour, const gchar *path, GError **error)
{
  g_autoptr (GKeyFile) key = g_key_file_new ();

  for (guint i = 0; i < tour->n_scenes * MOTIONS_PER_SCENE; i++) {
    const Scene *scene = &tour->scenes[i / MOTIONS_PER_SCENE];
    g_autofree gchar *group = g_strdup_printf ("motion %02u", i + 1);

    g_key_file_set_integer (key, group, "start", i * tour->motion_frames);
    g_key_file_set_integer (key, group, "end", (i + 1) * tour->motion_frames);
    g_key_file_set_string (
        key, group, "motion", demo_motion_name (scene->motions[i % MOTIONS_PER_SCENE]));
    g_key_file_set_string (key, group, "picture", scene->picture);
  }
  return g_key_file_save_to_file (key, path, error);
}

int
main (int argc, char **argv)
{
  gint seed = 1;
  gboolean is_short = FALSE;
  const GOptionEntry options[] = {
      {"seed", 's', 0, G_OPTION_ARG_INT, &seed, "Seed of every random choice", "N"},
      {"short", 0, 0, G_OPTION_ARG_NONE, &is_short, "Film the tour of 11 s instead of 29 s",
          NULL},
      {NULL}};
  g_autoptr (GOptionContext) context = g_option_context_new ("FILM KEY");
  g_autoptr (GError) error = NULL;
  const Tour *tour;

  g_option_context_set_summary (
      context, "Films a tour of a virtual camera into FILM, and writes its motions into KEY.");
  g_option_context_add_main_entries (context, options, NULL);
  g_option_context_add_group (context, gst_init_get_option_group ());
  if (!g_option_context_parse (context, &argc, &argv, &error) || argc != 3) {
    g_printerr ("demo-tour: %s\n",
        error ? error->message : "expected FILM and KEY; --help lists the options");
    return 2;
  }
  tour = is_short ? &short_tour : &long_tour;
  if (!shoot_tour (tour, argv[1], seed, &error) || !write_key (tour, argv[2], &error)) {
    g_printerr ("demo-tour: %s: %s\n", argv[1], error->message);
    return 1;
  }
  return 0;
}
