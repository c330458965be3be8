/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Films the clips that the demo scores: the same number of clips for each motion, over pictures of
 * every kind. A clip's motion is drawn at random after everything else about the clip, so neither
 * its name, its length, its picture nor its last frame reveals the motion. */
#include "demo-camera.h"
#include "demo-film.h"
#include "demo-pictures.h"
#include <errno.h>
#include <math.h>

#define WIDTH 320
#define HEIGHT 240
#define FRAMES 40
#define KBIT_PER_SECOND 900
#define PICTURES_PER_KIND 2
#define SLOWEST_PAN 0.01 /* of the frame's width, per frame */
#define FASTEST_PAN 0.04
#define SLOWEST_ZOOM 0.012
#define FASTEST_ZOOM 0.03
#define NARROWEST_VIEW 400. /* of the picture's pixels, at the last frame */
#define WIDEST_VIEW 1000.

typedef struct {
  const gchar *directory;
  guint32 seed;
  guint n_clips;
  guint *motion;  /* [n_clips] */
  guint *picture; /* [n_clips] */
  GMutex lock;
  GError *error; /* the first error; protected by the lock */
} Shooting;

/* Returns: (transfer full): the numbers 0 … n − 1, each modulo @classes, in random order */
static guint *
shuffle_classes (GRand *rand, guint n, guint classes)
{
  guint *order = g_new (guint, n);

  for (guint i = 0; i < n; i++) {
    guint j = g_rand_int_range (rand, 0, i + 1);

    order[i] = order[j];
    order[j] = i % classes;
  }
  return order;
}

static gchar *
get_clip_name (guint clip)
{
  return g_strdup_printf ("clip-%03u.webm", clip);
}

/* Returns a value between @low and @high for @t in 0 … 1. Equal ratios are equally likely. */
static gdouble
interpolate_ratio (gdouble low, gdouble high, gdouble t)
{
  return low * pow (high / low, t);
}

static void
compute_path (
    const DemoHand *hand, DemoMotion motion, gdouble speed, DemoView last, DemoView *views)
{
  DemoMove moves[FRAMES];

  for (guint i = 0; i < FRAMES; i++)
    moves[i] = demo_move (motion, interpolate_ratio (SLOWEST_PAN, FASTEST_PAN, speed),
        interpolate_ratio (SLOWEST_ZOOM, FASTEST_ZOOM, speed));
  demo_camera_path (hand, moves, FRAMES, last, views);
}

/* Draws hand, speed and last view at random until every motion would stay inside the picture. The
 * motion of the clip alone would not suffice, because then the last view would hint at the
 * motion. */
static void
choose_path (GRand *rand, DemoMotion motion, DemoView *views)
{
  DemoHand hand;
  DemoView last;
  gdouble speed;
  guint m;

  do {
    demo_hand_init (&hand, rand);
    speed = g_rand_double (rand);
    last.width = interpolate_ratio (NARROWEST_VIEW, WIDEST_VIEW, g_rand_double (rand));
    last.x = g_rand_double_range (rand, 0, DEMO_PICTURE_WIDTH);
    last.y = g_rand_double_range (rand, 0, DEMO_PICTURE_HEIGHT);
    for (m = 0; m < DEMO_N_MOTIONS; m++) {
      compute_path (&hand, m, speed, last, views);
      if (!demo_camera_inside (views, FRAMES))
        break;
    }
  } while (m < DEMO_N_MOTIONS);
  compute_path (&hand, motion, speed, last, views);
}

static gboolean
shoot_clip (Shooting *shooting, guint clip, cairo_surface_t *picture, GError **error)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (shooting->seed * 7919 + clip);
  g_autofree gchar *name = get_clip_name (clip);
  g_autofree gchar *path = g_build_filename (shooting->directory, name, NULL);
  DemoFilm *film = demo_film_new (path, WIDTH, HEIGHT, KBIT_PER_SECOND, error);
  cairo_surface_t *frame;
  DemoView views[FRAMES];

  if (!film)
    return FALSE;
  frame = cairo_image_surface_create (CAIRO_FORMAT_RGB24, WIDTH, HEIGHT);
  choose_path (rand, shooting->motion[clip], views);
  for (guint i = 0; i < FRAMES; i++) {
    demo_camera_shoot (picture, views[i], frame);
    demo_film_add (film, frame);
  }
  cairo_surface_destroy (frame);
  return demo_film_close (film, error);
}

