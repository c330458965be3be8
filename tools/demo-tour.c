/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Films the tour: one continuous recording in which the virtual camera performs every motion over
 * a few pictures. A key file lists the motions and their frames. */
#include "demo-camera.h"
#include "demo-film.h"
#include "demo-pictures.h"
#include <string.h>

#define WIDTH 640
#define HEIGHT 480
#define KBIT_PER_SECOND 2500
#define FRAMES 72 /* of one motion: 2.4 s */
#define EASE 10   /* frames of the transition from one motion to the next */
#define PAN 0.013 /* of the frame's width, per frame */
#define ZOOM 0.013
#define ATTEMPTS 100000

#define MOTIONS_PER_SCENE 2
#define SCENE_FRAMES (MOTIONS_PER_SCENE * FRAMES)
G_STATIC_ASSERT (SCENE_FRAMES <= DEMO_MAX_FRAMES);

typedef struct {
  const gchar *picture;
  guint32 seed;
  DemoMotion motions[MOTIONS_PER_SCENE];
  gdouble width; /* of the last view, in pixels of the picture */
} Scene;

static const Scene scenes[] = {
    {"sunflowers", 5, {DEMO_PAN_RIGHT, DEMO_ZOOM_IN}, 450},
    {"streets", 5, {DEMO_TILT_DOWN, DEMO_PAN_LEFT}, 800},
    {"spheres", 5, {DEMO_ZOOM_OUT, DEMO_STILL}, 1500},
    {"skyline", 5, {DEMO_TILT_UP, DEMO_PAN_RIGHT}, 850},
    {"coral", 5, {DEMO_ZOOM_IN, DEMO_TILT_DOWN}, 650},
    {"bookshelf", 5, {DEMO_STILL, DEMO_ZOOM_OUT}, 1600},
};

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
compute_moves (const Scene *scene, DemoMove *moves)
{
  for (gint i = 0; i < SCENE_FRAMES; i++) {
    moves[i] = (DemoMove){0};
    for (gint j = i - EASE / 2; j < i + EASE / 2; j++) {
      guint part = CLAMP (j / FRAMES, 0, MOTIONS_PER_SCENE - 1);
      DemoMove target = demo_move (scene->motions[part], PAN, ZOOM);

      moves[i].pan += target.pan / EASE;
      moves[i].tilt += target.tilt / EASE;
      moves[i].zoom += target.zoom / EASE;
    }
  }
}

static gboolean
choose_path (const Scene *scene, GRand *rand, DemoView *views, GError **error)
{
  DemoMove moves[SCENE_FRAMES];
  DemoHand hand;

  compute_moves (scene, moves);
  for (guint i = 0; i < ATTEMPTS; i++) {
    DemoView last = {.x = g_rand_double_range (rand, 0, DEMO_PICTURE_WIDTH),
        .y = g_rand_double_range (rand, 0, DEMO_PICTURE_HEIGHT),
        .width = scene->width};

    demo_hand_init (&hand, rand);
    demo_camera_path (&hand, moves, SCENE_FRAMES, last, views);
    if (demo_camera_inside (views, SCENE_FRAMES))
      return TRUE;
  }
  g_set_error (error, GST_CORE_ERROR, GST_CORE_ERROR_FAILED,
      "picture %s: expected a path inside the picture, found none in %d attempts",
      scene->picture, ATTEMPTS);
  return FALSE;
}

static gboolean
shoot_scene (
    const Scene *scene, GRand *rand, DemoFilm *film, cairo_surface_t *frame, GError **error)
{
  cairo_surface_t *picture;
  DemoView views[SCENE_FRAMES];

  if (!choose_path (scene, rand, views, error))
    return FALSE;
  picture = demo_picture_new (find_picture_kind (scene->picture), scene->seed);
  for (guint i = 0; i < SCENE_FRAMES; i++) {
    demo_camera_shoot (picture, views[i], frame);
    demo_film_add (film, frame);
  }
  cairo_surface_destroy (picture);
  return TRUE;
}

static gboolean
shoot_tour (const gchar *path, guint32 seed, GError **error)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (seed);
  DemoFilm *film = demo_film_new (path, WIDTH, HEIGHT, KBIT_PER_SECOND, error);
  cairo_surface_t *frame;
  gboolean good = TRUE;

  if (!film)
    return FALSE;
  frame = cairo_image_surface_create (CAIRO_FORMAT_RGB24, WIDTH, HEIGHT);
  for (guint i = 0; good && i < G_N_ELEMENTS (scenes); i++)
    good = shoot_scene (&scenes[i], rand, film, frame, error);
  cairo_surface_destroy (frame);
  return demo_film_close (film, good ? error : NULL) && good;
}

/* Writes a group for each motion, in order: `start` and `end` in frames, `motion`, `picture`. */
static gboolean
write_key (const gchar *path, GError **error)
{
  g_autoptr (GKeyFile) key = g_key_file_new ();

  for (guint i = 0; i < G_N_ELEMENTS (scenes) * MOTIONS_PER_SCENE; i++) {
    const Scene *scene = &scenes[i / MOTIONS_PER_SCENE];
    g_autofree gchar *group = g_strdup_printf ("motion %02u", i + 1);

    g_key_file_set_integer (key, group, "start", i * FRAMES);
    g_key_file_set_integer (key, group, "end", (i + 1) * FRAMES);
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
  const GOptionEntry options[] = {
      {"seed", 's', 0, G_OPTION_ARG_INT, &seed, "Seed of every random choice", "N"}, {NULL}};
  g_autoptr (GOptionContext) context = g_option_context_new ("FILM KEY");
  g_autoptr (GError) error = NULL;

  g_option_context_set_summary (
      context, "Films a tour of a virtual camera into FILM, and writes its motions into KEY.");
  g_option_context_add_main_entries (context, options, NULL);
  g_option_context_add_group (context, gst_init_get_option_group ());
  if (!g_option_context_parse (context, &argc, &argv, &error) || argc != 3) {
    g_printerr ("demo-tour: %s\n",
        error ? error->message : "expected FILM and KEY; --help lists the options");
    return 2;
  }
  if (!shoot_tour (argv[1], seed, &error) || !write_key (argv[2], &error)) {
    g_printerr ("demo-tour: %s: %s\n", argv[1], error->message);
    return 1;
  }
  return 0;
}
