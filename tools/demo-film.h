/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Frames to a video file: VP8 in WebM. */
#pragma once
#include <cairo.h>
#include <gst/gst.h>

typedef struct _DemoFilm DemoFilm;

/* Returns: (transfer full): a film of that size into the file at @path, or NULL and @error. */
DemoFilm *demo_film_new (
    const gchar *path, guint width, guint height, guint kbit_per_second, GError **error);

/* Appends a frame, an RGB24 surface of the film's size. */
void demo_film_add (DemoFilm *film, cairo_surface_t *frame);

/* Writes the rest and frees @film. FALSE and @error when any of it failed. */
gboolean demo_film_close (DemoFilm *film, GError **error);