/* Films all clips over one picture, in a thread. */
static void
shoot_picture (gpointer number, gpointer user_data)
{
  Shooting *shooting = user_data;
  guint index = GPOINTER_TO_UINT (number) - 1, kinds = demo_picture_kinds ();
  cairo_surface_t *picture = demo_picture_new (index % kinds, shooting->seed + index / kinds);

  for (guint clip = 0; clip < shooting->n_clips; clip++) {
    GError *error = NULL;

    if (shooting->picture[clip] == index && !shoot_clip (shooting, clip, picture, &error)) {
      g_mutex_lock (&shooting->lock);
      if (shooting->error)
        g_error_free (error);
      else
        shooting->error = error;
      g_mutex_unlock (&shooting->lock);
    }
  }
  cairo_surface_destroy (picture);
}

/* Writes the key file, which only demo-score reads. */
static gboolean
write_truth (const Shooting *shooting, GError **error)
{
  g_autoptr (GKeyFile) truth = g_key_file_new ();
  g_autofree gchar *path = g_build_filename (shooting->directory, "truth.txt", NULL);

  for (guint i = 0; i < shooting->n_clips; i++) {
    g_autofree gchar *clip = get_clip_name (i);

    g_key_file_set_string (truth, clip, "motion", demo_motion_name (shooting->motion[i]));
    g_key_file_set_string (truth, clip, "picture",
        demo_picture_name (shooting->picture[i] % demo_picture_kinds ()));
  }
  return g_key_file_save_to_file (truth, path, error);
}

static gboolean
shoot_clips (Shooting *shooting, guint per_motion, GError **error)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (shooting->seed);
  guint n_pictures = demo_picture_kinds () * PICTURES_PER_KIND;
  GThreadPool *pool;

  shooting->n_clips = per_motion * DEMO_N_MOTIONS;
  shooting->motion = shuffle_classes (rand, shooting->n_clips, DEMO_N_MOTIONS);
  shooting->picture = shuffle_classes (rand, shooting->n_clips, n_pictures);
  g_mutex_init (&shooting->lock);
  pool = g_thread_pool_new (shoot_picture, shooting, g_get_num_processors (), FALSE, NULL);
  for (guint i = 0; i < n_pictures; i++)
    g_thread_pool_push (pool, GUINT_TO_POINTER (i + 1), NULL);
  g_thread_pool_free (pool, FALSE, TRUE);
  g_mutex_clear (&shooting->lock);
  if (shooting->error)
    g_propagate_error (error, shooting->error);
  else
    write_truth (shooting, &shooting->error);
  g_free (shooting->motion);
  g_free (shooting->picture);
  return !shooting->error;
}

int
main (int argc, char **argv)
{
  gint per_motion = 20, seed = 1;
  const GOptionEntry options[] = {
      {"per-motion", 'n', 0, G_OPTION_ARG_INT, &per_motion, "Clips of each motion", "N"},
      {"seed", 's', 0, G_OPTION_ARG_INT, &seed, "Seed of every random choice", "N"}, {NULL}};
  g_autoptr (GOptionContext) context = g_option_context_new ("DIRECTORY");
  g_autoptr (GError) error = NULL;
  Shooting shooting = {NULL};

  g_option_context_set_summary (context, "Films clips of a virtual camera into DIRECTORY.");
  g_option_context_add_main_entries (context, options, NULL);
  g_option_context_add_group (context, gst_init_get_option_group ());
  if (!g_option_context_parse (context, &argc, &argv, &error) || argc != 2) {
    g_printerr ("demo-clips: %s\n",
        error ? error->message : "expected one DIRECTORY; --help lists the options");
    return 2;
  }
  shooting.directory = argv[1];
  shooting.seed = seed;
  if (g_mkdir_with_parents (argv[1], 0777) < 0
      || !shoot_clips (&shooting, per_motion, &error)) {
    g_printerr ("demo-clips: %s: %s\n", argv[1], error ? error->message : g_strerror (errno));
    return 1;
  }
  return 0;
}
