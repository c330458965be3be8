/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Writes the detections of films of the stage, without pictures, for training. */
#include "demo-stage.h"
#include <stdio.h>

/* A record of the file, in the byte order of the machine */
typedef struct {
  gint32 film, frame, figure, action;
  gint32 x, y, width, height; /* in pixels */
} Record;

static gboolean
write_film (FILE *file, guint32 seed, gint film, gint n_frames)
{
  DemoStage *stage = demo_stage_new (seed);
  gboolean good = TRUE;

  for (gint frame = 0; frame < n_frames; frame++) {
    guint n;
    const DemoDetection *detections = demo_stage_step (stage, &n);

    for (guint i = 0; i < n; i++) {
      const DemoDetection *d = &detections[i];
      const Record record = {
          film, frame, (gint32) d->figure, (gint32) d->action, d->x, d->y, d->width, d->height};

      good = good && fwrite (&record, sizeof record, 1, file) == 1;
    }
  }
  demo_stage_free (stage);
  return good;
}

static gboolean
write_films (const gchar *path, gint seed, gint n_films, gint n_frames)
{
  FILE *file = fopen (path, "wb");
  gboolean good = file != NULL;

  for (gint film = 0; good && film < n_films; film++)
    good = write_film (file, (guint32) (seed + film), film, n_frames);
  return file && fclose (file) == 0 && good;
}

int
main (int argc, char **argv)
{
  gint seed = 1, n_films = 1, n_frames = 900;
  const GOptionEntry options[] = {
      {"seed", 's', 0, G_OPTION_ARG_INT, &seed, "Seed of the first film (default 1)", "N"},
      {"films", 0, 0, G_OPTION_ARG_INT, &n_films, "Number of films (default 1)", "N"},
      {"frames", 0, 0, G_OPTION_ARG_INT, &n_frames, "Frames of a film (default 900)", "N"},
      {NULL}};
  g_autoptr (GOptionContext) context = g_option_context_new ("FILE");
  g_autoptr (GError) error = NULL;

  g_option_context_set_summary (context, "Writes the detections of films to FILE: film, frame, "
                                         "figure, action, x, y, width, height; "
                                         "int32.");
  g_option_context_add_main_entries (context, options, NULL);
  if (!g_option_context_parse (context, &argc, &argv, &error) || argc != 2) {
    g_printerr (
        "demo-boxes: %s\n", error ? error->message : "expected FILE; --help lists the options");
    return 2;
  }
  if (!write_films (argv[1], seed, n_films, n_frames)) {
    g_printerr ("demo-boxes: %s: cannot be written\n", argv[1]);
    return 1;
  }
  return 0;
}
